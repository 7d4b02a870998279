"""Tests between folds and between counts, and the best of many. Accuracies are in percent unless an argument says fraction.

Folds are those of k-fold cross-validation. All p-values come from scipy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class PairedTests:
    """Tests of the difference between two rows of a fold table; `p_one_sided` is in the direction of that difference."""

    folds: int
    mean_difference: float
    t: float
    p_one_sided: float
    p_two_sided: float
    p_nadeau_bengio: float
    p_wilcoxon: float


@dataclass(frozen=True)
class McNemar:
    """How often only one of two networks was right on the same items, and the exact two-sided p-value that both are as good."""

    only_first: int
    only_second: int
    p_value: float


@dataclass(frozen=True)
class BalanceTest:
    """Pearson's goodness of fit of class counts to equal shares."""

    expected: float
    chi_square: float
    degrees_of_freedom: int
    p_value: float


def paired_tests(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> PairedTests:
    """Two accuracies of each of k folds compared: first minus second.

    Student's paired t; the same with the variance corrected for overlapping training sets, 1/k + 1/(k - 1) in place of
    1/k (Nadeau and Bengio 2003); Wilcoxon's signed ranks, folds without a difference dropped (Wilcoxon 1945). The last
    two are two-sided. Raises ValueError for unequal numbers of folds, fewer than two, or equal differences.
    """
    if len(first) != len(second) or len(first) < 2:
        raise ValueError(f"two accuracies of the same folds are needed, at least two folds; got {len(first)} and {len(second)}")
    differences, folds = np.subtract(first, second), len(first)
    if np.ptp(differences) == 0:
        raise ValueError(f"every fold differs by {differences[0]:g}; a paired test needs differences that vary")
    t, p_two_sided = stats.ttest_rel(first, second)
    corrected = t * np.sqrt((1 / folds) / (1 / folds + 1 / (folds - 1)))
    return PairedTests(
        folds=folds,
        mean_difference=float(differences.mean()),
        t=float(t),
        p_one_sided=float(p_two_sided / 2),
        p_two_sided=float(p_two_sided),
        p_nadeau_bengio=float(2 * stats.t.sf(abs(corrected), folds - 1)),
        p_wilcoxon=float(stats.wilcoxon(differences).pvalue),
    )


def mcnemar(right: np.ndarray, other_right: np.ndarray) -> McNemar:
    """McNemar's test (1947), exact by the binomial, on whether each of the same items was answered rightly, bool (n,) each."""
    only_first, only_second = int(np.sum(right & ~other_right)), int(np.sum(other_right & ~right))
    apart = only_first + only_second
    return McNemar(only_first, only_second, float(stats.binomtest(only_first, apart).pvalue) if apart else 1.0)


def fisher_p_value(right: int, n: int, other_right: int, other_n: int) -> float:
    """Two-sided p-value that two shares of right answers, on different items, are equal (Fisher's exact test, 1934).

    Raises ValueError when more are right than there are.
    """
    if not (0 <= right <= n and 0 <= other_right <= other_n):
        raise ValueError(f"{right} of {n} and {other_right} of {other_n} are not both shares")
    return float(stats.fisher_exact([[right, n - right], [other_right, other_n - other_right]]).pvalue)


def p_value_text(*ends: float) -> str:
    """A p-value, or the range that it lies in, as the book prints it: two significant digits, as 0.42 to 0.44, 0.073, 6e-12."""
    return " to ".join(dict.fromkeys(f"{p_value:.2g}" for p_value in ends))


def exact_interval(successes: int, trials: int) -> tuple[float, float]:
    """Exact 95 % interval of a proportion, as fractions (Clopper and Pearson 1934).

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    interval = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(interval.low), float(interval.high)


def class_balance(counts: Sequence[int]) -> BalanceTest:
    """Chi-square test that class counts are a random draw from classes of equal size (Pearson 1900)."""
    found = stats.chisquare(counts)
    return BalanceTest(float(np.mean(counts)), float(found.statistic), len(counts) - 1, float(found.pvalue))


def expected_best(accuracy: float, fold_sizes: Sequence[int], choices: int) -> float:
    """Accuracy (fraction) to expect when each fold reports the best of `choices` equally good, independent models.

    `accuracy` is their true accuracy, a fraction; one fold is one test set. E(max) is the sum of 1 - F(x)^K over the
    binomial F (David and Nagaraja 2003, order statistics). Models scored on the same items agree more than
    independent ones, so this is an upper bound.
    """
    best = [np.sum(1 - stats.binom.cdf(np.arange(size), size, accuracy) ** choices) for size in fold_sizes]
    return float(sum(best) / sum(fold_sizes))
