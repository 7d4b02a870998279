"""The hyper-parameters that Haddad, Lezoray and Hamel (2020, Sec. 3.3, Table 1) searched: one point, and all of the space."""

from __future__ import annotations

from typing import Any, Literal, get_args

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from pydantic import BaseModel, ConfigDict, Field


class SearchError(ValueError):
    """A search's setting is not allowed or its trials can't answer; the message names the value and what to do."""


class Configuration(BaseModel):
    """One point of the space of Table 1. The paper's Normalization is `pixel_range` minus_one_to_one; kernels in frames."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    optimizer: Literal["adam", "lookahead_adam"]
    clahe: bool
    pixel_range: Literal["zero_to_one", "minus_one_to_one"]
    activation: Literal["relu", "elu", "prelu", "leaky_relu", "mish"]
    balanced_loss: bool
    temporal_kernel: Literal[1, 3, 5, 7, 9]
    initializer: Literal["glorot_uniform", "glorot_normal"]
    pooling: Literal["average", "max"]
    second_convolution: bool
    dropout: float = Field(ge=0, le=1)


PAPER_CKPLUS = Configuration(
    optimizer="adam",
    clahe=True,
    pixel_range="zero_to_one",
    activation="relu",
    balanced_loss=False,
    temporal_kernel=3,
    initializer="glorot_uniform",
    pooling="average",
    second_convolution=False,
    dropout=0.2511,
)  # Table 2


def _distribution(annotation: Any) -> BaseDistribution:
    if annotation is float:
        return FloatDistribution(0.0, 1.0)
    return CategoricalDistribution((False, True) if annotation is bool else get_args(annotation))


SPACE = {name: _distribution(field.annotation) for name, field in Configuration.model_fields.items()}
