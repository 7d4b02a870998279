"""RAF-DB, single-label ("basic") part (Li, Deng 2017): 15,339 aligned faces of 100 x 100 pixels from the web.

`basic/EmoLabel/list_patition_label.txt` (the owners' spelling) has a line `train_00001.jpg 5` per image and gives the
official split; the images are `basic/Image/aligned/train_00001_aligned.jpg`. Repackaged, they lie in a folder per code,
`DATASET/train/5/train_00001_aligned.jpg`, with the same labels in `train_labels.csv` and `test_labels.csv` beside it. People
are not named, so no split by person is possible. Relied on: the dataset's readme for codes and split.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset, Form
from fer_utils.datasets.files import dataset_of_files, excerpt, image_files, inside, locate
from fer_utils.datasets.tables import read_table, read_text

CODES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LABELS = "EmoLabel/list_patition_label.txt"
LINE = re.compile(r"((train|test)_\d{4,5})\.jpg\s+([1-7])", re.IGNORECASE | re.ASCII)
PLACE = re.compile(r"(train|test)/([1-7])/[^/]+", re.IGNORECASE | re.ASCII)


def parse(line: str) -> dict[str, Any] | None:
    """Path below `basic/`, split and label from a line of the label file; None where it is no such line."""
    match = LINE.fullmatch(line.strip())
    return match and {
        "path": f"Image/aligned/{match[1]}_aligned.jpg",
        "split": match[2].lower(),
        "label": CODES[int(match[3])],
    }


def parse_place(place: str) -> dict[str, Any] | None:
    """Split and label from the place `train/5/train_00001_aligned.jpg` below DATASET; None where it is no such place."""
    match = PLACE.fullmatch(place)
    return match and {"split": match[1].lower(), "label": CODES[int(match[2])]}


def load(folder: Path) -> FaceDataset:
    """Load RAF-DB's aligned faces from either form. Raises DatasetError naming the file and line that is wrong."""
    root = locate(folder, lambda path: _is_official(path) or _is_in_folders(path), CARD.name, CARD.tree, ("basic",))
    return _official(root) if _is_official(root) else _in_folders(root)


def _is_official(folder: Path) -> bool:
    return inside(folder, "Image", "aligned").is_dir()


def _is_in_folders(folder: Path) -> bool:
    return all((inside(folder, "DATASET", split) / "1").is_dir() for split in ("train", "test"))


def _official(root: Path) -> FaceDataset:
    labels = root / LABELS
    if not labels.is_file():
        raise DatasetError(f"{labels} is missing; it gives every image's label and split and comes with the images")
    records = []
    for number, line in enumerate(read_text(labels, "lines such as 'train_00001.jpg 5'").splitlines(), start=1):
        if not line.strip():
            continue
        record = parse(line)
        if record is None:
            raise DatasetError(f"{labels}, line {number}: {excerpt(line)}, expected such as 'train_00001.jpg 5' (1 to 7)")
        if not os.path.lexists(root / record["path"]):
            raise DatasetError(f"{labels}, line {number}: {root / record['path']} is missing; unpack aligned.zip there")
        records.append(record)
    return dataset_of_files(CARD, root, records, CLASSES)


def _in_folders(root: Path) -> FaceDataset:
    base = inside(root, "DATASET")
    places = [(path, parse_place(path.relative_to(base).as_posix())) for path in image_files(base)]
    records = [parts | {"path": path.relative_to(root).as_posix()} for path, parts in places if parts]
    label_of = {Path(record["path"]).name: record["label"] for record in records}
    for split in ("train", "test"):
        table = root / f"{split}_labels.csv"
        rows = read_table(table, "the columns image and label") if table.is_file() else None
        if rows is None:
            continue
        if missing := {"image", "label"} - set(rows):
            raise DatasetError(f"{table}: the column {min(missing)} is missing; expected image and label")
        for number, (name, code) in enumerate(zip(rows["image"], rows["label"], strict=True), start=2):
            if name in label_of and CODES.get(code) != label_of[name]:
                raise DatasetError(
                    f"{table}, row {number}: {name} has the label {excerpt(code)}, its folder says {label_of[name]}"
                )
    skipped = {"images outside the folders 1 to 7": len(places) - len(records)}
    return dataset_of_files(CARD, root, records, CLASSES, skipped=skipped, form=IN_FOLDERS)


EXPECTED = Counts(
    images={
        "train": dict(zip(CLASSES, (705, 717, 281, 4772, 1982, 1290, 2524), strict=True)),
        "test": dict(zip(CLASSES, (162, 160, 74, 1185, 478, 329, 680), strict=True)),
    }
)
IN_FOLDERS = Form("a folder per code", "DATASET/train/5/train_00001_aligned.jpg, DATASET/test/...; two CSVs", EXPECTED)
CARD = DatasetCard(
    name="rafdb",
    title="Real-world Affective Faces (RAF-DB), basic emotions",
    page="http://www.whdeng.cn/RAF/model1.html",
    access="Ask the owners for the password, from an address of a university:",
    licence="agreement with the owners, non-commercial research",
    citation="li2017",
    publishable=False,
    tree="basic/EmoLabel/list_patition_label.txt and basic/Image/aligned/train_00001_aligned.jpg",
    expected=EXPECTED,
    load=load,
    forms=(IN_FOLDERS,),
    folders=("raf-db",),
)
