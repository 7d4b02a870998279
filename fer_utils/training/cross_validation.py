"""Folds of clips, or of images: one training each, whose predictions after every epoch are kept.

So one set of trainings answers what it is worth to report the last epoch, the epoch that an inner validation part
chooses, or the one that is best on the test part. A fold is a training of its own: it can run in any process, is
stored under the name of its recipe and data, continues where it was stopped, and is never done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import optuna
import pandas as pd
from filelock import FileLock

from fer_utils.datasets.base import FaceDataset
from fer_utils.preprocessing.clip_augmentation import Copies, augmented_clips
from fer_utils.preprocessing.cropping import keep_rows
from fer_utils.protocols.leaks import Fold
from fer_utils.protocols.splits import every_tenth
from fer_utils.results.paths import cache_folder, cached_array, digest_of
from fer_utils.results.records import TrainingRecord
from fer_utils.training import fit
from fer_utils.training.hyperparameters import PruningRule, TrialScore, best_configuration, score_folds, search
from fer_utils.training.recipes import Recipe
from fer_utils.training.search_space import Configuration

Rule = Literal["last", "validation", "test"]
RULES: dict[Rule, str] = {
    "last": "last epoch",
    "validation": "best on inner validation",
    "test": "best on the test fold",
}


@dataclass(frozen=True)
class ImageStack:
    """Images or clips kept in files, so that other processes read them.

    `files` by CLAHE (yes or no), each uint8 (n, height, width, channels), of clips (n, frames, height, width, channels);
    `labels` are class numbers int64 (n,).
    """

    files: Mapping[bool, Path]
    labels: np.ndarray
    classes: tuple[str, ...]

    def read(self, clahe: bool) -> np.ndarray:
        """The images, mapped and not copied into memory."""
        return np.load(self.files[clahe], mmap_mode="r")

    def with_labels(self, labels: np.ndarray) -> ImageStack:
        """The same images under other labels."""
        return replace(self, labels=labels)


@dataclass(frozen=True)
class FoldTask:
    """What a process needs to train and score one fold.

    The fold's rows are numbers of images; `copies` by class are made of
    the training clips only; `start` is a training whose weights are begun with. Where the validation images select the epoch,
    `selected_on` says what they are; else the last epoch counts.
    """

    name: str
    experiment: str
    images: ImageStack
    clahe: bool
    fold: Fold
    recipe: Recipe
    copies: Mapping[str, Copies] = field(default_factory=dict)
    start: fit.Trained | None = None
    selected_on: str = ""


@dataclass(frozen=True)
class FoldPredictions:
    """The class numbers that a fold's validation and test images were given after each epoch, uint8 (epochs, images)."""

    name: str
    fold: Fold
    validation: np.ndarray
    test: np.ndarray
    record: TrainingRecord

    def epoch(self, labels: np.ndarray, rule: Rule) -> int:
        """The epoch (counted from 0) that is reported; the first of equals. `labels` are those of all images."""
        if rule == "last":
            return len(self.test) - 1
        predicted, rows = (self.validation, self.fold.validation) if rule == "validation" else (self.test, self.fold.test)
        return int(np.argmax((predicted == labels[rows]).mean(axis=1)))

    def curves(self, labels: np.ndarray) -> TrainingRecord:
        """The training's record with the accuracy on the validation images per epoch, and the epoch that they choose."""
        accuracies = (self.validation == labels[self.fold.validation]).mean(axis=1).tolist()
        history = self.record.history | {"val_accuracy": accuracies}
        return self.record.model_copy(update={"history": history, "selected_epoch": self.epoch(labels, "validation") + 1})


def keep_images(images: np.ndarray) -> Path:
    """Keep images or clips in the cache folder under their digest; the file."""
    path = cache_folder() / "clips" / f"{digest_of(images)[:20]}.npy"
    cached_array(path, lambda: images)
    return path


def train_fold(task: FoldTask, *, keep_weights: bool = True) -> fit.Trained:
    """The training of a fold, done or found; a second process that wants the same one waits.

    Where an epoch is selected, what the images are taken for after each epoch is not kept.
    """
    stack, fold = task.images.read(task.clahe), task.fold
    images, labels = stack[fold.train], task.images.labels[fold.train]
    if task.copies:
        augmented = augmented_clips(images, labels, task.images.classes, task.copies, task.recipe.seed, numbers=fold.train)
        images, labels = augmented.clips, augmented.labels
    watched = stack[np.concatenate([fold.validation, fold.test])]
    selecting = (stack[fold.validation], task.images.labels[fold.validation]) if task.selected_on else None
    given = digest_of(images, labels, watched)[:20]
    (cache_folder() / "locks").mkdir(parents=True, exist_ok=True)
    with FileLock(cache_folder() / "locks" / task.recipe.key(given)):
        return fit.train(
            task.recipe,
            images,
            labels,
            fit.store(),
            name=task.name,
            experiment=task.experiment,
            validation=selecting,
            selected_on=task.selected_on or "none, last epoch",
            watch=None if selecting else watched,
            start=task.start,
            keep_weights=keep_weights,
        )


