"""The one rule set by which every loader reads files; nothing is unpacked, moved or written.

Finding the level of a tree, listing and decoding images, and the `FaceDataset` that comes of it. What systems leave behind
(hidden files, `__MACOSX`, checkpoints of notebooks) is passed over. Text files are read by `tables.py`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import simplejpeg

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset, Form, printable

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")
ALL = "all"  # the split of a dataset that was published without one
LABEL_OF_NAME = {
    name: label
    for label, names in {
        "anger": "anger angry", "contempt": "contempt contemptuous", "disgust": "disgust disgusted",
        "fear": "fear fearful afraid", "happiness": "happiness happy", "neutral": "neutral", "sadness": "sadness sad",
        "surprise": "surprise surprised",
    }.items()
    for name in names.split()
}  # fmt: skip
EXCERPT = 60  # characters of a file that a message quotes


def expression(name: str) -> str | None:
    """The class that a folder's name stands for, in any case and usual variant (`Happy`, `fearful`); None for another."""
    return LABEL_OF_NAME.get(name.lower())


def excerpt(value: object) -> str:
    """The beginning of a value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}..."


def is_left_behind(name: str) -> bool:
    """Whether a file or folder is what a system leaves beside the data: hidden, or macOS's `__MACOSX`."""
    return name.startswith(".") or name == "__MACOSX"


def inside(folder: Path, *names: str) -> Path:
    """The path of a folder inside another, whose parts may be written in another case; as given where there is none."""
    for name in names:
        if not (folder / name).is_dir():
            name = next((child.name for child in subfolders(folder) if child.name.lower() == name.lower()), name)
        folder /= name
    return folder


def leads_back(path: Path) -> bool:
    """Whether a path is a link to a folder above it, where following it would never end."""
    return path.is_symlink() and Path(os.path.realpath(path.parent)).is_relative_to(os.path.realpath(path))


def subfolders(folder: Path) -> list[Path]:
    """The folders inside a folder, by name; what systems leave behind, links back and what cannot be read is left out."""
    try:
        return sorted(
            path for path in folder.iterdir() if path.is_dir() and not is_left_behind(path.name) and not leads_back(path)
        )
    except OSError:
        return []


def holds(folder: Path, parse: Callable[[str], object]) -> bool:
    """Whether a folder directly holds a file whose name can be parsed."""
    return any(parse(path.name) for path in folder.iterdir())


def locate(folder: Path, is_root: Callable[[Path], bool], name: str, tree: str, roots: Sequence[str] = ()) -> Path:
    """The folder at which the dataset's own tree begins: `folder`, or one of the named `roots` inside it.

    Raises DatasetError when that is another level (saying which), when there is nothing, or only an archive.
    """

    def begins(candidate: Path) -> bool:
        try:
            return is_root(candidate)
        except OSError:  # a neighbour that may not be entered
            return False

    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder; {name} is expected there as {tree}")
    for candidate in (folder, *(folder / root for root in roots)):
        if begins(candidate):
            return candidate
    inside = [child for child in subfolders(folder) if begins(child)]
    inside += [deeper for child in subfolders(folder) for deeper in subfolders(child) if begins(deeper)]
    if inside:
        raise DatasetError(f"{folder} is a level too high for {name}; give {inside[0]}")
    for parent in list(folder.absolute().parents)[:3]:
        if begins(parent):
            raise DatasetError(f"{folder} is a level too deep for {name}; give {parent}")
    try:
        entries = sorted(path.name for path in folder.iterdir() if not is_left_behind(path.name))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read: {error.strerror}") from None
    if not entries:
        raise DatasetError(f"{folder} is empty; {name} is expected there as {tree}")
    if archives := [entry for entry in entries if entry.lower().endswith(ARCHIVE_ENDINGS)]:
        raise DatasetError(f"{folder} holds the archive {archives[0]} and not the dataset; unpack it there. Expected: {tree}")
    raise DatasetError(f"{folder} is not the layout of {name}: found {excerpt(', '.join(entries))}; expected {tree}")


def image_files(folder: Path) -> Iterator[Path]:
    """Image files below a folder in the order of their names, without what systems leave behind.

    Links are followed, but not back to a folder above, and each real folder is entered once.
    """
    entered: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not (is_left_behind(name) or leads_back(Path(place, name))))
        for name in sorted(names):
            if Path(name).suffix.lower() in IMAGE_ENDINGS and not is_left_behind(name):
                yield Path(place, name)


def records_by_name(root: Path, parse: Callable[[str], dict[str, Any] | None]) -> tuple[list[dict[str, Any]], int]:
    """(a record with `path` for each image below a folder whose file name can be parsed, the number of other images)."""
    named = [(path, parse(path.name)) for path in image_files(root)]
    records = [parts | {"path": path.relative_to(root).as_posix()} for path, parts in named if parts]
    return records, len(named) - len(records)


def frames_in_order(
    sequence: Path, root: Path, parse: Callable[[str], dict[str, Any] | None], below: Path | None = None
) -> tuple[list[dict[str, Any]], int]:
    """(a record with `path` and `position` for each frame of a sequence's folder, by `frame_number`; the number of other images).

    What is parsed is the place below the folder `below`, or without one the file's name.
    """
    found = [(path, parse(path.relative_to(below).as_posix() if below else path.name)) for path in image_files(sequence)]
    named = sorted(((path, parts) for path, parts in found if parts), key=lambda pair: pair[1]["frame_number"])
    records = [
        parts | {"path": path.relative_to(root).as_posix(), "position": position} for position, (path, parts) in enumerate(named)
    ]
    return records, len(found) - len(records)


