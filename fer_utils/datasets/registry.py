"""The registry: every dataset by name, and the rendered faces that replace it where it is missing."""

from __future__ import annotations

from pathlib import Path

from fer_utils.datasets.base import DatasetCard, FaceDataset, MissingDataset, data_root, find, folder_of
from fer_utils.datasets.loaders import amfed, bp4d, ckplus, fer2013, jaffe, kdef, oulu_casia, rafd, rafdb, rendered_faces, sfew

DATASETS: dict[str, DatasetCard] = {
    module.CARD.name: module.CARD
    for module in (rendered_faces, fer2013, ckplus, oulu_casia, jaffe, bp4d, kdef, rafd, rafdb, sfew, amfed)
}


def card(name: str) -> DatasetCard:
    """The registry's entry. Raises KeyError naming the datasets there are."""
    if name not in DATASETS:
        raise KeyError(f"no dataset {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]


def choose(name: str, real: str, root: str | Path = "") -> str:
    """`auto` becomes the chapter's real dataset where the data root has a folder of that name, else the rendered faces.

    Any other name is returned as it is. Raises MissingDataset when the given data root does not exist.
    """
    if name != "auto":
        return name
    chosen = data_root(root)
    if chosen is not None and not chosen.is_dir():
        raise MissingDataset(f"the data folder {chosen} does not exist; give a folder with one subfolder per dataset")
    return real if chosen is not None and folder_of(card(real), chosen).is_dir() else "rendered_faces"


STAND_INS: dict[str, tuple[str, tuple[str, ...]]] = {  # collection of the rendered faces, and the classes that both have
    "ckplus": ("sequences", ckplus.CLASSES),
    "oulu_casia": ("sequences", oulu_casia.CLASSES),
    "bp4d": ("sequences", bp4d.CLASSES),
    "amfed": ("sequences", bp4d.CLASSES),
    "jaffe": ("sequences", bp4d.CLASSES),
    "kdef": ("angles", kdef.CLASSES),
    "rafd": ("angles", rafd.CLASSES),
    "rafdb": ("wild", rafdb.CLASSES),
    "sfew": ("wild", sfew.CLASSES),
}


def load_or_stand_in(name: str, dataset: str = "auto", root: str | Path = "") -> FaceDataset:
    """The named dataset where the data root has it (and `dataset` is not rendered_faces), else rendered faces of its kind.

    Raises MissingDataset or DatasetError.
    """
    if choose(dataset, name, root) != "rendered_faces":
        return load(name, root)
    collection, classes = STAND_INS[name]
    return load("rendered_faces", collection=collection, classes=classes)


def load(name: str, root: str | Path = "", **options: object) -> FaceDataset:
    """Load a dataset from `root/name` (root: as `base.data_root`), with the options of its own `load`.

    Raises MissingDataset or DatasetError.
    """
    entry = card(name)
    return entry.load(find(entry, root), **options)
