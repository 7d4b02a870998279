"""Arithmetic on printed numbers: what they imply, and whether they can stand beside each other.

Counts of a confusion matrix are int (classes, classes) with true classes in the rows unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

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

    kappa: Cohen 1960; chi-square test of independence: Pearson 1900; z: the right answers against their mean and
    variance over all pairings with these margins (multivariate hypergeometric). Raises ValueError on an empty class.
    """
    counts = np.asarray(matrix, dtype=np.int64)
    rows, columns, n = counts.sum(axis=1), counts.sum(axis=0), int(counts.sum())
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or (counts < 0).any() or not rows.all():
        raise ValueError(f"a square matrix of counts without an empty row is needed, got shape {counts.shape}, rows {rows}")
    right = int(np.trace(counts))
    products = rows * columns / n
    variance = (rows * columns * (n - rows) * (n - columns)).astype(float).sum() / (n**2 * (n - 1))
    variance += (products.sum() ** 2 - (products**2).sum()) / (n - 1)
    chance = float(products.sum() / n)
    used = counts[:, columns > 0]
    chi_square, p_value, degrees, _ = stats.chi2_contingency(used, correction=False)
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
        z=float((right - products.sum()) / np.sqrt(variance)),
        macro_recall=float((np.diag(counts) / rows).mean()),
    )


def restore_column(matrix: np.ndarray, row_sums: np.ndarray, column: int) -> np.ndarray:
    """The matrix with one column replaced by what the known row sums leave for it.

    Raises ValueError when a row leaves less than nothing.
    """
    counts = np.array(matrix, dtype=np.int64)
    counts[:, column] = np.asarray(row_sums) - (counts.sum(axis=1) - counts[:, column])
    if (counts[:, column] < 0).any():
        raise ValueError(f"the known row sums leave negative counts for column {column}: {counts[:, column]}")
    return counts


def possible_counts(percent: str | float, trials: int, *, truncated: bool = False) -> list[int]:
    """Counts k for which 100 k / trials is printed as `percent` at its number of decimals, rounded or truncated.

    A GRIM test (Brown and Heathers 2017): an empty list means that no k right out of `trials` gives that figure.
    Pass a string to keep trailing zeros ("88.20").
    """
    printed = Decimal(str(percent))
    step = Decimal(1).scaleb(printed.as_tuple().exponent)
    around = int(printed * trials / 100)
    mode = ROUND_DOWN if truncated else ROUND_HALF_UP
    candidates = range(max(0, around - trials // 1000 - 2), min(trials, around + trials // 1000 + 2) + 1)
    return [k for k in candidates if (Decimal(100 * k) / trials).quantize(step, rounding=mode) == printed]


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
