"""What the build fills into pages: a notebook's title and banner, numbers in place of marks, generated tables."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import yaml

from fer_utils.book.parameters import ParameterError
from fer_utils.claims.audit import checks
from fer_utils.claims.schema import load_claims
from fer_utils.claims.verdicts import Verdict
from fer_utils.datasets import registry
from fer_utils.evaluation.metrics import wilson_interval
from fer_utils.evaluation.significance import p_value_text
from fer_utils.figures.tables import verdict_chips
from fer_utils.results.paths import CHECKOUT, asset
from fer_utils.results.store import published_result, read_result

GLUED = re.compile(r"\{glue:text\}`(?P<text>\w+)[^`]*`|```\{glue:\} (?P<box>\w+)\n.*?```", flags=re.DOTALL)
REPOSITORY = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")
LAUNCHERS = {"binderhub_url": "https://mybinder.org", "colab_url": "https://colab.research.google.com"}
LEDGER_FILES = ("ledger.csv", "ledger.json", "overview.svg")  # the scoreboard leaves them; the site has them in _static


def site_config(text: str) -> str:
    """`_config.yml` as the site is built with.

    Where `repository.url` names a repository, every page has buttons to its source, to edit it and to open an issue, and every
    notebook those of Binder and Colab; where it is empty, no page has any.

    Raises ParameterError where the address is not one of GitHub, since Colab opens no others.
    """
    config = yaml.safe_load(text)
    repository = config.get("repository") or {}
    address = (repository.get("url") or "").rstrip("/").removesuffix(".git")
    if address and not REPOSITORY.fullmatch(address):
        raise ParameterError(f"repository.url of _config.yml is {address!r}; expected https://github.com/OWNER/NAME, or nothing")
    config["repository"] = repository | {"url": address}
    for button in ("use_repository_button", "use_edit_page_button", "use_issues_button"):
        config["html"][button] = bool(address)
    if address:
        config["launch_buttons"] |= LAUNCHERS
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def kept_results(runs: Path, chapter: str) -> dict[str, Path]:
    """The results of a chapter that a reader can download, by the name that each has on the site.

    Of the run in a folder of runs, and of the published full run; those that there are.
    """
    files = {f"{chapter}.json": runs / chapter / "result.json"}
    try:
        files[f"{chapter}.full.json"] = asset(f"results/full/{chapter}.json")
    except FileNotFoundError:
        pass
    return {name: path for name, path in files.items() if path.exists()}


def downloads(names: Iterable[str]) -> str:
    """A line of links to a chapter's results of these names; empty without any."""
    links = [
        f'<a href="../_static/results/{name}" download>{"published full run" if name.endswith(".full.json") else "this run"}</a>'
        for name in names
    ]
    return f"Results as JSON: {', '.join(links)}.\n\n" if links else ""


def dressed(notebook: nbformat.NotebookNode, profile: str, kept: Path, verdict: str = "") -> nbformat.NotebookNode:
    """The notebook as a page.

    Its title says what became of the main claim, by the verdict on it, and nothing where there is none; a failed or missing run
    has a banner; below stand links to the results kept in the run's folder.
    """
    first = notebook.cells[0]
    papermill_record = notebook.metadata.get("papermill")
    banner = ""
    if papermill_record is None:
        banner = (
            f"```{{warning}}\nThis chapter has not been run under the profile `{profile}`; it is shown without outputs.\n```\n\n"
        )
    elif papermill_record["exception"]:
        banner = (
            "```{error}\nThis chapter's run failed. It is shown up to the cell that raised; the other chapters are complete.\n"
            "```\n\n"
        )
        drop = [cell for cell in notebook.cells if "papermill-error-cell-tag" in cell.metadata.get("tags", [])]
        notebook.cells = [cell for cell in notebook.cells if cell not in drop]
        first = notebook.cells[0]
    mark = {"": "", Verdict.REPRODUCED.value: "[Re] "}.get(verdict, "[¬Re] ")
    first.source = first.source.replace("# [Re] ", f"# {mark}", 1)
    _fill_gaps(notebook)
    title, _, rest = first.source.partition("\n")
    links = downloads(kept_results(kept.parent, kept.name))
    first.source = f"{title}\n\n{banner}{links}{rest.lstrip()}"
    for cell in notebook.cells:
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("hide-input")
    return notebook


