"""From sequences of frames to what a network sees of them: clips of a fixed length, or chosen single frames.

A sequence is its frames in the order of `position`; where frames are missing (dropped for want of a face), their
neighbours follow each other. Clips are uint8 (clips, frames, height, width, channels).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.preprocessing.cropping import keep_rows, sequence_order

NEUTRAL = "neutral"


@dataclass(frozen=True)
class Clips:
    """Clips of one length.

    Rows int64 (clips, frames) of the dataset, and each clip's class number (int64, in the order of the dataset's classes),
    subject and sequence (object), all (clips,).
    """

    dataset: FaceDataset
    rows: np.ndarray
    labels: np.ndarray
    subjects: np.ndarray
    sequences: np.ndarray

    def read(self, clip_numbers: Sequence[int] | np.ndarray) -> np.ndarray:
        """Pixels of the clips: uint8 (n, frames, height, width, channels). A frame that occurs twice is read once."""
        rows, places = np.unique(self.rows[np.asarray(clip_numbers, np.int64)], return_inverse=True)
        return self.dataset.read(rows)[places]


def last_frames(dataset: FaceDataset, frames: int) -> Clips:
    """One clip per sequence: its last frames; a shorter sequence is padded at its end by repeating the last frame.

    As Haddad, Lezoray and Hamel (2020) cut CK+ and Oulu-CASIA, with 10 frames. Raises ValueError for fewer than 1 frame
    and DatasetError as `ordered_sequences`, and for a form of the dataset that lacks such frames.
    """
    _at_least_one(frames=frames)
    dataset.with_last_frames(frames)
    return _clips(dataset, [_padded(rows[-frames:], frames) for rows in ordered_sequences(dataset)])


def evenly_spaced(dataset: FaceDataset, frames: int) -> FaceDataset:
    """`frames` frames of every sequence at equal distances, its first and last among them; all of a shorter sequence.

    A single frame is the middle one, of an even number the later. Raises ValueError for fewer than 1 frame and DatasetError as
    `ordered_sequences`.
    """
    _at_least_one(frames=frames)
    if frames == 1:
        return keep_rows(dataset, np.sort([rows[len(rows) // 2] for rows in ordered_sequences(dataset)]), "middle 1")
    chosen = [rows[np.unique(np.linspace(0, len(rows) - 1, frames).round().astype(int))] for rows in ordered_sequences(dataset)]
    return keep_rows(dataset, np.sort(np.concatenate(chosen)), f"{frames} evenly spaced")


def onset_as_neutral(dataset: FaceDataset, apex_frames: int) -> tuple[FaceDataset, dict[str, int]]:
    """The first frame of every sequence as neutral and its last frames with the sequence's label; and images per class.

    As CK+ is used with eight classes (Miao et al. 2019: one or three last frames, 327 neutral first frames). Raises
    ValueError for fewer than 1 frame and DatasetError as `ordered_sequences`, for a form of the dataset without first frames, or
    naming a sequence too short for both.
    """
    _at_least_one(apex_frames=apex_frames)
    dataset.with_last_frames(None)
    sequences = ordered_sequences(dataset)
    if short := [rows for rows in sequences if len(rows) <= apex_frames]:
        name = dataset.frame["sequence"].iloc[short[0][0]]
        raise DatasetError(
            f"{dataset.name}: sequence {name} has {len(short[0])} frames, {apex_frames + 1} are needed for a neutral first "
            f"and {apex_frames} last frames ({len(short)} such sequences); ask for fewer or leave them out"
        )
    onsets = np.array([rows[0] for rows in sequences], np.int64)
    chosen = np.sort(np.concatenate([onsets, *(rows[-apex_frames:] for rows in sequences)]))
    classes = dataset.classes if NEUTRAL in dataset.classes else (*dataset.classes, NEUTRAL)
    kept = keep_rows(dataset, chosen, f"onset as neutral, apex {apex_frames}")
    frame = kept.frame.assign(label=np.where(np.isin(chosen, onsets), NEUTRAL, kept.frame["label"].to_numpy(object)))
    counts = frame["label"].value_counts()
    return dataclasses.replace(kept, frame=frame, classes=classes), {name: int(counts.get(name, 0)) for name in classes}


def ordered_sequences(dataset: FaceDataset) -> list[np.ndarray]:
    """Row numbers (int64) of each sequence's frames by position, in the order in which the sequences first appear.

    Raises DatasetError for images without a sequence, a missing or repeated position, and a sequence with two labels or
    two subjects; it names the sequence.
    """
    frame = dataset.frame
    outside = int(frame["sequence"].isna().sum())
    if outside or frame.empty:
        raise DatasetError(f"{dataset.name}: {outside} of {len(frame)} images belong to no sequence; clips need sequences")
    for column in ("label", "subject"):
        differing = frame.groupby("sequence")[column].nunique(dropna=False)
        if (differing > 1).any():
            name = differing.index[(differing > 1).to_numpy()][0]
            values = sorted(map(str, frame.loc[frame["sequence"] == name, column].unique()))
            raise DatasetError(f"{dataset.name}: sequence {name} has {len(values)} {column}s: {', '.join(values)}; expected one")
    order = sequence_order(dataset)
    names = frame["sequence"].iloc[order].to_numpy(object)
    return np.split(order, np.flatnonzero(names[1:] != names[:-1]) + 1)


def _clips(dataset: FaceDataset, clips: list[np.ndarray]) -> Clips:
    rows = np.stack(clips)
    frame = dataset.frame.iloc[rows[:, 0]]
    subjects, sequences = (frame[column].to_numpy(object) for column in ("subject", "sequence"))
    return Clips(dataset, rows, dataset.labels(rows[:, 0]), subjects, sequences)


def _padded(rows: np.ndarray, frames: int) -> np.ndarray:
    return np.pad(rows, (0, frames - len(rows)), mode="edge")


def _at_least_one(**values: int) -> None:
    for name, value in values.items():
        if value < 1:
            raise ValueError(f"{name} {value}, expected at least 1")
