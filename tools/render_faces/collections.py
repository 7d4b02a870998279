"""Which frames exist, and with what parameters: a pure function of the seed.

Every random choice comes from `numpy.random.default_rng([seed, stream, ...])`, so that one frame
can be made again without the others.
"""

from __future__ import annotations

from .frame import Frame
from .persons import PERSONS
from .studio import angle_frames, sequence_frames
from .wild import WILD_COUNTS, wild_frame, wild_labels

SEED = 20240
COLLECTIONS = ("sequences", "angles", "wild")
WILD_CHUNK = 50


def chunks(collection: str) -> int:
    """How many chunks a collection is rendered in: persons, or fifties of `wild`."""
    return PERSONS if collection != "wild" else -(-sum(WILD_COUNTS.values()) // WILD_CHUNK)


def frames(collection: str, chunk: int, seed: int = SEED) -> list[Frame]:
    """The frames of one chunk, in the order in which they are stored."""
    if collection == "sequences":
        return sequence_frames(seed, chunk)
    if collection == "angles":
        return angle_frames(seed, chunk)
    labels = wild_labels(seed)
    numbers = range(chunk * WILD_CHUNK, min((chunk + 1) * WILD_CHUNK, len(labels)))
    return [wild_frame(seed, number, labels[number]) for number in numbers]
