"""Loading FER2013: this package beside the usual recipe, in one run.

    python benchmarks/load_fer2013.py

It reads the CSV below FER_BOOK_DATA, or makes one up where there is none. Each way runs in a process of its own, so that peak
memory is its own; the ratios are what matters.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from ratios import Ratio

NAMES = ("fer2013.csv", "fer2013.csv.gz")
ROWS = 35_887
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
from fer_utils.datasets.loaders import fer2013
before, began = peak(), time.perf_counter()
images = fer2013.load(folder).read(np.arange(0, 1))
"""
REPORT = "print(json.dumps({'seconds': time.perf_counter() - began, 'mib': peak() - before}))"


def measure(code: str, folder: str, cache: str) -> dict[str, float]:
    """Seconds and MiB above the start of one way of loading."""
    environment = os.environ | {"FER_BOOK_CACHE": cache}
    command = [sys.executable, "-c", COMMON + code + REPORT, folder]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)


def folder_of_the_csv(scratch: str) -> str:
    """The user's FER2013 where FER_BOOK_DATA has it, else a CSV of the official form and size with made-up pixels."""
    folder = Path(os.environ.get("FER_BOOK_DATA", ""), "fer2013")
    if any((folder / name).exists() for name in NAMES):
        return str(folder)
    random = np.random.default_rng(0)
    with open(Path(scratch, NAMES[0]), "w") as csv:
        csv.write("emotion,pixels,Usage\n")
        for row in range(ROWS):
            csv.write(f"{row % 7},{' '.join(map(str, random.integers(0, 256, 48 * 48)))},Training\n")
    return scratch


def main() -> list[Ratio]:
    """Print seconds and memory of the recipe, a cold load and a cached load (median of three each); the ratios."""
    runs: dict[str, list[dict[str, float]]] = {"recipe": [], "cold": [], "cached": []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder_of_the_csv(scratch)
        for _ in range(3):
            with tempfile.TemporaryDirectory() as cache:
                runs["recipe"].append(measure(RECIPE, folder, cache))
                runs["cold"].append(measure(OURS, folder, cache))
                runs["cached"].append(measure(OURS, folder, cache))
    recipe, cold, cached = (sorted(each, key=lambda run: run["seconds"])[1] for each in runs.values())
    for name, run in (("recipe", recipe), ("cold", cold), ("cached", cached)):
        print(f"{name:>7}: {run['seconds']:7.3f} s, peak {run['mib']:6.0f} MiB above the start")
    return [
        Ratio("loading FER2013, cold / recipe", cold["seconds"] / recipe["seconds"], most=0.25),
        Ratio("loading FER2013, cached / recipe", cached["seconds"] / recipe["seconds"], most=0.05),
        Ratio("memory of loading FER2013, cold / recipe", cold["mib"] / recipe["mib"], most=0.25),
    ]


if __name__ == "__main__":
    main()
