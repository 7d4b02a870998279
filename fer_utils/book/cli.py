"""The `fer-book` command. Exit status: 0 done, 1 a chapter or a page failed or a check found something, 2 bad input or
missing data.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from fer_utils.book import execution, publishing
from fer_utils.book.parameters import CHAPTERS, READS_RESULTS, ParameterError
from fer_utils.claims.audit import findings, rounded_tables
from fer_utils.datasets import base, registry
from fer_utils.datasets.base import DATA_VARIABLE, DatasetError, MissingDataset, data_root
from fer_utils.live import loop, recognition, sinks, sources

if TYPE_CHECKING:
    from fer_utils.book.execution import Run
    from fer_utils.claims.audit.findings import Finding
    from fer_utils.claims.ledger import Row

app = typer.Typer(
    no_args_is_help=True,
    add_completion=True,
    help="Run and build the FER Reproducibility Book.\n\nExample: fer-book run fer2013_cnn, then fer-book build\n\n"
    "Exit status: 0 done, 1 a chapter or a page failed or a check found something, 2 bad input or missing data.",
)
data_app = typer.Typer(
    no_args_is_help=True,
    help="Which datasets there are, and whether yours is complete.\n\nExample: fer-book data check ckplus ~/data/ckplus",
)
app.add_typer(data_app, name="data")


def beginning_with(names: Iterable[str]) -> Callable[[str], list[str]]:
    """What a shell completes an argument to: those of the names that begin as typed."""
    return lambda incomplete: [name for name in names if name.startswith(incomplete)]


def papers_beginning_with(incomplete: str) -> list[str]:
    """What a shell completes the name of a paper to."""
    from fer_utils.claims.schema import papers

    return beginning_with(papers())(incomplete)


PROFILES = ("ci", "default", "full")
Profile = Annotated[
    str, typer.Option(help="ci, default or full; see notebooks/profiles.yml", autocompletion=beginning_with(PROFILES))
]
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
    chapters: Annotated[
        list[str] | None,
        typer.Argument(help="chapters to run, such as fer2013_cnn; none: all", autocompletion=beginning_with(CHAPTERS)),
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

    if data is not None:
        os.environ[DATA_VARIABLE] = str(data)
    overrides = parse_overrides(parameter or [])
    runs = [execution.plan(chapter, profile, overrides) for chapter in chapters or CHAPTERS]
    failures = _execute([planned for planned in runs if planned.chapter not in READS_RESULTS], force, workers, scheduler)
    for chapter in (planned.chapter for planned in runs if planned.chapter in READS_RESULTS):
        failures += _execute(
            [execution.plan(chapter, profile, overrides)], force
        )  # planned again: its input is what the others left
    for failure in failures:
        typer.echo(failure, err=True)
    if failures:
        raise typer.Exit(1)


def _execute(runs: list[Run], force: bool, workers: int = 1, scheduler: str = "") -> list[str]:
    """Execute the runs that are not current, or all; the errors of those that failed."""

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
    root = data_root(planned.parameters.get("data_root", ""))
    return f" in place of {', '.join(planned.absent)}" + (f" (no such folder in {root})" if root else "")


@app.command()
def build(profile: Profile = "default") -> None:
    """Build the site in _build/html from the pages and from what `fer-book run` has executed.

    Example: fer-book build --profile full

    Exit status: 0 built or unchanged, 1 the site could not be built, 2 bad input.
    """
    from fer_utils.book import site

    execution.listed_profiles(profile)
    failed = site.lay_out(profile)
    try:
        built = site.build_site()
    except subprocess.CalledProcessError as error:
        typer.echo(f"the site could not be built: jupyter-book ended with status {error.returncode}; see above", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{'built' if built else 'unchanged'}: {site.HTML / 'index.html'}")
    for notebook in failed:
        typer.echo(f"shown with a banner, because its run failed: {notebook.parent.name}", err=True)


@app.command()
def publish(
    chapter: Annotated[
        str, typer.Argument(help="a chapter whose profile full has been run", autocompletion=beginning_with(CHAPTERS))
    ],
) -> None:
    """Make a full run's result, and its network, part of the book.

    Example: fer-book publish fer2013_cnn

    Exit status: 0 published, 2 there is no finished full run, or it was not on the published images.
    """

    for path in publishing.publish(chapter):
        typer.echo(f"written: {path}")


@app.command("live")
def live_command(
    source: Annotated[str, typer.Argument(help="camera index such as 0, video, image, folder of images, or address rtsp://...")],
    out: Annotated[Path | None, typer.Option(help="annotated .mp4 or .avi; an image or a folder where the source is one")] = None,
    stream: Annotated[Path | None, typer.Option(help="a row per face and frame, as .jsonl or .csv")] = None,
    headless: Annotated[bool, typer.Option("--headless", help="no window, even where there is a display")] = False,
    detector: Annotated[str | None, typer.Option(help="yunet or haar; else yunet where its file is at hand")] = None,
    model: Annotated[str, typer.Option(help="a network of the book, or an exported file (.tflite, .onnx)")] = "fer2013_cnn",
    precision: Annotated[str, typer.Option(help="of a network of the book: int8 or float32")] = "int8",
    smoothing_s: Annotated[float, typer.Option(min=0, help="time constant, in seconds, of a face's probabilities")] = 0.3,
    labels_only: Annotated[bool, typer.Option("--labels-only", help="no bars")] = False,
) -> None:
    """Recognise the expressions of everyone in a picture.

    Example: fer-book live film.mp4 --out annotated.mp4 --stream faces.jsonl

    In the window q quits, p pauses, and s saves the frame to the current folder.

    Exit status: 0 done, 2 a source that cannot be opened, or bad input.
    """
    from fer_utils.live import export

    try:
        shows = not headless and sinks.has_display()
        if not (headless or shows or out or stream):
            raise export.LiveError("no display for a window: give --out or --stream, or --headless to see the speed only")
        frames = sources.open_source(source)
        kept = [sinks.picture_sink(out, frames, source)] if out else []
        found_by = recognition.live_detector(detector)
        classifier = export.open_classifier(export.model_file(model, precision))  # type: ignore[arg-type]  # which refuses others
        kept += [sinks.stream_sink(stream, classifier.card.classes)] if stream else []
        window = sinks.Window(frames) if shows else None
        done = loop.watch(frames, recognition.Recogniser(found_by, classifier), kept, window, smoothing_s, labels_only)
    except (export.LiveError, OSError) as error:
        typer.echo(f"fer-book: {error}", err=True)
        raise typer.Exit(2) from None
    stages = ", ".join(f"{stage} {ms:.1f} ms" for stage, ms in zip(recognition.STAGES, done.stage_ms, strict=True))
    typer.echo(f"{done.frames} frames, {done.faces} faces; {done.frames_per_second:.1f} frames/s; {stages} (medians)")
    typer.echo(f"detector {found_by.settings}; network {classifier.card.network} in {classifier.card.precision}")
    for path in (out, stream):
        if path is not None:
            typer.echo(f"written: {path}")


Json = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
def audit(
    file: Annotated[
        Path,
        typer.Argument(
            help="a claims file (its schema: book/audit.md), or a paper of this book", autocompletion=papers_beginning_with
        ),
    ],
    as_json: Json = False,
    search_limit: Annotated[int | None, typer.Option(min=1, help="partial tables of counts that a search keeps")] = None,
) -> None:
    """Check the printed numbers of a paper against each other.

    Example: fer-book audit paper.yml

    Exit status: 0 nothing is impossible, 1 something is, 2 the file is not a claims file.
    """
    from fer_utils.claims.audit import checks
    from fer_utils.claims.schema import load_claims, papers

    if str(file) not in papers() and not (file.is_file() and file.suffix in {".yml", ".yaml"}):
        raise ParameterError(f"{file} is neither a claims file (.yml) nor a paper of this book; those are {', '.join(papers())}")
    try:
        found = checks.audit_claims(load_claims(file), search_limit or rounded_tables.SEARCH_LIMIT)
    except (OSError, ValueError) as error:
        typer.echo(f"fer-book: {error}" if str(file) in str(error) else f"fer-book: {file}: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(checks.as_json(found))
    else:
        _print_findings(found)
    if any(one.outcome == findings.Outcome.IMPOSSIBLE for one in found):
        raise typer.Exit(1)


def _print_findings(found: list[Finding]) -> None:
    """A table of what was checked, then how many findings have each outcome."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fer_utils.claims.audit.checks import outcome_counts

    colours = {"impossible": "bold red", "notable": "yellow", "consistent": "green"}
    table = Table("claim", "printed", "check", "outcome", "meaning", show_lines=True)
    for one in found:
        if one.check:
            cells = [f"{one.claim}\n{one.where}", one.printed, one.check, one.outcome.value, one.meaning]
            table.add_row(*(Text(cell, colours.get(cell, "")) for cell in cells))
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    console.print("; ".join(f"{number} {outcome}" for outcome, number in outcome_counts(found).items()))


