"""The audit on true tables and on planted faults: none of the first is accused, and the second are found where they can be."""

import json
import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from validate_audit import KINDS, validate


@pytest.fixture(scope="module")
def validated():
    return validate(200, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_no_true_table_is_accused(validated, kind):
    assert validated["true"][kind] == {"tables": 40, "accused": 0}


@pytest.mark.parametrize(
    "fault", ["two digits of a total exchanged", "a difference off by 0.1", "precision and recall exchanged"]
)
def test_a_fault_that_no_reading_allows_is_always_found(validated, fault):
    assert validated["faults"][fault]["planted"] > 20
    assert validated["faults"][fault]["found"] == validated["faults"][fault]["planted"]


def test_the_page_shows_a_validation_of_two_thousand_tables_of_which_none_was_accused():
    kept = json.loads((ROOT / "book/results/audit_validation.json").read_text())
    assert sum(one["tables"] for one in kept["true"].values()) >= 2000
    assert (
        not any(one["accused"] for one in kept["true"].values())
        and kept["faults"].keys() == validate(20, seed=2)["faults"].keys()
    )
