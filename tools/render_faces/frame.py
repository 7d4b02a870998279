"""One picture of the dataset: its truth, what to render and how to finish it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .finishing import Finish
from .persons import Person
from .shot import Shot

NODS = {
    "sadness": 5.0,
    "contempt": -3.0,
    "fear": -2.0,
    "surprise": -2.5,
    "anger": 2.0,
    "disgust": -1.0,
}
"""Degrees that the head tends to nod at full intensity, positive down."""


@dataclass(frozen=True)
class Frame:
    """One picture: its truth, what to render and how to finish it."""

    label: str
    person: int
    sequence: str
    position: int
    intensity: float
    peak: float
    light: str
    occlusion: str
    shot: Shot
    finish: Finish

    @property
    def yaw(self) -> float:
        """Turn of the face against the camera, degrees, positive to the picture's right."""
        return self.shot.yaw - self.shot.orbit

    @property
    def pitch(self) -> float:
        """Nod of the face against the camera, degrees, positive down."""
        return self.shot.pitch + self.shot.rise


def white(rng: np.random.Generator, power: float, spread: float = 0.06) -> tuple[float, float, float]:
    """A nearly white light."""
    warm = rng.normal(0, spread)
    return (power * (1 + warm), power, power * (1 - warm))


def exposure(person: Person) -> float:
    """Half-way correction of the exposure for the skin's brightness, as cameras do."""
    return float(np.clip((0.30 / float(person.skin @ [0.21, 0.72, 0.07])) ** 0.45, 0.8, 1.7))
