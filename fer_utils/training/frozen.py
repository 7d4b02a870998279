"""Frozen layers are computed once. Where the first layers of a network are neither trained nor random, their output
for an image is the same in every epoch: it is kept, and only what follows is trained, on it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from fer_utils.results.paths import cache_folder, digest_of, write_text_atomically


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


def features(base: Callable[[], keras.Model], base_signature: str, images: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """float32 output of the base, whose `signature` is given, for uint8 images (n, height, width, channels).

    `base` is called for the model only where an image is new.

    Computed once for each image, base and backend, whatever other images it is asked for with, and kept in the folder
    `features` of the cache: 4 bytes a number, 100 kB for an image of 224 pixels in VGG16.
    """
    folder = cache_folder() / "features" / f"{base_signature}-{keras.backend.backend()}"
    digests = [digest_of(image) for image in images]
    places = _kept(folder)
    missing = {digest: row for row, digest in enumerate(digests) if digest not in places}
    if missing:
        rows = list(missing.values())
        padded = rows + [rows[-1]] * (-len(rows) % batch_size)  # every batch of one shape: a large base is traced once
        computed = base().predict(images[padded], batch_size=batch_size, verbose=0)[: len(rows)]
        name = hashlib.sha256("".join(missing).encode()).hexdigest()[:20]
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{name}.partial.npy"
        np.save(temporary, np.asarray(computed, dtype=np.float32))
        temporary.replace(folder / f"{name}.npy")
        write_text_atomically(folder / f"{name}.json", json.dumps(list(missing)))
        places = _kept(folder)
    files = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in {places[digest][0] for digest in digests}}
    return np.stack([files[places[digest][0]][places[digest][1]] for digest in digests])


def _kept(folder: Path) -> dict[str, tuple[str, int]]:
    """Image digest -> (file, row) of all features in a folder; a file counts when its list of digests is there."""
    lists = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}
    return {digest: (name, row) for name, digests in lists.items() for row, digest in enumerate(digests)}


def signature(base: keras.Model) -> str:
    """20 hexadecimal digits of SHA-256 over the layers, with all their settings but the numbers in their names, and all weights."""
    text = re.sub(r"_\d+", "", base.to_json()) + digest_of(*base.get_weights())
    return hashlib.sha256(text.encode()).hexdigest()[:20]
