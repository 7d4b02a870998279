"""What every dataset becomes: a table of images and a way to read their pixels."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from fer_utils.results.records import DatasetSummary

COLUMNS = ("image", "label", "subject", "sequence", "position", "split")
DATA_VARIABLE = "FER_BOOK_DATA"


UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # control characters, and bytes of file names that are no text


def printable(text: str) -> str:
    """A text of one line that any terminal and file can take."""
    return UNPRINTABLE.sub("?", text)


class DatasetError(ValueError):
    """A dataset's file is not what its layout says; the message names the file, the row and what was expected."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class MissingDataset(FileNotFoundError):
    """A dataset was not found; the message says where it was looked for, how to get it and how to check it."""


@dataclass(frozen=True)
class FaceDataset:
    """Images with labels. `frame` has at least the COLUMNS, a row per image; unknown subjects and sequences are None.

    `read(rows)` returns uint8 (n, height, width, channels), RGB or grey, for an array of row numbers; it raises
    DatasetError for a file that is no image, and where the images differ in size (read those one at a time, or crop them).
    `remarks` say where the data differs from what was published (`official` is then false); `skipped` counts what the
    dataset is known to hold and the book does not use, by reason. `folder` is what a column `path` is relative to. `form` names
    a repackaging, empty as the owners hand it out; `last_frames` is how many of a sequence's last frames it has, None for all.
    """

    name: str
    frame: pd.DataFrame
    classes: tuple[str, ...]
    licence: str
    publishable: bool
    real: bool
    official: bool
    fingerprint: str
    read: Callable[[Sequence[int] | np.ndarray], np.ndarray]
    remarks: tuple[str, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    folder: Path | None = None
    form: str = ""
    last_frames: int | None = None

    def __post_init__(self) -> None:
        missing = [column for column in COLUMNS if column not in self.frame.columns]
        unknown = sorted(set(self.frame["label"]) - set(self.classes)) if not missing else []
        if missing or unknown:
            raise DatasetError(f"{self.name}: columns missing: {missing}; labels that are no class: {unknown}")

    def rows(self, *splits: str) -> np.ndarray:
        """Row numbers (int64, ascending) of the named splits. Raises KeyError naming the splits there are."""
        there = set(self.frame["split"].unique())
        if unknown := [split for split in splits if split not in there]:
            raise KeyError(f"{self.name} has no split {unknown[0]!r}; it has {', '.join(sorted(there))}")
        return np.flatnonzero(self.frame["split"].isin(splits).to_numpy())

    def with_last_frames(self, frames: int | None) -> FaceDataset:
        """Itself. Raises DatasetError where its form lacks so many last frames of a sequence (None: its first ones too)."""
        if self.last_frames is not None and (frames is None or frames > self.last_frames):
            wanted = f"the last {frames} are" if frames else "the first, neutral one is"
            raise DatasetError(
                f"{self.name}: its form ({self.form}) holds the last {self.last_frames} frames of a sequence, {wanted} needed; "
                f"use it as its owners hand it out: fer-book data where {self.name}"
            )
        return self

    def labels(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """int64 class numbers, in the order of `classes`, of the given rows."""
        index = pd.Index(self.classes)
        return index.get_indexer(self.frame["label"].iloc[np.asarray(rows)]).astype(np.int64)

    def counts(self) -> dict[str, dict[str, int]]:
        """split -> class -> number of images, in the order of `classes`."""
        table = pd.crosstab(self.frame["split"], self.frame["label"]).reindex(columns=list(self.classes), fill_value=0)
        return {str(split): {str(k): int(v) for k, v in row.items()} for split, row in table.iterrows()}

    def summary(self) -> DatasetSummary:
        """What a result records of the data."""
        return DatasetSummary(
            name=self.name,
            licence=self.licence,
            fingerprint=self.fingerprint,
            real=self.real,
            official=self.official,
            publishable=self.publishable,
            counts=self.counts(),
            remarks=self.remarks,
            skipped=dict(self.skipped),
            form=self.form,
        )


@dataclass(frozen=True)
class Counts:
    """What was published of a dataset's size; what is empty or None was not, and is not compared.

    images: split -> class -> images; totals: split -> images, where classes were not counted; sequences: class -> sequences.
    """

    images: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    sequences: Mapping[str, int] = field(default_factory=dict)
    subjects: int | None = None

    def __str__(self) -> str:
        parts = [f"{split}: {sum(row.values()):,} images" for split, row in self.images.items()]
        parts += [f"{split}: {count:,} images" for split, count in self.totals.items()]
        parts += [f"{sum(self.sequences.values()):,} sequences"] if self.sequences else []
        parts += [f"{self.subjects:,} people"] if self.subjects else []
        return "; ".join(parts) or "none"

    def differences(self, frame: pd.DataFrame) -> list[str]:
        """One sentence per number of a dataset's frame that is not the published one; empty when all agree."""

        def compared(what: str, kind: str, found: pd.Series, published: Mapping) -> list[str]:
            names = sorted(set(published) | set(found.index), key=str) if published else []
            pairs = [(name, int(found.get(name, 0)), published.get(name, 0)) for name in names]
            return [
                f"{what}{'/'.join(name) if isinstance(name, tuple) else name}: {have} {kind}, {want} published"
                for name, have, want in pairs
                if have != want
            ]

        by_class = {(split, name): count for split, row in self.images.items() for name, count in row.items()}
        firsts = frame.drop_duplicates("sequence") if self.sequences else frame[:0]
        people = pd.Series({"subjects": frame["subject"].nunique()})
        return [
            *compared("", "images", frame.groupby(["split", "label"]).size(), by_class),
            *compared("", "images", frame.groupby("split").size(), self.totals),
            *compared("", "sequences", firsts.groupby("label").size(), self.sequences),
            *compared("", "people", people, {"subjects": self.subjects} if self.subjects else {}),
        ]


@dataclass(frozen=True)
class Form:
    """A repackaging in circulation: its layout, its counts, and how many of a sequence's last frames it has (None: all)."""

    name: str
    tree: str
    expected: Counts
    last_frames: int | None = None


@dataclass(frozen=True)
class DatasetCard:
    """What the registry knows of a dataset before it is loaded. `citation` is a key of `book/references.bib`.

    `forms` are the repackagings that its loader reads too, `folders` other usual names of its folder.
    """

    name: str
    title: str
    page: str
    access: str
    licence: str
    citation: str
    publishable: bool
    tree: str
    expected: Counts
    load: Callable[..., FaceDataset]
    embedded: Path | None = None
    forms: tuple[Form, ...] = ()
    folders: tuple[str, ...] = ()


def data_root(given: str | Path = "") -> Path | None:
    """The folder that holds one subfolder per dataset: the given one, else FER_BOOK_DATA, else None."""
    chosen = str(given) or os.environ.get(DATA_VARIABLE, "")
    return Path(chosen).expanduser() if chosen else None


def folder_of(card: DatasetCard, root: Path) -> Path:
    """The dataset's folder below a data root, by its name or another usual one in any spelling; `root/name` if there is none."""

    def plain(name: str) -> str:
        return re.sub("[^a-z0-9]", "", name.lower().replace("+", "plus"))

    exact, wanted = root / card.name, {plain(name) for name in (card.name, *card.folders)}
    if exact.is_dir() or not root.is_dir():
        return exact
    return next((path for path in sorted(root.iterdir()) if plain(path.name) in wanted and path.is_dir()), exact)


def find(card: DatasetCard, root: str | Path = "") -> Path:
    """The dataset's folder: below the data root, or in the package. Raises MissingDataset saying what to do."""
    if card.embedded:
        return card.embedded
    chosen = data_root(root)
    folder = folder_of(card, chosen) if chosen else None
    if folder and folder.is_dir() and any(folder.iterdir()):
        return folder
    looked = f"looked for {folder}" if folder else f"no data folder given: pass --data FOLDER or set {DATA_VARIABLE}"
    raise MissingDataset(
        f"dataset {card.name} ({card.title}) is missing: {looked}\n"
        f"  how to get it: {card.access} {card.page}\n"
        f"  expected there: {card.tree}\n"
        f"  then check it: fer-book data check {card.name} FOLDER/{card.name}"
    )
