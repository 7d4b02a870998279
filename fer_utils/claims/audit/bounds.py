"""How far a search for the counts behind a table may go: so many partial tables kept, and so many seconds."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

SEARCH_LIMIT = 400_000  # partial tables kept at a time: less than 200 MB
SECONDS = 8.0  # for all searches about one claim; the rest of its ten seconds is for what is made of them


class SearchStopped(Exception):  # noqa: N818 - it is an answer, not an error
    """A search has hit one of its bounds."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of a search: `kept` partial tables at a time, and the moment of `time.monotonic` when it ends."""

    kept: int = SEARCH_LIMIT
    deadline: float = field(default=math.inf, compare=False)

    @classmethod
    def from_now(cls, kept: int) -> Bounds:
        """Bounds for a claim that is looked at now; more than the usual number of partial tables have more time too."""
        return cls(kept, time.monotonic() + SECONDS * max(1.0, kept / SEARCH_LIMIT))

    def passed(self, size: int) -> bool:
        """Whether `size` partial tables are too many, or the time is over."""
        return size > self.kept or time.monotonic() > self.deadline

    def check(self, size: int) -> None:
        """Raises SearchStopped where they are passed."""
        if self.passed(size):
            raise SearchStopped

    def __str__(self) -> str:
        return f"the search was stopped at its bounds ({self.kept:,} partial tables, ten seconds; --search-limit raises both)"
