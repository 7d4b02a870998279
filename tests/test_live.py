"""Exported networks, and the program that recognises several people's expressions in films and camera pictures."""

import csv
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
import zipfile
import zlib
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from conftest import ROOT, fer_book
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from fer_utils.book import cli
from fer_utils.figures import style
from fer_utils.live import drawing, export, fast_yunet, loop, sources
from fer_utils.live.export import LiveError
from fer_utils.live.fast_yunet import FastYuNet
from fer_utils.live.recognition import STAGES, Face, Recogniser, Tracker, grey_crop, live_detector, overlap
from fer_utils.live.rendered_video import multi_face_frames
from fer_utils.live.sinks import FilmSink, Window, picture_sink, stream_sink, write_image
from fer_utils.models import augmentation, fer2013, registry
from fer_utils.preprocessing import cropping
from fer_utils.preprocessing.detection import YuNetDetector
from fer_utils.preprocessing.images import to_grey
from fer_utils.results import paths
from fer_utils.results.paths import asset

CLASSES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
SHIPPED = asset("models/fer2013_cnn.int8.tflite")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that several tests share, as an export takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_BOOK_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def published():
    return registry.published("fer2013_cnn")


@pytest.fixture(scope="module")
def recogniser(cache):
    return Recogniser(FastYuNet(), export.open_classifier(SHIPPED))


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Twenty frames of two people."""
    return write_film(tmp_path_factory.mktemp("film") / "two.mp4", list(multi_face_frames(2, 20)))


def write_film(path, frames):
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), 25, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def frames_of(path):
    return [frame.image for frame in sources.open_source(str(path))]


def small_network():
    inputs = keras.Input((12, 12, 1), dtype="uint8")
    scaled = keras.layers.Rescaling(1 / 255, dtype="float32")(inputs)
    outputs = keras.layers.Dense(3, activation="softmax")(keras.layers.Flatten()(augmentation.augmentation(1.0, 0)(scaled)))
    return keras.Model(inputs, outputs, name="small")


# Exported networks


def test_the_shipped_network_equals_the_published_weights(published):
    classifier = export.open_classifier(asset("models/fer2013_cnn.tflite"))
    faces = export.rendered_crops(48)
    assert np.abs(classifier(faces) - published.predict(faces, verbose=0)).max() < 1e-4
    assert classifier.card.weights_sha256 == paths.digest_of(*published.get_weights())
    assert classifier.card.classes == CLASSES and classifier.card.largest_difference < 1e-4


@pytest.mark.parametrize("network", ["fer2013_cnn", "mobilenet_center_loss"])
def test_the_shipped_int8_network_agrees_as_its_card_says(network):
    classifier, model = export.open_classifier(export.model_file(network, "int8")), registry.published(network)
    faces = export.rendered_crops(48)
    agreement = (classifier(faces).argmax(axis=1) == model.predict(faces, verbose=0).argmax(axis=1)).mean()
    assert agreement == pytest.approx(classifier.card.agreement, abs=0.01) and agreement > 0.98
    assert classifier.card.precision == "int8" and classifier.card.classes == CLASSES
    assert classifier.card.weights_sha256 == paths.digest_of(*model.get_weights())


def test_no_file_of_a_shipped_network_is_over_14_megabytes():
    assert max(path.stat().st_size for path in asset("models").iterdir()) < 14e6


@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_an_exported_network_gives_the_probabilities_of_its_keras_model(ending, tmp_path):
    model = small_network()
    card = export.export(model, ("a", "b", "c"), tmp_path / f"small{ending}")
    classifier = export.open_classifier(tmp_path / f"small{ending}")
    faces = np.random.default_rng(0).integers(0, 256, (5, 12, 12, 1)).astype(np.uint8)
    for batch in (faces, faces[:1], faces[:3]):
        found = classifier(batch)
        assert found.dtype == np.float32 and np.abs(found - model.predict(batch, verbose=0)).max() < 1e-4
    assert classifier.card == card and card.classes == ("a", "b", "c") and card.largest_difference < 1e-4
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("ending", [".tflite", ".onnx"])
def test_a_network_with_centre_loss_is_exported_with_its_weights(ending, tmp_path):
    model = registry.build("mobilenet_center_loss", width=0.05)
    card = export.export(model, CLASSES, tmp_path / f"narrow{ending}")
    assert card.largest_difference < 1e-4 and card.agreement == 1


def test_a_network_is_exported_once_for_its_weights(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(registry, "published", lambda name: calls.append(name) or small_network())
    first = export.exported("fer2013_cnn", ".tflite", "float32")
    assert export.exported("fer2013_cnn", ".tflite", "float32") == first and calls == ["fer2013_cnn"]
    assert first.is_relative_to(tmp_path)


def test_an_export_that_does_not_agree_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    other = small_network()
    convert = export._litert
    monkeypatch.setattr(export, "_litert", lambda model, precision: convert(other, precision))
    with pytest.raises(LiveError, match=r"small.tflite was not kept, as it does not agree"):
        export.export(small_network(), ("a", "b", "c"), tmp_path / "small.tflite")
    assert list(tmp_path.iterdir()) == []


def test_the_live_program_starts_without_keras_and_tensorflow():
    code = (
        "import sys; from fer_utils.book import cli; from fer_utils.live import export, loop, sinks; "
        "export.open_classifier(export.model_file('fer2013_cnn', 'int8')); "
        "print([name for name in ('tensorflow', 'keras', 'matplotlib', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"


def without_card(path):
    with zipfile.ZipFile(SHIPPED) as archive:
        path.write_bytes(SHIPPED.read_bytes()[: archive.start_dir - archive.getinfo("card.json").file_size - 39])


def with_other_classes(path):
    with zipfile.ZipFile(SHIPPED) as archive:
        card = json.loads(archive.read("card.json")) | {"classes": ["happy", "sad"]}
    without_card(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("card.json", json.dumps(card))


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("missing.tflite", lambda path: None, "does not exist"),
        ("network.h5", lambda path: path.write_bytes(b"x"), "expected a file .tflite or .onnx"),
        ("noise.tflite", lambda path: path.write_bytes(b"noise" * 99), "has no card"),
        ("noise.onnx", lambda path: path.write_bytes(b"noise" * 99), "is no ONNX network"),
        ("cut.tflite", lambda path: path.write_bytes(SHIPPED.read_bytes()[:200_000]), "has no card"),
        ("foreign.tflite", without_card, "has no card that names its classes"),
        ("other.tflite", with_other_classes, "gives 7 classes, but its card names happy, sad"),
    ],
)
def test_a_file_that_is_no_exported_network_is_refused(name, write, message, tmp_path):
    write(tmp_path / name)
    with pytest.raises(LiveError, match=message):
        export.open_classifier(tmp_path / name)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: export.model_file("resnet", "float32"), "no network 'resnet' has published weights; there are fer2013_cnn"),
        (lambda: export.model_file("fer2013_cnn", "int4"), "precision 'int4'; there are float32, int8"),
        (lambda: export.export(None, (), Path("network.onnx"), "int8"), "int8 is for .tflite only"),
        (lambda: export.export(None, (), Path("network.pb")), "expected .tflite or .onnx"),
        (
            lambda: export.export(fer2013.small_cnn(channels=3), (), Path("network.onnx")),
            r"shape \(72, 72, 3\).*square grey faces",
        ),
        (lambda: live_detector("mtcnn"), "no detector 'mtcnn'; there are yunet, haar"),
    ],
)
def test_an_unknown_network_precision_ending_or_detector_is_named(ask, message):
    with pytest.raises(LiveError, match=message):
        ask()


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(LiveError, match=r"ai_edge_litert is missing.*pip install 'fer-utils\[live\]'"):
        export.open_classifier(SHIPPED)


# Recognising


def test_yunet_by_onnx_runtime_finds_the_boxes_of_opencv(cache):
    ours, opencv = FastYuNet(), YuNetDetector()
    frames = [next(multi_face_frames(faces)) for faces in (1, 3, 5)]
    wide = cv2.resize(frames[2], (1280, 720))
    for image in (*frames, wide, frames[1].transpose(1, 0, 2), frames[0][:200, :131], frames[2][..., :1]):
        (found, scores), (expected, expected_scores) = ours.detect(image), opencv.detect(np.ascontiguousarray(image))
        assert len(found) == len(expected)
        assert np.allclose(found, expected, atol=0.01) and np.allclose(scores, expected_scores, atol=1e-4)


class FixedBoxes:
    """A detector that finds what it was told."""

    settings = "fixed"

    def __init__(self, boxes):
        self.boxes = np.array(boxes, np.float64).reshape(-1, 4)

    def detect(self, image):
        return self.boxes, np.ones(len(self.boxes))


class Counting:
    """A classifier that notes its batches and knows nothing."""

    side_pixels = 48
    card = export.ExportCard(
        network="none",
        classes=CLASSES,
        precision="float32",
        weights_sha256="",
        compared_faces=0,
        agreement=1,
        largest_difference=0,
    )

    def __init__(self):
        self.batches = []

    def __call__(self, faces):
        self.batches.append(faces)
        return np.full((len(faces), 7), 1 / 7, np.float32)


def test_several_faces_are_classified_in_one_batch(cache):
    counting = Counting()
    recognition = Recogniser(FastYuNet(), counting).recognise(next(multi_face_frames(4)))
    assert len(recognition.faces) == 4 and [batch.shape for batch in counting.batches] == [(4, 48, 48, 1)]
    assert all(taken > 0 for taken in recognition.stage_ms)


def test_a_face_is_classified_alike_alone_and_beside_others(recogniser):
    frame = next(multi_face_frames(3))
    together = recogniser.recognise(frame).faces
    for face in together:
        alone = Recogniser(FixedBoxes([face.box]), recogniser._classifier).recognise(frame).faces
        assert np.allclose(alone[0].probabilities, face.probabilities, atol=1e-6)


boxes_inside = st.tuples(st.integers(0, 90), st.integers(0, 60), st.integers(1, 99), st.integers(1, 69)).map(
    lambda box: (box[0] + 0.3, box[1] + 0.6, min(box[2], 99 - box[0]) + 0.5, min(box[3], 69 - box[1]) + 0.2)
)


@given(boxes_inside)
def test_a_grey_crop_is_the_square_crop_of_the_grey_frame(box):
    frame = np.random.default_rng(0).integers(0, 256, (70, 100, 3)).astype(np.uint8)
    assert np.array_equal(grey_crop(frame, box, 48), cropping.square_crop(to_grey(frame), box, 0.0, 48))


def test_a_frame_without_a_face_is_not_classified(cache):
    counting = Counting()
    recognition = Recogniser(FastYuNet(), counting).recognise(np.full((480, 640, 3), 90, np.uint8))
    assert recognition.faces == () and counting.batches == [] and recognition.stage_ms[1:] == (0, 0)


@pytest.mark.parametrize("box", [(-0.0, 0, 60, 80), (600, 440, 40, 40), (0, 0, 640, 480), (639, 479, 1, 1)])
def test_a_face_at_the_border_is_cut_and_drawn(box, recogniser):
    frame = next(multi_face_frames(1))
    faces = Recogniser(FixedBoxes([box]), recogniser._classifier).recognise(frame).faces
    assert faces[0].probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert drawing.annotated(frame, faces, CLASSES, "", False).shape == frame.shape


def test_fifty_faces_are_recognised_followed_and_drawn(recogniser):
    boxes = [(64 * column, 96 * row, 50, 60) for row in range(5) for column in range(10)]
    crowd = Recogniser(FixedBoxes(boxes), recogniser._classifier)
    tracker, frame = Tracker(0.3), next(multi_face_frames(5))
    tracker.update(crowd.recognise(frame).faces, 0)
    faces = tracker.update(crowd.recognise(frame).faces[::-1], 0.04)
    assert [face.number for face in faces] == list(range(50, 0, -1))
    assert not np.array_equal(drawing.annotated(frame, faces, CLASSES, "", False), frame)


def test_the_stage_table_has_a_row_per_stage_and_number_of_faces(recogniser):
    table = loop.stage_times(recogniser, faces=(1, 3), frames=6, warm_up=2)
    assert table["faces"].tolist() == [1] * 4 + [3] * 4 and table["stage"].tolist() == [*STAGES, "total"] * 2
    assert table["found"].tolist() == [1] * 4 + [3] * 4 and (table["frames"] == 6).all()
    assert (table["median_ms"] > 0).all() and (table["p95_ms"] >= table["median_ms"]).all()


def test_the_rendered_people_are_all_found_in_every_frame_and_are_the_same_again(cache):
    detector = FastYuNet()
    for count in range(1, 6):
        frames = list(multi_face_frames(count, 160))[::20]
        assert {frame.shape for frame in frames} == {(480, 640, 3)}
        assert [len(detector.detect(frame)[0]) for frame in frames] == [count] * 8
    assert np.array_equal(frames[3], list(multi_face_frames(5, 61))[60])


@pytest.mark.parametrize(("faces", "frames"), [(0, 5), (6, 5), (1, 0)])
def test_another_number_of_rendered_people_is_refused(faces, frames):
    with pytest.raises(ValueError, match="expected 1 to 5 faces"):
        multi_face_frames(faces, frames)


# Following


def face(x, probabilities=(1.0, 0.0)):
    return Face((x, 0.0, 10.0, 10.0), np.array(probabilities))


def test_a_face_keeps_its_number_when_the_order_changes():
    tracker = Tracker(0.3)
    assert [each.number for each in tracker.update([face(0), face(50)], 0)] == [1, 2]
    assert [each.number for each in tracker.update([face(52), face(2), face(90)], 0.04)] == [2, 1, 3]


def test_the_better_overlap_keeps_the_number():
    tracker = Tracker(0.3)
    tracker.update([face(0)], 0)
    assert [each.number for each in tracker.update([face(4), face(1)], 0.04)] == [2, 1]


def test_probabilities_approach_new_ones_with_the_time_constant():
    tracker = Tracker(0.3)
    tracker.update([face(0, (1.0, 0.0))], 0)
    kept = np.exp(-1)
    assert tracker.update([face(0, (0.0, 1.0))], 0.3)[0].probabilities == pytest.approx([kept, 1 - kept])
    assert tracker.update([face(0, (0.0, 1.0))], 0.6)[0].probabilities == pytest.approx([kept**2, 1 - kept**2])


def test_no_smoothing_leaves_probabilities_as_they_are():
    tracker = Tracker(0.0)
    tracker.update([face(0, (1.0, 0.0))], 0)
    assert tracker.update([face(0, (0.2, 0.8))], 0.04)[0].probabilities.tolist() == [0.2, 0.8]


@pytest.mark.parametrize(("gone_s", "number"), [(0.4, 1), (0.6, 2)])
def test_a_face_is_forgotten_half_a_second_after_it_was_last_found(gone_s, number):
    tracker = Tracker(0.3)
    tracker.update([face(0)], 0)
    tracker.update([], gone_s / 2)
    assert tracker.update([face(0)], gone_s)[0].number == number


def test_rendered_people_keep_their_numbers_through_a_film(recogniser):
    tracker, numbers = Tracker(0.3), set()
    for number, frame in enumerate(multi_face_frames(3, 40)):
        numbers |= {each.number for each in tracker.update(recogniser.recognise(frame).faces, number / 25)}
    assert numbers == {1, 2, 3}


sides = st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 60), st.floats(1, 60))


@given(sides, sides)
def test_overlap_is_a_share_and_does_not_depend_on_the_order(one, other):
    assert 0 <= overlap(one, other) <= 1 + 1e-9
    assert overlap(one, other) == pytest.approx(overlap(other, one))
    assert overlap(one, one) == pytest.approx(1)


def test_overlap_of_half_shifted_squares_is_a_third():
    assert overlap((0, 0, 10, 10), (5, 0, 10, 10)) == pytest.approx(1 / 3)


# Drawing


def test_nothing_is_drawn_over_the_inside_of_a_face(recogniser):
    for count in (2, 5):
        frame = list(multi_face_frames(count, 31))[30]
        faces = recogniser.recognise(frame).faces
        drawn = drawing.annotated(frame, faces, CLASSES, "30 frames/s", False)
        for each in faces:
            x, y, width, height = (round(value) for value in each.box)
            inside = np.s_[y + 4 : y + height - 4, x + 4 : x + width - 4]
            assert np.array_equal(drawn[inside], frame[inside])


def test_a_longer_bar_means_a_higher_probability_in_the_colour_of_its_class():
    frame = np.zeros((480, 640, 3), np.uint8)
    probabilities = np.array([0.1, 0.0, 0.0, 0.6, 0.3, 0.0, 0.0])
    drawn = drawing.annotated(frame, [Face((100, 100, 120, 150), probabilities, 1)], CLASSES, "", False)
    bars = drawn[100:300, 240:]  # right of the box and of the edge in its colour
    counts = [int((bars == drawing.PALETTE[position]).all(axis=-1).sum()) for position in range(7)]
    assert counts[3] / counts[4] == pytest.approx(2, abs=0.3) and counts[4] / counts[0] == pytest.approx(3, abs=0.8)


def test_labels_only_draws_no_bars():
    frame = np.zeros((480, 640, 3), np.uint8)
    drawn = drawing.annotated(frame, [Face((100, 200, 120, 150), np.eye(7)[3], 1)], CLASSES, "", True)
    assert drawn[176:200, 100:220].any() and not drawn[205:, 225:].any()


def test_the_colours_are_those_of_the_figures():

    assert [tuple(round(255 * part) for part in colour) for colour in style.PALETTE] == list(drawing.PALETTE)


# Sources


def test_a_film_gives_its_frames_with_their_times(film):
    source = sources.open_source(str(film))
    frames = list(source)
    assert [frame.number for frame in frames] == list(range(20)) and frames[5].time_s == pytest.approx(0.2)
    assert np.abs(frames[0].image.astype(int) - next(multi_face_frames(2))).mean() < 6  # RGB, but for the codec's losses


def test_a_folder_gives_its_images_in_the_order_of_their_names(tmp_path):
    for name, value in (("b.png", 20), ("a.jpg", 10), ("note.txt", 0)):
        cv2.imwrite(str(tmp_path / name), np.full((8, 9, 3), value, np.uint8)) if name != "note.txt" else (
            tmp_path / name
        ).touch()
    source = sources.open_source(str(tmp_path))
    assert [(frame.name, int(frame.image[0, 0, 0])) for frame in source] == [("a.jpg", 10), ("b.png", 20)]
    assert not source.consecutive


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.mp4", None, "is no camera index, address, file or folder"),
        ("empty.mp4", b"", "is empty"),
        ("noise.mp4", b"noise" * 1000, "is no video that can be read"),
        ("noise.txt", b"text", "is no video that can be read"),
        ("empty.png", b"", "is empty"),
        ("noise.png", b"noise" * 10, "is no image that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name, content, message, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(LiveError, match=f"{name}.*{message}"):
        list(sources.open_source(str(tmp_path / name)))


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(LiveError, match="holds no image"):
        sources.open_source(str(tmp_path))


def test_a_film_that_was_cut_off_is_named_or_read_as_far_as_it_goes(film, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(LiveError, match=r"cut.mp4 is no video that can be read"):
        sources.open_source(str(tmp_path / "cut.mp4"))
    writer = cv2.VideoWriter(str(tmp_path / "cut.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (640, 480))
    for frame in multi_face_frames(1, 20):
        writer.write(frame)
    writer.release()
    content = (tmp_path / "cut.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) // 2])
    assert 5 <= len(frames_of(tmp_path / "cut.avi")) < 20


class FakeFilm:
    """A film of three frames at uneven times, whose container states more of them."""

    def __init__(self, stated, times_ms=(40.0, 73.0, 273.0)):
        self.stated, self.times_ms, self.sent = stated, times_ms, 0

    def isOpened(self):
        return True

    def get(self, what):
        at = self.times_ms[min(self.sent, len(self.times_ms)) - 1]
        return {cv2.CAP_PROP_FPS: 10.0, cv2.CAP_PROP_FRAME_COUNT: self.stated, cv2.CAP_PROP_POS_MSEC: at}[what]

    def read(self):
        self.sent += 1
        there = self.sent <= len(self.times_ms)
        return there, np.zeros((8, 8, 3), np.uint8) if there else None


@pytest.mark.parametrize(("times_ms", "times_s"), [((40.0, 73.0, 273.0), (0, 0.033, 0.233)), ((0.0, 0.0, 0.0), (0, 0.1, 0.2))])
def test_times_are_those_of_the_container_and_else_of_the_stated_rate(times_ms, times_s, monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: FakeFilm(3, times_ms))
    film = sources.Film(tmp_path / "film.mp4")
    assert [frame.time_s for frame in film] == pytest.approx(times_s) and film.faults == []


@pytest.mark.parametrize(("stated", "faults"), [(3, 0), (4, 0), (12, 1)])
def test_a_film_that_ends_early_is_said_and_one_frame_less_is_not(stated, faults, monkeypatch, tmp_path):
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: FakeFilm(stated))
    film = sources.Film(tmp_path / "film.mp4")
    assert len(list(film)) == 3 and len(film.faults) == faults
    assert all("3 of 12 stated frames" in fault for fault in film.faults)


def test_images_of_a_folder_that_cannot_be_read_are_named_and_the_others_done(tmp_path):
    write_image(tmp_path / "face.jpg", next(multi_face_frames(1)))
    content = (tmp_path / "face.jpg").read_bytes()
    for name, damaged in {"half.jpg": content[:3000], "empty.jpg": b"", "._face.jpg": b"x", "bomb.png": bomb(60_000)}.items():
        (tmp_path / name).write_bytes(damaged)
    source = sources.open_source(str(tmp_path))
    assert [frame.name for frame in source] == ["face.jpg"]
    assert [fault.split(" is ")[0] for fault in source.faults] == [
        str(tmp_path / name) for name in ("bomb.png", "empty.jpg", "half.jpg")
    ]


def bomb(side):
    """A PNG whose header claims a square of this side."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("bomb.png", bomb(60_000), "more pixels"),
        ("photo.heic", b"\0\0\0\x18ftypheic" + bytes(500), "HEIC"),
        ("moving.webp", None, "is animated"),
    ],
)
def test_a_picture_that_is_not_one_still_image_is_refused_in_a_sentence(name, content, message, tmp_path):
    first, *others = (Image.fromarray(frame) for frame in multi_face_frames(1, 3))
    if content is None:
        first.save(tmp_path / name, save_all=True, append_images=others)
    else:
        (tmp_path / name).write_bytes(content)
    done = CliRunner().invoke(cli.app, ["live", str(tmp_path / name), "--headless"])
    assert done.exit_code == 2 and message in done.output and "Traceback" not in done.output


