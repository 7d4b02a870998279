"""Parts that the papers' networks share: rescaling and augmentation as layers, dense heads, frozen bases.

The input is uint8 as the dataset reads it; augmentation is off at inference and computes in float32 under every precision.
"""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

Precision = Literal["float32", "mixed_bfloat16"]
PixelRange = Literal["minus_one_to_one", "zero_to_one"]
Initializer = Literal["glorot_uniform", "he_normal"]
Trainable = Literal["head", "last_block", "all"]

RESCALING = {"minus_one_to_one": {"scale": 1 / 127.5, "offset": -1.0}, "zero_to_one": {"scale": 1 / 255, "offset": 0.0}}


def augmentation(
    strength: float,
    seed: int,
    shift: float = 0.2,
    zoom: float = 0.2,
    degrees: float = 10.0,
    blur_pixels: float = 0.0,
    noise: float = 0.0,
) -> keras.Sequential:
    """Random shift and zoom (fractions of the side), rotation and horizontal flip, active in training only.

    `strength` scales the ranges (1: as given, 0: no augmentation). What enters from outside is the reflected image, the
    default of the Keras layers that the papers' tables show. `blur_pixels` (at most 1) is the largest deviation by which
    half of the images, of values from 0 to 1, are blurred; `noise` is the standard deviation of what each value gains.
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
    if strength * blur_pixels > 0:
        blur = {"sigma": strength * blur_pixels, "value_range": (0, 1), "dtype": "float32", "seed": seed + 8}
        steps.append(layers.RandomGaussianBlur((0.5, 0.5), **blur))
    if strength * noise > 0:
        steps.append(layers.GaussianNoise(strength * noise, dtype="float32", seed=seed + 9))
    for step in steps:  # Keras marks these as unfit for XLA, which holds for TensorFlow only; JAX needs XLA for speed
        step.supports_jit = keras.backend.backend() == "jax"
    return keras.Sequential(steps, name="augmentation")


def augmented_input(
    side_pixels: int, channels: int, strength: float, seed: int, **ranges: float
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """An input of uint8 images, and the augmented images as float32 from 0 to 1."""
    inputs = keras.Input((side_pixels, side_pixels, channels), dtype="uint8")
    return inputs, augmentation(strength, seed, **ranges)(layers.Rescaling(**RESCALING["zero_to_one"], dtype="float32")(inputs))


def dense_head(
    features: keras.KerasTensor, units: tuple[int, ...], classes: int, precision: Precision, seed: int
) -> keras.KerasTensor:
    """Dense layers of the given units, each followed by dropout of one half, and the softmax layer."""
    policy = keras.DTypePolicy(precision)
    for position, width in enumerate(units):
        features = layers.Dense(width, activation="relu", dtype=policy)(features)
        features = layers.Dropout(0.5, seed=seed + 5 + position, dtype=policy)(features)
    return layers.Dense(classes, activation="softmax", dtype="float32")(features)


def freeze(base: keras.Model, trainable: Trainable) -> None:
    """Train all of a base, its fifth block (VGG16) or nothing of it."""
    for layer in base.layers:
        layer.trainable = trainable == "all" or (trainable == "last_block" and layer.name.startswith("block5"))
