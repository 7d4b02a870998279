"""Choosing what a chapter works on: people, frames, whole images, stand-ins; and what is said of them together."""

import dataclasses

import numpy as np
import pytest

from fer_utils.claims import schema, verdicts
from fer_utils.datasets import registry
from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.evaluation import metrics
from fer_utils.figures import faces, tables
from fer_utils.preprocessing import clips, cropping
from fer_utils.results import records


@pytest.fixture(scope="module")
def sequences():
    return rendered_faces.load(collection="sequences", persons=range(4), classes=["anger", "surprise"])


def test_evenly_spaced_frames_include_the_first_and_the_last(sequences):
    chosen = clips.evenly_spaced(sequences, 4)
    assert chosen.frame.groupby("sequence")["position"].agg(list).map(tuple).unique().tolist() == [(0, 3, 6, 9)]
    single = clips.evenly_spaced(sequences, 1)
    assert set(single.frame["position"]) == {5} and len(single.frame) == 8


def test_people_are_kept_in_the_order_of_their_names(sequences):
    two = cropping.keep_subjects(sequences, 2)
    assert sorted(two.frame["subject"].unique()) == ["person 00", "person 01"]
    assert cropping.keep_subjects(sequences, 0) is sequences and cropping.keep_subjects(sequences, 9) is sequences
    assert two.fingerprint != sequences.fingerprint


def real_looking(labels_of):
    """A real dataset without images, by subject the classes that each shows."""
    pairs = [(subject, label) for subject, labels in labels_of.items() for label in labels]
    sequences = rendered_faces.load(collection="sequences", persons=range(1))
    frame = sequences.frame.iloc[[0] * len(pairs)].reset_index(drop=True)
    frame = frame.assign(subject=[subject for subject, _ in pairs], label=[label for _, label in pairs])
    return dataclasses.replace(sequences, frame=frame, real=True, official=True, name="ckplus")


def test_people_are_chosen_so_that_a_rare_class_occurs_twice():
    labels_of = {f"S{number:02}": ["anger", "fear"] for number in range(20)} | {"S18": ["anger", "contempt"], "S19": ["contempt"]}
    kept = cropping.keep_subjects(real_looking(labels_of), 5)
    assert sorted(kept.frame["subject"].unique()) == ["S00", "S01", "S02", "S18", "S19"]
    assert not kept.official and kept.remarks[-1] == "5 of 20 people"
    common = cropping.keep_subjects(real_looking({name: ["anger"] for name in labels_of}), 5)
    assert sorted(common.frame["subject"].unique()) == ["S00", "S01", "S02", "S03", "S04"]


def test_too_few_people_for_every_class_are_refused():
    with pytest.raises(DatasetError, match="1 people of ckplus do not show (anger|fear); ask for more"):
        cropping.keep_subjects(real_looking({"a": ["anger"], "b": ["fear"], "c": ["anger"]}), 1)


def test_whole_images_are_squeezed_to_a_square(sequences):
    small = cropping.whole_images(sequences, side_pixels=20)
    assert small.read([0, 5]).shape == (2, 20, 20, 3)
    assert abs(small.read([3]).mean() - sequences.read([3]).mean()) < 2


@pytest.mark.parametrize("name", registry.STAND_INS)
def test_every_dataset_has_a_stand_in_with_its_classes(name):
    stand_in = registry.load_or_stand_in(name)
    assert not stand_in.real and set(stand_in.classes) == set(registry.STAND_INS[name][1])


def test_several_datasets_are_real_only_where_all_are(sequences):
    real = sequences.summary().model_copy(update={"real": True, "name": "kdef", "remarks": ("small",)})
    both = records.together([real, sequences.summary()], ["kdef", "rafd"])
    assert not both.real and both.name == "kdef, rendered_faces" and both.remarks == ("kdef: small",)
    assert set(both.counts) == {f"{name}, {split}" for name in ("kdef", "rafd") for split in sequences.counts()}


def test_a_difference_on_the_same_images_is_drawn_over_subjects():
    right = np.array([1, 1, 1, 0, 0, 0, 1, 0])
    other = np.array([1, 0, 1, 0, 0, 0, 0, 0])
    subjects = np.repeat(["a", "b", "c", "d"], 2)
    metric = metrics.cluster_bootstrap_difference("gain", right, other, subjects, "images")
    assert metric.value == 25 and metric.low <= 25 <= metric.high and metric.unit == "percentage_points"
    same = metrics.cluster_bootstrap_difference("none", right, right, subjects, "images")
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_measurement_on_other_data_is_not_shown_beside_the_claim():
    paper = schema.load_claims("bp4d_vgg16_holdout")
    metric = records.Metric(name="test", value=18, low=10, high=20, n=100)
    judgement = verdicts.judge(paper["mean_accuracy"], records.Measurement(sound=metric, lacking="data"))
    assert judgement.verdict is verdicts.Verdict.NOT_POSSIBLE and judgement.measured is None


def test_softmax_bars_of_a_face_that_may_not_be_shown_have_a_stand_in():
    face = np.full((48, 48, 3), 77, np.uint8)
    drawn = faces.softmax_bars(
        {"kdef": face},
        {"kdef": np.array([0.25, 0.75])},
        {"kdef": ("anger", "fear")},
        {"kdef": "fear"},
        publishable={"kdef": False},
    )
    assert not np.array_equal(np.asarray(drawn.axes[0].images[0].get_array()), face)


def test_an_overlay_is_brighter_where_the_evidence_is():
    evidence = np.zeros((1, 8, 8), np.float32)
    evidence[0, :, 4:] = 1
    shown = faces.overlay(np.full((1, 8, 8, 1), 100, np.uint8), evidence)
    assert shown.shape == (1, 8, 8, 3) and shown[0, :, 4:].mean() > shown[0, :, :4].mean() + 30


def test_a_run_says_where_the_weights_it_asked_for_could_not_be_had():
    assert "/home" not in tables.weights_notice("/home/me/mine.h5", "/home/me/mine.h5").data
    assert "could not be downloaded" in tables.weights_notice("imagenet", "none").data
    assert tables.weights_notice("none", "none").data == "" and "imagenet" in tables.weights_notice("imagenet", "imagenet").data


def test_the_notice_names_what_is_published_what_is_not_and_what_is_rendered(sequences):
    real = dataclasses.replace(sequences, real=True, official=True)
    part = dataclasses.replace(sequences, real=True, official=False, remarks=("5 of 20 people",))
    text = tables.data_notice({"FER2013": real, "JAFFE": part, "CK+": sequences}).data
    assert "published images of FER2013." in text and "JAFFE are not the published set</strong> (5 of 20 people)" in text
    assert "Rendered faces stand in for CK+." in text and "No verdict" in text
    assert "No verdict" not in tables.data_notice({"FER2013": real, "JAFFE": real}).data
    assert "images of A, B and C." in tables.data_notice(dict.fromkeys("ABC", real)).data
