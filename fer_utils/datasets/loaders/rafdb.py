"""RAF-DB, single-label ("basic") part (Li, Deng 2017): 15,339 aligned faces of 100 x 100 pixels from the web.

`basic/EmoLabel/list_patition_label.txt` (the owners' spelling) has a line `train_00001.jpg 5` per image and gives the
official split; the images are `basic/Image/aligned/train_00001_aligned.jpg`. People are not named, so no split by
person is possible. Relied on: the dataset's readme for codes and split.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset
from fer_utils.datasets.files import dataset_of_files, locate

CODES = {1: "surprise", 2: "fear", 3: "disgust", 4: "happiness", 5: "sadness", 6: "anger", 7: "neutral"}
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LABELS = "EmoLabel/list_patition_label.txt"
LINE = re.compile(r"((train|test)_\d{4,5})\.jpg\s+([1-7])", re.IGNORECASE | re.ASCII)


def parse(line: str) -> dict[str, Any] | None:
    """Path below `basic/`, split and label from a line of the label file; None where it is no such line."""
    match = LINE.fullmatch(line.strip())
    return match and {
        "path": f"Image/aligned/{match[1]}_aligned.jpg",
        "split": match[2].lower(),
        "label": CODES[int(match[3])],
    }


def load(folder: Path) -> FaceDataset:
    """Load RAF-DB's aligned faces. Raises DatasetError naming the file and line that is wrong."""
    root = locate(folder, lambda path: (path / "Image" / "aligned").is_dir(), CARD.name, CARD.tree, ("basic",))
    labels = root / LABELS
    if not labels.is_file():
        raise DatasetError(f"{labels} is missing; it gives every image's label and split and comes with the images")
    records = []
    for number, line in enumerate(labels.read_text(errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        record = parse(line)
        if record is None:
            raise DatasetError(f"{labels}, line {number}: {line[:60]!r}, expected such as 'train_00001.jpg 5' (1 to 7)")
        if not (root / record["path"]).is_file():
            raise DatasetError(f"{labels}, line {number}: {root / record['path']} is missing; unpack aligned.zip there")
        records.append(record)
    return dataset_of_files(CARD, root, records, CLASSES)


CARD = DatasetCard(
    name="rafdb",
    title="Real-world Affective Faces (RAF-DB), basic emotions",
    page="http://www.whdeng.cn/RAF/model1.html",
    access="Ask the owners for the password, from an address of a university:",
    licence="agreement with the owners, non-commercial research",
    citation="li2017",
    publishable=False,
    tree="basic/EmoLabel/list_patition_label.txt and basic/Image/aligned/train_00001_aligned.jpg",
    expected=Counts(
        images={
            "train": dict(zip(CLASSES, (705, 717, 281, 4772, 1982, 1290, 2524), strict=True)),
            "test": dict(zip(CLASSES, (162, 160, 74, 1185, 478, 329, 680), strict=True)),
        }
    ),
    load=load,
)
