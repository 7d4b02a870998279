"""Checks of printed tables: classification reports, fold tables, layer tables, scores of set-ups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fer_utils import evaluation
from fer_utils.claims.audit.arithmetic import check_fold_mean, fold_denominators, possible_counts, possible_denominators
from fer_utils.claims.audit.bounds import Bounds
from fer_utils.claims.audit.findings import (
    AuditError,
    Finding,
    Grade,
    Outcome,
    amount,
    cell,
    class_rows,
    finding,
    grade_of_difference,
    in_words,
    many,
    nearest,
    number_text,
    other_readings,
    printed_text,
    step,
    trials_link,
    value_as_number,
    whole_numbers,
)
from fer_utils.claims.audit.matrices import class_totals, is_counts
from fer_utils.claims.audit.numbers import ABOUT, harmonic_finding
from fer_utils.claims.audit.rounded_tables import chance_ranges, check_averages, report_counts
from fer_utils.claims.links import Below, Folds, SameAs, Size
from fer_utils.claims.printed import decimals, read
from fer_utils.claims.schema import Claim, ClaimSet

SAME, IMPOSSIBLE, NOTABLE, OPEN = Outcome.CONSISTENT, Outcome.IMPOSSIBLE, Outcome.NOTABLE, Outcome.NOT_CHECKABLE
SIGNIFICANT = 0.05
TABLES_SCORED = 999  # tables behind a report whose classes are compared with chance
SEVERAL = re.compile(r"(?<![\w(.,])\d+(?:[.,]\d+)*(?![\w.,)])")  # numbers of a text that stand alone
P_VALUE_ROOM = 0.05  # share by which the rounding of folds may move a p-value

# classification reports


def report(claims: ClaimSet, claim: Claim, bounds: Bounds) -> Iterator[Finding]:
    """Averages recomputed, and the counts behind the report against chance."""
    checks = check_averages(claim.value)
    wrong = [f"{check.average} {check.score}" for check in checks if not check.possible]
    meaning = (
        f"{', '.join(wrong)} cannot follow from the rows." if wrong else f"All {len(checks)} averages can follow from the rows."
    )
    yield finding(claim, "averages recomputed", IMPOSSIBLE if wrong else SAME, meaning, wrong=wrong)
    what, n = "counts behind the report", sum(row[3] for row in class_rows(claim).values())
    if claim.value["accuracy"][3] != n:
        yield finding(claim, "supports", IMPOSSIBLE, f"The supports add up to {n}, not {claim.value['accuracy'][3]}.", sum=n)
    try:
        found = report_counts(claim.value, bounds=bounds)
    except ValueError:
        yield finding(claim, what, IMPOSSIBLE, f"No table of counts of {n} items rounds to this report.")
        return
    if not found.complete:
        meaning = f"For each class only outer limits are known: {bounds}."
        yield finding(claim, what, OPEN, meaning, true_positives=found.true_positives)
        return
    right = sorted({int(hits) for hits in found.tables[:, :, 0].sum(axis=1)})
    ranges = chance_ranges(found)
    low, high = (f"{100 * edge:.1f}" for edge in evaluation.wilson_interval(right[0], n)) if len(right) == 1 else ("", "")
    shares = (
        f"{right[0]} of {n} = {100 * right[0] / n:.2f} % (95 % interval {low} to {high})"
        if len(right) == 1
        else f"{right[0]} to {right[-1]} of {n}"
    )
    sums: dict[str, Any] = {
        "true_positives": found.true_positives,
        "predicted": found.predicted,
        "right": right,
        "n": n,
        "tables": len(found.tables),
    }
    meaning = f"{many(len(found.tables), 'table of counts')} can be printed so, with {shares} right."
    yield finding(claim, what, SAME, meaning, **sums)
    chance = ranges.p_value[1] > SIGNIFICANT
    meaning = f"Given its margins chance is {_span(ranges.chance, 100, '.1f')} %; kappa {_span(ranges.kappa, 1, '.3f')}."
    numbers: dict[str, Any] = dict(vars(ranges))
    if chance:
        meaning = f"{meaning[:-1]}, z {_span(ranges.z, 1, '.1f')}, p {evaluation.p_value_text(*ranges.p_value)}."
        z = np.array(
            [evaluation.class_z_scores(table[:, 0], found.supports, table[:, 1]) for table in found.tables[:TABLES_SCORED]]
        ).mean(axis=0)
        most = int(z.argmax())
        numbers |= {"class": found.classes[most], "class_z": float(z[most])}
        meaning += f" The report cannot be told from chance; {found.classes[most]} alone stands out most (z {z[most]:.1f})."
    yield finding(claim, "agreement with chance", NOTABLE if chance else SAME, meaning, **numbers)


def _span(ends: Sequence[float], scale: float, form: str) -> str:
    low, high = (format(scale * end, form) for end in ends)
    return low if low == high else f"{low} to {high}"


def same_report(claims: ClaimSet, claim: Claim, link: SameAs, bounds: Bounds) -> Iterator[Finding]:
    """An accuracy, or a number of classes, beside the report that it should be of."""
    other = claims[link.amount.claim]
    rows, text = class_rows(other), printed_text(claim)
    if claim.unit == "classes":
        outcome = SAME if len(rows) == claim.value else IMPOSSIBLE
        yield finding(claim, "classes of its report", outcome, f"{other.id} has {len(rows)} classes.", classes=len(rows))
        return
    n, what = int(other.value["accuracy"][3]), "accuracy of its report"
    ways = {how: possible_counts(text, n, truncated=how == "cut off") for how in ("rounded", "cut off")}
    for how, right in ways.items():
        try:
            found = report_counts(other.value, right=right, bounds=bounds)
        except ValueError:  # no count, or no table with so many right
            continue
        tables = many(len(found.tables), "table of counts") if found.complete else "perhaps some tables (the search was stopped)"
        meaning = (
            f"{text} % is {_counts(right)} of {n:,}{', cut off' if how == 'cut off' else ''}, and {tables} with so many right "
        )
        meaning += f"can be printed as {other.id}."
        yield finding(claim, what, SAME, meaning, right=right, n=n, true_positives=found.true_positives)
        return
    right = ways["rounded"] or ways["cut off"]
    meaning = f"No count of the {n:,} items of {other.id} gives {text} %."
    if right:
        meaning = (
            f"{text} % needs {_counts(right)} of {n:,} right, and no table of counts with so many can be printed as {other.id}."
        )
        most = _most_right(other, bounds)
        meaning += f" Its rows allow at most {most:,}, {100 * most / n:.2f} %." if most else ""
    if readings := other_readings(claim):
        meaning += f" It may be a mean of {' or '.join(readings)} instead."
        yield finding(claim, what, NOTABLE, meaning, right=right, n=n)
        return
    near = 100 * nearest(text, n, range(n + 1)) / n
    grade = Grade.SUBSTANTIVE if right else grade_of_difference(float(text), near, step(claim, text))
    assumed = "pooled over the items of the report"
    yield finding(claim, what, IMPOSSIBLE, meaning, grade=grade, assuming=assumed, right=right, n=n)


def _most_right(claim: Claim, bounds: Bounds) -> int:
    """The most right answers that a report allows; 0 where it allows none, or too many tables to look at."""
    try:
        found = report_counts(claim.value, bounds=bounds)
    except ValueError:
        return 0
    return int(found.tables[:, :, 0].sum(axis=1).max()) if found.complete else 0


def _counts(right: Sequence[int]) -> str:
    return f"{right[0]:,}" if len(right) == 1 else f"{right[0]:,} to {right[-1]:,}"


def size_of_test_set(claims: ClaimSet, claim: Claim, link: Size) -> Iterator[Finding]:
    """Whether a report, or a matrix of counts, scores as many items as it should, in all and of each class."""
    if claim.quantity == "classification_report":
        supports = [int(row[3]) for row in class_rows(claim).values()]
        n = int(claim.value["accuracy"][3])
    elif claim.quantity == "confusion_matrix" and is_counts(claim):
        supports = class_totals(claims, claim) or np.sum(claim.value, axis=1).astype(int).tolist()
        n = sum(supports)
    else:
        raise AuditError(f"claim {claim.id}: a size link needs a classification_report, or a confusion_matrix of counts")
    numbers: dict[str, Any] = {"n": n, "expected": [amount(claims, wanted) for wanted in link.of]}
    fits = [wanted for wanted in link.of if n in whole_numbers(amount(claims, wanted))]
    about = [wanted for wanted in link.of if wanted.claim and claims[wanted.claim].approximate]
    about = [wanted for wanted in about if abs(n - amount(claims, wanted)) <= ABOUT * amount(claims, wanted)]
    if fits:
        yield finding(claim, "size of the test set", SAME, f"{n:,} is {in_words(fits[0])}.", **numbers)
    elif about:
        meaning = f"{n:,} is about {number_text(amount(claims, about[0]))} ({in_words(about[0])}), as the paper says."
        yield finding(claim, "size of the test set", SAME, meaning, **numbers)
    else:
        stated = " or ".join(f"{number_text(amount(claims, wanted))} ({in_words(wanted)})" for wanted in link.of)
        times = {wanted.parts for wanted in link.of if wanted.parts > 1}
        together = "".join(f" (times {parts}: {n * parts:,})" for parts in sorted(times))
        meaning, needed = f"It scores {n:,} items{together}, not {stated}.", {}
        for wanted in link.of:
            if wanted.claim is not None and not wanted.plus and (wanted.times or wanted.parts > 1) and amount(claims, wanted):
                value = value_as_number(claims[wanted.claim])
                needed[wanted.claim] = n * value / amount(claims, wanted)
                meaning += (
                    f" It would need {number_text(needed[wanted.claim])} for {wanted.claim} in place of {number_text(value)}."
                )
        meaning += f" This assumes {link.assumed}." if link.assumed else ""
        outcome = NOTABLE if link.assumed else IMPOSSIBLE
        yield finding(claim, "size of the test set", outcome, meaning, **numbers, needed=needed)
    if link.each is None:
        return
    each, balance = amount(claims, link.each), evaluation.class_balance(supports)
    whole = [support * link.each.parts for support in supports]
    meaning = f"The classes have {', '.join(map(str, supports))} items where {number_text(each)} of each are to be expected"
    if link.each.parts > 1:
        meaning += f"; times {link.each.parts} that is {', '.join(f'{count:,}' for count in whole)}"
    meaning += f". A random draw from equal classes is as uneven with p = {evaluation.p_value_text(balance.p_value)} "
    meaning += f"(chi-square({balance.degrees_of_freedom}) {balance.chi_square:.1f})."
    outcome = SAME if balance.p_value > SIGNIFICANT else NOTABLE
    numbers = {"supports": supports, "whole": whole, "p_value": balance.p_value, "chi_square": balance.chi_square}
    yield finding(claim, "balance of the classes", outcome, meaning, **numbers)


# fold tables


def fold_texts(claim: Claim, row: str) -> list[str]:
    """The folds of a row as text, with as many decimals as any fold of the table shows."""
    places = max(0, *(decimals(fold) for folds in claim.value.values() for fold in folds))
    return [f"{fold:.{places}f}" for fold in cell(claim, row)]


def fold_table(claims: ClaimSet, claim: Claim) -> Iterator[Finding]:
    """The sizes of folds that can give the printed accuracies, and whether the rows can be of the same folds."""
    link = trials_link(claim)
    if link is None:
        return
    n, folds = amount(claims, link.n[0]), len(next(iter(claim.value.values())))
    around = _sizes_around(n / folds)
    texts = {row: fold_texts(claim, row) for row in claim.value}
    common = {row: fold_denominators(texts[row], around) for row in texts}
    for row, found in common.items():
        stated = f"{number_text(n)} items make folds of {' or '.join(map(str, whole_numbers(n / folds)))}"
        numbers: dict[str, Any] = {"row": row, "sizes": found, "expected": n / folds}
        if len(found) == 1:
            outcome = SAME if found[0] in whole_numbers(n / folds) else NOTABLE
            right, together = sum(possible_counts(fold, found[0])[0] for fold in texts[row]), found[0] * folds
            meaning = f"Row {row}: only folds of {found[0]} give all of these, together {right} of {together}, "
            meaning += f"{100 * right / together:.2f} %; {stated}."
            assumed = "folds of one size, each accuracy pooled over its items"
            yield finding(claim, "sizes of folds", outcome, meaning, assuming=assumed, **numbers, right=right, n=together)
        elif not found:
            cut = [fold for fold in texts[row] if not possible_denominators(fold, around)]
            meaning = f"Row {row}: no one size near {around[0]} to {around[-1]} gives all of these, so the folds differ in size."
            if cut:
                meaning += f" {', '.join(dict.fromkeys(cut))} can only be a share of so few with its digits cut off."
            yield finding(claim, "sizes of folds", NOTABLE if cut else SAME, meaning, **numbers, cut_off=cut)
    tests = (link for other in claims.claims for link in other.links if isinstance(link, Folds))
    compared = {link.rows for link in tests if link.claim == claim.id and len(link.rows) == 2}
    for rows in sorted(compared):
        yield from _unpaired(claims, claim, claim, rows, IMPOSSIBLE)


def _unpaired(claims: ClaimSet, claim: Claim, table: Claim, rows: tuple[str, ...], outcome: Outcome) -> Iterator[Finding]:
    """That two rows of a fold table cannot be of the same folds, as a finding about the table or a claim made of them."""
    link = trials_link(table)
    if link is None:
        return
    one, other = (fold_texts(table, row) for row in rows)
    around = _sizes_around(amount(claims, link.n[0]) / len(one))

    def sizes(fold: str) -> set[int]:
        return {*possible_denominators(fold, around), *possible_denominators(fold, around, truncated=True)}

    apart = [number for number, (fold, beside) in enumerate(zip(one, other, strict=True), 1) if not sizes(fold) & sizes(beside)]
    if apart:
        meaning = (
            f"Rows {rows[0]} and {rows[1]} have no fold size in common in {len(apart)} of {len(one)} folds, so they are not of "
            "the same folds and cannot be paired."
        )
        assumed = "each accuracy pooled over its fold, of a size within a third of the mean"
        yield finding(claim, "same folds", outcome, meaning, assuming=assumed, rows=rows, apart=apart)


def _sizes_around(expected: float) -> range:
    """Sizes of a fold within a third of the expected one."""
    return range(max(1, int(expected * 2 / 3)), max(1, int(expected * 4 / 3)) + 1)


def folds(claims: ClaimSet, claim: Claim, link: Folds) -> Iterator[Finding]:
    """The mean of a row of folds, or the p-value of two rows."""
    table = claims[link.claim]
    if table.quantity != "fold_accuracies":
        raise AuditError(f"claim {claim.id}: {link.claim} holds no fold_accuracies")
    if len(link.rows) == 1:
        trials = trials_link(table)
        items = None if trials is None else round(amount(claims, trials.n[0]))
        yield _fold_mean(claim, fold_texts(table, link.rows[0]), items)
    else:
        yield from _fold_test(claims, claim, table, link)


def _fold_mean(claim: Claim, texts: list[str], items: int | None) -> Finding:
    text, what = printed_text(claim), "mean of folds"
    rounded, cut = (check_fold_mean(text, texts, truncated=truncated) for truncated in (False, True))
    mean = rounded.of_printed_folds
    numbers: dict[str, Any] = {"mean": mean, "off": round(float(text) - mean, 6)}
    if abs(round(mean, 9) - float(text)) <= step(claim, text) / 2:
        return finding(claim, what, SAME, f"The printed folds have the mean {mean:.3f}.", **numbers)
    meaning = f"The printed folds have the mean {mean:.3f}, {abs(numbers['off']):.2f} off"
    if rounded.possible or cut.possible:
        how = "rounded or cut off" if rounded.possible and cut.possible else "rounded" if rounded.possible else "cut off"
        return finding(claim, what, SAME, f"{meaning}, which folds that were {how} allow.", **numbers)
    if items and any(check_fold_mean(text, texts, truncated=cut, items=items).possible for cut in (False, True)):
        meaning += f", which pooling over {items:,} items in folds of sizes that differ by one allows."
        return finding(claim, what, SAME, meaning, assuming="pooled over the items of all folds", **numbers)
    grade = grade_of_difference(float(text), mean, step(claim, text))
    return finding(claim, what, IMPOSSIBLE, f"{meaning}, more than rounding allows.", grade=grade, **numbers)


def _fold_test(claims: ClaimSet, claim: Claim, table: Claim, link: Folds) -> Iterator[Finding]:
    """Whether two rows of folds can be paired, and which test of them gives a printed p-value."""
    yield from _unpaired(claims, claim, table, link.rows, NOTABLE)  # the number may follow; that they are paired is the table's
    rows = [np.array(cell(table, row), dtype=float) for row in link.rows]
    if np.ptp(rows[0] - rows[1]) == 0:
        yield finding(claim, "p-value of folds", OPEN, "All folds differ by the same; no paired test can be made of them.")
        return
    tests = [evaluation.paired_tests(*rows), evaluation.paired_tests(*(exact_folds(claims, table, row) for row in link.rows))]
    printed = value_as_number(claim)
    names = {"p_one_sided": "one-sided", "p_two_sided": "two-sided", "p_nadeau_bengio": "corrected (Nadeau and Bengio)"}
    off = {name: min(abs(getattr(test, name) - printed) / max(printed, 1e-9) for test in tests) for name in names}
    best = min(off, key=off.__getitem__)
    two, corrected = tests[1].p_two_sided, tests[1].p_nadeau_bengio
    numbers: dict[str, Any] = {name: getattr(tests[1], name) for name in (*names, "p_wilcoxon")} | {"off": off, "test": best}
    shown_p = [evaluation.p_value_text(p) for p in (two, corrected)]
    values = f"two-sided p = {shown_p[0]}, corrected for overlapping training sets {shown_p[1]}"
    if off[best] > P_VALUE_ROOM:
        yield finding(
            claim,
            "p-value of folds",
            IMPOSSIBLE,
            f"No paired t-test of {' and '.join(link.rows)} gives it ({values}).",
            **numbers,
        )
        return
    lost = [name for name, p in (("two-sided", two), ("corrected", corrected)) if p > SIGNIFICANT >= printed]
    meaning = f"It is the {names[best]} paired t-test of {' and '.join(link.rows)}; {values}."
    meaning += f" The difference is not significant {' or '.join(lost)}." if lost else ""
    yield finding(claim, "p-value of folds", SAME if best == "p_two_sided" else NOTABLE, meaning, **numbers)


def exact_folds(claims: ClaimSet, table: Claim, row: str) -> np.ndarray:
    """The folds of a row as shares of the one size that gives them all, or as printed."""
    link, texts = trials_link(table), fold_texts(table, row)
    if link is not None:
        sizes = fold_denominators(texts, _sizes_around(amount(claims, link.n[0]) / len(texts)))
        if len(sizes) == 1:
            return np.array([100 * possible_counts(text, sizes[0])[0] / sizes[0] for text in texts])
    return np.array(cell(table, row), dtype=float)


# other tables


def score_rows(claim: Claim) -> Iterator[Finding]:
    """In a table with the columns precision, recall and f1: whether F1 was computed from the averages."""
    for row in claim.value:
        try:
            precision, recall = (float(printed_text(claim, row, name)) for name in ("precision", "recall"))
            f1 = printed_text(claim, row, "f1")
        except AuditError:  # a row without these numbers
            continue
        yield harmonic_finding(claim, f1, [precision, recall], row)


def below(claims: ClaimSet, claim: Claim, link: Below) -> Iterator[Finding]:
    """Whether the numbers of one row of a table lie below those of another; of a cell with several, whether any does."""
    table = claims[link.claim]
    columns = link.columns or table.columns
    pairs = {name: [_numbers_of(claims, table, row, name) for row in (link.row, link.than)] for name in columns}
    higher = [f"{name} {min(one):g} against {max(other):g}" for name, (one, other) in pairs.items() if min(one) >= max(other)]
    meaning = (
        f"In {link.claim} {link.row} is not below {link.than} in {', '.join(higher)}." if higher else f"{link.claim} agrees."
    )
    yield finding(claim, "order of two rows", IMPOSSIBLE if higher else SAME, meaning, higher=higher)


def _numbers_of(claims: ClaimSet, table: Claim, row: str, column: str) -> list[float]:
    """The number of a cell, or those of a text such as "93.43 ~ 95.24" or "90.54 (48x48) 94.59 (64x64)"."""
    text = cell(table, row, column)
    found = SEVERAL.findall(text) if isinstance(text, str) else []
    try:
        return [float(read(number, claims.paper.decimal).value) for number in found] or [float(printed_text(table, row, column))]
    except ValueError as error:
        raise AuditError(f"claim {table.id}, row {row!r}: {error}") from None


def are_pairs(value: object) -> bool:
    """Whether a claim's value is a list of pairs, and not empty."""
    return isinstance(value, list) and len(value) > 0 and all(isinstance(pair, list) and len(pair) == 2 for pair in value)


def examples(claim: Claim) -> Iterator[Finding]:
    """What the share of right answers among single examples says."""
    right, n = sum(true == predicted for true, predicted in claim.value), len(claim.value)
    low, high = evaluation.exact_interval(right, n)
    meaning = (
        f"{right} of {n} are right, with an exact 95 % interval of {100 * low:.1f} to {100 * high:.1f} %: so few say nothing."
    )
    outcome = NOTABLE if high - low > 0.2 else SAME
    yield finding(claim, "interval of examples", outcome, meaning, right=right, n=n, low=low, high=high)
