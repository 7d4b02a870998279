"""Which data trains, selects and tests: the papers' protocols and sound ones.

Splits name rows of a `FaceDataset`. Sound ones keep groups apart: an image's group is its subject; where a dataset names
none, the film or sequence that it is from. What crosses nevertheless is the business of `leaks`.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.model_selection import (
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    StratifiedGroupKFold,
    train_test_split,
)

from fer_utils.datasets.base import FaceDataset
from fer_utils.protocols.leaks import PARTS, Fold, groups_of, require_subject_independent

OFFICIAL_NAMES = {
    "train": ("train", "Training"),
    "validation": ("validation", "PublicTest"),
    "test": ("test", "PrivateTest", "Test"),
}
DRAWS = 100  # random grouped splits of which the one nearest to the wanted size and class shares is taken
VALIDATION_SHARE = 0.2  # of a training part
NOTHING = "nothing"
NO_ROWS = np.array([], np.int64)


@dataclass(frozen=True, eq=False)
class Protocol:
    """The folds of an experiment and what epochs and settings are selected on.

    Raises LeakError where it claims to be independent of subjects and a fold is not.
    """

    name: str
    dataset: FaceDataset = field(repr=False)
    folds: tuple[Fold, ...]
    selected_on: str = NOTHING
    subject_independent: bool = False

    def __post_init__(self) -> None:
        for fold in self.folds if self.subject_independent else ():
            require_subject_independent(self.dataset, fold)


def random_holdout(dataset: FaceDataset, *, seed: int, test_share: float = 0.2, training_images: int = 0) -> Protocol:
    """The papers' hold-out of images, stratified by class; with `training_images` exactly so many train, the rest tests.

    Raises ValueError for a class with one image, which can't be on both sides.
    """
    rows = np.arange(len(dataset.frame))
    train, test = stratified(dataset, rows, test_share, seed, training_images)
    return Protocol("random hold-out of images", dataset, (_fold("hold-out", train, test),))


def random_folds(dataset: FaceDataset, *, seed: int, folds: int = 5) -> Protocol:
    """The images shuffled and cut into groups, each of which tests once; a small class can be absent from a part."""
    splits = KFold(folds, shuffle=True, random_state=seed).split(np.arange(len(dataset.frame)))
    return Protocol(f"{folds} random groups of images", dataset, _folds(splits))


def official_names(dataset: FaceDataset) -> tuple[str, str, str]:
    """Names of the official training, validation and test split; '' for a validation split that there is not.

    Where the test labels were withheld (SFEW) the validation split tests. Raises ValueError naming the
    splits there are.
    """
    there = set(dataset.frame["split"])
    train, validation, test = (next((n for n in OFFICIAL_NAMES[part] if n in there), "") for part in PARTS)
    if not train or not (validation or test):
        raise ValueError(f"{dataset.name} has no official split; its images are in {', '.join(sorted(map(str, there)))}")
    return (train, validation, test) if test else (train, "", validation)


def official(dataset: FaceDataset) -> Protocol:
    """The dataset's own split, one fold named after its test split; subject-independent where no known group crosses it."""
    train, validation, test = official_names(dataset)
    fold = Fold(test, *(dataset.rows(name) if name else NO_ROWS for name in (train, validation, test)))
    try:
        require_subject_independent(dataset, fold)
        independent = True
    except ValueError:  # something crosses, or the dataset does not name its subjects
        independent = False
    return Protocol("official split", dataset, (fold,), validation or NOTHING, independent)


def grouped_holdout(dataset: FaceDataset, *, seed: int, test_share: float = 0.2) -> Protocol:
    """A hold-out that keeps groups apart, as near to `test_share` of the images of every class as 100 draws come.

    Its size differs from the random hold-out's by about a subject's images at most; for equal sizes give its number of
    training rows to `random_holdout` as `training_images`.
    """
    train, test = _grouped(dataset, np.arange(len(dataset.frame)), test_share, seed)
    return Protocol(f"hold-out by {groups_of(dataset)[0]}", dataset, (_fold("hold-out", train, test),), subject_independent=True)


def grouped_folds(dataset: FaceDataset, *, seed: int, folds: int = 5) -> Protocol:
    """Groups dealt into folds of like class shares, each of which tests once; a small class can be absent from a part.

    Raises ValueError for fewer groups than folds, and where no class has as many images as there are folds.
    """
    column, groups = _enough_groups(dataset, folds)
    rows = np.arange(len(dataset.frame))
    if np.bincount(dataset.labels(rows)).max() < folds:
        raise ValueError(f"{dataset.name}: no class has {folds} images for {folds} folds; take fewer folds")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splits = list(StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(rows, dataset.labels(rows), groups))
    return Protocol(f"{folds} folds by {column}", dataset, _folds(splits), subject_independent=True)


