"""Render the embedded dataset.

    python -m render_faces render OUT [--collections sequences angles wild] [--workers 2]
    python -m render_faces compare OUT [--frames 12]
    python -m render_faces contact-sheet OUT

`render` may be stopped and started again at any time: finished chunks are kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image
from tqdm import tqdm

from . import storage
from .collections import COLLECTIONS, SEED, chunks, frames
from .persons import PERSONS
from .studio import CAMERAS, FRAMES


def render_all(folder: Path, collections: list[str], workers: int, seed: int) -> None:
    """Render what is missing, then make the final files."""
    for collection in collections:
        everything = [(folder, collection, chunk, seed) for chunk in range(chunks(collection))]
        missing = [job for job in everything if not storage.is_done(storage.chunk_path(*job[:3]), seed)]
        with (
            multiprocessing.get_context("spawn").Pool(workers, storage.one_thread) as pool,
            tqdm(
                total=len(everything),
                initial=len(everything) - len(missing),
                desc=collection,
                unit="chunk",
            ) as bar,
        ):
            for _ in pool.imap_unordered(storage.render_job, missing):
                bar.update()
        for path in storage.merge(folder, collection):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
    storage.write_persons(folder, PERSONS, seed)


def compare(folder: Path, count: int, tolerance: float) -> int:
    """Render some frames again and compare them with the stored ones; returns the number that differ."""
    differing = 0
    for collection in COLLECTIONS:
        for name, numbers in storage.files(collection):
            if not (folder / name).exists():
                print(f"{name}: not there, skipped")
                continue
            table = pq.read_table(folder / name)
            seed = int(table.schema.metadata[b"seed"])
            recipe = [(chunk, i) for chunk in numbers for i in range(len(frames(collection, chunk, seed)))]
            for index in np.linspace(0, len(recipe) - 1, count).astype(int):
                chunk, i = recipe[index]
                frame = frames(collection, chunk, seed)[i]
                made = storage.decode(storage.picture(frame, seed)[0]).astype(float)
                stored = storage.decode(table["image"][int(index)].as_py()).astype(float)
                difference = float(np.abs(made - stored).mean())
                differing += difference > tolerance
                print(f"{name} row {index}: {frame.sequence} {frame.position}, mean difference {difference:.3f} grey levels")
    return differing


def sheet(images: list[bytes], columns: int, path: Path) -> None:
    """Pictures side by side, as PNG."""
    tiles = [storage.decode(image) for image in images]
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles) - columns + 1, columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path)


def contact_sheets(folder: Path) -> None:
    """Contact sheets of every class and collection, from the final files, under `contact/`."""
    out = folder / "contact"
    for collection in COLLECTIONS:
        paths = [folder / name for name, _ in storage.files(collection) if (folder / name).exists()]
        if not paths:
            continue
        table = pq.read_table(paths, columns=["image", "label", "person", "position"])
        image, label = table["image"].to_pylist(), np.array(table["label"].to_pylist())
        person, position = table["person"].to_numpy(), table["position"].to_numpy()
        for name in np.unique(label):
            chosen = np.flatnonzero(label == name)
            if collection == "sequences":
                few = np.isin(person[chosen], np.unique(person)[::9])
                sheet([image[i] for i in chosen[few]], FRAMES, out / f"sequences-course-{name}.png")
                apex = chosen[position[chosen] == FRAMES - 1]
                sheet([image[i] for i in apex], 8, out / f"sequences-apex-{name}.png")
            else:
                columns = 2 * len(CAMERAS) if collection == "angles" else 12
                sheet([image[i] for i in chosen[:60]], columns, out / f"{collection}-{name}.png")


def main() -> int:
    """Read the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="render_faces", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("render", "render what is missing"),
        ("compare", "render some frames again and compare"),
        ("contact-sheet", "draw contact sheets of the final files"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("folder", type=Path, help="folder of the dataset")
        if name == "render":
            command.add_argument("--collections", nargs="+", choices=COLLECTIONS, default=list(COLLECTIONS))
            command.add_argument("--workers", type=int, default=os.cpu_count())
            command.add_argument("--seed", type=int, default=SEED)
        if name == "compare":
            command.add_argument("--frames", type=int, default=6, help="per file")
            command.add_argument("--tolerance", type=float, default=2.0, help="mean grey levels")
    options = parser.parse_args()
    if options.command == "render":
        render_all(options.folder, options.collections, options.workers, options.seed)
    elif options.command == "compare":
        return int(compare(options.folder, options.frames, options.tolerance) > 0)
    else:
        contact_sheets(options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
