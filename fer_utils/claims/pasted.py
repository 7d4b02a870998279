"""Numbers as they are pasted become claims: `model.summary()` of Keras 2 or 3, a report of scikit-learn, a matrix as CSV.

What cannot be read is refused with a ValueError that names the line. Numbers stay text here; `claims.printed` reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from fer_utils.claims.audit.layer_tables import CUT, layer_type
from fer_utils.claims.schema import LAYER_COLUMNS, REPORT_COLUMNS, ClaimSet

Cells = tuple[str, str, str, list[str]]  # name, shape, parameters, and the lines that name the inputs

WHOLE = r"\d[\d,]*"
ROW = re.compile(
    rf"\s*(?P<name>\S+(?: \([^()\s]*\)?)?)\s+(?P<shape>\[?\([^\[\]]*?\)\]?|\?)\s+(?P<parameters>{WHOLE})\b(?P<rest>.*)"
)
TOTAL = re.compile(rf"\s*(Total|Trainable|Non-trainable|Optimizer) params:\s*({WHOLE})", re.IGNORECASE)
RULE = re.compile(r"[\s_=\-+|│┃┏┓┗┛┡┩┢┪├┤└┘┬┴┼┳┻╇╈━─¯]*")
HEADINGS = ("Layer (type)", "Output Shape", "Param #", "Connected to")
NESTED = ("└", "|", "¯")  # rows of a network within the network, which has a row itself
SHARING = {"", "Bidirectional", "TimeDistributed"}  # layers that may hold others, whose parameters another row may count too
AVERAGES = {"macro avg": "macro_avg", "weighted avg": "weighted_avg"}
NUMBER = r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?"


def percentage(percent: str, of: str) -> ClaimSet:
    """An accuracy in percent, and out of how many it is. Raises ValueError where one of them is no such number."""
    return _claims([_accuracy(percent, [{"kind": "trials", "n": [_given(of)]}])])


def matrix(text: str, accuracy: str = "", counts: Sequence[str] = ()) -> ClaimSet:
    """A confusion matrix as CSV, perhaps with labels, with its accuracy and the images of each class.

    Cells are counts, percent or fractions, as they look. Raises ValueError naming the line that is no row of numbers.
    """
    labels, rows, decimal = _csv(text)
    links = [{"kind": "class_counts", "counts": [_count(one) for one in counts], "source": "as given"}] if counts else []
    claims = [_claim("matrix", "confusion_matrix", rows, _unit(rows, bool(counts)), labels=labels, links=links)]
    if accuracy:
        claims.append(_accuracy(accuracy, [{"kind": "same_as", "amount": {"claim": "matrix"}}]))
    return _claims(claims, decimal)


def report(text: str) -> ClaimSet:
    """A classification report as scikit-learn prints it. Raises ValueError naming the line that is no row of it."""
    rows: dict[str, list[str | None]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or {"precision", "recall"} <= set(line.split()):
            continue
        found = re.fullmatch(rf"\s*(.+?)((?:\s+{NUMBER})+)\s*", line)
        cells = found[2].split() if found else []
        name = AVERAGES.get(found[1], found[1]) if found else ""
        if name in ("micro avg", "samples avg", "avg / total"):
            raise ValueError(
                f"line {number} is an average {name!r}: only reports with accuracy, macro avg and weighted avg are read"
            )
        if name in rows or len(cells) != (2 if name == "accuracy" else 4):
            raise ValueError(
                f"line {number}: {line.strip()!r} is no row of a report; expected a class of its own and four numbers, as in "
                "'happy 0.91 0.88 0.89 120', or accuracy and two"
            )
        rows[name] = [None, None, *cells] if name == "accuracy" else list(cells)
    return _claims([_claim("report", "classification_report", rows, "fraction", columns=list(REPORT_COLUMNS))])


def summary(text: str) -> ClaimSet:
    """A layer table as `model.summary()` prints it, with borders or without, with its totals.

    Raises ValueError naming the line that is no row of it.
    """
    rows: dict[str, list[Any]] = {}
    has_inputs = HEADINGS[3] in text
    for name, shape, parameters, inputs in _rows(text):
        key, copies = name, 1
        while key in rows:
            copies += 1
            key = f"{name} #{copies}"
        rows[key] = [_shape(shape), parameters, *([_names(inputs)] if has_inputs else [])]
    if not rows:
        raise ValueError("there is no row of a layer table; expected lines such as 'conv2d (Conv2D)  (None, 46, 46, 32)  320'")
    columns = [*LAYER_COLUMNS, "inputs"] if has_inputs else list(LAYER_COLUMNS)
    table = _claim("layer_table", "layer_table", rows, "parameters", columns=columns)
    return _claims([table, *_totals(text, adds_up=not SHARING & {layer_type(name) for name in rows} - {"InputLayer"})])


# layer tables


def _rows(text: str) -> Iterator[Cells]:
    """The rows of a summary, their wrapped cells put together."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if not TOTAL.match(line)]
    heading = next((place for place, (_, line) in enumerate(lines) if HEADINGS[0] in line and HEADINGS[1] in line), None)
    body = lines if heading is None else lines[heading + 1 :]
    end = next((place for place, (_, line) in enumerate(body) if line.startswith("Model:")), len(body))
    if heading is not None and any(mark in lines[heading][1] for mark in "┃│|"):
        yield from _bordered(body[:end])
    else:
        starts = [] if heading is None else [lines[heading][1].find(title) for title in HEADINGS]
        yield from _plain([(n, line) for n, line in body[:end] if not RULE.fullmatch(line)], starts)


