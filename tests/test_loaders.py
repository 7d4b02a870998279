"""Every loader on the official layout of its dataset: all pictures, labels, people, sequences and pixels, and nothing else."""

import shutil

import cv2
import layouts
import numpy as np
import pandas as pd
import pytest

from fer_utils.datasets import base, registry
from fer_utils.datasets.loaders import amfed, bp4d, ckplus, jaffe, kdef, oulu_casia, rafd, rafdb, sfew

LOADERS = {module.CARD.name: module for module in (ckplus, jaffe, oulu_casia, bp4d, kdef, rafd, rafdb, sfew, amfed)}
# What is written, and with which options it is loaded.
CASES = {
    "ckplus": (layouts.write_ckplus, {}),
    "ckplus, repackaged": (layouts.write_ckplus_repackaged, {}),
    "jaffe": (layouts.write_jaffe, {}),
    "oulu_casia": (lambda folder: layouts.write_oulu_casia(folder)["VL", "Strong"], {}),
    "oulu_casia, dark": (lambda folder: layouts.write_oulu_casia(folder)["VL", "Dark"], {"light": "Dark"}),
    "oulu_casia, infrared": (lambda folder: layouts.write_oulu_casia(folder)["NI", "Weak"], {"camera": "NI", "light": "Weak"}),
    "oulu_casia, in B_OriginalImg": (lambda folder: layouts.write_oulu_casia(folder, root="B_OriginalImg")["VL", "Strong"], {}),
    "oulu_casia, crops": (lambda folder: layouts.write_oulu_casia(folder, root="PreProcess_Img")["VL", "Strong"], {}),
    "bp4d": (layouts.write_bp4d, {}),
    "bp4d, one folder deeper": (lambda folder: layouts.write_bp4d(folder, root="Sequences(2D+3D)"), {}),
    "kdef": (layouts.write_kdef, {}),
    "rafd": (layouts.write_rafd, {}),
    "rafdb": (layouts.write_rafdb, {}),
    "sfew": (layouts.write_sfew, {}),
    "amfed": (layouts.write_amfed, {}),
    "amfed, avi": (lambda folder: layouts.write_amfed(folder, place="Video - AVI"), {}),
    "amfed, plus": (lambda folder: layouts.write_amfed(folder, place="Videos - FLV (labeled)"), {}),
    "amfed, values 0 and 1": (lambda folder: layouts.write_amfed(folder, people=2, agreed=1), {}),
}


@pytest.fixture(scope="module", params=CASES)
def tree(request, tmp_path_factory):
    """(name, what was written, options) of one case; written once for all tests of it."""
    write, options = CASES[request.param]
    name = request.param.split(",")[0]
    return name, write(tmp_path_factory.mktemp("data") / name), options


def in_order(frame):
    return frame.sort_values(["path", "position"]).reset_index(drop=True)


def assert_finds(dataset, written):
    """The dataset has exactly the pictures that were written, with all their columns."""
    columns = list(written.table)
    pd.testing.assert_frame_equal(in_order(dataset.frame[columns]), in_order(written.table), check_dtype=False)


def test_every_picture_is_found_with_its_label_person_and_place(tree):
    name, written, options = tree
    assert_finds(LOADERS[name].load(written.folder, **options), written)


def test_pixels_are_those_written_in_rgb_or_grey(tree):
    name, written, options = tree
    dataset = LOADERS[name].load(written.folder, **options)
    rows = dataset.frame.sort_values(["path", "position"])["image"].to_numpy()
    found, expected = dataset.read(rows), written.images[in_order(written.table.reset_index())["index"]]
    assert found.dtype == np.uint8 and found.shape == expected.shape
    difference = np.abs(found.astype(int) - expected)
    assert difference.mean(axis=(1, 2, 3)).max() < (0.1 if written.table["path"][0].endswith(("png", "tiff")) else 6)


def test_what_is_left_out_is_counted(tree):
    name, written, options = tree
    dataset = LOADERS[name].load(written.folder, **options)
    assert sum(dataset.skipped.values()) == written.skipped
    assert dataset.summary().skipped == dict(dataset.skipped)


def test_a_small_tree_is_not_taken_for_the_official_dataset(tree):
    name, written, options = tree
    dataset = LOADERS[name].load(written.folder, **options)
    assert not dataset.official and any("published" in remark for remark in dataset.remarks)
    assert dataset.real and not dataset.publishable and dataset.licence == LOADERS[name].CARD.licence


def test_loading_writes_and_moves_nothing(tree):
    name, written, options = tree
    before = {path: path.lstat().st_mtime_ns for path in written.folder.rglob("*")}
    dataset = LOADERS[name].load(written.folder, **options)
    dataset.read([0])
    assert {path: path.lstat().st_mtime_ns for path in written.folder.rglob("*")} == before


def test_the_fingerprint_is_that_of_the_content_wherever_it_lies(tree, tmp_path):
    name, written, options = tree
    copy = tmp_path / "elsewhere" / name
    shutil.copytree(written.folder, copy)
    first, second = (LOADERS[name].load(folder, **options) for folder in (written.folder, copy))
    assert first.fingerprint == second.fingerprint
    assert first.frame.drop(columns="image").equals(second.frame.drop(columns="image"))


