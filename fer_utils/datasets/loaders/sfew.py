"""SFEW 2.0 (Dhall et al. 2011, 2015): single frames out of feature films, with an official split that keeps films apart.

Tree: `Train/Angry/AlexEmma_000553240_00000018.png`, `Val/...`, `Test/...`. The name starts with the film; film and time
make the sequence. Actors are not named, so the film is what can be kept apart. The test labels were withheld in the
challenge, so `Test` is often without class folders; its frames are then counted and left out. Relied on: the
challenge's description.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, FaceDataset
from fer_utils.datasets.files import LABEL_OF_NAME, dataset_of_files, expression, image_files, inside, locate

SPLITS = {"train": "train", "val": "validation", "test": "test"}
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
PATH = re.compile(
    r"(train|val|test)/(?:.*/)?("
    + "|".join(name for name, label in LABEL_OF_NAME.items() if label in CLASSES)
    + r")/([^/]+?)_(\d{6,})(?:_(\d+))?\.(?:png|jpe?g|bmp)",
    re.IGNORECASE | re.ASCII,
)


def parse(path: str) -> dict[str, Any] | None:
    """Split, label, film, sequence and frame number from `Train/Angry/AlexEmma_000553240_00000018.png`; None otherwise."""
    match = PATH.fullmatch(path)
    return match and {
        "split": SPLITS[match[1].lower()],
        "label": expression(match[2]),
        "film": match[3],
        "sequence": f"{match[3]}_{match[4]}",
        "frame_number": int(match[5]) if match[5] else None,
    }


def load(folder: Path) -> FaceDataset:
    """Load SFEW 2.0. Raises DatasetError naming what is wrong; frames without a class folder are counted in `skipped`."""
    root = locate(folder, lambda path: all(inside(path, split).is_dir() for split in ("Train", "Val")), CARD.name, CARD.tree)
    records, unlabelled = [], 0
    for split in ("Train", "Val", "Test"):
        for path in image_files(inside(root, split)):
            place = path.relative_to(root).as_posix()
            if parts := parse(place):
                records.append(parts | {"path": place})
            else:
                unlabelled += 1
    return dataset_of_files(CARD, root, records, CLASSES, skipped={"frames without a class folder": unlabelled})


CARD = DatasetCard(
    name="sfew",
    title="Static Facial Expressions in the Wild (SFEW 2.0)",
    page="https://users.cecs.anu.edu.au/~few_group/AFEW.html",
    access="Sign the agreement of the challenge's organisers:",
    licence="agreement with the owners, non-commercial research; frames of films",
    citation="dhall2011",
    publishable=False,
    tree="Train/Angry/AlexEmma_000553240_00000018.png, Val/..., Test/...",
    expected=Counts(totals={"train": 958, "validation": 436, "test": 372}),
    load=load,
    folders=("sfew2", "sfew_2.0", "sfew 2.0"),
)
