"""What happens in each epoch of a training: the order of its images, its random numbers, what is noted, and checkpoints.

Keras's `BackupAndRestore` is not used: it writes after every epoch, not in one step, and neither the selected epoch's weights
nor what was noted.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

import keras
import numpy as np
from pydantic import BaseModel

from fer_utils.results.paths import write_renamed, write_text_atomically
from fer_utils.training.networks import Network
from fer_utils.training.recipes import Recipe

PREDICTION_BATCH_SIZE = 32
SMALLEST_PROBABILITY = 1e-7  # what Keras's cross-entropy takes for zero where it is given probabilities
Labelled = tuple[np.ndarray, np.ndarray]  # images and class numbers


class TrainingError(RuntimeError):
    """A training left the numbers that can be computed with; the message says when, at which learning rate, and what to do."""


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """float32 probabilities (n, classes) of uint8 images (n, height, width, channels), or of a frozen base's features.

    The last batch is filled up: the network is traced for one size of batch, whatever the number of images.
    """
    size = PREDICTION_BATCH_SIZE
    rows = np.arange(-(-len(images) // size) * size).clip(max=len(images) - 1).reshape(-1, size)
    scores = [np.asarray(model.predict_on_batch(images[batch]), dtype=np.float32) for batch in rows]
    return np.concatenate([*scores, np.empty((0, model.output_shape[-1]), np.float32)])[: len(images)]


class Batches(keras.utils.PyDataset):
    """The batches of an epoch: images (n, ...) and class numbers (n,) in an order that seed and epoch alone decide."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, recipe: Recipe) -> None:
        super().__init__()
        self.images, self.labels, self.recipe = images, labels, recipe
        self.begin(0)

    def begin(self, epoch: int) -> None:
        """Take the order of an epoch, counted from 0."""
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.images))
        if self.recipe.drop_remainder and len(order) > self.recipe.batch_size:
            order = order[: -(len(order) % self.recipe.batch_size) or None]
        self.order = order

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.recipe.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[batch * self.recipe.batch_size :][: self.recipe.batch_size]
        return self.images[rows], self.labels[rows]


class Reseeding(keras.callbacks.Callback):
    """Gives each epoch its order of images and its random numbers, so that a resumed training draws the same."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.batches.begin(epoch)
        attributes = [value for layer in self.model._flatten_layers() for value in vars(layer).values()]
        generators = [value for value in attributes if isinstance(value, keras.random.SeedGenerator)]
        for number, generator in enumerate(generators):
            words = np.random.default_rng([self.batches.recipe.seed, epoch, number]).integers(0, 2**31 - 1, size=2)
            generator.state.assign(words.astype("uint32"))


class State(BaseModel):
    """How far a training has come.

    Finished epochs, the selected one (both counted from 1), metrics of each, seconds, the signature of the frozen base, and the
    class numbers that watched images were given after each epoch.
    """

    epoch: int = 0
    selected_epoch: int = 0
    history: dict[str, list[float]] = {}
    wall_time_s: float = 0.0
    base: str = ""
    watched: list[list[int]] = []


class Notes(keras.callbacks.Callback):
    """Notes each epoch in a state, which it keeps together with the weights in `folder` at most once in `interval_s`.

    `validation` is scored and `watch` predicted after each epoch, by the same traced function as every other prediction;
    Keras's evaluation would be traced beside it. Where `selects`, the epoch with the highest validation accuracy is selected,
    whose weights are `best`; else the last one.
    """

    def __init__(
        self,
        network: Network,
        folder: Path,
        epochs: int,
        *,
        validation: Labelled | None,
        watch: np.ndarray | None,
        selects: bool,
        interval_s: float,
    ) -> None:
        super().__init__()
        self.network, self.folder, self.epochs = network, folder, epochs
        self.validation, self.watch, self.selects, self.interval_s = validation, watch, selects, interval_s
        self.state = State(base=network.signature)
        self.best: list[np.ndarray] | None = None
        self.began = self.saved = time.perf_counter()

    def resume(self) -> State:
        """Continue from what is kept in the folder, if anything is. Raises ValueError where that has another frozen base."""
        if not (self.folder / "state.json").exists():
            return self.state
        state = State.model_validate_json((self.folder / "state.json").read_text())
        if state.base != self.network.signature:
            raise ValueError(
                f"{self.folder} was begun with the frozen base {state.base}, not {self.network.signature}; delete it"
            )
        if not self._checkpoint(state.epoch).exists():
            return self.state
        if self.selects:
            self.network.load_weights(self._checkpoint(state.selected_epoch))
            self.best = self.network.trained.get_weights()
        self.network.trained.load_weights(self._checkpoint(state.epoch))
        self.state = state
        return state

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        state = self.state
        metrics = {name: float((logs or {})[name]) for name in ("accuracy", "loss")}
        if self.validation is not None:
            metrics |= _scores(predict(self.network.trained, self.validation[0]), self.validation[1])
        if wrong := [name for name, value in metrics.items() if not math.isfinite(value)]:
            rate = float(self.model.optimizer.learning_rate)
            raise TrainingError(
                f"{wrong[0]} is {metrics[wrong[0]]} after epoch {epoch + 1} at learning rate {rate:g}; "
                "nothing of this training is kept: take a lower learning rate"
            )
        for name, value in metrics.items():
            state.history.setdefault(name, []).append(value)
        if self.watch is not None:
            state.watched.append(predict(self.network.trained, self.watch).argmax(axis=1).tolist())
        state.epoch = epoch + 1
        accuracies = state.history.get("val_accuracy", [])
        if not self.selects or accuracies[-1] > max(accuracies[:-1], default=-1.0):
            state.selected_epoch = epoch + 1
            self.best = self.network.trained.get_weights() if self.selects else None
        now = time.perf_counter()
        state.wall_time_s += now - self.began
        self.began = now
        if state.epoch < self.epochs and now - self.saved > self.interval_s:
            self._save()
            self.saved = time.perf_counter()

    def finish(self, *, keep_weights: bool) -> None:
        """Keep the state, and the weights of the last and the selected epoch; what is left of checkpoints goes."""
        if keep_weights:
            self.network.save_weights(self.folder / "last.weights.h5")
            if self.best is not None:
                self.network.trained.set_weights(self.best)
            self.network.save_weights(self.folder / "selected.weights.h5")
        write_text_atomically(self.folder / "state.json", self.state.model_dump_json())
        self._remove_checkpoints(set())

    def _checkpoint(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch}.weights.h5"

    def _save(self) -> None:
        """Save weights and optimiser, the selected epoch's weights, then the state that names both."""
        latest, selected = self._checkpoint(self.state.epoch), self._checkpoint(self.state.selected_epoch)
        write_renamed(latest, self.network.trained.save_weights)
        if not selected.exists():
            current = self.network.trained.get_weights()
            self.network.trained.set_weights(self.best)
            self.network.save_weights(selected)
            self.network.trained.set_weights(current)
        write_text_atomically(self.folder / "state.json", self.state.model_dump_json())
        self._remove_checkpoints({latest, selected})

    def _remove_checkpoints(self, needed: set[Path]) -> None:
        for checkpoint in self.folder.glob("epoch-*.weights.h5"):
            if checkpoint not in needed:
                checkpoint.unlink()


def _scores(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Accuracy and cross-entropy of probabilities (n, classes) for class numbers (n,)."""
    of_true = probabilities[np.arange(len(labels)), labels].clip(SMALLEST_PROBABILITY)
    right = probabilities.argmax(axis=1) == labels
    return {"val_accuracy": float(right.mean()), "val_loss": float(-np.log(of_true).mean())}
