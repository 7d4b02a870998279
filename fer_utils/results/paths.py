"""Where the book's files lie, and how a file is written whole or not at all."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np
import psutil

PACKAGE = Path(__file__).resolve().parents[1]
CHECKOUT = PACKAGE.parent
OUTPUT_VARIABLE = "FER_BOOK_OUTPUT"
Content = TypeVar("Content")


def asset(name: str) -> Path:
    """Path of a claims file, published result or profile list, in a checkout (`book/`) or in the installed package.

    Raises FileNotFoundError naming both places when it is in neither.
    """
    places = [CHECKOUT / "book" / name, CHECKOUT / "notebooks" / name, PACKAGE / "assets" / name]
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError(f"{name} is not part of this installation; looked at {', '.join(map(str, places))}")


def write_text_atomically(path: Path, text: str) -> None:
    """Write a file under a temporary name and rename it, so that no reader ever sees half of it."""
    write_renamed(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def cache_folder() -> Path:
    """Where parsed data is kept: FER_BOOK_CACHE, else `_build/cache` of a checkout, else the user's cache folder."""
    if chosen := os.environ.get("FER_BOOK_CACHE"):
        return Path(chosen).expanduser()
    if (CHECKOUT / "pyproject.toml").exists():
        return CHECKOUT / "_build" / "cache"
    import pooch  # slow to import, and most programs never ask

    return Path(pooch.os_cache("fer_book"))


def digest_of(*arrays: np.ndarray) -> str:
    """SHA-256 of the arrays' shapes, dtypes and bytes, in order; hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def write_renamed(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file under a temporary name of the same ending, then rename it; nothing is left when it raises."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".*.partial.{glob.escape(path.name)}"):
        if not psutil.pid_exists(int(left.name.split(".")[1])):  # its process was killed
            left.unlink(missing_ok=True)
    partial = path.with_name(f".{os.getpid()}.partial.{path.name}")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def cached(path: Path, write: Callable[[Path], object], read: Callable[[Path], Content]) -> Content:
    """What `read` makes of a file named by all that decides its content; `write` fills it where it is missing or broken."""
    try:
        return read(path)
    except (OSError, EOFError, ValueError, KeyError, BadZipFile):
        pass
    write_renamed(path, write)
    return read(path)


def cached_array(path: Path, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """The array in a `.npy` file, mapped and not copied into memory; computed where the file is missing or broken."""
    return cached(path, lambda partial: np.save(partial, compute()), lambda whole: np.load(whole, mmap_mode="r"))
