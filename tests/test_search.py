"""The hyper-parameter search: its space, what TPE proposes, interruption, several processes, and the best of k."""

import itertools
import json
import statistics
import subprocess
import sys
import warnings

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from fer_utils.claims.schema import load_claims
from fer_utils.training import hyperparameters, search_space
from fer_utils.training.hyperparameters import PruningRule, TrialScore
from fer_utils.training.search_space import SearchError

RULE = PruningRule(below_percent=50, warm_up_folds=2)
SETTINGS = {"trials": 18, "batch": 4, "seed": 7, "rule": RULE, "evaluation": "made up"}  # TPE begins with trial 12
FOLDS = tuple(f"S{number}" for number in range(5))

# An evaluation that another process can run too: `python -c SCRIPT FOLDER TRIALS EVALUATIONS_UNTIL_DEATH`
SCRIPT = """
import json, os, sys, time
from pathlib import Path
sys.path.insert(0, "tests")
from fer_utils.training import hyperparameters as search
from test_search import SETTINGS, evaluate

folder, trials, evaluations = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def run_all(points):
    outcomes = []
    for number, configuration in points:
        (folder / f"evaluated-{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
        if evaluations and len(list(folder.glob("evaluated-*"))) > evaluations:
            os._exit(9)
        while "meet" in sys.argv and len({path.name.split("-")[2] for path in folder.glob("evaluated-*")}) < 2:
            time.sleep(0.01)  # until the other process evaluates as well
        outcomes.append(evaluate(configuration))
    return outcomes

print(json.dumps(search.history(search.search(folder, "study", run_all, **SETTINGS | {"trials": trials})).trial.tolist()))
"""


def evaluate(configuration) -> TrialScore:
    """Best at the paper's configuration: each difference costs 8 of 100, dropout up to 20 more."""
    differences = sum(
        getattr(configuration, name) != getattr(search_space.PAPER_CKPLUS, name) for name in list(search_space.SPACE)[:-1]
    )
    right = 100 - 8 * differences - round(20 * abs(configuration.dropout - search_space.PAPER_CKPLUS.dropout))
    return hyperparameters.score_folds(FOLDS, lambda fold: (right - (fold == "S1"), 100), RULE)


def one_by_one(points):
    return [evaluate(configuration) for _, configuration in points]


def finished(folder, run_all=one_by_one, name="study", **changes):
    return hyperparameters.history(hyperparameters.search(folder, name, run_all, **SETTINGS | changes))


def other_process(folder, trials, evaluations=0, *words) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(trials), str(evaluations), *words]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def evaluated(folder) -> list[int]:
    return sorted(int(path.name.split("-")[1]) for path in folder.glob("evaluated-*"))


def claim(name):
    return load_claims("ckplus_oulu_3dcnn")[name].value


def test_the_space_is_the_printed_one():
    printed, best = claim("search_space"), claim("ckplus_best_hyperparameters")
    assert len(printed) == len(search_space.SPACE)
    for name, options in printed.items():
        field = search_space.PRINTED_NAMES[name]
        translated = [getattr(search_space.from_printed(best | {name: option}), field) for option in options]
        distribution = search_space.SPACE[field]
        if name == "Dropout":
            assert [distribution.low, distribution.high] == translated
        else:
            assert sorted(distribution.choices) == sorted(translated)


def test_the_papers_best_configuration_is_translated():
    assert search_space.from_printed(claim("ckplus_best_hyperparameters")) == search_space.PAPER_CKPLUS
    assert search_space.PAPER_CKPLUS.model_dump() == {
        "optimizer": "adam", "clahe": True, "pixel_range": "zero_to_one", "activation": "relu", "balanced_loss": False,
        "temporal_kernel": 3, "initializer": "glorot_uniform", "pooling": "average", "second_convolution": False,
        "dropout": 0.2511,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Momentum": 1}, "no hyper-parameter 'Momentum'"),
        ({"Activation": "Swish"}, "Activation = 'Swish'"),
        ({"TemporalSize": [1, 7, 9]}, r"TemporalSize = \[1, 7, 9\]"),
        ({"Dropout": 1.5}, "Dropout = 1.5"),
    ],
)
def test_a_value_that_is_not_in_the_space_is_named(change, message):
    with pytest.raises(SearchError, match=message):
        search_space.from_printed(claim("ckplus_best_hyperparameters") | change)


def test_a_missing_hyper_parameter_is_named():
    with pytest.raises(SearchError, match="Optimization = None: Field required"):
        search_space.from_printed({"CLAHE": True})


