"""Networks that a process keeps between trainings: to build, split and trace a deep one takes as long as to train a small
one on a fold, and the folds of a protocol differ in their data only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from fer_utils.models.pretrained import seeded
from fer_utils.models.registry import WITH_BASE, build
from fer_utils.training import frozen
from fer_utils.training.recipes import Recipe, make_optimizer

KEPT_PARAMETERS = 10_000_000  # of all compiled networks together; the latest is kept whatever its size
VARIABLES = frozenset({"center_loss_weight"})  # options that are variables of the network: one trace serves all their values


def new(recipe: Recipe) -> keras.Model:
    """The recipe's network with its initial weights. No global seed is set: then TensorFlow would forget what it has compiled."""
    with seeded(recipe.seed):
        return build(recipe.network, **recipe.options)


def untrained(recipe: Recipe) -> keras.Model:
    """The recipe's network to load trained weights into: no other weights are looked for."""
    given = {"weights": "none"} if "weights" in recipe.options else {}
    return build(recipe.network, **recipe.options | given)


def compiled(recipe: Recipe, model: keras.Model) -> keras.Model:
    """The model ready to be trained with the recipe's optimiser."""
    model.compile(
        optimizer=make_optimizer(recipe),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",  # XLA slows training on a CPU three to six times
    )
    model.optimizer.build(model.trainable_variables)
    # Keras would make these variables in the first step, and TensorFlow traces a step that makes variables twice
    model._compile_metrics.build(np.zeros(1, np.int64), np.zeros((1, model.output_shape[-1]), np.float32))
    return model


@dataclass
class _Kept:
    """A compiled network, the weights that it began with under a seed, and the same network not compiled, for its weights."""

    model: keras.Model
    seed: int
    initial: list[np.ndarray]
    bare: keras.Model | None = None


_kept: dict[str, _Kept] = {}  # the latest compiled networks without a frozen base, by what they consist of


def _kind(recipe: Recipe) -> str:
    options = {name: value for name, value in recipe.options.items() if name not in VARIABLES}
    return json.dumps((recipe.network, options, recipe.optimizer, recipe.weight_decay, recipe.balanced_loss), sort_keys=True)


def as_new(recipe: Recipe) -> keras.Model:
    """A compiled network without a frozen base, with its initial weights: an earlier one where there is one of the same kind."""
    kind = _kind(recipe)
    if kind not in _kept:
        model = new(recipe)
        _kept[kind] = _Kept(compiled(recipe, model), recipe.seed, model.get_weights())
        while len(_kept) > 1 and sum(kept.model.count_params() for kept in _kept.values()) > KEPT_PARAMETERS:
            del _kept[next(iter(_kept))]
        return model
    kept = _kept[kind]
    if kept.seed != recipe.seed:
        kept.seed, kept.initial = recipe.seed, new(recipe).get_weights()
    kept.model.set_weights(kept.initial)
    for option in VARIABLES & recipe.options.keys():
        getattr(kept.model, option).assign(recipe.options[option])
    for variable in kept.model.optimizer.variables:
        variable.assign(np.zeros(variable.shape, variable.dtype))
    return kept.model


def bare(recipe: Recipe) -> keras.Model:
    """The network, not compiled, with any weights: to load weights into and to use at once, for the next caller gets the same."""
    kept = _kept.get(_kind(recipe))
    if kept is None:
        return untrained(recipe)
    if kept.bare is None:
        kept.bare = untrained(recipe)
    return kept.bare


def with_weights(recipe: Recipe, path: Path) -> keras.Model:
    """The network with the weights of a file, to be used at once as `bare`: a compiled one, traced already, where one is kept."""
    network = bare(recipe)
    network.load_weights(path)
    kept = _kept.get(_kind(recipe))
    if kept is None:
        return network
    kept.model.set_weights(network.get_weights())
    return kept.model


def forget() -> None:
    """Drop all that is kept, as a new process begins without it."""
    for kept in (_kept, _splits, _bases):
        kept.clear()


@dataclass(frozen=True)
class Split:
    """A network's frozen base, its signature, and the layers after it as JSON."""

    base: keras.Model
    signature: str
    head: str


_splits: dict[tuple[str, str], Split] = {}  # the latest two, by network and options
_bases: dict[str, keras.Model] = {}  # the latest two frozen bases, by signature


def split(network: str, options: dict[str, object]) -> Split | None:
    """The network's frozen base and what follows it; None where it has none. The last two are kept."""
    key = network, json.dumps(options, sort_keys=True)
    if key not in _splits:
        base, head = frozen.split(build(network, **options)) if network in WITH_BASE else (None, None)
        if base is None or head is None:
            return None
        signature = frozen.signature(base)
        remember_base(signature, base)
        _splits[key] = Split(_bases[signature], signature, head.to_json())
        if len(_splits) > 2:
            del _splits[next(iter(_splits))]
    return _splits[key]


def remember_base(signature: str, base: keras.Model) -> None:
    """Keep a frozen base, unless one of that signature is kept; all but the latest two go."""
    _bases.setdefault(signature, base)
    if len(_bases) > 2:
        del _bases[next(iter(_bases))]


def kept_base(signature: str) -> keras.Model | None:
    """The frozen base of that signature, if it is among the latest two."""
    return _bases.get(signature)
