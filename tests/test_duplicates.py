"""Exact and near duplicates: found in planted copies of rendered faces, and not between persons."""

import cv2
import numpy as np
import pytest

from fer_utils.datasets import duplicates
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.preprocessing.cropping import crop_to_boxes


def brighter(image):
    return np.clip(image.astype(int) + 20, 0, 255).astype(np.uint8)


def encoded_again(image):
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 60])
    return cv2.imdecode(jpeg, cv2.IMREAD_COLOR)


def shifted_by_a_pixel(image):
    return np.pad(image, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1]


def half_as_large(image):
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def grey(image):
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None]


@pytest.fixture(scope="module")
def wild():
    """200 single faces and their fingerprints."""
    images = rendered_faces.load(collection="wild").read(range(200))
    return images, duplicates.fingerprints(images)


@pytest.mark.parametrize("copied", [brighter, encoded_again, shifted_by_a_pixel, half_as_large, grey])
def test_a_copy_of_a_face_is_found_and_is_not_exact(wild, copied):
    images, references = wild
    exact, near = duplicates.copies(duplicates.fingerprints(copied(image) for image in images), references)
    assert (exact == -1).all()
    found = near == np.arange(len(images))
    assert found.mean() >= 0.99 and set(near[~found]) <= {-1}


@pytest.mark.parametrize("collection", ["sequences", "wild", "angles"])
def test_no_two_persons_are_near_duplicates(collection):
    dataset = rendered_faces.load(collection=collection)
    persons = dataset.frame["subject"].to_numpy()
    found = duplicates.dataset_fingerprints(dataset)
    alike = duplicates.duplicate_pairs(found, correlation=0.8, groups=persons)
    assert set(alike["kind"]) == {"near"} and alike["correlation"].max() < duplicates.CORRELATION - 0.01


def test_frames_of_one_sequence_are_near_duplicates_that_can_be_left_out():
    dataset = rendered_faces.load(collection="sequences", persons=[3], classes=["fear"])
    found = duplicates.dataset_fingerprints(dataset)
    pairs = duplicates.duplicate_pairs(found)
    assert set(pairs["kind"]) == {"near"} and {(0, 1), (1, 2)} <= set(zip(pairs["first"], pairs["second"], strict=True))
    assert duplicates.duplicate_pairs(found, groups=dataset.frame["sequence"].to_numpy()).empty


def test_pairs_name_the_first_of_equal_images_once(wild):
    images, _ = wild
    found = duplicates.fingerprints([images[0], images[1], images[0], brighter(images[1]), images[0]])
    pairs = duplicates.duplicate_pairs(found)
    assert pairs[["first", "second", "kind"]].values.tolist() == [[0, 2, "exact"], [0, 4, "exact"], [1, 3, "near"]]


def test_exact_duplicates_can_be_sought_alone(wild):
    found = duplicates.fingerprints([wild[0][0], brighter(wild[0][0]), wild[0][0]])
    assert duplicates.duplicate_pairs(found, bits=-1)[["first", "second"]].values.tolist() == [[0, 2]]
    exact, near = duplicates.copies(found, wild[1], bits=-1)
    assert (exact.tolist(), near.tolist()) == ([0, -1, 0], [-1, -1, -1])


def test_equal_images_of_one_group_are_left_out_and_those_of_two_groups_kept(wild):
    found = duplicates.fingerprints([wild[0][0]] * 3)
    pairs = duplicates.duplicate_pairs(found, groups=np.array(["a", "a", "b"]))
    assert pairs[["first", "second"]].values.tolist() == [[0, 2]]


def test_pairs_do_not_depend_on_the_size_of_the_blocks(monkeypatch):
    found = duplicates.dataset_fingerprints(rendered_faces.load(collection="sequences", persons=range(3)))
    whole = duplicates.duplicate_pairs(found)
    monkeypatch.setattr(duplicates, "HASHES_AT_ONCE", 3 * len(found))
    monkeypatch.setattr(duplicates, "PAIRS_AT_ONCE", 7)
    assert len(whole) > 100
    in_blocks = duplicates.duplicate_pairs(found)
    assert in_blocks.drop(columns="correlation").equals(whole.drop(columns="correlation"))


