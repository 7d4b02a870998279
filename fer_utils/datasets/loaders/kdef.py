"""KDEF (Lundqvist, Flykt, Ohman 1998): 4,900 images, 70 actors, seven expressions, five angles, two sessions.

`KDEF/AF01/AF01AFS.JPG` is session A, female, person 01, afraid, straight. A person is the same in sessions A and B.
Files of other names are known in circulating copies; they are counted and left out. Repackaged, all images lie in one
folder. Relied on: the dataset's page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, FaceDataset, Form
from fer_utils.datasets.files import dataset_of_files, holds, locate, records_by_name, subfolders

CODES = {
    "AN": "anger", "DI": "disgust", "AF": "fear", "HA": "happiness", "SA": "sadness", "SU": "surprise", "NE": "neutral",
}  # fmt: skip
CLASSES = tuple(CODES.values())
ANGLES = {"FL": "full left", "HL": "half left", "S": "straight", "HR": "half right", "FR": "full right"}
PERSON = re.compile(r"[AB][FM]\d{2}", re.IGNORECASE | re.ASCII)
NAME = re.compile(r"([AB])([FM])(\d{2})(AF|AN|DI|HA|NE|SA|SU)(FL|HL|S|HR|FR)\.(?:jpe?g|png)", re.IGNORECASE | re.ASCII)


def parse(name: str) -> dict[str, Any] | None:
    """Session, sex, subject, label and angle from a file name; None where it is no such name."""
    match = NAME.fullmatch(name)
    return match and {
        "session": match[1].upper(),
        "sex": {"F": "female", "M": "male"}[match[2].upper()],
        "subject": f"{match[2].upper()}{match[3]}",
        "label": CODES[match[4].upper()],
        "angle": ANGLES[match[5].upper()],
    }


def load(folder: Path) -> FaceDataset:
    """Load KDEF. Raises DatasetError naming what is wrong; misnamed files are counted in `skipped`."""
    root = locate(folder, _is_root, CARD.name, CARD.tree, ("KDEF",))
    records, others = records_by_name(root, parse)
    form = None if _has_people(root) else FLAT
    return dataset_of_files(CARD, root, records, CLASSES, skipped={"misnamed files": others}, form=form)


def _is_root(folder: Path) -> bool:
    of_one_person = PERSON.fullmatch(folder.absolute().name)
    return _has_people(folder) or bool(holds(folder, parse) and not of_one_person)


def _has_people(folder: Path) -> bool:
    return any(PERSON.fullmatch(child.name) for child in subfolders(folder))


EXPECTED = Counts(images={"all": dict.fromkeys(CLASSES, 700)}, subjects=70)
FLAT = Form("all images in one folder", "AF01AFS.JPG and 4,899 more in one folder", EXPECTED)
CARD = DatasetCard(
    name="kdef",
    title="Karolinska Directed Emotional Faces (KDEF)",
    page="https://www.kdef.se",
    access="Register and accept the conditions:",
    licence="non-commercial research; up to a few named images may be shown in print",
    citation="lundqvist1998",
    publishable=False,
    tree="KDEF/AF01/AF01AFS.JPG: session A or B, sex, person, expression, angle",
    expected=EXPECTED,
    load=load,
    forms=(FLAT,),
)
