"""Scores with intervals, label noise and printed figures of others."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fer_utils.evaluation.metrics import wilson_interval
from fer_utils.figures.curves import not_in_this_run
from fer_utils.figures.style import INK, PALETTE, finished, panels
from fer_utils.figures.tables import badge
from fer_utils.results.records import Metric, Result


def intervals(
    metrics: Mapping[str, Metric],
    title: str,
    *,
    axis: str = "accuracy (%)",
    chance: float | None = None,
    chance_label: str = "chance",
) -> Figure:
    """A line per metric, the first on top: the value as a dot, its 95 % interval as a bar; a dotted line at `chance`."""
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(metrics) + 1.4))
    for position, metric in zip(range(len(metrics) - 1, -1, -1), metrics.values(), strict=True):
        if metric.low is not None:
            axes.plot([metric.low, metric.high], [position, position], color=PALETTE[0], linewidth=5, alpha=0.4)
        axes.plot(metric.value, position, "o", color=PALETTE[0], markeredgecolor=INK)
    if chance is not None:
        axes.axvline(chance, color=INK, linestyle=":", label=chance_label)
        axes.legend(fontsize=8)
    axes.set(yticks=range(len(metrics)), yticklabels=list(metrics)[::-1], ylim=(-0.6, len(metrics) - 0.4))
    axes.set(xlabel=axis, title=title)
    return finished(figure)


def label_noise(result: Result) -> Figure:
    """Accuracy by the share of taggers who agree with the label, and agreement by class."""
    bands, classes = pd.DataFrame(result.tables["label_noise"]), pd.DataFrame(result.tables["agreement"])
    if bands.empty:
        return not_in_this_run("The comparison with FER+ votes (fer2013new.csv)")
    figure, (left, right) = panels(2, width=5)
    positions = np.arange(len(bands))
    left.vlines(positions, bands["low"], bands["high"], color=PALETTE[0], linewidth=3, alpha=0.5)
    left.plot(positions, bands["accuracy"], "o", color=PALETTE[0])
    ticks = [f"{band}\nn = {images:,}" for band, images in zip(bands["taggers who agree"], bands["images"], strict=True)]
    left.set(xticks=positions, ylim=(0, 100), ylabel="accuracy (%)", xlabel="taggers who see the FER2013 label")
    left.set_xticklabels(ticks, fontsize=7.5)
    right.barh(classes["class"][::-1], classes["mean agreement (%)"][::-1], color=PALETTE[0])
    right.set(xlim=(0, 100), xlabel="mean share of taggers who see the label (%)")
    figure.suptitle(badge(result), fontsize="small")
    return finished(figure)


def literature(printed: Mapping[str, float], measured: Metric, trials: int, ours: str = "this book, printed network") -> Figure:
    """Printed accuracies (percent) with Wilson intervals for `trials` test items, and our measurement below them."""
    figure, axes = plt.subplots(figsize=(8, 0.34 * len(printed) + 1.3))
    lines: dict[str, tuple] = {
        name: (value, *(100 * edge for edge in wilson_interval(round(value * trials / 100), trials)))
        for name, value in printed.items()
    }
    lines[ours] = (measured.value, measured.low, measured.high)
    for position, (value, low, high) in zip(range(len(lines) - 1, -1, -1), lines.values(), strict=True):
        colour = PALETTE[2] if position == 0 else PALETTE[7]
        axes.plot([low, high], [position, position], color=colour, linewidth=4, alpha=0.6)
        axes.plot(value, position, "o", color=colour, markeredgecolor=INK)
    axes.set(yticks=range(len(lines)), yticklabels=list(lines)[::-1], xlabel="accuracy (%)")
    return finished(figure)
