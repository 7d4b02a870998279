"""Scores of predictions, every accuracy with an interval. Rows of a matrix are true classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from fer_utils.results.records import Confusion, Metric

if TYPE_CHECKING:
    import pandas as pd


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval of a proportion, as fractions (Wilson 1927).

    Raises ValueError unless 0 <= successes <= trials and trials > 0.
    """
    interval = stats.binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def accuracy(name: str, true: np.ndarray, predicted: np.ndarray, scored_on: str) -> Metric:
    """Accuracy in percent with its Wilson interval, from class numbers (n,)."""
    right = int(np.count_nonzero(np.asarray(true) == np.asarray(predicted)))
    low, high = wilson_interval(right, len(true))
    return Metric(
        name=name,
        value=100 * right / len(true),
        low=100 * low,
        high=100 * high,
        n=len(true),
        interval_method="Wilson 95 %",
        scored_on=scored_on,
    )


def cluster_bootstrap_accuracy(name: str, right: np.ndarray, subjects: np.ndarray, scored_on: str) -> Metric:
    """Accuracy in percent with a 95 % bootstrap interval over subjects (10,000 resamples, percentile, fixed seed).

    `right` (n,) says which images were read correctly; images of one subject are not independent, so subjects are drawn.
    """
    return _over_subjects(name, np.asarray(right, dtype=float), subjects, scored_on, "percent")


def cluster_bootstrap_difference(name: str, right: np.ndarray, other: np.ndarray, subjects: np.ndarray, scored_on: str) -> Metric:
    """Percentage points by which `right` is above `other` on the same images (n,), with the same bootstrap over subjects."""
    difference = np.asarray(right, dtype=float) - np.asarray(other, dtype=float)
    return _over_subjects(name, difference, subjects, scored_on, "percentage_points")


def _over_subjects(name: str, values: np.ndarray, subjects: np.ndarray, scored_on: str, unit: str) -> Metric:
    import pandas as pd

    groups = pd.DataFrame({"value": values, "subject": subjects}).groupby("subject")["value"]
    sums, counts = groups.sum().to_numpy(), groups.count().to_numpy()
    drawn = np.random.default_rng(0).integers(0, len(sums), (10_000, len(sums)))
    low, high = np.percentile(100 * sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [2.5, 97.5])
    return Metric(
        name=name,
        value=100 * float(np.mean(values)),
        unit=unit,
        low=float(low),
        high=float(high),
        n=len(values),
        interval_method=f"bootstrap over {len(sums)} subjects, 95 %",
        scored_on=scored_on,
    )


def mean_over(name: str, values: Sequence[float], scored_on: str, unit: str = "percent", over: str = "seeds") -> Metric:
    """Mean of one value per seed (or image) with its 95 % t-interval; without interval where there is one value only.

    An interval over seeds says how far seeds spread, not how far another test set would.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Metric(name=name, value=mean, unit=unit, n=len(values), scored_on=scored_on)
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Metric(
        name=name,
        value=mean,
        unit=unit,
        low=mean - half,
        high=mean + half,
        n=len(values),
        interval_method=f"t over {over} 95 %",
        scored_on=scored_on,
    )


def paired_gain(scores: list[dict], experiment: str, baseline: str, scored_on: str) -> Metric | None:
    """Mean difference in percentage points between two experiments' trainings of the same seed; None without pairs.

    `scores` are rows with experiment, seed, scored_on and accuracy (percent).
    """

    def by_seed(name: str) -> dict[int, float]:
        return {r["seed"]: r["accuracy"] for r in scores if r["experiment"] == name and r["scored_on"] == scored_on}

    one, other = by_seed(experiment), by_seed(baseline)
    gains = [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]
    if not gains:
        return None
    return mean_over(f"{experiment} minus {baseline}", gains, scored_on, unit="percentage_points")


def confusion(name: str, true: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> Confusion:
    """Confusion matrix of class numbers (n,), rows = true."""
    from sklearn.metrics import confusion_matrix

    counts = confusion_matrix(true, predicted, labels=range(len(labels)))
    return Confusion(name=name, labels=tuple(labels), counts=tuple(tuple(int(c) for c in row) for row in counts))


def report(true: np.ndarray, predicted: np.ndarray, labels: Sequence[str]) -> pd.DataFrame:
    """Precision, recall, F1 and support per class with the recall's Wilson interval, then the averages (fractions)."""
    import pandas as pd
    from sklearn.metrics import classification_report

    scores = classification_report(
        true, predicted, labels=range(len(labels)), target_names=list(labels), output_dict=True, zero_division=0
    )
    averages = {name: scores[name] for name in ("macro avg", "weighted avg")}
    table = pd.DataFrame({name: scores[name] for name in labels} | averages).T
    table["support"] = table["support"].astype(int)
    for index, name in enumerate(labels):
        mine = np.asarray(true) == index
        if mine.any():
            low, high = wilson_interval(int(np.count_nonzero(np.asarray(predicted)[mine] == index)), int(mine.sum()))
            table.loc[name, "recall 95 %"] = f"[{low:.2f}, {high:.2f}]"
    if "recall 95 %" in table:
        table["recall 95 %"] = table["recall 95 %"].fillna("")
    return table.rename(columns={"f1-score": "F1"})


def shuffled_pairs(predicted: np.ndarray, seed: int) -> np.ndarray:
    """The predictions in another order, as when a generator shuffles the images but `generator.classes` does not."""
    return np.random.default_rng(seed).permutation(predicted)


def shuffled_accuracies(matrix: np.ndarray, shuffles: int = 1000) -> np.ndarray:
    """Accuracies in percent (shuffles,) of the predictions behind a confusion matrix (rows = true), each time reordered."""
    rows, columns = np.indices(matrix.shape)
    true, predicted = np.repeat(rows.ravel(), matrix.ravel()), np.repeat(columns.ravel(), matrix.ravel())
    return np.array([100 * np.mean(shuffled_pairs(predicted, seed) == true) for seed in range(shuffles)])
