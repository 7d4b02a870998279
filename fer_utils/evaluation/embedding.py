"""What a network makes of images before its last layer: how far classes lie apart there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import pdist


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
