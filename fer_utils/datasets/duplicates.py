"""Images that are the same or nearly the same, within one set or between two.

Exact duplicates have equal pixels (SHA-256). Near duplicates are pairs whose perceptual hashes differ in few bits and whose
pixels confirm it. The hash alone is not enough on faces that are all centred alike: two persons can share it. Pixels are
compared on thumbnails without their coarse shades, after the best small shift (`aligned_correlations`).

Measured at 8 bits on the rendered faces: no two persons correlate above 0.957 where pose, camera and light are the same
(`sequences`, `angles`), nor above 0.83 in `wild`. At 0.97, of 3,600 copies of frames, brighter, JPEG 75 or half as large, one
is missed; of copies shifted by a pixel up to an eighth, by their hashes, and on crops of 48 pixels most, unless 0.9 is enough.
In FER2013, which was collected from the web, the pairs looked at were copies down to 0.75.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import imagehash
import joblib
import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from fer_utils.datasets.base import FaceDataset
from fer_utils.results.paths import digest_of

BITS = 8
CORRELATION = 0.97  # tells persons apart who were recorded alike; 0.85 is enough for photographs from the web
THUMBNAIL_PIXELS = 32  # a side; imagehash's `phash` sees the same 32 x 32 pixels
# Blurs the columns of a thumbnail (deviation 3 pixels). What is as coarse is pose and light, which strangers share.
BLUR = gaussian_filter1d(np.eye(THUMBNAIL_PIXELS, dtype=np.float32), 3.0, axis=0)
FLAT_LEVELS = 1.0  # grey levels; a thumbnail whose fine structure deviates less has nothing to be recognised by
HASHES_AT_ONCE = 1 << 22  # pairs of hashes compared in one step: 32 MiB
PAIRS_AT_ONCE = 128  # pairs of thumbnails correlated in one step


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """What duplicates are found by, in the order of the images; about 1.3 kB an image.

    SHA-256 of the pixels (str), 64-bit perceptual hashes (uint64) and grey thumbnails (uint8, n x 32 x 32).
    """

    digests: np.ndarray
    hashes: np.ndarray
    thumbnails: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)

    def take(self, rows: np.ndarray) -> Fingerprints:
        """The fingerprints of some of the images."""
        return Fingerprints(self.digests[rows], self.hashes[rows], self.thumbnails[rows])


def fingerprints(images: Iterable[np.ndarray]) -> Fingerprints:
    """Fingerprints of uint8 images (height, width, 1 or 3), grey or RGB; they may differ in size.

    Raises ValueError for anything else, naming its position and shape.
    """
    digests, thumbnails = [], []
    for position, image in enumerate(images):
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in (1, 3):
            raise ValueError(f"image {position} is {image.dtype} {image.shape}; expected uint8 (height, width, 1 or 3)")
        digests.append(digest_of(image))
        thumbnails.append(_thumbnail(image))
    small = np.array(thumbnails, np.uint8).reshape(-1, THUMBNAIL_PIXELS, THUMBNAIL_PIXELS)
    bits = np.array([imagehash.phash(Image.fromarray(each)).hash.ravel() for each in small], bool).reshape(-1, 64)
    return Fingerprints(np.array(digests, "U64"), np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64), small)


def dataset_fingerprints(dataset: FaceDataset, rows: np.ndarray | None = None, *, jobs: int = 1) -> Fingerprints:
    """Fingerprints of a dataset's images (all, or the given rows), read one at a time, by `jobs` processes (-1: every core)."""
    chosen = np.arange(len(dataset.frame)) if rows is None else np.asarray(rows, np.int64)
    # Each task carries the dataset's reader, which can hold every image, so there are few tasks a process.
    tasks = 16 * joblib.effective_n_jobs(jobs) if joblib.effective_n_jobs(jobs) > 1 else len(chosen) // 64 + 1
    parts = [part for part in np.array_split(chosen, tasks) if len(part)]
    found = joblib.Parallel(n_jobs=jobs, return_as="generator")(
        joblib.delayed(_fingerprints_of_rows)(dataset.read, part) for part in parts
    )
    done = [fingerprints([])]
    with tqdm(total=len(chosen), desc=f"fingerprints of {dataset.name}", unit="image", leave=False) as bar:
        for part in found:
            done.append(part)
            bar.update(len(part))
    return Fingerprints(*(np.concatenate([getattr(part, name) for part in done]) for name in Fingerprints.__annotations__))


def duplicate_pairs(
    found: Fingerprints, *, bits: int = BITS, correlation: float = CORRELATION, groups: np.ndarray | None = None
) -> pd.DataFrame:
    """The duplicates within one set: columns first < second (rows), kind (exact, near), bits (differing), correlation.

    An exact duplicate is paired with the first image of its kind, and only that one is compared further. Frames of one
    sequence are near duplicates by nature: with `groups` (n,) the pairs inside a group are left out. With bits below 0
    nothing is near.
    """
    _, firsts, kinds = np.unique(found.digests, return_index=True, return_inverse=True)
    original = firsts[kinds]
    repeated = np.flatnonzero(original != np.arange(len(found)))
    repeated = repeated[_apart(groups, original[repeated], repeated)]
    rows = np.sort(firsts)
    near = [(np.array([], np.int64), np.array([], np.int64), np.array([], np.int64), np.array([]))]
    for i, j, distance in _pairs_by_hash(found.hashes[rows], found.hashes[rows], bits, within=True):
        apart = _apart(groups, rows[i], rows[j])
        i, j, distance = rows[i[apart]], rows[j[apart]], distance[apart]
        alike = aligned_correlations(found.thumbnails, found.thumbnails, i, j)
        same = alike >= correlation
        near.append((i[same], j[same], distance[same], alike[same]))
    columns = dict(zip(("first", "second", "bits", "correlation"), map(np.concatenate, zip(*near, strict=True)), strict=True))
    exact = pd.DataFrame({"first": original[repeated], "second": repeated, "kind": "exact", "bits": 0, "correlation": 1.0})
    table = pd.concat([exact, pd.DataFrame(columns).assign(kind="near")], ignore_index=True)
    return table.sort_values(["first", "second"], ignore_index=True)


