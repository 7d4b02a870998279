"""The `fer-book` command. Exit status: 0 done, 1 a chapter or a page failed, 2 bad input or missing data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from fer_utils import datasets
from fer_utils.datasets.base import DATA_VARIABLE, DatasetError, MissingDataset
from fer_utils.parameters import CHAPTERS, ParameterError

app = typer.Typer(no_args_is_help=True, add_completion=True, help="Run and build the FER Reproducibility Book.")
data_app = typer.Typer(no_args_is_help=True, help="Which datasets there are, and whether yours is complete.")
app.add_typer(data_app, name="data")

Profile = Annotated[str, typer.Option(help="ci, default or full; see notebooks/profiles.yml")]
Data = Annotated[Path | None, typer.Option(help=f"folder with one subfolder per dataset (else {DATA_VARIABLE})")]


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs, the value read as YAML (3, 0.1, true, [adam, adamw]). Raises ParameterError without a '='."""
    overrides = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ParameterError(f"-p {pair!r}: expected name=value, such as -p epochs=3")
        overrides[name.strip()] = yaml.safe_load(value)
    return overrides


@app.command()
def run(
    chapters: Annotated[list[str] | None, typer.Argument(help="chapters to run; none: all")] = None,
    profile: Profile = "default",
    parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value, may be repeated")] = None,
    data: Data = None,
    force: Annotated[bool, typer.Option(help="run again even where nothing changed")] = False,
) -> None:
    """Execute chapters with Papermill. Example: fer-book run fer2013_cnn -p epochs=10 -p seeds=[0,1] --data ~/data"""
    from fer_utils import book

    if data is not None:
        os.environ[DATA_VARIABLE] = str(data)
    overrides = parse_overrides(parameter or [])
    runs = [book.plan(chapter, profile, overrides) for chapter in chapters or CHAPTERS]
    failures = []
    for planned in runs:
        if book.is_current(planned) and not force:
            typer.echo(f"{planned.chapter}: unchanged, kept")
            continue
        typer.echo(f"{planned.chapter}: running, profile {planned.profile}, data {planned.dataset}")
        if failure := book.execute(planned):
            failures.append(failure)
    for failure in failures:
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


@app.command()
def build(profile: Profile = "default") -> None:
    """Build the site in _build/html from the pages and from what `fer-book run` has executed."""
    from fer_utils import book

    failed = book.lay_out(profile)
    try:
        built = book.build_site()
    except subprocess.CalledProcessError as error:
        typer.echo(f"the site could not be built: jupyter-book ended with status {error.returncode}; see above", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{'built' if built else 'unchanged'}: {book.HTML / 'index.html'}")
    for notebook in failed:
        typer.echo(f"shown with a banner, because its run failed: {notebook.parent.name}", err=True)


@app.command()
def publish(chapter: Annotated[str, typer.Argument(help="a chapter whose profile `full` has been run")]) -> None:
    """Make a full run's result, and its network, part of the book."""
    from fer_utils import book

    for path in book.publish(chapter):
        typer.echo(f"written: {path}")


@data_app.command("list")
def data_list() -> None:
    """The datasets the book can load, and how to get them."""
    for card in datasets.DATASETS.values():
        typer.echo(f"{card.name}: {card.title}\n  {card.access} {card.page}\n  licence: {card.licence}\n  layout: {card.tree}")


@data_app.command("check")
def data_check(
    name: Annotated[str, typer.Argument(help="name of the dataset, as in `fer-book data list`")],
    folder: Annotated[Path, typer.Argument(help="its folder")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Load a dataset from its folder and compare it with what was published. Exit status 1 where they differ."""
    if name not in datasets.DATASETS:
        raise ParameterError(f"no dataset {name!r}; there are {', '.join(datasets.DATASETS)}")
    summary = datasets.card(name).load(folder).summary()
    if as_json:
        typer.echo(json.dumps(summary.model_dump(mode="json"), indent=1))
    else:
        for split, counts in summary.counts.items():
            typer.echo(f"{split}: {sum(counts.values())} images ({', '.join(f'{k} {v}' for k, v in counts.items())})")
        typer.echo(f"fingerprint {summary.fingerprint}")
        typer.echo("as published" if summary.official else "differs from what was published:")
        for remark in summary.remarks:
            typer.echo(f"  {remark}")
    if not summary.official:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: bad input ends with status 2 and its message, without a traceback."""
    try:
        app()
    except (MissingDataset, DatasetError, ParameterError) as error:
        typer.echo(f"fer-book: {error}", err=True)
        sys.exit(2)
