"""How the scoreboard shows the ledger: figures of verdicts and of what is reported beside what was reproduced, and its table."""

from __future__ import annotations

import html
import io
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_utils.claims.ledger import NO_IMAGES, OTHER, RENDERED, Row
from fer_utils.claims.verdicts import Verdict
from fer_utils.figures.printed_numbers import stacked_bars
from fer_utils.figures.style import INK, finished
from fer_utils.figures.tables import VERDICT_COLOURS, verdict_tag


def verdict_bars(counts: pd.DataFrame, axis: str = "claims") -> Figure:
    """A bar per row of counts, stacked by verdict (columns)."""
    return stacked_bars(counts, {verdict.value: colour for verdict, colour in VERDICT_COLOURS.items()}, axis)


def accuracies(rows: Sequence[Row], titles: Mapping[str, str]) -> Figure:
    """A line per percentage that has a measured counterpart: printed (bar), ours (dot) with its interval, by paper.

    Colours are verdicts; dots of rendered faces are hollow; squares are measurements with a flawed protocol. `titles` names the papers, in the order of the panels.
    """
    chosen = {
        paper: [row for row in rows if row.paper == paper and None not in (row.ours, row.compared) and row.ours_unit == "percent"]
        for paper in titles
    }
    chosen = {paper: found for paper, found in chosen.items() if found} or chosen  # empty panels where nothing was measured
    heights = [len(found) + 1.2 for found in chosen.values()]
    figure, panels = plt.subplots(
        len(chosen), 1, figsize=(5.4, 0.22 * sum(heights) + 1.5), height_ratios=heights, sharex=True, squeeze=False
    )
    for panel, (paper, found) in zip(panels[:, 0], chosen.items(), strict=True):
        for place, row in enumerate(found):
            _line(panel, row, place)
        panel.set(yticks=range(len(found)), ylim=(len(found) - 0.4, -0.6), xlim=(-1, 101))
        panel.set_yticklabels([row.claim.replace("_", " ") for row in found], fontsize=8)
        panel.set_title(titles[paper], loc="left", fontsize=9)
    panels[-1, 0].set_xlabel("percent", fontsize=9)
    panels[-1, 0].tick_params(axis="x", labelsize=8)
    figure.legend(
        *_key({row.verdict for found in chosen.values() for row in found}), loc="outside lower center", ncols=2, fontsize=8
    )
    return finished(figure)


def _line(axes: Axes, row: Row, place: float) -> None:
    colour, hollow = VERDICT_COLOURS[row.verdict], row.faces in (RENDERED, OTHER)
    axes.plot([row.compared, row.ours], [place, place], color=colour, linewidth=1, alpha=0.8, linestyle=":" if hollow else "-")
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=5, alpha=0.25 if hollow else 0.5)
    if row.ours_with_flaw is not None and not hollow:
        axes.plot([row.low_with_flaw, row.high_with_flaw], [place, place], color=INK, linewidth=5, alpha=0.25)
        axes.plot(row.ours_with_flaw, place, "s", color=INK, markerfacecolor="white", markersize=5.5)
    axes.plot(row.compared, place, "|", color=INK, markersize=11, markeredgewidth=2.2)
    axes.plot(row.ours, place, "o", color=colour, markerfacecolor="white" if hollow else colour, markersize=6)


def _key(verdicts: set[Verdict]) -> tuple[list, list[str]]:
    handles = [plt.Line2D([], [], color=INK, marker="|", linestyle="", markersize=11, markeredgewidth=2.2)]
    names = ["printed"]
    for verdict, colour in VERDICT_COLOURS.items():
        if verdict in verdicts:
            handles.append(plt.Line2D([], [], color=colour, marker="o", linestyle=""))
            names.append(f"ours: {verdict.value}")
    handles.append(plt.Line2D([], [], color=INK, marker="o", markerfacecolor="white", linestyle=""))
    handles.append(plt.Line2D([], [], color=INK, marker="s", markerfacecolor="white", linestyle=""))
    return handles, [*names, "ours, on other faces (RENDERED)", "ours, flawed protocol"]


