"""The expressions of several people in a camera's picture or a film: find faces, classify them in one batch, follow them.

A frame is uint8 RGB (height, width, 3). Boxes are x, y, width, height in pixels of the frame, probabilities float32 in the
order of the classifier's classes, times seconds since the first frame. `watch` is the loop behind `fer-book live`.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pandas as pd

from fer_utils.detectors import Detector, HaarDetector, MissingModel
from fer_utils.export import Classifier, LiveError
from fer_utils.live_drawing import annotated
from fer_utils.live_sinks import Sink, Window
from fer_utils.live_sources import Source
from fer_utils.rendered_video import multi_face_frames

LEAST_OVERLAP = 0.3  # intersection over union of a face's boxes in two frames
FORGET_S = 0.5
LATEST_FRAMES = 1000
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


@dataclass(frozen=True)
class Summary:
    """What `watch` did: frames, faces over all frames, frames per second, median ms per stage of the latest."""

    frames: int
    faces: int
    frames_per_second: float
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
        from fer_utils.fast_yunet import FastYuNet

        try:
            return FastYuNet()
        except MissingModel as error:
            if name:
                raise LiveError(str(error)) from error
    return HaarDetector()


def watch(
    source: Source, recogniser: Recogniser, sinks: Sequence[Sink], window: Window | None, smoothing_s: float, labels_only: bool
) -> Summary:
    """Recognise frame after frame until the source ends, the window is closed or the process is asked to stop.

    SIGINT and SIGTERM end it after the frame at hand; the sinks are always closed, so what they wrote is complete.
    """
    tracker = Tracker(smoothing_s)
    drawing = window is not None or any(sink.draws for sink in sinks)
    times: deque[tuple[float, float, float]] = deque(maxlen=LATEST_FRAMES)  # a camera may run for days
    frames_seen, faces_seen, began = 0, 0, time.perf_counter()
    shown_ms, shown_rate, last = np.zeros(3), 0.0, began
    try:
        with asked_to_stop() as stop:
            for frame in source:
                if not source.consecutive:
                    tracker = Tracker(0.0)
                recognition = recogniser.recognise(frame.image)
                faces = tracker.update(recognition.faces, frame.time_s)
                now = time.perf_counter()
                times.append(recognition.stage_ms)
                frames_seen, faces_seen = frames_seen + 1, faces_seen + len(faces)
                weight = 1 if frames_seen == 1 else 0.1
                shown_ms += weight * (np.array(recognition.stage_ms) - shown_ms)
                shown_rate += weight * (1 / (now - last) - shown_rate)
                last = now
                picture = frame.image
                if drawing:
                    status = f"{shown_rate:.0f} frames/s" + "".join(
                        f"  {stage} {ms:.1f}" for stage, ms in zip(STAGES, shown_ms, strict=True)
                    )
                    picture = annotated(frame.image, faces, recogniser.classes, f"{status} ms", labels_only)
                for sink in sinks:
                    sink.write(frame, faces, picture)
                if stop.is_set() or (window is not None and not window.show(frame, picture)):
                    break
    finally:
        for sink in sinks:
            sink.close()
        source.close()
    medians = np.median(np.array(times).reshape(-1, 3), axis=0) if times else np.zeros(3)
    rate = frames_seen / (time.perf_counter() - began)
    return Summary(frames_seen, faces_seen, rate, tuple(medians.tolist()))


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGINT or SIGTERM sets instead of ending the process; a second one ends it as usual."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def note(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def stage_times(
    recogniser: Recogniser, faces: Sequence[int] = (1, 2, 3, 4, 5), frames: int = 100, warm_up: int = 3
) -> pd.DataFrame:
    """How long each stage takes on frames of 640 x 480 with so many rendered faces; `warm_up` frames before are not counted.

    A row per number of faces and stage, and `total`: `faces`, `stage`, `median_ms`, `p95_ms`, `frames`, and `found`, the
    mean number of faces that the detector found.
    """
    rows = []
    for count in faces:
        done = [recogniser.recognise(frame) for frame in multi_face_frames(count, warm_up + frames)][warm_up:]
        times = np.array([recognition.stage_ms for recognition in done])
        found = float(np.mean([len(recognition.faces) for recognition in done]))
        for stage, values in zip((*STAGES, "total"), (*times.T, times.sum(axis=1)), strict=True):
            middle, high = np.percentile(values, (50, 95))
            rows.append((count, stage, float(middle), float(high), frames, found))
    return pd.DataFrame(rows, columns=["faces", "stage", "median_ms", "p95_ms", "frames", "found"])
