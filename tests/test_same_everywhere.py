"""What stands on more than one page of the site is the same on each: verdicts, their reasons and counts, p-values."""

import html
import json
import re
import shutil
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from fer_utils.book import execution, site
from fer_utils.claims.audit.checks import audit_claims
from fer_utils.claims.schema import load_claims, papers
from fer_utils.claims.verdicts import Verdict
from fer_utils.evaluation.significance import p_value_text

ROW = re.compile(
    r"<tr><td>(?P<claim>.*?)</td><td>(?P<numbers>.*?)</td>"
    r"<td><span class=\"verdict-tag\"[^>]*>(?P<verdict>.*?)</span> (?P<reason>.*?)</td><td>(?P<made>.*?)</td></tr>",
    flags=re.DOTALL,
)
CHIP = re.compile(r"<span class=\"verdict-tag\"[^>]*>(\d+) ([a-z ]+)</span>")
GLUED = re.compile(r"\{glue:text\}`(\w+)(?::[^`]*)?`")
P_VALUE = re.compile(r"\bp(?:\s*=)?\s+(\d(?:\.\d+)?(?:e-\d+)?)(?: to (\d(?:\.\d+)?(?:e-\d+)?))?")
P_NUMBERS = {"p_value", "p_shuffled", "p_one_sided", "p_two_sided", "p_nadeau_bengio"}


@pytest.fixture(scope="module")
def laid_out(ci_run_of, tmp_path_factory):
    """The site's sources, laid out from runs of all papers' chapters, the audit and the scoreboard under `ci`."""
    folder = tmp_path_factory.mktemp("site")
    for chapter in (*papers(), "claims_audit"):
        shutil.copytree(ci_run_of(chapter).folder, folder / "runs" / "ci" / chapter)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "BUILD", folder)
        assert execution.execute(execution.plan("scoreboard", "ci"), progress=False) is None
        assert site.lay_out("ci", folder / "site") == []
    return folder / "site"


def texts(outputs) -> list[str]:
    """All texts of a cell's outputs, those of glued values among them."""
    data = [output["data"] for output in outputs if "data" in output]
    return [value for each in data for kind, value in each.items() if kind.endswith(("text/plain", "text/html"))]


