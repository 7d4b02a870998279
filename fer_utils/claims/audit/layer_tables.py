"""A printed layer table, row by row: what no setting of a layer gives, and which one shape would make all rows regular.

A row is (name, output shape without the batch axis, parameters), and where the table prints them the names of its inputs. The
type stands in parentheses, "block1_conv1 (Conv2D)", or is that of Keras' own name, conv2d_7; a type that is neither is not
checkable, and the rows after it go on from its printed shape. What each type can do is in `layers`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fer_utils.claims.audit.findings import Finding, Outcome, finding
from fer_utils.claims.audit.layers import KEEPING, MERGING, RULES, Shape, fits
from fer_utils.claims.schema import Claim

Row = tuple[Any, ...]  # name, shape or None, parameters, and where they are printed the names of its inputs
Whole = tuple[int, ...]  # a shape with all its sides

PADDINGS = ("same", "valid")
POOLS = (2, 3, 4)  # sides of pools that are tried for a regular table
SEVERAL_INPUTS = {"Concatenate", *MERGING}
ASSUMING = "each row follows those it names, or else the one before, with any kernel, stride, dilation and padding"
CUT = "…"  # where Keras cuts a name that is too long for its column


@dataclass(frozen=True)
class LayerTableCheck:
    """What a layer table implies. Numbers of rows count from 0.

    `repairs` are (row, shape): the one shape with which all convolutions have one padding and all pools one side, where the
    table as printed has not. A row whose type or input is not known is in `unknown`.
    """

    impossible_shapes: tuple[int, ...]
    impossible_parameters: tuple[int, ...]
    repairs: tuple[tuple[int, Shape], ...]
    parameters: int
    unknown: tuple[int, ...]


def check_layer_table(rows: Sequence[Row]) -> LayerTableCheck:
    """Which rows of a layer table follow from no setting of their layer, with the channels last or else first."""
    answers = _answers(rows)
    if any(False in answer for answer in answers):
        turned = _answers([(row[0], _channels_last(row[1]), *row[2:]) for row in rows])
        answers = answers if any(False in answer for answer in turned) else turned
    shapes = tuple(i for i, (shape, _) in enumerate(answers) if shape is False)
    wrong = tuple(i for i, (_, parameters) in enumerate(answers) if parameters is False)
    unknown = tuple(i for i, answer in enumerate(answers) if i and None in answer and False not in answer)
    return LayerTableCheck(shapes, wrong, tuple(_repairs(rows)), sum(row[2] for row in rows), unknown)


def _answers(rows: Sequence[Row]) -> list[tuple[bool | None, bool | None]]:
    """Whether shape and parameters of each row follow; None is not checkable."""
    kinds = [layer_type(row[0]) for row in rows]
    branches = bool(SEVERAL_INPUTS & set(kinds)) or kinds.count("InputLayer") > 1
    found: list[tuple[bool | None, bool | None]] = []
    for i, (row, kind) in enumerate(zip(rows, kinds, strict=True)):
        shape, inputs = row[1], _inputs(rows, i)
        if kind == "InputLayer":
            found.append((True, row[2] == 0))
        elif kind not in RULES or shape is None or inputs is None:
            found.append((None, None))
        else:
            answer = RULES[kind](inputs, shape, row[2])
            is_open = branches and len(row) == 3  # it may follow another row than the one before
            found.append((None, None) if is_open and False in answer else answer)
    return found


def _inputs(rows: Sequence[Row], i: int) -> list[Shape] | None:
    """The shapes that a row follows: those of the rows it names, else that of the row before; None where one is not known."""
    if len(rows[i]) == 3:
        before = [rows[i - 1]] if i else []
    else:
        found = [_named(rows[:i], name) for name in rows[i][3]]
        before = [one for one in found if one is not None] if None not in found else []
    shapes = [one[1] for one in before if one[1] is not None]
    return shapes if shapes and len(shapes) == len(before) else None


def _named(rows: Sequence[Row], name: str) -> Row | None:
    """The one row of that name, which may be cut on either side; None where there is none, or several."""
    wanted = name.split("[")[0]
    beside = [(row, row[0].split(" (")[0].split(" #")[0]) for row in rows]
    if found := [row for row, known in beside if known == wanted and CUT not in wanted]:
        return found[0] if len(found) == 1 else None
    stem = wanted.rstrip(CUT)
    alike = [row for row, known in beside if _agree(known, wanted, stem)]
    return alike[0] if len(alike) == 1 else None


def _agree(known: str, wanted: str, stem: str) -> bool:
    own = known.rstrip(CUT)
    return (CUT in wanted and own.startswith(stem)) or (CUT in known and stem.startswith(own))


def layer_type(name: str) -> str:
    """The type of a row's layer as Keras writes it, or "" where it is not known: printed, perhaps cut short, or its own name."""
    bare, bracket, printed = name.partition(" (")
    guess = TYPES.get(_plain(re.sub(r"_\d+$", "", bare)), "")
    if not bracket:
        return guess
    if printed.endswith(")"):
        known = TYPES.get(_plain(printed), "")
        if known or not printed[:-1].endswith(CUT):
            return known
    stem = _plain(printed)
    cut = {kind for plain, kind in TYPES.items() if stem and plain.startswith(stem)}
    return guess if guess in cut else cut.pop() if len(cut) == 1 else ""


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _names() -> Iterator[tuple[str, str]]:
    """Plain names of types, those of other libraries and of older versions among them, and the types."""
    for kind in (*RULES, "InputLayer"):
        yield _plain(kind), kind
        for ours, other in (("Pooling", "Pool"), ("Average", "Avg"), ("AveragePooling", "AvgPool"), ("Conv", "Convolution")):
            if ours in kind:
                yield _plain(kind.replace(ours, other)), kind
    yield "input", "InputLayer"


