"""All networks by name, and those that the book publishes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from fer_utils.models import pretrained
from fer_utils.models.augmentation import dense_head
from fer_utils.models.cnn_3d import c3d, frame_cnn
from fer_utils.models.fer2013 import fer2013_cnn, small_cnn
from fer_utils.models.mobilenet import mobilenet_center_loss
from fer_utils.models.multi_dataset import inception_resnet_v2, kdef_cnn, light_vgg, vgg16_512
from fer_utils.models.vgg16 import vgg16_linear
from fer_utils.results.paths import asset

# What decides numbers is pinned here, where every network is made: ~/.keras/keras.json may say otherwise
keras.config.set_floatx("float32")
keras.config.set_dtype_policy("float32")
keras.config.set_epsilon(1e-7)
keras.config.set_image_data_format("channels_last")
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of every second network; its import resets this


def fer2013_features(classes: int = 7, channels: int = 3, seed: int = 0) -> keras.Model:
    """A softmax layer on what the network that this book trained on FER2013 makes of a face.

    For comparisons that need many trainings. Input (48, 48, channels) uint8, colour made grey as FER2013 is; only the softmax
    layer is trained.
    """
    with pretrained.seeded(0):  # so that the softmax layer begins with the same values whatever is before it
        trained = published("fer2013_cnn")
    trained.trainable = False
    inputs = keras.Input((48, 48, channels), dtype="uint8")
    maps = ops.image.rgb_to_grayscale(ops.cast(inputs, "float32")) if channels == 3 else inputs
    dense = [layer for layer in trained.layers if isinstance(layer, layers.Dense)]
    for layer in trained.layers[: trained.layers.index(dense[0]) + 1]:
        if not isinstance(layer, layers.Dropout | keras.Sequential):
            maps = layer(maps)
    return keras.Model(inputs, dense_head(maps, (), classes, "float32", seed), name="fer2013_features")


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
