"""`fer-book audit` and `fer-book ledger`: what the papers print, against itself and against what was measured."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fer_utils.book.commands import options
from fer_utils.book.commands.options import Json, Profile
from fer_utils.book.parameters import ParameterError

if TYPE_CHECKING:
    from fer_utils.claims.audit.findings import Finding
    from fer_utils.claims.schema import ClaimSet
    from fer_utils.claims.verdicts import PaperVerdicts


def audit(
    file: Annotated[
        Path | None,
        typer.Argument(help="a claims file (its schema: book/audit.md), or a paper of this book", autocompletion=options.papers),
    ] = None,
    matrix: Annotated[Path | None, typer.Option(help="a confusion matrix as CSV; - reads standard input")] = None,
    accuracy: Annotated[str, typer.Option(help="the accuracy of the matrix in percent")] = "",
    counts: Annotated[str, typer.Option(help="images of each class of the matrix, such as 491,55,528")] = "",
    report: Annotated[Path | None, typer.Option(help="a classification report as scikit-learn prints it; or -")] = None,
    layers: Annotated[Path | None, typer.Option(help="a layer table as model.summary() prints it; or -")] = None,
    percent: Annotated[str, typer.Option(help="an accuracy in percent")] = "",
    of: Annotated[str, typer.Option(help="the number of images that the accuracy is out of")] = "",
    new: Annotated[
        Path | None, typer.Option(help="write a commented claims file there, and its schema for editors beside it")
    ] = None,
    as_json: Json = False,
    search_limit: Annotated[int | None, typer.Option(min=1, help="partial tables of counts that a search keeps")] = None,
) -> None:
    """Check the printed numbers of a paper against each other.

    Example: fer-book audit paper.yml

    Or paste them: fer-book audit --percent 97.56 --of 327, or --matrix m.csv --accuracy 87.3, or --layers - < summary.txt

    Exit status: 0 nothing is impossible, 1 something is, 2 the input cannot be read.
    """
    asked = {"FILE": file, "--matrix": matrix, "--report": report, "--layers": layers, "--percent": percent, "--new": new}
    given = [name for name, value in asked.items() if value]
    if len(given) != 1:
        raise ParameterError(f"give one of {', '.join(asked)}; there is {' and '.join(given) or 'none'}")
    if (accuracy or counts) and not matrix:
        raise ParameterError("--accuracy and --counts go with --matrix; an accuracy alone is --percent, with --of")
    if bool(percent) != bool(of):
        raise ParameterError("--percent and --of go together, as in --percent 97.56 --of 327")
    if new:
        _write_template(new)
        return
    from fer_utils.claims.audit import checks, findings

    source = file or matrix or report or layers or "--percent"
    try:
        claims = _claims_file(file) if file else _pasted(matrix, accuracy, counts, report, layers, percent, of)
        found = checks.audit_claims(claims, search_limit or checks.SEARCH_LIMIT)
    except (OSError, ValueError) as error:
        from fer_utils.claims.schema import in_one_sentence

        said = in_one_sentence(error)
        typer.echo(f"fer-book: {said}" if str(source) in said else f"fer-book: {source}: {said}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(checks.as_json(found))
    else:
        _print_findings(found)
    if any(one.outcome == findings.Outcome.IMPOSSIBLE for one in found):
        raise typer.Exit(1)


def _claims_file(file: Path) -> ClaimSet:
    from fer_utils.claims.schema import load_claims, papers

    if str(file) not in papers() and not (file.is_file() and file.suffix in {".yml", ".yaml"}):
        raise ValueError(f"{file} is neither a claims file (.yml) nor a paper of this book; those are {', '.join(papers())}")
    return load_claims(file)


def _pasted(
    matrix: Path | None, accuracy: str, counts: str, report: Path | None, layers: Path | None, percent: str, of: str
) -> ClaimSet:
    from fer_utils.claims import pasted

    if matrix:
        return pasted.matrix(_text(matrix), accuracy, counts.split(",") if counts else ())
    if report:
        return pasted.report(_text(report))
    return pasted.summary(_text(layers)) if layers else pasted.percentage(percent, of)


def _text(file: Path) -> str:
    return sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8-sig")


def _write_template(file: Path) -> None:
    """A claims file to fill in, and the schema that its first line names. Raises ParameterError where the file is there."""
    from fer_utils.claims.schema import TEMPLATE, json_schema
    from fer_utils.results.paths import write_text_atomically

    if file.suffix not in {".yml", ".yaml"}:
        raise ParameterError(f"--new {file}: expected a name that ends in .yml")
    if file.exists():
        raise ParameterError(f"--new {file} is there already; give another name")
    write_text_atomically(file.with_name("claims.schema.json"), json_schema())
    write_text_atomically(file, TEMPLATE.read_text(encoding="utf-8"))
    typer.echo(f"written: {file}")


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
            outcome = Text(
                one.outcome.value if one.grade is None else f"{one.outcome}\n({one.grade})", colours.get(one.outcome, "")
            )
            meaning = f"{one.meaning} (assuming {one.assuming})" if one.assuming else one.meaning
            table.add_row(*map(Text, (f"{one.claim}\n{one.where}", one.printed, one.check)), outcome, Text(meaning))
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    console.print("; ".join(f"{number} {outcome}" for outcome, number in outcome_counts(found).items()))


def ledger(
    papers: Annotated[
        list[str] | None,
        typer.Argument(help="papers, such as fer2013_cnn; none: all", autocompletion=options.papers),
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
    from fer_utils.book.execution import BUILD
    from fer_utils.claims import ledger as claims_ledger

    suffix = out.suffix if out is not None and not (as_json or as_csv) else ".json" if as_json else ".csv"
    if (as_json and as_csv) or (out is not None and suffix not in {".csv", ".json"}):
        typer.echo("fer-book: give --json or --csv, or a file that ends in .json or .csv", err=True)
        raise typer.Exit(2)
    try:
        every = claims_ledger.all_verdicts(BUILD / "runs" / profile, papers or ())
        text = claims_ledger.as_json(every) if suffix == ".json" else claims_ledger.as_csv(every)
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
        _print_ledger(every)


def _print_ledger(every: list[PaperVerdicts]) -> None:
    """How many claims of each paper have each verdict, and the claims that have been judged."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from fer_utils.claims.audit.findings import shown
    from fer_utils.claims.ledger import verdict_counts
    from fer_utils.claims.verdicts import Verdict

    colours = {Verdict.REPRODUCED: "green", Verdict.NOT_REPRODUCED: "bold red", Verdict.INCONSISTENT: "magenta"}
    table = Table("claim", "printed", "ours", "verdict", "because", show_lines=True)
    for verdicts in every:
        for one in verdicts.judgements:
            if one.verdict is not Verdict.NOT_POSSIBLE:
                verdict = Text(one.verdict.value, colours.get(one.verdict, "yellow"))
                claim = f"{verdicts.paper.paper.key}\n{one.claim.id}"
                table.add_row(claim, shown(one.claim), str(one.shown or ""), verdict, one.reason)
    console = Console() if sys.stdout.isatty() else Console(width=160)
    console.print(table)
    console.print(verdict_counts(every).to_string())