def score_fold(task: FoldTask) -> FoldPredictions:
    """Train a fold and score it; no weights are kept."""
    trained = train_fold(task, keep_weights=False)
    validation, test = np.split(trained.watched(), [len(task.fold.validation)], axis=1)
    return FoldPredictions(task.name, task.fold, validation, test, trained.record)


def predictions(folds: Sequence[FoldPredictions], labels: np.ndarray, rule: Rule) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of all test images (n,), fold after fold, and the class numbers (n,) they were given under a rule."""
    rows = np.concatenate([fold.fold.test for fold in folds])
    return rows, np.concatenate([fold.test[fold.epoch(labels, rule)] for fold in folds]).astype(np.int64)


def fold_table(
    folds: Sequence[FoldPredictions], labels: np.ndarray, subjects: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """A row per fold: people and images tested, classes missing from a part, and the accuracy in percent under each rule."""

    def missing(fold: Fold) -> str:
        absent = {part: set(range(len(classes))) - set(labels[getattr(fold, part)]) for part in ("train", "test")}
        return "; ".join(f"{part}: {', '.join(classes[c] for c in sorted(lost))}" for part, lost in absent.items() if lost)

    def accuracy(fold: FoldPredictions, rule: Rule) -> float:
        return 100 * float(np.mean(fold.test[fold.epoch(labels, rule)] == labels[fold.fold.test]))

    return pd.DataFrame(
        [
            {"fold": fold.name, "people": len(set(subjects[fold.fold.test])), "clips": len(fold.fold.test)}
            | {f"{name} (%)": accuracy(fold, rule) for rule, name in RULES.items()}
            | {"classes missing from": missing(fold.fold)}
            for fold in folds
        ]
    )


@dataclass(frozen=True)
class TrialTask:
    """A trial of the search: the folds to score it on, with the recipe and images that its configuration changes.

    `control` are folds that are trained right after, while the network is compiled; whoever asks for them finds them done.
    """

    number: int
    configuration: Configuration
    folds: tuple[FoldTask, ...]
    rule: PruningRule
    control: tuple[FoldTask, ...] = ()


def configured(task: FoldTask, configuration: Configuration) -> FoldTask:
    """The same fold under a configuration: its network, optimiser and loss, and whether the frames are equalised."""
    chosen = configuration.model_dump()
    clahe, optimizer, balanced = (chosen.pop(name) for name in ("clahe", "optimizer", "balanced_loss"))
    options = task.recipe.options | chosen
    recipe = task.recipe.model_copy(update={"options": options, "optimizer": optimizer, "balanced_loss": balanced})
    return replace(task, clahe=clahe, recipe=recipe)


def evaluate_trial(trial: TrialTask) -> TrialScore:
    """Score a configuration fold after fold by its last epoch, until the rule prunes it."""
    tasks = {task.name: configured(task, trial.configuration) for task in trial.folds}

    def score(name: str) -> tuple[int, int]:
        scored = score_fold(tasks[name])
        right = scored.test[-1] == tasks[name].images.labels[scored.fold.test]
        return int(right.sum()), len(right)

    trial_score = score_folds(list(tasks), score, trial.rule)
    for task in trial.control:
        score_fold(configured(task, trial.configuration))
    return trial_score


FanOut = Callable[[Callable[[Any], Any], list[Any], str], list[Any]]  # function, items, description -> results in their order


def search_on_folds(
    name: str,
    tasks: Sequence[FoldTask],
    fan_out: FanOut,
    *,
    trials: int,
    batch: int,
    seed: int,
    rule: PruningRule,
    first: Sequence[Configuration],
    control: Sequence[FoldTask] = (),
    control_trials: int = 0,
) -> optuna.Study:
    """A search whose trials are scored on the folds of `tasks`; the rest as in `search`.

    The first `control_trials` also train the folds of `control`, see `TrialTask`.
    """

    def run_all(points: list[tuple[int, Configuration]]) -> Sequence[TrialScore]:
        asked = [
            TrialTask(number, point, tuple(tasks), rule, tuple(control) if number < control_trials else ())
            for number, point in points
        ]
        return fan_out(evaluate_trial, asked, name)

    return search(run_all, trials=trials, batch=batch, seed=seed, first=first)


def inner_folds(dataset: FaceDataset, fold: Fold, folds: int = 2) -> tuple[Fold, ...]:
    """Folds of the subjects that an outer fold trains on, which choose for it; rows are those of the dataset."""
    inner = every_tenth(keep_rows(dataset, fold.train, f"training part of {fold.name}"), folds=folds).folds
    return tuple(
        Fold(f"{fold.name}, inner {part.name}", *(fold.train[rows] for rows in (part.train, part.validation, part.test)))
        for part in inner
    )


def nested_search(
    outer: Sequence[FoldTask], search_inside: Callable[[Fold], optuna.Study], fan_out: FanOut
) -> tuple[list[Configuration], list[FoldPredictions]]:
    """For each outer fold the best configuration of a search on its inner folds, and what that predicts of the outer fold.

    So every prediction is of subjects whom no choice has seen.
    """
    chosen = [best_configuration(search_inside(task.fold)) for task in outer]
    winners = [configured(task, configuration) for task, configuration in zip(outer, chosen, strict=True)]
    return chosen, fan_out(score_fold, winners, "nested winners")
