"""The trainings of the FER2013 chapter: protocol, validation merged, optimisers, start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_utils.protocols.fer2013_split import Splits

if TYPE_CHECKING:
    from fer_utils.training.recipes import Recipe

OPTIMIZERS = ("sgd_nesterov", "adam", "adamw")
SCHEDULES = ("constant", "step", "plateau", "cosine")
SGD_RATE_FACTOR = 10  # plain SGD needs a larger rate than Adam: 1e-2 where Adam has 1e-3


@dataclass(frozen=True)
class PlannedTraining:
    """One training of an experiment; with `merge_validation` it also trains on the validation rows and selects on none."""

    name: str
    experiment: str
    recipe: Recipe
    merge_validation: bool = False


def plan_trainings(
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
    """All trainings of the FER2013 chapter.

    Those that coincide have equal recipes, so each is trained once: `protocol` is also the (adam, cosine) cell of
    `optimizers`. The `start` experiment is about the first epochs and runs for `start_epochs`, its cosine ending there.
    """
    from fer_utils.training.recipes import Recipe

    def recipe(seed: int, **changes: Any) -> Recipe:
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
            for start in ("glorot_uniform", "he_normal"):
                options = {"pixel_range": pixel_range, "initializer": start}
                changes = {"options": options, "epochs": start_epochs}
                planned += [
                    PlannedTraining(f"{pixel_range}, {start}, seed {seed}", "start", recipe(seed, **changes)) for seed in seeds
                ]
    return planned


def training_rows(splits: Splits, planned: PlannedTraining) -> tuple[np.ndarray, np.ndarray | None]:
    """(rows to train on, rows to select on or None) of a planned training."""
    if planned.merge_validation:
        return np.sort(np.concatenate([splits.train, splits.validation])), None
    return splits.train, splits.validation
