"""What `fer-book` says of itself: help with an example for every command, and completion in the shell."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml
from conftest import ROOT, fer_book
from typer.testing import CliRunner

from fer_utils.book import cli, parameters
from fer_utils.book.commands.options import PROFILES
from fer_utils.book.parameters import chapters

GROUP = typer.main.get_command(cli.app)
COMMANDS = [[name] for name in GROUP.commands if name != "data"] + [["data", name] for name in GROUP.commands["data"].commands]


@pytest.mark.parametrize("command", [[], ["data"], *COMMANDS], ids=" ".join)
def test_every_command_explains_itself_with_an_example(command):
    ended = CliRunner().invoke(cli.app, [*command, "--help"], env={"COLUMNS": "200"})
    assert ended.exit_code == 0 and f"Example: fer-book {' '.join(command)}".strip() in ended.stdout


@pytest.mark.parametrize(
    "command", [["run"], ["build"], ["publish"], ["live"], ["audit"], ["ledger"], ["data", "check"]], ids=" ".join
)
def test_commands_that_can_fail_say_how_they_end(command):
    ended = CliRunner().invoke(cli.app, [*command, "--help"], env={"COLUMNS": "200"})
    assert "Exit status: 0" in ended.stdout and "2 " in ended.stdout.partition("Exit status")[2]


def completions(line):
    """What bash offers at the end of a line that has been typed."""
    words = line.split(" ")
    asked = {"_FER_BOOK_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return fer_book(**asked).stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("fer-book l", {"live", "ledger"}),
        ("fer-book run fer", {"fer2013_cnn"}),
        ("fer-book build --profile d", {"default"}),
        ("fer-book ledger bp", {"bp4d_vgg16_holdout"}),
        ("fer-book data check ra", {"rafd", "rafdb"}),
    ],
)
def test_a_shell_completes_commands_chapters_profiles_papers_and_datasets(line, offered):
    assert set(completions(line)) == offered


PAGES = [ROOT / "README.md", *sorted({*(ROOT / "book").glob("*.md")} - {ROOT / "book/extend.md"})]  # test_extend runs that one
SHELL = re.compile(r"^```sh\n(.*?)^```", flags=re.DOTALL | re.MULTILINE)
LINES = [(path.name, line) for path in PAGES for block in SHELL.findall(path.read_text()) for line in block.splitlines()]
GIVEN = [
    (page, words)
    for page, line in LINES
    for words in [shlex.split(line, comments=True)]
    if words and Path(words[0]).name == "fer-book"
]


@pytest.mark.parametrize(("page", "words"), GIVEN, ids=lambda value: value if isinstance(value, str) else " ".join(value))
def test_a_command_on_a_page_has_the_arguments_that_the_page_gives_it(page, words):
    command, name = GROUP, Path(words[0]).name
    arguments = words[1:]
    while hasattr(command, "commands"):
        command, name, arguments = command.commands[arguments[0]], arguments[0], arguments[1:]
    context = command.make_context(name, arguments)
    for chapter in context.params.get("chapters") or []:
        assert chapter in chapters()


def test_the_targets_of_make_on_pages_are_in_the_makefile():
    named = {shlex.split(line)[1] for _, line in LINES if line.startswith("make ")}
    assert named <= set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)) and "lab" in named


def test_the_profiles_that_are_completed_are_those_there_are():
    assert list(PROFILES) == list(yaml.safe_load((ROOT / "notebooks/profiles.yml").read_text())["profiles"])


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            ["audit", "paper.yml"],
            "paper.yml is neither a claims file (.yml) nor a paper of this book; those are bp4d_vgg16_holdout,",
        ),
        (["audit", "README.md"], "README.md is neither a claims file"),
        (["publish", "fer2013"], "no chapter 'fer2013'; there are audit_your_numbers, bp4d_vgg16_holdout,"),
        (["data", "list", "--data", "nowhere"], "the data folder nowhere does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_not_there_is_answered_with_what_there_is(command, said, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("sys.argv", ["fer-book", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_a_paper_of_the_book_is_audited_by_its_name():
    ended = CliRunner().invoke(cli.app, ["audit", "bp4d_vgg16_holdout", "--json"])
    assert ended.exit_code == 1 and "points_per_class" in ended.stdout


def test_a_site_of_an_unknown_profile_is_refused():
    ended = fer_book("build", "--profile", "fast")
    assert ended.returncode == 2 and "no profile 'fast'; there are ci, default, full" in ended.stderr


@pytest.mark.parametrize("command", [["run"], ["run", "fer2013_cnn"], ["build"], ["publish", "fer2013_cnn"]], ids=" ".join)
def test_without_notebooks_a_command_that_needs_them_says_so(command, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(parameters, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr("sys.argv", ["fer-book", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and f"no notebooks in {tmp_path}: run this in a clone of the book" in capsys.readouterr().err


def test_help_starts_without_what_only_runs_need():
    code = (
        "import sys; from typer.testing import CliRunner; from fer_utils.book import cli; "
        "CliRunner().invoke(cli.app, ['--help']); "
        "print([name for name in ('pandas', 'sklearn', 'keras', 'matplotlib', 'papermill', 'cv2') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "[]\n"