@pytest.mark.parametrize(
    ("right", "scored", "pruned"),
    [
        ([96], [100], False),  # warming up
        ([96, 97], [100, 100], False),  # exactly 96.5 %
        ([96, 192], [100, 200], True),
        ([0, 387], [1, 400], False),  # 96.51 % of clips, though 48.4 % is the mean of folds
    ],
)
def test_a_trial_is_pruned_below_the_bound_and_after_warming_up(right, scored, pruned):
    assert PruningRule(below_percent=96.5, warm_up_folds=2).prunes(right, scored) == pruned


def test_a_bound_is_not_missed_by_rounding():
    assert not PruningRule(below_percent=96.7, warm_up_folds=1).prunes([967], [1000])


def test_no_fold_is_scored_after_the_one_that_prunes():
    scored = []
    outcome = hyperparameters.score_folds(FOLDS, lambda fold: scored.append(fold) or (len(scored) == 1, 1), RULE)
    assert scored == ["S0", "S1", "S2"] and outcome == TrialScore(folds=scored, right=(1, 0, 0), scored=(1, 1, 1), pruned=True)
    assert outcome.running_percent == pytest.approx([100, 50, 100 / 3])


def test_a_trial_whose_folds_are_all_scored_is_complete_even_below_the_bound():
    outcome = hyperparameters.score_folds(FOLDS[:2], lambda fold: (fold == "S9", 1), RULE)
    assert not outcome.pruned and outcome.accuracy_percent == 0


@pytest.mark.parametrize(("right", "scored"), [((3,), (2,)), ((0,), (0,)), ((-1,), (1,)), ((1, 1), (1, 1))])
def test_impossible_counts_are_refused(right, scored):
    with pytest.raises(ValueError, match="fold a|zip"):
        TrialScore(folds=("a",), right=right, scored=scored)


