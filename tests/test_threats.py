"""Threats to a score: effects and intervals known by hand, and experiments whose truth is known."""

import numpy as np
import pytest
from scipy import stats

from fer_utils.datasets import duplicates
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.evaluation import chance, metrics, significance, threats
from fer_utils.evaluation.threats import Effect
from fer_utils.figures import effects
from fer_utils.preprocessing import cropping
from fer_utils.results import records, store


@pytest.fixture(scope="module")
def apex_faces():
    """Apex frames of eight rendered people as grey crops, uint8 (56, 48, 48, 1)."""
    frames = rendered_faces.load(collection="sequences", persons=range(8))
    rows = np.flatnonzero(frames.frame["position"] == 9)
    return cropping.crop_to_boxes(frames, side_pixels=48, grey=True).read(rows)


def accuracy(right: int, n: int) -> records.Metric:
    return metrics.accuracy("", np.ones(n), np.arange(n) < right, "")


def test_an_effect_is_the_mean_difference_with_its_t_interval():
    metric = Effect("leak", (11.0, 12.0, 13.0, 14.0, 15.0), (10.0,) * 5, "faces").metric
    half = 2.776445 * np.sqrt(2.5 / 5)
    assert (metric.value, metric.low, metric.high) == pytest.approx((3, 3 - half, 3 + half), abs=1e-5)
    assert metric.unit == "percentage_points" and metric.n == 5


def test_an_effect_needs_a_sound_score_for_every_flawed_one():
    with pytest.raises(ValueError, match="zip"):
        Effect("leak", (1.0, 2.0), (1.0,), "").differences  # noqa: B018


def test_a_gain_between_two_accuracies_has_newcombes_interval():
    gain = threats.gain_between("", accuracy(56, 70), accuracy(48, 80), "")  # his Table II, example a, method 10
    assert (gain.value, gain.low, gain.high) == pytest.approx((20, 5.24, 33.39), abs=0.01)


def test_a_gain_without_intervals_is_refused():
    with pytest.raises(ValueError, match="one or other has no interval"):
        threats.gain_between("", records.Metric(name="one", value=1), records.Metric(name="other", value=2), "")


def test_shuffled_scores_have_the_mean_that_the_totals_give():
    matrix = np.array([[30, 5, 5], [2, 10, 8], [0, 0, 20]])
    mean, deviation = chance.right_by_chance(matrix.sum(axis=1), matrix.sum(axis=0))
    shuffled = metrics.shuffled_accuracies(matrix, 2000)
    assert shuffled.mean() == pytest.approx(100 * mean / 80, abs=4 * 100 * deviation / 80 / np.sqrt(2000))


def test_who_only_knows_people_reads_only_those_seen():
    subjects = np.repeat(np.arange(20), 10)
    features, labels = np.eye(20)[subjects], subjects % 4
    known, unknown = threats.subject_known(features, labels, subjects, seed=0)
    assert known == 100 and unknown < 60


def test_the_tested_images_are_never_trained_on(monkeypatch):
    subjects, parts = np.repeat(np.arange(6), 20), []

    def spy(features, labels, train, test):
        parts.append((train, test))
        return labels[test]

    monkeypatch.setattr(threats, "svm_predictions", spy)
    threats.subject_known(np.zeros((120, 2)), subjects % 3, subjects, seed=1)
    assert all(not set(train) & set(test) for train, test in parts)
    assert all(len(parts[2 * half][0]) == len(parts[2 * half + 1][0]) for half in (0, 1))
    assert all(set(parts[2 * half][1]) == set(parts[2 * half + 1][1]) for half in (0, 1))
    assert not set(subjects[parts[1][0]]) & set(subjects[parts[1][1]])


def test_near_copies_are_found_as_copies_and_are_not_the_same_pixels(apex_faces):
    copies = threats.near_copies(apex_faces[:10], np.random.default_rng(0))
    exact, near = duplicates.copies(duplicates.fingerprints(copies), duplicates.fingerprints(apex_faces), correlation=0.9)
    assert (exact < 0).all() and near.tolist() == list(range(10))


def test_augmented_faces_have_the_shape_of_the_originals(apex_faces):
    changed = threats.augmented(apex_faces[:4], np.random.default_rng(0))
    assert changed.shape == (4, 48, 48, 1) and changed.dtype == np.uint8 and (changed != apex_faces[:4]).any()


def test_epochs_are_scored_on_every_set_and_the_same_for_a_seed():
    labels = np.arange(60) % 3
    features = np.eye(3)[labels] + np.random.default_rng(0).normal(0, 0.1, (60, 3))
    parts = (np.arange(40), (np.arange(40, 50), np.arange(50, 60)))
    scores = threats.epoch_scores(features, labels, *parts, epochs=20, seed=3)
    assert scores.shape == (2, 20) and scores[:, -1].tolist() == [100, 100]
    assert (scores == threats.epoch_scores(features, labels, *parts, epochs=20, seed=3)).all()


