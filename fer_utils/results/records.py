"""The records that a run leaves behind. Matrices have true classes in their rows.

A result names its data, the data used for model selection (`selected_on`), every metric with its interval, the environment
and the code it came from. It never holds a face.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field


class Metric(BaseModel):
    """A measured number with its interval. `value`, `low` and `high` are in `unit`; `n` counts what was scored."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float
    unit: str = "percent"
    low: float | None = None
    high: float | None = None
    n: int | None = None
    interval_method: str = ""
    scored_on: str = ""
    of: tuple[str, ...] = Field(
        default=(), description="names of the kept predictions that it is the mean, or the difference, of"
    )

    def contains(self, printed: float) -> bool:
        """Whether a printed number agrees: it lies in the interval or, for an exact value, equals it."""
        if self.low is None or self.high is None:
            return printed == self.value
        return self.low <= printed <= self.high

    def interval_text(self) -> str:
        """[low, high] in the metric's unit; the value where it has no interval."""
        if self.low is None or self.high is None:
            return f"{self.value:g}"
        return f"[{self._digits(self.low)}, {self._digits(self.high)}]"

    def _digits(self, number: float) -> str:
        """Two decimals; two significant digits where the unit is none, as of a p-value."""
        return f"{number:.2g}" if self.unit == "none" else f"{number:.2f}"

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:,.10g}"
        return f"{self._digits(self.value)} {self.interval_text()}, n = {self.n:,}"


class Measurement(BaseModel):
    """What a run measured for one claim: with a sound protocol, perhaps with a flawed one, in the unit of `printed`.

    `lacking` says what the run went without, so that no verdict follows: the data that the claim is about, or the weights that
    its network began with.
    """

    model_config = ConfigDict(frozen=True)

    sound: Metric
    flawed: Metric | None = None
    printed: float | None = Field(None, description="the number compared; none: the claim's value")
    lacking: Literal["", "data", "weights"] = ""


class Confusion(BaseModel):
    """Counts of a confusion matrix; `counts[i][j]` items of true class i were given class j."""

    model_config = ConfigDict(frozen=True)

    name: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def array(self) -> np.ndarray:
        """int64 array (classes, classes), rows = true."""
        return np.asarray(self.counts, dtype=np.int64)

    def in_order(self, labels: Sequence[str]) -> Confusion:
        """The same matrix with its classes in another order. Raises ValueError when the classes are not the same."""
        if sorted(labels) != sorted(self.labels):
            raise ValueError(f"{self.name} has the classes {self.labels}, not {tuple(labels)}")
        positions = [self.labels.index(label) for label in labels]
        counts = self.array()[np.ix_(positions, positions)].tolist()
        return Confusion(name=self.name, labels=tuple(labels), counts=counts)


class Environment(BaseModel):
    """Where numbers were made: thread counts and the oneDNN flag are here because they change trained weights."""

    model_config = ConfigDict(frozen=True)

    python: str
    packages: dict[str, str]
    backend: str
    device: str
    cpu: str
    cores: int
    onednn: str
    system: str


class TrainingRecord(BaseModel):
    """One training: its recipe, its history per epoch, and where and how fast it ran."""

    name: str
    experiment: str
    recipe: dict[str, Any]
    key: str
    selected_on: str
    selected_epoch: int = Field(description="counted from 1; its weights were scored")
    history: dict[str, list[float]]
    training_images: int
    wall_time_s: float
    images_per_s: float
    environment: Environment


class DatasetSummary(BaseModel):
    """The data of a run. `real` is false for rendered or drawn faces; `official` means its counts are the published ones.

    `form` names a repackaging: not what the owners hand out, and so never official.
    """

    name: str
    licence: str
    fingerprint: str
    real: bool
    official: bool
    publishable: bool
    counts: dict[str, dict[str, int]] = Field(description="split -> class -> images")
    remarks: tuple[str, ...] = ()
    skipped: dict[str, int] = Field(default_factory=dict, description="reason -> images, sequences or files left out")
    form: str = Field("", description="the repackaging that was read; empty for what the owners hand out")


def together(summaries: Sequence[DatasetSummary], names: Sequence[str]) -> DatasetSummary:
    """One summary of several datasets under the given names: real, official and publishable where all of them are."""
    pairs = list(zip(names, summaries, strict=True))
    return DatasetSummary(
        name=", ".join(dict.fromkeys(summary.name for summary in summaries)),
        licence="; ".join(dict.fromkeys(summary.licence for summary in summaries)),
        fingerprint=hashlib.sha256("".join(summary.fingerprint for summary in summaries).encode()).hexdigest(),
        real=all(summary.real for summary in summaries),
        official=all(summary.official for summary in summaries),
        publishable=all(summary.publishable for summary in summaries),
        counts={f"{name}, {split}": counts for name, summary in pairs for split, counts in summary.counts.items()},
        remarks=tuple(f"{name}: {remark}" for name, summary in pairs for remark in summary.remarks),
        skipped={f"{name}: {reason}": count for name, summary in pairs for reason, count in summary.skipped.items()},
        form="; ".join(f"{name}: {summary.form}" for name, summary in pairs if summary.form),
    )


class Verification(BaseModel):
    """That a published result was computed again, by which code, when and where: `recomputed` metrics, all as published.

    What could not be computed again is named in `not_recomputed`: nothing that it follows from was kept. `turned` counts, by
    metric, the images whose two highest probabilities are so close that they fell the other way on this machine.
    """

    model_config = ConfigDict(frozen=True)

    revision: str
    date: str
    backend: str
    device: str
    cpu: str
    recomputed: tuple[str, ...]
    not_recomputed: tuple[str, ...]
    turned: dict[str, int] = Field(default_factory=dict)


class Result(BaseModel):
    """Everything a chapter measured under one profile."""

    chapter: str
    profile: str
    parameters: dict[str, Any]
    dataset: DatasetSummary | None = Field(description="None where a chapter looks at no images, only at printed numbers")
    selected_on: str
    metrics: list[Metric]
    confusions: list[Confusion]
    trainings: list[TrainingRecord]
    tables: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    measurements: dict[str, Measurement] = Field(default_factory=dict, description="claim id -> what was measured for it")
    environment: Environment
    seed: int
    wall_time_s: float
    created: str
    git_revision: str
    verified: Verification | None = Field(None, description="the latest verification of a published result")

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises KeyError naming those there are."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(f"no metric {name!r}; there are {', '.join(m.name for m in self.metrics)}")

    def confusion(self, name: str) -> Confusion:
        """The confusion matrix of that name. Raises KeyError naming those there are."""
        for confusion in self.confusions:
            if confusion.name == name:
                return confusion
        raise KeyError(f"no matrix {name!r}; there are {', '.join(c.name for c in self.confusions)}")
