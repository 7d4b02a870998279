"""What a notebook keeps at its end: one record, with what every result has filled in."""

import types

import pandas as pd
import pytest

from fer_utils import book
from fer_utils.book.parameters import check_parameters, model_of, profile_parameters, validated
from fer_utils.results import store

CELL = """profile: str = "default"  # name
data_root: str = ""  # folder
seeds: list[int] = [4, 5]  # a run each [1 or more values, each 0 or more]
workers: int = 2  # processes [0 or more]
"""


@pytest.fixture
def settings():
    return validated(model_of("demo", CELL), {"profile": "ci", "data_root": "/home/somebody/faces"})


def test_a_kept_result_says_what_it_was_run_with_but_not_where(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("FER_BOOK_OUTPUT", str(tmp_path))
    result = book.keep(settings, selected_on="nothing", used={"weights_used": "none"}, files={"overview.svg": "<svg/>"})
    assert store.read_result(tmp_path / "result.json") == result and (tmp_path / "overview.svg").read_text() == "<svg/>"
    assert (result.chapter, result.profile, result.seed) == ("demo", "ci", 4)
    assert result.parameters == {"profile": "ci", "seeds": [4, 5], "weights_used": "none"}
    assert result.environment.backend == "not used" and result.wall_time_s >= 0 and result.created and result.git_revision


def test_a_notebook_that_is_run_by_hand_has_its_result_and_leaves_no_file(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert book.keep(settings, selected_on="nothing", files={"overview.svg": "<svg/>"}).chapter == "demo"
    assert list(tmp_path.iterdir()) == []


def test_the_index_of_a_table_is_kept_where_it_has_a_name(settings):
    rows = pd.DataFrame({"frames": [3, 4]}, index=["anger", "fear"])
    tables = {"counted": rows, "named": rows.rename_axis("class"), "records": [{"a": 1}]}
    assert book.keep(settings, selected_on="nothing", tables=tables).tables == {
        "counted": [{"frames": 3}, {"frames": 4}],
        "named": [{"class": "anger", "frames": 3}, {"class": "fear", "frames": 4}],
        "records": [{"a": 1}],
    }


@pytest.mark.parametrize(("line", "seed"), [("seed: int = 7  # of all", 7), ("folds: int = 3  # of people", 0)])
def test_the_seed_of_a_result_is_the_one_that_the_chapter_has(line, seed):
    assert book.keep(validated(model_of("demo", f"profile: str = 'ci'  # name\n{line}"), {}), selected_on="nothing").seed == seed


def data(**changes):
    """A dataset of which only what is asked here is there."""
    return types.SimpleNamespace(**{"real": True, "official": True} | changes)


@pytest.mark.parametrize(
    ("profile", "overrides", "datasets", "weights", "lacking"),
    [
        ("full", {}, [data()], "imagenet", ""),
        ("full", {"seed": 3, "workers": 1, "data_root": "/data"}, [data(), data()], "/of/imagenet.h5", ""),
        ("full", {}, [data(), data(real=False)], "imagenet", "data"),
        ("full", {}, [data(official=False)], "imagenet", "data"),
        ("full", {}, [data()], "none", "weights"),
        ("full", {"stage_2_epochs": 1}, [data()], "imagenet", "scale"),
        ("full", {"people": 10}, [data()], "imagenet", "scale"),
        ("default", {}, [data()], "imagenet", "scale"),
        ("ci", {}, [data()], "imagenet", "scale"),
        ("ci", {}, [data(real=False)], "none", "data"),
    ],
)
def test_an_accuracy_is_judged_only_at_full_scale_on_its_own_complete_data(profile, overrides, datasets, weights, lacking):
    chapter = "mobilenet_center_loss"
    chosen = check_parameters(chapter, profile_parameters(chapter, profile) | overrides)
    assert book.lacking(chosen, *datasets, weights=weights) == lacking
