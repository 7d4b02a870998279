"""The page `Extend it` does what it says: its files, changes, commands and code, in their order, in a copy of the repository."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT

from fer_utils.results.store import read_result

BLOCK = re.compile(
    r"^```(?:\{code-block\} )?(?P<kind>\w+)\n(?::caption: \"`(?P<file>\S+)`\"\n)?(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
FER_BOOK = [sys.executable, "-c", "from fer_utils.book.cli import main; main()"]


def notebook_of(cells):
    """The notebook that is written as text with `# %%` before each cell."""
    made = []
    for cell in re.split(r"^# %%", cells, flags=re.MULTILINE)[1:]:
        head, _, body = cell.partition("\n")
        if "[markdown]" in head:
            made.append(nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE)))
        else:
            tags = re.search(r"tags=(\[.*\])", head)
            made.append(nbformat.v4.new_code_cell(body.strip(), metadata={"tags": json.loads(tags[1])} if tags else {}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.writes(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}))


def changed(text, change):
    """A text with the lines of a change that begin with a minus replaced by those with a plus. A blank line begins
    the next place; each must fit in one place."""
    for place in change.split("\n\n"):
        lines = place.splitlines()
        before, after = ("".join(f"{line[1:]}\n" for line in lines if line[0] in signs) for signs in (" -", " +"))
        assert text.count(before) == 1, f"fits {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A copy of the repository in which the page has been followed."""
    copy = tmp_path_factory.mktemp("extended")
    shutil.copytree(ROOT / "fer_utils", copy / "fer_utils", ignore=shutil.ignore_patterns("__pycache__", "data"))
    (copy / "fer_utils/datasets/data").symlink_to(ROOT / "fer_utils/datasets/data")
    for name in ("book/claims", "notebooks"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.ipynb", ".*"))
    shutil.copy(ROOT / "_toc.yml", copy)
    outside = os.environ | {"PYTHONPATH": str(copy), "FER_BOOK_CACHE": str(copy / "cache"), "TQDM_DISABLE": "1"}
    outside.pop("FER_BOOK_DATA", None)

    def run(command, status):
        ended = subprocess.run(command, check=False, cwd=copy, env=outside, capture_output=True, text=True, timeout=300)
        assert ended.returncode == status, f"{command}\n{ended.stdout}\n{ended.stderr}"

    for block in BLOCK.finditer((ROOT / "book/extend.md").read_text()):
        kind, text, file = block["kind"], block["text"], copy / block["file"] if block["file"] else None
        if kind == "diff":
            file.write_text(changed(file.read_text(), text))
        elif file is not None:
            file.write_text(notebook_of(text) if file.suffix == ".ipynb" else text)
        elif kind == "python":
            run([sys.executable, "-c", text], 0)
        else:
            for line in text.splitlines():
                first, *rest = shlex.split(line, comments=True)
                command = FER_BOOK if first == "fer-book" else [sys.executable]
                run([*command, *rest], 1 if "ends with status 1" in line else 0)
    return copy


def test_the_page_can_be_followed_to_a_result_on_the_new_dataset(followed):
    result = read_result(followed / "_build/runs/default/smiles_paper/result.json")
    assert result.dataset.name == "smiles" and result.dataset.official and result.metric("test").n == 24
    assert set(result.measurements) == {"accuracy"} and not result.measurements["accuracy"].lacking


def test_without_the_dataset_rendered_faces_stand_in_and_no_verdict_follows(followed):
    result = read_result(followed / "_build/runs/ci/smiles_paper/result.json")
    assert result.dataset.name == "rendered_faces" and result.measurements["accuracy"].lacking == "data"


def test_a_change_that_no_longer_fits_is_noticed():
    with pytest.raises(AssertionError, match="fits 0 times"):
        changed("a\nb\n", " a\n+e\n\n-c\n+d\n")
