"""What the built site consists of: links, anchors, alternative texts, downloads, sizes."""

import csv
import gzip
import io
import json
import posixpath
import urllib.request
from urllib.parse import unquote, urlsplit

from conftest import PAGES, SITE, elements


def inside(page, link):
    """The file within the site and the anchor that a link of a page leads to; None where it leads to another site."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(parts.path))) if parts.path else page
    return path, unquote(parts.fragment)


def links():
    """Every link to the site itself, as page, link, file and anchor."""
    for page in PAGES:
        for tag, attributes in elements(page):
            if tag == "a" and (target := inside(page, attributes.get("href", "#"))):
                yield page, attributes.get("href"), *target


def downloads(suffix):
    return sorted({path for _, _, path, _ in links() if path.endswith(suffix)})


def fetched(address, path):
    with urllib.request.urlopen(address + path, timeout=30) as answer:
        return answer.read().decode()


def test_every_internal_link_leads_to_a_file_of_the_site():
    dead = [f"{page}: {link}" for page, link, path, _ in links() if not (SITE / path).is_file()]
    assert not dead


def test_every_anchor_of_an_internal_link_is_there():
    anchors = {page: {attributes.get("id") for _, attributes in elements(page)} for page in PAGES}
    dead = [f"{page}: {link}" for page, link, path, anchor in links() if anchor and anchor not in anchors.get(path, {anchor})]
    assert not dead


def test_every_figure_has_an_alternative_text_that_says_something():
    images = [(page, attributes) for page in PAGES for tag, attributes in elements(page) if tag == "img"]
    pictures = [(page, attributes) for page, attributes in images if attributes.get("class") != "toggler"]  # folds an index
    mute = [f"{page}: {each['src']}: {each.get('alt')!r}" for page, each in pictures if len(each.get("alt", "").split()) < 4]
    assert pictures and not mute


def test_every_notebook_can_be_downloaded(address):
    notebooks = downloads(".ipynb")
    assert len(notebooks) >= 8
    for path in notebooks:
        assert json.loads(fetched(address, path))["cells"], path


def test_every_result_can_be_downloaded(address):
    results = [path for path in downloads(".json") if "/results/" in path]
    assert len(results) >= 8
    for path in results:
        assert json.loads(fetched(address, path))["metrics"] is not None, path


def test_the_ledger_has_the_same_claims_as_csv_and_as_json(address):
    (table,), (tree,) = downloads("ledger.csv"), downloads("ledger.json")
    rows = list(csv.DictReader(io.StringIO(fetched(address, table))))
    assert len(rows) > 100 and len(rows) == len(json.loads(fetched(address, tree)))


def test_the_site_is_below_60_mb():
    size_mb = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file()) / 1e6
    assert size_mb < 60


def test_the_first_load_of_the_landing_page_is_below_1500_kb(opened):
    answers = []
    window = opened("book/index.html", watch=lambda window: window.on("response", lambda answer: answers.append(answer)))
    window.wait_for_load_state("networkidle")
    assert any(answer.url.endswith("overview.svg") for answer in answers)
    sizes_kb = {answer.url: len(gzip.compress(answer.body())) / 1000 for answer in answers}  # as GitHub Pages sends them
    assert sum(sizes_kb.values()) < 1500, sizes_kb
