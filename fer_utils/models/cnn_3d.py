"""The networks of the 3D-CNN paper (Haddad, Lezoray and Hamel 2020).

C3D (Tran et al. 2015) with batch norm, and as a baseline the same in two dimensions on the last frame. Both take clips, uint8
(n, frames, height, width, channels), grey or colour.
"""

from __future__ import annotations

from typing import Literal, get_args

import keras
from keras import layers, ops

from fer_utils.models.augmentation import RESCALING, PixelRange, Precision
from fer_utils.models.pretrained import in_colour

Activation = Literal["relu", "elu", "prelu", "leaky_relu", "mish"]
Pooling = Literal["average", "max"]
Initializer = Literal["glorot_uniform", "glorot_normal"]

GROUPS = ((64,), (128,), (256, 256), (512, 512), (512, 512))  # filters of the convolutions before each pooling
POOLS = (  # size and stride (frames, height, width)
    ((1, 2, 2), (1, 2, 2)),
    ((2, 2, 2), (2, 2, 2)),
    ((2, 2, 2), (2, 2, 2)),
    ((2, 2, 2), (2, 2, 2)),
    ((1, 2, 2), (2, 2, 2)),
)
DENSE_UNITS = (4096, 4096)
FEWEST_FRAMES, SMALLEST_SIDE_PIXELS = 8, 16  # what the poolings before the last one leave one of
BATCH_NORM = {"momentum": 0.9, "epsilon": 1e-5}  # PyTorch's 0.1, which is the paper's, and PyTorch's epsilon


def c3d(
    classes: int = 7,
    frames: int = 10,
    side_pixels: int = 112,
    channels: int = 3,
    width: float = 1.0,
    temporal_kernel: int = 3,
    activation: Activation = "relu",
    pooling: Pooling = "average",
    initializer: Initializer = "glorot_uniform",
    second_convolution: bool = False,
    dropout: float = 0.2511,
    pixel_range: PixelRange = "zero_to_one",
    precision: Precision = "float32",
    seed: int = 0,
) -> keras.Model:
    """The network whose options the paper searches (Sec. 3, Table 1), as found for CK+ (Table 2).

    It has 78,029,959 trainable parameters for 7 classes. `second_convolution`, one more in the first two groups, adds 553,536.

    Input (frames, side_pixels, side_pixels, channels) uint8, output `classes` probabilities in float32. `width` scales
    filters and dense units, rounded, at least 1. Raises ValueError for fewer than 8 frames or 16 pixels, an even
    `temporal_kernel`, a width of 0 and options that are not listed.

    The text does not print the numbers of filters; C3D's fit the printed shapes. Our choices: convolution, batch norm,
    activation, and dropout after both dense layers. What is printed is read as in PyTorch: the batch norm; PReLU with one
    parameter per layer, at first 0.25; leaky ReLU of slope 0.01; and the last pooling's padding, zeros for an average and
    no value for a maximum.
    """
    if temporal_kernel < 1 or temporal_kernel % 2 == 0:
        raise ValueError(f"temporal_kernel {temporal_kernel}, expected an odd number of frames")
    if frames < FEWEST_FRAMES:
        raise ValueError(f"frames {frames}, expected at least {FEWEST_FRAMES}: three poolings halve their number")
    inputs = _clips(frames, side_pixels, channels)
    probabilities = _probabilities(
        inputs, (temporal_kernel, 3, 3), classes, width, activation, pooling, initializer, second_convolution, dropout,
        pixel_range, precision, seed,
    )  # fmt: skip
    return keras.Model(inputs, probabilities, name="c3d")


