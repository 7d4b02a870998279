"""Runs all benchmarks, or those named, and prints one table of their ratios.

    python benchmarks [NAME ...]

Each runs in a process of its own, one after the other. A ratio outside its limit ends with status 1; it means something only
where the machine does nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pandas as pd
from ratios import Ratio, ratios_of

from fer_utils.results.environment import environment

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in ("__main__", "ratios"))


def main(names: list[str]) -> int:
    """Run, print the table; the exit status."""
    if unknown := sorted(set(names) - set(NAMES)):
        print(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    there = environment(networks=False)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    measured: dict[str, list[Ratio]] = {}
    for name in names or NAMES:
        print(f"\n{name}", flush=True)
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
            measured[name] = alone.submit(ratios_of, name).result()
    rows = [
        (name, each.name, f"{each.value:.3g}", each.limit, each.is_kept) for name, ratios in measured.items() for each in ratios
    ]
    table = pd.DataFrame(rows, columns=["benchmark", "what", "ratio", "wanted", "kept"])
    print(f"\n{there.cpu}, {there.cores} cores, load {load:.2f} at the beginning, Python {there.python}")
    print(table.assign(kept=table["kept"].map({True: "yes", False: "NO"})).to_string(index=False))
    return int(not table["kept"].all())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
