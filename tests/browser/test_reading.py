"""What a reader does: search, dark mode, and everything by keyboard."""

import re

import pytest
from conftest import NARROW
from playwright.sync_api import expect

CHAPTER = "notebooks/mobilenet_center_loss.html"
FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return {html: element.outerHTML.slice(0, 200), classes: element.className, visible: outlined || style.boxShadow !== "none"};
}"""


def tabbed_to(window, wanted, at_most=12):
    """Press Tab until an element whose HTML has the wanted text has the focus; every one on the way must show that it has."""
    for _ in range(at_most):
        window.keyboard.press("Tab")
        focused = window.evaluate(FOCUSED)
        assert focused["visible"], f"no visible focus on {focused['html']}"
        if wanted in focused["html"]:
            return
    raise AssertionError(f"{at_most} times Tab do not lead to {wanted}")


def test_the_first_page_leads_to_the_landing_page(opened):
    window = opened("index.html")
    window.wait_for_url("**/book/index.html")
    expect(window.get_by_role("heading", level=1)).to_contain_text("The FER Reproducibility Book")


def test_search_finds_the_chapter_of_a_term(opened):
    window = opened("book/index.html")
    window.keyboard.press("Control+k")
    window.keyboard.type("centre loss")
    window.keyboard.press("Enter")
    window.wait_for_url("**/search.html?q=*")
    expect(window.locator(f"#search-results a[href*='{CHAPTER}']").first).to_be_visible()


def test_dark_mode_is_kept_on_the_next_page(opened):
    window = opened("book/index.html")
    page = window.locator("html")
    expect(page).to_have_attribute("data-theme", "light")
    window.locator(".theme-switch-button:visible").first.click()
    expect(page).to_have_attribute("data-theme", "dark")
    window.get_by_role("link", name="The papers").first.click()
    window.wait_for_url("**/book/papers.html")
    expect(page).to_have_attribute("data-theme", "dark")
    red, green, blue = map(int, re.findall(r"\d+", window.evaluate("getComputedStyle(document.body).backgroundColor"))[:3])
    assert max(red, green, blue) < 64


def test_figures_stand_on_white_in_dark_mode(opened):
    pictures = opened(CHAPTER, colours="dark").locator("figure img")
    shown = pictures.evaluate_all(
        "all => all.map(each => [getComputedStyle(each).backgroundColor, getComputedStyle(each).filter])"
    )
    assert shown and all(each == ["rgb(255, 255, 255)", "none"] for each in shown)


def test_the_skip_link_comes_first_and_leads_to_the_content(opened):
    window = opened(CHAPTER)
    tabbed_to(window, "Skip to main content", at_most=1)
    window.keyboard.press("Enter")
    assert window.evaluate("location.hash") == "#main-content"
    window.keyboard.press("Tab")
    assert window.evaluate("document.querySelector('#main-content').contains(document.activeElement)")


def test_tab_reaches_the_search_with_a_visible_focus(opened):
    window = opened(CHAPTER)
    tabbed_to(window, "search-button")
    window.keyboard.press("Enter")
    expect(window.locator("dialog input[type=search]")).to_be_focused()
    window.keyboard.press("Escape")
    expect(window.locator("dialog input[type=search]")).to_be_hidden()


def test_tab_reaches_the_menu_of_a_narrow_page_with_a_visible_focus(opened):
    window = opened(CHAPTER, size=NARROW)
    tabbed_to(window, "primary-toggle")
    window.keyboard.press("Enter")
    expect(window.get_by_role("link", name="The scoreboard").first).to_be_visible()


def test_collapsed_code_opens_by_keyboard(opened):
    window = opened(CHAPTER)
    folded = window.locator("details.hide").first
    expect(folded.locator("pre")).to_be_hidden()
    folded.locator("summary").focus()
    window.keyboard.press("Enter")
    expect(folded.locator("pre")).to_be_visible()


@pytest.mark.parametrize("box", [".table-scroll", ".figure-scroll", ".highlight pre"])
def test_what_scrolls_sideways_on_a_narrow_page_scrolls_by_keyboard(opened, box):
    window = opened(CHAPTER, size=NARROW)
    wide = window.locator(f"{box}:visible").evaluate_all("all => all.findIndex(each => each.scrollWidth > each.clientWidth + 40)")
    scrolled = window.locator(f"{box}:visible").nth(wide)
    scrolled.focus()
    window.keyboard.press("ArrowRight")
    window.wait_for_function("each => each.scrollLeft > 0", arg=scrolled.element_handle())
