"""Fold tables, two counts and the best of many: hand-computed cases and the printed folds."""

from functools import cache

import numpy as np
import pytest
import yaml
from conftest import ROOT
from scipy import stats

from fer_utils.claims.audit import arithmetic
from fer_utils.claims.schema import load_claims
from fer_utils.evaluation import significance
from fer_utils.evaluation.metrics import wilson_interval

PAPER = "ckplus_oulu_3dcnn"
TABLES = {"T4": "ckplus", "T5": "oulu"}


@cache
def expected(paper=PAPER):
    return yaml.safe_load((ROOT / f"tests/data/audit/{paper}.yml").read_text())


@cache
def printed(claim, paper=PAPER):
    return load_claims(paper)[claim].value


def folds(table, row):
    return printed(f"{TABLES[table]}_folds")[row]


def as_text(accuracies):
    return [f"{accuracy:.1f}" for accuracy in accuracies]


def exact(accuracies, size):
    """Accuracies in percent of the only counts that are printed so in folds of `size`."""
    return [100 * k / size for text in as_text(accuracies) for k in arithmetic.possible_counts(text, size)]


COMPARISONS = {
    "c1_c2": (folds("T4", "c1"), folds("T4", "c2")),
    "c1_c3": (folds("T4", "c1"), folds("T4", "c3")),
    "c2_c1": (folds("T5", "c2"), folds("T5", "c1")),
    "c2_c1_exact48": (folds("T5", "c2"), exact(folds("T5", "c1"), 48)),
    "c2_c4": (folds("T5", "c2"), folds("T5", "c4")),
}


def test_a_mean_is_possible_within_the_rounding_of_its_folds():
    found = arithmetic.check_fold_mean("50.08", ["50.0", "50.1"])
    assert (round(found.low, 3), round(found.high, 3), found.possible) == (50.0, 50.1, True)
    assert not arithmetic.check_fold_mean("50.12", ["50.0", "50.1"]).possible


def test_truncated_folds_leave_room_above_only():
    assert arithmetic.check_fold_mean("50.14", ["50.0", "50.1"], truncated=True).possible
    assert not arithmetic.check_fold_mean("50.03", ["50.0", "50.1"], truncated=True).possible


def test_no_fold_exceeds_100():
    assert arithmetic.check_fold_mean("100", ["100.0", "100.0"]).high == 100


@pytest.mark.parametrize(("name", "mean"), expected()["averages"].items())
def test_means_of_the_printed_folds(name, mean):
    table, row = name[:2], name[2:]
    claim = printed(f"{TABLES[table]}_{row}_average")
    found = arithmetic.check_fold_mean(f"{claim:.2f}", as_text(folds(table, row)))
    assert found.of_printed_folds == pytest.approx(mean) and abs(found.printed - mean) < 0.051
    assert found.possible


@pytest.mark.parametrize(("row", "size"), expected()["oulu_fold_denominators"].items())
def test_sizes_of_the_oulu_folds(row, size):
    assert arithmetic.fold_denominators(as_text(folds("T5", row)), range(2, 80)) == [size]


def test_the_printed_oulu_mean_of_c1_is_that_of_folds_of_48():
    assert round(np.mean(exact(folds("T5", "c1"), 48)), 2) == printed("oulu_c1_average")


def test_the_ckplus_folds_are_truncated_and_differ_between_rows():
    around_a_tenth = range(28, 38)
    assert arithmetic.possible_denominators("78.7", around_a_tenth) == {}
    assert arithmetic.possible_denominators("78.7", around_a_tenth, truncated=True) == {33: [26]}
    first = [
        arithmetic.possible_denominators(f"{folds('T4', row)[0]:.1f}", around_a_tenth, truncated=True) for row in ("c2", "c3")
    ]
    assert [list(sizes) for sizes in first] == [[33], [32]]


@pytest.mark.parametrize(("pair", "p"), expected()["p_paired_t_one_sided"].items())
def test_one_sided_paired_t(pair, p):
    assert significance.paired_tests(*COMPARISONS[pair]).p_one_sided == pytest.approx(p, abs=6e-6)


@pytest.mark.parametrize(("pair", "p"), expected()["p_paired_t_two_sided"].items())
def test_two_sided_paired_t(pair, p):
    assert significance.paired_tests(*COMPARISONS[pair]).p_two_sided == pytest.approx(p, abs=6e-6)


@pytest.mark.parametrize(("pair", "p"), expected()["p_nadeau_bengio_two_sided"].items())
def test_corrected_paired_t(pair, p):
    assert significance.paired_tests(*COMPARISONS[pair]).p_nadeau_bengio == pytest.approx(p, abs=6e-4 if p > 0.05 else 6e-5)


@pytest.mark.parametrize(("pair", "p"), expected()["p_wilcoxon_two_sided"].items())
def test_wilcoxon(pair, p):
    assert significance.paired_tests(*COMPARISONS[pair]).p_wilcoxon == pytest.approx(p, abs=6e-4 if p > 0.01 else 6e-5)


