"""The printed edition, made anew by its own command."""

import subprocess

from conftest import ROOT
from pypdf import PdfReader


def headings(outline):
    for entry in outline:
        yield from headings(entry) if isinstance(entry, list) else [entry.title]


def test_make_print_makes_a_pdf_of_all_chapters_with_their_figures():
    printed = subprocess.run(["make", "print"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert printed.returncode == 0, printed.stdout + printed.stderr
    book = PdfReader(ROOT / "_build" / "fer-book.pdf")
    assert len(book.pages) > 100
    titles = list(headings(book.outline))
    assert {"What stands so far", "[¬Re] 3D-CNN for facial emotion recognition in videos", "The scoreboard", "References"} <= {
        *titles
    }
    pictures = [
        drawn for page in book.pages for drawn in page["/Resources"].get("/XObject", {}).values() if drawn["/Subtype"] == "/Image"
    ]
    assert len(pictures) >= 50
