"""What the loaders say of trees that are not as they should be, and which oddities they read all the same."""

import re
import struct
import tarfile
import zipfile
import zlib

import cv2
import layouts
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from test_loaders import CASES, LOADERS, assert_finds

from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.loaders import amfed, bp4d, ckplus, jaffe, kdef, oulu_casia, rafd, rafdb, sfew

OF_PICTURES = [name for name in LOADERS if name != "amfed"]
IN_COLOUR = [name for name in OF_PICTURES if name not in ("ckplus", "jaffe")]
RED = np.full((48, 64, 3), (200, 10, 10), np.uint8)


@pytest.fixture
def tree(request, tmp_path):
    """(loader, what was written) of the case that the test is parametrised with."""
    name = request.param.split(",")[0]
    return LOADERS[name], CASES[request.param][0](tmp_path / "data" / name)


def picture(written, row=0):
    """The file of a row of what was written."""
    path = written.table["path"][row]
    return next(file for file in written.folder.rglob(path.rsplit("/", 1)[-1]) if file.as_posix().endswith(path))


def root_of(written):
    return picture(written).parents[written.table["path"][0].count("/")]


def row_of(dataset, path):
    return dataset.frame.index[dataset.frame["path"] == path].to_list()


def refused(loader, folder):
    """The message with which a folder is refused."""
    with pytest.raises(DatasetError) as raised:
        loader.load(folder)
    return str(raised.value)


# The folder as a whole.


@pytest.mark.parametrize("name", LOADERS)
def test_an_empty_folder_is_named_with_the_tree_that_is_expected(name, tmp_path):
    message = refused(LOADERS[name], tmp_path)
    assert str(tmp_path) in message and "empty" in message and LOADERS[name].CARD.tree in message


@pytest.mark.parametrize("name", LOADERS)
def test_a_file_or_a_folder_that_is_not_there_is_refused_by_name(name, tmp_path):
    (tmp_path / "file.png").write_bytes(b"")
    for path in (tmp_path / "file.png", tmp_path / "nowhere"):
        assert f"{path} is not a folder" in refused(LOADERS[name], path)


@pytest.mark.parametrize("name", LOADERS)
def test_a_folder_of_something_else_is_refused_with_what_it_holds(name, tmp_path):
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "beach.jpg").write_bytes(b"x")
    message = refused(LOADERS[name], tmp_path)
    assert "holidays" in message and LOADERS[name].CARD.tree in message


@pytest.mark.parametrize("tree", CASES, indirect=True)
def test_a_folder_a_level_too_high_is_refused_with_the_one_to_give(tree, tmp_path, request):
    loader, written = tree
    if request.node.callspec.params["tree"] == "bp4d":  # whose tree may lie one folder deeper
        written.folder.rename(tmp_path / "between")
        (tmp_path / "data" / "bp4d").mkdir()
        (tmp_path / "between").rename(tmp_path / "data" / "bp4d" / "between")
    message = refused(loader, tmp_path / "data")
    assert "too high" in message
    options = CASES[request.node.callspec.params["tree"]][1]
    assert_finds(loader.load(type(tmp_path)(re.search(r"give (.+)$", message)[1]), **options), written)


@pytest.mark.parametrize("tree", CASES, indirect=True)
def test_a_folder_a_level_too_deep_is_refused_with_the_one_to_give(tree, tmp_path, request):
    loader, written = tree
    first = written.table["path"][0].split("/")[0]
    inside = root_of(written) / (first if "/" in written.table["path"][0] else "notes")
    inside.mkdir(exist_ok=True)
    message = refused(loader, inside)
    assert "too deep" in message
    options = CASES[request.node.callspec.params["tree"]][1]
    assert_finds(loader.load(type(tmp_path)(re.search(r"give (.+)$", message)[1]), **options), written)


@pytest.mark.parametrize("name", LOADERS)
@pytest.mark.parametrize("ending", ["zip", "tar.gz"])
def test_a_folder_with_only_an_archive_is_refused_and_nothing_is_unpacked(name, ending, tmp_path):
    layouts.write_image(tmp_path / "picture.png", RED)
    folder = tmp_path / "data"
    folder.mkdir()
    archive = folder / f"{name}.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            opened.write(tmp_path / "picture.png", "KDEF/AF01/AF01AFS.JPG")
    else:
        with tarfile.open(archive, "w:gz") as opened:
            opened.add(tmp_path / "picture.png", "KDEF/AF01/AF01AFS.JPG")
    message = refused(LOADERS[name], folder)
    assert archive.name in message and "unpack" in message
    assert list(folder.rglob("*")) == [archive]


