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
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


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
    import pandas as pd

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


@dataclass(frozen=True)
class FoldMean:
    """A printed mean beside the mean of the printed folds, and the range [low, high] their rounding leaves for the exact one."""

    printed: float
    of_printed_folds: float
    low: float
    high: float
    possible: bool


def check_fold_mean(printed: str, folds: Sequence[str], *, truncated: bool = False, items: int | None = None) -> FoldMean:
    """Whether a printed mean can be that of the printed folds, all as text with their decimals, rounded or truncated.

    Rounded numbers may be off by half a unit of their last decimal either way, truncated ones by a unit below the
    exact value; no fold exceeds 100. With a number of `items` the mean may also be pooled over them, the folds of sizes that
    differ by one in any order.
    """
    values = np.array(folds, dtype=float)
    below, above = (0.0, 1.0) if truncated else (0.5, 0.5)
    units = np.array([_unit(fold) for fold in folds])
    lowest, highest = np.sort(np.maximum(values - below * units, 0)), np.sort(np.minimum(values + above * units, 100))
    low, high = float(lowest.mean()), float(highest.mean())
    if items is not None:
        sizes = np.array([len(part) for part in np.array_split(np.arange(items), len(folds))])  # the greater ones first
        low, high = min(low, float(lowest @ sizes) / items), max(high, float(highest @ sizes[::-1]) / items)
    mean = float(printed)
    possible = mean - below * _unit(printed) <= high + 1e-9 and mean + above * _unit(printed) >= low - 1e-9
    return FoldMean(mean, float(values.mean()), low, high, possible)


def fold_denominators(folds: Sequence[str], candidates: Iterable[int], *, truncated: bool = False) -> list[int]:
    """The candidates for the size of a fold for which every printed accuracy is some count's (GRIM: Brown and Heathers 2017)."""
    sizes = list(candidates)
    possible = [possible_denominators(fold, sizes, truncated=truncated) for fold in folds]
    return [size for size in sizes if all(size in found for found in possible)]


def _unit(printed: str) -> float:
    """One in the last decimal: 0.01 for "97.56"."""
    return 10.0 ** -len(printed.partition(".")[2])
