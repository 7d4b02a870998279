"""The network of Miao, Dong, Al Jaam and El Saddik (2019).

MobileNet (Howard et al. 2017), trained with softmax and centre loss together (Wen et al. 2016).
"""

from __future__ import annotations

from typing import Any, Literal

import keras
import numpy as np
from keras import layers, ops

from fer_utils.models import pretrained

Precision = Literal["float32", "mixed_bfloat16"]

BLOCKS = (  # filters and stride of the 13 depthwise separable convolutions (Howard et al. 2017, Table 1)
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1),
)  # fmt: skip
FIRST_KERNEL_DEVIATION = 0.09  # ours, the default of the Slim library that the paper used; it prints no deviation
LARGEST_LOSS_OF_AREA = 0.15  # of a random crop, of [0.85, 1] of the image (Sec. 3.1.2)


def center_loss(features: keras.KerasTensor, labels: keras.KerasTensor, centers: keras.KerasTensor) -> keras.KerasTensor:
    """Half the squared distance of features to the centre of their class, mean over a batch (Wen et al. 2016, Eq. 2).

    features: (n, features); labels: class numbers (n,); centers: (classes, features). The mean, not the printed sum: the
    cross-entropy beside it is a mean as well, so that the ratio of the two is the printed one.
    """
    return ops.mean(ops.sum(ops.square(features - ops.take(centers, labels, axis=0)), axis=-1)) / 2


def moved_centers(
    features: keras.KerasTensor, labels: keras.KerasTensor, centers: keras.KerasTensor, rate: float
) -> keras.KerasTensor:
    """The centres after a batch (Wen et al. 2016, Eq. 4).

    Each goes by `rate` times the sum of its differences from the features of its class, divided by one more than there are;
    without any it stays.
    """
    members = ops.one_hot(labels, centers.shape[0], dtype=centers.dtype)
    counts = ops.sum(members, axis=0)[:, None]
    return centers - rate * (counts * centers - ops.matmul(ops.transpose(members), features)) / (1 + counts)


