"""What the papers print, as data: `book/claims/CHAPTER.yml` holds one paper; its schema is the pydantic models here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fer_utils.claims.links import Identifier, Link
from fer_utils.claims.printed import DecimalMark, Fractional, Whole, numbers_in
from fer_utils.claims.strict_yaml import read_yaml
from fer_utils.results.paths import asset

Value = Any  # a number, text, list or table: which of them follows from the claim's quantity, of which types know nothing

Unit = Literal[
    "percent", "percentage_points", "fraction", "count", "images", "videos", "sequences", "subjects", "classes",
    "parameters", "pixels", "epochs", "degrees", "years", "milliseconds", "frames", "frames_per_second", "none",
]  # fmt: skip

FULL = {"percent": 100, "fraction": 1}
LAYER_COLUMNS = ("output_shape", "parameters")  # and perhaps inputs
REPORT_AVERAGES = ("accuracy", "macro_avg", "weighted_avg")
REPORT_COLUMNS = ("precision", "recall", "f1", "support")
TEMPLATE = Path(__file__).with_name("template.yml")
TEXTS = ("setting", "class_names", "prediction_examples", "figure")  # quantities whose values may be texts that look like numbers


class Claim(BaseModel):
    """One printed number, table or statement, with the place it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Identifier = Field(description="unique within the paper")
    statement: str = Field(min_length=3, description="what is claimed, in a few words")
    quantity: Identifier = Field(description="what the value is: accuracy, count, confusion_matrix, setting, ...")
    value: Value = Field(description="as printed; null where the text has lost it (say so in note)")
    unit: Unit
    where: str = Field(min_length=2, description="section, page or paragraph")
    belongs_to: str = Field(min_length=2, description="the table or figure it belongs to, or 'text'")
    labels: tuple[str, ...] = Field(default=(), description="classes of a matrix, in its order")
    columns: tuple[str, ...] = Field(default=(), description="names of a table's columns")
    plus_minus: float | None = None
    approximate: bool = False
    decimals: int | None = Field(
        None, ge=-12, le=12, description="decimals printed, where the value does not show them; -3: 15.244M"
    )
    note: str = ""
    links: tuple[Link, ...] = Field((), description="which other numbers it can be checked against")

    @model_validator(mode="after")
    def _shapes_agree(self) -> Claim:
        if self.quantity == "confusion_matrix":
            size, rows = len(self.labels), self.value
            if size == 0 or not isinstance(rows, list) or any(not isinstance(row, list) or len(row) != size for row in rows):
                raise ValueError(f"claim {self.id}: a confusion_matrix needs labels and one row of that length per label")
            if len(rows) != size:
                raise ValueError(f"claim {self.id}: {len(rows)} rows for {size} labels")
            most = FULL.get(self.unit, float("inf"))
            if wrong := [cell for row in rows for cell in row if not _is_number(cell) or not 0 <= cell <= most]:
                form = f"from 0 to {most}" if self.unit in FULL else "from 0"
                raise ValueError(f"claim {self.id}: a cell of the matrix is {wrong[0]!r}; expected a number {form}")
            cells = [cell for row in rows for cell in row]
            if self.unit == "none" and max(cells) <= 1 and any(cell != int(cell) for cell in cells):
                raise ValueError(f"claim {self.id}: the cells of the matrix are shares; expected unit: fraction, or percent")
        if self.columns and isinstance(self.value, dict):
            for name, row in self.value.items():
                if not isinstance(row, list) or len(row) != len(self.columns):
                    raise ValueError(f"claim {self.id}, row {name!r}: expected {len(self.columns)} values {list(self.columns)}")
        if self.quantity == "classification_report":
            self._check_report()
        if self.quantity == "fold_accuracies":
            rows = list(self.value.values()) if isinstance(self.value, dict) and self.value else [None]
            if not all(isinstance(row, list) and len(row) > 1 and all(map(_is_number, row)) for row in rows):
                raise ValueError(f"claim {self.id}: fold_accuracies need a table: a name and a list of numbers per row")
            if len({len(row) for row in rows}) > 1:
                raise ValueError(f"claim {self.id}: the rows of fold_accuracies have different numbers of folds")
        if self.quantity == "layer_table" and self.columns[:2] == LAYER_COLUMNS:
            self._check_layers()
        if self.unit == "percent" and (wrong := [number for number in _numbers(self.value) if not 0 <= number <= 100]):
            raise ValueError(f"claim {self.id}: {wrong[0]:g} is no percentage; expected 0 to 100, or the unit percentage_points")
        return self

    def _check_layers(self) -> None:
        rows = self.value if isinstance(self.value, dict) else {"": [None, None]}
        for name, (shape, parameters, *inputs) in rows.items():
            sides = [1] if shape is None else shape if isinstance(shape, list) and shape else [0]  # null: not printed
            numbers = [*(side for side in sides if side is not None), parameters]
            whole = all(_is_number(number) and isinstance(number, int) and number >= 0 for number in numbers)
            if not whole or 0 in sides or not all(isinstance(names, list) for names in inputs):
                form = "[shape, parameters] such as [[46, 46, 32], 320], or [shape, parameters, inputs]"
                raise ValueError(f"claim {self.id}, row {name!r}: expected {form}, with null for a side that is not fixed")

    def _check_report(self) -> None:
        if self.columns != REPORT_COLUMNS or not isinstance(self.value, dict) or not {*REPORT_AVERAGES} < {*self.value}:
            form = f"columns {list(REPORT_COLUMNS)}, a row per class and the rows {', '.join(REPORT_AVERAGES)}"
            raise ValueError(f"claim {self.id}: a classification_report needs {form}")
        for name, row in self.value.items():
            cells = row[2:] if name == "accuracy" else row
            if not all(map(_is_number, cells)) or any(not 0 <= score <= 1 for score in cells[:-1]) or cells[-1] < 1:
                raise ValueError(f"claim {self.id}, row {name!r}: expected scores from 0 to 1 and a support above 0, got {row}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any) -> Iterator[float]:
    """All numbers in a value, at any depth."""
    if _is_number(value):
        yield value
    elif isinstance(value, list | dict):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _numbers(part)


class Paper(BaseModel):
    """Bibliographic data of a claims file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Identifier = Field(description="name of the chapter and of the entry in references.bib")
    title: str
    authors: str
    venue: str = ""
    language: Literal["en", "id"] = "en"
    main_claim: Identifier | None = Field(None, description="the claim that the chapter opens with; none: the first")
    decimal: DecimalMark = Field(".", description="the mark before decimals in the claims' values; the other separates thousands")


class ClaimSet(BaseModel):
    """A claims file: the paper and everything it prints that can be checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    paper: Paper
    claims: tuple[Claim, ...] = Field(min_length=1, description="a list of one claim or more; nothing can be checked without")

    @model_validator(mode="before")
    @classmethod
    def _read_numbers(cls, content: Any) -> Any:
        """The values of the claims with their printed numbers read, by the paper's decimal mark."""
        if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
            return content
        header = content.get("paper")
        mark = header.get("decimal", ".") if isinstance(header, dict) else "."
        return content | {"claims": [_with_numbers(claim, "," if mark == "," else ".") for claim in content["claims"]]}

    @field_validator("claims")
    @classmethod
    def _ids_are_unique(cls, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        seen: set[str] = set()
        for claim in claims:
            if claim.id in seen:
                raise ValueError(f"claim id {claim.id!r} appears twice")
            seen.add(claim.id)
        for claim in claims:
            named = {name for link in claim.links for name in link.claims_named()}
            if unknown := sorted(named - seen):
                raise ValueError(f"claim {claim.id}: a link names {unknown[0]!r}, which is no claim of this file")
        return claims

    @model_validator(mode="after")
    def _the_main_claim_is_one(self) -> ClaimSet:
        if (name := self.paper.main_claim) not in {None, *(claim.id for claim in self.claims)}:
            raise ValueError(f"main_claim names {name!r}, which is no claim of this file")
        return self

    @property
    def main(self) -> Claim:
        """The claim that the chapter opens with."""
        return self[self.paper.main_claim or self.claims[0].id]

    def __getitem__(self, claim_id: str | None) -> Claim:
        """The claim of that id. Raises KeyError naming the ids there are."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise KeyError(f"{self.paper.key} has no claim {claim_id!r}; it has {', '.join(c.id for c in self.claims)}")


def _with_numbers(claim: Any, decimal: DecimalMark) -> Any:
    """An entry of a claims file with its value's numbers read. Raises ValueError naming the claim."""
    if not isinstance(claim, dict) or "value" not in claim or claim.get("quantity") in TEXTS:
        return claim
    try:
        value = numbers_in(claim["value"], decimal)
    except ValueError as error:
        raise ValueError(f"claim {claim.get('id')}: {error}") from None
    signs = [one.printed.text for one in _numbers(value) if isinstance(one, Whole | Fractional) and one.printed.percent]
    if signs and claim.get("unit") not in ("percent", "percentage_points"):
        raise ValueError(f"claim {claim.get('id')}: {signs[0]!r} has a percent sign; expected the unit percent")
    return claim | {"value": value}


def load_claims(chapter_or_file: str | Path) -> ClaimSet:
    """Read a claims file, given a chapter's name or a path ending in .yml.

    Raises ValueError naming the file, the claim, the field and what is expected there.
    """
    path = Path(chapter_or_file)
    if path.suffix not in {".yml", ".yaml"}:
        path = asset(f"claims/{chapter_or_file}.yml")
    try:
        return _claims_of(path, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from None


@lru_cache(maxsize=16)  # pages ask for the same file many times
def _claims_of(path: Path, text: str) -> ClaimSet:
    try:
        content = read_yaml(text)
    except ValueError as error:
        raise ValueError(f"{path} is not valid YAML: {error}") from None
    try:
        return ClaimSet.model_validate(content)
    except ValidationError as error:
        raise ValueError(f"{path}, {_explained(error, content)}") from None


def json_schema() -> str:
    """The schema of claims files as JSON Schema, with which editors complete and check them."""
    return json.dumps(ClaimSet.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


def in_one_sentence(error: Exception) -> str:
    """The message of an error; of pydantic's the first one, without its address."""
    if isinstance(error, ValidationError):
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return str(error)


def papers() -> list[str]:
    """The names of the papers that have a claims file in this book, sorted."""
    return sorted(path.stem for path in asset("claims").glob("*.yml"))


def _explained(error: ValidationError, content: Any) -> str:
    """The first error of a claims file: claim, field, what is wrong, what is expected."""
    first = error.errors()[0]
    model: type[BaseModel]
    place = ".".join(str(part) for part in first["loc"]) or "top level"
    match first["loc"]:
        case ("claims", int(number), *field):
            entry = content["claims"][number]
            name = entry.get("id", f"number {number + 1}") if isinstance(entry, dict) else f"number {number + 1}"
            place, model = f"claim {name!r} ({place})", Claim
        case field:
            field, model = list(field), ClaimSet
    expected = ""
    if first["type"] == "extra_forbidden" and len(field) == 1:
        expected = f"; expected one of {', '.join(model.model_fields)}"
    elif len(field) == 1 and field[0] in model.model_fields and model.model_fields[field[0]].description:
        expected = f"; expected {field[0]}: {model.model_fields[field[0]].description}"
    value = "" if isinstance(first["input"], dict | list | tuple) else f" (value: {first['input']!s:.80})"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}{expected}{value}"
