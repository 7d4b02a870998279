"""What the live program draws on a frame: a box with a label per face, bars of its probabilities, and a line of status.

Frames are uint8 RGB. Sizes follow the frame's height: a line of text is about one thirtieth of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from fer_utils.live.recognition import Face

FONT = cv2.FONT_HERSHEY_SIMPLEX
# seaborn's colour-blind palette, as in the book's figures; importing seaborn would take longer than to start the camera
PALETTE = (
    (1, 115, 178), (222, 143, 5), (2, 158, 115), (213, 94, 0), (204, 120, 188),
    (202, 145, 97), (251, 175, 228), (148, 148, 148), (236, 225, 51), (86, 180, 233),
)  # fmt: skip
BLACK, WHITE, GREY, SHADE, TROUGH = (0, 0, 0), (255, 255, 255), (190, 190, 190), (24, 28, 34), (70, 74, 80)
LETTERS = (20, 3)  # of a class in a panel of bars: the whole name or, where space is short, its beginning
NAME_AND_BAR = {20: (5.6, 3.9), 3: (2.3, 2.6)}  # their widths, in heights of a row
Rectangle = tuple[int, int, int, int]  # left, top, right, bottom


def annotated(frame: np.ndarray, faces: Sequence[Face], classes: Sequence[str], status: str, labels_only: bool) -> np.ndarray:
    """A copy of a frame with its faces, and the status in its upper left corner.

    A face's bars stand where they hide no face, no label and no other bars; where there is no such place, its label must do.
    """
    picture = np.ascontiguousarray(frame).copy()
    line = max(9, round(picture.shape[0] / 30))
    taken = [_status(picture, status, line)]
    taken += [_rectangle(face) for face in faces]
    for face in faces:
        taken.append(_box_and_label(picture, face, classes, line))
    if labels_only:
        return picture
    for face in faces:
        for letters in LETTERS:
            if (place := _free_place(picture, _rectangle(face), len(classes), line, letters, taken)) is not None:
                _bars(picture, face, classes, line, letters, place)
                taken.append(place)
                break
    return picture


def _rectangle(face: Face) -> Rectangle:
    x, y, width, height = face.box
    return round(x), round(y), round(x + width), round(y + height)


def _colour(position: int) -> tuple[int, int, int]:
    return PALETTE[position % len(PALETTE)]


def _ink(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Black or white, whichever is read better on a colour."""
    return BLACK if np.dot(colour, (0.299, 0.587, 0.114)) > 120 else WHITE


def _text(picture: np.ndarray, text: str, left: int, top: int, line: int, ink: tuple[int, int, int]) -> None:
    scale = line / 36
    cv2.putText(picture, text, (left, top + round(0.72 * line)), FONT, scale, ink, max(1, round(1.6 * scale)), cv2.LINE_AA)


def _text_width(text: str, line: int) -> int:
    return cv2.getTextSize(text, FONT, line / 36, 1)[0][0]


def _shade(picture: np.ndarray, place: Rectangle) -> None:
    left, top, right, bottom = place
    part = picture[top:bottom, left:right]
    part[:] = cv2.addWeighted(part, 0.3, np.full_like(part, SHADE), 0.7, 0)


def _status(picture: np.ndarray, status: str, line: int) -> Rectangle:
    place = (0, 0, min(picture.shape[1], _text_width(status, line) + line), min(picture.shape[0], line + line // 3))
    _shade(picture, place)
    _text(picture, status, line // 2, line // 6, line, WHITE)
    return place


def _box_and_label(picture: np.ndarray, face: Face, classes: Sequence[str], line: int) -> Rectangle:
    """Draw both; returns the label's place: above the box, or inside it at the upper border, and inside the frame."""
    left, top, right, bottom = _rectangle(face)
    best = int(np.argmax(face.probabilities))
    colour = _colour(best)
    thickness = max(2, line // 8)
    cv2.rectangle(picture, (left, top), (right, bottom), colour, thickness)
    text = f"{face.number}: {classes[best]} {100 * face.probabilities[best]:.0f} %"
    width, height = _text_width(text, line) + line // 2, line + line // 4
    label_top = top - height if top >= height else top
    label_left = max(0, min(left - thickness // 2, picture.shape[1] - width))
    cv2.rectangle(picture, (label_left, label_top), (label_left + width, label_top + height), colour, cv2.FILLED)
    _text(picture, text, label_left + line // 4, label_top + line // 8, line, _ink(colour))
    return label_left, label_top, label_left + width, label_top + height


def _free_place(
    picture: np.ndarray, face: Rectangle, classes: int, line: int, letters: int, taken: Sequence[Rectangle]
) -> Rectangle | None:
    """Where a face's bars can stand: right, left or below it; None where all that is taken."""
    row, gap = round(0.82 * line), line // 4
    width, height = round((sum(NAME_AND_BAR[letters]) + 1) * row), classes * row + row // 2
    left, top, right, bottom = face
    beside = max(0, min(top, picture.shape[0] - height))
    for x, y in ((right + gap, beside), (left - gap - width, beside), (left, bottom + gap)):
        place = (x, y, x + width, y + height)
        inside = x >= 0 and y >= 0 and place[2] <= picture.shape[1] and place[3] <= picture.shape[0]
        if inside and not any(_meet(place, other) for other in taken):
            return place
    return None


def _meet(one: Rectangle, other: Rectangle) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _bars(picture: np.ndarray, face: Face, classes: Sequence[str], line: int, letters: int, place: Rectangle) -> None:
    """Draw a face's probabilities; an edge in the colour of its box says whose they are."""
    _shade(picture, place)
    best = int(np.argmax(face.probabilities))
    row = round(0.82 * line)
    cv2.rectangle(picture, place[:2], (place[0] + max(2, line // 8), place[3] - 1), _colour(best), cv2.FILLED)
    name_width, bar_width = (round(share * row) for share in NAME_AND_BAR[letters])
    left, top = place[0] + row // 2, place[1] + row // 4
    bar_left = left + name_width
    for position, (name, probability) in enumerate(zip(classes, face.probabilities, strict=True)):
        y = top + position * row
        _text(picture, name[:letters], left, y, row, WHITE if position == best else GREY)
        for length, colour in ((bar_width, TROUGH), (round(bar_width * float(probability)), _colour(position))):
            cv2.rectangle(picture, (bar_left, y + row // 6), (bar_left + length, y + row - row // 5), colour, cv2.FILLED)
