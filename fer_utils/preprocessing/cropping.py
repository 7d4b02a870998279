"""From images to face crops: finding the faces of a whole dataset, cutting them out square, bringing them to one size.

Boxes are x, y, width, height in pixels of the image they were found in. Detected boxes and cropped pixels are kept in
the cache folder, named by what decides them; they are written under a temporary name and renamed.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd

from fer_utils.datasets.base import DatasetError, FaceDataset
from fer_utils.preprocessing.detection import Detections, detect_faces, detector_class
from fer_utils.preprocessing.images import crop_cache, for_each, image_of, to_grey
from fer_utils.results.paths import cached, digest_of

BOX_COLUMNS = ("face_x", "face_y", "face_width", "face_height")
ANGLE_COLUMNS = ("angle", "camera")
MOST_ANGLES = 16  # a column with more different values holds a free direction, not a set of cameras
Choice = Literal["largest", "central"]


def square_crop(image: np.ndarray, box: Sequence[float], crop_margin: float, side_pixels: int) -> np.ndarray:
    """Cut the square around a box (x, y, width, height in pixels) out of a uint8 image and resize it.

    The square's side is the box's longer side times `1 + crop_margin`; beyond the image its border is repeated.
    Returns uint8 (side_pixels, side_pixels, channels).
    """
    x, y, width, height = box
    side = max(1, round(max(width, height) * (1 + crop_margin)))
    left, top = round(x + width / 2 - side / 2), round(y + height / 2 - side / 2)
    rows = np.clip(np.arange(top, top + side), 0, image.shape[0] - 1)
    columns = np.clip(np.arange(left, left + side), 0, image.shape[1] - 1)
    shrinking = cv2.INTER_AREA if side > side_pixels else cv2.INTER_LINEAR
    resized = cv2.resize(image[np.ix_(rows, columns)], (side_pixels, side_pixels), interpolation=shrinking)
    return resized.reshape(side_pixels, side_pixels, -1)


def crop_to_boxes(dataset: FaceDataset, *, side_pixels: int, grey: bool, crop_margin: float = 0.0) -> FaceDataset:
    """The dataset cut to its own face boxes, grey where asked for. Raises ValueError when it has no box columns."""
    if missing := [column for column in BOX_COLUMNS if column not in dataset.frame.columns]:
        raise ValueError(f"{dataset.name} has no column {missing[0]}: faces must be detected first")
    boxes = dataset.frame[list(BOX_COLUMNS)].to_numpy(float)

    def read(rows: Sequence[int] | np.ndarray) -> np.ndarray:
        images = dataset.read(rows)
        images = to_grey(images) if grey and images.shape[-1] == 3 else images
        return np.stack(
            [square_crop(image, boxes[row], crop_margin, side_pixels) for image, row in zip(images, rows, strict=True)]
        )

    settings = f"crop {side_pixels} {grey} {crop_margin}"
    digest = hashlib.sha256((dataset.fingerprint + settings).encode()).hexdigest()
    return dataclasses.replace(dataset, read=read, fingerprint=digest)


def crop_faces(
    dataset: FaceDataset,
    *,
    detector: str,
    side_pixels: int,
    grey: bool = False,
    crop_margin: float = 0.0,
    choose: Choice = "largest",
    fill_from_previous: bool = True,
    one_box_per_sequence: bool = False,
    workers: int | None = None,
) -> tuple[FaceDataset, pd.DataFrame]:
    """The dataset cut to the face that a detector ("haar", "yunet" or "res10") finds in each image, and what was dropped.

    Of several faces the largest or the most central is taken. In a sequence a frame without a face takes the previous
    frame's box, frames before the first face the first box; no box passes from one camera to another. With
    `one_box_per_sequence` all those frames share the median box of the sequence's detected faces. Images left without a
    box are dropped. `workers` threads (None: every core) read, detect and cut; the result is the same for any number.

    The new frame has the box columns (pixels of the whole image) and `detected`, false where the box was filled in. The
    table has a row for all images, each class and each camera angle (columns `angle` or `camera`): `group`, `value`,
    `images`, `detected`, `filled`, `dropped` and `dropped_share` (0 to 1).

    Raises DatasetError for a dataset without images or without any face, an image that is not 8-bit grey or RGB, grey
    images among colour ones unless `grey`, and a sequence whose order is unknown; ValueError for a bad setting.
    """
    kind = detector_class(detector)
    if side_pixels < 1 or crop_margin <= -1:
        raise ValueError(f"side_pixels {side_pixels} and crop_margin {crop_margin}, expected at least 1 and above -1")
    found = detect_faces(dataset, detector, workers)
    unlike = np.flatnonzero(found.shapes[:, 2] != found.shapes[0, 2])
    if len(unlike) and not grey:
        raise DatasetError(
            f"{dataset.name}: row {unlike[0]} has {found.shapes[unlike[0], 2]} channels and row 0 has {found.shapes[0, 2]}; "
            "crop grey and colour images together with grey=True"
        )
    boxes = one_box_per_image(found, choose)
    detected = ~np.isnan(boxes[:, 0])
    boxes = _along_sequences(dataset, boxes, fill_from_previous, one_box_per_sequence)
    boxed = ~np.isnan(boxes[:, 0])
    rows = np.flatnonzero(boxed)
    if not len(rows):
        raise DatasetError(f"{dataset.name}: {detector} found no face in any of {len(boxed)} images")
    channels = 1 if grey else int(found.shapes[0, 2])
    images = _cropped(dataset, rows, boxes[rows], (side_pixels, side_pixels, channels), crop_margin, workers)

    dropped = len(boxed) - len(rows)
    settings = (kind.settings, side_pixels, grey, crop_margin, choose, fill_from_previous, one_box_per_sequence)
    kept = keep_rows(dataset, rows, repr(settings))
    kept.frame[list(BOX_COLUMNS)] = boxes[rows]
    kept.frame["detected"] = detected[rows]
    skipped = {f"images without a face ({detector})": dropped} if dropped else {}
    cropped = dataclasses.replace(
        kept, read=lambda chosen: np.asarray(images[np.asarray(chosen, np.int64)]), skipped={**dataset.skipped, **skipped}
    )
    status = np.select([detected, boxed], ["detected", "filled"], "dropped")
    return cropped, _drop_table(dataset, status)


def one_box_per_image(found: Detections, choose: Choice) -> np.ndarray:
    """float64 (images, 4): each image's largest face, or the one nearest to its centre; NaN where there is none.

    Raises ValueError for another choice. Of equals the better score is taken.
    """
    if choose not in ("largest", "central"):
        raise ValueError(f"choose {choose!r}, expected 'largest' or 'central'")
    if choose == "largest":
        badness = -found.boxes[:, 2] * found.boxes[:, 3]
    else:
        centre = found.shapes[found.rows][:, 1::-1] / 2
        badness = np.linalg.norm(found.boxes[:, :2] + found.boxes[:, 2:] / 2 - centre, axis=1)
    order = np.lexsort((badness, found.rows))
    rows, first = np.unique(found.rows[order], return_index=True)
    boxes = np.full((len(found.shapes), 4), np.nan)
    boxes[rows] = found.boxes[order[first]]
    return boxes


def sequence_order(dataset: FaceDataset) -> np.ndarray:
    """Row numbers (int64) of the images in sequences: one sequence after the other as they first appear, each by position.

    Gaps between positions are allowed. Raises DatasetError naming a sequence with a missing or repeated position.
    """
    inside = np.flatnonzero(dataset.frame["sequence"].notna().to_numpy())
    sequences = dataset.frame["sequence"].iloc[inside]
    positions = pd.to_numeric(dataset.frame["position"].iloc[inside], errors="coerce").to_numpy(float)
    if np.isnan(positions).any():
        row = int(np.isnan(positions).argmax())
        raise DatasetError(
            f"{dataset.name}: sequence {sequences.iloc[row]} has no position in row {inside[row]}; number its frames"
        )
    numbers = pd.factorize(sequences)[0]
    order = np.lexsort((positions, numbers))
    repeated = (np.diff(numbers[order]) == 0) & (np.diff(positions[order]) == 0)
    if repeated.any():
        row = int(order[repeated.argmax()])
        raise DatasetError(
            f"{dataset.name}: sequence {sequences.iloc[row]} has position {positions[row]:g} twice; each frame needs its own"
        )
    return inside[order]


def keep_rows(dataset: FaceDataset, rows: np.ndarray, settings: str) -> FaceDataset:
    """The given rows as a dataset of their own, with a fingerprint that also covers the settings that chose them."""
    return dataclasses.replace(
        dataset,
        frame=dataset.frame.iloc[rows].reset_index(drop=True),
        fingerprint=hashlib.sha256((dataset.fingerprint + settings).encode()).hexdigest(),
        read=lambda chosen: dataset.read(rows[np.asarray(chosen, np.int64)]),
    )


def keep_classes(dataset: FaceDataset, classes: Sequence[str]) -> FaceDataset:
    """The images of the given classes, which then have this order. Raises ValueError naming a class that is missing."""
    if missing := [name for name in classes if name not in dataset.classes]:
        raise ValueError(f"{dataset.name} has no class {missing[0]!r}; it has {', '.join(dataset.classes)}")
    chosen = np.flatnonzero(dataset.frame["label"].isin(list(classes)).to_numpy())
    return dataclasses.replace(keep_rows(dataset, chosen, repr(tuple(classes))), classes=tuple(classes))


def keep_subjects(dataset: FaceDataset, subjects: int) -> FaceDataset:
    """The images of so many subjects, in which every class occurs; all of them for 0 or where there are fewer.

    They are the first by name, but where a class would be missing, the first two who show it come before the others, so that it
    can be trained and tested. What is kept is not the official dataset. Raises DatasetError where so few cannot show every class.
    """
    shown = dataset.frame.dropna(subset=["subject"]).groupby("subject")["label"].agg(set).sort_index()
    if not subjects or subjects >= len(shown):
        return dataset
    kept = list(shown.index[:subjects])
    if missing := sorted(set().union(*shown) - set().union(*shown[kept])):
        needed = dict.fromkeys(name for label in missing for name in shown.index[[label in labels for labels in shown]][:2])
        kept = [*needed, *(name for name in shown.index if name not in needed)][:subjects]
        if lost := sorted(set().union(*shown) - set().union(*shown[kept])):
            raise DatasetError(f"{subjects} people of {dataset.name} do not show {lost[0]}; ask for more, or for 0: all of them")
    rows = np.flatnonzero(dataset.frame["subject"].isin(kept).to_numpy())
    chosen = keep_rows(dataset, rows, f"{subjects} people")  # the text is part of the fingerprints of published results
    remarks = (*dataset.remarks, f"{subjects} of {len(shown)} people")
    return dataclasses.replace(chosen, official=False, remarks=remarks) if dataset.real else chosen


def whole_images(dataset: FaceDataset, *, side_pixels: int) -> FaceDataset:
    """The whole images, squeezed to a square of `side_pixels` as Keras's generators do; they may differ in size."""

    def resized(row: int) -> np.ndarray:
        image = dataset.read([row])[0]
        shrinking = cv2.INTER_AREA if max(image.shape) > side_pixels else cv2.INTER_LINEAR
        return cv2.resize(image, (side_pixels, side_pixels), interpolation=shrinking).reshape(side_pixels, side_pixels, -1)

    settings = f"whole {side_pixels}"
    return dataclasses.replace(
        dataset,
        read=lambda rows: np.stack([resized(int(row)) for row in rows]),
        fingerprint=hashlib.sha256((dataset.fingerprint + settings).encode()).hexdigest(),
    )


