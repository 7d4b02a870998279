"""What a benchmark returns: the ratios of two ways that it compares side by side, each with its limit."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """One ratio, or another number without the machine's speed in it, and between which limits it is wanted."""

    name: str
    value: float
    least: float = -math.inf
    most: float = math.inf

    @property
    def limit(self) -> str:
        """The limits as they are printed; empty where there is none."""
        return " and ".join(f"{sign} {limit:g}" for sign, limit in (("≥", self.least), ("≤", self.most)) if math.isfinite(limit))

    @property
    def is_kept(self) -> bool:
        """Whether the value lies between the limits."""
        return self.least <= self.value <= self.most


def ratios_of(name: str) -> list[Ratio]:
    """Run the benchmark of this name in this process."""
    return importlib.import_module(name).main()