def test_complete_and_pruned_trials_are_told_with_their_running_accuracies(tmp_path):
    study = hyperparameters.search(tmp_path, "study", one_by_one, **SETTINGS | {"trials": 20})
    states = {trial.state.name for trial in study.trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in study.trials:
        outcome = evaluate(search_space.Configuration(**trial.params))
        assert trial.state.name == ("PRUNED" if outcome.pruned else "COMPLETE")
        assert list(trial.intermediate_values.values()) == outcome.running_percent
        assert trial.value == outcome.accuracy_percent and len(trial.intermediate_values) == (2 if outcome.pruned else 5)


def test_the_history_has_a_row_per_trial_and_the_best_complete_one_so_far(tmp_path):
    table = finished(tmp_path)
    assert table.columns.tolist() == [
        "trial", "accuracy_percent", "state", "folds", *search_space.Configuration.model_fields, "best_so_far_percent",
    ]  # fmt: skip
    complete = [row.accuracy_percent if row.state == "complete" else np.nan for row in table.itertuples()]
    assert table.trial.tolist() == list(range(18)) and "pruned" in table.state.tolist()
    assert table.best_so_far_percent.tolist() == pytest.approx(np.fmax.accumulate(complete), nan_ok=True)


def test_the_order_in_which_a_batch_is_evaluated_does_not_matter(tmp_path):
    backwards = finished(tmp_path / "backwards", lambda points: [*reversed(one_by_one(points[::-1]))])
    assert backwards.equals(finished(tmp_path / "forwards"))


def test_no_two_of_the_random_first_trials_are_alike(tmp_path):
    assert not finished(tmp_path, trials=8).duplicated([*search_space.SPACE]).any()


def test_given_configurations_are_tried_first_and_a_resumed_study_knows_them(tmp_path):
    given = (search_space.PAPER_CKPLUS,)
    table = finished(tmp_path / "whole", first=given, trials=6)
    assert table.loc[0, [*search_space.SPACE]].to_dict() == search_space.PAPER_CKPLUS.model_dump()
    finished(tmp_path / "stopped", first=given, trials=1)
    assert finished(tmp_path / "stopped", first=given, trials=6).equals(table)
    with pytest.raises(SearchError, match="was made with first"):
        finished(tmp_path / "whole", trials=6)


def test_another_seed_gives_other_configurations(tmp_path):
    first = finished(tmp_path, trials=2)
    assert finished(tmp_path, trials=2).equals(first)
    assert not finished(tmp_path, name="other", trials=2, seed=8).equals(first)


@pytest.mark.parametrize("evaluations", [1, 8, 13, 17])
def test_an_interrupted_and_resumed_study_equals_an_uninterrupted_one_and_repeats_no_told_trial(tmp_path, evaluations):
    begun = []

    def interrupted(points):
        outcomes = []
        for number, configuration in points:
            if len(begun) == evaluations:
                raise KeyboardInterrupt
            begun.append(number)
            outcomes.append(evaluate(configuration))
        return outcomes

    with pytest.raises(KeyboardInterrupt):
        finished(tmp_path, interrupted)
    again = []
    resumed = finished(tmp_path, lambda points: again.extend(number for number, _ in points) or one_by_one(points))
    assert again == list(range(evaluations // 4 * 4, 18))  # the batch that was interrupted and those after it
    assert resumed.equals(finished(tmp_path, name="uninterrupted"))


@pytest.mark.parametrize("operation", ["create_new_trial", "set_trial_intermediate_value", "set_trial_state_values"])
@pytest.mark.parametrize("call", [2, 7, 15])
def test_a_process_that_dies_while_asking_reporting_or_telling_changes_nothing(tmp_path, monkeypatch, operation, call):
    calls = itertools.count(1)
    storage = hyperparameters.JournalStorage
    real = getattr(storage, operation)

    def dying(*arguments, **named):
        if next(calls) == call:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(storage, operation, dying)
    with pytest.raises(KeyboardInterrupt):
        finished(tmp_path)
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        resumed = finished(tmp_path)
    assert resumed.equals(finished(tmp_path, name="uninterrupted"))


@pytest.mark.parametrize("first", [3, 4, 13, 17])
def test_a_study_that_is_extended_equals_one_of_the_full_length(tmp_path, first):
    finished(tmp_path, trials=first)
    assert finished(tmp_path).equals(finished(tmp_path, name="at once"))


def test_fewer_trials_than_a_study_has_give_its_first_ones(tmp_path):
    table = finished(tmp_path)
    assert finished(tmp_path, trials=15).equals(table[:15])


def test_a_process_killed_in_the_middle_leaves_nothing_locked_and_its_trials_are_adopted(tmp_path):
    assert other_process(tmp_path, 18, 13).wait(60) == 9
    assert evaluated(tmp_path) == list(range(14))
    again = []
    resumed = finished(tmp_path, lambda points: again.extend(number for number, _ in points) or one_by_one(points))
    assert again == [12, 13, 14, 15, 16, 17]
    assert resumed.equals(finished(tmp_path, name="uninterrupted"))


def test_processes_that_share_a_study_evaluate_each_trial_once_and_no_more_than_wanted(tmp_path):
    processes = [other_process(tmp_path, 18, 0, "meet") for _ in range(2)]
    histories = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert evaluated(tmp_path) == list(range(18)) and histories == [list(range(18))] * 2
    assert len({path.name.split("-")[2] for path in tmp_path.glob("evaluated-*")}) == 2


def test_a_half_written_line_is_dropped(tmp_path):
    finished(tmp_path, trials=4)
    with open(tmp_path / "study/journal.jsonl", "a") as journal:
        journal.write('{"op_code":4,"wor')
    assert finished(tmp_path).equals(finished(tmp_path, name="whole"))


def test_a_damaged_journal_is_named(tmp_path):
    finished(tmp_path, trials=4)
    journal = tmp_path / "study/journal.jsonl"
    journal.write_text("{}}\n" + journal.read_text())
    with pytest.raises(SearchError, match=r"study/journal.jsonl is damaged .* delete"):
        finished(tmp_path)


def test_the_journal_is_json(tmp_path):
    finished(tmp_path, trials=4)
    lines = (tmp_path / "study/journal.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert [path.name for path in (tmp_path / "study").iterdir() if path.is_file()] == ["journal.jsonl"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 8}, "seed 7, not 8"),
        ({"batch": 2}, "batch 4, not 2"),
        ({"rule": PruningRule(below_percent=60, warm_up_folds=2)}, "below_percent 50.0, not 60.0"),
        ({"evaluation": "other data"}, "evaluation 'made up', not 'other data'"),
    ],
)
def test_a_study_of_other_settings_is_refused(tmp_path, change, message):
    finished(tmp_path, trials=1)
    with pytest.raises(SearchError, match=f"study study was made with {message}; choose another study name or delete"):
        finished(tmp_path, trials=1, **change)


def test_a_study_of_another_space_is_refused(tmp_path, monkeypatch):
    finished(tmp_path, trials=1)
    monkeypatch.setitem(search_space.SPACE, "dropout", search_space.FloatDistribution(0.0, 0.5))
    with pytest.raises(SearchError, match=r"study study was made with dropout .*1\.0.*, not .*0\.5"):
        finished(tmp_path, trials=1)


@pytest.mark.parametrize("setting", ["trials", "batch"])
def test_fewer_than_one_trial_is_refused(tmp_path, setting):
    with pytest.raises(SearchError, match=f"{setting} 0, expected 1 at least"):
        finished(tmp_path, **{setting: 0})
    assert not list(tmp_path.iterdir())


def test_the_search_warns_and_prints_nothing(tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finished(tmp_path, trials=20)
    assert capfd.readouterr() == ("", "")


def test_the_search_finds_better_trials_than_its_first_random_ones(tmp_path):
    table = finished(tmp_path, trials=60)
    assert table.accuracy_percent[-20:].mean() > table.accuracy_percent[:10].mean() + 15


def test_the_best_configuration_is_the_earliest_of_the_best_complete_trials(tmp_path):
    outcomes = {0: (9, True), 1: (7, False), 2: (8, False), 3: (8, False)}

    def run_all(points):
        return [TrialScore(folds=("a",), right=(outcomes[n][0],), scored=(9,), pruned=outcomes[n][1]) for n, _ in points]

    study = hyperparameters.search(tmp_path, "study", run_all, **SETTINGS | {"trials": 4})
    assert hyperparameters.best_configuration(study) == search_space.Configuration(**study.trials[2].params)


def test_no_best_configuration_where_all_trials_were_pruned(tmp_path):
    study = hyperparameters.search(
        tmp_path,
        "study",
        lambda points: [TrialScore(folds=("a",), right=(0,), scored=(9,), pruned=True)] * len(points),
        **SETTINGS,
    )
    with pytest.raises(SearchError, match="all 18 trials were pruned"):
        hyperparameters.best_configuration(study)


def test_the_hyper_parameter_that_decides_has_the_largest_importance(tmp_path):
    def run_all(points):
        return [TrialScore(folds=("a",), right=(9 - point.temporal_kernel,), scored=(9,)) for _, point in points]

    study = hyperparameters.search(tmp_path, "study", run_all, **SETTINGS | {"trials": 16})
    table = hyperparameters.importances(study)
    assert table.hyperparameter[0] == "temporal_kernel" and table.importance[0] > 0.5
    assert table.importance.sum() == pytest.approx(1) and len(table) == 10
    assert hyperparameters.importances(study).equals(table)


def test_importances_of_too_few_or_equal_trials_are_refused(tmp_path):
    def equal(points):
        return [TrialScore(folds=("a",), right=(1,), scored=(2,))] * len(points)

    with pytest.raises(SearchError, match="5 complete trials, 6 are needed"):
        hyperparameters.importances(hyperparameters.search(tmp_path, "study", equal, **SETTINGS | {"trials": 5}))
    with pytest.raises(SearchError, match="all 6 complete trials have the accuracy 50 %"):
        hyperparameters.importances(hyperparameters.search(tmp_path, "study", equal, **SETTINGS | {"trials": 6}))


def test_the_best_of_two_out_of_three_is_known():
    table = hyperparameters.best_of_k([3.0, 1.0, 2.0], [1, 2, 3])
    assert table.expected.tolist() == pytest.approx([2, (2 + 3 + 3) / 3, 3])
    assert table.low.tolist() == [1, 2, 3] and table.high.tolist() == [3, 3, 3]


@given(st.lists(st.integers(0, 20), min_size=1, max_size=7), st.data())
def test_the_best_of_k_equals_that_of_all_draws(scores, data):
    k = data.draw(st.integers(1, len(scores)))
    best = sorted(max(draw) for draw in itertools.combinations(scores, k))
    low, high = (next(value for value in best if 1000 * sum(b <= value for b in best) >= q * len(best)) for q in (25, 975))
    row = hyperparameters.best_of_k(scores, [k]).iloc[0]
    assert (row.low, row.high) == (low, high) and row.expected == pytest.approx(statistics.mean(best))


def test_the_best_of_many_hundreds_is_finite_and_rises():
    expected = hyperparameters.best_of_k(np.linspace(90, 98, 2000), [1, 10, 100, 1000, 2000]).expected
    assert expected.iloc[0] == pytest.approx(94) and expected.iloc[-1] == 98 and expected.is_monotonic_increasing


@pytest.mark.parametrize(("scores", "ks"), [([], [1]), ([1.0, float("nan")], [1]), ([1.0], [0]), ([1.0], [2])])
def test_a_best_of_what_is_not_there_is_refused(scores, ks):
    with pytest.raises(SearchError, match="scores"):
        hyperparameters.best_of_k(scores, ks)
