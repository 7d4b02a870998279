"""Copies of training clips by class."""

import numpy as np
import pytest

from fer_utils.claims.schema import load_claims
from fer_utils.preprocessing import clip_augmentation, images
from fer_utils.preprocessing.clip_augmentation import CKPLUS_COPIES, OULU_CASIA_COPIES, Copies, augmented_clips

CLASSES = tuple(CKPLUS_COPIES)
CLIPS = np.random.default_rng(0).integers(0, 256, (7, 3, 24, 24, 3)).astype(np.uint8)
LABELS = np.arange(7)


def copies_of_one(clip, copies, seed=0):
    """The copies of one clip, without the clip."""
    return augmented_clips(clip[None], np.zeros(1, int), ["anger"], {"anger": copies}, seed).clips[1:]


def test_the_copies_by_class_are_the_printed_ones():
    claims = load_claims("ckplus_oulu_3dcnn")
    printed = {name: Copies(*counts) for name, counts in claims["ckplus_augmentation_copies"].value.items()}
    printed["happiness"] = printed.pop("happy")
    assert printed == CKPLUS_COPIES
    every = Copies(*claims["oulu_augmentation_copies"].value["all"])
    assert dict.fromkeys(claims["oulu_class_names"].value, every) == OULU_CASIA_COPIES


def test_each_class_gets_its_number_of_copies():
    made = augmented_clips(CLIPS, LABELS, CLASSES, CKPLUS_COPIES, 0)
    counts = dict(zip(CLASSES, np.bincount(made.labels).tolist(), strict=True))
    assert counts == {"anger": 5, "contempt": 13, "disgust": 4, "fear": 10, "happiness": 4, "sadness": 9, "surprise": 3}


def test_originals_come_first_and_every_copy_names_its_original():
    made = augmented_clips(CLIPS[:3], np.array([6, 2, 6]), CLASSES, CKPLUS_COPIES, 0)
    assert np.array_equal(made.clips[:3], CLIPS[:3])
    assert made.source.tolist() == [0, 1, 2, 0, 0, 1, 1, 1, 2, 2] and made.source.dtype == np.int64
    assert made.labels.tolist() == [6, 2, 6, 6, 6, 2, 2, 2, 6, 6] and made.labels.dtype == np.int64


def test_a_flip_is_the_exact_mirror_image_of_each_frame():
    (flipped,) = copies_of_one(CLIPS[0], Copies(1, 0, 0))
    assert np.array_equal(flipped, CLIPS[0, :, :, ::-1]) and not np.array_equal(flipped, CLIPS[0])


def test_contrast_worked_out_by_hand(monkeypatch):
    monkeypatch.setattr(clip_augmentation, "CONTRAST_FACTORS", (2.0, 2.0))
    clip = np.array([0, 60, 100, 127, 200, 255], np.uint8).reshape(1, 2, 3, 1)
    (changed,) = copies_of_one(clip, Copies(0, 0, 1))
    assert changed.ravel().tolist() == [0, 0, 73, 127, 255, 255]


def test_contrast_factors_differ_between_copies_and_stay_in_the_printed_range():
    ramp = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    changed = copies_of_one(ramp, Copies(0, 0, 200)).reshape(200, 256).astype(float)
    factors = (changed[:, 177] - changed[:, 77]) / 100  # never clipped: 50 * 2.2 < 127
    assert len(set(factors)) > 50 and 0.21 <= factors.min() < 0.3 and 2.1 < factors.max() <= 2.21


def test_a_rotation_by_a_right_angle_is_exact(monkeypatch):
    monkeypatch.setattr(clip_augmentation, "ROTATION_DEGREES", (90.0, 90.0))
    (rotated,) = copies_of_one(CLIPS[0], Copies(0, 1, 0))
    assert np.array_equal(rotated, np.rot90(CLIPS[0], axes=(1, 2)))


