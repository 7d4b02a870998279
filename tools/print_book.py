"""Print the one-page edition of the book to a PDF with the system's Chromium or Chrome: `make print`.

The page is Sphinx's `singlehtml` edition of the site, and `book/static/book.css` says what a printed page looks like.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright
from pypdf import PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-gpu", "--disable-quic", "--disable-sync"]
FOOTER = '<p style="width: 100%; text-align: center; font-size: 8pt"><span class="pageNumber"></span></p>'
SCALE = 0.75  # text of 12 px comes to 9 px, and a table of the site fits the width of a page
PRINT_TIMEOUT_MS = 600_000
OPEN_FOLDS = "document.querySelectorAll('.bd-article details').forEach(folded => { folded.open = true; })"
HEADINGS = "Array.from(document.querySelectorAll('h1, h2, h3, h4, h5, h6'), heading => heading.innerText)"


class BrowserMissing(Exception):
    """The machine has no browser that Playwright could drive; the message says how to get one."""


def browser_path() -> str:
    """Where the system's Chromium or Chrome is. Raises BrowserMissing where there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise BrowserMissing(f"none of {', '.join(BROWSERS)} is installed: sudo apt-get install chromium")
    return path


def launched(playwright: Playwright) -> Browser:
    """The system's browser without a window. Raises BrowserMissing as `browser_path`."""
    return playwright.chromium.launch(executable_path=browser_path(), args=FLAGS)


def one_page(edition: Path) -> Path:
    """The page of an edition, written where its links to pictures lead somewhere; returns the file.

    Sphinx leaves it in the folder of the book's first page, with links as from the edition's own folder, and links to its own
    sections as to another page.
    """
    (source,) = edition.glob("*/index.html")
    text = source.read_text(encoding="utf-8").replace('"../_static/', '"_static/')
    page = edition / "book.html"
    page.write_text(text.replace(f'"{source.relative_to(edition).as_posix()}#', '"#'), encoding="utf-8")
    return page


def print_page(page: Path, target: Path) -> None:
    """Print a page of HTML to a PDF of A4 pages with numbers, an outline and tags for screen readers.

    What is folded is printed open, but for code, which the style sheet leaves out. Raises BrowserMissing as `launched`.
    """
    with sync_playwright() as playwright:
        browser = launched(playwright)
        window = browser.new_page()
        window.set_default_timeout(PRINT_TIMEOUT_MS)
        window.goto(page.resolve().as_uri())
        window.evaluate(OPEN_FOLDS)
        window.pdf(
            path=target,
            format="A4",
            scale=SCALE,
            margin={"top": "15mm", "bottom": "18mm", "left": "15mm", "right": "15mm"},
            print_background=True,
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
        headings = window.evaluate(HEADINGS)
        browser.close()
    mend_outline(target, headings)


def mend_outline(target: Path, headings: list[str]) -> None:
    """Give the entries of a PDF's outline the text of the headings.

    Chromium drops the space at which a heading is broken, and names a heading twice that it first set at the foot of a page.
    """
    texts = {squeezed(heading): " ".join(heading.split()) for heading in headings}
    book = PdfWriter(clone_from=target)
    for entry in outline_entries(book.root_object["/Outlines"]):
        title = squeezed(entry["/Title"])
        text = texts.get(title) or texts.get(title[: len(title) // 2]) or entry["/Title"]
        entry[NameObject("/Title")] = TextStringObject(text)
    book.write(target)


def squeezed(text: str) -> str:
    """A text without its spaces."""
    return "".join(text.split())


def outline_entries(node: DictionaryObject) -> Iterator[DictionaryObject]:
    """All entries below a node of an outline, in the order of the book."""
    entry = node.get("/First")
    while entry is not None:
        entry = entry.get_object()
        yield entry
        yield from outline_entries(entry)
        entry = entry.get("/Next")


if __name__ == "__main__":
    edition, target = map(Path, sys.argv[1:])
    try:
        print_page(one_page(edition), target)
    except BrowserMissing as error:
        sys.exit(str(error))
    print(f"printed: {target}")
