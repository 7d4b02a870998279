"""The network of the FER2013 paper, and a small one of our own for experiments on protocols."""

from __future__ import annotations

import keras
from keras import layers

from fer_utils.models.augmentation import RESCALING, Initializer, PixelRange, Precision, augmentation


def fer2013_cnn(
    classes: int = 7,
    pixel_range: PixelRange = "minus_one_to_one",
    initializer: Initializer = "glorot_uniform",
    dropout: tuple[float, float, float] = (0.25, 0.25, 0.5),
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """The network of the FER2013 paper (its layer table, Sec. 3.2 II): 879,623 parameters for 7 classes.

    Input (48, 48, 1) uint8, output `classes` probabilities in float32. The table prints 18 x 18 x 128 for its fifth
    convolution; a valid 3 x 3 convolution of 18 x 18 gives 16 x 16, which is also what the next row needs.
    The paper does not state the dropout rates, the pixel range or the initialiser.
    """
    policy = keras.DTypePolicy(precision)

    def convolution(filters: int) -> layers.Layer:
        return layers.Conv2D(filters, 3, activation="relu", kernel_initializer=initializer, dtype=policy)

    return keras.Sequential(
        [
            keras.Input((48, 48, 1), dtype="uint8"),
            layers.Rescaling(**RESCALING[pixel_range], dtype="float32"),
            augmentation(augmentation_strength, seed),
            convolution(32),
            convolution(64),
            layers.MaxPooling2D(2, dtype=policy),
            layers.Dropout(dropout[0], seed=seed + 5, dtype=policy),
            convolution(64),
            convolution(64),
            convolution(128),
            layers.MaxPooling2D(2, dtype=policy),
            convolution(128),
            convolution(256),
            layers.MaxPooling2D(2, dtype=policy),
            layers.MaxPooling2D(2, dtype=policy),
            layers.Dropout(dropout[1], seed=seed + 6, dtype=policy),
            layers.Flatten(dtype=policy),
            layers.Dense(1024, activation="relu", kernel_initializer=initializer, dtype=policy),
            layers.Dropout(dropout[2], seed=seed + 7, dtype=policy),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name="fer2013_cnn",
    )


def small_cnn(
    classes: int = 7, side_pixels: int = 72, channels: int = 1, precision: Precision = "float32", seed: int = 0
) -> keras.Model:
    """A network of our own for experiments on protocols.

    Each image is brought to mean 0 and deviation 1; four convolutions with batch norm, one dense layer.

    Input (side_pixels, side_pixels, channels) uint8, output `classes` probabilities. Fast and good enough to show an effect.
    """
    policy = keras.DTypePolicy(precision)

    def block(filters: int, strides: int, pool: bool) -> list[layers.Layer]:
        convolution = layers.Conv2D(
            filters, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal", dtype=policy
        )
        steps = [convolution, layers.BatchNormalization(momentum=0.9, dtype=policy), layers.ReLU(dtype=policy)]
        return [*steps, layers.MaxPooling2D(2, dtype=policy)] if pool else steps

    return keras.Sequential(
        [
            keras.Input((side_pixels, side_pixels, channels), dtype="uint8"),
            layers.Rescaling(**RESCALING["minus_one_to_one"], dtype="float32"),
            layers.LayerNormalization(axis=[1, 2, 3], center=False, scale=False, epsilon=1e-3, dtype="float32"),
            augmentation(0.25, seed),
            *block(32, strides=2, pool=False),
            *block(64, strides=1, pool=True),
            *block(128, strides=1, pool=True),
            *block(256, strides=1, pool=True),
            layers.Flatten(dtype=policy),
            layers.Dropout(0.5, seed=seed + 5, dtype=policy),
            layers.Dense(classes, activation="softmax", dtype="float32"),
        ],
        name="small_cnn",
    )
