"""The book's tables, boxes and notices as HTML, in one visual language with the figures (`book/static/book.css`)."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from IPython.display import HTML

from fer_utils.claims.audit.findings import Finding, Outcome, shown
from fer_utils.claims.ledger import place, seeds
from fer_utils.claims.verdicts import NO_IMAGES, OTHER, RENDERED, Judgement, PaperVerdicts, Verdict
from fer_utils.datasets.base import FaceDataset
from fer_utils.results.records import Result

VERDICT_COLOURS = {
    Verdict.REPRODUCED: "#1b7f4d",
    Verdict.NOT_REPRODUCED: "#b3261e",
    Verdict.INCONSISTENT: "#7b3fa0",
    Verdict.PROTOCOL_ARTEFACT: "#9a5b00",
    Verdict.NOT_POSSIBLE: "#52606d",
}

OUTCOME_COLOURS = {
    Outcome.CONSISTENT: "#1b7f4d",
    Outcome.NOTABLE: "#9a5b00",
    Outcome.IMPOSSIBLE: "#b3261e",
    Outcome.NOT_CHECKABLE: "#52606d",
}


def badge(result: Result) -> str:
    """What a figure says of the data behind it: profile, and whether the faces are real."""
    if result.dataset is None:
        return f"{result.profile} run: printed numbers only, no images"
    kind = "real faces" if result.dataset.real else "RENDERED faces"
    if result.dataset.real and not result.dataset.official:
        kind = f"repackaged ({result.dataset.form})" if result.dataset.form else "not the published images"
    return f"{result.profile} run: {result.dataset.name}, {kind}"


def verdict_tag(verdict: Verdict, text: str = "") -> str:
    """A verdict, or a text about it, as a coloured label in HTML."""
    return f'<span class="verdict-tag" style="background:{VERDICT_COLOURS[verdict]}">{text or verdict.value}</span>'


def verdict_chips(counts: Mapping[str, int]) -> str:
    """How many claims have each verdict, as a row of labels in HTML."""
    labels = [verdict_tag(Verdict(name), f"{number} {name}") for name, number in counts.items()]
    return f'<p class="verdict-chips">{" ".join(labels)}</p>'


def verdict_box(judgement: Judgement) -> HTML:
    """A claim, what was measured and the verdict, as a box for the top of a chapter."""
    colour, claim = VERDICT_COLOURS[judgement.verdict], judgement.claim
    measured = "not measured on real faces" if judgement.measured is None else f"{judgement.measured} (95 % interval)"
    flawed = "" if judgement.flawed is None else f"<dt>With the flaw</dt><dd>{judgement.flawed}</dd>"
    return HTML(
        f'<div class="verdict" style="border-left:.5rem solid {colour}">'
        f'<p class="verdict-word" style="background:{colour}">{judgement.verdict.value}</p>'
        f"<dl><dt>Claim</dt><dd>{html.escape(claim.statement)}: <strong>{html.escape(shown(claim))}</strong> "
        f"({html.escape(claim.where)})</dd><dt>Our measurement</dt><dd>{measured}</dd>{flawed}"
        f"<dt>Why</dt><dd>{html.escape(judgement.reason)}</dd></dl></div>"
    )


def verdict_html(verdicts: PaperVerdicts) -> HTML:
    """Reported against reproduced: a row per claim of a paper, those with a verdict first, the others behind a summary."""
    rest = [one for one in verdicts.judgements if one.verdict is Verdict.NOT_POSSIBLE]
    judged = [one for one in verdicts.judgements if one.verdict is not Verdict.NOT_POSSIBLE]
    summary = f"{len(rest)} claims on which no verdict is possible here, with reasons"
    folded = f"<details><summary>{summary}</summary>{_verdict_rows(verdicts, rest)}</details>"
    return HTML((_verdict_rows(verdicts, judged) if judged else "") + (folded if rest else ""))


def _verdict_rows(verdicts: PaperVerdicts, judgements: Sequence[Judgement]) -> str:
    paper = verdicts.paper.paper.key
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _verdict_cells(paper, one))}</tr>" for one in judgements)
    head = "".join(
        f"<th>{first}<br><small>{second}</small></th>"
        for first, second in (("claim", "place"), ("printed", "ours"), ("verdict", "because"), ("made by", "data"))
    )
    rows = f"<table class='data-table ledger-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='table-scroll' tabindex='0'>{rows}</div>"


def _verdict_cells(paper: str, judgement: Judgement) -> tuple[str, str, str, str]:
    """Claim, printed beside measured, verdict, and where that comes from, as HTML."""
    claim, run, faces = judgement.claim, judgement.run, judgement.faces
    measured = "" if judgement.shown is None else html.escape(str(judgement.shown))
    if faces in (RENDERED, OTHER):
        measured += f"<br><strong>{'on RENDERED faces' if faces == RENDERED else faces}</strong>"
    facts = [] if judgement.shown is None else [judgement.shown.scored_on or judgement.shown.name]
    if run is not None and faces not in ("", NO_IMAGES):
        facts += [f"selected on {run.selected_on}", f"profile {run.profile}, seed {seeds(run)}"]
    page, anchor = place(paper, judgement)
    link = f"{page}.html#{anchor}" if anchor else f"{page}.html"
    return (
        f"{html.escape(claim.statement)}<br><small>{html.escape(claim.where)}</small>",
        f"{html.escape(shown(claim))}<br><small>{measured}</small>",
        f"{verdict_tag(judgement.verdict)} {html.escape(judgement.reason)}",
        f"<a href='{link}'>{html.escape(judgement.decided_by.replace('_', ' '))}</a>"
        f"<br><small>{'<br>'.join(map(html.escape, facts))}</small>",
    )


def table(frame: pd.DataFrame, caption: str = "", *, index: bool = False) -> HTML:
    """A data frame as a table that scrolls sideways on narrow screens; floats with four significant digits."""
    body = frame.to_html(index=index, float_format=lambda value: f"{value:.4g}", border=0, classes="data-table", na_rep="")
    heading = f"<p class='table-caption'>{caption}</p>" if caption else ""
    return HTML(f"{heading}<div class='table-scroll' tabindex='0'>{body}</div>")


def data_notice(data: Mapping[str, FaceDataset]) -> HTML:
    """What a reader must know of this run's data before looking at its numbers: which parts, by name, are the real ones."""
    published = [name for name, part in data.items() if part.real and part.official]
    rendered = [name for name, part in data.items() if not part.real]
    sentences = [f"This run used the published images of {_listed(published)}."] if published else []
    for name, part in data.items():
        if part.real and not part.official:
            reasons = [*([f"repackaged: {part.form}"] if part.form else []), *part.remarks[:2]]
            why = f" ({'; '.join(reasons)})" if reasons else ""
            sentences.append(f"<strong>The images of {name} are not the published set</strong>{html.escape(why)}.")
    if rendered:
        sentences.append(f"<strong>Rendered faces stand in for {_listed(rendered)}.</strong> They show what a protocol does.")
    if len(published) < len(data):
        sentences.append("No verdict on an accuracy follows from what is not the published set.")
    return HTML(f"<p class='notice'>{' '.join(sentences)}</p>")


