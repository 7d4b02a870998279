"""What lies on the head: hair, head covers, and the occluders of the `wild` collection.

A `Layer` is a shell over the skin (points displaced along their normals) or a free surface in
the coordinates of the head joint.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .head import Head
from .painting import hairline, noise, smoothstep
from .persons import Person

WEAR = 3
"""Stream number of the random choices about hair."""


@dataclass(frozen=True)
class Layer:
    """A shell over part `skin`: which of its points, how thick, and the shell's quads and colours."""

    points: np.ndarray
    thickness: np.ndarray
    quads: np.ndarray
    colour: np.ndarray
    roughness: float


def shell(head: Head, covered: np.ndarray, thickness: np.ndarray, colour: np.ndarray, roughness: float) -> Layer:
    """A layer over the quads of `skin` with at least one point where `covered` (bool) holds."""
    quads = head.parts["skin"].quads
    chosen = quads[covered[quads].any(axis=1)]
    points, local = np.unique(chosen, return_inverse=True)
    return Layer(points, thickness[points], local.reshape(chosen.shape), colour[points], roughness)


def strand_colours(rng: np.random.Generator, places: np.ndarray, colour: np.ndarray, curl: float) -> np.ndarray:
    """Hair colour with strands running down, or curls where `curl` is 1."""
    stretch = (1, 0.12 + 0.88 * curl, 1)
    strands = 0.28 * noise(rng, places, 0.07, stretch) + 0.12 * noise(rng, places, 0.3)
    return np.clip(colour * np.clip(1 + strands, 0.4, 1.8)[:, None], 0.003, 0.9)


def head_cover(head: Head, person: Person, seed: int) -> Layer | None:
    """The person's hair cap, scarf or beanie as a shell; None for bald and cropped."""
    rng = np.random.default_rng([seed, WEAR, person.number])
    places = head.parts["skin"].rest
    x, y, z = places.T
    scalp = hairline(places) - rng.uniform(-0.06, 0.08) + 0.03 * noise(rng, places, 0.2)
    ears = head.masks["ears"] > 0.3
    if person.cover in ("bald", "cropped"):
        return None
    if person.cover == "beanie":
        edge = y - np.interp(z, [-0.8, 0.4, 1.3], [6.9, 7.42, 7.74])
        thickness = 0.10 * smoothstep(-0.01, 0.05, edge) * (1 + 0.1 * np.cos(70 * np.arctan2(x, z - 0.3)))
        fabric = person.cover_colour * (1 + 0.15 * np.cos(70 * np.arctan2(x, z - 0.3)))[:, None]
        return shell(head, (edge > 0) & ~ears, thickness, fabric, 0.9)
    if person.cover == "scarf":
        face = (x / 0.60) ** 2 + np.where(y > 7.1, (y - 7.1) / 0.80, (y - 7.1) / 0.99) ** 2
        out = np.where(z > 0.30, face - 1, 1.0)
        thickness = 0.02 + 0.09 * smoothstep(0.0, 0.5, out) + 0.12 * smoothstep(6.2, 5.8, y)
        fabric = person.cover_colour * (1 + 0.10 * noise(rng, places, 0.35))[:, None]
        return shell(
            head,
            (out > 0) & (y > 5.35) & ~(head.masks["inside-mouth"] > 0.1),
            thickness,
            fabric,
            0.9,
        )
    curl = 1.0 if person.cover == "curly" else 0.0
    depth = {"short": rng.uniform(0.08, 0.17), "curly": rng.uniform(0.16, 0.34)}.get(person.cover, 0.13)
    grown = smoothstep(-0.02, 0.22, scalp) * (0.75 + 0.25 * smoothstep(7.4, 8.3, y))
    thickness = depth * grown * (1 + (0.10 + 0.12 * curl) * noise(rng, places, 0.22))
    colour = strand_colours(rng, places, person.hair, curl)
    return shell(head, (scalp > 0) & ~ears, thickness - 0.004, colour, 0.55)


def strands(head: Head, person: Person, seed: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Quads and colours of the hanging hair of part `hair`; None unless bob or long."""
    if person.cover not in ("bob", "long"):
        return None
    rng = np.random.default_rng([seed, WEAR, person.number, 1])
    part = head.parts["hair"]
    end = rng.uniform(5.9, 6.4) if person.cover == "bob" else 4.5
    quads = part.quads[part.rest[part.quads][:, :, 1].min(axis=1) > end]
    return quads, strand_colours(rng, part.rest, person.hair, 0.0)


def face_scarf(head: Head, colour: np.ndarray, top: float) -> Layer:
    """A cloth over mouth and chin up to height `top` (base-mesh y, about 6.9)."""
    places = head.parts["skin"].rest
    x, y, _ = places.T
    edge = top - 0.25 * np.abs(x) - y
    thickness = 0.035 + 0.05 * smoothstep(0, 0.5, edge)
    covered = (edge > 0) & (y > 5.6) & (head.masks["inside-mouth"] < 0.1) & (head.masks["ears"] < 0.3)
    fabric = colour * (1 + 0.12 * np.cos(30 * y + 6 * x) + 0.05 * np.cos(17 * x))[:, None]
    return shell(head, covered, thickness, fabric, 0.9)


def tube(path: np.ndarray, radius: float, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """A square tube along a path (n, 3): points (4n, 3) and quads."""
    along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    if not closed:
        along[0], along[-1] = path[1] - path[0], path[-1] - path[-2]
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0.1, 0.2, 1.0])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(along, side)
    ring = np.stack(
        [path + radius * s for s in (side + other, side - other, -side - other, other - side)],
        axis=1,
    )
    count = len(path)
    quads = [
        [
            4 * i + k,
            4 * i + (k + 1) % 4,
            4 * ((i + 1) % count) + (k + 1) % 4,
            4 * ((i + 1) % count) + k,
        ]
        for i in range(count if closed else count - 1)
        for k in range(4)
    ]
    return ring.reshape(-1, 3), np.array(quads)


def glasses(eyes: np.ndarray, round_: float, dark: bool, colour: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Spectacles before two eye centres (2, 3): list of points, quads and colours."""
    pieces = []
    turn = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 2 / (2 + 2 * round_)
    wide, high = 0.225, 0.155 + 0.03 * round_
    shape = np.stack(
        [
            np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power * wide,
            np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power * high,
        ],
        axis=1,
    )
    front = eyes[:, 2].max() + 0.34
    for centre in eyes:
        sign = np.sign(centre[0])
        path = np.column_stack(
            [
                centre[0] * 1.03 + shape[:, 0],
                centre[1] - 0.03 + shape[:, 1],
                front - 0.10 * np.abs(centre[0] + shape[:, 0]) ** 2,
            ]
        )
        pieces.append((*tube(path, 0.016, True), colour))
        if dark:
            hub = path.mean(axis=0, keepdims=True)
            count = len(path)
            fan = np.array([[count, i, (i + 1) % count, count] for i in range(count)])
            pieces.append((np.vstack([path, hub]), fan, np.array([0.012, 0.012, 0.014])))
        hinge = np.array([centre[0] * 1.03 + sign * wide, centre[1] + 0.02, front - 0.03])
        back = np.array([sign * 0.74, centre[1] + 0.02, front - 1.15])
        pieces.append((*tube(np.linspace(hinge, back, 4), 0.014, False), colour))
    bridge = np.array([[s * 0.085, eyes[:, 1].mean() + 0.02, front] for s in (-1, 0, 1)])
    pieces.append((*tube(bridge, 0.014, False), colour))
    return pieces
