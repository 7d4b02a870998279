"""What a printed layer table implies: rows that no setting allows, and one misprinted shape that would explain the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fer_utils.claims.audit.findings import Finding, Outcome, finding
from fer_utils.claims.audit.layers import KEEPING, MERGING, Follows, Shape, follows, layer_type
from fer_utils.claims.schema import Claim

Row = tuple[str, Shape, int]  # name, output shape without the batch axis, parameters
REGULAR = [(padding, pool) for padding in ("same", "valid") for pool in (2, 3, 4)]
ASSUMING = "each layer follows from a row before it, as Keras computes shapes, with any kernel, stride, dilation and padding"


@dataclass(frozen=True)
class LayerTableCheck:
    """What a layer table implies. Numbers of rows count from 0.

    `unknown` are rows of which nothing can be told; `repairs` are (row, shape) with which all rows follow from one
    padding, strides of one and one size of pool, where as printed they need others.
    """

    impossible_shapes: tuple[int, ...]
    impossible_parameters: tuple[int, ...]
    unknown: tuple[int, ...]
    repairs: tuple[tuple[int, Shape], ...]
    parameters: int


def check_layer_table(rows: Sequence[Row]) -> LayerTableCheck:
    """Whether each row can follow from the row before it, or, where some row joins several, from any before it."""
    shapes = [tuple(shape) for _, shape, _ in rows]
    branches = any(layer_type(name) in MERGING for name, _, _ in rows)
    told: list[tuple[Follows, Follows]] = [(None, None)]
    for i, (name, _, parameters) in enumerate(rows[1:], start=1):
        each = [follows(name, before, shapes[i], parameters) for before in (shapes[:i] if branches else [shapes[i - 1]])]
        told.append((_any(shape for shape, _ in each), _any(count for _, count in each)))
    wrong_shapes = tuple(i for i, (shape, _) in enumerate(told) if shape is False)
    wrong_parameters = tuple(i for i, (_, count) in enumerate(told) if count is False)
    unknown = tuple(i for i, one in enumerate(told) if i and one == (None, None))
    repairs = () if branches or wrong_parameters else _repairs(rows, shapes)
    return LayerTableCheck(wrong_shapes, wrong_parameters, unknown, repairs, sum(parameters for _, _, parameters in rows))


def _any(answers: Iterator[Follows]) -> Follows:
    """True where one is, else None where one cannot be told."""
    given = set(answers)
    return True if True in given else None if None in given else False


def _repairs(rows: Sequence[Row], shapes: Sequence[Shape]) -> tuple[tuple[int, Shape], ...]:
    """The one shapes with which a table becomes regular that is not; none where it is, or where several changes are needed."""
    settings = [(_irregular(rows, shapes, *setting), setting) for setting in REGULAR]
    if any(not irregular for irregular, _ in settings):
        return ()
    found: dict[tuple[int, Shape], None] = {}
    for irregular, setting in settings:
        for i in {place for row in irregular[:1] for place in (row - 1, row) if place > 0}:
            shape = _regular(rows[i], shapes[i - 1], *setting)
            if shape and not _irregular(rows, [*shapes[:i], shape, *shapes[i + 1 :]], *setting):
                found[i, shape] = None
    return tuple(found)


def _irregular(rows: Sequence[Row], shapes: Sequence[Shape], padding: str, pool: int) -> list[int]:
    return [i for i in range(1, len(rows)) if _regular(rows[i], shapes[i - 1], padding, pool) != shapes[i]]


def _regular(row: Row, before: Shape, padding: str, pool: int) -> Shape | None:
    """The shape after a layer with square kernel, stride 1 and this padding, or pools of this size; None where it has none."""
    name, shape, parameters = row
    kind, (*sides, channels) = layer_type(name), before
    if kind in KEEPING or kind in {"batchnormalization", "sequential"}:
        return before
    if kind == "flatten":
        return (math.prod(before),)
    if kind == "dense":
        units = parameters / (channels + 1)
        return (*sides, int(units)) if units == int(units) else None
    if kind.startswith(("maxpool", "averagepool")):
        return (*(side // pool for side in sides), channels)
    if kind.startswith("conv") and "transpose" not in kind:
        side = kernel_side(parameters, channels, shape[-1], len(sides))
        return None if side is None else (*(n - (side - 1 if padding == "valid" else 0) for n in sides), shape[-1])
    return None


def kernel_side(parameters: int, channels: int, filters: int, axes: int) -> int | None:
    """Side k of the kernel for which a convolution has (k^axes channels + 1) filters parameters, or None where there is none."""
    weights = parameters / filters - 1
    side = round((weights / channels) ** (1 / axes)) if weights > 0 else 0
    return side if side and (side**axes * channels + 1) * filters == parameters else None


def layers(claim: Claim) -> Iterator[Finding]:
    """Shapes and parameters of a layer table, each row after the one before."""
    rows = [(name, tuple(shape), parameters) for name, (shape, parameters) in claim.value.items()]
    check, names = check_layer_table(rows), list(claim.value)
    wrong, broken = ([names[row] for row in found] for found in (check.impossible_parameters, check.impossible_shapes))
    told = f"{len(rows) - len(check.unknown)} of {len(rows)} rows" if check.unknown else f"All {len(rows)} rows"
    if check.unknown:
        told += (
            f" (nothing can be told of {', '.join(names[row] for row in check.unknown[:4])}{', ...' * (len(check.unknown) > 4)})"
        )
    meaning = f"No setting of {', '.join(wrong)} gives the printed parameters."
    if not wrong:
        meaning = f"{told} have parameters that can follow; in all {check.parameters:,}."
    outcome = Outcome.IMPOSSIBLE if wrong else Outcome.CONSISTENT
    yield finding(claim, "parameters of layers", outcome, meaning, wrong=wrong, parameters=check.parameters)
    numbers = {"broken": broken, "repairs": [(names[row], shape) for row, shape in check.repairs]}
    if broken:
        outcome, meaning = Outcome.IMPOSSIBLE, f"No setting of {', '.join(broken)} gives the printed shape ({ASSUMING})."
    elif check.repairs:
        outcome, meaning = Outcome.NOTABLE, "The shapes need strides or pools of different sizes."
    else:
        outcome, meaning = Outcome.CONSISTENT, f"{told} have shapes that can follow."
    for name, shape in numbers["repairs"]:
        printed = " x ".join(map(str, claim.value[name][0]))
        meaning += f" With one other shape, {name} with {' x '.join(map(str, shape))} in place of the printed {printed}, "
        meaning += "all follow from one padding, strides of one and one size of pool."
    yield finding(claim, "shapes of layers", outcome, meaning, **numbers)
