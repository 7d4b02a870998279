"""From notebooks to a site: plan the runs, execute them with Papermill, lay them beside the pages, build the book.

An executed notebook is kept at `_build/runs/PROFILE/CHAPTER/notebook.ipynb`; its metadata holds Papermill's own record
and the run's fingerprint, so a run whose code, parameters and data are unchanged is skipped.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
import yaml
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from fer_utils import datasets, pages
from fer_utils.api_pages import with_api
from fer_utils.claims import papers
from fer_utils.datasets.base import DATA_VARIABLE, cache_folder, data_root
from fer_utils.export import Precision, exported
from fer_utils.ledger import result_files
from fer_utils.parameters import CHAPTERS, READS_RESULTS, REAL_DATASETS, ParameterError, check_parameters
from fer_utils.results import (
    CHECKOUT,
    OUTPUT_VARIABLE,
    asset,
    code_fingerprint,
    read_result,
    recorded_versions,
    write_text_atomically,
)

NOTEBOOKS = CHECKOUT / "notebooks"
BUILD = CHECKOUT / "_build"
SITE = BUILD / "site"
HTML = BUILD / "html"


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


def listed_profiles(profile: str) -> dict[str, Any]:
    """What `profiles.yml` sets. Raises ParameterError when the profile is not among its profiles."""
    listed = yaml.safe_load(asset("profiles.yml").read_text(encoding="utf-8"))
    if profile not in listed["profiles"]:
        raise ParameterError(f"no profile {profile!r}; there are {', '.join(listed['profiles'])}")
    return listed


def merged_parameters(chapter: str, profile: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The chapter's parameters by precedence: profile < chapter < command line; the notebook's defaults lie below.

    Raises ParameterError when the profile is unknown or a value is not allowed.
    """
    listed = listed_profiles(profile)
    own = listed["chapters"].get(chapter, {}).get(profile, {})
    merged = {"profile": profile} | listed["profiles"][profile] | own | dict(overrides)
    check_parameters(chapter, merged)
    return merged


def plan(chapter: str, profile: str, overrides: Mapping[str, Any] | None = None) -> Run:
    """The run of a chapter. Raises ParameterError, MissingDataset or DatasetError: nothing has been started then."""
    parameters = merged_parameters(chapter, profile, overrides or {})
    checked = check_parameters(chapter, parameters)
    wanted = getattr(checked, "datasets_used", None) or REAL_DATASETS[chapter]
    choices = {name: datasets.choose(checked.dataset, name, checked.data_root) for name in wanted}  # type: ignore[attr-defined]
    chosen = sorted(set(choices.values()))
    automatic = getattr(checked, "dataset", "") == "auto"
    absent = tuple(name for name, choice in choices.items() if automatic and choice != name)
    if len(REAL_DATASETS.get(chapter, ())) == 1:
        parameters["dataset"] = chosen[0]
    data = [datasets.load(name, checked.data_root).fingerprint for name in chosen]
    inputs = {"code": code_fingerprint(chapter), "parameters": parameters, "datasets": chosen, "data": data}
    read = [chapter] if chapter in papers() else papers()  # a chapter that is no paper's may read of all
    assets = [name for paper in read for name in (f"claims/{paper}.yml", f"results/full/{paper}.json")]
    for name in (*assets, f"models/{chapter}.weights.h5"):
        try:
            inputs[name] = hashlib.sha256(asset(name).read_bytes()).hexdigest()
        except FileNotFoundError:
            continue
    folder = BUILD / "runs" / profile / chapter
    if chapter in READS_RESULTS:
        inputs["results"] = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in result_files(folder.parent).items()
        }
    fingerprint = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return Run(chapter, profile, parameters, ", ".join(chosen) or "none", fingerprint, folder, absent)


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
    if root := data_root(run.parameters.get("data_root", "")):
        os.environ[DATA_VARIABLE] = str(root.resolve())
    (run.folder / "result.json").unlink(missing_ok=True)
    failure = None
    with tempfile.TemporaryDirectory() as sockets:  # a network port that is free now may not be when the kernel takes it
        try:
            papermill.execute_notebook(
                NOTEBOOKS / f"{run.chapter}.ipynb",
                partial,
                parameters=run.parameters,
                kernel_name="python3",
                cwd=NOTEBOOKS,
                progress_bar=progress,
                stderr_file=sys.stderr if progress else None,  # a long training's own progress bar
                shutdown_kernel="immediate",  # the last cell stops the workers, and TensorFlow takes seconds to go
                config=Config(KernelManager={"transport": "ipc", "ip": f"{sockets}/kernel"} if os.name == "posix" else {}),
            )
        except papermill.PapermillExecutionError as error:
            failure = f"{run.chapter} failed in cell {error.exec_count}: {error.ename}: {error.evalue}"
        except DeadKernelError as error:
            failure = f"{run.chapter} failed: {error}, as it does where memory runs out"
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


def execute_at_once(runs: Sequence[Run], *, workers: int, scheduler: str = "") -> list[str]:
    """Execute runs in worker processes, one run per worker at a time; returns the errors of those that failed.

    Raises ScaleOutError as `fan_out`, but for lost runs, which are among the errors.
    """
    from fer_utils.scale_out import LostItems, fan_out  # Dask needs a second to import, and few runs need Dask

    quietly = functools.partial(execute, progress=False)
    names = [run.chapter for run in runs]
    try:
        outcomes = fan_out(quietly, runs, workers=workers, scheduler=scheduler, names=names, description="chapters")
    except LostItems as error:
        outcomes = [*error.results, str(error)]
    return [failure for failure in outcomes if failure]


