"""The embedded dataset: faces rendered from a parametric head, in three collections; no person is shown.

`sequences`: 64 persons x 7 expressions x 10 frames from neutral (position 0) to apex, 112 x 112 RGB. `angles`: every
person x 8 classes x 5 cameras from -90 to 90 degrees, 112 x 112. `wild`: 3,300 single faces, free pose, light and
occlusion, 96 x 96. Made by `tools/render_faces`; the data card in the book tells how. Synthetic: it shows methods and
protocols, and never supports a verdict on accuracy.

Columns beside the common ones: `intensity` and `peak` (0 to 1, of the full expression), `weights` (52 face units, names
in `unit_names`), `yaw`, `pitch`, `roll`, `camera` (degrees), `light`, `occlusion`, `seed`, and the face box `face_x`,
`face_y`, `face_width`, `face_height` (pixels).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset

FOLDER = Path(__file__).parents[1] / "data" / "rendered_faces"
FILES = {
    "sequences": ("sequences-0.parquet", "sequences-1.parquet"),
    "angles": ("angles.parquet",),
    "wild": ("wild.parquet",),
}
CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LICENCE = "CC0-1.0"
SPLIT_OF_PERSON = ("train", "train", "train", "train", "validation", "test")  # by person number modulo six


def load(
    folder: Path = FOLDER,
    collection: str = "wild",
    classes: Sequence[str] | None = None,
    persons: Sequence[int] | None = None,
) -> FaceDataset:
    """Load a collection, whole or restricted to some classes or persons; `split` keeps persons apart.

    Raises DatasetError for a missing, truncated or altered file (naming it, its checksum and how to restore it) and for a
    collection, class or person that is not there (listing those that are).
    """
    if collection not in FILES:
        raise DatasetError(f"rendered_faces has no collection {collection!r}; it has {', '.join(FILES)}")
    tables = [pyarrow.parquet.read_table(checked(folder, name)) for name in FILES[collection]]
    frame = pd.concat([table.to_pandas() for table in tables], ignore_index=True)
    frame[["label", "light", "occlusion"]] = frame[["label", "light", "occlusion"]].astype(object)
    chosen = keep(frame, "class", "label", classes, CLASSES) & keep(frame, "person", "person", persons, frame["person"].unique())
    frame = frame[chosen].reset_index(drop=True)
    encoded = frame.pop("image").to_numpy()
    frame.insert(0, "image", np.arange(len(frame)))
    frame["subject"] = frame["person"].map("person {:02d}".format)
    frame["split"] = [SPLIT_OF_PERSON[person % len(SPLIT_OF_PERSON)] for person in frame["person"]]
    present = set(frame["label"])
    return FaceDataset(
        name="rendered_faces",
        frame=frame,
        classes=tuple(name for name in CLASSES if name in present),
        licence=LICENCE,
        publishable=True,
        real=False,
        official=True,
        fingerprint=hashlib.sha256(f"{collection}{checksums()}{classes}{persons}".encode()).hexdigest(),
        read=lambda rows: decode(encoded[np.asarray(rows)]),
    )


def keep(frame: pd.DataFrame, what: str, column: str, wanted: Sequence[Any] | None, there: Sequence[Any]) -> np.ndarray:
    """Which rows have a wanted value (all, for None). Raises DatasetError listing what is there."""
    if wanted is None:
        return np.ones(len(frame), dtype=bool)
    if unknown := [value for value in wanted if value not in set(there)]:
        raise DatasetError(f"rendered_faces has no {what} {unknown[0]!r}; it has {', '.join(map(str, sorted(there)))}")
    return frame[column].isin(list(wanted)).to_numpy()


def decode(encoded: np.ndarray) -> np.ndarray:
    """uint8 RGB images (n, height, width, 3) of JPEG byte strings of one size."""
    images = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR_RGB) for jpeg in encoded]
    return np.stack(images) if images else np.empty((0, 0, 0, 3), np.uint8)


def checksums() -> dict[str, str]:
    """File name -> SHA-256, as shipped."""
    return {name: digest for digest, name in (line.split() for line in (FOLDER / "SHA256SUMS").read_text().splitlines())}


def checked(folder: Path, name: str) -> Path:
    """The path of a data file whose checksum is right. Raises DatasetError saying how to restore it."""
    path, expected = folder / name, checksums()[name]
    restore = f"restore it: git checkout -- fer_utils/datasets/data/rendered_faces/{name} (or reinstall the package fer-utils)"
    if not path.is_file():
        raise DatasetError(f"{path} is missing, expected SHA-256 {expected}; {restore}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise DatasetError(f"{path} is truncated or altered: SHA-256 {found}, expected {expected}; {restore}")
    return path


def unit_names() -> list[str]:
    """Names of the 52 face units, in the order of the column `weights`."""
    return json.loads(pyarrow.parquet.read_schema(checked(FOLDER, "wild.parquet")).metadata[b"unit_names"])


CARD = DatasetCard(
    name="rendered_faces",
    title="Rendered faces",
    page="the page 'Rendered faces' of the book",
    access="Part of the package; nothing to download:",
    licence=LICENCE,
    citation="fer_book",
    publishable=True,
    tree="sequences-0.parquet, sequences-1.parquet, angles.parquet, wild.parquet",
    expected=Counts(),
    load=load,
    embedded=FOLDER,
)
