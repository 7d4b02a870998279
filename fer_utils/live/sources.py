"""Where the live program's frames come from: a camera, a stream, a film, an image or a folder of images.

Every source is iterated once and yields a `Frame` at a time. `consecutive` says whether one frame follows from another, so
that faces can be followed; `frames_per_second` is the rate at which a film of it plays; `faults` says, once a source has
ended, what of it could not be read. Raises LiveError with a sentence.
"""

from __future__ import annotations

import itertools
import math
import os
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import cv2
import numpy as np
from PIL import Image

from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.files import decode, is_left_behind
from fer_utils.live.export import LiveError

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # we say ourselves what is wrong with a file or a camera
IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
UNREADABLE_ENDINGS = (".heic", ".heif", ".avif")
USUAL_FRAMES_PER_SECOND = 25.0
FASTEST_FRAMES_PER_SECOND = 1000.0  # of slow motion
LOST_SHARE = 0.02  # of a film's stated frames; where a file states none, FFmpeg estimates them from its length
CAMERA_TIMEOUT_S = 10


@dataclass(frozen=True)
class Frame:
    """A picture, uint8 RGB (height, width, 3), its number from 0, its time in seconds, and its file if it has one."""

    image: np.ndarray
    number: int
    time_s: float
    name: str = ""


class Source(Protocol):
    """What yields frames."""

    consecutive: bool
    waits: bool  # whether a frame comes only when it happens
    frames_per_second: float
    faults: list[str]

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Let the file or the camera go."""


def open_source(text: str) -> Source:
    """A camera by its index ("0"), a stream by its address ("rtsp://..."), a film, an image or a folder of images.

    Raises LiveError where there is none, or none that can be read.
    """
    if text.isdecimal():
        return Camera(int(text))
    if "://" in text:
        return Camera(text)
    path = Path(text).expanduser()
    if path.is_dir():
        shown = [file for file in path.iterdir() if not is_left_behind(file.name)]
        images = sorted(file for file in shown if file.suffix.lower() in (*IMAGE_ENDINGS, *UNREADABLE_ENDINGS))
        if not images:
            raise LiveError(f"the folder {path} holds no image ({', '.join(IMAGE_ENDINGS)})")
        return Images(images)
    if not path.exists():
        raise LiveError(f"{text} is no camera index, address, file or folder")
    if not path.stat().st_size:
        raise LiveError(f"{path} is empty")
    return Images([path]) if path.suffix.lower() in (*IMAGE_ENDINGS, *UNREADABLE_ENDINGS) else Film(path)


class Images:
    """Images that have nothing to do with each other. Of several, those that cannot be read are passed over."""

    consecutive = waits = False
    frames_per_second = 1.0

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self.faults: list[str] = []
        if len(paths) == 1:
            _still(paths[0])

    def __iter__(self) -> Iterator[Frame]:
        for number, path in enumerate(self._paths):
            try:
                yield Frame(_still(path), number, float(number), path.name)
            except LiveError as error:
                self.faults.append(str(error))

    def close(self) -> None:
        pass


class Film:
    """A video file, read as fast as it is asked for. Opened by FFmpeg alone; OpenCV would also guess at numbered images."""

    consecutive, waits = True, False

    def __init__(self, path: Path) -> None:
        self._capture = _opened(str(path), cv2.CAP_FFMPEG)
        self._first: np.ndarray | None
        read, self._first = self._capture.read() if self._capture.isOpened() else (False, None)
        if not read:
            self._capture.release()
            raise LiveError(f"{path} is no video that can be read, or holds no frame")
        self._path = path
        self.faults: list[str] = []
        self.frames_per_second = _usual_rate(self._capture)

    def __iter__(self) -> Iterator[Frame]:
        """Frames at the container's times, from 0; one without a later time than the last follows it at the stated rate."""
        read, image, time_s = True, self._first, 0.0
        began = shown = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        for number in itertools.count():
            if not read:
                self._compare(number)
                return
            yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), number, time_s)
            read, image = self._capture.read()
            before, shown = shown, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            time_s = shown - began if before < shown and time_s < shown - began else time_s + 1 / self.frames_per_second

    def _compare(self, frames: int) -> None:
        stated = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if stated - frames > max(1, LOST_SHARE * stated):
            self.faults.append(f"{self._path}: {frames} of {stated} stated frames could be read; it is cut off or damaged")

    def close(self) -> None:
        self._capture.release()


