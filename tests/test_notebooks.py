"""The notebooks: clean in the repository, and the same again when executed a second time (nbval)."""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from conftest import ROOT

from fer_utils.book.parameters import chapters
from fer_utils.claims.schema import load_claims
from fer_utils.results import store

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ROOMS = {path.parent.name for path in (ROOT / "fer_utils").glob("*/__init__.py")}
KILLED = "ckplus_oulu_3dcnn"  # has the most trainings; its second execution goes on where another was killed


def nbval(*arguments, cache):
    """pytest with nbval on executed copies or clean sources, as a contributor's CI would run it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-cell-timeout=900", *map(str, arguments)]
    own = {"FER_BOOK_CACHE": cache, "FER_BOOK_OUTPUT": cache.parent / "runs" / "again"}  # beside no other run
    environment = os.environ | {name: str(path) for name, path in own.items()} | {"TQDM_DISABLE": "1"}
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=1800)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs_and_counts(path):
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_has_a_caption_a_name_and_a_text_for_those_who_cannot_see_it(path):
    notebook = nbformat.read(path, as_version=4)
    drawing = [cell for cell in notebook.cells if "figure" in cell.metadata.get("mystnb", {})]
    assert len(drawing) >= 5
    for cell in drawing:
        assert cell.metadata["mystnb"]["figure"].keys() >= {"caption", "name"} and cell.metadata["mystnb"]["image"]["alt"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_asks_a_room_only_for_what_it_offers_and_never_for_a_module(path):
    """A name that is a module's too is the module or the function, by what was imported before."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    python = (re.sub(r"^(\s*)[%!].*$", r"\1pass", cell, flags=re.MULTILINE) for cell in cells)  # without IPython's own lines
    for node in (node for cell in python for node in ast.walk(ast.parse(cell))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ROOMS:
            room = importlib.import_module(f"fer_utils.{node.value.id}")
            assert node.attr in room.__all__, f"{node.value.id}.{node.attr}"
            assert not Path(room.__file__).with_name(f"{node.attr}.py").exists(), f"{node.value.id}.{node.attr} is a module"


@pytest.fixture(params=chapters())
def ci_run(request, ci_run_of):
    """The chapter executed under `ci`."""
    return ci_run_of(request.param)


def test_a_ci_run_leaves_a_valid_result_with_its_provenance(ci_run):
    result = store.read_result(ci_run.folder / "result.json")
    assert result.profile == "ci"
    assert result.dataset is None or not result.dataset.real
    assert result.environment.packages["keras"] and (result.trainings or result.environment.backend == "not used")
    printed = ROOT / "book/claims" / f"{ci_run.chapter}.yml"
    claims = {claim.id for claim in load_claims(printed).claims} if printed.exists() else set()
    assert set(result.measurements) <= claims and bool(result.measurements) == bool(claims)
    assert result.selected_on and all(metric.low is not None for metric in result.metrics if metric.n and metric.n > 1)


def repeated(ci_run, folder):
    """A second execution of a chapter in a folder, perhaps with a cache there, whose every output nbval compares."""
    shutil.copy(ci_run.notebook, folder / f"{ci_run.chapter}.ipynb")
    ended = nbval("--nbval", folder / f"{ci_run.chapter}.ipynb", cache=folder / "cache")
    assert ended.returncode == 0, ended.stdout[-3000:]
    return store.read_result(folder / "runs" / "again" / "result.json")


@pytest.mark.parametrize("chapter", [chapter for chapter in chapters() if chapter != KILLED])
def test_a_ci_run_repeated_from_nothing_gives_the_same_outputs(chapter, ci_run_of, tmp_path):
    repeated(ci_run_of(chapter), tmp_path)


def measured(result):
    """What a result says, without times."""
    tables = {name: rows for name, rows in result.tables.items() if name != "cost"}
    return result.metrics, result.confusions, tables, result.measurements, [record.history for record in result.trainings]


RUN_CI = """
import sys; from pathlib import Path; from fer_utils.book import execution
execution.BUILD = Path(sys.argv[1]); execution.execute(execution.plan(sys.argv[2], "ci"), progress=False)
"""


def test_a_run_killed_in_the_middle_and_started_again_gives_the_same_outputs_and_result(ci_run_of, tmp_path):
    ci_run = ci_run_of(KILLED)
    command = [sys.executable, "-c", RUN_CI, str(tmp_path / "killed"), KILLED]
    environment = os.environ | {"FER_BOOK_CACHE": str(tmp_path / "cache"), "TQDM_DISABLE": "1"}
    process = subprocess.Popen(command, env=environment)
    while len(list(tmp_path.glob("cache/trainings/*/record.json"))) < 3 and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, "the run has ended before it could be killed"
    for one in [*psutil.Process(process.pid).children(recursive=True), process]:
        one.kill()
    process.wait()
    finished = len(list(tmp_path.glob("cache/trainings/*/record.json")))
    assert 3 <= finished < 15 and not list(tmp_path.glob("killed/runs/ci/*/result.json"))
    assert measured(repeated(ci_run, tmp_path)) == measured(store.read_result(ci_run.folder / "result.json"))
