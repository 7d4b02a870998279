"""What is installed: one set of versions for pip, conda and Binder, a wheel that stands alone, and the cell of every notebook
that installs it where it is missing."""

import copy
import importlib.util
import itertools
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import papermill
import pytest
from conftest import ROOT
from IPython.core.interactiveshell import InteractiveShell

from fer_utils.book.parameters import profile_parameters
from fer_utils.results import provenance

sys.path.insert(0, str(ROOT / "tools"))
from install_cell import address, with_address
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
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.metadata.tags == ["remove-cell", provenance.INSTALL_TAG]
    assert notebook == with_address(copy.deepcopy(notebook), address(CONFIG)), "run: python tools/install_cell.py"


def with_install_cell(named):
    """The FER2013 notebook with the cell for an address, and the source of that cell."""
    notebook = with_address(nbformat.read(ROOT / "notebooks/fer2013_cnn.ipynb", as_version=4), named)
    return notebook, next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_the_install_cell_decides_no_number():
    notebook, other = (with_install_cell(address(config))[0] for config in (WITHOUT_ADDRESS, WITH_ADDRESS))
    assert other != notebook and provenance.notebook_code(other) == provenance.notebook_code(notebook)
    assert "fer_utils" in provenance.notebook_code(notebook) and "find_spec" not in provenance.notebook_code(notebook)


@pytest.fixture
def cell_run(monkeypatch):
    """Runs the install cell for the text of a `_config.yml`, and returns what it asked pip for; nothing is installed."""
    shell, asked = InteractiveShell(), []
    monkeypatch.setattr(shell, "run_line_magic", lambda name, line, **_: asked.append(f"{name} {line}"))

    def run(config):
        shell.run_cell(with_install_cell(address(config))[1]).raise_error()
        return asked

    return run


@pytest.fixture
def missing(monkeypatch):
    """`fer_utils` seems not to be installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *given: None if name == "fer_utils" else find(name, *given))


def test_the_install_cell_takes_the_branch_of_the_repository(missing, cell_run):
    assert cell_run(WITH_ADDRESS) == ['pip install --quiet "fer-utils[live] @ git+https://github.com/owner/name@main"']


def test_the_install_cell_without_an_address_says_what_to_do(missing, cell_run):
    with pytest.raises(ModuleNotFoundError, match=r"fer_utils is missing: use `make lab` in a clone .* or %pip install"):
        cell_run(WITHOUT_ADDRESS)


def test_the_install_cell_does_nothing_where_the_package_is(cell_run):
    assert cell_run(WITH_ADDRESS) == []


def test_a_notebook_alone_installs_the_package_and_runs_to_its_end(wheel, tmp_path, monkeypatch):
    python = tmp_path / "clean/bin/python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "clean"], check=True)
    pip = [UV, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*pip, "ipykernel", "pip", f"fer-utils[live] @ {wheel.as_uri()}"], check=True)  # fetches what it needs, cached
    subprocess.run([UV, "pip", "uninstall", "--quiet", "--python", python, "fer-utils"], check=True)
    kernel = tmp_path / "jupyter/kernels/clean/kernel.json"
    kernel.parent.mkdir(parents=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel.write_text(json.dumps({"argv": command, "display_name": "clean", "language": "python"}))
    alone, home = tmp_path / "alone", tmp_path / "home"
    alone.mkdir()
    home.mkdir()
    nbformat.write(with_install_cell(wheel.as_uri())[0], alone / "fer2013_cnn.ipynb")
    for name, value in {"JUPYTER_PATH": tmp_path / "jupyter", "HOME": home, "XDG_CACHE_HOME": home / ".cache"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.delenv("FER_BOOK_CACHE")
    monkeypatch.delenv("PYTHONPATH", raising=False)

    papermill.execute_notebook(
        alone / "fer2013_cnn.ipynb",
        tmp_path / "executed.ipynb",
        parameters=profile_parameters("fer2013_cnn", "ci"),
        kernel_name="clean",
        cwd=alone,
        progress_bar=False,
    )
    assert [path.name for path in alone.iterdir()] == ["fer2013_cnn.ipynb"]
    assert list(tmp_path.glob("clean/lib/python*/site-packages/fer_utils/assets/profiles.yml"))
    if sys.platform == "linux":
        assert list(tmp_path.glob("home/.cache/fer_book/trainings/*/record.json"))
