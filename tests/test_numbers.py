"""Evaluation and audit against hand-computed values and the papers' own arithmetic."""

import numpy as np
import pytest
import yaml
from conftest import ROOT

from fer_utils.claims.audit import arithmetic
from fer_utils.claims.schema import load_claims
from fer_utils.evaluation import metrics
from fer_utils.evaluation.chance import agreement_with_chance
from fer_utils.results.records import Confusion

EXPECTED = yaml.safe_load((ROOT / "tests/data/audit/fer2013_cnn.yml").read_text())


def printed(name):
    return np.array(load_claims("fer2013_cnn")[name].value)


def test_wilson_interval_of_the_published_test_matrix():
    low, high = metrics.wilson_interval(1253, 7178)
    assert [round(low, 4), round(high, 4)] == [0.1660, 0.1835]


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_an_impossible_proportion_is_refused(successes, trials):
    with pytest.raises(ValueError):
        metrics.wilson_interval(successes, trials)


def test_rows_of_a_confusion_matrix_are_true_classes():
    matrix = metrics.confusion("m", np.array([0, 0, 1]), np.array([1, 1, 1]), ["a", "b"])
    assert matrix.counts == ((0, 2), (0, 1))


def test_a_matrix_can_be_put_into_another_order():
    matrix = Confusion(name="m", labels=("a", "b"), counts=((1, 2), (3, 4)))
    assert matrix.in_order(["b", "a"]).counts == ((4, 3), (2, 1))
    with pytest.raises(ValueError, match="has the classes"):
        matrix.in_order(["a", "c"])


def test_the_report_has_recall_with_its_interval():
    table = metrics.report(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["a", "b"])
    assert table.loc["a", "recall"] == 0.5 and table.loc["b", "precision"] == pytest.approx(2 / 3)
    assert table.loc["a", "recall 95 %"] == "[0.09, 0.91]"


def test_the_mean_of_one_seed_has_no_interval():
    assert metrics.mean_over("m", [3.0], "x").low is None
    several = metrics.mean_over("m", [1.0, 2.0, 3.0], "x")
    assert (several.value, round(several.low, 3), round(several.high, 3)) == (2.0, -0.484, 4.484)


def test_an_interval_over_subjects_is_wider_than_one_over_images():
    right = np.repeat([1, 0, 1, 1, 0, 1], 50)
    by_subject = metrics.cluster_bootstrap_accuracy("m", right, np.repeat(range(6), 50), "x")
    low, high = metrics.wilson_interval(int(right.sum()), len(right))
    assert by_subject.value == pytest.approx(100 * 4 / 6)
    assert by_subject.high - by_subject.low > 3 * 100 * (high - low)


def test_gains_are_paired_by_seed():
    rows = [
        {"experiment": e, "seed": s, "scored_on": "t", "accuracy": a}
        for e, s, a in [("x", 0, 5), ("x", 1, 9), ("y", 0, 4), ("y", 2, 0)]
    ]
    gain = metrics.paired_gain(rows, "x", "y", "t")
    assert (gain.value, gain.n) == (1.0, 1)
    assert metrics.paired_gain(rows, "x", "z", "t") is None


def test_shuffled_predictions_score_at_chance_whatever_the_network():
    matrix = np.array([[90, 10], [5, 45]])
    scores = metrics.shuffled_accuracies(matrix, shuffles=400)
    chance = 100 * agreement_with_chance(matrix).chance
    assert abs(scores.mean() - chance) < 3 * scores.std() / 20
    assert 100 * np.trace(matrix) / matrix.sum() > scores.max()


def test_the_lost_column_of_the_training_matrix_is_restored_from_the_class_counts():
    restored = arithmetic.restore_column(printed("confusion_train"), EXPECTED["kaggle_folder_row_sums"]["train"], 6)
    assert restored[:, 6].tolist() == EXPECTED["train_last_column_reconstructed"]
    with pytest.raises(ValueError, match="negative"):
        arithmetic.restore_column(printed("confusion_train"), np.full(7, 100), 6)


def test_rows_of_the_test_matrix_are_the_counts_of_the_public_folder():
    assert printed("confusion_test").sum(axis=1).tolist() == EXPECTED["kaggle_folder_row_sums"]["test"]


@pytest.mark.parametrize("which", ["train", "test"])
def test_the_printed_matrices_are_at_chance(which):
    matrix = printed(f"confusion_{which}")
    if which == "train":
        matrix = arithmetic.restore_column(matrix, EXPECTED["kaggle_folder_row_sums"]["train"], 6)
    found, expected = agreement_with_chance(matrix), EXPECTED[which]
    assert (found.n, found.right, found.degrees_of_freedom) == (expected["n"], expected["trace"], expected["df"])
    for name, key in {"accuracy": "accuracy", "chance": "chance", "kappa": "kappa"}.items():
        assert getattr(found, name) == pytest.approx(expected[key], abs=6e-5)
    assert found.chi_square == pytest.approx(expected["chi2"], abs=0.01)
    assert found.p_value == pytest.approx(expected["p"], abs=6e-4) and found.z == pytest.approx(expected["trace_z"], abs=6e-4)


def test_the_variance_behind_z_is_that_of_shuffling():
    matrix = np.array([[30, 10, 5], [4, 20, 6], [2, 8, 15]])
    scores = metrics.shuffled_accuracies(matrix, shuffles=4000) * matrix.sum() / 100
    found = agreement_with_chance(matrix)
    deviation = (found.right - found.chance * found.n) / found.z
    assert scores.std() == pytest.approx(deviation, rel=0.05)


def test_an_empty_class_is_refused():
    with pytest.raises(ValueError, match="empty row"):
        agreement_with_chance(np.array([[0, 0], [1, 2]]))


def test_the_headline_is_no_rounded_share_of_the_test_images():
    assert arithmetic.possible_counts("88.29", 3589) == [] and arithmetic.possible_counts("88.29", 7178) == []
    assert arithmetic.possible_counts("88.29", 3589, truncated=True) == [3169]
    assert arithmetic.possible_counts("75.26", 3068) == [2309] and arithmetic.possible_counts("88.20", 1000) == [882]


def test_layer_tables_of_different_length_are_refused():
    with pytest.raises(ValueError, match="1 printed layers against 0 built"):
        arithmetic.compare_layers([("a", (1,), 0)], [])
