"""The collection `wild`: single faces with free pose, light, backdrop, occluders and picture faults."""

from __future__ import annotations

import numpy as np

from .expressions import NEUTRAL, draw_apex, performed, resting_face
from .finishing import Finish
from .frame import NODS, Frame, exposure, white
from .head import load_head
from .persons import PERSONS, draw_person
from .shot import Lamp, Shot

WILD_COUNTS = {
    "happiness": 790,
    NEUTRAL: 620,
    "sadness": 530,
    "anger": 430,
    "fear": 400,
    "surprise": 330,
    "disgust": 100,
    "contempt": 100,
}
"""Faces of `wild` per class; shares near those of FER2013, contempt added."""
WILD = 13
"""Stream number."""


def wild_labels(seed: int) -> list[str]:
    """The class of every face of `wild`, in a shuffled order."""
    labels = np.repeat(list(WILD_COUNTS), list(WILD_COUNTS.values()))
    return np.random.default_rng([seed, WILD]).permutation(labels).tolist()


def wild_light(
    rng: np.random.Generator,
) -> tuple[str, tuple[Lamp, ...], tuple[float, float, float]]:
    """Light as it comes: name, lamps, ambient light."""
    name = str(
        rng.choice(
            ["soft", "hard", "coloured", "low", "back", "dim"],
            p=[0.36, 0.24, 0.18, 0.08, 0.08, 0.06],
        )
    )
    yaw, pitch = float(rng.uniform(-75, 75)), float(rng.uniform(-5, 60))
    ambient = white(rng, rng.uniform(0.25, 0.5), 0.12)
    if name == "soft":
        return name, (Lamp(yaw, pitch, 2.6, white(rng, rng.uniform(0.7, 1.2), 0.12)),), ambient
    if name == "hard":
        return (
            name,
            (Lamp(yaw, pitch, 0.35, white(rng, rng.uniform(1.2, 2.0), 0.12)),),
            white(rng, rng.uniform(0.08, 0.2), 0.12),
        )
    if name == "coloured":
        tints = [tuple(rng.uniform(0.5, 1.3) * (0.25 + 0.75 * rng.random(3))) for _ in range(2)]
        return (
            name,
            (Lamp(yaw, pitch, 1.5, tints[0]), Lamp(-yaw, 15.0, 1.5, tints[1])),
            tuple(0.22 * (0.5 + 0.5 * rng.random(3))),
        )
    if name == "low":
        return name, (Lamp(0.5 * yaw, -38.0, 1.2, white(rng, 1.0, 0.15)),), white(rng, 0.2, 0.12)
    if name == "back":
        return (
            name,
            (
                Lamp(150.0 if yaw > 0 else -150.0, 30.0, 1.5, white(rng, 2.2, 0.15)),
                Lamp(0.3 * yaw, 10.0, 2.0, white(rng, 0.35)),
            ),
            white(rng, 0.25, 0.12),
        )
    return name, (Lamp(yaw, pitch, 1.5, white(rng, 0.35, 0.2)),), white(rng, 0.16, 0.2)


def wild_occluder(rng: np.random.Generator) -> tuple[str, dict, tuple | None]:
    """Name of an occluder, the parts of the shot it needs, and a plain shape for the finish."""
    name = str(
        rng.choice(
            ["none", "glasses", "sunglasses", "hand", "scarf", "shape"],
            p=[0.60, 0.13, 0.05, 0.07, 0.06, 0.09],
        )
    )
    colour = tuple(rng.uniform(0.02, 0.6, 3))
    if name in ("glasses", "sunglasses"):
        frame = tuple(rng.choice([0.01, 0.03, 0.2]) * np.array([1.0, 0.8, 0.7]))
        return name, {"glasses": (float(rng.random()), name == "sunglasses", frame)}, None
    if name == "hand":
        side = float(rng.choice([-1, 1]))
        x, y, angle = (
            side * rng.uniform(0.15, 0.55),
            rng.uniform(-0.95, 0.1),
            -side * rng.uniform(5, 50),
        )
        return name, {"hand": (x, y, angle, side > 0)}, None
    if name == "scarf":
        return name, {"scarf": (colour, float(rng.uniform(6.55, 6.95)))}, None
    if name == "shape":
        kind = str(rng.choice(["bar", "box", "ellipse"]))
        half = (0.9, rng.uniform(0.06, 0.14)) if kind == "bar" else rng.uniform(0.12, 0.30, 2)
        return name, {}, (kind, *rng.uniform(0.15, 0.85, 2), *half, colour)
    return name, {}, None


def wild_frame(seed: int, number: int, label: str) -> Frame:
    """Face `number` of `wild`."""
    names = load_head().unit_names
    rng = np.random.default_rng([seed, WILD, number])
    person = draw_person(seed, int(rng.integers(PERSONS)))
    peak = 0.0 if label == NEUTRAL else float(np.clip(rng.normal(0.85, 0.14) * (0.75 + 0.25 * person.strength), 0.4, 1.0))
    weights = performed(label, draw_apex(label, person, names, rng), resting_face(person, names, rng), peak)
    turn = float(np.clip(rng.normal(0, 18), -45, 45))
    nod = float(np.clip(rng.normal(2, 8), -22, 25)) + 0.5 * NODS.get(label, 0) * peak
    split = rng.uniform(0.3, 0.8)
    light, lamps, ambient = wild_light(rng)
    orbit = -turn * split
    lamps = tuple(Lamp(lamp.yaw + orbit * 0.5, lamp.pitch, lamp.radius, lamp.power) for lamp in lamps)
    occlusion, parts, shape = wild_occluder(rng)
    frame_seed = int(rng.integers(2**31))
    shot = Shot(
        weights,
        turn * (1 - split),
        nod * 0.6,
        float(rng.normal(0, 7)),
        orbit,
        nod * 0.4,
        float(rng.uniform(1.8, 2.4)),
        tuple(rng.normal(0, 0.07, 2) + [0, -0.10]),
        lamps,
        ambient,
        96,
        seed=frame_seed,
        **parts,
    )
    tones = [tuple(rng.uniform(0.02, 0.7) * (0.4 + 0.6 * rng.random(3))) for _ in range(2)]
    finish = Finish(
        backdrop=str(rng.choice(["plain", "clouds", "stripes", "lights", "room"])),
        colours=tuple(tones),
        exposure=exposure(person) * float(np.exp(rng.normal(0.05, 0.22))) * (1.5 if light in ("dim", "low") else 1.0),
        shape=shape,
        blur=float(rng.choice([0.0, 0.0, 0.0, 0.0, 0.5, 0.8, 1.1])),
        streak=int(rng.choice([0, 0, 0, 0, 0, 0, 3])),
        low_size=int(rng.choice([0, 0, 0, 0, 0, 64, 48])),
        noise=float(rng.choice([1.0, 2.0, 4.0, 7.0])),
        grey=bool(rng.random() < 0.25),
        quality=int(rng.integers(72, 93)),
        seed=frame_seed,
    )
    return Frame(label, person.number, f"wild-{number:04d}", 0, peak, peak, light, occlusion, shot, finish)
