"""Arithmetic on a printed layer table: whether a row can follow from an earlier one, whatever the layer's settings.

Sizes follow Dumoulin and Visin 2016 (a guide to convolution arithmetic); numbers of parameters are those of Keras. A layer of a
type that is not known here, and one that takes several inputs, can follow from anything: that is said, and never taken for an
error. Shapes are without the batch axis, channels last.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product

Shape = tuple[int, ...]
Follows = bool | None  # None: cannot be told
Rule = Callable[[Shape, Shape, int], tuple[Follows, Follows]]

KEEPING = frozenset(
    "dropout spatialdropout1d spatialdropout2d spatialdropout3d gaussiandropout gaussiannoise alphadropout activation relu elu "
    "leakyrelu softmax activityregularization rescaling unitnormalization masking identity".split()
)
MERGING = frozenset("add subtract multiply average maximum minimum concatenate dot".split())


def layer_type(name: str) -> str:
    """The type of a printed layer in lower case without underscores: `conv2d` of `conv2d_7` and of `block1_conv1 (Conv2D)`."""
    printed = re.search(r"\((\w+)\)\s*$", name)
    return re.sub(r"_", "", printed[1] if printed else re.sub(r"(_\d+)?$", "", name.strip())).lower()


def follows(name: str, before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    """Whether the layer's output can have its shape, and the layer its parameters, after an output of shape `before`."""
    kind = layer_type(name)
    axes = int(kind[-2]) if re.search(r"[123]d$", kind) else 0
    if kind in KEEPING:
        return shape == before, parameters == 0
    if kind in MERGING:
        return None, parameters == 0
    for pattern, rule in RULES.items():
        if re.fullmatch(pattern, kind):
            if axes and not len(before) == len(shape) == axes + 1 and "global" not in kind:
                return False, None
            return rule(before, shape, parameters)
    return None, None


