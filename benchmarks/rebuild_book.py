"""`make book` from nothing, with nothing changed, and with one chapter changed, in one run.

    python benchmarks/rebuild_book.py

It works on a copy of the project, so the checkout stays as it is, with the datasets in FER_BOOK_DATA where it is set.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from ratios import Ratio

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = "rendered_faces"


def make_book(folder: Path, data: str) -> tuple[float, str]:
    """Seconds and output of one `make book`."""
    began = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FER_BOOK")}
    command = ["make", "book", *([f"FER_BOOK_DATA={data}"] if data else [])]
    ended = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, env=environment)
    if ended.returncode:
        raise SystemExit(ended.stdout[-2000:] + ended.stderr[-2000:])
    return time.perf_counter() - began, ended.stdout


def main() -> list[Ratio]:
    """Print the three times and which chapters were executed in the third; the ratios of the later ones to the first."""
    data = os.environ.get("FER_BOOK_DATA", "")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "book"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
        first, _ = make_book(folder, data)
        unchanged, _ = make_book(folder, data)
        path = folder / "notebooks" / f"{CHAPTER}.ipynb"
        notebook = json.loads(path.read_text())
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")["source"] += ["\n# changed"]
        path.write_text(json.dumps(notebook))
        changed, output = make_book(folder, data)
    print(
        f"from nothing, set-up included: {first:.1f} s; nothing changed: {unchanged:.1f} s; one chapter changed: {changed:.1f} s"
    )
    print("executed in the third:", ", ".join(line.split(":")[0] for line in output.splitlines() if ": running" in line))
    return [
        Ratio("make book, nothing changed / from nothing", unchanged / first, most=1),
        Ratio("make book, one chapter changed / from nothing", changed / first, most=1),
    ]


if __name__ == "__main__":
    main()
