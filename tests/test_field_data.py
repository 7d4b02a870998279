"""Trees and files of the kinds that people really have, from public bug reports: read, or refused in one short sentence."""

import gzip
import io
import os
import tarfile

import cv2
import layouts
import numpy as np
import pytest
from conftest import csv_text, fer2013_rows, fer_book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_loaders import CASES, LOADERS

from fer_utils.datasets import base, check, registry
from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.loaders import ckplus, fer2013, jaffe, kdef, rafdb
from fer_utils.preprocessing import clips

NAMES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
APPLE_DOUBLE = bytes.fromhex("00051607000200004d6163204f532058") + bytes(108)


def write_fer(root, names=NAMES, splits=("train", "test"), per_class=1):
    """Class folders of FER2013: a face of 48 x 48 for each class and split."""
    for split in splits:
        for name, label in zip(names, fer2013.CLASSES, strict=True):
            for number in range(per_class):
                face = layouts.fitted(layouts.wild()[label][number], 48, 48, grey=True)
                layouts.write_image(root / split / name / f"Training_{number}.jpg", face)
    return root


def refusal(load, folder):
    """The one sentence with which a folder is refused."""
    with pytest.raises(DatasetError) as raised:
        load(folder)
    message = str(raised.value)
    assert "\n" not in message and "\0" not in message and len(message.replace(str(folder), "")) <= 300
    return message


def checked(name, folder):
    return check.check(registry.card(name).load(folder), registry.card(name))


# FER2013


@pytest.mark.parametrize("left", ["train/angry/._Training_0.jpg", "train/.ipynb_checkpoints/x.jpg", "__MACOSX/train/angry/x.jpg"])
def test_what_systems_leave_beside_fer2013_is_passed_over(left, tmp_path):
    write_fer(tmp_path)
    (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / left).write_bytes(APPLE_DOUBLE)
    report = checked("fer2013", tmp_path)
    assert (report.images, report.unreadable, report.skipped) == (14, [], {})


@pytest.mark.parametrize("names", [("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral"), fer2013.CLASSES])
@pytest.mark.parametrize("spelt", [str.lower, str.upper])
def test_class_folders_are_known_in_their_usual_variants_and_any_case(names, spelt, tmp_path):
    dataset = fer2013.load(write_fer(tmp_path, [spelt(name) for name in names]))
    assert dataset.frame["label"].value_counts().to_dict() == dict.fromkeys(fer2013.CLASSES, 2)


def test_images_in_folders_of_no_class_are_counted(tmp_path):
    write_fer(tmp_path)
    (tmp_path / "train" / "angry").rename(tmp_path / "train" / "holidays")
    assert fer2013.load(tmp_path).skipped == {"images outside the folders of the seven classes": 1}


@pytest.mark.parametrize(
    ("splits", "found", "form"),
    [
        (("train", "test"), {"Training", "Test"}, fer2013.MERGED),
        (("train", "val", "test"), {"Training", "PublicTest", "PrivateTest"}, fer2013.IN_THREE),
        (("images/train", "images/validation"), {"Training", "Test"}, fer2013.OTHER_SPLIT),
    ],
)
def test_repackaged_fer2013_is_read_and_reported_as_repackaged(splits, found, form, tmp_path):
    dataset = fer2013.load(write_fer(tmp_path, splits=splits))
    assert set(dataset.frame["split"]) == found and dataset.form == dataset.summary().form == form.name
    assert not dataset.official and sum(dataset.frame["split"] == "Training") == 7


@pytest.mark.parametrize("inside", ["archive", "fer2013"])
def test_fer2013_one_level_too_high_is_refused_with_the_folder_to_give(inside, tmp_path):
    write_fer(tmp_path / inside)
    assert f"give {tmp_path / inside}" in refusal(fer2013.load, tmp_path)


def test_the_archive_as_handed_out_is_named_with_what_to_do(tmp_path):
    (tmp_path / "fer2013.tar.gz").write_bytes(b"\x1f\x8b")
    assert "fer2013.tar.gz" in refusal(fer2013.load, tmp_path) and "unpack" in refusal(fer2013.load, tmp_path)


