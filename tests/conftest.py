"""Small inputs for the tests: FER2013 files of the official shape with made-up pixels, and the chapters executed under `ci`."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest
from filelock import FileLock

if TYPE_CHECKING:
    from fer_utils.book.execution import Run

ROOT = Path(__file__).resolve().parent.parent
USAGES = ("Training", "PublicTest", "PrivateTest")
hypothesis.settings.register_profile("untimed", deadline=None)  # how long a case takes depends on what else the machine does
hypothesis.settings.load_profile("untimed")
LONGEST = ("test_notebooks.py", "test_publication.py", "test_extend.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest come first: `make test` gives each file to one process, and none is to wait at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Every test has its own cache and no data folder from outside."""
    monkeypatch.setenv("FER_BOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("FER_BOOK_DATA", raising=False)
    monkeypatch.delenv("FER_BOOK_OUTPUT", raising=False)
    monkeypatch.setenv("TQDM_DISABLE", "1")


def fer2013_rows(count: int = 42, seed: int = 0) -> list[tuple[int, np.ndarray, str]]:
    """(label, pixels, Usage) rows; every class and every Usage occurs."""
    random = np.random.default_rng(seed)
    return [(i % 7, random.integers(0, 256, 48 * 48), USAGES[(i // 7) % 3]) for i in range(count)]


def csv_text(rows, columns=("emotion", "pixels", "Usage"), separator=",") -> str:
    """The rows as CSV text in the given column order."""

    def line(label, pixels, usage):
        fields = {"emotion": str(label), "pixels": " ".join(map(str, pixels)), "Usage": usage}
        return ",".join(fields[column.strip()] for column in columns)

    return "\n".join([",".join(columns), *(line(*row) for row in rows)]) + "\n"


@pytest.fixture
def fer2013_folder(tmp_path):
    """A data root with fer2013/fer2013.csv.gz of 42 made-up images."""
    folder = tmp_path / "data" / "fer2013"
    folder.mkdir(parents=True)
    (folder / "fer2013.csv.gz").write_bytes(gzip.compress(csv_text(fer2013_rows()).encode()))
    return folder


@pytest.fixture(scope="session")
def ci_run_of(tmp_path_factory) -> Callable[[str], Run]:
    """The run of a chapter under `ci`, from nothing and without any data: executed once for all tests in all processes.

    Tests only read what it left: `run.notebook`, and `result.json` in `run.folder`.
    """
    from fer_utils.book import execution

    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "ci"
    shared.mkdir(exist_ok=True)

    def run_of(chapter: str) -> Run:
        alone = shared / chapter  # the scoreboard would read what others leave beside it
        with pytest.MonkeyPatch.context() as patch, FileLock(shared / f"{chapter}.lock"):
            patch.setenv("FER_BOOK_CACHE", str(alone / "cache"))
            patch.setenv("TQDM_DISABLE", "1")
            patch.delenv("FER_BOOK_DATA", raising=False)
            patch.setattr(execution, "BUILD", alone)
            run = execution.plan(chapter, "ci")
            failure = None if run.notebook.exists() else execution.execute(run, progress=False)
            assert failure is None and (run.folder / "result.json").exists(), failure or f"{chapter} has failed before"
        return run

    return run_of


def fer_book(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the command as a user would, in the project's folder; an empty value unsets a variable."""
    merged = {key: value for key, value in (os.environ | environment).items() if value}
    command = [str(Path(sys.executable).with_name("fer-book")), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=merged, timeout=600)
