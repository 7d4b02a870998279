"""Ten folds of clips on one worker and on two, side by side in one run: times, their ratio, and whether the numbers agree.

    python benchmarks/scale_out.py

Workers are started and have traced the network before the clock runs, as in a chapter, where one start serves hundreds of
folds. Each way has a cache of its own, so nothing is found finished.
"""

from __future__ import annotations

import os
import tempfile
import time

import numpy as np
from ratios import Ratio

from fer_utils.datasets import registry
from fer_utils.datasets.loaders import ckplus
from fer_utils.preprocessing import clips, cropping
from fer_utils.protocols import splits
from fer_utils.training import cross_validation, parallel
from fer_utils.training.recipes import Recipe

FOLDS, PEOPLE, SIDE_PIXELS = 10, 20, 32


def fold_tasks(seed: int) -> list[cross_validation.FoldTask]:
    """Ten subject-independent folds of the rendered sequences; their clips are kept in the cache of the moment."""
    faces_ = registry.load("rendered_faces", collection="sequences", persons=range(PEOPLE), classes=ckplus.ckplus.CLASSES)
    cut = clips.last_frames(cropping.crop_to_boxes(faces_, side_pixels=SIDE_PIXELS, grey=True), 10)
    apex = cropping.keep_rows(cut.dataset, cut.rows[:, -1], "last frame")
    kept = cross_validation.ClipSet(
        {False: cross_validation.keep_clips(cut.read(range(len(cut.labels))))}, cut.labels, cut.dataset.classes
    )
    options = {"side_pixels": SIDE_PIXELS, "channels": 1, "width": 1 / 16, "activation": "elu", "pooling": "max"}
    recipe = Recipe(network="c3d", options=options, schedule="constant", epochs=6, batch_size=6, seed=seed)
    return [
        cross_validation.FoldTask(fold.name, "benchmark", kept, clahe=False, fold=fold, recipe=recipe)
        for fold in splits.every_tenth(apex, folds=FOLDS).folds
    ]


def timed(workers: int) -> tuple[float, list[float]]:
    """Seconds for all folds, and the loss of each fold's last epoch."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["FER_BOOK_CACHE"] = cache
        parallel.fan_out(cross_validation.score_fold, fold_tasks(seed=1)[: 2 * workers], workers=workers)
        tasks = fold_tasks(seed=0)
        began = time.perf_counter()
        scores = parallel.fan_out(cross_validation.score_fold, tasks, workers=workers)
        seconds = time.perf_counter() - began
        parallel.stop_workers()
    return seconds, [score.record.history["loss"][-1] for score in scores]


def main() -> list[Ratio]:
    """Print both times; their ratio, and the largest difference of a loss."""
    (alone, losses), (together, same_losses) = timed(1), timed(2)
    print(f"{FOLDS} folds on one worker:  {alone:6.1f} s")
    print(f"{FOLDS} folds on two workers: {together:6.1f} s")
    difference = float(np.abs(np.subtract(losses, same_losses)).max())
    return [Ratio("ten folds, one worker / two", alone / together), Ratio("largest difference of a loss", difference, most=0)]


if __name__ == "__main__":
    main()
