"""The persons: who exists, as a pure function of the seed, and the shape of each head.

Everything a person is drawn from is a `numpy` generator seeded with `[seed, PERSON, number]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .head import JOINT_HEAD, Head, shape_target

PERSONS = 64

PERSON = 1
"""Stream number of the random choices about persons."""

EYEBALLS = slice(14598, 14742)
CHIN = 5296
EYE_TO_CHIN = 1.107
"""Height between eyes and chin on the base mesh, decimetres."""

ORIGINS = ("african", "asian", "caucasian")

# fmt: off
LOCAL_SHAPES = (
    "head/head-fat-decr head/head-fat-incr", "head/head-scale-depth-decr head/head-scale-depth-incr",
    "head/head-scale-horiz-decr head/head-scale-horiz-incr", "head/head-scale-vert-decr head/head-scale-vert-incr",
    "head/head-oval head/head-square", "head/head-round head/head-rectangular",
    "head/head-triangular head/head-invertedtriangular",
    "forehead/forehead-scale-vert-decr forehead/forehead-scale-vert-incr",
    "forehead/forehead-temple-decr forehead/forehead-temple-incr",
    "forehead/forehead-nubian-decr forehead/forehead-nubian-incr",
    "eyebrows/eyebrows-angle-down eyebrows/eyebrows-angle-up",
    "eyebrows/eyebrows-trans-backward eyebrows/eyebrows-trans-forward",
    "nose/nose-base-down nose/nose-base-up", "nose/nose-curve-concave nose/nose-curve-convex",
    "nose/nose-flaring-decr nose/nose-flaring-incr", "nose/nose-hump-decr nose/nose-hump-incr",
    "nose/nose-point-down nose/nose-point-up", "nose/nose-point-width-decr nose/nose-point-width-incr",
    "nose/nose-scale-depth-decr nose/nose-scale-depth-incr",
    "nose/nose-scale-horiz-decr nose/nose-scale-horiz-incr",
    "nose/nose-scale-vert-decr nose/nose-scale-vert-incr", "nose/nose-volume-decr nose/nose-volume-incr",
    "mouth/mouth-scale-horiz-decr mouth/mouth-scale-horiz-incr",
    "mouth/mouth-lowerlip-volume-decr mouth/mouth-lowerlip-volume-incr",
    "mouth/mouth-upperlip-volume-decr mouth/mouth-upperlip-volume-incr",
    "mouth/mouth-cupidsbow-decr mouth/mouth-cupidsbow-incr", "mouth/mouth-trans-down mouth/mouth-trans-up",
    "mouth/mouth-laugh-lines-in mouth/mouth-laugh-lines-out",
    "chin/chin-bones-decr chin/chin-bones-incr", "chin/chin-height-decr chin/chin-height-incr",
    "chin/chin-prominent-decr chin/chin-prominent-incr", "chin/chin-width-decr chin/chin-width-incr",
    "chin/chin-cleft-decr chin/chin-cleft-incr", "neck/neck-scale-horiz-decr neck/neck-scale-horiz-incr",
)
"""Opposite pairs of shape targets; one signed weight each."""

PAIRED_SHAPES = (
    "eyes/{}-eye-bag-decr eyes/{}-eye-bag-incr", "eyes/{}-eye-corner1-down eyes/{}-eye-corner1-up",
    "eyes/{}-eye-corner2-down eyes/{}-eye-corner2-up", "eyes/{}-eye-epicanthus-in eyes/{}-eye-epicanthus-out",
    "eyes/{}-eye-eyefold-down eyes/{}-eye-eyefold-up", "eyes/{}-eye-height2-decr eyes/{}-eye-height2-incr",
    "eyes/{}-eye-scale-decr eyes/{}-eye-scale-incr", "eyes/{}-eye-trans-in eyes/{}-eye-trans-out",
    "cheek/{}-cheek-bones-decr cheek/{}-cheek-bones-incr", "cheek/{}-cheek-inner-decr cheek/{}-cheek-inner-incr",
    "cheek/{}-cheek-volume-decr cheek/{}-cheek-volume-incr", "ears/{}-ear-scale-decr ears/{}-ear-scale-incr",
    "ears/{}-ear-wing-decr ears/{}-ear-wing-incr",
)
# fmt: on
"""The same for the two sides: nearly one weight, a little apart, as faces are."""

TONES = np.array([[236, 200, 178], [226, 182, 153], [205, 160, 127], [174, 126, 92], [134, 92, 66], [98, 66, 50]])
"""Skin from light to dark, sRGB."""
HAIR = {
    "black": (28, 24, 22),
    "brown": (62, 40, 28),
    "chestnut": (96, 58, 36),
    "blond": (178, 140, 88),
    "red": (142, 70, 36),
    "grey": (150, 148, 145),
    "white": (215, 213, 208),
}
IRIS = {
    "dark": (52, 32, 20),
    "brown": (92, 56, 28),
    "hazel": (118, 92, 48),
    "green": (92, 118, 78),
    "blue": (92, 128, 168),
    "grey": (122, 134, 142),
}
LIPSTICK = {"rose": (178, 78, 88), "red": (168, 30, 42), "plum": (118, 40, 62)}


@dataclass(frozen=True)
class Person:
    """One person. Weights are shares 0..1 unless stated; colours are linear RGB 0..1."""

    number: int
    sex: str
    masculinity: float
    age: float
    """0 is about 25 years, 1 about 75."""
    origin: tuple[float, float, float]
    """Shares of African, Asian and European shape targets."""
    shapes: dict[str, float]
    skin: np.ndarray
    lips: np.ndarray
    hair: np.ndarray
    brows: np.ndarray
    iris: np.ndarray
    clothes: np.ndarray
    cover: str
    """bald, cropped, short, curly, bob, long, scarf or beanie."""
    cover_colour: np.ndarray
    brow_width: float
    """Half thickness of the brow at its inner end, decimetres."""
    brow_arch: float
    brow_density: float
    beard: float
    style: np.ndarray
    """Eight numbers in -1..1, read by `expressions` for habits that a person keeps."""
    strength: float
    """Typical peak intensity of this performer, 0.45 (subtle) to 1 (strong)."""


def linear(colour) -> np.ndarray:
    """sRGB 0..255 to linear RGB 0..1."""
    value = np.asarray(colour, float) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def draw_person(seed: int, number: int) -> Person:
    """Draw person `number`; sexes and origins alternate, so every small set of persons is mixed."""
    rng = np.random.default_rng([seed, PERSON, number])
    male = number % 2 == 1
    main = (number // 2) % 3
    origin = rng.dirichlet(np.where(np.arange(3) == main, 6.0, 0.5))
    age = float(rng.beta(1.1, 1.8))
    tone = float(np.clip(origin @ [0.80, 0.36, 0.16] + rng.normal(0, 0.10), 0, 1))
    skin = np.array([np.interp(tone * 5, range(6), TONES[:, i]) for i in range(3)]) + rng.normal(0, 4, 3)
    fair = main == 2 and rng.random() < 0.6
    hair_names = ["blond", "red", "chestnut", "brown"] if fair else ["black", "black", "brown"]
    hair_name = str(rng.choice(hair_names))
    if age > 0.5 and rng.random() < age:
        hair_name = "grey" if age < 0.75 else "white"
    iris_names = ["blue", "grey", "green", "hazel", "brown"] if main == 2 else ["dark", "dark", "brown"]
    covers = (
        ["bald", "cropped", "short", "short", "curly", "beanie"]
        if male
        else ["short", "bob", "bob", "long", "long", "curly", "scarf"]
    )
    if male and age > 0.6:
        covers += ["bald"]
    cover = str(rng.choice(covers))
    clothes, fabric = (linear(0.6 * rng.integers(20, 215, 3) + 0.4 * rng.integers(20, 215)) for _ in range(2))
    hair = linear(HAIR[hair_name]) * rng.uniform(0.8, 1.25)
    shapes = {
        pair: float(np.clip(rng.normal(0, 0.30), -0.7, 0.7)) * (0.55 if pair.startswith(("head", "forehead")) else 1.0)
        for pair in LOCAL_SHAPES
    }
    for pair in PAIRED_SHAPES:
        weight = rng.normal(0.3 if "eye-scale" in pair else 0.0, 0.32)
        for side in "lr":
            shapes[pair.format(side, side)] = float(np.clip(weight + rng.normal(0, 0.06), -0.85, 0.85))
    skin = linear(np.clip(skin, 20, 250))
    lips = skin * [0.86, 0.52, 0.52] + [0.05, 0.0, 0.005]
    if not male and rng.random() < 0.4:
        lips = linear(LIPSTICK[str(rng.choice(list(LIPSTICK)))]) * rng.uniform(0.8, 1.2)
    brows = linear(HAIR["grey" if hair_name == "white" else hair_name]) * 0.55
    brow_width = rng.uniform(0.034, 0.052) if male else rng.uniform(0.024, 0.040)
    return Person(
        number=number,
        sex="male" if male else "female",
        masculinity=float(rng.uniform(0.8, 1) if male else rng.uniform(0, 0.2)),
        age=age,
        origin=tuple(origin),
        shapes=shapes,
        skin=skin,
        lips=lips,
        hair=hair,
        brows=np.minimum(brows, skin * 0.30),
        iris=linear(IRIS[str(rng.choice(iris_names))]) * rng.uniform(0.8, 1.2),
        clothes=clothes,
        cover=cover,
        cover_colour=fabric if cover in ("scarf", "beanie") else hair,
        brow_width=float(brow_width),
        brow_arch=float(rng.uniform(-0.015, 0.03)),
        brow_density=float(rng.uniform(0.75, 0.98)),
        beard=float(rng.choice([0.0, 0.15, 0.35, 0.85], p=[0.35, 0.3, 0.2, 0.15])) if male else 0.0,
        style=rng.uniform(-1, 1, 8),
        strength=float(0.45 + 0.55 * rng.beta(2.2, 1.2)),
    )


def neutral_shape(head: Head, person: Person) -> np.ndarray:
    """Base vertices of the person's neutral face, (19158, 3).

    The origin is near the head joint, the eyes' centres at (0, 0.31, 1.09); sizes are drawn
    together, so that every face fills about the same share of the picture.
    """
    shape = head.base.copy()
    for sex, sex_share in (("male", person.masculinity), ("female", 1 - person.masculinity)):
        for age, age_share in (("young", 1 - person.age), ("old", person.age)):
            share = sex_share * age_share
            for origin, origin_share in zip(ORIGINS, person.origin, strict=True):
                shape += share * origin_share * shape_target(f"macrodetails/{origin}-{sex}-{age}")
            shape += share * shape_target(f"macrodetails/universal-{sex}-{age}-averagemuscle-averageweight")
    for pair, weight in person.shapes.items():
        low, high = pair.split()
        shape += abs(weight) * shape_target(high if weight > 0 else low)
    shape -= shape[JOINT_HEAD].mean(axis=0)
    height = shape[EYEBALLS, 1].mean() - shape[CHIN, 1]
    shape *= (EYE_TO_CHIN / height) ** 0.8
    middle = shape[EYEBALLS].mean(axis=0) - [0, 0.31, 1.09]
    return shape - [0, middle[1], middle[2]]
