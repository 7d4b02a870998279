"""Figures that draw faces; where these may not be published they are replaced by crossed-out tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from fer_utils.figures.style import PALETTE, finished


def stand_in(images: np.ndarray) -> np.ndarray:
    """Tiles of the same shape and dtype in which nothing of the images is left: grey, crossed out from corner to corner."""
    height, width = images.shape[-3:-1]
    down, across = np.arange(height)[:, None] * width, np.arange(width)[None, :] * height
    crossed = np.minimum(np.abs(down - across), np.abs(down + across - (height - 1) * width)) < 2 * max(height, width)
    tile = np.where(crossed, 170, 215).astype(images.dtype)
    return np.broadcast_to(tile[..., None], images.shape).copy()


def contact_sheet(
    images: np.ndarray, rows: Sequence[str], title: str, *, publishable: bool, columns: Sequence[str] = ()
) -> Figure:
    """Faces in a grid with a label per row: the one function of the book that draws faces.

    images: uint8 (rows, columns, height, width, channels). Where the dataset may not be shown (`publishable` false) each
    face is replaced by a crossed-out tile, and the title says so.
    """
    if not publishable:
        images, title = stand_in(images), f"{title}\n(the faces of this dataset may not be shown)"
    lines, across, height, width = images.shape[:4]
    sheet = images.swapaxes(1, 2).reshape(lines * height, across * width, -1).squeeze()
    texts = 0.5 + 0.2 * max((text.count("\n") + 1 for text in columns), default=0)  # title and labels, in inches
    figure, axes = plt.subplots(figsize=(9.5, 9.5 * lines * height / (across * width) + texts))
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=255, interpolation="lanczos")
    axes.set_yticks([height * (line + 0.5) for line in range(lines)], rows)
    axes.set_xticks([width * (place + 0.5) for place in range(len(columns))], columns)
    axes.tick_params(length=0, labelsize=8)
    axes.grid(visible=False)
    axes.set_title(title)
    for side in axes.spines.values():
        side.set_visible(False)
    return finished(figure)


def overlay(images: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Images uint8 (n, height, width, channels) under a heat map of evidence from 0 to 1 (n, height, width); uint8 RGB."""
    grey = images.mean(axis=-1, keepdims=True)
    colours = 255 * plt.get_cmap("inferno")(evidence)[..., :3]
    return (0.5 * grey + 0.5 * colours).astype(np.uint8)


def softmax_bars(
    images: Mapping[str, np.ndarray],
    probabilities: Mapping[str, np.ndarray],
    classes: Mapping[str, Sequence[str]],
    true: Mapping[str, str],
    *,
    publishable: Mapping[str, bool],
) -> Figure:
    """A column per name: its image (uint8), crossed out unless publishable, above the bars of its probabilities."""
    figure, axes = plt.subplots(2, len(images), figsize=(2.5 * len(images), 4.8), squeeze=False, height_ratios=[1.2, 1])
    for (above, below), name in zip(axes.T, images, strict=True):
        image = images[name] if publishable[name] else stand_in(images[name])
        above.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=255)
        above.set_title(f"{name}\ntrue: {true[name]}")
        above.axis("off")
        colours = [PALETTE[2] if label == true[name] else PALETTE[0] for label in classes[name]]
        below.barh(list(classes[name])[::-1], probabilities[name][::-1], color=colours[::-1])
        below.set(xlim=(0, 1), xlabel="probability")
        below.tick_params(axis="y", labelsize=7.5)
    return finished(figure)


def picture(image: np.ndarray, title: str) -> Figure:
    """One picture that may be shown, RGB uint8 (height, width, 3)."""
    figure, axes = plt.subplots(figsize=(8, 8 * image.shape[0] / image.shape[1] + 0.3))
    axes.imshow(image)
    axes.set_title(title)
    axes.axis("off")
    return finished(figure)
