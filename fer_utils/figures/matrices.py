"""How a network tells classes apart: confusion matrices, true classes in the rows, and features in two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from fer_utils.figures.style import INK, PALETTE, finished, panels
from fer_utils.results.records import Confusion

DARK_BLUE_PERCENT = 50  # on darker cells of a matrix, text is white


def heat(table: pd.DataFrame, title: str) -> Figure:
    """A table of percentages as a heat map with its numbers."""
    figure, axes = plt.subplots(figsize=(1.1 * len(table.columns) + 2.4, 0.8 * len(table) + 1.8))
    sns.heatmap(table, annot=True, fmt=".0f", cmap="Blues", vmin=0, vmax=100, cbar=False, linewidths=0.5, ax=axes)
    axes.set_title(title)
    axes.tick_params(axis="y", rotation=0)
    return finished(figure)


def confusion_panel(axes: Axes, matrix: Confusion, title: str) -> None:
    """One matrix: colour and first number are the row's share in percent, the second number is the count."""
    counts = matrix.array()
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # not seaborn's heatmap, which draws the whole figure once for each panel
    axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=100, edgecolors="white", linewidth=0.5)
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if share[row, column] > DARK_BLUE_PERCENT else INK
        text = f"{share[row, column]:.0f}\n{count:,}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, fontsize=8)
    places = np.arange(len(counts)) + 0.5
    axes.set(xticks=places, xticklabels=matrix.labels, yticks=places, yticklabels=matrix.labels, aspect="equal")
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.tick_params(length=0)
    right = np.trace(counts) / max(counts.sum(), 1)
    axes.set_title(f"{title}\n{100 * right:.2f} % of {counts.sum():,}")
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(axis="x", rotation=45)
    axes.tick_params(axis="y", rotation=0)


def confusion_matrices(matrices: Mapping[str, Confusion]) -> Figure:
    """Matrices side by side (true classes in the rows), two in a row, so that their numbers can be read."""
    columns = min(2, len(matrices))
    rows = -(-len(matrices) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(4.6 * columns, 4.9 * rows), squeeze=False)
    for panel, (title, matrix) in zip(axes.flat, matrices.items(), strict=False):
        confusion_panel(panel, matrix, title)
    for panel in axes.flat[len(matrices) :]:
        panel.axis("off")
    return finished(figure)


def shuffled_scores(shuffled: np.ndarray, chance: float, aligned: float, printed: float, title: str) -> Figure:
    """Where the printed score lies among scores of shuffled predictions. All in percent; `shuffled` is (shuffles,)."""
    figure, (near, far) = plt.subplots(1, 2, figsize=(9.6, 3.4), width_ratios=[2, 1], sharey=True)
    for axes in (near, far):
        axes.hist(shuffled, bins=30, color=PALETTE[7], label=f"{len(shuffled):,} shuffles")
        axes.axvline(chance, color=INK, linestyle=":", label="chance, from the margins")
        axes.axvline(printed, color=PALETTE[3], linewidth=2, label="the paper's matrix")
        axes.axvline(aligned, color=PALETTE[2], linewidth=2, label="the same predictions, aligned")
        axes.set_xlabel("accuracy (%)")
    margin = max(6 * float(shuffled.std()), 1.5 * abs(printed - chance))
    near.set(xlim=(chance - margin, chance + margin), ylabel="shuffles", title=title)
    far.set(xlim=(0, 100), title="the whole scale")
    far.legend(fontsize=7.5, loc="upper right")
    return finished(figure)


def feature_scatter(spaces: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str]) -> Figure:
    """A panel per title with features (n, d) and class numbers (n,): two directions of largest variance, a colour per class."""
    figure, axes = panels(len(spaces))
    colours = dict(zip(classes, sns.color_palette("colorblind", len(classes)), strict=True))
    for panel, (title, (features, labels)) in zip(axes, spaces.items(), strict=True):
        found = PCA(2, random_state=0).fit(features)
        points, shares = found.transform(features), 100 * found.explained_variance_ratio_
        for place, name in enumerate(classes):
            panel.scatter(*points[labels == place].T, s=16, color=colours[name], label=name, edgecolors="none")
        panel.set(title=title, xlabel=f"{shares[0]:.0f} % of the variance", ylabel=f"{shares[1]:.0f} %")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8)
    return finished(figure)
