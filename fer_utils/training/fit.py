"""Seeded, resumable training with Keras on any backend.

A `Recipe` says everything that decides the trained weights but the data. Each training lives in a folder named by the
digest of recipe and data: an interrupted one continues after its last finished epoch with the same order of images
and the same augmentation as if it had never stopped, and a finished one is not repeated. Where the first layers of a
network are frozen and see no augmentation, their output is computed once and the layers after them are trained on it.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from tqdm import tqdm

from fer_utils.models.pretrained import seeded
from fer_utils.results.environment import environment
from fer_utils.results.paths import cache_folder, digest_of, write_text_atomically
from fer_utils.results.records import TrainingRecord
from fer_utils.training import frozen, networks
from fer_utils.training.epochs import epoch_by_batches, epoch_by_fit, predict, reseed
from fer_utils.training.recipes import Recipe, learning_rate

CHECKPOINT_INTERVAL_S = 2.0  # what is lost at most of epochs that are shorter
FEW_STEPS = 50  # up to as many in an epoch, the 0.1 s that a call of `fit` takes would be most of it


@dataclass(frozen=True)
class Trained:
    """A finished training: its record and the folder with its weights."""

    record: TrainingRecord
    folder: Path

    def model(self, *, last_epoch: bool = False) -> keras.Model:
        """The network with the weights of the selected epoch, or of the last one."""
        network = networks.untrained(Recipe.model_validate(self.record.recipe))
        base, trained = frozen.split(network)
        if base is not None:
            base.load_weights(_base_path(self.folder, self._base_signature()))
        trained.load_weights(self.folder / ("last.weights.h5" if last_epoch else "selected.weights.h5"))
        return network

    def _base_signature(self) -> str:
        return json.loads((self.folder / "state.json").read_text())["base"]

    def _base(self) -> keras.Model:
        signature = self._base_signature()
        base = networks.kept_base(signature)
        if base is None:
            base = frozen.split(networks.untrained(Recipe.model_validate(self.record.recipe)))[0]
            base.load_weights(_base_path(self.folder, signature))  # type: ignore[union-attr]
            networks.remember_base(signature, base)
        return base

    def network(self, kind: Literal["selected", "last"] = "selected") -> keras.Model:
        """The same for use at once: where the process keeps a network of this kind, it is that one."""
        if (self.folder / "head.json").exists():
            return self.model(last_epoch=kind == "last")
        return networks.with_weights(Recipe.model_validate(self.record.recipe), self.folder / f"{kind}.weights.h5")

    def probabilities(self, images: np.ndarray, *, last_epoch: bool = False) -> np.ndarray:
        """float32 (n, classes) for uint8 images (n, height, width, channels); computed once and kept."""
        kind: Literal["selected", "last"] = "last" if last_epoch else "selected"
        path = self.folder / f"{kind}-{digest_of(images)[:16]}.npy"
        if not path.exists():
            if (self.folder / "head.json").exists():
                trained = keras.models.model_from_json((self.folder / "head.json").read_text())
                trained.load_weights(self.folder / f"{kind}.weights.h5")
                scores = predict(trained, frozen.features(self._base, self._base_signature(), images))
            else:
                scores = predict(self.network(kind), images)
            temporary = path.with_suffix(".partial.npy")
            np.save(temporary, scores)
            temporary.replace(path)
        return np.load(path)

    def watched(self) -> np.ndarray:
        """Class numbers uint8 (epochs, n) that the watched images were given after each epoch."""
        return np.array(json.loads((self.folder / "state.json").read_text())["watched"], dtype=np.uint8)


def store() -> Path:
    """The folder of all trainings, below the cache folder."""
    return cache_folder() / "trainings"


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
    select_best: bool = True,
    watch: np.ndarray | None = None,
    start: Trained | None = None,
    keep_weights: bool = True,
) -> Trained:
    """Train, or continue, or find the finished training in `store`.

    images: uint8 (n, height, width, channels); labels: class numbers (n,); validation: the same two, scored after
    each epoch; the epoch with the highest validation accuracy is selected, the last one where there is none or where
    `select_best` is false: then these images are only looked at, as papers do that draw curves of their test images.
    What `watch`, more images, is taken for after each epoch is kept for `Trained.watched`, and decides nothing. `start` is
    a training whose selected weights all layers but the last one begin with. Without `keep_weights` none are left at the end:
    those of a hundred folds of a large network fill a disk.
    Weights given as a file count by its content; that they are none, or do not fit, raises as in `pretrained.base`.
    """
    held_out = validation if validation is not None else (images[:0], labels[:0])
    rule = "" if select_best else "last epoch"
    rule += "" if watch is None else f"watch {digest_of(watch)}"
    rule += "" if start is None else f"start {start.record.key}"
    rule += "" if keep_weights else "no weights"
    key = recipe.key(digest_of(images, labels, *held_out) + _digest_of_given_weights(recipe) + rule)
    folder = store / key
    record_path = folder / "record.json"
    if record_path.exists():
        record = TrainingRecord.model_validate_json(record_path.read_text())
        return Trained(record.model_copy(update={"name": name, "experiment": experiment}), folder)

    started = saved = time.perf_counter()
    state, base, model = _resume(recipe, folder, start)
    folder.mkdir(parents=True, exist_ok=True)
    if base is not None:
        images = frozen.features(lambda: base, state["base"], images)
        validation = validation and (frozen.features(lambda: base, state["base"], validation[0]), validation[1])
        state["wall_time_s"] += time.perf_counter() - started
    small = len(images) <= FEW_STEPS * recipe.batch_size
    run_epoch = epoch_by_batches if base is not None or small else epoch_by_fit
    shares = compute_class_weight("balanced", classes=np.unique(labels), y=labels) if recipe.balanced_loss else None
    class_weight = None if shares is None else dict(zip(np.unique(labels).tolist(), shares.tolist(), strict=True))
    progress = tqdm(
        total=recipe.epochs * len(images), initial=state["epoch"] * len(images), unit="image", desc=name, mininterval=1.0
    )
    for epoch in range(state["epoch"], recipe.epochs):
        started = time.perf_counter()
        model.optimizer.learning_rate = learning_rate(recipe, epoch, state["history"].get("val_loss", []))
        reseed(model, recipe.seed, epoch)
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(images))
        if recipe.drop_remainder and len(order) > recipe.batch_size:
            order = order[: -(len(order) % recipe.batch_size) or None]
        logs = run_epoch(model, images, labels, order, recipe.batch_size, validation, progress, class_weight)
        for metric, value in logs.items():
            state["history"].setdefault(metric, []).append(float(value))
        if watch is not None:
            state.setdefault("watched", []).append(predict(model, watch).argmax(axis=1).tolist())
        state["wall_time_s"] += time.perf_counter() - started
        accuracies = state["history"].get("val_accuracy")
        better = select_best and accuracies is not None and accuracies[-1] > max(accuracies[:-1], default=-1.0)
        if better or accuracies is None or not select_best:
            state["selected_epoch"] = epoch + 1
        state["epoch"] = epoch + 1
        ended = epoch + 1 == recipe.epochs
        if better or (ended and keep_weights) or (not ended and time.perf_counter() - saved > CHECKPOINT_INTERVAL_S):
            _checkpoint(model, state, folder)
            saved = time.perf_counter()
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
    write_text_atomically(folder / "state.json", json.dumps(state))
    if keep_weights:
        _keep_weights(recipe, folder, state, head_only=base is not None)
    write_text_atomically(record_path, record.model_dump_json(indent=1))
    for checkpoint in folder.glob("epoch-*.weights.h5"):
        checkpoint.unlink()
    return Trained(record, folder)


def frozen_features(network: str, images: np.ndarray, **options: object) -> np.ndarray:
    """float32 (n, features): what a network's frozen base makes of uint8 images, kept as in `frozen.features`.

    Raises ValueError for a network without a frozen base.
    """
    parts = networks.split(network, options)
    if parts is None:
        raise ValueError(f"{network} with {options} has no frozen base; set trainable='head' and augmentation_strength=0")
    return frozen.features(lambda: parts.base, parts.signature, images).reshape(len(images), -1)


def _digest_of_given_weights(recipe: Recipe) -> str:
    """SHA-256 of the file that the recipe's weights name, or nothing where they are no file."""
    weights = recipe.options.get("weights", "none")
    given = weights not in ("none", "imagenet") and Path(weights).is_file()
    return hashlib.sha256(Path(weights).read_bytes()).hexdigest() if given else ""


