"""Short trainings, at least one for every chapter that trains, whose losses must stay what they were.

`data/golden_trainings.json` holds for each its chapter, recipe, numbers of images, and the history per epoch. A loss may differ
by a thousandth: sums in another order, on other processors or more threads, change it less, and other orders of images,
augmentation, rates or initial weights change it more. `python tests/test_golden_trainings.py` records all of them anew.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_utils import datasets, training
from fer_utils.preprocessing import Copies
from fer_utils.protocols import Fold
from fer_utils.training import Recipe, cross_validation

FILE = Path(__file__).parent / "data" / "golden_trainings.json"
GOLDEN: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt")
COPIES = {name: Copies(1, number % 3, number % 2) for number, name in enumerate(CLASSES)}  # not as many of each class
TOLERANCE = 1e-3  # relative
History = dict[str, list[float]]


def pixels_and_labels(golden: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Rendered faces of the input's shape, or clips where it has frames: those to train on first, then those of validation.

    Cut by slices alone, so that a change to crops or resizing changes no training here.
    """
    *frames, side, _, channels = golden["input"]
    count, each = golden["training_images"] + golden["validation_images"], frames[0] if frames else 1
    classes = CLASSES[: golden["recipe"]["options"]["classes"]]
    dataset = datasets.load("rendered_faces", collection="sequences" if frames else "wild", classes=classes)
    rows = np.arange(count * each)
    images = dataset.read(rows)
    step = images.shape[1] // side
    edge = (images.shape[1] - step * side) // 2
    window = slice(edge, edge + step * side, step)
    images = images[:, window, window, 1:2] if channels == 1 else images[:, window, window]
    return np.ascontiguousarray(images.reshape(count, *golden["input"])), dataset.labels(rows)[::each]


def fold_task(name: str, golden: dict[str, Any], start: training.Trained | None) -> cross_validation.FoldTask:
    """The training as a fold; clips are copied as in the chapter, images are not."""
    recipe = Recipe.model_validate(golden["recipe"])
    pixels, labels = pixels_and_labels(golden)
    classes = tuple(CLASSES[: recipe.options["classes"]])
    clips = cross_validation.ImageStack({False: cross_validation.keep_images(pixels)}, labels, classes)
    fold = Fold(name, *np.split(np.arange(len(labels)), [golden["training_images"], -1]))  # a fold must test something
    copies = COPIES if len(golden["input"]) == 4 else {}
    return cross_validation.FoldTask(
        name, "golden", images=clips, clahe=False, fold=fold, recipe=recipe, copies=copies, start=start
    )


def trained(name: str, keep_weights: bool = False) -> training.Trained:
    """Train with images that are scored after each epoch and select none of them."""
    golden = GOLDEN[name]
    recipe, count = Recipe.model_validate(golden["recipe"]), golden["training_images"]
    pixels, labels = pixels_and_labels(golden)
    return training.train(
        recipe,
        pixels[:count],
        labels[:count],
        training.store(),
        name=name,
        experiment="golden",
        validation=(pixels[count:], labels[count:]),
        select_best=False,
        selected_on="none, last epoch",
        start=trained(golden["start"], keep_weights=True) if "start" in golden else None,
        keep_weights=keep_weights,
    )


def history_of(name: str) -> History:
    golden = GOLDEN[name]
    if not golden.get("as_fold"):
        return trained(name).record.history
    start = cross_validation.train_fold(fold_task(golden["start"], GOLDEN[golden["start"]], None)) if "start" in golden else None
    task = fold_task(name, golden, start)
    return cross_validation.score_fold(task).curves(task.images.labels).history


@pytest.mark.parametrize("name", GOLDEN)
def test_a_training_has_the_losses_that_were_recorded(name):
    history, recorded = history_of(name), GOLDEN[name]["history"]
    assert history.keys() == recorded.keys()
    for metric in ("loss", "val_loss"):
        if metric in recorded:
            np.testing.assert_allclose(history[metric], recorded[metric], rtol=TOLERANCE, err_msg=metric)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FER_BOOK_CACHE"] = folder
        for name, golden in GOLDEN.items():
            golden["history"] = {metric: [round(value, 6) for value in values] for metric, values in history_of(name).items()}
    FILE.write_text(json.dumps(GOLDEN, indent=1) + "\n")
