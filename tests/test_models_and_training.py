"""The printed network, and training that can be stopped anywhere."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_utils.claims.schema import load_claims
from fer_utils.datasets.loaders import rendered_faces
from fer_utils.models import augmentation, fer2013, inspection, pretrained, registry
from fer_utils.protocols import fer2013_split
from fer_utils.results.paths import PACKAGE
from fer_utils.results.records import TrainingRecord
from fer_utils.training import epochs, fit, networks, recipes

IMAGES = np.random.default_rng(0).integers(0, 256, (96, 48, 48, 1)).astype(np.uint8)
LABELS = np.arange(96) % 7
RECIPE = recipes.Recipe(network="fer2013_cnn", epochs=3, batch_size=32, seed=3)


def train(store, recipe=RECIPE):
    return fit.train(
        recipe, IMAGES, LABELS, store, name="test", experiment="test", validation=(IMAGES[:32], LABELS[:32]), selected_on="v"
    )


def test_the_printed_network_has_the_printed_parameters_in_every_row():
    table = registry.layer_table(fer2013.fer2013_cnn())
    printed = list(load_claims("fer2013_cnn")["layer_table"].value.values())
    assert [row[2] for row in table] == [parameters for _, parameters in printed]
    assert sum(row[2] for row in table) == 879_623
    differing = [position for position, (row, (shape, _)) in enumerate(zip(table, printed, strict=True)) if list(row[1]) != shape]
    assert [table[position][1] for position in differing] == [(16, 16, 128)]


def test_augmentation_changes_images_in_training_only():
    layer = augmentation.augmentation(1.0, seed=0)
    image = IMAGES[:2].astype("float32")
    assert np.array_equal(np.asarray(layer(image, training=False)), image)
    assert not np.array_equal(np.asarray(layer(image, training=True)), image)


def test_mixed_precision_keeps_augmentation_and_output_in_float32():
    model = fer2013.fer2013_cnn(precision="mixed_bfloat16")
    assert {layer.compute_dtype for layer in model.get_layer("augmentation").layers} == {"float32"}
    assert model.layers[-1].compute_dtype == "float32" and model.layers[2].compute_dtype == "bfloat16"


def test_a_training_that_ends_in_nan_names_epoch_and_rate_and_leaves_nothing_to_be_found(tmp_path):
    hopeless = RECIPE.model_copy(update={"learning_rate": 1e30, "optimizer": "sgd_nesterov", "schedule": "constant"})
    for _ in range(2):  # the second finds nothing either
        with pytest.raises(epochs.TrainingError, match=r"loss is (nan|inf) after epoch \d at learning rate 1e\+30; nothing"):
            train(tmp_path, hopeless)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_published_network_reads_rendered_faces_better_than_chance():
    dataset = fer2013_split.fer2013_faces(rendered_faces.load(collection="angles", persons=range(32)))
    rows = np.flatnonzero(dataset.frame["camera"] == 0)
    predicted = epochs.predict(registry.published("fer2013_cnn"), dataset.read(rows)).argmax(axis=1)
    assert (predicted == dataset.labels(rows)).mean() > 0.4


def test_a_training_that_was_killed_continues_to_the_same_weights(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole")
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_models_and_training as t; "
    script += f"from pathlib import Path; t.fit.CHECKPOINT_INTERVAL_S = 0.0; t.train(Path({str(tmp_path / 'killed')!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/epoch-*.weights.h5")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "killed").glob("*/record.json")), "killed too late to be a test"
    resumed = train(tmp_path / "killed")
    assert resumed.record.history == whole.record.history
    for mine, theirs in zip(
        resumed.model(last_epoch=True).get_weights(), whole.model(last_epoch=True).get_weights(), strict=True
    ):
        assert np.array_equal(mine, theirs)
    assert sorted(path.name for path in resumed.folder.iterdir()) == [
        "last.weights.h5", "record.json", "selected.weights.h5", "state.json",
    ]  # fmt: skip

    computed = resumed.probabilities(IMAGES[:8])
    monkeypatch.setattr(networks, "ready", lambda *_: pytest.fail("trained or computed again"))
    again = train(tmp_path / "killed")
    assert again.record == resumed.record and np.array_equal(again.probabilities(IMAGES[:8]), computed)


def test_a_training_sets_no_global_seed_with_which_tensorflow_would_compile_all_anew(tmp_path, monkeypatch):
    monkeypatch.setattr("tensorflow.random.set_seed", pytest.fail)
    before = np.random.get_state()[2]  # noqa: NPY002 (the global generator is the subject)
    train(tmp_path, RECIPE.model_copy(update={"epochs": 1}))
    assert np.random.get_state()[2] == before  # noqa: NPY002


def test_a_second_training_of_a_kind_begins_with_the_weights_of_a_new_network_whatever_came_before(tmp_path):
    first, other = RECIPE.model_copy(update={"epochs": 1}), RECIPE.model_copy(update={"epochs": 1, "seed": 8})
    alone = [train(tmp_path / "alone", recipe).record.history for recipe in (first, other)]
    networks._compiled.clear()
    assert [train(tmp_path / "again", recipe).record.history for recipe in (other, first)] == alone[::-1]


def test_a_remainder_that_is_dropped_is_another_one_in_each_epoch(tmp_path):
    recipe = RECIPE.model_copy(update={"epochs": 2, "batch_size": 40, "drop_remainder": True})
    batches, orders = epochs.Batches(IMAGES, LABELS, recipe), []
    for epoch in range(2):
        batches.begin(epoch)
        orders.append(batches.order.tolist())
        assert [len(labels) for _, labels in batches] == [40, 40]
    assert [len(set(order)) for order in orders] == [80, 80] and set(orders[0]) != set(orders[1])
    history = train(tmp_path, recipe).record.history
    assert all(round(80 * share) == pytest.approx(80 * share) for share in history["accuracy"])


def test_every_image_is_in_one_batch_of_an_epoch_in_an_order_of_seed_and_epoch_alone():
    numbered, recipe = np.arange(10), RECIPE.model_copy(update={"batch_size": 4})
    batches = epochs.Batches(numbered, numbered, recipe)
    assert [len(images) for images, _ in batches] == [4, 4, 2]
    batches.begin(1)
    second = np.concatenate([images for images, _ in batches])
    assert second.tolist() == np.random.default_rng([recipe.seed, 1]).permutation(10).tolist()
    assert all(np.array_equal(images, labels) for images, labels in batches)


def test_a_training_shorter_than_the_interval_writes_no_checkpoint_and_a_longer_one_does(tmp_path, monkeypatch):
    written = []
    save = epochs.Notes._save
    monkeypatch.setattr(epochs.Notes, "_save", lambda notes: written.append(notes.state.epoch) or save(notes))
    monkeypatch.setattr(fit, "CHECKPOINT_INTERVAL_S", float("inf"))
    train(tmp_path / "short")
    assert written == []
    monkeypatch.setattr(fit, "CHECKPOINT_INTERVAL_S", 0.0)
    train(tmp_path / "long")
    assert written == [1, 2], "after the last epoch the weights themselves are kept"


def test_schedules_are_pure_functions_of_epoch_and_losses():
    def rates(schedule, losses=()):
        recipe = recipes.Recipe(network="x", schedule=schedule, learning_rate=1.0, epochs=8, batch_size=1)
        return [round(recipes.learning_rate(recipe, epoch, list(losses)[:epoch]), 4) for epoch in range(8)]

    assert rates("constant") == [1.0] * 8
    assert rates("step") == [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    assert rates("cosine")[0] == 1 and rates("cosine")[4] == 0.5 and rates("cosine")[7] < 0.04
    assert rates("plateau", [1.0] * 8) == [1, 1, 1, 1, 1, 1, 0.5, 0.5]


def test_data_and_every_setting_change_the_name_of_a_training():
    names = {RECIPE.key("a"), RECIPE.key("b"), RECIPE.model_copy(update={"seed": 4}).key("a")}
    assert len(names) == 3


def test_the_name_of_a_training_of_the_fer2013_chapter_is_what_it_was():
    assert RECIPE.key("") == "d975237e38ac7b77be9d"


def test_an_unknown_network_is_answered_with_the_known_ones():
    with pytest.raises(
        ValueError, match="no network 'vgg99'; there are c3d, fer2013_cnn, fer2013_features, frame_cnn, inception_resnet_v2"
    ):
        registry.build("vgg99")


def test_a_record_names_the_environment_it_was_made_in(tmp_path):
    record = TrainingRecord.model_validate_json((train(tmp_path).folder / "record.json").read_text())
    assert record.environment.backend == "tensorflow" and record.environment.cores >= 1


def test_no_module_on_the_data_path_imports_tensorflow_by_name():
    named = [path.name for path in PACKAGE.rglob("*.py") if "import tensorflow" in path.read_text()]
    assert sorted(named) == ["environment.py", "export.py"], "only an export to LiteRT and the record of devices need TensorFlow"


FACES = np.random.default_rng(1).integers(0, 256, (24, 32, 32, 3)).astype(np.uint8)
EMOTIONS = np.arange(24) % 6
HEAD = recipes.Recipe(
    network="vgg16_linear", options={"side_pixels": 32, "augmentation_strength": 0.0}, epochs=5, batch_size=5, seed=2
)


def train_head(store, recipe=HEAD):
    data = (FACES[:16], EMOTIONS[:16])
    held_out = (FACES[16:], EMOTIONS[16:])
    return fit.train(recipe, *data, store, name="head", experiment="head", validation=held_out, selected_on="v")


@pytest.mark.parametrize(("side_pixels", "head"), [(224, 150_534), (100, 27_654), (48, 3_078)])
def test_vgg16_with_a_linear_head_has_the_counted_parameters_at_every_size(side_pixels, head):
    table = inspection.parameter_table(inspection.skeleton("vgg16_linear", side_pixels=side_pixels))
    assert table == [("convolutional part", 14_714_688, 0), ("dense layer of 6", head, head)]


@pytest.mark.parametrize(
    ("network", "claim", "parts"),
    [
        ("vgg16_512", "vgg16_parameters", [14_714_688, 262_656, 262_656, 4_104]),
        ("inception_resnet_v2", "inception_resnet_v2_parameters", [54_336_736, 1_573_888, 524_800, 131_328, 1_799]),
        ("light_vgg", "light_vgg_parameters", [538_432, 4_719_104, 131_328, 1_799]),
        ("kdef_cnn", "custom_cnn_parameters", [5_088, 99_125_248, 12_294]),
    ],
)
def test_a_network_of_the_five_dataset_paper_has_the_printed_parameters(network, claim, parts):
    table = inspection.parameter_table(inspection.skeleton(network))
    assert [parameters for _, parameters, _ in table] == parts
    printed = load_claims("multi_dataset_cnns")[claim].value / 1e6
    # "56.568" of 56,568,551 is cut off, not rounded
    assert printed in (round(sum(parts) / 1e6, 3), int(sum(parts) / 1e3) / 1e3)


def test_a_skeleton_never_takes_memory_for_its_weights():
    model = inspection.skeleton("kdef_cnn")
    keras.layers.Dense(1)(keras.Input((2,)))
    assert model.count_params() == 99_142_630 and all(weight._value is None for weight in model.weights)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("network", "side_pixels"), [("vgg16_linear", 32), ("vgg16_512", 32), ("light_vgg", 16), ("kdef_cnn", 8)]
)
def test_a_network_takes_the_smallest_grey_and_colour_images(network, side_pixels, channels):
    images = FACES[:2, :side_pixels, :side_pixels, :channels]
    model = registry.build(network, classes=5, side_pixels=side_pixels, channels=channels)
    probabilities = np.asarray(model(images, training=False))
    assert probabilities.shape == (2, 5) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_inception_resnet_v2_takes_images_of_75_pixels():
    model = registry.build("inception_resnet_v2", side_pixels=75, channels=1)
    assert np.asarray(model(np.zeros((1, 75, 75, 1), np.uint8), training=False)).shape == (1, 7)


def test_vgg16_sees_images_scaled_as_keras_scales_them():
    model = registry.build("vgg16_linear", side_pixels=32)
    scaled = keras.Model(model.input, model.get_layer("block1_conv1").input)(FACES, training=False)
    expected = keras.applications.vgg16.preprocess_input(FACES.astype(np.float32))
    assert np.allclose(np.asarray(scaled), expected, atol=1e-4)


def test_blur_and_noise_change_images_in_training_only():
    layer = augmentation.augmentation(1.0, seed=0, shift=0, zoom=0, degrees=0, blur_pixels=1.0, noise=0.02)
    images = FACES / np.float32(255)
    assert np.array_equal(np.asarray(layer(images, training=False)), images)
    seen = np.asarray(layer(images, training=True))
    changes = [np.abs(seen - original).mean(axis=(1, 2, 3)) for original in (images, images[:, :, ::-1])]
    change = np.minimum(*changes)
    assert 0.015 < change.min() < 0.017, "noise of deviation 0.02 changes a value by 0.016 on average"
    assert 6 <= (change > 0.03).sum() <= 18, "about half of 24 images are blurred as well"


def test_what_is_trained_is_the_head_the_last_block_or_all():
    trained = {
        choice: inspection.parameter_table(inspection.skeleton("vgg16_linear", side_pixels=48, trainable=choice))[0][2]
        for choice in ("head", "last_block", "all")
    }
    assert trained == {"head": 0, "last_block": 3 * (3 * 3 * 512 * 512 + 512), "all": 14_714_688}


@pytest.mark.parametrize("trainable", ["head", "last_block", "all"])
def test_a_random_base_depends_on_the_training_only_where_it_is_all_trained(trainable):
    first, second = [], []
    for seed, kernels in ((0, first), (1, second)):
        keras.utils.set_random_seed(seed)
        model = registry.build("vgg16_linear", side_pixels=32, trainable=trainable)
        kernels += [np.asarray(model.get_layer("block5_conv3").kernel), np.asarray(model.layers[-1].kernel)]
    assert np.array_equal(first[0], second[0]) == (trainable != "all")
    assert not np.array_equal(first[1], second[1])


def test_building_in_another_precision_leaves_the_precision_of_the_process():
    model = registry.build("vgg16_linear", side_pixels=32, precision="mixed_bfloat16")
    assert model.get_layer("block1_conv1").compute_dtype == "bfloat16" and model.layers[-1].compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_a_given_file_of_weights_is_used_and_one_that_does_not_fit_is_named(tmp_path):
    given = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    given.save_weights(tmp_path / "given.weights.h5")
    model = registry.build("vgg16_linear", side_pixels=32, weights=str(tmp_path / "given.weights.h5"))
    kernel = model.get_layer("block3_conv2").kernel
    assert np.array_equal(np.asarray(kernel), np.asarray(given.get_layer("block3_conv2").kernel))

    with pytest.raises(FileNotFoundError, match="absent.h5' of VGG16 are no file"):
        registry.build("vgg16_linear", side_pixels=32, weights=str(tmp_path / "absent.h5"))
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="other.weights.h5 does not hold the weights of VGG16"):
        registry.build("vgg16_linear", side_pixels=32, weights=str(tmp_path / "other.weights.h5"))


def test_a_site_that_does_not_answer_means_weights_none_and_one_warning(tmp_path, monkeypatch):
    pretrained.imagenet_weights.cache_clear()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(pretrained, "TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(pretrained, "SITE", f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.warns(UserWarning, match="no ImageNet weights for VGG16") as warned:
            answers = [pretrained.imagenet_weights("VGG16") for _ in range(2)]
    assert answers == ["none", "none"] and len(warned) == 1
    assert not list(tmp_path.rglob("*.*")), "nothing half downloaded is left"


def test_imagenet_weights_that_keras_keeps_are_found_without_a_network(tmp_path, monkeypatch):
    pretrained.imagenet_weights.cache_clear()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "kept.h5").write_bytes(b"weights")
    monkeypatch.setitem(pretrained.IMAGENET_FILES, "VGG16", ("vgg16/kept.h5", hashlib.md5(b"weights").hexdigest()))
    assert pretrained.imagenet_weights("VGG16") == "imagenet"


@pytest.mark.parametrize("trainable", ["head", "last_block"])
def test_training_on_kept_features_gives_the_weights_of_training_the_whole_network(trainable, tmp_path, monkeypatch):
    recipe = HEAD.model_copy(update={"options": HEAD.options | {"trainable": trainable}, "learning_rate": 1e-4, "epochs": 2})
    quick = train_head(tmp_path / "quick", recipe)
    faces = quick.probabilities(FACES[16:])
    assert np.allclose(faces, epochs.predict(quick.model(), FACES[16:]), atol=1e-5)
    kept = quick.model(last_epoch=True).get_weights()
    assert (tmp_path / "quick" / quick.record.key / "last.weights.h5").stat().st_size < 31e6, "the base is kept apart"

    monkeypatch.setattr(networks, "split", lambda model: (None, model))
    networks._compiled.clear()
    whole = train_head(tmp_path / "whole", recipe)
    for metric in ("accuracy", "loss", "val_accuracy", "val_loss"):
        assert np.allclose(quick.record.history[metric], whole.record.history[metric], rtol=1e-4), metric
    for mine, theirs in zip(kept, whole.model(last_epoch=True).get_weights(), strict=True):
        assert np.allclose(mine, theirs, atol=1e-5)


def test_a_frozen_base_is_computed_once_for_all_trainings(tmp_path, monkeypatch):
    train_head(tmp_path)
    monkeypatch.setattr(keras.Model, "predict", None)
    train_head(tmp_path, HEAD.model_copy(update={"seed": 3}))
    assert len(list(tmp_path.glob("*/record.json"))) == 2


def test_the_training_of_a_head_that_was_stopped_continues_to_the_same_weights(tmp_path, monkeypatch):
    whole = train_head(tmp_path / "whole")
    begun, rate = [], recipes.learning_rate

    def stopped(recipe, epoch, losses):
        begun.append(epoch)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return rate(recipe, epoch, losses)

    monkeypatch.setattr(fit, "CHECKPOINT_INTERVAL_S", 0.0)
    monkeypatch.setattr(fit, "learning_rate", stopped)
    with pytest.raises(KeyboardInterrupt):
        train_head(tmp_path / "stopped")
    resumed = train_head(tmp_path / "stopped")
    assert resumed.record.history == whole.record.history and begun == [0, 1, 2, 3, 3, 4]
    for mine, theirs in zip(
        resumed.model(last_epoch=True).get_weights(), whole.model(last_epoch=True).get_weights(), strict=True
    ):
        assert np.array_equal(mine, theirs)


def test_nothing_is_computed_once_where_augmentation_changes_it_or_all_is_trained():
    options = {"side_pixels": 32, "augmentation_strength": 0.0}
    assert networks.split(registry.build("vgg16_linear", **options))[0] is not None
    assert networks.split(registry.build("vgg16_linear", side_pixels=32))[0] is None
    assert networks.split(registry.build("vgg16_linear", trainable="all", **options))[0] is None
    assert networks.split(registry.build("fer2013_cnn", augmentation_strength=0.0))[0] is None


def test_another_base_has_another_signature_and_the_same_base_the_same():
    def signature(**options):
        chosen = {"side_pixels": 32, "augmentation_strength": 0.0} | options
        return networks.signature(networks.split(registry.build("vgg16_linear", **chosen))[0])

    assert signature() == signature(classes=3)
    assert len({signature(), signature(seed=1), signature(precision="mixed_bfloat16"), signature(trainable="last_block")}) == 4


def two_map_model():
    """Maps x and 255 - x; the score of class 0 is the mean of the first, of class 1 of the second, of class 2 minus both."""
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1), dtype="uint8"),
            keras.layers.Rescaling(1.0, dtype="float32"),
            keras.layers.Conv2D(2, 1, name="maps"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    kernel, weights = np.array([[[[1.0, -1.0]]]]), np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])
    model.set_weights([kernel, np.array([0.0, 255.0]), weights, np.array([5.0, 0.0, 0.0])])
    return model


def test_grad_cam_of_a_model_worked_out_by_hand():
    image = np.arange(0, 160, 10, dtype=np.uint8).reshape(1, 4, 4, 1)
    heat = inspection.grad_cam(two_map_model(), np.repeat(image, 3, axis=0), np.array([0, 1, 2]))
    pixels = image[0, :, :, 0].astype(np.float32)
    assert heat.dtype == np.float32
    assert np.allclose(heat[0], pixels / 150) and np.allclose(heat[1], (255 - pixels) / 255) and np.all(heat[2] == 0)


def test_grad_cam_of_the_small_network_weighs_maps_by_the_head_and_changes_no_weight():
    model = registry.build("small_cnn", side_pixels=32, channels=3, precision="float32")
    before = model.get_weights()
    heat = inspection.grad_cam(model, FACES[:3], np.array([1, 4, 1]))
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(before, model.get_weights(), strict=True))

    # behind the last maps (4 x 4) are max pooling, which hands each gradient to one place, and the dense kernel (2 x 2 places)
    last = [layer for layer in model.layers if isinstance(layer, keras.layers.ReLU)][-1]
    maps = np.asarray(keras.Model(model.inputs[0], last.output)(FACES[:3], training=False))
    weights = np.asarray(model.layers[-1].kernel).reshape(4, 256, 7).sum(axis=0)[:, [1, 4, 1]].T
    evidence = np.maximum(np.einsum("nhwk,nk->nhw", maps, weights), 0)
    expected = np.asarray(keras.ops.image.resize(evidence[..., None], (32, 32)))[..., 0]
    assert heat.shape == (3, 32, 32) and np.allclose(heat, expected / expected.max(axis=(1, 2), keepdims=True), atol=1e-5)


def test_features_of_an_image_are_kept_whatever_images_it_is_asked_for_with(monkeypatch):
    base, _ = networks.split(registry.build("vgg16_linear", side_pixels=32, augmentation_strength=0.0))
    name = networks.signature(base)
    every = networks.features(lambda: base, name, FACES)
    assert every.shape == (24, 512) and np.allclose(every, base.predict(FACES, verbose=0), atol=1e-4)
    monkeypatch.setattr(keras.Model, "predict", None)
    assert np.array_equal(networks.features(None, name, FACES[[5, 2, 5]]), every[[5, 2, 5]])


def test_the_last_epoch_counts_where_the_held_out_images_are_only_looked_at(tmp_path):
    arguments = (FACES[:16], EMOTIONS[:16], tmp_path)
    watched = fit.train(
        HEAD, *arguments, name="n", experiment="e", validation=(FACES[16:], EMOTIONS[16:]), selected_on="none", select_best=False
    )
    assert watched.record.selected_epoch == HEAD.epochs and len(watched.record.history["val_accuracy"]) == HEAD.epochs


def test_random_frozen_layers_keep_the_scale_of_what_passes_through_them():
    network = registry.build("vgg16_linear", side_pixels=32, augmentation_strength=0.0)
    base, _ = networks.split(network)
    assert 1 < np.asarray(base.predict(FACES, verbose=0)).std() < 100


def test_a_network_without_a_frozen_base_has_no_frozen_features():
    with pytest.raises(ValueError, match="light_vgg .* has no frozen base"):
        fit.frozen_features("light_vgg", FACES, side_pixels=32, augmentation_strength=0.0)