def copies(
    images: Fingerprints, references: Fingerprints, *, bits: int = BITS, correlation: float = CORRELATION
) -> tuple[np.ndarray, np.ndarray]:
    """Which images have a copy among the references: (exact, near), int64 (n,) each, positions of references, -1 for none.

    Near is sought where there is no exact one: of the confirmed references that with the fewest differing bits. With bits
    below 0 nothing is near.
    """
    originals = {digest: position for position, digest in reversed(list(enumerate(references.digests)))}
    exact = np.array([originals.get(digest, -1) for digest in images.digests], np.int64)
    near = np.full(len(images), -1, np.int64)
    rows = np.flatnonzero(exact < 0)
    for i, j, distance in _pairs_by_hash(images.hashes[rows], references.hashes, bits):
        alike = aligned_correlations(images.thumbnails, references.thumbnails, rows[i], j)
        order = np.lexsort((-alike, distance, i))
        order = order[alike[order] >= correlation]
        queries, best = np.unique(i[order], return_index=True)
        near[rows[queries]] = j[order][best]
    return exact, near


def copies_in_training(
    images: Iterable[np.ndarray], references: Iterable[np.ndarray], *, bits: int, correlation: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """`copies` of uint8 images among references, grey or RGB, of any size; here near includes exact."""
    exact, near = copies(fingerprints(images), fingerprints(references), bits=bits, correlation=correlation)
    return exact, np.where(exact >= 0, exact, near)


def aligned_correlations(first: np.ndarray, second: np.ndarray, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How alike the thumbnails first[rows] and second[others] are in their fine structure; float64 (n,), 0 to 1.

    Each of a pair is regressed on the other and its two gradients, which makes up for brightness, contrast and a shift of
    about a pixel (Lucas and Kanade 1981); the smaller multiple correlation of the two counts. Flat thumbnails give 0.
    """
    alike = np.zeros(len(rows))
    for start in range(0, len(rows), PAIRS_AT_ONCE):
        block = slice(start, start + PAIRS_AT_ONCE)
        both = np.concatenate([_structures(first[rows[block]]), _structures(second[others[block]])], axis=1)
        products = (both @ both.transpose(0, 2, 1)).astype(np.float64)
        alike[block] = np.minimum(_explained(products, 0, [3, 4, 5]), _explained(products, 3, [0, 1, 2]))
    return alike


def _thumbnail(image: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).convert("L")
    return np.asarray(picture.resize((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS), Image.Resampling.LANCZOS))


def _fingerprints_of_rows(read: Callable[[list[int]], np.ndarray], rows: np.ndarray) -> Fingerprints:
    return fingerprints(read([row])[0] for row in rows)


def _pairs_by_hash(
    first: np.ndarray, second: np.ndarray, bits: int, within: bool = False
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Block by block the positions of hashes that differ in at most `bits`, and in how many; `within`: each pair once."""
    if bits < 0:
        return
    step = max(1, HASHES_AT_ONCE // max(1, len(second)))
    with tqdm(total=len(first), desc="comparing hashes", unit="image", leave=False) as bar:
        for start in range(0, len(first), step):
            skipped = start if within else 0
            distance = np.bitwise_count(first[start : start + step, None] ^ second[None, skipped:])
            i, j = np.divmod(np.flatnonzero(distance <= bits), max(1, len(second) - skipped))
            once = j > i if within else slice(None)
            i, j = i[once], j[once]
            yield i + start, j + skipped, distance[i, j].astype(np.int64)
            bar.update(min(step, len(first) - start))


def _apart(groups: np.ndarray | None, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    return np.ones(len(rows), bool) if groups is None else np.asarray(groups)[rows] != np.asarray(groups)[others]


def _structures(thumbnails: np.ndarray) -> np.ndarray:
    """Fine structure and its two gradients, each with mean 0, without the border; float32 (n, 3, pixels)."""
    shades = thumbnails.astype(np.float32)
    fine = shades - BLUR @ shades @ BLUR.T
    vertical, horizontal = np.gradient(fine, axis=(1, 2))
    planes = np.stack([fine, vertical, horizontal], axis=1)[..., 1:-1, 1:-1].reshape(len(fine), 3, -1)
    return planes - planes.mean(axis=2, keepdims=True)


def _explained(products: np.ndarray, target: int, sources: list[int]) -> np.ndarray:
    """Multiple correlation of one plane with three, from all their inner products (n, 6, 6); 0 where flat or negative."""
    squares = products[:, [0, 3], [0, 3]]
    shared = products[:, sources, target]
    among = products[:, sources][:, :, sources] + 1e-3 * np.eye(3)  # flat thumbnails have none
    weights = np.linalg.solve(among, shared[..., None])[..., 0]
    share = (shared * weights).sum(axis=1) / np.maximum(squares[:, target // 3], 1e-9)
    flat = squares.min(axis=1) < FLAT_LEVELS**2 * (THUMBNAIL_PIXELS - 2) ** 2
    return np.where(flat | (weights[:, 0] <= 0), 0.0, np.sqrt(np.clip(share, 0, 1)))