def _dense(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    weights = before[-1] * shape[-1]
    return shape[:-1] == before[:-1], parameters in (weights, weights + shape[-1])


def _kernels(weights: float, channels: int, filters: int) -> set[int]:
    """Numbers of places in a kernel for which a filter of a convolution, in groups or not, has so many weights."""
    groups = [g for g in range(1, min(channels, filters) + 1) if channels % g == 0 == filters % g]
    places = {weights / (channels // g) for g in groups}
    return {int(k) for k in places if k >= 1 and k == int(k)}


def _sides(before: Shape, shape: Shape, places: Iterable[int]) -> bool:
    """Whether a kernel of so many places, with any padding, strides and dilation, gives the sides of a convolution's output."""
    for kernel in {sides for count in places for sides in _factors(count, len(before) - 1)}:
        for padding in ("same", "valid"):
            if all(_side(n, out, k, padding) for n, out, k in zip(before[:-1], shape[:-1], kernel, strict=True)):
                return True
    return False


def _factors(count: int, axes: int) -> Iterator[tuple[int, ...]]:
    if axes == 1:
        yield (count,)
        return
    for first in (k for k in range(1, count + 1) if count % k == 0):
        yield from ((first, *rest) for rest in _factors(count // first, axes - 1))


def _side(n: int, out: int, kernel: int, padding: str) -> bool:
    if padding == "same":
        return any(-(-n // stride) == out for stride in range(1, n + 1))
    strided = any((n - kernel) // stride + 1 == out for stride in range(1, n + 1)) and kernel <= n
    return strided or any(n - dilation * (kernel - 1) == out for dilation in range(1, n + 1))


def _convolution(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    filters = shape[-1]
    places = set().union(*(_kernels(parameters / filters - bias, before[-1], filters) for bias in (0, 1)))
    return (_sides(before, shape, places) if places else None), bool(places)


def _depthwise(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    if shape[-1] % before[-1]:
        return False, None
    places = {int(k) for bias in (0, 1) if (k := parameters / shape[-1] - bias) >= 1 and k == int(k)}
    return (_sides(before, shape, places) if places else None), bool(places)


def _separable(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    channels, filters = before[-1], shape[-1]
    left = [(parameters - bias) / channels for bias in (0, filters)]  # depth multiplier x (places + filters)
    places = {
        int(k)
        for rest in left
        for m in range(1, int(rest // (filters + 1)) + 1)
        if (k := rest / m - filters) >= 1 and k == int(k)
    }
    return (_sides(before, shape, places) if places else None), bool(places)


def _transposed(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    grows = all(out >= n for n, out in zip(before[:-1], shape[:-1], strict=True))
    per_filter = (parameters / shape[-1] - bias for bias in (0, 1))
    return grows, any(w >= before[-1] and w % before[-1] == 0 for w in per_filter)


def _sides_by(allowed: Callable[[int, int], bool]) -> Rule:
    """A layer without parameters that keeps the channels and changes each side as allowed."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
        fits = all(allowed(n, out) for n, out in zip(before[:-1], shape[:-1], strict=True))
        return fits and shape[-1] == before[-1], parameters == 0

    return rule


def _recurrent(gates: int, biases: tuple[int, ...]) -> Rule:
    """A recurrent layer of so many gates, with none or so many biases for each unit."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
        if len(before) != 2:
            return False, None
        units = shape[-1]
        weights = gates * units * (before[-1] + units)
        return shape in {(units,), (before[0], units)}, parameters in {weights + bias * units for bias in biases}

    return rule


def _normalization(least: int, most: int, over: Callable[[Shape], Iterable[int]]) -> Rule:
    """A normalisation with so many parameters for each of the features that it may be taken over."""

    def rule(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
        allowed = {number * features for number in range(least, most + 1) for features in over(before)}
        return shape == before, parameters in allowed

    return rule


def _some_axes(shape: Shape) -> set[int]:
    """The products of any axes of a shape."""
    return {
        math.prod(side for side, kept in zip(shape, chosen, strict=True) if kept) for chosen in product((0, 1), repeat=len(shape))
    }


def _reshaped(before: Shape, shape: Shape, parameters: int) -> tuple[Follows, Follows]:
    return math.prod(before) == math.prod(shape), parameters == 0


RULES: dict[str, Rule] = {
    r"inputlayer|input": lambda before, shape, parameters: (None, parameters == 0),
    r"dense": _dense,
    r"conv[123]d|convolution[123]d": _convolution,
    r"depthwiseconv[12]d": _depthwise,
    r"separableconv[12]d|separableconvolution[12]d": _separable,
    r"conv[123]dtranspose": _transposed,
    r"(max|average|avg)pool(ing)?[123]d": _sides_by(lambda n, out: 1 <= out <= n),
    r"adaptive(max|average)pooling[123]d": _sides_by(lambda n, out: out >= 1),
    r"global(max|average|avg)pool(ing)?[123]d": lambda before, shape, parameters: (
        shape in {before[-1:], (*[1] * (len(before) - 1), before[-1])},
        parameters == 0,
    ),
    r"upsampling[123]d": _sides_by(lambda n, out: out % n == 0),
    r"zeropadding[123]d": _sides_by(lambda n, out: out >= n),
    r"cropping[123]d": _sides_by(lambda n, out: 1 <= out <= n),
    r"flatten": lambda before, shape, parameters: (shape == (math.prod(before),), parameters == 0),
    r"reshape": _reshaped,
    r"permute": lambda before, shape, parameters: (sorted(before) == sorted(shape), parameters == 0),
    r"repeatvector": lambda before, shape, parameters: (len(before) == 1 and shape[1:] == before, parameters == 0),
    r"simplernn": _recurrent(1, (0, 1)),
    r"lstm": _recurrent(4, (0, 4)),
    r"gru": _recurrent(3, (0, 3, 6)),
    r"embedding": lambda before, shape, parameters: (shape[:-1] == before, parameters > 0 == parameters % shape[-1]),
    r"batchnormalization": _normalization(2, 4, lambda shape: shape),
    r"layernormalization|groupnormalization|rmsnormalization": _normalization(0, 2, _some_axes),
    r"prelu": _normalization(1, 1, _some_axes),
}
"""By a pattern of its type, how a layer's output shape and parameters follow from the shape before it."""
