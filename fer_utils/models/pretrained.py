"""Networks of keras.applications as bases of ours: where their weights come from, and the scaling these expect.

`weights` is "none" (random), "imagenet", or the path of a file with the base's weights, as Keras publishes or saves them.
It is an option of the recipe, so the record of a training names it; nothing is replaced by random weights unasked.
"""

from __future__ import annotations

import functools
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pooch
from keras import layers, ops

SITE = "https://storage.googleapis.com/tensorflow/keras-applications"
IMAGENET_FILES = {  # network: path on the site and MD5, both from keras.applications, which knows none of MobileNet's
    "VGG16": ("vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
    "InceptionResNetV2": (
        "inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "d19885ff4a710c122648d3b5c3b684e4",
    ),
    "MobileNet": ("mobilenet/mobilenet_1_0_224_tf_no_top.h5", None),
}
TIMEOUT_S = 5.0
VGG16_MEANS = (123.68, 116.779, 103.939)  # of ImageNet's red, green and blue; Simonyan and Zisserman 2015, Sec. 2.1


@functools.cache
def imagenet_weights(network: str) -> str:
    """What to give as `weights` of a base (as in `IMAGENET_FILES`): "imagenet" where they can be had, else "none".

    Looks into the folder in which Keras keeps weights (KERAS_HOME or ~/.keras) and downloads into it; a site that does not
    answer within 5 s is given up, with one warning per process and network.
    """
    path, digest = IMAGENET_FILES[network]
    known = digest and f"md5:{digest}"
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    downloader = pooch.HTTPDownloader(timeout=TIMEOUT_S, progressbar=True)
    try:
        pooch.retrieve(f"{SITE}/{path}", known, fname=Path(path).name, path=folder, downloader=downloader)
    except (OSError, ValueError) as error:
        warnings.warn(
            f"no ImageNet weights for {network} ({type(error).__name__}): going on with weights 'none', random ones. "
            f"To use them, put {SITE}/{path} into {folder}, or give its path as weights.",
            stacklevel=2,
        )
        return "none"
    return "imagenet"


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Initial values of layers made inside depend on the seed alone.

    Keras draws their seeds from Python's generator, from which other threads of a process (Dask's) draw meanwhile; here it
    has one of its own, with the values that Python's would give.
    """
    # There is no public way. `keras.utils.set_random_seed` seeds the same shared generator, and makes TensorFlow forget all that
    # it has compiled; initialisers with seeds of their own can't be given to the networks of keras.applications.
    with mock.patch.object(keras.src.random.seed_generator, "python_random", random.Random(seed)):
        yield


@contextmanager
def _defaults(precision: str, seed: int | None) -> Iterator[None]:
    """Precision and, with a seed, initial values of layers made inside that take Keras's defaults."""
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        with seeded(seed) if seed is not None else nullcontext():
            yield
    finally:
        keras.config.set_dtype_policy(policy)


def base(network: str, images: keras.KerasTensor, weights: str, precision: str, seed: int | None = None) -> keras.Model:
    """The convolutions of a network of keras.applications, from scaled images (n, height, width, 3) on.

    With a `seed` random weights depend on it alone, as if they were given, and keep the scale of what passes through them;
    without one they are each training's own, as Keras makes them.
    Raises FileNotFoundError for `weights` that are no file, ValueError for a file that does not fit the network.
    """
    application = functools.partial(getattr(keras.applications, network), include_top=False, input_shape=tuple(images.shape[1:]))
    with _defaults(precision, seed):
        if weights in ("none", "imagenet"):
            model = application(weights=None if weights == "none" else weights, input_tensor=images)
            if weights == "none" and seed is not None:
                _keep_scale(model)
            return model
        model = application(weights=None, input_tensor=images)
        bare = application(weights=None)
    _load(bare, weights, network)  # Keras finds weights by the place of their layer, so without our scaling and augmentation
    model.set_weights(bare.get_weights())
    return model


def _keep_scale(model: keras.Model) -> None:
    """Double the variance of random kernels, so that maps keep their scale through layers with ReLU (He et al. 2015).

    Keras's default loses half of it in each layer, and after thirteen a head learns next to nothing from what is left.
    """
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            layer.kernel.assign(layer.kernel * 2**0.5)


def _load(model: keras.Model, weights: str, network: str) -> None:
    """Load a file of weights into the network without its top; raise where any kernel would stay random."""
    if not Path(weights).is_file():
        raise FileNotFoundError(f"weights {weights!r} of {network} are no file; give a path, 'imagenet' or 'none'")
    before = model.get_weights()
    reason = "it leaves layers as they were"
    try:
        with warnings.catch_warnings(action="ignore"):
            model.load_weights(weights)
        fits = all(
            value.ndim < 2 or not np.array_equal(value, old) for value, old in zip(model.get_weights(), before, strict=True)
        )
    except (ValueError, OSError, KeyError) as error:
        fits, reason = False, str(error)
    if not fits:
        raise ValueError(f"{weights} does not hold the weights of {network} without its top: {reason}")


def in_colour(images: keras.KerasTensor) -> keras.KerasTensor:
    """Grey images as three equal channels; colour images as they are."""
    return ops.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def vgg16_scaling(images: keras.KerasTensor) -> keras.KerasTensor:
    """Images from 0 to 1 as `keras.applications.vgg16.preprocess_input` has them: 0 to 255, BGR, less each channel's mean."""
    scaled = layers.Rescaling(255.0, offset=[-mean for mean in VGG16_MEANS], dtype="float32")(in_colour(images))
    return ops.flip(scaled, axis=-1)
