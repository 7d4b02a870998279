"""The hyper-parameter search: its space, what TPE proposes, interruption, and the best of k."""

import itertools
import statistics
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_utils.claims.schema import load_claims
from fer_utils.training import hyperparameters
from fer_utils.training.hyperparameters import PruningRule, TrialScore
from fer_utils.training.search_space import PAPER_CKPLUS, SPACE, Configuration, SearchError

RULE = PruningRule(below_percent=50, warm_up_folds=2)
SETTINGS = {"trials": 18, "batch": 4, "seed": 7}  # TPE begins with trial 12
FOLDS = tuple(f"S{number}" for number in range(5))


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


def evaluate(configuration) -> TrialScore:
    """Best at the paper's configuration: each difference costs 8 of 100, dropout up to 20 more."""
    differences = sum(getattr(configuration, name) != getattr(PAPER_CKPLUS, name) for name in list(SPACE)[:-1])
    right = 100 - 8 * differences - round(20 * abs(configuration.dropout - PAPER_CKPLUS.dropout))
    return hyperparameters.score_folds(FOLDS, lambda fold: (right - (fold == "S1"), 100), RULE)


def one_by_one(points):
    return [evaluate(configuration) for _, configuration in points]


def finished(run_all=one_by_one, **changes):
    return hyperparameters.history(hyperparameters.search(run_all, **SETTINGS | changes))


def claim(name):
    return load_claims("ckplus_oulu_3dcnn")[name].value


def translated(name, value):
    return PRINTED_VALUES.get(PRINTED_NAMES[name], {}).get(str(value), value)


def test_the_space_is_the_printed_one():
    printed = claim("search_space")
    assert [PRINTED_NAMES[name] for name in printed] == list(SPACE)
    for name, options in printed.items():
        distribution = SPACE[PRINTED_NAMES[name]]
        space = [distribution.low, distribution.high] if name == "Dropout" else sorted(distribution.choices)
        assert space == sorted(translated(name, option) for option in options)


def test_the_papers_best_configuration_is_as_printed():
    best = claim("ckplus_best_hyperparameters")
    assert Configuration(**{PRINTED_NAMES[name]: translated(name, value) for name, value in best.items()}) == PAPER_CKPLUS


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


def test_complete_and_pruned_trials_are_told_with_their_running_accuracies():
    study = hyperparameters.search(one_by_one, **SETTINGS | {"trials": 20})
    states = {trial.state.name for trial in study.trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in study.trials:
        outcome = evaluate(Configuration(**trial.params))
        assert trial.state.name == ("PRUNED" if outcome.pruned else "COMPLETE")
        assert list(trial.intermediate_values.values()) == outcome.running_percent
        assert trial.value == outcome.accuracy_percent and len(trial.intermediate_values) == (2 if outcome.pruned else 5)


def test_the_history_has_a_row_per_trial_and_the_best_complete_one_so_far():
    table = finished()
    assert table.columns.tolist() == [
        "trial", "accuracy_percent", "state", "folds", *Configuration.model_fields, "best_so_far_percent",
    ]  # fmt: skip
    complete = [row.accuracy_percent if row.state == "complete" else np.nan for row in table.itertuples()]
    assert table.trial.tolist() == list(range(18)) and "pruned" in table.state.tolist()
    assert table.best_so_far_percent.tolist() == pytest.approx(np.fmax.accumulate(complete), nan_ok=True)


def test_the_order_in_which_a_batch_is_evaluated_does_not_matter():
    backwards = finished(lambda points: [*reversed(one_by_one(points[::-1]))])
    assert backwards.equals(finished())


def test_no_two_of_the_random_first_trials_are_alike():
    assert not finished(trials=8).duplicated([*SPACE]).any()


def test_given_configurations_are_tried_first():
    table = finished(first=(PAPER_CKPLUS,), trials=6)
    assert table.loc[0, [*SPACE]].to_dict() == PAPER_CKPLUS.model_dump()
    assert table.loc[1:, [*SPACE]].duplicated().sum() == 0


def test_another_seed_gives_other_configurations():
    first = finished(trials=2)
    assert finished(trials=2).equals(first)
    assert not finished(trials=2, seed=8).equals(first)


@pytest.mark.parametrize("evaluations", [1, 8, 13, 17])
def test_an_interrupted_search_run_again_equals_an_uninterrupted_one_and_evaluates_no_finished_trial_again(evaluations):
    kept = {}

    def run_all(points, stop=None):
        for _, configuration in points:
            if configuration not in kept:
                if len(kept) == stop:
                    raise KeyboardInterrupt
                kept[configuration] = evaluate(configuration)
        return [kept[configuration] for _, configuration in points]

    with pytest.raises(KeyboardInterrupt):
        finished(lambda points: run_all(points, evaluations))
    assert len(kept) == evaluations
    assert finished(run_all).equals(finished())
    assert len(kept) == SETTINGS["trials"]


@pytest.mark.parametrize("first", [4, 13, 17])
def test_a_shorter_search_has_the_first_trials_of_a_longer_one(first):
    assert finished(trials=first).equals(finished()[:first])


@pytest.mark.parametrize("setting", ["trials", "batch"])
def test_fewer_than_one_trial_is_refused(setting):
    with pytest.raises(SearchError, match=f"{setting} 0, expected 1 at least"):
        finished(**{setting: 0})


def test_the_search_warns_and_prints_nothing(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        finished(trials=20)
    assert capfd.readouterr() == ("", "")


def test_the_search_finds_better_trials_than_its_first_random_ones():
    table = finished(trials=60)
    assert table.accuracy_percent[-20:].mean() > table.accuracy_percent[:10].mean() + 15


def test_the_best_configuration_is_the_earliest_of_the_best_complete_trials():
    outcomes = {0: (9, True), 1: (7, False), 2: (8, False), 3: (8, False)}

    def run_all(points):
        return [TrialScore(folds=("a",), right=(outcomes[n][0],), scored=(9,), pruned=outcomes[n][1]) for n, _ in points]

    study = hyperparameters.search(run_all, **SETTINGS | {"trials": 4})
    assert hyperparameters.best_configuration(study) == Configuration(**study.trials[2].params)


def test_no_best_configuration_where_all_trials_were_pruned():
    study = hyperparameters.search(
        lambda points: [TrialScore(folds=("a",), right=(0,), scored=(9,), pruned=True)] * len(points),
        **SETTINGS,
    )
    with pytest.raises(SearchError, match="all 18 trials were pruned"):
        hyperparameters.best_configuration(study)


def test_the_hyper_parameter_that_decides_has_the_largest_importance():
    def run_all(points):
        return [TrialScore(folds=("a",), right=(9 - point.temporal_kernel,), scored=(9,)) for _, point in points]

    study = hyperparameters.search(run_all, **SETTINGS | {"trials": 16})
    table = hyperparameters.importances(study)
    assert table.hyperparameter[0] == "temporal_kernel" and table.importance[0] > 0.5
    assert table.importance.sum() == pytest.approx(1) and len(table) == 10
    assert hyperparameters.importances(study).equals(table)


def test_importances_of_too_few_or_equal_trials_are_refused():
    def equal(points):
        return [TrialScore(folds=("a",), right=(1,), scored=(2,))] * len(points)

    with pytest.raises(SearchError, match="5 complete trials, 6 are needed"):
        hyperparameters.importances(hyperparameters.search(equal, **SETTINGS | {"trials": 5}))
    with pytest.raises(SearchError, match="all 6 complete trials have the accuracy 50 %"):
        hyperparameters.importances(hyperparameters.search(equal, **SETTINGS | {"trials": 6}))


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
