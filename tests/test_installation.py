"""What is installed: one set of versions for pip, conda and Binder, and a wheel that stands alone."""

import itertools
import re
import subprocess
import sys
import tomllib
import zipfile

from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from lock_to_environment import environment_file, pins

LOCK = (ROOT / "requirements.lock").read_text()


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


def test_the_wheel_carries_claims_results_network_profiles_and_faces(tmp_path):
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(command, check=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
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
