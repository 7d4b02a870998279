"""The network of the MobileNet paper: its shape, its centre loss against values worked out by hand, and its training."""

import keras
import numpy as np
import pytest
from keras import layers
from scipy.ndimage import map_coordinates

from fer_utils.models import inspection, registry
from fer_utils.models.mobilenet import CenterLossModel, Features, RandomCropAndFlip, center_loss, features, moved_centers
from fer_utils.training import epochs, fit, networks
from fer_utils.training.recipes import PenalizedSGD, Recipe, learning_rate

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 32, 32, 1)).astype(np.uint8)
LABELS = np.arange(24) % 3
RECIPE = Recipe(
    network="mobilenet_center_loss",
    options={"classes": 3, "side_pixels": 32},
    optimizer="sgd_momentum",
    weight_decay=4e-5,
    schedule="decay",
    learning_rate=0.01,
    epochs=3,
    batch_size=10,
    seed=1,
)


def train(store, recipe=RECIPE, start=None):
    return fit.train(
        recipe, IMAGES, LABELS, store, name="t", experiment="t", validation=(IMAGES[:5], LABELS[:5]), selected_on="v", start=start
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A training of three epochs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TQDM_DISABLE", "1")
        return train(tmp_path_factory.mktemp("whole"))


def same_weights(one, other):
    return all(np.array_equal(mine, theirs) for mine, theirs in zip(one.get_weights(), other.get_weights(), strict=True))


POINTS = np.array([[1.0, 0.0], [3.0, 2.0], [0.0, 4.0]], np.float32)
CLASSES = np.array([0, 0, 2])
CENTERS = np.array([[1.0, 1.0], [7.0, 7.0], [0.0, 0.0]], np.float32)


def test_the_centre_loss_of_three_points_worked_out_by_hand():
    # squared distances 1, 4 + 1 and 16
    assert float(center_loss(POINTS, CLASSES, CENTERS)) == pytest.approx((1 + 5 + 16) / 2 / 3)


def test_the_centres_after_three_points_worked_out_by_hand():
    moved = np.asarray(moved_centers(POINTS, CLASSES, CENTERS, 0.5))
    # sums of c - x: class 0 (0 - 2, 1 - 1) over 1 + 2, class 2 (0, -4) over 1 + 1
    np.testing.assert_allclose(moved, [[1 + 0.5 * 2 / 3, 1], [7, 7], [0, 0.5 * 4 / 2]], rtol=1e-6)


def toy(weight=0.0, rate=0.0):
    """Two features of two numbers, a dense layer of three classes; all weights from 0.1 on in steps of 0.1."""
    inputs = keras.Input((2,))
    pooled = Features(name="features")(layers.Dense(2, name="before")(inputs))
    model = CenterLossModel(inputs, layers.Dense(3, activation="softmax")(pooled), weight, rate, name="toy")
    for variable in model.trainable_variables:
        variable.assign(np.arange(1, 1 + np.prod(variable.shape)).reshape(variable.shape) / 10)
    model.centers.assign(CENTERS)
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def test_a_step_of_training_pays_the_weighted_centre_loss_and_moves_the_centres_and_evaluation_does_neither():
    plain, model = toy(), toy(weight=0.25, rate=0.5)
    before = np.asarray(model.get_layer("before")(POINTS))
    softmax = plain.test_on_batch(POINTS, CLASSES)[0]
    assert model.test_on_batch(POINTS, CLASSES)[0] == softmax and np.array_equal(np.asarray(model.centers), CENTERS)

    loss = model.train_on_batch(POINTS, CLASSES)[0]
    assert loss == pytest.approx(softmax + 0.25 * float(center_loss(before, CLASSES, CENTERS)), rel=1e-6)
    np.testing.assert_allclose(np.asarray(model.centers), np.asarray(moved_centers(before, CLASSES, CENTERS, 0.5)), rtol=1e-6)


def test_the_gradient_of_the_loss_is_its_finite_differences():
    still, model, change = toy(weight=0.25), toy(weight=0.25), 0.01
    still.optimizer.learning_rate = 0.0

    def loss(place, index, change):
        variable = still.trainable_variables[place]
        values = np.array(variable)
        changed = values.copy()
        changed[index] += change
        variable.assign(changed)
        value = still.train_on_batch(POINTS, CLASSES, return_dict=True)["loss"]
        variable.assign(values)
        return value

    old = [np.array(variable) for variable in model.trainable_variables]
    model.train_on_batch(POINTS, CLASSES)
    pairs = zip(old, model.trainable_variables, strict=True)
    gradients = [before - np.array(variable) for before, variable in pairs]  # at rate 1
    for place, index in ((0, (0, 1)), (0, (1, 0)), (1, (1,)), (2, (1, 2)), (3, (0,))):
        numeric = (loss(place, index, change) - loss(place, index, -change)) / (2 * change)
        assert gradients[place][index] == pytest.approx(numeric, rel=2e-3, abs=1e-4), (place, index)


def test_weight_zero_trains_as_the_same_layers_without_centre_loss_do():
    def trained(model):
        random = np.random.default_rng(3)
        for _ in range(5):
            model.train_on_batch(random.normal(size=(8, 2)).astype(np.float32), random.integers(0, 3, 8))
        return model.trainable_variables

    bare = toy()
    bare = keras.Model(bare.input, bare.output)
    bare.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    for mine, theirs in zip(trained(toy(weight=0.0, rate=0.5)), trained(bare), strict=True):
        assert np.array_equal(np.asarray(mine), np.asarray(theirs))


def test_a_large_weight_draws_the_features_of_a_class_together():
    labels = np.arange(60) % 3
    across = np.random.default_rng(4).normal(size=(60, 1)) * [1, -1]  # the classes lie along the other diagonal
    points = (CENTERS[labels] + across).astype(np.float32)

    def spread(weight):
        model = toy(weight, rate=0.5)
        model.optimizer.learning_rate = 0.01
        for _ in range(100):
            model.train_on_batch(points, labels)
        seen = features(model, points)
        within = np.mean([seen[labels == number].var(axis=0).sum() for number in range(3)])
        return within / seen.var(axis=0).sum()

    assert spread(1.0) < 0.1 * spread(0.0)


def test_the_network_has_the_printed_size_and_leaves_2_by_2_maps_of_48_pixels():
    network = inspection.skeleton("mobilenet_center_loss")
    assert inspection.parameter_table(network) == [
        ("convolutional part", 3_228_864, 3_206_976),
        ("dense layer of 7", 7 * 1025, 7 * 1025),
    ]
    pooling = next(layer for layer in network.layers if isinstance(layer, layers.GlobalAveragePooling2D))
    assert tuple(pooling.input.shape[1:]) == (2, 2, 1024)
    assert network.centers.shape == (7, 1024)


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_probabilities_and_features_are_float32(channels, precision):
    model = registry.build("mobilenet_center_loss", classes=5, side_pixels=32, channels=channels, precision=precision)
    images = np.repeat(IMAGES[:3], channels, axis=-1)
    probabilities = epochs.predict(model, images)
    assert probabilities.shape == (3, 5) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    pooled = features(model, images)
    assert pooled.shape == (3, 1024) and pooled.dtype == np.float32
    assert np.allclose(np.asarray(model.layers[-1](pooled)), probabilities, atol=1e-2)


def test_a_crop_is_a_square_of_the_printed_area_and_half_of_them_are_mirrored():
    side = 16
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    images = np.repeat(np.stack([rows, columns], axis=-1)[None], 200, axis=0)
    layer = RandomCropAndFlip(0.85, seed=5)
    assert np.array_equal(np.asarray(layer(images, training=False)), images)
    seen = np.asarray(layer(images, training=True))
    inner = seen[:, 3:-3, 3:-3]  # away from the border, where coordinates below 0 and above 15 are cut off
    height = side * np.diff(inner[:, :, 0, 0], axis=1).mean(axis=1)
    width = side * np.diff(inner[:, 0, :, 1], axis=1).mean(axis=1)
    mirrored = width < 0
    assert np.allclose(height, np.abs(width), atol=1e-3) and 80 < mirrored.sum() < 120
    area = (height / side) ** 2
    assert area.min() > 0.849 and area.max() < 1.001 and area.mean() == pytest.approx(0.925, abs=0.01)
    middle = seen[:, 7:9, 7:9].mean(axis=(1, 2)) + 0.5  # of the crop, in pixels from the original's edge
    room = (side - height)[:, None] / 2
    assert np.all(np.abs(middle - side / 2) <= room + 1e-3), "no crop leaves the image"
    assert np.all(np.ptp(middle, axis=0) > 1.5 * room.max()), "crops lie anywhere in it"


def test_a_crop_is_resampled_bilinearly():
    image = np.random.default_rng(6).random((1, 16, 16, 1)).astype(np.float32)
    ramp = np.mgrid[:16, :16].astype(np.float32).transpose(1, 2, 0)[None]
    seen = np.asarray(RandomCropAndFlip(0.85, seed=7)(np.concatenate([image, ramp], axis=-1), training=True))[0]
    expected = map_coordinates(image[0, ..., 0], seen[..., 1:].transpose(2, 0, 1), order=1)
    assert np.allclose(seen[2:-2, 2:-2, 0], expected[2:-2, 2:-2], atol=1e-4)


def test_a_narrower_network_has_that_share_of_the_filters_and_a_width_of_nothing_is_refused():
    narrow = registry.build("mobilenet_center_loss", width=0.25)
    assert narrow.get_layer("features").output.shape == (None, 256)
    with pytest.raises(ValueError, match="width 0.0, expected more than 0"):
        registry.build("mobilenet_center_loss", width=0.0)


def test_weights_of_imagenet_fill_all_convolutions_but_the_first(tmp_path):
    given = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(32, 32, 3))
    random = np.random.default_rng(8)
    given.set_weights([random.random(value.shape) for value in given.get_weights()])
    given.save_weights(tmp_path / "given.weights.h5")
    model = registry.build("mobilenet_center_loss", side_pixels=32, weights=str(tmp_path / "given.weights.h5"))
    first, *mine = model.get_weights()[2:-2]  # after the centres and the loss's weight, before the classifier
    assert all(np.array_equal(value, theirs) for value, theirs in zip(mine, given.get_weights()[1:], strict=True))
    assert first.std() == pytest.approx(0.09, rel=0.1) and abs(first.mean()) < 0.01


