"""From a chapter to an executed notebook: plan the runs and execute them with Papermill.

An executed notebook is kept at `_build/runs/PROFILE/CHAPTER/notebook.ipynb`; its metadata holds Papermill's own record
and the run's fingerprint, so a run whose code, parameters and data are unchanged is skipped.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from fer_utils.book.parameters import NOTEBOOKS, check_parameters, listed_chapter, profile_parameters
from fer_utils.claims.schema import papers
from fer_utils.datasets import registry
from fer_utils.datasets.base import DATA_VARIABLE, data_root
from fer_utils.results.environment import recorded_versions
from fer_utils.results.paths import CHECKOUT, OUTPUT_VARIABLE, write_text_atomically
from fer_utils.results.provenance import code_fingerprint

BUILD = CHECKOUT / "_build"


@dataclass(frozen=True)
class Run:
    """One chapter under one profile: its validated parameters, its fingerprint and the folder of its outputs.

    `absent` names the datasets that were looked for, and that rendered faces stand in for.
    """

    chapter: str
    profile: str
    parameters: dict[str, Any]
    dataset: str
    fingerprint: str
    folder: Path
    absent: tuple[str, ...] = ()

    @property
    def notebook(self) -> Path:
        """Where the executed notebook is kept."""
        return self.folder / "notebook.ipynb"


def plan(chapter: str, profile: str, overrides: Mapping[str, Any] | None = None) -> Run:
    """The run of a chapter: what `overrides` give wins over the profile, and that over the notebook's defaults.

    Raises ParameterError, MissingDataset or DatasetError: nothing has been started then.
    """
    parameters = profile_parameters(chapter, profile) | dict(overrides or {})
    settings = check_parameters(chapter, parameters).model_dump()
    listed, given, root = listed_chapter(chapter).get("datasets", []), settings.get("dataset", ""), settings["data_root"]
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
    return Run(chapter, profile, parameters, ", ".join(chosen) or "none", fingerprint, folder, absent)


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
    """Whether the kept notebook comes from exactly this run and ended well."""
    metadata = kept_metadata(run.notebook)
    return metadata.get("fer_book", {}).get("fingerprint") == run.fingerprint and not metadata["papermill"]["exception"]


def kept_metadata(notebook: Path) -> dict[str, Any]:
    """The metadata of an executed notebook, or {} where there is none."""
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["metadata"]
    except (OSError, ValueError, KeyError):
        return {}


def execute(run: Run, *, progress: bool = True) -> str | None:
    """Execute a run; returns None, or the error in a few lines. The notebook is kept in both cases, up to the error."""
    run.folder.mkdir(parents=True, exist_ok=True)
    partial = run.folder / "notebook.partial.ipynb"
    os.environ[OUTPUT_VARIABLE] = str(run.folder)
    os.environ["JUPYTER_PATH"] = str(Path(sys.prefix, "share", "jupyter"))  # this Python's kernel, not one of the user's own
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")  # tqdm's, with a path of this machine, onto a page
    if root := data_root(run.parameters.get("data_root", "")):
        os.environ[DATA_VARIABLE] = str(root.resolve())
    (run.folder / "result.json").unlink(missing_ok=True)
    failure, source, started = None, NOTEBOOKS / f"{run.chapter}.ipynb", datetime.now(UTC)
    with tempfile.TemporaryDirectory() as sockets:  # a network port that is free now may not be when the kernel takes it
        try:
            papermill.execute_notebook(
                source,
                partial,
                parameters=run.parameters,
                kernel_name="python3",
                cwd=NOTEBOOKS,
                progress_bar=progress,
                request_save_on_cell_execute=False,  # a notebook of 2 MB would be written twice for each of its cells
                autosave_cell_every=0,
                stderr_file=sys.stderr if progress else None,  # a long training's own progress bar
                shutdown_kernel="immediate",  # the last cell stops the workers, and TensorFlow takes seconds to go
                config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"} if os.name == "posix" else {}),
            )
        except papermill.PapermillExecutionError as error:
            failure = f"{run.chapter} failed in cell {error.exec_count}: {error.ename}: {error.evalue}"
        except DeadKernelError as error:
            failure = f"{run.chapter} failed: {error}, as it does where memory runs out"
            _write_without_outputs(source, partial, started)
    notebook = nbformat.read(partial, as_version=4)
    notebook.metadata["papermill"]["exception"] = failure is not None
    notebook.metadata["fer_book"] = {
        "chapter": run.chapter,
        "profile": run.profile,
        "dataset": run.dataset,
        "fingerprint": run.fingerprint,
        "versions": recorded_versions(),
    }
    for field in ("input_path", "output_path"):  # where it was run does not belong on a page
        notebook.metadata["papermill"][field] = Path(notebook.metadata["papermill"][field]).name
    write_text_atomically(run.notebook, nbformat.writes(notebook) + "\n")
    partial.unlink()
    return failure


def _write_without_outputs(source: Path, target: Path, started: datetime) -> None:
    """What is left of a run whose kernel died: the notebook as it is, with the record that Papermill would have made."""
    notebook = nbformat.read(source, as_version=4)
    notebook.metadata["papermill"] = {
        "version": papermill.__version__,
        "start_time": started.isoformat(),
        "duration": (datetime.now(UTC) - started).total_seconds(),
        "input_path": str(source),
        "output_path": str(target),
    }
    nbformat.write(notebook, str(target))


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
