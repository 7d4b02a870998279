"""Arithmetic on printed numbers: what they imply, and whether they can stand beside each other.

Counts of a confusion matrix are int (classes, classes) with true classes in the rows unless said otherwise. A rounded
number admits both neighbours of a tie, since both ways of rounding a half are in use. The counts behind rounded tables
are searched for in `rounded_tables`; tests between folds and between counts stand in `fold_statistics`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy import stats

from fer_utils.evaluation import wilson_interval


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
    macro_recall: float


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
        macro_recall=float((np.diag(counts) / rows).mean()),
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
    """Standard deviations (classes,) by which each class's true positives exceed the hypergeometric mean of its margins."""
    law = stats.hypergeom(sum(true_counts), np.array(true_counts), np.array(predicted_counts))
    return (np.array(true_positives) - law.mean()) / law.std()


def restore_column(matrix: np.ndarray, row_sums: np.ndarray, column: int) -> np.ndarray:
    """The matrix with one column replaced by what the known row sums leave for it.

    Raises ValueError when a row leaves less than nothing.
    """
    counts = np.array(matrix, dtype=np.int64)
    counts[:, column] = np.asarray(row_sums) - (counts.sum(axis=1) - counts[:, column])
    if (counts[:, column] < 0).any():
        raise ValueError(f"the known row sums leave negative counts for column {column}: {counts[:, column]}")
    return counts


def lost_digits(matrix: np.ndarray, row_sums: np.ndarray) -> list[tuple[int, int]]:
    """The columns that, if digits of theirs were lost in print, can be restored from the known row sums.

    Each as (column, restored cells that begin with the printed digits); these are most of the column's cells, and no
    restored cell is less than its printed one. The other columns are taken as printed.
    """
    counts, found = np.asarray(matrix, dtype=np.int64), []
    for column in range(counts.shape[1]):
        restored = np.asarray(row_sums) - (counts.sum(axis=1) - counts[:, column])
        kept = sum(str(now).startswith(str(before)) for now, before in zip(restored, counts[:, column], strict=True))
        if (restored >= counts[:, column]).all() and 2 * kept > len(restored):
            found.append((column, kept))
    return found


def possible_counts(percent: str | float, trials: int, *, truncated: bool = False) -> list[int]:
    """Counts k for which 100 k / trials is printed as `percent` at its number of decimals, rounded or truncated.

    A GRIM test (Brown and Heathers 2017): an empty list means that no k right out of `trials` gives that figure.
    Pass a string to keep trailing zeros ("88.20"). Raises ValueError unless there are trials.
    """
    if trials < 1:
        raise ValueError(f"a percentage of {trials} trials has no counts; give one trial or more")
    printed = Decimal(str(percent))
    step = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    low, high = (printed, printed + step) if truncated else (printed - step / 2, printed + step / 2)
    first, last = max(0, math.ceil(low * trials / 100)), min(trials, math.floor(high * trials / 100))
    return [k for k in range(first, last + 1) if not (truncated and 100 * k == high * trials)]


def possible_denominators(percent: str | float, candidates: Iterable[int], *, truncated: bool = False) -> dict[int, list[int]]:
    """The candidates for the number of trials that can give a printed percentage, each with its `possible_counts`."""
    found = {trials: possible_counts(percent, trials, truncated=truncated) for trials in candidates}
    return {trials: counts for trials, counts in found.items() if counts}


def transposed_digits(counts: Mapping[str, int], total: int) -> list[tuple[str, int, int]]:
    """Every (name, printed, repaired) where swapping two neighbouring digits of one count makes the counts sum to `total`."""
    missing, found = total - sum(counts.values()), []
    for name, count in counts.items():
        digits = str(count)
        swaps = {int(digits[:i] + digits[i + 1] + digits[i] + digits[i + 2 :]) for i in range(len(digits) - 1)}
        if count + missing in swaps - {count}:
            found.append((name, count, count + missing))
    return found


def layer_parameters(widths: Sequence[int], kernel: Sequence[int] = ()) -> int:
    """Weights and biases of consecutive dense layers, or convolutions of one kernel size; `widths` begins with the input's."""
    return sum((math.prod(kernel) * before + 1) * after for before, after in pairwise(widths))


def compare_layers(
    printed: list[tuple[str, tuple[int, ...], int]], built: list[tuple[str, tuple[int, ...], int]]
) -> pd.DataFrame:
    """A printed layer table beside the network built from it: shapes, parameters, and whether each row agrees.

    Rows are (name, output shape without the batch axis, parameters). Raises ValueError when their numbers differ.
    """
    if len(printed) != len(built):
        raise ValueError(f"{len(printed)} printed layers against {len(built)} built")

    def shape_text(shape: tuple[int, ...]) -> str:
        return " x ".join(map(str, shape))

    return pd.DataFrame(
        [
            {
                "printed layer": name,
                "built layer": kind,
                "printed shape": shape_text(tuple(shape)),
                "built shape": shape_text(built_shape),
                "printed parameters": parameters,
                "built parameters": built_parameters,
                "agrees": tuple(shape) == tuple(built_shape) and parameters == built_parameters,
            }
            for (name, shape, parameters), (kind, built_shape, built_parameters) in zip(printed, built, strict=True)
        ]
    )