class Features(layers.Layer):
    """Passes features on as float32 and keeps those of a training step for its loss."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"dtype": "float32"})
        self.kept = None

    def call(self, features: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        self.kept = features if training else None
        return features


class CenterLossModel(keras.Model):
    """A classifier with a layer `Features` of the name "features", whose centre loss counts `center_loss_weight` in training.

    The loss of a training step is that of `compile` plus the weighted centre loss; images count alike in the latter whatever
    their `class_weight`. In evaluation it is that of `compile` alone, which can be compared between weights. The centres,
    at first zero, are weights of the model that no gradient moves: each step moves them by `center_rate`. The weight of the loss
    is one of its weights as well, so that one compiled network serves all its values, but is not saved with the others.
    """

    def __init__(
        self, inputs: keras.KerasTensor, outputs: keras.KerasTensor, center_loss_weight: float, center_rate: float, name: str
    ) -> None:
        super().__init__(inputs, outputs, name=name)
        self.center_rate = center_rate
        shape = (outputs.shape[-1], self.get_layer("features").output.shape[-1])
        self.centers = self.add_weight(shape=shape, initializer="zeros", trainable=False, dtype="float32", name="centers")
        constant = keras.initializers.Constant(center_loss_weight)
        self.center_loss_weight = self.add_weight(
            initializer=constant, trainable=False, dtype="float32", name="center_loss_weight"
        )

    def save_own_variables(self, store: Any) -> None:
        store["0"] = self.centers.numpy()

    def load_own_variables(self, store: Any) -> None:
        self.centers.assign(store["0"])

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> keras.KerasTensor:
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        if not training:
            return loss
        kept = self.get_layer("features")
        features, kept.kept = kept.kept, None
        labels = ops.cast(ops.reshape(y, (-1,)), "int32")
        loss = loss + self.center_loss_weight * center_loss(features, labels, self.centers)
        self.centers.assign(moved_centers(ops.stop_gradient(features), labels, self.centers, self.center_rate))
        return loss


class RandomCropAndFlip(layers.Layer):
    """A random square of each image, of at least `smallest_area` of it, made as large as the image, and half of them mirrored.

    Images are (n, side, side, channels); in training only.
    """

    def __init__(self, smallest_area: float, seed: int, **options: Any) -> None:
        super().__init__(**options)
        self.smallest_area, self.random = smallest_area, keras.random.SeedGenerator(seed)

    def call(self, images: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if not training:
            return images
        side = images.shape[1]
        area, left, top, mirror = ops.unstack(keras.random.uniform((4, ops.shape(images)[0]), seed=self.random), 4)
        scale = ops.sqrt(self.smallest_area + (1 - self.smallest_area) * area)
        room = side * (1 - scale)
        step = ops.where(mirror < 0.5, -scale, scale)
        # x of the first pixel in the original, counted like the pixels' numbers: from the middle of its first one
        first_x = left * room + ops.where(mirror < 0.5, side - 0.5, 0.5) * scale - 0.5
        first_y = top * room + 0.5 * scale - 0.5
        none = ops.zeros_like(scale)
        transform = ops.stack([step, none, first_x, none, scale, first_y, none, none], axis=1)
        return ops.image.affine_transform(images, transform, fill_mode="nearest")


def mobilenet_center_loss(
    classes: int = 7,
    side_pixels: int = 48,
    channels: int = 1,
    weights: str = "none",
    width: float = 1.0,
    center_loss_weight: float = 0.001,
    center_rate: float = 0.001,
    dropout: float = 0.5,
    precision: Precision = "float32",
    augmentation_strength: float = 1.0,
    seed: int = 0,
) -> CenterLossModel:
    """MobileNet V1 with average pooling, dropout and a softmax layer (Sec. 3.2; Fig. 2): 3,228,864 parameters before it.

    Input (side_pixels, side_pixels, channels) uint8, grey made three equal channels, output `classes` probabilities in
    float32. `center_loss_weight` and `center_rate` are the paper's lambda and alpha; Wen et al. have 0.003 and 0.5.
    `weights` as in `pretrained`: where there are any, the first convolution begins anew from a Gaussian (Sec. 3.2.2).
    Strided convolutions pad as Slim's: 2 x 2 maps are left of 48 pixels, where `keras.applications` leaves one. `width` is
    MobileNet's multiplier of filters, rounded, at least 1; `weights` are those of width 1. Raises ValueError for a width of 0.

    Our choices: the squared norm of Wen et al., printed without a square; centres that begin at zero; batch norm's momentum
    0.9, which settles within the few steps of a small dataset; square crops, drawn anew for every epoch, where the paper makes
    up to 200 versions of an image beforehand. `augmentation_strength` scales what a crop leaves out, 0 is no augmentation.
    """
    if width <= 0:
        raise ValueError(f"width {width}, expected more than 0")
    policy = keras.DTypePolicy(precision)

    def scaled(number: int) -> int:
        return max(1, round(number * width))

    def normalized(maps: keras.KerasTensor) -> keras.KerasTensor:
        return layers.ReLU(6.0, dtype=policy)(layers.BatchNormalization(momentum=0.9, dtype=policy)(maps))

    inputs = keras.Input((side_pixels, side_pixels, channels), dtype="uint8")
    maps = layers.Rescaling(1 / 127.5, -1.0, dtype="float32")(inputs)
    if augmentation_strength > 0:
        maps = RandomCropAndFlip(1 - augmentation_strength * LARGEST_LOSS_OF_AREA, seed + 1, dtype="float32")(maps)
    maps = pretrained.in_colour(maps)
    maps = normalized(layers.Conv2D(scaled(32), 3, 2, padding="same", use_bias=False, dtype=policy)(maps))
    for filters, stride in BLOCKS:
        maps = normalized(layers.DepthwiseConv2D(3, stride, padding="same", use_bias=False, dtype=policy)(maps))
        maps = normalized(layers.Conv2D(scaled(filters), 1, use_bias=False, dtype=policy)(maps))
    if weights != "none":
        given = pretrained.base("MobileNet", keras.Input((224, 224, 3)), weights, "float32").get_weights()
        first = keras.initializers.RandomNormal(stddev=FIRST_KERNEL_DEVIATION)(given[0].shape)
        keras.Model(inputs, maps).set_weights([np.asarray(first), *given[1:]])
    features = Features(name="features")(layers.GlobalAveragePooling2D(dtype="float32")(maps))
    dropped = layers.Dropout(dropout, seed=seed + 2, dtype=policy)(features)
    probabilities = layers.Dense(classes, activation="softmax", dtype="float32")(dropped)
    return CenterLossModel(inputs, probabilities, center_loss_weight, center_rate, name="mobilenet_center_loss")


def features(model: keras.Model, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """float32 (n, 1024): what a `mobilenet_center_loss` makes of uint8 images (n, height, width, channels) before its dropout."""
    pooled = keras.Model(model.input, model.get_layer("features").output)
    parts = [images[first : first + batch_size] for first in range(0, len(images), batch_size)]
    return np.concatenate([ops.convert_to_numpy(pooled(part, training=False)) for part in parts])  # not traced: used once