def test_a_still_webp_is_read(tmp_path):
    Image.fromarray(next(multi_face_frames(1))).save(tmp_path / "still.webp")
    assert len(frames_of(tmp_path / "still.webp")) == 1


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://me:secret@10.0.0.9/live", "rtsp://me:***@10.0.0.9/live"),
        ("http://cam/film?user=me&password=secret&x=1", "http://cam/film?user=me&password=***&x=1"),
        ("rtsp://10.0.0.9:554/live", "rtsp://10.0.0.9:554/live"),
        ("rtsp://me:secret@[::1/live", "rtsp://..."),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert sources.masked(address) == shown


def test_an_address_that_does_not_answer_is_asked_about_as_an_address():
    with pytest.raises(LiveError, match="nothing answers there") as raised:
        sources.open_source("rtsp://me:secret@127.0.0.1:9/none")
    assert "secret" not in str(raised.value) and "***" in str(raised.value)


@pytest.mark.parametrize("address", ["63", "rtsp://127.0.0.1:9/none"])
def test_a_camera_that_is_not_there_is_named(address):
    with pytest.raises(LiveError, match=f"{address} cannot be opened"):
        sources.open_source(address)


class FakeCapture:
    """A camera that sends numbered pictures, `pause_s` apart, and then stops or hangs."""

    def __init__(self, pictures, pause_s=0.0, hangs=False):
        self.pictures, self.pause_s, self.hangs, self.sent = pictures, pause_s, hangs, 0

    def isOpened(self):
        return True

    def get(self, _):
        return 0.0  # as many webcams say of their rate

    def read(self):
        time.sleep(self.pause_s)
        if self.sent == self.pictures:
            if self.hangs:
                threading.Event().wait(2)
            return False, None
        self.sent += 1
        return True, np.full((48, 64, 3), self.sent, np.uint8)

    def release(self):
        pass


