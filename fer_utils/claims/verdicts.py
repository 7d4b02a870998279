"""The rules that turn a claim and a measurement into a verdict."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import pandas as pd
from pydantic import BaseModel

from fer_utils.claims.schema import Claim, ClaimSet
from fer_utils.results.records import Metric


class Verdict(StrEnum):
    """What the book says of a claim; the rules stand in `judge`."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONSISTENT = "inconsistent"
    PROTOCOL_ARTEFACT = "protocol artefact"
    NOT_TESTABLE = "not testable here"


class Judgement(BaseModel):
    """A claim beside what was measured, and the verdict that follows by rule.

    `measured_elsewhere` is what stands in for `measured` where the run did not use the claim's data; no verdict follows from it.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    printed: float | None = None
    measured: Metric | None = None
    measured_with_flaw: Metric | None = None
    measured_elsewhere: Metric | None = None


def judge(
    claim: Claim,
    *,
    printed: float | None = None,
    sound: Metric | None = None,
    flawed: Metric | None = None,
    contradiction: str = "",
    same_data: bool = True,
) -> Judgement:
    """The verdict on one claim, by these rules in this order.

    1. `inconsistent`: the paper's own numbers contradict the claim (`contradiction` says how).
    2. `not testable here`: nothing measured, or not on the data and protocol the claim is about (`same_data`).
    3. `reproduced`: the printed value lies in the interval of the sound measurement.
    4. `protocol artefact`: it lies only in the interval of the measurement made with the flawed protocol.
    5. `not reproduced`: otherwise.

    `printed` is the number compared (default: the claim's value), in the unit of the metrics.
    """
    if printed is None and isinstance(claim.value, int | float):
        printed = float(claim.value)

    measured = {"measured": sound, "measured_with_flaw": flawed} if same_data else {"measured_elsewhere": sound}

    def judgement(verdict: Verdict, reason: str) -> Judgement:
        return Judgement(claim=claim, verdict=verdict, reason=reason, printed=printed, **measured)

    if contradiction:
        return judgement(Verdict.INCONSISTENT, contradiction)
    if sound is None or printed is None:
        return judgement(Verdict.NOT_TESTABLE, "nothing comparable was measured")
    if not same_data:
        return judgement(Verdict.NOT_TESTABLE, "this run did not use the claim's dataset")
    if sound.contains(printed):
        return judgement(Verdict.REPRODUCED, _agreement(printed, sound))
    if flawed is not None and flawed.contains(printed):
        return judgement(
            Verdict.PROTOCOL_ARTEFACT,
            f"{printed:.4g} is reached only with the flawed protocol ({flawed.interval_text()}); "
            f"the sound one gives {sound.interval_text()}",
        )
    return judgement(Verdict.NOT_REPRODUCED, f"{printed:.4g} lies outside {sound.interval_text()}")


KINDS_WITHOUT_VERDICT = {
    "setting": "a setting and not a result; the profile full follows it unless the table of choices says otherwise",
    "figure": "a drawing whose values are not in the text; its counterpart is drawn in the chapter",
    "class_names": "names, not numbers",
    "prediction_examples": "single images, which cannot be identified; counterparts are drawn in the chapter",
}


def with_the_rest(paper: ClaimSet, judged: list[Judgement]) -> list[Judgement]:
    """The judgements, then `not testable here` for every other claim of the paper, with a reason by its quantity.

    Raises ValueError when a claim was judged twice or is not the paper's.
    """
    ids = [judgement.claim.id for judgement in judged]
    if wrong := {name for name in ids if ids.count(name) > 1 or name not in {claim.id for claim in paper.claims}}:
        raise ValueError(f"{paper.paper.key}: judged twice, or no claim of it: {', '.join(sorted(wrong))}")
    rest = [
        Judgement(
            claim=claim,
            verdict=Verdict.NOT_TESTABLE,
            reason=KINDS_WITHOUT_VERDICT.get(claim.quantity, "nothing comparable was measured"),
            printed=claim.value if type(claim.value) in (int, float) else None,
        )
        for claim in paper.claims
        if claim.id not in ids
    ]
    return judged + rest


def _agreement(printed: float, sound: Metric) -> str:
    if sound.low is None:
        return f"equal to what was counted here ({sound.scored_on or sound.name})"
    return f"{printed:.4g} lies within {sound.interval_text()}"


def verdict_rows(judgements: list[Judgement]) -> list[dict[str, Any]]:
    """The judgements for `Result.tables["verdicts"]`: one row per claim, of plain values, the claim by its identifier."""
    return [judgement.model_dump(mode="json", exclude={"claim"}) | {"claim": judgement.claim.id} for judgement in judgements]


def verdict_table(judgements: list[Judgement]) -> pd.DataFrame:
    """Reported against reproduced: one row per judged claim, in the order given."""

    def printed(judgement: Judgement) -> str:
        if judgement.printed is None:
            return str(judgement.claim.value) if isinstance(judgement.claim.value, str) else ""
        if 0 < abs(judgement.printed) < 0.1:
            return f"{judgement.printed:g}"
        return f"{judgement.printed:,.2f}".removesuffix(".00")

    return pd.DataFrame(
        [
            {
                "claim": f"{j.claim.statement} ({j.claim.where})",
                "printed": printed(j),
                "measured": "" if j.measured is None else str(j.measured),
                "verdict": j.verdict.value,
                "because": j.reason,
            }
            for j in judgements
        ]
    )
