"""Images between file and model: what is done to their pixels, and passes over all images of a dataset.

Pixels are uint8 (..., height, width, channels), RGB or grey: one image or any stack of images of one size. What a pass
yields is kept in the cache folder under `crops`, written under a temporary name and renamed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import joblib
import numpy as np
from tqdm import tqdm

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.results.paths import cache_folder

CLAHE_CLIP_LIMIT = 2.0
CLAHE_GRID = (8, 8)


def checked(images: np.ndarray, channels: tuple[int, ...] = (1, 3)) -> np.ndarray:
    """The images as they came. Raises TypeError unless uint8, ValueError for no pixels or another number of channels."""
    if images.dtype != np.uint8:
        raise TypeError(f"pixels of dtype {images.dtype}, expected uint8; bring 16-bit or float images to 0..255 first")
    wanted = " or ".join(map(str, channels))
    if images.ndim < 3 or images.shape[-1] not in channels:
        raise ValueError(f"an image of shape {images.shape}, expected (height, width, {wanted})")
    if images.size == 0:
        raise ValueError(f"an empty image of shape {images.shape}, expected at least one pixel")
    return images


def to_grey(images: np.ndarray) -> np.ndarray:
    """Luma (ITU-R BT.601, as OpenCV's) of RGB images: (..., height, width, 3) -> (..., height, width, 1).

    Raises TypeError or ValueError, as `checked`; also for images that are grey already.
    """
    checked(images, channels=(3,))
    return _converted(images, cv2.COLOR_RGB2GRAY)


def to_three_channels(images: np.ndarray) -> np.ndarray:
    """Grey images with their channel three times: (..., height, width, 1) -> (..., height, width, 3).

    Raises TypeError or ValueError, as `checked`; also for images that have colour.
    """
    return np.repeat(checked(images, channels=(1,)), 3, axis=-1)


def clahe(images: np.ndarray) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994) with clip limit 2 and a grid of 8 x 8.

    Grey images are equalised, of RGB images the lightness in CIELAB, which keeps their hues. Raises as `checked`.
    """
    checked(images)
    lab = _converted(images, cv2.COLOR_RGB2LAB) if images.shape[-1] == 3 else images.copy()
    equalizer = cv2.createCLAHE(CLAHE_CLIP_LIMIT, CLAHE_GRID)
    for image in lab.reshape(-1, *lab.shape[-3:]):
        image[..., 0] = equalizer.apply(np.ascontiguousarray(image[..., 0]))
    return _converted(lab, cv2.COLOR_LAB2RGB) if images.shape[-1] == 3 else lab


def image_of(dataset: FaceDataset, row: int) -> np.ndarray:
    """uint8 (height, width, channels) of one row. Raises DatasetError naming the row when it is no 8-bit image."""
    try:
        return checked(dataset.read([row])[0])
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{dataset.name}, row {row}: {error}") from error


def for_each(work: Callable[[int], object], count: int, workers: int | None, title: str) -> list:
    """work(0) to work(count - 1), in this order, done by `workers` threads (None: one per core) under a progress bar.

    For work that OpenCV does, as it releases Python's lock; meanwhile OpenCV uses one thread per worker. What `work` raises
    ends the pass.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool = ThreadPoolExecutor(workers or joblib.cpu_count())
    try:
        return list(tqdm(pool.map(work, range(count)), total=count, desc=title, unit="image", mininterval=1.0))
    finally:
        pool.shutdown(cancel_futures=True)
        cv2.setNumThreads(before)


def crop_cache(dataset: FaceDataset, rows: np.ndarray, settings: str, ending: str) -> Path:
    """The cache file for what these settings make of these rows of the dataset with this version of OpenCV."""
    images = dataset.frame["image"].iloc[rows].tolist()
    text = f"{dataset.fingerprint} {images} {settings} OpenCV {cv2.__version__}"
    return cache_folder() / "crops" / (hashlib.sha256(text.encode()).hexdigest()[:20] + ending)


def _converted(images: np.ndarray, code: int) -> np.ndarray:
    """A stack of images under one of OpenCV's pixel-wise conversions, as one tall image."""
    tall = np.ascontiguousarray(images).reshape(-1, *images.shape[-2:])
    return cv2.cvtColor(tall, code).reshape(*images.shape[:-1], -1)
