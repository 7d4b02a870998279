"""What the audit leaves open and what it may take: every false number beside the true one that must not be accused."""

import time

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from fer_utils.claims.audit import checks, findings
from fer_utils.claims.audit.bounds import Bounds
from fer_utils.claims.audit.findings import Grade, Outcome
from fer_utils.claims.audit.rounded_tables import Form, possible_matrices, report_counts
from fer_utils.claims.printed import as_number
from fer_utils.claims.schema import ClaimSet, load_claims
from fer_utils.claims.verdicts import Verdict, judge_all

TYPED = ROOT / "tests/data/audit/typed"
PLACE = {"where": "Sec. 1", "belongs_to": "text"}
MATRIX = {"id": "matrix", "statement": "matrix", "quantity": "confusion_matrix", **PLACE}
REPORT_ROWS = ("precision", "recall", "f1", "support")


def audited(*entries):
    paper = ClaimSet.model_validate({"paper": {"key": "p", "title": "t", "authors": "a"}, "claims": list(entries)})
    return paper, checks.audit_claims(paper)


def accuracy(text, *links, claim="accuracy"):
    return {
        "id": claim,
        "statement": "accuracy",
        "quantity": "accuracy",
        "value": text,
        "unit": "percent",
        "links": [*links],
        **PLACE,
    }


def trials(n, parts=1, **more):
    return {"kind": "trials", "n": [{"number": n, "source": "Sec. 1", "parts": parts}], **more}


def of_typed(name, check):
    (found,) = [one for one in checks.audit_claims(load_claims(TYPED / f"{name}.yml")) if one.check == check]
    return found


# matrices of shares, in every form


def printed_shares(counts, places, whole, *, cut):
    shares = whole * counts / counts.sum(axis=1, keepdims=True)
    shown = np.floor(shares * 10**places + 1e-9) / 10**places if cut else shares
    return [[f"{cell:.{places}f}" for cell in row] for row in shown]


TRUE_COUNTS = st.integers(2, 5).flatmap(
    lambda size: st.lists(st.lists(st.integers(0, 60), min_size=size, max_size=size), min_size=size, max_size=size)
)


@given(TRUE_COUNTS, st.integers(0, 3), st.booleans(), st.booleans())
def test_a_true_matrix_of_shares_is_never_accused(rows, places, percent, cut):
    counts = np.array(rows) + np.eye(len(rows), dtype=int)
    shares = printed_shares(counts, places if percent else places + 1, 100 if percent else 1, cut=cut)
    link = {"kind": "class_counts", "counts": counts.sum(axis=1).tolist(), "source": "Sec. 1"}
    unit, labels = "percent" if percent else "fraction", [f"c{i}" for i in range(len(rows))]
    _, found = audited(MATRIX | {"value": shares, "unit": unit, "labels": labels, "links": [link]})
    assert [one.outcome for one in found] == [Outcome.CONSISTENT]


@given(st.integers(1, 400), st.data())
def test_a_share_with_two_significant_digits_admits_its_count(n, data):
    count = data.draw(st.integers(0, n))
    shown = float(f"{count / n:.2g}")
    low, high = Form().ends(shown, 1)
    assert low * n <= count <= high * n


def test_a_small_matrix_with_two_decimals_is_not_called_transposed_and_one_that_is_is_called_so():
    counts = {"kind": "class_counts", "counts": [20, 40], "source": "Sec. 1"}
    true = MATRIX | {"unit": "fraction", "labels": ["a", "b"], "links": [counts]}
    (right,) = audited(true | {"value": [["0.95", "0.05"], ["0.10", "0.90"]]})[1]
    turned = [["0.83", "0.17"], ["0.00", "1.00"]]  # rows are predicted: 20 of a and 4 of b, then 36 of b
    (wrong,) = audited(true | {"value": turned})[1]
    assert right.outcome == Outcome.CONSISTENT
    assert (wrong.outcome, wrong.grade) == (Outcome.NOTABLE, Grade.MISPRINT)


def test_decimals_as_typed_decide_what_is_a_share():
    assert of_typed("matrix_decimals_field", "orientation and counts").outcome == Outcome.IMPOSSIBLE  # 90.00 of 62
    counts = {"kind": "class_counts", "counts": [62, 55], "source": "Sec. 1"}
    whole = MATRIX | {"value": [["90", "10"], ["20", "80"]], "unit": "percent", "labels": ["a", "b"], "links": [counts]}
    assert audited(whole)[1][0].outcome == Outcome.CONSISTENT  # 56 of 62 is 90 %


def test_means_of_counts_are_not_cut_to_counts():
    found = of_typed("matrix_decimals", "agreement with chance")
    assert found.outcome == Outcome.NOT_CHECKABLE and "81.25 % right" in found.meaning
    matrix = MATRIX | {"value": [["3.9", "0.9"], ["0.9", "3.9"]], "unit": "images", "labels": ["a", "b"]}
    link = {"kind": "same_as", "amount": {"claim": "matrix"}}
    outcomes = [audited(accuracy(text, link), matrix)[1][0].outcome for text in ("81.3", "95.0")]
    assert outcomes == [Outcome.CONSISTENT, Outcome.NOTABLE]