def test_a_training_that_was_stopped_continues_to_the_same_weights_and_centres(whole, tmp_path, monkeypatch):
    monkeypatch.setattr(fit, "CHECKPOINT_INTERVAL_S", 0.0)
    begun = []

    def stopped(recipe, epoch, losses):
        begun.append(epoch)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return learning_rate(recipe, epoch, losses)

    monkeypatch.setattr(fit, "learning_rate", stopped)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path)
    networks._compiled.clear()
    resumed = train(tmp_path)
    assert begun == [0, 1, 2, 2], "two epochs were kept, one was begun, one was left"
    assert resumed.record.history == whole.record.history
    mine, theirs = resumed.model(last_epoch=True), whole.model(last_epoch=True)
    assert same_weights(mine, theirs) and np.asarray(mine.centers).all()


def test_one_compiled_network_serves_every_weight_of_the_loss_with_the_histories_of_two(tmp_path):
    strong = RECIPE.model_copy(update={"options": RECIPE.options | {"center_loss_weight": 10.0}, "epochs": 1})
    recipes = strong, strong.model_copy(update={"options": RECIPE.options | {"center_loss_weight": 0.0}})
    together = [train(tmp_path / "together", recipe).record.history for recipe in recipes]
    networks._compiled.clear()
    assert train(tmp_path / "alone", recipes[1]).record.history == together[1]
    assert together[0]["loss"][0] > 1.5 * together[1]["loss"][0]


