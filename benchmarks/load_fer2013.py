"""Loading FER2013: this package beside the usual recipe, in one run.

    python benchmarks/load_fer2013.py FOLDER/fer2013

Each way runs in a process of its own, so that peak memory is its own; the ratios are what matters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

COMMON = """
import json, resource, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
"""
RECIPE = """
import numpy as np, pandas as pd
before, began = peak(), time.perf_counter()
name = next(n for n in ("fer2013.csv", "fer2013.csv.gz") if (folder / n).exists())
table = pd.read_csv(folder / name)
images = np.array([list(map(int, text.split(" "))) for text in table["pixels"]], dtype="uint8").reshape(-1, 48, 48, 1)
"""
OURS = """
import numpy as np
from fer_utils.datasets import fer2013
before, began = peak(), time.perf_counter()
images = fer2013.load(folder).read(np.arange(0, 1))
"""
REPORT = "print(json.dumps({'seconds': time.perf_counter() - began, 'mib': peak() - before}))"


def measure(code: str, folder: str, cache: str) -> dict[str, float]:
    """Seconds and MiB above the start of one way of loading."""
    environment = os.environ | {"FER_BOOK_CACHE": cache}
    command = [sys.executable, "-c", COMMON + code + REPORT, folder]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def main() -> None:
    """Print seconds, memory and ratios of the recipe, a cold load and a cached load (median of three each)."""
    folder = sys.argv[1]
    runs: dict[str, list[dict[str, float]]] = {"recipe": [], "cold": [], "cached": []}
    for _ in range(3):
        with tempfile.TemporaryDirectory() as cache:
            runs["recipe"].append(measure(RECIPE, folder, cache))
            runs["cold"].append(measure(OURS, folder, cache))
            runs["cached"].append(measure(OURS, folder, cache))
    middle = {name: sorted(each, key=lambda run: run["seconds"])[1] for name, each in runs.items()}
    for name, run in middle.items():
        ratio = run["seconds"] / middle["recipe"]["seconds"]
        print(f"{name:>7}: {run['seconds']:7.3f} s  {ratio:6.3f} of the recipe  peak {run['mib']:6.0f} MiB above the start")


if __name__ == "__main__":
    main()
