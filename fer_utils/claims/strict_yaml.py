"""YAML 1.2 read strictly: a key stands once, numbers keep their text, and nothing but numbers, texts, true, false and null.

Dates, `yes` and `no` are texts; what is not a finite number in plain digits is refused where it claims to be one.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from fer_utils.claims.printed import as_number

NUMBER = re.compile(r"[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d{1,2})?")  # of YAML 1.2's core schema, decimal ones
NOT_FINITE = re.compile(r"[-+]?\.inf|\.nan", re.IGNORECASE)
PLAIN = {"": None, "~": None, "null": None, "true": True, "false": False}
DEEPEST = 50


def read_yaml(text: str) -> Any:
    """The content of a YAML text: dicts with text keys, lists, numbers of `printed`, texts, bools and None.

    Raises ValueError naming the line for what is not YAML, a key that stands twice, a tag, infinity or not-a-number.
    """
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{place}{error.problem or error.context}") from None
    except (YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split()) or "nested too deeply") from None
    return None if root is None else _value(root, 0)


def _value(node: Node, depth: int) -> Any:
    if depth > DEEPEST:
        raise ValueError(f"{_line(node)}: nested more than {DEEPEST} deep, or within itself")
    if isinstance(node, SequenceNode):
        return [_value(part, depth + 1) for part in node.value]
    if isinstance(node, MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise ValueError(f"{_line(key)}: a key is a list or a mapping; expected a text")
            if key.value in found:
                raise ValueError(f"{_line(key)}: the key {key.value!r} stands twice; each row or field needs a name of its own")
            found[key.value] = _value(value, depth + 1)
        return found
    assert isinstance(node, ScalarNode)  # YAML has no other kinds
    return _scalar(node)


def _scalar(node: ScalarNode) -> Any:
    text = node.value
    if node.style is not None:  # in quotes, or a block of text
        return text
    if text.lower() in PLAIN and text in {text.lower(), text.upper(), text.capitalize()}:
        return PLAIN[text.lower()]
    if NOT_FINITE.fullmatch(text):
        raise ValueError(f"{_line(node)}: {text} is no number that a paper prints; expected such as 73.28, or the text in quotes")
    if NUMBER.fullmatch(text):
        return as_number(f"{text}0" if text.endswith(".") else text)
    return text


def _line(node: Node) -> str:
    return f"line {node.start_mark.line + 1}"