def test_a_second_stage_keeps_the_selected_convolutions_and_begins_classifier_and_centres_anew(whole, tmp_path, monkeypatch):
    five = RECIPE.model_copy(update={"options": RECIPE.options | {"classes": 5}})
    unmoved = {"loss": 1.0, "accuracy": 0.2, "val_loss": 1.0, "val_accuracy": 0.2}

    def nothing_learned(model, *_, callbacks, **rest):
        (notes,) = (callback for callback in callbacks if isinstance(callback, epochs.Notes))
        notes.on_epoch_end(0, unmoved)

    monkeypatch.setattr(CenterLossModel, "fit", nothing_learned)
    second, first = train(tmp_path, five, start=whole).model(last_epoch=True), whole.model()
    assert whole.record.selected_epoch < RECIPE.epochs and not same_weights(first, whole.model(last_epoch=True))
    assert all(same_weights(mine, theirs) for mine, theirs in zip(second.layers[:-1], first.layers[:-1], strict=True))
    assert second.layers[-1].kernel.shape == (1024, 5)
    assert second.centers.shape == (5, 1024) and not np.asarray(second.centers).any()


def test_the_rate_decays_by_a_factor_of_0_94_every_15_epochs():
    rates = [learning_rate(RECIPE, epoch, []) for epoch in (0, 14, 15, 29, 30)]
    assert rates == pytest.approx([0.01, 0.01, 0.0094, 0.0094, 0.008836])


def test_weight_decay_enters_the_gradient_of_kernels_and_gathers_in_the_momentum():
    kernel, bias = keras.Variable([[1.0]]), keras.Variable([1.0])
    optimizer = PenalizedSGD(0.1, momentum=0.9, penalty=0.5)
    optimizer.build([kernel, bias])
    zeros = [np.zeros((1, 1), np.float32), np.zeros(1, np.float32)]
    values = []
    for _ in range(2):
        optimizer.apply(zeros, [kernel, bias])
        values.append(float(np.asarray(kernel)[0, 0]))
    # velocity -0.1 * 0.5 * 1, then 0.9 times that less 0.1 * 0.5 * 0.95
    assert values == pytest.approx([0.95, 0.95 - 0.045 - 0.0475])
    assert np.asarray(bias) == 1


def test_weight_decay_that_an_optimiser_would_not_use_is_refused():
    with pytest.raises(ValueError, match="weight_decay 0.1 with adam; only sgd_momentum takes one"):
        Recipe(network="x", epochs=1, batch_size=1, weight_decay=0.1)


def test_fields_that_came_later_leave_the_names_of_trainings_as_they_were():
    recipe = Recipe(network="small_cnn", options={"classes": 2}, epochs=2, batch_size=8)
    assert recipe.key("data") == "e193efa1a27212ad6eaf"
    assert (
        len({recipe.model_copy(update=change).key("data") for change in ({}, {"weight_decay": 0.1}, {"balanced_loss": True})})
        == 3
    )
