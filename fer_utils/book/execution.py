"""From a chapter to an executed notebook: plan the runs, execute them, and keep what they leave.

An executed notebook is kept at `_build/runs/PROFILE/CHAPTER/notebook.ipynb`, beside its result; its metadata holds Papermill's
own record, the run's fingerprint and the digests of all files that it left, so a run whose code, parameters and data are
unchanged is skipped.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from fer_utils.book.kernel import missing_outputs, run_notebook
from fer_utils.book.parameters import NOTEBOOKS, check_parameters, listed_chapter, profile_parameters
from fer_utils.claims.schema import papers
from fer_utils.datasets import registry
from fer_utils.datasets.base import DATA_VARIABLE, data_root
from fer_utils.results.environment import recorded_versions
from fer_utils.results.paths import CHECKOUT, OUTPUT_VARIABLE, cache_folder, write_text_atomically
from fer_utils.results.provenance import code_fingerprint

BUILD = CHECKOUT / "_build"


@dataclass(frozen=True)
class Run:
    """One chapter under one profile: its validated parameters, its fingerprint and the folder of its outputs.

    `absent` names the datasets that were looked for, and that rendered faces stand in for; `data_root` is where, empty where no
    folder is given.
    """

    chapter: str
    profile: str
    parameters: dict[str, Any]
    dataset: str
    fingerprint: str
    folder: Path
    absent: tuple[str, ...] = ()
    data_root: str = ""

    @property
    def notebook(self) -> Path:
        """Where the executed notebook is kept."""
        return self.folder / "notebook.ipynb"

    @property
    def failed_notebook(self) -> Path:
        """Where the notebook of a run that failed is kept, until one ends well."""
        return self.folder / "failed.ipynb"


def plan(chapter: str, profile: str, overrides: Mapping[str, Any] | None = None) -> Run:
    """The run of a chapter: what `overrides` give wins over the profile, and that over the notebook's defaults.

    Raises ParameterError, MissingDataset or DatasetError: nothing has been started then.
    """
    parameters = profile_parameters(chapter, profile) | dict(overrides or {})
    settings = check_parameters(chapter, parameters).model_dump()
    given_root = data_root(parameters.pop("data_root", ""))  # a notebook finds it in its environment: a page shows no path
    root = str(given_root.resolve()) if given_root else ""
    listed, given = listed_chapter(chapter).get("datasets", []), settings.get("dataset", "")
    choices = {name: registry.choose(given, name, root) for name in settings.get("datasets_used", listed)}
    chosen = sorted(set(choices.values()))
    if len(listed) == 1:
        parameters["dataset"] = chosen[0]
    folder = BUILD / "runs" / profile / chapter
    inputs = {
        "code": code_fingerprint(chapter),
        "parameters": parameters,
        "datasets": chosen,
        "data": [registry.load(name, root).fingerprint for name in chosen],
        "files": [digest_of_file(path) for path in read_files(chapter, folder.parent)],
    }
    fingerprint = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    absent = tuple(name for name, choice in choices.items() if given == "auto" and choice != name)
    return Run(chapter, profile, parameters, ", ".join(chosen) or "none", fingerprint, folder, absent, root)


def read_files(chapter: str, runs: Path) -> list[Path]:
    """What a chapter may read beside its data.

    Claims and published result of its paper, or of all where it is no paper's, its published network, and, where
    `profiles.yml` says so, what the papers' chapters have left in a folder of runs.
    """
    read = [chapter] if chapter in papers() else papers()
    names = [name for paper in read for name in (f"claims/{paper}.yml", f"results/full/{paper}.json")]
    left = [runs / paper / "result.json" for paper in read] if listed_chapter(chapter).get("reads_results") else []
    return [*(CHECKOUT / "book" / name for name in (*names, f"models/{chapter}.weights.h5")), *left]


def digest_of_file(path: Path) -> str:
    """SHA-256 (hexadecimal) of a file, empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def is_current(run: Run) -> bool:
    """Whether what is kept comes from exactly this run, ended well, and is all there as it was left."""
    own = kept_metadata(run.notebook).get("fer_book", {})
    if own.get("fingerprint") != run.fingerprint or run.failed_notebook.exists():
        return False
    return all(digest_of_file(run.folder / name) == digest for name, digest in own["files"].items())


def kept_metadata(notebook: Path) -> dict[str, Any]:
    """The metadata of an executed notebook, or {} where there is none."""
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError):
        return {}


def execute(run: Run, *, progress: bool = True) -> str | None:
    """Execute a run; returns None, or the error in a few lines.

    What an earlier run left stays until this one has ended well and left a result and all its figures; then this one's files take
    its place. A run that fails leaves its notebook, up to the error, beside them.
    """
    partial = run.folder.with_name(f".{run.folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
    partial.mkdir(parents=True)
    changes = {OUTPUT_VARIABLE: str(partial), "FER_BOOK_CACHE": str(cache_folder().absolute())}
    if run.data_root:
        changes[DATA_VARIABLE] = run.data_root
    try:
        failure = run_notebook(NOTEBOOKS / f"{run.chapter}.ipynb", partial, run.parameters, changes, progress=progress)
        notebook = nbformat.read(partial / "notebook.ipynb", as_version=4)
        if failure is None and (missing := missing_outputs(notebook)):
            failure = f"ended without the figure {missing[0]}: does the code of its cell draw one?"
        if failure is None and not (partial / "result.json").exists():
            failure = "ended without a result: its last cells must call book.keep"
        left = sorted(path for path in partial.iterdir() if path.is_file() and path.name != "notebook.ipynb")
        notebook.metadata["papermill"]["exception"] = failure is not None
        notebook.metadata["fer_book"] = {
            "chapter": run.chapter,
            "profile": run.profile,
            "dataset": run.dataset,
            "fingerprint": run.fingerprint,
            "versions": recorded_versions(),
            "files": {path.name: digest_of_file(path) for path in left},
        }
        for field in ("input_path", "output_path"):  # where it was run does not belong on a page
            notebook.metadata["papermill"][field] = Path(notebook.metadata["papermill"][field]).name
        run.folder.mkdir(exist_ok=True)
        target = run.notebook if failure is None else run.failed_notebook
        for path in left if failure is None else []:
            path.replace(run.folder / path.name)
        write_text_atomically(target, nbformat.writes(notebook) + "\n")
        if failure is None:
            run.failed_notebook.unlink(missing_ok=True)
            for path in run.folder.iterdir():
                if path.name not in {target.name, *(new.name for new in left)}:
                    path.unlink()
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return failure and f"{run.chapter} {failure}"


def execute_at_once(runs: Sequence[Run], *, workers: int, scheduler: str = "") -> list[str]:
    """Execute runs in worker processes, one run per worker at a time; returns the errors of those that failed.

    Raises ScaleOutError as `fan_out`, but for lost runs, which are among the errors.
    """
    from fer_utils.training.parallel import LostItems, fan_out

    quietly = functools.partial(execute, progress=False)
    names = [run.chapter for run in runs]
    try:
        outcomes = fan_out(quietly, runs, workers=workers, scheduler=scheduler, names=names, description="chapters")
    except LostItems as error:
        outcomes = [*error.results, str(error)]
    return [failure for failure in outcomes if failure]
