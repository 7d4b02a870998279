"""FER2013 (Goodfellow et al. 2013): 35,887 grey faces of 48 x 48 pixels in seven classes, with an official split.

Forms read: `fer2013.csv`, `fer2013.csv.gz`, `icml_face_data.csv` (the same rows, other column order, spaces in the
header) and the class folders `train/<class>/*`, `test/<class>/*`. Where several are present the CSV wins, because
the folders have lost the difference between PublicTest and PrivateTest. Relied on: the challenge's own description
of the columns and splits; class counts recomputed from the official CSV.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
import pandas as pd

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset
from fer_utils.results.paths import cache_folder, digest_of

SIDE = 48
PIXELS = SIDE * SIDE
BLOCK_BYTES = 1 << 20
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
USAGES = ("Training", "PublicTest", "PrivateTest")
CSV_NAMES = ("fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv", "icml_face_data.csv.gz")
FOLDER_SPLITS = {"train": "Training", "test": "Test"}
FOLDER_LABELS = dict(zip(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"), CLASSES, strict=True)) | {
    name: name for name in CLASSES
}
IMAGE_ENDINGS = {".png", ".jpg", ".jpeg"}
VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
OFFICIAL_COUNTS = {
    "Training": dict(zip(CLASSES, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True)),
    "PublicTest": dict(zip(CLASSES, (467, 56, 496, 895, 653, 415, 607), strict=True)),
    "PrivateTest": dict(zip(CLASSES, (491, 55, 528, 879, 594, 416, 626), strict=True)),
}
FOLDER_COUNTS = {
    "Training": OFFICIAL_COUNTS["Training"],
    "Test": {k: OFFICIAL_COUNTS["PublicTest"][k] + OFFICIAL_COUNTS["PrivateTest"][k] for k in CLASSES},
}


def load(folder: Path) -> FaceDataset:
    """Load FER2013 from a folder in any of its forms, through the cache. Raises DatasetError naming file, row, value."""
    source = _source(folder)
    cached = _cached(source) or _fill_cache(source)
    images, labels, usages, digest = cached
    splits = USAGES if source.is_file() else tuple(FOLDER_SPLITS.values())
    names = pd.Categorical.from_codes(labels, categories=list(CLASSES))
    frame = pd.DataFrame(
        {
            "image": np.arange(len(labels)),
            "label": names.astype(object),
            "subject": None,
            "sequence": None,
            "position": None,
            "split": np.asarray(splits, dtype=object)[usages],
        }
    )
    remarks = Counts(OFFICIAL_COUNTS if source.is_file() else FOLDER_COUNTS).differences(frame)
    return FaceDataset(
        name="fer2013",
        frame=frame,
        classes=CLASSES,
        licence=CARD.licence,
        publishable=CARD.publishable,
        real=True,
        official=not remarks,
        fingerprint=digest,
        read=lambda rows: np.asarray(images[np.asarray(rows)]),
        remarks=tuple(remarks),
    )


def votes(folder: Path, dataset: FaceDataset) -> pd.DataFrame | None:
    """The FER+ votes (`fer2013new.csv`, ten taggers per image; Barsoum et al. 2016), one row per row of the dataset.

    None where the file is absent. Raises DatasetError when its rows are not those of the dataset.
    """
    path = folder / "fer2013new.csv"
    if not path.exists():
        return None
    table = pd.read_csv(path)
    if missing := [column for column in ("Usage", *VOTE_COLUMNS) if column not in table.columns]:
        raise DatasetError(f"{path}: columns {missing} are missing; expected Usage, Image name and {VOTE_COLUMNS}")
    if len(table) != len(dataset.frame):
        raise DatasetError(f"{path}: {len(table)} rows for {len(dataset.frame)} images; one row per image is expected")
    differs = np.flatnonzero(table["Usage"].to_numpy() != dataset.frame["split"].to_numpy())
    if len(differs):
        row = int(differs[0])
        raise DatasetError(
            f"{path}, row {row + 2}: Usage {table['Usage'][row]!r}, but the image is in {dataset.frame['split'][row]!r}"
        )
    return table[list(VOTE_COLUMNS)]


def _source(folder: Path) -> Path:
    for name in CSV_NAMES:
        if (folder / name).is_file():
            return folder / name
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        return folder
    raise DatasetError(f"{folder}: none of {', '.join(CSV_NAMES)} and no folders train/ and test/")


def _stamp(source: Path) -> dict[str, Any]:
    """What tells that a source has changed: for a file its size and time, for a tree those of every image."""
    if source.is_file():
        status = source.stat()
        return {"path": str(source.resolve()), "bytes": status.st_size, "modified_ns": status.st_mtime_ns}
    listing = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for _, _, p in _folder_images(source)]
    return {"path": str(source.resolve()), "listing": hashlib.sha256(repr(listing).encode()).hexdigest()}


def _cache_of(source: Path) -> Path:
    return cache_folder() / "fer2013" / hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:16]


Parsed = tuple[np.ndarray, np.ndarray, np.ndarray, str]


def _cached(source: Path) -> Parsed | None:
    """The parsed source from the cache: None when absent, older than the source, or not as its checksum says."""
    folder = _cache_of(source)
    try:
        record = json.loads((folder / "checksum.json").read_text())
        labels, usages = np.load(folder / "labels.npy"), np.load(folder / "usages.npy")
        images = np.memmap(folder / "images.uint8", np.uint8, "r", shape=(len(labels), SIDE, SIDE, 1))
    except (OSError, ValueError):
        return None
    if record["source"] != _stamp(source) or digest_of(images, labels, usages) != record["sha256"]:
        return None
    return images, labels, usages, record["sha256"]


def _fill_cache(source: Path) -> Parsed:
    """Parse the source into the cache; nothing is left behind when a row is bad."""
    target = _cache_of(source)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        labels, usages = bytearray(), bytearray()
        with (partial / "images.uint8").open("wb") as images_file:
            for label, usage, pixels in _csv_rows(source) if source.is_file() else _folder_rows(source):
                labels.append(label)
                usages.append(usage)
                images_file.write(pixels)
        if not labels:
            raise DatasetError(f"{source}: no images")
        label_array, usage_array = np.frombuffer(labels, np.uint8), np.frombuffer(usages, np.uint8)
        np.save(partial / "labels.npy", label_array)
        np.save(partial / "usages.npy", usage_array)
        images = np.memmap(partial / "images.uint8", np.uint8, "r", shape=(len(label_array), SIDE, SIDE, 1))
        record: dict[str, Any] = {"source": _stamp(source), "sha256": digest_of(images, label_array, usage_array)}
        (partial / "checksum.json").write_text(json.dumps(record))
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    kept = np.memmap(target / "images.uint8", np.uint8, "r", shape=images.shape)  # by its lasting name, for other processes
    return kept, label_array, usage_array, record["sha256"]


def _lines(stream: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    """Lines of a stream; a thread reads and decompresses the next block while this one is parsed."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        rest, pending = b"", reader.submit(stream.read, BLOCK_BYTES)
        while block := pending.result():
            pending = reader.submit(stream.read, BLOCK_BYTES)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
        if rest:
            yield rest