def _angle_column(frame: pd.DataFrame) -> str | None:
    return next((name for name in ANGLE_COLUMNS if name in frame and 1 < frame[name].nunique() <= MOST_ANGLES), None)


def _along_sequences(dataset: FaceDataset, boxes: np.ndarray, fill: bool, median: bool) -> np.ndarray:
    """The boxes (images, 4; NaN where there is none) after filling and averaging along each sequence of one camera."""
    if dataset.frame["position"].isna().all():  # stills of one scene, as in SFEW: none follows from another
        return boxes
    order = sequence_order(dataset)
    angle = _angle_column(dataset.frame)
    keys = [dataset.frame[name].iloc[order].to_numpy() for name in ("sequence", angle) if name]
    found = pd.DataFrame(boxes[order])
    along = found.groupby(keys, sort=False, dropna=False)
    kept = along.ffill().groupby(keys, sort=False, dropna=False).bfill() if fill else found
    boxes = boxes.copy()
    boxes[order] = (along.transform("median").where(kept.notna()) if median else kept).to_numpy()
    return boxes


def _cropped(
    dataset: FaceDataset,
    rows: np.ndarray,
    boxes: np.ndarray,
    shape: tuple[int, int, int],
    crop_margin: float,
    workers: int | None,
) -> np.ndarray:
    """uint8 (rows, *shape), mapped from the cache file."""
    path = crop_cache(dataset, rows, f"{shape} {crop_margin} {digest_of(boxes)}", ".npy")

    def write(partial: Path) -> None:
        images = np.lib.format.open_memmap(partial, "w+", np.uint8, (len(rows), *shape))

        def cut(number: int) -> None:
            image = image_of(dataset, rows[number])
            image = to_grey(image) if image.shape[-1] > shape[-1] else image
            images[number] = square_crop(image, boxes[number], crop_margin, shape[0])

        for_each(cut, len(rows), workers, f"{dataset.name}: crops")
        images.flush()

    return cached(path, write, lambda whole: np.load(whole, mmap_mode="r"))


def _drop_table(dataset: FaceDataset, status: np.ndarray) -> pd.DataFrame:
    """How many images were detected, filled and dropped: in all, per class and per angle, as `crop_faces` says."""
    frame, angle = dataset.frame, _angle_column(dataset.frame)
    groups = {"all": pd.Series("all", index=frame.index), "class": frame["label"]} | ({angle: frame[angle]} if angle else {})
    parts = []
    for group, values in groups.items():
        counts = pd.crosstab(values, status).reindex(columns=["detected", "filled", "dropped"], fill_value=0)
        if group == "class":
            counts = counts.reindex([name for name in dataset.classes if name in counts.index])
        counts.insert(0, "images", counts.sum(axis=1))
        counts.insert(0, "value", counts.index.astype(object))
        counts.insert(0, "group", group)
        parts.append(counts)
    table = pd.concat(parts, ignore_index=True).rename_axis(columns=None)
    return table.assign(dropped_share=table["dropped"] / table["images"])
