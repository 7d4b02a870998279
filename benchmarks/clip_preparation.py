"""Clips prepared a second beside clips that the 3D-CNN trains on a second, on this machine's CPU, in one run.

    python benchmarks/clip_preparation.py

Preparation is the equalisation of every frame and the copies of CK+ by class, on one thread; training is one step of Adam
after another, on all cores. Random clips of 10 RGB frames; the ratios are what matters.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np
from ratios import Ratio

from fer_utils.models.registry import build
from fer_utils.preprocessing.clip_augmentation import CKPLUS_COPIES, augmented_clips
from fer_utils.preprocessing.images import clahe

CLASSES = tuple(CKPLUS_COPIES)
LABELS = np.repeat(np.arange(7), (15, 6, 20, 8, 23, 9, 28))  # a third of CK+'s sequences of each class
REPEATS = 3


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, after one that is not counted."""
    taken = []
    for _ in range(1 + repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def prepared_per_s(clips: np.ndarray) -> float:
    """Clips, originals and copies, that come out of the preparation in a second."""
    made = len(augmented_clips(clips, LABELS, CLASSES, CKPLUS_COPIES, 0).clips)
    return made / median_seconds(lambda: augmented_clips(clahe(clips), LABELS, CLASSES, CKPLUS_COPIES, 0), REPEATS)


def trained_per_s(clips: np.ndarray, width: float, batch_size: int, steps: int) -> float:
    """Clips that go through training steps of the 3D-CNN in a second."""
    model = build("c3d", side_pixels=clips.shape[2], width=width)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    batch, labels = clips[-batch_size:], LABELS[-batch_size:]
    return batch_size / median_seconds(lambda: model.train_on_batch(batch, labels), steps)


def main() -> list[Ratio]:
    """Print both rates for a small and for the full network; clips prepared per clip trained."""
    cv2.setNumThreads(1)
    random = np.random.default_rng(0)
    ratios = []
    for side_pixels, width, batch_size, steps in ((32, 1 / 16, 30, 20), (112, 1.0, 2, 2)):
        clips = random.integers(0, 256, (len(LABELS), 10, side_pixels, side_pixels, 3), np.uint8)
        prepared = prepared_per_s(clips)
        trained = trained_per_s(clips, width, batch_size, steps)
        network = f"{side_pixels} pixels, width {width:g}"
        print(f"{network}, batches of {batch_size}: {prepared:.1f} clips prepared a second, {trained:.2f} trained")
        ratios.append(Ratio(f"clips prepared / trained, {network}", prepared / trained, least=5))
    return ratios


if __name__ == "__main__":
    main()
