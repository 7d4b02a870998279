"""Expressions as face-unit weights, after the FACS/EMFACS prototypes of the basic emotions.

Ekman & Friesen (FACS, 1978; EMFACS, 1983): happiness AU6+12; sadness AU1+4+15(+17); surprise
AU1+2+5+26; fear AU1+2+4+5+20(+25/26); anger AU4+5/7+23/24 or AU10+25+26; disgust AU9/10(+17);
contempt AU12+14 on one side. The units are those of ARKit; their data are modest, so a weight
may exceed 1 (the gain at which faces become readable, tuned by eye on contact sheets).

Every performance draws one variant of its class, jitters each unit, leans it to a side and adds
a touch of another class, all from its own generator and from the person's lasting style.
"""

from __future__ import annotations

import numpy as np

from .persons import Person

NEUTRAL = "neutral"
EXPRESSIONS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
CLASSES = (*EXPRESSIONS, NEUTRAL)

# fmt: off
VARIANTS: dict[str, tuple[dict[str, float], ...]] = {
    "anger": (
        {"browDown": 1.6, "browOuterUp": 1.05, "noseSneer": 0.95, "eyeSquint": 0.5, "eyeWide": 0.9,
         "mouthPress": 0.9, "mouthRollUpper": 0.5, "mouthRollLower": 0.5, "mouthShrugLower": 0.8,
         "mouthFrown": 0.4, "jawForward": 0.7},
        {"browDown": 1.6, "browOuterUp": 1.1, "noseSneer": 1.0, "eyeWide": 1.2, "eyeSquint": 0.5,
         "jawOpen": 0.17, "mouthLowerDown": 2.6, "mouthUpperUp": 0.7, "mouthStretch": 0.7,
         "mouthFunnel": 0.4, "jawForward": 0.8},
        {"browDown": 1.7, "browOuterUp": 0.9, "noseSneer": 0.85, "eyeSquint": 0.7, "eyeWide": 0.6,
         "mouthPucker": 0.3, "mouthRollUpper": 0.7, "mouthPress": 0.6, "mouthFrown": 0.7, "mouthShrugLower": 0.9},
    ),
    "contempt": (
        {"mouthSmileLeft": 0.95, "mouthDimpleLeft": 1.5, "mouthPressLeft": 0.8, "cheekSquintLeft": 0.5,
         "eyeSquint": 0.4, "mouthLeft": 0.4},
        {"mouthSmileLeft": 0.75, "mouthDimpleLeft": 1.8, "mouthUpperUpLeft": 0.9, "noseSneerLeft": 0.4,
         "eyeSquintLeft": 0.6, "browOuterUpRight": 1.0, "mouthLeft": 0.3},
        {"mouthDimpleLeft": 2.2, "mouthSmileLeft": 0.8, "mouthPress": 0.6, "mouthShrugLower": 0.4,
         "eyeBlink": 0.10, "mouthLeft": 0.5},
    ),
    "disgust": (
        {"noseSneer": 2.1, "mouthUpperUp": 1.6, "browDown": 0.25, "cheekSquint": 1.2, "eyeSquint": 0.7,
         "mouthFrown": 1.0, "mouthShrugLower": 1.1},
        {"noseSneer": 2.0, "mouthUpperUp": 2.4, "browDown": 0.2, "cheekSquint": 1.3, "eyeSquint": 0.7,
         "jawOpen": 0.10, "mouthFrown": 0.9, "mouthShrugLower": 0.6},
        {"noseSneer": 2.0, "mouthUpperUp": 1.6, "browDown": 0.2, "cheekSquint": 1.2, "eyeSquint": 0.8,
         "jawOpen": 0.26, "mouthFrown": 1.2, "tongueOut": 1.0, "mouthLowerDown": 0.3},
    ),
    "fear": (
        {"browInnerUp": 2.2, "browOuterUp": 0.7, "browDown": 0.45, "eyeWide": 2.4, "mouthStretch": 2.2,
         "jawOpen": 0.20, "mouthLowerDown": 1.5},
        {"browInnerUp": 2.3, "browOuterUp": 0.5, "browDown": 0.5, "eyeWide": 2.5, "mouthStretch": 2.5,
         "jawOpen": 0.10, "mouthLowerDown": 1.9, "mouthFrown": 0.4},
        {"browInnerUp": 2.2, "browOuterUp": 0.6, "browDown": 0.4, "eyeWide": 2.4, "mouthStretch": 2.0,
         "jawOpen": 0.34, "mouthLowerDown": 1.4, "mouthFrown": 0.5},
    ),
    "happiness": (
        {"mouthSmile": 1.3, "cheekSquint": 1.2, "eyeSquint": 0.6, "mouthUpperUp": 0.7, "jawOpen": 0.14},
        {"mouthSmile": 1.3, "cheekSquint": 1.3, "eyeSquint": 0.7, "mouthUpperUp": 1.0, "mouthLowerDown": 0.8,
         "jawOpen": 0.32},
        {"mouthSmile": 1.25, "cheekSquint": 1.0, "eyeSquint": 0.6, "mouthDimple": 0.5},
    ),
    "sadness": (
        {"browInnerUp": 2.0, "browDown": 0.5, "mouthFrown": 2.1, "mouthShrugLower": 0.9, "eyeBlink": 0.14,
         "eyeLookDown": 0.4, "eyeSquint": 0.3},
        {"browInnerUp": 1.9, "browDown": 0.35, "mouthFrown": 2.1, "mouthShrugLower": 0.4, "eyeBlink": 0.24,
         "eyeLookDown": 0.8, "mouthRollUpper": 0.3},
        {"browInnerUp": 1.8, "browDown": 0.7, "mouthFrown": 1.9, "mouthShrugLower": 1.0, "cheekSquint": 0.4,
         "eyeSquint": 0.4, "eyeBlink": 0.15, "mouthStretch": 0.3, "mouthPress": 0.7},
    ),
    "surprise": (
        {"browInnerUp": 2.1, "browOuterUp": 1.4, "eyeWide": 1.7, "jawOpen": 0.72, "mouthFunnel": 0.5},
        {"browInnerUp": 2.2, "browOuterUp": 1.6, "eyeWide": 1.9, "jawOpen": 1.0, "mouthFunnel": 0.35},
        {"browInnerUp": 2.0, "browOuterUp": 1.5, "eyeWide": 1.7, "jawOpen": 0.5, "mouthFunnel": 0.9,
         "mouthPucker": 0.4},
    ),
    NEUTRAL: ({},),
}
# fmt: on
"""Weights at full intensity. A name without side stands for both sides."""

