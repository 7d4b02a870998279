"""A hyper-parameter search left alone, and the same one killed several times and resumed, in one run.

    python benchmarks/resume_search.py

Each runs in a process of its own, which is killed with SIGKILL while it evaluates a trial. The evaluation is a made-up
accuracy that keeps its finished folds on disk, as trainings do. A trial whose outcome was stored must never be evaluated
again; those of the batch that was under way are, which costs the fold that was.
"""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
from optuna.trial import TrialState
from ratios import Ratio

from fer_utils.training.hyperparameters import PruningRule, TrialScore, history, score_folds, search
from fer_utils.training.search_space import PAPER_CKPLUS, Configuration

FOLDS = tuple(f"S{number}" for number in range(10))
RULE = PruningRule(below_percent=60, warm_up_folds=3)
TRIALS, KILLS = 48, 5
BATCH = 4
FOLD_S = 0.005


def evaluate(folder: Path, number: int, configuration: Configuration) -> TrialScore:
    """Best at the paper's configuration for CK+; every other value costs a few percent."""
    differences = sum(value != getattr(PAPER_CKPLUS, name) for name, value in configuration if name != "dropout")
    right = round(98 - 6 * differences - 20 * abs(configuration.dropout - PAPER_CKPLUS.dropout))

    def score(fold: str) -> tuple[int, int]:
        kept = folder / f"trial-{number}-{fold}"
        if not kept.exists():
            note(folder / "folds", number)
            time.sleep(FOLD_S)
            kept.touch()
        return right, 100

    return score_folds(FOLDS, score, RULE)


def note(log: Path, number: int) -> None:
    """Write down that work on a trial begins."""
    with open(log, "a") as lines:
        lines.write(f"{number}\n")


def run(folder: Path) -> None:
    """Run or continue the study in `folder`; print its history. Evaluations and folds are written down when they begin."""

    def run_all(points: list[tuple[int, Configuration]]) -> list[TrialScore]:
        outcomes = []
        for number, configuration in points:
            note(folder / "evaluations", number)
            outcomes.append(evaluate(folder, number, configuration))
        return outcomes

    study = search(folder, "study", run_all, trials=TRIALS, batch=BATCH, seed=0, rule=RULE, evaluation="made up")
    print(history(study).to_json(orient="records"))


def begun(folder: Path, what: str = "evaluations") -> list[int]:
    """Trial numbers in the order in which their evaluations, or folds, began."""
    log = folder / what
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


def stored(folder: Path) -> set[int]:
    """Numbers of the trials whose outcome is stored, read from the journal's lines."""
    lines = (folder / "study" / "journal.jsonl").read_text().splitlines()
    return {log["trial_id"] for log in map(json.loads, lines) if log.get("state") in (TrialState.COMPLETE, TrialState.PRUNED)}


def begin(folder: Path) -> subprocess.Popen[str]:
    """A process that runs the study."""
    folder.mkdir(exist_ok=True)
    return subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True)


def finish(folder: Path) -> pd.DataFrame:
    """The history of the study when it has run to its end."""
    process = begin(folder)
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"the search ended with status {process.returncode}")
    return pd.read_json(io.StringIO(output), orient="records")


def kill_in_the_middle(folder: Path, after: int) -> int:
    """Run until `after` evaluations have begun, kill; how many began although their outcome had been stored before."""
    before, told = len(begun(folder)), stored(folder) if folder.exists() else set()
    process = begin(folder)
    while len(begun(folder)) < after and process.poll() is None:
        time.sleep(FOLD_S)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit(f"the search ended with status {process.returncode} before it was killed")
    return len(told.intersection(begun(folder)[before:]))


def main() -> list[Ratio]:
    """Print what was begun in both searches; the ratios, the trials repeated, and whether the histories are equal."""
    with tempfile.TemporaryDirectory() as scratch:
        alone, killed = Path(scratch) / "alone", Path(scratch) / "killed"
        uninterrupted = finish(alone)
        repeated = 0
        for kill in range(1, KILLS + 1):
            repeated += kill_in_the_middle(killed, kill * TRIALS // (KILLS + 1))
        told, before = stored(killed), len(begun(killed))
        resumed = finish(killed)
        repeated += len(told.intersection(begun(killed)[before:]))
        begun_by = {what: [len(begun(folder, what)) for folder in (alone, killed)] for what in ("evaluations", "folds")}

    print(f"{TRIALS} trials in batches of {BATCH}; {(resumed['state'] == 'pruned').sum()} of them pruned")
    for what, (first, second) in begun_by.items():
        print(f"{what}: {first} left alone, {second} killed {KILLS} times and resumed")
    return [
        *(Ratio(f"{what}, killed {KILLS} times / left alone", second / first) for what, (first, second) in begun_by.items()),
        Ratio("trials evaluated again though stored", repeated, most=0),
        Ratio("histories that differ", int(not resumed.equals(uninterrupted)), most=0),
    ]


if __name__ == "__main__":
    if len(sys.argv) == 2:  # as `begin` starts it
        run(Path(sys.argv[1]))
    else:
        main()
