"""Colours of the surface, painted per point by its place on the unmorphed base mesh.

Places are decimetres on the base mesh: eyes at y 7.28, mouth at y 6.6, chin at y 6.1, nose tip at
z 1.75. Colours are linear RGB. Creases deepen with the face units that fold the skin there.
"""

from __future__ import annotations

import itertools

import numpy as np

from .head import Head
from .persons import Person

PAINT = 2
"""Stream number of the random choices about a person's skin."""


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def curve_distance(x: np.ndarray, y: np.ndarray, points: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Distance of places (x, y) to a polyline, and the share 0..1 along it."""
    best, along = np.full(x.shape, np.inf), np.zeros(x.shape)
    last = len(points) - 1
    for i, ((ax, ay), (bx, by)) in enumerate(itertools.pairwise(points)):
        dx, dy = bx - ax, by - ay
        t = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        distance = np.hypot(x - ax - t * dx, y - ay - t * dy)
        closer = distance < best
        best, along = np.where(closer, distance, best), np.where(closer, (i + t) / last, along)
    return best, along


def noise(rng: np.random.Generator, places: np.ndarray, scale: float, stretch=(1, 1, 1)) -> np.ndarray:
    """Smooth noise about -1..1 from 24 random cosines with wavelength `scale` (decimetres)."""
    waves = rng.normal(0, 2 * np.pi / scale, (24, 3)) * stretch
    return np.cos(places @ waves.T + rng.uniform(0, 2 * np.pi, 24)).mean(axis=1) * 3


def hairline(places: np.ndarray) -> np.ndarray:
    """Height above the scalp's hairline (decimetres, negative on the face and neck)."""
    angle = np.degrees(np.abs(np.arctan2(places[:, 0], places[:, 2] - 0.35)))
    line = np.interp(
        angle,
        [0, 35, 52, 66, 80, 100, 118, 150, 180],
        [7.98, 7.96, 7.72, 7.42, 7.15, 7.42, 6.95, 6.55, 6.45],
    )
    return places[:, 1] - line


def brow_mask(person: Person, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """How much of each point is brow, 0..1."""
    arch = person.brow_arch
    points = [
        (0.115, 7.472),
        (0.22, 7.484 + arch / 3),
        (0.38, 7.488 + arch),
        (0.49, 7.455 + arch),
        (0.58, 7.405),
    ]
    distance, along = curve_distance(np.abs(places[:, 0]), places[:, 1], points)
    half = person.brow_width * np.interp(along, [0, 0.12, 0.5, 1], [0.8, 1.1, 0.95, 0.3])
    cover = 1 - smoothstep(0.65, 1.35, distance / half)
    return cover * (places[:, 2] > 0.9) * person.brow_density * (1 + 0.1 * noise(rng, places, 0.05))


def skin_colours(head: Head, person: Person, seed: int) -> np.ndarray:
    """Colours of the skin without creases, (points, 3), clothes included."""
    rng = np.random.default_rng([seed, PAINT, person.number])
    places = head.parts["skin"].rest
    x, y, z = np.abs(places[:, 0]), places[:, 1], places[:, 2]
    colour = np.tile(person.skin, (len(places), 1))
    colour *= 1 + 0.045 * noise(rng, places, 0.25)[:, None] + 0.025 * noise(rng, places, 0.08)[:, None]
    flush = np.exp(-((x - 0.42) ** 2 / 0.03 + (y - 6.98) ** 2 / 0.02)) + 0.8 * np.exp(-(x**2 + (y - 6.95) ** 2) / 0.012)
    flush *= (z > 0.8) * rng.uniform(0.1, 0.3)
    colour *= 1 - flush[:, None] * [0.02, 0.35, 0.30]
    socket = np.exp(-((x - 0.31) ** 2 / 0.03 + (y - 7.31) ** 2 / 0.012)) * (z > 0.9)
    colour *= 1 - socket[:, None] * rng.uniform(0.15, 0.32) * [0.8, 1, 0.9]
    if person.beard:
        jaw = smoothstep(0.30, 0.45, 0.6 * x + (7.0 - y)) * (z > 0.1) * (y > 6.0) * (y < 7.15)
        upper = np.exp(-(((y - 6.80) / 0.06) ** 2)) * (x < 0.36) * (z > 1.0)
        mouth = np.exp(-((x / 0.10) ** 2) - ((y - 6.45) / 0.05) ** 2)
        grown = np.clip(np.maximum(jaw * smoothstep(0.2, 0.5, x + (6.62 - y) * 1.4), upper) - 0.3 * mouth, 0, 1)
        grown *= person.beard * np.clip(1 + 0.25 * noise(rng, places, 0.06), 0, 1.1)
        grown *= 1 - head.masks["lips"]
        colour += np.clip(grown, 0, 0.95)[:, None] * (np.minimum(person.hair * 0.8, person.skin) - colour)
    lips = smoothstep(0.2, 0.8, head.masks["lips"])
    colour += lips[:, None] * (person.lips * (1 + 0.06 * noise(rng, places, 0.05)[:, None]) - colour)
    brow = np.clip(brow_mask(person, places, rng), 0, 1)
    colour += brow[:, None] * (person.brows - colour)
    rim = smoothstep(0.3, 0.9, head.masks["eyelids"])
    colour += 0.45 * rim[:, None] * (person.skin * [0.55, 0.32, 0.30] - colour)
    inside = smoothstep(0.3, 0.7, head.masks["inside-mouth"])
    colour += inside[:, None] * (np.array([0.075, 0.012, 0.012]) - colour)
    if person.cover in ("cropped", "bald"):
        shade = smoothstep(-0.04, 0.10, hairline(places)) * (1 - head.masks["ears"])
        shade *= 0.85 if person.cover == "cropped" else 0.12
        colour += shade[:, None] * (person.hair - colour)
    cloth = smoothstep(-0.02, 0.02, 5.72 + 0.22 * np.clip(x - 0.4, 0, 1) - y)
    weave = person.clothes * (1 + 0.08 * noise(rng, places, 0.08)[:, None])
    colour += cloth[:, None] * (weave - colour)
    return np.clip(colour, 0.004, 0.95)


def line(x, y, points, width: float, fade: float = 0.25) -> np.ndarray:
    """A crease along a polyline: 1 on it, 0 beyond about two widths, fading to its ends."""
    distance, along = curve_distance(x, y, points)
    ends = smoothstep(0, fade, along) * (1 - smoothstep(1 - fade, 1, along)) if fade else 1.0
    return np.exp(-((distance / width) ** 2)) * ends


def crease_masks(head: Head) -> dict[str, np.ndarray]:
    """Crease maps (points,) by name; a suffix L or R restricts a map to one side of the face."""
    places = head.parts["skin"].rest
    signed, y = places[:, 0], places[:, 1]
    x, front = np.abs(signed), places[:, 2] > 0.85
    ripple = sum(line(x, y, [(0.0, h), (0.13, h - 0.035)], 0.013, 0.0) for h in (7.20, 7.265, 7.33))
    side = sum(line(x, y, [(0.10, h), (0.17, h - 0.10)], 0.012, 0.0) for h in (7.20, 7.13))
    whole = sum(line(x, y, [(0.0, h), (0.25, h + 0.012), (0.50, h - 0.03)], 0.016, 0.0) * (x < 0.52) for h in (7.66, 7.77, 7.88))
    middle = sum(line(x, y, [(0.0, h + 0.02), (0.22, h - 0.03)], 0.016, 0.0) for h in (7.64, 7.73, 7.82))
    maps = {
        "nasolabial": line(x, y, [(0.19, 7.00), (0.25, 6.88), (0.33, 6.74), (0.37, 6.60)], 0.020),
        "nose": ripple + side,
        "glabella": line(x, y, [(0.055, 7.40), (0.060, 7.60)], 0.015) + 0.5 * line(x, y, [(0.0, 7.42), (0.0, 7.55)], 0.012),
        "forehead": whole * np.exp(-((x / 0.42) ** 4)),
        "inner_forehead": middle,
        "crow": sum(line(x, y, [(0.53, 7.26), (0.66, 7.26 + s)], 0.012, 0.15) for s in (-0.07, 0.01, 0.08)),
        "under_eye": line(x, y, [(0.17, 7.20), (0.30, 7.14), (0.47, 7.19)], 0.014),
        "chin": np.exp(-((x / 0.14) ** 2) - ((y - 6.27) / 0.08) ** 2) * (0.5 + 0.5 * np.cos(95 * x) * np.cos(90 * y)),
        "mouth_corner": line(x, y, [(0.33, 6.63), (0.36, 6.52), (0.35, 6.42)], 0.018),
    }
    sided = {}
    for name, values in maps.items():
        values = np.clip(values, 0, 1) * front
        if name in ("nasolabial", "mouth_corner", "crow", "under_eye"):
            left = smoothstep(-0.02, 0.02, signed)
            sided[name + "L"], sided[name + "R"] = values * left, values * (1 - left)
        else:
            sided[name] = values
    return sided


def crease_depths(units: dict[str, float], age: float) -> dict[str, float]:
    """How deep each crease is (0..0.75) from the face units and the share of age."""

    def total(**weights: float) -> float:
        return sum(weight * units.get(name, 0.0) for name, weight in weights.items())

    depth = {
        "nose": max(0.0, total(noseSneerLeft=0.25, noseSneerRight=0.25) - 0.35),
        "glabella": 0.06 * age + total(browDownLeft=0.22, browDownRight=0.22, browInnerUp=0.05),
        "forehead": 0.10 * age + min(total(browOuterUpLeft=0.2, browOuterUpRight=0.2), total(browInnerUp=0.4)),
        "chin": total(mouthShrugLower=0.3, mouthFrownLeft=0.05, mouthFrownRight=0.05),
    }
    depth["inner_forehead"] = total(browInnerUp=0.2) - total(browOuterUpLeft=0.15, browOuterUpRight=0.15)
    for letter, side in (("L", "Left"), ("R", "Right")):
        depth["nasolabial" + letter] = (
            0.10
            + 0.15 * age
            + total(
                **{
                    f"mouthSmile{side}": 0.40,
                    f"noseSneer{side}": 0.18,
                    f"mouthUpperUp{side}": 0.16,
                    f"mouthDimple{side}": 0.15,
                }
            )
        )
        depth["crow" + letter] = 0.05 * age + (0.3 + 0.5 * age) * total(**{f"cheekSquint{side}": 0.6, f"eyeSquint{side}": 0.3})
        depth["under_eye" + letter] = (
            0.06 + 0.12 * age + total(**{f"cheekSquint{side}": 0.13, f"eyeSquint{side}": 0.10, f"noseSneer{side}": 0.05})
        )
        depth["mouth_corner" + letter] = 0.08 * age + total(
            **{
                f"mouthFrown{side}": 0.14,
                f"mouthDimple{side}": 0.10,
                f"mouthPress{side}": 0.08,
                f"mouthStretch{side}": 0.12,
            }
        )
    scale = 0.75 + 0.5 * age
    return {name: float(np.clip(value * scale, 0, 0.55)) for name, value in depth.items()}


def creased(colour: np.ndarray, masks: dict[str, np.ndarray], depths: dict[str, float]) -> np.ndarray:
    """Skin colours (points, 3) darkened in the creases; red is darkened a little less."""
    shade = np.zeros(len(colour))
    for name, depth in depths.items():
        if depth > 0.01:
            shade = np.maximum(shade, depth * masks[name])
    return colour * (1 - shade[:, None] * [0.85, 1.0, 1.0])


def eye_colours(head: Head, person: Person) -> np.ndarray:
    """Colours of both eyeballs: sclera, iris with a dark rim, pupil, by angle to the optical axis."""
    places = head.parts["eyes"].rest
    colour = np.zeros((len(places), 3))
    for sign in (-1, 1):
        chosen = places[:, 0] * sign > 0
        ball = places[chosen]
        centre = (ball.max(axis=0) + ball.min(axis=0)) / 2
        away = (ball - centre) / np.linalg.norm(ball - centre, axis=1, keepdims=True)
        angle = np.degrees(np.arccos(np.clip(away[:, 2], -1, 1)))
        value = np.array([0.72, 0.69, 0.66]) * (1 - 0.35 * smoothstep(35, 75, angle))[:, None]
        iris = (1 - smoothstep(22, 26, angle))[:, None]
        rim = 1 - 0.65 * smoothstep(16, 24, angle)[:, None]
        value += iris * (person.iris * rim - value)
        value += (1 - smoothstep(8, 11.5, angle))[:, None] * (0.004 - value)
        colour[chosen] = value
    return colour
