"""Figures of the threats to a score: each effect beside what it comes from, and all of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_utils.evaluation.threats import Effect
from fer_utils.figures.style import INK, PALETTE, finished
from fer_utils.results.records import Metric

FLAWED, SOUND, OTHER, REAL = PALETTE[1], PALETTE[0], PALETTE[7], PALETTE[2]
EFFECT_KINDS = {"raises the score": FLAWED, "lowers the score": SOUND, "scatters or misstates it": OTHER}


def threat_figure(effect: Effect, real: Metric | None = None) -> tuple[Figure, Axes]:
    """(figure, its left panel, still empty).

    Right is the effect on rendered faces, a dot per seed and the mean's 95 % interval, and below it the effect on real faces
    where it was measured.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.3), width_ratios=[3, 2])
    measured = effect.metric
    spread = np.linspace(0.12, 0.36, len(effect.differences))
    right.axvline(0, color=INK, linewidth=1)
    right.plot(effect.differences, 1 + spread, "o", color=FLAWED, markeredgecolor="white", markersize=6)
    _interval(right, measured, 1 - 0.1, FLAWED)
    names = [f"RENDERED\n{len(effect.differences)} {effect.over}"]
    if real is not None:
        _interval(right, real, 0, REAL)
        names.append("REAL\nFER2013")
    places = [1, 0][: len(names)]
    right.set(yticks=places, yticklabels=names, ylim=(min(places) - 0.6, 1.6), xlabel="effect (percentage points)")
    right.margins(x=0.15)
    right.set_title(f"effect {measured.value:+.1f} [{measured.low:.1f}, {measured.high:.1f}]")
    return figure, left


def draw_paired_scores(axes: Axes, scores: Mapping[str, Sequence[float]]) -> None:
    """Accuracy per way of scoring (the first is the flawed one): a dot per seed, those of one seed joined by a line."""
    values = np.array(list(scores.values()))
    axes.plot(range(len(values)), values, color=OTHER, linewidth=1, alpha=0.7, zorder=1)
    for place, row in enumerate(values):
        axes.plot([place] * len(row), row, "o", color=FLAWED if place == 0 else SOUND, markeredgecolor="white", markersize=7)
    axes.set(xticks=range(len(values)), xticklabels=list(scores), ylabel="accuracy (%)", xlim=(-0.4, len(values) - 0.6))


def draw_histogram(
    axes: Axes, values: np.ndarray, label: str, xlabel: str, lines: Mapping[str, float], step: float | None = None
) -> None:
    """Distribution of values, a bar for each `step` where they can only be so far apart; `lines` are drawn at known values."""
    bins = 25 if step is None else np.arange(values.min() - step / 2, values.max() + step, step)
    axes.hist(values, bins=bins, color=FLAWED, alpha=0.6, label=label, weights=np.full(len(values), 100 / len(values)))
    for (name, value), style in zip(lines.items(), ("--", ":"), strict=False):
        axes.axvline(value, color=INK, linestyle=style, label=name)
    axes.set(xlabel=xlabel, ylabel="share of draws (%)")
    _legend_above(axes)


def draw_best_of_k(axes: Axes, tried: Sequence[int], reported: np.ndarray, fresh: np.ndarray) -> None:
    """Scores (seeds, tried) of the best of k settings where it was chosen and where it was not; thin lines are seeds."""
    for scores, colour, name in ((reported, FLAWED, "where it was chosen"), (fresh, SOUND, "on other people")):
        axes.plot(tried, scores.T, color=colour, linewidth=1, alpha=0.4)
        axes.plot(tried, scores.mean(axis=0), "o-", color=colour, linewidth=2.2, label=name)
    axes.set_xscale("log")
    axes.set_xticks(list(tried), [str(k) for k in tried])
    axes.minorticks_off()
    axes.set(xlabel="settings tried", ylabel="accuracy (%)")
    _legend_above(axes)


def draw_grouped_bars(axes: Axes, names: Sequence[str], values: Mapping[str, Sequence[float]], ylabel: str) -> None:
    """Bars in groups, a group per name; the first series has the colour of the flaw."""
    width = 0.8 / len(values)
    for number, ((label, heights), colour) in enumerate(zip(values.items(), (FLAWED, SOUND, OTHER), strict=False)):
        places = np.arange(len(names)) + (number - (len(values) - 1) / 2) * width
        axes.bar(places, heights, width, color=colour, label=label)
    axes.set(xticks=range(len(names)), ylabel=ylabel)
    axes.set_xticklabels(names, fontsize=8)
    _legend_above(axes)


def draw_stacked_shares(axes: Axes, rows: Mapping[str, Mapping[str, float]], xlabel: str) -> None:
    """A stacked bar per row, the first on top, each part with its share in percent."""
    colours = dict(zip(next(iter(rows.values())), (SOUND, OTHER, FLAWED), strict=False))
    for place, (name, parts) in enumerate(rows.items()):
        left = 0.0
        for part, value in parts.items():
            axes.barh(name, value, left=left, color=colours[part], edgecolor="white", label=part if place == 0 else None)
            left += value
    axes.set(xlabel=xlabel)
    axes.invert_yaxis()
    _legend_above(axes)


def forest_plot(effects: Mapping[str, Metric], kinds: Mapping[str, str], real: Mapping[str, Metric]) -> Figure:
    """All effects on one axis, logarithmic beyond one point either side, with intervals; a second bar is that on real faces.

    `kinds` names one of EFFECT_KINDS for every effect, `real` has the effects of the same names that were measured on real faces.
    """
    figure, axes = plt.subplots(figsize=(9.6, 0.46 * len(effects) + 1.5))
    for place, (name, effect) in enumerate(effects.items()):
        _interval(axes, effect, place, EFFECT_KINDS[kinds[name]])
        text = f"{effect.value:+.1f}  [{effect.low:.1f}, {effect.high:.1f}]"
        axes.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center", fontsize=8.5)
        if name in real:
            _interval(axes, real[name], place + 0.3, REAL)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    ticks = [-50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50]
    axes.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    axes.set_xlim(-70, 130)
    axes.minorticks_off()
    axes.set(yticks=range(len(effects)), yticklabels=list(effects), ylim=(len(effects) - 0.4, -0.6))
    axes.set_xlabel("effect of the flaw (percentage points)")
    handles = [plt.Line2D([], [], color=colour, linewidth=5, alpha=0.7) for colour in (*EFFECT_KINDS.values(), REAL)]
    figure.legend(handles, [*EFFECT_KINDS, "REAL FER2013"], loc="outside lower center", ncols=4, fontsize=8)
    return finished(figure)


def _interval(axes: Axes, metric: Metric, place: float, colour: tuple[float, float, float]) -> None:
    """The interval as a bar with ends, which show where it is narrow, and a tick at the value."""
    axes.plot([metric.low, metric.high], [place, place], color=colour, linewidth=6, alpha=0.45, solid_capstyle="butt")
    axes.plot([metric.low, metric.high], [place, place], "|", color=colour, markersize=11, markeredgewidth=1.5)
    axes.plot(metric.value, place, "|", color=INK, markersize=7, markeredgewidth=1.3)


def _legend_above(axes: Axes) -> None:
    axes.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
