"""Folds of clips: what is trained on what, which epoch is read, and that a fold is done once wherever it runs."""

import dataclasses

import numpy as np
import pytest

from fer_utils.datasets import registry
from fer_utils.preprocessing import clips, cropping
from fer_utils.preprocessing.clip_augmentation import Copies
from fer_utils.protocols import splits
from fer_utils.protocols.leaks import Fold
from fer_utils.results.records import TrainingRecord
from fer_utils.training import cross_validation, fit, networks
from fer_utils.training.cross_validation import FoldPredictions, FoldTask, ImageStack, TrialTask
from fer_utils.training.hyperparameters import PruningRule, TrialScore
from fer_utils.training.recipes import Recipe
from fer_utils.training.search_space import PAPER_CKPLUS

OPTIONS = {"classes": 2, "frames": 8, "side_pixels": 16, "channels": 1, "width": 0.02}
RECIPE = Recipe(network="frame_cnn", options=OPTIONS, schedule="constant", epochs=2, batch_size=4, seed=1)
LABELS = np.arange(10) % 2
FOLD = Fold("a fold", np.arange(6), np.array([6, 7]), np.array([8, 9]))


def clip_set():
    pixels = np.random.default_rng(0).integers(0, 256, (10, 8, 16, 16, 1)).astype(np.uint8)
    brighter = np.clip(pixels.astype(int) + 30, 0, 255).astype(np.uint8)
    files = {clahe: cross_validation.keep_images(kept) for clahe, kept in ((False, pixels), (True, brighter))}
    return ImageStack(files, LABELS, ("a", "b"))


def task(**changes):
    return FoldTask("t", "t", clip_set(), clahe=False, fold=FOLD, recipe=RECIPE, **changes)


def scores(validation, test, fold=FOLD):
    record = TrainingRecord.model_construct(history={"loss": [0.0] * len(test)})
    return FoldPredictions("f", fold, np.array(validation), np.array(test), record)


def test_the_reported_epoch_is_the_last_the_one_validation_chooses_or_the_best_on_test():
    fold = scores(validation=[[1, 1], [0, 1], [0, 1]], test=[[0, 1], [0, 0], [1, 0]])  # true: 0, 1 in both
    assert [fold.epoch(LABELS, rule) for rule in ("last", "validation", "test")] == [2, 1, 0]


def test_predictions_follow_the_rule_fold_after_fold():
    other = Fold("other", np.arange(6), np.array([8, 9]), np.array([7, 6]))
    both = [scores([[0, 1], [1, 0]], [[0, 1], [1, 1]]), scores([[1, 0], [0, 1]], [[1, 1], [0, 0]], other)]
    rows, last = cross_validation.predictions(both, LABELS, "last")
    assert rows.tolist() == [8, 9, 7, 6] and last.tolist() == [1, 1, 0, 0]
    assert cross_validation.predictions(both, LABELS, "validation")[1].tolist() == [0, 1, 0, 0]
    assert cross_validation.predictions(both, LABELS, "test")[1].tolist() == [0, 1, 1, 1]


def test_a_fold_without_a_class_is_named_in_the_table():
    fold = Fold("one class", np.array([0, 2, 4]), np.array([1]), np.array([8]))
    table = cross_validation.fold_table([scores([[0]], [[0]], fold)], LABELS, np.array(list("aabbccddee")), ("a", "b"))
    row = table.iloc[0]
    assert row["classes missing from"] == "train: b; test: b"
    assert (row["people"], row["clips"], row["last epoch (%)"]) == (1, 1, 100.0)


def test_a_fold_trains_on_its_training_clips_and_copies_of_these_only():
    plain, copied = (cross_validation.train_fold(task(copies=copies)) for copies in ({}, dict.fromkeys("ab", Copies(1, 1, 0))))
    assert (plain.record.training_images, copied.record.training_images) == (6, 18)
    assert plain.watched().shape == copied.watched().shape == (2, 4)


def test_a_scored_fold_is_found_again_without_its_weights(monkeypatch):
    first = cross_validation.score_fold(task())
    monkeypatch.setattr(networks, "ready", lambda *_: pytest.fail("trained again"))
    again = cross_validation.score_fold(task())
    assert np.array_equal(first.test, again.test) and again.record.history == first.record.history
    assert not list((fit.store() / first.record.key).glob("*.h5"))


def test_the_test_and_validation_clips_decide_nothing():
    first = cross_validation.score_fold(task())
    swapped = Fold("a fold", FOLD.train, FOLD.test, FOLD.validation)
    other = cross_validation.score_fold(dataclasses.replace(task(), fold=swapped))
    assert other.record.history == first.record.history
    assert np.array_equal(other.validation, first.test) and np.array_equal(other.test, first.validation)


def test_curves_show_the_validation_clips_and_the_epoch_they_choose():
    fold = scores(validation=[[1, 1], [0, 1]], test=[[0, 1], [0, 0]])
    record = fold.curves(LABELS)
    assert record.history["val_accuracy"] == [0.5, 1.0] and record.selected_epoch == 2


