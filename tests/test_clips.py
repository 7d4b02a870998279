"""Clips of fixed length and chosen frames from sequences."""

import numpy as np
import pandas as pd
import pytest

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.preprocessing import clips, cropping


def made_sequences(lengths, **columns) -> FaceDataset:
    """Sequences A, B, ... of the given lengths, whose frames are 2 x 2 grey images of the value of their row."""
    names = [name for name, length in zip("ABCDEF", lengths, strict=False) for _ in range(length)]
    positions = [position for length in lengths for position in range(length)]
    given = {"label": ["anger"] * len(names), "subject": [f"person of {name}" for name in names], "split": "all"}
    frame = pd.DataFrame({"image": np.arange(len(names)), "sequence": names, "position": positions} | given | columns)
    pixels = np.arange(len(names), dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 1), np.uint8)
    classes = tuple(dict.fromkeys(frame["label"]))
    return FaceDataset("made", frame, classes, "none", True, False, True, "made", lambda rows: pixels[np.asarray(rows)])


def test_a_clip_is_the_last_frames_of_its_sequence():
    assert clips.last_frames(made_sequences([5, 3]), 3).rows.tolist() == [[2, 3, 4], [5, 6, 7]]


def test_a_short_sequence_is_padded_by_repeating_its_last_frame():
    made = clips.last_frames(made_sequences([5, 2]), 4)
    assert made.rows.tolist() == [[1, 2, 3, 4], [5, 6, 6, 6]] and made.rows.dtype == np.int64


def test_a_clip_of_one_frame_is_padded_by_repeating_it():
    assert clips.last_frames(made_sequences([1]), 3).rows.tolist() == [[0, 0, 0]]


def test_frames_are_in_the_order_of_their_positions_whatever_the_order_of_the_rows():
    dataset = made_sequences([4], position=[30, 10, 40, 20])
    assert clips.last_frames(dataset, 4).rows.tolist() == [[1, 3, 0, 2]]


def test_sequences_whose_rows_are_mixed_are_kept_apart():
    dataset = made_sequences([4], sequence=["A", "B", "A", "B"], position=[1, 0, 0, 1], subject="one")
    made = clips.last_frames(dataset, 2)
    assert made.rows.tolist() == [[2, 0], [1, 3]] and made.sequences.tolist() == ["A", "B"]


def test_clips_carry_label_number_subject_and_sequence():
    dataset = made_sequences([2, 1], label=["fear", "fear", "anger"])
    made = clips.last_frames(dataset, 2)
    assert made.labels.tolist() == [0, 1] and made.labels.dtype == np.int64
    assert made.subjects.tolist() == ["person of A", "person of B"] and made.sequences.tolist() == ["A", "B"]


def test_reading_gives_the_pixels_of_each_frame_in_order():
    made = clips.last_frames(made_sequences([3, 1]), 2)
    pixels = made.read([1, 0])
    assert pixels.shape == (2, 2, 2, 2, 1) and pixels.dtype == np.uint8
    assert pixels[:, :, 0, 0, 0].tolist() == [[3, 3], [1, 2]]


def test_a_repeated_frame_is_read_once():
    asked = []
    dataset = made_sequences([1])
    made = clips.last_frames(dataset, 10)
    read = dataset.read
    object.__setattr__(dataset, "read", lambda rows: asked.extend(rows) or read(rows))
    assert made.read([0]).shape == (1, 10, 2, 2, 1) and asked == [0]


def test_first_frames_become_neutral_beside_the_last_frames_and_are_counted():
    dataset = made_sequences([5, 4], label=["fear"] * 5 + ["anger"] * 4)
    eight, counts = clips.onset_as_neutral(dataset, apex_frames=3)
    assert eight.frame["image"].tolist() == [0, 2, 3, 4, 5, 6, 7, 8]
    assert eight.frame["label"].tolist() == ["neutral", *["fear"] * 3, "neutral", *["anger"] * 3]
    assert eight.classes == ("fear", "anger", "neutral") and counts == {"fear": 3, "anger": 3, "neutral": 2}
    assert eight.read([1])[0, 0, 0, 0] == 2 and dataset.frame["label"].iloc[0] == "fear"


def test_the_rendered_sequences_give_one_neutral_frame_each():
    _, counts = clips.onset_as_neutral(rendered_faces.load(collection="sequences"), apex_frames=3)
    assert counts["neutral"] == 448 and counts["fear"] == 192


def test_a_sequence_too_short_for_neutral_and_apex_is_named():
    with pytest.raises(DatasetError, match=r"sequence B has 3 frames, 4 are needed.*\(1 such sequences\)"):
        clips.onset_as_neutral(made_sequences([4, 3]), apex_frames=3)


@pytest.mark.parametrize("column", ["label", "subject"])
def test_a_sequence_with_two_labels_or_two_subjects_is_named(column):
    dataset = made_sequences([2, 3], **{column: ["fear", "fear", "anger", "fear", "anger"]})
    with pytest.raises(DatasetError, match=f"sequence B has 2 {column}s: anger, fear"):
        clips.last_frames(dataset, 2)


def test_a_sequence_that_lacks_a_subject_in_some_frames_is_named():
    with pytest.raises(DatasetError, match="sequence A has 2 subjects"):
        clips.last_frames(made_sequences([2], subject=["one", None]), 2)


@pytest.mark.parametrize(
    ("positions", "message"),
    [([0, None, 2], "sequence A has no position in row 1"), ([0, 1, 1], "sequence A has position 1 twice")],
)
def test_missing_and_repeated_positions_are_named(positions, message):
    with pytest.raises(DatasetError, match=message):
        clips.last_frames(made_sequences([3], position=positions), 2)


def test_frames_that_were_dropped_leave_a_gap_and_no_error():
    kept = cropping.keep_rows(made_sequences([5]), np.array([0, 1, 4]), "without two")
    made = clips.last_frames(kept, 2)
    assert made.read([0])[0, :, 0, 0, 0].tolist() == [1, 4]


def test_images_without_sequences_are_refused():
    dataset = made_sequences([2], sequence=["A", None])
    for cut in (lambda: clips.last_frames(dataset, 2), lambda: clips.evenly_spaced(dataset, 1)):
        with pytest.raises(DatasetError, match="1 of 2 images belong to no sequence"):
            cut()


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        (lambda dataset: clips.last_frames(dataset, 0), "frames 0"),
        (lambda dataset: clips.evenly_spaced(dataset, 0), "frames 0"),
        (lambda dataset: clips.onset_as_neutral(dataset, 0), "apex_frames 0"),
    ],
)
def test_a_bad_setting_is_refused(cut, message):
    with pytest.raises(ValueError, match=message):
        cut(made_sequences([3]))


def test_cropped_sequences_become_clips_of_the_papers_shape():
    dataset = rendered_faces.load(collection="sequences", persons=[0], classes=["fear", "surprise"])
    cropped, _ = cropping.crop_faces(dataset, detector="yunet", side_pixels=112)
    made = clips.last_frames(cropped, 10)
    assert made.read([0, 1]).shape == (2, 10, 112, 112, 3)
