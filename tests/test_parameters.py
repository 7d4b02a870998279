"""Parameters: what a notebook's cell says of them is what the command, the notebook and Papermill go by."""

import papermill
import pytest
import yaml
from conftest import ROOT

from fer_utils import book
from fer_utils.book import parameters
from fer_utils.book.commands.chapters import parse_overrides
from fer_utils.book.parameters import ParameterError, check_parameters, model_of, validated
from fer_utils.datasets.registry import DATASETS

CELL = """profile: str = "default"  # name
share: float = 0.5  # of all [over 0 to 1]
rate: float = 1.0  # of learning [0 or more]
folds: int = 3  # of people [2 or more]
shuffle: bool = False  # the # of a comment is none of a value
detector: str = "haar"  # of faces [haar | yunet]
weights: str = "a # b"  # path of a file
seeds: list[int] = [0]  # a run each [1 to 3 values, each 0 or more]
steps: list[str] = []  # further ones [0 or more of start | end]
parts: list[str] = [
    "eyes",
    "mouth",
]  # of a face [1 or more of these]
"""
MODEL = model_of("demo", CELL)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"share": 1, "folds": 1000, "shuffle": True, "detector": "yunet", "weights": "any"},
        {"seeds": [0, 1, 2], "steps": ["end", "start"], "parts": ["mouth"]},
    ],
)
def test_what_the_cell_allows_is_accepted(values):
    settings = validated(MODEL, values).model_dump()
    assert settings["parts"] == values.get("parts", ["eyes", "mouth"]) and settings["weights"] == values.get("weights", "a # b")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"share": 0}, "parameter share = 0 of demo: Input should be greater than 0"),
        ({"share": 1.1}, "parameter share = 1.1 of demo: Input should be less than or equal to 1"),
        ({"share": float("nan")}, "parameter share = nan of demo: Input should be a finite number"),
        ({"rate": float("inf")}, "parameter rate = inf of demo: Input should be a finite number"),
        ({"folds": 1}, "greater than or equal to 2"),
        ({"folds": 2.5}, "valid integer"),
        ({"shuffle": 1}, "valid boolean"),
        ({"detector": "eyes"}, "should be 'haar' or 'yunet'"),
        ({"weights": None}, "valid string"),
        ({"seeds": []}, "at least 1 item"),
        ({"seeds": [0, 1, 2, 3]}, "at most 3 items"),
        ({"seeds": [0, -1]}, r"parameter seeds = \[0, -1\] of demo: .* greater than or equal to 0"),
        ({"steps": ["middle"]}, "should be 'start' or 'end'"),
        ({"parts": ["nose"]}, "should be 'eyes' or 'mouth'"),
        ({"fold": 3}, "demo has no parameter 'fold'; it has profile, share, rate, folds"),
    ],
)
def test_what_the_cell_does_not_allow_is_named_with_what_it_does(values, message):
    with pytest.raises(ParameterError, match=message):
        validated(MODEL, values)


@pytest.mark.parametrize(
    "line",
    [
        "epochs = 3  # passes [1 to 10]",
        "epochs: int = 3  # passes [from 1]",
        "epochs: number = 3  # passes",
        "epochs: int  # passes",
        "epochs: list[int] = [3]  # passes [1 to 10]",
        "epochs: int = range(3)  # passes",
    ],
)
def test_a_line_that_is_no_parameter_is_named(line):
    with pytest.raises(ParameterError, match=r"demo: 'epochs.* is not `name: type = default"):
        model_of("demo", f"profile: str = 'default'  # name\n{line}\n")


def test_a_default_that_its_own_line_does_not_allow_is_named():
    with pytest.raises(ParameterError, match="parameter epochs = 0 of demo: .* greater than or equal to 1"):
        validated(model_of("demo", "epochs: int = 0  # passes [1 to 10]"), {})


@pytest.mark.parametrize("chapter", parameters.chapters())
def test_papermill_finds_the_same_parameters_with_their_meanings(chapter):
    found = papermill.inspect_notebook(str(ROOT / f"notebooks/{chapter}.ipynb"))
    assert list(found) == list(check_parameters(chapter, {}).model_dump()) and list(found)[:2] == ["profile", "data_root"]
    assert [name for name, said in found.items() if not said["help"].partition(" [")[0]] == []


@pytest.mark.parametrize("profile", ["ci", "default", "full"])
@pytest.mark.parametrize("chapter", parameters.chapters())
def test_every_profile_sets_what_its_chapter_accepts(chapter, profile):
    check_parameters(chapter, parameters.profile_parameters(chapter, profile))


def test_profiles_are_of_chapters_and_datasets_that_there_are():
    listed = yaml.safe_load((ROOT / "notebooks/profiles.yml").read_text())
    assert set(listed["chapters"]) == set(parameters.chapters())
    for chapter in listed["chapters"].values():
        assert set(chapter) <= {"datasets", "reads_results", *listed["profiles"]}
        assert set(chapter.get("datasets", [])) <= set(DATASETS)


def test_a_notebook_has_its_settings_from_the_cells_that_were_run():
    injected = "# Parameters\nprofile = 'ci'\nfolds = 5\n"
    namespace = {"In": ["", CELL, injected, "settings = book.settings('demo', globals())"]}
    exec(CELL + injected, namespace)
    settings = book.settings("demo", namespace)
    assert (settings.profile, settings.folds, settings.detector) == ("ci", 5, "haar")


@pytest.mark.parametrize(
    ("run", "message"), [("", "run its parameters cell"), (CELL + "folds = 1", "parameter folds = 1 of demo")]
)
def test_a_notebook_is_told_what_is_wrong_with_its_settings(run, message):
    namespace = {"In": [CELL] if run else [""]}
    exec(run, namespace)
    with pytest.raises(ParameterError, match=message):
        book.settings("demo", namespace)


@pytest.mark.parametrize(
    ("pair", "value"),
    [("a=1e-3", 0.001), ("a=2.5E+2", 250.0), ("a=[1e-2, 3]", [0.01, 3]), ("a=1e", "1e"), ("a=e-3", "e-3"), ("a=true", True)],
)
def test_a_value_on_the_command_line_is_a_number_where_it_looks_like_one(pair, value):
    assert parse_overrides([pair]) == {"a": value} and type(parse_overrides([pair])["a"]) is type(value)


@pytest.mark.parametrize(
    ("pair", "message"),
    [("epochs", "expected name=value"), ("=3", "expected name=value"), ("seeds=[0,1", "the value cannot be read")],
)
def test_an_override_that_cannot_be_read_is_refused(pair, message):
    with pytest.raises(ParameterError, match=message):
        parse_overrides([pair])
