"""Checks of confusion matrices, printed as counts or as shares of their rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np

from fer_utils import evaluation
from fer_utils.claims.audit.arithmetic import lost_digits, possible_counts, restore_column
from fer_utils.claims.audit.bounds import Bounds
from fer_utils.claims.audit.findings import (
    AuditError,
    Counted,
    Finding,
    Grade,
    Outcome,
    amount,
    counted,
    finding,
    grade_of_difference,
    many,
    other_readings,
    printed_text,
    step,
    trials_link,
)
from fer_utils.claims.audit.rounded_tables import Form, MatrixCounts, one_cell_moved, possible_matrices
from fer_utils.claims.links import Extreme, SameAs, Scores
from fer_utils.claims.printed import decimals
from fer_utils.claims.schema import FULL, Claim, ClaimSet

SAME, IMPOSSIBLE, NOTABLE, OPEN = Outcome.CONSISTENT, Outcome.IMPOSSIBLE, Outcome.NOTABLE, Outcome.NOT_CHECKABLE
SIGNIFICANT = 0.05
TABLES_SHUFFLED = 999  # random tables of a permutation test
SCORES = ("precision", "recall", "f1")

SHARES_OF_COUNTS = "one matrix of the known class counts, its shares rounded or cut off"

Shares = tuple[tuple[float, ...], ...]


def is_counts(claim: Claim) -> bool:
    """Whether a matrix is printed in counts, not in shares of its rows."""
    return claim.unit not in FULL


def has_means(claim: Claim) -> bool:
    """Whether the cells of a matrix of counts are no whole numbers, as means over folds are not."""
    return is_counts(claim) and any(cell != int(cell) for row in claim.value for cell in row)


def class_totals(claims: ClaimSet, claim: Claim) -> list[int]:
    """Known numbers of items of each class of a matrix, or [] where none are given."""
    link = next((link for link in claim.links if link.kind == "class_counts"), None)
    if link is None:
        return []
    totals = [round(amount(claims, link.each))] * len(claim.labels) if link.each else list(link.counts)
    if min(totals) < 1:
        raise AuditError(f"claim {claim.id}: class_counts gives a class {min(totals)} items")
    if len(totals) != len(claim.labels):
        raise AuditError(f"claim {claim.id}: class_counts has {len(totals)} counts for {len(claim.labels)} labels")
    return totals


def count_matrix(claims: ClaimSet, claim: Claim) -> Iterator[Finding]:
    """Margins of a matrix of counts against known class counts, what restores it, and its agreement with chance."""
    if has_means(claim):
        cells = np.array(claim.value, dtype=float)
        meaning = f"Its cells are means and no counts, with {100 * np.trace(cells) / cells.sum():.2f} % right; no test of counts "
        yield finding(claim, "agreement with chance", OPEN, f"{meaning}applies.", accuracy=np.trace(cells) / cells.sum())
        return
    matrix, known = np.array(claim.value, dtype=np.int64), class_totals(claims, claim)
    if known:
        matrix, found = _oriented(claim, matrix, np.array(known))
        yield found
    if (matrix.sum(axis=1) == 0).any():
        yield finding(claim, "agreement with chance", OPEN, "A class without items leaves nothing to compare with.")
        return
    agreement = evaluation.agreement_with_chance(matrix)
    p_shuffled = evaluation.permutation_p_value(matrix.sum(axis=1), matrix.sum(axis=0), agreement.right, TABLES_SHUFFLED)
    chance = agreement.p_value > SIGNIFICANT and p_shuffled > SIGNIFICANT
    meaning = (
        f"{agreement.right:,} of {agreement.n:,} are right, {100 * agreement.accuracy:.2f} %; independent labels and "
        f"predictions would give {100 * agreement.chance:.2f} % (kappa {agreement.kappa:.2g}, "
        f"chi-square({agreement.degrees_of_freedom}) {agreement.chi_square:.1f}, p {evaluation.p_value_text(agreement.p_value)}; "
        f"shuffled, p {evaluation.p_value_text(p_shuffled)})."
    )
    meaning += " The matrix is independent of the labels." if chance else ""
    numbers: dict[str, Any] = {**vars(agreement), "p_shuffled": p_shuffled, "matrix": matrix.tolist()}
    yield finding(claim, "agreement with chance", NOTABLE if chance else SAME, meaning, **numbers)


def _oriented(claim: Claim, matrix: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, Finding]:
    """The matrix with true classes in its rows, restored where digits were lost, and what was found of its margins."""
    what = "margins against class counts"
    sums: dict[str, Any] = {"row_sums": matrix.sum(axis=1).tolist(), "known": known.tolist()}
    n = f"{known.sum():,}"
    if (matrix.sum(axis=1) == known).all():
        return matrix, finding(claim, what, SAME, f"Its rows hold the {n} items of the known classes.", **sums)
    if (matrix.sum(axis=0) == known).all():
        meaning = f"Its columns hold the {n} items of the known classes, so it is printed transposed."
        return matrix.T, finding(claim, what, NOTABLE, meaning, grade=Grade.MISPRINT, **sums)
    short = f"Its cells add up to {matrix.sum():,} of {n}"
    restored = lost_digits(matrix, known)
    if len(restored) != 1:
        return matrix, finding(claim, what, IMPOSSIBLE, f"{short}, by rows and by columns.", **sums)
    column, kept = restored[0]
    repaired = restore_column(matrix, known, column)
    meaning = f"{short}: the column {claim.labels[column]} has lost digits. The known classes restore it to "
    meaning += f"{', '.join(map(str, repaired[:, column]))}; {kept} of {len(known)} of these begin with the printed digits."
    sums["grade"] = Grade.MISPRINT
    return repaired, finding(claim, what, IMPOSSIBLE, meaning, **sums, column=column, restored=repaired[:, column].tolist())


@dataclass(frozen=True)
class Orientation:
    """Where a printed matrix has its true classes, and of what its cells are shares."""

    words: str
    turned: bool = False  # rows and columns change places before the search, which reads shares of rows
    of_predicted: bool = False
    of_all: bool = False


ORIENTATIONS = {  # the likeliest first
    "rows": Orientation("true classes in the rows"),
    "rows turned": Orientation("true classes in the columns and shares of each column", turned=True),
    "columns": Orientation("true classes in the columns", of_predicted=True),
    "columns turned": Orientation("true classes in the rows and shares of each column", turned=True, of_predicted=True),
    "all": Orientation("true classes in the rows and shares of all items", of_all=True),
    "all turned": Orientation("true classes in the columns and shares of all items", turned=True, of_all=True),
}


@dataclass(frozen=True)
class Reading:
    """The matrices of counts behind a matrix of shares, true classes in the rows, and how the printed one is read.

    `how` is one of `ORIENTATIONS`, "one cell moved", "none", or "limit" where the search hit its bounds. `right` are the
    possible counts of right answers of `n`; where the matrices are too many to list, they are known by their rows alone. `form`
    is how the shares are printed.
    """

    how: str
    n: int
    matrices: tuple[np.ndarray, ...] = ()
    right: tuple[int, ...] = ()
    impossible_rows: tuple[int, ...] = ()
    form: Form | None = None


def share_reading(claims: ClaimSet, claim: Claim, bounds: Bounds, right: frozenset[int] = frozenset()) -> Reading:
    """The likeliest reading of a matrix of shares with known class counts, in whichever form and orientation it can be printed.

    Where numbers of right answers are given, the first reading that allows one of them, if there is one.
    """
    shares = tuple(tuple(row) for row in claim.value)
    return _share_reading(shares, tuple(class_totals(claims, claim)), FULL[claim.unit], share_forms(claim), bounds, right)


@lru_cache(maxsize=32)
def _share_reading(
    shares: Shares, known: tuple[int, ...], whole: float, forms: tuple[Form, ...], bounds: Bounds, right: frozenset[int]
) -> Reading:
    every = _share_readings(shares, known, whole, forms, bounds)
    first = found = next(every)
    while right and not right.intersection(found.right):
        following = next(every, None)
        if following is None:  # no reading allows them, unless the search for one was stopped
            return found if found.how == "limit" else first
        found = following
    return found


def _share_readings(
    shares: Shares, known: tuple[int, ...], whole: float, forms: tuple[Form, ...], bounds: Bounds
) -> Iterator[Reading]:
    """All readings, those with one cell moved only where there is no other; at last that the search was stopped, if it was."""

    def search(printed: Sequence[Sequence[float]], form: Form, orientation: Orientation) -> MatrixCounts:
        totals: dict[str, Any] = {"column_totals" if orientation.of_predicted else "row_totals": known}
        printed = list(zip(*printed, strict=True)) if orientation.turned else printed
        return possible_matrices(printed, whole=whole, of_all=orientation.of_all, form=form, bounds=bounds, **totals)

    n, stopped, fits = sum(known), False, False
    rows = [search(shares, form, ORIENTATIONS["rows"]) for form in forms]
    refuted = min((found.impossible_rows for found in rows), key=len)
    for how, orientation in ORIENTATIONS.items():
        for place, form in enumerate(forms):
            found = rows[place] if how == "rows" else search(shares, form, orientation)
            stopped |= found.right is None and not found.complete
            if found.right is not None:
                possible = tuple(range(found.right[0], found.right[1] + 1))
                yield Reading(how, n, tuple(found.matrices), possible, refuted, form)
            elif len(found.matrices):
                yield _of_predicted(how, [found], n, refuted, form)
            fits |= found.right is not None or len(found.matrices) > 0
    for form in () if fits or stopped else forms:
        moved = [search(one, form, ORIENTATIONS["columns"]) for one in one_cell_moved(shares)]
        stopped |= not all(found.complete for found in moved)
        if any(len(found.matrices) for found in moved):
            fits = True
            yield _of_predicted("one cell moved", moved, n, refuted, form)
    if stopped or not fits:
        yield Reading("limit" if stopped else "none", n, impossible_rows=refuted)


def _of_predicted(how: str, every: Sequence[MatrixCounts], n: int, refuted: tuple[int, ...], form: Form) -> Reading:
    """A reading for which the search had the predicted classes in the rows."""
    matrices = tuple(matrix.T for found in every for matrix in found.matrices)
    return Reading(how, n, matrices, tuple(sorted({int(np.trace(matrix)) for matrix in matrices})), refuted, form)


def share_forms(claim: Claim) -> tuple[Form, ...]:
    """The forms in which a matrix of shares can have been printed, the likeliest first, from its cells as typed."""
    cells = [cell for row in claim.value for cell in row]
    shown = {decimals(cell) for cell in cells}
    places = claim.decimals if claim.decimals is not None else max(shown)
    fixed = (Form(places), Form(places, cut=True))
    two_digits = claim.decimals is None and len(shown) > 1 and all(float(f"{cell:.2g}") == cell for cell in cells)
    if not two_digits:
        return fixed
    return (Form(), *fixed) if claim.unit == "fraction" else (*fixed, Form())


def share_matrix(claims: ClaimSet, claim: Claim, bounds: Bounds) -> Iterator[Finding]:
    """Whether shares of rows can be shares of counts, and in which orientation."""
    what, known = "orientation and counts", class_totals(claims, claim)
    if not known:
        return
    read = share_reading(claims, claim, bounds)
    found, reading, labels = read.matrices, read.how, [claim.labels[row] for row in read.impossible_rows]
    ends = sorted({read.right[0], read.right[-1]}) if read.right else []
    text = " to ".join(f"{hits} of {read.n}, {100 * hits / read.n:.2f} %" for hits in ends)
    refuted = f"With true classes in the rows {len(labels)} of {len(known)} rows are no shares of the known counts "
    refuted += f"({', '.join(labels)})"
    right = [(hits, read.n) for hits in read.right]
    numbers: dict[str, Any] = {"reading": reading, "right": right, "matrices": len(found), "impossible_rows": labels}
    assuming = "" if read.form is None else f"shares {read.form}"
    if len(found) == 1:
        recalls = np.diag(found[0]) / found[0].sum(axis=1)
        numbers |= {"matrix": found[0].tolist(), "recall": dict(zip(claim.labels, recalls.tolist(), strict=True))}
    number = many(len(found), "matrix of counts") if found else "more matrices of counts than were listed"
    if reading == "limit":
        yield finding(claim, what, OPEN, f"{refuted}; of the other orientations {bounds}.", **numbers)
    elif reading == "rows":
        meaning = f"With true classes in the rows {number} can be printed so ({text})."
        yield finding(claim, what, SAME, meaning, assuming=assuming, **numbers)
    elif reading in ORIENTATIONS:
        number = "exactly one matrix of counts" if len(found) == 1 else number
        meaning = f"{refuted}; with {ORIENTATIONS[reading].words} {number} can be printed so ({text})."
        grade = Grade.MISPRINT if reading == "columns" else None
        meaning += " It is printed transposed." if reading == "columns" else ""
        yield finding(claim, what, NOTABLE, meaning, grade=grade, assuming=assuming, **numbers)
    elif reading == "one cell moved":
        meaning = f"{refuted}, and with true classes in the columns no matrix of counts can be printed so either. "
        meaning += f"With one cell moved to an empty place of its row {many(len(found), 'matrix')} can be printed so, "
        meaning += f"true classes in the columns ({text})."
        yield finding(claim, what, IMPOSSIBLE, meaning, grade=Grade.MISPRINT, assuming=SHARES_OF_COUNTS, **numbers)
    else:
        meaning = f"{refuted}; no other orientation fits any matrix of counts."
        yield finding(claim, what, IMPOSSIBLE, meaning, assuming=SHARES_OF_COUNTS, **numbers)


def same_matrix(claims: ClaimSet, claim: Claim, link: SameAs, bounds: Bounds) -> Iterator[Finding]:
    """An accuracy beside the matrix that it should be of."""
    other, text, what = claims[link.amount.claim], printed_text(claim), "accuracy of its matrix"
    if has_means(other):
        yield _same_means(claim, other)
        return
    at_chance = False
    if is_counts(other):
        matrix, known = np.array(other.value, dtype=np.int64), class_totals(claims, other)
        matrix = _oriented(other, matrix, np.array(known))[0] if known else matrix
        read = Reading("rows", int(matrix.sum()), (matrix,), (int(np.trace(matrix)),))
        at_chance = matrix.sum(axis=1).all() and evaluation.agreement_with_chance(matrix).p_value > SIGNIFICANT
    else:
        known = class_totals(claims, other)
        counts = [possible_counts(text, sum(known), truncated=cut) for cut in (False, True)] if known else []
        read = share_reading(claims, other, bounds, frozenset(chain(*counts))) if known else Reading("none", 0)
    if not read.right or not read.n:
        yield finding(claim, what, OPEN, f"{other.id} does not give its counts away.")
        return
    rounded, cut = ({*possible_counts(text, read.n, truncated=way)} & {*read.right} for way in (False, True))
    fits = sorted(rounded or cut)
    ends = sorted({(fits or read.right)[0], (fits or read.right)[-1]})
    shares = " to ".join(f"{right:,} of {read.n:,} = {100 * right / read.n:.2f} %" for right in ends)
    moved = ", with one cell moved," if read.how == "one cell moved" else ""
    meaning = f"The printed matrix ({other.id}){moved} has {shares}, "
    numbers: dict[str, Any] = {"right": [(right, read.n) for right in fits or read.right]}
    if rounded:
        yield finding(claim, what, SAME, f"{meaning}as printed.", **numbers)
    elif cut:
        yield finding(claim, what, NOTABLE, f"{meaning}as printed with its digits cut off.", grade=Grade.ROUNDING, **numbers)
    elif at_chance:
        meaning += f"not {text} %. It is independent of the labels, as if scored against labels in another order, so it neither "
        yield finding(claim, what, NOTABLE, f"{meaning}supports the accuracy nor excludes it.", **numbers)
    elif readings := other_readings(claim):
        meaning += f"not {text} %, which can be a mean of {' or '.join(readings)} instead."
        yield finding(claim, what, NOTABLE, meaning, **numbers)
    else:
        near = min((100 * right / read.n for right in ends), key=lambda share: abs(share - float(text)))
        numbers["grade"] = grade_of_difference(float(text), near, step(claim, text))
        meaning += f"not {text} %."
        yield finding(claim, what, IMPOSSIBLE, meaning, assuming="pooled over the items of the matrix", **numbers)


def _same_means(claim: Claim, matrix: Claim) -> Finding:
    """An accuracy beside a matrix whose cells are means of counts, as over folds."""
    cells, text = np.array(matrix.value, dtype=float), printed_text(claim)
    unit = 10.0 ** -max(decimals(cell) for row in matrix.value for cell in row)
    right, wrong = np.trace(cells), cells.sum() - np.trace(cells)
    more, rest = unit * len(cells), unit * (cells.size - len(cells))  # the cells may be rounded or cut off
    low = 100 * max(0.0, right - more / 2) / max(unit, right + wrong - more / 2 + rest)
    high = 100 * (right + more) / max(unit, right + wrong + more - rest / 2)
    room, meaning = step(claim, text), f"The means of {matrix.id} have {100 * right / (right + wrong):.2f} % right"
    if low - room <= float(text) <= high + room:
        return finding(claim, "accuracy of its matrix", SAME, f"{meaning}, as their decimals allow.", low=low, high=high)
    return finding(claim, "accuracy of its matrix", NOTABLE, f"{meaning}, not {text} %; a mean of shares need not be theirs.")


def extreme_class(claims: ClaimSet, claim: Claim, link: Extreme) -> Iterator[Finding]:
    """Whether the class that the text names has the highest or lowest recall of the matrix."""
    table = claims[link.matrix]
    if table.quantity != "confusion_matrix":
        raise AuditError(f"claim {claim.id}: {link.matrix} is no confusion_matrix")
    matrix = np.array(table.value, dtype=float)
    if claim.value not in table.labels:
        raise AuditError(f"claim {claim.id}: {link.matrix} has no class {claim.value!r}; it has {', '.join(table.labels)}")
    place, hits = table.labels.index(claim.value), np.diag(matrix)
    rows, columns = matrix.sum(axis=1), matrix.sum(axis=0)
    readings = {  # of "best" and "worst", the higher the better
        "recall": hits / np.maximum(rows, 1e-9),
        "precision": hits / np.maximum(columns, 1e-9),
        "F1": 2 * hits / np.maximum(rows + columns, 1e-9),
        "the number of errors": hits - rows,
        "accuracy of one class against the rest": 2 * hits - rows - columns,
    }
    wanted = 1 if link.rank == "highest" else len(hits)
    ranks = {name: 1 + int((scores > scores[place]).sum()) for name, scores in readings.items()}
    fitting = [name for name, rank in ranks.items() if rank == wanted]
    share = f"{hits[place]:g} of {rows[place]:g} right"
    meaning = f"{claim.value} has rank {ranks['recall']} of {len(hits)} by recall ({share}); the text says {link.rank}"
    outcome, assumed = SAME if "recall" in fitting else NOTABLE if fitting else IMPOSSIBLE, f"by {', '.join(readings)}"
    meaning += f", as it is by {' and '.join(fitting)}." if outcome is NOTABLE else "."
    numbers: dict[str, Any] = {"rank": ranks["recall"], "recall": float(readings["recall"][place]), "fitting": fitting}
    yield finding(claim, "rank of a class", outcome, meaning, assuming=assumed if outcome is IMPOSSIBLE else "", **numbers)


def scored_matrix(claims: ClaimSet, claim: Claim, link: Scores, bounds: Bounds) -> Iterator[Finding]:
    """A matrix of shares beside the scores that were printed for it, and the numbers of items that these force."""
    table, what = claims[link.claim], "scores of the matrix"
    if claim.quantity != "confusion_matrix" or is_counts(claim):
        raise AuditError(f"claim {claim.id}: a scores link needs a confusion_matrix in percent or as fractions")
    shares, whole = np.array(claim.value, dtype=float), FULL[claim.unit]
    printed = {name: float(printed_text(table, link.row, name)) for name in SCORES}
    recall = 100 * float(np.diag(shares).mean()) / whole
    cells = 100 * 10.0 ** -(share_forms(claim)[0].decimals or 2) / whole
    fits = abs(recall - printed["recall"]) <= max(0.01, cells) + 1e-9  # the cells are rounded, and so is their mean
    meaning = (
        f"The mean of its diagonal is {recall:.2f}, and {link.claim} prints a recall of {printed['recall']:g} for {link.row}"
    )
    meaning += ": true classes are in the rows." if fits else "."
    yield finding(claim, "recall of the matrix", SAME if fits else IMPOSSIBLE, meaning, recall=recall)
    accuracy = trials_link(table, link.row, "accuracy")
    if accuracy is None:
        return
    scored = counted(claims, table, accuracy)
    every = [
        possible_matrices(claim.value, total=n, right=right, whole=whole, form=form, bounds=bounds)
        for form in share_forms(claim)
        for n, right in _right_of(scored)
    ]
    matrices = np.concatenate([found.matrices for found in every])
    if all(found.impossible_rows for found in every):
        rows = min((found.impossible_rows for found in every), key=len)
        names = ", ".join(f"{claim.labels[row]} (sum {shares[row].sum():g})" for row in rows)
        yield finding(claim, what, IMPOSSIBLE, f"No counts give the row {names}.", rows=rows)
        return
    if not all(found.complete for found in every):
        yield finding(claim, what, OPEN, f"Of the matrices with {scored.share} right: {bounds}.")
        return
    if not len(matrices):
        yield finding(claim, what, IMPOSSIBLE, f"No matrix of counts with {scored.share} right can be printed so.", matrices=0)
        return
    hits = np.diagonal(matrices, axis1=1, axis2=2)
    columns, rows = matrices.sum(axis=1), matrices.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = 100 * (hits / columns).mean(axis=1)
    off = np.abs(precision - printed["precision"])
    fitting = off <= 0.005 + 1e-9
    if not fitting.any():
        meaning = f"{many(len(matrices), 'matrix')} with {scored.share} right can be printed so, none with a precision of "
        meaning += f"{printed['precision']:g}; the nearest is {precision[off.argmin()]:.3f}."
        outcome = NOTABLE if off.min() <= 0.015 else IMPOSSIBLE  # classes that were cut off before they were averaged
        yield finding(claim, what, outcome, meaning, matrices=len(matrices), nearest=float(precision[off.argmin()]))
        return
    f1 = 100 * (2 * hits / (rows + columns))[fitting].mean(axis=1)
    smallest = sorted({int(size) for size in rows[fitting].min(axis=1)})
    sizes = {label: sorted({int(size) for size in rows[fitting][:, place]}) for place, label in enumerate(claim.labels)}
    distance = float(np.abs(f1 - printed["f1"]).min())
    meaning = f"{many(int(fitting.sum()), 'matrix of counts')} with {scored.share} right can be printed so with the precision "
    meaning += f"{printed['precision']:g}; all have a class of {smallest[-1]} items or fewer"
    meaning += (
        f", and the mean of their F1s is never nearer than {distance:.2f} to the printed {printed['f1']:g}."
        if distance > 0.005
        else "."
    )
    numbers: dict[str, Any] = {"smallest": smallest, "sizes": sizes, "f1_distance": distance, "matrices": int(fitting.sum())}
    yield finding(claim, what, NOTABLE, meaning, **numbers)


def _right_of(scored: Counted) -> list[tuple[int, int]]:
    """Every (n, right) that the reading of a percentage allows."""
    cut, sizes = scored.printed == "cut off", scored.trials if scored.fits else scored.elsewhere
    return [(n, right) for n in sizes for right in possible_counts(scored.text, n, truncated=cut)]