@pytest.mark.parametrize("tree", CASES, indirect=True)
def test_links_that_lead_back_to_a_folder_above_change_nothing(tree, request):
    loader, written = tree
    root = root_of(written)
    for place in {root, picture(written).parent, picture(written).parent.parent}:
        (place / "000_loop").symlink_to(root, target_is_directory=True)
        (place / "zzz_loop").symlink_to("..", target_is_directory=True)
    dataset = loader.load(written.folder, **CASES[request.node.callspec.params["tree"]][1])
    assert_finds(dataset, written)
    assert sum(dataset.skipped.values()) == written.skipped


@pytest.mark.parametrize("tree", ["kdef", "sfew"], indirect=True)
def test_a_folder_that_is_there_under_two_names_is_read_once(tree):
    loader, written = tree
    folder = picture(written).parent
    (folder.parent / f"{folder.name}_again").symlink_to(folder.name, target_is_directory=True)
    assert_finds(loader.load(written.folder), written)


def test_a_neighbour_that_may_not_be_entered_is_passed_over(tmp_path, monkeypatch):
    layouts.write_jaffe(tmp_path / "jaffe", people=1)
    (tmp_path / "a private folder").mkdir()
    real = type(tmp_path).iterdir

    def iterdir(path):
        if path.name == "a private folder":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(type(tmp_path), "iterdir", iterdir)
    assert f"give {tmp_path / 'jaffe'}" in refused(jaffe, tmp_path)


def test_a_camera_or_light_of_oulu_casia_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    written = layouts.write_oulu_casia(tmp_path, people=1)["VL", "Strong"]
    with pytest.raises(DatasetError) as raised:
        oulu_casia.load(written.folder, camera="NI", light="Strong")
    assert "NI/Strong" in str(raised.value) and "VL/Strong" in str(raised.value) and "NI/Weak" in str(raised.value)


# Single pictures.


@pytest.mark.parametrize("tree", OF_PICTURES, indirect=True)
@pytest.mark.parametrize("kind", ["empty", "a link to nothing"])
def test_an_empty_file_is_remarked_by_name_and_the_others_are_read(tree, kind):
    loader, written = tree
    file, path = picture(written, 3), written.table["path"][3]
    file.unlink()
    file.write_bytes(b"") if kind == "empty" else file.symlink_to("/nowhere/annexed")
    dataset = loader.load(written.folder)
    assert any(path in remark and "0 bytes" in remark for remark in dataset.remarks)
    with pytest.raises(DatasetError, match=re.escape(str(file))):
        dataset.read(row_of(dataset, path))
    assert len(dataset.read(row_of(dataset, written.table["path"][4]))) == 1


@pytest.mark.parametrize("tree", OF_PICTURES, indirect=True)
@pytest.mark.parametrize("content", [b"<html>log in first</html>", "half of it"])
def test_a_file_that_is_no_picture_is_named_when_it_is_read(tree, content):
    loader, written = tree
    file = picture(written, 3)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2] if content == "half of it" else content)
    dataset = loader.load(written.folder)
    with pytest.raises(DatasetError) as raised:
        dataset.read(dataset.frame["image"])
    assert str(file) in str(raised.value) and "copy it again" in str(raised.value)


def test_a_picture_that_claims_to_be_gigantic_is_named_when_it_is_read(tmp_path):
    written = layouts.write_sfew(tmp_path, per_class=1)

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0))
    picture(written).write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"0")) + chunk(b"IEND", b""))
    dataset = sfew.load(written.folder)
    with pytest.raises(DatasetError, match=re.escape(written.table["path"][0])):
        dataset.read(row_of(dataset, written.table["path"][0]))


@pytest.mark.parametrize("tree", OF_PICTURES, indirect=True)
def test_pictures_of_another_size_are_refused_together_and_read_alone(tree):
    loader, written = tree
    layouts.write_image(picture(written, 3), RED[:20, :30])
    dataset = loader.load(written.folder)
    with pytest.raises(DatasetError) as raised:
        dataset.read(dataset.frame["image"])
    assert written.table["path"][3] in str(raised.value) and "30 x 20" in str(raised.value)
    assert dataset.read(row_of(dataset, written.table["path"][3])).shape[1:3] == (20, 30)


