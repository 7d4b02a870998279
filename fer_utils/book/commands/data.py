"""`fer-book data`: which datasets there are, how to get one, and whether a copy is complete."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_utils.book.commands import options
from fer_utils.book.commands.options import Data, Json
from fer_utils.book.parameters import ParameterError

if TYPE_CHECKING:
    from fer_utils.datasets.base import DatasetCard

app = typer.Typer(
    no_args_is_help=True,
    help="Which datasets there are, and whether yours is complete.\n\nExample: fer-book data check ckplus ~/data/ckplus",
)
Name = Annotated[str, typer.Argument(help="name of the dataset, as in fer-book data list", autocompletion=options.datasets)]


def known(name: str) -> DatasetCard:
    """The dataset's card. Raises ParameterError naming the datasets there are."""
    from fer_utils.datasets.registry import DATASETS

    if name not in DATASETS:
        raise ParameterError(f"no dataset {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]


@app.command("list")
def list_(data: Data = None, as_json: Json = False) -> None:
    """The datasets the book can load, their licences, and which of them your data folder has.

    Example: fer-book data list --data ~/data

    Exit status: 0 done, 2 there is no such data folder.
    """
    from fer_utils.datasets import base, registry

    root = base.data_root(data or "")
    if root is not None and not root.is_dir():
        raise base.MissingDataset(f"the data folder {root} does not exist; give a folder with one subfolder per dataset")
    rows = []
    for card in registry.DATASETS.values():
        try:
            place = str(base.find(card, data or ""))
        except base.MissingDataset:
            place = ""
        rows.append({"name": card.name, "title": card.title, "licence": card.licence, "found": place})
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']:15} {row['title']}\n{'':15} licence: {row['licence']}; {row['found'] or 'not here'}")
    typer.echo("How to get one: fer-book data where NAME. Is mine complete: fer-book data check NAME FOLDER")


@app.command()
def where(name: Name, as_json: Json = False) -> None:
    """How to get a dataset, and how its folder must look.

    Example: fer-book data where ckplus
    """
    card = known(name)
    if as_json:
        facts = {field: getattr(card, field) for field in ("name", "title", "access", "page", "licence", "publishable", "tree")}
        forms = [asdict(form) for form in card.forms]
        typer.echo(json.dumps(facts | {"expected": asdict(card.expected), "forms": forms}, indent=1))
        return
    typer.echo(f"{card.title}\n  {card.access} {card.page}\n  licence: {card.licence}")
    typer.echo(f"  its images {'may' if card.publishable else 'may not'} be shown in the book")
    if card.embedded:
        return
    typer.echo(f"  put it into a folder {card.name} below your data folder, as handed out: {card.tree}")
    for form in card.forms:
        typer.echo(f"  also read, and reported as repackaged ({form.name}): {form.tree}")
    typer.echo(f"  published counts: {card.expected}")
    typer.echo(f"  then: fer-book data check {card.name} DATA_FOLDER/{card.name}")


@app.command()
def check(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="its folder")],
    as_json: Json = False,
    quick: Annotated[bool, typer.Option(help="only names and counts; read no pixels")] = False,
) -> None:
    """Compare a dataset's folder with what was published, and read every image.

    Example: fer-book data check ckplus ~/data/ckplus

    Exit status: 0 complete and readable, also in a repackaged form, 1 something differs or cannot be read, 2 the folder is not
    the dataset's layout.
    """
    from fer_utils.datasets import check as checking

    report = checking.check(known(name).load(folder), known(name), quick=quick)
    typer.echo(report.model_dump_json(indent=1) if as_json else checking.as_text(report))
    if not report.sound:
        raise typer.Exit(1)
