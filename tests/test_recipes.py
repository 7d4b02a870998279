"""What a recipe adds to a training: Lookahead, a balanced loss, another training's weights; and images that are only watched."""

import random

import keras
import numpy as np
import pytest

from fer_utils.models import registry
from fer_utils.training import fit, networks
from fer_utils.training.epochs import Batches
from fer_utils.training.recipes import LookaheadAdam, Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1)).astype(np.uint8)
LABELS = np.repeat([0, 1], [30, 10])
OPTIONS = {"classes": 2, "side_pixels": 16, "precision": "float32"}
RECIPE = Recipe(network="small_cnn", options=OPTIONS, schedule="constant", epochs=2, batch_size=8, seed=1)


def train(store, labels=LABELS, *, watch=None, start=None, keep_weights=True, **changes):
    recipe = RECIPE.model_copy(update=changes)
    rest = {"name": "t", "experiment": "t", "selected_on": "none, last epoch"}
    return fit.train(recipe, IMAGES, labels, store, watch=watch, start=start, keep_weights=keep_weights, **rest)


def steps(optimizer, count):
    """The value of one weight, from 1, after each step with the gradient 2."""
    weight = keras.Variable([1.0])
    optimizer.build([weight])
    values = []
    for _ in range(count):
        optimizer.apply([np.array([2.0], np.float32)], [weight])
        values.append(float(np.asarray(weight)[0]))
    return values


def test_lookahead_goes_half_the_way_back_every_five_steps():
    values = steps(LookaheadAdam(0.1), 10)
    np.testing.assert_allclose(values[:4], [0.9, 0.8, 0.7, 0.6], atol=1e-5)  # Adam's step is the rate where gradients are equal
    np.testing.assert_allclose(values[4], 1 + 0.5 * (0.5 - 1), atol=1e-5)
    np.testing.assert_allclose(values[5:9], [0.65, 0.55, 0.45, 0.35], atol=1e-5)
    np.testing.assert_allclose(values[9], 0.75 + 0.5 * (0.25 - 0.75), atol=1e-5)


def test_lookahead_that_goes_the_whole_way_is_adam():
    assert steps(LookaheadAdam(0.1, share=1.0), 7) == pytest.approx(steps(keras.optimizers.Adam(0.1), 7))


def test_a_training_with_lookahead_is_another_one(tmp_path):
    assert train(tmp_path, optimizer="lookahead_adam", epochs=3).record.history != train(tmp_path, epochs=3).record.history


def test_a_balanced_loss_counts_each_class_alike():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Activation("softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    inputs, labels = np.array([[0.0, 2.0]] * 3 + [[0.0, 0.0]]), np.array([0, 0, 0, 1])
    shares = {0: 4 / (2 * 3), 1: 4 / (2 * 1)}  # n / (classes x images of the class)
    by_hand = (3 * shares[0] * np.log(1 + np.exp(2)) + shares[1] * np.log(2)) / 4
    recipe = RECIPE.model_copy(update={"batch_size": 4})
    assert fit._class_weight(labels) == shares
    history = model.fit(Batches(inputs, labels, recipe), class_weight=fit._class_weight(labels), verbose=0).history
    assert history["loss"] == [pytest.approx(by_hand, rel=1e-5)]


def test_a_balanced_loss_names_another_training_and_none_keeps_the_name(tmp_path):
    assert RECIPE.key("a") != RECIPE.model_copy(update={"balanced_loss": True}).key("a")
    assert train(tmp_path, balanced_loss=True).record.history["loss"] != train(tmp_path).record.history["loss"]


def test_watched_images_decide_nothing_and_are_read_after_every_epoch(tmp_path):
    watched = train(tmp_path, watch=IMAGES[25:38])
    assert watched.record.history == train(tmp_path).record.history
    assert watched.watched().shape == (2, 13) and watched.watched().dtype == np.uint8
    assert np.array_equal(watched.watched()[-1], watched.probabilities(IMAGES[25:38]).argmax(axis=1))


def test_a_second_training_of_a_kind_begins_as_if_it_were_the_first(tmp_path):
    first = train(tmp_path / "first", seed=2).model().get_weights()
    networks._compiled.clear()
    train(tmp_path / "other", 1 - LABELS)
    again = train(tmp_path / "again", seed=2).model().get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def test_a_training_can_begin_with_anothers_weights_but_for_the_last_layer(tmp_path, monkeypatch):
    donor = train(tmp_path)
    monkeypatch.setattr(fit, "learning_rate", lambda *_: 0.0)
    frozen = train(tmp_path, start=donor, seed=9)
    theirs, mine = donor.model(last_epoch=True), frozen.model(last_epoch=True)
    kernels = [place for place, layer in enumerate(mine.layers) if layer.trainable_weights and "kernel" in layer.weights[0].name]
    same = [np.array_equal(mine.layers[at].get_weights()[0], theirs.layers[at].get_weights()[0]) for at in kernels]
    assert same == [True] * (len(kernels) - 1) + [False]
    assert frozen.record.key not in (donor.record.key, train(tmp_path, seed=9).record.key)


def test_a_training_without_weights_leaves_its_record_and_what_it_watched(tmp_path):
    trained, kept = (train(tmp_path, watch=IMAGES[:3], keep_weights=keep) for keep in (False, True))
    assert {path.name for path in trained.folder.iterdir()} == {"record.json", "state.json"}
    assert np.array_equal(trained.watched(), kept.watched()) and kept.model().count_params()


def test_initial_weights_do_not_depend_on_who_else_draws_random_numbers(tmp_path, monkeypatch):
    first = train(tmp_path / "alone").model().get_weights()
    build = registry.build

    def disturbed(*arguments, **options):
        random.random()  # as another thread of the process may between the seed and the first layer
        return build(*arguments, **options)

    monkeypatch.setattr(networks, "build", disturbed)
    networks._compiled.clear()
    again = train(tmp_path / "disturbed").model().get_weights()
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