def _base_path(folder: Path, signature: str) -> Path:
    """Where a frozen base is kept, once for all trainings of a store."""
    return folder.parent / "bases" / f"{signature}.weights.h5"


def _keep_weights(recipe: Recipe, folder: Path, state: dict[str, Any], *, head_only: bool) -> None:
    """Save the weights of the last and the selected epoch, without the optimiser's."""
    if head_only:
        head = networks.split(recipe.network, recipe.options).head  # type: ignore[union-attr]
        bare = keras.models.model_from_json(head)
        write_text_atomically(folder / "head.json", head)
    else:
        bare = networks.bare(recipe)
    for kept, epoch in (("last", recipe.epochs), ("selected", state["selected_epoch"])):
        bare.load_weights(_checkpoint_path(folder, epoch))
        _save_weights(bare, folder / f"{kept}.weights.h5")


_donors: dict[Path, list[list[np.ndarray]]] = {}  # weights by layer of the latest training that others began with


def _donated(start: Trained) -> list[list[np.ndarray]]:
    """The selected weights by layer of a training that another one begins with."""
    if start.folder not in _donors:
        _donors.clear()
        _donors[start.folder] = [layer.get_weights() for layer in start.network().layers]
    return _donors[start.folder]


def _resume(recipe: Recipe, folder: Path, start: Trained | None = None) -> tuple[dict[str, Any], keras.Model | None, keras.Model]:
    """The state after the last finished epoch, the frozen base if there is one, and what is trained as it was then.

    A fresh start where there is no state: with the selected weights of `start` in all layers but the last one.
    """
    donated = None if start is None else _donated(start)  # first, for it may come out of the very network that is then made anew
    parts = networks.split(recipe.network, recipe.options)
    base = parts.base if parts else None
    if parts is None:
        model = networks.as_new(recipe)
    elif recipe.options.get("trainable", "head") == "head":
        with seeded(recipe.seed):
            model = keras.models.model_from_json(parts.head)  # all its layers are new; draws the values that building all would
    else:
        base, model = frozen.split(networks.new(recipe))
    if donated is not None:
        for layer, weights in zip(model.layers[:-1], donated[:-1], strict=True):
            layer.set_weights(weights)
    if parts is not None:
        model = networks.compiled(recipe, model)
    state_path = folder / "state.json"
    if state_path.exists():
        state = json.loads(state_path.read_text())
        model.load_weights(_checkpoint_path(folder, state["epoch"]))
        if parts is not None and parts.signature != state["base"]:
            base.load_weights(_base_path(folder, state["base"]))  # type: ignore[union-attr]
        return state, base, model
    state = {"epoch": 0, "selected_epoch": 0, "history": {}, "wall_time_s": 0.0}
    if parts is not None:
        state["base"] = parts.signature
        kept = _base_path(folder, parts.signature)
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            _save_weights(base, kept)
    return state, base, model


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
