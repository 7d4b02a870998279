"""Whether someone's copy of a dataset is complete and sound: counts, readability, oddities of files, duplicates.

Every image is read once, over all cores; what is found is counted, with a few examples by name.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import ExifTags, Image
from pydantic import BaseModel, Field

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset, printable
from fer_utils.datasets.duplicates import dataset_fingerprints, duplicate_pairs
from fer_utils.datasets.files import IMAGE_ENDINGS
from fer_utils.results.paths import digest_of

EXAMPLES = 5
BLANK = np.zeros((1, 1, 1, 1), np.uint8)  # stands for an image that cannot be read


class Check(BaseModel):
    """What was found of a dataset, beside what was published."""

    name: str
    images: int
    subjects: int
    sequences: int
    form: str = Field(description="the repackaging that was read; empty for what the owners hand out")
    counts: dict[str, dict[str, int]] = Field(description="split -> class -> images")
    expected: dict[str, Any] = Field(description="the published counts; empty where none were published")
    differences: list[str]
    skipped: dict[str, int] = Field(description="reason -> what is known to be there and is not used")
    unreadable: list[str] = Field(description="files that are no image, with the reason")
    oddities: dict[str, int] = Field(description="files read after a conversion, by kind")
    sizes: dict[str, int] = Field(description="width x height -> images, the most frequent first")
    duplicates: dict[str, int] = Field(description="kind and place -> pairs of images")
    duplicate_examples: list[str]
    pixels_read: bool
    fingerprint: str = Field(description="of names, sizes and labels; what a result records")
    content_fingerprint: str = Field(description="of every decoded pixel, in the order of the rows; empty if not read")

    @property
    def sound(self) -> bool:
        """As published and readable. Copies are told apart: some datasets were published with them."""
        return not (self.differences or self.unreadable)

    @property
    def copies_across_splits(self) -> int:
        """Pairs of equal images whose two copies lie in different splits."""
        return sum(count for place, count in self.duplicates.items() if "across splits" in place)


def check(dataset: FaceDataset, card: DatasetCard, *, quick: bool = False) -> Check:
    """Check a loaded dataset; with `quick` no pixel is read. Shows a progress bar."""
    frame = dataset.frame
    report = Check(
        name=dataset.name,
        images=len(frame),
        subjects=frame["subject"].nunique(),
        sequences=frame["sequence"].nunique(),
        counts=dataset.counts(),
        form=dataset.form,
        expected={name: value for name, value in dataclasses.asdict(_published(dataset, card)).items() if value},
        differences=list(dataset.remarks),
        skipped=dict(dataset.skipped),
        unreadable=[],
        oddities={},
        sizes={},
        duplicates={},
        duplicate_examples=[],
        pixels_read=not quick,
        fingerprint=dataset.fingerprint,
        content_fingerprint="",
    )
    return report if quick else report.model_copy(update=_pixels(dataset))


def _published(dataset: FaceDataset, card: DatasetCard) -> Counts:
    """The counts that a dataset's form has."""
    return next((form.expected for form in card.forms if form.name == dataset.form), card.expected)


def _pixels(dataset: FaceDataset) -> dict[str, Any]:
    """The part of a check that reads every image."""

    def read_or_blank(rows: Sequence[int] | np.ndarray) -> np.ndarray:
        try:
            return dataset.read(rows)
        except DatasetError:
            return BLANK

    found = dataset_fingerprints(dataclasses.replace(dataset, read=read_or_blank), jobs=-1)
    unreadable = np.flatnonzero(found.digests == digest_of(BLANK[0]))
    readable = np.setdiff1d(np.arange(len(found)), unreadable)
    own = found.take(readable)
    exact = duplicate_pairs(own, bits=-1)
    near = duplicate_pairs(own, groups=_natural_groups(dataset.frame.iloc[readable]))  # one person's faces are alike
    pairs = pd.concat([exact, near[near["kind"] == "near"]], ignore_index=True)
    pairs[["first", "second"]] = readable[pairs[["first", "second"]].to_numpy(np.int64)]
    places = [_place(dataset.frame, pair) for pair in pairs.itertuples()]
    names = dataset.frame.get("path", dataset.frame["image"].map("image {}".format)).map(printable)
    examples = [f"{names[pair.first]} = {names[pair.second]}" for pair in pairs.itertuples()]
    order = np.argsort(["across splits" not in place for place in places], kind="stable")
    sizes, oddities = _file_facts(dataset, readable)
    return {
        "unreadable": [_error(dataset, row) for row in unreadable.tolist()],
        "oddities": dict(oddities),
        "sizes": dict(sizes.most_common(EXAMPLES)),
        "duplicates": dict(Counter(places)),
        "duplicate_examples": [f"{examples[row]} ({places[row]})" for row in order[:EXAMPLES]],
        "content_fingerprint": hashlib.sha256("".join(found.digests).encode()).hexdigest(),
    }


