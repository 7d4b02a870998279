"""The networks of the papers, one builder each. Rescaling and augmentation are layers of the model, so its input
is uint8 as the dataset reads it; augmentation is off at inference and computes in float32 under every precision.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from fer_utils.results import asset

Precision = Literal["float32", "mixed_bfloat16"]
PixelRange = Literal["minus_one_to_one", "zero_to_one"]
Initializer = Literal["glorot_uniform", "he_normal"]

RESCALING = {"minus_one_to_one": {"scale": 1 / 127.5, "offset": -1.0}, "zero_to_one": {"scale": 1 / 255, "offset": 0.0}}


def augmentation(strength: float, seed: int, shift: float = 0.2, zoom: float = 0.2, degrees: float = 10.0) -> keras.Sequential:
    """Random shift and zoom (fractions of the side), rotation and horizontal flip, active in training only.

    `strength` scales the ranges (1: as given, 0: no augmentation). What enters from outside is the reflected image, the
    default of the Keras layers that the papers' tables show.
    """
    steps: list[layers.Layer] = [layers.Identity(dtype="float32")]
    if strength > 0:
        shift, zoom, turn = strength * shift, strength * zoom, strength * degrees / 360
        steps = [
            layers.RandomTranslation(shift, shift, dtype="float32", seed=seed + 1),
            layers.RandomZoom((-zoom, zoom), dtype="float32", seed=seed + 2),
            layers.RandomRotation(turn, dtype="float32", seed=seed + 3),
            layers.RandomFlip("horizontal", dtype="float32", seed=seed + 4),
        ]
    for step in steps:  # Keras marks these as unfit for XLA, which holds for TensorFlow only; JAX needs XLA for speed
        step.supports_jit = keras.backend.backend() == "jax"
    return keras.Sequential(steps, name="augmentation")


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
    classes: int = 7, side_pixels: int = 72, channels: int = 1, precision: Precision = "mixed_bfloat16", seed: int = 0
) -> keras.Model:
    """A network of our own for experiments on protocols: each image brought to mean 0 and deviation 1, four
    convolutions with batch norm, one dense layer.

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


BUILDERS = {"fer2013_cnn": fer2013_cnn, "small_cnn": small_cnn}


def build(network: str, **options: object) -> keras.Model:
    """Build a network by name. Raises ValueError naming the networks there are."""
    if network not in BUILDERS:
        raise ValueError(f"no network {network!r}; there are {', '.join(sorted(BUILDERS))}")
    return BUILDERS[network](**options)


def published(network: str) -> keras.Model:
    """The network with the weights that the book publishes (`book/models/NETWORK.weights.h5`, see its model card).

    Raises FileNotFoundError where the installation has none.
    """
    model = build(network)
    model.load_weights(asset(f"models/{network}.weights.h5"))
    return model


def layer_table(model: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    """(kind, output shape without the batch axis, parameters) per layer, for comparison with a printed table."""
    return [(type(layer).__name__, tuple(layer.output.shape[1:]), layer.count_params()) for layer in model.layers]