def _fill_gaps(notebook: nbformat.NotebookNode) -> None:
    """Put a dash where the text names a number that no cell of the run has left."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    names = {output.get("metadata", {}).get("scrapbook", {}).get("name") for output in outputs}
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = GLUED.sub(lambda found: found[0] if (found["text"] or found["box"]) in names else "–", cell.source)


def filled(page: str) -> str:
    """A page with its marks replaced, so that no number is typed.

    `[[CHAPTER.METRIC]]` becomes the published measurement, `[[CHAPTER.claim.ID]]` the printed value with its unit, and
    `[[CHAPTER.audit.ID.CHECK.NUMBER:FORMAT]]` a number behind a finding of the audit (of several, the first that has it);
    CHECK with underscores for spaces; a p-value needs no format. Raises KeyError when there is no such metric, claim or number.
    """

    def number(match: re.Match[str]) -> str:
        (chapter, *path), form = match.group(1).split("."), match.group(2) or ""
        if path[0] == "claim":
            claim = load_claims(chapter)[path[1]]
            value = f"{claim.value:,}" if isinstance(claim.value, int) and not isinstance(claim.value, bool) else str(claim.value)
            return value if claim.unit in {"none", "count"} else f"{value} {claim.unit.replace('_', ' ')}"
        if path[0] == "audit":
            _, claim_id, check, name = path
            return _audited(chapter, claim_id, check, name, form)
        result = published_result(chapter)
        return "not published yet" if result is None else str(result.metric(path[0]))

    return re.sub(r"\[\[([a-z0-9_.]+)(?::([^\]]+))?\]\]", number, page)


def _audited(paper: str, claim: str, check: str, name: str, form: str) -> str:
    claims = load_claims(paper)
    for one in checks.audit_claim(claims, claims[claim]):
        if one.check.replace(" ", "_") == check and name in one.numbers:
            value = one.numbers[name]
            every = value if isinstance(value, list | tuple) else [value]
            return p_value_text(*every) if name == "p_value" else format(every[0], form)
    raise KeyError(f"the audit of {paper} has no number {name!r} of {claim} by the check {check!r}")


def status_table(metadata: list[Mapping[str, Any]]) -> str:
    """A Markdown table of the runs, from what Papermill recorded in each notebook."""
    lines = [
        "| chapter | profile | dataset | started (UTC) | duration | outcome | versions |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in metadata:
        record, own = entry.get("papermill"), entry.get("fer_book", {})
        if record is None or not own:
            continue
        outcome = "**failed**" if record["exception"] else "complete"
        versions = ", ".join(f"{name} {version}" for name, version in own["versions"].items())
        lines.append(
            f"| [{own['chapter']}](../notebooks/{own['chapter']}.ipynb) | {own['profile']} | {own['dataset']} "
            f"| {record['start_time'][:19].replace('T', ' ')} | {record['duration']:.0f} s | {outcome} "
            f"| papermill {record['version']}, {versions} |"
        )
    return "\n".join(lines) if len(lines) > 2 else "No chapter has been run yet."


def duration_sentence(metadata: list[Mapping[str, Any]]) -> str:
    """How long the runs of a build took together, from what Papermill recorded."""
    durations_s = [entry["papermill"]["duration"] for entry in metadata if entry.get("papermill")]
    if not durations_s:
        return "No chapter has been run in this build; [the status page](status.md) will say how long each takes."
    return (
        f"The {len(durations_s)} chapters of this build took {sum(durations_s) / 60:.0f} minutes together on the machine that "
        "ran them; [the status page](status.md) has the time of each."
    )


def cost_table(runs: Path) -> str:
    """A Markdown table of what the full protocol on CK+ costs, from what the chapter's run in a folder of runs measured."""
    path = runs / "ckplus_oulu_3dcnn" / "result.json"
    if not path.exists():
        return "Run the chapter, `fer-book run ckplus_oulu_3dcnn`, to have its cost estimated here."
    rows = read_result(path).tables["cost"]
    lines = [" | ".join(rows[0]), " | ".join("---" for _ in rows[0]), *(" | ".join(map(str, row.values())) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def ledger_of(runs: Path) -> list[dict[str, Any]]:
    """The rows of the ledger as the scoreboard left it in a folder of runs; none without it."""
    path = runs / "scoreboard" / "ledger.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def main_verdict(chapter: str, ledger: Sequence[Mapping[str, Any]]) -> str:
    """The verdict on the main claim of a chapter's paper, empty where the ledger has none."""
    found = {row["claim"]: row["verdict"] for row in ledger if row["paper"] == chapter}
    return found[load_claims(chapter).main.id] if found else ""


def counted_verdicts(ledger: Sequence[Mapping[str, Any]], paper: str = "") -> str:
    """How many claims, of a paper or of all, have each verdict, as labels; empty without any."""
    counts = Counter(row["verdict"] for row in ledger if paper in ("", row["paper"]))
    return verdict_chips({verdict.value: counts[verdict] for verdict in Verdict if counts[verdict]}) if counts else ""


def scoreboard_summary(ledger: Sequence[Mapping[str, Any]]) -> str:
    """For the landing page: how many claims have each verdict, and the overview figure, as the scoreboard left them."""
    if not ledger:
        return "The scoreboard has not been run; `fer-book run scoreboard` counts the verdicts."
    return (
        f"{counted_verdicts(ledger)}\n\n"
        f"The {len(ledger)} claims of the five papers, each with a verdict by rule and its reason, are on "
        "[the scoreboard](../notebooks/scoreboard.ipynb), and as "
        '<a href="../_static/ledger.csv" download>CSV</a> and <a href="../_static/ledger.json" download>JSON</a>.\n\n'
        '<div class="overview"><img src="../_static/overview.svg" alt="Accuracies as printed beside '
        'those of this book, with intervals: one line per claim, by paper. Hollow markers are rendered faces."></div>'
    )


def validation_tables() -> str:
    """Two Markdown tables of the audit's validation: true tables that were accused, and planted faults that were found."""
    found = json.loads((CHECKOUT / "book/results/audit_validation.json").read_text(encoding="utf-8"))

    def share(part: int, of: int) -> str:
        low, high = (100 * end for end in wilson_interval(part, of))
        return f"{part:,} of {of:,} | {low:.1f} to {high:.1f} %"

    true = [f"| {kind} | {share(one['accused'], one['tables'])} |" for kind, one in found["true"].items()]
    faults = [f"| {fault} | {share(one['found'], one['planted'])} |" for fault, one in found["faults"].items()]
    return "\n".join(
        ["| true tables | accused | 95 % interval |", "|---|---|---|", *true, ""]
        + ["| planted fault | found impossible | 95 % interval |", "|---|---|---|", *faults]
    )


def dataset_cards() -> str:
    """A Markdown section per dataset of the registry: access, licence, layout, published counts, check."""
    return "\n\n".join(
        f"### {card.title}\n\n{{cite:t}}`{card.citation}`\n\n"
        f"- name: `{card.name}`; its images {'may' if card.publishable else 'may not'} be shown in this book\n"
        f"- access: {card.access} {f'<{card.page}>' if card.page.startswith('http') else card.page}\n"
        f"- licence: {card.licence}\n"
        f"- layout: `{card.tree}`\n"
        + "".join(f"- also read, and reported as repackaged ({form.name}): `{form.tree}`\n" for form in card.forms)
        + f"- published: {card.expected}\n"
        f"- check: {'whenever it is read' if card.embedded else f'`fer-book data check {card.name} data/{card.name}`'}"
        for card in registry.DATASETS.values()
    )
