"""C3D as the 3D-CNN paper describes it, its searched options, and its counterpart on one frame."""

import keras
import numpy as np
import pytest
from keras import layers

from fer_utils.claims.schema import load_claims
from fer_utils.models import inspection, registry

CLAIMS = load_claims("ckplus_oulu_3dcnn")
SMALL = {"side_pixels": 32, "width": 1 / 16}
CLIPS = np.random.default_rng(0).integers(0, 256, (4, 10, 32, 32, 3)).astype(np.uint8)


def probabilities(model, clips):
    return np.asarray(model(clips, training=False))


def of_kind(model, *kinds):
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def trainable_parameters(model):
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def test_every_layer_has_the_printed_shape():
    model = inspection.skeleton("c3d")
    assert model.input.shape[1:] == (CLAIMS["frames"].value, *CLAIMS["input_shape"].value)
    shapes = [(kind, shape) for kind, shape, _ in inspection.weight_layers(model) if kind in ("Conv3D", "AveragePooling3D")]
    assert shapes == [
        ("Conv3D", (10, 112, 112, 64)),
        ("AveragePooling3D", (10, 56, 56, 64)),
        ("Conv3D", (10, 56, 56, 128)),
        ("AveragePooling3D", (5, 28, 28, 128)),
        ("Conv3D", (5, 28, 28, 256)),
        ("Conv3D", (5, 28, 28, 256)),
        ("AveragePooling3D", (2, 14, 14, 256)),
        ("Conv3D", (2, 14, 14, 512)),
        ("Conv3D", (2, 14, 14, 512)),
        ("AveragePooling3D", (1, 7, 7, 512)),
        ("Conv3D", (1, 7, 7, 512)),
        ("Conv3D", (1, 7, 7, 512)),
        ("AveragePooling3D", (1, 4, 4, 512)),
    ]
    dense = [(kind, shape) for kind, shape, _ in inspection.weight_layers(model) if len(shape) == 1]
    assert dense == [
        ("Flatten", (8192,)),
        *(("Dense", (4096,)), ("Activation", (4096,)), ("Dropout", (4096,))) * 2,
        ("Dense", (7,)),
    ]


def test_kernels_and_pools_are_the_printed_ones():
    model, printed = inspection.skeleton("c3d"), CLAIMS["kernels_and_pools"].value
    assert {tuple(layer.kernel_size) for layer in of_kind(model, layers.Conv3D)} == {tuple(printed["convolutions"][0])}
    pools = [[list(layer.pool_size), list(layer.strides)] for layer in of_kind(model, layers.AveragePooling3D)]
    rows = [printed["first pool"], *[printed["pools"]] * 3, printed["last pool"]]
    assert pools == [row[:2] for row in rows]


def test_batch_norm_stands_between_each_convolution_and_its_activation():
    kinds = [kind for kind, shape, _ in inspection.weight_layers(inspection.skeleton("c3d")) if len(shape) == 4]
    convolution = ["Conv3D", "BatchNormalization", "Activation"]
    pool = ["AveragePooling3D"]
    assert kinds == convolution + pool + convolution + pool + (2 * convolution + pool) * 3


def test_batch_norm_has_pytorchs_momentum_of_a_tenth_and_its_epsilon():
    norms = of_kind(inspection.skeleton("c3d"), layers.BatchNormalization)
    assert {(norm.momentum, norm.epsilon) for norm in norms} == {(1 - CLAIMS["batch_norm_momentum"].value, 1e-5)}


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({}, 78_029_959),
        ({"classes": 6}, 78_025_862),
        ({"second_convolution": True}, 78_029_959 + 553_536),
        ({"activation": "prelu"}, 78_029_959 + 10),
        ({"temporal_kernel": 1}, 59_594_503),
        ({"temporal_kernel": 5}, 96_465_415),
        ({"temporal_kernel": 7}, 114_900_871),
        ({"temporal_kernel": 9}, 133_336_327),
    ],
)
def test_the_trainable_parameters_are_the_counted_ones(options, parameters):
    assert trainable_parameters(inspection.skeleton("c3d", **options)) == parameters


def test_moving_statistics_are_counted_on_top():
    model = inspection.skeleton("c3d")
    assert model.count_params() - trainable_parameters(model) == 5_504


