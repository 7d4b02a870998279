"""`fer-book data`: what there is, how to get it, and whether a copy is complete and sound."""

import json
import shutil

import cv2
import layouts
import numpy as np
import pytest
from conftest import fer_book

from fer_utils.datasets import check, registry

COUNTED = ("ckplus", "jaffe", "bp4d", "kdef", "rafd", "rafdb", "sfew", "amfed")


def checked(name, folder):
    return check.check(registry.card(name).load(folder), registry.card(name))


@pytest.mark.parametrize("name", COUNTED)
def test_a_check_finds_what_was_written(name, tmp_path):
    written = getattr(layouts, f"write_{name}")(tmp_path / name)
    report = checked(name, written.folder)
    assert report.images == len(written.table) and not report.unreadable
    assert sum(sum(split.values()) for split in report.counts.values()) == len(written.table)
    assert sum(report.skipped.values()) == written.skipped
    assert report.differences and not report.sound  # a small tree is not the whole dataset


def test_a_complete_dataset_is_sound(tmp_path):
    """JAFFE's published counts, each picture another noise."""
    random = np.random.default_rng(0)
    folder = tmp_path / "jaffe"
    folder.mkdir()
    people = ("KA", "KL", "KM", "KR", "MK", "NA", "NM", "TM", "UY", "YM")
    expected = registry.card("jaffe").expected.images["all"]
    for label, code in zip(expected, ("AN", "DI", "FE", "HA", "SA", "SU", "NE"), strict=True):
        for number in range(expected[label]):
            name = f"{people[number % 10]}.{code}{number // 10 + 1}.{number}.tiff"
            cv2.imwrite(str(folder / name), random.integers(0, 256, (64, 64), np.uint8))
    ended = fer_book("data", "check", "jaffe", str(folder))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "complete and readable" in ended.stdout and "duplicates: none" in ended.stdout


def test_a_copy_on_both_sides_of_a_split_is_found(tmp_path):
    written = layouts.write_rafdb(tmp_path / "rafdb")
    rows = written.table
    train = rows[rows["split"] == "train"].iloc[0]
    test = rows[(rows["split"] == "test") & (rows["label"] != train["label"])].iloc[0]
    root = next(path.parent for path in written.folder.rglob("Image"))
    shutil.copy(root / train["path"], root / test["path"])
    report = checked("rafdb", written.folder)
    assert report.duplicates == {"exact, across splits, labels differ": 1} and report.copies_across_splits == 1
    assert "1 pairs of copies lie across splits" in check.as_text(report)
    assert train["path"] in report.duplicate_examples[0] and test["path"] in report.duplicate_examples[0]


def test_unreadable_files_are_listed_and_the_rest_is_checked(tmp_path):
    written = layouts.write_kdef(tmp_path / "kdef")
    broken = next(written.folder.rglob("AF01AFS.JPG"))
    broken.write_bytes(b"no picture")
    report = checked("kdef", written.folder)
    assert len(report.unreadable) == 1 and "AF01AFS.JPG" in report.unreadable[0]
    assert sum(report.sizes.values()) == len(written.table) - 1


def test_conversions_are_counted(tmp_path):
    written = layouts.write_rafd(tmp_path / "rafd")
    grey, deep = sorted(written.folder.rglob("*.jpg"))[:2]
    cv2.imwrite(str(grey), cv2.imread(str(grey), cv2.IMREAD_GRAYSCALE))
    sixteen = cv2.imread(str(deep)).astype(np.uint16) * 257
    cv2.imwrite(str(deep.with_suffix(".png")), sixteen[..., 0])
    deep.unlink()
    oddities = checked("rafd", written.folder).oddities
    assert oddities["grey, read as three equal channels"] == 1
    assert oddities["16 bits, read as 8"] == 1


def test_a_quick_check_reads_no_pixels(tmp_path):
    written = layouts.write_kdef(tmp_path / "kdef")
    next(written.folder.rglob("AF01AFS.JPG")).write_bytes(b"no picture")
    report = check.check(registry.card("kdef").load(written.folder), registry.card("kdef"), quick=True)
    assert not report.pixels_read and report.unreadable == []


def test_the_check_is_json_on_request(tmp_path):
    written = layouts.write_ckplus(tmp_path / "ckplus")
    ended = fer_book("data", "check", "ckplus", str(written.folder), "--json")
    report = check.Check.model_validate_json(ended.stdout)
    assert ended.returncode == 1 and report.expected["subjects"] == 118
    assert "surprise" in json.dumps(report.counts)


def test_five_wrong_trees_end_with_a_sentence_and_status_two(tmp_path):
    written = layouts.write_ckplus(tmp_path / "data" / "ckplus")
    (tmp_path / "empty").mkdir()
    unlabelled = tmp_path / "unlabelled"
    shutil.copytree(written.folder, unlabelled)
    shutil.rmtree(unlabelled / "Emotion")
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "extended-cohn-kanade-images.zip").write_bytes(b"PK")
    for folder, expected in {
        tmp_path / "empty": "is empty",
        tmp_path / "data": "a level too high",
        written.folder / "cohn-kanade-images": "a level too deep",
        unlabelled: "the folder Emotion with the label files is missing",
        packed: "unpack it",
    }.items():
        ended = fer_book("data", "check", "ckplus", str(folder))
        assert ended.returncode == 2 and expected in ended.stderr and "Traceback" not in ended.stderr, ended.stderr


def test_list_and_where_tell_what_there_is_and_how_to_get_it():
    listed = json.loads(fer_book("data", "list", "--json").stdout)
    assert {row["name"] for row in listed} == set(registry.DATASETS)
    where = fer_book("data", "where", "oulu_casia").stdout
    assert "Oulu" in where and "may not be shown" in where and "480 sequences" in where and "OriginalImg/VL/Strong" in where
    assert "no dataset" in fer_book("data", "where", "fer2014").stderr


def test_every_card_has_a_page_an_access_a_licence_and_a_citation():
    entries = (layouts.Path(__file__).parent.parent / "book/references.bib").read_text()
    for card in registry.DATASETS.values():
        assert card.page and card.access and card.licence and f"{{{card.citation}," in entries
