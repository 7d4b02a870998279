"""Layer tables: what Keras prints is never accused, and what no setting gives is found."""

import random

import pytest
from conftest import ROOT
from true_tables import layer_table

from fer_utils.claims import pasted
from fer_utils.claims.audit import checks
from fer_utils.claims.audit.findings import Outcome
from fer_utils.claims.audit.layer_tables import check_layer_table, layer_type

SUMMARIES = sorted((ROOT / "tests/data/summaries").glob("*.txt"))
INPUT = ("input", (28, 28, 8), 0)


def impossible(rows):
    check = check_layer_table(rows)
    return check.impossible_shapes, check.impossible_parameters


@pytest.mark.parametrize("path", SUMMARIES, ids=lambda path: path.stem)
def test_no_network_that_keras_prints_is_accused(path):
    found = checks.audit_claims(pasted.summary(path.read_text(encoding="utf-8")))
    assert {one.outcome for one in found} <= {Outcome.CONSISTENT, Outcome.NOT_CHECKABLE}
    assert found[0].outcome is Outcome.CONSISTENT


@pytest.mark.parametrize("seed", range(200))
def test_no_network_of_the_grammar_is_accused(seed):
    assert impossible(layer_table(random.Random(seed))) == ((), ())


def test_a_wrong_last_digit_of_parameters_is_found_in_three_of_four_layers_or_more():
    found = tried = 0
    for seed in range(50):
        rows = layer_table(random.Random(seed))
        for place in (i for i, row in enumerate(rows) if row[2] > 100):
            name, shape, parameters = rows[place]
            tried += 1
            found += impossible([*rows[:place], (name, shape, parameters + 1), *rows[place + 1 :]])[1] == (place,)
    assert found / tried > 0.75


@pytest.mark.parametrize(
    ("row", "wrong"),
    [
        (("conv2d (Conv2D)", (26, 26, 16), 1168), ((), ())),
        (("conv2d (Conv2D)", (27, 26, 16), 1168), ((1,), ())),
        (("conv2d (Conv2D)", (29, 29, 16), 1168), ((1,), ())),
        (("conv2d (Conv2D)", (26, 26, 16), 1169), ((), (1,))),
        (("max_pooling2d (MaxPooling2D)", (14, 9, 8), 0), ((), ())),
        (("max_pooling2d (MaxPooling2D)", (14, 14, 9), 0), ((1,), ())),
        (("flatten (Flatten)", (6272,), 0), ((), ())),
        (("flatten (Flatten)", (6727,), 0), ((1,), ())),
        (("batch_normalization", (28, 28, 8), 32), ((), ())),
        (("batch_normalization", (28, 28, 8), 33), ((), (1,))),
        (("up_sampling2d", (56, 84, 8), 0), ((), ())),
        (("up_sampling2d", (56, 80, 8), 0), ((1,), ())),
        (("conv2d_transpose (Conv2DTranspose)", (57, 57, 4), 292), ((), ())),
        (("conv2d_transpose (Conv2DTranspose)", (56, 56, 4), 293), ((), (1,))),
        (("p_re_lu", (28, 28, 8), 8), ((), ())),
        (("p_re_lu", (28, 28, 8), 9), ((), (1,))),
        (("time_distributed (TimeDistributed)", (28, 6), 50), ((), ())),
        (("time_distributed (TimeDistributed)", (27, 6), 50), ((1,), ())),
    ],
)
def test_a_row_is_impossible_only_where_no_setting_gives_it(row, wrong):
    assert impossible([INPUT, row]) == wrong


def test_channels_may_come_first():
    rows = [("input", (3, 48, 48), 0), ("conv2d", (32, 46, 46), 896), ("max_pooling2d", (32, 23, 23), 0)]
    assert impossible(rows) == ((), ()) and impossible([*rows[:1], ("conv2d", (32, 46, 45), 895)])[1] == (1,)


def test_a_row_of_an_unknown_type_is_not_checkable_and_the_next_goes_on_from_its_shape():
    rows = [INPUT, ("block (MyBlock)", (5, 5, 4), 77), ("flatten", (100,), 0), ("dense", (7,), 706)]
    check = check_layer_table(rows)
    assert (check.unknown, check.impossible_shapes, check.impossible_parameters) == ((1,), (), (3,))


def test_a_row_of_a_table_with_branches_is_not_checkable_without_its_inputs_and_is_with_them():
    rows = [INPUT, ("a (Conv2D)", (28, 28, 4), 36), ("b (Conv2D)", (28, 28, 4), 36), ("c (Add)", (28, 28, 4), 0)]
    assert impossible(rows) == ((), ())
    inputs = [[], ["input"], ["input"], ["a", "b"]]
    named = [(*row, names) for row, names in zip(rows, inputs, strict=True)]
    assert impossible(named) == ((), ()) and check_layer_table(named).unknown == ()
    assert impossible([*named[:3], ("c (Add)", (28, 28, 5), 0, ["a", "b"])]) == ((3,), ())
    assert impossible([*named[:2], ("b (Conv2D)", (28, 28, 4), 37, ["input"])]) == ((), (2,))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("block1_conv1 (Conv2D)", "Conv2D"),
        ("conv2d_7", "Conv2D"),
        ("max_pooling2d_4 (MaxPooling2", "MaxPooling2D"),
        ("batch_normalizatio… (BatchNormalizatio…", "BatchNormalization"),
        ("conv2d_1 (Conv", "Conv2D"),
        ("conv2d_transpose_1 (Conv2DT", "Conv2DTranspose"),
        ("block1_conv1 (Conv", ""),
        ("conv2d (MyConv)", ""),
        ("block1_conv1", ""),
        ("input_1", "InputLayer"),
    ],
)
def test_a_printed_type_counts_more_than_a_name(name, kind):
    assert layer_type(name) == kind
