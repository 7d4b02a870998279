"""The counts behind rounded tables: classification reports, and confusion matrices printed as shares of their rows.

A report is the value of a claim: (precision, recall, f1, support) by class, and the rows accuracy, macro_avg and weighted_avg
of `sklearn.metrics.classification_report`, with as many decimals as any score shows. A tie may have been rounded either way.
Searches look at every possibility up to their bounds, and say so when they hit them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from fer_utils import evaluation
from fer_utils.claims.audit.bounds import Bounds, SearchStopped
from fer_utils.claims.printed import decimals

Report = Mapping[str, Sequence[Any]]  # None where a cell is empty

AVERAGES = ("accuracy", "macro_avg", "weighted_avg")
SCORES = ("precision", "recall", "f1")
FLOAT_ROOM = 1e-9  # for sums of floats
BLOCK = 500_000  # sums made at a time: 4 MB for each quantity


@dataclass(frozen=True)
class PrintedAverage:
    """A printed average of `score` beside the range [low, high] that the rounded rows leave for its exact value."""

    average: str
    score: str
    printed: float
    low: float
    high: float
    possible: bool


@dataclass(frozen=True)
class ReportCounts:
    """The counts behind a rounded classification report.

    `true_positives` names all possible counts of each class, `predicted` the least and the greatest. `tables` holds
    every table there is, int (tables, classes, 2) with true positives and predicted counts. Where the search hit its
    bounds `complete` is False, `tables` is empty, and the other two are outer bounds.
    """

    classes: tuple[str, ...]
    supports: tuple[int, ...]
    true_positives: dict[str, tuple[int, ...]]
    predicted: dict[str, tuple[int, int]]
    tables: np.ndarray
    complete: bool


@dataclass(frozen=True)
class ChanceRanges:
    """Least and greatest value over all tables of a report. Accuracies are fractions, p is two-sided (normal)."""

    accuracy: tuple[float, float]
    chance: tuple[float, float]
    kappa: tuple[float, float]
    z: tuple[float, float]
    p_value: tuple[float, float]


@dataclass(frozen=True)
class MatrixCounts:
    """The matrices of counts behind a printed matrix of shares, int (matrices, classes, classes), oriented as printed.

    `impossible_rows` are the numbers of rows that no allowed total gives. `right` is the least and the greatest number on the
    diagonal where the rows do not depend on each other, so that every number between is possible. Where the search hit its
    bounds `complete` is False and `matrices` is empty.
    """

    matrices: np.ndarray
    impossible_rows: tuple[int, ...]
    complete: bool
    right: tuple[int, int] | None = None


@dataclass(frozen=True)
class Form:
    """How a share is printed: with so many decimals, rounded or cut off; None: two significant digits, as seaborn's heatmap."""

    decimals: int | None = None
    cut: bool = False

    def __str__(self) -> str:
        if self.decimals is None:
            return "with two significant digits"
        return f"{'cut off after' if self.cut else 'rounded to'} {self.decimals} decimal{'' if self.decimals == 1 else 's'}"

    def ends(self, cell: float, whole: float) -> tuple[Fraction, Fraction]:
        """The least and the greatest share of one, [low, high] or where cut [low, high), that is printed as `cell`."""
        printed = Fraction(Decimal(str(cell)))
        unit = Fraction(1, 10**self.decimals) if self.decimals is not None else Fraction(10) ** (_magnitude(printed) - 1)
        if self.cut:
            return printed / Fraction(whole), (printed + unit) / Fraction(whole)
        below = unit / 10 if self.decimals is None and printed and printed == 10 * unit else unit  # 0.0996 is printed 0.1
        return (printed - below / 2) / Fraction(whole), (printed + unit / 2) / Fraction(whole)


def _magnitude(number: Fraction) -> int:
    """The power of ten of the first digit: -1 for 0.25; a large negative one for 0, which only nothing is printed as."""
    return math.floor(math.log10(number)) if number else -12