TEXT = csv_text(fer2013_rows(14))
QUOTED = "\n".join(",".join(f'"{field}"' for field in line.split(",")) for line in TEXT.splitlines())


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        QUOTED.encode(),
    ],
    ids=["mark", "utf-16", "crlf", "cr", "quoted"],
)
def test_a_csv_is_read_whatever_wrote_it(content, tmp_path):
    (tmp_path / "fer2013.csv").write_bytes(content)
    dataset = fer2013.load(tmp_path)
    rows = fer2013_rows(14)
    assert dataset.labels(range(14)).tolist() == [row[0] for row in rows]
    assert (dataset.read(range(14)).reshape(14, -1) == [row[1] for row in rows]).all() and not dataset.form


def tar(text):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("fer2013/fer2013.csv")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("fer2013.csv", tar(TEXT), "an archive, unpack it"),
        ("fer2013.csv", gzip.compress(TEXT.encode()), "no text"),
        ("fer2013.csv.gz", b"PK\x03\x04", "cannot be read"),
        ("fer2013.csv", TEXT.replace("\n", " ").encode(), "columns"),
        ("fer2013.csv", bytes(5000), "no text"),
    ],
)
def test_a_csv_that_is_none_is_refused_in_one_short_sentence(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    assert message in refusal(fer2013.load, tmp_path)


# Damaged pictures


@pytest.mark.parametrize("damage", ["half", "empty"])
def test_a_damaged_picture_is_counted_and_named_and_ends_no_check(damage, tmp_path):
    file = write_fer(tmp_path, per_class=2) / "train" / "sad" / "Training_1.jpg"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2] if damage == "half" else b"")
    report = checked("fer2013", tmp_path)
    assert len(report.unreadable) == 1 and str(file) in report.unreadable[0] and not report.sound


def test_data_lost_inside_a_jpeg_are_named_and_bytes_behind_its_end_are_not_accused(tmp_path):
    faces = layouts.expressions()
    for number, subject in enumerate(("KA", "KL")):
        face = cv2.resize(faces[number, "anger"][9], (256, 256))
        layouts.write_image(tmp_path / f"{subject}.AN1.{number}.jpg", face)
    lost, whole = sorted(tmp_path.iterdir())
    content = lost.read_bytes()
    middle = len(content) // 2
    lost.write_bytes(content[:middle] + bytes(400) + content[middle + 400 :])
    whole.write_bytes(whole.read_bytes()[:-2] + b"\0\0\xff\xd9" + b"camera")
    report = checked("jaffe", tmp_path)
    assert len(report.unreadable) == 1 and lost.name in report.unreadable[0]


def test_a_check_of_nothing_but_damaged_files_with_odd_names_is_whole(tmp_path):
    write_fer(tmp_path)
    for number, path in enumerate(sorted(tmp_path.rglob("*.jpg"))):
        path.unlink()
        (path.parent / f"é\n{number}.jpg").write_bytes(b"no picture")
    report = check.check(fer2013.load(tmp_path), fer2013.CARD)
    assert len(report.unreadable) == report.images == number + 1 and not report.sizes and report.duplicates == {}
    assert "\n" not in "".join(report.unreadable) and check.as_text(report).encode()


def test_a_file_name_that_is_no_text_is_a_sentence(tmp_path):
    write_fer(tmp_path)
    first = next(tmp_path.rglob("*.jpg"))
    try:
        first.rename(first.with_name(os.fsdecode(b"\xff.jpg")))
    except OSError:
        pytest.skip("this file system takes no such name")
    assert "is no text; rename it" in refusal(fer2013.load, tmp_path)


def test_a_quick_check_says_nothing_of_readability(tmp_path):
    report = check.check(jaffe.load(layouts.write_jaffe(tmp_path, people=1).folder), jaffe.CARD, quick=True)
    assert "readable" not in check.as_text(report.model_copy(update={"differences": []})).replace("unreadable", "")


# The other datasets


def test_ckplus_beside_macos_leftovers_is_refused_with_its_own_folder(tmp_path):
    layouts.write_ckplus_repackaged(tmp_path / "ck+")
    for name in ("anger", "fear"):
        (tmp_path / "__MACOSX" / name).mkdir(parents=True)
        (tmp_path / "__MACOSX" / name / "._S010_004_00000017.png").write_bytes(APPLE_DOUBLE)
    assert refusal(ckplus.load, tmp_path).endswith(f"give {tmp_path / 'ck+'}")