def _natural_groups(frame: pd.DataFrame) -> np.ndarray:
    """A number per image: the same for images of one person or, where people are unknown, of one sequence."""
    alone = pd.Series([f"image {row}" for row in range(len(frame))], index=frame.index)
    return pd.factorize(frame["subject"].fillna(frame["sequence"]).fillna(alone))[0]


def _place(frame: pd.DataFrame, pair: Any) -> str:
    """What a pair of duplicates crosses: a split, people, or neither; and whether the labels differ."""
    one, other = frame.iloc[pair.first], frame.iloc[pair.second]
    if one["split"] != other["split"]:
        crossed = "across splits"
    elif one["subject"] != other["subject"]:
        crossed = "between people"
    elif one["sequence"] is not None and one["sequence"] == other["sequence"]:
        crossed = "within a sequence"
    else:
        crossed = "within a split"
    return f"{pair.kind}, {crossed}" + (", labels differ" if one["label"] != other["label"] else "")


def _error(dataset: FaceDataset, row: int) -> str:
    try:
        dataset.read([row])
    except DatasetError as error:
        return str(error)
    return f"row {row} could be read the second time only"


def _file_facts(dataset: FaceDataset, rows: np.ndarray) -> tuple[Counter[str], Counter[str]]:
    """(sizes, conversions) of the image files, from their headers; both empty where images are not files of their own."""
    sizes: Counter[str] = Counter()
    oddities: Counter[str] = Counter()
    paths = dataset.frame["path"].iloc[rows] if dataset.folder and "path" in dataset.frame else []
    files = [dataset.folder / path for path in paths if Path(path).suffix.lower() in IMAGE_ENDINGS]
    colour = bool(files) and dataset.read(rows[:1]).shape[-1] == 3
    for path in files:
        try:
            with Image.open(path) as image:
                sizes[f"{image.width} x {image.height}"] += 1
                oddities["16 bits, read as 8"] += image.mode.startswith("I")
                oddities["grey, read as three equal channels"] += colour and image.mode in {"L", "1"}
                oddities["turned by its EXIF entry"] += image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        except (OSError, Image.DecompressionBombError):
            oddities["header that only OpenCV can read"] += 1
    return sizes, +oddities


def as_text(report: Check) -> str:
    """The check for a terminal."""
    card_counts = Counts(**{name: report.expected[name] for name in report.expected})
    lines = [f"{report.name}: {report.images:,} images, {report.subjects:,} people, {report.sequences:,} sequences"]
    lines += [f"repackaged: {report.form}; not what the owners hand out, and not judged like it"] if report.form else []
    lines.append(f"published: {card_counts}")
    for split, counts in report.counts.items():
        published = report.expected.get("images", {}).get(split, {})
        lines.append(f"{split}: {sum(counts.values()):,} images")
        lines += [f"  {label:10} {count:7,}{_beside(count, published.get(label))}" for label, count in counts.items()]
    lines += [f"left out: {count:,} {reason}" for reason, count in report.skipped.items()]
    if report.pixels_read:
        lines += [f"size: {size} pixels, {count:,} images" for size, count in report.sizes.items()]
        lines += [f"converted: {count:,} images, {kind}" for kind, count in report.oddities.items()]
        lines += [f"unreadable: {error}" for error in report.unreadable[:EXAMPLES]]
        lines.append(f"unreadable files: {len(report.unreadable):,}")
        lines += [f"duplicates: {count:,} pairs, {place}" for place, count in report.duplicates.items()] or ["duplicates: none"]
        lines += [f"  such as {example}" for example in report.duplicate_examples]
        lines.append(f"fingerprint of the pixels: {report.content_fingerprint}")
    else:
        lines.append("not looked for (--quick): unreadable files and duplicates")
    lines.append(f"fingerprint of names, sizes and labels: {report.fingerprint}")
    lines += [f"differs: {difference}" for difference in report.differences]
    if report.copies_across_splits:
        lines.append(
            f"beware: {report.copies_across_splits:,} pairs of copies lie across splits, in the training and the test part"
        )
    if report.sound:
        lines.append("complete and readable" if report.pixels_read else "complete by names and counts; pixels were not read")
    else:
        lines.append("not as published, or not readable: see above")
    return "\n".join(lines)


def _beside(found: int, published: int | None) -> str:
    return "" if published is None else f"  of {published:,}" + ("" if found == published else "  <-- differs")