def ratios(rows: Sequence[Row], titles: Mapping[str, str]) -> Figure:
    """Numbers that are no percentages, in units of the printed one: a dot per claim, a line per paper; on the rule is equal."""
    found = [
        row
        for row in rows
        if row.ours is not None and row.compared and row.ours_unit != "percent" and row.faces not in (RENDERED, OTHER)
    ]
    figure, axes = plt.subplots(figsize=(8, 0.9 * len(titles) + 1.2))
    for place, paper in enumerate(titles):
        here = sorted((row.ours / row.compared, row.verdict, row.claim) for row in found if row.paper == paper)  # type: ignore[operator]
        for number, (ratio, verdict, claim) in enumerate(here):
            height = place + 0.8 * ((number + 0.5) / len(here) - 0.5)  # equal ones stand above each other
            axes.plot(ratio, height, "o", color=VERDICT_COLOURS[verdict], markeredgecolor="white", markersize=6)
            if abs(ratio - 1) > 0.01:
                axes.annotate(
                    claim.replace("_", " "), (ratio, height), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7.5
                )
    axes.axvline(1, color=INK, linewidth=1, zorder=0)
    axes.set(yticks=range(len(titles)), yticklabels=list(titles.values()), ylim=(len(titles) - 0.4, -0.6))
    axes.set(xlabel="ours divided by the printed number")
    return finished(figure)


def as_svg(figure: Figure) -> str:
    """The figure as SVG text, the same bytes for the same figure."""
    with plt.rc_context({"svg.hashsalt": "ledger", "svg.fonttype": "path"}), io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()


def ledger_html(rows: Sequence[Row]) -> HTML:
    """The rows of a paper as a table, those with a verdict first and the others behind a summary."""
    judged = [row for row in rows if row.verdict != Verdict.NOT_TESTABLE]
    rest = [row for row in rows if row.verdict == Verdict.NOT_TESTABLE]
    folded = f"<details><summary>{len(rest)} claims that are not testable here, with reasons</summary>{_table(rest)}</details>"
    return HTML((_table(judged) if judged else "") + (folded if rest else ""))


def _table(rows: Sequence[Row]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(row))}</tr>" for row in rows)
    head = "".join(
        f"<th>{first}<br><small>{second}</small></th>"
        for first, second in (("claim", "place"), ("printed", "ours"), ("verdict", "because"), ("made by", "data"))
    )
    table = f"<table class='data-table ledger-table'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f"<div class='table-scroll' tabindex='0'>{table}</div>"


def _cells(row: Row) -> tuple[str, str, str, str]:
    """The four cells of a row, as HTML."""
    place = PurePosixPath(row.page).name + (f"#{row.anchor}" if row.anchor else "")
    chapter = f"<br><small>the chapter says: {row.chapter_verdict}</small>" if row.chapter_verdict else ""
    measured = html.escape(row.ours_text)
    if row.faces in (RENDERED, OTHER):
        measured += f"<br><strong>{'on RENDERED faces' if row.faces == RENDERED else row.faces}</strong>"
    facts = [html.escape(row.scored_on), f"selected on {html.escape(row.selected_on)}" if row.selected_on else ""]
    facts += [f"profile {row.profile}, seed {row.seeds}" if row.faces not in ("", NO_IMAGES) else ""]
    return (
        f"{html.escape(row.statement)}<br><small>{html.escape(row.where)}</small>",
        f"{html.escape(row.printed)}<br><small>{measured}</small>",
        f"{verdict_tag(row.verdict)} {html.escape(row.reason)}{chapter}",
        f"<a href='{place}'>{html.escape(row.decided_by.replace('_', ' '))}</a><br><small>{'<br>'.join(fact for fact in facts if fact)}</small>",
    )
