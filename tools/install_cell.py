"""Writes into every notebook the cell that installs the package where it is missing: python tools/install_cell.py

In Colab a notebook is the only file of the book, so the cell itself says where the package comes from: `repository` of
`_config.yml`. A notebook that has no such cell gets it above its first code.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import yaml

from fer_utils.book.pages import site_config
from fer_utils.results.provenance import INSTALL_TAG

ROOT = Path(__file__).resolve().parent.parent
CELL = """# Installs fer_utils where it is missing, as in Colab. FER_BOOK_PACKAGE names another address: of a fork, or of a wheel.
import importlib.util

if importlib.util.find_spec("fer_utils") is None:
    import os
    import subprocess
    import sys

    address = os.environ.get("FER_BOOK_PACKAGE") or "{address}"
    if not address:
        raise ModuleNotFoundError(
            "fer_utils is not installed, and this notebook names no repository to install it from; open it with `make lab` in a "
            "clone of the book, or install the clone for this kernel first: %pip install 'FOLDER_OF_THE_CLONE[live]'"
        )
    print(f"installing fer_utils from {{address}}; this takes minutes where TensorFlow is missing too")
    with_pip = importlib.util.find_spec("pip") is not None
    installer = [sys.executable, "-m", "pip", "install"] if with_pip else ["uv", "pip", "install", "--python", sys.executable]
    subprocess.run([*installer, "--quiet", f"fer-utils[live] @ {{address}}"], check=True)
    importlib.invalidate_caches()"""


def install_cell(config: str) -> nbformat.NotebookNode:
    """The cell for the text of a `_config.yml`. Raises ParameterError as `site_config`."""
    repository = yaml.safe_load(site_config(config))["repository"]
    address = f"git+{repository['url']}@{repository['branch']}" if repository["url"] else ""
    tags = {"tags": ["remove-cell", INSTALL_TAG]}  # readers of the page need not install anything
    return nbformat.v4.new_code_cell(CELL.format(address=address), id=INSTALL_TAG, metadata=tags)


def with_cell(notebook: nbformat.NotebookNode, cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook with this cell as its first code, in place of an earlier one."""
    cells = [each for each in notebook.cells if INSTALL_TAG not in each.metadata.get("tags", [])]
    first = next(number for number, each in enumerate(cells) if each.cell_type == "code")
    return nbformat.NotebookNode(notebook | {"cells": [*cells[:first], cell, *cells[first:]]})


if __name__ == "__main__":
    cell = install_cell((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        path.write_text(nbformat.writes(with_cell(nbformat.read(path, as_version=4), cell)) + "\n", encoding="utf-8")
