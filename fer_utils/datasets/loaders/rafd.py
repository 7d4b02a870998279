"""RaFD (Langner et al. 2010): 8,040 images of 67 models, eight expressions, three gazes, five cameras.

`Rafd090_01_Caucasian_female_angry_frontal.jpg` is camera 90 degrees (frontal), model 01, group, sex, expression, gaze.
Relied on: the dataset's paper and file names.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, FaceDataset
from fer_utils.datasets.files import dataset_of_files, holds, locate, records_by_name

LABELS = {
    "angry": "anger", "contemptuous": "contempt", "disgusted": "disgust", "fearful": "fear", "happy": "happiness",
    "sad": "sadness", "surprised": "surprise", "neutral": "neutral",
}  # fmt: skip
CLASSES = tuple(LABELS.values())
NAME = re.compile(
    r"Rafd(000|045|090|135|180)_(\d{2})_([A-Za-z]+)_(female|male)_("
    + "|".join(LABELS)
    + r")_(frontal|left|right)\.(?:jpe?g|png)",
    re.IGNORECASE | re.ASCII,
)


def parse(name: str) -> dict[str, Any] | None:
    """Camera (degrees, 90 is frontal), subject, group, sex, label and gaze from a file name; None otherwise."""
    match = NAME.fullmatch(name)
    return match and {
        "camera": int(match[1]),
        "subject": match[2],
        "group": match[3].capitalize(),
        "sex": match[4].lower(),
        "label": LABELS[match[5].lower()],
        "gaze": match[6].lower(),
    }


def load(folder: Path) -> FaceDataset:
    """Load RaFD. Raises DatasetError naming what is wrong; files of other names are counted in `skipped`."""
    root = locate(folder, lambda path: holds(path, parse), CARD.name, CARD.tree)
    records, others = records_by_name(root, parse)
    return dataset_of_files(CARD, root, records, CLASSES, skipped={"files whose name is not of RaFD": others})


CARD = DatasetCard(
    name="rafd",
    title="Radboud Faces Database (RaFD)",
    page="https://rafd.socsci.ru.nl",
    access="Ask for an account as a researcher:",
    licence="agreement with the owners, non-commercial research",
    citation="langner2010",
    publishable=False,
    tree="Rafd090_01_Caucasian_female_angry_frontal.jpg and 8,039 more in one folder",
    expected=Counts(images={"all": dict.fromkeys(CLASSES, 1005)}, subjects=67),
    load=load,
)
