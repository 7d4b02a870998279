"""The figures of a hyper-parameter search, in the style of `figures`."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from fer_utils.figures.style import INK, PALETTE, finished, panels


def search_history(history: pd.DataFrame, title: str, *, prune_below: float, chance: float) -> Figure:
    """Accuracy of each trial in the order of the search (`search.history`), the best so far, and the bounds in percent."""
    figure, axes = plt.subplots(figsize=(8, 3.4))
    for state, marker, colour in (("complete", "o", PALETTE[0]), ("pruned", "x", PALETTE[3])):
        rows = history[history["state"] == state]
        if len(rows):
            axes.plot(rows["trial"], rows["accuracy_percent"], marker, color=colour, label=f"{state} ({len(rows)})")
    axes.step(history["trial"], history["best_so_far_percent"], where="post", color=PALETTE[2], label="best so far")
    axes.axhline(chance, color=INK, linestyle=":", label="chance")
    if prune_below > 0:
        axes.axhline(prune_below, color=PALETTE[3], linewidth=1, label="given up below")
    axes.set(xlabel="trial", ylabel="accuracy (%)", title=title)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=8, ncols=2)
    return finished(figure)


def importances_and_best_of_k(importances: pd.DataFrame, curves: Mapping[str, pd.DataFrame], *, chance: float) -> Figure:
    """Left, the share of each hyper-parameter (`search.importances`); right, the best of k trials (`search.best_of_k`).

    The best of k trials has its 95 % range, and each name a colour.
    """
    figure, (left, right) = panels(2, width=5.2)
    left.barh(importances["hyperparameter"][::-1], importances["importance"][::-1], color=PALETTE[0])
    left.set(xlabel="share of the variance between trials", title="importance (fANOVA)", xlim=(0, 1))
    left.tick_params(axis="y", labelsize=8)
    for colour, (name, curve) in zip((PALETTE[0], PALETTE[3]), curves.items(), strict=False):
        right.fill_between(curve["k"], curve["low"], curve["high"], color=colour, alpha=0.2)
        right.plot(curve["k"], curve["expected"], "o-", color=colour, markersize=4, label=name)
    right.axhline(chance, color=INK, linestyle=":", label="chance")
    right.set(xlabel="trials tried (k)", ylabel="accuracy of the best (%)", title="the best of k trials")
    right.xaxis.get_major_locator().set_params(integer=True)
    right.legend(fontsize=8)
    return finished(figure)
