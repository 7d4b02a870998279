"""What contributors work with: the versions of the checks, and what the workflows run."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}


def steps(workflow):
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_pre_commit_and_make_check_have_the_same_versions():
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    wanted = {pin for hook in hooks for pin in hook.get("additional_dependencies", [])}
    assert {pin.partition("==")[0] for pin in wanted} == {"ruff", "codespell", "nbstripout"}
    assert wanted <= set(PROJECT["dependency-groups"]["check"])


def test_every_version_of_a_check_is_exact():
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in PROJECT["dependency-groups"]["check"])


def test_the_tests_run_on_every_supported_python():
    first, last = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["project"]["requires-python"]).groups()
    matrix = WORKFLOWS["tests"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert matrix == [f"3.{minor}" for minor in range(int(first), int(last))]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_runs_targets_that_there_are_and_may_only_read_by_default(name):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    run = set(re.findall(r"\bmake (\w+)", " ".join(step.get("run", "") for step in steps(WORKFLOWS[name]))))
    assert run and run <= targets
    assert WORKFLOWS[name]["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in WORKFLOWS[name]["jobs"].values())


def test_the_weekly_build_takes_nothing_from_a_cache():
    assert not [step for step in steps(WORKFLOWS["weekly"]) if "cache" in str(step)]
