"""The loop behind `fer-book live`, and how long its stages take."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from fer_utils.live.drawing import annotated
from fer_utils.live.recognition import STAGES, Recogniser, Tracker
from fer_utils.live.rendered_video import multi_face_frames
from fer_utils.live.sinks import Sink, Window
from fer_utils.live.sources import Source

LATEST_FRAMES = 1000


@dataclass(frozen=True)
class Summary:
    """What `watch` did: frames, faces over all frames, frames per second, median ms per stage of the latest."""

    frames: int
    faces: int
    frames_per_second: float
    stage_ms: tuple[float, float, float]


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
    with ExitStack() as opened:
        opened.callback(source.close)
        for sink in sinks:
            opened.callback(sink.close)
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
