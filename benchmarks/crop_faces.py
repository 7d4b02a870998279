"""Cropping frames of 640 x 480 pixels to their faces: on one and on two workers, again from the cache, and by detector.

    python benchmarks/crop_faces.py

Rendered faces of varying size and place on a grey canvas, as JPEG in memory; a worker is one thread. The ratios are what
matters, and they mean something only while the machine does nothing else.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable

import cv2
import numpy as np
from ratios import Ratio

from fer_utils.datasets.base import FaceDataset
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.preprocessing.cropping import crop_faces, keep_rows
from fer_utils.preprocessing.detection import YuNetDetector, haar_boxes

FRAMES = 5000
HAAR_FRAMES = 1000
COMPARED_FRAMES = 200
PARTS = 10  # one and two workers take turns, so that what else the machine does meets both
WIDTH, HEIGHT = 640, 480


def canvas_frames() -> FaceDataset:
    """FRAMES frames with the labels and sequences of the rendered sequences, the first of which come twice."""
    source = rendered_faces.load(collection="sequences")
    random = np.random.default_rng(0)
    rows = np.arange(FRAMES) % len(source.frame)
    encoded = []
    for row in rows:
        side = int(random.integers(180, 360))
        x, y = int(random.integers(0, WIDTH - side)), int(random.integers(0, HEIGHT - side))
        image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
        image[y : y + side, x : x + side] = cv2.resize(source.read([row])[0], (side, side), interpolation=cv2.INTER_CUBIC)
        encoded.append(cv2.imencode(".jpg", image[..., ::-1])[1])
    frame = source.frame.iloc[rows].reset_index(drop=True).assign(image=np.arange(FRAMES), sequence=None, position=None)

    def read(chosen: np.ndarray) -> np.ndarray:
        return np.stack([cv2.imdecode(encoded[row], cv2.IMREAD_COLOR_RGB) for row in chosen])

    identity = hashlib.sha256(b"".join(code.tobytes() for code in encoded)).hexdigest()
    return FaceDataset("frames", frame, source.classes, source.licence, True, False, True, identity, read)


def seconds(work: Callable[[], object]) -> float:
    """Seconds that one call takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def crop_times(dataset: FaceDataset, detector: str) -> np.ndarray:
    """Seconds (PARTS, 3) on one worker, on two workers, and of a second call, of equal parts of the dataset in turn."""

    def crop(part: FaceDataset, workers: int) -> None:
        cropped, _ = crop_faces(part, detector=detector, side_pixels=112, workers=workers)
        cropped.read(np.arange(len(cropped.frame)))

    times = []
    for number, rows in enumerate(np.array_split(np.arange(len(dataset.frame)), PARTS)):
        part = keep_rows(dataset, rows, f"part {number} of {PARTS}")
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            runs = ((1, one), (2, two), (2, two)) if number % 2 else ((2, two), (1, one), (2, two))
            taken = []
            for workers, cache in runs:
                os.environ["FER_BOOK_CACHE"] = cache
                taken.append(seconds(lambda part=part, workers=workers: crop(part, workers)))
            times.append(taken if number % 2 else [taken[1], taken[0], taken[2]])
    return np.array(times)


def detector_times(dataset: FaceDataset) -> tuple[float, float]:
    """Median milliseconds per frame of Haar at 640 x 480 (OpenCV's defaults) and of YuNet at 320 x 240; one thread."""
    yunet = YuNetDetector()
    frames = [dataset.read([row])[0] for row in range(COMPARED_FRAMES)]
    small = [cv2.resize(frame, (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA) for frame in frames]
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    haar_boxes(frames[0], 1.1, 3), yunet.detect(small[0])
    haar = statistics.median(seconds(lambda frame=frame: haar_boxes(frame, 1.1, 3)) for frame in frames)
    net = statistics.median(seconds(lambda frame=frame: yunet.detect(frame)) for frame in small)
    cv2.setNumThreads(threads)
    return 1000 * haar, 1000 * net


def main() -> list[Ratio]:
    """Print the seconds; the ratios of workers, of the cache and of the detectors."""
    frames = canvas_frames()
    ratios = []
    for detector, count in (("yunet", FRAMES), ("haar", HAAR_FRAMES)):
        times = crop_times(keep_rows(frames, np.arange(count), f"first {count}"), detector)
        one, two, again = times.sum(axis=0)
        parts = times[:, 0] / times[:, 1]
        print(
            f"{detector}, n = {count}: one worker {one:.2f} s, two {two:.2f} s (of {PARTS} parts the median ratio "
            f"{np.median(parts):.2f}, {parts.min():.2f} to {parts.max():.2f}); from the cache {again:.3f} s"
        )
        ratios.append(Ratio(f"cropping with {detector}, one worker / two", one / two, least=1.7))
        ratios.append(Ratio(f"cropping with {detector}, two workers / cache", two / again, least=20))
    haar, yunet = detector_times(frames)
    print(f"n = {COMPARED_FRAMES}: Haar at 640 x 480 {haar:.1f} ms, YuNet at 320 x 240 {yunet:.1f} ms a frame")
    return [*ratios, Ratio("a frame, Haar / YuNet", haar / yunet, least=3)]


if __name__ == "__main__":
    main()
