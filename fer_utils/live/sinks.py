"""Where the live program's results go: an annotated film or images, a stream of rows, a window.

Films and images are written under a temporary name and renamed when they are complete; a film that is interrupted is
complete up to its last frame. Rows of a stream are there as soon as their frame is done.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import cv2
import numpy as np

from fer_utils.live.export import LiveError
from fer_utils.live.sources import IMAGE_ENDINGS, Frame, Source
from fer_utils.results.paths import write_renamed

if TYPE_CHECKING:
    from fer_utils.live.recognition import Face

FILM_CODECS = {".mp4": "mp4v", ".avi": "MJPG"}  # those that OpenCV's wheels can write everywhere
STREAM_ENDINGS = (".jsonl", ".csv")
TITLE = "fer-book live: q quits, p pauses and goes on, s saves the frame"


class Sink(Protocol):
    """What takes each frame with its faces and its annotated picture; `draws` says whether it needs the picture."""

    draws: bool

    def write(self, frame: Frame, faces: Sequence[Face], picture: np.ndarray) -> None:
        """Take the next frame; `picture` is uint8 RGB (height, width, 3)."""

    def close(self) -> None:
        """End the file or the window."""


class FilmSink:
    """Annotated frames as a film that plays as fast as its source: frames are repeated or left out to keep its time."""

    draws = True

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._path, self._rate = path, frames_per_second
        self._partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
        self._writer: cv2.VideoWriter | None = None
        self._written = 0

    def write(self, frame: Frame, faces: Sequence[Face], picture: np.ndarray) -> None:
        height, width = picture.shape[:2]
        if self._writer is None:
            codec = cv2.VideoWriter.fourcc(*FILM_CODECS[self._path.suffix.lower()])
            self._writer = cv2.VideoWriter(str(self._partial), cv2.CAP_FFMPEG, codec, self._rate, (width, height))
            if not self._writer.isOpened():
                raise LiveError(f"{self._path} cannot be written as a film of {width} x {height} pixels")
        bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
        while self._written <= round(frame.time_s * self._rate):
            self._writer.write(bgr)
            self._written += 1

    def close(self) -> None:
        """End the film, read it back and give it its name. Raises LiveError where it is not whole; an old one then stays."""
        if self._writer is None:
            return
        self._writer.release()  # OpenCV does not say that a disk is full
        try:
            if (found := frames_in(self._partial)) < self._written:
                raise LiveError(
                    f"{self._path} is not written: {found} of {self._written} frames could be read back; is the disk full?"
                )
            if self._written:
                self._partial.replace(self._path)
        finally:
            self._partial.unlink(missing_ok=True)


class ImageSink:
    """Annotated images: one file, or a folder in which each has the name of its source."""

    draws = True

    def __init__(self, path: Path, single: bool) -> None:
        self._path, self._single = path, single

    def write(self, frame: Frame, faces: Sequence[Face], picture: np.ndarray) -> None:
        write_image(self._path if self._single else self._path / frame.name, picture)

    def close(self) -> None:
        pass


class StreamSink:
    """A row per face and frame: `time_s`, `frame`, `face`, the box in pixels and the probabilities, as they are shown."""

    draws = False

    def __init__(self, path: Path, classes: Sequence[str]) -> None:
        self._path, self._classes = path, tuple(classes)
        self._file: TextIO | None = None

    def write(self, frame: Frame, faces: Sequence[Face], picture: np.ndarray) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
            if self._path.suffix == ".csv":
                csv.writer(self._file).writerow(("time_s", "frame", "face", "x", "y", "width", "height", *self._classes))
        for face in faces:
            box = [round(value, 1) for value in face.box]
            probabilities = [round(float(value), 4) for value in face.probabilities]
            place = {"time_s": round(frame.time_s, 3), "frame": frame.number, "face": face.number}
            if self._path.suffix == ".csv":
                csv.writer(self._file).writerow((*place.values(), *box, *probabilities))
            else:
                row = place | {"box": box, "probabilities": dict(zip(self._classes, probabilities, strict=True))}
                self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class Window:
    """The annotated picture on the screen. q quits, p pauses, s saves the frame as an image in the current folder."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._began: float | None = None
        self._sized = False
        try:
            cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        except cv2.error as error:
            raise LiveError("this OpenCV cannot show windows: install opencv-python, or use --headless") from error

    def show(self, frame: Frame, picture: np.ndarray) -> bool:
        """Show a picture, a film's at its time; one that no other follows stays until p. False for q, or once closed."""
        cv2.imshow(TITLE, cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        if not self._sized:
            cv2.resizeWindow(TITLE, picture.shape[1], picture.shape[0])
            self._sized = True
        now = time.monotonic()
        self._began = now - frame.time_s if self._began is None else self._began
        early_ms = 0 if self._source.waits else 1000 * (self._began + frame.time_s - now)
        paused = not self._source.consecutive
        key = cv2.waitKey(max(1, int(early_ms))) & 0xFF
        while key != ord("q") and self._open():
            if key == ord("s"):
                write_image(Path(f"fer-book-live-{frame.number:06d}.png"), picture)
            if key == ord("p"):
                paused, self._began = not paused, None
            if not paused:
                return True
            key = cv2.waitKey(50) & 0xFF
        return False

    def _open(self) -> bool:
        return cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) >= 1

    def close(self) -> None:
        cv2.destroyWindow(TITLE)


