"""What each type of layer can do: whether an output shape and a number of parameters follow under any of its settings.

A rule gets the input shapes, the output shape and the parameters of one row, all shapes without the batch axis and with the
channels last, and answers twice, for shape and for parameters: True (a setting gives it), False (none does) or None (not
checkable). Sides follow Dumoulin and Visin 2016 (a guide to convolution arithmetic) as Keras computes them; a side may be None,
which any side fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

Side = int | None
Shape = tuple[Side, ...]
Answer = bool | None
Rule = Callable[[Sequence[Shape], Shape, int], tuple[Answer, Answer]]

KEEPING = (
    "Activation", "ActivityRegularization", "AlphaDropout", "Dropout", "ELU", "GaussianDropout", "GaussianNoise", "Identity",
    "LeakyReLU", "Masking", "RandomBrightness", "RandomContrast", "RandomFlip", "RandomRotation", "RandomTranslation",
    "RandomZoom", "ReLU", "Rescaling", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "ThresholdedReLU",
    "UnitNormalization",
)  # fmt: skip
MERGING = ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract")


def fits(one: Shape, other: Shape) -> bool:
    """Whether two shapes can be the same."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))


def product(sides: Sequence[Side]) -> Side:
    """The product of all sides, or None where one is None."""
    return None if None in sides else math.prod(side for side in sides if side is not None)


def _one(rule: Callable[[Shape, Shape, int], tuple[Answer, Answer]]) -> Rule:
    """A rule for layers of one input: of several, nothing is said."""
    return lambda inputs, shape, parameters: rule(inputs[0], shape, parameters) if len(inputs) == 1 else (None, None)


def _without_parameters(follows: Callable[[Shape, Shape], Answer]) -> Rule:
    return _one(lambda before, shape, parameters: (follows(before, shape), parameters == 0))


def _sides(before: Shape, shape: Shape, follows: Callable[[int, int], bool], *, keeps_channels: bool = True) -> bool:
    """Whether each side but the channels follows from its own before."""
    if len(before) != len(shape) or (keeps_channels and not fits(before[-1:], shape[-1:])):
        return False
    pairs = zip(before[:-1], shape[:-1], strict=True)
    return all(a is None or b is None or follows(a, b) for a, b in pairs)


# convolutions


