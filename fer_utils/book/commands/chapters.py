"""`fer-book run`, `build` and `publish`: chapters are executed, become the site, and their full runs part of the book."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from fer_utils.book import parameters
from fer_utils.book.commands import options
from fer_utils.book.commands.options import Data, Profile
from fer_utils.book.parameters import ParameterError

if TYPE_CHECKING:
    from fer_utils.book.execution import Run


class Values(yaml.SafeLoader):
    """YAML as it is read since its version 1.2: 1e-3 is a number."""


Values.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+"), list("+-0123456789"))


def parse_overrides(pairs: list[str]) -> dict[str, Any]:
    """`name=value` pairs, the value read as YAML (3, 1e-3, true, [adam, adamw]). Raises ParameterError where it is none."""
    overrides = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ParameterError(f"-p {pair!r}: expected name=value, such as -p epochs=3")
        try:
            overrides[name.strip()] = yaml.load(value, Values)
        except yaml.YAMLError:
            raise ParameterError(f"-p {pair!r}: the value cannot be read; a list is written -p 'seeds=[0, 1]'") from None
    return overrides


def run(
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="chapters to run, such as fer2013_cnn; none: all", autocompletion=options.chapters),
    ] = None,
    profile: Profile = "default",
    parameter: Annotated[list[str] | None, typer.Option("-p", help="name=value, may be repeated")] = None,
    data: Data = None,
    force: Annotated[bool, typer.Option(help="run again even where nothing changed")] = False,
    workers: Annotated[int, typer.Option(min=1, help="chapters at once, each in a process of one thread if more than 1")] = 1,
    scheduler: Annotated[str, typer.Option(help="address of a Dask cluster that runs the chapters, as tcp://HOST:8786")] = "",
) -> None:
    """Execute chapters with Papermill; a run whose code, parameters and data have not changed is kept.

    Example: fer-book run fer2013_cnn -p epochs=10 -p 'seeds=[0,1]' --data ~/data

    Exit status: 0 all ended well, 1 a chapter failed, 2 bad input or missing data; then nothing was started.
    """
    there = parameters.chapters()  # first: an installed package has no notebooks, and may have no Papermill
    from fer_utils.book import execution

    if data is not None:
        os.environ[execution.DATA_VARIABLE] = str(data)
    overrides = parse_overrides(parameter or [])
    runs = [execution.plan(chapter, profile, overrides) for chapter in chapters or there]
    last = [planned.chapter for planned in runs if parameters.listed_chapter(planned.chapter).get("reads_results")]
    failures = _execute([planned for planned in runs if planned.chapter not in last], force, workers, scheduler)
    for chapter in last:  # planned again: what the others left is read
        failures += _execute([execution.plan(chapter, profile, overrides)], force)
    for failure in failures:
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


def _execute(runs: list[Run], force: bool, workers: int = 1, scheduler: str = "") -> list[str]:
    """Execute the runs that are not current, or all; the errors of those that failed."""
    from fer_utils.book import execution

    failures, at_once = [], []
    for planned in runs:
        if execution.is_current(planned) and not force:
            typer.echo(f"{planned.chapter}: unchanged, kept in {_shown(planned.folder)}")
            continue
        typer.echo(f"{planned.chapter}: running, profile {planned.profile}, data {planned.dataset}{_absent(planned)}")
        if workers > 1 or scheduler:
            at_once.append(planned)
        elif failure := execution.execute(planned):
            failures.append(failure)
        else:
            typer.echo(f"{planned.chapter}: done, in {_shown(planned.folder)}")
    if not at_once:
        return failures
    from fer_utils.training.parallel import ScaleOutError

    try:
        return execution.execute_at_once(at_once, workers=workers, scheduler=scheduler)
    except ScaleOutError as error:
        typer.echo(f"fer-book: {error}", err=True)
        raise typer.Exit(2) from None


def _shown(path: Path) -> Path:
    """A path as short as it can be given from here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _absent(planned: Run) -> str:
    """What rendered faces stand in for, and that the data folder, where one is given, does not have it."""
    if not planned.absent:
        return ""
    from fer_utils.datasets.base import data_root

    root = data_root(planned.parameters.get("data_root", ""))
    return f" in place of {', '.join(planned.absent)}" + (f" (no such folder in {root})" if root else "")


def build(profile: Profile = "default") -> None:
    """Build the site in _build/html from the pages and from what `fer-book run` has executed.

    Example: fer-book build --profile full

    Exit status: 0 built or unchanged, 1 the site could not be built, 2 bad input.
    """
    parameters.chapters()  # first, as above
    from fer_utils.book import site

    parameters.profile_parameters("scoreboard", profile)
    failed = site.lay_out(profile)
    try:
        built = site.build_site()
    except subprocess.CalledProcessError as error:
        typer.echo(f"the site could not be built: jupyter-book ended with status {error.returncode}; see above", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{'built' if built else 'unchanged'}: {site.HTML / 'index.html'}")
    for notebook in failed:
        typer.echo(f"shown with a banner, because its run failed: {notebook.parent.name}", err=True)


def publish(
    chapter: Annotated[str, typer.Argument(help="a chapter whose profile full has been run", autocompletion=options.chapters)],
) -> None:
    """Make a full run's result, and its network, part of the book.

    Example: fer-book publish fer2013_cnn

    Exit status: 0 published, 2 there is no finished full run, or it was not on the published images.
    """
    parameters.parameters_cell(chapter)  # first, as above
    from fer_utils.book import publishing

    for path in publishing.publish(chapter):
        typer.echo(f"written: {path}")


def verify(
    chapter: Annotated[str, typer.Argument(help="a chapter with a published result", autocompletion=options.chapters)],
    data: options.Data = None,
) -> None:
    """Verify a published result: score its networks again, compute its metrics again, and record that they agree.

    Example: fer-book verify fer2013_cnn --data ~/data

    Exit status: 0 all as published, 1 a number differs, 2 nothing is published or the data is missing.
    """
    parameters.parameters_cell(chapter)  # first, as above
    from fer_utils.book import publishing
    from fer_utils.evaluation.verification import VerificationError

    try:
        found = publishing.verify(chapter, data or "")
    except VerificationError as error:
        typer.echo(f"{chapter} is not as published: {error}", err=True)
        raise typer.Exit(1) from None
    total = len(found.recomputed) + len(found.not_recomputed)
    typer.echo(
        f"{chapter}: {len(found.recomputed)} of {total} numbers computed again, all as published: {', '.join(found.recomputed)}"
    )
    for name, images in found.turned.items():
        typer.echo(f"{name}: {images} images whose two highest probabilities are nearly equal fall the other way on this machine")
    if found.not_recomputed:
        typer.echo(f"not computed again, for nothing that they follow from was kept: {', '.join(found.not_recomputed)}")
