"""Pieces of the surface: cut out of the base mesh and subdivided, as matrices over its vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Part:
    """A piece of the surface: `positions = matrix @ base vertices`, quads index its own points."""

    matrix: sparse.csr_matrix
    quads: np.ndarray
    rest: np.ndarray
    """Positions on the unmorphed base mesh (n, 3): what colours are painted by."""


def subdivide(quads: np.ndarray, rows: sparse.csr_matrix) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Split every quad in four; returns new quads and the matrix from base vertices to new ones.

    `rows` (n, 19158) maps base vertices to the current ones. New points are means (no smoothing),
    so lids keep touching the eyeballs as the face units intend.
    """
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    unique, inverse = np.unique(edges, axis=0, return_inverse=True)
    count, faces = rows.shape[0], len(quads)
    middle = 0.5 * (rows[unique[:, 0]] + rows[unique[:, 1]])
    centre = 0.25 * (rows[quads[:, 0]] + rows[quads[:, 1]] + rows[quads[:, 2]] + rows[quads[:, 3]])
    edge = inverse.reshape(4, faces) + count
    hub = np.arange(faces) + count + len(unique)
    split = [np.stack([quads[:, i], edge[i], hub, edge[i - 1]], axis=1) for i in range(4)]
    return np.concatenate(split), sparse.vstack([rows, middle, centre]).tocsr()


def split_large(
    quads: np.ndarray, rows: sparse.csr_matrix, rest: np.ndarray, edge: float
) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Subdivide once more the quads of the face's front that have an edge longer than `edge`.

    The points added on a shared edge lie exactly on it, so no crack opens beside coarser quads.
    """
    corner = rest[quads]
    length = np.linalg.norm(corner - np.roll(corner, 1, axis=1), axis=2).max(axis=1)
    centre = corner.mean(axis=1)
    chosen = (length > edge) & (centre[:, 1] > 6.1) & (centre[:, 2] > 0.6)
    fine, rows = subdivide(quads[chosen], rows)
    return np.concatenate([quads[~chosen], fine]), rows


def make_part(base: np.ndarray, quads: np.ndarray, levels: int, finest_edge: float = 0.0) -> Part:
    """Cut a part out of the base mesh and subdivide it `levels` times (faces finer where asked)."""
    used, local = np.unique(quads, return_inverse=True)
    rows = sparse.identity(len(base), format="csr", dtype=np.float32)[used]
    quads = local.reshape(quads.shape)
    for _ in range(levels):
        quads, rows = subdivide(quads, rows)
    if finest_edge:
        quads, rows = split_large(quads, rows, rows @ base, finest_edge)
    return Part(rows, quads, rows @ base)


def normal_matrix(vertices: int, quads: np.ndarray) -> sparse.csr_matrix:
    """Sums quad normals at their corners: (vertices, quads)."""
    corners = np.arange(len(quads)).repeat(4)
    return sparse.coo_matrix((np.ones(quads.size, np.float32), (quads.ravel(), corners)), (vertices, len(quads))).tocsr()
