"""One notebook in a kernel of its own: what surrounds it is pinned, what it prints is thinned out, what it leaves is checked."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

SOCKET_PATH_LENGTH = 90  # a socket's path has 107 bytes at most, of which the kernel's own name takes some
PROGRESS_INTERVAL_S = 10.0
NOTICES = re.compile(r"[IWE]0000 |WARNING: All log messages before absl|I tensorflow/|To enable the following instructions")
CURSOR = re.compile(r"\x1b\[[\d;]*[A-Za-z]")  # bars below each other move it
PINNED = {
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # another leaves cells without figures
    "JUPYTER_PATH": str(Path(sys.prefix, "share", "jupyter")),  # this Python's kernel, not one of the user's own
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
DEFAULTS = {
    "KERAS_BACKEND": "tensorflow",  # whatever ~/.keras/keras.json says
    "PYTHONWARNINGS": "ignore:IProgress not found",  # tqdm's, with a path of this machine, onto a page
}


class ProgressLines:
    """Standard error of a kernel as lines for a file: no notices of TensorFlow, and one state of a bar every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.shown_s = stream, time.monotonic()

    def write(self, text: str) -> None:
        """Pass on whole lines; of bars, which end with a carriage return or with nothing, the latest where it is time."""
        for line in re.split(r"[\r\n]+", CURSOR.sub("", text)):
            if not line.strip() or NOTICES.match(line):
                continue
            if "%|" in line or "it/s" in line:
                if time.monotonic() - self.shown_s < PROGRESS_INTERVAL_S:
                    continue
                self.shown_s = time.monotonic()
            self.stream.write(f"{line.strip()}\n")

    def flush(self) -> None:
        """As a file has it."""
        self.stream.flush()


@contextmanager
def kernel_environment(changes: Mapping[str, str]) -> Iterator[None]:
    """The process's environment, which a kernel inherits, with changes; afterwards as it was."""
    before = dict(os.environ)
    os.environ.update({name: value for name, value in DEFAULTS.items() if name not in before} | PINNED | dict(changes))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def run_notebook(
    source: Path, folder: Path, parameters: Mapping[str, Any], changes: Mapping[str, str], *, progress: bool
) -> str | None:
    """Execute a notebook into `folder/notebook.ipynb`; None, or the error in a line, and then the notebook up to the error.

    The kernel has an empty profile of IPython and this process's environment with `changes`; `progress` goes to standard error.
    Raises what is no error of the notebook, such as KeyboardInterrupt.
    """
    target, started = folder / "notebook.ipynb", datetime.now(UTC)
    bars = progress and sys.stderr.isatty()
    # A network port that is free now may not be when the kernel takes it, so sockets are files
    with tempfile.TemporaryDirectory(dir=_short_folder(folder)) as own:
        ipc = Config(KernelManager={"transport": "ipc", "ip": f"{own}/kernel"} if os.name == "posix" else {})
        with kernel_environment({"IPYTHONDIR": f"{own}/ipython"} | dict(changes)):
            try:
                papermill.execute_notebook(
                    source,
                    target,
                    parameters=dict(parameters),
                    kernel_name="python3",
                    cwd=source.parent,
                    progress_bar=bars,
                    request_save_on_cell_execute=False,  # a notebook of 2 MB would be written twice for each of its cells
                    autosave_cell_every=0,
                    stderr_file=(sys.stderr if bars else ProgressLines(sys.stderr)) if progress else None,
                    shutdown_kernel="immediate",  # the last cell stops the workers, and TensorFlow takes seconds to go
                    config=ipc,
                )
            except papermill.PapermillExecutionError as error:
                return f"failed in cell {error.exec_count}: {error.ename}: {error.evalue}"
            except DeadKernelError as error:
                _write_without_outputs(source, target, started)
                return f"failed: {error}, as it does where memory runs out"
    return None


def _short_folder(folder: Path) -> str | None:
    """Where a kernel's sockets can lie: beside its outputs, where the next run finds what a killed one left, if that is short."""
    if len(str(folder)) <= SOCKET_PATH_LENGTH - 20:
        return str(folder)
    return "/tmp" if len(tempfile.gettempdir()) > SOCKET_PATH_LENGTH - 20 else None


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


def missing_outputs(notebook: nbformat.NotebookNode) -> list[str]:
    """The names of figures that an executed notebook announces and has no picture of."""
    missing = []
    for cell in notebook.cells:
        figure = cell.metadata.get("mystnb", {}).get("figure")
        kinds = {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}
        if figure and not any(kind.startswith("image/") for kind in kinds):
            missing.append(figure.get("name", "without a name"))
    return missing
