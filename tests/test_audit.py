"""Counts, matrices and reports: hand-computed cases, round trips, and what the five papers' numbers imply."""

from functools import cache

import numpy as np
import pytest
import yaml
from conftest import ROOT
from scipy import stats
from sklearn.metrics import classification_report

from fer_utils.claims.audit import arithmetic, rounded_tables
from fer_utils.claims.audit.bounds import Bounds
from fer_utils.claims.schema import load_claims
from fer_utils.evaluation import chance, significance
from fer_utils.evaluation.metrics import wilson_interval

BP4D, CKPLUS, FER2013, MOBILENET, SEVERAL = (
    "bp4d_vgg16_holdout",
    "ckplus_oulu_3dcnn",
    "fer2013_cnn",
    "mobilenet_center_loss",
    "multi_dataset_cnns",
)
REPORTS = {"RAF-DB": "rafdb", "RaFD": "rafd", "SFEW": "sfew", "AMFED+": "amfed", "KDEF": "kdef"}
CKPLUS_CLASS_COUNTS = [45, 59, 25, 69, 28, 83, 18]  # anger disgust fear happy sadness surprise contempt


@cache
def expected(paper):
    return yaml.safe_load((ROOT / f"tests/data/audit/{paper}.yml").read_text())


@cache
def printed(paper, claim):
    return load_claims(paper)[claim].value


def share(text):
    """(right, trials) of an expectation such as '2309/3068=75.261'."""
    right, trials = text.split("=")[0].split("/")
    return int(right), int(trials)


def round_report(matrix):
    """The report of a matrix as scikit-learn prints it, in the form of a claim."""
    true, predicted = (np.repeat(axis.ravel(), matrix.ravel()) for axis in np.indices(matrix.shape))
    scores = classification_report(true, predicted, output_dict=True, zero_division=0)
    rounded = {
        name.replace(" ", "_"): [*(float(f"{row[score]:.2f}") for score in ("precision", "recall", "f1-score")), row["support"]]
        for name, row in scores.items()
        if name != "accuracy"
    }
    return rounded | {"accuracy": [None, None, float(f"{np.trace(matrix) / matrix.sum():.2f}"), int(matrix.sum())]}


# counts behind a percentage


def test_every_count_that_rounds_to_a_whole_percentage_is_named():
    assert arithmetic.possible_counts("18", 574) == [101, 102, 103, 104, 105, 106]


def test_a_tie_may_have_been_rounded_either_way():
    assert arithmetic.possible_counts("81.2", 48) == arithmetic.possible_counts("81.3", 48) == [39]


def test_a_truncated_percentage_excludes_the_next_one():
    assert arithmetic.possible_counts("50", 200, truncated=True) == [100, 101]


def test_a_percentage_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one trial or more"):
        arithmetic.possible_counts("50", 0)


@pytest.mark.parametrize("percent", ["95.08", "96.92", "93.85", "95.38", "95.24", "92.86", "71.43", "72.49", "50.27"])
def test_the_accuracies_of_the_mobilenet_paper_are_rounded_shares(percent):
    right, trials = share(expected(MOBILENET)["fractions"][percent])
    assert arithmetic.possible_counts(percent, trials) == [right]


@pytest.mark.parametrize("percent", ["67.03", "68.31"])
def test_the_fer2013_accuracies_of_the_mobilenet_paper_are_truncated(percent):
    right, trials = share(expected(MOBILENET)["fractions"][percent])
    assert arithmetic.possible_counts(percent, trials) == [] and arithmetic.possible_counts(percent, trials, truncated=True) == [
        right
    ]


def test_the_spread_of_the_mobilenet_paper_is_one_image():
    middle, spread = expected(MOBILENET)["fractions"]["91.80+-1.64"].split(" +-")
    assert arithmetic.possible_counts("91.80", share(middle)[1]) == [share(middle)[0]]
    assert arithmetic.possible_counts("1.64", share(spread)[1]) == [share(spread)[0]]


