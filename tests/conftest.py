"""Small inputs for the tests: FER2013 files of the official shape with made-up pixels, and one executed `ci` run."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

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


def fer_book(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """Run the command as a user would, in the project's folder; an empty value unsets a variable."""
    merged = {key: value for key, value in (os.environ | environment).items() if value}
    command = [str(Path(sys.executable).with_name("fer-book")), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=merged, timeout=600)
