"""Validates the audit on tables that are true by construction, and on the same tables with a fault planted.

Run it as `python tools/validate_audit.py 2000`: so many true tables are drawn and audited, each fault is planted into as many of
them as have its kind, and the counts are written to `book/results/audit_validation.json`, which the page on audits shows.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import classification_report

from fer_utils.claims.audit import checks
from fer_utils.claims.audit.findings import Outcome
from fer_utils.claims.schema import ClaimSet

PAPER = {"key": "drawn", "title": "Drawn", "authors": "Nobody"}
SCORES = ("precision", "recall", "f1-score")
Claims = list[dict[str, Any]]
Drawn = tuple[Claims, dict[str, Claims]]  # a true table and what stands beside it, and the same with each fault


def claim(name: str, quantity: str, value: Any, unit: str, *links: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An entry of a claims file."""
    place = {"statement": name, "where": "p. 1", "belongs_to": "text"}
    return {"id": name, "quantity": quantity, "value": value, "unit": unit, "links": [*links], **place, **more}


def printed(number: float, decimals: int, cut: bool = False) -> str:
    """A number with so many decimals, rounded or cut off."""
    return f"{math.floor(number * 10**decimals + 1e-9) / 10**decimals if cut else number:.{decimals}f}"


def confusion(random: np.random.Generator) -> np.ndarray:
    """Counts (k, k) of a classifier that is better than chance, rows the true classes."""
    sizes = random.integers(5, random.choice([20, 100, 600]), int(random.integers(2, 9)))
    right = random.uniform(0.4, 0.98)
    wrong = [(1 - right) * random.dirichlet(np.full(len(sizes), 0.5)) for _ in sizes]
    rows = np.stack(wrong) + right * np.eye(len(sizes))
    return np.stack([random.multinomial(size, row / row.sum()) for size, row in zip(sizes, rows, strict=True)])


def of_matrix(matrix: np.ndarray, accuracy: str, cells: list[list[str]], unit: str, sizes: list[int]) -> Claims:
    """A matrix of classes with known sizes, and the accuracy that follows from it."""
    known = {"kind": "class_counts", "counts": sizes, "source": "official"}
    same = {"kind": "same_as", "amount": {"claim": "matrix"}}
    trials = {"kind": "trials", "n": [{"number": sum(sizes), "source": "sizes"}]}
    names = [f"class {number}" for number in range(len(matrix))]
    return [
        claim("matrix", "confusion_matrix", cells, unit, known, labels=names),
        claim("accuracy", "accuracy", accuracy, "percent", same, trials),
    ]


