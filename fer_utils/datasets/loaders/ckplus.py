"""CK+, the extended Cohn-Kanade dataset (Lucey et al. 2010): 593 posed sequences of 123 people from neutral to apex.

Forms read: the official tree (`cohn-kanade-images/S005/001/S005_001_00000001.png` with labels in
`Emotion/S005/001/S005_001_00000011_emotion.txt`, one number from 0 to 7), of which the 327 labelled sequences are used
and every frame carries its sequence's label; and two repackagings of 48 x 48 pixels, cropped: class folders with the last
three frames of each (`anger/S010_004_00000017.png`), and `ckextended.csv` in FER2013's columns, which names no person and
splits at random. Relied on: the dataset's paper for codes and counts, the description of `ckextended.csv` for its own. Images
are read as grey; some sequences were recorded in colour.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset, Form
from fer_utils.datasets.files import (
    dataset_from,
    dataset_of_files,
    excerpt,
    expression,
    frames_in_order,
    image_files,
    inside,
    locate,
    subfolders,
)
from fer_utils.datasets.tables import faces_in, read_text

CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
CODES = dict(zip(range(1, 8), CLASSES, strict=True))
CSV_CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt")
FRAME = re.compile(r"(S\d{3})_(\d{3})_(\d{8})\.(?:png|jpg|jpeg)", re.IGNORECASE | re.ASCII)
SEQUENCES = dict(zip(CLASSES, (45, 18, 59, 25, 69, 28, 83), strict=True))
IN_FOLDERS = Form(
    "48 x 48 class folders, cropped",
    "anger/S010_004_00000017.png",
    Counts(images={"all": {name: 3 * count for name, count in SEQUENCES.items()}}, sequences=SEQUENCES, subjects=118),
    last_frames=3,
)
IN_CSV = Form(
    "48 x 48 CSV, cropped, people not named",
    "ckextended.csv",
    Counts(images={"all": SEQUENCES | {"neutral": 593}}),
    last_frames=1,
)


def parse(name: str) -> dict[str, Any] | None:
    """Subject, sequence and frame number from a frame's file name; None where it is no such name."""
    match = FRAME.fullmatch(name)
    return match and {
        "subject": match[1].upper(),
        "sequence": f"{match[1].upper()}/{match[2]}",
        "frame_number": int(match[3]),
    }


def read_label(path: Path) -> int:
    """The emotion code of a label file. Raises DatasetError unless it holds one whole number from 0 to 7."""
    words = read_text(path, "one number from 0 to 7, such as 3.0000000e+00").split()
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(words) != 1 or len(values) != 1 or values[0] not in range(8):
        raise DatasetError(f"{path}: {excerpt(' '.join(words))}, expected one number from 0 to 7, such as 3.0000000e+00")
    return int(values[0])


def load(folder: Path) -> FaceDataset:
    """Load CK+ from any of its forms. Raises DatasetError naming what is wrong."""
    forms = {_is_official: _official, _is_in_folders: _in_folders, _is_in_csv: _in_csv}
    root = locate(folder, lambda path: any(is_form(path) for is_form in forms), CARD.name, CARD.tree)
    return next(read for is_form, read in forms.items() if is_form(root))(root)


def _is_official(folder: Path) -> bool:
    return inside(folder, "cohn-kanade-images").is_dir()


def _is_in_folders(folder: Path) -> bool:
    return sum(expression(child.name) in CLASSES for child in subfolders(folder)) >= 2


def _is_in_csv(folder: Path) -> bool:
    return (folder / IN_CSV.tree).is_file()


def _in_csv(root: Path) -> FaceDataset:
    faces = faces_in(root / IN_CSV.tree, CSV_CLASSES)
    frame = pd.DataFrame({"label": np.asarray(CSV_CLASSES, object)[faces.labels]}, dtype=object)
    classes = (*CLASSES, "neutral")
    return dataset_from(
        CARD, root, frame, classes, faces.digest, lambda rows: np.asarray(faces.images[np.asarray(rows)]), form=IN_CSV
    )


def _official(root: Path) -> FaceDataset:
    images, labels = inside(root, "cohn-kanade-images"), inside(root, "Emotion")
    if not labels.is_dir():
        raise DatasetError(f"{root}: the folder Emotion with the label files is missing; it is a download of its own")
    records, unlabelled, others = [], 0, 0
    for sequence in (clip for person in subfolders(images) for clip in subfolders(person)):
        label_files = sorted((labels / sequence.parent.name / sequence.name).glob("[!.]*_emotion.txt"))
        codes = {read_label(path) for path in label_files} - {0}
        if len(codes) > 1:
            raise DatasetError(f"{label_files[0].parent}: label files disagree ({sorted(codes)}); expected one code")
        if not codes:
            unlabelled += 1
            continue
        frames, unnamed = frames_in_order(sequence, root, parse)
        records += [frame | {"label": CODES[next(iter(codes))]} for frame in frames]
        others += unnamed
    skipped = {"sequences without an emotion label": unlabelled, "files whose name is not of CK+": others}
    return dataset_of_files(CARD, root, records, CLASSES, grey=True, skipped=skipped)


def _in_folders(root: Path) -> FaceDataset:
    found: list[dict[str, Any]] = []
    skipped: Counter[str] = Counter()
    for class_folder in subfolders(root):
        label = expression(class_folder.name)
        for path in image_files(class_folder):
            parts = parse(path.name)
            if label in CLASSES and parts:
                found.append(parts | {"path": path.relative_to(root).as_posix(), "label": label})
            else:
                skipped["files whose folder or name is not of CK+"] += 1
    found.sort(key=lambda record: (record["sequence"], record["frame_number"]))
    positions: Counter[str] = Counter()
    for record in found:
        record["position"] = positions[record["sequence"]]
        positions[record["sequence"]] += 1
    return dataset_of_files(CARD, root, found, CLASSES, grey=True, skipped=skipped, form=IN_FOLDERS)


CARD = DatasetCard(
    name="ckplus",
    title="Extended Cohn-Kanade (CK+)",
    page="https://www.jeffcohn.net/Resources/",
    access="Sign the agreement and ask the owners for the archives:",
    licence="agreement with the owners, research only; only a few people may be shown in print",
    citation="lucey2010",
    publishable=False,
    tree="cohn-kanade-images/S005/001/S005_001_00000001.png with Emotion/S005/001/S005_001_00000011_emotion.txt",
    expected=Counts(sequences=SEQUENCES, subjects=118),
    load=load,
    forms=(IN_FOLDERS, IN_CSV),
    folders=("ck+", "ck+48", "ck48", "ckplus48"),
)
