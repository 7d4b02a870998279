"""Layer tables of networks drawn from a grammar, computed forwards from each layer's settings by the published formulas.

Nothing of the audit is used here (Dumoulin and Visin 2016 for sides, the layers' own definitions for parameters), and no Keras.
"""

from math import prod

Row = tuple[str, tuple[int, ...], int]


def side_after(side, kernel, stride, dilation, padding):
    """The side of a convolution's or pool's output."""
    reach = dilation * (kernel - 1) + 1
    return -(-side // stride) if padding == "same" else (side - reach) // stride + 1


def convolution(draw, shape):
    *sides, channels = shape
    axes, filters = len(sides), draw.choice([4, 8, 12, 32])
    kernel = [draw.choice([1, 2, 3, 5]) for _ in sides] if draw.random() < 0.3 else [draw.choice([1, 3, 5])] * axes
    stride, dilation = draw.choice([(1, 1), (1, 1), (2, 1), (3, 1), (1, 2)])
    padding, bias = draw.choice(["same", "valid"]), draw.random() < 0.7
    if padding == "valid" and min(sides) < dilation * (max(kernel) - 1) + 1:
        padding = "same"
    kind = draw.choice(["Conv", "Conv", "Conv", "SeparableConv", "DepthwiseConv"]) if axes < 3 else "Conv"
    if kind == "Conv":
        groups = draw.choice([g for g in (1, 1, 2, 4) if channels % g == 0 == filters % g])
        parameters = prod(kernel) * (channels // groups) * filters
    else:
        multiplier = draw.choice([1, 2])
        parameters = prod(kernel) * channels * multiplier
        if kind == "DepthwiseConv":
            filters = channels * multiplier
        else:
            parameters += channels * multiplier * filters
    after = [side_after(side, k, stride, dilation, padding) for side, k in zip(sides, kernel, strict=True)]
    return f"{kind}{axes}D", (*after, filters), parameters + filters * bias


def transposed(draw, shape):
    *sides, channels = shape
    kernel, stride, filters, bias = draw.choice([2, 3, 4]), draw.choice([1, 2, 3]), draw.choice([3, 8]), draw.random() < 0.7
    padding = draw.choice(["same", "valid"])
    after = [side * stride if padding == "same" else side * stride + max(kernel - stride, 0) for side in sides]
    return f"Conv{len(sides)}DTranspose", (*after, filters), kernel ** len(sides) * channels * filters + filters * bias


def pool(draw, shape):
    *sides, channels = shape
    size, padding = [draw.choice([2, 2, 3]) for _ in sides], draw.choice(["same", "valid"])
    stride = draw.choice([size, [2] * len(sides), [1] * len(sides)])
    if min(sides) < max(size):
        padding = "same"
    after = [side_after(side, k, s, 1, padding) for side, k, s in zip(sides, size, stride, strict=True)]
    return f"{draw.choice(['Max', 'Average'])}Pooling{len(sides)}D", (*after, channels), 0


def resized(draw, shape):
    *sides, channels = shape
    kind, by = draw.choice([("ZeroPadding", 2), ("UpSampling", 2), ("Cropping", 1)])
    after = {
        "ZeroPadding": [side + by for side in sides],
        "UpSampling": [side * by for side in sides],
        "Cropping": [max(1, side - by) for side in sides],
    }
    return f"{kind}{len(sides)}D", (*after[kind], channels), 0


def kept(draw, shape):
    kinds = {
        "Dropout": 0,
        "ReLU": 0,
        "Activation": 0,
        "GaussianNoise": 0,
        "PReLU": draw.choice([prod(shape), shape[-1]]),
        "BatchNormalization": draw.choice([2, 3, 4]) * shape[-1],
        "LayerNormalization": draw.choice([1, 2]) * draw.choice([shape[-1], prod(shape)]),
        "GroupNormalization": 2 * shape[-1],
    }
    kind = draw.choice(list(kinds))
    return kind, shape, kinds[kind]


def recurrent(draw, shape):
    units, all_steps, channels = draw.choice([4, 16]), draw.random() < 0.6, shape[-1]
    kind, gates, biases = draw.choice([("LSTM", 4, 1), ("GRU", 3, 1), ("GRU", 3, 2), ("SimpleRNN", 1, 1)])
    biases *= draw.random() < 0.8
    return kind, (shape[0], units) if all_steps else (units,), gates * units * (channels + units + biases)


def dense(draw, shape):
    units, bias = draw.choice([7, 64, 128]), draw.random() < 0.8
    return "Dense", (*shape[:-1], units), (shape[-1] + bias) * units


def end_of_maps(draw, shape):
    kind = draw.choice(["Flatten", "GlobalMaxPooling", "GlobalAveragePooling", "Reshape"])
    if kind == "Flatten":
        return kind, (prod(shape),), 0
    if kind == "Reshape":
        return kind, (prod(shape[:-1]), shape[-1]), 0
    keep = draw.random() < 0.3
    return f"{kind}{len(shape) - 1}D", (*(1,) * (len(shape) - 1) * keep, shape[-1]), 0


def layer_table(draw) -> list[Row]:
    """The rows of a random network of three to twenty layers; `draw` is a `random.Random`."""
    shape = draw.choice([(48, 48, 1), (64, 50, 3), (30, 12), (16, 28, 28, 3)])
    rows = [("input_layer (InputLayer)", shape, 0)]
    for number in range(draw.randint(3, 20)):
        if len(shape) == 1:
            layers = [dense, kept]
        elif len(shape) == 2 and draw.random() < 0.4:
            layers = [recurrent, dense]
        else:
            layers = [convolution, convolution, pool, kept, resized, transposed, end_of_maps]
        kind, after, parameters = draw.choice(layers)(draw, shape)
        if prod(after) > 1e6:
            continue
        rows.append((f"layer_{number} ({kind})", after, parameters))
        shape = after
    return rows
