"""What a run leaves behind: one JSON file of one schema, written whole or not at all, and the assets a notebook reads.

A result names its data, the data that chose epoch and settings (`selected_on`), every metric with its interval,
the environment and the code it came from. Matrices have true classes in their rows.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent
OUTPUT_VARIABLE = "FER_BOOK_OUTPUT"
INSTALL_TAG = "install"  # of the cell that installs the package where it is missing
ONLY_SHOWN = ("fer_utils/figures.py", "fer_utils/tables.py")  # they draw numbers and change none
RECORDED_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "scikit-learn", "opencv-python", "pandas")


def asset(name: str) -> Path:
    """Path of a claims file, published result or profile list, in a checkout (`book/`) or in the installed package.

    Raises FileNotFoundError naming both places when it is in neither.
    """
    places = [CHECKOUT / "book" / name, CHECKOUT / "notebooks" / name, PACKAGE / "assets" / name]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"{name} is not part of this installation; looked at {', '.join(map(str, places))}")


class Metric(BaseModel):
    """A measured number with its interval. `value`, `low` and `high` are in `unit`; `n` counts what was scored."""

    model_config = ConfigDict(frozen=True)

    name: str
    value: float
    unit: str = "percent"
    low: float | None = None
    high: float | None = None
    n: int | None = None
    interval_method: str = ""
    scored_on: str = ""

    def contains(self, printed: float) -> bool:
        """Whether a printed number agrees: it lies in the interval or, for an exact value, equals it."""
        if self.low is None or self.high is None:
            return printed == self.value
        return self.low <= printed <= self.high

    def interval_text(self) -> str:
        """[low, high] in the metric's unit; the value where it has no interval."""
        if self.low is None or self.high is None:
            return f"{self.value:g}"
        return f"[{self._digits(self.low)}, {self._digits(self.high)}]"

    def _digits(self, number: float) -> str:
        """Two decimals; two significant digits where the unit is none, as of a p-value."""
        return f"{number:.2g}" if self.unit == "none" else f"{number:.2f}"

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:,.10g}"
        return f"{self._digits(self.value)} {self.interval_text()}, n = {self.n:,}"


class Confusion(BaseModel):
    """Counts of a confusion matrix; `counts[i][j]` items of true class i were given class j."""

    model_config = ConfigDict(frozen=True)

    name: str
    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def array(self) -> np.ndarray:
        """int64 array (classes, classes), rows = true."""
        return np.asarray(self.counts, dtype=np.int64)

    def in_order(self, labels: Sequence[str]) -> Confusion:
        """The same matrix with its classes in another order. Raises ValueError when the classes are not the same."""
        if sorted(labels) != sorted(self.labels):
            raise ValueError(f"{self.name} has the classes {self.labels}, not {tuple(labels)}")
        positions = [self.labels.index(label) for label in labels]
        counts = self.array()[np.ix_(positions, positions)].tolist()
        return Confusion(name=self.name, labels=tuple(labels), counts=counts)


class Environment(BaseModel):
    """Where numbers were made: thread counts and the oneDNN flag are here because they change trained weights."""

    model_config = ConfigDict(frozen=True)

    python: str
    packages: dict[str, str]
    backend: str
    device: str
    cpu: str
    cores: int
    onednn: str
    system: str


class TrainingRecord(BaseModel):
    """One training: its recipe, its history per epoch, and where and how fast it ran."""

    name: str
    experiment: str
    recipe: dict[str, Any]
    key: str
    selected_on: str
    selected_epoch: int = Field(description="counted from 1; its weights were scored")
    history: dict[str, list[float]]
    training_images: int
    wall_time_s: float
    images_per_s: float
    environment: Environment


class DatasetSummary(BaseModel):
    """The data of a run. `real` is false for rendered or drawn faces; `official` means its counts are the published ones."""

    name: str
    licence: str
    fingerprint: str
    real: bool
    official: bool
    publishable: bool
    counts: dict[str, dict[str, int]] = Field(description="split -> class -> images")
    remarks: tuple[str, ...] = ()
    skipped: dict[str, int] = Field(default_factory=dict, description="reason -> images, sequences or files left out")


def together(summaries: Sequence[DatasetSummary], names: Sequence[str]) -> DatasetSummary:
    """One summary of several datasets under the given names: real, official and publishable where all of them are."""
    pairs = list(zip(names, summaries, strict=True))
    return DatasetSummary(
        name=", ".join(dict.fromkeys(summary.name for summary in summaries)),
        licence="; ".join(dict.fromkeys(summary.licence for summary in summaries)),
        fingerprint=hashlib.sha256("".join(summary.fingerprint for summary in summaries).encode()).hexdigest(),
        real=all(summary.real for summary in summaries),
        official=all(summary.official for summary in summaries),
        publishable=all(summary.publishable for summary in summaries),
        counts={f"{name}, {split}": counts for name, summary in pairs for split, counts in summary.counts.items()},
        remarks=tuple(f"{name}: {remark}" for name, summary in pairs for remark in summary.remarks),
        skipped={f"{name}: {reason}": count for name, summary in pairs for reason, count in summary.skipped.items()},
    )


