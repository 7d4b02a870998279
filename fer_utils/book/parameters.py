"""What each chapter accepts, as its notebook's parameters cell says it, and what `notebooks/profiles.yml` sets.

A line of the cell is `name: type = default  # meaning [what is allowed]`. Types are bool, int, float, str and lists of them.
What is allowed is one of

    1 to 1000 · 0 or more · over 0 to 1                                 a number: both ends belong to it, but after "over"
    auto | fer2013 | rendered_faces                                     one of these words
    1 to 20 values, each 0 or more · 0 or more of start | inflation     a list: how many, and what each one is
    1 or more of these                                                  a list of words that are all in the default
"""

from __future__ import annotations

import ast
import json
import re
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, create_model

from fer_utils.results.paths import CHECKOUT, asset

NOTEBOOKS = CHECKOUT / "notebooks"
TYPES = {"bool": bool, "int": int, "float": float, "str": str}
RANGE = re.compile(r"(?P<over>over )?(?P<low>[\d.]+) (?:or more|to (?P<high>[\d.]+))")
OF_A_LIST = re.compile(r"(?P<count>.+?) (?:values, each|of) (?P<each>.+)")
WORDS = re.compile(r"\w+( \| \w+)*")


FREE = {"data_root", "dataset", "weights", "workers", "scheduler", "seed", "seeds"}  # of a run at full scale


class ParameterError(ValueError):
    """A parameter's name, type or value is not allowed; the message names it, its value and what is allowed."""


class Settings(BaseModel):
    """A chapter's validated parameters, each an attribute; the class has the chapter's name. It knows when it was made."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True, allow_inf_nan=False)
    _started_s: float = PrivateAttr(default_factory=time.perf_counter)


def chapters() -> list[str]:
    """The names of the notebooks, sorted. Raises ParameterError where there are none, as beside an installed wheel."""
    if names := sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")):
        return names
    raise ParameterError(f"there are no notebooks in {NOTEBOOKS}: run this in a clone of the book, where `make book` installs it")


def parameters_cell(chapter: str) -> str:
    """The source of a notebook's cell with the tag `parameters`. Raises ParameterError where there is no such chapter or cell."""
    if chapter not in (known := chapters()):
        raise ParameterError(f"no chapter {chapter!r}; there are {', '.join(known)}")
    notebook = json.loads((NOTEBOOKS / f"{chapter}.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            return "".join(cell["source"])
    raise ParameterError(f"{chapter} has no cell with the tag 'parameters'")


def model_of(chapter: str, cell: str) -> type[Settings]:
    """The model that a parameters cell describes. Raises ParameterError naming the line that is none of the kind above."""
    fields: dict[str, Any] = {}
    for node in ast.parse(cell).body:
        try:
            name, kind, default, allowed = _read(node, cell)
            fields[name] = (_type(kind, allowed, default), default)
        except (KeyError, ValueError) as error:
            line = cell.splitlines()[node.lineno - 1]
            raise ParameterError(f"{chapter}: {line!r} is not `name: type = default  # meaning [what is allowed]`") from error
    return create_model(chapter, __base__=Settings, **fields)


def _read(node: ast.stmt, cell: str) -> tuple[str, str, Any, str]:
    """Name, type, default and what is allowed, of a statement of the cell. Raises ValueError where it is no parameter."""
    match node:
        case ast.AnnAssign(ast.Name(name), kind, ast.expr(end_lineno=int(last), end_col_offset=int(bytes_before)) as default):
            comment = cell.splitlines()[last - 1].encode()[bytes_before:].decode()
            allowed = re.search(r"# .*\[(.+)\]$", comment)
            return name, ast.unparse(kind), ast.literal_eval(default), allowed[1] if allowed else ""
    raise ValueError(f"{ast.unparse(node)} is no annotated assignment")


def _type(kind: str, allowed: str, default: Any) -> Any:
    """A type with what is allowed, as pydantic takes it. Raises KeyError or ValueError where they cannot be read."""
    if kind.startswith("list["):
        found = OF_A_LIST.fullmatch(allowed)
        if not found:
            raise ValueError(allowed)
        count, each = _range(found["count"]), found["each"]
        each = " | ".join(default) if each == "these" else each
        limits = Field(min_length=count["ge"], max_length=count.get("le"))
        return Annotated[list[_type(kind[5:-1], each, None)], limits]  # type: ignore[misc]
    if kind == "str" and allowed:
        if not WORDS.fullmatch(allowed):
            raise ValueError(allowed)
        return Literal[tuple(allowed.split(" | "))]
    return Annotated[TYPES[kind], Field(**_range(allowed))] if allowed else TYPES[kind]


def _range(text: str) -> dict[str, Any]:
    """`over 0 to 1` as gt=0, le=1. Raises ValueError where it is no range."""
    found = RANGE.fullmatch(text)
    if not found:
        raise ValueError(text)
    low = {"gt" if found["over"] else "ge": ast.literal_eval(found["low"])}
    return low | ({"le": ast.literal_eval(found["high"])} if found["high"] else {})


def validated(model: type[Settings], values: Mapping[str, Any]) -> Settings:
    """The parameters of a chapter; what is not given has its default.

    Raises ParameterError naming the first parameter that is wrong, its value and what is allowed.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first, fields = error.errors()[0], model.model_fields
        name = str(first["loc"][0])
        if name not in fields:
            raise ParameterError(f"{model.__name__} has no parameter {name!r}; it has {', '.join(fields)}") from None
        value = values.get(name, fields[name].default)
        raise ParameterError(f"parameter {name} = {value!r} of {model.__name__}: {first['msg']}") from None


def check_parameters(chapter: str, values: Mapping[str, Any]) -> Settings:
    """The parameters of a chapter of this checkout. Raises ParameterError as `parameters_cell`, `model_of` and `validated`."""
    return validated(model_of(chapter, parameters_cell(chapter)), values)


def listed_chapter(chapter: str) -> dict[str, Any]:
    """What `profiles.yml` says of a chapter: its `datasets`, whether it `reads_results`, and what each profile sets."""
    return _listed()["chapters"].get(chapter, {})


def profile_parameters(chapter: str, profile: str) -> dict[str, Any]:
    """What a profile sets for a chapter, not validated. Raises ParameterError when the profile is not in `profiles.yml`."""
    profiles = _listed()["profiles"]
    if profile not in profiles:
        raise ParameterError(f"no profile {profile!r}; there are {', '.join(profiles)}")
    return {"profile": profile} | profiles[profile] | listed_chapter(chapter).get(profile, {})


def reductions(chapter: str, values: Mapping[str, Any]) -> list[str]:
    """The parameters that make a run less than the profile `full`, or another one; empty where an accuracy can be compared.

    Where data, weights, processes and random numbers come from does not count.
    """
    full = check_parameters(chapter, profile_parameters(chapter, "full")).model_dump()
    return [name for name in full if name not in FREE and values.get(name, full[name]) != full[name]]


def _listed() -> dict[str, Any]:
    return yaml.safe_load(asset("profiles.yml").read_text(encoding="utf-8"))