def frames_in(film: Path) -> int:
    """How many frames of a film can be read."""
    capture, frames = cv2.VideoCapture(str(film), cv2.CAP_FFMPEG), 0
    while capture.grab():
        frames += 1
    capture.release()
    return frames


def has_display() -> bool:
    """Whether a window can be shown."""
    return sys.platform in ("win32", "darwin") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def picture_sink(out: Path, source: Source, source_text: str) -> Sink:
    """The sink for `--out`. Raises LiveError for an ending or a place that does not fit the source."""
    if out.exists() and Path(source_text).exists() and out.resolve() == Path(source_text).resolve():
        raise LiveError(f"{out} is the source itself; give another name")
    if not out.resolve().parent.is_dir():
        raise LiveError(f"{out}: the folder {out.resolve().parent} does not exist")
    if source.consecutive:
        if out.suffix.lower() not in FILM_CODECS:
            raise LiveError(f"{out}: a film is written as {' or '.join(FILM_CODECS)}")
        return FilmSink(out, source.frames_per_second)
    single = not Path(source_text).is_dir()
    if single != (out.suffix.lower() in IMAGE_ENDINGS):
        raise LiveError(f"{out}: for {'an image, give an image file' if single else 'a folder of images, give a folder'}")
    return ImageSink(out, single)


def stream_sink(path: Path, classes: Sequence[str]) -> StreamSink:
    """The sink for `--stream`. Raises LiveError for another ending or a missing folder."""
    if path.suffix not in STREAM_ENDINGS:
        raise LiveError(f"{path}: a stream is written as {' or '.join(STREAM_ENDINGS)}")
    if not path.resolve().parent.is_dir():
        raise LiveError(f"{path}: the folder {path.resolve().parent} does not exist")
    return StreamSink(path, classes)


def write_image(path: Path, picture: np.ndarray) -> None:
    """Write a uint8 RGB picture in the format of the path's ending; grey for `.pgm`. Raises LiveError where that fails."""
    to_file = cv2.COLOR_RGB2GRAY if path.suffix.lower() == ".pgm" else cv2.COLOR_RGB2BGR
    done, encoded = cv2.imencode(path.suffix, cv2.cvtColor(picture, to_file))
    if not done:
        raise LiveError(f"{path}: a picture of {picture.shape[1]} x {picture.shape[0]} pixels cannot be written in this format")
    write_renamed(path, lambda partial: partial.write_bytes(encoded.tobytes()))