@pytest.mark.parametrize("temporal_kernel", [1, 5, 7, 9])
def test_every_temporal_kernel_keeps_the_shapes(temporal_kernel):
    shapes = [
        [row[1] for row in inspection.weight_layers(inspection.skeleton("c3d", temporal_kernel=t))] for t in (3, temporal_kernel)
    ]
    assert shapes[0] == shapes[1]


def test_the_second_convolution_is_in_the_first_two_groups_only():
    filters = [layer.filters for layer in of_kind(inspection.skeleton("c3d", second_convolution=True), layers.Conv3D)]
    assert filters == [64, 64, 128, 128, 256, 256, 512, 512, 512, 512]


def last_pool(pooling, side_pixels, network="c3d"):
    """The last pooling with its padding, as a model of maps (n, [1,] side, side, 1)."""
    model = registry.build(network, side_pixels=side_pixels, width=1 / 512, pooling=pooling)
    pools = [layer for layer in model.layers if "Pooling" in type(layer).__name__]
    activations = of_kind(model, layers.Activation)
    return keras.Model(activations[-3].output, pools[-1].output)  # two activations of dense layers follow


@pytest.mark.parametrize("network", ["c3d", "frame_cnn"])
@pytest.mark.parametrize(
    ("pooling", "expected"), [("average", [[-0.25, -1.25], [-2.75, -7.0]]), ("max", [[-1.0, -2.0], [-4.0, -5.0]])]
)
def test_the_last_pool_of_negative_maps_worked_out_by_hand(network, pooling, expected):
    maps = -np.arange(1, 10, dtype=np.float32).reshape(1, *[1] * (network == "c3d"), 3, 3, 1)
    assert np.asarray(last_pool(pooling, 48, network)(maps)).reshape(2, 2).tolist() == expected


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(("pooling", "filling", "reduce"), [("average", 0, np.mean), ("max", -np.inf, np.max)])
def test_the_last_pool_pads_every_size_as_pytorch_does(side, pooling, filling, reduce):
    maps = np.random.default_rng(side).normal(-1, 1, (2, 1, side, side, 1)).astype(np.float32)
    padded = np.pad(maps[:, 0, :, :, 0], ((0, 0), (1, 1), (1, 1)), constant_values=filling)
    size = side // 2 + 1
    expected = reduce(padded[:, : 2 * size, : 2 * size].reshape(2, size, 2, size, 2), axis=(2, 4))
    assert np.allclose(np.asarray(last_pool(pooling, 16 * side)(maps))[:, 0, :, :, 0], expected, atol=1e-6)


OPTIONS = [
    {"pooling": "average"},
    {"pooling": "max"},
    *({"activation": name} for name in ("elu", "prelu", "leaky_relu", "mish")),
    {"initializer": "glorot_normal"},
    {"second_convolution": True},
    {"dropout": 0.0},
    {"dropout": 1.0},
    {"pixel_range": "minus_one_to_one"},
    {"precision": "mixed_bfloat16"},
    {"classes": 6},
    {"frames": 16},
    {"side_pixels": 16},
]


@pytest.mark.parametrize(
    ("network", "options"),
    [*(("c3d", options) for options in OPTIONS), *(("frame_cnn", options) for options in (*OPTIONS[:2], {"frames": 1}))],
)
def test_every_option_gives_probabilities_in_training_and_after(network, options):
    chosen = SMALL | options
    clips = np.resize(CLIPS, (2, chosen.get("frames", 10), chosen["side_pixels"], chosen["side_pixels"], 3))
    model = registry.build(network, **chosen)
    for training in (True, False):
        found = np.asarray(model(clips, training=training))
        assert found.shape == (2, chosen.get("classes", 7)) and found.dtype == np.float32
        assert np.allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("relu", [0.0, 2.0]),
        ("elu", [np.exp(-1) - 1, 2.0]),
        ("prelu", [-0.25, 2.0]),
        ("leaky_relu", [-0.01, 2.0]),
        ("mish", [-np.tanh(np.log1p(np.exp(-1))), 2 * np.tanh(np.log1p(np.exp(2)))]),
    ],
)
def test_activations_are_pytorchs(activation, expected):
    model = registry.build("c3d", activation=activation, **SMALL)
    layer = of_kind(model, layers.Activation, layers.PReLU, layers.LeakyReLU)[-1]
    values = np.repeat(np.array([[-1.0], [2.0]], np.float32), 256, axis=1)
    assert np.allclose(np.asarray(layer(values)), np.array(expected)[:, None], atol=1e-6)