def camera_of(monkeypatch, **options):
    capture = FakeCapture(**options)
    with monkeypatch.context() as patch:
        patch.setattr(cv2, "VideoCapture", lambda *arguments: capture)
        return sources.open_source("0"), capture


def test_a_camera_that_stops_is_named_and_what_it_sent_is_complete(monkeypatch, tmp_path):
    source, _ = camera_of(monkeypatch, pictures=4, pause_s=0.05)
    recogniser = Recogniser(FixedBoxes([(5, 5, 20, 20)]), Counting())
    sinks = [picture_sink(tmp_path / "out.avi", source, "0"), stream_sink(tmp_path / "out.csv", CLASSES)]
    with pytest.raises(LiveError, match="camera 0 stopped after 4 frames"):
        loop.watch(source, recogniser, sinks, None, 0.3, False)
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1 + 4
    assert len(frames_of(tmp_path / "out.avi")) >= 4


def test_a_camera_that_hangs_is_named(monkeypatch):
    monkeypatch.setattr(sources, "CAMERA_TIMEOUT_S", 0.2)
    source, _ = camera_of(monkeypatch, pictures=1, pause_s=0.01, hangs=True)
    with pytest.raises(LiveError, match=r"camera 0 has sent no picture for 0.2 s, after 1 frames"):
        list(source)
    source.close()