def _strided(side: int, after: int) -> bool:
    """Padding "same" or "causal": ceil(side / stride) for some stride."""
    return 1 <= after <= side and -(-side // -(-side // after)) == after


def _valid(side: int, after: int, kernel: int) -> bool:
    """Padding "valid": floor((side - kernel) / stride) + 1, or side - dilation (kernel - 1)."""
    if kernel == 1:
        return _strided(side, after)
    if after < 1 or kernel > side:
        return False
    steps = range(1, side - kernel + 2)
    return (side - after) % (kernel - 1) == 0 and side > after or any((side - kernel) // stride + 1 == after for stride in steps)


def _factors(number: int, count: int, most: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as so many factors, in order, none above `most`."""
    if count == 1:
        yield from [(number,)] if number <= most else []
        return
    for first in (one for one in range(1, min(number, most) + 1) if number % one == 0):
        yield from ((first, *rest) for rest in _factors(number // first, count - 1, most))


def _convolved(before: Shape, shape: Shape, kernels: set[int]) -> Answer:
    """Whether sides follow by a convolution whose kernel has one of these numbers of cells; none given: by any kernel."""
    if len(before) != len(shape):
        return None
    pairs = [(a, b) for a, b in zip(before[:-1], shape[:-1], strict=True) if a is not None and b is not None]
    if all(_strided(a, b) for a, b in pairs):
        return True
    if not kernels or len(pairs) < len(shape) - 1:
        return all(a >= b for a, b in pairs)
    most = max(a for a, _ in pairs)
    return any(
        all(_valid(a, b, side) for (a, b), side in zip(pairs, sides, strict=True))
        for cells in kernels
        for sides in _factors(cells, len(pairs), most)
    )


def _kernels(parameters: int, filters: int, weights_per_cell: Sequence[int]) -> set[int]:
    """Numbers of kernel cells for which weights, with a bias for each filter or without, are so many parameters."""
    return {
        weights // each
        for weights in (parameters, parameters - filters)
        for each in weights_per_cell
        if weights > 0 and weights % each == 0
    }


def _divisors(number: int) -> list[int]:
    return [one for one in range(1, number + 1) if number % one == 0]


def _kernel_rule(cells: Callable[[int, int, int], set[int]]) -> Rule:
    """A convolution of which `cells` (channels, filters, parameters) gives the possible numbers of kernel cells."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
        if before[-1] is None or shape[-1] is None:
            return None, None
        kernels = cells(before[-1], shape[-1], parameters)
        return _convolved(before, shape, kernels), bool(kernels)

    return _one(rule)


def _convolution(channels: int, filters: int, parameters: int) -> set[int]:
    groups = _divisors(math.gcd(channels, filters))
    return _kernels(parameters, filters, [channels // group * filters for group in groups])


def _depthwise(channels: int, filters: int, parameters: int) -> set[int]:
    return _kernels(parameters, filters, [filters]) if filters % channels == 0 else set()


def _separable(channels: int, filters: int, parameters: int) -> set[int]:
    """Cells of a depthwise kernel before a pointwise one: (cells + filters) x channels x multiplier, for any multiplier."""
    found = set()
    for weights in (parameters, parameters - filters):
        if weights > 0 and weights % channels == 0:
            found |= {each - filters for each in _divisors(weights // channels) if each > filters}
    return found


def _transposed_side(side: int, after: int, kernel: int) -> bool:
    """The output lengths of a transposed convolution: same, valid, or with an output padding below the stride."""
    for stride in range(1, after + 1):
        if after in (side * stride, side * stride + max(kernel - stride, 0)):
            return True
        base = (side - 1) * stride + kernel
        if any(0 <= after - (base - less) < stride for less in (0, 2 * (kernel // 2))):
            return True
    return any(after == side + dilation * (kernel - 1) for dilation in range(1, after + 1))


def _transposed(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    if before[-1] is None or shape[-1] is None or len(before) != len(shape):
        return None, None
    kernels = _kernels(parameters, shape[-1], [before[-1] * shape[-1]])
    pairs = list(zip(before[:-1], shape[:-1], strict=True))
    if not kernels or any(None in pair for pair in pairs):
        return None, bool(kernels)
    follows = any(
        all(_transposed_side(a or 0, b or 0, side) for (a, b), side in zip(pairs, sides, strict=True))
        for cells in kernels
        for sides in _factors(cells, len(pairs), cells)
    )
    return follows, True


# the others


def _dense(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    follows = fits(before[:-1], shape[:-1])
    if before[-1] is None or shape[-1] is None:
        return follows, None
    return follows, parameters in (before[-1] * shape[-1], (before[-1] + 1) * shape[-1])


def _recurrent(gates: int, biases: Sequence[int]) -> Rule:
    """Units x gates x (channels + units + bias); the last output or all of them."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
        units, channels = shape[-1], before[-1]
        follows = len(before) == 2 and (len(shape) == 1 or fits(shape[:-1], before[:-1]))
        if units is None or channels is None:
            return follows, None
        return follows, parameters in [gates * units * (channels + units + bias) for bias in biases]

    return _one(rule)


def _scaled(sizes: Callable[[Shape], set[int]], times: Sequence[int], more: Sequence[int] = (0,)) -> Rule:
    """A layer that keeps the shape and holds so many vectors of one of these sizes."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
        known = {size * count + extra for size in sizes(shape) for count in times for extra in more}
        return fits(before, shape), parameters in known or (None if None in shape else False)

    return _one(rule)


def _of_one_axis(shape: Shape) -> set[int]:
    return {side for side in shape if side is not None}


def _of_any_axes(shape: Shape) -> set[int]:
    sides = [side for side in shape if side is not None]
    return {math.prod(some) for count in range(1, len(sides) + 1) for some in combinations(sides, count)} | {1}


def _global_pool(before: Shape, shape: Shape) -> bool:
    return fits(shape, before[-1:]) or fits(shape, (*(1,) * (len(before) - 1), before[-1]))


def _flatten(before: Shape, shape: Shape) -> bool:
    return fits(shape, (product(before),))


def _reshape(before: Shape, shape: Shape) -> Answer:
    """The same cells; Keras' operation of that name may also move some of them to the batch axis."""
    one, other = product(before), product(shape)
    if one is None or other is None or one == other:
        return True
    return None if one % other == 0 or other % one == 0 else False


def _permute(before: Shape, shape: Shape) -> bool:
    return None in (*before, *shape) or sorted(map(str, before)) == sorted(map(str, shape))


def _repeat(before: Shape, shape: Shape) -> bool:
    return len(before) == 1 and len(shape) == 2 and fits(before, shape[1:])


def _resized(before: Shape, shape: Shape) -> bool:
    return _sides(before, shape, lambda a, b: True)


def _embedding(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    return fits(before, shape[:-1]), None if not shape[-1] else parameters > 0 and parameters % shape[-1] == 0


def _merged(inputs: Sequence[Shape], shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    """Sides that are the same or 1 in each input (broadcasting)."""
    if len(inputs) < 2:
        return None, parameters == 0  # an operation with a constant, or an input that is not printed
    longest = max(map(len, inputs))
    padded = [(1,) * (longest - len(one)) + tuple(one) for one in inputs]
    sides = [[side for side in column if side != 1] or [1] for column in zip(*padded, strict=True)]
    follows = len(shape) == longest and all(
        fits((side,), (after,)) for some, after in zip(sides, shape, strict=True) for side in some
    )
    return follows, parameters == 0


def _concatenated(inputs: Sequence[Shape], shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    """One axis is the sum of the inputs', the others are the same."""
    if len(inputs) < 2:
        return None, parameters == 0
    if any(len(one) != len(shape) for one in inputs):
        return False, parameters == 0
    sums = [None if None in column else sum(column) for column in zip(*inputs, strict=True)]
    follows = any(
        fits((sums[axis],), shape[axis : axis + 1])
        and all(fits(one[:axis] + one[axis + 1 :], shape[:axis] + shape[axis + 1 :]) for one in inputs)
        for axis in range(len(shape))
    )
    return follows, parameters == 0


def _time_distributed(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    """Steps are kept; the layer inside is not printed."""
    return (None if fits(before[:1], shape[:1]) else False), None


def _bidirectional(before: Shape, shape: Shape, parameters: int) -> tuple[Answer, Answer]:
    """Two layers whose type is not printed: odd parameters are those of none."""
    return (None if fits(before[:-1], shape[:-1]) or len(shape) == 1 else False), (None if parameters % 2 == 0 else False)


RULES: dict[str, Rule] = {
    "Dense": _one(_dense),
    "Flatten": _without_parameters(_flatten),
    "Reshape": _without_parameters(_reshape),
    "Permute": _without_parameters(_permute),
    "RepeatVector": _without_parameters(_repeat),
    "Embedding": _one(_embedding),
    "LSTM": _recurrent(4, (0, 1)),
    "GRU": _recurrent(3, (0, 1, 2)),  # two with reset_after
    "SimpleRNN": _recurrent(1, (0, 1)),
    "Bidirectional": _one(_bidirectional),
    "TimeDistributed": _one(_time_distributed),
    "BatchNormalization": _scaled(_of_one_axis, (2, 3, 4)),
    "GroupNormalization": _scaled(_of_one_axis, (0, 1, 2)),
    "LayerNormalization": _scaled(_of_any_axes, (0, 1, 2)),
    "RMSNormalization": _scaled(_of_any_axes, (0, 1)),
    "Normalization": _scaled(_of_any_axes, (0, 2), (0, 1)),
    "PReLU": _scaled(_of_any_axes, (1,)),
    "Concatenate": _concatenated,
    "Resizing": _without_parameters(_resized),
    "CenterCrop": _without_parameters(_resized),
    "RandomCrop": _without_parameters(_resized),
    **dict.fromkeys(KEEPING, _without_parameters(fits)),
    **dict.fromkeys(MERGING, _merged),
}
for axes in ("1D", "2D", "3D"):
    RULES |= {
        f"Conv{axes}": _kernel_rule(_convolution),
        f"DepthwiseConv{axes}": _kernel_rule(_depthwise),
        f"SeparableConv{axes}": _kernel_rule(_separable),
        f"Conv{axes}Transpose": _one(_transposed),
        f"ZeroPadding{axes}": _without_parameters(lambda before, shape: _sides(before, shape, lambda a, b: b >= a)),
        f"Cropping{axes}": _without_parameters(lambda before, shape: _sides(before, shape, lambda a, b: b <= a)),
        f"UpSampling{axes}": _without_parameters(lambda before, shape: _sides(before, shape, lambda a, b: b % a == 0)),
    }
    for kind in ("Max", "Average"):
        # a pool of side - after + 1 and stride 1 gives every smaller side
        RULES[f"{kind}Pooling{axes}"] = _without_parameters(lambda before, shape: _sides(before, shape, lambda a, b: 1 <= b <= a))
        RULES[f"Global{kind}Pooling{axes}"] = _without_parameters(_global_pool)
