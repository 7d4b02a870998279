"""Finds results typed into prose.

    python tools/check_prose_numbers.py [FILE ...]

A result is a percentage, a difference in points, an interval or a score with decimals, `n = 12` or `p = 0.03`, a duration
or a rate in figures. In the text of a notebook it is glued, on a page it is a mark (`book/claims.md`), so that it cannot
differ from the run. What a paper prints stands in quotation marks or in a block quote. Looked through: the Markdown cells
of the notebooks, the captions and alternative texts of their figures, and the pages below `book`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NO_RESULT = "<!-- no result -->"  # directly after a setting, or after a number made up to explain
NUMBER = r"[-−+]?\d+(?:[.,]\d+)*"
SCORE = r"(?:accuracy|accuracies|recall|precision|F1|kappa|AUC|loss|chi-square)"
RESULT = re.compile(
    rf"{NUMBER}\s?(?:%|per\s?cent\b|(?:percentage\s)?points\b)"
    rf"|\[\s*{NUMBER}\s*[,;]\s*[-−+]?\d+\.\d+\s*\]"  # of whole numbers it is a range of pixels
    rf"|\b[np]\s*[=<>≈]\s*{NUMBER}"
    rf"|\b{SCORE}\s(?:of|is|was|reaches|=)\s{NUMBER}(?:\s?%)?"
    rf"|{NUMBER}\s(?:ms|milliseconds|(?:images|faces|frames)\s(?:a|per)\ssecond)\b"
)
FENCED = re.compile(r"^(?P<fence>`{3,})(?P<kind>[^\n]*)\n(?P<inside>[\s\S]*?)^(?P=fence)[ ]*$", flags=re.MULTILINE)
NOT_PROSE = [
    re.compile(pattern, flags=re.MULTILINE)
    for pattern in (
        r"^\s*>.*$",  # a paper's words
        r'"(?:[^"\n]|\n(?!\s*\n))*"',
        r"“(?:[^”\n]|\n(?!\s*\n))*”",
        r"\[\[[a-z0-9_.]+(?::[^\]]+)?\]\]",  # filled by the build
        r"\{[\w:-]+\}`[^`]*`",  # glued, cited, linked
        r"(?<!`)(?P<ticks>`{1,2})(?!`)(?:[^`\n]|\n(?!\s*\n))+(?P=ticks)(?!`)",
        r"(?<=\])\([^)\s]*\)|<?https?://[^\s>]+>?",
        r"\$[^$]+\$",
    )
]
CONVENTIONS = [
    re.compile(pattern)
    for pattern in (
        r"95\s%\s(?:t-|bootstrap\s|Wilson\s)?(?:intervals?|ranges?)\b",  # the level of every interval of the book
        r"middle\s95\s%",
        r"p (?:is )?(?:below|above|[<>]) 0\.05\b|nominal 5\s%",  # the level of every test
        r"print accuracies from 18 % to 100 %",  # the book's first sentence, which must also read in the README
    )
]


def blank(text: str) -> str:
    """As many lines without a word."""
    return "\n" * text.count("\n")


def without_code(text: str) -> str:
    """A Markdown text without its blocks of code; what other directives hold (notes, figures) is prose."""

    def prose(block: re.Match[str]) -> str:
        is_prose = block["kind"].startswith("{") and not block["kind"].startswith("{code")
        return f"\n{without_code(block['inside'])}" if is_prose else blank(block[0])

    return FENCED.sub(prose, text)


def found(text: str) -> list[tuple[int, str]]:
    """(line, number as it stands there) of the results typed into a Markdown text; lines count from 1."""
    text = without_code(text)
    for pattern in (*NOT_PROSE, *CONVENTIONS):
        text = pattern.sub(lambda match: f" {blank(match[0])} ", text)
    return [
        (text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()))
        for match in RESULT.finditer(text)
        if not text.startswith(NO_RESULT, match.end())
    ]


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """(where, text) of the prose of a page (one text) or a notebook (one per Markdown cell, caption, alternative text)."""
    content = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        yield "", content
        return
    for number, cell in enumerate(json.loads(content)["cells"], start=1):
        if cell["cell_type"] == "markdown":
            source = cell["source"]
            yield f"cell {number}, ", source if isinstance(source, str) else "".join(source)
        shown = cell["metadata"].get("mystnb", {})
        yield f"caption of cell {number}, ", shown.get("figure", {}).get("caption", "")
        yield f"alternative text of cell {number}, ", shown.get("image", {}).get("alt", "")


def main(paths: list[Path]) -> int:
    """Print every typed result; the exit status is 1 where there is one."""
    complaints = [
        f"{path}: {where}line {line}: {number!r} is typed; glue it, or use a mark such as [[CHAPTER.METRIC]] (book/claims.md)"
        for path in paths
        for where, text in texts(path)
        for line, number in found(text)
    ]
    print("\n".join(complaints) or f"no typed result in {len(paths)} files")
    return int(bool(complaints))


if __name__ == "__main__":
    named = [Path(name) for name in sys.argv[1:]]
    sys.exit(main(named or [*sorted((ROOT / "notebooks").glob("*.ipynb")), *sorted((ROOT / "book").rglob("*.md"))]))