def test_a_slow_reader_gets_the_latest_picture_of_a_camera(monkeypatch):
    source, capture = camera_of(monkeypatch, pictures=50, pause_s=0.01)
    frames = iter(source)
    next(frames)
    time.sleep(0.15)
    before = capture.sent
    assert next(frames).image[0, 0, 0] >= before > 3
    source.close()


# Sinks


def test_a_film_keeps_the_time_of_frames_that_come_late(tmp_path):
    sink = FilmSink(tmp_path / "out.mp4", 10.0)
    for number, time_s in enumerate((0.0, 0.05, 0.5, 1.0)):
        picture = np.full((48, 64, 3), 60 * number, np.uint8)
        sink.write(sources.Frame(picture, number, time_s), (), picture)
    assert not (tmp_path / "out.mp4").exists()
    sink.close()
    assert len(frames_of(tmp_path / "out.mp4")) == 11 and [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
@pytest.mark.parametrize("ending", [".mp4", ".avi"])
def test_a_film_that_does_not_fit_on_the_disk_is_an_error_and_the_old_one_stays(ending, tmp_path):
    import resource

    out = tmp_path / f"out{ending}"
    out.write_bytes(b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    sink, noise = FilmSink(out, 10.0), np.random.default_rng(0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        for number in range(40):
            picture = noise.integers(0, 256, (96, 128, 3), np.uint8)
            sink.write(sources.Frame(picture, number, number / 10), (), picture)
        with pytest.raises(LiveError, match=f"{out} is not written: .* of 40 frames"):
            sink.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert out.read_bytes() == b"old" and [path.name for path in tmp_path.iterdir() if path.is_file()] == [out.name]


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_a_stream_has_a_row_per_face_and_frame(ending, film, recogniser, tmp_path):
    path = tmp_path / f"out{ending}"
    loop.watch(sources.open_source(str(film)), recogniser, [stream_sink(path, CLASSES)], None, 0.3, False)
    if ending == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert list(rows[0]) == ["time_s", "frame", "face", "box", "probabilities"] and len(rows[0]["box"]) == 4
        probabilities = [list(row["probabilities"].values()) for row in rows]
        assert list(rows[0]["probabilities"]) == list(CLASSES)
    else:
        rows = list(csv.DictReader(path.open()))
        assert list(rows[0]) == ["time_s", "frame", "face", "x", "y", "width", "height", *CLASSES]
        probabilities = [[float(row[name]) for name in CLASSES] for row in rows]
    assert sorted((int(row["frame"]), int(row["face"])) for row in rows) == [(n, f) for n in range(20) for f in (1, 2)]
    assert float(rows[-1]["time_s"]) == 0.76 and np.allclose(np.sum(probabilities, axis=1), 1, atol=1e-3)


@pytest.mark.parametrize(
    ("out", "source", "message"),
    [
        ("out.mkv", "film", "a film is written as .mp4 or .avi"),
        ("film", "film", "is the source itself"),
        ("nowhere/out.mp4", "film", "does not exist"),
        ("out.mp4", "image", "for an image, give an image file"),
        ("out.png", "folder", "for a folder of images, give a folder"),
    ],
)
def test_an_output_that_does_not_fit_its_source_is_refused(out, source, message, film, tmp_path):
    (tmp_path / "images").mkdir()
    image = tmp_path / "images" / "a.png"
    cv2.imwrite(str(image), next(multi_face_frames(1)))
    given = {"film": film, "image": image, "folder": tmp_path / "images"}[source]
    with pytest.raises(LiveError, match=message):
        picture_sink(film if out == "film" else tmp_path / out, sources.open_source(str(given)), str(given))


def test_images_of_a_folder_become_annotated_images_of_the_same_names(tmp_path, recogniser):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.jpg", "c.pgm"):
        write_image(tmp_path / "in" / name, next(multi_face_frames(2)))
    source = sources.open_source(str(tmp_path / "in"))
    sink = picture_sink(tmp_path / "out", source, str(tmp_path / "in"))
    done = loop.watch(source, recogniser, [sink], None, 0.3, False)
    assert done.frames == 3 and done.faces == 6
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.jpg", "c.pgm"]
    assert not np.array_equal(frames_of(tmp_path / "out" / "a.png")[0], next(multi_face_frames(2)))


class FakeScreen:
    """Stands in for OpenCV's windows: `keys` are pressed one after the other, then none."""

    def __init__(self, monkeypatch, keys, closed_after=10**6):
        self.keys, self.shown, self.waits = list(keys), 0, 0
        monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "destroyWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "resizeWindow", lambda *_: None)
        monkeypatch.setattr(cv2, "imshow", self.show)
        monkeypatch.setattr(cv2, "waitKey", self.key)
        monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: float(self.shown < closed_after))

    def show(self, *_):
        self.shown += 1

    def key(self, _):
        self.waits += 1
        key = self.keys.pop(0) if self.keys else ""
        return ord(key) if key else -1


def frames_shown(monkeypatch, film, keys, **options):
    screen = FakeScreen(monkeypatch, keys, **options)
    source = sources.open_source(str(film))
    done = loop.watch(source, Recogniser(FixedBoxes([]), Counting()), [], Window(source), 0.3, False)
    return done.frames, screen


def test_q_quits(monkeypatch, film):
    assert frames_shown(monkeypatch, film, ["", "", "q"])[0] == 3


def test_p_pauses_until_p(monkeypatch, film):
    frames, screen = frames_shown(monkeypatch, film, ["", "p", "", "", "p", "q"])
    assert frames == 3 and screen.waits == 6


def test_s_saves_the_frame(monkeypatch, film, tmp_path):
    monkeypatch.chdir(tmp_path)
    frames_shown(monkeypatch, film, ["", "s", "q"])
    assert [path.name for path in tmp_path.glob("*.png")] == ["fer-book-live-000001.png"]


def test_a_closed_window_quits(monkeypatch, film):
    assert frames_shown(monkeypatch, film, [], closed_after=5)[0] == 5


# The command


def test_the_command_annotates_a_film(film, tmp_path):
    out, stream = tmp_path / "annotated.mp4", tmp_path / "rows.jsonl"
    done = fer_book("live", str(film), "--out", str(out), "--stream", str(stream), DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 0, done.stderr
    assert "20 frames, 40 faces" in done.stdout and "detector yunet" in done.stdout and f"written: {out}" in done.stdout
    assert len(frames_of(out)) == 20 and len(stream.read_text().splitlines()) == 40


@pytest.mark.parametrize(("damaged", "status"), [(True, 1), (False, 0)])
def test_a_folder_with_a_damaged_picture_is_done_all_the_same_and_ends_with_status_1(damaged, status, tmp_path):
    (tmp_path / "in").mkdir()
    write_image(tmp_path / "in" / "face.png", next(multi_face_frames(1)))
    if damaged:
        (tmp_path / "in" / "half.png").write_bytes((tmp_path / "in" / "face.png").read_bytes()[:3000])
    done = CliRunner().invoke(cli.app, ["live", str(tmp_path / "in"), "--headless", "--out", str(tmp_path / "out")])
    assert done.exit_code == status and "1 frames, 1 faces" in done.output and ("half.png" in done.output) == damaged
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["face.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.mp4", "--headless"], "nothing.mp4 is no camera index, address, file or folder"),
        (["63", "--headless"], "camera 63 cannot be opened"),
        (["FILM"], "no display for a window"),
        (["FILM", "--headless", "--model", "none.onnx"], "none.onnx does not exist"),
        (["FILM", "--headless", "--model", "resnet"], "no network 'resnet'"),
        (["FILM", "--headless", "--detector", "mtcnn"], "no detector 'mtcnn'"),
        (["FILM", "--out", "x.gif"], "a film is written as"),
        (["FILM", "--stream", "x.txt"], "a stream is written as .jsonl or .csv"),
    ],
)
def test_bad_input_ends_with_status_2_and_a_sentence(arguments, message, film, monkeypatch):
    monkeypatch.setenv("DISPLAY", "")
    monkeypatch.setenv("WAYLAND_DISPLAY", "")
    done = CliRunner().invoke(cli.app, ["live", *[str(film) if word == "FILM" else word for word in arguments]])
    assert done.exit_code == 2 and message in done.output and "Traceback" not in done.output


