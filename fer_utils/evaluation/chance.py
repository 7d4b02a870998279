"""A confusion matrix against chance given its margins. Counts are int (classes, classes), true classes in the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from fer_utils.evaluation.metrics import wilson_interval


@dataclass(frozen=True)
class Agreement:
    """How a matrix compares with chance given its margins. Accuracies are fractions, `z` counts standard deviations."""

    n: int
    right: int
    accuracy: float
    low: float
    high: float
    chance: float
    kappa: float
    chi_square: float
    degrees_of_freedom: int
    p_value: float
    z: float


def agreement_with_chance(matrix: np.ndarray) -> Agreement:
    """Accuracy beside the accuracy expected if labels and predictions were independent with the same margins.

    kappa: Cohen 1960; chi-square test of independence: Pearson 1900; z: the right answers against `right_by_chance`.
    Raises ValueError on an empty class.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    rows, columns, n = counts.sum(axis=1), counts.sum(axis=0), int(counts.sum())
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any() or not rows.all():
        raise ValueError(f"a square matrix of counts without an empty row is needed, got shape {counts.shape}, rows {rows}")
    right = int(np.trace(counts))
    mean, deviation = right_by_chance(rows, columns)
    chance = float(mean / n)
    chi_square, p_value, degrees, _ = stats.chi2_contingency(counts[:, columns > 0], correction=False)
    low, high = wilson_interval(right, n)
    return Agreement(
        n=n,
        right=right,
        accuracy=right / n,
        low=low,
        high=high,
        chance=chance,
        kappa=(right / n - chance) / (1 - chance),
        chi_square=float(chi_square),
        degrees_of_freedom=int(degrees),
        p_value=float(p_value),
        z=float((right - mean) / deviation),
    )


def right_by_chance(true_counts: np.ndarray, predicted_counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (...) of the right answers over all pairings with margins (classes,) and (..., classes).

    Tables with fixed margins are multivariate hypergeometric (Agresti 2013, small-sample inference for contingency tables).
    """
    rows, columns = np.asarray(true_counts, dtype=float), np.asarray(predicted_counts, dtype=float)
    n = rows.sum()
    products = rows * columns / n
    mean = products.sum(axis=-1)
    variance = (rows * columns * (n - rows) * (n - columns)).sum(axis=-1) / (n**2 * (n - 1))
    variance += (mean**2 - (products**2).sum(axis=-1)) / (n - 1)
    return mean, np.sqrt(variance)


def permutation_p_value(true_counts: Sequence[int], predicted_counts: Sequence[int], right: int, tables: int = 9999) -> float:
    """Two-sided Monte Carlo p-value of `right` among random tables with these margins (fixed seed).

    Tables: Patefield 1981; p = (1 + as extreme) / (1 + tables): Phipson and Smyth 2010.
    """
    drawn = stats.random_table(true_counts, predicted_counts, seed=0).rvs(size=tables)
    mean, _ = right_by_chance(np.array(true_counts), np.array(predicted_counts))
    distances = np.abs(np.trace(drawn, axis1=1, axis2=2) - mean)
    return float((1 + np.count_nonzero(distances >= abs(right - mean) - 1e-9)) / (1 + tables))


def class_z_scores(true_positives: Sequence[int], true_counts: Sequence[int], predicted_counts: Sequence[int]) -> np.ndarray:
    """Standard deviations (classes,) by which each class's true positives exceed the hypergeometric mean of its margins.

    0 where the margins leave one number only, as for a class that is never predicted.
    """
    n, drawn = sum(true_counts), np.array(predicted_counts)
    share = np.array(true_counts) / n
    deviation = np.sqrt(drawn * share * (1 - share) * (n - drawn) / max(n - 1, 1))
    above = np.array(true_positives) - drawn * share
    return np.divide(above, deviation, out=np.zeros(len(drawn)), where=deviation > 0)
