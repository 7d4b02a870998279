"""From executed notebooks to the site: lay them beside the pages, build the book."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from fer_utils.book import execution, pages
from fer_utils.book.api_pages import with_api
from fer_utils.book.parameters import NOTEBOOKS, chapters
from fer_utils.book.rooms import rooms_picture
from fer_utils.claims.schema import papers
from fer_utils.results.paths import CHECKOUT, write_text_atomically

SITE = execution.BUILD / "site"
HTML = execution.BUILD / "html"


def lay_out(profile: str, site: Path = SITE) -> list[Path]:
    """Put pages and executed notebooks side by side under `_build/site`; returns the notebooks that failed.

    Files whose content is unchanged keep their time, so that the build only renders what is new.
    """
    runs = execution.BUILD / "runs" / profile
    wanted: dict[Path, bytes] = {}
    wanted[site / "_config.yml"] = pages.site_config((CHECKOUT / "_config.yml").read_text(encoding="utf-8")).encode()
    wanted[site / "_toc.yml"] = (CHECKOUT / "_toc.yml").read_bytes()
    for path in sorted((CHECKOUT / "book").rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            content = path.read_bytes()
            wanted[site / path.relative_to(CHECKOUT)] = (
                with_api(pages.filled(content.decode())).encode() if path.suffix == ".md" else content
            )
    failed, metadata, ledger = [], [], pages.ledger_of(runs)
    for chapter in chapters():
        places = [runs / chapter / "failed.ipynb", runs / chapter / "notebook.ipynb", NOTEBOOKS / f"{chapter}.ipynb"]
        source = next(path for path in places if path.exists())
        notebook = nbformat.read(source, as_version=4)
        metadata.append(notebook.metadata)
        if notebook.metadata.get("papermill", {}).get("exception"):
            failed.append(source)
        wanted[site / "notebooks" / f"{chapter}.ipynb"] = nbformat.writes(
            pages.dressed(notebook, profile, runs / chapter, pages.main_verdict(chapter, ledger))
        ).encode()
        for name, path in pages.kept_results(runs, chapter).items():
            wanted[site / "book" / "static" / "results" / name] = path.read_bytes()
    for name in pages.LEDGER_FILES:
        if (kept := runs / "scoreboard" / name).exists():
            wanted[site / "book" / "static" / name] = kept.read_bytes()
    generated = [
        ("index", "<!-- scoreboard -->", pages.scoreboard_summary(ledger)),
        *(("papers", f"<!-- verdicts of {paper} -->", pages.counted_verdicts(ledger, paper)) for paper in papers()),
        ("reproduce", "<!-- duration -->", pages.duration_sentence(metadata)),
        ("status", "<!-- runs -->", pages.status_table(metadata)),
        ("data", "<!-- datasets -->", pages.dataset_cards()),
        ("design", "<!-- rooms -->", rooms_picture()),
        ("cluster", "<!-- cost -->", pages.cost_table(runs)),
        ("audit", "<!-- validation -->", pages.validation_tables()),
    ]
    for page, mark, text in generated:
        path = site / "book" / f"{page}.md"
        wanted[path] = wanted[path].decode().replace(mark, text).encode()
    for path, content in wanted.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    for path in [path for path in site.rglob("*") if path.is_file() and path not in wanted]:
        path.unlink()
    return failed


def build_site() -> bool:
    """Build `_build/html` from the laid-out site, warnings being errors; skipped when nothing changed. True when built."""
    digest = hashlib.sha256()
    for path in sorted(path for path in SITE.rglob("*") if path.is_file()):
        digest.update(path.relative_to(SITE).as_posix().encode() + b"\0" + path.read_bytes())
    stamp = execution.BUILD / "site.sha256"
    if (HTML / "index.html").exists() and stamp.exists() and stamp.read_text() == digest.hexdigest():
        return False
    stamp.unlink(missing_ok=True)
    command = [Path(sys.executable).with_name("jupyter-book"), "build", SITE, "--path-output", CHECKOUT]
    try:
        subprocess.run([*map(str, command), "-W", "--keep-going", "--quiet"], check=True)
    except subprocess.CalledProcessError:
        for half_built in (HTML, execution.BUILD / ".doctrees"):  # a second try would not repeat the warnings
            shutil.rmtree(half_built, ignore_errors=True)
        raise
    write_text_atomically(stamp, digest.hexdigest())
    return True
