"""One epoch of a training, whichever way is quicker. Both take the same steps and return the same metrics."""

from __future__ import annotations

import keras
import numpy as np
from tqdm import tqdm

PREDICTION_BATCH_SIZE = 32
SMALLEST_PROBABILITY = 1e-7  # what Keras's cross-entropy takes for zero


def predict(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """float32 probabilities (n, classes) of uint8 images (n, height, width, channels), or of a frozen base's features.

    The last batch is filled up: the network is traced for one size of batch, whatever the number of images.
    """
    size = PREDICTION_BATCH_SIZE
    rows = np.arange(-(-len(images) // size) * size).clip(max=len(images) - 1).reshape(-1, size)
    scores = [np.asarray(model.predict_on_batch(images[batch]), dtype=np.float32) for batch in rows]
    return np.concatenate([*scores, np.empty((0, model.output_shape[-1]), np.float32)])[: len(images)]


def reseed(model: keras.Model, seed: int, epoch: int) -> None:
    """Set every random layer to a state that depends on seed and epoch only, so that a resumed run draws the same."""
    attributes = [value for layer in model._flatten_layers() for value in vars(layer).values()]
    generators = [value for value in attributes if isinstance(value, keras.random.SeedGenerator)]
    for number, generator in enumerate(generators):
        words = np.random.default_rng([seed, epoch, number]).integers(0, 2**31 - 1, size=2)
        generator.state.assign(words.astype("uint32"))


def epoch_by_fit(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    validation: tuple[np.ndarray, np.ndarray] | None,
    progress: tqdm,
    class_weight: dict[int, float] | None = None,
) -> dict[str, float]:
    """One epoch over the images in the given order, then one over the validation images; the metrics of both.

    `class_weight` says by class number how much an image's loss counts in training; each once where there is none.
    """
    history = model.fit(
        images[order],
        labels[order],
        batch_size=batch_size,
        shuffle=False,
        verbose=0,
        class_weight=class_weight,
        validation_data=validation,
        validation_batch_size=PREDICTION_BATCH_SIZE,
        callbacks=[_Progress(progress, batch_size)],
    ).history
    return {metric: values[-1] for metric, values in history.items()}


def epoch_by_batches(
    model: keras.Model,
    features: np.ndarray,
    labels: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    validation: tuple[np.ndarray, np.ndarray] | None,
    progress: tqdm,
    class_weight: dict[int, float] | None = None,
) -> dict[str, float]:
    """The same without `fit`, whose 0.1 s a call is most of an epoch where only a head is trained, or on few images."""

    correct = loss = 0.0
    for rows in np.split(order, range(batch_size, len(order), batch_size)):
        logs = model.train_on_batch(features[rows], labels[rows], class_weight=class_weight, return_dict=True)  # this batch alone
        correct, loss = correct + len(rows) * logs["accuracy"], loss + len(rows) * logs["loss"]
    progress.update(len(order))
    metrics = {"accuracy": round(float(correct)) / len(order), "loss": loss / len(order)}
    if validation is None:
        return metrics
    probabilities = predict(model, validation[0])
    of_true = probabilities[np.arange(len(probabilities)), validation[1]].clip(SMALLEST_PROBABILITY)
    right = probabilities.argmax(axis=1) == validation[1]
    return metrics | {"val_accuracy": float(right.mean()), "val_loss": float(-np.log(of_true).mean())}


class _Progress(keras.callbacks.Callback):
    """Moves a progress bar by one batch of images."""

    def __init__(self, bar: tqdm, batch_size: int) -> None:
        super().__init__()
        self.bar, self.batch_size = bar, batch_size

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self.bar.update(min(self.batch_size, self.bar.total - self.bar.n))