def _bordered(lines: Sequence[tuple[int, str]]) -> Iterator[Cells]:
    """Rows between borders: a rule ends a row."""
    parts: list[list[str]] = []
    for number, line in lines:
        cells = [cell.strip() for cell in re.split("[│┃|]", line)[1:-1]]
        if RULE.fullmatch(line):
            yield from _row(number, parts)
            parts = []
        elif len(cells) < 3:
            raise ValueError(f"line {number}: {line.strip()!r} has no three cells between borders")
        else:
            parts.append(cells)
    yield from _row(lines[-1][0] if lines else 0, parts)


def _plain(lines: Sequence[tuple[int, str]], starts: Sequence[int]) -> Iterator[Cells]:
    """Rows without borders: a line without parameters goes on with the row above, cell by cell below the headings."""
    parts: list[list[str]] = []
    last = 0
    for number, line in lines:
        found = ROW.fullmatch(line)
        below = [line[a:b].strip() for a, b in _columns(starts)] if "\t" not in line else []
        if found or (len(below) > 2 and re.match(WHOLE, below[2])):
            yield from _row(last, parts)
            parts = [[found["name"], found["shape"], found["parameters"], found["rest"].strip()] if found else below]
        elif parts and below and not below[2]:
            parts.append(below)
        else:
            raise ValueError(
                f"line {number}: {line.strip()!r} is no row of a layer table; expected name (Type), (shape), parameters"
            )
        last = number
    yield from _row(last, parts)


def _columns(starts: Sequence[int]) -> list[tuple[int, int | None]]:
    known = [start for start in starts if start >= 0]
    return list(zip([0, *known[1:]], [*known[1:], None], strict=True)) if known else []


def _row(number: int, parts: Sequence[Sequence[str]]) -> Iterator[Cells]:
    """The row of some printed lines; none for a row of a nested network. Raises ValueError where it has no parameters."""
    if not parts or parts[0][0].startswith(NESTED):
        return
    name, shape, parameters = ([cells[column] for cells in parts if cells[column]] for column in range(3))
    whole = re.match(rf"({WHOLE})(?: \(.*)?$", " ".join(parameters))
    if not name or whole is None:
        raise ValueError(
            f"line {number}: the row {' '.join(name)!r} has no whole number of parameters, but {' '.join(parameters)!r}"
        )
    inputs = [cells[3] for cells in parts if len(cells) > 3 and cells[3]]
    together = "".join(f" {part}" if part.startswith("(") else part for part in name).strip()
    yield together, "".join(f"{part} " if part.endswith(",") else part for part in shape), whole[1], inputs


def _shape(text: str) -> list[int | None] | None:
    """Sides without the batch axis; None where the output is not printed, or is several."""
    found = re.fullmatch(r"\[?\(([^()]*)\)\]?", text.strip())
    if found is None or not re.fullmatch(r"(\s*(\d+|None)\s*,?)+", found[1]):
        return None
    return [None if side == "None" else int(side) for side in re.findall(r"\d+|None", found[1])[1:]] or None


