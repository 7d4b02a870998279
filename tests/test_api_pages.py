"""The API pages: everything public is on one, as its source says."""

import ast

import pytest
from conftest import ROOT

from fer_utils.book.api_pages import MARK, module_text, with_api

PACKAGE = ROOT / "fer_utils"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
SOURCE = '''"""A module."""
from typing import Annotated

class Box(Base):
    """A box."""

    width: Annotated[int, "pixels"] = Field(default=1, description="in pixels")
    _kept: int = 0

    @property
    def area(self) -> int:
        """In square pixels."""

    @classmethod
    def of(cls, text: str, /) -> Box:
        """Read from text."""

    def build(self): ...

def scaled(box: Box, *, by: float = 2.0) -> Box:
    """The box, larger.

    - by a `factor`
    """

def _hidden(): ...
'''


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "boxes"
    folder.mkdir()
    (folder / "box.py").write_text(SOURCE)
    return folder


def test_a_module_becomes_signatures_with_their_docstrings(package):
    text = module_text("box", package)
    assert "## `box`\n\n:::{py:module} boxes.box\n:::\n\nA module." in text
    assert ":::{py:function} scaled(box: Box, *, by: float=2.0) -> Box\n\nThe box, larger.\n\n- by a `factor`\n:::" in text
    assert "::::{py:class} Box(Base)\n\nA box.\n" in text
    assert "\n\n- `width: int = 1`: in pixels\n\n:::{py:property} area" in text
    assert ":::{py:property} area\n:type: int\n\nIn square pixels.\n:::" in text
    assert ":::{py:method} of(text: str, /) -> Box\n:classmethod:\n\nRead from text.\n:::" in text
    assert "hidden" not in text and "_kept" not in text and "build" not in text  # a build without words: its base class says it


def test_a_page_is_filled_where_it_names_modules_and_an_unknown_one_is_refused(package):
    page = with_api("# Boxes\n\n<!-- api: box -->\n\nEnd.", package)
    assert page.startswith("# Boxes\n\n## `box`") and page.endswith("\n\nEnd.")
    with pytest.raises(FileNotFoundError):
        with_api("<!-- api: lid -->", package)


def test_every_module_is_on_one_page():
    pages = (ROOT / "book/api").glob("*.md")
    shown = [name for page in pages for mark in MARK.finditer(page.read_text()) for name in mark["modules"].split()]
    there = {".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__") for path in MODULES}
    assert len(shown) == len(set(shown)) and set(shown) == there


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_public_function_and_class_has_a_docstring(path):
    tree = ast.parse(path.read_text())
    public = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.ClassDef) and not one.name.startswith("_")]
    assert ast.get_docstring(tree) and [one.name for one in public if not ast.get_docstring(one)] == []