@pytest.mark.parametrize("tree", IN_COLOUR, indirect=True)
def test_a_red_picture_is_read_as_red_green_blue(tree):
    loader, written = tree
    layouts.write_image(picture(written), RED)
    dataset = loader.load(written.folder)
    assert np.abs(dataset.read(row_of(dataset, written.table["path"][0]))[0, 5, 5].astype(int) - RED[0, 0]).max() < 8


@pytest.mark.parametrize("place", ["Videos - FLV", "Video - AVI"])
def test_a_red_video_is_read_as_red_green_blue(place, tmp_path):
    written = layouts.write_amfed(tmp_path, people=1, place=place)
    layouts.write_video(picture(written), [RED] * 18, "MJPG" if "AVI" in place else "FLV1")
    assert np.abs(amfed.load(tmp_path).read([0])[0, 5, 5].astype(int) - RED[0, 0]).max() < 8


@pytest.mark.parametrize("tree", IN_COLOUR, indirect=True)
def test_a_grey_picture_among_coloured_ones_is_read_as_three_equal_channels(tree):
    loader, written = tree
    grey = written.images[0].mean(axis=2, keepdims=True).astype(np.uint8)
    layouts.write_image(picture(written), grey)
    dataset = loader.load(written.folder)
    images = dataset.read(dataset.frame["image"])
    found = images[row_of(dataset, written.table["path"][0])[0]]
    assert (found == found[..., :1]).all() and np.abs(found.astype(int) - grey).mean() < 4


@pytest.mark.parametrize("tree", ["ckplus", "ckplus, repackaged", "jaffe"], indirect=True)
def test_a_coloured_picture_among_grey_ones_is_read_as_grey(tree):
    loader, written = tree
    layouts.write_image(picture(written), written.images[0].repeat(3, axis=2))
    dataset = loader.load(written.folder)
    images = dataset.read(dataset.frame["image"])
    assert images.shape[-1] == 1
    assert np.abs(images[row_of(dataset, written.table["path"][0])[0]].astype(int) - written.images[0]).max() <= 1


@pytest.mark.parametrize("tree", ["ckplus", "jaffe", "sfew"], indirect=True)
def test_a_picture_of_16_bits_is_read_as_8_bits(tree):
    loader, written = tree
    layouts.write_image(picture(written), written.images[0].astype(np.uint16) * 257)
    assert cv2.imread(str(picture(written)), cv2.IMREAD_UNCHANGED).dtype == np.uint16
    dataset = loader.load(written.folder)
    found = dataset.read(row_of(dataset, written.table["path"][0]))[0]
    assert found.dtype == np.uint8 and np.abs(found.astype(int) - written.images[0]).max() <= 1


@pytest.mark.parametrize("tree", ["oulu_casia", "bp4d", "kdef", "rafd", "rafdb"], indirect=True)
def test_a_picture_that_its_camera_marked_as_turned_is_read_upright(tree):
    loader, written = tree
    entries = Image.Exif()
    entries[0x0112] = 6  # to be shown turned to the right by 90 degrees
    Image.fromarray(np.rot90(written.images[0])).save(picture(written), "JPEG", quality=95, exif=entries)
    dataset = loader.load(written.folder)
    found = dataset.read(row_of(dataset, written.table["path"][0]))[0]
    assert found.shape == written.images[0].shape and np.abs(found.astype(int) - written.images[0]).mean() < 6


@pytest.mark.parametrize("tree", OF_PICTURES, indirect=True)
def test_hidden_files_and_other_kinds_of_file_are_no_pictures(tree):
    loader, written = tree
    folder = picture(written).parent
    for name in (f"._{picture(written).name}", "Thumbs.db", "notes.txt", "desktop.ini"):
        (folder / name).write_bytes(b"not a picture")
    dataset = loader.load(written.folder)
    assert_finds(dataset, written)
    assert sum(dataset.skipped.values()) == written.skipped


# People and classes.


def test_people_with_a_single_picture_are_loaded_and_the_difference_is_remarked(tmp_path):
    written = layouts.write_jaffe(tmp_path)
    for person in written.table.groupby("subject")["path"]:
        for path in person[1].iloc[1:]:
            (tmp_path / path).unlink()
    dataset = jaffe.load(tmp_path)
    assert dataset.frame["subject"].value_counts().to_dict() == dict.fromkeys(layouts.JAFFE_PEOPLE, 1)
    assert "all/anger: 10 images, 30 published" in dataset.remarks