def matrices(random: np.random.Generator) -> Drawn:
    """A matrix as counts, percents or fractions, with 0 to 3 decimals, rounded or cut off, and its accuracy."""
    matrix = confusion(random)
    sizes, percent = matrix.sum(axis=1).tolist(), 100 * np.trace(matrix) / matrix.sum()
    form = random.choice(["images", "percent", "fraction"])
    decimals, cut = int(random.integers(1 if form == "fraction" else 0, 4)), random.random() < 0.15

    def cells(counts: np.ndarray) -> list[list[str]]:
        if form == "images":
            return [list(map(str, row)) for row in counts.tolist()]
        shares = counts / counts.sum(axis=1, keepdims=True) * (100 if form == "percent" else 1)
        return [[printed(share, decimals, cut) for share in row] for row in shares.tolist()]

    def table(counts: np.ndarray, accuracy: float) -> Claims:
        return of_matrix(counts, printed(accuracy, 2), cells(counts), str(form), sizes)

    changed = matrix.copy()
    row, column = random.integers(0, len(matrix), 2)
    changed[row, column] += max(2, sizes[row] // 20)
    labels, predictions = (np.repeat(np.indices(matrix.shape)[axis].ravel(), matrix.ravel()) for axis in (0, 1))
    shuffled = np.zeros_like(matrix)
    np.add.at(shuffled, (labels, random.permutation(predictions)), 1)
    faults = {"accuracy a point too high": table(matrix, percent + 1 if percent < 98 else percent - 1)}
    if form == "images":
        faults["a cell changed"] = table(changed, percent)
    if abs(np.trace(shuffled) - np.trace(matrix)) > 0.1 * matrix.sum():
        faults["matrix scored against shuffled labels"] = table(shuffled, percent)
    return table(matrix, percent), faults


def reports(random: np.random.Generator) -> Drawn:
    """scikit-learn's classification report with 2 to 4 digits."""
    matrix, digits = confusion(random), int(random.integers(2, 5))
    labels, predictions = (np.repeat(np.indices(matrix.shape)[axis].ravel(), matrix.ravel()) for axis in (0, 1))
    found = classification_report(labels, predictions, output_dict=True, zero_division=0)
    size = str(int(matrix.sum()))

    def table(scores: dict[str, list[float]], accuracy: float) -> Claims:
        rows: dict[str, list[Any]] = {
            f"class {name}": [*(printed(score, digits) for score in scores[name]), str(int(found[name]["support"]))]
            for name in map(str, range(len(matrix)))
        }
        rows["accuracy"] = [None, None, printed(accuracy, digits), size]
        for name in ("macro avg", "weighted avg"):
            rows[name.replace(" ", "_")] = [*(printed(score, digits) for score in scores[name]), size]
        return [claim("report", "classification_report", rows, "none", columns=["precision", "recall", "f1", "support"])]

    true = {name: [found[name][score] for score in SCORES] for name in found if name != "accuracy"}
    exchanged = true | {"0": [true["0"][1], true["0"][0], true["0"][2]]}
    higher = true | {"0": [*true["0"][:2], min(1.0, true["0"][2] + 0.05)]}
    faults = {"accuracy of a report 5 points too high": table(true, min(1.0, found["accuracy"] + 0.05))}
    if abs(true["0"][0] - true["0"][1]) > 0.05:
        faults["precision and recall exchanged"] = table(exchanged, found["accuracy"])
    if true["0"][2] < 0.9:
        faults["one F1 raised by 0.05"] = table(higher, found["accuracy"])
    return table(true, found["accuracy"]), faults


def percentages(random: np.random.Generator) -> Drawn:
    """A percentage of a known number of trials."""
    n = int(random.integers(20, 1500))
    right, decimals = int(random.integers(0, n + 1)), int(random.integers(1, 3))

    def table(text: str, trials: int) -> Claims:
        link = {"kind": "trials", "n": [{"number": trials, "source": "sizes"}], "readings": ["pooled"]}
        return [claim("accuracy", "accuracy", text, "percent", link)]

    text = printed(100 * right / n, decimals, random.random() < 0.15)
    whole, _, fraction = text.partition(".")
    faults = {"another number of trials": table(text, n + int(random.integers(1, 10)))}
    if len(whole) == 2 and whole[0] != whole[1]:
        faults["two digits of a percentage exchanged"] = table(f"{whole[::-1]}.{fraction}", n)
    return table(text, n), faults


def sums(random: np.random.Generator) -> Drawn:
    """Parts, their total, and a difference of two percentages."""
    parts = random.integers(10, random.choice([1000, 100_000]), int(random.integers(2, 9))).tolist()
    first, second = random.uniform(20, 99, 2).round(2).tolist()

    def table(total: str, difference: float) -> Claims:
        counts = {f"class {number}": [f"{part:,}"] for number, part in enumerate(parts)}
        sum_of = {"kind": "sum", "parts": [{"claim": "counts", "column": "images"}]}
        less = {"kind": "difference", "of": {"claim": "first"}, "minus": {"claim": "second"}}
        return [
            claim("counts", "class_counts", counts, "images", columns=["images"]),
            claim("total", "count", total, "images", sum_of),
            claim("first", "accuracy", printed(first, 2), "percent"),
            claim("second", "accuracy", printed(second, 2), "percent"),
            claim("gain", "gain", printed(difference, 2), "percentage_points", less),
        ]

    total, faults = f"{sum(parts):,}", {"a difference off by 0.1": table(f"{sum(parts):,}", first - second + 0.1)}
    digits = str(sum(parts))
    if digits[-1] != digits[-2]:
        faults["two digits of a total exchanged"] = table(f"{int(digits[:-2] + digits[-1] + digits[-2]):,}", first - second)
    return table(total, first - second), faults


def folds(random: np.random.Generator) -> Drawn:
    """Accuracies of folds and their mean."""
    n, k = int(random.integers(40, 1500)), int(random.choice([3, 5, 10]))
    sizes = [len(part) for part in np.array_split(np.arange(n), k)]
    exact = [100 * int(random.binomial(size, random.uniform(0.6, 0.95))) / size for size in sizes]
    decimals = int(random.integers(1, 4))

    def table(mean: float) -> Claims:
        trials = {"kind": "trials", "n": [{"number": n, "source": "sizes"}]}
        rows = {"ours": [printed(one, decimals) for one in exact]}
        of_folds = {"kind": "folds", "claim": "folds", "rows": ["ours"]}
        return [
            claim("folds", "fold_accuracies", rows, "percent", trials),
            claim("mean", "accuracy", printed(mean, 2), "percent", of_folds),
        ]

    return table(float(np.mean(exact))), {"a mean of folds a point too high": table(float(np.mean(exact)) + 1)}


KINDS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    "confusion matrices": matrices,
    "classification reports": reports,
    "percentages": percentages,
    "sums and differences": sums,
    "folds": folds,
}


def accused(claims: Claims) -> bool:
    """Whether the audit calls anything impossible."""
    paper = ClaimSet.model_validate({"paper": PAPER, "claims": claims})
    return any(one.outcome is Outcome.IMPOSSIBLE for one in checks.audit_claims(paper))


def validate(tables: int, seed: int) -> dict[str, Any]:
    """How many of so many true tables were accused, by kind, and how many planted faults of each sort were found."""
    true: dict[str, dict[str, int]] = {kind: {"tables": 0, "accused": 0} for kind in KINDS}
    planted: dict[str, dict[str, int]] = {}
    for number in range(tables):
        kind = list(KINDS)[number % len(KINDS)]
        claims, faults = KINDS[kind](np.random.default_rng([seed, number]))
        true[kind]["tables"] += 1
        true[kind]["accused"] += accused(claims)
        for name, wrong in faults.items():
            counts = planted.setdefault(name, {"planted": 0, "found": 0})
            counts["planted"] += 1
            counts["found"] += accused(wrong)
    return {"seed": seed, "true": true, "faults": planted}


def main(tables: int, target: Path) -> int:
    """Validate, print and write; the number of true tables that were accused."""
    began = time.perf_counter()
    found = validate(tables, seed=0)
    target.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1), f"{time.perf_counter() - began:.0f} s", sep="\n")
    return sum(counts["accused"] for counts in found["true"].values())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(__file__).resolve().parents[1] / "book/results/audit_validation.json") > 0)
