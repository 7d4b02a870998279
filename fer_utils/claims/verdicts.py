"""One path for a verdict: a paper's claims, what the audit found of them and what runs measured, judged together.

The verdict of a claim is the first of these that there is:

1. `inconsistent`, where the audit finds the claim itself impossible, and not by a misprint or rounding;
2. what the published full run measured;
3. what this build's run of the chapter measured;
4. `inconsistent`, where another claim that should agree contradicts it;
5. `not possible here`.

A run that could not test a claim passes it on. So of two claims that contradict each other, one that a measurement or an
official count bears on has the verdict of that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from fer_utils.claims.audit.findings import Finding, contradicted_partners, contradictions
from fer_utils.claims.schema import Claim, ClaimSet
from fer_utils.results.records import Measurement, Metric, Result

AUDIT = "claims_audit"
REAL, OTHER, RENDERED, NO_IMAGES = "real", "not the published images", "rendered", "none"

LACKING = {
    "scale": "measured by a run that is smaller than the paper's; the profile full is not",
    "data": "this run did not use the claim's dataset",
    "weights": "measured from random weights, since those that the claim's network began with were not to be had",
}
KINDS_WITHOUT_VERDICT = {
    "setting": "a setting and not a result; the profile full follows it unless the table of choices says otherwise",
    "figure": "a drawing whose values are not in the text; its counterpart is drawn in the chapter",
    "class_names": "names, not numbers",
    "prediction_examples": "single images, which cannot be identified; counterparts are drawn in the chapter",
}


class Verdict(StrEnum):
    """What the book says of a claim; the rules stand in `judge` and `judge_all`."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONSISTENT = "inconsistent"
    PROTOCOL_ARTEFACT = "protocol artefact"
    NOT_POSSIBLE = "not possible here"


@dataclass(frozen=True)
class Judgement:
    """A claim, its verdict with the reason and who decided it, and what was measured.

    `printed` is the number compared. `measured` and `flawed` (the same with a flawed protocol) can stand beside it; `elsewhere`
    is what was measured on other data or with other weights, and no verdict follows from it. `lacking` is why none was
    possible: data, weights, or a measurement. `run` made the measurement.
    """

    claim: Claim
    verdict: Verdict
    reason: str
    decided_by: str = ""
    lacking: str = ""
    printed: float | None = None
    measured: Metric | None = None
    flawed: Metric | None = None
    elsewhere: Metric | None = None
    run: Result | None = None

    @property
    def shown(self) -> Metric | None:
        """What was measured, on whichever data; `faces` says which."""
        return self.measured or self.elsewhere

    @property
    def faces(self) -> str:
        """Whether what is shown was measured on real faces, not the published images, rendered ones, or none.

        None are needed for what is computed from the paper, the network or official counts. Empty where nothing was measured.
        """
        if self.shown is None or self.run is None:
            return ""
        if self.run.dataset is None or self.shown not in self.run.metrics:
            return NO_IMAGES
        if self.shown.scored_on.startswith("rendered") or not self.run.dataset.real:
            return RENDERED
        return OTHER if self.lacking == "data" else REAL


@dataclass(frozen=True)
class PaperVerdicts:
    """What the book says of a paper: its claims, what the audit found of them, and a judgement of each, in the paper's order."""

    paper: ClaimSet
    findings: tuple[Finding, ...]
    judgements: tuple[Judgement, ...]

    def __getitem__(self, claim: str) -> Judgement:
        """The judgement of a claim. Raises KeyError naming the claims there are."""
        return self.judgements[self.paper.claims.index(self.paper[claim])]

    @property
    def main(self) -> Judgement:
        """The judgement of the paper's main claim."""
        return self[self.paper.main.id]

    def counts(self) -> dict[str, int]:
        """How many claims have each verdict, in the order of `Verdict`."""
        found = Counter(judgement.verdict for judgement in self.judgements)
        return {verdict.value: found[verdict] for verdict in Verdict}


