"""Kept predictions, and a published result that is verified by them."""

import numpy as np
import pytest

from fer_utils.evaluation import metrics, verification
from fer_utils.evaluation.verification import VerificationError, verify
from fer_utils.results.predictions import Predictions, read_predictions, write_predictions
from fer_utils.results.records import Metric
from fer_utils.results.store import published_result

CLASSES = ("anger", "happiness", "sadness")
LABELS = np.array([0, 0, 1, 1, 2, 2], np.uint8)
SUBJECTS = np.array(["a", "a", "b", "b", "c", "c"])


def predictions(name="test", wrong=(), network="", margin=0.5) -> Predictions:
    """Six images, of which those numbered `wrong` are given the next class; the two highest probabilities are `margin` apart."""
    given = np.array([(label + (place in wrong)) % 3 for place, label in enumerate(LABELS)])
    probabilities = np.full((6, 3), (1 - margin) / 3, np.float32)
    probabilities[np.arange(6), given] += margin
    images = np.array([str(number) for number in range(6)])
    return Predictions(name, "key", "demo", images, LABELS, probabilities, SUBJECTS, network=network)


def result_with(*found: Metric, confusions=()):
    """A published result with these metrics and no other."""
    return published_result("fer2013_cnn").model_copy(update={"metrics": list(found), "confusions": list(confusions)})


def accuracy(one: Predictions) -> Metric:
    return metrics.accuracy(one.name, one.labels, one.predicted, "six images")


def test_predictions_come_back_as_they_were_kept(tmp_path):
    one, other = predictions("test", wrong=(1,)), predictions("merged")
    write_predictions([one, other], tmp_path / "kept.npz")
    back = read_predictions(tmp_path / "kept.npz")
    assert list(back) == ["test", "merged"] and np.array_equal(back["test"].predicted, one.predicted)
    assert np.array_equal(back["test"].images, one.images) and np.array_equal(back["test"].subjects, SUBJECTS)


def test_half_precision_is_not_used_where_it_would_change_a_class(tmp_path):
    near = np.array([[0.33332, 0.33334, 0.33334 + 1e-6]], np.float32)
    kept = Predictions("near", "key", "demo", np.array(["0"]), np.array([2]), near)
    write_predictions([kept, predictions()], tmp_path / "kept.npz")
    back = read_predictions(tmp_path / "kept.npz")
    assert back["near"].probabilities.dtype == np.float32 and back["near"].predicted.tolist() == [2]
    assert back["test"].probabilities.dtype == np.float16


def test_predictions_of_unequal_lengths_are_refused_with_the_lengths():
    with pytest.raises(ValueError, match=r"predictions 'test': 6 images, 5 labels"):
        Predictions("test", "key", "demo", np.arange(6).astype(str), LABELS[:5], np.ones((6, 3)))


def test_a_file_that_holds_no_predictions_is_named(tmp_path):
    np.savez(tmp_path / "other.npz", one=np.ones(3))
    with pytest.raises(ValueError, match=r"other\.npz holds no predictions"):
        read_predictions(tmp_path / "other.npz")


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "kept.npz", index=np.array([{"name": "test"}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        read_predictions(tmp_path / "kept.npz")


def test_every_kind_of_metric_is_computed_again():
    one, other = predictions("one", wrong=(1,)), predictions("other", wrong=(1, 2, 4))
    kept = {"one": one, "other": other}
    published = [
        accuracy(one),
        metrics.cluster_bootstrap_accuracy("other", other.right, SUBJECTS, "six images"),
        metrics.mean_over("mean", [100 * 5 / 6, 50.0], "six images").model_copy(update={"of": ("one", "other")}),
        metrics.cluster_bootstrap_difference("gain", one.right, other.right, SUBJECTS, "six").model_copy(
            update={"of": ("one", "other")}
        ),
    ]
    matrix = metrics.confusion("one", LABELS, one.predicted, CLASSES)
    found = verify(result_with(*published, Metric(name="elsewhere", value=1.0), confusions=[matrix]), kept)
    assert found.recomputed == ("one", "other", "mean", "gain") and found.not_recomputed == ("elsewhere",)
    assert found.turned == {}


def test_a_metric_that_differs_is_named_with_the_old_and_the_new_value():
    better = accuracy(predictions(wrong=(1,)))
    with pytest.raises(VerificationError, match=r"^test: now 50\.00 .*, published 83\.33 "):
        verify(result_with(better), {"test": predictions(wrong=(1, 2, 4))})


def test_a_matrix_that_differs_is_named():
    matrix = metrics.confusion("test", LABELS, predictions(wrong=(3,)).predicted, CLASSES)
    with pytest.raises(VerificationError, match=r"matrix test: 2 images are in other cells"):
        verify(result_with(accuracy(predictions(wrong=(1,))), confusions=[matrix]), {"test": predictions(wrong=(1,))})


def test_an_image_that_is_a_tie_may_fall_the_other_way_where_a_network_is_scored_again(monkeypatch):
    tied, clear = predictions(wrong=(1,), network="net", margin=1e-4), predictions(wrong=(1,), network="net")
    published = result_with(accuracy(predictions()))
    monkeypatch.setattr(verification, "_scored_again", lambda kept, root: kept)
    assert verify(published, {"test": tied}).turned == {"test": 1}
    with pytest.raises(VerificationError, match=r"^test: now 83\.33"):
        verify(published, {"test": clear})
