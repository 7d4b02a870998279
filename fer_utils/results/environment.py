"""Where numbers are made: versions, backend, device, time and revision."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from fer_utils.results.paths import CHECKOUT
from fer_utils.results.records import Environment

RECORDED_PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy", "scikit-learn", "opencv-python", "pandas")


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
