"""Short trainings, at least one for each chapter that trains a network, whose losses must stay what they were.

`data/golden_trainings.json` holds their recipes and the history that each had when it was recorded. To record anew, where a
change is meant to alter trainings: `python tests/test_golden_trainings.py`. To add a training, add it there without a history.

A loss may differ by LOSS_TOLERANCE of itself. A change of all initial weights by 1e-7 of themselves, about float32's last digit,
moves the losses by 0.3 % at most; another order of images, other initial weights or another's weights not taken over by 0.9 %
or more. The random numbers of augmentation and dropout show in most, the schedule in those whose rate changes within their
epochs. Batch norm and Adam enlarge differences with every step, so some rates are below the chapters', and MobileNet takes
one step an epoch. A change of 1e-6 can exceed the tolerance in `fer2013_cnn: many steps`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from fer_utils import datasets, training
from fer_utils.preprocessing import Copies
from fer_utils.protocols import Fold
from fer_utils.training import Recipe, cross_validation

FILE = Path(__file__).parent / "data" / "golden_trainings.json"
GOLDEN: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
LOSS_TOLERANCE = 5e-3  # relative
ACCURACY_TOLERANCE = 0.1  # absolute; single images near the border of two classes change sides
CHAPTERS = {"bp4d_vgg16_holdout", "ckplus_oulu_3dcnn", "fer2013_cnn", "mobilenet_center_loss", "multi_dataset_cnns"}
CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")  # in the order of the dataset
COPIES = {name: Copies(1, number % 3, number % 2) for number, name in enumerate(CLASSES)}  # not as many of each class


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


def train(name: str, *, keep_weights: bool = False) -> training.Trained:
    """Train on images. The last epoch counts: another CPU might select another one, which a second training begins with."""
    golden = GOLDEN[name]
    pixels, labels = pixels_and_labels(golden)
    train_part, validation_part = np.split(np.arange(len(labels)), [golden["training_images"]])
    return training.train(
        Recipe.model_validate(golden["recipe"]),
        pixels[train_part],
        labels[train_part],
        training.store(),
        name=name,
        experiment="golden",
        validation=(pixels[validation_part], labels[validation_part]),
        select_best=False,
        selected_on="none, last epoch",
        start=train(golden["start"], keep_weights=True) if "start" in golden else None,
        keep_weights=keep_weights,
    )


def clip_fold(name: str) -> cross_validation.FoldTask:
    """A fold of clips, with copies of those to train on; its last clip is the test part that a fold must have."""
    golden = GOLDEN[name]
    pixels, labels = pixels_and_labels(golden)
    clips = cross_validation.ImageStack({False: cross_validation.keep_images(pixels)}, labels, CLASSES)
    fold = Fold(name, *np.split(np.arange(len(labels)), [golden["training_images"], -1]))
    start = cross_validation.train_fold(clip_fold(golden["start"])) if "start" in golden else None
    recipe = Recipe.model_validate(golden["recipe"])
    return cross_validation.FoldTask(
        name, "golden", images=clips, clahe=False, fold=fold, recipe=recipe, copies=COPIES, start=start
    )


def history(name: str) -> dict[str, list[float]]:
    """The metrics per epoch; those of clips know no validation loss."""
    if len(GOLDEN[name]["input"]) == 3:
        return train(name).record.history
    task = clip_fold(name)
    return cross_validation.score_fold(task).curves(task.images.labels).history


def record_anew() -> None:
    """Write the histories of today's code into the file; recipes stay as they are."""
    for name, golden in GOLDEN.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["FER_BOOK_CACHE"] = folder
            golden["history"] = {
                metric: [float(f"{value:.7g}") for value in values] for metric, values in sorted(history(name).items())
            }
    lines = (
        f'"{name}": {{\n' + ",\n".join(f' "{key}": {json.dumps(value)}' for key, value in golden.items()) + "\n}"
        for name, golden in GOLDEN.items()
    )
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def test_every_chapter_that_trains_has_a_training():
    assert {golden["chapter"] for golden in GOLDEN.values()} == CHAPTERS


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends draw other random numbers")
@pytest.mark.parametrize("name", GOLDEN)
def test_a_training_has_the_losses_that_it_had(name):
    found, expected = history(name), GOLDEN[name]["history"]
    assert found.keys() == expected.keys()
    for metric, values in expected.items():
        tolerance = {"rtol": LOSS_TOLERANCE} if "loss" in metric else {"rtol": 0, "atol": ACCURACY_TOLERANCE}
        np.testing.assert_allclose(found[metric], values, **tolerance, err_msg=f"{metric} per epoch")


if __name__ == "__main__":
    record_anew()
