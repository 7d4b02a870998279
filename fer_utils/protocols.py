"""Which data trains, selects and tests; which trainings an experiment needs; and what leaks between the parts.

Splits name rows of a `FaceDataset`. A leak is a person, a sequence or a near-identical image on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import imagehash
import numpy as np
from PIL import Image
from sklearn.model_selection import train_test_split

from fer_utils.datasets import FaceDataset, fer2013
from fer_utils.faces import crop_to_boxes, keep_classes
from fer_utils.training import Recipe

OPTIMIZERS = ("sgd_nesterov", "adam", "adamw")
SCHEDULES = ("constant", "step", "plateau", "cosine")
SGD_RATE_FACTOR = 10  # plain SGD needs a larger rate than Adam: 1e-2 where Adam has 1e-3


@dataclass(frozen=True)
class Splits:
    """Row numbers of one protocol. `merged_test` is validation and test together, as in the public Kaggle folder."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    merged_test: np.ndarray
    selected_on: str
    tested_on: str


@dataclass(frozen=True)
class PlannedTraining:
    """One training of an experiment; with `merge_validation` it also trains on the validation rows and selects on none."""

    name: str
    experiment: str
    recipe: Recipe
    merge_validation: bool = False


def subset(rows: np.ndarray, labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """At most `size` of the rows (0: all), drawn so that the classes keep their shares; ascending."""
    if size <= 0 or size >= len(rows):
        return rows
    chosen, _ = train_test_split(rows, train_size=size, stratify=labels, random_state=seed)
    return np.sort(chosen)


def fer2013_faces(dataset: FaceDataset) -> FaceDataset:
    """Any dataset with FER2013's classes in FER2013's form: grey, 48 x 48, seven classes in its order."""
    if dataset.name == "fer2013":
        return dataset
    return crop_to_boxes(keep_classes(dataset, fer2013.CLASSES), side_pixels=fer2013.SIDE, grey=True)


def fer2013_splits(dataset: FaceDataset, training_images: int = 0, seed: int = 0) -> Splits:
    """Training trains, PublicTest selects, PrivateTest tests (Goodfellow et al. 2013).

    The folder form has lost the last two; there an eighth of Training selects and the merged Test tests. Other datasets
    bring splits train, validation and test. `training_images` caps the training rows (0: all).
    """
    there = set(dataset.frame["split"])
    if "PublicTest" in there:
        parts = ("Training", "PublicTest", "PrivateTest")
    elif "Training" in there:
        training = dataset.rows("Training")
        training, validation = train_test_split(training, test_size=1 / 8, stratify=dataset.labels(training), random_state=seed)
        test, names = dataset.rows("Test"), ("an eighth of Training", "Test")
        train = subset(np.sort(training), dataset.labels(np.sort(training)), training_images, seed)
        return Splits(train, np.sort(validation), test, test, *names)
    else:
        parts = ("train", "validation", "test")
    training, validation, test = (dataset.rows(part) for part in parts)
    train = subset(training, dataset.labels(training), training_images, seed)
    return Splits(train, validation, test, dataset.rows(*parts[1:]), *parts[1:])


def fer2013_trainings(
    *,
    experiments: tuple[str, ...],
    seeds: tuple[int, ...],
    epochs: int,
    batch_size: int,
    learning_rate: float,
    precision: str,
    augmentation_strength: float = 1.0,
    initializer: str = "glorot_uniform",
    start_epochs: int = 20,
    optimizers: tuple[str, ...] = OPTIMIZERS,
    schedules: tuple[str, ...] = SCHEDULES,
) -> list[PlannedTraining]:
    """All trainings of the FER2013 chapter. Those that coincide have equal recipes, so each is trained once:
    `protocol` is also the (adam, cosine) cell of `optimizers`. The `start` experiment is about the first epochs and
    runs for `start_epochs`, its cosine ending there."""

    def recipe(seed: int, **changes: object) -> Recipe:
        options = {"precision": precision, "seed": seed} | dict(changes.pop("options", {}))
        if augmentation_strength != 1.0:
            options["augmentation_strength"] = augmentation_strength
        if initializer != "glorot_uniform":
            options.setdefault("initializer", initializer)
        settings = {"learning_rate": learning_rate, "epochs": epochs, "batch_size": batch_size} | changes
        return Recipe(network="fer2013_cnn", options=options, seed=seed, **settings)

    planned = [PlannedTraining(f"protocol, seed {seed}", "protocol", recipe(seed)) for seed in seeds]
    if "inflation" in experiments:
        planned += [PlannedTraining(f"merged, seed {seed}", "inflation", recipe(seed), True) for seed in seeds]
    if "optimizers" in experiments:
        for optimizer in optimizers:
            rate = learning_rate * (SGD_RATE_FACTOR if optimizer == "sgd_nesterov" else 1)
            for schedule in schedules:
                changes = {"optimizer": optimizer, "schedule": schedule, "learning_rate": rate}
                planned += [
                    PlannedTraining(f"{optimizer}, {schedule}, seed {seed}", "optimizers", recipe(seed, **changes))
                    for seed in seeds
                ]
    if "start" in experiments:
        for pixel_range in ("zero_to_one", "minus_one_to_one"):
            for initializer in ("glorot_uniform", "he_normal"):
                options = {"pixel_range": pixel_range, "initializer": initializer}
                changes = {"options": options, "epochs": start_epochs}
                planned += [
                    PlannedTraining(f"{pixel_range}, {initializer}, seed {seed}", "start", recipe(seed, **changes))
                    for seed in seeds
                ]
    return planned


def training_rows(splits: Splits, planned: PlannedTraining) -> tuple[np.ndarray, np.ndarray | None]:
    """(rows to train on, rows to select on or None) of a planned training."""
    if planned.merge_validation:
        return np.sort(np.concatenate([splits.train, splits.validation])), None
    return splits.train, splits.validation


def perceptual_hashes(images: np.ndarray) -> np.ndarray:
    """64-bit perceptual hashes (uint64, n) of grey uint8 images (n, height, width, 1), by imagehash's `phash`."""
    bits = np.array([imagehash.phash(Image.fromarray(image[..., 0])).hash.ravel() for image in images])
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def nearest_by_hash(queries: np.ndarray, references: np.ndarray, block: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """For each query hash the position of the nearest reference hash and the number of differing bits; int64 (n,) each.

    Raises ValueError when there are no references.
    """
    nearest, distance = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    for start in range(0, len(queries), block):
        differing = np.bitwise_count(queries[start : start + block, None] ^ references[None, :])
        nearest[start : start + block] = differing.argmin(axis=1)
        distance[start : start + block] = differing.min(axis=1)
    return nearest, distance


def copies_in_training(
    images: np.ndarray, references: np.ndarray, *, bits: int, correlation: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Which images (n, height, width, 1) have a copy among the references, exactly and nearly.

    Returns two int64 arrays (n,): the position of an identical reference, and that of the reference whose perceptual
    hash differs in at most `bits` and whose pixels correlate at least so; -1 where there is none. The hash alone is
    not enough on faces that are all centred alike: two persons can share it.
    """
    digests = {reference.tobytes(): position for position, reference in enumerate(references)}
    exact = np.array([digests.get(image.tobytes(), -1) for image in images], dtype=np.int64)
    nearest, distance = nearest_by_hash(perceptual_hashes(images), perceptual_hashes(references))
    near = np.where(distance <= bits, nearest, -1)
    for row in np.flatnonzero((near >= 0) & (exact < 0)):
        pair = np.stack([images[row].ravel(), references[near[row]].ravel()]).astype(float)
        if pair.std(axis=1).min() == 0 or np.corrcoef(pair)[0, 1] < correlation:
            near[row] = -1
    return exact, np.where(exact >= 0, exact, near)
