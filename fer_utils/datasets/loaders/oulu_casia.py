"""Oulu-CASIA (Zhao et al. 2011): 80 people x 6 posed expressions from neutral to apex, under two cameras and three lights.

Tree: `OriginalImg/VL/Strong/P001/Anger/000.jpeg`, also inside `B_OriginalImg/`; `PreProcess_Img` holds the owners' crops
in the same way, its cameras called `VL_Acropped` and `NI_Acropped`. VL is visible light, NI near infrared; Strong, Weak and
Dark are the lights. Relied on: the dataset's paper, and paths in public code.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset
from fer_utils.datasets.files import dataset_of_files, frames_in_order, locate, subfolders

Camera = Literal["VL", "NI"]
Light = Literal["Strong", "Weak", "Dark"]

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
ROOTS = (
    "OriginalImg", "B_OriginalImg/OriginalImg", "B_OriginalImg", "PreProcess_Img", "B_PreProcess_Img/PreProcess_Img",
    "B_PreProcess_Img",
)  # fmt: skip
PATH = re.compile(r"(P\d{3})/(Anger|Disgust|Fear|Happiness|Sadness|Surprise)/(\d+)\.(?:jpe?g|png|bmp)", re.IGNORECASE | re.ASCII)


def parse(path: str) -> dict[str, Any] | None:
    """Subject, sequence, label and frame number from `P001/Anger/000.jpeg`; None where it is no such path."""
    match = PATH.fullmatch(path)
    return match and {
        "subject": match[1].upper(),
        "sequence": f"{match[1].upper()}/{match[2].capitalize()}",
        "label": match[2].lower(),
        "frame_number": int(match[3]),
    }


def load(folder: Path, camera: Camera = "VL", light: Light = "Strong") -> FaceDataset:
    """Load one camera and light. Raises DatasetError naming what is wrong."""
    root = locate(folder, _is_root, CARD.name, CARD.tree, ROOTS)
    chosen = next((place for place in _places(root, camera, light) if place.is_dir()), root / camera / light)
    if not chosen.is_dir():
        there = [f"{one.name}/{two.name}" for one in subfolders(root) for two in subfolders(one)]
        raise DatasetError(f"{chosen} is missing; there are {', '.join(there) or 'no cameras with lights'}")
    records, others = [], 0
    for sequence in (clip for person in subfolders(chosen) for clip in subfolders(person)):
        frames, unnamed = frames_in_order(sequence, root, parse, below=chosen)
        records += [frame | {"camera": camera, "light": light} for frame in frames]
        others += unnamed
    return dataset_of_files(CARD, root, records, CLASSES, skipped={"files whose place is not of Oulu-CASIA": others})


def _places(root: Path, camera: str, light: str) -> tuple[Path, Path]:
    return root / camera / light, root / f"{camera}_Acropped" / light


def _is_root(folder: Path) -> bool:
    conditions = [(camera, light) for camera in ("VL", "NI") for light in ("Strong", "Weak", "Dark")]
    return any(place.is_dir() for condition in conditions for place in _places(folder, *condition))


CARD = DatasetCard(
    name="oulu_casia",
    title="Oulu-CASIA NIR&VIS",
    page="https://www.oulu.fi/en/university/faculties-and-units/faculty-information-technology-and-electrical-engineering/"
    "center-for-machine-vision-and-signal-analysis",
    access="Sign the agreement of the University of Oulu's Center for Machine Vision and Signal Analysis:",
    licence="agreement with the owners, research only",
    citation="zhao2011",
    publishable=False,
    tree="OriginalImg/VL/Strong/P001/Anger/000.jpeg (VL or NI; Strong, Weak, Dark), also inside B_OriginalImg/",
    expected=Counts(sequences=dict.fromkeys(CLASSES, 80), subjects=80),
    load=load,
    folders=("oulucasia", "oulu"),
)