def _listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, or `A, B and C`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def notice(sentence: str) -> HTML:
    """A sentence that explains what a reader might miss here."""
    return HTML(f"<p class='notice'>{html.escape(sentence)}</p>")


def weights_notice(asked: str, used: str) -> HTML:
    """Whether the pretrained weights that a run asked for were to be had; empty where it asked for none."""
    if asked == used:
        return HTML("" if used == "none" else f"<p class='notice'>Weights of the base: {html.escape(Path(used).name)}.</p>")
    return HTML(
        f"<p class='notice'><strong>The {asked} weights could not be downloaded.</strong> This run went on with random ones "
        f"(weights: {used}), and every table and figure made with them says so.</p>"
    )


def graded(found: Finding) -> str:
    """The outcome of a finding with its grade: impossible (misprint)."""
    return found.outcome.value if found.grade is None else f"{found.outcome} ({found.grade})"


def _assumed(found: Finding) -> str:
    return f"<br><small>assuming {html.escape(found.assuming)}</small>" if found.assuming else ""


def findings_html(found: Sequence[Finding], *, folded: str = "") -> HTML:
    """Findings of the audit as a table with the outcomes coloured; behind a summary where `folded` names one."""
    rows = "".join(
        f"<tr><td>{html.escape(one.claim.replace('_', ' '))}<br><small>{html.escape(one.where)}</small></td>"
        f"<td>{html.escape(one.printed)}<br><small>{html.escape(one.check)}</small></td>"
        f'<td><span class="verdict-tag" style="background:{OUTCOME_COLOURS[one.outcome]}">{graded(one)}</span> '
        f"{html.escape(one.meaning)}{_assumed(one)}</td></tr>"
        for one in found
    )
    head = "<th>claim<br><small>place</small></th><th>printed<br><small>check</small></th><th>outcome, and what it means</th>"
    body = f"<table class='data-table audit-table'><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    body = f"<div class='table-scroll' tabindex='0'>{body}</div>"
    return HTML(f"<details><summary>{html.escape(folded)}</summary>{body}</details>" if folded else body)


