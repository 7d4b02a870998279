"""Features before a network's last layer, drawn in two dimensions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from sklearn.decomposition import PCA

from fer_utils.figures import style


def scatter(spaces: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str]) -> Figure:
    """A panel per title with features (n, d) and class numbers (n,): the two directions of largest variance, coloured."""
    figure, axes = style.panels(len(spaces))
    colours = dict(zip(classes, sns.color_palette("colorblind", len(classes)), strict=True))
    for panel, (title, (features, labels)) in zip(axes, spaces.items(), strict=True):
        found = PCA(2, random_state=0).fit(features)
        points, shares = found.transform(features), 100 * found.explained_variance_ratio_
        for place, name in enumerate(classes):
            panel.scatter(*points[labels == place].T, s=16, color=colours[name], label=name, edgecolors="none")
        panel.set(title=title, xlabel=f"{shares[0]:.0f} % of the variance", ylabel=f"{shares[1]:.0f} %")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8)
    return style.finished(figure)
