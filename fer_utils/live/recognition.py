"""The expressions of several people in a camera's picture or a film: find faces, classify them in one batch, follow them.

A frame is uint8 RGB (height, width, 3). Boxes are x, y, width, height in pixels of the frame, probabilities float32 in the
order of the classifier's classes, times seconds since the first frame. `watch` is the loop behind `fer-book live`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fer_utils.live.export import Classifier, LiveError
from fer_utils.preprocessing.detection import Detector, HaarDetector, MissingModel

LEAST_OVERLAP = 0.3  # intersection over union of a face's boxes in two frames
FORGET_S = 0.5
STAGES = ("detect", "preprocess", "classify")
LIVE_DETECTORS = ("yunet", "haar")


@dataclass(frozen=True)
class Face:
    """A face of one frame. `number` is 0 until a tracker has given it the number under which it is followed."""

    box: tuple[float, float, float, float]
    probabilities: np.ndarray
    number: int = 0


@dataclass(frozen=True)
class Recognition:
    """The faces of one frame, best detected first, and the milliseconds that each of the STAGES took."""

    faces: tuple[Face, ...]
    stage_ms: tuple[float, float, float]


class Recogniser:
    """A detector and a classifier: what a frame shows depends on that frame only."""

    def __init__(self, detector: Detector, classifier: Classifier) -> None:
        self._detector, self._classifier = detector, classifier
        self.classes = classifier.card.classes

    def recognise(self, frame: np.ndarray) -> Recognition:
        """Every face of a frame with its probabilities, all faces classified in one batch."""
        began = time.perf_counter()
        boxes, _ = self._detector.detect(frame)
        found = time.perf_counter()
        if not len(boxes):
            return Recognition((), (1000 * (found - began), 0.0, 0.0))
        crops = np.stack([grey_crop(frame, box, self._classifier.side_pixels) for box in boxes.tolist()])
        prepared = time.perf_counter()
        probabilities = self._classifier(crops)
        ended = time.perf_counter()
        faces = tuple(Face(tuple(box), row) for box, row in zip(boxes.tolist(), probabilities, strict=True))
        return Recognition(faces, (1000 * (found - began), 1000 * (prepared - found), 1000 * (ended - prepared)))


def grey_crop(frame: np.ndarray, box: Sequence[float], side_pixels: int) -> np.ndarray:
    """`faces.square_crop` of a frame made grey, without margin; only the face is made grey, so it takes a third of the time.

    The box lies in the frame and has the size of a FER2013 image: there, the median side of Haar and YuNet boxes is the
    image's. Returns uint8 (side_pixels, side_pixels, 1).
    """
    x, y, width, height = box
    side = max(1, round(max(width, height)))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    below, beside = top + side - frame.shape[0], left + side - frame.shape[1]
    grey = cv2.cvtColor(frame[max(0, top) : top + side, max(0, left) : left + side], cv2.COLOR_RGB2GRAY)
    edges = [max(0, missing) for missing in (-top, below, -left, beside)]
    grey = cv2.copyMakeBorder(grey, *edges, cv2.BORDER_REPLICATE) if any(edges) else grey
    shrinking = cv2.INTER_AREA if side > side_pixels else cv2.INTER_LINEAR
    return cv2.resize(grey, (side_pixels, side_pixels), interpolation=shrinking)[..., None]


class Tracker:
    """Follows faces from frame to frame by the overlap of their boxes, and smooths each one's probabilities over time.

    A face's probabilities are an exponential average with time constant `smoothing_s`, none for 0. A face that is not found
    for half a second is forgotten; numbers start at 1 and are not used again.
    """

    def __init__(self, smoothing_s: float) -> None:
        self._smoothing_s = smoothing_s
        self._last: dict[int, tuple[float, Face]] = {}
        self._numbers = 0

    def update(self, faces: Sequence[Face], time_s: float) -> tuple[Face, ...]:
        """The faces of the next frame, in their order, numbered and smoothed."""
        self._last = {number: seen for number, seen in self._last.items() if time_s - seen[0] <= FORGET_S}
        before = dict(self._last)
        pairs = [
            (overlap(face.box, seen.box), row, number) for row, face in enumerate(faces) for number, (_, seen) in before.items()
        ]
        number_of: dict[int, int] = {}
        for shared, row, number in sorted(pairs, reverse=True):  # the best overlap first; each face and number once
            if shared >= LEAST_OVERLAP and row not in number_of and number in before:
                number_of[row] = number
                del before[number]
        followed = []
        for row, face in enumerate(faces):
            if row in number_of:
                last_s, last = self._last[number_of[row]]
                kept = math.exp((last_s - time_s) / self._smoothing_s) if self._smoothing_s else 0.0
                smooth = kept * last.probabilities + (1 - kept) * face.probabilities
                followed.append(replace(face, number=number_of[row], probabilities=smooth))
            else:
                self._numbers += 1
                followed.append(replace(face, number=self._numbers))
        self._last |= {face.number: (time_s, face) for face in followed}
        return tuple(followed)


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union, 0 to 1, of two boxes x, y, width, height."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared) if shared else 0.0


def live_detector(name: str | None) -> Detector:
    """The named detector, or for None YuNet where its file is at hand and Haar otherwise.

    Raises LiveError for another name, and where the detector asked for cannot be had.
    """
    if name not in (None, *LIVE_DETECTORS):
        raise LiveError(f"no detector {name!r}; there are {', '.join(LIVE_DETECTORS)}")
    if name != "haar":
        from fer_utils.live.fast_yunet import FastYuNet

        try:
            return FastYuNet()
        except MissingModel as error:
            if name:
                raise LiveError(str(error)) from error
    return HaarDetector()