# reports


def report(recall):
    return {
        "a": [as_number("1.0000"), as_number(recall), as_number("0.5556"), 13],
        "b": [as_number("0.5000"), as_number("1.0000"), as_number("0.6667"), 8],
        "accuracy": [None, None, as_number("0.6190"), 21],
        "macro_avg": [as_number("0.7500"), as_number("0.6923"), as_number("0.6111"), 21],
        "weighted_avg": [as_number("0.8095"), as_number("0.6190"), as_number("0.5979"), 21],
    }


def test_a_report_with_four_decimals_is_read_with_four():
    assert report_counts(report("0.3846")).tables.tolist() == [[[5, 5], [8, 16]]]
    with pytest.raises(ValueError, match="no counts of 21"):
        report_counts(report("0.3890"))


def test_a_public_report_that_no_counts_give_is_found():
    assert of_typed("report4_bad", "counts behind the report").outcome == Outcome.IMPOSSIBLE
    assert of_typed("res_raf", "supports").outcome == Outcome.IMPOSSIBLE


# readings of a percentage


@pytest.mark.parametrize(
    ("link", "outcome"),
    [
        (trials(327), Outcome.IMPOSSIBLE),
        (trials(327, readings=["pooled"]), Outcome.IMPOSSIBLE),
        (trials(327, readings=["pooled", "subjects"]), Outcome.NOTABLE),
        (trials(327, parts=5), Outcome.NOTABLE),
        (trials(327, parts=5, readings=["pooled"]), Outcome.IMPOSSIBLE),
        (trials(1000), Outcome.CONSISTENT),
    ],
)
def test_a_percentage_is_impossible_only_where_no_open_reading_allows_it(link, outcome):
    assert audited(accuracy("88.3", link) if link == trials(1000) else accuracy("98.99", link))[1][0].outcome == outcome


def test_what_was_assumed_stands_with_the_finding():
    assert audited(accuracy("98.99", trials(327)))[1][0].assuming == "pooled over the items, rounded or cut off"


def test_a_mean_of_folds_does_not_contradict_the_pooled_accuracy():
    folds = {"id": "folds", "statement": "mean", "quantity": "accuracy", "value": "84.25", "unit": "percent", **PLACE}
    folds |= {"links": [trials(480, readings=["folds"])]}
    same = {"kind": "same_as", "amount": {"claim": "folds"}}
    paper, found = audited(accuracy("84.17", same, trials(480)), folds)
    assert {one.outcome for one in found} == {Outcome.CONSISTENT, Outcome.NOTABLE}
    paper, found = audited(accuracy("84.17", same, trials(480)), folds | {"links": []})
    assert judge_all(paper, found, {})["accuracy"].verdict == Verdict.INCONSISTENT


def test_a_matrix_at_chance_says_nothing_of_an_accuracy_and_one_above_chance_does():
    link = {"kind": "same_as", "amount": {"claim": "matrix"}}
    matrix = MATRIX | {"unit": "images", "labels": ["a", "b"]}
    at_chance = audited(accuracy("88.3", link), matrix | {"value": [[30, 30], [20, 20]]})[1][0]
    above = audited(accuracy("88.3", link), matrix | {"value": [[45, 15], [5, 35]]})[1][0]
    assert (at_chance.outcome, above.outcome) == (Outcome.NOTABLE, Outcome.IMPOSSIBLE)


def test_the_sum_of_rounded_parts_may_differ_by_their_rounding():
    shares = {"id": "shares", "statement": "shares", "quantity": "share", "unit": "percent", "columns": ["share"], **PLACE}
    whole = accuracy("100.0", {"kind": "sum", "parts": [{"claim": "shares", "column": "share"}]})
    outcomes = [
        audited(whole, shares | {"value": {name: [text] for name, text in zip("abc", parts, strict=True)}})[1][0].outcome
        for parts in (("33.3", "33.3", "33.3"), ("33.3", "33.3", "30.3"))
    ]
    assert outcomes == [Outcome.CONSISTENT, Outcome.IMPOSSIBLE]


# grades


@pytest.mark.parametrize(
    ("printed", "needed", "unit", "grade"),
    [
        (97.56, 97.55, 0.01, Grade.ROUNDING),
        (54.15, 54.13, 0.01, Grade.MISPRINT),
        (4593, 4953, 1, Grade.SUBSTANTIVE),
        (35627, 36527, 1, Grade.MISPRINT),
        (88.29, 17.46, 0.01, Grade.SUBSTANTIVE),
        (0.02, 0.01, 0.01, Grade.SUBSTANTIVE),
    ],
)
def test_a_difference_is_graded_by_its_size_and_digits(printed, needed, unit, grade):
    assert findings.grade_of_difference(printed, needed, unit) == grade


