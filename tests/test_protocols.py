"""Protocols: who tests whom, and that no subject crosses where it must not; the FER2013 chapter's plan."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_utils.datasets import registry
from fer_utils.datasets.base import FaceDataset
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.protocols import fer2013_split
from fer_utils.protocols.leaks import Fold, LeakError
from fer_utils.protocols.splits import (
    Protocol,
    every_tenth,
    grouped_folds,
    grouped_holdout,
    leave_one_subject_out,
    official,
    random_folds,
    random_holdout,
    subset,
    with_inner_validation,
)
from fer_utils.training import fer2013_trainings

SETTINGS = {"epochs": 60, "batch_size": 120, "learning_rate": 1e-3, "precision": "float32"}


def plan(*experiments, seeds=(0, 1), **changes):
    return fer2013_trainings.plan_trainings(experiments=experiments, seeds=seeds, **SETTINGS | changes)


def test_training_trains_public_selects_private_tests(fer2013_folder):
    dataset = registry.load("fer2013", fer2013_folder.parent)
    splits = fer2013_split.fer2013_splits(dataset)
    assert (splits.selected_on, splits.tested_on) == ("PublicTest", "PrivateTest")
    parts = [splits.train, splits.validation, splits.test]
    assert sorted(np.concatenate(parts)) == list(range(len(dataset.frame)))
    assert set(splits.merged_test) == set(splits.validation) | set(splits.test)


def test_rendered_persons_do_not_cross_the_split():
    dataset = fer2013_split.fer2013_faces(registry.load("rendered_faces"))
    splits = fer2013_split.fer2013_splits(dataset)
    persons = [set(dataset.frame["subject"].iloc[rows]) for rows in (splits.train, splits.validation, splits.test)]
    assert not (persons[0] & persons[1] or persons[0] & persons[2] or persons[1] & persons[2])


def test_a_cap_keeps_the_shares_of_the_classes():
    labels = np.repeat([0, 1], [80, 20])
    rows = subset(np.arange(100), labels, 50, seed=0)
    assert len(rows) == 50 and np.bincount(labels[rows]).tolist() == [40, 10]


def test_the_grid_shares_its_adam_cosine_cell_with_the_protocol():
    recipes = [planned.recipe for planned in plan("optimizers")]
    assert len(recipes) == 2 + 12 * 2 and len({recipe.key("") for recipe in recipes}) == 12 * 2


def test_validation_data_is_trained_on_only_in_the_inflation_experiment(fer2013_folder):
    splits = fer2013_split.fer2013_splits(registry.load("fer2013", fer2013_folder.parent))
    for planned in plan("inflation", "start"):
        rows, selecting = fer2013_trainings.training_rows(splits, planned)
        leaks = bool(set(rows) & set(splits.validation))
        assert leaks == (planned.experiment == "inflation") == (selecting is None)
        assert not set(rows) & set(splits.test)


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_augmentation_strength_is_part_of_the_recipe(strength):
    (planned,) = plan(seeds=(0,), augmentation_strength=strength)
    assert planned.recipe.options["augmentation_strength"] == strength


def images_of(subjects, labels=None, **columns):
    """A dataset of one image per entry of `subjects`; without labels the classes anger and fear alternate."""
    count = len(subjects)
    labels = ["anger" if i % 2 else "fear" for i in range(count)] if labels is None else labels
    columns = {"subject": subjects, "sequence": None, "position": None, "split": "all"} | columns
    frame = pd.DataFrame({"image": range(count), "label": labels} | columns)
    classes = ("anger", "disgust", "fear")
    return FaceDataset("made_up", frame, classes, "CC0-1.0", True, False, True, "0", lambda rows: np.zeros((len(rows), 1, 1, 1)))


def subjects_of(dataset, rows):
    return set(dataset.frame["subject"].iloc[rows])


def crossing(dataset, fold):
    train, validation, test = (subjects_of(dataset, rows) for rows in (fold.train, fold.validation, fold.test))
    return train & validation | train & test | validation & test


GROUPED = {
    "hold-out": lambda dataset, seed: grouped_holdout(dataset, seed=seed),
    "folds": lambda dataset, seed: grouped_folds(dataset, seed=seed, folds=3),
    "every third": lambda dataset, seed: every_tenth(dataset, folds=3),
    "leave one out": lambda dataset, seed: leave_one_subject_out(dataset),
}
subjects = st.lists(st.integers(0, 11), min_size=12, max_size=60).filter(lambda found: len(set(found)) >= 4)


@pytest.mark.parametrize("name", GROUPED)
@settings(deadline=None, max_examples=30)
@given(found=subjects, seed=st.integers(0, 9), data=st.data())
def test_no_subject_ever_crosses_a_grouped_protocol_nor_its_inner_split(name, found, seed, data):
    labels = data.draw(st.lists(st.sampled_from(["anger", "disgust", "fear"]), min_size=len(found), max_size=len(found)))
    dataset = images_of([f"S{number}" for number in found], labels)
    protocol = GROUPED[name](dataset, seed)
    for each in (protocol, with_inner_validation(protocol, seed=seed)):
        assert not any(crossing(dataset, fold) for fold in each.folds)
    inner = with_inner_validation(protocol, seed=seed)
    assert all(len(fold.validation) and len(fold.train) for fold in inner.folds)
    rows = [np.sort(np.concatenate([fold.train, fold.validation, fold.test])) for fold in inner.folds]
    assert all((each == np.arange(len(found))).all() for each in rows)


@pytest.mark.parametrize("name", ["folds", "every third", "leave one out", "random"])
@settings(deadline=None, max_examples=30)
@given(found=subjects, seed=st.integers(0, 9))
def test_every_image_is_tested_exactly_once(name, found, seed):
    dataset = images_of([f"S{number}" for number in found])
    protocol = GROUPED[name](dataset, seed) if name in GROUPED else random_folds(dataset, seed=seed)
    tested = np.concatenate([fold.test for fold in protocol.folds])
    assert np.sort(tested).tolist() == list(range(len(found)))


def test_every_tenth_subject_by_id_is_in_the_same_fold():
    """12 subjects in order 1, 2, ..., 12 (2 before 10): folds 1 and 2 test on 1 and 11, 2 and 12; the others on one each."""
    dataset = images_of(["S10", "S2", "S1", "S3", "S11", "S12", "S4", "S5", "S6", "S7", "S8", "S9", "S1"])
    protocol = every_tenth(dataset)
    tested = [sorted(subjects_of(dataset, fold.test)) for fold in protocol.folds]
    assert tested == [["S1", "S11"], ["S12", "S2"], ["S3"], ["S4"], ["S5"], ["S6"], ["S7"], ["S8"], ["S9"], ["S10"]]
    assert protocol.folds[0].test.tolist() == [2, 4, 12] and protocol.subject_independent


def test_leave_one_subject_out_has_a_fold_per_subject_named_so():
    dataset = rendered_faces.load(collection="sequences", classes=["fear"])
    protocol = leave_one_subject_out(dataset)
    assert [fold.name for fold in protocol.folds] == sorted(dataset.frame["subject"].unique())
    assert all(subjects_of(dataset, fold.test) == {fold.name} for fold in protocol.folds)


def test_a_subject_with_one_image_is_a_fold_of_one_image():
    dataset = images_of(["a", "b", "b", "c", "c"])
    assert [fold.test.tolist() for fold in leave_one_subject_out(dataset).folds] == [[0], [1, 2], [3, 4]]


@pytest.mark.parametrize("collection", ["sequences", "wild", "angles"])
@pytest.mark.parametrize("seed", range(3))
def test_grouped_and_random_holdouts_train_on_as_many_images(collection, seed):
    dataset = rendered_faces.load(collection=collection)
    grouped, random = (make(dataset, seed=seed).folds[0] for make in (grouped_holdout, random_holdout))
    assert len(random.test) == round(0.2 * len(dataset.frame))
    assert abs(len(grouped.train) - len(random.train)) <= dataset.frame.groupby("subject").size().max()
    same = random_holdout(dataset, seed=seed, training_images=len(grouped.train)).folds[0]
    assert (len(same.train), len(same.test)) == (len(grouped.train), len(grouped.test))
    assert crossing(dataset, same)


@pytest.mark.parametrize("seed", range(3))
def test_holdouts_keep_the_shares_of_the_classes(seed):
    dataset = rendered_faces.load(collection="wild")
    labels = dataset.labels(np.arange(len(dataset.frame)))
    for make, tolerance in ((random_holdout, 4), (grouped_holdout, 30)):
        tested = np.bincount(labels[make(dataset, seed=seed).folds[0].test], minlength=8)
        assert np.abs(tested - 0.2 * np.bincount(labels)).sum() <= tolerance


def test_a_seed_decides_the_split():
    dataset = rendered_faces.load(collection="wild")
    for make in (random_holdout, grouped_holdout, random_folds, grouped_folds):
        one, again, other = (make(dataset, seed=seed).folds[0].test for seed in (1, 1, 2))
        assert one.tolist() == again.tolist() != other.tolist()


def test_five_random_groups_each_validate_once_and_share_persons():
    dataset = rendered_faces.load(collection="wild", persons=range(10))
    protocol = random_folds(dataset, seed=0)
    sizes = [len(fold.test) for fold in protocol.folds]
    assert len(sizes) == 5 and max(sizes) - min(sizes) <= 1
    assert not protocol.subject_independent and crossing(dataset, protocol.folds[0])


@pytest.mark.parametrize(
    ("split", "parts", "selected_on"),
    [
        (["Training", "PublicTest", "PrivateTest"], [[0], [1], [2]], "PublicTest"),
        (["train", "validation", "test"], [[0], [1], [2]], "validation"),
        (["train", "train", "test"], [[0, 1], [], [2]], "nothing"),
        (["train", "validation", "validation"], [[0], [], [1, 2]], "nothing"),
    ],
)
def test_the_official_split_is_found_by_its_names(split, parts, selected_on):
    protocol = official(images_of(["a", "b", "c"], split=split))
    (fold,) = protocol.folds
    assert [rows.tolist() for rows in (fold.train, fold.validation, fold.test)] == parts
    assert (protocol.selected_on, protocol.subject_independent) == (selected_on, True)


@pytest.mark.parametrize("found", [["a", "a"], [None, None]])
def test_an_official_split_claims_no_more_than_the_subjects_show(found):
    assert not official(images_of(found, split=["train", "test"])).subject_independent


def test_a_dataset_without_an_official_split_says_so():
    with pytest.raises(ValueError, match="made_up has no official split; its images are in all"):
        official(images_of(["a", "b"]))


def test_without_subjects_the_film_and_then_the_sequence_keep_images_apart():
    films = images_of([None] * 4, sequence=["f1-1", "f1-2", "f2-1", "f2-2"], film=["f1", "f1", "f2", "f2"])
    protocol = leave_one_subject_out(films)
    assert protocol.name == "leave one film out" and [fold.test.tolist() for fold in protocol.folds] == [[0, 1], [2, 3]]
    videos = images_of([None] * 4, sequence=["v1", "v1", "v2", "v2"])
    assert leave_one_subject_out(videos).name == "leave one sequence out"


@pytest.mark.parametrize("make", GROUPED.values())
def test_a_dataset_that_names_nobody_is_refused_by_name(make):
    with pytest.raises(ValueError, match="made_up names neither subjects nor sequences"):
        make(images_of([None] * 6), 0)


def test_images_without_a_subject_among_others_are_refused():
    with pytest.raises(ValueError, match="made_up: 1 of 4 images have no subject; leave them out"):
        leave_one_subject_out(images_of(["a", "b", None, "c"]))


def test_fewer_subjects_than_folds_are_refused():
    with pytest.raises(ValueError, match="made_up has 2 subjects; 10 folds need as many"):
        every_tenth(images_of(["a", "b", "a"]))


def test_subjects_that_cannot_be_cut_in_two_are_refused():
    with pytest.raises(ValueError, match="the images to split are all of subject a; two subjects are needed"):
        grouped_holdout(images_of(["a"] * 6), seed=0)
    with pytest.raises(ValueError, match="all of subject b"):
        with_inner_validation(leave_one_subject_out(images_of(["a", "b"])), seed=0)


def test_a_class_with_one_image_cannot_be_stratified_and_is_named():
    with pytest.raises(ValueError, match="made_up: only one image of disgust"):
        random_holdout(images_of(list("abcdefg"), ["anger", "fear"] * 3 + ["disgust"]), seed=0)


def test_a_class_with_fewer_images_than_folds_is_absent_from_some_test_parts_without_a_warning():
    dataset = images_of(list("abcdefghijkl"), ["anger", "fear"] * 5 + ["disgust"] * 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        protocol = grouped_folds(dataset, seed=0)
    assert sum("disgust" not in set(dataset.frame["label"].iloc[fold.test]) for fold in protocol.folds) >= 3


def test_folds_need_a_class_with_an_image_for_each():
    with pytest.raises(ValueError, match="made_up: no class has 5 images for 5 folds"):
        grouped_folds(images_of(list("abcdef")), seed=0)


def test_a_class_with_no_image_is_absent_and_harms_nothing():
    dataset = images_of(list("aabbccddee"))
    for make in (random_holdout, grouped_holdout):
        (fold,) = make(dataset, seed=0).folds
        assert all(set(dataset.labels(rows)) == {0, 2} for rows in (fold.train, fold.test))  # anger, fear


def test_the_inner_split_of_a_random_protocol_is_random_and_keeps_the_test_part():
    dataset = rendered_faces.load(collection="wild", persons=range(10))
    outer = random_holdout(dataset, seed=0)
    (fold,) = with_inner_validation(outer, seed=0).folds
    assert subjects_of(dataset, fold.validation) & subjects_of(dataset, fold.train)
    assert fold.test.tolist() == outer.folds[0].test.tolist()
    assert len(fold.validation) == pytest.approx(0.2 * len(outer.folds[0].train), abs=1)


def test_a_fold_that_selects_already_is_not_nested_again():
    protocol = official(images_of(["a", "b", "c"], split=["train", "validation", "test"]))
    with pytest.raises(ValueError, match="'test' has a validation part already"):
        with_inner_validation(protocol, seed=0)


@pytest.mark.parametrize("rows", [([0, 1], [], [1, 2]), ([], [0], [1]), ([0], [1], [])])
def test_a_fold_with_a_row_in_two_parts_or_an_empty_part_is_refused(rows):
    with pytest.raises(ValueError, match="fold 'mine'"):
        Fold("mine", *(np.array(part, np.int64) for part in rows))


def test_a_protocol_that_claims_to_keep_subjects_apart_and_does_not_is_refused():
    dataset = images_of(["ann", "ann", "bob", "ann"])
    fold = Fold("fold 7", np.array([0, 2]), np.array([], np.int64), np.array([1, 3]))
    expected = r"made_up, fold 'fold 7': 1 of 1 subjects in test are also in train: ann \(1 images in train, 2 in test\)"
    with pytest.raises(LeakError, match=expected):
        Protocol("claims", dataset, (fold,), subject_independent=True)
    assert Protocol("claims nothing", dataset, (fold,)).folds == (fold,)


def test_an_eighth_of_training_selects_where_there_is_no_validation_split():
    dataset = images_of([None] * 24, split=["Training"] * 16 + ["Test"] * 8)
    splits = fer2013_split.fer2013_splits(dataset)
    assert (splits.selected_on, splits.tested_on) == ("an eighth of Training", "Test")
    assert [len(rows) for rows in (splits.train, splits.validation, splits.test, splits.merged_test)] == [14, 2, 8, 8]