class Result(BaseModel):
    """Everything a chapter measured under one profile."""

    chapter: str
    profile: str
    parameters: dict[str, Any]
    dataset: DatasetSummary | None = Field(description="None where a chapter looks at no images, only at printed numbers")
    selected_on: str
    metrics: list[Metric]
    confusions: list[Confusion]
    trainings: list[TrainingRecord]
    tables: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    verdicts: dict[str, str] = Field(default_factory=dict, description="claim id -> verdict")
    environment: Environment
    seed: int
    wall_time_s: float
    created: str
    git_revision: str
    code_fingerprint: dict[str, str]

    def metric(self, name: str) -> Metric:
        """The metric of that name. Raises KeyError naming those there are."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(f"no metric {name!r}; there are {', '.join(m.name for m in self.metrics)}")

    def confusion(self, name: str) -> Confusion:
        """The confusion matrix of that name. Raises KeyError naming those there are."""
        for confusion in self.confusions:
            if confusion.name == name:
                return confusion
        raise KeyError(f"no matrix {name!r}; there are {', '.join(c.name for c in self.confusions)}")

    def stale_parts(self) -> list[str]:
        """The parts of the code (notebook, modules, locked versions) that decide numbers and have changed since this result was made."""
        now = code_fingerprint(self.chapter)
        if "notebook" not in now:
            return []
        changed = [part for part, digest in self.code_fingerprint.items() if now.get(part) != digest]
        return [part for part in changed if part not in ONLY_SHOWN]


def write_text_atomically(path: Path, text: str) -> None:
    """Write a file under a temporary name and rename it, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def write_result(result: Result, path: Path) -> None:
    """Write the JSON file (NaN is refused by raising ValueError)."""
    write_text_atomically(path, json.dumps(result.model_dump(mode="json"), indent=1, allow_nan=False) + "\n")


def keep_result(result: Result) -> Path | None:
    """Write `result.json` where the runner asked for it (FER_BOOK_OUTPUT); None when a notebook is run by hand."""
    folder = os.environ.get(OUTPUT_VARIABLE)
    if not folder:
        return None
    write_result(result, Path(folder) / "result.json")
    return Path(folder) / "result.json"


def read_result(path: Path) -> Result:
    """Read and validate a result. Raises ValueError naming the file and the first wrong field."""
    try:
        return Result.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def published_result(chapter: str) -> Result | None:
    """The committed result of the chapter's full run, or None where there is none."""
    try:
        return read_result(asset(f"results/full/{chapter}.json"))
    except FileNotFoundError:
        return None


def notebook_code(notebook: dict[str, Any]) -> str:
    """The code of a notebook, without outputs, the cell that installs the package, and the one that Papermill injects."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    kept = [cell for cell in cells if not {INSTALL_TAG, "injected-parameters"} & set(cell["metadata"].get("tags", []))]
    return "\n\n".join("".join(cell["source"]) for cell in kept)


def modules_used(code: str) -> list[Path]:
    """The package's modules that a notebook's code imports, and those that they import, sorted by path."""
    found: set[Path] = set()
    texts = [code]
    while texts:
        nodes = [node for node in ast.walk(ast.parse(texts.pop())) if isinstance(node, ast.Import | ast.ImportFrom)]
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and node.module:
                names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        dotted = [name.split(".") for name in names if name.split(".")[0] == PACKAGE.name]
        for parts in (name[:length] for name in dotted for length in range(1, len(name) + 1)):
            place = PACKAGE.parent.joinpath(*parts)
            for path in (place.with_suffix(".py"), place / "__init__.py"):
                if path.is_file() and path not in found:
                    found.add(path)
                    texts.append(path.read_text(encoding="utf-8"))
    return sorted(found)


def code_fingerprint(chapter: str) -> dict[str, str]:
    """SHA-256 (16 hex digits) of what decides a chapter's numbers: its code cells, each module of the package that they
    use, and the locked versions of the packages that compute.

    Parts that are not at hand (the notebook and the lock, where only the package is installed) are left out.
    """
    notebook, lock = CHECKOUT / "notebooks" / f"{chapter}.ipynb", CHECKOUT / "requirements.lock"
    parts = {}
    if notebook.exists():
        code = notebook_code(json.loads(notebook.read_text(encoding="utf-8")))
        parts["notebook"] = code.encode()
        parts |= {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in modules_used(code)}
    if lock.exists():
        pins = re.findall(r"^([a-z0-9-]+)(==\S+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        parts["lock"] = " ".join(name + version for name, version in pins if name in RECORDED_PACKAGES).encode()
    return {name: hashlib.sha256(content).hexdigest()[:16] for name, content in sorted(parts.items())}


def git_revision() -> str:
    """Short revision of the checkout, with `+` where files differ from it; 'unknown' outside a checkout."""

    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", str(CHECKOUT), *arguments], capture_output=True, text=True, check=True).stdout

    try:
        return git("rev-parse", "--short=12", "HEAD").strip() + ("+" if git("status", "--porcelain").strip() else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _device(backend: str) -> str:
    """Name of the accelerator the backend computes on, or 'CPU'."""
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return "CPU" if device.platform == "cpu" else device.device_kind
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU"
    import tensorflow

    accelerators = tensorflow.config.list_physical_devices("GPU")
    return accelerators[0].name if accelerators else "CPU"


def recorded_versions() -> dict[str, str]:
    """Versions of the packages that decide numbers, as far as they are installed."""
    versions = {}
    for package in RECORDED_PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def environment(*, networks: bool = True) -> Environment:
    """The environment of this process; imports Keras to ask for its backend, unless no network is computed."""
    backend = device = "not used"
    if networks:
        import keras

        backend = keras.backend.backend()
        device = _device(backend)
    return Environment(
        python=platform.python_version(),
        packages=recorded_versions(),
        backend=backend,
        device=device,
        cpu=_cpu_name(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        onednn=os.environ.get("TF_ENABLE_ONEDNN_OPTS", "default"),
        system=f"{platform.system()} {platform.machine()}",
    )


def now() -> str:
    """The current time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