def frame_cnn(
    classes: int = 7,
    frames: int = 10,
    side_pixels: int = 112,
    channels: int = 3,
    width: float = 1.0,
    activation: Activation = "relu",
    pooling: Pooling = "average",
    initializer: Initializer = "glorot_uniform",
    second_convolution: bool = False,
    dropout: float = 0.2511,
    pixel_range: PixelRange = "zero_to_one",
    precision: Precision = "float32",
    seed: int = 0,
) -> keras.Model:
    """A baseline of our own for what time adds: `c3d` without its temporal axis, on the last frame of a clip.

    Options, input, output and errors as `c3d`, but any number of frames; 59,594,503 trainable parameters for 7 classes.
    """
    inputs = _clips(frames, side_pixels, channels)
    probabilities = _probabilities(
        inputs[:, -1], (3, 3), classes, width, activation, pooling, initializer, second_convolution, dropout,
        pixel_range, precision, seed,
    )  # fmt: skip
    return keras.Model(inputs, probabilities, name="frame_cnn")


def _clips(frames: int, side_pixels: int, channels: int) -> keras.KerasTensor:
    if side_pixels < SMALLEST_SIDE_PIXELS:
        raise ValueError(f"side_pixels {side_pixels}, expected at least {SMALLEST_SIDE_PIXELS}: four poolings halve it")
    return keras.Input((frames, side_pixels, side_pixels, channels), dtype="uint8")


def _probabilities(
    pixels: keras.KerasTensor,
    kernel: tuple[int, ...],
    classes: int,
    width: float,
    activation: Activation,
    pooling: Pooling,
    initializer: Initializer,
    second_convolution: bool,
    dropout: float,
    pixel_range: PixelRange,
    precision: Precision,
    seed: int,
) -> keras.KerasTensor:
    """The network from uint8 clips or images on, in as many dimensions as its kernel has."""
    if width <= 0:
        raise ValueError(f"width {width}, expected more than 0")
    _known("activation", activation, Activation)
    _known("pooling", pooling, Pooling)
    _known("initializer", initializer, Initializer)
    _known("pixel_range", pixel_range, PixelRange)
    dimensions = len(kernel)
    policy = keras.DTypePolicy(precision)
    convolution_layer = getattr(layers, f"Conv{dimensions}D")
    pooling_layer = getattr(layers, f"{pooling.capitalize()}Pooling{dimensions}D")

    def scaled(number: int) -> int:
        return max(1, round(number * width))

    maps = in_colour(layers.Rescaling(**RESCALING[pixel_range], dtype="float32")(pixels))
    for group, (filters, (size, strides)) in enumerate(zip(GROUPS, POOLS, strict=True)):
        if second_convolution and group < 2:
            filters *= 2
        for number in filters:
            maps = convolution_layer(scaled(number), kernel, padding="same", kernel_initializer=initializer, dtype=policy)(maps)
            maps = _activation(activation, dimensions, policy)(layers.BatchNormalization(**BATCH_NORM, dtype=policy)(maps))
        if group == len(GROUPS) - 1:
            # a frame's edge repeated by one pixel adds no value to any window of the maximum
            around = [(0, 0)] * (dimensions - 1) + [(1, 1), (1, 1), (0, 0)]
            maps = ops.pad(maps, around, mode="constant" if pooling == "average" else "symmetric")
        maps = pooling_layer(size[-dimensions:], strides[-dimensions:], dtype=policy)(maps)
    features = layers.Flatten(dtype=policy)(maps)
    for position, units in enumerate(DENSE_UNITS):
        features = layers.Dense(scaled(units), kernel_initializer=initializer, dtype=policy)(features)
        features = _activation(activation, 0, policy)(features)
        features = layers.Dropout(dropout, seed=seed + position, dtype=policy)(features)
    return layers.Dense(classes, activation="softmax", kernel_initializer=initializer, dtype="float32")(features)


def _activation(name: Activation, dimensions: int, policy: keras.DTypePolicy) -> layers.Layer:
    """The activation of maps with that many dimensions besides their channels."""
    if name == "prelu":
        shared = list(range(1, dimensions + 2))
        return layers.PReLU(keras.initializers.Constant(0.25), shared_axes=shared, dtype=policy)
    if name == "leaky_relu":
        return layers.LeakyReLU(0.01, dtype=policy)
    return layers.Activation(name, dtype=policy)


def _known(option: str, value: str, choices: object) -> None:
    if value not in get_args(choices):
        raise ValueError(f"{option} {value!r}, expected one of {', '.join(get_args(choices))}")