def test_a_configuration_changes_network_optimiser_loss_and_equalisation():
    changed = cross_validation.configured(
        task(), PAPER_CKPLUS.model_copy(update={"optimizer": "lookahead_adam", "balanced_loss": True})
    )
    assert changed.clahe and changed.recipe.optimizer == "lookahead_adam" and changed.recipe.balanced_loss
    assert changed.recipe.options == OPTIONS | {
        "pixel_range": "zero_to_one", "activation": "relu", "temporal_kernel": 3, "initializer": "glorot_uniform",
        "pooling": "average", "second_convolution": False, "dropout": 0.2511,
    }  # fmt: skip


def test_a_trial_is_given_up_below_the_bound_and_its_control_is_done_with_it(monkeypatch):
    done = []

    def score(asked):
        done.append((asked.name, asked.images.labels.tolist()))
        return scores(validation=[[0, 1]], test=[[1 - LABELS[8], LABELS[9]]])

    monkeypatch.setattr(cross_validation, "score_fold", score)
    folds = tuple(dataclasses.replace(task(), name=name) for name in ("one", "two", "three"))
    control = (dataclasses.replace(task(), name="control"),)
    outcome = cross_validation.evaluate_trial(
        TrialTask(0, PAPER_CKPLUS, folds, PruningRule(below_percent=60, warm_up_folds=2), control)
    )
    assert outcome.pruned and (outcome.right, outcome.scored) == ((1, 1), (2, 2))
    assert [name for name, _ in done] == ["one", "two", "control"]


def test_inner_folds_divide_the_subjects_of_an_outer_folds_training_part():
    found = registry.load("rendered_faces", collection="sequences", classes=["anger"], persons=range(6))
    (outer,) = splits.grouped_holdout(found, seed=0).folds
    subjects = found.frame["subject"].to_numpy()
    inner = cross_validation.inner_folds(found, outer)
    assert len(inner) == 2 and sorted(np.concatenate([fold.test for fold in inner])) == sorted(outer.train)
    for fold in inner:
        assert not set(subjects[fold.train]) & set(subjects[fold.test])
        assert not set(subjects[np.concatenate([fold.train, fold.test])]) & set(subjects[outer.test])


def test_a_nested_search_predicts_each_outer_fold_under_the_configuration_chosen_inside_it():
    outer = [dataclasses.replace(task(), fold=dataclasses.replace(FOLD, name=name)) for name in ("one", "two")]
    kernels = {"one": 3, "two": 5}

    def fan_out(function, items, description):
        if function is cross_validation.score_fold:
            return [item.recipe.options["temporal_kernel"] for item in items]
        return [
            TrialScore(folds=("f",), right=(kernels[description] == trial.configuration.temporal_kernel,), scored=(1,))
            for trial in items
        ]

    def search_inside(fold):
        first = [PAPER_CKPLUS.model_copy(update={"temporal_kernel": kernel}) for kernel in (3, 5)]
        rule = PruningRule(below_percent=0, warm_up_folds=1)
        settings = {"trials": 2, "batch": 2, "seed": 0, "rule": rule, "first": first}
        return cross_validation.search_on_folds(fold.name, [task()], fan_out, **settings)

    chosen, predicted = cross_validation.nested_search(outer, search_inside, fan_out)
    assert [configuration.temporal_kernel for configuration in chosen] == predicted == [3, 5]


def test_clips_and_folds_have_the_same_numbers():
    found = registry.load("rendered_faces", collection="sequences", classes=["anger", "fear"], persons=range(6))
    cut = clips.last_frames(cropping.crop_to_boxes(found, side_pixels=16, grey=True), 10)
    apex = cropping.keep_rows(cut.dataset, cut.rows[:, -1], "last frame")
    assert np.array_equal(apex.labels(range(len(apex.frame))), cut.labels)
    for fold in splits.leave_one_subject_out(apex).folds:
        assert set(cut.subjects[fold.test]) == {fold.name}


def test_people_without_a_sequence_make_no_fold():
    found = registry.load("rendered_faces", collection="sequences", classes=["anger"], persons=[1, 4, 5])
    cut = clips.last_frames(cropping.keep_rows(found, np.flatnonzero(found.frame["subject"] != "person 04"), "two people"), 10)
    apex = cropping.keep_rows(cut.dataset, cut.rows[:, -1], "last frame")
    assert [fold.name for fold in splits.leave_one_subject_out(apex).folds] == ["person 01", "person 05"]


def test_a_sequence_of_one_frame_is_a_clip_that_repeats_it():
    found = registry.load("rendered_faces", collection="sequences", classes=["anger"], persons=[1])
    (only,) = clips.last_frames(cropping.keep_rows(found, np.array([9]), "apex"), 10).read([0])
    assert only.shape[0] == 10 and (only == only[0]).all()