def test_ckextended_is_read_as_repackaged(tmp_path):
    rows = [(number % 8, row[1], row[2]) for number, row in enumerate(fer2013_rows(16))]
    (tmp_path / "ckextended.csv").write_text(csv_text(rows))
    dataset = ckplus.load(tmp_path)
    assert dataset.form == ckplus.IN_CSV.name and not dataset.official
    assert dataset.frame["label"].tolist() == [ckplus.CSV_CLASSES[row[0]] for row in rows]
    assert (dataset.read([3]).ravel() == rows[3][1]).all()


def test_a_form_without_the_last_ten_frames_is_refused_before_anything_is_cut(tmp_path):
    dataset = ckplus.load(layouts.write_ckplus_repackaged(tmp_path).folder)
    with pytest.raises(DatasetError, match="holds the last 3 frames of a sequence, the last 10 are needed"):
        clips.last_frames(dataset, 10)
    with pytest.raises(DatasetError, match="the first, neutral one is needed"):
        clips.onset_as_neutral(dataset, 1)
    assert clips.last_frames(dataset, 3).rows.shape[1] == 3


def write_rafdb_folders(root):
    tables = {"train": ["image,label"], "test": ["image,label"]}
    for split, lines in tables.items():
        for label, code in layouts.RAFDB_CODES.items():
            name = f"{split}_{code:05d}_aligned.jpg"
            layouts.write_image(root / "DATASET" / split / str(code) / name, layouts.wild()[label][0])
            lines.append(f"{name},{code}")
        (root / f"{split}_labels.csv").write_text("\n".join(lines) + "\n")


def test_rafdb_in_folders_per_code_is_read_as_repackaged(tmp_path):
    write_rafdb_folders(tmp_path)
    dataset = rafdb.load(tmp_path)
    assert dataset.counts() == {split: dict.fromkeys(rafdb.CLASSES, 1) for split in ("test", "train")}
    assert dataset.form == rafdb.IN_FOLDERS.name and not dataset.official


def test_a_table_of_rafdb_that_contradicts_a_folder_is_named_with_its_row(tmp_path):
    write_rafdb_folders(tmp_path)
    table = tmp_path / "train_labels.csv"
    table.write_text(table.read_text().replace("train_00003_aligned.jpg,3", "train_00003_aligned.jpg,4"))
    assert f"{table}, row 4" in refusal(rafdb.load, tmp_path)


def test_a_list_of_rafdb_with_a_byte_order_mark_is_read(tmp_path):
    written = layouts.write_rafdb(tmp_path)
    labels = tmp_path / "basic" / rafdb.LABELS
    labels.write_bytes(b"\xef\xbb\xbf" + labels.read_text().replace("\n", "\r\n").encode())
    assert len(rafdb.load(tmp_path).frame) == len(written.table)


def test_kdef_in_one_folder_is_read_as_repackaged(tmp_path):
    written = layouts.write_kdef(tmp_path / "whole", pairs=1)
    (tmp_path / "flat").mkdir()
    for path in written.folder.rglob("*.JPG"):
        path.rename(tmp_path / "flat" / path.name)
    dataset = kdef.load(tmp_path / "flat")
    assert len(dataset.frame) == len(written.table) and dataset.form == kdef.FLAT.name and not dataset.official


def test_jaffe_with_its_readme_and_ratings_is_what_its_owners_hand_out(tmp_path):
    written = layouts.write_jaffe(tmp_path, people=2)
    (tmp_path / "data.csv").write_text("#,HAP,SAD,SUR,ANG,DIS,FEA,PIC\n1,5.00,1.2,1.1,1.0,1.0,1.1,KM-NE1\n")
    dataset = jaffe.load(tmp_path)
    assert len(dataset.frame) == len(written.table) and dataset.form == "" and dataset.skipped == {}


@pytest.mark.parametrize(
    ("name", "folder"),
    [("fer2013", "FER2013"), ("fer2013", "fer-2013"), ("ckplus", "CK+48"), ("jaffe", "JAFFE"), ("rafdb", "RAF-DB")],
)
def test_a_datasets_folder_is_found_under_its_usual_names(name, folder, tmp_path):
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "something").touch()
    assert base.find(registry.card(name), tmp_path) == tmp_path / folder
    assert registry.choose("auto", name, tmp_path) == name


