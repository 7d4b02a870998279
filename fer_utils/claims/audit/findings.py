"""What the audit finds, and the numbers of a claims file that its rules work on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fer_utils.claims.audit.arithmetic import possible_counts, possible_denominators
from fer_utils.claims.links import Amount, Trials
from fer_utils.claims.printed import Whole, decimals, spread
from fer_utils.claims.schema import REPORT_AVERAGES, Claim, ClaimSet


class AuditError(ValueError):
    """A link of a claims file points at something that is not there; the message names claim and link."""


class Outcome(StrEnum):
    """What a check says of a printed number."""

    CONSISTENT = "consistent"  # it can stand beside the numbers that it was checked against
    NOTABLE = "notable"  # it can, but it says less than, or something other than, it seems to
    IMPOSSIBLE = "impossible"  # it cannot
    NOT_CHECKABLE = "not checkable"  # there is nothing to hold it against, or the search was too large


class Grade(StrEnum):
    """How much is wrong with a printed number; only what is substantive makes a claim inconsistent."""

    MISPRINT = "misprint"  # a digit, a cell or an orientation, from which what was meant can be told
    ROUNDING = "rounding"  # at most one in the last printed decimal
    SUBSTANTIVE = "substantive"


@dataclass(frozen=True)
class Finding:
    """One check of one claim: the printed value, its place, the outcome, and what that means in one sentence.

    `grade` says how much is wrong, where something is; `assuming` under which reading of the number.
    `partners` are the claims that print the same thing: an impossible outcome says that they cannot hold together with this one.
    """

    claim: str
    where: str
    printed: str
    check: str
    outcome: Outcome
    meaning: str
    numbers: dict[str, Any] = field(default_factory=dict)
    partners: tuple[str, ...] = ()
    grade: Grade | None = None
    assuming: str = ""


def finding(
    claim: Claim,
    check: str,
    outcome: Outcome,
    meaning: str,
    /,
    *,
    printed: str = "",
    grade: Grade | None = None,
    assuming: str = "",
    **numbers: Any,
) -> Finding:
    """A finding about a claim; `numbers` are what the sentence was made of. What is impossible is substantive if not graded."""
    grade = Grade.SUBSTANTIVE if grade is None and outcome is Outcome.IMPOSSIBLE else grade
    where = claim.where if claim.belongs_to == "text" or claim.belongs_to in claim.where else f"{claim.where}, {claim.belongs_to}"
    return Finding(claim.id, where, printed or shown(claim), check, outcome, meaning, numbers, (), grade, assuming)


def grade_of_difference(printed: float, needed: float, unit: float, *, counted: bool = False) -> Grade:
    """The grade of a printed number where another is needed: rounding within one `unit` of the last decimal, else by its digits.

    One digit changed, or two neighbours swapped, is a misprint where it changes the number by a twentieth at most. What was
    `counted` is not rounded.
    """
    if not counted and abs(printed - needed) <= min(1.5 * unit, abs(needed) / 5) + 1e-9:
        return Grade.ROUNDING
    one, other = (f"{round(number / unit):d}" for number in (printed, needed))
    apart = [place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
    swapped = (
        len(apart) == 2 and apart[1] == apart[0] + 1 and one[apart[0]] == other[apart[1]] and one[apart[1]] == other[apart[0]]
    )
    close = abs(printed - needed) <= abs(needed) / 20
    return Grade.MISPRINT if close and len(one) == len(other) > 2 and (len(apart) == 1 or swapped) else Grade.SUBSTANTIVE


def contradictions(found: Sequence[Finding]) -> dict[str, str]:
    """Claim -> why it is impossible: the first such sentence about it; misprints and rounding are none.

    Left out where another claim that should agree is impossible by a further check, which shows the fault to be there.
    """
    impossible, at_fault = _impossible(found)
    return {
        one.claim: one.meaning
        for one in reversed(impossible)
        if one.grade is Grade.SUBSTANTIVE and (one.claim in at_fault or not at_fault.intersection(one.partners))
    }


def contradicted_partners(found: Sequence[Finding]) -> dict[str, str]:
    """Claim -> what contradicts it, for claims that are impossible beside another that should agree.

    Left out where that other one is impossible by a further check, which shows the fault to be there.
    """
    impossible, at_fault = _impossible(found)
    return {
        partner: f"{one.claim}, which should agree, contradicts it: {one.meaning}"
        for one in reversed(impossible)
        if one.grade is Grade.SUBSTANTIVE and one.claim not in at_fault
        for partner in one.partners
    }


def _impossible(found: Sequence[Finding]) -> tuple[list[Finding], set[str]]:
    """The findings of what is impossible, and the claims that are so by themselves, if only by a misprint."""
    impossible = [one for one in found if one.outcome is Outcome.IMPOSSIBLE]
    return impossible, {one.claim for one in impossible if not one.partners}


def shown(claim: Claim) -> str:
    """The printed value in a few words."""
    value, unit = claim.value, {"none": "", "percent": " %"}.get(claim.unit, f" {claim.unit.replace('_', ' ')}")
    if value is None:
        return "not in the text"
    if isinstance(value, dict):
        return f"table of {len(value)} rows"
    if isinstance(value, list):
        if claim.quantity == "confusion_matrix":
            return f"{len(value)} x {len(value)} matrix"
        return f"table of {len(value)} rows" if value and isinstance(value[0], list) else ", ".join(map(str, value))
    if isinstance(value, bool | str):
        return str(value)
    about, plus_minus = "about " if claim.approximate else "", spread_of(claim)
    return f"{about}{printed_text(claim)}{'' if plus_minus is None else f' +/- {plus_minus:g}'}{unit}"


# numbers as printed


def printed_text(claim: Claim, row: str | None = None, column: str | None = None) -> str:
    """A number as text with its printed decimals: those of the claim, or the most that any number of its column shows."""
    value = cell(claim, row, column)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise AuditError(f"claim {claim.id}: {'the value' if row is None else f'row {row!r}'} is no number: {value!r}")
    alike = [value]
    if isinstance(claim.value, dict) and column in claim.columns:
        alike = [cells[claim.columns.index(column)] for cells in claim.value.values()]
    places = claim.decimals if claim.decimals is not None else max(decimals(one) for one in alike if isinstance(one, int | float))
    return f"{value:,.0f}" if value >= 1e4 and places <= 0 else f"{value:.{max(places, 0)}f}"


def step(claim: Claim, text: str) -> float:
    """One in the last printed decimal: 0.01 for "97.56", 1000 for a claim of -3 decimals, 1e6 for a value of 1.5e7."""
    places = claim.decimals if claim.decimals is not None else len(text.partition(".")[2])
    if claim.decimals is None and isinstance(claim.value, Whole):
        places = claim.value.printed.decimals
    return 10.0**-places


def spread_of(claim: Claim, row: str | None = None, column: str | None = None) -> float | None:
    """What is printed after +/- beside a number, or None."""
    typed = spread(cell(claim, row, column))
    return claim.plus_minus if typed is None and row is None else typed


def value_as_number(claim: Claim) -> float:
    """The claim's value. Raises AuditError where it is no single number."""
    if isinstance(claim.value, bool) or not isinstance(claim.value, int | float):
        raise AuditError(f"claim {claim.id} holds no single number, but a link takes it for one")
    return float(claim.value)


