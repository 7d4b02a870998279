"""Seeded, resumable training with Keras on any backend.

A `Recipe` says everything that decides the trained weights but the data. Each training lives in a folder named by the
digest of recipe and data: an interrupted one continues after its last finished epoch with the same order of images
and the same augmentation as if it had never stopped, and a finished one is not repeated.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from tqdm import tqdm

from fer_utils.datasets.base import cache_folder, digest_of
from fer_utils.models import build
from fer_utils.results import TrainingRecord, environment, write_text_atomically

Optimizer = Literal["adam", "adamw", "sgd_nesterov"]
Schedule = Literal["constant", "step", "plateau", "cosine"]


class Recipe(BaseModel):
    """What decides a network's weights, besides its data. Step divides the rate by 10 at 1/2 and 3/4 of the epochs;
    plateau halves it after 5 epochs without a lower validation loss; cosine ends at zero after the last epoch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    options: dict[str, Any] = Field(default_factory=dict)
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    learning_rate: float = Field(default=1e-3, gt=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    seed: int = Field(default=0, ge=0)

    def key(self, data_digest: str) -> str:
        """Name of the training's folder: 20 hex digits of SHA-256 over the recipe and the data."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True) + data_digest
        return hashlib.sha256(text.encode()).hexdigest()[:20]


@dataclass(frozen=True)
class Trained:
    """A finished training: its record and the folder with its weights."""

    record: TrainingRecord
    folder: Path

    def model(self, *, last_epoch: bool = False) -> keras.Model:
        """The network with the weights of the selected epoch, or of the last one."""
        recipe = Recipe.model_validate(self.record.recipe)
        network = build(recipe.network, **recipe.options)
        network.load_weights(self.folder / ("last.weights.h5" if last_epoch else "selected.weights.h5"))
        return network

    def probabilities(self, images: np.ndarray, *, last_epoch: bool = False) -> np.ndarray:
        """float32 (n, classes) for uint8 images (n, height, width, channels); computed once and kept."""
        kind = "last" if last_epoch else "selected"
        path = self.folder / f"{kind}-{digest_of(images)[:16]}.npy"
        if not path.exists():
            scores = predict(self.model(last_epoch=last_epoch), images)
            temporary = path.with_suffix(".partial.npy")
            np.save(temporary, scores)
            temporary.replace(path)
        return np.load(path)


def store() -> Path:
    """The folder of all trainings, below the cache folder."""
    return cache_folder() / "trainings"


def predict(model: keras.Model, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """float32 probabilities (n, classes) of uint8 images (n, height, width, channels)."""
    return np.asarray(model.predict(images, batch_size=batch_size, verbose=0), dtype=np.float32)


def learning_rate(recipe: Recipe, epoch: int, validation_losses: list[float]) -> float:
    """The rate of an epoch (counted from 0), a pure function of the recipe and of the losses so far."""
    if recipe.schedule == "cosine":
        return recipe.learning_rate * (1 + math.cos(math.pi * epoch / recipe.epochs)) / 2
    if recipe.schedule == "step":
        return recipe.learning_rate * 0.1 ** ((2 * epoch >= recipe.epochs) + (4 * epoch >= 3 * recipe.epochs))
    if recipe.schedule == "plateau":
        halvings = best_at = 0
        for index, loss in enumerate(validation_losses):
            if loss < min(validation_losses[:index], default=math.inf):
                best_at = index
            elif index - best_at >= 5:
                halvings, best_at = halvings + 1, index
        return recipe.learning_rate * 0.5**halvings
    return recipe.learning_rate


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """Adam and AdamW (weight decay 1e-4) with Keras's defaults, or SGD with Nesterov momentum 0.9."""
    if recipe.optimizer == "sgd_nesterov":
        return keras.optimizers.SGD(recipe.learning_rate, momentum=0.9, nesterov=True)
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=1e-4)
    return keras.optimizers.Adam(recipe.learning_rate)