def test_every_row_can_be_read_alone_and_in_any_order(tree):
    name, written, options = tree
    dataset = LOADERS[name].load(written.folder, **options)
    rows = [len(dataset.frame) - 1, 0, len(dataset.frame) // 2, 0]
    assert (dataset.read(rows) == np.concatenate([dataset.read([row]) for row in rows])).all()


@pytest.mark.parametrize("tree", [case for case in CASES if case.startswith(("ckplus", "oulu_casia", "bp4d"))], indirect=True)
def test_positions_count_from_zero_along_every_sequence(tree):
    name, written, options = tree
    frame = LOADERS[name].load(written.folder, **options).frame
    for _, sequence in frame.groupby("sequence"):
        assert sorted(sequence["position"]) == list(range(len(sequence)))
        assert sequence.sort_values("position")["path"].is_monotonic_increasing


@pytest.mark.parametrize("name", LOADERS)
def test_the_registry_loads_a_dataset_by_its_name(name, tmp_path):
    write, options = CASES[name]
    written = write(tmp_path / name)
    assert_finds(registry.load(name, tmp_path, **options), written)


@pytest.mark.parametrize("name", LOADERS)
def test_a_dataset_that_is_missing_says_where_it_is_expected_and_as_what(name, tmp_path):
    with pytest.raises(base.MissingDataset) as raised:
        registry.load(name, tmp_path)
    card = LOADERS[name].CARD
    for part in (str(tmp_path / name), card.tree, card.page, f"fer-book data check {name}"):
        assert part in str(raised.value)


def write_tiny(folder, names):
    """Files of the given names, all the same picture of two pixels."""
    content = {ending: cv2.imencode(ending, np.zeros((1, 2, 3), np.uint8))[1].tobytes() for ending in (".png", ".jpg", ".tiff")}
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[path.suffix.lower()])


def test_jaffe_of_the_published_size_is_official_and_has_no_remarks(tmp_path):
    counts = zip(("AN", "DI", "FE", "HA", "SA", "SU", "NE"), (30, 29, 32, 31, 31, 30, 30), strict=True)
    shots = [(name, number) for name, count in counts for number in range(count)]
    people = layouts.JAFFE_PEOPLE
    names = [
        f"{people[number % 10]}.{name}{number // 10 + 1}.{place}.tiff" for place, (name, number) in enumerate(shots, start=1)
    ]
    write_tiny(tmp_path, names)
    dataset = jaffe.load(tmp_path)
    assert (len(dataset.frame), dataset.remarks, dataset.official) == (213, (), True)


def test_repackaged_ckplus_of_the_published_size_has_no_remarks_and_is_not_official(tmp_path):
    counts = {"anger": 45, "contempt": 18, "disgust": 59, "fear": 25, "happy": 69, "sadness": 28, "surprise": 83}
    sequences = [label for label, count in counts.items() for _ in range(count)]
    names = [
        f"{label}/S{place % 118:03d}_{place // 118 + 1:03d}_{number:08d}.png"
        for place, label in enumerate(sequences)
        for number in (15, 16, 17)
    ]
    write_tiny(tmp_path, names)
    dataset = ckplus.load(tmp_path)
    assert (len(dataset.frame), dataset.frame["sequence"].nunique()) == (981, 327)
    assert (dataset.remarks, dataset.official) == ((), False)
    assert dataset.form == dataset.summary().form == ckplus.IN_FOLDERS.name


def test_kdef_of_the_published_size_is_official_and_has_no_remarks(tmp_path):
    stems = [f"{session}{sex}{number:02d}" for session in "AB" for sex in "FM" for number in range(1, 36)]
    codes = [name + angle for name in layouts.KDEF_NAMES.values() for angle in layouts.KDEF_ANGLES]
    write_tiny(tmp_path, [f"KDEF/{stem}/{stem}{code}.JPG" for stem in stems for code in codes])
    dataset = kdef.load(tmp_path)
    assert (len(dataset.frame), dataset.remarks, dataset.official) == (4900, (), True)


