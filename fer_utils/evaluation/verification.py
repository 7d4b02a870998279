"""Whether a published result still holds.

Kept networks score the same images again, and every metric that follows from kept predictions is computed again. What can't be
is counted, so that a reader knows how much was verified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_utils.datasets import registry
from fer_utils.datasets.base import FaceDataset
from fer_utils.evaluation import metrics
from fer_utils.results.environment import environment, git_revision, now
from fer_utils.results.predictions import Predictions
from fer_utils.results.records import Metric, Result, Verification

TOLERANCE = 1e-9  # of numbers computed from the same counts
LARGEST_DIFFERENCE = 5e-3  # of a probability: half precision, and another machine's order of summation
TIE = 1e-3  # an image whose two highest probabilities are closer than this may fall either way on another machine


class VerificationError(ValueError):
    """A published number is not what the kept networks or predictions give; the message names it, the old and the new value."""


def verify(result: Result, kept: Mapping[str, Predictions], data_root: str | Path = "") -> Verification:
    """Verify a published result from its kept predictions and, where they are a published network's, from the network.

    Raises VerificationError for the first number that differs, and MissingDataset or DatasetError as `registry.load`.
    """
    now_given = _scored_again(kept, data_root)
    turned = {}
    again = {metric.name: found for metric in result.metrics if (found := recomputed(metric, now_given)) is not None}
    for metric in result.metrics:
        if metric.name in again and (count := _turned(metric, again[metric.name], now_given)):
            turned[metric.name] = count
    for matrix in result.confusions:
        if (one := now_given.get(matrix.name)) is not None:
            recounted = metrics.confusion(matrix.name, one.labels, one.predicted, matrix.labels)
            moved = int(np.abs(recounted.array() - matrix.array()).sum()) // 2
            if moved > _ties([one]):
                raise VerificationError(f"matrix {matrix.name}: {moved} images are in other cells than published")
    there = environment()
    return Verification(
        revision=git_revision(),
        date=now(),
        backend=there.backend,
        device=there.device,
        cpu=there.cpu,
        recomputed=tuple(again),
        not_recomputed=tuple(metric.name for metric in result.metrics if metric.name not in again),
        turned=turned,
    )


def recomputed(metric: Metric, kept: Mapping[str, Predictions]) -> Metric | None:
    """The metric computed from the predictions that it follows from; None where these were not kept.

    They are those of its name, or those that its `of` names: two whose difference it is, or those that it is the mean of.
    """
    names = metric.of or (metric.name,)
    if not all(name in kept for name in names):
        return None
    ones = [kept[name] for name in names]
    over_subjects = metric.interval_method.startswith("bootstrap")
    first = ones[0]
    if metric.unit == "percentage_points":
        other = ones[1]
        if over_subjects:
            return metrics.cluster_bootstrap_difference(metric.name, first.right, other.right, first.subjects, metric.scored_on)
        gains = 100 * (first.right.astype(float) - other.right)
        return metrics.mean_over(metric.name, gains, metric.scored_on, metric.unit, over="images")
    if metric.of:
        return metrics.mean_over(metric.name, [100 * float(one.right.mean()) for one in ones], metric.scored_on)
    if over_subjects:
        return metrics.cluster_bootstrap_accuracy(metric.name, first.right, first.subjects, metric.scored_on)
    return metrics.accuracy(metric.name, first.labels, first.predicted, metric.scored_on)


def _scored_again(kept: Mapping[str, Predictions], data_root: str | Path) -> dict[str, Predictions]:
    """What published networks make of the same images now, every image once; predictions of other networks as they were kept."""
    found = dict(kept)
    for network, dataset in sorted({(one.network, one.dataset) for one in kept.values() if one.network}):
        from fer_utils.models.registry import published  # Keras is imported only where a network is scored
        from fer_utils.training import predict

        of_network = {name: one for name, one in kept.items() if (one.network, one.dataset) == (network, dataset)}
        data = registry.load(dataset, data_root)
        rows = {name: _rows(one, data) for name, one in of_network.items()}
        every = np.unique(np.concatenate([*rows.values()]))
        probabilities = predict(published(network), data.read(every))
        for name, one in of_network.items():
            found[name] = replace(one, probabilities=probabilities[np.searchsorted(every, rows[name])])
            largest = float(np.abs(found[name].probabilities - one.probabilities.astype(np.float32)).max())
            if largest > LARGEST_DIFFERENCE:
                raise VerificationError(
                    f"{name}: a probability differs by {largest:.4f} from the kept one, by more than {LARGEST_DIFFERENCE}"
                )
    return found


def _rows(kept: Predictions, data: FaceDataset) -> np.ndarray:
    """The rows (n,) of the kept images in the dataset, in their order, after a look at their labels."""
    places = {str(image): row for row, image in enumerate(data.frame["image"])}
    if missing := [image for image in kept.images.tolist() if image not in places]:
        raise VerificationError(f"{kept.name}: image {missing[0]} and {len(missing) - 1} more are not in this {data.name}")
    rows = np.array([places[image] for image in kept.images.tolist()])
    labels = data.labels(rows)
    if kept.truth == "label" and not np.array_equal(labels, kept.labels):
        one = int(np.flatnonzero(labels != kept.labels)[0])
        raise VerificationError(f"{kept.name}: image {kept.images[one]} has label {labels[one]}, published {kept.labels[one]}")
    return rows


def _turned(old: Metric, new: Metric, now_given: Mapping[str, Predictions]) -> int:
    """How many images fell the other way on this machine, 0 for an equal metric.

    Raises VerificationError where it is not equal and there are fewer ties than that.
    """
    pairs = [(getattr(old, name), getattr(new, name)) for name in ("value", "low", "high", "n")]
    if all(one == other if None in (one, other) else abs(one - other) <= TOLERANCE for one, other in pairs):
        return 0
    ones = [now_given[name] for name in old.of or (old.name,)]
    images = round(abs(old.value - new.value) / 100 * len(ones[0].labels) * (1 if old.unit == "percentage_points" else len(ones)))
    if old.n != new.n or images > _ties(ones):
        raise VerificationError(f"{old.name}: now {new}, published {old}")
    return images


def _ties(ones: Sequence[Predictions]) -> int:
    """Images, of networks that were scored again, whose two highest probabilities are nearly equal."""
    tops = [np.sort(one.probabilities, axis=1)[:, -2:] for one in ones if one.network]
    return sum(int(np.count_nonzero(top[:, 1] - top[:, 0] < TIE)) for top in tops)
