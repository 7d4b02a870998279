"""Copies of training clips, more for rarer classes (Haddad, Lezoray and Hamel 2020, Sec. 3.2 and 4).

Clips are uint8 (clips, frames, height, width, channels), grey or RGB. The paper's other step, the equalisation of each frame,
is `images.clahe`, which takes clips as they are. It belongs before the copies: after them it would undo their contrast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from fer_utils.preprocessing.images import checked

ROTATION_DEGREES = (-30.0, 30.0)
CONTRAST_FACTORS = (0.22, 2.2)
CONTRAST_CENTRE = 127


@dataclass(frozen=True)
class Copies:
    """How many mirrored (0 or 1), rotated and contrast-changed copies a clip gets. Raises ValueError for other counts."""

    flip: int
    rotation: int
    contrast: int

    def __post_init__(self) -> None:
        if self.flip not in (0, 1) or min(self.rotation, self.contrast) < 0:
            raise ValueError(f"{self}, expected flip 0 or 1 (a second would equal the first), the others at least 0")

    @property
    def total(self) -> int:
        """Copies of all kinds."""
        return self.flip + self.rotation + self.contrast


CKPLUS_COPIES = {  # Sec. 4.1
    "anger": Copies(1, 2, 1),
    "contempt": Copies(1, 7, 4),
    "disgust": Copies(1, 1, 1),
    "fear": Copies(1, 4, 4),
    "happiness": Copies(1, 1, 1),
    "sadness": Copies(1, 4, 3),
    "surprise": Copies(1, 1, 0),
}
OULU_CASIA_COPIES = dict.fromkeys(("anger", "disgust", "fear", "happiness", "sadness", "surprise"), Copies(1, 5, 2))  # Sec. 4.2


@dataclass(frozen=True)
class AugmentedClips:
    """uint8 clips, the originals first; each one's class number and the place of its original, int64 (clips,)."""

    clips: np.ndarray
    labels: np.ndarray
    source: np.ndarray


def augmented_clips(
    clips: np.ndarray,
    labels: np.ndarray,
    classes: Sequence[str],
    copies: Mapping[str, Copies],
    seed: int,
    numbers: np.ndarray | None = None,
) -> AugmentedClips:
    """The clips, then the copies of the first, of the second and so on, each in the order flip, rotation, contrast.

    labels: class numbers (clips,), places in `classes`. A copy's angle, in [-30, 30] degrees, or its contrast factor a, in
    [0.22, 2.2] for 127 + a (v - 127), depends on the seed and the clip's number only. Where the clips are a part of a dataset,
    such as a fold, `numbers` (clips,) are their numbers in the whole, so that a clip's copies are the same in every part;
    without them 0, 1, ... Our choices: one draw for all frames of a copy, linear interpolation, and the reflected image where
    a rotation looks outside. Raises TypeError unless uint8, ValueError for another shape, labels that are no classes, or a
    class that `copies` lacks.
    """
    if checked(clips).ndim != 5:
        raise ValueError(f"clips of shape {clips.shape}, expected (clips, frames, height, width, channels)")
    labels = np.asarray(labels, np.int64)
    numbers = np.arange(len(clips)) if numbers is None else np.asarray(numbers)
    if not len(clips) == len(labels) == len(numbers):
        raise ValueError(f"{len(clips)} clips, {len(labels)} labels and {len(numbers)} numbers, expected as many of each")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(f"labels from {labels.min()} to {labels.max()}, expected numbers of {len(classes)} classes")
    if missing := [name for name in classes if name not in copies]:
        raise ValueError(f"no copies given for class {', '.join(missing)}; there are {', '.join(copies)}")

    of_clip = [copies[classes[label]] for label in labels]
    source = np.concatenate([np.arange(len(clips)), np.repeat(np.arange(len(clips)), [each.total for each in of_clip])])
    augmented = np.empty((len(source), *clips.shape[1:]), np.uint8)
    augmented[: len(clips)] = clips
    place = len(clips)
    for clip, counts, number in zip(clips, of_clip, numbers, strict=True):
        _fill(augmented[place : place + counts.total], clip, counts, seed, int(number))
        place += counts.total
    return AugmentedClips(augmented, labels[source], source)


def _fill(places: np.ndarray, clip: np.ndarray, counts: Copies, seed: int, number: int) -> None:
    angles = np.random.default_rng([seed, number, 0]).uniform(*ROTATION_DEGREES, counts.rotation)
    factors = np.random.default_rng([seed, number, 1]).uniform(*CONTRAST_FACTORS, counts.contrast)
    places[: counts.flip] = clip[:, :, ::-1]
    for copy, angle in zip(places[counts.flip :], angles, strict=False):
        _rotate(clip, angle, copy)
    for copy, factor in zip(places[counts.flip + counts.rotation :], factors, strict=True):
        changed = CONTRAST_CENTRE + factor * (np.arange(256) - CONTRAST_CENTRE)
        table = np.clip(np.rint(changed), 0, 255).astype(np.uint8)
        copy[...] = cv2.LUT(clip.reshape(len(clip), -1), table).reshape(clip.shape)


def _rotate(clip: np.ndarray, degrees: float, rotated: np.ndarray) -> None:
    height, width = clip.shape[1:3]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    for frame, turned in zip(clip, rotated, strict=True):
        turned[...] = cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REFLECT).reshape(frame.shape)
