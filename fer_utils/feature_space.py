"""What a network makes of images before its last layer: how far classes lie apart there, and a drawing in two dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

from fer_utils import figures


@dataclass(frozen=True)
class ClassDistances:
    """Mean distance of features to the mean of their class, and of the classes' means to each other, in feature units."""

    within: float
    between: float

    @property
    def ratio(self) -> float:
        """Within over between: the smaller, the tighter the classes. It does not change when all features are scaled.

        Infinite where the means of all classes are equal, as of a network whose units have all died.
        """
        return self.within / self.between if self.between else math.inf


def class_distances(features: np.ndarray, labels: np.ndarray) -> ClassDistances:
    """Euclidean distances of features (n, d) under class numbers (n,). Raises ValueError for fewer than two classes."""
    classes, members = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"{len(classes)} class, distances between classes need two at least")
    means = np.stack([features[members == place].mean(axis=0) for place in range(len(classes))])
    within = np.linalg.norm(features - means[members], axis=1).mean()
    return ClassDistances(float(within), float(pdist(means).mean()))


def scatter(spaces: Mapping[str, tuple[np.ndarray, np.ndarray]], classes: Sequence[str]) -> Figure:
    """A panel per title with features (n, d) and class numbers (n,): the two directions of largest variance, a colour per class."""
    figure, axes = figures.panels(len(spaces))
    colours = dict(zip(classes, sns.color_palette("colorblind", len(classes)), strict=True))
    for panel, (title, (features, labels)) in zip(axes, spaces.items(), strict=True):
        found = PCA(2, random_state=0).fit(features)
        points, shares = found.transform(features), 100 * found.explained_variance_ratio_
        for place, name in enumerate(classes):
            panel.scatter(*points[labels == place].T, s=16, color=colours[name], label=name, edgecolors="none")
        panel.set(title=title, xlabel=f"{shares[0]:.0f} % of the variance", ylabel=f"{shares[1]:.0f} %")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, fontsize=8)
    return figures.finished(figure)
