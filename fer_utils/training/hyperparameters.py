"""The hyper-parameter search of Haddad, Lezoray and Hamel (2020, Sec. 3.3, Table 1): TPE, pruning by running accuracy.

A study lives in a folder of its own: Optuna's journal (JSON lines) and locks that the operating system releases when a
process dies. What TPE proposes as trial n depends on the seed, on n and on the trials of earlier batches only, so neither
the number of workers nor an interruption changes the result, and a trial whose outcome is stored is never evaluated again.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import optuna
import pandas as pd
from filelock import FileLock, Timeout
from optuna.distributions import distribution_to_json
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial
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


def search(
    folder: Path,
    study_name: str,
    run_all: RunAll,
    *,
    trials: int,
    batch: int,
    seed: int,
    rule: PruningRule,
    evaluation: str,
    first: Sequence[Configuration] = (),
) -> optuna.Study:
    """Run or continue the study `folder/study_name` until `trials` trials are finished; a copy of these, in memory.

    Trials are asked in batches of `batch`, evaluated by `run_all([(trial number, configuration), ...])`, which returns
    their outcomes in the same order, and told in the order of their numbers. `rule` is for the evaluation to consult;
    `evaluation` names its code, data and settings. `first` are tried before any that TPE proposes. Trials left unfinished
    by a process that died, or by a `run_all` that raised, are evaluated again as they were proposed.

    Several processes may run the same study: each trial is evaluated by one of them, under a lock of its own, and each
    process returns when all trials are finished. What is proposed then depends on who was faster, so only the number of
    trials is certain. The folder must be on a file system with locks (flock).

    Raises SearchError for fewer than one trial or trial per batch, for a study that was made with other settings, and
    for a damaged journal.
    """
    for name, value in (("trials", trials), ("batch", batch)):
        if value < 1:
            raise SearchError(f"{name} {value}, expected 1 at least")
    settings = {"seed": seed, "batch": batch, **rule.model_dump(), "evaluation": evaluation}
    settings["first"] = [configuration.model_dump() for configuration in first]
    place = Path(folder) / study_name
    (place / "locks").mkdir(parents=True, exist_ok=True)
    study_lock = FileLock(place / "locks" / "study")
    with study_lock:
        study = _open(place, study_name, settings)
    while True:
        with contextlib.ExitStack() as held:
            with study_lock:
                taken = _take(study, place, held, trials, batch, seed, first)
            if taken:
                outcomes = run_all([(trial.number, Configuration(**trial.params)) for trial in taken])
                pairs = list(zip(taken, outcomes, strict=True))
                for trial, outcome in pairs:
                    _report(study, trial, outcome)
                with study_lock:  # whoever finds a trial unfinished and its lock free, under this lock, may evaluate it
                    for trial, outcome in pairs:
                        study.tell(trial.number, *_value_and_state(outcome))
                continue
        wanted = study.get_trials()[:trials]
        running = [trial.number for trial in wanted if not trial.state.is_finished()]
        if not running:
            return _in_memory(wanted)
        with FileLock(_lock_path(place, running[0])):
            pass  # until the process that evaluates it has ended or died


def propose(
    trials: Sequence[FrozenTrial], end: int, *, batch: int, seed: int, first: Sequence[Configuration] = ()
) -> list[dict[str, Any]]:
    """Parameters of the trials from `len(trials)` to `end - 1`, all of one batch: those of `first`, then TPE's.

    Trials of the same batch count as running ones, which TPE keeps away from (constant liar), even if they are
    finished, and each trial has a generator of its own: the proposal is a pure function of the arguments.
    """
    begin = len(trials) // batch * batch
    proposed = [configuration.model_dump() for configuration in first[len(trials) : end]]
    of_this_batch = [*(trial.params for trial in trials[begin:]), *proposed]
    study = _in_memory([*trials[:begin], *map(_running, of_this_batch)])
    for number in range(len(trials) + len(proposed), end):
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


def _open(place: Path, study_name: str, settings: dict[str, Any]) -> optuna.Study:
    """The study in its journal, made where there is none. Raises SearchError where its settings are others."""
    settings = settings | {name: distribution_to_json(distribution) for name, distribution in SPACE.items()}
    journal = place / "journal.jsonl"
    # Optuna's own lock is a file that a killed process leaves behind
    journal_lock = FileLock(place / "locks" / "journal")
    with journal_lock:
        _cut_half_written_line(journal)
    try:
        storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=journal_lock))  # type: ignore[arg-type]  # acquire and release is all it needs
        study = optuna.create_study(storage=storage, study_name=study_name, direction="maximize", load_if_exists=True)
    except ValueError as error:
        raise SearchError(f"{journal} is damaged ({error}); delete {place} or choose another study name") from error
    stored = study.user_attrs.get("settings")
    if stored is None:
        study.set_user_attr("settings", settings)
    elif different := [name for name in sorted({*stored, *settings}) if stored.get(name) != settings.get(name)]:
        changes = ", ".join(f"{name} {stored.get(name)!r}, not {settings.get(name)!r}" for name in different)
        raise SearchError(f"study {study_name} was made with {changes}; choose another study name or delete {place}")
    return study


def _cut_half_written_line(journal: Path) -> None:
    """Drop what a process that was killed while writing left after the last line end."""
    content = journal.read_bytes() if journal.exists() else b""
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(journal, whole)


def _take(
    study: optuna.Study,
    place: Path,
    held: contextlib.ExitStack,
    trials: int,
    batch: int,
    seed: int,
    first: Sequence[Configuration],
) -> list[FrozenTrial]:
    """Trials to evaluate now, their locks in `held`.

    Up to `batch` that nobody evaluates, or else new ones to the end of the current batch or the next.
    """
    known = study.get_trials()[:trials]
    left_over = (trial for trial in known if trial.state == TrialState.RUNNING and _lock(place, trial, held))
    taken = list(islice(left_over, batch))
    if taken or len(known) == trials:
        return taken
    end = min(trials, (len(known) // batch + 1) * batch)
    for parameters in propose(known, end, batch=batch, seed=seed, first=first):
        study.add_trial(_running(parameters))
    return [trial for trial in study.get_trials()[len(known) : trials] if _lock(place, trial, held)]


def _lock(place: Path, trial: FrozenTrial, held: contextlib.ExitStack) -> bool:
    """Whether the trial's lock was free; it is then in `held`."""
    try:
        held.enter_context(FileLock(_lock_path(place, trial.number)).acquire(blocking=False))
    except Timeout:
        return False
    return True


def _lock_path(place: Path, number: int) -> Path:
    return place / "locks" / f"trial-{number}"


def _report(study: optuna.Study, frozen: FrozenTrial, outcome: TrialScore) -> None:
    """Store the outcome and the running accuracies; those stored by a process that died before it told them stay."""
    trial = Trial(study, frozen._trial_id)
    trial.set_user_attr("outcome", outcome.model_dump(mode="json"))
    for step, accuracy in enumerate(outcome.running_percent):
        if step not in frozen.intermediate_values:
            trial.report(accuracy, step)


def _value_and_state(outcome: TrialScore) -> tuple[float | None, TrialState]:
    """Value and state to tell; Optuna itself gives a pruned trial its last running accuracy."""
    return (None, TrialState.PRUNED) if outcome.pruned else (outcome.accuracy_percent, TrialState.COMPLETE)


def _running(parameters: dict[str, Any]) -> FrozenTrial:
    return create_trial(state=TrialState.RUNNING, params=parameters, distributions=SPACE)


def _in_memory(trials: Sequence[FrozenTrial]) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    study.add_trials(trials)
    return study


def _complete(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(states=(TrialState.COMPLETE,))
