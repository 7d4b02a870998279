"""What `fer-book` says of itself: help with an example for every command, and completion in the shell."""

import pytest
import typer
import yaml
from conftest import ROOT, fer_book
from typer.testing import CliRunner

from fer_utils import cli

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


def test_the_profiles_that_are_completed_are_those_there_are():
    assert list(cli.PROFILES) == list(yaml.safe_load((ROOT / "notebooks/profiles.yml").read_text())["profiles"])


def test_a_site_of_an_unknown_profile_is_refused():
    ended = fer_book("build", "--profile", "fast")
    assert ended.returncode == 2 and "no profile 'fast'; there are ci, default, full" in ended.stderr