def test_the_published_counts_of_every_dataset_add_up_to_its_published_size():
    def images(name):
        card = LOADERS[name].CARD
        return sum(sum(row.values()) for row in card.expected.images.values()) or sum(card.expected.totals.values())

    assert {name: images(name) for name in ("jaffe", "kdef", "rafd", "rafdb", "sfew")} == {
        "jaffe": 213, "kdef": 4900, "rafd": 8040, "rafdb": 15339, "sfew": 958 + 436 + 372,
    }  # fmt: skip
    assert {name: sum(LOADERS[name].CARD.expected.sequences.values()) for name in ("ckplus", "oulu_casia", "bp4d")} == {
        "ckplus": 327, "oulu_casia": 480, "bp4d": 246,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "sequence", "names"),
    [
        ("ckplus", "S005/001", ["S005_001_00000001.png", "s005_001_00000002.PNG", "S005_001_00000003.png"]),
        ("ckplus, repackaged", "S005/001", ["S005_001_00000004.png", "s005_001_00000005.PNG", "S005_001_00000006.png"]),
        ("oulu_casia", "P001/Anger", ["8.jpeg", "9.jpeg", "10.jpeg"]),
        ("bp4d", "F001/T1", ["998.jpg", "999.jpg", "1000.jpg"]),
    ],
)
def test_frames_are_ordered_by_their_number_whatever_their_names_sort_to(name, sequence, names, tmp_path):
    write, _ = CASES[name]
    written = write(tmp_path)
    paths = written.table["path"][written.table["sequence"] == sequence].to_list()
    files = [next(file for file in tmp_path.rglob(path.rsplit("/", 1)[-1]) if file.as_posix().endswith(path)) for path in paths]
    for file, new in zip(files, names, strict=False):
        file.rename(file.with_name(new))
    for file in files[len(names) :]:
        file.unlink()
    found = LOADERS[name.split(",")[0]].load(tmp_path).frame.query("sequence == @sequence").sort_values("position")
    assert [path.rsplit("/", 1)[-1] for path in found["path"]] == names
    assert found["position"].tolist() == [0, 1, 2]


def test_a_sequence_of_ckplus_with_the_code_of_neutral_counts_as_unlabelled(tmp_path):
    written = layouts.write_ckplus(tmp_path)
    next((tmp_path / "Emotion" / "S005" / "001").iterdir()).write_text("0.0000000e+00")
    dataset = ckplus.load(tmp_path)
    assert "S005/001" not in set(dataset.frame["sequence"])
    assert sum(dataset.skipped.values()) == written.skipped + 1


def test_ckplus_repackaged_with_the_folder_happy_has_the_class_happiness(tmp_path):
    written = layouts.write_ckplus_repackaged(tmp_path)
    (tmp_path / "happiness").rename(tmp_path / "happy")
    assert ckplus.load(written.folder).frame["label"].value_counts()["happiness"] == 15


def test_a_person_of_kdef_is_the_same_in_both_sessions(tmp_path):
    frame = kdef.load(layouts.write_kdef(tmp_path, pairs=1).folder).frame
    assert frame.groupby("subject")["session"].nunique().to_dict() == {"F01": 2, "M01": 2}


def test_no_picture_of_sfew_shares_its_film_with_another_split(tmp_path):
    frame = sfew.load(layouts.write_sfew(tmp_path).folder).frame
    assert set(frame["film"]) == {film for films in layouts.SFEW_FILMS.values() for film in films}
    assert (frame.groupby("film")["split"].nunique() == 1).all()


def test_sfew_test_frames_without_class_folders_are_counted_and_left_out(tmp_path):
    written = layouts.write_sfew(tmp_path)
    for path in list((tmp_path / "Test").rglob("*.png")):
        path.rename(tmp_path / "Test" / path.name)
    dataset = sfew.load(written.folder)
    assert set(dataset.frame["split"]) == {"train", "validation"}
    assert sum(dataset.skipped.values()) == (written.table["split"] == "test").sum()


def test_a_video_that_lies_there_as_flv_and_as_avi_is_used_once(tmp_path):
    written = layouts.write_amfed(tmp_path / "amfed")
    layouts.write_amfed(tmp_path / "second", place="Video - AVI")
    (tmp_path / "second" / "Video - AVI").rename(written.folder / "Video - AVI")
    frame = amfed.load(written.folder).frame
    assert len(frame) == len(written.table) and not frame.duplicated(["sequence", "position"]).any()


def test_videos_of_amfed_that_nobody_labelled_are_counted(tmp_path):
    written = layouts.write_amfed(tmp_path / "amfed")
    (written.folder / "Videos - FLV (unlabeled)").mkdir()
    first = next((written.folder / "Videos - FLV").iterdir())
    shutil.copy(first, written.folder / "Videos - FLV (unlabeled)" / "0a1b2c3d.flv")
    dataset = amfed.load(written.folder)
    assert_finds(dataset, written)
    assert dataset.skipped["videos without a label file"] == 1


def test_action_units_of_amfed_are_known_under_all_their_spellings(tmp_path):
    written = layouts.write_amfed(tmp_path / "amfed")
    for path in (written.folder / "AU Labels").iterdir():
        header, *lines = path.read_text().splitlines()
        path.write_text("\n".join([header.replace("AU26", "Au26").replace("Forward", "57").replace(",", ", "), *lines]))
    assert_finds(amfed.load(written.folder), written)


@pytest.mark.parametrize(
    ("units", "label"),
    [
        (set(), "neutral"),
        ({12}, "happiness"),
        ({4}, None),
        ({4, 15}, "sadness"),
        ({4, 15, 12}, "sadness"),  # the larger prototype
        ({9, 12}, None),  # two of one unit each
        ({2, 5, 26}, "surprise"),
        ({2, 4, 5, 26}, "fear"),
        ({"unilateral 14"}, "contempt"),
        ({18, 57}, None),
    ],
)
def test_units_name_an_expression_only_where_one_prototype_is_complete(units, label):
    assert amfed.emotion(units) == label
