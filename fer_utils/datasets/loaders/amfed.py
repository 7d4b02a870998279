"""AM-FED and AM-FED+ (McDuff et al. 2013, 2018): webcam videos of viewers, coded with FACS action units, not emotions.

Tree: `Videos - FLV/<uuid>.flv` or `Video - AVI/<uuid>.avi` (any folder whose name begins with `Video`) and
`AU Labels/<uuid>-label.csv`: a `Time` in seconds, then one column per unit, in percent of the coders (or 0 and 1). A row
of a label file becomes the video's frame at that time. Its emotion follows from the prototypes of EMFACS (Friesen, Ekman
1983; after Table 10-1 of the FACS Investigator's Guide, 2002), restricted to the units that AM-FED codes: all units of a
prototype present, the prototype with the most units wins, a tie or no prototype leaves the frame unlabelled, and no coded
unit at all is neutral (units 1, 6 and 7 alone would go unseen). How many frames that
leaves out is in `skipped`. Relied on: the datasets' papers, and label files as public code reads them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from fer_utils.datasets.base import Counts, DatasetCard, DatasetError, FaceDataset
from fer_utils.datasets.files import dataset_from, excerpt, locate, stacked, subfolders
from fer_utils.datasets.tables import read_table
from fer_utils.results.paths import cache_folder, cached_array

CLASSES = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
PROTOTYPES: dict[str, tuple[set[int | str], ...]] = {  # without the units that AM-FED does not code (1, 6, 7, 16, 20, 23)
    "anger": ({4, 5},),
    "contempt": ({"unilateral 12"}, {"unilateral 14"}),
    "disgust": ({9}, {9, 15}, {9, 17}, {10}),
    "fear": ({2, 4, 5, 26},),
    "happiness": ({12},),
    "sadness": ({4, 15},),
    "surprise": ({2, 5, 26},),
}
UNITS: dict[str, int | str] = {
    "smile": 12,
    "unilateral_lau12": "unilateral 12",
    "unilateral_rau12": "unilateral 12",
    "unilateral_lau14": "unilateral 14",
    "unilateral_rau14": "unilateral 14",
}
IGNORED = {"time", "trackerfail", "expressive", "gender", "negau12", "forward", "backward", "57", "58", "au57", "au58"}
PRESENT = 0.5  # share of the coders who saw the unit
VIDEO = re.compile(r"([\w-]+)\.(flv|avi|mp4)", re.IGNORECASE | re.ASCII)


class UnreadableVideo(DatasetError):
    """A file that OpenCV cannot open as a video."""


def parse(name: str) -> dict[str, Any] | None:
    """Identifier and kind from a video's file name; None where it is no such name."""
    match = VIDEO.fullmatch(name)
    return match and {"identifier": match[1], "kind": match[2].lower()}


def unit(column: str) -> int | str | None:
    """The action unit of a label column (`AU02`, `Au17`, `Smile`, `Unilateral_LAU12`); None for what is no unit."""
    name = column.strip().lower()
    if name in UNITS:
        return UNITS[name]
    match = re.fullmatch(r"au(\d{1,2})", name)
    return int(match[1]) if match and name not in IGNORED else None


def emotion(units: set[int | str]) -> str | None:
    """The class of the units present in a frame; None where no prototype, or two equally large ones, are complete."""
    if not units:
        return "neutral"
    complete = {name: max((len(p) for p in options if p <= units), default=0) for name, options in PROTOTYPES.items()}
    largest = max(complete.values())
    winners = [name for name, size in complete.items() if size == largest]
    return winners[0] if largest and len(winners) == 1 else None


def load(folder: Path) -> FaceDataset:
    """Load AM-FED or AM-FED+. Raises DatasetError naming what is wrong; frames left out are counted in `skipped`.

    Videos that cannot be read are counted and remarked by name; the others are used.
    """
    root = locate(folder, lambda path: bool(_video_folders(path)), CARD.name, CARD.tree)
    if not (root / "AU Labels").is_dir():
        raise DatasetError(f"{root / 'AU Labels'} is missing; it holds the label files (<uuid>-label.csv) of the videos")
    found = {path.stem: path for place in _video_folders(root) for path in sorted(place.iterdir()) if parse(path.name)}
    tables: list[pd.DataFrame] = []
    skipped: Counter[str] = Counter()
    unreadable: list[str] = []
    for identifier, video in tqdm(found.items(), desc="reading the times of frames", unit="video", leave=False):
        labels = root / "AU Labels" / f"{identifier}-label.csv"
        if not labels.is_file():
            skipped["videos without a label file"] += 1
            continue
        try:
            frame_times = _frame_times(video)
        except UnreadableVideo as error:
            unreadable.append(str(error))
        else:
            tables.append(_labelled_frames(video, frame_times, labels, root, skipped))
    if not tables or not sum(map(len, tables)):
        raise DatasetError("; ".join(unreadable[:1]) or f"{root}: no video has labelled frames; expected {CARD.tree}")
    skipped["videos that cannot be read"] = len(unreadable)
    frame = pd.concat(tables, ignore_index=True)
    digest = hashlib.sha256(frame[["path", "position", "label"]].to_csv(index=False).encode())
    digest.update(str([(name, video.stat().st_size) for name, video in found.items()]).encode())
    paths, positions = frame["path"].to_numpy(), frame["position"].to_numpy()

    def read(rows: Sequence[int] | np.ndarray) -> np.ndarray:
        chosen = np.asarray(rows, dtype=np.int64)
        images: dict[int, np.ndarray] = {}
        for path in dict.fromkeys(paths[chosen]):
            wanted = [int(row) for row in chosen if paths[row] == path]
            by_position = _decode(root / path, {int(positions[row]) for row in wanted})
            images |= {row: by_position[int(positions[row])] for row in wanted}
        return stacked([images[int(row)] for row in chosen], [str(paths[row]) for row in chosen], CARD.name)

    expected = CARD.expected if len(found) > AMFED_VIDEOS else Counts(subjects=AMFED_VIDEOS)
    return dataset_from(
        CARD, root, frame, CLASSES, digest.hexdigest(), read, expected=expected, skipped=skipped, faults=unreadable
    )


