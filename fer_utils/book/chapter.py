"""What a notebook calls of this room: first its settings, at the end the keeping of its result."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fer_utils.book.parameters import ParameterError, Settings, model_of, parameters_cell, reductions, validated
from fer_utils.datasets.base import FaceDataset
from fer_utils.results.environment import environment, git_revision, now
from fer_utils.results.paths import write_text_atomically
from fer_utils.results.predictions import Predictions, keep_predictions
from fer_utils.results.records import Confusion, DatasetSummary, Measurement, Metric, Result, TrainingRecord
from fer_utils.results.store import keep_result

PLACES = {"data_root", "workers", "scheduler"}  # where a run finds its data and its processes decides no number


def settings(chapter: str, namespace: Mapping[str, Any]) -> Settings:
    """The validated parameters out of a notebook's `globals()`, whose `In` holds the parameters cell as it was run.

    A kernel that keeps no history (nbval's) has the notebook's file; in Colab there is none. Raises ParameterError, also where
    the cell has not been run.
    """
    if "profile" not in namespace:
        raise ParameterError("the notebook does not set 'profile'; run its parameters cell")
    cells = [cell for cell in namespace.get("In", ()) if cell.startswith("profile: str")]
    model = model_of(chapter, cells[-1] if cells else parameters_cell(chapter))
    return validated(model, {name: namespace[name] for name in model.model_fields})


def lacking(settings: Settings, *data: FaceDataset, weights: str = "imagenet") -> str:
    """Why a run allows no verdict on a printed accuracy; empty where it does.

    `data` for a dataset of the claim that is rendered, not the official one or not complete, `weights` where a network began
    with random ones in place of `imagenet` or a file, `scale` for a run that is less than the profile `full`.
    """
    if not all(one.real and one.official for one in data):
        return "data"
    if weights == "none":
        return "weights"
    return "scale" if reductions(type(settings).__name__, settings.model_dump()) else ""


def keep(
    settings: Settings,
    *,
    selected_on: str,
    dataset: DatasetSummary | None = None,
    metrics: Sequence[Metric] = (),
    confusions: Sequence[Confusion] = (),
    trainings: Sequence[TrainingRecord] = (),
    tables: Mapping[str, pd.DataFrame | list[dict[str, Any]]] | None = None,
    measurements: Mapping[str, Measurement] | None = None,
    used: Mapping[str, Any] | None = None,
    files: Mapping[str, str] | None = None,
    predictions: Sequence[Predictions] = (),
) -> Result:
    """What the chapter measured as a result, which is written to `result.json` where the runner asks for it.

    `selected_on` says which data selected epoch and settings. `used` is kept beside the parameters: what one of them came to.
    A table has a row per record; the index of a frame counts where it has a name. `files` are texts kept beside the result.
    `predictions` are those that its metrics follow from, kept so that they can be computed again.
    """
    values = settings.model_dump(mode="json")
    result = Result(
        chapter=type(settings).__name__,
        profile=values["profile"],
        parameters={name: value for name, value in values.items() if name not in PLACES} | dict(used or {}),
        dataset=dataset,
        selected_on=selected_on,
        metrics=list(metrics),
        confusions=list(confusions),
        trainings=list(trainings),
        tables={name: _records(table) for name, table in (tables or {}).items()},
        measurements=dict(measurements or {}),
        environment=environment(networks=bool(trainings)),
        seed=values.get("seed", values.get("seeds", [0])[0]),
        wall_time_s=round(time.perf_counter() - settings._started_s, 1),
        created=now(),
        git_revision=git_revision(),
        verified=None,
    )
    if path := keep_result(result):
        for name, text in (files or {}).items():
            write_text_atomically(path.with_name(name), text)
        if predictions:
            keep_predictions(predictions)
    return result


def _records(table: pd.DataFrame | list[dict[str, Any]]) -> list[dict[str, Any]]:
    if isinstance(table, pd.DataFrame):
        return (table if table.index.name is None else table.reset_index()).to_dict("records")
    return table
