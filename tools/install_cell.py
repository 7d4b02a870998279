"""Writes into every notebook's first code where the package comes from, by `_config.yml`.

Run it as `python tools/install_cell.py`. In Colab a notebook is the only file of the book, so the cell itself has to name the
repository.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import yaml

from fer_utils.book.pages import site_config
from fer_utils.results.provenance import INSTALL_TAG

ROOT = Path(__file__).resolve().parent.parent
CELL = """import importlib.util

if importlib.util.find_spec("fer_utils") is None:  # as in Colab
    """
INSTALLATION = '%pip install --quiet "fer-utils[live] @ {}"'
NO_ADDRESS = (
    """raise ModuleNotFoundError("fer_utils is missing: use `make lab` in a clone of the book, or %pip install 'CLONE[live]'")"""
)


def address(config: str) -> str:
    """What pip installs the package from, by the text of a `_config.yml`; may be empty.

    Raises ParameterError as `site_config`.
    """
    repository = yaml.safe_load(site_config(config))["repository"]
    return f"git+{repository['url']}@{repository['branch']}" if repository["url"] else ""


def with_address(notebook: nbformat.NotebookNode, address: str) -> nbformat.NotebookNode:
    """The notebook with this address in its cell with the tag `install`."""
    (cell,) = [cell for cell in notebook.cells if INSTALL_TAG in cell.metadata.get("tags", [])]
    cell.source = CELL + (INSTALLATION.format(address) if address else NO_ADDRESS)
    return notebook


if __name__ == "__main__":
    named = address((ROOT / "_config.yml").read_text(encoding="utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        path.write_text(nbformat.writes(with_address(nbformat.read(path, as_version=4), named)) + "\n", encoding="utf-8")
