"""Learning curves, comparisons of trainings, and hyper-parameter searches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fer_utils.evaluation.metrics import mean_over
from fer_utils.figures.style import INK, PALETTE, finished, panels
from fer_utils.figures.tables import badge
from fer_utils.results.records import Result, TrainingRecord


def architecture(layers: Sequence[tuple[str, tuple[int, ...], int]]) -> Figure:
    """The network from its own layer table: bar height is the map's side, the label its channels and parameters."""
    shown = [layer for layer in layers if layer[0] not in {"Rescaling", "Dropout", "Sequential"}]
    figure, axes = plt.subplots(figsize=(10, 3.6))
    largest = max(shape[0] for _, shape, _ in shown if len(shape) == 3)
    names = {"Conv2D": "conv 3x3", "MaxPooling2D": "max pool", "Flatten": "flatten", "Dense": "dense"}
    colours = dict(zip(("Conv2D", "MaxPooling2D", "Flatten", "Dense"), PALETTE, strict=False))
    for position, (kind, shape, parameters) in enumerate(shown):
        side = shape[0] if len(shape) == 3 else largest * min(1.0, shape[0] / 1024)
        axes.bar(position, side, width=0.7, color=colours.get(kind, "grey"), edgecolor="white")
        size = f"{shape[0]}x{shape[1]}x{shape[2]}" if len(shape) == 3 else f"{shape[0]}"
        axes.annotate(size, (position, side), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7.5)
        label = names.get(kind, kind) + (f"\n{parameters:,}" if parameters else "")
        axes.annotate(label, (position, 0), xytext=(0, -4), textcoords="offset points", ha="center", va="top", fontsize=7.5)
    axes.set(xticks=[], yticks=[], ylim=(0, largest * 1.15))
    axes.set_title(f"{sum(p for _, _, p in layers):,} parameters: output sizes (above) and parameters (below)")
    sns.despine(figure, left=True, bottom=True)
    return finished(figure)


def learning_curves(trainings: Mapping[str, Sequence[TrainingRecord]]) -> Figure:
    """Accuracy (top) and loss (bottom) per epoch, a column per title; a dot marks the epoch that was scored."""
    figure, axes = plt.subplots(
        2, len(trainings), figsize=((5.2 if len(trainings) < 3 else 3.7) * len(trainings), 6), squeeze=False, sharex="col"
    )
    for column, (title, records) in enumerate(trainings.items()):
        for record in records:
            epochs = np.arange(1, len(record.history["loss"]) + 1)
            for row, metric in enumerate(("accuracy", "loss")):
                panel = axes[row, column]
                panel.plot(epochs, record.history[metric], color=PALETTE[0], alpha=0.75, linewidth=1.4)
                if f"val_{metric}" in record.history:
                    values = record.history[f"val_{metric}"]
                    panel.plot(epochs, values, color=PALETTE[1], alpha=0.85, linewidth=1.4)
                    chosen = record.selected_epoch
                    panel.plot(chosen, values[chosen - 1], "o", color=PALETTE[1], markeredgecolor=INK, zorder=3)
        axes[0, column].set_title(title)
        axes[1, column].set_xlabel("epoch")
    axes[0, 0].set_ylabel("accuracy")
    axes[1, 0].set_ylabel("loss")
    handles = [plt.Line2D([], [], color=PALETTE[0]), plt.Line2D([], [], color=PALETTE[1])]
    handles.append(plt.Line2D([], [], color=PALETTE[1], marker="o", markeredgecolor=INK, linestyle=""))
    names = ["training (augmented where the run augments, dropout on)", "held out", "scored epoch"]
    figure.legend(handles, names, loc="outside lower center", ncols=3, fontsize=8)
    return finished(figure)


