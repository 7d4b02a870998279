"""The network of the BP4D paper: VGG16 with one softmax layer."""

from __future__ import annotations

import keras
from keras import layers

from fer_utils.models import pretrained
from fer_utils.models.augmentation import Precision, Trainable, augmented_input, dense_head, freeze


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
    inputs, images = augmented_input(side_pixels, channels, augmentation_strength, seed, shift=0.1, zoom=0.1)
    base_seed = None if trainable == "all" else seed
    base = pretrained.base("VGG16", pretrained.vgg16_scaling(images), weights, precision, base_seed)
    freeze(base, trainable)
    features = layers.Flatten(dtype=keras.DTypePolicy(precision))(base.output)
    return keras.Model(inputs, dense_head(features, (), classes, precision, seed), name="vgg16_linear")