TYPES = dict(_names())


def _channels_last(shape: Shape | None) -> Shape | None:
    return (*shape[1:], shape[0]) if shape and len(shape) > 1 else shape


# regular tables


def _repairs(rows: Sequence[Row]) -> Iterator[tuple[int, Whole]]:
    """Rows and shapes with which a table is regular that is not; none where a row is of a type that has other settings."""
    shapes: list[Whole] = [row[1] for row in rows]
    if any(len(row) > 3 or row[1] is None or None in row[1] for row in rows):
        return
    settings = [(padding, pool) for padding in PADDINGS for pool in POOLS]
    if any(_is_regular(rows, shapes, *setting) for setting in settings):
        return
    for i in range(1, len(rows)):
        found = {shape for setting in settings if (shape := _regular(rows[i], shapes[i - 1], *setting)) is not None}
        for shape in sorted(found - {shapes[i]}):
            repaired = [*shapes[:i], shape, *shapes[i + 1 :]]
            if any(_is_regular(rows, repaired, *setting) for setting in settings):
                yield i, shape


def _is_regular(rows: Sequence[Row], shapes: Sequence[Whole], padding: str, pool: int) -> bool:
    return all(_regular(rows[i], shapes[i - 1], padding, pool) == shapes[i] for i in range(1, len(rows)))


def _regular(row: Row, before: Whole, padding: str, pool: int) -> Whole | None:
    """The output shape with one padding and pools side by side, or None where the layer has other settings, or is not known."""
    kind, parameters = layer_type(row[0]), row[2]
    shape: Whole = row[1] or ()
    if kind.startswith("Conv") and "Transpose" not in kind and kind in RULES and len(before) == len(shape):
        side = kernel_side(parameters, before[-1], shape[-1], len(shape) - 1)
        less = None if side is None else side - 1 if padding == "valid" else 0
        return None if less is None else (*(one - less for one in before[:-1]), shape[-1])
    if kind.startswith(("MaxPooling", "AveragePooling")):
        return (*(one // pool for one in before[:-1]), before[-1])
    if kind == "Flatten":
        return (math.prod(before),)
    if kind == "Dense":
        return (*before[:-1], shape[-1]) if RULES[kind]([before], shape, parameters)[1] else None
    return before if kind in (*KEEPING, "BatchNormalization") or not kind and fits(before, shape) and not parameters else None


def kernel_side(parameters: int, channels: int, filters: int, axes: int) -> int | None:
    """Side k of the kernel for which a convolution has (k^axes channels + 1) filters parameters, or None where there is none."""
    weights = parameters / filters - 1
    side = round((weights / channels) ** (1 / axes)) if weights > 0 else 0
    return side if side and (side**axes * channels + 1) * filters == parameters else None


# findings


def layers(claim: Claim) -> Iterator[Finding]:
    """Shapes and parameters of a layer table, each row after those it follows."""
    rows: list[Row] = [
        (name, None if shape is None else tuple(shape), parameters, *inputs)
        for name, (shape, parameters, *inputs) in claim.value.items()
    ]
    check, names = check_layer_table(rows), list(claim.value)
    unknown = [names[row] for row in check.unknown]
    checked = len(rows) - len(unknown)
    limits = f" Not checkable, as their type or input is not known: {_listed(unknown)}." if unknown else ""
    wrong, broken = ([names[row] for row in some] for some in (check.impossible_parameters, check.impossible_shapes))
    repairs = [(names[row], shape) for row, shape in check.repairs]
    if wrong:
        meaning = f"No setting gives the parameters of {', '.join(wrong)}."
    else:
        meaning = f"The parameters of {checked} of {len(rows)} rows follow; in all {check.parameters:,}."
    fine = Outcome.NOT_CHECKABLE if checked < 2 else Outcome.CONSISTENT
    yield finding(
        claim,
        "parameters of layers",
        Outcome.IMPOSSIBLE if wrong else fine,
        meaning + limits,
        assuming=ASSUMING,
        wrong=wrong,
        parameters=check.parameters,
    )
    if broken:
        outcome, meaning = Outcome.IMPOSSIBLE, f"No setting gives the shape of {', '.join(broken)} after what it follows."
    elif repairs:
        outcome = Outcome.NOTABLE
        meaning = "The shapes follow only if convolutions or pools differ in padding, side or stride."
    else:
        outcome, meaning = fine, f"The shapes of {checked} of {len(rows)} rows follow."
    for name, shape in repairs:
        printed = " x ".join(map(str, claim.value[name][0]))
        meaning += (
            f" One shape would make all alike: {name} with {' x '.join(map(str, shape))} in place of the printed {printed}."
        )
    yield finding(claim, "shapes of layers", outcome, meaning + limits, assuming=ASSUMING, broken=broken, repairs=repairs)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