def losses(trainings: Mapping[str, TrainingRecord], title: str) -> Figure:
    """The training loss per epoch, a line per name."""
    figure, axes = plt.subplots(figsize=(8, 4))
    for number, (name, record) in enumerate(trainings.items()):
        values = record.history["loss"]
        style = ("-", "--", ":")[number // len(PALETTE)]
        axes.plot(range(1, len(values) + 1), values, style, color=PALETTE[number % len(PALETTE)], label=name)
    axes.set(title=title, xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside right upper", fontsize=8)
    return finished(figure)


def not_in_this_run(what: str) -> Figure:
    """A small card that says which experiment a result lacks and how to have it."""
    figure, axes = plt.subplots(figsize=(7, 0.8))
    axes.text(0.5, 0.5, f"{what} is not part of this result: add it to the parameter `experiments`", ha="center", va="center")
    axes.axis("off")
    return finished(figure)


def seed_dots(axes: Axes, groups: Mapping[str, Sequence[float]]) -> None:
    """A line per group, the first on top: a dot per seed, a bar for the mean's 95 % t-interval over seeds."""
    for position, values in zip(range(len(groups) - 1, -1, -1), groups.values(), strict=True):
        mean = mean_over("", values, "")
        if mean.low is not None and mean.high is not None:
            axes.plot([mean.low, mean.high], [position, position], color=PALETTE[0], linewidth=6, alpha=0.3)
        axes.plot(values, [position] * len(values), "o", color=PALETTE[0], markeredgecolor="white", markersize=6)
        axes.plot(mean.value, position, "|", color=INK, markersize=14, markeredgewidth=2)
    axes.set(yticks=range(len(groups)), yticklabels=list(groups)[::-1], ylim=(-0.6, len(groups) - 0.4))
    axes.set_xlabel("accuracy (%)")


def scores_by_training(result: Result, experiments: Sequence[str], names: Mapping[str, str]) -> Figure:
    """Accuracy of each experiment's seeds on each test set, a panel per test set. `names` gives the line labels."""
    scores = pd.DataFrame(result.tables["scores"])
    if not set(experiments) <= set(scores["experiment"]):
        return not_in_this_run(f"The comparison {' / '.join(names.values())}")
    places = list(dict.fromkeys(scores["scored_on"]))
    figure, axes = panels(len(places), width=4 if len(places) > 1 else 7, height=2.2)
    for panel, place in zip(axes, places, strict=True):
        here = scores[scores["scored_on"] == place]
        groups = {names[name]: here.loc[here["experiment"] == name, "accuracy"].tolist() for name in experiments}
        seed_dots(panel, groups)
        panel.set_title(f"{place}, n = {here['n'].iloc[0]:,}")
    for panel in axes[1:]:
        panel.set_yticklabels([])
    figure.suptitle(badge(result), fontsize="small")
    return finished(figure)


def optimizer_grid(result: Result) -> Figure:
    """PrivateTest accuracy per optimiser (panels) and schedule (lines)."""
    scores = pd.DataFrame(result.tables["scores"])
    names = {"sgd_nesterov": "SGD, Nesterov momentum", "adam": "Adam", "adamw": "AdamW"}
    grid = scores[(scores["experiment"] == "optimizers") & (scores["scored_on"] == scores["scored_on"].iloc[0])]
    if grid.empty:
        return not_in_this_run("The grid of optimisers")
    optimizers = [name for name in names if name in set(grid["optimizer"])]
    figure, axes = plt.subplots(1, len(optimizers), figsize=(4.4 * len(optimizers), 2.8), sharex=True, squeeze=False)
    for panel, optimizer in zip(axes[0], optimizers, strict=True):
        here = grid[grid["optimizer"] == optimizer]
        seed_dots(panel, {s: here.loc[here["schedule"] == s, "accuracy"].tolist() for s in dict.fromkeys(here["schedule"])})
        panel.set_title(names[optimizer])
    figure.suptitle(f"{grid['scored_on'].iloc[0]}; {badge(result)}", fontsize="small")
    return finished(figure)


def training_curves_by_option(records: Sequence[TrainingRecord], names: Mapping[str, str]) -> Figure:
    """Validation accuracy per epoch of trainings that differ in one option; thin lines are seeds, thick ones their mean.

    `names` maps a record's name without its seed to the legend's text.
    """
    if not records:
        return not_in_this_run("The comparison of starts")
    figure, axes = plt.subplots(figsize=(7.2, 3.8))
    for colour, (prefix, text) in zip(PALETTE, names.items(), strict=False):
        curves = [record.history["val_accuracy"] for record in records if record.name.rsplit(", ", 1)[0] == prefix]
        if not curves:
            continue
        epochs = np.arange(1, len(curves[0]) + 1)
        for curve in curves:
            axes.plot(epochs, 100 * np.array(curve), color=colour, alpha=0.35, linewidth=1)
        axes.plot(epochs, 100 * np.mean(curves, axis=0), color=colour, linewidth=2.4, label=f"{text} (n = {len(curves)})")
    axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    axes.legend(fontsize=8)
    return finished(figure)


def search_history(history: pd.DataFrame, title: str, *, prune_below: float, chance: float) -> Figure:
    """Accuracy of each trial in the order of the search (`training.history`), the best so far, and the bounds in percent."""
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
    """The share of each hyper-parameter, and the best of k trials.

    Left, `training.importances`; right, `training.best_of_k` with its 95 % range, a colour per name.
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
