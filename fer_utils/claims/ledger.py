"""The ledger: every claim of every paper with one verdict, from what the chapters left behind and from the audit.

The verdict of a claim is the first of these that there is:

1. `inconsistent`, where the audit finds the claim itself impossible;
2. the verdict of the published full run;
3. the verdict of this build's run of the chapter;
4. `inconsistent`, where another claim that should agree contradicts it;
5. `not testable here`.

A run that could not test a claim passes it on to the next rule. So of two claims that contradict each other, one that a
measurement or an official count bears on has the verdict of that.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from docutils.nodes import make_id
from pydantic import BaseModel, ConfigDict

from fer_utils.claims.audit import checks
from fer_utils.claims.audit.findings import Finding, shown
from fer_utils.claims.audit.rounded_tables import SEARCH_LIMIT
from fer_utils.claims.schema import ClaimSet, load_claims, papers
from fer_utils.claims.verdicts import KINDS_WITHOUT_VERDICT, Judgement, Verdict
from fer_utils.results.paths import CHECKOUT, OUTPUT_VARIABLE
from fer_utils.results.records import Metric, Result
from fer_utils.results.store import published_result, read_result

AUDIT = "claims_audit"
REAL, OTHER, RENDERED, NO_IMAGES = "real", "not the published images", "rendered", "none"
KEPT_NO_REASON = "the result keeps the verdict without its reason; see the chapter"


class Row(BaseModel):
    """One claim: what is printed, what was measured, the verdict, and where all this comes from.

    `printed` is text, `compared` the number that was compared with `ours`; both and the interval are in `ours_unit`. `faces`:
    real, not the published images, rendered, or none where the number was computed from the paper, the network or official
    counts; empty where nothing was measured. `..._with_flaw` was measured on the same data with a flawed protocol.
    `chapter_verdict` is what the chapter says where the audit overrules it.
    """

    model_config = ConfigDict(frozen=True)

    paper: str
    claim: str
    statement: str
    quantity: str
    where: str
    printed: str
    unit: str
    verdict: Verdict
    reason: str
    decided_by: str
    chapter_verdict: str = ""
    compared: float | None = None
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    ours_with_flaw: float | None = None
    low_with_flaw: float | None = None
    high_with_flaw: float | None = None
    ours_unit: str = ""
    scored_on: str = ""
    faces: str = ""
    dataset: str = ""
    selected_on: str = ""
    profile: str = ""
    seeds: str = ""
    made: str = ""
    revision: str = ""
    page: str
    anchor: str

    @property
    def ours_text(self) -> str:
        """What was measured, with its interval; empty where nothing was."""
        if self.ours is None:
            return ""
        return str(Metric(name=self.claim, value=self.ours, unit=self.ours_unit, low=self.low, high=self.high, n=self.n))


@dataclass(frozen=True)
class Source:
    """A result, and what it is called."""

    result: Result
    name: str


def runs_folder(profile: str) -> Path:
    """Where the runs of a build lie: beside the folder that the runner gave to this one, else in `_build/runs`."""
    own = os.environ.get(OUTPUT_VARIABLE)
    return Path(own).parent if own else CHECKOUT / "_build" / "runs" / profile


def result_of_run(folder: Path, chapter: str) -> Result | None:
    """The result of a chapter in a folder of runs, None where it has not been run. Raises ValueError as `read_result`, and
    where the file is another chapter's."""
    path = folder / chapter / "result.json"
    if not path.exists():
        return None
    result = read_result(path)
    if result.chapter != chapter:
        raise ValueError(f"{path} is a result of {result.chapter!r}, not of {chapter!r}")
    return result


def ledger(folder: Path, names: Sequence[str] = (), search_limit: int = SEARCH_LIMIT) -> list[Row]:
    """The rows of the papers of these names (none: all), in the order of their claims; runs are looked for in `folder`.

    Raises ValueError for a name that is no paper of the book, and for a result that does not fit its claims.
    """
    if unknown := sorted(set(names) - set(papers())):
        raise ValueError(f"no paper {unknown[0]!r}; there are {', '.join(papers())}")
    rows = []
    for name in names or papers():
        claims = load_claims(name)
        found = checks.audit_claims(claims, search_limit)
        rows += rows_of(claims, found, published_result(name), result_of_run(folder, name))
    return rows