def test_rotations_turn_both_ways_around_the_centre_by_at_most_30_degrees():
    clip = np.zeros((1, 101, 101, 1), np.uint8)
    clip[0, 48:53, 78:83] = 200  # a spot 30 pixels to the right of the centre
    rotated = copies_of_one(clip, Copies(0, 100, 0))[:, 0, :, :, 0].astype(float)
    rows, columns = np.mgrid[:101, :101] - 50
    y, x = ((rotated * axis).sum(axis=(1, 2)) / rotated.sum(axis=(1, 2)) for axis in (rows, columns))
    angles = np.degrees(np.arctan2(y, x))
    assert np.allclose(np.hypot(x, y), 30, atol=0.1)
    assert -30.1 < angles.min() < -25 and 25 < angles.max() < 30.1


def test_a_rotation_lets_no_black_corner_in():
    assert np.all(copies_of_one(np.full((1, 20, 30, 3), 90, np.uint8), Copies(0, 5, 0)) == 90)


def test_all_frames_of_a_copy_are_changed_alike_and_copies_differ():
    clip = np.repeat(CLIPS[0, :1], 4, axis=0)
    made = copies_of_one(clip, Copies(0, 3, 3))
    assert np.array_equal(made, np.repeat(made[:, :1], 4, axis=1))
    assert len(np.unique(made[:, 0].reshape(6, -1), axis=0)) == 6


def test_the_same_seed_gives_the_same_copies_and_another_seed_others():
    first, again, other = (augmented_clips(CLIPS, LABELS, CLASSES, CKPLUS_COPIES, seed).clips for seed in (3, 3, 4))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_equal_clips_of_other_numbers_get_other_copies():
    made = augmented_clips(CLIPS[[0, 0]], np.zeros(2, int), ["anger"], {"anger": Copies(0, 1, 0)}, 0)
    assert not np.array_equal(made.clips[2], made.clips[3])


def test_the_copies_of_a_clip_do_not_depend_on_the_clips_beside_it():
    whole = augmented_clips(CLIPS, LABELS, CLASSES, CKPLUS_COPIES, 0)
    part = augmented_clips(CLIPS[[5, 1]], LABELS[[5, 1]], CLASSES, CKPLUS_COPIES, 0, numbers=np.array([5, 1]))
    for place, number in enumerate([5, 1]):
        assert np.array_equal(part.clips[part.source == place], whole.clips[whole.source == number])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("frames", [1, 3])
def test_grey_and_colour_clips_of_any_length_keep_shape_and_dtype(channels, frames):
    made = augmented_clips(CLIPS[:, :frames, :, :20, :channels], LABELS, CLASSES, CKPLUS_COPIES, 0)
    assert made.clips.shape == (48, frames, 24, 20, channels) and made.clips.dtype == np.uint8


def test_clips_without_copies_stay_as_they_are():
    made = augmented_clips(CLIPS, LABELS, CLASSES, dict.fromkeys(CLASSES, Copies(0, 0, 0)), 0)
    assert np.array_equal(made.clips, CLIPS) and made.source.tolist() == list(range(7))


def test_equalising_clips_equalises_each_frame_by_itself():
    equalised = images.clahe(CLIPS)
    assert np.array_equal(equalised[4, 2], images.clahe(CLIPS[4, 2])) and not np.array_equal(equalised, CLIPS)


@pytest.mark.parametrize(
    ("clips", "labels", "error", "message"),
    [
        (CLIPS / 255, LABELS, TypeError, "dtype float64, expected uint8"),
        (CLIPS[0], LABELS[:3], ValueError, r"shape \(3, 24, 24, 3\), expected \(clips, frames"),
        (CLIPS, LABELS[:5], ValueError, "7 clips, 5 labels and 7 numbers"),
        (CLIPS, LABELS + 1, ValueError, "labels from 1 to 7, expected numbers of 7 classes"),
    ],
)
def test_bad_clips_and_labels_are_refused(clips, labels, error, message):
    with pytest.raises(error, match=message):
        augmented_clips(clips, labels, CLASSES, CKPLUS_COPIES, 0)


def test_a_class_without_counts_is_named():
    with pytest.raises(ValueError, match="no copies given for class contempt; there are anger, disgust"):
        augmented_clips(CLIPS, LABELS, CLASSES, OULU_CASIA_COPIES, 0)


@pytest.mark.parametrize("counts", [(2, 0, 0), (-1, 0, 0), (0, -1, 0), (0, 0, -1)])
def test_impossible_counts_of_copies_are_refused(counts):
    with pytest.raises(ValueError, match="expected flip 0 or 1"):
        Copies(*counts)
