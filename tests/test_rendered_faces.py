"""The embedded dataset and the crop of its faces."""

import shutil

import numpy as np
import pytest

from fer_utils.datasets import base, registry
from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.loaders import fer2013, rendered_faces
from fer_utils.preprocessing import cropping, detection
from fer_utils.protocols import fer2013_split


@pytest.mark.parametrize(("collection", "images", "side"), [("sequences", 4480, 112), ("angles", 2560, 112), ("wild", 3300, 96)])
def test_a_collection_has_its_images(collection, images, side):
    dataset = rendered_faces.load(collection=collection)
    assert len(dataset.frame) == images
    assert dataset.read([0, images - 1]).shape == (2, side, side, 3)
    assert dataset.frame["subject"].nunique() == 64


def test_sequences_run_from_neutral_to_the_apex():
    frame = rendered_faces.load(collection="sequences").frame
    courses = frame.pivot(index="sequence", columns="position", values="intensity")
    assert courses.shape == (64 * 7, 10)
    assert (courses[0] == 0).all() and (courses[9] > courses[4]).all()


def test_angles_show_every_person_and_class_from_five_sides():
    frame = rendered_faces.load(collection="angles").frame
    assert (frame.groupby(["subject", "label"])["camera"].nunique() == 5).all()
    assert frame.groupby("subject")["label"].nunique().eq(8).all()


@pytest.mark.parametrize("collection", rendered_faces.FILES)
def test_no_person_is_in_two_splits(collection):
    frame = rendered_faces.load(collection=collection).frame
    assert frame.groupby("subject")["split"].nunique().eq(1).all()
    assert set(frame["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("collection", rendered_faces.FILES)
def test_the_face_box_lies_in_the_image(collection):
    dataset = rendered_faces.load(collection=collection)
    side = dataset.read([0]).shape[1]
    x, y, width, height = (dataset.frame[column] for column in cropping.BOX_COLUMNS)
    assert ((width > 20) & (height > 20)).all()
    assert ((x >= 0) & (y >= 0) & (x + width <= side) & (y + height <= side)).all()


@pytest.mark.parametrize(
    ("restriction", "message"),
    [
        ({"collection": "film"}, "no collection 'film'; it has sequences, angles, wild"),
        ({"classes": ["joy"]}, "no class 'joy'; it has anger, contempt"),
        ({"persons": [64]}, "no person 64; it has 0, 1, 2"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(restriction, message):
    with pytest.raises(DatasetError, match=message):
        rendered_faces.load(**restriction)


def test_a_restriction_keeps_only_what_was_asked_for():
    dataset = rendered_faces.load(collection="sequences", classes=["fear"], persons=[3, 5])
    assert set(dataset.frame["label"]) == {"fear"} and set(dataset.frame["person"]) == {3, 5}
    assert dataset.classes == ("fear",)


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_a_missing_or_truncated_file_is_named_with_its_checksum_and_how_to_restore_it(tmp_path, damage):
    for name in rendered_faces.FILES["wild"]:
        shutil.copy(rendered_faces.FOLDER / name, tmp_path)
    damage(tmp_path / "wild.parquet")
    with pytest.raises(DatasetError) as raised:
        rendered_faces.load(tmp_path)
    assert "wild.parquet" in str(raised.value) and rendered_faces.checksums()["wild.parquet"] in str(raised.value)
    assert "git checkout -- fer_utils/datasets/data/rendered_faces/wild.parquet" in str(raised.value)


def test_a_crop_is_centred_on_the_box_and_repeats_the_border():
    image = np.zeros((20, 30, 1), np.uint8)
    image[5:9, 10:14] = 200
    assert (cropping.square_crop(image, (10, 5, 4, 4), 0.0, 4) == 200).all()
    wider = cropping.square_crop(image, (10, 5, 4, 4), 1.0, 8)
    assert wider.shape == (8, 8, 1) and wider[2:6, 2:6].min() == 200 and wider[0].max() == 0
    assert (cropping.square_crop(np.full((4, 4, 3), 7, np.uint8), (-2, -2, 8, 8), 0.5, 6) == 7).all()


def test_fer2013_form_is_grey_48_pixels_and_seven_classes():
    dataset = fer2013_split.fer2013_faces(registry.load("rendered_faces"))
    assert dataset.read([0, 1]).shape == (2, 48, 48, 1)
    assert dataset.classes == fer2013.CLASSES


def test_auto_takes_the_real_dataset_only_where_it_is(tmp_path):
    assert registry.choose("auto", "fer2013", "") == "rendered_faces"
    assert registry.choose("auto", "fer2013", tmp_path) == "rendered_faces"
    (tmp_path / "fer2013").mkdir()
    assert registry.choose("auto", "fer2013", tmp_path) == "fer2013"
    with pytest.raises(base.MissingDataset, match="does not exist"):
        registry.choose("auto", "fer2013", tmp_path / "nowhere")


def test_haar_finds_frontal_rendered_faces_and_no_face_in_noise():
    dataset = rendered_faces.load(collection="sequences", persons=range(6), classes=["happiness"])
    boxes = [detection.haar_boxes(image) for image in dataset.read(dataset.frame.index)]
    assert np.mean([len(found) > 0 for found in boxes]) >= 0.95
    assert detection.haar_boxes(np.zeros((60, 60, 1), np.uint8)).shape == (0, 4)


def test_a_dataset_without_boxes_must_be_detected_first(fer2013_folder):
    with pytest.raises(ValueError, match="no column face_x"):
        cropping.crop_to_boxes(registry.load("fer2013", fer2013_folder.parent), side_pixels=48, grey=True)
