"""What counts as a result typed into prose."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from check_prose_numbers import found, main


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Our network is right in 65.3 % of the images.", ["65.3 %"]),
        ("It gains 2.1 percentage points,\nor 3 percent.", ["2.1 percentage points", "3 percent"]),
        ("The interval is [64.2, 66.8], with n = 3,589 and p < 0.01.", ["[64.2, 66.8]", "n = 3,589", "p < 0.01"]),
        ("An accuracy of 0.65 at 12.5 ms a face.", ["accuracy of 0.65", "12.5 ms"]),
        ("```{note}\nThe gain is 4 %.\n```\nA loss of 5 %.\n```sh\nrun 6 %\n```", ["4 %", "loss of 5 %"]),
        ("A `span` of 7 % and a\n`span over\nlines 9 %` end.\n\nA lone ` before 8 %.\n\nand after `", ["7 %", "8 %"]),
        ('The "best" network has 70 % and is called "wide".', ["70 %"]),
    ],
)
def test_a_typed_result_is_found(text, numbers):
    assert [number for _, number in found(text)] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "It is right in {glue:text}`test_accuracy:.1f` % (95 % interval {glue:text}`low:.1f` to {glue:text}`high:.1f`).",
        "It is right in [[fer2013_cnn.test]] where the paper prints [[fer2013_cnn.claim.headline_accuracy]].",
        "> an accuracy of 88.29% on FER2013",
        'The abstract promises "88.29% on\nFER2013", see [the page](https://example.org/10%).',
        "```sh\nfer-book run --limit 5%\n```\nand `p = 0.03` in code, $n = 3$ in a formula",
        "Pixels in [0, 1] or [-1, 1], seven classes, 48 x 48 pixels, Section 3.1, batches of 32, p below 0.05.",
        "moved by up to 20 %<!-- no result --> of the side",
    ],
)
def test_what_is_glued_marked_quoted_code_or_a_setting_is_no_result(text):
    assert found(text) == []


def test_a_line_is_the_line_of_the_file():
    assert found("# Title\n\n> 12 %\n\nfirst\nsecond 12 %") == [(6, "12 %")]


def test_a_result_in_a_cell_ends_the_check_with_1_and_one_in_code_does_not(tmp_path, capsys):
    notebook = tmp_path / "chapter.ipynb"
    code = {"cell_type": "code", "source": ["# 12 %"], "metadata": {}}
    notebook.write_text(json.dumps({"cells": [code]}))
    assert main([notebook]) == 0
    prose = {"cell_type": "markdown", "source": ["Right in\n", "12 %."], "metadata": {}}
    figure = code | {"metadata": {"mystnb": {"figure": {"caption": "Right in 13 %."}, "image": {"alt": "Bars, 14 %."}}}}
    notebook.write_text(json.dumps({"cells": [code, prose, figure]}))
    assert main([notebook]) == 1
    complaints = capsys.readouterr().out
    assert "cell 2, line 2: '12 %'" in complaints
    assert "caption of cell 3, line 1: '13 %'" in complaints and "alternative text of cell 3, line 1: '14 %'" in complaints


def test_no_notebook_and_no_page_has_one(capsys):
    assert main([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("book/**/*.md")]) == 0, capsys.readouterr().out
