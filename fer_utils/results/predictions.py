"""What a published result keeps of its networks' answers: class probabilities of test images, never pixels.

They lie beside the result (`book/results/full/CHAPTER.npz`), so that its metrics can be computed again without training.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from fer_utils.results.paths import OUTPUT_VARIABLE, asset, write_renamed

PREDICTIONS = "predictions.npz"  # beside the result of a run
ARRAYS = ("images", "labels", "probabilities", "subjects")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities (n, classes) of n images, from which the metric and the matrix called `name` follow.

    `images` (n,) names them as the dataset's table does, `labels` (n,) are their true class numbers by `truth`, and
    `subjects` (n,) their people, empty where no interval is over people. `training` is the key of the training, `network`
    the published network that these are the answers of, if it is one. Raises ValueError where the lengths differ.
    """

    name: str
    training: str
    dataset: str
    images: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    subjects: np.ndarray = field(default_factory=lambda: np.array([], "U1"))
    truth: str = "label"
    network: str = ""

    def __post_init__(self) -> None:
        lengths = {len(self.images), len(self.labels), len(self.probabilities), len(self.subjects) or len(self.images)}
        if len(lengths) > 1 or self.probabilities.ndim != 2:
            raise ValueError(
                f"predictions {self.name!r}: {len(self.images)} images, {len(self.labels)} labels, probabilities of shape "
                f"{self.probabilities.shape}, {len(self.subjects)} subjects; expected one of each per image"
            )

    @property
    def predicted(self) -> np.ndarray:
        """Class numbers int64 (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def right(self) -> np.ndarray:
        """Whether each image was classified rightly, bool (n,)."""
        return self.predicted == self.labels


def write_predictions(kept: Sequence[Predictions], path: Path) -> None:
    """Write an archive of arrays. Raises ValueError where two predictions have one name."""
    if len({one.name for one in kept}) < len(kept):
        raise ValueError(f"two predictions have the same name: {', '.join(sorted(one.name for one in kept))}")
    index = [{name: value for name, value in asdict(one).items() if name not in ARRAYS} for one in kept]
    arrays = {f"{number}.{name}": getattr(one, name) for number, one in enumerate(kept) for name in ARRAYS}
    arrays |= {f"{number}.probabilities": _compact(one.probabilities) for number, one in enumerate(kept)}

    def write(partial: Path) -> None:
        with partial.open("wb") as file:
            np.savez_compressed(file, index=np.array(json.dumps(index)), **arrays)

    write_renamed(path, write)


def keep_predictions(kept: Sequence[Predictions]) -> None:
    """Write them beside `result.json` where the runner asked for it (FER_BOOK_OUTPUT)."""
    if folder := os.environ.get(OUTPUT_VARIABLE):
        write_predictions(kept, Path(folder) / PREDICTIONS)


def read_predictions(path: Path) -> dict[str, Predictions]:
    """The predictions of an archive by name; nothing in it is unpickled.

    Raises ValueError naming a file that is no such archive.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            index = json.loads(str(archive["index"]))
            return {
                facts["name"]: Predictions(**facts, **{name: archive[f"{number}.{name}"] for name in ARRAYS})
                for number, facts in enumerate(index)
            }
    except (KeyError, TypeError, EOFError, json.JSONDecodeError) as error:
        raise ValueError(f"{path} holds no predictions ({type(error).__name__}: {error})") from None


def published_predictions(chapter: str) -> dict[str, Predictions]:
    """The predictions kept with the chapter's published result, by name; empty where none are."""
    try:
        return read_predictions(asset(f"results/full/{chapter}.npz"))
    except FileNotFoundError:
        return {}


def _compact(probabilities: np.ndarray) -> np.ndarray:
    """In half precision, where that changes no image's class; else as they are."""
    half = probabilities.astype(np.float16)
    return half if np.array_equal(half.argmax(axis=1), probabilities.argmax(axis=1)) else probabilities
