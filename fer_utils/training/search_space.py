"""The hyper-parameters that Haddad, Lezoray and Hamel (2020, Sec. 3.3, Table 1) searched: one point, and all of the space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class SearchError(ValueError):
    """A search's setting, study or configuration is not allowed; the message names it, its value and what to do."""


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

PRINTED_NAMES = {
    "Optimization": "optimizer",
    "CLAHE": "clahe",
    "Normalization": "pixel_range",
    "Activation": "activation",
    "LossWeights": "balanced_loss",
    "TemporalSize": "temporal_kernel",
    "Initializer": "initializer",
    "Pooling": "pooling",
    "SecondConvLayer": "second_convolution",
    "Dropout": "dropout",
}
PRINTED_VALUES = {
    "optimizer": {"Adam": "adam", "Lookahead(k=5, alpha=0.5)+Adam": "lookahead_adam"},
    "pixel_range": {"False": "zero_to_one", "True": "minus_one_to_one"},
    "activation": {"ReLU": "relu", "ELU": "elu", "pReLU": "prelu", "leakyReLU": "leaky_relu", "Mish": "mish"},
    "initializer": {"Xavier uniform": "glorot_uniform", "Xavier normal": "glorot_normal"},
    "pooling": {"AvgPooling": "average", "MaxPooling": "max"},
}


def from_printed(values: Mapping[str, Any]) -> Configuration:
    """The configuration that the paper's names and values mean. Raises SearchError naming what can't be translated."""
    if unknown := [name for name in values if name not in PRINTED_NAMES]:
        raise SearchError(f"no hyper-parameter {unknown[0]!r} is printed; there are {', '.join(PRINTED_NAMES)}")
    named = {PRINTED_NAMES[printed]: value for printed, value in values.items()}
    translated = {name: PRINTED_VALUES.get(name, {}).get(str(value), value) for name, value in named.items()}
    try:
        return Configuration.model_validate(translated)
    except ValidationError as error:
        first = error.errors()[0]
        printed = next(printed for printed, name in PRINTED_NAMES.items() if name == first["loc"][0])
        raise SearchError(f"{printed} = {values.get(printed)!r}: {first['msg']}") from None


def _distribution(annotation: Any) -> BaseDistribution:
    if annotation is float:
        return FloatDistribution(0.0, 1.0)
    return CategoricalDistribution((False, True) if annotation is bool else get_args(annotation))


SPACE = {name: _distribution(field.annotation) for name, field in Configuration.model_fields.items()}