@pytest.mark.parametrize(
    ("claim", "pair"),
    [("ckplus_c2", "c1_c2"), ("ckplus_c3", "c1_c3"), ("oulu_c1", "c2_c1_exact48"), ("oulu_c4", "c2_c4")],
)
def test_the_printed_p_values_are_one_sided_paired_t_tests(claim, pair):
    assert significance.paired_tests(*COMPARISONS[pair]).p_one_sided == pytest.approx(printed(f"{claim}_p_value"), rel=0.04)


def test_the_corrected_t_by_hand():
    found = significance.paired_tests([3.0, 5.0, 4.0], [1.0, 2.0, 3.0])
    corrected = 2 / np.sqrt(1 * (1 / 3 + 1 / 2))
    assert (found.folds, found.mean_difference, found.t) == (3, 2, pytest.approx(2 / np.sqrt(1 / 3)))
    assert found.p_nadeau_bengio == pytest.approx(2 * stats.t.sf(corrected, 2))


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0]), ([1.0, 2.0], [1.0]), ([1.0, 2.0], [2.0, 3.0])])
def test_folds_that_cannot_be_compared_are_refused(first, second):
    with pytest.raises(ValueError):
        significance.paired_tests(first, second)


@pytest.mark.parametrize(
    ("comparison", "counts"),
    [
        ("center_CK_58of61_vs_63of65", (58, 61, 63, 65)),
        ("center_JAFFE_39_vs_40_of_42", (39, 42, 40, 42)),
        ("twostage_CK_56_vs_58_of_61", (56, 61, 58, 61)),
        ("twostage_JAFFE_30_vs_39_of_42", (30, 42, 39, 42)),
    ],
)
def test_the_gains_of_the_mobilenet_paper(comparison, counts):
    known = expected("mobilenet_center_loss")["fisher_p"][comparison]
    assert significance.fisher_p_value(*counts) == pytest.approx(known, abs=6e-4)


def test_leaving_one_subject_out_is_worse_than_ten_folds():
    assert significance.fisher_p_value(319, 327, 327, 327) == pytest.approx(0.0075, abs=6e-5)


def test_more_right_than_there_are_is_refused():
    with pytest.raises(ValueError, match="not both shares"):
        significance.fisher_p_value(5, 4, 1, 2)


def test_the_example_table_of_bp4d_says_nothing():
    examples, known = printed("prediction_examples", "bp4d_vgg16_holdout"), expected("bp4d_vgg16_holdout")
    right = sum(true == predicted for true, predicted in examples)
    assert right / len(examples) == pytest.approx(known["table2_exact"], abs=6e-7)
    assert significance.exact_interval(right, len(examples)) == pytest.approx(known["table2_ci95_exact"], abs=6e-5)
    percent = f"{printed('prediction_examples_accuracy', 'bp4d_vgg16_holdout')}"
    assert arithmetic.possible_counts(percent, 7) == [] and arithmetic.possible_counts(percent, 7, truncated=True) == [1]


def test_the_exact_interval_is_wider_than_wilsons():
    (low, high), (wilson_low, wilson_high) = significance.exact_interval(5, 50), wilson_interval(5, 50)
    assert high - low > wilson_high - wilson_low


def test_a_class_of_kdef_is_too_small_for_a_balanced_dataset():
    report = printed("kdef_report", "multi_dataset_cnns")
    found = significance.class_balance([row[3] for name, row in report.items() if name.isdigit()])
    assert (found.degrees_of_freedom, round(found.chi_square, 2)) == (5, 61.48)
    assert found.p_value == pytest.approx(6e-12, rel=0.01)


def test_the_best_of_one_is_the_true_accuracy():
    assert significance.expected_best(0.9, [10, 20], choices=1) == pytest.approx(0.9)


def test_the_best_of_two_coins_by_hand():
    assert significance.expected_best(0.5, [1], choices=2) == pytest.approx(0.75)


def test_the_best_of_800_equal_configurations():
    best = significance.expected_best(0.95, [printed("ckplus_labelled_sequences")], printed("configurations_tested"))
    assert best == pytest.approx(0.984, abs=1e-3)


def test_the_best_epoch_of_each_fold_gains_more_than_the_best_of_800_configurations():
    sizes = [33] * 7 + [32] * 3
    assert sum(sizes) == printed("ckplus_labelled_sequences")
    best = significance.expected_best(0.95, sizes, printed("max_epochs"))
    simulated = np.random.default_rng(0).binomial(np.array(sizes)[:, None], 0.95, size=(2000, 10, 16)).max(axis=2).sum(axis=1)
    assert best == pytest.approx(simulated.mean() / sum(sizes), abs=5e-4) and best > 0.988


def test_mcnemar_counts_what_only_one_has_right_and_has_the_exact_p_value():
    right = np.array([True] * 6 + [False] * 3)
    other = np.array([True] * 1 + [False] * 5 + [False] * 2 + [True])
    found = significance.mcnemar(right, other)
    assert (found.only_first, found.only_second) == (5, 1)
    assert found.p_value == pytest.approx(2 * (1 + 6) / 2**6)
    assert significance.mcnemar(right, right).p_value == 1.0
