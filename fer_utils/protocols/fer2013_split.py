"""FER2013's official split: train on Training, select on PublicTest, test on PrivateTest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fer_utils.datasets.base import FaceDataset
from fer_utils.datasets.loaders import fer2013
from fer_utils.preprocessing.cropping import crop_to_boxes, keep_classes
from fer_utils.protocols.splits import official_names, stratified, subset


@dataclass(frozen=True)
class Splits:
    """Row numbers of FER2013's protocol. `merged_test` is validation and test together, as in the public Kaggle folder."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    merged_test: np.ndarray
    selected_on: str
    tested_on: str


def fer2013_faces(dataset: FaceDataset) -> FaceDataset:
    """Any dataset with FER2013's classes in FER2013's form: grey, 48 x 48, seven classes in its order."""
    if dataset.name == "fer2013":
        return dataset
    return crop_to_boxes(keep_classes(dataset, fer2013.CLASSES), side_pixels=fer2013.SIDE, grey=True)


def fer2013_splits(dataset: FaceDataset, training_images: int = 0, seed: int = 0) -> Splits:
    """Training trains, PublicTest selects, PrivateTest tests (Goodfellow et al. 2013); other datasets by `official_names`.

    The folder form has lost the last two; there an eighth of Training selects and the merged Test tests.
    `training_images` caps the training rows (0: all).
    """
    training, validation, test = official_names(dataset)
    train, tests = dataset.rows(training), dataset.rows(test)
    if validation:
        selecting, merged, selected_on = dataset.rows(validation), dataset.rows(validation, test), validation
    else:
        train, selecting = stratified(dataset, train, 1 / 8, seed)
        merged, selected_on = tests, f"an eighth of {training}"
    return Splits(subset(train, dataset.labels(train), training_images, seed), selecting, tests, merged, selected_on, test)