@app.command("ledger")
def ledger_command(
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="papers, such as fer2013_cnn; none: all", autocompletion=papers_beginning_with),
    ] = None,
    profile: Profile = "default",
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="print CSV")] = False,
    out: Annotated[Path | None, typer.Option(help="write it there instead; .csv or .json")] = None,
) -> None:
    """Every claim with its verdict and where it comes from.

    Example: fer-book ledger --csv --out ledger.csv

    Exit status: 0 done, 2 bad input.
    """
    from fer_utils.claims import ledger

    suffix = out.suffix if out is not None and not (as_json or as_csv) else ".json" if as_json else ".csv"
    if (as_json and as_csv) or (out is not None and suffix not in {".csv", ".json"}):
        typer.echo("fer-book: give --json or --csv, or a file that ends in .json or .csv", err=True)
        raise typer.Exit(2)
    settings = execution.merged_parameters("scoreboard", profile, {})
    limits = {"search_limit": settings["search_limit"]} if "search_limit" in settings else {}
    try:
        rows = ledger.ledger(execution.BUILD / "runs" / profile, papers or (), **limits)
        text = ledger.as_json(rows) if suffix == ".json" else ledger.as_csv(rows)
        if out is not None:
            out.write_text(text, encoding="utf-8")
    except (OSError, ValueError) as error:
        typer.echo(f"fer-book: {error}", err=True)
        raise typer.Exit(2) from None
    if out is not None:
        typer.echo(f"written: {out}")
    elif as_json or as_csv:
        typer.echo(text, nl=False)
    else:
        _print_ledger(rows)


