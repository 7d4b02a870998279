"""Arithmetic on a printed layer table: which output shapes and parameters can follow from the row before.

A row is (name, output shape without the batch axis, parameters); its kind is read from its name, as Keras gives it
(conv2d_7, max_pooling2d_4, dense_2). Sizes follow Dumoulin and Visin 2016 (a guide to convolution arithmetic): a
convolution of stride 1 keeps the sides (padding "same") or shortens them by its kernel less one ("valid").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Shape = tuple[int, ...]
Row = tuple[str, Shape, int]

PADDINGS = ("same", "valid")
POOLS = (2, 3, 4)  # sides of pools that are tried


@dataclass(frozen=True)
class LayerTableCheck:
    """What a layer table implies. Numbers of rows count from 0; `repairs` are (row, shape) that make all rows follow."""

    impossible_shapes: tuple[int, ...]
    impossible_parameters: tuple[int, ...]
    repairs: tuple[tuple[int, Shape], ...]
    parameters: int


def check_layer_table(rows: Sequence[Row]) -> LayerTableCheck:
    """Whether each row of a layer table can follow from the row before it, and which one shape repairs the table if not.

    Repairs that leave one padding and one pool in the whole table are preferred to others.
    """
    shapes = [tuple(shape) for _, shape, _ in rows]
    broken, found = _broken(rows, shapes), []
    for i in range(1, len(rows)) if broken else ():
        for shape in sorted(following_shapes(rows[i], shapes[i - 1])):
            repaired = [*shapes[:i], shape, *shapes[i + 1 :]]
            if not _broken(rows, repaired):
                is_regular = any(not _broken(rows, repaired, (padding,), (pool,)) for padding in PADDINGS for pool in POOLS)
                found.append((i, shape, is_regular))
    regular = [(i, shape) for i, shape, is_regular in found if is_regular]
    wrong = tuple(i for i in range(1, len(rows)) if not parameters_follow(rows[i], shapes[i - 1]))
    repairs = tuple(regular or [(i, shape) for i, shape, _ in found])
    return LayerTableCheck(tuple(broken), wrong, repairs, sum(parameters for _, _, parameters in rows))


def _broken(
    rows: Sequence[Row], shapes: Sequence[Shape], paddings: Sequence[str] = PADDINGS, pools: Sequence[int] = POOLS
) -> list[int]:
    return [i for i in range(1, len(rows)) if shapes[i] not in following_shapes(rows[i], shapes[i - 1], paddings, pools)]


def following_shapes(row: Row, before: Shape, paddings: Sequence[str] = PADDINGS, pools: Sequence[int] = POOLS) -> set[Shape]:
    """Output shapes that a layer can have after an output of shape `before`, given its parameters and channels."""
    name, shape, parameters = row
    kind = name.lower()
    if kind.startswith("flatten"):
        return {(math.prod(before),)}
    if kind.startswith("dense"):
        units = parameters / (before[-1] + 1)
        return {(*before[:-1], int(units))} if units.is_integer() else set()
    *sides, channels = before
    if "global" in kind:
        return {(channels,)}
    if "pool" in kind:
        return {(*(rounded(side / pool) for side in sides), channels) for pool in pools for rounded in (math.floor, math.ceil)}
    if kind.startswith("conv"):
        kernel = kernel_side(parameters, channels, shape[-1], len(sides))
        less = {} if kernel is None else {"same": 0, "valid": kernel - 1}
        return {(*(side - less[padding] for side in sides), shape[-1]) for padding in paddings if less}
    return {before}


def parameters_follow(row: Row, before: Shape) -> bool:
    """Whether a layer after an output of shape `before` can have its printed number of parameters."""
    name, shape, parameters = row
    kind = name.lower()
    if kind.startswith("conv"):
        return kernel_side(parameters, before[-1], shape[-1], len(before) - 1) is not None
    if kind.startswith("dense"):
        return parameters == (before[-1] + 1) * shape[-1]
    if kind.startswith("batch"):
        return parameters in (2 * shape[-1], 4 * shape[-1])
    return parameters == 0


def kernel_side(parameters: int, channels: int, filters: int, axes: int) -> int | None:
    """Side k of the kernel for which a convolution has (k^axes channels + 1) filters parameters, or None where there is none."""
    weights = parameters / filters - 1
    side = round((weights / channels) ** (1 / axes)) if weights > 0 else 0
    return side if side and (side**axes * channels + 1) * filters == parameters else None
