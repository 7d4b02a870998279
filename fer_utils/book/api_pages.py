"""The API pages: signatures and docstrings as they stand in the source, which is read and not imported.

A page names the modules that it shows: `<!-- api: claims.schema claims.verdicts -->`. Docstrings are Markdown. What begins with
an underscore is left out, and so are constants and methods without a docstring, which do what their base class says.
Sphinx's autodoc, autodoc2 and autoapi leave out what `Field` says, and take 20 to 90 s more of a processor for these pages.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fer_utils.results.paths import PACKAGE

MARK = re.compile(r"<!-- api: (?P<modules>[\w. ]+) -->")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def with_api(page: str, package: Path = PACKAGE) -> str:
    """A page with the modules' contents where it names them. Raises FileNotFoundError where there is no such module."""
    return MARK.sub(lambda found: "\n\n".join(module_text(name, package) for name in found["modules"].split()), page)


def module_text(name: str, package: Path = PACKAGE) -> str:
    """The Markdown section of one module, named from the package's folder on (`datasets.base`)."""
    place = package.joinpath(*name.split("."))
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    tree = ast.parse(source.read_text(encoding="utf-8"))
    parts = [f"## `{name}`", f":::{{py:module}} {package.name}.{name}\n:::", _docstring(tree)]
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            parts.append(_described("function", _signature(node), _docstring(node)))
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            parts.append(_class_text(node))
    return "\n\n".join(part for part in parts if part)


def _described(kind: str, title: str, text: str, options: str = "", *, fence: str = ":::") -> str:
    head = f"{fence}{{py:{kind}}} {title}\n{options}"
    return f"{head}\n{text}\n{fence}" if text else f"{head}{fence}"


def _class_text(node: ast.ClassDef) -> str:
    """A class with its fields, properties and methods; the names that it derives from stand in its signature."""
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    fields = "\n".join(_fields(node))
    inside = [_docstring(node), fields, *_members(node)]
    return _described("class", f"{node.name}({bases})" if bases else node.name, "\n\n".join(filter(None, inside)), fence="::::")


def _fields(node: ast.ClassDef) -> Iterator[str]:
    """A line for each field of a dataclass or pydantic model: name, type, default, and what `Field` says of it."""
    for member in node.body:
        if isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name) and not member.target.id.startswith("_"):
            default, description = member.value, ""
            if isinstance(default, ast.Call) and ast.unparse(default.func) in ("Field", "field"):
                said = {word.arg: word.value for word in default.keywords}
                default = default.args[0] if default.args else said.get("default")
                description = ast.literal_eval(said["description"]) if "description" in said else ""
            field = f"{member.target.id}: {ast.unparse(_without_metadata(member.annotation))}"
            field += f" = {ast.unparse(default)}" if default else ""
            yield f"- `{field}`" + (f": {description}" if description else "")


def _members(node: ast.ClassDef) -> Iterator[str]:
    for member in node.body:
        if isinstance(member, Function) and not member.name.startswith("_") and _docstring(member):
            decorators = {ast.unparse(one).rpartition(".")[2] for one in member.decorator_list}
            if decorators & {"property", "cached_property"}:
                options = f":type: {ast.unparse(member.returns)}\n" if member.returns else ""
                yield _described("property", member.name, _docstring(member), options)
            elif not decorators & {"field_validator", "model_validator"}:
                options = "".join(f":{one}:\n" for one in sorted(decorators & {"classmethod", "staticmethod"}))
                bound = "staticmethod" not in decorators
                yield _described("method", _signature(member, bound=bound), _docstring(member), options)


def _signature(node: Function, *, bound: bool = False) -> str:
    """Name, parameters with types and defaults, and what is returned; a bound method's without its first parameter."""
    arguments = _without_metadata(node.args)
    if bound:
        (arguments.posonlyargs or arguments.args).pop(0)
    returned = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{node.name}({ast.unparse(arguments)}){returned}"


class _Bare(ast.NodeTransformer):
    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
            return self.visit(node.slice.elts[0])
        return self.generic_visit(node)


def _without_metadata(node: ast.AST) -> Any:
    """The types without what `Annotated` adds to them for typer and pydantic."""
    return _Bare().visit(node)


def _docstring(node: ast.Module | ast.ClassDef | Function) -> str:
    return ast.get_docstring(node) or ""
