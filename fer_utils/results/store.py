"""Results as JSON files of one schema, written whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import ValidationError

from fer_utils.results.paths import OUTPUT_VARIABLE, asset, write_text_atomically
from fer_utils.results.records import Result


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
