"""Shares of true classes, of predicted ones or of all items, printed either way, and means of folds, pooled or not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_utils.claims.audit import arithmetic, checks
from fer_utils.claims.audit.findings import Grade, Outcome
from fer_utils.claims.schema import ClaimSet

PLACE = {"statement": "abc", "where": "p. 1", "belongs_to": "text", "unit": "percent"}
COUNTS = np.array([[40, 3, 1], [6, 21, 4], [0, 2, 17]])
SHARES_OF = {
    "true classes": COUNTS.sum(axis=1, keepdims=True),
    "predicted classes": COUNTS.sum(axis=0),
    "all items": COUNTS.sum(),
}


def audited(*entries):
    return checks.audit_claims(
        ClaimSet.model_validate({"paper": {"key": "p", "title": "T", "authors": "A"}, "claims": list(entries)})
    )


def matrix_of(shares, known, places=1):
    return {
        "id": "matrix",
        "quantity": "confusion_matrix",
        "value": [[f"{100 * share:.{places}f}" for share in row] for row in shares],
        "labels": [f"c{place}" for place in range(len(shares))],
        "links": [{"kind": "class_counts", "counts": list(map(int, known)), "source": "test set"}],
        **PLACE,
    }


def accuracy(text):
    links = [{"kind": "same_as", "amount": {"claim": "matrix"}}]
    return {"id": "accuracy", "quantity": "accuracy", "value": text, "links": links, **PLACE}


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("of", SHARES_OF)
def test_a_true_matrix_is_not_accused_whatever_its_cells_are_shares_of(of, turned):
    shares = COUNTS / SHARES_OF[of]
    found = audited(matrix_of(shares.T if turned else shares, COUNTS.sum(axis=1)), accuracy("82.98"))
    assert {one.outcome for one in found} <= {Outcome.CONSISTENT, Outcome.NOTABLE}
    assert [one.outcome for one in found if one.claim == "accuracy"] == [Outcome.CONSISTENT]


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("of", SHARES_OF)
def test_a_changed_cell_and_a_wrong_accuracy_are_found_whatever_the_cells_are_shares_of(of, turned):
    shares = COUNTS / SHARES_OF[of]
    changed = shares + np.diag([0, 0.05, 0])
    assert audited(matrix_of(changed.T if turned else changed, COUNTS.sum(axis=1)))[0].outcome == Outcome.IMPOSSIBLE
    found = audited(matrix_of(shares.T if turned else shares, COUNTS.sum(axis=1)), accuracy("89.36"))
    assert [one.outcome for one in found if one.claim == "accuracy"] == [Outcome.IMPOSSIBLE]


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=3, max_size=3), st.integers(0, 2), st.booleans())
def test_an_accuracy_that_one_of_several_readings_allows_is_not_accused(rows, places, of_all):
    counts = np.array(rows) + np.eye(3, dtype=int)
    shares = counts / (counts.sum() if of_all else counts.sum(axis=1, keepdims=True))
    right = 100 * np.trace(counts) / counts.sum()
    found = audited(matrix_of(shares, counts.sum(axis=1), places), accuracy(f"{right:.2f}"))
    assert Outcome.IMPOSSIBLE not in {one.outcome for one in found}


def test_cells_below_one_are_means_of_images_where_the_unit_says_so_and_refused_where_it_says_nothing():
    entry = matrix_of(np.array([[0.009, 0.001], [0.002, 0.008]]), [10, 10])
    found = audited(entry | {"unit": "images", "links": []})
    assert "means and no counts" in found[0].meaning
    with pytest.raises(ValueError, match="expected unit: fraction"):
        audited(entry | {"unit": "none", "links": []})


def test_a_mean_pooled_over_folds_of_unequal_size_is_allowed_and_one_further_off_is_not():
    folds = ["100.0", "0.0"]  # of 2 and 1 items, or of 1 and 2
    assert not arithmetic.check_fold_mean("66.7", folds).possible
    assert (
        arithmetic.check_fold_mean("66.7", folds, items=3).possible
        and arithmetic.check_fold_mean("33.3", folds, items=3).possible
    )
    assert not arithmetic.check_fold_mean("66.9", folds, items=3).possible


def test_a_mean_with_a_spread_needs_no_count_and_one_without_does():
    trials = {"kind": "trials", "n": [{"number": 261, "source": "test set"}]}
    entry = {"id": "accuracy", "quantity": "accuracy", "links": [trials], **PLACE}
    outcomes = [audited(entry | {"value": text})[0].outcome for text in ("99.69 +/- 0.31", "99.69", "99.62")]
    assert outcomes == [Outcome.NOTABLE, Outcome.IMPOSSIBLE, Outcome.CONSISTENT]


def test_a_row_is_below_another_if_one_of_the_numbers_of_its_cell_is_and_not_if_none_is():
    table = {"quantity": "literature_table", "columns": ["accuracy"], "id": "table", **PLACE}
    rows = {"range": ["93.43 ~ 95.24"], "two": ["90.54 (48x48) 94.59 (64x64)"], "ours": ["95.00"], "low": ["80.1"]}
    entry = {"id": "best", "quantity": "comparison", "value": "best", **PLACE, "unit": "none"}

    def outcome(row, than):
        return audited(
            table | {"value": rows}, entry | {"links": [{"kind": "below", "claim": "table", "row": row, "than": than}]}
        )

    assert [outcome(*rows)[1].outcome for rows in (("two", "ours"), ("range", "ours"))] == [Outcome.CONSISTENT] * 2
    assert outcome("two", "low")[1].outcome == Outcome.IMPOSSIBLE


def report_of(precision, recall, f1, accuracy):
    rows = {
        "a": [*(score[0] for score in (precision, recall, f1)), "40"],
        "b": [*(score[1] for score in (precision, recall, f1)), "40"],
    }
    means = [str(round(sum(map(float, score)) / 2, 4)) for score in (precision, recall, f1)]
    return rows | {"accuracy": [None, None, accuracy, "80"], "macro_avg": [*means, "80"], "weighted_avg": [*means, "80"]}


def test_an_accuracy_with_its_digits_cut_off_is_not_accused_beside_its_report_and_a_wrong_one_is():
    # 31 of 40 and 22 of 40 right: 53 of 80 is 66.25 %, so 66 % rounded and cut off; 0.6625 with four decimals
    value = report_of(["0.6327", "0.7097"], ["0.7750", "0.5500"], ["0.6966", "0.6197"], "0.6625")
    columns = ["precision", "recall", "f1", "support"]
    report = {"id": "matrix", "quantity": "classification_report", "value": value, "columns": columns, **PLACE, "unit": "none"}
    outcomes = [
        [one.outcome for one in audited(report, accuracy(text)) if one.claim == "accuracy"] for text in ("66.3", "66.2", "66.9")
    ]
    assert outcomes == [[Outcome.CONSISTENT], [Outcome.CONSISTENT], [Outcome.IMPOSSIBLE]]
    off_by_rounding, no_count = (
        [one for one in audited(report, accuracy(text)) if one.claim == "accuracy"][0] for text in ("66.26", "67.84")
    )
    assert (off_by_rounding.grade, no_count.grade) == (Grade.ROUNDING, Grade.SUBSTANTIVE)


def test_a_report_with_a_class_that_is_never_predicted_is_compared_with_chance_in_finite_numbers():
    value = report_of(["0.50", "0.00"], ["1.00", "0.00"], ["0.67", "0.00"], "0.50")
    value |= {name: ["0.25", "0.50", "0.33", "80"] for name in ("macro_avg", "weighted_avg")}
    columns = ["precision", "recall", "f1", "support"]
    report = {"id": "matrix", "quantity": "classification_report", "value": value, "columns": columns, **PLACE, "unit": "none"}
    (chance,) = [one for one in audited(report) if one.check == "agreement with chance"]
    assert chance.outcome == Outcome.NOTABLE and "nan" not in chance.meaning
    assert "NaN" not in checks.as_json([chance])