def check_averages(report: Report) -> list[PrintedAverage]:
    """Whether accuracy, macro and weighted averages can follow from the rounded rows of a report, by interval arithmetic.

    Accuracy is the average of the recalls weighted by support. Raises ValueError when one of the three rows is missing.
    """
    (classes, rows), half = _report_rows(report), _half_unit(report)
    low, high = np.clip(rows[:, :3] - half, 0, 1), np.clip(rows[:, :3] + half, 0, 1)
    equal, by_support = np.full(len(classes), 1 / len(classes)), rows[:, 3] / rows[:, 3].sum()
    averages = [("accuracy", "recall", by_support, report["accuracy"][2])]
    for average, weights in (("macro_avg", equal), ("weighted_avg", by_support)):
        averages += [(average, score, weights, report[average][column]) for column, score in enumerate(SCORES)]
    found = []
    for average, score, weights, printed in averages:
        least, most = (float(weights @ bound[:, SCORES.index(score)]) for bound in (low, high))
        possible = least - half <= printed <= most + half
        found.append(PrintedAverage(average, score, float(printed), least, most, possible))
    return found


def report_counts(report: Report, *, right: Sequence[int] | None = None, bounds: Bounds | None = None) -> ReportCounts:
    """All true positives and predicted counts that round to a printed classification report.

    The predicted counts sum to n, the true positives to one of the consecutive counts `right` (default: those that the
    printed accuracy allows), the averages round to the printed ones, and a confusion matrix with these margins exists
    (Gale 1957: no class has more misses and false alarms together than there are errors). Raises ValueError when no
    counts fit, `right` is empty or a row is missing.
    """
    if right is not None and not len(right):
        raise ValueError("no number of right answers is allowed; leave `right` out to take the report's own accuracy")
    bounds = bounds or Bounds()
    (classes, rows), half = _report_rows(report), _half_unit(report)
    supports = rows[:, 3].astype(int)
    n, accuracy = int(supports.sum()), report["accuracy"][2]
    fewest = max(0, math.ceil(n * (accuracy - half))) if right is None else min(right)
    most = min(n, math.floor(n * (accuracy + half))) if right is None else max(right)
    try:
        pairs = [_class_pairs(row[:3], int(row[3]), n - fewest, half, bounds) for row in rows]
    except SearchStopped:
        return _bounded_by_recall(classes, rows, half)
    averages = np.array([*report["macro_avg"][:3], *report["weighted_avg"][:3]], dtype=float)
    quantities = []
    for options, support in zip(pairs, supports.tolist(), strict=True):
        scores = _scores(options[:, 0], options[:, 1], support)
        quantities.append(np.column_stack([options, scores / len(classes), scores * support / n]))
    low, high = np.array([fewest, n, *averages - half]), np.array([most, n, *averages + half])
    kept, chosen = _combinations(quantities, low, high, bounds)
    possible = [options[keep] for options, keep in zip(pairs, kept, strict=True)]
    tables = np.empty((0, len(classes), 2), dtype=int)
    if chosen is not None:
        tables = np.stack([options[chosen[:, i]] for i, options in enumerate(pairs)], axis=1)
        misses_and_alarms = supports + tables[:, :, 1] - 2 * tables[:, :, 0]
        tables = tables[(misses_and_alarms <= n - tables[:, :, 0].sum(axis=1, keepdims=True)).all(axis=1)]
        possible = list(tables.swapaxes(0, 1))
    if not all(len(options) for options in possible):
        raise ValueError(f"no counts of {n} with {fewest} to {most} right round to this report; check its rows and `right`")
    return ReportCounts(
        classes=tuple(classes),
        supports=tuple(supports.tolist()),
        true_positives={name: tuple(np.unique(p[:, 0]).tolist()) for name, p in zip(classes, possible, strict=True)},
        predicted={name: (int(p[:, 1].min()), int(p[:, 1].max())) for name, p in zip(classes, possible, strict=True)},
        tables=tables,
        complete=chosen is not None,
    )


