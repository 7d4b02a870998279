"""The FER2013 loader: its forms, its cache, and what it says of bad files."""

import gzip

import cv2
import numpy as np
import pytest
from conftest import csv_text, fer2013_rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fer_utils.datasets import base, registry, tables
from fer_utils.datasets.base import DatasetError
from fer_utils.datasets.loaders import fer2013


def write(folder, name, text):
    folder.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("fer2013.csv", ("emotion", "pixels", "Usage")),
        ("fer2013.csv.gz", ("emotion", "pixels", "Usage")),
        ("icml_face_data.csv", ("emotion", " Usage", " pixels")),
    ],
)
def test_every_csv_form_gives_the_same_images_labels_and_splits(tmp_path, name, columns):
    rows = fer2013_rows()
    dataset = fer2013.load(write(tmp_path / "f", name, csv_text(rows, columns)))
    assert dataset.read(range(len(rows))).reshape(len(rows), -1).tolist() == [row[1].tolist() for row in rows]
    assert dataset.labels(range(len(rows))).tolist() == [row[0] for row in rows]
    assert dataset.frame["split"].tolist() == [row[2] for row in rows]


def test_class_folders_are_read_as_training_and_one_merged_test(tmp_path):
    images = {}
    for split in ("train", "test"):
        for label, name in enumerate(("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")):
            (tmp_path / split / name).mkdir(parents=True)
            images[split, label] = np.full((48, 48), 10 * label + len(split), np.uint8)
            cv2.imwrite(str(tmp_path / split / name / "a.png"), images[split, label])
    dataset = fer2013.load(tmp_path)
    assert set(dataset.frame["split"]) == {"Training", "Test"}
    row = int(np.flatnonzero((dataset.frame["split"] == "Test") & (dataset.frame["label"] == "happiness"))[0])
    assert (dataset.read([row])[0, ..., 0] == images["test", 3]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: (9, r[1], r[2]), "row 4: emotion '9', expected 0 to 6"),
        (lambda r: (r[0], r[1][:-1], r[2]), "row 4: 2303 pixels, expected 2304"),
        (lambda r: (r[0], r[1], "Test"), "row 4: Usage 'Test', expected Training or PublicTest or PrivateTest"),
        (lambda r: (r[0], np.r_[r[1][:-1], 256], r[2]), "row 4: pixel value 256, expected 0 to 255"),
        (lambda r: (r[0], [*r[1][:-1], "x7"], r[2]), "row 4: a pixel that is no whole number"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_left_in_the_cache(tmp_path, change, message):
    rows = fer2013_rows()
    rows[2] = change(rows[2])
    folder = write(tmp_path / "f", "fer2013.csv", csv_text(rows))
    with pytest.raises(DatasetError) as raised:
        fer2013.load(folder)
    assert message in str(raised.value) and "fer2013.csv" in str(raised.value)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_truncated_gz_is_named_with_the_last_good_row(tmp_path):
    folder = write(tmp_path / "f", "fer2013.csv.gz", csv_text(fer2013_rows()))
    whole = (folder / "fer2013.csv.gz").read_bytes()
    (folder / "fer2013.csv.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="truncated or damaged after row"):
        fer2013.load(folder)


def test_a_wrong_header_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="row 1: columns"):
        fer2013.load(write(tmp_path / "f", "fer2013.csv", "label,pixels,Usage\n"))


def test_counts_that_differ_from_the_official_ones_are_reported(fer2013_folder):
    dataset = fer2013.load(fer2013_folder)
    assert not dataset.official
    assert "Training/anger: 2 images, 3995 published" in dataset.remarks


def test_a_second_load_comes_from_the_cache_and_a_changed_source_does_not(fer2013_folder, monkeypatch):
    first = fer2013.load(fer2013_folder)
    parsed = []
    real = tables.pixel_row
    monkeypatch.setattr(tables, "pixel_row", lambda *row: parsed.append(row) or real(*row))
    assert fer2013.load(fer2013_folder).fingerprint == first.fingerprint and not parsed
    (fer2013_folder / "fer2013.csv.gz").write_bytes(gzip.compress(csv_text(fer2013_rows(seed=1)).encode()))
    assert fer2013.load(fer2013_folder).fingerprint != first.fingerprint and parsed


def test_a_damaged_cache_is_parsed_again(fer2013_folder, tmp_path):
    first = fer2013.load(fer2013_folder).read([0])
    cached = next((tmp_path / "cache").rglob("*.npy"))
    content = bytearray(cached.read_bytes())
    content[1000] ^= 1
    cached.write_bytes(content)
    assert (fer2013.load(fer2013_folder).read([0]) == first).all()


def test_votes_of_another_order_are_refused(fer2013_folder):
    dataset = fer2013.load(fer2013_folder)
    usages = dataset.frame["split"].tolist()
    header = "Usage,Image name," + ",".join(fer2013.VOTE_COLUMNS)
    lines = [f"{usage},x.png,10,0,0,0,0,0,0,0,0,0" for usage in usages]
    (fer2013_folder / "fer2013new.csv").write_text("\n".join([header, *lines]))
    assert len(fer2013.votes(fer2013_folder, dataset)) == len(usages)
    (fer2013_folder / "fer2013new.csv").write_text("\n".join([header, *lines[::-1]]))
    with pytest.raises(DatasetError, match="row 2: Usage 'PrivateTest'"):
        fer2013.votes(fer2013_folder, dataset)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 255), min_size=1, max_size=20), st.integers(0, 6))
def test_any_valid_row_is_read_back(tmp_path, pattern, label):
    pixels = (pattern * tables.PIXELS)[: tables.PIXELS]
    found = tables.pixel_row(tmp_path, 2, [str(label), "Training", " ".join(map(str, pixels))], 7)
    assert (found[0], found[1], found[2].tolist()) == (label, 0, pixels)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=200), min_size=3, max_size=3))
def test_any_other_row_is_refused_with_its_number(tmp_path, fields):
    with pytest.raises(DatasetError, match="row 7: ") as raised:
        tables.pixel_row(tmp_path, 7, fields, 7)
    assert len(str(raised.value)) <= 300


def test_missing_data_says_where_it_was_looked_for_how_to_get_and_check_it(tmp_path):
    with pytest.raises(base.MissingDataset) as raised:
        registry.load("fer2013", tmp_path)
    for part in (str(tmp_path / "fer2013"), "kaggle.com", "train/<class>/", "fer-book data check fer2013"):
        assert part in str(raised.value)