class Camera:
    """A camera or a stream. A thread keeps its latest picture, so that one that is slow to recognise is never late."""

    consecutive = waits = True

    def __init__(self, address: int | str) -> None:
        self._name = f"camera {address}" if isinstance(address, int) else masked(address)
        self.faults: list[str] = []
        self._capture = _opened(address, cv2.CAP_FFMPEG if isinstance(address, str) else cv2.CAP_ANY)
        if not self._capture.isOpened():
            asked = "is it connected, and does no other program use it?"
            if isinstance(address, str):
                asked = (
                    f"nothing answers there within {CAMERA_TIMEOUT_S} s, or it sends no film; check address, name and password"
                )
            raise LiveError(f"{self._name} cannot be opened: {asked}")
        self.frames_per_second = _usual_rate(self._capture)
        self._changed = threading.Condition()
        self._latest: np.ndarray | None = None
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._ended:
            read, image = self._capture.read()
            with self._changed:
                self._latest = image if read else self._latest
                self._ended |= not read
                self._changed.notify()

    def __iter__(self) -> Iterator[Frame]:
        began = None
        for number in itertools.count():
            with self._changed:
                if not self._changed.wait_for(lambda: self._latest is not None or self._ended, CAMERA_TIMEOUT_S):
                    raise LiveError(f"{self._name} has sent no picture for {CAMERA_TIMEOUT_S} s, after {number} frames")
                if self._latest is None:
                    raise LiveError(f"{self._name} stopped after {number} frames")
                image, self._latest = self._latest, None
            now = time.monotonic()
            began = now if began is None else began
            yield Frame(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), number, now - began)

    def close(self) -> None:
        self._ended = True
        self._reader.join(1)
        if not self._reader.is_alive():  # a reader that hangs still holds the camera; the process lets go of both
            self._capture.release()


def masked(address: str) -> str:
    """An address without the password in it."""
    try:
        user = urlsplit(address).netloc.rpartition("@")[0]
    except ValueError:
        return f"{address.partition('://')[0]}://..."
    hidden = address.replace(user, f"{user.partition(':')[0]}:***", 1) if ":" in user else address
    return re.sub(r"((?:pass\w*|pwd|token|key|secret)=)[^&#]+", r"\1***", hidden, flags=re.IGNORECASE)


def _still(path: Path) -> np.ndarray:
    """The image of a file. Raises LiveError for one that cannot be read, and for one of several pictures."""
    try:
        image = decode(path, grey=False)
        if path.suffix.lower() in (".webp", ".png"):
            with Image.open(path) as opened:
                if getattr(opened, "is_animated", False):
                    raise LiveError(f"{path} is animated, and only its first picture could be read; save it as .gif or .mp4")
    except (DatasetError, OSError, Image.DecompressionBombError) as error:
        raise LiveError(f"{path} is no image that can be read ({error})") from None
    return image


def _opened(address: int | str, backend: int) -> cv2.VideoCapture:
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    timeouts = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 1000 * CAMERA_TIMEOUT_S, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000 * CAMERA_TIMEOUT_S)
    return cv2.VideoCapture(address, backend, timeouts if backend == cv2.CAP_FFMPEG else ())


def _usual_rate(capture: cv2.VideoCapture) -> float:
    """The stated frames per second, or the usual ones where the file states none or nonsense."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    return rate if math.isfinite(rate) and 0 < rate <= FASTEST_FRAMES_PER_SECOND else USUAL_FRAMES_PER_SECOND
