"""A fold of a dataset, and what leaks between its parts: a subject, a sequence, or the same image on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

from fer_utils.datasets import duplicates
from fer_utils.datasets.base import FaceDataset

GROUP_COLUMNS = ("subject", "film", "sequence")  # the first that a dataset knows keeps its images apart
PARTS = ("train", "validation", "test")
CROSSINGS = (("train", "validation"), ("train", "test"), ("validation", "test"))
EXAMPLES = 5


class LeakError(ValueError):
    """A split that claims to keep subjects apart does not; the message names the fold and what crosses it."""


@dataclass(frozen=True, eq=False)
class Fold:
    """Row numbers (int64, ascending) of one split. `validation` may be empty; no row is in two parts."""

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        rows = np.concatenate([self.train, self.validation, self.test])
        if not len(self.train) or not len(self.test) or len(np.unique(rows)) < len(rows):
            raise ValueError(
                f"fold {self.name!r}: {len(self.train)} training and {len(self.test)} test rows, {len(np.unique(rows))} of all "
                f"{len(rows)} rows distinct; both parts need rows, and no row may be in two parts"
            )


@dataclass(frozen=True)
class Leak:
    """What crosses between two parts of a fold: kind is subject, film, sequence, exact or near (duplicates).

    count: shared names, or copied images; images: those of the later part that are touched, and their share of it (0 to 1).
    """

    earlier: str
    later: str
    kind: str
    count: int
    images: int
    share: float
    examples: tuple[str, ...]


@dataclass(frozen=True)
class LeakReport:
    """All that was looked for in a fold. `unchecked` says in sentences what could not be, or was not."""

    dataset: str
    fold: str
    leaks: tuple[Leak, ...]
    unchecked: tuple[str, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing that could be checked crosses."""
        return not any(leak.count for leak in self.leaks)

    def table(self) -> pd.DataFrame:
        """One row per pair of parts and kind; shares in percent."""
        rows = [
            {
                "between": f"{leak.earlier} and {leak.later}",
                "what": leak.kind,
                "shared": leak.count,
                "images": leak.images,
                "share (%)": 100 * leak.share,
                "for example": "; ".join(leak.examples),
            }
            for leak in self.leaks
        ]
        return pd.DataFrame(rows, columns=["between", "what", "shared", "images", "share (%)", "for example"])


def groups_of(dataset: FaceDataset) -> tuple[str, np.ndarray]:
    """(column that keeps images apart, its value as str for every image): subject, else film, else sequence.

    Raises ValueError where none is known, or some images lack it.
    """
    for column in GROUP_COLUMNS:
        known = dataset.frame[column].notna() if column in dataset.frame else pd.Series(dtype=bool)
        if known.all() and len(known):
            return column, dataset.frame[column].astype(str).to_numpy(dtype=object)
        if known.any():
            raise ValueError(
                f"{dataset.name}: {int((~known).sum())} of {len(known)} images have no {column}; leave them out to split by "
                f"{column}"
            )
    raise ValueError(f"{dataset.name} names neither subjects nor sequences; only random and official splits are possible")


def require_subject_independent(dataset: FaceDataset, fold: Fold) -> None:
    """Raises LeakError naming the fold, the groups (`groups_of`) that are in two of its parts, and their images."""
    column, groups = groups_of(dataset)
    of_part = {part: groups[getattr(fold, part)] for part in PARTS}
    for one, other in CROSSINGS:
        if crossing := sorted(set(of_part[one]) & set(of_part[other])):
            images = [int(np.isin(of_part[part], crossing).sum()) for part in (one, other)]
            raise LeakError(
                f"{dataset.name}, fold {fold.name!r}: {len(crossing)} of {len(set(of_part[other]))} {column}s in {other} are "
                f"also in {one}: {', '.join(crossing[:EXAMPLES])}{', ...' if len(crossing) > EXAMPLES else ''} "
                f"({images[0]} images in {one}, {images[1]} in {other})"
            )


def leak_report(
    dataset: FaceDataset,
    fold: Fold,
    *,
    bits: int = duplicates.BITS,
    correlation: float = duplicates.CORRELATION,
    near: bool = True,
) -> LeakReport:
    """What crosses between the parts of a fold: subjects, films, sequences, exact and (with `near`) near duplicates.

    Near excludes exact; `bits` and `correlation` as in `duplicates.copies`. Every image of the fold is read.
    """
    rows = {part: getattr(fold, part) for part in PARTS if len(getattr(fold, part))}
    prints = {part: duplicates.dataset_fingerprints(dataset, chosen) for part, chosen in rows.items()}
    columns = [column for column in GROUP_COLUMNS if column in dataset.frame]
    leaks = []
    for earlier, later in CROSSINGS:
        if earlier in rows and later in rows:
            parts = (earlier, later)
            leaks += [_shared_names(dataset, rows, parts, column) for column in columns if dataset.frame[column].notna().any()]
            copied = duplicates.copies(prints[later], prints[earlier], bits=bits if near else -1, correlation=correlation)
            kinds = ("exact", "near")[: 1 + near]
            leaks += [_copied(dataset, rows, parts, kind, which) for kind, which in zip(kinds, copied, strict=False)]
    everything = np.concatenate(list(rows.values()))
    unknown = {column: int(dataset.frame[column].iloc[everything].isna().sum()) for column in columns}
    unchecked = [f"{count} of {len(everything)} images have no {column}" for column, count in unknown.items() if count]
    unchecked += [] if near else ["near duplicates were not looked for"]
    return LeakReport(dataset.name, fold.name, tuple(leaks), tuple(unchecked))


def nearest_in_training(images: np.ndarray, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """The training row whose pixels are nearest to each test row's, int64 (test rows,).

    Images are uint8 (n, height, width, channels).

    Where this simplest of classifiers names test labels (or subjects) far above chance, something crosses the split.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    found = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(pixels[train])
    return train[found.kneighbors(pixels[test], return_distance=False)[:, 0]]


def _shared_names(dataset: FaceDataset, rows: dict[str, np.ndarray], parts: tuple[str, str], column: str) -> Leak:
    earlier, later = (dataset.frame[column].iloc[rows[part]].dropna().astype(str) for part in parts)
    shared = sorted(set(earlier) & set(later))
    images = int(later.isin(shared).sum())
    return Leak(*parts, column, len(shared), images, images / len(rows[parts[1]]), tuple(shared[:EXAMPLES]))


def _copied(dataset: FaceDataset, rows: dict[str, np.ndarray], parts: tuple[str, str], kind: str, which: np.ndarray) -> Leak:
    copied = np.flatnonzero(which >= 0)
    names = dataset.frame["path" if "path" in dataset.frame else "image"].astype(str).to_numpy()
    pairs = [(names[rows[parts[1]][i]], names[rows[parts[0]][which[i]]]) for i in copied[:EXAMPLES]]
    examples = tuple(f"{copy} = {original}" for copy, original in pairs)
    return Leak(*parts, kind, len(copied), len(copied), len(copied) / len(which), examples)