BLENDS = {
    "anger": ("disgust", "sadness"),
    "contempt": ("disgust", "happiness"),
    "disgust": ("anger", "contempt"),
    "fear": ("surprise", "sadness"),
    "happiness": ("surprise", "contempt"),
    "sadness": ("fear", "anger"),
    "surprise": ("fear", "happiness"),
}
"""Classes that a performance may carry a touch of."""


def sided(weights: dict[str, float], names: tuple[str, ...]) -> np.ndarray:
    """Weights by unit name to an array over `names`, both sides filled where none is given."""
    values = np.zeros(len(names))
    for name, weight in weights.items():
        found = [name] if name in names else [name + "Left", name + "Right"]
        for unit in found:
            values[names.index(unit)] += weight
    return values


def swap_sides(values: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The mirrored expression."""
    swapped = np.empty_like(values)
    for i, name in enumerate(names):
        other = name.replace("Left", "Right") if "Left" in name else name.replace("Right", "Left")
        swapped[names.index(other)] = values[i]
    return swapped


def draw_apex(label: str, person: Person, names: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """Unit weights (52,) of one performance at intensity 1."""
    if label == NEUTRAL:
        return np.zeros(len(names))
    kinds = VARIANTS[label]
    habit = int((person.style[0] + 1) * 1.4999)
    variant = kinds[habit if rng.random() < 0.6 else int(rng.integers(len(kinds)))]
    values = sided(variant, names)
    mirror = person.style[1] < 0 if rng.random() < 0.8 else rng.random() < 0.5
    other = str(rng.choice(BLENDS[label]))
    touch = rng.uniform(0, 0.14)
    values = (1 - touch) * values + touch * sided(VARIANTS[other][0], names)
    values *= np.exp(rng.normal(0, 0.13, len(names)))
    upper = np.array([name.startswith(("brow", "eye", "cheek", "nose")) for name in names])
    lean = 0.10 * person.style[2]
    values *= np.where(upper, 1 + lean, 1 - lean)
    side = 0.10 * person.style[3] + rng.normal(0, 0.04)
    left = np.array([name.endswith("Left") for name in names])
    right = np.array([name.endswith("Right") for name in names])
    values *= 1 + side * (left.astype(float) - right)
    return swap_sides(values, names) if mirror else values


def resting_face(person: Person, names: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
    """The face at rest, (52,): the person's lasting habits and the gaze of the moment."""
    habits = {
        "mouthFrown": 0.22 * max(person.style[4], 0),
        "mouthSmile": 0.04 + 0.05 * max(-person.style[4], 0),
        "browDown": 0.15 * max(person.style[5], 0),
        "browInnerUp": 0.12 + 0.20 * max(-person.style[5], 0),
        "eyeBlink": 0.10 * max(person.style[6], 0),
        "eyeWide": 0.3 * max(-person.style[6], 0),
        "mouthPress": 0.25 * max(person.style[7], 0),
        "jawOpen": 0.02 * max(-person.style[7], 0),
    }
    values = sided(habits, names)
    gaze_x, gaze_y = rng.normal(0, 0.18, 2)
    across = {
        "eyeLookOutLeft": max(gaze_x, 0),
        "eyeLookInRight": max(gaze_x, 0),
        "eyeLookInLeft": max(-gaze_x, 0),
        "eyeLookOutRight": max(-gaze_x, 0),
        "eyeLookUp": max(gaze_y, 0),
        "eyeLookDown": max(-gaze_y, 0),
    }
    return values + sided(across, names)


def performed(label: str, apex: np.ndarray, rest: np.ndarray, intensity: float) -> np.ndarray:
    """Weights (52,) at an intensity 0..1; the resting face fades a little as it grows."""
    return np.clip(rest * (1 - 0.4 * intensity) + apex * intensity, 0, 3.2)


def timing(frames: int, peak: float, rng: np.random.Generator) -> np.ndarray:
    """Intensities of a performance from exactly 0 to its peak, (frames,), never falling."""
    t = np.linspace(0, 1, frames)
    onset, steep = rng.uniform(0.0, 0.18), rng.uniform(1.0, 2.4)
    rise = np.clip((t - onset) / (rng.uniform(0.75, 1.0) - onset), 0, 1)
    curve = rise**steep / (rise**steep + (1 - rise) ** steep)
    curve[0], curve[-1] = 0.0, 1.0
    return peak * curve