def every_tenth(dataset: FaceDataset, *, folds: int = 10) -> Protocol:
    """Subjects sorted by id (2 before 10); fold k of 10 tests on subjects k, k + 10, k + 20 and so on.

    Raises ValueError for fewer subjects than folds.
    """
    column, groups = _enough_groups(dataset, folds)
    ordered = sorted(set(groups), key=lambda name: [int(t) if t.isdecimal() else t for t in re.split(r"(\d+)", name)])
    fold_of = {name: position % folds for position, name in enumerate(ordered)}
    splits = PredefinedSplit([fold_of[name] for name in groups]).split()
    return Protocol(f"{folds} folds of sorted {column}s", dataset, _folds(splits), subject_independent=True)


def leave_one_subject_out(dataset: FaceDataset) -> Protocol:
    """One fold per subject, named so. Raises ValueError for a single subject."""
    column, groups = _enough_groups(dataset, 2)
    splits = LeaveOneGroupOut().split(groups, groups=groups)
    folds = tuple(_fold(groups[test[0]], train, test) for train, test in splits)
    return Protocol(f"leave one {column} out", dataset, folds, subject_independent=True)


def with_inner_validation(protocol: Protocol, *, seed: int) -> Protocol:
    """The same test parts; a fifth of each training part selects. It keeps groups apart where the protocol does.

    Raises ValueError where a fold selects already, or a training part has too few subjects or images of a class to be split.
    """
    if named := [fold.name for fold in protocol.folds if len(fold.validation)]:
        raise ValueError(f"{protocol.name}: fold {named[0]!r} has a validation part already; give a protocol without one")
    part = _grouped if protocol.subject_independent else stratified
    folds = []
    for fold in protocol.folds:
        train, validation = part(protocol.dataset, fold.train, VALIDATION_SHARE, seed)
        folds.append(replace(fold, train=train, validation=validation))
    return replace(protocol, folds=tuple(folds), selected_on="a share of the training part")


def subset(rows: np.ndarray, labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """At most `size` of the rows (0: all), drawn so that the classes keep their shares; ascending."""
    if size <= 0 or size >= len(rows):
        return rows
    chosen, _ = train_test_split(rows, train_size=size, stratify=labels, random_state=seed)
    return np.sort(chosen)


def _fold(name: str, train: np.ndarray, test: np.ndarray) -> Fold:
    return Fold(name, np.sort(train).astype(np.int64), NO_ROWS, np.sort(test).astype(np.int64))


def _folds(splits: Iterable[tuple[np.ndarray, np.ndarray]]) -> tuple[Fold, ...]:
    return tuple(_fold(f"fold {number}", train, test) for number, (train, test) in enumerate(splits, start=1))


def _enough_groups(dataset: FaceDataset, needed: int) -> tuple[str, np.ndarray]:
    column, groups = groups_of(dataset)
    if len(set(groups)) < needed:
        raise ValueError(f"{dataset.name} has {len(set(groups))} {column}s; {needed} folds need as many")
    return column, groups


def stratified(
    dataset: FaceDataset, rows: np.ndarray, share: float, seed: int, training_images: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Rows cut in two, `share` of every class in the second part; ascending."""
    labels = dataset.labels(rows)
    counts = np.bincount(labels, minlength=len(dataset.classes))
    if single := [name for name, count in zip(dataset.classes, counts, strict=True) if count == 1]:
        raise ValueError(f"{dataset.name}: only one image of {', '.join(single)} to split; leave the class out")
    sizes = {"train_size": training_images} if training_images else {"test_size": share}
    first, second = train_test_split(rows, stratify=labels, random_state=seed, **sizes)
    return np.sort(first), np.sort(second)


def _grouped(dataset: FaceDataset, rows: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows cut in two with no group in both, about `share` of every class in the second part; ascending."""
    column, groups = groups_of(dataset)
    if len(set(groups[rows])) < 2:
        raise ValueError(f"{dataset.name}: the images to split are all of {column} {groups[rows][0]}; two {column}s are needed")
    labels = dataset.labels(rows)
    wanted = share * np.bincount(labels)

    def distance(split: tuple[np.ndarray, np.ndarray]) -> float:
        return np.abs(np.bincount(labels[split[1]], minlength=len(wanted)) - wanted).sum()

    draws = GroupShuffleSplit(DRAWS, test_size=share, random_state=seed).split(rows, groups=groups[rows])
    first, second = min(draws, key=distance)
    return rows[first], rows[second]
