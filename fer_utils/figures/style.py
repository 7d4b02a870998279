"""The book's visual language: colours, panels, alternative texts."""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = sns.color_palette("colorblind")
INK = "#1a2433"


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
