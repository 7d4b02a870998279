"""Networks ready to be trained, and what of them is frozen.

Where the first layers of a network are neither trained nor random, their output for an image is the same in every epoch: it
is computed once and kept, and only what follows is trained, on it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from fer_utils.models.pretrained import seeded
from fer_utils.models.registry import build
from fer_utils.results.paths import cache_folder, digest_of, write_renamed, write_text_atomically
from fer_utils.training.recipes import Recipe, make_optimizer

KEPT_PARAMETERS = 30_000_000  # of all compiled networks together; the latest is kept whatever its size
VARIABLES = frozenset({"center_loss_weight"})  # options that are variables of the network: one trace serves all their values


@dataclass
class Network:
    """A recipe's network: the layers that are trained, compiled, and the frozen base before them, None where there is none.

    `signature` names the base; `initial` are the weights with which the trained layers begin under `seed`.
    """

    trained: keras.Model
    base: keras.Model | None
    signature: str
    seed: int
    initial: list[np.ndarray]

    def inputs(self, images: np.ndarray) -> np.ndarray:
        """What the trained layers see of uint8 images: the images, or their features where there is a base."""
        return images if self.base is None else features(lambda: self.base, self.signature, images)

    def save_weights(self, path: Path) -> None:
        """Save the trained layers' weights, without the optimiser's variables."""
        with _without_optimizer(self.trained):
            write_renamed(path, self.trained.save_weights)

    def load_weights(self, path: Path) -> None:
        """Load the trained layers' weights and leave the optimiser as it is."""
        with _without_optimizer(self.trained):
            self.trained.load_weights(path)


# The one cache of a process. To trace a 3D-CNN takes some ten seconds, to train it on a small fold one, and the folds of a
# protocol differ in their data only: without it ten of them take five times as long.
_compiled: dict[str, Network] = {}


def ready(recipe: Recipe) -> Network:
    """The recipe's network with its initial weights, compiled; an earlier one of the same kind where this process has one."""
    options = {name: value for name, value in recipe.options.items() if name not in VARIABLES}
    kind = json.dumps((recipe.network, options, recipe.optimizer, recipe.weight_decay, recipe.balanced_loss), sort_keys=True)
    network = _compiled.pop(kind, None)
    if network is None:
        base, trained = split(new(recipe))
        network = Network(_compile(recipe, trained), base, signature(base) if base else "", recipe.seed, trained.get_weights())
    elif network.seed != recipe.seed:
        network.seed, network.initial = recipe.seed, split(new(recipe))[1].get_weights()
    _compiled[kind] = network
    while len(_compiled) > 1 and sum(map(_parameters, _compiled.values())) > KEPT_PARAMETERS:
        del _compiled[next(iter(_compiled))]

    network.trained.set_weights(network.initial)
    for option in VARIABLES & recipe.options.keys():
        getattr(network.trained, option).assign(recipe.options[option])
    for variable in network.trained.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    return network


def other_backend() -> str:
    """The backend's name in the key of what is kept, empty for TensorFlow: backends differ in their last digits."""
    backend = keras.backend.backend()
    return "" if backend == "tensorflow" else backend


def new(recipe: Recipe) -> keras.Model:
    """The recipe's network with its initial weights. No global seed is set: then TensorFlow would forget what it has compiled."""
    with seeded(recipe.seed):
        return build(recipe.network, **recipe.options)


def split(model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """(base, head) that share the model's layers, the base ending before the first layer that is trained.

    (None, model) where the layers before it hold no weights, or draw random numbers in training (augmentation, dropout).
    """
    cut = next(index for index, layer in enumerate(model.layers) if layer.trainable_weights)
    before = model.layers[:cut]
    random = any(len(layer.non_trainable_variables) > len(layer.non_trainable_weights) for layer in before)
    if random or not any(layer.weights for layer in before):
        return None, model
    cut_at = model.layers[cut].input  # not the output before it: a layer shared with another model has several
    return keras.Model(model.input, cut_at), keras.Model(cut_at, model.output)


def signature(base: keras.Model) -> str:
    """20 hexadecimal digits of SHA-256 over layers, with all settings but the numbers in their names, and weights."""
    text = re.sub(r"_\d+", "", base.to_json()) + digest_of(*base.get_weights())
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def features(base: Callable[[], keras.Model], base_signature: str, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """float32 output of the base, whose `signature` is given, for uint8 images (n, height, width, channels).

    `base` is called for the model only where an image is new.

    Computed once for each image, base and backend, whatever other images it is asked for with, and kept in the folder
    `features` of the cache: 4 bytes a number, 100 kB for an image of 224 pixels in VGG16.
    """
    folder = cache_folder() / "features" / f"{base_signature}-{keras.backend.backend()}"
    digests = [digest_of(image) for image in images]
    places = _kept_features(folder)
    missing = {digest: row for row, digest in enumerate(digests) if digest not in places}
    if missing:
        rows = list(missing.values())
        padded = rows + [rows[-1]] * (-len(rows) % batch_size)  # every batch of one shape: a large base is traced once
        computed = base().predict(images[padded], batch_size=batch_size, verbose=0)[: len(rows)]
        name = hashlib.sha256("".join(missing).encode()).hexdigest()[:20]
        write_renamed(folder / f"{name}.npy", lambda partial: np.save(partial, np.asarray(computed, dtype=np.float32)))
        write_text_atomically(folder / f"{name}.json", json.dumps(list(missing)))
        places = _kept_features(folder)
    files = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in {places[digest][0] for digest in digests}}
    return np.stack([files[places[digest][0]][places[digest][1]] for digest in digests])


def _kept_features(folder: Path) -> dict[str, tuple[str, int]]:
    """Image digest -> (file, row) of all features in a folder; a file counts when its list of digests is there."""
    lists = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("[!.]*.json"))}
    return {digest: (name, row) for name, digests in lists.items() for row, digest in enumerate(digests)}


def _parameters(network: Network) -> int:
    return network.trained.count_params() + (network.base.count_params() if network.base else 0)


def _compile(recipe: Recipe, model: keras.Model) -> keras.Model:
    """The model ready to be trained with the recipe's optimiser."""
    model.compile(
        optimizer=make_optimizer(recipe),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",  # XLA slows training on a CPU three to six times
    )
    # Keras would make the variables of both in the first step, and TensorFlow traces a step that makes variables twice
    model.optimizer.build(model.trainable_variables)
    model.compute_metrics(None, np.zeros(1, np.int64), np.zeros((1, model.output_shape[-1]), np.float32))
    return model


@contextmanager
def _without_optimizer(model: keras.Model) -> Iterator[None]:
    """Keras saves and loads an optimiser together with the weights where the model has one."""
    optimizer, model.optimizer = model.optimizer, None
    try:
        yield
    finally:
        model.optimizer = optimizer
