"""Print the one-page edition of the book to a PDF with the system's Chromium or Chrome: `make print`.

The page is Sphinx's `singlehtml` edition of the site; `book/static/book.css` says what a printed page looks like.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Playwright, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--disable-gpu", "--disable-quic", "--disable-sync"]
FOOTER = '<p style="width: 100%; text-align: center; font-size: 8pt"><span class="pageNumber"></span></p>'
PRINT_TIMEOUT_MS = 600_000


class BrowserMissing(Exception):
    """The machine has no browser that Playwright could drive; the message says how to get one."""


def launched(playwright: Playwright) -> Browser:
    """The system's Chromium or Chrome without a window. Raises BrowserMissing where there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise BrowserMissing(f"none of {', '.join(BROWSERS)} is installed: sudo apt-get install chromium")
    return playwright.chromium.launch(executable_path=path, args=FLAGS)


def print_page(page: Path, target: Path) -> None:
    """Print a page of HTML to a PDF of A4 pages with numbers, an outline and tags for screen readers."""
    with sync_playwright() as playwright:
        browser = launched(playwright)
        window = browser.new_page()
        window.set_default_timeout(PRINT_TIMEOUT_MS)
        window.goto(page.resolve().as_uri())
        window.pdf(
            path=target,
            format="A4",
            margin={"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"},
            display_header_footer=True,
            header_template="<span></span>",
            footer_template=FOOTER,
            outline=True,
            tagged=True,
        )
        browser.close()


if __name__ == "__main__":
    try:
        print_page(Path(sys.argv[1]), Path(sys.argv[2]))
    except BrowserMissing as error:
        sys.exit(str(error))
    print(f"printed: {sys.argv[2]}")