@pytest.mark.parametrize("tree", [name for name in CASES if not name.startswith(("rafdb", "ckplus", "amfed"))], indirect=True)
def test_a_class_without_pictures_is_remarked_and_the_others_are_loaded(tree, request):
    loader, written = tree
    for row in np.flatnonzero(written.table["label"] == "fear"):
        (root_of(written) / written.table["path"][row]).unlink()
    dataset = loader.load(written.folder, **CASES[request.node.callspec.params["tree"]][1])
    assert set(dataset.frame["label"]) == set(written.table["label"]) - {"fear"} and "fear" in dataset.classes
    assert "class fear has no image" in dataset.remarks and not dataset.official


def test_a_class_without_label_files_in_ckplus_is_remarked(tmp_path):
    written = layouts.write_ckplus(tmp_path)
    for path in (tmp_path / "Emotion").rglob("*_emotion.txt"):
        if float(path.read_text()) == layouts.CKPLUS_CODES["fear"]:
            path.unlink()
    dataset = ckplus.load(written.folder)
    assert "class fear has no image" in dataset.remarks
    assert sum(dataset.skipped.values()) == written.skipped + 5


def test_a_class_without_lines_in_rafdb_is_remarked(tmp_path):
    written = layouts.write_rafdb(tmp_path)
    labels = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    labels.write_text("".join(line + "\n" for line in labels.read_text().splitlines() if not line.endswith(" 2")))
    dataset = rafdb.load(written.folder)
    assert "class fear has no image" in dataset.remarks and "fear" not in set(dataset.frame["label"])


# Label files.


def test_ckplus_without_its_folder_of_labels_says_that_it_is_a_download_of_its_own(tmp_path):
    layouts.write_ckplus(tmp_path)
    (tmp_path / "Emotion").rename(tmp_path / "elsewhere")
    message = refused(ckplus, tmp_path)
    assert str(tmp_path) in message and "Emotion" in message and "download" in message


def test_a_sequence_of_ckplus_without_its_label_file_is_counted(tmp_path):
    written = layouts.write_ckplus(tmp_path)
    next((tmp_path / "Emotion" / "S005" / "001").iterdir()).unlink()
    dataset = ckplus.load(tmp_path)
    assert sum(dataset.skipped.values()) == written.skipped + 1
    assert "S005/001" not in set(dataset.frame["sequence"]) and "S005/002" in set(dataset.frame["sequence"])


@pytest.mark.parametrize("text", ["3.0e+00 4.0e+00 5.0e+00", "9.0e+00", "-1.0", "1.5", "nan", "inf", "anger", "", "\x00\xff"])
def test_a_label_file_of_ckplus_that_is_not_one_code_is_named(text, tmp_path):
    layouts.write_ckplus(tmp_path, people=1)
    path = next((tmp_path / "Emotion" / "S005" / "001").iterdir())
    path.write_text(text, encoding="latin-1")
    message = refused(ckplus, tmp_path)
    assert str(path) in message and "one number from 0 to 7" in message


def test_label_files_of_ckplus_that_disagree_are_named(tmp_path):
    layouts.write_ckplus(tmp_path, people=1)
    folder = tmp_path / "Emotion" / "S005" / "001"
    (folder / "S005_001_00000003_emotion.txt").write_text("7.0e+00")
    assert str(folder) in refused(ckplus, tmp_path)


def test_rafdb_without_its_label_file_says_so(tmp_path):
    layouts.write_rafdb(tmp_path)
    labels = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    labels.unlink()
    assert f"{labels} is missing" in refused(rafdb, tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "train_00002.jpg 5 3 1",
        "train_00002.jpg 8",
        "train_00002.jpg 0",
        "train_00002.jpg",
        "train_00002.txt 5",
        "dev_00002.jpg 5",
    ],
)
def test_a_line_of_rafdb_that_is_not_a_file_and_a_code_is_named_with_its_number(line, tmp_path):
    layouts.write_rafdb(tmp_path)
    labels = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    first, _, *rest = labels.read_text().splitlines()
    labels.write_text("\n".join([first, line, *rest]))
    message = refused(rafdb, tmp_path)
    assert f"{labels}, line 2: {line!r}" in message and "1 to 7" in message


