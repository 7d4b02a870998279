"""Pasted text becomes claims, or is refused by the line that cannot be read; the commands that take it."""

import json

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from fer_utils.book import cli
from fer_utils.claims import pasted, schema
from fer_utils.claims.audit import checks

SUMMARIES = ROOT / "tests/data/summaries"
REPORT = """              precision    recall  f1-score   support

  very happy       0.80      0.80      0.80         5
         sad       0.83      0.83      0.83         6

    accuracy                           0.82        11
   macro avg       0.82      0.82      0.82        11
weighted avg       0.82      0.82      0.82        11
"""


def outcomes(claims):
    return {(one.claim, one.check): str(one.outcome) for one in checks.audit_claims(claims) if one.check}


def fer_book(*arguments, given=None):
    ended = CliRunner().invoke(cli.app, ["audit", *map(str, arguments)], input=given)
    return ended.exit_code, ended.output, ended.exception


def rows_of(name):
    return pasted.summary((SUMMARIES / f"{name}.txt").read_text(encoding="utf-8"))["layer_table"].value


@pytest.mark.parametrize("name", ["vgg16", "mobilenet", "separable"])
def test_keras_2_and_3_print_the_same_shapes_and_parameters(name):
    assert [row[:2] for row in rows_of(f"keras2_{name}").values()][-6:] == [
        row[:2] for row in rows_of(f"keras3_{name}").values()
    ][-6:]


def test_wrapped_and_cut_cells_are_put_together():
    assert rows_of("keras2_residual")["batch_normalization_5 (BatchNormalization)"][:2] == [[32, 32, 16], 64]
    assert rows_of("keras2_residual")["add (Add)"][2] == ["batch_normalization_5", "conv2d_9"]
    assert rows_of("keras3_residual")["concatenate (Concatenate)"] == [
        [32, 32, 36],
        0,
        ["conv2d_10", "conv2d_11", "max_pooling2d_4"],
    ]


def test_a_table_copied_from_a_paper_is_read_without_its_columns():
    text = "conv2d_7 (Conv2D)\t(None, 46, 46, 32)\t320\nmax_pooling2d_4 (MaxPooling2\t(None, 23, 23, 32)\t0\n"
    assert pasted.summary(text)["layer_table"].value == {
        "conv2d_7 (Conv2D)": [[46, 46, 32], 320],
        "max_pooling2d_4 (MaxPooling2": [[23, 23, 32], 0],
    }


def test_totals_are_sums_with_the_optimizer_apart_and_a_changed_one_is_found():
    text = (SUMMARIES / "keras3_compiled.txt").read_text(encoding="utf-8")
    assert set(outcomes(pasted.summary(text)).values()) == {"consistent"}
    assert outcomes(pasted.summary(text.replace("356,471", "356,417")))["total_parameters", "sum of parts"] == "impossible"


def test_a_report_is_read_with_spaces_in_its_classes():
    claims = pasted.report(REPORT)
    assert list(claims["report"].value) == ["very happy", "sad", "accuracy", "macro_avg", "weighted_avg"]
    assert "impossible" not in outcomes(claims).values()
    assert "impossible" in outcomes(pasted.report(REPORT.replace("0.83         6", "0.38         6"))).values()


@pytest.mark.parametrize(
    ("text", "unit", "labels"),
    [
        ("31,22\n27,20\n", "images", ["class 1", "class 2"]),
        (",smile,none\nsmile,31,22\nnone,27,20\n", "images", ["smile", "none"]),
        ("94;6\n8;92\n", "percent", ["class 1", "class 2"]),
        ("94,3;5,7\n8,5;91,5\n", "percent", ["class 1", "class 2"]),
        ("0.94\t0.06\n0.08\t0.92\n", "fraction", ["class 1", "class 2"]),
    ],
)
def test_a_matrix_is_read_with_labels_and_in_its_unit(text, unit, labels):
    claim = pasted.matrix(text)["matrix"]
    assert (claim.unit, list(claim.labels)) == (unit, labels)


def test_class_counts_tell_counts_from_percent():
    assert pasted.matrix("94;6\n8;92\n", counts=["100", "100"])["matrix"].unit == "images"


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (pasted.matrix, "1,2\n3\n", "line 2: '3' are not the 2 numbers"),
        (pasted.matrix, "", "the matrix is empty"),
        (pasted.report, REPORT.replace("0.83         6", "0.83"), "line 4: .* is no row of a report"),
        (pasted.report, REPORT.replace("   accuracy", "  micro avg"), "line 6 .* 'micro avg'"),
        (pasted.summary, "conv2d (Conv2D)  (None, 46, 46, 32)  320\nwhat is this\n", "line 2: 'what is this' is no row"),
        (pasted.summary, "", "there is no row of a layer table"),
    ],
)
def test_what_cannot_be_read_is_refused_by_its_line(read, text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


@pytest.mark.parametrize("read", [pasted.matrix, pasted.report, pasted.summary])
@given(text=st.text(alphabet="ab(),;.|│┃┡├ \t\n0123456789N…-%", max_size=80))
def test_any_text_is_read_or_refused(read, text):
    try:
        read(text)
    except ValueError:
        pass


def test_a_percentage_is_checked_in_one_line():
    assert fer_book("--percent", "97.55", "--of", "327")[0] == 0
    status, output, _ = fer_book("--percent", "97.56", "--of", "327")
    assert status == 1 and "319 of 327" in output


def test_standard_input_is_read_and_what_is_wrong_with_it_is_said():
    assert fer_book("--matrix", "-", "--accuracy", "93", "--counts", "53,47", given="50,3\n4,43\n")[0] == 0
    assert fer_book("--matrix", "-", "--accuracy", "94", given="50,3\n4,43\n")[0] == 1
    status, output, _ = fer_book("--report", "-", given="nonsense")
    assert status == 2 and "line 1" in output


@pytest.mark.parametrize("arguments", [[], ["--percent", "97"], ["--accuracy", "97"], ["a.yml", "--report", "-"]])
def test_a_command_that_asks_for_nothing_or_too_much_is_refused(arguments):
    assert isinstance(fer_book(*arguments)[2], cli.ParameterError)


def test_a_new_file_can_be_audited_names_its_schema_and_is_never_overwritten(tmp_path):
    file = tmp_path / "paper.yml"
    assert fer_book("--new", file)[0] == 0 and fer_book(file)[0] == 0
    name = file.read_text(encoding="utf-8").splitlines()[0].partition("$schema=")[2]
    assert json.loads((tmp_path / name).read_text(encoding="utf-8"))["properties"].keys() == {"paper", "claims"}
    file.write_text("mine", encoding="utf-8")
    assert isinstance(fer_book("--new", file)[2], cli.ParameterError) and file.read_text(encoding="utf-8") == "mine"


def test_the_schema_for_editors_is_current():
    current = (ROOT / "book/static/claims.schema.json").read_text(encoding="utf-8")
    assert current == schema.json_schema(), "run tools/claims_schema.py"
