"""Numbers as papers print them, read from the text as typed: value, decimals and spread. Never cut, never guessed.

A number of a claims file is an int or a float that remembers this, so that `90.00` has two decimals and `1.5e7` has none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

EXAMPLES = "3589, 3,589, 73.28, 91.80 %, 1e-3 or 98.80 +/- 0.40"
SPACES = "  \N{THIN SPACE}\N{NARROW NO-BREAK SPACE}"
SPREAD = re.compile(r"\s*(?:\+/-|\+-|\N{PLUS-MINUS SIGN})\s*")
NUMERIC = re.compile(rf"[-+]?[.,]?\d[\d.,'{SPACES}]*(?:[eE][-+]?\d+)?\s*%?")

DecimalMark = Literal[".", ","]


@dataclass(frozen=True)
class Printed:
    """A printed number: the text as typed, its exact value, and the decimals it shows (-6 for 1.5e7)."""

    text: str
    value: Decimal
    decimals: int
    plus_minus: Decimal | None = None
    percent: bool = False


class Whole(int):
    """A printed whole number."""

    printed: Printed


class Fractional(float):
    """A printed number with decimals."""

    printed: Printed


def read(text: str, decimal: DecimalMark = ".") -> Printed:
    """A printed number: thousands in groups of three, a percent sign, an exponent, a spread after +/-.

    `decimal` is the mark before the decimals; the other one separates thousands. Raises ValueError for anything else.
    """
    typed = text.strip().replace("\N{MINUS SIGN}", "-")
    number, *spread = SPREAD.split(typed)
    value = _exact(number, decimal)
    if value is None or len(spread) > 1 or (spread and _exact(spread[0], decimal) is None):
        raise ValueError(f"{text!r} is no number that can be read in one way; {_advice(typed, decimal)}")
    plus_minus = _exact(spread[0], decimal) if spread else None
    return Printed(text, value, -int(value.as_tuple().exponent), plus_minus, typed.endswith("%"))


def _exact(text: str, decimal: DecimalMark) -> Decimal | None:
    """The value of a number without spread, None where it is none."""
    thousands = "," if decimal == "." else r"\."
    grouped = rf"[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+|[1-9]\d{{0,2}}(?:[{SPACES}]\d{{3}})+"
    form = rf"([-+]?)({grouped}|\d+|(?={re.escape(decimal)}\d))(?:{re.escape(decimal)}(\d+))?([eE][-+]?\d{{1,2}})?\s*%?"
    found = re.fullmatch(form, text.strip())
    if found is None:
        return None
    sign, whole, fraction, exponent = (part or "" for part in found.groups())
    digits = re.sub(r"\D", "", whole) or "0"
    return Decimal(f"{sign}{digits}.{fraction}{exponent}")


def _advice(text: str, decimal: DecimalMark) -> str:
    if decimal == "." and re.fullmatch(r"[-+]?\d+,\d+\s*%?", text):
        return f"write a point before decimals, or declare the comma in the header (paper: decimal: ','), or write {EXAMPLES}"
    examples = EXAMPLES if decimal == "." else "3589, 3.589, 73,28, 91,80 % or 98,80 +/- 0,40"
    return f"the decimal mark is {decimal!r}, so write such as {examples}"


def looks_numeric(text: str) -> bool:
    """Whether a text is made of nothing but digits and the marks of a number, readable or not."""
    parts = SPREAD.split(text.strip().replace("\N{MINUS SIGN}", "-"))
    return len(parts) <= 2 and all(NUMERIC.fullmatch(part) for part in parts)


def as_number(text: str, decimal: DecimalMark = ".") -> Whole | Fractional:
    """A printed number to compute with. Raises ValueError as `read`."""
    printed = read(text, decimal)
    number: Whole | Fractional = Whole(printed.value) if printed.decimals <= 0 else Fractional(printed.value)
    number.printed = printed
    return number


def numbers_in(value: Any, decimal: DecimalMark = ".") -> Any:
    """A value with every text in it that looks like a number read as one, at any depth; other texts stay.

    Numbers that YAML knows without quotes are read again where the paper has another decimal mark. Raises ValueError as `read`.
    """
    if isinstance(value, dict):
        return {name: numbers_in(part, decimal) for name, part in value.items()}
    if isinstance(value, list):
        return [numbers_in(part, decimal) for part in value]
    if isinstance(value, Whole | Fractional):
        return value if decimal == "." else as_number(value.printed.text, decimal)
    return as_number(value, decimal) if isinstance(value, str) and looks_numeric(value) else value


def decimals(number: float) -> int:
    """Decimals that a number shows: 2 for a printed 90.00, 2 for the float 97.56, 0 for 100."""
    if isinstance(number, Whole | Fractional):
        return number.printed.decimals
    return len(f"{number!r}".partition(".")[2]) if isinstance(number, float) and not number.is_integer() else 0


def spread(number: object) -> float | None:
    """What a printed number shows after +/-, or None."""
    found = number.printed.plus_minus if isinstance(number, Whole | Fractional) else None
    return None if found is None else float(found)