def cell(claim: Claim, row: str | None = None, column: str | None = None) -> Any:
    """The claim's value, or a cell of its table. Raises AuditError naming the rows and columns there are."""
    value = claim.value
    if row is not None:
        if not isinstance(value, dict) or row not in value:
            has = ", ".join(value) if isinstance(value, dict) else "no rows"
            raise AuditError(f"claim {claim.id} has no row {row!r}; it has {has}")
        value = value[row]
    if column is not None:
        if column not in claim.columns or not isinstance(value, list):
            raise AuditError(f"claim {claim.id} has no column {column!r}; it has {', '.join(claim.columns) or 'none'}")
        value = value[claim.columns.index(column)]
    return value


def many(number: int, thing: str) -> str:
    """A number of things: 1 matrix, 2 matrices of counts."""
    first, *rest = thing.split(" ")
    plural = f"{first[:-1]}ces" if first.endswith("ix") else f"{first}s"
    return " ".join([f"{number:,}", first if number == 1 else plural, *rest])


def class_rows(claim: Claim) -> dict[str, list[Any]]:
    """The rows of a classification report that are classes."""
    return {name: row for name, row in claim.value.items() if name not in REPORT_AVERAGES}


# amounts


def amount(claims: ClaimSet, wanted: Amount) -> float:
    """The number that an amount stands for. Raises AuditError when a claim holds no number there."""
    number = float(wanted.number or 0) if wanted.claim is None else _base(claims[wanted.claim], wanted)
    for factor in wanted.times:
        number *= factor if isinstance(factor, int) else _base(claims[factor], Amount(claim=factor))
    return (number + sum(amount(claims, part) for part in wanted.plus)) / wanted.parts


def _base(claim: Claim, wanted: Amount) -> float:
    if wanted.column is not None and wanted.row is None:
        if not isinstance(claim.value, dict):
            raise AuditError(f"claim {claim.id} is no table, but a link names its column {wanted.column!r}")
        if unknown := set(wanted.without) - set(claim.value):
            raise AuditError(f"claim {claim.id} has no row {unknown.pop()!r}; it has {', '.join(claim.value)}")
        numbers = [cell(claim, row, wanted.column) for row in claim.value if row not in wanted.without]
    else:
        numbers = [cell(claim, wanted.row, wanted.column)]
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        raise AuditError(f"claim {claim.id} holds no single number there; name a row and a column")
    return sum(numbers)


