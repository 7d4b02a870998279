"""The page on the design leads to the files, its picture is drawn from the code, and pages name functions that there are."""

import ast
import json
import re
import xml.etree.ElementTree
from graphlib import CycleError

import pytest
from conftest import ROOT

from fer_utils.book.rooms import room_imports, rooms_picture

PACKAGE = ROOT / "fer_utils"
PAGE = (ROOT / "book/design.md").read_text()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("path", "what", "name"),
    [
        ("datasets/loaders/ckplus.py", "reading CK+", "load"),
        ("preprocessing/cropping.py", "cropping", "crop_faces"),
        ("protocols/splits.py", "the leave-one-subject-out split", "leave_one_subject_out"),
        ("models/mobilenet.py", "centre loss", "center_loss"),
        ("training/recipes.py", "the learning-rate schedule", "learning_rate"),
        ("evaluation/metrics.py", "Wilson's interval", "wilson_interval"),
        ("claims/verdicts.py", "the rule for *not reproduced*", "Verdict"),
        ("figures/scoreboard.py", "the scoreboard figure", "accuracies"),
    ],
)
def test_the_page_says_in_which_file_it_is_and_there_it_is(path, what, name):
    assert f"| {what} | `{path}` |" in PAGE
    assert name in defined(PACKAGE / path)


def test_every_module_stands_in_the_row_of_its_room_and_no_other_does():
    rows = {
        row[1]: set(re.findall(r"`(?:[\w/]+/)?(\w+\.py)`", row[0]))
        for row in re.finditer(r"^\| `(\w+)/` \|.*$", PAGE, re.MULTILINE)
    }
    loaders = {path.name for path in (PACKAGE / "datasets/loaders").glob("*.py")}  # named as a folder, one of them by name
    there = {
        init.parent.name: {path.name for path in init.parent.rglob("*.py") if path.name != "__init__.py"}
        for init in PACKAGE.glob("*/__init__.py")
    }
    assert {room: files - loaders for room, files in rows.items()} == {room: files - loaders for room, files in there.items()}


def defined(path):
    """The names that a module defines at its top, functions, classes and constants; all that a room's `__init__` exports."""
    tree = ast.parse(path.read_text())
    names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if path.name == "__init__.py":
        names |= {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        names |= {one.stem for one in path.parent.glob("*.py")}
    return names


ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
NAMED = re.compile(rf"`({'|'.join(ROOMS)})\.(?!py`)([A-Za-z]\w*)[`(]")
TEXTS = sorted([*ROOT.glob("book/*.md"), *ROOT.glob("notebooks/*.ipynb")])


def unknown_names(text):
    """What a text names as a room's and the room does not export."""
    return [f"{room}.{name}" for room, name in NAMED.findall(text) if name not in defined(PACKAGE / room / "__init__.py")]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_functions_that_pages_and_notebooks_name_can_be_called_so(path):
    text = path.read_text()
    if path.suffix == ".ipynb":
        text = "".join("".join(cell["source"]) for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown")
    assert not unknown_names(text)


def test_a_name_that_no_room_exports_is_found_and_one_that_it_exports_is_not():
    assert unknown_names("`protocols.nested` or `protocols.grouped_folds(faces)`") == ["protocols.nested"]


@pytest.fixture
def house(tmp_path):
    """Three rooms: attic imports hall and cellar, hall imports cellar."""
    for room in ("attic", "hall", "cellar"):
        (tmp_path / "house" / room).mkdir(parents=True)
        (tmp_path / "house" / room / "__init__.py").write_text('"""A room."""\n')
    (tmp_path / "house/attic/box.py").write_text("from house import cellar\n\n\ndef open():\n    import house.hall.door\n")
    (tmp_path / "house/hall/door.py").write_text("from house.cellar import __doc__\nimport os\n")
    return tmp_path / "house"


def drawn(package):
    text = rooms_picture(package)
    return xml.etree.ElementTree.fromstring(text.replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def test_rooms_are_drawn_from_imports_wherever_they_stand(house):
    assert room_imports(house) == {"attic": {"hall", "cellar"}, "hall": {"cellar"}, "cellar": set()}
    picture = drawn(house)
    texts = [node.text for node in picture.iter(f"{SVG}text")]
    assert texts == ["attic/", "2 files, 6 lines", "cellar/", "1 files, 1 lines", "hall/", "2 files, 3 lines"]
    heights = {text.text: int(text.get("y")) for text in picture.iter(f"{SVG}text") if text.get("class")}
    assert heights["attic/"] < heights["hall/"] < heights["cellar/"]


def test_an_import_that_follows_from_others_has_no_arrow(house):
    arrows = [node for node in drawn(house).iter(f"{SVG}path") if node.get("marker-end")]
    assert len(arrows) == 2  # attic to hall, hall to cellar


def test_a_circle_of_rooms_is_refused(house):
    (house / "cellar/trap.py").write_text("import house.attic\n")
    with pytest.raises(CycleError):
        rooms_picture(house)


def test_the_picture_on_the_page_says_in_words_what_it_shows_and_has_no_blank_line():
    title = next(drawn(PACKAGE).iter(f"{SVG}title")).text
    assert f"The {len(ROOMS)} rooms of fer_utils" in title and "protocols imports datasets, preprocessing" in title
    assert "\n\n" not in rooms_picture()  # a blank line would end the HTML on a Markdown page
    assert "<!-- rooms -->" in PAGE
