"""From images to face crops: finding the box of a face, cutting it out square, bringing it to one size."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence

import cv2
import numpy as np

from fer_utils.datasets import FaceDataset

BOX_COLUMNS = ("face_x", "face_y", "face_width", "face_height")


@functools.cache
def _haar_cascade() -> cv2.CascadeClassifier:
    return cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")


def haar_boxes(image: np.ndarray, scale_factor: float = 1.1, minimum_neighbours: int = 5) -> np.ndarray:
    """Boxes (n, 4) int of x, y, width, height in pixels that OpenCV's frontal Haar cascade finds (Viola, Jones 2001).

    The image is uint8 (height, width, 1 or 3), RGB where it has colour.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.shape[-1] == 3 else image[..., 0]
    found = _haar_cascade().detectMultiScale(grey, scaleFactor=scale_factor, minNeighbors=minimum_neighbours)
    return np.asarray(found, dtype=np.int64).reshape(-1, 4)


def square_crop(image: np.ndarray, box: Sequence[float], crop_margin: float, side_pixels: int) -> np.ndarray:
    """Cut the square around a box (x, y, width, height in pixels) out of a uint8 image and resize it.

    The square's side is the box's longer side times `1 + crop_margin`; beyond the image its border is repeated.
    Returns uint8 (side_pixels, side_pixels, channels).
    """
    x, y, width, height = box
    side = max(1, round(max(width, height) * (1 + crop_margin)))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    shrinking = cv2.INTER_AREA if side > side_pixels else cv2.INTER_LINEAR
    resized = cv2.resize(image[np.ix_(rows, columns)], (side_pixels, side_pixels), interpolation=shrinking)
    return resized.reshape(side_pixels, side_pixels, -1)


def crop_to_boxes(dataset: FaceDataset, *, side_pixels: int, grey: bool, crop_margin: float = 0.0) -> FaceDataset:
    """The dataset cut to its own face boxes, grey where asked for. Raises ValueError when it has no box columns."""
    if missing := [column for column in BOX_COLUMNS if column not in dataset.frame.columns]:
        raise ValueError(f"{dataset.name} has no column {missing[0]}: faces must be detected first")
    boxes = dataset.frame[list(BOX_COLUMNS)].to_numpy(float)

    def read(rows: Sequence[int] | np.ndarray) -> np.ndarray:
        images = dataset.read(rows)
        if grey and images.shape[-1] == 3:
            images = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images])
        return np.stack(
            [square_crop(image, boxes[row], crop_margin, side_pixels) for image, row in zip(images, rows, strict=True)]
        )

    settings = f"crop {side_pixels} {grey} {crop_margin}"
    digest = hashlib.sha256((dataset.fingerprint + settings).encode()).hexdigest()
    return dataclasses.replace(dataset, read=read, fingerprint=digest)


def keep_classes(dataset: FaceDataset, classes: Sequence[str]) -> FaceDataset:
    """The images of the given classes, which then have this order. Raises ValueError naming a class that is missing."""
    if missing := [name for name in classes if name not in dataset.classes]:
        raise ValueError(f"{dataset.name} has no class {missing[0]!r}; it has {', '.join(dataset.classes)}")
    chosen = np.flatnonzero(dataset.frame["label"].isin(list(classes)).to_numpy())
    return dataclasses.replace(
        dataset,
        frame=dataset.frame.iloc[chosen].reset_index(drop=True),
        classes=tuple(classes),
        fingerprint=hashlib.sha256((dataset.fingerprint + repr(tuple(classes))).encode()).hexdigest(),
        read=lambda rows: dataset.read(chosen[np.asarray(rows)]),
    )