def chance_ranges(counts: ReportCounts) -> ChanceRanges:
    """Accuracy beside chance given the margins (`audit.right_by_chance`), over all tables of a report.

    Raises ValueError when the search for the tables was not complete.
    """
    if not counts.complete:
        raise ValueError("the tables of this report are too many to list; give report_counts greater bounds")
    from scipy import stats

    n, right = sum(counts.supports), counts.tables[:, :, 0].sum(axis=1)
    mean, deviation = evaluation.right_by_chance(np.array(counts.supports), counts.tables[:, :, 1])
    z, kappa = (  # 0 where the margins leave one table only
        np.divide(right - mean, room, out=np.zeros(len(mean)), where=room > 0) for room in (deviation, n - mean)
    )
    values = (right / n, mean / n, kappa, z, 2 * stats.norm.sf(np.abs(z)))
    return ChanceRanges(*((float(value.min()), float(value.max())) for value in values))


def possible_matrices(
    printed: Sequence[Sequence[float]],
    *,
    row_totals: Sequence[int] = (),
    column_totals: Sequence[int] = (),
    total: int = 0,
    right: int | None = None,
    whole: float = 1,
    of_all: bool = False,
    form: Form | None = None,
    bounds: Bounds | None = None,
) -> MatrixCounts:
    """All matrices of counts whose shares of their rows, or `of_all` items, are printed so, given the totals that are known.

    All of a row is printed as `whole`, a cell in `form` (default: that of `seaborn.heatmap`). Known class counts as `row_totals`
    test the reading with true classes in the rows, as `column_totals` that with true classes in the columns. Raises ValueError
    when neither those nor `total` are given, or for a total per class missing or an empty row.
    """
    size, total = len(printed), total or sum(row_totals) or sum(column_totals)
    form, bounds = form or Form(), bounds or Bounds()
    if not total:
        raise ValueError("the search needs row_totals, column_totals or total")
    if {len(row_totals), len(column_totals)} - {0, size} or 0 in row_totals:
        raise ValueError(f"one total for each of {size} classes is needed, rows above 0; got {row_totals} and {column_totals}")
    most = np.array(column_totals if len(column_totals) else [total] * size)
    allowed = [np.array([known]) for known in row_totals] if len(row_totals) else [np.arange(1, total + 1)] * size
    ranges = [
        _row_ranges(cells, totals, np.full_like(totals, total) if of_all else totals, most, whole, form)
        for cells, totals in zip(printed, allowed, strict=True)
    ]
    impossible, nothing = tuple(i for i, (n, _, _) in enumerate(ranges) if not len(n)), np.empty((0, size, size), dtype=int)
    if impossible:
        return MatrixCounts(nothing, impossible, True)
    known = _right_of_rows(ranges) if len(row_totals) and not len(column_totals) and right is None else None
    fewest_errors, most_errors = (0, total) if right is None else (total - right, total - right)
    low = np.array([total, fewest_errors, *(column_totals if len(column_totals) else [0] * size)], dtype=float)
    high = np.array([total, most_errors, *most], dtype=float)
    try:
        options = [_possible_rows(*row, bounds) for row in ranges]
    except SearchStopped:
        return MatrixCounts(nothing, (), False, known)
    quantities = [np.column_stack([rows.sum(axis=1), rows.sum(axis=1) - rows[:, i], rows]) for i, rows in enumerate(options)]
    _, chosen = _combinations(quantities, low, high, bounds)
    if chosen is None:
        return MatrixCounts(nothing, (), False, known)
    return MatrixCounts(np.stack([rows[chosen[:, i]] for i, rows in enumerate(options)], axis=1), (), True, known)


def one_cell_moved(printed: Sequence[Sequence[float]]) -> Iterator[list[list[float]]]:
    """Every matrix in which one off-diagonal cell has changed places with an empty cell of its row."""
    matrix = np.array(printed)
    for row, column in np.argwhere(matrix * ~np.eye(len(matrix), dtype=bool)):
        for empty in np.flatnonzero(matrix[row] == 0):
            moved = matrix.copy()
            moved[row, [column, empty]] = moved[row, [empty, column]]
            yield moved.tolist()


