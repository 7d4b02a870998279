"""Numbers as papers print them, and the YAML that holds them: read rightly or refused by name, never cut or guessed."""

import re
from decimal import Decimal

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from fer_utils.claims import printed
from fer_utils.claims.schema import load_claims
from fer_utils.claims.strict_yaml import read_yaml

TYPED = ROOT / "tests/data/audit/typed"


@pytest.mark.parametrize(
    ("text", "value", "decimals"),
    [
        ("3589", "3589", 0),
        ("3,589", "3589", 0),
        ("1,234,567.8", "1234567.8", 1),
        ("3\N{THIN SPACE}589", "3589", 0),
        ("90.00", "90", 2),
        ("91.80 %", "91.8", 2),
        (".5", "0.5", 1),
        ("1e-3", "0.001", 3),
        ("1.5e7", "15000000", -6),
        ("\N{MINUS SIGN}1.2", "-1.2", 1),
    ],
)
def test_a_printed_number_is_read_whole(text, value, decimals):
    found = printed.read(text)
    assert (found.value, found.decimals) == (Decimal(value), decimals)


@pytest.mark.parametrize(("text", "value"), [("73,28", "73.28"), ("3.589", "3589"), ("1.234,5", "1234.5"), ("3,589", "3.589")])
def test_a_declared_decimal_comma_is_one(text, value):
    assert printed.read(text, ",").value == Decimal(value)


@pytest.mark.parametrize("text", ["98.80 +/- 0.40", "98.80 \N{PLUS-MINUS SIGN} 0.40", "98.80+-0.40"])
def test_a_spread_is_read_beside_its_number(text):
    found = printed.as_number(text)
    assert (found, printed.decimals(found), printed.spread(found)) == (98.8, 2, 0.4)


@pytest.mark.parametrize(
    "text", ["73,28", "0,589", "1,23,456", "3,5891", "1.2.3", "73.28.", "", "about 3", "1_000", "inf", "1 2"]
)
def test_what_cannot_be_read_in_one_way_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as|or write"):
        printed.read(text)


@pytest.mark.parametrize("text", ["73.28", "73.28.1"])
def test_a_point_is_no_decimal_mark_where_the_comma_is_declared(text):
    with pytest.raises(ValueError, match="decimal mark is ','"):
        printed.read(text, ",")


@given(st.decimals(0, 10**9, places=3), st.sampled_from(".,"))
def test_grouped_thousands_are_read_as_they_were_written(number, mark):
    text = f"{number:,.3f}"
    if mark == ",":
        text = text.translate(str.maketrans(".,", ",."))
    assert printed.read(text, mark).value == number


@given(st.text(alphabet="0123456789.,+-eE% \N{THIN SPACE}\N{PLUS-MINUS SIGN}", max_size=12))
def test_any_text_is_read_with_all_its_digits_or_refused(text):
    try:
        found = printed.read(text)
    except ValueError as error:
        assert repr(text) in str(error)
    else:
        digits = re.sub(r"\D", "", re.split("[eE]", printed.SPREAD.split(text.strip())[0])[0])
        assert "".join(map(str, found.value.as_tuple().digits)).lstrip("0") == digits.lstrip("0")


@pytest.mark.parametrize("text", ["2013-07-01", "64 x 64", "46.93 + M", "10-fold", "v1.2"])
def test_a_text_with_digits_stays_a_text(text):
    assert printed.numbers_in([text]) == [text]


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: yes", {"a": "yes"}),
        ("a: 2013-07-01", {"a": "2013-07-01"}),
        ("a: [null, true, ~]", {"a": [None, True, None]}),
        ("0: 'x'", {"0": "x"}),
        ("a: 1_000", {"a": "1_000"}),
    ],
)
def test_yaml_is_read_without_traps(text, content):
    assert read_yaml(text) == content


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' stands twice"),
        ("a: .inf", "line 1: .inf is no number"),
        ("a: [1", "line 1"),
        ("[1, 2]: 3", "a key is a list"),
        ("a: &x [*x]", "within itself"),
        ("\x00", "special characters"),
    ],
)
def test_a_trap_of_yaml_is_refused_with_its_place(text, message):
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        read_yaml(text)


@pytest.mark.parametrize(
    ("name", "claim", "value"),
    [
        ("comma_block", "images", 3589),
        ("table_comma", "table", {"train": [28709], "test": [7178]}),
        ("sci", "p", 0.001),
        ("sci_count", "a", 15_000_000),
        ("date", "taken", "2013-07-01"),
        ("no_label", "matrix", [[50, 10], [5, 35]]),
    ],
)
def test_a_typed_file_is_read_as_meant(name, claim, value):
    assert load_claims(TYPED / f"{name}.yml")[claim].value == value


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("decimal_comma", "claim accuracy: '73,28' .* decimal: ','"),
        ("dup_key", "line 8: the key 'value' stands twice"),
        ("dup_rows", "line 11: the key 'conv2d' stands twice"),
        ("dup_class", "line 7: the key 'smile' stands twice"),
        ("inf", "line 4: .inf is no number"),
        ("empty_claims", "nothing can be checked without"),
        ("matrix_fraction_none", "claim matrix: the cells of the matrix are shares; expected unit: fraction"),
    ],
)
def test_a_typed_file_that_cannot_be_read_is_refused_by_name(name, message):
    with pytest.raises(ValueError, match=rf"{name}\.yml.*{message}"):
        load_claims(TYPED / f"{name}.yml")


def test_a_declared_comma_holds_for_the_whole_file(tmp_path):
    text = (TYPED / "decimal_comma.yml").read_text().replace("authors: A}", "authors: A, decimal: ','}", 1)
    (tmp_path / "p.yml").write_text(text)
    assert load_claims(tmp_path / "p.yml")["accuracy"].value == 73.28


def test_the_decimals_of_a_typed_number_outlive_the_schema():
    matrix = load_claims(TYPED / "matrix_decimals_field.yml")["matrix"]
    assert {printed.decimals(cell) for row in matrix.value for cell in row} == {2}
    assert matrix.model_dump(mode="json")["value"] == [[90.0, 10.0], [20.0, 80.0]]