def judge_all(paper: ClaimSet, findings: Sequence[Finding], measured: Mapping[str, Result]) -> PaperVerdicts:
    """All claims of a paper judged by the rules above; `measured` are results by what each is called, the first asked first.

    Raises ValueError where a result measured something for what is no claim of the paper.
    """
    ids = {claim.id for claim in paper.claims}
    for name, result in measured.items():
        if unknown := sorted(result.measurements.keys() - ids):
            raise ValueError(f"the {name} of {result.chapter} measured {unknown[0]!r}, which is no claim of {paper.paper.key}")
    impossible, contradicted = contradictions(findings), contradicted_partners(findings)
    judgements = []
    for claim in paper.claims:
        judgement = _by_runs(claim, measured)
        passed_on = contradicted if judgement.verdict is Verdict.NOT_POSSIBLE else {}
        if reason := impossible.get(claim.id) or passed_on.get(claim.id):
            judgement = replace(judgement, verdict=Verdict.INCONSISTENT, reason=reason, decided_by=AUDIT)
        judgements.append(judgement)
    return PaperVerdicts(paper, tuple(findings), tuple(judgements))


def _by_runs(claim: Claim, measured: Mapping[str, Result]) -> Judgement:
    """The first judgement that a run's measurement allows; else that of real faces before others, of this build before others."""
    judged = [
        replace(judge(claim, result.measurements[claim.id]), decided_by=name, run=result)
        for name, result in measured.items()
        if claim.id in result.measurements
    ]
    if possible := [one for one in judged if one.verdict is not Verdict.NOT_POSSIBLE]:
        return possible[0]
    if judged:
        return min(reversed(judged), key=lambda one: one.lacking == "data")
    unmeasured = "nothing comparable was measured" if measured else "the chapter has not been run in this build"
    reason = KINDS_WITHOUT_VERDICT.get(claim.quantity, unmeasured)
    asked_last = ["no run", *measured][-1]
    return Judgement(claim, Verdict.NOT_POSSIBLE, reason, asked_last, lacking="measurement", printed=_value(claim))


def judge(claim: Claim, measurement: Measurement) -> Judgement:
    """The verdict on one claim from a measurement, by these rules in this order.

    1. `not possible here`: not measured on the data, or with the weights, that the claim is about, or there is no number.
    2. `reproduced`: the printed value lies in the interval of the sound measurement.
    3. `protocol artefact`: it lies only in the interval of the measurement made with the flawed protocol.
    4. `not reproduced`: otherwise.
    """
    sound, flawed = measurement.sound, measurement.flawed
    printed = measurement.printed if measurement.printed is not None else _value(claim)
    if measurement.lacking or printed is None:
        lacking = measurement.lacking or "measurement"
        reason = LACKING.get(lacking, "nothing comparable was measured")
        return Judgement(claim, Verdict.NOT_POSSIBLE, reason, lacking=lacking, printed=printed, elsewhere=sound)
    if sound.contains(printed):
        verdict = Verdict.REPRODUCED
        reason = f"{printed:.4g} lies within {sound.interval_text()}"
        if sound.low is None:
            reason = f"equal to what was counted here ({sound.scored_on or sound.name})"
    elif flawed is not None and flawed.contains(printed):
        verdict = Verdict.PROTOCOL_ARTEFACT
        reason = f"{printed:.4g} is reached only with the flawed protocol ({flawed.interval_text()}); "
        reason += f"the sound one gives {sound.interval_text()}"
    else:
        verdict, reason = Verdict.NOT_REPRODUCED, f"{printed:.4g} lies outside {sound.interval_text()}"
    return Judgement(claim, verdict, reason, printed=printed, measured=sound, flawed=flawed)


def _value(claim: Claim) -> float | None:
    return float(claim.value) if isinstance(claim.value, int | float) and not isinstance(claim.value, bool) else None
