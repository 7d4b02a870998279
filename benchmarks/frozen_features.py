"""Training the head of a frozen VGG16 for 200 epochs: on features computed once, beside the BP4D paper's way, in one run.

    python benchmarks/frozen_features.py

The paper's listing (Sec. 2.2) freezes every layer of the base and fits the whole network, so each epoch computes the base
for every image again; its 200 epochs are extrapolated from the first and three more. Ours is measured whole: building,
features, 200 epochs, record. No augmentation and random weights on both sides, which changes no time.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time

import numpy as np
from ratios import Ratio

from fer_utils.models.registry import build
from fer_utils.training import fit, recipes

IMAGES, SIDE_PIXELS = 600, 100
EPOCHS, BATCH_SIZE, MEASURED = 200, 32, 3


def paper_seconds(images: np.ndarray, labels: np.ndarray, validation: tuple[np.ndarray, np.ndarray]) -> float:
    """Seconds of all epochs of `fit` on the whole network, from its first epoch and the median of those after it."""
    model = build("vgg16_linear", side_pixels=images.shape[1], augmentation_strength=0.0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    seconds = []
    for _ in range(1 + MEASURED):
        began = time.perf_counter()
        model.fit(images, labels, batch_size=BATCH_SIZE, validation_data=validation, verbose=0)
        seconds.append(time.perf_counter() - began)
    return seconds[0] + (EPOCHS - 1) * statistics.median(seconds[1:])


def our_seconds(images: np.ndarray, labels: np.ndarray, validation: tuple[np.ndarray, np.ndarray]) -> float:
    """Seconds of the same training by `fer_utils`, from nothing to its record, with empty caches."""
    options = {"side_pixels": images.shape[1], "augmentation_strength": 0.0}
    recipe = recipes.Recipe(network="vgg16_linear", options=options, schedule="constant", epochs=EPOCHS, batch_size=BATCH_SIZE)
    began = time.perf_counter()
    fit.train(recipe, images, labels, fit.store(), name="head", experiment="head", validation=validation, selected_on="held out")
    return time.perf_counter() - began


def main() -> list[Ratio]:
    """Print seconds of both ways; their ratio."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (IMAGES, SIDE_PIXELS, SIDE_PIXELS, 3)).astype(np.uint8)
    labels = np.arange(IMAGES) % 6
    cut = IMAGES * 4 // 5
    data = (images[:cut], labels[:cut], (images[cut:], labels[cut:]))
    with tempfile.TemporaryDirectory() as cache:
        os.environ["FER_BOOK_CACHE"] = cache
        paper, ours = paper_seconds(*data), our_seconds(*data)
    print(f"{cut} images for training, {IMAGES - cut} held out, {SIDE_PIXELS} x {SIDE_PIXELS} pixels, {EPOCHS} epochs")
    print(f"the whole network in every epoch: {paper:8.1f} s (extrapolated from {1 + MEASURED} epochs)")
    print(f"features computed once:           {ours:8.1f} s")
    return [Ratio("200 epochs of a head, whole network / features once", paper / ours)]


if __name__ == "__main__":
    main()
