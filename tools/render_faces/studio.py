"""The two studio collections: `sequences` (performances) and `angles` (five cameras at once)."""

from __future__ import annotations

import numpy as np

from .expressions import (
    CLASSES,
    EXPRESSIONS,
    NEUTRAL,
    draw_apex,
    performed,
    resting_face,
    timing,
)
from .finishing import Finish
from .frame import NODS, Frame, exposure, white
from .head import load_head
from .persons import draw_person
from .shot import Lamp, Shot

FRAMES = 10
CAMERAS = (-90, -45, 0, 45, 90)
SEQUENCE, ANGLE, SESSION = 11, 12, 14
"""Stream numbers."""


def studio_light(
    rng: np.random.Generator,
) -> tuple[str, tuple[Lamp, ...], tuple[float, float, float]]:
    """One of four soft studio set-ups: name, lamps, ambient light."""
    name = str(rng.choice(["front", "left", "right", "top"]))
    yaw, pitch = {"front": (0, 15), "left": (48, 25), "right": (-48, 25), "top": (8, 48)}[name]
    key = Lamp(
        yaw + rng.normal(0, 6),
        pitch + rng.normal(0, 5),
        rng.uniform(1.6, 2.6),
        white(rng, rng.uniform(1.0, 1.25)),
    )
    fill = Lamp(-yaw + rng.normal(0, 8), 8.0, 2.5, white(rng, rng.uniform(0.25, 0.45)))
    return name, (key, fill), white(rng, rng.uniform(0.24, 0.36))


def session_backdrop(seed: int, number: int) -> tuple[tuple, tuple]:
    """The two colours of the studio backdrop behind a person, the same in all takes."""
    rng = np.random.default_rng([seed, SESSION, number])
    tone = rng.choice([0.04, 0.10, 0.5, 0.75]) * rng.uniform(0.8, 1.2)
    colour = tone * (1 + rng.uniform(-0.3, 0.3, 3))
    return tuple(colour), tuple(colour * rng.uniform(0.6, 0.9))


def sway(rng: np.random.Generator, amplitude: float, frames: int) -> np.ndarray:
    """Slow motion: a random phase and period of a sine plus a drift, (frames,)."""
    t = np.linspace(0, 1, frames)
    wave = np.sin(2 * np.pi * (rng.uniform(0.3, 0.9) * t + rng.random()))
    return amplitude * (0.7 * wave + rng.normal(0, 0.6) * t)


def sequence_frames(seed: int, number: int) -> list[Frame]:
    """The seven performances of one person, ten frames each, neutral to apex."""
    names = load_head().unit_names
    person = draw_person(seed, number)
    frames = []
    for kind, label in enumerate(EXPRESSIONS):
        rng = np.random.default_rng([seed, SEQUENCE, number, kind])
        apex = draw_apex(label, person, names, rng)
        rest = resting_face(person, names, rng)
        peak = float(np.clip(person.strength * rng.normal(1.0, 0.08), 0.38, 1.0))
        course = timing(FRAMES, peak, rng)
        light, lamps, ambient = studio_light(rng)
        yaw = rng.normal(0, 3) + sway(rng, 2.5, FRAMES)
        pitch = rng.normal(0, 2) + sway(rng, 1.5, FRAMES) + NODS.get(label, 0) * course * rng.uniform(0.2, 1.2)
        roll = rng.normal(0, 1.2) + sway(rng, 1.2, FRAMES)
        span, shift = rng.uniform(2.9, 3.1), rng.normal(0, 0.03, 2)
        for position in range(FRAMES):
            frame_seed = int(rng.integers(2**31))
            weights = performed(label, apex, rest, course[position])
            shot = Shot(
                weights,
                float(yaw[position]),
                float(pitch[position]),
                float(roll[position]),
                span=span,
                shift=tuple(shift),
                lamps=lamps,
                ambient=ambient,
                seed=frame_seed,
            )
            finish = Finish(
                colours=session_backdrop(seed, number),
                exposure=exposure(person),
                noise=1.2,
                quality=90,
                seed=frame_seed,
            )
            frames.append(
                Frame(
                    label,
                    number,
                    f"{number:03d}-{label}",
                    position,
                    float(course[position]),
                    peak,
                    light,
                    "none",
                    shot,
                    finish,
                )
            )
    return frames


def angle_frames(seed: int, number: int) -> list[Frame]:
    """One held expression per class, seen by five cameras at once under even light."""
    names = load_head().unit_names
    person = draw_person(seed, number)
    even = tuple(Lamp(float(a), 35.0, 2.5, (0.48, 0.48, 0.48)) for a in (-105, -52, 0, 52, 105))
    frames = []
    for kind, label in enumerate(CLASSES):
        rng = np.random.default_rng([seed, ANGLE, number, kind])
        peak = 0.0 if label == NEUTRAL else float(np.clip(person.strength * rng.normal(1.05, 0.06), 0.45, 1.0))
        weights = performed(label, draw_apex(label, person, names, rng), resting_face(person, names, rng), peak)
        yaw, pitch, roll = rng.normal(0, 1.2, 3)
        pitch += NODS.get(label, 0) * 0.4 * peak
        for position, angle in enumerate(CAMERAS):
            frame_seed = int(rng.integers(2**31))
            shot = Shot(
                weights,
                yaw,
                pitch,
                roll,
                orbit=float(angle),
                span=3.15,
                lamps=even,
                ambient=(0.28, 0.28, 0.28),
                seed=frame_seed,
            )
            finish = Finish(
                colours=((0.06, 0.06, 0.06), (0.04, 0.04, 0.04)),
                exposure=exposure(person),
                noise=1.2,
                quality=90,
                seed=frame_seed,
            )
            frames.append(
                Frame(
                    label,
                    number,
                    f"{number:03d}-{label}",
                    position,
                    peak,
                    peak,
                    "even",
                    "none",
                    shot,
                    finish,
                )
            )
    return frames