def test_a_line_of_rafdb_whose_picture_is_absent_is_named_with_its_number(tmp_path):
    written = layouts.write_rafdb(tmp_path)
    file = picture(written, 4)
    file.unlink()
    message = refused(rafdb, tmp_path)
    assert "line 5" in message and str(file) in message and "unpack" in message


def test_an_empty_label_file_of_rafdb_is_refused_with_what_is_expected(tmp_path):
    layouts.write_rafdb(tmp_path)
    (tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt").write_text("\n")
    assert rafdb.CARD.tree in refused(rafdb, tmp_path)


# Videos and action units.


def labels_of(written):
    """The label file of the first video."""
    return written.folder / "AU Labels" / f"{written.table['subject'][0]}-label.csv"


def test_amfed_without_its_folder_of_labels_says_so(tmp_path):
    layouts.write_amfed(tmp_path, people=1)
    (tmp_path / "AU Labels").rename(tmp_path / "elsewhere")
    message = refused(amfed, tmp_path)
    assert str(tmp_path / "AU Labels") in message and "-label.csv" in message


def test_a_video_without_its_label_file_is_counted(tmp_path):
    written = layouts.write_amfed(tmp_path)
    labels_of(written).unlink()
    dataset = amfed.load(tmp_path)
    assert dataset.skipped["videos without a label file"] == 1 and dataset.frame["subject"].nunique() == 6


def test_a_label_file_without_its_video_changes_nothing(tmp_path):
    written = layouts.write_amfed(tmp_path)
    (tmp_path / "AU Labels" / "0a1b2c3d-label.csv").write_text(labels_of(written).read_text())
    assert_finds(amfed.load(tmp_path), written)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("Time", "Moment"),
        lambda text: text.replace("0.143,0", "0.143,often"),
        lambda text: text.replace("0.143,0", "0.143,250"),
        lambda text: text.replace("0.143,0", "0.143,-3"),
        lambda text: text.replace("0.143,0", "later,0"),
        lambda text: text.replace("0.143,0", ",0"),
        lambda text: text.replace("0.143,0", "0.143,0,0,0"),
        lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1),
        lambda text: "",
    ],
)
def test_a_label_file_of_amfed_that_cannot_be_understood_is_named(change, tmp_path):
    path = labels_of(layouts.write_amfed(tmp_path, people=2))
    path.write_text(change(path.read_text()))
    assert str(path) in refused(amfed, tmp_path)


@pytest.mark.parametrize("place", ["Videos - FLV", "Video - AVI"])
def test_labelled_frames_beyond_the_end_of_their_video_are_counted(place, tmp_path):
    written = layouts.write_amfed(tmp_path, people=1, place=place)
    faces = [layouts.fitted(face, 64, 48) for face, _, _ in layouts.amfed_frames(1)[0][1]]
    layouts.write_video(picture(written), faces[:7], "MJPG" if "AVI" in place else "FLV1")
    dataset = amfed.load(tmp_path)
    assert dataset.frame["position"].tolist() == [p for p in written.table["position"] if p < 7]
    assert dataset.skipped["labelled frames beyond the end of their video"] == len(faces) - 7
    assert np.abs(dataset.read(dataset.frame["image"]).astype(int) - written.images[: len(dataset.frame)]).mean() < 6