def made_and_verified(result: Result) -> str:
    """One sentence, in HTML: when, where and at which revision a result was made, and when it was verified."""
    training = result.trainings[0].environment if result.trainings else result.environment
    where = training.cpu if training.device == "CPU" else training.device
    made = f"made {result.created[:10]} on {html.escape(where)} at revision <code>{html.escape(result.git_revision)}</code>"
    if (found := result.verified) is None:
        return made
    machine = found.cpu if found.device in ("CPU", "not used") else found.device
    total = len(found.recomputed) + len(found.not_recomputed)
    turned = max(found.turned.values(), default=0)
    ties = f", but for at most {turned} near-tied images that this machine classifies the other way" if turned else ""
    return (
        f"{made}; verified {found.date[:10]} on {html.escape(machine)} at revision <code>{html.escape(found.revision)}</code>: "
        f"{len(found.recomputed)} of {total} numbers computed again, all as published{ties}"
    )


def provenance(result: Result) -> HTML:
    """One line: where the shown numbers come from, and when they were last verified."""
    data = ""
    if result.dataset is not None:
        seeds = ", ".join(map(str, result.parameters.get("seeds", [result.seed])))
        data = f"seeds {seeds}; data <code>{result.dataset.fingerprint[:12]}</code>; model selection on {result.selected_on}; "
    return HTML(f"<div class='provenance'><p>{badge(result)}; {data}{made_and_verified(result)}.</p></div>")


def environment_table(results: Mapping[str, Result]) -> HTML:
    """Machine, packages and times of the results, a column each; the training's own environment where it differs."""

    def facts(result: Result) -> dict[str, str]:
        first = result.trainings[0]
        seconds = sum({record.key: record.wall_time_s for record in result.trainings}.values())
        scored = f"{result.environment.backend} on {result.environment.device} ({result.environment.cpu})"
        return {
            "scored with": scored,
            "trained with": f"{first.environment.backend} on {first.environment.device} ({first.environment.cpu})",
            "images/s in training, first seed": f"{first.images_per_s:,.0f}",
            "time of all trainings": f"{seconds / 60:,.1f} min",
            "cores, oneDNN": f"{result.environment.cores}, {result.environment.onednn}",
            "Python": result.environment.python,
            "packages": ", ".join(f"{name} {version}" for name, version in result.environment.packages.items()),
            "packages in training": ", ".join(f"{name} {version}" for name, version in first.environment.packages.items()),
            "made": f"{result.created}, revision {result.git_revision}",
        }

    frame = pd.DataFrame({name: facts(result) for name, result in results.items()})
    return table(frame.rename_axis("").reset_index())