def _names(lines: Sequence[str]) -> list[str]:
    """The names of a row's inputs; one that is cut short ends in the mark of that."""
    parts = list(lines) if any(CUT in line for line in lines) else ["".join(lines)]
    texts = [one.strip(" '\"") for part in parts for one in re.sub(r"^\s*\[|'\s*\]\s*$", "", part).split(",")]
    return [text.split("[")[0] for text in texts if text not in ("", "-", "]")]


def _totals(text: str, *, adds_up: bool) -> Iterator[dict[str, Any]]:
    """Claims of the printed totals: the sum of the parts, and where no row can share parameters that of the rows."""
    found = {name.lower().replace("-", "_"): number for name, number in TOTAL.findall(text)}
    parts = [{"claim": f"{name}_parameters"} for name in found if name != "total"]
    for name, number in found.items():
        links = []
        if name == "total" and {"trainable", "non_trainable"} <= set(found):
            links.append({"kind": "sum", "parts": parts})
        if name == "total" and adds_up:
            apart = [part for part in parts if part["claim"] == "optimizer_parameters"]
            links.append({"kind": "sum", "parts": [{"claim": "layer_table", "column": "parameters"}, *apart]})
        yield _claim(f"{name}_parameters", "parameters", number, "parameters", links=links)


# matrices


def _csv(text: str) -> tuple[list[str], list[list[str]], str]:
    """Labels, rows of cells and the decimal mark of a matrix as CSV."""
    lines = [(number, line) for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1) if line.strip()]
    if not lines:
        raise ValueError("the matrix is empty; expected one line per class, such as 31,22")
    mark = next((mark for mark in ("\t", ";", ",") if mark in lines[0][1]), None)
    table = [(number, [cell.strip(" '\"") for cell in line.split(mark)]) for number, line in lines]
    heading = table.pop(0)[1] if not _is_number(table[0][1][-1]) else []
    names = [cells.pop(0) for _, cells in table] if table and not _is_number(table[0][1][0]) else []
    for number, cells in table:
        if len(cells) != len(table) or not all(map(_is_number, cells)):
            raise ValueError(f"line {number}: {', '.join(cells)!r} are not the {len(table)} numbers of a row of a square matrix")
    labels = names or heading[-len(table) :] or [f"class {one}" for one in range(1, len(table) + 1)]
    return labels, [cells for _, cells in table], "," if mark != "," and any("," in c for _, cs in table for c in cs) else "."


def _is_number(text: str) -> bool:
    return re.fullmatch(rf"{NUMBER}\s*%?", text) is not None


def _unit(rows: Sequence[Sequence[str]], counts_given: bool) -> str:
    """Percent, fraction or images, as the cells look: rows of whole numbers that add up to about 100 are percent."""
    values = [[float(cell.rstrip("% ").replace(",", ".")) for cell in row] for row in rows]
    most, whole = max(map(max, values)), all(value.is_integer() for row in values for value in row)
    if any("%" in cell for row in rows for cell in row):
        return "percent"
    if any(re.search(r"[.,]", cell) for row in rows for cell in row) and not whole:
        return "fraction" if most <= 1 else "percent"
    is_percent = not counts_given and most > 1 and all(98 <= sum(row) <= 102 for row in values)
    return "percent" if is_percent else "images"


# claims


def _accuracy(percent: str, links: list[dict[str, Any]]) -> dict[str, Any]:
    bare = percent.rstrip("% ")
    if not _is_number(bare) or float(bare.replace(",", ".")) <= 1:
        raise ValueError(f"the accuracy {percent!r} is no percentage; expected such as 87.3")
    return _claim("accuracy", "accuracy", bare, "percent", links=links)


def _given(number: str) -> dict[str, Any]:
    return {"number": _count(number), "source": "as given"}


def _count(text: str) -> int:
    if not re.fullmatch(r"\s*\d+\s*", text) or int(text) < 1:
        raise ValueError(f"{text!r} is no number of items; expected a whole number above 0 without separators, such as 327")
    return int(text)


def _claim(name: str, quantity: str, value: Any, unit: str, **more: Any) -> dict[str, Any]:
    said = name.replace("_", " ")
    place = {"where": "as given", "belongs_to": "text"}
    return {"id": name, "statement": said, "quantity": quantity, "value": value, "unit": unit, **place, **more}


def _claims(claims: list[dict[str, Any]], decimal: str = ".") -> ClaimSet:
    paper = {"key": "pasted", "title": "Pasted numbers", "authors": "not given", "decimal": decimal}
    return ClaimSet.model_validate({"paper": paper, "claims": claims})
