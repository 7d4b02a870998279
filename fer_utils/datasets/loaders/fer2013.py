"""FER2013 (Goodfellow et al. 2013): 35,887 grey faces of 48 x 48 pixels in seven classes, with an official split.

Forms read: `fer2013.csv`, `fer2013.csv.gz`, `icml_face_data.csv` (the same rows, other column order, spaces in the
header) and, repackaged, class folders in `train/` and `test/`, in `train/`, `val/` and `test/`, or in `images/train/` and
`images/validation/`. Where several are present the CSV wins, because folders have lost the difference between PublicTest
and PrivateTest, or have a split of their own. Relied on: the challenge's own description of the columns and splits; class
counts recomputed from the official CSV; the counts of `images/` as its users print them, which add up to the same faces.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset, Form
from fer_utils.datasets.files import dataset_from, dataset_of_files, expression, image_files, locate, subfolders
from fer_utils.datasets.tables import SIDE, USAGES, faces_in, read_table

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
CSV_NAMES = ("fer2013.csv", "fer2013.csv.gz", "icml_face_data.csv", "icml_face_data.csv.gz")
USAGE_OF_FOLDER = {
    "train": "Training", "training": "Training", "val": "PublicTest", "valid": "PublicTest", "validation": "PublicTest",
    "test": "PrivateTest",
}  # fmt: skip
VOTE_COLUMNS = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
OFFICIAL_COUNTS = {
    "Training": dict(zip(CLASSES, (3995, 436, 4097, 7215, 4830, 3171, 4965), strict=True)),
    "PublicTest": dict(zip(CLASSES, (467, 56, 496, 895, 653, 415, 607), strict=True)),
    "PrivateTest": dict(zip(CLASSES, (491, 55, 528, 879, 594, 416, 626), strict=True)),
}
MERGED_COUNTS = {
    "Training": OFFICIAL_COUNTS["Training"],
    "Test": {k: OFFICIAL_COUNTS["PublicTest"][k] + OFFICIAL_COUNTS["PrivateTest"][k] for k in CLASSES},
}
OTHER_SPLIT_COUNTS = {
    "Training": dict(zip(CLASSES, (3993, 436, 4103, 7164, 4938, 3205, 4982), strict=True)),
    "Test": dict(zip(CLASSES, (960, 111, 1018, 1825, 1139, 797, 1216), strict=True)),
}
MERGED = Form("class folders train and test", "train/<class>/ and test/<class>/", Counts(MERGED_COUNTS))
IN_THREE = Form("class folders train, val and test", "train/<class>/, val/<class>/ and test/<class>/", Counts(OFFICIAL_COUNTS))
OTHER_SPLIT = Form(
    "class folders of another split", "images/train/<class>/ and images/validation/<class>/", Counts(OTHER_SPLIT_COUNTS)
)


def load(folder: Path) -> FaceDataset:
    """Load FER2013 from a folder in any of its forms, a CSV through the cache. Raises DatasetError naming file, row, value."""
    root = locate(folder, lambda path: bool(_csv_in(path) or _split_folders(path)), CARD.name, CARD.tree, ("images",))
    source = _csv_in(root)
    if source is None:
        return _of_folders(root)
    faces = faces_in(source, CLASSES)
    frame = pd.DataFrame(
        {"label": np.asarray(CLASSES, object)[faces.labels], "split": np.asarray(USAGES, object)[faces.usages]}, dtype=object
    )
    return dataset_from(CARD, root, frame, CLASSES, faces.digest, lambda rows: np.asarray(faces.images[np.asarray(rows)]))


def votes(folder: Path, dataset: FaceDataset) -> pd.DataFrame | None:
    """The FER+ votes (`fer2013new.csv`, ten taggers per image; Barsoum et al. 2016), one row per row of the dataset.

    None where the file is absent. Raises DatasetError when its rows are not those of the dataset.
    """
    path = folder / "fer2013new.csv"
    if not path.exists():
        return None
    table = read_table(path, "the columns Usage, Image name and one for each kind of vote")
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


def _csv_in(folder: Path) -> Path | None:
    there = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}
    return next((there[name] for name in CSV_NAMES if name in there), None)


def _split_folders(folder: Path) -> dict[str, Path]:
    """Usage -> its folder; empty where there is no training folder with another one beside it."""
    found = {USAGE_OF_FOLDER[path.name.lower()]: path for path in subfolders(folder) if path.name.lower() in USAGE_OF_FOLDER}
    return found if "Training" in found and len(found) > 1 else {}


def _of_folders(root: Path) -> FaceDataset:
    places = _split_folders(root)
    form = IN_THREE if len(places) == len(USAGES) else MERGED if "PrivateTest" in places else OTHER_SPLIT
    records, others = [], 0
    for usage, place in places.items():
        split = usage if form is IN_THREE or usage == "Training" else "Test"
        for path in image_files(place):
            label = expression(path.relative_to(place).parts[0])
            others += label not in CLASSES
            if label in CLASSES:
                records.append({"path": path.relative_to(root).as_posix(), "label": label, "split": split})
    skipped = {"images outside the folders of the seven classes": others}
    return dataset_of_files(CARD, root, records, CLASSES, grey=True, side_pixels=SIDE, skipped=skipped, form=form)


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
    forms=(MERGED, IN_THREE, OTHER_SPLIT),
    folders=("fer-2013",),
)
