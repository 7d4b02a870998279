"""What a network consists of, and where in an image it looks. Works with every Keras backend."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
from keras import layers, ops

from fer_utils.models.registry import build


def skeleton(network: str, **options: object) -> keras.Model:
    """The network without values, for its tables only: made in about a second and without memory at any size."""

    def unallocated() -> keras.Model:
        with keras.StatelessScope(initialize_variables=False):
            return build(network, **options)

    with ThreadPoolExecutor(1) as thread:  # Keras lists variables to be given values later; the list ends with its thread
        return thread.submit(unallocated).result()


def parameter_table(model: keras.Model) -> list[tuple[str, int, int]]:
    """(part, parameters, of these trainable): the convolutional part as one row, then each dense layer of the head."""
    ends = (layers.Flatten, layers.GlobalAveragePooling2D)
    cut = next(index for index, layer in enumerate(model.layers) if isinstance(layer, ends))
    parts = [("convolutional part", model.layers[:cut])]
    parts += [(f"dense layer of {layer.units}", [layer]) for layer in model.layers[cut:] if isinstance(layer, layers.Dense)]

    def count(variables: list[keras.Variable]) -> int:
        return sum(math.prod(variable.shape) for variable in variables)

    return [
        (part, sum(count(layer.weights) for layer in members), sum(count(layer.trainable_weights) for layer in members))
        for part, members in parts
    ]


def weight_layers(model: keras.Model) -> list[tuple[str, tuple[int, ...], int]]:
    """(kind, output shape without the batch axis, parameters) of the layers from the first with weights on."""
    first = next(index for index, layer in enumerate(model.layers) if layer.weights)
    return [
        (type(layer).__name__, tuple(layer.output.shape[1:]), sum(math.prod(variable.shape) for variable in layer.weights))
        for layer in model.layers[first:]
    ]


def operations(model: keras.Model) -> int:
    """Multiplications and additions of the convolutions and dense layers for one input, forward.

    Training takes about three times as many.
    """
    total = 0
    for layer in model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is not None:
            positions = math.prod(layer.output.shape[1:-1])
            total += 2 * math.prod(kernel.shape) * positions
    return total


class _Offset(layers.Layer):
    """Adds a weight that is zero. After one step of SGD at rate 1 the weight is the gradient of minus the loss."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.offset = self.add_weight(shape=input_shape, initializer="zeros")

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        return maps + self.offset


def _last_maps(model: keras.Model) -> layers.Layer:
    """The last layer with activation maps (n, height, width, channels) that is neither a pooling nor a dropout."""
    passing = (layers.MaxPooling2D, layers.AveragePooling2D, layers.Dropout)
    there = [layer for layer in model.layers if len(layer.output.shape) == 4 and not isinstance(layer, passing)]
    return there[-1]


def grad_cam(model: keras.Model, images: np.ndarray, class_numbers: np.ndarray) -> np.ndarray:
    """Where the evidence for a class lies in each image (Selvaraju et al. 2017, Grad-CAM).

    images: uint8 (n, height, width, channels); class_numbers: (n,), one class per image; the model ends in a softmax
    layer. Each map of the last layer before the head's pooling is weighted by the mean gradient of
    the class's score before the softmax, and what is negative is dropped. Returns float32 (n, height, width) from 0 to 1,
    the largest value of an image being 1, or all 0 where nothing speaks for the class.
    """
    layer = _last_maps(model)
    last = model.layers[-1]
    kernel = ops.transpose(last.kernel)
    to_maps = keras.Model(model.inputs[0], layer.output)
    to_features = keras.Model(layer.output, last.input)

    def minus_score(class_number: keras.KerasTensor, maps: keras.KerasTensor) -> keras.KerasTensor:
        features = ops.cast(to_features(maps, training=False), "float32")
        return -ops.sum(features * ops.take(kernel, ops.cast(class_number, "int32"), axis=0), axis=-1)

    maps = ops.cast(to_maps.predict(images, batch_size=64, verbose=0), "float32")
    probe = keras.Sequential([keras.Input(batch_shape=maps.shape), _Offset()])
    probe.compile(keras.optimizers.SGD(1.0), loss=minus_score, run_eagerly=True)
    probe.train_on_batch(maps, np.asarray(class_numbers))
    weights = ops.mean(probe.layers[0].offset, axis=(1, 2), keepdims=True)
    evidence = ops.relu(ops.sum(weights * maps, axis=-1, keepdims=True))
    evidence = np.asarray(ops.image.resize(evidence, images.shape[1:3]), dtype=np.float32)[..., 0]
    highest = evidence.max(axis=(1, 2), keepdims=True)
    return evidence / np.where(highest > 0, highest, 1)
