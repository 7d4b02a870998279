"""The built site, served as it will be on a web server, and a browser to look at it; `make browser` runs these tests."""

from __future__ import annotations

import functools
import http.server
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from print_book import BrowserMissing, browser_path, launched

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"
NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 900}


def pages() -> list[str]:
    """The addresses of all pages within the site; the theme's leftovers and the first page, which only leads on, are none."""
    found = (path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    return sorted(page for page in found if not page.startswith("_static/") and page != "index.html")


PAGES = pages()


def pytest_configure():
    if not PAGES:
        raise pytest.UsageError(f"there is no site in {SITE} to look at: make book")
    try:
        browser_path()
    except BrowserMissing as error:
        raise pytest.UsageError(str(error)) from None


class Elements(HTMLParser):
    """The elements of a page, in order: pairs of a tag and its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed((SITE / page).read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@functools.cache
def elements(page: str) -> list[tuple[str, dict[str, str]]]:
    """The elements of a page as the site has it, before any script has run."""
    return Elements(page).found


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no log; a browser that goes away half-way is no error."""

    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        try:
            super().copyfile(source, outputfile)
        except ConnectionError:
            pass


@pytest.fixture(scope="session")
def address():
    """The address of the site, below a folder as on GitHub Pages: a link from the server's root leads nowhere there."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=SITE.parent)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{SITE.name}/"
        server.shutdown()


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        chromium = launched(playwright)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, address):
    """A function that opens a page of the site in a window of its own."""
    windows = []

    def open_page(page: str, *, size=WIDE, colours: str = "light", watch=lambda window: None):
        context = browser.new_context(viewport=size, color_scheme=colours, reduced_motion="reduce")
        windows.append(context)
        window = context.new_page()
        watch(window)
        window.goto(address + page)
        return window

    yield open_page
    for context in windows:
        context.close()
