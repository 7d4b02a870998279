"""The ledger: every claim of every paper with its verdict, from the audit and what the chapters left behind, and as files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
from docutils.nodes import make_id

from fer_utils.claims.audit import checks
from fer_utils.claims.audit.findings import shown
from fer_utils.claims.schema import load_claims, papers
from fer_utils.claims.verdicts import AUDIT, NO_IMAGES, RENDERED, Judgement, PaperVerdicts, Verdict, judge_all
from fer_utils.results.paths import CHECKOUT, OUTPUT_VARIABLE
from fer_utils.results.records import Result
from fer_utils.results.store import published_result, read_result


def runs_folder(profile: str) -> Path:
    """Where the runs of a build lie: beside the folder that the runner gave to this one, else in `_build/runs`."""
    own = os.environ.get(OUTPUT_VARIABLE)
    return Path(own).parent if own else CHECKOUT / "_build" / "runs" / profile


def result_of_run(folder: Path, chapter: str) -> Result | None:
    """The result of a chapter in a folder of runs, None where it has not been run.

    Raises ValueError as `read_result`, and where the file is another chapter's.
    """
    path = folder / chapter / "result.json"
    if not path.exists():
        return None
    result = read_result(path)
    if result.chapter != chapter:
        raise ValueError(f"{path} is a result of {result.chapter!r}, not of {chapter!r}")
    return result


def verdicts_of(paper: str, run: Result | None) -> PaperVerdicts:
    """The verdicts on a paper, from its audit, its published result and this build's run of its chapter.

    A full run on the published images stands in for the published one. Raises ValueError as `load_claims` and `judge_all`.
    """
    claims, published = load_claims(paper), published_result(paper)
    measured = {} if run is None else {f"{run.profile} run": run}
    if published is not None and not (run and run.profile == "full" and run.dataset and run.dataset.official):
        measured = {"published full run": published} | measured
    return judge_all(claims, checks.audit_claims(claims), measured)


def all_verdicts(folder: Path, names: Sequence[str] = ()) -> list[PaperVerdicts]:
    """The verdicts on the papers of these names (none: all); runs are looked for in `folder`.

    Raises ValueError for a name that is no paper of the book, and for a result that does not fit its claims.
    """
    if unknown := sorted(set(names) - set(papers())):
        raise ValueError(f"no paper {unknown[0]!r}; there are {', '.join(papers())}")
    return [verdicts_of(name, result_of_run(folder, name)) for name in names or papers()]


def row(paper: str, judgement: Judgement) -> dict[str, Any]:
    """A judgement as plain values, absent ones None: a row of the ledger's files.

    `printed` is text, `compared` the number that was compared with `ours`; both and the interval are in `ours_unit`.
    `..._with_flaw` was measured on the same data with a flawed protocol.
    """
    claim, metric, flawed, run = judgement.claim, judgement.shown, judgement.flawed, judgement.run
    page, anchor = place(paper, judgement)
    faces, on_images = judgement.faces, judgement.faces not in ("", NO_IMAGES)
    dataset = run.dataset.name if on_images and run and run.dataset else ""
    return {
        "paper": paper,
        "claim": claim.id,
        "statement": _one_line(claim.statement),
        "quantity": claim.quantity,
        "where": _one_line(claim.where),
        "printed": _one_line(shown(claim)),
        "unit": claim.unit,
        "verdict": judgement.verdict.value,
        "reason": _one_line(judgement.reason),
        "decided_by": judgement.decided_by,
        "lacking": judgement.lacking if judgement.verdict is Verdict.NOT_POSSIBLE else "",
        "compared": judgement.printed,
        "ours": metric and metric.value,
        "low": metric and metric.low,
        "high": metric and metric.high,
        "n": metric and metric.n,
        "ours_with_flaw": flawed and flawed.value,
        "low_with_flaw": flawed and flawed.low,
        "high_with_flaw": flawed and flawed.high,
        "ours_unit": metric.unit if metric else "",
        "scored_on": (metric.scored_on or metric.name) if metric else "",
        "faces": faces,
        "dataset": "rendered_faces" if faces == RENDERED else dataset,
        "selected_on": run.selected_on if run and on_images else "",
        "profile": run.profile if run else "",
        "seeds": seeds(run) if run else "",
        "made": run.created if run else "",
        "revision": run.git_revision if run else "",
        "page": f"notebooks/{page}.html",
        "anchor": anchor,
    }


def seeds(run: Result) -> str:
    """The seeds of a run, as text."""
    return " ".join(map(str, run.parameters.get("seeds", [run.seed])))


def place(paper: str, judgement: Judgement) -> tuple[str, str]:
    """The notebook that says why, and the anchor of the section there."""
    if judgement.decided_by == AUDIT:
        return AUDIT, _anchor(AUDIT, f'striking("{paper}")')
    return paper, _anchor(paper, "figures.verdict_html(")


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def _anchor(notebook: str, code: str) -> str:
    """The anchor, on its page, of the section with the first cell that has this code; empty where there is no checkout.

    Raises ValueError where no cell below a heading has it.
    """
    path = CHECKOUT / "notebooks" / f"{notebook}.ipynb"
    if not path.exists():
        return ""
    heading = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            heading = next((line.lstrip("# ") for line in reversed(text.splitlines()) if line.startswith("#")), heading)
        elif code in text and heading:
            return make_id(heading)
    raise ValueError(f"no cell of {path.name} below a heading has {code}")


def verdict_counts(every: Iterable[PaperVerdicts]) -> pd.DataFrame:
    """How many claims have each verdict: a row per paper, a column per verdict in the order of `Verdict`."""
    return pd.DataFrame({verdicts.paper.paper.key: verdicts.counts() for verdicts in every}).T.rename_axis("paper")


def ledger_rows(every: Iterable[PaperVerdicts]) -> list[dict[str, Any]]:
    """The rows of all judgements, in the order of the papers and their claims."""
    return [row(verdicts.paper.paper.key, judgement) for verdicts in every for judgement in verdicts.judgements]


def as_csv(every: Iterable[PaperVerdicts]) -> str:
    """The ledger as CSV with a header; numbers at full precision, absent values empty."""
    return pd.DataFrame(ledger_rows(every)).astype({"n": "Int64"}).to_csv(index=False, lineterminator="\n")


def as_json(every: Iterable[PaperVerdicts]) -> str:
    """The ledger as a JSON list of objects, absent values null."""
    return json.dumps(ledger_rows(every), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