@pytest.mark.parametrize("place", ["Videos - FLV", "Video - AVI"])
def test_a_video_cut_off_in_the_middle_is_read_as_far_as_it_goes(place, tmp_path):
    written = layouts.write_amfed(tmp_path, people=1, place=place)
    content = picture(written).read_bytes()
    picture(written).write_bytes(content[: len(content) // 2])
    dataset = amfed.load(tmp_path)
    assert 0 < len(dataset.read(dataset.frame["image"])) < len(written.table)
    assert dataset.skipped["labelled frames beyond the end of their video"] > 0
    assert set(dataset.frame["position"]) < set(written.table["position"])


@pytest.mark.parametrize("content", [b"", b"<html>log in first</html>"])
def test_a_file_that_is_no_video_is_counted_and_named_and_the_others_are_used(content, tmp_path):
    written = layouts.write_amfed(tmp_path, people=2)
    broken = picture(written)
    broken.write_bytes(content)
    dataset = amfed.load(tmp_path)
    assert dataset.skipped["videos that cannot be read"] == 1 and not dataset.official
    assert set(dataset.frame["subject"]) == set(written.table["subject"]) - {broken.stem}
    assert any(str(broken) in remark and "copy it again" in remark for remark in dataset.remarks)
    for path in broken.parent.iterdir():
        path.write_bytes(content)
    message = refused(amfed, tmp_path)
    assert str(broken.parent) in message and "copy it again" in message


# File names.

ODD = ["ſ", "İ", "ı", "K", "٣", "²", "é", "/", "\\", "\n", "\x00", " ", ".", "_", "-", "..", "\ud800"]
RESEMBLING = {"s": "ſ", "i": "İı", "k": "\N{KELVIN SIGN}"} | {digit: chr(0x660 + int(digit)) for digit in "0123456789"}
GOOD = {
    ckplus: ["S005", "_001_", "00000011", ".png"],
    jaffe: ["KA", ".", "DI", "SA", "SU", "1", ".39", ".tiff"],
    oulu_casia: ["P001", "/", "Disgust", "Sadness", "Surprise", "/000", ".jpeg"],
    bp4d: ["F001", "/T1", "/T4", "/0001", ".jpg"],
    kdef: ["A", "F", "01", "DI", "SU", "HL", "S", ".JPG"],
    rafd: ["Rafd", "090", "_01", "_Kid", "_female", "_disgusted", "_surprised", "_frontal", ".jpg"],
    rafdb: ["train", "_00001", "test_0001", ".jpg", " ", "5"],
    sfew: ["Train", "/Disgust", "/Sad", "/21", "_000553240", "_00000018", ".png"],
    amfed: ["035c4ea0-d73b", "-5bde", ".flv", ".avi"],
}

NAMES = {
    ckplus: "S005_001_00000011.png",
    jaffe: "KA.DI1.39.tiff",
    oulu_casia: "P001/Disgust/000.jpeg",
    bp4d: "F001/T1/0001.jpg",
    kdef: "AF01DIS.JPG",
    rafd: "Rafd090_01_Kid_female_disgusted_right.jpg",
    rafdb: "test_0001.jpg 5",
    sfew: "Train/Disgust/21_000553240_00000018.png",
    amfed: "035c4ea0-d73b-5bde.flv",
}


@st.composite
def resembling(draw, text):
    """The text with some characters replaced by others that only resemble them."""
    return "".join(draw(st.sampled_from([character, *RESEMBLING.get(character.lower(), "")])) for character in text)


def text_like(loader):
    """Any text, the pieces of the loader's names in any order mixed with odd characters, and names that are nearly right."""
    return st.text() | st.lists(st.sampled_from(GOOD[loader] + ODD), max_size=12).map("".join) | resembling(NAMES[loader])


@pytest.mark.parametrize("loader", GOOD, ids=lambda loader: loader.CARD.name)
@given(data=st.data())
def test_any_text_is_parsed_to_nothing_or_to_one_of_the_classes(loader, data):
    parts = loader.parse(data.draw(text_like(loader)))
    assert parts is None or parts.get("label") in (*loader.CLASSES, None)


@pytest.mark.parametrize(
    ("loader", "name"),
    [
        (jaffe, "KA.Dİ1.39.tiff"),
        (oulu_casia, "P001/ſadness/000.jpeg"),
        (oulu_casia, "P٠٠١/Anger/000.jpeg"),
        (kdef, "AF01DİS.JPG"),
        (rafd, "Rafd090_01_Kid_female_ſad_frontal.jpg"),
        (sfew, "Train/ſad/21_000553240_00000018.png"),
        (ckplus, "ſ005_001_00000011.png"),
        (rafdb, "teſt_0001.jpg 5"),
    ],
)
def test_letters_that_only_resemble_the_right_ones_make_no_name(loader, name):
    assert loader.parse(name) is None


numbers = st.integers
SIDES = st.sampled_from(["frontal", "left", "right"])


@given(numbers(0, 999), numbers(0, 999), numbers(0, 99_999_999))
def test_names_of_ckplus_are_read_back(person, sequence, frame):
    parts = ckplus.parse(f"S{person:03d}_{sequence:03d}_{frame:08d}.png")
    assert parts == {"subject": f"S{person:03d}", "sequence": f"S{person:03d}/{sequence:03d}", "frame_number": frame}


@given(st.sampled_from(layouts.JAFFE_PEOPLE), st.sampled_from(sorted(layouts.JAFFE_NAMES)), numbers(1, 9), numbers(1, 219))
def test_names_of_jaffe_are_read_back(person, label, take, number):
    parts = jaffe.parse(f"{person}.{layouts.JAFFE_NAMES[label]}{take}.{number}.tiff")
    assert parts == {"subject": person, "label": label, "take": take, "number": number}


@given(numbers(1, 80), st.sampled_from(layouts.SIX), numbers(0, 999))
def test_paths_of_oulu_casia_are_read_back(person, label, frame):
    parts = oulu_casia.parse(f"P{person:03d}/{label.capitalize()}/{frame:03d}.jpeg")
    assert (parts["subject"], parts["label"], parts["frame_number"]) == (f"P{person:03d}", label, frame)
    assert parts["sequence"] == f"P{person:03d}/{label.capitalize()}"


@given(st.sampled_from("FM"), numbers(1, 41), numbers(1, 8), numbers(0, 9999), st.sampled_from([3, 4]))
@example("F", 1, 4, 12, 3)
def test_paths_of_bp4d_are_read_back(sex, person, task, frame, digits):
    parts = bp4d.parse(f"{sex}{person:03d}/T{task}/{frame:0{digits}d}.jpg")
    assert (parts["subject"], parts["task"], parts["frame_number"]) == (f"{sex}{person:03d}", f"T{task}", frame)
    assert parts["label"] == layouts.BP4D_TASKS.get(f"T{task}")


@given(*map(st.sampled_from, ("AB", "FM", range(1, 36), sorted(layouts.KDEF_NAMES), sorted(layouts.KDEF_ANGLES))))
def test_names_of_kdef_are_read_back(session, sex, person, label, angle):
    parts = kdef.parse(f"{session}{sex}{person:02d}{layouts.KDEF_NAMES[label]}{angle}.JPG")
    assert (parts["session"], parts["sex"][0], parts["subject"]) == (session, sex.lower(), f"{sex}{person:02d}")
    assert (parts["label"], parts["angle"]) == (label, layouts.KDEF_ANGLES[angle][0])


@given(
    st.sampled_from([0, 45, 90, 135, 180]),
    numbers(1, 73),
    st.sampled_from(["Caucasian", "Moroccan", "Kid"]),
    st.sampled_from(["female", "male"]),
    st.sampled_from(sorted(layouts.RAFD_NAMES)),
    SIDES,
)
def test_names_of_rafd_are_read_back(camera, person, group, sex, label, gaze):
    name = f"Rafd{camera:03d}_{person:02d}_{group}_{sex}_{layouts.RAFD_NAMES[label]}_{gaze}.jpg"
    expected = {"camera": camera, "subject": f"{person:02d}", "group": group, "sex": sex, "label": label, "gaze": gaze}
    assert rafd.parse(name) == expected


@given(st.sampled_from([("train", 5), ("test", 4)]), numbers(1, 9999), st.sampled_from(sorted(layouts.RAFDB_CODES)))
def test_lines_of_rafdb_are_read_back(split, number, label):
    stem = f"{split[0]}_{number:0{split[1]}d}"
    parts = rafdb.parse(f"{stem}.jpg {layouts.RAFDB_CODES[label]}")
    assert parts == {"path": f"Image/aligned/{stem}_aligned.jpg", "split": split[0], "label": label}


@given(
    st.sampled_from(sorted(layouts.SFEW_SPLITS)),
    st.sampled_from(sorted(layouts.SFEW_NAMES)),
    st.from_regex(r"[A-Za-z0-9]{1,12}(_[A-Za-z0-9]{1,9}){0,3}", fullmatch=True),
    numbers(0, 23_595_999),
    numbers(0, 99_999),
)
@example("Train", "anger", "HarryPotter_Deathly_Hallows_1", 5_528_520, 26)
@example("Train", "anger", "21", 12_246_400, 87)
@example("Train", "anger", "Film_1234567", 12_246_400, 87)
def test_paths_of_sfew_are_read_back(part, label, film, time, frame):
    parts = sfew.parse(f"{part}/{layouts.SFEW_NAMES[label]}/{film}_{time:09d}_{frame:08d}.png")
    assert parts == {
        "split": layouts.SFEW_SPLITS[part],
        "label": label,
        "film": film,
        "sequence": f"{film}_{time:09d}",
        "frame_number": frame,
    }


@given(st.uuids(), st.sampled_from(["flv", "avi"]))
def test_names_of_amfed_videos_are_read_back(identifier, kind):
    assert amfed.parse(f"{identifier}.{kind}") == {"identifier": str(identifier), "kind": kind}
