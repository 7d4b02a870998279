"""The hyper-parameter search of Haddad, Lezoray and Hamel (2020, Sec. 3.3, Table 1): TPE, pruning by running accuracy.

What TPE proposes as trial n depends on the seed, on n and on the trials of earlier batches only, so neither the number of
workers nor an interruption changes the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import optuna
import pandas as pd
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fer_utils.training.search_space import SPACE, Configuration, SearchError

optuna.logging.set_verbosity(optuna.logging.WARNING)

IMPORTANCE_TRIALS = 6  # fewer complete trials say nothing about ten hyper-parameters


class PruningRule(BaseModel):
    """When a trial is given up: its running accuracy, in percent, lies below a bound once enough folds are scored."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    below_percent: float = Field(ge=0, le=100)
    warm_up_folds: int = Field(ge=1)

    def prunes(self, right: Sequence[int], scored: Sequence[int]) -> bool:
        """Whether counts of the folds so far are too low."""
        return len(scored) >= self.warm_up_folds and 100 * sum(right) / sum(scored) < self.below_percent


class TrialScore(BaseModel):
    """How the folds of one trial were scored: right and scored clips of each; `pruned` where the rule left folds out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    folds: tuple[str, ...] = Field(min_length=1)
    right: tuple[int, ...]
    scored: tuple[int, ...]
    pruned: bool = False

    @model_validator(mode="after")
    def _counts_agree(self) -> Self:
        for fold, right, scored in zip(self.folds, self.right, self.scored, strict=True):
            if not 0 <= right <= scored or scored == 0:
                raise ValueError(f"fold {fold}: {right} right of {scored} scored")
        return self

    @property
    def running_percent(self) -> list[float]:
        """Accuracy over the folds up to each, in percent."""
        return (100 * np.cumsum(self.right) / np.cumsum(self.scored)).tolist()

    @property
    def accuracy_percent(self) -> float:
        """Accuracy over all folds that were scored."""
        return self.running_percent[-1]


def score_folds(folds: Sequence[str], score: Callable[[str], tuple[int, int]], rule: PruningRule) -> TrialScore:
    """Score fold after fold until the rule prunes: `score(fold)` gives (right, scored).

    Once the last fold is scored there is nothing left to prune: such a trial is complete, whatever its accuracy.
    """
    right: list[int] = []
    scored: list[int] = []
    for fold in folds:
        if rule.prunes(right, scored):
            break
        counts = score(fold)
        right.append(counts[0])
        scored.append(counts[1])
    return TrialScore(folds=tuple(folds[: len(right)]), right=tuple(right), scored=tuple(scored), pruned=len(right) < len(folds))


RunAll = Callable[[list[tuple[int, Configuration]]], Sequence[TrialScore]]


def search(run_all: RunAll, *, trials: int, batch: int, seed: int, first: Sequence[Configuration] = ()) -> optuna.Study:
    """A study of `trials` trials, asked in batches of `batch`, `first` before any that TPE proposes.

    `run_all([(trial number, configuration), ...])` evaluates a batch and returns its outcomes in the same order. A study is not
    kept: the trainings behind the outcomes are, so a search that is run again repeats none of them. Raises SearchError for fewer
    than one trial or trial per batch.
    """
    for name, value in (("trials", trials), ("batch", batch)):
        if value < 1:
            raise SearchError(f"{name} {value}, expected 1 at least")
    finished: list[FrozenTrial] = []
    while (begin := len(finished)) < trials:
        proposed = propose(finished, min(batch, trials - begin), seed=seed, first=first)
        points = [(number, Configuration(**parameters)) for number, parameters in enumerate(proposed, start=begin)]
        finished += [_finished(*pair) for pair in zip(proposed, run_all(points), strict=True)]
    return _in_memory(finished)


def propose(
    finished: Sequence[FrozenTrial], count: int, *, seed: int, first: Sequence[Configuration] = ()
) -> list[dict[str, Any]]:
    """Parameters of the next `count` trials, all of one batch: those of `first`, then TPE's.

    Trials of the same batch count as running ones, which TPE keeps away from (constant liar), and each trial has a generator of
    its own: the proposal is a pure function of the arguments.
    """
    begin = len(finished)
    proposed = [configuration.model_dump() for configuration in first[begin : begin + count]]
    study = _in_memory([*finished, *map(_running, proposed)])
    for number in range(begin + len(proposed), begin + count):
        trial_seed = int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
        study.sampler = TPESampler(seed=trial_seed, multivariate=True, constant_liar=True)
        proposed.append(study.ask(SPACE).params)
    return proposed


def history(study: optuna.Study) -> pd.DataFrame:
    """One row per finished trial in the order of their numbers.

    Its columns are trial, accuracy_percent, state, folds (scored), the fields of its configuration, and best_so_far_percent of
    the complete trials (NaN before the first).

    The accuracy of a pruned trial is that of the folds it was scored on.
    """
    rows = []
    for trial in study.trials:
        outcome = TrialScore.model_validate(trial.user_attrs["outcome"])
        measured = {"trial": trial.number, "accuracy_percent": outcome.accuracy_percent, "state": trial.state.name.lower()}
        rows.append(measured | {"folds": len(outcome.folds)} | Configuration(**trial.params).model_dump())
    table = pd.DataFrame(rows)
    complete = table["accuracy_percent"].where(table["state"] == "complete")
    return table.assign(best_so_far_percent=complete.cummax().ffill())


def best_configuration(study: optuna.Study) -> Configuration:
    """The configuration of the complete trial with the highest accuracy, the earliest of equals.

    Raises SearchError where no trial is complete.
    """
    complete = _complete(study)
    if not complete:
        raise SearchError(f"all {len(study.trials)} trials were pruned; lower the rule's below_percent or run more trials")
    return Configuration(**max(complete, key=lambda trial: trial.value or 0.0).params)


def importances(study: optuna.Study, *, seed: int = 0) -> pd.DataFrame:
    """Hyper-parameters and the share (0 to 1) of the accuracy's variance that fANOVA gives each, largest first.

    By Optuna's random forest (Hutter, Hoos and Leyton-Brown 2014) on the complete trials: it says nothing of what
    separates them from the pruned ones. Raises SearchError for fewer than 6 complete trials or equal accuracies.
    """
    complete = _complete(study)
    if len(complete) < IMPORTANCE_TRIALS:
        raise SearchError(f"{len(complete)} complete trials, {IMPORTANCE_TRIALS} are needed for importances; run more trials")
    if len({trial.value for trial in complete}) == 1:
        raise SearchError(f"all {len(complete)} complete trials have the accuracy {complete[0].value:g} %; nothing to explain")
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=seed)
    shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return pd.DataFrame(shares.items(), columns=["hyperparameter", "importance"])


def best_of_k(scores: Sequence[float], ks: Sequence[int]) -> pd.DataFrame:
    """The best of k trials drawn at random without replacement: its expectation and the range that holds 95 % of it.

    Exact: the best of k is at most the i-th smallest of n scores in C(i, k) of the C(n, k) draws. Columns k, expected,
    low, high (2.5 and 97.5 % quantiles). Raises SearchError for scores that are none or not finite, and for k beyond them.
    """
    ordered = np.sort(np.asarray(scores, float))
    if not len(ordered) or not np.isfinite(ordered).all():
        raise SearchError(f"{len(ordered)} scores, {np.count_nonzero(~np.isfinite(ordered))} of them not finite")
    if wrong := [k for k in ks if not 1 <= k <= len(ordered)]:
        raise SearchError(f"the best of {wrong[0]} out of {len(ordered)} scores does not exist")
    rows = []
    for k in ks:
        draws = math.comb(len(ordered), k)
        at_most = np.array([math.comb(rank, k) / draws for rank in range(len(ordered) + 1)])
        low, high = ordered[np.searchsorted(at_most[1:], [0.025, 0.975])]
        rows.append({"k": k, "expected": np.diff(at_most) @ ordered, "low": low, "high": high})
    return pd.DataFrame(rows)


def _finished(parameters: dict[str, Any], outcome: TrialScore) -> FrozenTrial:
    """A pruned trial's value is its last running accuracy, as Optuna itself would have it."""
    return create_trial(
        state=TrialState.PRUNED if outcome.pruned else TrialState.COMPLETE,
        value=outcome.accuracy_percent,
        params=parameters,
        distributions=SPACE,
        intermediate_values=dict(enumerate(outcome.running_percent)),
        user_attrs={"outcome": outcome.model_dump(mode="json")},
    )


def _running(parameters: dict[str, Any]) -> FrozenTrial:
    return create_trial(state=TrialState.RUNNING, params=parameters, distributions=SPACE)


def _in_memory(trials: Sequence[FrozenTrial]) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(states=(TrialState.COMPLETE,))