def in_words(wanted: Amount) -> str:
    """An amount as a reader would write it: images_per_class x 6, one of 5 parts."""
    place = " ".join(part for part in (wanted.claim, wanted.column, wanted.row) if part) or wanted.source
    if wanted.without:
        place += f" without {', '.join(wanted.without)}"
    place += "".join(f" x {factor}" for factor in wanted.times) + "".join(f" + {in_words(part)}" for part in wanted.plus)
    return place if wanted.parts == 1 else f"{place}, one of {wanted.parts} parts"


def is_column_sum(wanted: Amount) -> bool:
    """Whether an amount is the sum of a table's column."""
    return wanted.claim is not None and wanted.column is not None and wanted.row is None


def whole_numbers(number: float) -> list[int]:
    """The whole numbers next to a number, as sizes of nearly equal parts: [61, 62] for 61.8, [48] for 48."""
    near = round(number, 6)
    return sorted({math.floor(near), math.ceil(near)})


def number_text(number: float) -> str:
    """At most two decimals, and thousands separated."""
    return f"{number:,.2f}".rstrip("0").rstrip(".") if not float(number).is_integer() else f"{int(number):,}"


# percentages as counts


@dataclass(frozen=True)
class Counted:
    """Reading of a percentage as `right` of `n`: how it was printed ("rounded" or "cut off"), or "" where it is no such share.

    `elsewhere` holds numbers of trials near the expected one that do give the percentage, where the expected does not.
    """

    text: str
    trials: tuple[int, ...]
    right: int
    n: int
    printed: str
    elsewhere: dict[int, list[int]]

    @property
    def fits(self) -> bool:
        """Whether the percentage is one of so many trials."""
        return bool(self.printed)

    @property
    def share(self) -> str:
        """The counts as a reader would write them: 1,253 of 7,178."""
        return f"{self.right:,} of {self.n:,}"


def trials_link(claim: Claim, row: str | None = None, column: str | None = None) -> Trials | None:
    """The claim's trials link for a cell, or None."""
    return next((link for link in claim.links if link.kind == "trials" and (link.row, link.column) == (row, column)), None)


def other_readings(claim: Claim, row: str | None = None, column: str | None = None) -> tuple[str, ...]:
    """What a percentage may be a mean of instead of one share of its items: folds, runs, classes or people.

    A mean of folds and of runs stays open for what is printed with a spread, and where the number of items is a guess at a split.
    """
    link = trials_link(claim, row, column)
    if link is None:
        return ()
    if row is None and any(other.kind == "folds" for other in claim.links):
        return ("folds",)
    if link.readings is None:
        of_parts, with_spread = any(n.parts > 1 for n in link.n), spread_of(claim, row, column) is not None
        return ("folds", "runs") if of_parts or with_spread else ()
    return tuple(reading for reading in link.readings if reading != "pooled")


def counted(claims: ClaimSet, claim: Claim, link: Trials) -> Counted:
    """The percentage as a count: of the stated trials rounded, else cut off, else of the nearest number that gives it."""
    text = printed_text(claim, link.row, link.column)
    if claim.unit != "percent":
        raise AuditError(f"claim {claim.id}: a trials link needs a percentage, and its unit is {claim.unit}")
    expected = [amount(claims, n) for n in link.n]
    trials = tuple(dict.fromkeys(n for number in expected for n in whole_numbers(number)))
    if min(trials) < 1:
        raise AuditError(f"claim {claim.id}: a trials link gives {min(trials)} trials")
    for truncated in (False, True):
        for n in trials:
            if counts := possible_counts(text, n, truncated=truncated):
                return Counted(text, trials, nearest(text, n, counts), n, "cut off" if truncated else "rounded", {})
    elsewhere = {}
    if any(n.parts > 1 for n in link.n):  # the size of a part is a guess at the split, so look around it
        elsewhere = possible_denominators(text, range(max(1, 2 * min(trials) // 3), 4 * max(trials) // 3 + 1))
    n = min(elsewhere, key=lambda size: abs(size - expected[0]), default=trials[0])
    return Counted(text, trials, nearest(text, n, elsewhere.get(n, range(n + 1))), n, "", elsewhere)


def nearest(text: str, n: int, counts: Iterable[int]) -> int:
    """The count whose share of n lies nearest to a printed percentage."""
    return min(counts, key=lambda count: abs(100 * count / n - float(text)))