def rows_of(claims: ClaimSet, found: Sequence[Finding], published: Result | None, run: Result | None) -> list[Row]:
    """One row per claim of a paper, in its order, from its findings, its published result and that of this build's run.

    Raises ValueError where a result judges what is no claim of the paper.
    """
    named = [(published, "published full run"), (run, f"{run.profile} run" if run else "")]
    sources = [Source(result, name) for result, name in named if result is not None]
    unjudged = "the chapter has not been run in this build" if run is None else "this build's run does not judge it"
    judged = [(source, judgements_of(source.result, claims)) for source in sources]
    impossible, contradicted = checks.contradictions(found), checks.contradicted_partners(found)
    rows = []
    for claim in claims.claims:
        candidates = [(judgements[claim.id], source) for source, judgements in judged if claim.id in judgements]
        tested = [one for one in candidates if one[0].verdict != Verdict.NOT_TESTABLE]
        judgement, by = _explained(tested or candidates[::-1])  # of runs that could not test it, this build's is asked first
        if claim.id in impossible or (not tested and claim.id in contradicted):
            verdict, reason, decided_by = Verdict.INCONSISTENT, impossible.get(claim.id) or contradicted[claim.id], AUDIT
        elif judgement and by:
            verdict, reason, decided_by = judgement.verdict, judgement.reason, by.name
        else:
            reason = KINDS_WITHOUT_VERDICT.get(claim.quantity, unjudged)
            verdict, decided_by = Verdict.NOT_TESTABLE, "no run"
        page = AUDIT if decided_by == AUDIT else claims.paper.key
        row = Row(
            paper=claims.paper.key,
            claim=claim.id,
            statement=_one_line(claim.statement),
            quantity=claim.quantity,
            where=_one_line(claim.where),
            printed=_one_line(shown(claim)),
            unit=claim.unit,
            verdict=verdict,
            reason=_one_line(reason),
            decided_by=decided_by,
            chapter_verdict=judgement.verdict if judgement and tested and judgement.verdict != verdict else "",
            page=f"notebooks/{page}.html",
            anchor=anchor(page, f'striking("{claims.paper.key}")' if page == AUDIT else "claims.verdict_table("),
        )
        rows.append(row.model_copy(update=_measured(judgement, by, sources, decided_by)) if judgement and by else row)
    return rows


def judgements_of(result: Result, claims: ClaimSet) -> dict[str, Judgement]:
    """Claim -> judgement of a result; one that keeps bare verdicts has `KEPT_NO_REASON` as their reason.

    Raises ValueError where it judges what is no claim of the paper.
    """
    bare = [{"claim": name, "verdict": verdict, "reason": KEPT_NO_REASON} for name, verdict in result.verdicts.items()]
    rows = {row["claim"]: row for row in result.tables.get("verdicts", bare)}
    if unknown := sorted(rows.keys() - {claim.id for claim in claims.claims}):
        raise ValueError(f"the {result.profile} run of {result.chapter} judges {unknown[0]!r}, which is no claim of the paper")
    return {name: Judgement.model_validate(row | {"claim": claims[name]}) for name, row in rows.items()}


def _explained(candidates: Sequence[tuple[Judgement, Source]]) -> tuple[Judgement | None, Source | None]:
    """The first judgement and who made it; where it keeps no reason, the first alike that does says why."""
    if not candidates:
        return None, None
    first, by = candidates[0]
    alike = [
        judgement for judgement, _ in candidates if judgement.verdict == first.verdict and judgement.reason != KEPT_NO_REASON
    ]
    return (alike or [first])[0], by


def _measured(judgement: Judgement, by: Source, sources: Sequence[Source], decided_by: str) -> dict[str, object]:
    """The fields of a row about a measurement and the run that made it: the first that has it, else the one that judged."""
    metric = judgement.measured or judgement.measured_elsewhere
    made = next((source for source in sources if metric in source.result.metrics), None)
    if metric is None and decided_by == AUDIT:  # what the chapter ran has no part in it
        return {"compared": judgement.printed}
    run = (made or by).result
    fields: dict[str, object] = {
        "compared": judgement.printed,
        "profile": run.profile,
        "seeds": " ".join(map(str, run.parameters.get("seeds", [run.seed]))),
        "made": run.created,
        "revision": run.git_revision,
    }
    if metric is not None:
        fields |= {"ours": metric.value, "low": metric.low, "high": metric.high, "n": metric.n, "ours_unit": metric.unit}
        fields |= {"scored_on": metric.scored_on or metric.name, "faces": NO_IMAGES}
    if flawed := judgement.measured_with_flaw:
        fields |= {"ours_with_flaw": flawed.value, "low_with_flaw": flawed.low, "high_with_flaw": flawed.high}
    if made is not None and run.dataset is not None:
        rendered = (metric is not None and metric.scored_on.startswith("rendered")) or not run.dataset.real
        fields["faces"] = RENDERED if rendered else REAL if judgement.measured else OTHER
        fields |= {"dataset": "rendered_faces" if rendered else run.dataset.name, "selected_on": run.selected_on}
    return fields


def _one_line(text: str) -> str:
    return " ".join(text.split())


@cache
def anchor(notebook: str, code: str) -> str:
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


def verdict_counts(rows: Iterable[Row]) -> pd.DataFrame:
    """How many claims have each verdict: a row per paper, a column per verdict in the order of `Verdict`."""
    table = pd.crosstab(*zip(*((row.paper, row.verdict.value) for row in rows), strict=True), rownames=["paper"], colnames=[None])
    return table.reindex(columns=[verdict.value for verdict in Verdict], fill_value=0)


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV with a header; numbers at full precision, absent values empty."""
    frame = pd.DataFrame([row.model_dump(mode="json") for row in rows], columns=[*Row.model_fields])
    return frame.astype({"n": "Int64"}).to_csv(index=False, lineterminator="\n")


def as_json(rows: Sequence[Row]) -> str:
    """The rows as a JSON list of objects, absent values null."""
    return json.dumps([row.model_dump(mode="json") for row in rows], indent=1, ensure_ascii=False, allow_nan=False) + "\n"