def _video_folders(folder: Path) -> list[Path]:
    return [child for child in subfolders(folder) if child.name.lower().startswith("video")]


def _labelled_frames(video: Path, frame_times: np.ndarray, labels: Path, root: Path, skipped: Counter) -> pd.DataFrame:
    """A row per labelled frame of one video; what is left out is added to `skipped`."""
    expected = "a column Time in seconds and one column of numbers per unit"
    table = read_table(labels, expected)
    try:
        times = table["Time"].to_numpy(float)
        units = {column: found for column in table.columns if (found := unit(column)) is not None}
        shares = table[list(units)].to_numpy(float)
        if not table.index.equals(pd.RangeIndex(len(table))):
            raise ValueError("rows with more fields than the header")
        if np.isnan(times).any() or (shares < 0).any() or (shares > 100).any():
            raise ValueError("a row without a time, or a value that is not between 0 and 100")
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{labels}: {excerpt(str(error))}; expected {expected}") from None
    shares = shares / 100 if shares.max(initial=0) > 1 else shares
    rows = []
    for time_s, row in zip(times, shares, strict=True):
        label = emotion({name for name, share in zip(units.values(), row, strict=True) if share >= PRESENT})
        if not len(frame_times) or time_s > frame_times[-1] + _frame_gap(frame_times) / 2:
            skipped["labelled frames beyond the end of their video"] += 1
        elif label is None:
            skipped["frames whose units are no prototype, or two"] += 1
        else:
            position = int(np.abs(frame_times - time_s).argmin())
            rows.append({"label": label, "position": position, "time_s": float(time_s)})
    frame = pd.DataFrame(rows, columns=["label", "position", "time_s"]).drop_duplicates("position")
    place = {"subject": video.stem, "sequence": video.stem, "split": "all", "path": video.relative_to(root).as_posix()}
    return frame.assign(**place)


def _frame_gap(frame_times: np.ndarray) -> float:
    return float(np.median(np.diff(frame_times))) if len(frame_times) > 1 else 0.1


def _frame_times(video: Path) -> np.ndarray:
    """Times in seconds of every frame that can be decoded (float64, ascending); read once and kept in the cache.

    The container's own count of frames is not used: it is wrong in files that end early.
    """
    status = video.stat()
    key = hashlib.sha256(f"{video.resolve()} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:24]

    def compute() -> np.ndarray:
        capture, times = _opened(video), []
        while capture.grab():
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
        capture.release()
        return np.asarray(times, dtype=np.float64)

    return cached_array(cache_folder() / "videos" / f"{key}.npy", compute)


def _opened(video: Path) -> cv2.VideoCapture:
    capture = cv2.VideoCapture(str(video))
    if not capture.isOpened():
        raise UnreadableVideo(f"{video} ({video.stat().st_size} bytes) is no video that OpenCV can read; copy it again")
    return capture


def _decode(video: Path, positions: set[int]) -> dict[int, np.ndarray]:
    """The RGB frames at the given positions, decoded from the start: seeking is not exact in these containers."""
    capture, images = _opened(video), {}
    for position in range(max(positions, default=-1) + 1):
        if not capture.grab():
            raise DatasetError(f"{video} ends before frame {position}; copy it again from the original")
        if position in positions:
            images[position] = cv2.cvtColor(capture.retrieve()[1], cv2.COLOR_BGR2RGB)
    capture.release()
    return images


AMFED_VIDEOS = 242  # AM-FED; AM-FED+ has 1,044
CARD = DatasetCard(
    name="amfed",
    title="Affectiva-MIT Facial Expression Dataset (AM-FED+)",
    page="https://www.affectiva.com/facial-expression-dataset/",
    access="Sign the agreement of Affectiva:",
    licence="agreement with the owners, research only; some people may be shown in print",
    citation="mcduff2013",
    publishable=False,
    tree="Videos - FLV (labeled)/<uuid>.flv, Videos - FLV/<uuid>.flv or Video - AVI/<uuid>.avi, and AU Labels/<uuid>-label.csv",
    expected=Counts(subjects=1044),
    load=load,
    folders=("am-fed", "am-fed+", "amfed+"),
)