def _report_rows(report: Report) -> tuple[list[str], np.ndarray]:
    """Names of the classes and their rows (classes, 4)."""
    missing = [name for name in AVERAGES if name not in report]
    if missing:
        raise ValueError(f"the report has no row {', '.join(missing)}; it has {', '.join(report)}")
    classes = [name for name in report if name not in AVERAGES]
    return classes, np.array([report[name] for name in classes], dtype=float)


def _half_unit(report: Report) -> float:
    """Half a unit of the last decimal that any score of a report shows."""
    shown = [cell for row in report.values() for cell in row[:3] if cell is not None]
    return 0.5 * 10.0 ** -max(1, *map(decimals, shown)) + FLOAT_ROOM


def _class_pairs(scores: np.ndarray, support: int, errors: int, half: float, bounds: Bounds) -> np.ndarray:
    """All (true positives, predicted) of one class (pairs, 2) that round to its precision, recall and F1 (3,).

    Raises SearchStopped where there are too many to look at.
    """
    hits = np.arange(support + 1)
    hits = hits[np.abs(hits / support - scores[1]) <= half]
    most = errors - support + 2 * hits  # of the predicted, as there are no more errors
    if scores[0] > half:
        most = np.minimum(most, np.floor(hits / (scores[0] - half)) + 1).astype(int)
    least = np.maximum(hits, np.ceil(hits / (scores[0] + half)) - 1).astype(int)
    hits, least, most = hits[most >= least], least[most >= least], most[most >= least]
    bounds.check(int((most - least + 1).sum()))
    ranges = [np.arange(low, high + 1) for low, high in zip(least.tolist(), most.tolist(), strict=True)]
    pairs = np.column_stack([np.repeat(hits, most - least + 1), np.concatenate([*ranges, np.empty(0, dtype=int)])])
    return pairs[(np.abs(_scores(pairs[:, 0], pairs[:, 1], support) - scores) <= half).all(axis=1)]


def _bounded_by_recall(classes: Sequence[str], rows: np.ndarray, half: float) -> ReportCounts:
    """What is known of a report too large to search: true positives from each class's recall alone."""
    supports, n = rows[:, 3].astype(int).tolist(), int(rows[:, 3].sum())
    hits = [np.flatnonzero(np.abs(np.arange(all_ + 1) / all_ - row[1]) <= half) for all_, row in zip(supports, rows, strict=True)]
    true_positives = {name: tuple(found.tolist()) for name, found in zip(classes, hits, strict=True)}
    predicted = {name: (min(found, default=0), n) for name, found in true_positives.items()}
    return ReportCounts(
        tuple(classes), tuple(supports), true_positives, predicted, np.empty((0, len(classes), 2), dtype=int), complete=False
    )


def _scores(hits: np.ndarray, predicted: np.ndarray, support: int) -> np.ndarray:
    """Precision, recall and F1 (pairs, 3); precision is 0 where nothing was predicted, as scikit-learn has it."""
    return np.column_stack([hits / np.maximum(predicted, 1), hits / support, 2 * hits / (support + predicted)])


Ranges = tuple[np.ndarray, np.ndarray, np.ndarray]


