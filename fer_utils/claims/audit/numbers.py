"""Checks of single printed numbers against those that a claims file links them to: a rule for each kind of link."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import harmonic_mean
from typing import Any

import numpy as np

from fer_utils import evaluation
from fer_utils.claims.audit.arithmetic import layer_parameters, possible_counts, transposed_digits
from fer_utils.claims.audit.findings import (
    AuditError,
    Counted,
    Finding,
    Grade,
    Outcome,
    amount,
    cell,
    counted,
    finding,
    grade_of_difference,
    in_words,
    is_column_sum,
    nearest,
    number_text,
    other_readings,
    printed_text,
    spread_of,
    step,
    trials_link,
    value_as_number,
)
from fer_utils.claims.links import F1, Amount, BestOf, ComparedWith, Difference, Network, SameAs, Siblings, Sum, Trials
from fer_utils.claims.printed import decimals
from fer_utils.claims.schema import Claim, ClaimSet

SAME, IMPOSSIBLE, NOTABLE = Outcome.CONSISTENT, Outcome.IMPOSSIBLE, Outcome.NOTABLE
ABOUT = 0.05  # a number that the paper calls approximate may be off by this share
SELECTED_FROM = 0.95  # true accuracy for which the effect of a selection is illustrated
SIGNIFICANT = 0.05


def percentage(claims: ClaimSet, claim: Claim, link: Trials) -> Iterator[Finding]:
    """GRIM: whether a percentage is a count out of its number of trials (Brown and Heathers 2017)."""
    found = counted(claims, claim, link)
    stated = " or ".join(f"{n:,}" for n in found.trials)
    numbers: dict[str, Any] = {
        "row": link.row,
        "trials": found.trials,
        "right": found.right,
        "n": found.n,
        "elsewhere": found.elsewhere,
    }
    what, place = "percentage as a count", "" if link.row is None else f"{link.row}: "
    printed = f"{found.text} %" if link.row is None else f"{found.text} % ({link.row})"
    if found.fits and found.printed == "rounded":
        yield finding(claim, what, SAME, f"{place}{found.text} % is {found.share}.", printed=printed, **numbers)
    elif found.fits:
        meaning = f"{place}{found.text} % is {found.share} = {100 * found.right / found.n:.3f} % with its digits cut off; "
        meaning += "no count gives it by rounding."
        yield finding(claim, what, NOTABLE, meaning, printed=printed, grade=Grade.ROUNDING, **numbers)
    else:
        near = {n: nearest(found.text, n, range(n + 1)) for n in found.trials}
        shares = ", ".join(f"{k:,} of {n:,} is {100 * k / n:.2f} %" for n, k in near.items())
        meaning = f"{place}No count out of {stated} gives {found.text} %, rounded or cut off ({shares})."
        if found.elsewhere:
            sizes = list(found.elsewhere)
            together = sizes[-1] - sizes[0] + 1 == len(sizes)
            named = (
                f"{sizes[0]} to {sizes[-1]}"
                if together and len(sizes) > 2
                else ", ".join(map(str, sizes[:8])) + ", ..." * (len(sizes) > 8)
            )
            meaning += f" It fits n = {named}" + (f", such as {found.share}." if len(sizes) > 1 else f": {found.share}.")
        if readings := other_readings(claim, link.row, link.column):
            meaning += f" It may be a mean of {' or '.join(readings)}, which need not be a count."
            yield finding(claim, what, NOTABLE, meaning, printed=printed, **numbers)
        else:
            nearby = [100 * k / n for n, k in near.items()]
            needed = min(nearby, key=lambda share: abs(share - float(found.text)))
            grade = grade_of_difference(float(found.text), needed, step(claim, found.text))
            assumed = "pooled over the items, rounded or cut off"
            yield finding(claim, what, IMPOSSIBLE, meaning, printed=printed, grade=grade, assuming=assumed, **numbers)
    spread = spread_of(claim, link.row, link.column)
    certain = found.fits or len(found.elsewhere) == 1
    if spread and certain and (images := possible_counts(f"{spread:.2f}", found.n)):
        meaning = f"{place}The spread of {spread:g} is {images[0]} of {found.n}."
        yield finding(claim, "spread as a count", NOTABLE, meaning, printed=f"+/- {spread:g}", images=images, n=found.n)


def rounding_of_paper(claims: ClaimSet) -> Iterator[Finding]:
    """Whether a paper rounds some of its percentages and cuts others off, as no one way of printing gives them all.

    The finding stands with the first claim that only cutting off explains. A percentage that both ways give, or neither, counts
    for neither.
    """
    only: dict[bool, dict[str, Claim]] = {False: {}, True: {}}  # by whether the digits are cut off
    for claim in claims.claims:
        for link in (link for link in claim.links if link.kind == "trials" and claim.unit == "percent"):
            if not (claim.quantity == "fold_accuracies" or other_readings(claim, link.row, link.column)):
                found = counted(claims, claim, link)
                ways = [cut for cut in only if any(possible_counts(found.text, n, truncated=cut) for n in found.trials)]
                if len(ways) == 1:
                    only[ways[0]].setdefault(found.text, claim)
    if only[False] and only[True]:
        rounded, cut = (", ".join(texts) for texts in only.values())
        meaning = (
            f"Only rounding gives {rounded}, and only cutting off gives {cut}: the paper prints its percentages in both ways."
        )
        first = next(iter(only[True].values()))
        numbers = {"only_rounded": [*only[False]], "only_cut_off": [*only[True]]}
        yield finding(first, "rounding of the paper", NOTABLE, meaning, grade=Grade.ROUNDING, **numbers)


def total(claims: ClaimSet, claim: Claim, link: Sum) -> Iterator[Finding]:
    """Whether a total is the sum of its parts; where not, which slip of a digit explains it."""
    parts = [amount(claims, part) for part in link.parts]
    whole = sum(parts)
    if isinstance(claim.value, str):
        yield _formula(claim, link.parts, parts)
        return
    of_column = None if link.column is None else Amount(claim=claim.id, column=link.column)
    value = float(printed_text(claim).replace(",", "")) if of_column is None else amount(claims, of_column)
    terms = " + ".join(number_text(part) for part in parts) if len(parts) > 1 else in_words(link.parts[0])
    numbers: dict[str, Any] = {"sum": whole, "stated": value}
    if claim.approximate and abs(whole - value) <= ABOUT * value:
        yield finding(claim, "sum of parts", SAME, f"{terms} make {number_text(whole)}, about what is printed.", **numbers)
    elif whole == value:
        yield finding(claim, "sum of parts", SAME, f"{terms} make {number_text(whole)}, as printed.", **numbers)
    elif abs(whole - value) <= (room := _rounding_of_sum(claims, claim, link)):
        meaning = f"{terms} make {number_text(whole)}, which the rounding of the parts allows."
        yield finding(claim, "sum of parts", SAME, meaning, room=room, **numbers)
    else:
        meaning = f"{terms} make {number_text(whole)}, not {number_text(value)}."
        others = {sum(amount(claims, part) for part in other.parts) for other in claim.links if other.kind == "sum"}
        column = of_column or (link.parts[0] if len(link.parts) == 1 and is_column_sum(link.parts[0]) else None)
        for target in sorted({whole} if of_column else (others | {value}) - {whole}):
            for repair in [] if column is None else _digit_repairs(claims, column, target):
                numbers["repair"] = repair
                meaning += f" With the digits of {repair[0]} in the other order ({repair[2]:,} for {repair[1]:,})"
                meaning += f" they make {number_text(target)}."
        if _one_digit_apart(int(value), int(whole)):
            meaning += " The two differ in one digit."
        grade = Grade.MISPRINT if "repair" in numbers else grade_of_difference(value, whole, 1.0, counted=True)
        yield finding(claim, "sum of parts", IMPOSSIBLE, meaning, grade=grade, **numbers)


def _rounding_of_sum(claims: ClaimSet, claim: Claim, link: Sum) -> float:
    """How far rounding alone may part a sum from its parts: half a unit for each printed number with decimals."""
    parts = [claims[part.claim] for part in link.parts if part.claim]
    places = [decimals(number) for one in (claim, *parts) for number in _cells(one.value)]
    return 0.5 * sum(10.0**-place for place in places) + 1e-9 if max(places, default=0) > 0 else 0.0


def _cells(value: Any) -> Iterator[float]:
    """All numbers of a value, at any depth."""
    if isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _cells(part)
    elif isinstance(value, int | float):
        yield value


def _digit_repairs(claims: ClaimSet, column: Amount, target: float) -> list[tuple[str, int, int]]:
    table = claims[column.claim]
    rows = {row: cell(table, row, column.column) for row in table.value if row not in column.without}
    return transposed_digits(rows, int(target)) if all(isinstance(count, int) for count in rows.values()) else []


def _one_digit_apart(first: int, second: int) -> bool:
    one, other = str(first), str(second)
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _formula(claim: Claim, parts: Sequence[Amount], numbers: Sequence[float]) -> Finding:
    """A formula as text: whether it names its parts, and what one pass costs."""
    missing = [in_words(part) for part, number in zip(parts, numbers, strict=True) if f"{number:g}" not in claim.value]
    whole, largest = sum(numbers), max(numbers)
    if missing:
        return finding(claim, "formula", IMPOSSIBLE, f"The formula does not hold the printed {', '.join(missing)}.", sum=whole)
    meaning = f"Its parts are as printed and add up to {whole:.2f} {claim.unit}, {100 * largest / whole:.0f} % of it in "
    meaning += in_words(parts[list(numbers).index(largest)])
    if claim.unit == "milliseconds":
        rates = [f"{1000 / whole:.1f} a second in all", f"{1000 / min(numbers):.0f} for the fastest part alone"]
        meaning += f": {', '.join(rates)}"
    share = largest / whole
    return finding(claim, "formula", NOTABLE, f"{meaning}.", sum=whole, per_second=1000 / whole, share_of_largest=share)


def difference(claims: ClaimSet, claim: Claim, link: Difference) -> Iterator[Finding]:
    """Whether a difference is that of its two numbers, and whether it can be told from none (Fisher's exact test)."""
    of, minus = (amount(claims, part) for part in (link.of, link.minus))
    printed, exact = float(printed_text(claim).replace(",", "")), of - minus
    first, second = (_counted_amount(claims, part) for part in (link.of, link.minus))
    room = (_step_of(claims, link.of) + _step_of(claims, link.minus) + step(claim, printed_text(claim))) / 2
    numbers: dict[str, Any] = {"difference": exact}
    text = f"{number_text(of)} - {number_text(minus)} = {number_text(round(exact, 6))}"
    if abs(exact - printed) < 1e-6:
        yield finding(claim, "difference", SAME, f"{text}, as printed.", **numbers)
    elif abs(exact - printed) <= room + 1e-9:
        meaning = f"{text}; the printed {printed:g} needs the rounding of both."
        if first and second:
            meaning += (
                f" The counts ({first.share}, {second.share}) give {100 * (first.right / first.n - second.right / second.n):.3f}."
            )
        yield finding(claim, "difference", NOTABLE, meaning, **numbers)
    else:
        grade = grade_of_difference(printed, exact, step(claim, printed_text(claim)))
        yield finding(claim, "difference", IMPOSSIBLE, f"{text}, not {printed:g}.", grade=grade, **numbers)
    if first and second:
        yield _fisher(claim, first, second)


def comparison(claims: ClaimSet, claim: Claim, link: ComparedWith) -> Iterator[Finding]:
    """Whether two accuracies differ by more than chance (Fisher's exact test)."""
    first, second = (_counted_amount(claims, Amount(claim=name)) for name in (claim.id, link.claim))
    if not (first and second):
        raise AuditError(f"claim {claim.id}: {claim.id} and {link.claim} both need a link of the kind trials to be compared")
    yield _fisher(claim, first, second)


def _fisher(claim: Claim, first: Counted, second: Counted) -> Finding:
    p_value = evaluation.fisher_p_value(first.right, first.n, second.right, second.n)
    told = "cannot be told from chance" if p_value > SIGNIFICANT else "is more than chance"
    meaning = f"{first.share} against {second.share}: the difference {told} (p = {evaluation.p_value_text(p_value)}, Fisher)."
    if first.n != second.n:
        meaning += " The two were not scored on the same items, as their numbers differ."
    if not all(one.fits for one in (first, second)):
        meaning += " Where the expected number of items cannot give a percentage, the nearest that can was taken."
    return finding(
        claim, "Fisher's exact test", NOTABLE, meaning, p_value=p_value, counts=(first.right, first.n, second.right, second.n)
    )


def _counted_amount(claims: ClaimSet, wanted: Amount) -> Counted | None:
    if wanted.claim is None:
        return None
    claim = claims[wanted.claim]
    link = trials_link(claim, wanted.row, wanted.column)
    return None if link is None else counted(claims, claim, link)


def _step_of(claims: ClaimSet, wanted: Amount) -> float:
    if wanted.claim is None:
        return 0.0
    claim = claims[wanted.claim]
    return step(claim, printed_text(claim, wanted.row, wanted.column))


def same_number(claims: ClaimSet, claim: Claim, link: SameAs) -> Iterator[Finding]:
    """Two printed values of one thing: they agree where rounding to the fewer decimals makes them equal."""
    other = claims[link.amount.claim] if link.amount.claim else None
    what, value = "same thing elsewhere", cell(claim, link.row, link.column)
    if other is not None and isinstance(value, dict) and other.columns:
        yield _same_column(claim, value, other)
        return
    if isinstance(value, list | dict):
        number = amount(claims, link.amount)
        meaning = f"{len(value)} names are given for {number_text(number)} ({in_words(link.amount)})."
        yield finding(claim, what, SAME if len(value) == number else IMPOSSIBLE, meaning, names=len(value), number=number)
        return
    if isinstance(value, str) and other is not None and isinstance(cell(other, link.amount.row, link.amount.column), str):
        text = cell(other, link.amount.row, link.amount.column)
        yield finding(claim, what, SAME if value == text else IMPOSSIBLE, f"{in_words(link.amount)} has {text!r}.")
        return
    text, number = printed_text(claim, link.row, link.column), amount(claims, link.amount)
    if claim.unit == "percent" and other is not None and other.unit == "fraction":
        number *= 100
    printed = float(text.replace(",", ""))
    room = max(
        step(claim, text), 0.0 if other is None else _step_of(claims, link.amount) * (100 if other.unit == "fraction" else 1)
    )
    meaning = f"{in_words(link.amount)} has {number_text(number) if abs(number) >= 0.01 else f'{number:g}'}"
    numbers: dict[str, Any] = {"here": printed, "there": number}
    shown_as = text if link.row is None else f"{text} ({link.row})"
    if abs(printed - number) < 1e-9:
        yield finding(claim, what, SAME, f"{meaning} too.", printed=shown_as, **numbers)
    elif abs(printed - number) <= room / 2 + 1e-9:
        yield finding(claim, what, SAME, f"{meaning}, which rounds to the same.", printed=shown_as, **numbers)
    elif readings := _either_reading(claims, claim, link):
        meaning += f"; one of the two can be a mean of {' or '.join(readings)}, and the other not."
        yield finding(claim, what, NOTABLE, meaning, printed=shown_as, **numbers)
    else:
        grade = grade_of_difference(printed, number, room)
        meaning += "; one thing cannot have both values."
        yield finding(claim, what, IMPOSSIBLE, meaning, printed=shown_as, grade=grade, **numbers)


def _either_reading(claims: ClaimSet, claim: Claim, link: SameAs) -> tuple[str, ...]:
    """What one of two percentages of the same thing may be a mean of, by the trials links of both."""
    there = claims[link.amount.claim] if link.amount.claim else None
    elsewhere = () if there is None else other_readings(there, link.amount.row, link.amount.column)
    return other_readings(claim, link.row, link.column) or elsewhere


def _same_column(claim: Claim, value: dict[str, float], table: Claim) -> Finding:
    """Which column of a table holds the values of another, row names compared without case."""
    scale = 100 if claim.unit == "percent" and table.unit == "fraction" else 1
    rows = {name.lower(): row for name, row in table.value.items()}
    if missing := [name for name in value if name.lower() not in rows]:
        raise AuditError(f"claim {claim.id}: {table.id} has no row {missing[0]!r}")
    if not all(isinstance(cell, int | float) for name in value for cell in (value[name], *rows[name.lower()])):
        raise AuditError(f"claim {claim.id} and {table.id} need a number in each of these rows to be compared")
    same = [
        column
        for place, column in enumerate(table.columns)
        if all(abs(round(scale * rows[name.lower()][place], 6) - number) < 1e-6 for name, number in value.items())
    ]
    if claim.quantity in same or any(column in claim.quantity for column in same):
        return finding(
            claim, "same thing elsewhere", SAME, f"The column {same[0]} of {table.id} has the same values.", columns=same
        )
    if same:
        meaning = f"These are the values of the column {same[0]} of {table.id}, which is not what they are called here."
        if "recall" in table.columns and "recall" not in same:
            recalls = {name: round(scale * rows[name.lower()][table.columns.index("recall")]) for name in value}
            meaning += (
                f" The share of each class that was found, its recall, is {', '.join(f'{n} {r}' for n, r in recalls.items())}."
            )
        return finding(claim, "same thing elsewhere", IMPOSSIBLE, meaning, columns=same)
    return finding(claim, "same thing elsewhere", IMPOSSIBLE, f"No column of {table.id} has these values.", columns=same)


def f1_score(claims: ClaimSet, claim: Claim, link: F1) -> Iterator[Finding]:
    """Whether an average F1 is the harmonic mean of the average precision and recall, which the mean of the F1s is not."""
    scores = [float(printed_text(claims[name])) for name in (link.precision, link.recall)]
    yield harmonic_finding(claim, printed_text(claim), scores, "")


def harmonic_finding(claim: Claim, f1: str, scores: Sequence[float], row: str) -> Finding:
    """The finding of an F1 beside a precision and a recall in percent."""
    mean, text = harmonic_mean(scores), f"{f1} ({row})" if row else f1
    place = f"{row}: " if row else ""
    averages = f"{place}The harmonic mean of the average precision {scores[0]:g} and recall {scores[1]:g} is {mean:.2f}"
    if mean == 100:
        return finding(claim, "F1 of averages", SAME, f"{averages}, and so is any average.", printed=text, harmonic_mean=mean)
    if abs(mean - float(f1)) <= 1.5 * step(claim, f1):
        meaning = f"{averages}, which is the printed F1; the mean of the classes' F1s need not be."
        return finding(claim, "F1 of averages", NOTABLE, meaning, printed=text, harmonic_mean=mean)
    meaning = f"{averages}; the printed {f1} is another average."
    return finding(claim, "F1 of averages", SAME, meaning, printed=text, harmonic_mean=mean)


def best_of(claims: ClaimSet, claim: Claim, link: BestOf) -> Iterator[Finding]:
    """What choosing the best of many on the items that are reported does alone (David and Nagaraja 2003)."""
    choices, trials = max(1, round(amount(claims, link.choices))), _counted_amount(claims, Amount(claim=claim.id))
    if trials is None:
        raise AuditError(f"claim {claim.id}: best_of needs a link of the kind trials beside it")
    folds = 1 if link.folds is None else len(claims[link.folds].columns)
    sizes = [len(part) for part in np.array_split(np.arange(trials.n), folds)]
    goal = (float(trials.text) - step(claim, trials.text) / 2) / 100

    from scipy import optimize

    def best(accuracy: float) -> float:
        return evaluation.expected_best(accuracy, sizes, choices)

    enough = 0.0
    if goal > best(0.0):
        enough = 100 * optimize.brentq(lambda accuracy: best(accuracy) - goal, 0.0, 1.0, xtol=1e-4)
    illustrated = 100 * best(SELECTED_FROM)
    where = "" if folds == 1 else f" in each of {folds} folds"
    meaning = (
        f"If {choices:,} equally good choices are tried{where}, a true accuracy of {enough:.1f} % is expected to show a best of "
        f"{trials.text} %, and one of {100 * SELECTED_FROM:g} % shows {illustrated:.1f} % (an upper bound, as if the choices "
        "erred independently)."
    )
    yield finding(
        claim, "best of many", NOTABLE, meaning, true_accuracy=enough, best_of_95=illustrated, choices=choices, folds=folds
    )


def network(claims: ClaimSet, claim: Claim, link: Network) -> Iterator[Finding]:
    """Whether a reading of the network has the printed number of parameters."""
    count = link.given + layer_parameters(link.dense)
    count += sum(layer_parameters(part.widths, part.kernel) for part in link.convolutions)
    printed, unit = value_as_number(claim), step(claim, "")
    what, number = "parameters of the network", f"{count:,}"
    if abs(count - printed) <= unit / 2:
        yield finding(claim, what, SAME, f"{link.reading}: {number} parameters, which is printed so.", parameters=count)
    elif 0 <= count - printed < unit:
        yield finding(
            claim, what, NOTABLE, f"{link.reading}: {number} parameters, printed with the digits cut off.", parameters=count
        )
    else:
        yield finding(claim, what, IMPOSSIBLE, f"{link.reading}: {number} parameters.", parameters=count)


def siblings(claims: ClaimSet, claim: Claim, link: Siblings) -> Iterator[Finding]:
    """The share of test items with another item of the same source in training, where items are drawn at random."""
    per_source = amount(claims, link.per_source)
    share = 1 - (1 / link.groups) ** max(0, per_source - 1)
    meaning = (
        f"With about {number_text(per_source)} items from each source ({in_words(link.per_source)}) in {link.groups} random "
        f"groups, {100 * share:.0f} % of the items of a group have another of their source in the other groups."
    )
    yield finding(claim, "random split", NOTABLE, meaning, share=share, per_source=per_source)
