"""BP4D-Spontaneous (Zhang et al. 2014): 41 people in eight tasks, each meant to elicit one emotion; 2D frames.

Tree: `F001/T1/0001.jpg` (F001-F023, M001-M018; frame names of three or four digits), also one folder deeper. There is no
emotion label: a frame's label is the target of its task (T1 happiness, T2 sadness, T3 surprise, T5 fear, T7 anger, T8
disgust), at every intensity from none to full. Embarrassment (T4) and pain (T6) are counted and left out, as in the
paper that the book re-runs. Relied on: the dataset's paper, Table 1.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fer_utils.datasets.base import Counts, DatasetCard, FaceDataset
from fer_utils.datasets.files import dataset_of_files, frames_in_order, locate, subfolders

LABEL_OF_TASK = {
    "T1": "happiness", "T2": "sadness", "T3": "surprise", "T4": None, "T5": "fear", "T6": None, "T7": "anger", "T8": "disgust",
}  # fmt: skip
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
PERSON = re.compile(r"[FM]\d{3}", re.ASCII)
PATH = re.compile(r"([FM]\d{3})/(T[1-8])/(\d{3,4})\.(?:jpe?g|png)", re.IGNORECASE | re.ASCII)


def parse(path: str) -> dict[str, Any] | None:
    """Subject, sequence, task, label (None for T4 and T6) and frame number from `F001/T1/0001.jpg`; None otherwise."""
    match = PATH.fullmatch(path)
    return match and {
        "subject": match[1].upper(),
        "sequence": f"{match[1].upper()}/{match[2].upper()}",
        "task": match[2].upper(),
        "label": LABEL_OF_TASK[match[2].upper()],
        "frame_number": int(match[3]),
    }


def load(folder: Path) -> FaceDataset:
    """Load BP4D's 2D frames of six tasks. Raises DatasetError naming what is wrong."""
    wrappers = [child.name for child in subfolders(folder)] if folder.is_dir() else []
    root = locate(folder, _is_root, CARD.name, CARD.tree, wrappers)
    records, skipped = [], {"frames of the tasks embarrassment and pain": 0, "files whose place is not of BP4D": 0}
    for sequence in (task for person in subfolders(root) for task in subfolders(person)):
        frames, others = frames_in_order(sequence, root, parse, below=root)
        used = [frame for frame in frames if frame["label"] is not None]
        records += used
        skipped["frames of the tasks embarrassment and pain"] += len(frames) - len(used)
        skipped["files whose place is not of BP4D"] += others
    return dataset_of_files(CARD, root, records, CLASSES, skipped=skipped)


def _is_root(folder: Path) -> bool:
    return any(PERSON.fullmatch(child.name) and (child / "T1").is_dir() for child in subfolders(folder))


CARD = DatasetCard(
    name="bp4d",
    title="BP4D-Spontaneous",
    page="https://www.cs.binghamton.edu/~lijun/Research/3DFE/3DFE_Analysis.html",
    access="Sign the agreement of Binghamton University:",
    licence="agreement with the owners, research only; only listed people may be shown in print",
    citation="zhang2014",
    publishable=False,
    tree="F001/T1/0001.jpg (F001-F023, M001-M018; tasks T1-T8)",
    expected=Counts(sequences=dict.fromkeys(CLASSES, 41), subjects=41),
    load=load,
)
