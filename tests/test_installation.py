"""What is installed: one set of versions for pip, conda and Binder, a wheel that stands alone, and the cell of every notebook
that installs it where it is missing."""

import importlib.util
import itertools
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import ROOT

from fer_utils.book import execution
from fer_utils.results import provenance

sys.path.insert(0, str(ROOT / "tools"))
from install_cell import install_cell, with_cell
from lock_to_environment import environment_file, pins

LOCK = (ROOT / "requirements.lock").read_text()
CONFIG = (ROOT / "_config.yml").read_text()
WITH_ADDRESS = re.sub(r'url: ".*"', 'url: "https://github.com/owner/name"', CONFIG)
WITHOUT_ADDRESS = re.sub(r'url: ".*"', 'url: ""', CONFIG)
UV = Path(sys.executable).with_name("uv")


def test_environment_yml_has_the_versions_of_the_lock_file():
    assert (ROOT / "environment.yml").read_text() == environment_file(LOCK)


def test_every_pin_has_a_hash_and_every_requirement_a_pin():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = itertools.chain(project["dependencies"], *project["optional-dependencies"].values())
    names = {re.split(r"[<>=! ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
    pinned = {re.split("==", pin)[0].lower().replace("_", "-") for pin in pins(LOCK)}
    assert names <= pinned
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK)
    assert all("--hash=sha256:" in block for block in blocks if "==" in block.splitlines()[0])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The project as a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_carries_claims_results_network_profiles_and_faces(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "assets/claims/fer2013_cnn.yml",
        "assets/results/full/fer2013_cnn.json",
        "assets/models/fer2013_cnn.weights.h5",
        "assets/models/fer2013_cnn.tflite",
        "assets/models/fer2013_cnn.int8.tflite",
        "assets/profiles.yml",
        "datasets/data/rendered_faces/wild.parquet",
    ):
        assert f"fer_utils/{name}" in names


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_the_first_code_of_a_notebook_is_the_install_cell_with_the_address_of_config(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook == with_cell(notebook, install_cell(CONFIG)), "run: python tools/install_cell.py"


def test_the_install_cell_decides_no_number():
    path = ROOT / "notebooks/fer2013_cnn.ipynb"
    notebook, other = json.loads(path.read_text()), nbformat.read(path, as_version=4)
    other = json.loads(nbformat.writes(with_cell(other, install_cell(WITH_ADDRESS))))
    assert other != notebook and provenance.notebook_code(other) == provenance.notebook_code(notebook)
    assert "fer_utils" in provenance.notebook_code(notebook) and "FER_BOOK_PACKAGE" not in provenance.notebook_code(notebook)


def run_cell(config, folder):
    """Run the install cell for the text of a `_config.yml` in this process."""
    path = folder / "cell.py"
    path.write_text(install_cell(config).source)
    runpy.run_path(str(path))


@pytest.fixture
def installed(monkeypatch):
    """What the install cell asked pip for; nothing is installed, and fer_utils seems to be missing."""
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, check: commands.append(command))
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "fer_utils" else find(name))
    monkeypatch.delenv("FER_BOOK_PACKAGE", raising=False)
    return commands


def test_the_install_cell_takes_the_branch_of_the_repository(installed, tmp_path):
    run_cell(WITH_ADDRESS, tmp_path)
    assert [command[-1] for command in installed] == ["fer-utils[live] @ git+https://github.com/owner/name@main"]


def test_the_install_cell_without_an_address_says_what_to_do(installed, tmp_path):
    with pytest.raises(ModuleNotFoundError, match=r"names no repository .* `make lab` .* install the clone"):
        run_cell(WITHOUT_ADDRESS, tmp_path)
    assert not installed


def test_the_install_cell_does_nothing_where_the_package_is(monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", lambda *arguments, **options: pytest.fail("something was to be installed"))
    run_cell(WITH_ADDRESS, tmp_path)


def test_the_install_cell_works_with_pip(wheel, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "clean"], check=True)
    environment = os.environ | {"FER_BOOK_PACKAGE": wheel.as_uri(), "PIP_NO_DEPS": "1"}
    cell = install_cell(WITHOUT_ADDRESS).source + "\nimport fer_utils; print(fer_utils.__file__)"
    python = [tmp_path / "clean/bin/python", "-c", cell]
    ended = subprocess.run(python, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert Path(ended.stdout.splitlines()[-1]).is_relative_to(tmp_path / "clean")


def test_a_notebook_alone_installs_the_package_and_runs_to_its_end(wheel, tmp_path, monkeypatch):
    python = tmp_path / "clean/bin/python"
    cache = subprocess.run([UV, "cache", "dir"], check=True, capture_output=True, text=True).stdout.strip()
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "clean"], check=True)
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, "ipykernel"], check=True)
    kernel = tmp_path / "jupyter/kernels/clean/kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "clean", "language": "python"}))
    alone, home = tmp_path / "alone", tmp_path / "home"
    alone.mkdir()
    home.mkdir()
    shutil.copy(ROOT / "notebooks/fer2013_cnn.ipynb", alone)
    for name, value in {
        "JUPYTER_PATH": tmp_path / "jupyter",
        "FER_BOOK_PACKAGE": wheel.as_uri(),
        "PATH": f"{UV.parent}{os.pathsep}{os.environ['PATH']}",
        "UV_CACHE_DIR": cache,
        "HOME": home,
        "XDG_CACHE_HOME": home / ".cache",
    }.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("FER_BOOK_CACHE")

    papermill.execute_notebook(
        alone / "fer2013_cnn.ipynb",
        tmp_path / "executed.ipynb",
        parameters=execution.merged_parameters("fer2013_cnn", "ci", {}),
        kernel_name="clean",
        cwd=alone,
        progress_bar=False,
    )
    assert [path.name for path in alone.iterdir()] == ["fer2013_cnn.ipynb"]
    assert list(tmp_path.glob("clean/lib/python*/site-packages/fer_utils/assets/profiles.yml"))
    if sys.platform == "linux":
        assert list(tmp_path.glob("home/.cache/fer_book/trainings/*/record.json"))
