"""The leak report finds what was planted, and nothing where nothing was."""

import dataclasses

import cv2
import numpy as np
import pytest

from fer_utils.datasets.loaders import rendered_faces
from fer_utils.protocols import leaks, splits


def with_image(dataset, row, image, **columns):
    """The dataset with the image of a row replaced by another, and some of its columns."""

    def read(rows):
        return np.stack([image if each == row else dataset.read([each])[0] for each in rows])

    frame = dataset.frame.copy()
    for column, value in columns.items():
        frame.loc[row, column] = value
    return dataclasses.replace(dataset, frame=frame, read=read)


def encoded_again(image):
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


COPIES = {
    "brighter": lambda image: np.clip(image.astype(int) + 20, 0, 255).astype(np.uint8),
    "encoded again": encoded_again,
    "shifted by a pixel": lambda image: np.pad(image, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1],
}


@pytest.fixture(scope="module")
def clean():
    """Single faces of twelve persons, and a fold that keeps persons apart."""
    dataset = rendered_faces.load(collection="wild", persons=range(12))
    return dataset, splits.with_inner_validation(splits.grouped_holdout(dataset, seed=0), seed=0).folds[0]


def found(report, later="test", earlier="train"):
    """kind -> leak between two parts, where something crosses."""
    return {leak.kind: leak for leak in report.leaks if (leak.earlier, leak.later) == (earlier, later) and leak.count}


def test_a_clean_fold_is_silent(clean):
    report = leaks.leak_report(*clean)
    assert report.clean and not report.unchecked
    assert {(leak.earlier, leak.later) for leak in report.leaks} == set(leaks.CROSSINGS)
    assert {leak.kind for leak in report.leaks} == {"subject", "sequence", "exact", "near"}


@pytest.mark.parametrize("collection", ["sequences", "wild", "angles"])
def test_every_fold_by_person_of_the_rendered_faces_is_clean(collection):
    dataset = rendered_faces.load(collection=collection)
    (fold,) = splits.official(dataset).folds
    assert leaks.leak_report(dataset, fold).clean


def test_a_random_split_of_sequences_leaks_persons_sequences_and_frames():
    dataset = rendered_faces.load(collection="sequences", persons=range(6))
    leaking = found(leaks.leak_report(dataset, splits.random_holdout(dataset, seed=0).folds[0]))
    assert leaking["subject"].count == 6 and leaking["subject"].share == 1
    assert leaking["sequence"].share == 1 and leaking["near"].share > 0.5 and "exact" not in leaking


def test_a_planted_subject_is_found_with_its_images(clean):
    dataset, fold = clean
    name = dataset.frame["subject"][fold.train[0]]
    frame = dataset.frame.copy()
    frame.loc[fold.test[:3], "subject"] = name
    leaking = found(leaks.leak_report(dataclasses.replace(dataset, frame=frame), fold))
    assert leaking == {"subject": leaks.Leak("train", "test", "subject", 1, 3, 3 / len(fold.test), (name,))}


def test_a_planted_sequence_is_found_between_validation_and_test(clean):
    dataset, fold = clean
    frame = dataset.frame.copy()
    name = frame["sequence"][fold.validation[0]]
    frame.loc[fold.test[5], "sequence"] = name
    report = leaks.leak_report(dataclasses.replace(dataset, frame=frame), fold)
    assert not found(report)
    assert found(report, earlier="validation") == {
        "sequence": leaks.Leak("validation", "test", "sequence", 1, 1, 1 / len(fold.test), (name,))
    }


@pytest.mark.parametrize("name", COPIES)
def test_a_planted_near_duplicate_is_found_and_named(clean, name):
    dataset, fold = clean
    original, copy = fold.train[0], fold.test[4]
    report = leaks.leak_report(with_image(dataset, copy, COPIES[name](dataset.read([original])[0])), fold)
    assert found(report) == {"near": leaks.Leak("train", "test", "near", 1, 1, 1 / len(fold.test), (f"{copy} = {original}",))}
    assert not report.clean


def test_a_planted_exact_duplicate_is_named_by_file_and_not_counted_as_near(clean):
    dataset, fold = clean
    original, copy = fold.train[0], fold.test[4]
    planted = with_image(dataset, copy, dataset.read([original])[0])
    frame = planted.frame.assign(path=[f"{row:04d}.png" for row in range(len(planted.frame))])
    leaking = found(leaks.leak_report(dataclasses.replace(planted, frame=frame), fold))
    assert set(leaking) == {"exact"}
    assert leaking["exact"].examples == (f"{copy:04d}.png = {original:04d}.png",)


def test_near_duplicates_can_be_left_out(clean):
    dataset, fold = clean
    planted = with_image(dataset, fold.test[4], COPIES["brighter"](dataset.read([fold.train[10]])[0]))
    report = leaks.leak_report(planted, fold, near=False)
    assert report.clean and report.unchecked == ("near duplicates were not looked for",)


def test_examples_are_few_and_counts_are_whole(clean):
    dataset, _ = clean
    leaking = found(leaks.leak_report(dataset, splits.random_holdout(dataset, seed=0).folds[0], near=False))
    assert leaking["subject"].count == 12 and len(leaking["subject"].examples) == leaks.EXAMPLES


def test_what_a_dataset_does_not_tell_is_said(clean):
    dataset, fold = clean
    frame = dataset.frame.assign(subject=None)
    report = leaks.leak_report(dataclasses.replace(dataset, frame=frame), fold)
    assert report.unchecked == (f"{len(frame)} of {len(frame)} images have no subject",)
    assert report.clean and "subject" not in {leak.kind for leak in report.leaks}


def test_the_table_has_a_row_per_pair_of_parts_and_kind(clean):
    table = leaks.leak_report(*clean).table()
    assert list(table.columns) == ["between", "what", "shared", "images", "share (%)", "for example"]
    assert len(table) == 3 * 4 and table["between"].iloc[0] == "train and validation" and (table["share (%)"] == 0).all()


def test_the_nearest_training_image_is_the_one_with_the_most_similar_pixels():
    images = np.array([0, 100, 200, 90, 10], np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 1), np.uint8)
    assert leaks.nearest_in_training(images, np.array([0, 1, 2]), np.array([4, 3])).tolist() == [0, 1]