def test_the_centre_loss_gain_on_ckplus_compares_folds_of_different_size():
    around_a_fifth = range(56, 71)
    assert arithmetic.possible_denominators("95.08", around_a_fifth) == {61: [58]}
    assert arithmetic.possible_denominators("96.92", around_a_fifth) == {65: [63]}
    counts = printed(MOBILENET, "class_counts")
    six = sum(row[1] for name, row in counts.items() if name not in {"Neutral", "Contempt"})
    assert (six / 5, (six + counts["Contempt"][1]) / 5) == (61.8, 65.4)


def test_the_accuracy_of_large_8_does_not_fit_its_fold():
    folds = arithmetic.possible_denominators("99.69", range(200, 400))
    assert list(folds) == list(range(318, 328))
    counts = printed(MOBILENET, "class_counts")
    frames = {name: row[1] * (1 if name == "Neutral" else 3) for name, row in counts.items()}
    assert int(sum(frames.values()) / 5) == 261 and 261 not in folds


@pytest.mark.parametrize("name", REPORTS)
def test_the_accuracies_of_the_several_datasets_are_shares(name):
    right, trials = share(expected(SEVERAL)["exact_counts"][name])
    report = printed(SEVERAL, f"{REPORTS[name]}_report")
    accuracy = printed(SEVERAL, f"{REPORTS[name]}_accuracy")
    assert sum(row[3] for key, row in report.items() if key not in rounded_tables.AVERAGES) == trials
    assert arithmetic.possible_counts(f"{accuracy:.2f}", trials, truncated=name == "AMFED+") == [right]


def test_one_of_the_two_amfed_accuracies_is_impossible():
    conclusion = f"{printed(SEVERAL, 'amfed_accuracy_conclusion'):.2f}"
    assert arithmetic.possible_counts(conclusion, 955) == arithmetic.possible_counts(conclusion, 955, truncated=True) == []


def test_the_loso_accuracy_of_ckplus_is_no_share_of_its_sequences():
    sequences = printed(CKPLUS, "ckplus_labelled_sequences")
    assert arithmetic.possible_counts(f"{printed(CKPLUS, 'ckplus_loso_accuracy'):.2f}", sequences) == []
    assert arithmetic.possible_counts("97.55", sequences) == [319]


def test_the_two_accuracies_on_oulu_are_shares_of_different_totals():
    assert arithmetic.possible_counts("84.17", 480) == [404] and arithmetic.possible_counts("84.17", 400) == []
    assert arithmetic.possible_counts("84.25", 400) == [337] and arithmetic.possible_counts("84.25", 480) == []


# sums


def test_a_swap_of_two_digits_repairs_the_class_table():
    counts = {name: row[0] for name, row in printed(MOBILENET, "class_counts").items()}
    assert sum(counts.values()) == expected(MOBILENET)["fer_table1_sum"]
    total = sum(printed(MOBILENET, f"fer_{part}") for part in ("train", "public", "private"))
    assert total == expected(MOBILENET)["fer_table1_sum_if_angry_4953"] != printed(MOBILENET, "fer_total")
    assert arithmetic.transposed_digits(counts, total) == [("Angry", 4593, 4953)]


def test_only_neighbouring_digits_are_swapped():
    assert arithmetic.transposed_digits({"a": 123, "b": 5}, 321 + 5) == []
    assert arithmetic.transposed_digits({"a": 123, "b": 5}, 132 + 5) == [("a", 123, 132)]


def test_the_splits_of_fer2013_do_not_sum_to_the_printed_total():
    parts = sum(printed(FER2013, f"{part}_images") for part in ("training", "public_test", "private_test"))
    assert parts == expected(FER2013)["fer_split_sum"] == printed(FER2013, "total_images") - 1


