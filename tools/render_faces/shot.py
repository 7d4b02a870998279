"""What one picture depends on besides the person, and the geometry of its camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DISTANCE = 12.0
"""Camera to face, decimetres."""
LOOK_AT = np.array([0.0, 0.25, 0.45])
"""What the camera looks at, from the head joint."""


@dataclass(frozen=True)
class Lamp:
    """A glowing ball: direction from the face in degrees, radius (decimetres), linear RGB power."""

    yaw: float
    pitch: float
    radius: float
    power: tuple[float, float, float]


@dataclass(frozen=True)
class Shot:
    """Everything that one picture depends on besides the person."""

    weights: np.ndarray
    """Face-unit weights, (52,)."""
    yaw: float = 0.0
    """Turn of the head on the neck, degrees, positive to the person's left."""
    pitch: float = 0.0
    """Nod, degrees, positive down."""
    roll: float = 0.0
    orbit: float = 0.0
    """Camera azimuth round the person, degrees."""
    rise: float = 0.0
    """Camera elevation, degrees."""
    span: float = 2.95
    """Height of the picture at the face, decimetres."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Offset of the framing, decimetres."""
    lamps: tuple[Lamp, ...] = ()
    ambient: tuple[float, float, float] = (0.4, 0.4, 0.4)
    size: int = 112
    samples: int = 16
    seed: int = 0
    glasses: tuple | None = None
    """(roundness 0..1, dark lenses, frame colour)."""
    scarf: tuple | None = None
    """(colour, top edge)."""
    hand: tuple | None = None
    """(x, y, angle in degrees, left hand) of a hand before the face."""


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Matrix of a head turn, nod and tilt in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    tilt = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return turn @ nod @ tilt


def camera(shot: Shot) -> tuple[np.ndarray, np.ndarray]:
    """Eye point and target of the camera, from the head joint."""
    a, b = np.radians([shot.orbit, shot.rise])
    away = np.array([np.sin(a) * np.cos(b), np.sin(b), np.cos(a) * np.cos(b)])
    aside = np.array([np.cos(a), 0, -np.sin(a)])
    target = LOOK_AT + aside * shot.shift[0] + [0, shot.shift[1], 0]
    return target + away * DISTANCE, target


def project(shot: Shot, points: np.ndarray) -> np.ndarray:
    """Pixel coordinates (n, 2) of points (n, 3)."""
    eye, target = camera(shot)
    ahead = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(ahead, [0, 1, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, ahead)
    offset = points - eye
    depth = offset @ ahead
    scale = shot.size / shot.span * DISTANCE / depth
    return np.stack([shot.size / 2 + offset @ right * scale, shot.size / 2 - offset @ up * scale], axis=1)
