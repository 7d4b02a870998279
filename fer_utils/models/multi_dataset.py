"""The networks of the five-dataset paper: VGG16, InceptionResNetV2, one as large as its Light VGG, and its custom one."""

from __future__ import annotations

from typing import Literal

import keras
from keras import layers

from fer_utils.models import pretrained
from fer_utils.models.augmentation import Precision, Trainable, augmented_input, dense_head, freeze

RANGES = {"shift": 0.1, "zoom": 0.1, "blur_pixels": 1.0, "noise": 0.02}  # ours; the paper names the kinds only


def vgg16_512(
    classes: int = 8,
    side_pixels: int = 224,
    channels: int = 3,
    weights: str = "none",
    trainable: Trainable = "all",
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """VGG16 of the five-dataset paper (RaFD, Fig. 8): 15,244,104 parameters for 8 classes, printed as 15.244 M.

    The printed count leaves global average pooling and dense layers of 512, 512 and 8. Input and output as `vgg16_linear`.
    """
    inputs, images = augmented_input(side_pixels, channels, augmentation_strength, seed, **RANGES)
    base = pretrained.base("VGG16", pretrained.vgg16_scaling(images), weights, precision, None if trainable == "all" else seed)
    freeze(base, trainable)
    features = layers.GlobalAveragePooling2D(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, dense_head(features, (512, 512), classes, precision, seed), name="vgg16_512")


def inception_resnet_v2(
    classes: int = 7,
    side_pixels: int = 224,
    channels: int = 3,
    weights: str = "none",
    trainable: Literal["head", "all"] = "all",
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """InceptionResNetV2 of the five-dataset paper (SFEW and AM-FED+, Fig. 9): 56,568,551 parameters, printed as 56.568 M.

    The printed count leaves global average pooling and dense layers of 1024, 512, 256 and 7. Input and output as
    `vgg16_linear`, at least 75 pixels.
    """
    inputs, images = augmented_input(side_pixels, channels, augmentation_strength, seed, **RANGES)
    scaled = layers.Rescaling(2.0, offset=-1.0, dtype="float32")(pretrained.in_colour(images))
    base = pretrained.base("InceptionResNetV2", scaled, weights, precision, None if trainable == "all" else seed)
    freeze(base, trainable)
    features = layers.GlobalAveragePooling2D(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, dense_head(features, (1024, 512, 256), classes, precision, seed), name="inception_resnet_v2")


def light_vgg(
    classes: int = 7,
    side_pixels: int = 100,
    channels: int = 3,
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """A network as large as "Light VGG" of the five-dataset paper (RAF-DB, Fig. 10): 5,390,663 parameters.

    The paper prints 5.391 M and no layers, which does not identify its network: this is one of several of that size.
    Input (side_pixels, side_pixels, channels) uint8, at least 16 pixels, output `classes` probabilities in float32.
    """
    policy = keras.DTypePolicy(precision)
    inputs, maps = augmented_input(side_pixels, channels, augmentation_strength, seed, **RANGES)
    for block in ((32,), (64,), (128, 128), (256,)):
        for filters in block:
            maps = layers.Conv2D(filters, 3, padding="same", dtype=policy)(maps)
            maps = layers.ReLU(dtype=policy)(layers.BatchNormalization(momentum=0.9, dtype=policy)(maps))
        maps = layers.MaxPooling2D(2, dtype=policy)(maps)
    features = layers.Flatten(dtype=policy)(maps)
    return keras.Model(inputs, dense_head(features, (512, 256), classes, precision, seed), name="light_vgg")


def kdef_cnn(
    classes: int = 6,
    side_pixels: int = 224,
    channels: int = 3,
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """The "custom model, 5 layers" of the five-dataset paper (KDEF, Fig. 6): 99,142,630 parameters, printed as 99.143 M.

    The count leaves three convolutions of 16 filters, the last one valid, two poolings and dense layers of 2048 and 6.
    Input (side_pixels, side_pixels, channels) uint8, at least 8 pixels, output `classes` probabilities in float32.
    """
    policy = keras.DTypePolicy(precision)
    inputs, maps = augmented_input(side_pixels, channels, augmentation_strength, seed, **RANGES)
    maps = layers.Conv2D(16, 3, padding="same", activation="relu", dtype=policy)(maps)
    maps = layers.MaxPooling2D(2, dtype=policy)(maps)
    maps = layers.Conv2D(16, 3, padding="same", activation="relu", dtype=policy)(maps)
    maps = layers.Conv2D(16, 3, activation="relu", dtype=policy)(maps)
    features = layers.Flatten(dtype=policy)(layers.MaxPooling2D(2, dtype=policy)(maps))
    return keras.Model(inputs, dense_head(features, (2048,), classes, precision, seed), name="kdef_cnn")