def _csv_rows(path: Path) -> Iterator[tuple[int, int, memoryview]]:
    """Stream (label, usage, pixels) from a CSV, plain or gzipped."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        number = 1
        try:
            lines = _lines(stream)
            header = [field.strip().decode("ascii", "replace") for field in next(lines, b"").split(b",")]
            if sorted(header) != ["Usage", "emotion", "pixels"]:
                raise DatasetError(f"{path}, row 1: columns {header}, expected emotion, pixels, Usage")
            order = [header.index(name) for name in ("emotion", "Usage", "pixels")]
            for number, line in enumerate(lines, start=2):
                if line.strip():
                    yield _csv_row(path, number, line, order)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DatasetError(f"{path}: the file is truncated or damaged after row {number} ({error}); get it again") from None


def _csv_row(path: Path, number: int, line: bytes, order: list[int]) -> tuple[int, int, memoryview]:
    def bad(found: object, expected: str) -> DatasetError:
        return DatasetError(f"{path}, row {number}: {found}, expected {expected}")

    fields = line.split(b",")
    if len(fields) != 3:
        raise bad(f"{len(fields)} fields", "3 (emotion, pixels, Usage)")
    label_text, usage_text, pixel_text = (fields[position].strip().strip(b'"') for position in order)
    label = int(label_text) if label_text.isdigit() else -1
    if not 0 <= label < len(CLASSES):
        raise bad(f"emotion {label_text.decode(errors='replace')!r}", "0 to 6")
    usage = usage_text.decode(errors="replace")
    if usage not in USAGES:
        raise bad(f"Usage {usage!r}", " or ".join(USAGES))
    try:
        text = [pixel_text.decode("ascii")] if pixel_text.strip() else ["0"]  # of no text NumPy would warn
        pixels = np.loadtxt(text, np.int32, comments=None)
    except ValueError:
        pixels = np.empty(0, np.int32)
    if pixels.size != PIXELS:
        count = len(pixel_text.split())
        raise bad(f"{count} pixels" if count != PIXELS else "a pixel that is no whole number", f"{PIXELS} whole numbers")
    if (pixels >> 8).any():  # below 0 or above 255
        raise bad(f"pixel value {pixels.max() if pixels.max() > 255 else pixels.min()}", "0 to 255")
    return label, USAGES.index(usage), pixels.astype(np.uint8).data


def _folder_images(folder: Path) -> Iterator[tuple[int, int, Path]]:
    for usage, split in enumerate(FOLDER_SPLITS):
        for class_folder in sorted(path for path in (folder / split).iterdir() if path.is_dir()):
            if class_folder.name.lower() not in FOLDER_LABELS:
                raise DatasetError(f"{class_folder}: unknown class, expected {', '.join(FOLDER_LABELS)}")
            label = CLASSES.index(FOLDER_LABELS[class_folder.name.lower()])
            for path in sorted(class_folder.iterdir()):
                if path.suffix.lower() in IMAGE_ENDINGS:
                    yield label, usage, path


def _folder_rows(folder: Path) -> Iterator[tuple[int, int, memoryview]]:
    for label, usage, path in _folder_images(folder):
        image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        if image is None:
            raise DatasetError(f"{path}: not a readable image, expected PNG or JPEG of {SIDE} x {SIDE} pixels")
        if image.shape != (SIDE, SIDE):
            raise DatasetError(f"{path}: {image.shape[1]} x {image.shape[0]} pixels, expected {SIDE} x {SIDE}")
        yield label, usage, np.ascontiguousarray(image).data


CARD = DatasetCard(
    name="fer2013",
    title="Facial Expression Recognition 2013",
    page="https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge/data",
    access="Download the challenge's archive (a free Kaggle account is needed) and unpack fer2013.csv:",
    licence="research data of the ICML 2013 challenge, no formal licence",
    citation="goodfellow2015",
    publishable=False,
    tree="fer2013.csv, fer2013.csv.gz, icml_face_data.csv, or train/<class>/ and test/<class>/; FER+ votes: fer2013new.csv",
    expected=Counts(OFFICIAL_COUNTS),
    load=load,
)