def notebook(laid_out: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(laid_out / "notebooks" / f"{name}.ipynb", as_version=4)


def glued(page: nbformat.NotebookNode) -> dict[str, str]:
    """The values that a notebook has left for its prose, as text, quotes around strings taken off."""
    outputs = [output for cell in page.cells for output in cell.get("outputs", [])]
    named = {output.metadata["scrapbook"]["name"]: output for output in outputs if "scrapbook" in output.get("metadata", {})}
    return {name: max(texts([output]), key=len).strip("'") for name, output in named.items()}


def rows_shown(page: nbformat.NotebookNode, code: str) -> list[dict[str, str]]:
    """The verdicts that the one cell with this code shows: claim, numbers, verdict, reason, who made it."""
    (cell,) = [cell for cell in page.cells if cell.cell_type == "code" and cell.source.strip() == code]
    return [found.groupdict() for text in texts(cell.outputs) for found in ROW.finditer(text)]


def ledger(laid_out: Path) -> list[dict]:
    return json.loads((laid_out / "book/static/ledger.json").read_text(encoding="utf-8"))


def prose(page: nbformat.NotebookNode) -> str:
    """A notebook's prose with its numbers in it, and its tables."""
    values = glued(page)
    written = [
        GLUED.sub(lambda found: values.get(found[1], "–"), cell.source) for cell in page.cells if cell.cell_type == "markdown"
    ]
    return "\n".join([*written, *(text for cell in page.cells for text in texts(cell.get("outputs", [])))])


def known_p_values() -> set[float]:
    """The p-values that the audit of the papers computes."""
    findings = [one for paper in papers() for one in audit_claims(load_claims(paper))]
    found = [value for one in findings for name, value in one.numbers.items() if name in P_NUMBERS]
    return {p for value in found for p in (value if isinstance(value, tuple) else (value,))}


def written_otherwise(text: str, known: set[float], printed: set[float]) -> set[str]:
    """P-values in a text that are nearly one of the known, but not written as the book writes it; printed are the paper's."""
    found = {number for match in P_VALUE.finditer(text) for number in match.groups() if number and float(number) not in printed}
    others = found - {p_value_text(p) for p in known}
    return {number for number in others if any(abs(float(number) - p) <= 0.05 * p for p in known)}


@pytest.mark.parametrize("paper", papers())
def test_a_chapter_shows_the_verdicts_of_the_scoreboard_and_of_the_ledger(laid_out, paper):
    chapter, board = notebook(laid_out, paper), notebook(laid_out, "scoreboard")
    shown = rows_shown(chapter, "figures.verdict_html(verdicts)")
    assert shown == rows_shown(board, f'figures.verdict_html(verdicts["{paper}"])') and shown
    of_ledger = [row["verdict"] for row in ledger(laid_out) if row["paper"] == paper]
    assert Counter(row["verdict"] for row in shown) == Counter(of_ledger) and len(of_ledger) == len(load_claims(paper).claims)


@pytest.mark.parametrize("paper", papers())
def test_the_box_and_the_title_of_a_chapter_have_the_ledgers_verdict_on_its_main_claim(laid_out, paper):
    chapter, main = notebook(laid_out, paper), load_claims(paper).main.id
    (row,) = [row for row in ledger(laid_out) if (row["paper"], row["claim"]) == (paper, main)]
    box = html.unescape(glued(chapter)["verdict_box"])
    assert f">{row['verdict']}</p>" in box and row["reason"] in box
    assert chapter.cells[0].source.startswith("# [Re] " if row["verdict"] == "reproduced" else "# [¬Re] ")


def test_the_landing_page_the_papers_page_and_the_scoreboard_count_the_same(laid_out):
    def chips(text: str) -> Counter[str]:
        return Counter({verdict: int(number) for number, verdict in CHIP.findall(text)})

    rows = ledger(laid_out)
    assert chips((laid_out / "book/index.md").read_text()) == Counter(row["verdict"] for row in rows)
    page = (laid_out / "book/papers.md").read_text()
    sections = {paper: page[page.index(f"Chapter: [{paper}]") :].split("\n## ")[0] for paper in papers()}
    for paper, section in sections.items():
        assert chips(section) == Counter(row["verdict"] for row in rows if row["paper"] == paper)
    said, counted = glued(notebook(laid_out, "scoreboard")), Counter(row["verdict"] for row in rows)
    names = ("reproduced", "not_reproduced", "inconsistent", "artefacts", "not_possible")
    assert [int(said[name]) for name in names] == [counted[verdict] for verdict in Verdict] and int(said["claims"]) == len(rows)


def test_a_number_of_verdicts_in_prose_is_the_ledgers(laid_out):
    of_paper = [row["verdict"] for row in ledger(laid_out) if row["paper"] == "multi_dataset_cnns"]
    said = glued(notebook(laid_out, "multi_dataset_cnns"))
    assert (int(said["inconsistent_count"]), int(said["claims_count"])) == (of_paper.count("inconsistent"), len(of_paper))


def test_a_p_value_is_written_alike_on_every_page(laid_out):
    pages = [notebook(laid_out, name) for name in (*papers(), "claims_audit", "scoreboard")]
    text = "\n".join([*map(prose, pages), (laid_out / "book/index.md").read_text()])
    printed = {claim.value for paper in papers() for claim in load_claims(paper).claims if claim.quantity == "p_value"}
    assert written_otherwise(text, known_p_values(), printed) == set()


def test_a_p_value_that_is_rounded_otherwise_is_found_and_another_one_is_not():
    known = {0.07305, 0.4212, 0.4367}
    assert written_otherwise("(p = 0.43)", known, set()) == {"0.43"}
    assert written_otherwise("two-sided p = 0.072", known, set()) == {"0.072"}
    assert written_otherwise("p = 0.073; p 0.42 to 0.44; p = 0.5", known, set()) == set()
    assert written_otherwise("printed p = 0.0735", known, {0.0735}) == set()