def damage(content: bytes) -> str:
    """What is wrong with an image's content, so far as its beginning and, of a JPEG, its data tell; empty if nothing is.

    OpenCV and Pillow pass over data lost inside a JPEG without a word.
    """
    if not content:
        return "0 bytes"
    if content[4:8] == b"ftyp":
        return "HEIC or AVIF, which OpenCV does not read: save it as JPEG or PNG"
    if content.startswith(b"\xff\xd8"):
        try:
            simplejpeg.decode_jpeg(content, "GRAY", min_height=1, min_width=1)
        except ValueError as error:
            lost = "Premature end" in str(error) or ("Corrupt" in str(error) and "extraneous bytes" not in str(error))
            return str(error) if lost else ""
    return ""


def decode(path: Path, grey: bool) -> np.ndarray:
    """A file as uint8 (height, width, 1 or 3), RGB, upright by its EXIF entry; 16 bits become 8, grey three equal channels.

    Raises DatasetError naming a file that cannot be read, or of which a part is lost.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}; is it a link to nothing?") from None
    image, fault = None, damage(content)
    if not fault:
        try:
            image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB)
        except cv2.error:
            fault = "its header claims more pixels than OpenCV reads"
    if image is None:
        raise DatasetError(f"{path}: not a readable image ({fault or f'{len(content)} bytes'}); copy it again from the original")
    return image.reshape(*image.shape[:2], -1)


def stacked(images: Sequence[np.ndarray], names: Sequence[str], dataset: str) -> np.ndarray:
    """Images of one size as (n, height, width, channels). Raises DatasetError naming the first that differs in size."""
    if not images:
        return np.empty((0, 0, 0, 3), np.uint8)
    for image, name in zip(images, names, strict=True):
        if image.shape != images[0].shape:
            raise DatasetError(
                f"{dataset}: {name} is {image.shape[1]} x {image.shape[0]}, {names[0]} is {images[0].shape[1]} x "
                f"{images[0].shape[0]} pixels; images of different size are cropped first (preprocessing.crop_faces) or read one "
                "by one"
            )
    return np.stack(images)


def dataset_of_files(
    card: DatasetCard,
    folder: Path,
    records: Sequence[Mapping[str, object]],
    classes: Sequence[str],
    *,
    grey: bool = False,
    side_pixels: int | None = None,
    skipped: Mapping[str, int] | None = None,
    form: Form | None = None,
) -> FaceDataset:
    """A FaceDataset of one record per file: `path` (below `folder`), `label`, and what else the file's name or place tells.

    subject, sequence and position are None and split is 'all' where a record does not say. The fingerprint covers names,
    sizes and labels. Files without content, or that are links to nothing, are remarked. `read` refuses images of another
    side than `side_pixels`. Raises DatasetError for no files at all.
    """
    if not records:
        raise DatasetError(f"{folder}: no image of {card.name} found; expected {card.tree}")
    try:
        frame = pd.DataFrame.from_records(list(records))
    except UnicodeEncodeError as error:
        raise DatasetError(f"{folder}: the file name {excerpt(error.object)} is no text; rename it") from None
    paths = frame["path"].to_numpy()
    sizes = [_bytes_in(folder / path) for path in paths]
    empty = [path for path, size in zip(paths, sizes, strict=True) if not size]
    faults = [f"{len(empty)} files are empty (0 bytes), copy them again: {printable(', '.join(empty[:5]))}"] if empty else []
    digest = hashlib.sha256(card.name.encode())
    for path, size, label in zip(paths, sizes, frame["label"], strict=True):
        digest.update(f"{path}\0{size}\0{label}\n".encode(errors="surrogateescape"))

    def read(rows: Sequence[int] | np.ndarray) -> np.ndarray:
        chosen = paths[np.asarray(rows, dtype=np.int64)]
        images = [decode(folder / path, grey) for path in chosen]
        for path, image in zip(chosen, images, strict=True):
            if side_pixels and image.shape[:2] != (side_pixels, side_pixels):
                found, wanted = f"{image.shape[1]} x {image.shape[0]}", f"{side_pixels} x {side_pixels}"
                raise DatasetError(f"{folder / path}: {found} pixels, expected {wanted}; copy it again from the original")
        return stacked(images, chosen, card.name)

    return dataset_from(card, folder, frame, classes, digest.hexdigest(), read, skipped=skipped or {}, faults=faults, form=form)


def _bytes_in(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # a link to nothing
        return 0


def dataset_from(
    card: DatasetCard,
    folder: Path,
    frame: pd.DataFrame,
    classes: Sequence[str],
    fingerprint: str,
    read: Callable[[Sequence[int] | np.ndarray], np.ndarray],
    *,
    expected: Counts | None = None,
    skipped: Mapping[str, int] | None = None,
    faults: Sequence[str] = (),
    form: Form | None = None,
) -> FaceDataset:
    """The FaceDataset of a card, of a frame with at least `label`; remarks are the faults and what differs from published counts.

    The counts are those of the card or, of a repackaged form, the form's own; such a form is never official.
    """
    for column in ("subject", "sequence", "position"):
        if column not in frame:
            frame[column] = None
    if "split" not in frame:
        frame["split"] = ALL
    frame.insert(0, "image", np.arange(len(frame)))
    remarks = [*faults, *(expected or (form.expected if form else card.expected)).differences(frame)]
    remarks += [f"class {name} has no image" for name in classes if name not in set(frame["label"])]
    return FaceDataset(
        name=card.name,
        frame=frame,
        classes=tuple(classes),
        licence=card.licence,
        publishable=card.publishable,
        real=True,
        official=not (remarks or form),
        fingerprint=fingerprint,
        read=read,
        remarks=tuple(remarks),
        skipped={reason: count for reason, count in (skipped or {}).items() if count},
        folder=folder,
        form=form.name if form else "",
        last_frames=form.last_frames if form else None,
    )