def test_a_folder_of_another_dataset_is_not_taken(tmp_path):
    (tmp_path / "rafd").mkdir()
    assert registry.choose("auto", "rafdb", tmp_path) == "rendered_faces"


def test_where_names_the_forms():
    said = fer_book("data", "where", "fer2013").stdout
    assert all(form.tree in said for form in fer2013.CARD.forms) and "repackaged" in said


# Any tree at all

PIECES = (
    "train", "Test", "val", "images", "angry", "FEAR", "happy", "cohn-kanade-images", "Emotion", "S005", "001", "KDEF", "AF01",
    "basic", "Image", "aligned", "EmoLabel", "DATASET", "1", "5", "OriginalImg", "VL", "Strong", "P001", "Anger", "F001", "T1",
    "Videos", "AU Labels", "Train", "Val", "__MACOSX", ".hidden", "été", "表情",
)  # fmt: skip
FILES = (
    "a.jpg", "._a.jpg", "Thumbs.db", "fer2013.csv", "fer2013.csv.gz", "ckextended.csv", "x.zip", "KA.AN1.1.tiff", "AF01AFS.JPG",
    "S005_001_00000001.png", "S005_001_00000001_emotion.txt", "list_patition_label.txt", "train_00001_aligned.jpg", "0001.jpg",
    "train_labels.csv", "ab-1.flv", "ab-1-label.csv", "Film_000553240_00000018.png", "000.jpeg", "fer2013new.csv",
    "Rafd090_01_Kid_female_sad_left.jpg",
)  # fmt: skip
JPEG = cv2.imencode(".jpg", np.arange(48 * 48, dtype=np.uint8).reshape(48, 48))[1].tobytes()
TEXTS = (TEXT[:20_000], "image,label\nx.jpg,1\n", "3.0e+00", "train_00001.jpg 5\n", "Time,AU02\n0.1,100\n", "")
CONTENT = (
    st.integers(0, len(JPEG)).map(lambda end: JPEG[:end])
    | st.tuples(st.sampled_from(TEXTS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])).map(
        lambda pair: pair[0].encode(pair[1])
    )
    | st.binary(max_size=60)
    | st.just(gzip.compress(TEXT.encode())[:500])
)
TREES = st.dictionaries(
    st.tuples(st.lists(st.sampled_from(PIECES), max_size=4).map(tuple), st.sampled_from(FILES)), CONTENT, max_size=8
)


def result_or_sentence(load, folder):
    """Load, and read the first picture; fails for anything but a dataset or one sentence."""
    try:
        dataset = load(folder)
        dataset.read([0])
    except DatasetError as error:
        assert "\n" not in str(error) and "\0" not in str(error)


@pytest.mark.parametrize("loader", [*LOADERS.values(), fer2013], ids=lambda loader: loader.CARD.name)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_any_tree_is_loaded_or_refused_in_a_sentence(loader, tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    for (places, name), content in tree.items():
        place = folder.joinpath(*places)
        if not any(parent.is_file() for parent in (place, *place.parents)):
            place.mkdir(parents=True, exist_ok=True)
            if not (place / name).is_dir():
                (place / name).write_bytes(content)
    result_or_sentence(loader.load, folder)


@pytest.fixture(scope="module", params=LOADERS)
def true_tree(request, tmp_path_factory):
    """(loader, its tree as written)."""
    return LOADERS[request.param], CASES[request.param][0](tmp_path_factory.mktemp("tree") / request.param).folder


@settings(max_examples=15)
@given(data=st.data())
def test_a_true_tree_with_one_file_damaged_is_loaded_or_refused_in_a_sentence(true_tree, data):
    loader, folder = true_tree
    file = data.draw(st.sampled_from(sorted(path for path in folder.rglob("*") if path.is_file())))
    content = file.read_bytes()
    try:
        file.write_bytes(data.draw(CONTENT | st.integers(0, len(content)).map(lambda end: content[:end])))
        result_or_sentence(loader.load, folder)
    finally:
        file.write_bytes(content)
