"""The audit of a claims file: every applicable check on every claim, by rule.

Which checks apply follows from a claim's quantity and unit and from its `links` (`claims.links`); what they say follows
from the numbers. A claim that no rule applies to is named as such, with the reason.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fer_utils.claims.audit import layer_tables, matrices, numbers, tables
from fer_utils.claims.audit.bounds import SEARCH_LIMIT, Bounds
from fer_utils.claims.audit.findings import Finding, Outcome, finding
from fer_utils.claims.links import SameAs
from fer_utils.claims.schema import LAYER_COLUMNS, Claim, ClaimSet

if TYPE_CHECKING:
    import pandas as pd

BY_LINK: dict[str, Callable[..., Iterator[Finding]]] = {
    "trials": numbers.percentage,
    "sum": numbers.total,
    "difference": numbers.difference,
    "compared_with": numbers.comparison,
    "f1": numbers.f1_score,
    "best_of": numbers.best_of,
    "network": numbers.network,
    "siblings": numbers.siblings,
    "folds": tables.folds,
    "size": tables.size_of_test_set,
    "extreme": matrices.extreme_class,
    "below": tables.below,
}

BETWEEN_EQUALS = {"same_as", "size"}
"""Links that say that two claims print the same thing: where they contradict each other, arithmetic cannot tell which of
them is wrong. The other links derive a claim from others, and what is impossible there is the claim derived."""

NOT_CHECKABLE = {
    "setting": "A setting, not a measurement.",
    "figure": "A drawing whose values are not in the text.",
    "class_names": "Names, not numbers.",
}


def audit_claims(claims: ClaimSet, search_limit: int = SEARCH_LIMIT) -> list[Finding]:
    """All findings about a paper, in the order of its claims, at least one for each; then what is about the paper as a whole.

    `search_limit` bounds the partial tables of counts that a search keeps, and with them the time for a claim. Raises
    AuditError (a ValueError) where a link does not fit the claims that it names.
    """
    found = [one for claim in claims.claims for one in audit_claim(claims, claim, search_limit)]
    return [*found, *numbers.rounding_of_paper(claims)]


def audit_claim(claims: ClaimSet, claim: Claim, search_limit: int = SEARCH_LIMIT) -> list[Finding]:
    """The findings about one claim, at least one."""
    bounds = Bounds.from_now(search_limit)
    found = [*_of_its_kind(claims, claim, bounds), *_of_its_links(claims, claim, bounds)]
    if found:
        return found
    users = [other.id for other in claims.claims for link in other.links if claim.id in link.claims_named()]
    if users:
        reason = f"The numbers that it is checked against stand beside {', '.join(dict.fromkeys(users))}."
    else:
        reason = NOT_CHECKABLE.get(claim.quantity, "No other number bears on it.")
    return [finding(claim, "", Outcome.NOT_CHECKABLE, reason)]


def _of_its_kind(claims: ClaimSet, claim: Claim, bounds: Bounds) -> Iterator[Finding]:
    """What a claim's own quantity calls for."""
    if claim.quantity == "confusion_matrix":
        if matrices.is_counts(claim):
            yield from matrices.count_matrix(claims, claim)
        else:
            yield from matrices.share_matrix(claims, claim, bounds)
    elif claim.quantity == "classification_report":
        yield from tables.report(claims, claim, bounds)
    elif claim.quantity == "fold_accuracies":
        yield from tables.fold_table(claims, claim)
    elif claim.quantity == "layer_table" and claim.columns[:2] == LAYER_COLUMNS:
        yield from layer_tables.layers(claim)
    elif claim.quantity == "prediction_examples" and tables.are_pairs(claim.value):
        yield from tables.examples(claim)
    elif {"precision", "recall", "f1"} <= set(claim.columns) and isinstance(claim.value, dict):
        yield from tables.score_rows(claim)


def _of_its_links(claims: ClaimSet, claim: Claim, bounds: Bounds) -> Iterator[Finding]:
    for link in claim.links:
        if link.kind == "class_counts" or (link.kind == "trials" and claim.quantity == "fold_accuracies"):
            continue  # they serve the table's own check
        if link.kind == "scores":
            yield from matrices.scored_matrix(claims, claim, link, bounds)
            continue
        found = _same(claims, claim, link, bounds) if link.kind == "same_as" else BY_LINK[link.kind](claims, claim, link)
        partners = tuple(dict.fromkeys(link.claims_named())) if link.kind in BETWEEN_EQUALS else ()
        for one in found:  # a column under another name says nothing against the table
            yield one if one.numbers.get("columns") else dataclasses.replace(one, partners=partners)


def _same(claims: ClaimSet, claim: Claim, link: SameAs, bounds: Bounds) -> Iterator[Finding]:
    other = claims[link.amount.claim] if link.amount.claim and link.amount.row is None else None
    if other is not None and other.quantity == "confusion_matrix":
        yield from matrices.same_matrix(claims, claim, link, bounds)
    elif other is not None and other.quantity == "classification_report" and not isinstance(claim.value, dict):
        yield from tables.same_report(claims, claim, link, bounds)
    else:
        yield from numbers.same_number(claims, claim, link)


def as_json(found: Sequence[Finding]) -> str:
    """The findings as JSON, with the numbers behind each."""
    return json.dumps([dataclasses.asdict(one) for one in found], indent=1, default=_plain)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else str(value)


def findings_table(found: Sequence[Finding]) -> pd.DataFrame:
    """One row per finding: claim, place, printed value, check, outcome, meaning."""
    import pandas as pd

    columns = {
        "claim": "claim",
        "where": "place",
        "printed": "printed",
        "check": "check",
        "outcome": "outcome",
        "meaning": "meaning",
    }
    return pd.DataFrame([{title: str(getattr(one, name)) for name, title in columns.items()} for one in found])


def outcome_counts(found: Sequence[Finding]) -> dict[str, int]:
    """How many findings have each outcome, in the order of `Outcome`."""
    counts = Counter(one.outcome for one in found)
    return {outcome.value: counts[outcome] for outcome in Outcome}