def test_a_search_says_what_each_setting_has_right():
    labels = np.arange(80) % 2
    features = np.random.default_rng(0).normal(0, 1, (80, 30)) + 4 * labels[:, None]
    right = threats.searched(features, labels, np.arange(40), np.arange(40, 80), configurations=6, seed=0)
    assert right.shape == (6, 40) and right.mean() > 0.9


def test_the_best_of_guesses_is_good_only_where_it_was_chosen():
    pools = np.random.default_rng(0).random((150, 20, 200)) < 0.5
    scores = np.mean([threats.best_found(right, np.arange(200), [1, 20], draws=5, seed=0) for right in pools], axis=0)
    (one, other), (reported, fresh) = scores
    assert (one, other, fresh) == pytest.approx((50, 50, 50), abs=1)
    assert reported == pytest.approx(100 * significance.expected_best(0.5, [100], 20), abs=1)


def test_a_hold_out_of_everything_has_the_accuracy_of_everything():
    right = np.arange(10) < 7
    assert threats.hold_outs(right, 10, draws=5, seed=0) == pytest.approx([70] * 5)


def test_the_expected_distance_is_that_of_the_binomial():
    counts = np.arange(401)
    exact = 100 * np.sum(stats.binom.pmf(counts, 400, 0.6) * np.abs(counts / 400 - 0.6))
    assert threats.expected_distance(0.6, 400) == pytest.approx(exact, rel=0.01)


def test_fold_accuracies_are_those_of_ridge_regression_fold_by_fold():
    random = np.random.default_rng(0)
    features, labels, fold_of = random.normal(0, 1, (60, 4)), np.arange(60) % 3, np.arange(60) // 15
    features += np.eye(4)[labels]
    inputs, expected = np.hstack([features, np.ones((60, 1))]), []
    for fold in range(4):
        train, test = fold_of != fold, fold_of == fold
        weights = (
            np.linalg.inv(inputs[train].T @ inputs[train] + threats.RIDGE * np.eye(5))
            @ inputs[train].T
            @ np.eye(3)[labels[train]]
        )
        expected.append(100 * np.mean((inputs[test] @ weights).argmax(axis=1) == labels[test]))
    assert threats.fold_accuracies(features, labels, fold_of) == pytest.approx(expected)


def test_a_mirrored_face_shows_each_classifier_what_the_other_saw(apex_faces):
    halves = threats.half_faces(np.concatenate([apex_faces, apex_faces[:, :, ::-1]]))
    count = len(apex_faces)
    assert halves.shape == (2, 2 * count, 20)
    assert halves[0, :count] == pytest.approx(halves[1, count:], abs=1e-6)


def test_classifiers_that_see_the_same_do_not_differ():
    people = np.repeat(np.arange(8), 6)
    view = np.random.default_rng(0).normal(0, 1, (48, 5))
    differences = threats.differences_of_equals(np.stack([view, view]), people % 3, people, folds=4, repeats=3, seed=0)
    assert differences.shape == (3, 4) and not differences.any()


def test_p_values_are_those_of_the_tests_between_folds():
    first, second = np.random.default_rng(0).normal(80, 5, (2, 10))
    expected = significance.paired_tests(first, second)
    found = {name: values[0] for name, values in threats.p_values((first - second)[None]).items()}
    assert found["one-sided"] == pytest.approx(expected.p_one_sided)
    assert found["two-sided"] == pytest.approx(expected.p_two_sided)
    assert found["Nadeau and Bengio"] == pytest.approx(expected.p_nadeau_bengio)


def test_folds_without_a_difference_are_never_significant():
    assert all(values.tolist() == [1.0] for values in threats.p_values(np.zeros((1, 5))).values())


def test_the_effect_of_copies_is_all_images_against_those_without_one():
    published = store.published_result("fer2013_cnn")
    found = threats.fer2013_effects(published)
    without = published.metric("test").value - published.metric("test_without_copies").value
    assert found["copies"].value == pytest.approx(without) and found["copies"].low > 0
    assert found["shuffled"].value == pytest.approx(
        published.metric("merged_test_shuffled").value - published.metric("merged_test").value
    )
    assert all(metric.unit == "percentage_points" and metric.low < metric.value < metric.high for metric in found.values())


def test_the_forest_has_a_line_per_effect_in_order():
    metric = Effect("", (1.0, 2.0), (0.0, 0.0), "").metric
    kinds = dict.fromkeys(("one", "two"), "raises the score")
    figure = effects.forest_plot({"one": metric, "two": metric}, kinds, {"two": metric})
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["one", "two"]
