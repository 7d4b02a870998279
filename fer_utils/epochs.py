"""One epoch of a training, whichever way is quicker. Both take the same steps and return the same metrics."""

from __future__ import annotations

import functools
from collections.abc import Callable

import keras
import numpy as np
from tqdm import tqdm

VALIDATION_BATCH_SIZE = 256


def reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Set every random layer to a state that depends on seed and epoch only, so that a resumed run draws the same."""
    attributes = [value for layer in model._flatten_layers() for value in vars(layer).values()]
    generators = [value for value in attributes if isinstance(value, keras.random.SeedGenerator)]
    for number, generator in enumerate(generators):
        words = np.random.default_rng([seed, epoch, number]).integers(0, 2**31 - 1, size=2)
        generator.state.assign(words.astype("uint32"))


def epoch_by_fit(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    validation: tuple[np.ndarray, np.ndarray] | None,
    progress: tqdm,
    class_weight: dict[int, float] | None = None,
) -> dict[str, float]:
    """One epoch over the images in the given order, then one over the validation images; the metrics of both.

    `class_weight` says by class number how much an image's loss counts in training; each once where there is none.
    """
    history = model.fit(
        images[order],
        labels[order],
        batch_size=batch_size,
        shuffle=False,
        verbose=0,
        class_weight=class_weight,
        validation_data=validation,
        validation_batch_size=VALIDATION_BATCH_SIZE,
        callbacks=[_Progress(progress, batch_size)],
    ).history
    return {metric: values[-1] for metric, values in history.items()}


def epoch_by_batches(
    model: keras.Model,
    features: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    validation: tuple[np.ndarray, np.ndarray] | None,
    progress: tqdm,
    class_weight: dict[int, float] | None = None,
) -> dict[str, float]:
    """The same without `fit`, whose 0.1 s a call is most of an epoch where only a head is trained, or on few images."""

    def mean_metrics(step: Callable, inputs: np.ndarray, classes: np.ndarray, batches: list[np.ndarray]) -> dict[str, float]:
        correct = loss = 0.0
        for rows in batches:
            logs = step(inputs[rows], classes[rows], return_dict=True)  # of this batch alone
            correct, loss = correct + len(rows) * logs["accuracy"], loss + len(rows) * logs["loss"]
        scored = sum(map(len, batches))
        return {"accuracy": round(correct) / scored, "loss": loss / scored}

    step = functools.partial(model.train_on_batch, class_weight=class_weight)
    logs = mean_metrics(step, features, labels, _batches(order, batch_size))
    progress.update(len(order))
    if validation is None:
        return logs
    in_turn = _batches(np.arange(len(validation[0])), VALIDATION_BATCH_SIZE)
    held_out = mean_metrics(model.test_on_batch, *validation, in_turn)
    return logs | {f"val_{metric}": value for metric, value in held_out.items()}


def _batches(rows: np.ndarray, size: int) -> list[np.ndarray]:
    return np.split(rows, range(size, len(rows), size))


class _Progress(keras.callbacks.Callback):
    """Moves a progress bar by one batch of images."""

    def __init__(self, bar: tqdm, batch_size: int) -> None:
        super().__init__()
        self.bar, self.batch_size = bar, batch_size

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update(min(self.batch_size, self.bar.total - self.bar.n))
