"""Every page in the browser: it loads in full, fits a narrow screen, and axe finds nothing in light, dark and narrow form."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import NARROW, PAGES, WIDE

AXE_OPTIONS = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "resultTypes": ["violations"],
    "preload": False,  # it would fetch what style sheets import, and from the wrong place
}
FORMS = {"light": (WIDE, "light"), "dark": (WIDE, "dark"), "narrow": (NARROW, "light")}
BROKEN_IMAGES = "Array.from(document.images, image => image.complete && image.naturalWidth ? '' : image.src).filter(Boolean)"
BEYOND_THE_EDGE = """() => {
  const width = document.documentElement.clientWidth;
  const scrolls = element => ["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX);
  const boxed = element => element !== document.body && (scrolls(element) || boxed(element.parentElement));
  return Array.from(document.querySelectorAll("main *"))
    .filter(element => element.getBoundingClientRect().right > width + 1 && !boxed(element.parentElement))
    .map(element => element.outerHTML.slice(0, 200));
}"""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_in_full_and_without_errors(opened, address, page):
    problems = []

    def watch(window):
        window.on("console", lambda line: problems.append(line.text) if line.type in {"error", "warning"} else None)
        window.on("pageerror", lambda error: problems.append(str(error)))
        window.on("requestfailed", lambda request: problems.append(f"not loaded: {request.url}"))
        window.on("response", lambda answer: problems.append(f"{answer.status}: {answer.url}") if not answer.ok else None)
        window.on("request", lambda sent: problems.append(f"elsewhere: {sent.url}") if elsewhere(sent.url) else None)

    def elsewhere(url):
        return not url.startswith((address, "data:", "blob:"))

    window = opened(page, watch=watch)
    assert not problems
    assert not window.evaluate(BROKEN_IMAGES)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_on_a_narrow_page_is_wider_than_the_screen(opened, page):
    window = opened(page, size=NARROW)
    wide = window.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") > 0
    assert not wide, window.evaluate(BEYOND_THE_EDGE)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(opened, page, form):
    size, colours = FORMS[form]
    found = Axe().run(opened(page, size=size, colours=colours), options=AXE_OPTIONS).response["violations"]
    assert not [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
