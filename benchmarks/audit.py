"""The whole command `fer-book audit` on five claims beside the start of Python with numpy.

python benchmarks/audit.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from ratios import Ratio

FILE = Path(__file__).parents[1] / "book/static/example_claims.yml"
ROUNDS = 7
COMMAND = "import sys; sys.argv = ['fer-book', 'audit', sys.argv[1]]; from fer_utils.book.cli import main; main()"


def seconds(code: str, *arguments: str) -> float:
    """What a new Python takes for this code; `fer-book audit` ends with status 1 where it finds something."""
    began = time.perf_counter()
    ended = subprocess.run([sys.executable, "-c", code, *arguments], check=False, capture_output=True)
    if ended.returncode > 1:
        raise RuntimeError(ended.stderr.decode())
    return time.perf_counter() - began


def main() -> list[Ratio]:
    """The ratio of the two, each taken in turns with the other; the seconds are printed."""
    pairs = [(seconds(COMMAND, str(FILE)), seconds("import numpy")) for _ in range(ROUNDS)]
    command, start = (median(column) for column in zip(*pairs, strict=True))
    print(f"fer-book audit {command:.2f} s (wanted: under 1.5), Python with numpy {start:.2f} s")
    return [Ratio("fer-book audit / start of Python with numpy", command / start, most=10)]


if __name__ == "__main__":
    print(main())