@pytest.mark.parametrize(("pixel_range", "expected"), [("zero_to_one", [0, 1]), ("minus_one_to_one", [-1, 1])])
def test_black_and_white_are_the_ends_of_the_pixel_range(pixel_range, expected):
    model = registry.build("c3d", pixel_range=pixel_range, **SMALL)
    seen = keras.Model(model.input, of_kind(model, layers.Conv3D)[0].input)
    clips = np.zeros((1, 10, 32, 32, 3), np.uint8)
    clips[:, 5:] = 255
    assert np.allclose(np.asarray(seen(clips))[0, [0, 9], 0, 0, 0], expected)


def test_width_scales_filters_and_dense_units_and_leaves_at_least_one():
    def sizes(width):
        model = inspection.skeleton("c3d", width=width)
        return [layer.filters for layer in of_kind(model, layers.Conv3D)], [layer.units for layer in of_kind(model, layers.Dense)]

    assert sizes(1 / 16) == ([4, 8, 16, 16, 32, 32, 32, 32], [256, 256, 7])
    assert sizes(1 / 512) == ([1] * 8, [8, 8, 7])


@pytest.mark.parametrize("network", ["c3d", "frame_cnn"])
def test_grey_clips_are_seen_as_colour_clips_of_equal_channels(network):
    colour, grey = (registry.build(network, channels=channels, **SMALL) for channels in (3, 1))
    grey.set_weights(colour.get_weights())
    clips = CLIPS[..., :1]
    assert np.allclose(probabilities(grey, clips), probabilities(colour, np.repeat(clips, 3, axis=-1)), atol=1e-6)


@pytest.mark.parametrize("pooling", ["average", "max"])
@pytest.mark.parametrize("network", ["c3d", "frame_cnn"])
def test_a_network_made_from_its_json_and_weights_is_the_same(network, pooling, tmp_path):
    model = registry.build(network, pooling=pooling, activation="prelu", **SMALL)
    model.save_weights(tmp_path / "kept.weights.h5")
    again = keras.models.model_from_json(model.to_json())
    again.load_weights(tmp_path / "kept.weights.h5")
    assert np.array_equal(probabilities(model, CLIPS), probabilities(again, CLIPS))


def test_the_frame_network_sees_the_last_frame_only_and_c3d_all():
    other = CLIPS.copy()
    other[:, :-1] = 0
    same = []
    for network in ("frame_cnn", "c3d"):
        model = registry.build(network, **SMALL)
        same.append(np.array_equal(probabilities(model, CLIPS), probabilities(model, other)))
    assert same == [True, False]


def test_the_frame_network_has_the_parameters_of_c3d_with_kernels_of_one_frame():
    assert trainable_parameters(inspection.skeleton("frame_cnn")) == 59_594_503


def test_a_narrow_network_learns_four_clips():
    keras.utils.set_random_seed(0)
    model = registry.build("c3d", dropout=0.0, side_pixels=16, width=1 / 16)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", jit_compile=False)
    losses = [float(model.train_on_batch(CLIPS[:, :, :16, :16], np.arange(4))) for _ in range(30)]
    assert losses[0] > 1 and losses[-1] < 0.2


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("c3d", {"side_pixels": 15}, "side_pixels 15, expected at least 16"),
        ("frame_cnn", {"side_pixels": 15}, "side_pixels 15, expected at least 16"),
        ("c3d", {"frames": 7}, "frames 7, expected at least 8"),
        ("c3d", {"temporal_kernel": 4}, "temporal_kernel 4, expected an odd number"),
        ("c3d", {"width": 0}, "width 0, expected more than 0"),
        ("c3d", {"activation": "swish"}, "activation 'swish', expected one of relu, elu, prelu, leaky_relu, mish"),
        ("c3d", {"pooling": "avg"}, "pooling 'avg', expected one of average, max"),
        ("frame_cnn", {"initializer": "ones"}, "initializer 'ones', expected one of glorot_uniform, glorot_normal"),
        ("c3d", {"pixel_range": "0..1"}, "pixel_range '0..1', expected one of minus_one_to_one, zero_to_one"),
    ],
)
def test_a_bad_option_is_refused_by_name(network, options, message):
    with pytest.raises(ValueError, match=message):
        registry.build(network, **options)
