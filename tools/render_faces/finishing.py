"""After the renderer: backdrops, plain occluders, exposure and the faults of bad pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Finish:
    """How a rendered face becomes a stored picture. All numbers refer to the stored size."""

    backdrop: str = "plain"
    colours: tuple = ((0.3, 0.3, 0.3), (0.2, 0.2, 0.2))
    exposure: float = 1.0
    shape: tuple | None = None
    """Plain occluder: (kind, centre x, centre y, half width, half height as shares of the face box, colour)."""
    blur: float = 0.0
    """Standard deviation of a Gaussian blur, pixels."""
    streak: int = 0
    """Length of a horizontal motion blur, pixels."""
    low_size: int = 0
    """Size in pixels that the picture was shrunk to and enlarged from; 0 is never."""
    noise: float = 0.0
    """Standard deviation of sensor noise, grey levels."""
    grey: bool = False
    quality: int = 90
    """JPEG quality."""
    seed: int = 0


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Linear light to sRGB 0..255, uint8; highlights roll off softly above 0.8."""
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2 * 0.6), np.maximum(light, 0))
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-8) ** (1 / 2.4) - 0.055)
    return np.clip(np.round(value * 255), 0, 255).astype(np.uint8)


def backdrop(finish: Finish, size: int, rng: np.random.Generator) -> np.ndarray:
    """Linear RGB (size, size, 3) of what lies behind the person."""
    first, second = (np.asarray(colour, float) for colour in finish.colours)
    down = np.linspace(0, 1, size)[:, None, None] * np.ones((1, size, 1))
    across = down.transpose(1, 0, 2)
    share = down
    if finish.backdrop == "clouds":
        coarse = rng.random((rng.integers(3, 9), rng.integers(3, 9)))
        share = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)[..., None]
    elif finish.backdrop == "stripes":
        a = rng.uniform(0, np.pi)
        share = (np.sin((np.cos(a) * across + np.sin(a) * down) * rng.uniform(12, 45)) > 0) * 1.0
    elif finish.backdrop == "lights":
        share = 0.15 * down
        for _ in range(int(rng.integers(5, 14))):
            x, y, radius = rng.random(), rng.random(), rng.uniform(0.03, 0.14)
            share = np.maximum(share, (np.hypot(across - x, down - y) < radius) * rng.uniform(0.4, 1.0))
    elif finish.backdrop == "room":
        share = (across > rng.uniform(0.1, 0.9)) * 0.5 + (down > rng.uniform(0.3, 0.9)) * 0.5
    picture = first + np.clip(share, 0, 1) * (second - first)
    if finish.backdrop in ("lights", "room", "stripes"):
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.6, 2.0))
    return picture


def draw_shape(picture: np.ndarray, finish: Finish, box: tuple[int, int, int, int]) -> np.ndarray:
    """A plain bar, box or ellipse before the face, placed by shares of the face box."""
    kind, x, y, half_width, half_height, colour = finish.shape  # type: ignore[misc]  # called where there is one
    left, top, width, height = box
    centre = (int(left + x * width), int(top + y * height))
    half = (max(1, int(half_width * width)), max(1, int(half_height * height)))
    covered = np.zeros(picture.shape[:2], np.uint8)
    if kind == "ellipse":
        cv2.ellipse(covered, centre, half, 0, 0, 360, 255, -1, cv2.LINE_AA)
    else:
        cv2.rectangle(
            covered,
            (centre[0] - half[0], centre[1] - half[1]),
            (centre[0] + half[0], centre[1] + half[1]),
            255,
            -1,
        )
    share = covered[..., None] / 255.0
    return picture + share * (np.asarray(colour) - picture)


def finished(image: np.ndarray, finish: Finish, box: tuple[int, int, int, int]) -> np.ndarray:
    """Rendered light and coverage (n, n, 4) to a picture (n, n, 3), uint8."""
    rng = np.random.default_rng(finish.seed)
    size = image.shape[0]
    cover = np.clip(image[..., 3:], 0, 1)
    light = image[..., :3] * finish.exposure
    picture = light + (1 - cover) * backdrop(finish, size, rng)
    if finish.shape is not None:
        picture = draw_shape(picture, finish, box)
    if finish.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), finish.blur)
    if finish.streak > 1:
        picture = cv2.blur(picture, (finish.streak, 1))
    pixels = cv2.fastNlMeansDenoisingColored(to_srgb(picture), None, 3, 5, 3, 9)
    if finish.low_size:
        small = cv2.resize(pixels, (finish.low_size,) * 2, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    if finish.grey:
        pixels = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if finish.noise:
        grain = rng.normal(0, finish.noise, (size, size, 1 if finish.grey else 3))
        pixels = np.clip(pixels + grain, 0, 255).astype(np.uint8)
    return pixels


def to_jpeg(pixels: np.ndarray, quality: int) -> bytes:
    """JPEG file contents of a picture (n, n, 3)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