def train(
    recipe: Recipe,
    images: np.ndarray,
    labels: np.ndarray,
    store: Path,
    *,
    name: str,
    experiment: str,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    selected_on: str,
) -> Trained:
    """Train, or continue, or find the finished training in `store`.

    images: uint8 (n, height, width, channels); labels: class numbers (n,); validation: the same two, scored after
    each epoch; the epoch with the highest validation accuracy is selected, the last one where there is none.
    """
    held_out = validation if validation is not None else (images[:0], labels[:0])
    key = recipe.key(digest_of(images, labels, *held_out))
    folder = store / key
    record_path = folder / "record.json"
    if record_path.exists():
        record = TrainingRecord.model_validate_json(record_path.read_text())
        return Trained(record.model_copy(update={"name": name, "experiment": experiment}), folder)

    folder.mkdir(parents=True, exist_ok=True)
    state, model = _resume(recipe, folder)
    selection = "val_accuracy"
    progress = tqdm(
        total=recipe.epochs * len(images), initial=state["epoch"] * len(images), unit="image", desc=name, mininterval=1.0
    )
    for epoch in range(state["epoch"], recipe.epochs):
        started = time.perf_counter()
        model.optimizer.learning_rate = learning_rate(recipe, epoch, state["history"].get("val_loss", []))
        _reseed(model, recipe.seed, epoch)
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(images))
        logs = model.fit(
            images[order],
            labels[order],
            batch_size=recipe.batch_size,
            shuffle=False,
            verbose=0,
            validation_data=validation,
            validation_batch_size=256,
            callbacks=[_Progress(progress, recipe.batch_size)],
        ).history
        for metric, values in logs.items():
            state["history"].setdefault(metric, []).append(float(values[-1]))
        state["wall_time_s"] += time.perf_counter() - started
        accuracies = state["history"].get(selection)
        if accuracies is None or accuracies[-1] > max(accuracies[:-1], default=-1.0):
            state["selected_epoch"] = epoch + 1
        state["epoch"] = epoch + 1
        _checkpoint(model, state, folder)
        if accuracies:
            progress.set_postfix_str(f"epoch {epoch + 1}, validation accuracy {accuracies[-1]:.3f}")
    progress.close()

    record = TrainingRecord(
        name=name,
        experiment=experiment,
        recipe=recipe.model_dump(mode="json"),
        key=key,
        selected_on=selected_on,
        selected_epoch=state["selected_epoch"],
        history=state["history"],
        training_images=len(images),
        wall_time_s=round(state["wall_time_s"], 2),
        images_per_s=round(recipe.epochs * len(images) / state["wall_time_s"], 1),
        environment=environment(),
    )
    bare = build(recipe.network, **recipe.options)
    for kept, epoch in (("last", recipe.epochs), ("selected", state["selected_epoch"])):
        bare.load_weights(_checkpoint_path(folder, epoch))
        _save_weights(bare, folder / f"{kept}.weights.h5")
    write_text_atomically(record_path, record.model_dump_json(indent=1))
    for checkpoint in folder.glob("epoch-*.weights.h5"):
        checkpoint.unlink()
    return Trained(record, folder)


class _Progress(keras.callbacks.Callback):
    """Moves a progress bar by one batch of images."""

    def __init__(self, bar: tqdm, batch_size: int) -> None:
        super().__init__()
        self.bar, self.batch_size = bar, batch_size

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update(min(self.batch_size, self.bar.total - self.bar.n))


def _resume(recipe: Recipe, folder: Path) -> tuple[dict[str, Any], keras.Model]:
    """The state after the last finished epoch and the model as it was then; a fresh start where there is none."""
    keras.utils.set_random_seed(recipe.seed)
    model = build(recipe.network, **recipe.options)
    model.compile(
        optimizer=make_optimizer(recipe),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",  # XLA slows training on a CPU three to six times
    )
    model.optimizer.build(model.trainable_variables)
    state_path = folder / "state.json"
    if not state_path.exists():
        return {"epoch": 0, "selected_epoch": 0, "history": {}, "wall_time_s": 0.0}, model
    state = json.loads(state_path.read_text())
    model.load_weights(_checkpoint_path(folder, state["epoch"]))
    return state, model


def _reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Set every random layer to a state that depends on seed and epoch only, so that a resumed run draws the same."""
    attributes = [value for layer in model._flatten_layers() for value in vars(layer).values()]
    generators = [value for value in attributes if isinstance(value, keras.random.SeedGenerator)]
    for number, generator in enumerate(generators):
        words = np.random.default_rng([seed, epoch, number]).integers(0, 2**31 - 1, size=2)
        generator.state.assign(words.astype("uint32"))


def _checkpoint_path(folder: Path, epoch: int) -> Path:
    return folder / f"epoch-{epoch}.weights.h5"


def _save_weights(model: keras.Model, path: Path) -> None:
    """Save weights (and the optimizer, where compiled) so that the file appears whole."""
    temporary = path.with_name(f"saving-{path.name}")
    model.save_weights(temporary)
    temporary.replace(path)


def _checkpoint(model: keras.Model, state: dict[str, Any], folder: Path) -> None:
    """Save model and optimizer, then the state that names them; checkpoints no longer needed go afterwards."""
    _save_weights(model, _checkpoint_path(folder, state["epoch"]))
    write_text_atomically(folder / "state.json", json.dumps(state))
    needed = {_checkpoint_path(folder, state[name]) for name in ("epoch", "selected_epoch")}
    for checkpoint in folder.glob("epoch-*.weights.h5"):
        if checkpoint not in needed:
            checkpoint.unlink()
