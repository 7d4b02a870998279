"""A film of several rendered people at once, for the live program's timings and tests."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from fer_utils.datasets.loaders import rendered_faces

WIDTH, HEIGHT = 640, 480
LARGEST_SIDE_PIXELS = 270
EXPRESSIONS = tuple(name for name in rendered_faces.CLASSES if name not in ("contempt", "neutral"))
COURSE = (*range(10), *[9] * 14, *range(9, -1, -1), *[0] * 6)  # positions of a sequence: to the apex, held, back, held
WALL = (88, 96, 106)


def multi_face_frames(faces: int, frames: int = 250) -> Iterator[np.ndarray]:
    """Frames of 1 to 5 people who go through the six expressions while they sway, 25 a second: uint8 RGB (480, 640, 3).

    The frames are the same for every call. Raises ValueError for another number of faces or no frame.
    """
    if not 1 <= faces <= 5 or frames < 1:
        raise ValueError(f"{faces} faces and {frames} frames, expected 1 to 5 faces and at least one frame")
    return _frames(faces, frames)


def _frames(faces: int, frames: int) -> Iterator[np.ndarray]:
    source = rendered_faces.load(collection="sequences", persons=range(faces), classes=EXPRESSIONS)
    row_of = {(row.person, row.label, row.position): number for number, row in enumerate(source.frame.itertuples())}
    rows = 1 if faces < 4 else 2
    columns = -(-faces // rows)
    cell_width, cell_height = WIDTH // columns, HEIGHT // rows
    side = min(LARGEST_SIDE_PIXELS, int(0.9 * min(cell_width, cell_height)))
    sway_x, sway_y = (cell_width - side) // 2, (cell_height - side) // 2
    for number in range(frames):
        image = np.full((HEIGHT, WIDTH, 3), WALL, np.uint8)
        for person in range(faces):
            expression, step = divmod(number + 17 * person, len(COURSE))
            label = EXPRESSIONS[(expression + person) % len(EXPRESSIONS)]
            portrait = source.read([row_of[person, label, COURSE[step]]])[0]
            angle = 2 * math.pi * (number / 150 + person / faces)
            line, column = divmod(person, columns)
            x = round(column * cell_width + sway_x * (1 + math.cos(angle)))
            y = round(line * cell_height + sway_y * (1 + math.sin(2 * angle)))
            image[y : y + side, x : x + side] = cv2.resize(portrait, (side, side), interpolation=cv2.INTER_CUBIC)
        yield image
