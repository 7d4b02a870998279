"""The networks of the papers, one builder each. Rescaling and augmentation are layers of the model, so its input
is uint8 as the dataset reads it; augmentation is off at inference and computes in float32 under every precision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Literal

import keras
from keras import layers, ops

from fer_utils import pretrained
from fer_utils.c3d import c3d, frame_cnn
from fer_utils.center_loss import mobilenet_center_loss
from fer_utils.results import asset

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every second network; its import resets this

Precision = Literal["float32", "mixed_bfloat16"]
PixelRange = Literal["minus_one_to_one", "zero_to_one"]
Initializer = Literal["glorot_uniform", "he_normal"]
Trainable = Literal["head", "last_block", "all"]

RESCALING = {"minus_one_to_one": {"scale": 1 / 127.5, "offset": -1.0}, "zero_to_one": {"scale": 1 / 255, "offset": 0.0}}
FIVE_DATASET_RANGES = {"shift": 0.1, "zoom": 0.1, "blur_pixels": 1.0, "noise": 0.02}  # ours; the paper names the kinds only


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


def _augmented_input(
    side_pixels: int, channels: int, strength: float, seed: int, **ranges: float
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """An input of uint8 images, and the augmented images as float32 from 0 to 1."""
    inputs = keras.Input((side_pixels, side_pixels, channels), dtype="uint8")
    return inputs, augmentation(strength, seed, **ranges)(layers.Rescaling(**RESCALING["zero_to_one"], dtype="float32")(inputs))


def _dense_head(
    features: keras.KerasTensor, units: tuple[int, ...], classes: int, precision: Precision, seed: int
) -> keras.KerasTensor:
    """Dense layers of the given units, each followed by dropout of one half, and the softmax layer."""
    policy = keras.DTypePolicy(precision)
    for position, width in enumerate(units):
        features = layers.Dense(width, activation="relu", dtype=policy)(features)
        features = layers.Dropout(0.5, seed=seed + 5 + position, dtype=policy)(features)
    return layers.Dense(classes, activation="softmax", dtype="float32")(features)


def _freeze(base: keras.Model, trainable: Trainable) -> None:
    """Train all of a base, its fifth block (VGG16) or nothing of it."""
    for layer in base.layers:
        layer.trainable = trainable == "all" or (trainable == "last_block" and layer.name.startswith("block5"))


def vgg16_linear(
    classes: int = 6,
    side_pixels: int = 224,
    channels: int = 3,
    weights: str = "none",
    trainable: Trainable = "head",
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> keras.Model:
    """The network of the BP4D paper (its listing, Sec. 2.2): VGG16, flattened, and one softmax layer.

    14,714,688 parameters in the base and, for 6 classes at 224 pixels, 150,534 in the head, which alone is trained. Input
    (side_pixels, side_pixels, channels) uint8, at least 32 pixels, output `classes` probabilities in float32; `weights` as
    in `pretrained`. Random weights that are not all trained depend on `seed` only, so they are the same for every training.
    The paper names augmentation without ranges; ours are 10 degrees, 10 % shift, 10 % zoom and the horizontal flip.
    """
    inputs, images = _augmented_input(side_pixels, channels, augmentation_strength, seed, shift=0.1, zoom=0.1)
    base_seed = None if trainable == "all" else seed
    base = pretrained.base("VGG16", pretrained.vgg16_scaling(images), weights, precision, base_seed)
    _freeze(base, trainable)
    features = layers.Flatten(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, _dense_head(features, (), classes, precision, seed), name="vgg16_linear")


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
    inputs, images = _augmented_input(side_pixels, channels, augmentation_strength, seed, **FIVE_DATASET_RANGES)
    base = pretrained.base("VGG16", pretrained.vgg16_scaling(images), weights, precision, None if trainable == "all" else seed)
    _freeze(base, trainable)
    features = layers.GlobalAveragePooling2D(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, _dense_head(features, (512, 512), classes, precision, seed), name="vgg16_512")


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
    inputs, images = _augmented_input(side_pixels, channels, augmentation_strength, seed, **FIVE_DATASET_RANGES)
    scaled = layers.Rescaling(2.0, offset=-1.0, dtype="float32")(pretrained.in_colour(images))
    base = pretrained.base("InceptionResNetV2", scaled, weights, precision, None if trainable == "all" else seed)
    _freeze(base, trainable)
    features = layers.GlobalAveragePooling2D(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, _dense_head(features, (1024, 512, 256), classes, precision, seed), name="inception_resnet_v2")


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
    inputs, maps = _augmented_input(side_pixels, channels, augmentation_strength, seed, **FIVE_DATASET_RANGES)
    for block in ((32,), (64,), (128, 128), (256,)):
        for filters in block:
            maps = layers.Conv2D(filters, 3, padding="same", dtype=policy)(maps)
            maps = layers.ReLU(dtype=policy)(layers.BatchNormalization(momentum=0.9, dtype=policy)(maps))
        maps = layers.MaxPooling2D(2, dtype=policy)(maps)
    features = layers.Flatten(dtype=policy)(maps)
    return keras.Model(inputs, _dense_head(features, (512, 256), classes, precision, seed), name="light_vgg")


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
    inputs, maps = _augmented_input(side_pixels, channels, augmentation_strength, seed, **FIVE_DATASET_RANGES)
    maps = layers.Conv2D(16, 3, padding="same", activation="relu", dtype=policy)(maps)
    maps = layers.MaxPooling2D(2, dtype=policy)(maps)
    maps = layers.Conv2D(16, 3, padding="same", activation="relu", dtype=policy)(maps)
    maps = layers.Conv2D(16, 3, activation="relu", dtype=policy)(maps)
    features = layers.Flatten(dtype=policy)(layers.MaxPooling2D(2, dtype=policy)(maps))
    return keras.Model(inputs, _dense_head(features, (2048,), classes, precision, seed), name="kdef_cnn")


def fer2013_features(classes: int = 7, channels: int = 3, seed: int = 0) -> keras.Model:
    """A softmax layer on what the network that this book trained on FER2013 makes of a face: for comparisons that need
    many trainings. Input (48, 48, channels) uint8, colour made grey as FER2013 is; only the softmax layer is trained.
    """
    trained = published("fer2013_cnn")
    trained.trainable = False
    inputs = keras.Input((48, 48, channels), dtype="uint8")
    maps = ops.image.rgb_to_grayscale(ops.cast(inputs, "float32")) if channels == 3 else inputs
    dense = [layer for layer in trained.layers if isinstance(layer, layers.Dense)]
    for layer in trained.layers[: trained.layers.index(dense[0]) + 1]:
        if not isinstance(layer, layers.Dropout | keras.Sequential):
            maps = layer(maps)
    return keras.Model(inputs, _dense_head(maps, (), classes, "float32", seed), name="fer2013_features")


BUILDERS: dict[str, Callable[..., keras.Model]] = {
    builder.__name__: builder
    for builder in (
        fer2013_cnn,
        small_cnn,
        vgg16_linear,
        vgg16_512,
        inception_resnet_v2,
        light_vgg,
        kdef_cnn,
        fer2013_features,
        c3d,
        frame_cnn,
        mobilenet_center_loss,
    )
}

WITH_BASE = {"vgg16_linear", "vgg16_512", "inception_resnet_v2", "fer2013_features"}  # whose first layers may be frozen


def build(network: str, **options: Any) -> keras.Model:
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