def _print_ledger(rows: list[Row]) -> None:
    """How many claims of each paper have each verdict, and the claims that have been judged."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fer_utils.claims.ledger import verdict_counts
    from fer_utils.claims.verdicts import Verdict

    colours = {Verdict.REPRODUCED: "green", Verdict.NOT_REPRODUCED: "bold red", Verdict.INCONSISTENT: "magenta"}
    table = Table("claim", "printed", "ours", "verdict", "because", show_lines=True)
    for row in rows:
        if row.verdict != Verdict.NOT_TESTABLE:
            verdict = Text(row.verdict.value, colours.get(row.verdict, "yellow"))
            table.add_row(f"{row.paper}\n{row.claim}", row.printed, row.ours_text, verdict, row.reason)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    console.print(verdict_counts(rows).to_string())


Name = Annotated[
    str, typer.Argument(help="name of the dataset, as in fer-book data list", autocompletion=beginning_with(registry.DATASETS))
]


def known(name: str) -> base.DatasetCard:
    """The dataset's card. Raises ParameterError naming the datasets there are."""
    if name not in registry.DATASETS:
        raise ParameterError(f"no dataset {name!r}; there are {', '.join(registry.DATASETS)}")
    return registry.card(name)


@data_app.command("list")
def data_list(data: Data = None, as_json: Json = False) -> None:
    """The datasets the book can load, their licences, and which of them your data folder has.

    Example: fer-book data list --data ~/data

    Exit status: 0 done, 2 there is no such data folder.
    """
    root = data_root(data or "")
    if root is not None and not root.is_dir():
        raise MissingDataset(f"the data folder {root} does not exist; give a folder with one subfolder per dataset")
    rows = []
    for card in registry.DATASETS.values():
        try:
            place = str(base.find(card, data or ""))
        except MissingDataset:
            place = ""
        rows.append({"name": card.name, "title": card.title, "licence": card.licence, "found": place})
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        typer.echo(f"{row['name']:15} {row['title']}\n{'':15} licence: {row['licence']}; {row['found'] or 'not here'}")
    typer.echo("How to get one: fer-book data where NAME. Is mine complete: fer-book data check NAME FOLDER")


@data_app.command("where")
def data_where(name: Name, as_json: Json = False) -> None:
    """How to get a dataset, and how its folder must look.

    Example: fer-book data where ckplus
    """
    card = known(name)
    expected = asdict(card.expected)
    if as_json:
        facts = {field: getattr(card, field) for field in ("name", "title", "access", "page", "licence", "publishable", "tree")}
        typer.echo(json.dumps(facts | {"expected": expected}, indent=1))
        return
    typer.echo(f"{card.title}\n  {card.access} {card.page}\n  licence: {card.licence}")
    typer.echo(f"  its images {'may' if card.publishable else 'may not'} be shown in the book")
    if card.embedded:
        return
    typer.echo(f"  put it into a folder {card.name} below your data folder, as handed out: {card.tree}")
    typer.echo(f"  published counts: {card.expected}")
    typer.echo(f"  then: fer-book data check {card.name} DATA_FOLDER/{card.name}")


@data_app.command("check")
def data_check(
    name: Name,
    folder: Annotated[Path, typer.Argument(help="its folder")],
    as_json: Json = False,
    quick: Annotated[bool, typer.Option(help="only names and counts; read no pixels")] = False,
) -> None:
    """Compare a dataset's folder with what was published, and read every image.

    Example: fer-book data check ckplus ~/data/ckplus

    Exit status: 0 as published and readable, 1 something differs or cannot be read, 2 the folder is not the dataset's layout.
    """
    from fer_utils.datasets import check

    report = check.check(known(name).load(folder), known(name), quick=quick)
    typer.echo(report.model_dump_json(indent=1) if as_json else check.as_text(report))
    if not report.sound:
        raise typer.Exit(1)


def main() -> None:
    """Entry point: bad input ends with status 2 and its message, without a traceback."""
    try:
        app()
    except (MissingDataset, DatasetError, ParameterError) as error:
        typer.echo(f"fer-book: {error}", err=True)
        sys.exit(2)