def test_only_what_is_substantive_makes_a_claim_inconsistent():
    total = {"id": "total", "statement": "total", "quantity": "count", "unit": "images", **PLACE}
    parts = {"links": [{"kind": "sum", "parts": [{"number": 35887, "source": "Sec. 1"}]}]}
    verdicts = [judge_all(*audited(total | parts | {"value": text}), {})["total"].verdict for text in ("35,888", "12,345")]
    assert verdicts == [Verdict.NOT_POSSIBLE, Verdict.INCONSISTENT]


# bounds


def test_a_matrix_too_large_to_search_ends_as_not_checkable_with_what_was_found():
    found = of_typed("fer_private", "orientation and counts")
    assert found.outcome == Outcome.NOT_CHECKABLE
    assert "1 of 7 rows are no shares" in found.meaning and "stopped at its bounds" in found.meaning


def test_a_true_matrix_of_that_size_needs_no_search():
    supports = np.array([491, 55, 528, 879, 594, 416, 626])
    counts = np.random.default_rng(0).multinomial(supports, [0.4, *[0.1] * 6])
    shares = printed_shares(counts, 0, 100, cut=False)
    found = possible_matrices(np.array(shares, dtype=float), row_totals=supports, whole=100, form=Form(0))
    low, high = found.right
    assert not found.complete and low <= np.trace(counts) <= high


def test_a_search_ends_with_its_time():
    shares = np.eye(6).tolist()
    over = Bounds(deadline=time.monotonic() - 1)
    assert not possible_matrices(shares, total=60, bounds=over).complete
    assert possible_matrices(shares, total=9).complete


def test_a_report_too_large_to_search_keeps_limits_by_recall():
    found = report_counts(report("0.3846"), bounds=Bounds(kept=0))
    assert not found.complete and found.true_positives == {"a": (5,), "b": (8,)}


# ranks, orders and sizes in words


@pytest.mark.parametrize(
    ("name", "rank", "outcome"),
    [("a", "highest", Outcome.CONSISTENT), ("c", "highest", Outcome.NOTABLE), ("a", "lowest", Outcome.IMPOSSIBLE)],
)
def test_a_best_class_is_impossible_only_where_no_score_puts_it_first(name, rank, outcome):
    matrix = MATRIX | {"value": [[90, 5, 5], [20, 70, 10], [2, 1, 4]], "unit": "images", "labels": ["a", "b", "c"]}
    said = {"id": "said", "statement": "best class", "quantity": "class", "value": name, "unit": "none", **PLACE}
    found = audited(said | {"links": [{"kind": "extreme", "matrix": "matrix", "rank": rank}]}, matrix)[1][0]
    assert found.outcome == outcome and (outcome != Outcome.NOTABLE or "number of errors" in found.meaning)


def test_an_order_of_rows_is_of_the_columns_that_are_named():
    table = {"id": "table", "statement": "literature", "quantity": "literature", "unit": "percent", **PLACE}
    table |= {"columns": ["accuracy", "recall"], "value": {"theirs": ["90.5", "99.0"], "ours": ["95.2", "98.0"]}}
    said = {"id": "said", "statement": "better", "quantity": "comparison", "value": "better", "unit": "none", **PLACE}
    link = {"kind": "below", "claim": "table", "row": "theirs", "than": "ours"}
    outcomes = [audited(said | {"links": [link | more]}, table)[1][0].outcome for more in ({"columns": ["accuracy"]}, {})]
    assert outcomes == [Outcome.CONSISTENT, Outcome.IMPOSSIBLE]


def test_about_a_number_is_not_held_against_one_that_is_near():
    total = {"id": "total", "statement": "about 20", "quantity": "count", "value": "20", "unit": "images", **PLACE}
    table = {"id": "report", "statement": "report", "quantity": "classification_report", "columns": REPORT_ROWS, "unit": "none"}
    table |= {"value": report("0.3846"), "links": [{"kind": "size", "of": [{"claim": "total"}]}], **PLACE}
    outcomes = [
        next(one.outcome for one in audited(table, total | {"approximate": about})[1] if one.check == "size of the test set")
        for about in (True, False)
    ]
    assert outcomes == [Outcome.CONSISTENT, Outcome.IMPOSSIBLE]


def test_rows_that_no_test_compares_need_not_be_of_the_same_folds():
    folds = {"id": "folds", "statement": "folds", "quantity": "fold_accuracies", "unit": "percent", **PLACE}
    folds |= {"value": {"x": ["50.0", "75.0"], "y": ["60.0", "80.0"]}, "links": [trials(9)]}
    test = {"id": "p", "statement": "p-value", "quantity": "p_value", "value": "0.5", "unit": "none", **PLACE}
    test |= {"links": [{"kind": "folds", "claim": "folds", "rows": ["x", "y"]}]}
    alone, compared = (
        {one.outcome for one in audited(folds, *others)[1] if (one.claim, one.check) == ("folds", "same folds")}
        for others in ((), (test,))
    )
    assert (alone, compared) == (set(), {Outcome.IMPOSSIBLE})