def lay_out(profile: str, site: Path = SITE) -> list[Path]:
    """Put pages and executed notebooks side by side under `_build/site`; returns the notebooks that failed.

    Files whose content is unchanged keep their time, so that the build only renders what is new.
    """
    runs = BUILD / "runs" / profile
    wanted: dict[Path, bytes] = {}
    wanted[site / "_config.yml"] = pages.site_config((CHECKOUT / "_config.yml").read_text(encoding="utf-8")).encode()
    wanted[site / "_toc.yml"] = (CHECKOUT / "_toc.yml").read_bytes()
    for path in sorted((CHECKOUT / "book").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            content = path.read_bytes()
            wanted[site / path.relative_to(CHECKOUT)] = (
                with_api(pages.filled(content.decode())).encode() if path.suffix == ".md" else content
            )
    failed, metadata = [], []
    for chapter in CHAPTERS:
        kept = runs / chapter / "notebook.ipynb"
        source = kept if kept.exists() else NOTEBOOKS / f"{chapter}.ipynb"
        notebook = nbformat.read(source, as_version=4)
        metadata.append(notebook.metadata)
        if notebook.metadata.get("papermill", {}).get("exception"):
            failed.append(kept)
        wanted[site / "notebooks" / f"{chapter}.ipynb"] = nbformat.writes(
            pages.dressed(notebook, profile, runs / chapter)
        ).encode()
        for name, path in pages.kept_results(runs, chapter).items():
            wanted[site / "book" / "static" / "results" / name] = path.read_bytes()
    for name in pages.LEDGER_FILES:
        if (kept := runs / "scoreboard" / name).exists():
            wanted[site / "book" / "static" / name] = kept.read_bytes()
    generated = [
        ("index", "<!-- scoreboard -->", pages.scoreboard_summary(runs)),
        *(("papers", f"<!-- verdicts of {paper} -->", pages.verdicts_of(paper, runs)) for paper in papers()),
        ("reproduce", "<!-- duration -->", pages.duration_sentence(metadata)),
        ("status", "<!-- runs -->", pages.status_table(metadata)),
        ("data", "<!-- datasets -->", pages.dataset_cards()),
        ("cluster", "<!-- cost -->", pages.cost_table(runs)),
    ]
    for page, mark, text in generated:
        path = site / "book" / f"{page}.md"
        wanted[path] = wanted[path].decode().replace(mark, text).encode()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in [path for path in site.rglob("*") if path.is_file() and path not in wanted]:
        path.unlink()
    return failed


def build_site() -> bool:
    """Build `_build/html` from the laid-out site, warnings being errors; skipped when nothing changed. True when built."""
    digest = hashlib.sha256()
    for path in sorted(path for path in SITE.rglob("*") if path.is_file()):
        digest.update(path.relative_to(SITE).as_posix().encode() + b"\0" + path.read_bytes())
    stamp = BUILD / "site.sha256"
    if (HTML / "index.html").exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return False
    stamp.unlink(missing_ok=True)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", SITE, "--path-output", CHECKOUT]
    try:
        subprocess.run([*map(str, command), "-W", "--keep-going", "--quiet"], check=True)
    except subprocess.CalledProcessError:
        for half_built in (HTML, BUILD / ".doctrees"):  # a second try would not repeat the warnings
            shutil.rmtree(half_built, ignore_errors=True)
        raise
    write_text_atomically(stamp, digest.hexdigest())
    return True


def publish(chapter: str) -> list[Path]:
    """Copy a full run's result into `book/results/full` and, where the book has a model card for its first network, the
    weights into `book/models`, with the same network for LiteRT in 8 bits, and in float32 where the book has that too;
    returns the files.

    Raises ParameterError when there is no such chapter or no finished full run, or its data were not the published ones,
    LiveError as `export.export`.
    """
    check_parameters(chapter, {})
    source = BUILD / "runs" / "full" / chapter / "result.json"
    ended = kept_metadata(source.with_name("notebook.ipynb")).get("papermill", {"exception": True})
    if not source.exists() or ended["exception"]:
        raise ParameterError(f"{chapter} has no finished full run: fer-book run {chapter} --profile full")
    result = read_result(source)
    if result.dataset is None:
        raise ParameterError(f"{chapter} looks at printed numbers only; its result is made anew with every build")
    if not (result.dataset.real and result.dataset.official):
        raise ParameterError(f"{chapter} was not run on the published images: {'; '.join(result.dataset.remarks[:3])}")
    first = result.trainings[0]
    network = first.recipe["network"]
    weights = cache_folder() / "trainings" / first.key / "selected.weights.h5"
    files = {CHECKOUT / "book/results/full" / f"{chapter}.json": source}
    models = CHECKOUT / "book/models"
    has_card = (models / f"{network}.md").exists()
    if has_card:
        files[models / f"{network}.weights.h5"] = weights
    for target, origin in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, target)
    exports: dict[Precision, str] = {"int8": f"{network}.int8.tflite", "float32": f"{network}.tflite"}
    for precision, name in exports.items():
        if has_card and (precision == "int8" or (models / name).exists()):
            files[models / name] = exported(network, precision=precision)
            shutil.copyfile(files[models / name], models / name)
    return list(files)
