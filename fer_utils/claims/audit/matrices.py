"""Checks of confusion matrices, printed as counts or as shares of their rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from fer_utils.claims.audit.arithmetic import lost_digits, possible_counts, restore_column
from fer_utils.claims.audit.findings import (
    AuditError,
    Finding,
    Outcome,
    amount,
    counted,
    finding,
    many,
    printed_text,
    trials_link,
)
from fer_utils.claims.audit.rounded_tables import one_cell_moved, possible_matrices
from fer_utils.claims.links import Extreme, SameAs, Scores
from fer_utils.claims.schema import FULL, Claim, ClaimSet
from fer_utils.evaluation.chance import agreement_with_chance, permutation_p_value
from fer_utils.evaluation.significance import p_value_text

SAME, IMPOSSIBLE, NOTABLE, OPEN = Outcome.CONSISTENT, Outcome.IMPOSSIBLE, Outcome.NOTABLE, Outcome.NOT_CHECKABLE
SIGNIFICANT = 0.05
TABLES_SHUFFLED = 999  # random tables of a permutation test
SCORES = ("precision", "recall", "f1")

Shares = tuple[tuple[float, ...], ...]


def is_counts(claim: Claim) -> bool:
    """Whether a matrix is printed in counts, not in shares of its rows."""
    return claim.unit not in FULL


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
    matrix, known = np.array(claim.value, dtype=np.int64), class_totals(claims, claim)
    if known:
        matrix, found = _oriented(claim, matrix, np.array(known))
        yield found
    if (matrix.sum(axis=1) == 0).any():
        yield finding(claim, "agreement with chance", OPEN, "A class without items leaves nothing to compare with.")
        return
    agreement = agreement_with_chance(matrix)
    p_shuffled = permutation_p_value(matrix.sum(axis=1), matrix.sum(axis=0), agreement.right, TABLES_SHUFFLED)
    chance = agreement.p_value > SIGNIFICANT and p_shuffled > SIGNIFICANT
    meaning = (
        f"{agreement.right:,} of {agreement.n:,} are right, {100 * agreement.accuracy:.2f} %; labels and predictions that know "
        f"nothing of each other would give {100 * agreement.chance:.2f} % (kappa {agreement.kappa:.2g}, "
        f"chi-square({agreement.degrees_of_freedom}) {agreement.chi_square:.1f}, p {p_value_text(agreement.p_value)}; "
        f"shuffled, p {p_value_text(p_shuffled)})."
    )
    meaning += " The matrix is independent of the labels." if chance else ""
    numbers: dict[str, Any] = {**vars(agreement), "p_shuffled": p_shuffled, "matrix": matrix.tolist()}
    yield finding(claim, "agreement with chance", NOTABLE if chance else SAME, meaning, **numbers)


def _oriented(claim: Claim, matrix: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, Finding]:
    """The matrix with true classes in its rows, restored where digits were lost, and what was found of its margins."""
    what, sums = "margins against class counts", {"row_sums": matrix.sum(axis=1).tolist(), "known": known.tolist()}
    n = f"{known.sum():,}"
    if (matrix.sum(axis=1) == known).all():
        return matrix, finding(claim, what, SAME, f"Its rows hold the {n} items of the known classes.", **sums)
    if (matrix.sum(axis=0) == known).all():
        meaning = f"Its columns hold the {n} items of the known classes, so it is printed transposed."
        return matrix.T, finding(claim, what, NOTABLE, meaning, **sums)
    short = f"Its cells add up to {matrix.sum():,} of {n}"
    restored = lost_digits(matrix, known)
    if len(restored) != 1:
        return matrix, finding(claim, what, IMPOSSIBLE, f"{short}, by rows and by columns.", **sums)
    column, kept = restored[0]
    repaired = restore_column(matrix, known, column)
    meaning = f"{short}: the column {claim.labels[column]} has lost digits. The known classes restore it to "
    meaning += f"{', '.join(map(str, repaired[:, column]))}; {kept} of {len(known)} of these begin with the printed digits."
    return repaired, finding(claim, what, IMPOSSIBLE, meaning, **sums, column=column, restored=repaired[:, column].tolist())


@dataclass(frozen=True)
class Reading:
    """The matrices of counts behind a matrix of shares, true classes in the rows, and how the printed one is read.

    It is read by "rows" or "columns" (which are the true classes), "one cell moved", "none", or "limit" where the search hit its
    limit.
    """

    matrices: tuple[np.ndarray, ...]
    how: str
    impossible_rows: tuple[int, ...] = ()


def share_reading(claims: ClaimSet, claim: Claim, limit: int) -> Reading:
    """The reading of a matrix of shares with known class counts."""
    shares = tuple(tuple(row) for row in claim.value)
    return _share_reading(shares, tuple(class_totals(claims, claim)), *_format(claim).items(), limit=limit)


@lru_cache(maxsize=32)
def _share_reading(shares: Shares, known: tuple[int, ...], *options: tuple[str, Any], limit: int) -> Reading:
    form = {"limit": limit, **dict(options)}
    by_rows = possible_matrices(shares, row_totals=known, **form)
    by_columns = possible_matrices(shares, column_totals=known, **form)
    if not (by_rows.complete and by_columns.complete):
        return Reading((), "limit")
    if len(by_rows.matrices):
        return Reading(tuple(by_rows.matrices), "rows")
    if len(by_columns.matrices):
        return Reading(tuple(matrix.T for matrix in by_columns.matrices), "columns", by_rows.impossible_rows)
    moved = [possible_matrices(one, column_totals=known, **form) for one in one_cell_moved(shares)]
    found = tuple(matrix.T for one in moved for matrix in one.matrices)
    return Reading(found, "one cell moved" if found else "none", by_rows.impossible_rows)


def _format(claim: Claim) -> dict[str, Any]:
    """How shares are printed: in percent with as many decimals as any cell shows, or as `seaborn.heatmap` does."""
    if claim.unit == "percent":
        places = max(len(f"{share:g}".partition(".")[2]) for row in claim.value for share in row)
        return {"whole": FULL["percent"], "number_format": f".{places}f"}
    return {"whole": FULL["fraction"]}


def share_matrix(claims: ClaimSet, claim: Claim, limit: int) -> Iterator[Finding]:
    """Whether shares of rows can be shares of counts, and in which orientation."""
    what, known = "orientation and counts", class_totals(claims, claim)
    if not known:
        return
    read = share_reading(claims, claim, limit)
    found, reading, labels = read.matrices, read.how, [claim.labels[row] for row in read.impossible_rows]
    right = sorted({(int(np.trace(matrix)), int(matrix.sum())) for matrix in found})
    text = ", ".join(f"{hits} of {n}, {100 * hits / n:.2f} %" for hits, n in right)
    refuted = f"With true classes in the rows {len(labels)} of {len(known)} rows are no shares of the known counts "
    refuted += f"({', '.join(labels)})"
    numbers: dict[str, Any] = {"reading": reading, "right": right, "matrices": len(found), "impossible_rows": labels}
    if len(found) == 1:
        recalls = np.diag(found[0]) / found[0].sum(axis=1)
        numbers |= {"matrix": found[0].tolist(), "recall": dict(zip(claim.labels, recalls.tolist(), strict=True))}
    if reading == "limit":
        yield finding(claim, what, OPEN, f"More than {limit:,} partial matrices: the search was stopped.", **numbers)
    elif reading == "rows":
        meaning = f"With true classes in the rows {many(len(found), 'matrix of counts')} can be printed so ({text})."
        yield finding(claim, what, SAME, meaning, **numbers)
    elif reading == "columns":
        number = "exactly one matrix of counts" if len(found) == 1 else many(len(found), "matrix of counts")
        meaning = f"{refuted}; with true classes in the columns {number} can be printed so ({text}). It is printed transposed."
        yield finding(claim, what, NOTABLE, meaning, **numbers)
    elif reading == "one cell moved":
        meaning = f"{refuted}, and with true classes in the columns no matrix of counts can be printed so either. "
        meaning += f"With one cell moved to an empty place of its row {many(len(found), 'matrix')} can be printed so, "
        meaning += f"true classes in the columns ({text})."
        yield finding(claim, what, IMPOSSIBLE, meaning, **numbers)
    else:
        yield finding(claim, what, IMPOSSIBLE, f"{refuted}; neither reading fits any matrix of counts.", **numbers)


def same_matrix(claims: ClaimSet, claim: Claim, link: SameAs, limit: int) -> Iterator[Finding]:
    """An accuracy beside the matrix that it should be of."""
    other, text, what = claims[link.amount.claim], printed_text(claim), "accuracy of its matrix"
    if is_counts(other):
        matrix, known = np.array(other.value), class_totals(claims, other)
        read = Reading((_oriented(other, matrix, np.array(known))[0] if known else matrix,), "rows")
    else:
        read = share_reading(claims, other, limit) if class_totals(claims, other) else Reading((), "none")
    pairs = sorted({(int(np.trace(matrix)), int(matrix.sum())) for matrix in read.matrices})
    if not pairs:
        yield finding(claim, what, OPEN, f"{other.id} does not give its counts away.")
        return
    fits = [pair for pair in pairs if pair[0] in possible_counts(text, pair[1])]
    shares = ", ".join(f"{right:,} of {n:,} = {100 * right / n:.2f} %" for right, n in fits or pairs)
    moved = ", with one cell moved," if read.how == "one cell moved" else ""
    says = "as printed" if fits else f"not {text} %"
    yield finding(
        claim,
        what,
        SAME if fits else IMPOSSIBLE,
        f"The printed matrix ({other.id}){moved} has {shares}, {says}.",
        right=fits or pairs,
    )


def extreme_class(claims: ClaimSet, claim: Claim, link: Extreme) -> Iterator[Finding]:
    """Whether the class that the text names has the highest or lowest recall of the matrix."""
    table = claims[link.matrix]
    if table.quantity != "confusion_matrix":
        raise AuditError(f"claim {claim.id}: {link.matrix} is no confusion_matrix")
    matrix = np.array(table.value, dtype=float)
    if claim.value not in table.labels:
        raise AuditError(f"claim {claim.id}: {link.matrix} has no class {claim.value!r}; it has {', '.join(table.labels)}")
    recall = np.diag(matrix) / matrix.sum(axis=1)
    place = table.labels.index(claim.value)
    rank = 1 + int((recall > recall[place]).sum())
    wanted = 1 if link.rank == "highest" else len(recall)
    share = f"{matrix[place, place]:g} of {matrix[place].sum():g} right"
    meaning = f"{claim.value} has rank {rank} of {len(recall)} by recall ({share}); the text says {link.rank}."
    outcome = SAME if rank == wanted else IMPOSSIBLE
    yield finding(claim, "rank of a class", outcome, meaning, rank=rank, recall=float(recall[place]))


def scored_matrix(claims: ClaimSet, claim: Claim, link: Scores, limit: int) -> Iterator[Finding]:
    """A matrix of shares beside the scores that were printed for it, and the numbers of items that these force."""
    table, what = claims[link.claim], "scores of the matrix"
    if claim.quantity != "confusion_matrix" or is_counts(claim):
        raise AuditError(f"claim {claim.id}: a scores link needs a confusion_matrix in percent or as fractions")
    shares, whole = np.array(claim.value, dtype=float), FULL[claim.unit]
    printed = {name: float(printed_text(table, link.row, name)) for name in SCORES}
    recall = 100 * float(np.diag(shares).mean()) / whole
    fits = abs(recall - printed["recall"]) <= 0.01 + 1e-9  # the cells are rounded, and so is their mean
    meaning = (
        f"The mean of its diagonal is {recall:.2f}, and {link.claim} prints a recall of {printed['recall']:g} for {link.row}"
    )
    meaning += ": true classes are in the rows." if fits else "."
    yield finding(claim, "recall of the matrix", SAME if fits else IMPOSSIBLE, meaning, recall=recall)
    accuracy = trials_link(table, link.row, "accuracy")
    if accuracy is None:
        return
    scored = counted(claims, table, accuracy)
    found = possible_matrices(claim.value, total=scored.n, right=scored.right, limit=limit, **_format(claim))
    if found.impossible_rows:
        names = ", ".join(f"{claim.labels[row]} (sum {shares[row].sum():g})" for row in found.impossible_rows)
        yield finding(claim, what, IMPOSSIBLE, f"No counts give the row {names}.", rows=found.impossible_rows)
        return
    if not found.complete:
        yield finding(claim, what, OPEN, f"More than {limit:,} partial matrices of {scored.share}: the search was stopped.")
        return
    hits = np.diagonal(found.matrices, axis1=1, axis2=2)
    columns, rows = found.matrices.sum(axis=1), found.matrices.sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = 100 * (hits / columns).mean(axis=1)
    off = np.abs(precision - printed["precision"])
    fitting = off <= 0.005 + 1e-9
    if not fitting.any():
        meaning = f"{many(len(found.matrices), 'matrix')} with {scored.share} right can be printed so, none with a precision of "
        meaning += f"{printed['precision']:g}; the nearest is {precision[off.argmin()]:.3f}."
        outcome = NOTABLE if off.min() <= 0.015 else IMPOSSIBLE  # classes that were cut off before they were averaged
        yield finding(claim, what, outcome, meaning, matrices=len(found.matrices), nearest=float(precision[off.argmin()]))
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