def test_the_supports_of_bp4d_imply_classes_of_unequal_size():
    supports = {name: row[3] for name, row in printed(BP4D, "report").items() if name not in rounded_tables.AVERAGES}
    assert sum(supports.values()) == expected(BP4D)["supports_sum"] == printed(BP4D, "report")["accuracy"][3]
    whole = {name: support * 100 // printed(BP4D, "split")["test"] for name, support in supports.items()}
    assert whole | {"total": sum(whole.values())} == expected(BP4D)["supports_times_5"]
    assert printed(BP4D, "points_per_class") not in whole.values()


def test_the_test_images_of_rafd_imply_67_models():
    whole = 5 * printed(SEVERAL, "rafd_report")["accuracy"][3]
    assert whole == 67 * printed(SEVERAL, "rafd_images_per_subject")
    assert printed(SEVERAL, "rafd_subjects") == 49


def test_the_frame_time_of_the_pipeline():
    detect, preprocess, classify = (printed(MOBILENET, f"{step}_duration") for step in ("detect", "preprocess", "classify"))
    assert printed(MOBILENET, "pipeline_duration") == f"{detect} + M * ({preprocess} + {classify})"
    frame_ms = detect + preprocess + classify
    assert frame_ms == pytest.approx(expected(MOBILENET)["pipeline_ms"])
    assert 1000 / frame_ms == pytest.approx(expected(MOBILENET)["pipeline_fps"], abs=0.005)
    assert round(100 * detect / frame_ms) == 81 and round(1000 / classify) == 280


# layers and parameters


def test_parameters_of_a_small_network():
    assert arithmetic.layer_parameters((3, 5, 2)) == (3 * 5 + 5) + (5 * 2 + 2)
    assert arithmetic.layer_parameters((1, 32), kernel=(3, 3)) == 320


def test_the_layer_table_of_the_fer2013_network_has_one_impossible_shape():
    rows, shape, impossible = printed(FER2013, "layer_table"), (48, 48, 1), []
    for name, (after, parameters) in rows.items():
        if name.startswith("conv"):
            assert parameters == arithmetic.layer_parameters((shape[-1], after[-1]), kernel=(3, 3))
            if after[:2] != [side - 2 for side in shape[:2]]:
                impossible.append(name)
        shape = after
    assert impossible == ["conv2d_11"]
    assert sum(parameters for _, parameters in rows.values()) == printed(FER2013, "total_parameters")


def test_parameters_of_the_regularised_c3d():
    known = expected(CKPLUS)["c3d_params"]
    filters = (64, 128, 256, 256, 512, 512, 512, 512)
    convolutions = arithmetic.layer_parameters((3, *filters), kernel=(3, 3, 3))
    assert (convolutions, 2 * sum(filters), 1 * 4 * 4 * 512) == (known["conv"], known["bn"], known["flatten"])
    dense = {classes: arithmetic.layer_parameters((known["flatten"], 4096, 4096, classes)) for classes in (6, 7)}
    assert dense[7] == known["fc_7"]
    assert [convolutions + known["bn"] + dense[n] for n in (7, 6)] == [known["total_7"], known["total_6"]]
    twice = [arithmetic.layer_parameters((width, width), kernel=(3, 3, 3)) + 2 * width for width in (64, 128)]
    assert sum(twice) == 553_536


VGG16 = arithmetic.layer_parameters((3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6), kernel=(3, 3))
INCEPTION_RESNET_V2 = 54_336_736


@pytest.mark.parametrize(
    ("claim", "expectation", "parameters"),
    [
        ("vgg16", "VGG16_15.244M", VGG16 + arithmetic.layer_parameters((512, 512, 512, 8))),
        ("inception_resnet_v2", "IRv2_56.568M", INCEPTION_RESNET_V2 + arithmetic.layer_parameters((1536, 1024, 512, 256, 7))),
        (
            "custom_cnn",
            "KDEF_99.143M",
            arithmetic.layer_parameters((3, 16, 16, 16), kernel=(3, 3)) + arithmetic.layer_parameters((55 * 55 * 16, 2048, 6)),
        ),
        (
            "custom_cnn",
            "KDEF_99.143M",
            arithmetic.layer_parameters((3, 32, 32), kernel=(3, 3)) + arithmetic.layer_parameters((55 * 55 * 32, 1024, 8)),
        ),
        (
            "light_vgg",
            "LightVGG_5.391M",
            arithmetic.layer_parameters((3, 32, 64, 128, 128, 256), kernel=(3, 3))
            + 4 * (32 + 64 + 128 + 128 + 256)
            + arithmetic.layer_parameters((6 * 6 * 256, 512, 256, 7)),
        ),
    ],
)
def test_heads_that_give_the_printed_parameters(claim, expectation, parameters):
    found = expected(SEVERAL)["parameter_matches"][expectation]
    assert str(parameters) in (found if isinstance(found, str) else " ".join(found))
    assert abs(parameters - printed(SEVERAL, f"{claim}_parameters")) < 1000


# matrices against chance


def test_the_moments_of_chance_are_those_of_random_tables():
    rows, columns = np.array([30, 20, 10]), np.array([5, 15, 40])
    traces = np.trace(stats.random_table(rows, columns, seed=1).rvs(size=20_000), axis1=1, axis2=2)
    mean, deviation = chance.right_by_chance(rows, columns)
    assert mean == pytest.approx(traces.mean(), rel=0.01) and deviation == pytest.approx(traces.std(), rel=0.03)


def test_chance_is_computed_for_many_predicted_margins_at_once():
    columns = np.array([[5, 15, 40], [20, 20, 20]])
    mean, deviation = chance.right_by_chance(np.array([30, 20, 10]), columns)
    alone = [chance.right_by_chance(np.array([30, 20, 10]), one) for one in columns]
    assert [(m, d) for m, d in zip(mean, deviation, strict=True)] == alone


def test_permuted_labels_give_the_exact_p_value_of_a_two_by_two_table():
    exact = stats.fisher_exact([[8, 2], [1, 9]]).pvalue
    assert chance.permutation_p_value([10, 10], [9, 11], right=17) == pytest.approx(exact, abs=0.002)


def test_the_printed_fer2013_matrices_are_no_better_than_permuted_labels():
    test = np.array(printed(FER2013, "confusion_test"))
    p = chance.permutation_p_value(test.sum(axis=1), test.sum(axis=0), int(np.trace(test)), tables=999)
    assert p == pytest.approx(2 * stats.norm.sf(expected(FER2013)["test"]["trace_z"]), abs=0.05)


def test_exact_interval_of_the_fer2013_test_matrix():
    known = expected(FER2013)["test"]
    assert significance.exact_interval(known["trace"], known["n"]) == pytest.approx(known["ci95"], abs=6e-5)


def test_the_fer2013_training_matrix_as_printed_has_lost_a_tenth_of_its_images():
    matrix, known = np.array(printed(FER2013, "confusion_train")), expected(FER2013)["train_as_printed"]
    assert (matrix.sum(), np.trace(matrix)) == (known["n"], known["trace"])
    assert np.trace(matrix) / matrix.sum() == pytest.approx(known["accuracy"], abs=6e-5)


def test_the_best_class_of_the_fer2013_text_is_the_worst_of_its_matrix():
    matrix, labels = np.array(printed(FER2013, "confusion_test")), load_claims(FER2013)["confusion_test"].labels
    recall = dict(zip(labels, np.diag(matrix) / matrix.sum(axis=1), strict=True))
    assert recall[printed(FER2013, "best_class")] == min(recall.values()) == 0
    assert recall[printed(FER2013, "most_misclassified_class")] == max(recall.values())


# reports


@pytest.mark.parametrize("seed", range(5))
def test_the_counts_behind_a_rounded_report_are_found(seed):
    matrix = np.random.default_rng(seed).multinomial(120, np.full(16, 1 / 16)).reshape(4, 4) + np.diag([0, 9, 20, 30])
    found = rounded_tables.report_counts(round_report(matrix))
    table = np.column_stack([np.diag(matrix), matrix.sum(axis=0)])
    assert found.complete and (found.tables == table).all(axis=(1, 2)).any()
    for name, (hits, predicted) in zip(found.classes, table.tolist(), strict=True):
        assert hits in found.true_positives[name] and found.predicted[name][0] <= predicted <= found.predicted[name][1]


def test_a_class_never_predicted_has_precision_zero():
    found = rounded_tables.report_counts(round_report(np.array([[7, 0], [3, 0]])))
    assert found.tables.tolist() == [[[7, 10], [0, 0]]]


def test_a_report_of_no_counts_is_refused():
    report = round_report(np.array([[7, 0], [3, 5]])) | {"0": [0.5, 1.0, 0.9, 7]}
    with pytest.raises(ValueError, match="no counts of 15"):
        rounded_tables.report_counts(report)


def test_margins_without_a_matrix_are_refused():
    two_errors_of_three_kinds = {
        "a": [0.5, 0.33, 0.4, 3],
        "b": [0.75, 1.0, 0.86, 3],
        "accuracy": [None, None, 0.67, 6],
        "macro_avg": [0.62, 0.67, 0.63, 6],
        "weighted_avg": [0.62, 0.67, 0.63, 6],
    }
    assert all(check.possible for check in rounded_tables.check_averages(two_errors_of_three_kinds))
    with pytest.raises(ValueError, match="no counts of 6"):
        rounded_tables.report_counts(two_errors_of_three_kinds)


def test_no_allowed_number_of_right_answers_is_refused():
    with pytest.raises(ValueError, match="no number of right answers"):
        rounded_tables.report_counts(printed(SEVERAL, "amfed_report"), right=arithmetic.possible_counts("54.15", 955))


def test_a_report_without_its_averages_is_refused():
    with pytest.raises(ValueError, match="no row macro_avg"):
        rounded_tables.check_averages({"a": [1, 1, 1, 1], "accuracy": [None, None, 1, 1], "weighted_avg": [1, 1, 1, 1]})


def test_a_search_that_hits_its_limit_says_so_and_keeps_outer_bounds():
    report = printed(BP4D, "report")
    found, bounded = rounded_tables.report_counts(report), rounded_tables.report_counts(report, bounds=Bounds(10))
    assert not bounded.complete and len(bounded.tables) == 0
    for name, (low, high) in found.predicted.items():
        assert bounded.predicted[name][0] <= low and high <= bounded.predicted[name][1]
    with pytest.raises(ValueError, match="greater bounds"):
        rounded_tables.chance_ranges(bounded)


def test_the_bp4d_report_has_unique_true_positives():
    found, known = rounded_tables.report_counts(printed(BP4D, "report")), expected(BP4D)
    assert found.complete
    assert found.true_positives == {name: (count,) for name, count in known["unique_tp_per_class_from_report"].items()}
    assert found.predicted == {name: tuple(bounds) for name, bounds in known["predicted_count_range"].items()}
    assert set(found.tables[:, :, 0].sum(axis=1)) == {known["tp_total"]}
    assert wilson_interval(known["tp_total"], known["supports_sum"]) == pytest.approx((0.1518, 0.2148), abs=6e-5)


def test_the_bp4d_report_is_at_chance():
    known = expected(BP4D)
    ranges = rounded_tables.chance_ranges(rounded_tables.report_counts(printed(BP4D, "report")))
    assert ranges.accuracy == pytest.approx([known["accuracy"]] * 2, abs=6e-6)
    assert ranges.chance == pytest.approx(known["chance_accuracy_given_margins"], abs=6e-6)
    assert ranges.z == pytest.approx(known["permutation_z"], abs=6e-4)
    assert ranges.p_value == pytest.approx(known["p_two_sided"], abs=6e-4)
    assert ranges.kappa == pytest.approx(known["kappa"], abs=6e-5)


def test_permuted_labels_confirm_the_p_value_of_the_bp4d_report():
    found, (low, high) = rounded_tables.report_counts(printed(BP4D, "report")), expected(BP4D)["p_two_sided"]
    p = chance.permutation_p_value(found.supports, found.tables[0, :, 1], int(found.tables[0, :, 0].sum()))
    assert low - 0.04 < p < high + 0.04


def test_disgust_alone_stands_out_of_the_bp4d_report():
    found = rounded_tables.report_counts(printed(BP4D, "report"))
    z = np.array([chance.class_z_scores(table[:, 0], found.supports, table[:, 1]) for table in found.tables])
    disgust = z[:, found.classes.index("Disgust")]
    assert 2.7 < disgust.min() <= disgust.max() < 3
    assert np.abs(np.delete(z, found.classes.index("Disgust"), axis=1)).max() < 2


def test_the_per_class_accuracies_of_the_bp4d_text_are_the_precisions():
    report = {name.lower(): row for name, row in printed(BP4D, "report").items()}
    for name, percent in printed(BP4D, "per_class_accuracy").items():
        assert percent == round(100 * report[name][0])


@pytest.mark.parametrize("name", REPORTS)
def test_the_averages_of_the_several_datasets_follow_from_their_rows(name):
    checks = rounded_tables.check_averages(printed(SEVERAL, f"{REPORTS[name]}_report"))
    assert len(checks) == 7
    assert all(check.possible for check in checks) == expected(SEVERAL)["macro_weighted_all_consistent"]


def test_an_average_that_cannot_follow_from_the_rows_is_named():
    report = round_report(np.array([[8, 2], [3, 7]])) | {"macro_avg": [0.80, 0.75, 0.75, 20]}
    assert [(c.average, c.score) for c in rounded_tables.check_averages(report) if not c.possible] == [("macro_avg", "precision")]


@pytest.mark.parametrize(
    ("name", "true_positives"),
    [
        ("SFEW", [(17,), (1,), (11,), (16,), (7,), (16,), (5,)]),
        ("AMFED+", [(72, 73), (62,), (26,), (31,), (80, 81), (60,), (185, 186)]),
        ("KDEF", [(153,), (153,), (158,), (142,), (139,), (52,)]),
        ("RaFD", [(161, 162), (129, 130), (162, 163), (149, 150), (173, 174), (106, 107), (64, 65), (161, 162, 163)]),
    ],
)
def test_the_true_positives_behind_the_several_datasets(name, true_positives):
    right, _ = share(expected(SEVERAL)["exact_counts"][name])
    found = rounded_tables.report_counts(printed(SEVERAL, f"{REPORTS[name]}_report"), right=[right])
    assert found.complete and list(found.true_positives.values()) == true_positives
    assert set(found.tables[:, :, 0].sum(axis=1)) == {right}


def test_all_three_errors_on_kdef_were_given_one_class():
    found = rounded_tables.report_counts(printed(SEVERAL, "kdef_report"), right=[797])
    assert (found.tables[0, :, 1] - found.tables[0, :, 0]).tolist() == [0, 0, 0, 3, 0, 0]


def test_the_report_and_the_accuracy_of_rafdb_exclude_each_other():
    report = printed(SEVERAL, "rafdb_report")
    right, trials = share(expected(SEVERAL)["exact_counts"]["RAF-DB"])
    with pytest.raises(ValueError, match="no counts of 3068 with 2309 to 2309 right"):
        rounded_tables.report_counts(report, right=[right])
    found = rounded_tables.report_counts(report)
    possible = np.unique(found.tables[:, :, 0].sum(axis=1))
    assert found.complete and possible.tolist() == list(range(2293, 2305))
    assert round(100 * possible.max() / trials, 2) == 75.10 < printed(SEVERAL, "rafdb_accuracy")


def test_the_f1_of_the_ckplus_setups_is_the_harmonic_mean_of_the_averages():
    for _, precision, recall, f1 in printed(MOBILENET, "ckplus_setups").values():
        assert stats.hmean([precision, recall]) == pytest.approx(f1, abs=0.0101)
    jaffe = [printed(MOBILENET, f"jaffe_{score}") for score in ("precision", "recall", "f1")]
    assert stats.hmean(jaffe[:2]) == pytest.approx(jaffe[2], abs=0.0101)


# matrices of shares


@pytest.mark.parametrize("seed", range(3))
def test_the_counts_behind_a_matrix_of_shares_are_found_in_both_orientations(seed):
    matrix = np.random.default_rng(seed).multinomial(20, [0.1, 0.6, 0.2, 0.1], size=4)
    shares = [[float(f"{count / 20:.2g}") for count in row] for row in matrix]
    rows_true = rounded_tables.possible_matrices(shares, row_totals=[20] * 4)
    assert rows_true.complete and rows_true.matrices.tolist() == [matrix.tolist()]
    columns_true = rounded_tables.possible_matrices(shares, column_totals=matrix.sum(axis=0).tolist())
    assert columns_true.complete and matrix.tolist() in columns_true.matrices.tolist()


def test_a_search_for_matrices_needs_a_total():
    with pytest.raises(ValueError, match="row_totals, column_totals or total"):
        rounded_tables.possible_matrices([[1, 0], [0, 1]])


@pytest.mark.parametrize("totals", [{"row_totals": [3]}, {"row_totals": [3, 0]}, {"column_totals": [1, 2, 3]}])
def test_totals_that_do_not_fit_the_matrix_are_refused(totals):
    with pytest.raises(ValueError, match="each of 2 classes"):
        rounded_tables.possible_matrices([[1, 0], [0, 1]], **totals)


def test_a_search_for_matrices_that_hits_its_limit_says_so():
    identity = np.eye(4).tolist()
    assert len(rounded_tables.possible_matrices(identity, total=10).matrices) == 84
    bounded = rounded_tables.possible_matrices(identity, total=10, bounds=Bounds(5))
    assert not bounded.complete and len(bounded.matrices) == 0


def test_one_cell_is_moved_at_a_time():
    assert list(rounded_tables.one_cell_moved([[0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]])) == [[[0.5, 0, 0.5], [0, 1, 0], [0, 0, 1]]]


def test_the_oulu_matrix_is_printed_transposed():
    shares, subjects = printed(CKPLUS, "oulu_10fold_confusion"), [printed(CKPLUS, "oulu_subjects")] * 6
    assert len(rounded_tables.possible_matrices(shares, row_totals=subjects).impossible_rows) == 4
    read_transposed = rounded_tables.possible_matrices(shares, column_totals=subjects)
    assert read_transposed.complete and len(read_transposed.matrices) == 1
    matrix = read_transposed.matrices[0]
    assert matrix.tolist() == expected(CKPLUS)["oulu_unique_integer_matrix_rows_predicted_cols_true"]
    assert (np.trace(matrix), matrix.sum()) == (404, 480)
    recall = dict(zip(load_claims(CKPLUS)["oulu_10fold_confusion"].labels, np.diag(matrix) / matrix.sum(axis=0), strict=True))
    assert recall == pytest.approx(expected(CKPLUS)["oulu_true_recall_from_it"])


def test_the_ckplus_matrix_has_true_classes_in_its_columns_and_one_cell_out_of_place():
    shares = printed(CKPLUS, "ckplus_loso_confusion")
    assert rounded_tables.possible_matrices(shares, row_totals=CKPLUS_CLASS_COUNTS).impossible_rows == (2, 4)
    assert len(rounded_tables.possible_matrices(shares, column_totals=CKPLUS_CLASS_COUNTS).matrices) == 0
    repaired = [
        (moved, matrix)
        for moved in rounded_tables.one_cell_moved(shares)
        for matrix in rounded_tables.possible_matrices(moved, column_totals=CKPLUS_CLASS_COUNTS).matrices
    ]
    assert len(repaired) == 1
    moved, matrix = repaired[0]
    assert np.argwhere(np.array(moved) != np.array(shares)).tolist() == [[2, 0], [2, 6]] and moved[2][0] == 0.083
    assert (np.trace(matrix), matrix.sum(axis=1).tolist()) == (319, [45, 59, 24, 70, 27, 84, 18])


def test_the_precision_of_small_6_forces_a_class_of_at_most_two_images():
    _, precision, recall, f1 = printed(MOBILENET, "ckplus_setups")["small_6"]
    found = rounded_tables.possible_matrices(
        printed(MOBILENET, "confusion_small_6"), total=65, right=63, whole=100, form=rounded_tables.Form(2)
    )
    columns, rows = found.matrices.sum(axis=1), found.matrices.sum(axis=2)
    hits = np.diagonal(found.matrices, axis1=1, axis2=2)
    fits = np.abs(100 * (hits / columns).mean(axis=1) - precision) <= 0.005
    assert found.complete and fits.any()
    disgust, sadness = rows[fits][:, 1], rows[fits][:, 4]
    assert {tuple(sorted(pair)) for pair in zip(disgust.tolist(), sadness.tolist(), strict=True)} == {(2, 9)}
    assert 100 * (hits / rows)[fits].mean(axis=1) == pytest.approx(recall, abs=0.005)
    assert np.abs(100 * (2 * hits / (rows + columns))[fits].mean(axis=1) - f1).min() > 0.5


def test_the_neutral_row_of_small_8_is_impossible():
    shares = printed(MOBILENET, "confusion_small_8")
    assert rounded_tables.possible_matrices(shares, total=130, whole=100, form=rounded_tables.Form(2)).impossible_rows == (0,)
