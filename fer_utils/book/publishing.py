"""A full run's result, the network it shows and its predictions become part of the book, and are verified."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from fer_utils.book import execution
from fer_utils.book.parameters import ParameterError, reductions
from fer_utils.live.export import Precision, exported
from fer_utils.results.paths import CHECKOUT, cache_folder
from fer_utils.results.predictions import PREDICTIONS, published_predictions, read_predictions, write_predictions
from fer_utils.results.records import Verification
from fer_utils.results.store import published_result, read_result, write_result


def publish(chapter: str) -> list[Path]:
    """Copy a full run's result into `book/results/full`; returns the files.

    Where the book has a model card for its first network, the weights go into `book/models`, with the same network for LiteRT
    in 8 bits, and in float32 where the book has that too.

    Raises ParameterError when there is no finished full run, it was smaller than the profile `full`, or its data were not the
    published ones, LiveError as `export.export`.
    """
    source = execution.BUILD / "runs" / "full" / chapter / "result.json"
    ended = execution.kept_metadata(source.with_name("notebook.ipynb")).get("papermill", {"exception": True})
    if not source.exists() or ended["exception"]:
        raise ParameterError(f"{chapter} has no finished full run: fer-book run {chapter} --profile full")
    result = read_result(source)
    if result.dataset is None:
        raise ParameterError(f"{chapter} looks at printed numbers only; its result is made anew with every build")
    if not (result.dataset.real and result.dataset.official):
        raise ParameterError(f"{chapter} was not run on the published images: {'; '.join(result.dataset.remarks[:3])}")
    if changed := reductions(chapter, result.parameters):
        raise ParameterError(f"{chapter} was not run at full scale: {', '.join(changed)} differ from the profile full")
    first = result.trainings[0]
    network = first.recipe["network"]
    weights = cache_folder() / "trainings" / first.key / "selected.weights.h5"
    files = {CHECKOUT / "book/results/full" / f"{chapter}.json": source}
    kept = source.with_name(PREDICTIONS)
    if kept.exists():
        files[CHECKOUT / "book/results/full" / f"{chapter}.npz"] = kept
    models = CHECKOUT / "book/models"
    has_card = (models / f"{network}.md").exists()
    if has_card:
        files[models / f"{network}.weights.h5"] = weights
    if has_card and kept.exists():  # those of the published network can be computed again
        named = [replace(one, network=network if one.training == first.key else "") for one in read_predictions(kept).values()]
        write_predictions(named, kept)
    for target, origin in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, target)
    exports: dict[Precision, str] = {"int8": f"{network}.int8.tflite", "float32": f"{network}.tflite"}
    for precision, name in exports.items():
        if has_card and (precision == "int8" or (models / name).exists()):
            files[models / name] = exported(network, precision=precision)
            shutil.copyfile(files[models / name], models / name)
    return list(files)


def verify(chapter: str, data_root: str | Path = "") -> Verification:
    """Verify the published result of a chapter (`evaluation.verification`) and record it there.

    Raises ParameterError where nothing is published or kept, VerificationError where a number differs, MissingDataset.
    """
    from fer_utils.evaluation import verification  # scikit-learn takes a second to import

    result, kept = published_result(chapter), published_predictions(chapter)
    if result is None or not kept:
        lacking = "predictions kept with its published result" if result else "published result"
        raise ParameterError(
            f"{chapter} has no {lacking}; fer-book run {chapter} --profile full, then fer-book publish {chapter}"
        )
    found = verification.verify(result, kept, data_root)
    write_result(result.model_copy(update={"verified": found}), CHECKOUT / "book/results/full" / f"{chapter}.json")
    return found
