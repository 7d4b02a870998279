"""Figures of the claims audit: what printed numbers imply, drawn from its findings. Matrices have true classes in their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fer_utils.figures.style import INK, PALETTE, finished
from fer_utils.figures.tables import OUTCOME_COLOURS


def stacked_bars(counts: pd.DataFrame, colours: Mapping[str, str], axis: str) -> Figure:
    """A bar per row of counts, stacked by column in the colours given, with the numbers in it where there is room."""
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(counts) + 1.3))
    left = np.zeros(len(counts))
    for name in counts.columns:
        values = counts[name].to_numpy()
        axes.barh(range(len(counts)), values, left=left, color=colours[name], edgecolor="white", label=name)
        for place, (start, value) in enumerate(zip(left, values, strict=True)):
            if value >= 0.012 * counts.to_numpy().sum(axis=1).max():
                axes.text(start + value / 2, place, str(value), ha="center", va="center", color="white", fontsize=8)
        left += values
    axes.set(yticks=range(len(counts)), yticklabels=counts.index, xlabel=axis)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.legend(ncols=len(counts.columns), fontsize=8, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return finished(figure)


def outcome_bars(counts: pd.DataFrame) -> Figure:
    """A bar per paper (index) of its findings by outcome (columns), with their numbers."""
    return stacked_bars(counts, {outcome.value: colour for outcome, colour in OUTCOME_COLOURS.items()}, "findings")


def _shares(axes: Axes, shares: np.ndarray, labels: Sequence[str], title: str, form: str = ".0f", most: float = 40) -> None:
    sns.heatmap(
        shares, annot=True, fmt=form, cmap="Blues", vmin=0, vmax=most, cbar=False, square=True, ax=axes, linewidths=0.5,
        xticklabels=labels, yticklabels=labels, annot_kws={"fontsize": 8},
    )  # fmt: skip
    axes.set(title=title, xlabel="predicted", ylabel="true")
    axes.tick_params(axis="x", rotation=45)
    axes.tick_params(axis="y", rotation=0)


def against_independence(matrices: Mapping[str, np.ndarray], labels: Sequence[str]) -> Figure:
    """Per matrix of counts (a line each): its row shares in percent, and those of independence, where all rows are alike."""
    figure, axes = plt.subplots(len(matrices), 2, figsize=(9.4, 4.4 * len(matrices)), squeeze=False)
    for (left, right), (title, matrix) in zip(axes, matrices.items(), strict=True):
        margins = np.tile(matrix.sum(axis=0) / matrix.sum(), (len(matrix), 1))
        _shares(left, 100 * matrix / matrix.sum(axis=1, keepdims=True), labels, f"{title}: shares of each row (%)")
        _shares(right, 100 * margins, labels, "labels and predictions independent (%)")
    return finished(figure)


def two_readings(printed: np.ndarray, impossible: Sequence[str], counts: np.ndarray, labels: Sequence[str]) -> Figure:
    """A matrix of shares as printed, crosses at rows that no counts give, beside the counts that the other reading gives."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.9))
    named = [f"x {label}" if label in impossible else label for label in labels]
    _shares(left, printed, labels, "as printed, true classes in the rows\n(x: no shares of the known counts)", ".2g", most=1)
    left.set_yticklabels(named)
    for tick, label in zip(left.get_yticklabels(), labels, strict=True):
        tick.set_color(PALETTE[3] if label in impossible else INK)
    _shares(
        right,
        counts,
        labels,
        f"read transposed: the only counts\n({np.trace(counts)} of {counts.sum()} right)",
        "d",
        most=counts.max(),
    )
    return finished(figure)


def possible_sizes(sizes: Mapping[str, Sequence[int]], expected: Mapping[str, Sequence[int]], title: str) -> Figure:
    """A line per percentage: the numbers of trials of which it is a count (dots), and those that the text implies (bars)."""
    figure, axes = plt.subplots(figsize=(9, 0.42 * len(sizes) + 1.5))
    for place, name in enumerate(sizes):
        fits = set(expected[name]) & set(sizes[name])
        axes.plot(
            [min(expected[name]) - 0.4, max(expected[name]) + 0.4],
            [place, place],
            color=PALETTE[2 if fits else 3],
            linewidth=9,
            alpha=0.45,
        )
        axes.plot(list(sizes[name]), [place] * len(sizes[name]), "o", color=PALETTE[0], markersize=5)
    axes.set(
        yticks=range(len(sizes)), yticklabels=sizes, ylim=(len(sizes) - 0.4, -0.6), xlabel="number of test images", title=title
    )
    handles = [plt.Line2D([], [], color=PALETTE[0], marker="o", linestyle="")]
    handles += [plt.Line2D([], [], color=PALETTE[colour], linewidth=9, alpha=0.45) for colour in (2, 3)]
    axes.legend(
        handles, ["can give the percentage", "implied by the text, fits", "implied, does not fit"], fontsize=8, loc="upper right"
    )
    return finished(figure)