def test_haar_and_labels_only_run_the_demo_of_the_fer2013_paper(film, tmp_path, monkeypatch):
    out = tmp_path / "demo.avi"
    options = ["--detector", "haar", "--labels-only", "--precision", "float32", "--headless", "--out", str(out)]
    done = CliRunner().invoke(cli.app, ["live", str(film), *options])
    assert done.exit_code == 0 and "haar frontalface" in done.output and "in float32" in done.output
    assert len(frames_of(out)) == 20


def test_haar_takes_over_where_the_file_of_yunet_is_not_at_hand(monkeypatch):
    from fer_utils.preprocessing.detection import HaarDetector, MissingModel

    def missing(_):
        raise MissingModel("no file")

    monkeypatch.setattr(fast_yunet, "model_path", missing)
    assert isinstance(live_detector(None), HaarDetector)
    with pytest.raises(LiveError, match="no file"):
        live_detector("yunet")


@pytest.fixture(scope="module")
def long_film(tmp_path_factory):
    """Two thousand small frames, some seconds of work."""
    frames = [cv2.resize(frame, (320, 240)) for frame in multi_face_frames(1, 20)]
    return write_film(tmp_path_factory.mktemp("film") / "long.mp4", frames * 100)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_film_and_stream_are_complete_up_to_the_last_frame(sent, long_film, tmp_path):
    out, stream = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    command = [shutil.which("fer-book", path=str(Path(sys.executable).parent)), "live", str(long_film), "--headless"]
    process = subprocess.Popen([*command, "--out", str(out), "--stream", str(stream)], stderr=subprocess.PIPE, text=True)
    give_up = time.monotonic() + 60
    while not (stream.exists() and stream.stat().st_size > 5000) and time.monotonic() < give_up:
        time.sleep(0.02)
    process.send_signal(sent)
    errors = process.communicate(timeout=60)[1]
    assert process.returncode == 0 and "Traceback" not in errors
    last = json.loads(stream.read_text().splitlines()[-1])
    assert 10 < last["frame"] < 2000 - 1
    assert len(frames_of(out)) == last["frame"] + 1 and [path.name for path in tmp_path.glob(".*")] == []