def test_hashes_within_reach_are_those_that_differ_in_few_bits():
    first = np.array([0b1011, 0b0000], np.uint64)
    second = np.array([0b0000, 0b1000, 0b1111, 0b1010], np.uint64)
    ((i, j, distance),) = duplicates._pairs_by_hash(first, second, bits=1)
    assert list(zip(i, j, distance, strict=True)) == [(0, 2, 1), (0, 3, 1), (1, 0, 0), (1, 1, 1)]


def test_the_best_copy_among_images_of_the_same_hash_is_found(wild):
    """The nearest hash need not be the copy's, so every candidate is looked at."""
    images, found = wild
    query = duplicates.fingerprints([brighter(images[5])])
    shifted = duplicates.fingerprints([shifted_by_a_pixel(images[5])])
    thumbnails = np.concatenate([found.thumbnails[[7]], shifted.thumbnails, found.thumbnails[[5, 9]]])
    references = duplicates.Fingerprints(found.digests[[1, 2, 3, 4]], query.hashes.repeat(4), thumbnails)
    _, near = duplicates.copies(query, references)
    assert near.tolist() == [2]


def test_exact_and_near_copies_are_found_and_strangers_are_not():
    random = np.random.default_rng(0)
    faces = random.integers(0, 256, (6, 12, 12)).repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)[..., None]
    slightly_brighter = np.clip(faces[1].astype(int) + 6, 0, 255).astype(np.uint8)
    queries = np.stack([faces[4], slightly_brighter, 255 - faces[2]])
    exact, near = duplicates.copies_in_training(queries, faces[:5], bits=4)
    assert exact.tolist() == [4, -1, -1]
    assert near.tolist() == [4, 1, -1]


def test_flat_images_are_near_duplicates_of_nothing():
    flat = np.stack([np.full((40, 40, 1), level, np.uint8) for level in (0, 0, 128, 200)])
    flat[2:, :20] += 1
    pairs = duplicates.duplicate_pairs(duplicates.fingerprints(flat), bits=64, correlation=1e-6)
    assert pairs[["first", "second", "kind"]].values.tolist() == [[0, 1, "exact"]]


def test_a_negative_is_not_alike(wild):
    images, found = wild
    negative = duplicates.fingerprints(255 - images[:5])
    rows = np.arange(5)
    assert (duplicates.aligned_correlations(negative.thumbnails, found.thumbnails, rows, rows) == 0).all()


def test_correlation_is_the_same_both_ways_and_one_with_itself(wild):
    small = wild[1].thumbnails
    one, other = np.arange(100), np.arange(100, 200)
    forth = duplicates.aligned_correlations(small, small, one, other)
    assert forth == pytest.approx(duplicates.aligned_correlations(small, small, other, one), abs=1e-5)
    assert duplicates.aligned_correlations(small, small, one, one) == pytest.approx(1, abs=1e-4)


def test_images_of_different_size_are_read_one_at_a_time():
    dataset = rendered_faces.load(collection="wild", persons=range(2))
    small = crop_to_boxes(dataset, side_pixels=48, grey=True)
    found = duplicates.fingerprints([dataset.read([0])[0], small.read([0])[0]])
    assert len(found) == 2 and found.thumbnails.shape == (2, 32, 32)


def test_two_processes_find_what_one_finds():
    dataset = rendered_faces.load(collection="wild", persons=range(4))
    rows = np.arange(0, len(dataset.frame), 3)
    one, two = (duplicates.dataset_fingerprints(dataset, rows, jobs=jobs) for jobs in (1, 2))
    assert all((getattr(one, name) == getattr(two, name)).all() for name in ("digests", "hashes", "thumbnails"))
    assert len(set(one.digests)) == len(rows)


def test_no_images_have_no_duplicates():
    nothing = duplicates.fingerprints([])
    assert len(nothing) == 0 and duplicates.duplicate_pairs(nothing).empty
    assert [found.tolist() for found in duplicates.copies(nothing, nothing)] == [[], []]


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 1), np.float32), np.zeros((8, 8, 4), np.uint8)])
def test_what_is_no_image_is_refused_by_its_position(image):
    with pytest.raises(ValueError, match="image 1 is .*; expected uint8"):
        duplicates.fingerprints([np.zeros((8, 8, 3), np.uint8), image])