def fold_differences(differences: Mapping[str, Sequence[float]], notes: Mapping[str, str]) -> Figure:
    """A line per comparison: the difference of each fold in percentage points (dots), their mean, and a note of its tests."""
    figure, axes = plt.subplots(figsize=(9, 1.3 * len(differences) + 1.2))
    for place, (name, values) in enumerate(differences.items()):
        rounded = np.round(values, 1).tolist()
        heights = [
            place - 0.11 * rounded[:number].count(value) for number, value in enumerate(rounded)
        ]  # equal ones are piled up
        axes.plot(rounded, heights, "o", color=PALETTE[0], markeredgecolor="white", markersize=7)
        axes.plot(np.mean(values), place, "|", color=INK, markersize=24, markeredgewidth=2.5)
        axes.text(0.01, place + 0.33, notes[name], transform=axes.get_yaxis_transform(), fontsize=8.5, va="center")
    axes.axvline(0, color=INK, linestyle=":")
    axes.set(yticks=range(len(differences)), yticklabels=differences, ylim=(len(differences) - 0.4, -0.5))
    axes.set(xlabel="difference of a fold (percentage points); the bar is the mean")
    return finished(figure)


def printed_among_possible(possible: Mapping[str, Sequence[float]], printed: Mapping[str, Sequence[float]]) -> Figure:
    """A panel per report: the accuracies that it allows (lines), and the printed ones (dots; crosses where none is allowed)."""
    figure, axes = plt.subplots(1, len(possible), figsize=(2 * len(possible), 3.4))
    for panel, (name, accuracies) in zip(np.atleast_1d(axes), possible.items(), strict=True):
        panel.hlines(accuracies, -0.6, 0.6, color=PALETTE[0], linewidth=2)
        for value in printed[name]:
            allowed = any(-0.01 < value - accuracy <= 0.005 + 1e-9 for accuracy in accuracies)  # cut off, or rounded
            panel.plot(0, value, "o" if allowed else "X", color=PALETTE[2 if allowed else 3], markeredgecolor=INK, markersize=8)
            panel.annotate(f"{value:.2f}", (0.7, value), fontsize=8, va="center")
        middle = (min(*accuracies, *printed[name]) + max(*accuracies, *printed[name])) / 2
        panel.set(xticks=[], xlim=(-1, 2), ylim=(middle - 0.32, middle + 0.32), title=name)
        panel.grid(visible=False)
        panel.tick_params(labelsize=8)
    np.atleast_1d(axes)[0].set_ylabel("accuracy (%)")
    return finished(figure)


def class_hits(right: Mapping[str, int], expected: Mapping[str, float], deviation: Mapping[str, float]) -> Figure:
    """Right answers of each class (dots) beside chance given the margins, with two standard deviations (bars)."""
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(right) + 1.4))
    for place, name in enumerate(right):
        spread = 2 * deviation[name]
        axes.plot([expected[name] - spread, expected[name] + spread], [place, place], color=PALETTE[7], linewidth=9, alpha=0.5)
        axes.plot(expected[name], place, "|", color=INK, markersize=12)
        axes.plot(right[name], place, "o", color=PALETTE[3], markeredgecolor=INK)
    axes.set(yticks=range(len(right)), yticklabels=right, ylim=(len(right) - 0.4, -0.6), xlabel="right answers")
    handles = [
        plt.Line2D([], [], color=PALETTE[3], marker="o", linestyle=""),
        plt.Line2D([], [], color=PALETTE[7], linewidth=9, alpha=0.5),
    ]
    axes.legend(
        handles,
        ["implied by the report", "chance, two standard deviations"],
        fontsize=8,
        ncols=2,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        frameon=False,
    )
    return finished(figure)
