"""What decides a network's weights besides its data: network, options, optimiser, learning rates, seed."""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any, Literal

import keras
from keras import ops
from pydantic import BaseModel, ConfigDict, Field, model_validator

Optimizer = Literal["adam", "adamw", "sgd_nesterov", "lookahead_adam", "sgd_momentum"]
Schedule = Literal["constant", "step", "plateau", "cosine", "decay"]
# trainings that leave these at their defaults keep the names they had before
LATER_FIELDS = ("balanced_loss", "weight_decay", "drop_remainder")


class Recipe(BaseModel):
    """What decides a network's weights, besides its data.

    Step divides the rate by 10 at 1/2 and 3/4 of the epochs; plateau halves it after 5 epochs without a lower validation loss;
    cosine ends at zero after the last epoch; decay multiplies it by 0.94 after every 15 epochs. With `balanced_loss` an image's
    loss counts inversely to how often its class occurs in the training images. `weight_decay` is for sgd_momentum only; any
    other optimiser with one raises ValueError. With `drop_remainder` the images of an epoch's order that fill no batch are left
    out of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    options: dict[str, Any] = Field(default_factory=dict)
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    learning_rate: float = Field(default=1e-3, gt=0)
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    seed: int = Field(default=0, ge=0)
    balanced_loss: bool = False
    weight_decay: float = Field(default=0.0, ge=0)
    drop_remainder: bool = False

    @model_validator(mode="after")
    def _decay_is_used(self) -> Recipe:
        if self.weight_decay and self.optimizer != "sgd_momentum":
            raise ValueError(f"weight_decay {self.weight_decay} with {self.optimizer}; only sgd_momentum takes one")
        return self

    def key(self, data_digest: str) -> str:
        """Name of the training's folder: 20 hex digits of SHA-256 over the recipe and the data."""
        unset = {name for name in LATER_FIELDS if getattr(self, name) == Recipe.model_fields[name].default}
        text = json.dumps(self.model_dump(mode="json", exclude=unset), sort_keys=True) + data_digest
        return hashlib.sha256(text.encode()).hexdigest()[:20]


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
    if recipe.schedule == "decay":
        return recipe.learning_rate * 0.94 ** (epoch // 15)
    return recipe.learning_rate


def make_optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    """The optimiser that a recipe names.

    Adam and AdamW (weight decay 1e-4) with Keras's defaults, SGD with Nesterov momentum 0.9, Adam with Lookahead, or SGD with
    momentum 0.9 and weight decay.
    """
    if recipe.optimizer == "sgd_nesterov":
        return keras.optimizers.SGD(recipe.learning_rate, momentum=0.9, nesterov=True)
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(recipe.learning_rate, weight_decay=1e-4)
    if recipe.optimizer == "lookahead_adam":
        return LookaheadAdam(recipe.learning_rate)
    if recipe.optimizer == "sgd_momentum":
        return PenalizedSGD(recipe.learning_rate, momentum=0.9, penalty=recipe.weight_decay)
    return keras.optimizers.Adam(recipe.learning_rate)


@keras.saving.register_keras_serializable("fer_utils")
class LookaheadAdam(keras.optimizers.Adam):
    """Adam whose weights return part of the way every few steps (Zhang et al. 2019, Algorithm 1).

    After every `steps` steps the slow weights move by `share` towards Adam's, and Adam goes on from there; 5 and 0.5 are
    those of Haddad, Lezoray and Hamel (2020, Sec. 3.3). Adam's own moments are kept.
    """

    def __init__(self, learning_rate: float = 1e-3, steps: int = 5, share: float = 0.5, **options: Any) -> None:
        super().__init__(learning_rate, **options)
        self.steps, self.share = steps, share

    def build(self, var_list: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(var_list)
        self._slow_weights = self.add_optimizer_variables(var_list, "slow")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        slow = self._slow_weights[self._get_variable_index(variable)]
        self.assign(slow, ops.where(ops.equal(self.iterations, 0), ops.convert_to_tensor(variable), slow))
        super().update_step(gradient, variable, learning_rate)
        meet = ops.equal((self.iterations + 1) % self.steps, 0)
        self.assign(slow, ops.where(meet, slow + self.share * (variable - slow), slow))
        self.assign(variable, ops.where(meet, slow, variable))

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"steps": self.steps, "share": self.share}


@keras.saving.register_keras_serializable("fer_utils")
class PenalizedSGD(keras.optimizers.SGD):
    """SGD that adds `penalty` times a kernel to its gradient: the gradient of penalty / 2 times its squared norm in the loss.

    This is the weight decay of Slim, with which momentum sums up; `weight_decay` of Keras's SGD acts beside the momentum, a
    tenth as strong at 0.9. Biases and the parameters of batch norm, all with one axis, are left out, as there.
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.9, penalty: float = 0.0, **options: Any) -> None:
        super().__init__(learning_rate, momentum, **options)
        self.penalty = penalty

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        if len(variable.shape) > 1:
            gradient = gradient + self.penalty * variable
        super().update_step(gradient, variable, learning_rate)

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {"penalty": self.penalty}
