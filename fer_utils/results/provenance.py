"""What a run depends on: a plain, conservative fingerprint of its notebook, the whole package and the locked versions."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from fer_utils.results.environment import RECORDED_PACKAGES
from fer_utils.results.paths import CHECKOUT, PACKAGE

INSTALL_TAG = "install"  # of the cell that installs the package where it is missing


def notebook_code(notebook: dict[str, Any]) -> str:
    """The code of a notebook, without outputs, the cell that installs the package, and the one that Papermill injects."""
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    kept = [cell for cell in cells if not {INSTALL_TAG, "injected-parameters"} & set(cell["metadata"].get("tags", []))]
    return "\n\n".join("".join(cell["source"]) for cell in kept)


def code_fingerprint(chapter: str) -> str:
    """SHA-256 (hexadecimal) of a chapter's code cells, every module of the package, and the locked packages that compute.

    Any change of the package changes it: a run that is made again in vain costs minutes, a wrong one that is kept costs trust.
    """
    notebook, lock = CHECKOUT / "notebooks" / f"{chapter}.ipynb", CHECKOUT / "requirements.lock"
    digest = hashlib.sha256()
    if notebook.exists():
        digest.update(notebook_code(json.loads(notebook.read_text(encoding="utf-8"))).encode())
    for module in sorted(PACKAGE.rglob("*.py")):
        digest.update(module.relative_to(PACKAGE).as_posix().encode() + b"\0" + module.read_bytes())
    if lock.exists():
        pins = re.findall(r"^([a-z0-9-]+)(==\S+)", lock.read_text(encoding="utf-8"), flags=re.MULTILINE)
        digest.update(" ".join(name + version for name, version in pins if name in RECORDED_PACKAGES).encode())
    return digest.hexdigest()
