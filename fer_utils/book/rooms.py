"""The picture of the rooms on the page *Design*, drawn from the package's imports at every build.

Rooms are boxes in rows, from the ground up by the longest chain of imports below them. An arrow is an import; one that
follows from a chain of other arrows is left out. An arrow that passes a row has a place of its own there, between the boxes.
"""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path

from fer_utils.results.paths import PACKAGE

WIDTH, BOX_WIDTH, BOX_HEIGHT, ROW_HEIGHT = 900, 150, 46, 92
SWEEPS = 12  # over the rows, each time every row is put in the order of its neighbours' places
ARROWHEAD = (
    '<marker id="rooms-arrow" markerWidth="7" markerHeight="7" refX="5" refY="3" orient="auto">'
    '<path d="M0,0 L6,3 L0,6 z"/></marker>'
)
Place = tuple[str, int] | tuple[str, str, int]  # a room, or an arrow from one to another, in a row counted from the ground


def room_imports(package: Path = PACKAGE) -> dict[str, set[str]]:
    """Room -> the other rooms that its modules import, at the top of a module or inside it."""
    found: dict[str, set[str]] = {path.parent.name: set() for path in sorted(package.glob("*/__init__.py"))}
    for path in package.glob("*/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
                modules = [f"{start}{alias.name}".split(".") for alias in node.names]
                found[path.relative_to(package).parts[0]] |= {
                    parts[1] for parts in modules if parts[0] == package.name and parts[1:]
                }
    return {room: others & found.keys() - {room} for room, others in found.items()}


def rooms_picture(package: Path = PACKAGE) -> str:
    """The picture as inline SVG in the page's colours. Raises graphlib.CycleError for rooms that import each other in circles."""
    imports = room_imports(package)
    below: dict[str, set[str]] = {}
    row: dict[str, int] = {}
    for room in TopologicalSorter(imports).static_order():
        below[room] = imports[room].union(*(below[other] for other in imports[room]))
        row[room] = 1 + max((row[other] for other in imports[room]), default=-1)
    chains: list[list[Place]] = [
        [(one, row[one]), *((one, other, at) for at in range(row[one] - 1, row[other], -1)), (other, row[other])]
        for one in sorted(imports)
        for other in sorted(imports[one].difference(*(below[between] for between in imports[one])))
    ]
    place = _places([(room, row[room]) for room in sorted(row)], chains)
    top = max(row.values())
    arrows = []
    for chain in chains:
        path = f"M{place[chain[0]]:.0f},{10 + ROW_HEIGHT * (top - chain[0][-1])}"
        for above, step in pairwise(chain):
            end = 10 + ROW_HEIGHT * (top - step[-1]) - 4 * (step is chain[-1])
            path += f" v{BOX_HEIGHT} C{place[above]:.0f},{end - 20} {place[step]:.0f},{end - 26} {place[step]:.0f},{end}"
        arrows.append(f'<path d="{path}" marker-end="url(#rooms-arrow)"/>')
    boxes = [_box(package / room, place[room, row[room]], 10 + ROW_HEIGHT * (top - row[room])) for room in sorted(row)]
    told = "; ".join(f"{room} imports {', '.join(sorted(others))}" for room, others in imports.items() if others)
    frame = f'<svg class="rooms" role="img" viewBox="0 0 {WIDTH} {ROW_HEIGHT * top + BOX_HEIGHT + 20}">'
    title = f"<title>The {len(row)} rooms of {package.name}; every arrow points down: {told}.</title>"
    return "\n".join(['<div class="table-scroll" tabindex="0">', frame + title, ARROWHEAD, *arrows, *boxes, "</svg></div>"])


def _places(rooms: list[Place], chains: list[list[Place]]) -> dict[Place, float]:
    """The middle of every room and passing arrow, in pixels from the left; rows are spread evenly, an arrow being slimmer."""
    everything = list(dict.fromkeys([*rooms, *(step for chain in chains for step in chain)]))
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    near = {step: [(set(pair) - {step}).pop() for pair in pairs if step in pair] for step in everything}
    place = dict.fromkeys(everything, WIDTH / 2)
    for at in [*range(1 + max(step[-1] for step in everything))] * SWEEPS:
        line = [step for step in everything if step[-1] == at]
        line.sort(key=lambda step: sum(place[other] for other in near[step]) / max(1, len(near[step])))
        space = [1.0 if len(step) == 2 else 0.4 for step in line]
        place |= {step: WIDTH * (sum(space[:i]) + space[i] / 2) / sum(space) for i, step in enumerate(line)}
    return place


def _box(folder: Path, x: float, y: int) -> str:
    sources = [path.read_text(encoding="utf-8") for path in folder.glob("**/*.py")]
    count = f"{len(sources)} files, {sum(text.count(chr(10)) for text in sources):,} lines"
    box = f'<rect x="{x - BOX_WIDTH / 2:.0f}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
    return f'{box}<text x="{x:.0f}" y="{y + 20}" class="room">{folder.name}/</text><text x="{x:.0f}" y="{y + 36}">{count}</text>'
