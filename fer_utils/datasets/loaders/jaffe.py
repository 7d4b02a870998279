"""JAFFE (Lyons et al. 1998): 213 grey images of 256 x 256 pixels, ten Japanese women, seven posed expressions.

File names say it all: `KA.AN1.39.tiff` is subject KA, anger, take 1, number 39. Its readme
and its table of ratings may lie beside them. Relied on: the dataset's readme.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, FaceDataset
from fer_utils.datasets.files import dataset_of_files, holds, locate, records_by_name

CODES = {
    "AN": "anger", "DI": "disgust", "FE": "fear", "HA": "happiness", "SA": "sadness", "SU": "surprise", "NE": "neutral",
}  # fmt: skip
CLASSES = tuple(CODES.values())
NAME = re.compile(r"([A-Z]{2})\.(AN|DI|FE|HA|NE|SA|SU)(\d)\.(\d{1,3})\.(?:tiff?|png|jpg|jpeg)", re.IGNORECASE | re.ASCII)


def parse(name: str) -> dict[str, Any] | None:
    """Subject, label, take and number from a file name; None where it is no such name."""
    match = NAME.fullmatch(name)
    return match and {
        "subject": match[1].upper(),
        "label": CODES[match[2].upper()],
        "take": int(match[3]),
        "number": int(match[4]),
    }


def load(folder: Path) -> FaceDataset:
    """Load JAFFE. Raises DatasetError naming what is wrong; files of other names are counted in `skipped`."""
    root = locate(folder, lambda path: holds(path, parse), CARD.name, CARD.tree)
    records, others = records_by_name(root, parse)
    return dataset_of_files(CARD, root, records, CLASSES, grey=True, skipped={"files whose name is not of JAFFE": others})


CARD = DatasetCard(
    name="jaffe",
    title="Japanese Female Facial Expression (JAFFE)",
    page="https://zenodo.org/records/3451524",
    access="Ask for access at Zenodo:",
    licence="non-commercial research, on request; a few images may be shown in print",
    citation="lyons1998",
    publishable=False,
    tree="KA.AN1.39.tiff and 212 more in one folder",
    expected=Counts(images={"all": dict(zip(CLASSES, (30, 29, 32, 31, 31, 30, 30), strict=True))}, subjects=10),
    load=load,
)
