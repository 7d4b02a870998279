"""Seeded, resumable training with Keras on any backend.

A `Recipe` says everything that decides the trained weights but the data. Each training lives in a folder named by the
digest of recipe and data: an interrupted one continues after its last checkpoint with the same order of images and the
same augmentation as if it had never stopped, and a finished one is not repeated.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from tqdm import tqdm
from tqdm.keras import TqdmCallback

from fer_utils.models.registry import build
from fer_utils.results.environment import environment
from fer_utils.results.paths import cache_folder, cached_array, digest_of, write_text_atomically
from fer_utils.results.records import TrainingRecord
from fer_utils.training import networks
from fer_utils.training.epochs import Batches, Notes, Reseeding, State, predict
from fer_utils.training.recipes import Recipe, learning_rate

CHECKPOINT_INTERVAL_S = 60.0  # what is lost at most of epochs that are shorter; shorter trainings write no checkpoint
Kind = Literal["selected", "last"]


@dataclass(frozen=True)
class Trained:
    """A finished training: its record, the folder with its weights, and the recipe with the path of a file of weights."""

    record: TrainingRecord
    folder: Path
    recipe: Recipe

    def model(self, *, last_epoch: bool = False) -> keras.Model:
        """The network with the weights of the selected epoch, or of the last one."""
        recipe = self.recipe
        if self._state().base:  # is not among the weights of the training
            network = networks.new(recipe)
        else:
            network = build(recipe.network, **recipe.options | ({"weights": "none"} if "weights" in recipe.options else {}))
        networks.split(network)[1].load_weights(self._weights("last" if last_epoch else "selected"))
        return network

    def network(self, kind: Kind = "selected") -> networks.Network:
        """The same to be used at once: the next training of its kind takes it."""
        network = networks.ready(self.recipe)
        network.load_weights(self._weights(kind))
        return network

    def probabilities(self, images: np.ndarray, *, last_epoch: bool = False) -> np.ndarray:
        """float32 (n, classes) for uint8 images (n, height, width, channels); computed once and kept."""
        kind: Kind = "last" if last_epoch else "selected"

        def compute() -> np.ndarray:
            network = self.network(kind)
            return predict(network.trained, network.inputs(images))

        return np.array(cached_array(probabilities_path(self.folder, images, kind), compute))

    def watched(self) -> np.ndarray:
        """Class numbers uint8 (epochs, n) that the watched images were given after each epoch."""
        return np.array(self._state().watched, dtype=np.uint8)

    def _state(self) -> State:
        return State.model_validate_json((self.folder / "state.json").read_text())

    def _weights(self, kind: Kind) -> Path:
        return self.folder / f"{kind}.weights.h5"


def store() -> Path:
    """The folder of all trainings, below the cache folder; each in a folder of its key."""
    return cache_folder() / "trainings"


def probabilities_path(folder: Path, images: np.ndarray, kind: Kind = "selected") -> Path:
    """Where a training, in its folder, keeps the probabilities of these images: found by its key and the images' digest."""
    return folder / f"{kind}-{digest_of(images)[:16]}.npy"


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
    recorded = _without_paths(recipe)
    key = recorded.key(digest_of(images, labels, *held_out) + rule + networks.other_backend())
    folder = store / key
    record_path = folder / "record.json"
    if record_path.exists():
        record = TrainingRecord.model_validate_json(record_path.read_text())
        return Trained(record.model_copy(update={"name": name, "experiment": experiment}), folder, recipe)

    donor = None if start is None else [layer.get_weights() for layer in start.network().trained.layers]
    network = networks.ready(recipe)
    model = network.trained
    if donor is not None:
        for layer, weights in zip(model.layers[:-1], donor[:-1], strict=True):
            layer.set_weights(weights)
    folder.mkdir(parents=True, exist_ok=True)
    notes = Notes(
        network,
        folder,
        recipe.epochs,
        validation=validation and (network.inputs(validation[0]), validation[1]),
        watch=None if watch is None else network.inputs(watch),
        selects=select_best and validation is not None,
        interval_s=CHECKPOINT_INTERVAL_S,
    )
    state = notes.resume()
    batches = Batches(network.inputs(images), labels, recipe)
    model.fit(
        batches,
        initial_epoch=state.epoch,
        epochs=recipe.epochs,
        class_weight=_class_weight(labels) if recipe.balanced_loss else None,
        shuffle=False,
        verbose=0,
        callbacks=[
            Reseeding(batches),
            keras.callbacks.LearningRateScheduler(
                lambda epoch, _: learning_rate(recipe, epoch, state.history.get("val_loss", []))
            ),
            notes,
            TqdmCallback(recipe.epochs, verbose=0, tqdm_class=tqdm, desc=name, mininterval=1.0),
        ],
    )
    record = TrainingRecord(
        name=name,
        experiment=experiment,
        recipe=recorded.model_dump(mode="json"),
        key=key,
        selected_on=selected_on,
        selected_epoch=state.selected_epoch,
        history=state.history,
        training_images=len(images),
        wall_time_s=round(state.wall_time_s, 2),
        images_per_s=round(recipe.epochs * len(images) / state.wall_time_s, 1),
        environment=environment(),
    )
    notes.finish(keep_weights=keep_weights)
    write_text_atomically(record_path, record.model_dump_json(indent=1))
    return Trained(record, folder, recipe)


def frozen_features(network: str, images: np.ndarray, **options: object) -> np.ndarray:
    """float32 (n, features): what a network's frozen base makes of uint8 images, kept as in `networks.features`.

    Raises ValueError for a network without a frozen base.
    """
    base, _ = networks.split(build(network, **options))
    if base is None:
        raise ValueError(f"{network} with {options} has no frozen base; set trainable='head' and augmentation_strength=0")
    return networks.features(lambda: base, networks.signature(base), images).reshape(len(images), -1)


def _class_weight(labels: np.ndarray) -> dict[int, float]:
    """By class number how much an image's loss counts: inversely to how often its class occurs."""
    classes = np.unique(labels)
    shares = compute_class_weight("balanced", classes=classes, y=labels)
    return dict(zip(classes.tolist(), shares.tolist(), strict=True))


def _without_paths(recipe: Recipe) -> Recipe:
    """The recipe as it is recorded: weights that are given as a file are named by the SHA-256 of its content."""
    weights = recipe.options.get("weights", "none")
    if weights in ("none", "imagenet") or not Path(weights).is_file():
        return recipe
    digest = hashlib.sha256(Path(weights).read_bytes()).hexdigest()
    return recipe.model_copy(update={"options": recipe.options | {"weights": f"sha256:{digest}"}})
