"""How the scoreboard shows the ledger: figures of verdicts, and of what is reported beside what was reproduced."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_utils.claims.verdicts import OTHER, RENDERED, Judgement, PaperVerdicts, Verdict
from fer_utils.figures.printed_numbers import stacked_bars
from fer_utils.figures.style import INK, finished
from fer_utils.figures.tables import VERDICT_COLOURS
from fer_utils.results.records import Metric


def verdict_bars(counts: pd.DataFrame, axis: str = "claims") -> Figure:
    """A bar per row of counts, stacked by verdict (columns)."""
    return stacked_bars(counts, {verdict.value: colour for verdict, colour in VERDICT_COLOURS.items()}, axis)


def accuracies(every: Sequence[PaperVerdicts], titles: Mapping[str, str]) -> Figure:
    """A line per percentage that has a measured counterpart: printed (bar), ours (dot) with its interval, by paper.

    Colours are verdicts; dots of rendered faces are hollow; squares are measurements with a flawed protocol. `titles` names the
    papers.
    """
    compared = {
        titles[verdicts.paper.paper.key]: [
            (one, one.shown, one.printed)
            for one in verdicts.judgements
            if one.printed is not None and one.shown is not None and one.shown.unit == "percent"
        ]
        for verdicts in every
    }
    chosen = {title: found for title, found in compared.items() if found} or compared  # empty panels where nothing was measured
    heights = [len(found) + 1.2 for found in chosen.values()]
    figure, panels = plt.subplots(
        len(chosen), 1, figsize=(5.4, 0.22 * sum(heights) + 1.5), height_ratios=heights, sharex=True, squeeze=False
    )
    for panel, (title, found) in zip(panels[:, 0], chosen.items(), strict=True):
        for height, (judgement, ours, printed) in enumerate(found):
            _line(panel, judgement, ours, printed, height)
        panel.set(yticks=range(len(found)), ylim=(len(found) - 0.4, -0.6), xlim=(-1, 101))
        panel.set_yticklabels([one.claim.id.replace("_", " ") for one, *_ in found], fontsize=8)
        panel.set_title(title, loc="left", fontsize=9)
    panels[-1, 0].set_xlabel("percent", fontsize=9)
    panels[-1, 0].tick_params(axis="x", labelsize=8)
    shown = {one.verdict for found in chosen.values() for one, *_ in found}
    figure.legend(*_key(shown), loc="outside lower center", ncols=2, fontsize=8)
    return finished(figure)


def _line(axes: Axes, judgement: Judgement, ours: Metric, printed: float, height: float) -> None:
    colour, hollow, flawed = VERDICT_COLOURS[judgement.verdict], judgement.faces in (RENDERED, OTHER), judgement.flawed
    axes.plot([printed, ours.value], [height, height], color=colour, linewidth=1, alpha=0.8, linestyle=":" if hollow else "-")
    if ours.low is not None and ours.high is not None:
        axes.plot([ours.low, ours.high], [height, height], color=colour, linewidth=5, alpha=0.25 if hollow else 0.5)
    if flawed is not None:
        axes.plot([flawed.low, flawed.high], [height, height], color=INK, linewidth=5, alpha=0.25)
        axes.plot(flawed.value, height, "s", color=INK, markerfacecolor="white", markersize=5.5)
    axes.plot(printed, height, "|", color=INK, markersize=11, markeredgewidth=2.2)
    axes.plot(ours.value, height, "o", color=colour, markerfacecolor="white" if hollow else colour, markersize=6)


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


def ratios(every: Sequence[PaperVerdicts], titles: Mapping[str, str]) -> Figure:
    """Numbers that are no percentages, in units of the printed one: a dot per claim, a line per paper; on the rule is equal."""
    figure, axes = plt.subplots(figsize=(8, 0.9 * len(every) + 1.2))
    for place, verdicts in enumerate(every):
        here = sorted(
            (one.shown.value / one.printed, one.verdict, one.claim.id)
            for one in verdicts.judgements
            if one.shown is not None and one.printed and one.shown.unit != "percent" and one.faces not in (RENDERED, OTHER)
        )
        for number, (ratio, verdict, claim) in enumerate(here):
            height = place + 0.8 * ((number + 0.5) / len(here) - 0.5)  # equal ones stand above each other
            axes.plot(ratio, height, "o", color=VERDICT_COLOURS[verdict], markeredgecolor="white", markersize=6)
            if abs(ratio - 1) > 0.01:
                axes.annotate(
                    claim.replace("_", " "), (ratio, height), xytext=(6, 0), textcoords="offset points", va="center", fontsize=7.5
                )
    axes.axvline(1, color=INK, linewidth=1, zorder=0)
    named = [titles[verdicts.paper.paper.key] for verdicts in every]
    axes.set(yticks=range(len(every)), yticklabels=named, ylim=(len(every) - 0.4, -0.6))
    axes.set(xlabel="ours divided by the printed number")
    return finished(figure)


def as_svg(figure: Figure) -> str:
    """The figure as SVG text, the same bytes for the same figure."""
    with plt.rc_context({"svg.hashsalt": "ledger", "svg.fonttype": "path"}), io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
        return file.getvalue()
