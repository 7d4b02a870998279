"""The printed network, and training that can be stopped anywhere."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fer_utils import models, training
from fer_utils.claims import load_claims
from fer_utils.results import TrainingRecord

IMAGES = np.random.default_rng(0).integers(0, 256, (96, 48, 48, 1)).astype(np.uint8)
LABELS = np.arange(96) % 7
RECIPE = training.Recipe(network="fer2013_cnn", epochs=3, batch_size=32, seed=3)


def train(store, recipe=RECIPE):
    return training.train(
        recipe, IMAGES, LABELS, store, name="test", experiment="test", validation=(IMAGES[:32], LABELS[:32]), selected_on="v"
    )


def test_the_printed_network_has_the_printed_parameters_in_every_row():
    table = models.layer_table(models.fer2013_cnn())
    printed = list(load_claims("fer2013_cnn")["layer_table"].value.values())
    assert [row[2] for row in table] == [parameters for _, parameters in printed]
    assert sum(row[2] for row in table) == 879_623
    differing = [position for position, (row, (shape, _)) in enumerate(zip(table, printed)) if list(row[1]) != shape]
    assert [table[position][1] for position in differing] == [(16, 16, 128)]


def test_augmentation_changes_images_in_training_only():
    layer = models.augmentation(1.0, seed=0)
    image = IMAGES[:2].astype("float32")
    assert np.array_equal(np.asarray(layer(image, training=False)), image)
    assert not np.array_equal(np.asarray(layer(image, training=True)), image)


def test_mixed_precision_keeps_augmentation_and_output_in_float32():
    model = models.fer2013_cnn(precision="mixed_bfloat16")
    assert {layer.compute_dtype for layer in model.get_layer("augmentation").layers} == {"float32"}
    assert model.layers[-1].compute_dtype == "float32" and model.layers[2].compute_dtype == "bfloat16"


def test_the_published_network_reads_rendered_faces_better_than_chance():
    from fer_utils import datasets, protocols

    dataset = protocols.fer2013_faces(datasets.rendered_faces.load(collection="angles", persons=range(32)))
    rows = np.flatnonzero(dataset.frame["camera"] == 0)
    guesses = training.predict(models.published("fer2013_cnn"), dataset.read(rows)).argmax(axis=1)
    assert (guesses == dataset.labels(rows)).mean() > 0.4


def test_a_training_that_was_killed_continues_to_the_same_weights(tmp_path):
    whole = train(tmp_path / "whole")
    script = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_models_and_training as t; "
    script += f"from pathlib import Path; t.train(Path({str(tmp_path / 'killed')!r}))"
    process = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL, env=os.environ)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "killed").glob("*/epoch-*.weights.h5")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "killed").glob("*/record.json")), "killed too late to be a test"
    resumed = train(tmp_path / "killed")
    assert resumed.record.history == whole.record.history
    for mine, theirs in zip(resumed.model(last_epoch=True).get_weights(), whole.model(last_epoch=True).get_weights()):
        assert np.array_equal(mine, theirs)
    assert sorted(path.name for path in resumed.folder.iterdir()) == [
        "last.weights.h5", "record.json", "selected.weights.h5", "state.json",
    ]  # fmt: skip

    began = time.perf_counter()
    again = train(tmp_path / "killed")
    assert again.record == resumed.record and time.perf_counter() - began < 1, "a finished training is not repeated"
    assert np.array_equal(again.probabilities(IMAGES[:8]), again.probabilities(IMAGES[:8]))


def test_schedules_are_pure_functions_of_epoch_and_losses():
    def rates(schedule, losses=()):
        recipe = training.Recipe(network="x", schedule=schedule, learning_rate=1.0, epochs=8, batch_size=1)
        return [round(training.learning_rate(recipe, epoch, list(losses)[:epoch]), 4) for epoch in range(8)]

    assert rates("constant") == [1.0] * 8
    assert rates("step") == [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    assert rates("cosine")[0] == 1 and rates("cosine")[4] == 0.5 and rates("cosine")[7] < 0.04
    assert rates("plateau", [1.0] * 8) == [1, 1, 1, 1, 1, 1, 0.5, 0.5]


def test_data_and_every_setting_change_the_name_of_a_training():
    names = {RECIPE.key("a"), RECIPE.key("b"), RECIPE.model_copy(update={"seed": 4}).key("a")}
    assert len(names) == 3


def test_an_unknown_network_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match="no network 'vgg99'; there are fer2013_cnn, small_cnn"):
        models.build("vgg99")


def test_a_record_names_the_environment_it_was_made_in(tmp_path):
    record = TrainingRecord.model_validate_json((train(tmp_path).folder / "record.json").read_text())
    assert record.environment.backend == "tensorflow" and record.environment.cores >= 1


def test_no_module_on_the_data_path_imports_tensorflow_by_name():
    package = Path(training.__file__).parent
    named = [path.name for path in package.rglob("*.py") if "import tensorflow" in path.read_text()]
    assert named == ["results.py"], "only the record of the environment may ask TensorFlow for its devices"
