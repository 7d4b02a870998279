"""Options and arguments that several commands have, and what a shell completes them to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fer_utils.book.parameters import NOTEBOOKS

PROFILES = ("ci", "default", "full")


def profiles(incomplete: str) -> list[str]:
    """The profiles that begin as typed."""
    return [name for name in PROFILES if name.startswith(incomplete)]


def chapters(incomplete: str) -> list[str]:
    """The chapters that begin as typed."""
    return sorted(path.stem for path in NOTEBOOKS.glob(f"{incomplete}*.ipynb"))


def papers(incomplete: str) -> list[str]:
    """The papers that begin as typed."""
    from fer_utils.claims import schema

    return [name for name in schema.papers() if name.startswith(incomplete)]


def datasets(incomplete: str) -> list[str]:
    """The datasets that begin as typed."""
    from fer_utils.datasets.registry import DATASETS

    return [name for name in DATASETS if name.startswith(incomplete)]


Profile = Annotated[str, typer.Option(help="ci, default or full; see notebooks/profiles.yml", autocompletion=profiles)]
Data = Annotated[Path | None, typer.Option(help="folder with one subfolder per dataset (else FER_BOOK_DATA)")]
Json = Annotated[bool, typer.Option("--json", help="print JSON")]
