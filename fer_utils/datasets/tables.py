"""Text files and tables, whatever wrote them, and faces whose pixels are written in a CSV; nothing is unpickled.

UTF-8 with or without its byte-order mark, UTF-16, any kind of line end, gzipped or not; quoted fields in CSVs.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
import pandas as pd

from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.files import excerpt
from fer_utils.results.paths import cache_folder, cached, digest_of

BEGINNING_BYTES = 4096  # what tells text from anything else
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile, UnicodeError, csv.Error)  # what reading on raises in the middle of a file
SIDE = 48
PIXELS = SIDE * SIDE
COLUMNS = ("emotion", "usage", "pixels")
USAGES = ("Training", "PublicTest", "PrivateTest")


def open_text(path: Path, expected: str) -> TextIO:
    """A text file, also gzipped, to be read; every line ends with a line feed.

    Raises DatasetError saying what was expected for a file that cannot be read or is no text, such as an archive.
    """
    try:
        with _opened(path) as stream:
            beginning = stream.read(BEGINNING_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error}); expected {expected}") from None
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if beginning.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in beginning:
        archive = zipfile.is_zipfile(path) or (any(beginning) and tarfile.is_tarfile(path))  # zeros alone are an empty tar
        kind = "an archive, unpack it" if archive else f"no text, it begins with {excerpt(beginning[:8])}"
        raise DatasetError(f"{path} is {kind}; expected {expected}")
    return io.TextIOWrapper(_opened(path), encoding, errors="replace")


def _opened(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def read_text(path: Path, expected: str) -> str:
    """What a text file holds. Raises DatasetError as `open_text`."""
    with open_text(path, expected) as text:
        return text.read()


def read_table(path: Path, expected: str) -> pd.DataFrame:
    """A CSV as pandas reads it, the names of its columns stripped. Raises DatasetError as `open_text`, and for no table."""
    try:
        return pd.read_csv(io.StringIO(read_text(path, expected))).rename(columns=lambda name: str(name).strip())
    except (pd.errors.ParserError, pd.errors.EmptyDataError, *DAMAGED) as error:
        raise DatasetError(f"{path} is no table ({excerpt(str(error))}); expected {expected}") from None


class Faces(NamedTuple):
    """Faces of a CSV: uint8 (n, 48, 48, 1), class numbers and numbers of USAGES (uint8, n), and the digest of all three."""

    images: np.ndarray
    labels: np.ndarray
    usages: np.ndarray
    digest: str


def faces_in(path: Path, classes: Sequence[str]) -> Faces:
    """The faces of a CSV with the columns emotion, pixels and Usage in any order, parsed once and mapped from the cache.

    A source that has changed, or a damaged cache, is parsed again. Raises DatasetError naming the file, row and value.
    """
    status = path.stat()
    source = f"{path.resolve()} {status.st_size} {status.st_mtime_ns} {len(classes)}"
    place = (
        cache_folder() / "faces" / f"{hashlib.sha256(str(path.resolve()).encode(errors='surrogateescape')).hexdigest()[:16]}.npy"
    )

    def faces(table: np.ndarray) -> Faces:
        labels, usages, images = table[:, 0], table[:, 1], table[:, 2:].reshape(-1, SIDE, SIDE, 1)
        return Faces(images, labels, usages, digest_of(images, labels, usages))

    def seal(digest: str) -> bytes:
        return hashlib.sha256(f"{source} {digest}".encode(errors="surrogateescape")).digest()

    def write(partial: Path) -> None:
        rows = bytearray()
        for label, usage, pixels in _rows(path, len(classes)):
            rows += bytes((label, usage)) + pixels.tobytes()
        if not rows:
            raise DatasetError(f"{path} has no row below its header; get it again")
        table = np.frombuffer(rows, np.uint8).reshape(-1, 2 + PIXELS)
        with partial.open("wb") as file:
            np.save(file, table)
            file.write(seal(faces(table).digest))

    def read(whole: Path) -> Faces:
        found = faces(np.load(whole, mmap_mode="r"))
        with whole.open("rb") as file:
            file.seek(-hashlib.sha256().digest_size, io.SEEK_END)
            if file.read() != seal(found.digest):
                raise ValueError("another source, or a damaged file")
        return found

    return cached(place, write, read)


def _rows(path: Path, classes: int) -> Iterator[tuple[int, int, np.ndarray]]:
    number = 1
    with open_text(path, "a CSV with the columns emotion, pixels and Usage") as text:
        try:
            lines = csv.reader(text)
            header = [name.strip().lower() for name in next(lines, [])]
            if missing := [name for name in COLUMNS if header.count(name) != 1]:
                raise DatasetError(
                    f"{path}, row 1: columns {excerpt(header)} without {missing[0]}; expected emotion, pixels, Usage"
                )
            places = [header.index(name) for name in COLUMNS]
            for number, fields in enumerate(lines, start=2):
                if any(field.strip() for field in fields):
                    if len(fields) != len(header):
                        raise DatasetError(f"{path}, row {number}: {len(fields)} fields, expected {len(header)}")
                    yield pixel_row(path, number, [fields[place] for place in places], classes)
        except DAMAGED as error:
            raise DatasetError(f"{path}: the file is truncated or damaged after row {number} ({error}); get it again") from None


def pixel_row(path: Path, number: int, fields: Sequence[str], classes: int) -> tuple[int, int, np.ndarray]:
    """Class number, number of USAGES and pixels (uint8, 2304) from the fields emotion, Usage and pixels of a row.

    Raises DatasetError naming file, row, value and what was expected.
    """

    def bad(found: str, expected: str) -> DatasetError:
        return DatasetError(f"{path}, row {number}: {found}, expected {expected}")

    label, usage, text = (field.strip() for field in fields)
    if label not in map(str, range(classes)):
        raise bad(f"emotion {excerpt(label)}", f"0 to {classes - 1}")
    if usage not in USAGES:
        raise bad(f"Usage {excerpt(usage)}", " or ".join(USAGES))
    try:
        pixels = np.loadtxt([text or "0"], np.int32, comments=None)  # of no text NumPy would warn
    except (ValueError, OverflowError):
        pixels = np.empty(0, np.int32)
    if pixels.size != PIXELS:
        count = len(text.split())
        raise bad(f"{count} pixels" if count != PIXELS else "a pixel that is no whole number", f"{PIXELS} whole numbers")
    if (pixels >> 8).any():  # below 0 or above 255
        raise bad(f"pixel value {pixels.max() if pixels.max() > 255 else pixels.min()}", "0 to 255")
    return int(label), USAGES.index(usage), pixels.astype(np.uint8)
