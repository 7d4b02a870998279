"""The book's figures: one visual language for all chapters.

Every figure stands on a white card, so that it is legible in light and dark mode; colours come from seaborn's
colour-blind palette, and a class has the same colour everywhere. Functions that compare results take a mapping from
a badge ("full run, real faces") to a `Result` and draw one panel each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from fer_utils.evaluation import mean_over, wilson_interval
from fer_utils.results import Confusion, Metric, Result, TrainingRecord
from fer_utils.tables import badge

PALETTE = sns.color_palette("colorblind")
INK = "#1a2433"
DARK_BLUE_PERCENT = 50  # on darker cells of a matrix, text is white


def use_style() -> None:
    """Apply the book's style to all following figures of this process."""
    sns.set_theme(context="notebook", style="whitegrid", palette="colorblind", font_scale=0.9)
    plt.rcParams.update(
        {
            "figure.dpi": 130,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "axes.titlesize": "medium",
            "axes.titleweight": "bold",
            "axes.labelcolor": INK,
            "text.color": INK,
            "figure.constrained_layout.use": True,
        }
    )


def finished(figure: Figure) -> Figure:
    """Close the figure for pyplot, so that a cell that ends with it shows it once."""
    plt.close(figure)
    return figure


def panels(count: int, width: float = 4.6, height: float = 3.6) -> tuple[Figure, list[Axes]]:
    """A row of `count` axes of the given size in inches."""
    figure, axes = plt.subplots(1, count, figsize=(width * count, height), squeeze=False)
    return figure, list(axes[0])


def stand_in(images: np.ndarray) -> np.ndarray:
    """Tiles of the same shape and dtype in which nothing of the images is left: grey, crossed out from corner to corner."""
    height, width = images.shape[-3:-1]
    down, across = np.arange(height)[:, None] * width, np.arange(width)[None, :] * height
    crossed = np.minimum(np.abs(down - across), np.abs(down + across - (height - 1) * width)) < 2 * max(height, width)
    tile = np.where(crossed, 170, 215).astype(images.dtype)
    return np.broadcast_to(tile[..., None], images.shape).copy()


def contact_sheet(
    images: np.ndarray, rows: Sequence[str], title: str, *, publishable: bool, columns: Sequence[str] = ()
) -> Figure:
    """Faces in a grid with a label per row: the one function of the book that draws faces.

    images: uint8 (rows, columns, height, width, channels). Where the dataset may not be shown (`publishable` false) each
    face is replaced by a crossed-out tile, and the title says so.
    """
    if not publishable:
        images, title = stand_in(images), f"{title}\n(the faces of this dataset may not be shown)"
    lines, across, height, width = images.shape[:4]
    sheet = images.swapaxes(1, 2).reshape(lines * height, across * width, -1).squeeze()
    texts = 0.5 + 0.2 * max((text.count("\n") + 1 for text in columns), default=0)  # title and labels, in inches
    figure, axes = plt.subplots(figsize=(9.5, 9.5 * lines * height / (across * width) + texts))
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    axes.set_yticks([height * (line + 0.5) for line in range(lines)], rows)
    axes.set_xticks([width * (place + 0.5) for place in range(len(columns))], columns)
    axes.tick_params(length=0, labelsize=8)
    axes.grid(visible=False)
    axes.set_title(title)
    for side in axes.spines.values():
        side.set_visible(False)
    return finished(figure)


def overlay(images: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Images uint8 (n, height, width, channels) under a heat map of evidence from 0 to 1 (n, height, width); uint8 RGB."""
    grey = images.mean(axis=-1, keepdims=True)
    colours = 255 * plt.get_cmap("inferno")(evidence)[..., :3]
    return (0.5 * grey + 0.5 * colours).astype(np.uint8)


def softmax_bars(
    images: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    classes: Mapping[str, Sequence[str]],
    true: Mapping[str, str],
    *,
    publishable: Mapping[str, bool],
) -> Figure:
    """A column per name: its image (uint8), crossed out unless publishable, above the bars of its probabilities."""
    figure, axes = plt.subplots(2, len(images), figsize=(2.5 * len(images), 4.8), squeeze=False, height_ratios=[1.2, 1])
    for (above, below), name in zip(axes.T, images, strict=True):
        image = images[name] if publishable[name] else stand_in(images[name])
        above.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        above.set_title(f"{name}\ntrue: {true[name]}")
        above.axis("off")
        colours = [PALETTE[2] if label == true[name] else PALETTE[0] for label in classes[name]]
        below.barh(list(classes[name])[::-1], probabilities[name][::-1], color=colours[::-1])
        below.set(xlim=(0, 1), xlabel="probability")
        below.tick_params(axis="y", labelsize=7.5)
    return finished(figure)


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


def picture(image: np.ndarray, title: str) -> Figure:
    """One picture that may be shown, RGB uint8 (height, width, 3)."""
    figure, axes = plt.subplots(figsize=(8, 8 * image.shape[0] / image.shape[1] + 0.3))
    axes.imshow(image)
    axes.set_title(title)
    axes.axis("off")
    return finished(figure)


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