def _row_ranges(
    cells: Sequence[float], totals: np.ndarray, shares_of: np.ndarray, most: np.ndarray, whole: float, form: Form
) -> Ranges:
    """The totals (totals,) that can give a printed row, and the least and greatest count of each cell (totals, classes)."""
    low, high = np.empty((2, len(totals), len(cells)), dtype=np.int64)
    for column, cell in enumerate(cells):
        first, last = form.ends(cell, whole)
        low[:, column] = -((-first.numerator * shares_of) // first.denominator)
        up = last.numerator * shares_of
        high[:, column] = -(-up // last.denominator) - 1 if form.cut else up // last.denominator
    low, high = np.maximum(low, 0), np.minimum(high, np.minimum(most, totals[:, None]))
    possible = (low <= high).all(axis=1) & (low.sum(axis=1) <= totals) & (high.sum(axis=1) >= totals)
    return totals[possible], low[possible], high[possible]


def _right_of_rows(ranges: Sequence[Ranges]) -> tuple[int, int]:
    """The least and the greatest sum of the diagonal, for rows of one known total each."""
    fewest = most = 0
    for i, ((n,), (low,), (high,)) in enumerate(ranges):
        fewest += int(max(low[i], n - (high.sum() - high[i])))
        most += int(min(high[i], n - (low.sum() - low[i])))
    return fewest, most


def _possible_rows(totals: np.ndarray, low: np.ndarray, high: np.ndarray, bounds: Bounds) -> np.ndarray:
    """All rows of counts (rows, classes) with one of these totals between these ends. Raises SearchStopped."""
    found, size = [], 0
    for n, least, greatest in zip(totals.tolist(), low, high, strict=True):
        rows, sums = np.empty((1, 0), dtype=int), np.zeros(1, dtype=int)
        for column in range(len(least)):
            values = np.arange(least[column], greatest[column] + 1)
            bounds.check(len(sums) * len(values) // 10)
            grown = np.add.outer(sums, values)
            rest = slice(column + 1, None)
            partial, option = np.nonzero((grown + least[rest].sum() <= n) & (grown + greatest[rest].sum() >= n))
            bounds.check(size + len(partial))
            rows, sums = np.column_stack([rows[partial], values[option]]), grown[partial, option]
        found.append(rows)
        size += len(rows)
    return np.concatenate(found)


def _combinations(
    options: Sequence[np.ndarray], low: np.ndarray, high: np.ndarray, bounds: Bounds
) -> tuple[list[np.ndarray], np.ndarray | None]:
    """Choices of one option per item, each item (options, quantities), whose sums lie in [low, high] (quantities,).

    Returns the numbers of each item's options that the bounds of the others leave, and the choices (choices, items) as
    numbers of options, or None where more partial choices would have to be kept than the bounds allow.
    """
    low, high = low - 1e-9, high + 1e-9
    kept, before = [np.arange(len(values)) for values in options], -1
    while all(map(len, kept)) and before != sum(map(len, kept)):
        before = sum(map(len, kept))
        least = np.array([values[keep].min(axis=0) for values, keep in zip(options, kept, strict=True)])
        most = np.array([values[keep].max(axis=0) for values, keep in zip(options, kept, strict=True)])
        for i, values in enumerate(options):
            below, above = values[kept[i]] + least.sum(axis=0) - least[i], values[kept[i]] + most.sum(axis=0) - most[i]
            kept[i] = kept[i][((below <= high) & (above >= low)).all(axis=1)]
    order = sorted(range(len(options)), key=lambda i: len(kept[i]))
    if not len(kept[order[0]]):
        return kept, np.empty((0, len(options)), dtype=int)
    sums, chosen = np.zeros((1, len(low))), np.zeros((1, len(options)), dtype=int)
    for position, i in enumerate(order):
        rest = order[position + 1 :]
        lowest, highest = low - most[rest].sum(axis=0), high - least[rest].sum(axis=0)
        values, parts, size = options[i][kept[i]], [], 0
        for block in np.array_split(np.arange(len(sums)), 1 + len(sums) * len(values) // BLOCK):
            fits = np.ones((len(block), len(values)), dtype=bool)
            for quantity, (least_sum, greatest_sum) in enumerate(zip(lowest, highest, strict=True)):
                grown = np.add.outer(sums[block, quantity], values[:, quantity])
                fits &= (grown >= least_sum) & (grown <= greatest_sum)
            partial, option = np.nonzero(fits)
            size += len(partial)
            if bounds.passed(size):
                return kept, None
            parts.append((sums[block[partial]] + values[option], block[partial], kept[i][option]))
        sums, origin, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
        chosen = chosen[origin]
        chosen[:, i] = numbers
    return kept, chosen
