"""Planning, executing and laying out runs; the command's exit statuses and messages."""

import json
import re
import sys

import nbformat
import pytest
import yaml
from conftest import ROOT, fer_book

from fer_utils.book import cli, execution, pages, parameters, site
from fer_utils.book.parameters import ParameterError
from fer_utils.results import store

PARAMETERS = """profile: str = "default"  # name
data_root: str = ""  # folder
dataset: str = "auto"  # data [auto | rendered_faces]
answer: int = 1  # printed
"""
PROFILES = """profiles: {default: {}}
chapters:
  good: {datasets: [fer2013]}
  bad: {datasets: [fer2013]}
"""


LEAVE_RESULT = """import os, pathlib
pathlib.Path(os.environ["FER_BOOK_OUTPUT"], "result.json").write_text(str(answer))"""


@pytest.fixture
def demo(tmp_path, monkeypatch):
    """A book of two tiny chapters, `good` and `bad`, in a folder of its own."""
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    body = {"good": f"print(answer)\n{LEAVE_RESULT}", "bad": "assert answer < 0, 'the answer is not negative'"}
    for name, code in body.items():
        cells = [
            nbformat.v4.new_markdown_cell(f"# [Re] {name}\n\nText."),
            nbformat.v4.new_code_cell(PARAMETERS),
            nbformat.v4.new_code_cell(code),
            nbformat.v4.new_code_cell("print('end')"),
        ]
        cells[1].metadata["tags"] = ["parameters"]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), notebooks / f"{name}.ipynb")
    (notebooks / "profiles.yml").write_text(PROFILES)
    monkeypatch.setattr(parameters, "asset", lambda name: notebooks / name)
    for module in (site, execution, parameters):
        monkeypatch.setattr(module, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(execution, "BUILD", tmp_path / "_build")
    return tmp_path


def test_the_command_line_wins_over_the_chapter_and_the_chapter_over_the_profile(tmp_path, monkeypatch):
    listed = tmp_path / "profiles.yml"
    listed.write_text("profiles: {ci: {epochs: 7, batch_size: 9}}\nchapters: {fer2013_cnn: {ci: {epochs: 8}}}\n")
    monkeypatch.setattr(parameters, "asset", lambda name: listed)
    planned = execution.plan("fer2013_cnn", "ci", {}).parameters
    assert (planned["epochs"], planned["batch_size"]) == (8, 9)
    assert execution.plan("fer2013_cnn", "ci", {"epochs": 3}).parameters["epochs"] == 3


def test_an_unknown_profile_is_answered_with_the_known_ones():
    with pytest.raises(ParameterError, match="no profile 'fast'; there are ci, default, full"):
        execution.plan("fer2013_cnn", "fast")


def test_an_unchanged_run_is_kept_and_a_changed_parameter_is_not(demo):
    run = execution.plan("good", "default")
    assert not execution.is_current(run)
    assert execution.execute(run, progress=False) is None
    assert execution.is_current(execution.plan("good", "default"))
    assert not execution.is_current(execution.plan("good", "default", {"answer": 2}))


def test_a_run_has_the_kernel_of_this_python_where_the_user_has_another_of_the_same_name(demo, monkeypatch):
    kernel = demo / "jupyter/kernels/python3/kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text('{"argv": ["false"], "display_name": "another", "language": "python"}')
    monkeypatch.setenv("JUPYTER_PATH", str(demo / "jupyter"))
    assert execution.execute(execution.plan("good", "default"), progress=False) is None


def test_changed_code_runs_again_and_other_chapters_stay(demo, monkeypatch):
    digest = {"good": "1", "bad": "1"}
    monkeypatch.setattr(execution, "code_fingerprint", lambda chapter: {"notebook": digest[chapter]})
    before = {chapter: execution.plan(chapter, "default").fingerprint for chapter in digest}
    digest["good"] = "2"
    assert execution.plan("good", "default").fingerprint != before["good"]
    assert execution.plan("bad", "default").fingerprint == before["bad"]


def test_a_notebook_that_raises_is_kept_up_to_the_error_and_the_others_go_on(demo, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["fer-book", "run", "bad", "good"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "bad failed in cell" in capsys.readouterr().err
    kept = nbformat.read(execution.BUILD / "runs/default/bad/failed.ipynb", as_version=4)
    assert kept.metadata["papermill"]["exception"] and "negative" in json.dumps(kept.cells)
    assert not list((execution.BUILD / "runs").rglob("*partial*"))
    assert execution.is_current(execution.plan("good", "default")) and not execution.is_current(execution.plan("bad", "default"))


def test_a_run_says_what_rendered_faces_stand_in_for_and_where_it_was_left(demo, monkeypatch, capsys):
    (demo / "data" / "faces").mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["fer-book", "run", "good", "-p", "answer=2", "--data", str(demo / "data")])
    monkeypatch.chdir(demo)
    monkeypatch.setenv("FER_BOOK_DATA", "")
    for end in ("done, in", "unchanged, kept in"):
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert ended.value.code == 0
        said = capsys.readouterr().out
        assert f"good: {end} _build/runs/default/good" in said
        if end == "done, in":
            assert f"data rendered_faces in place of fer2013 (no such folder in {demo / 'data'})" in said


def test_a_page_has_a_banner_when_its_run_failed_and_another_when_there_is_none(demo):
    execution.execute(execution.plan("bad", "default"), progress=False)
    failed = nbformat.read(execution.BUILD / "runs/default/bad/failed.ipynb", as_version=4)
    assert "This chapter's run failed" in pages.dressed(failed, "default", execution.BUILD / "runs/default/bad").cells[0].source
    fresh = nbformat.read(parameters.NOTEBOOKS / "good.ipynb", as_version=4)
    assert "has not been run" in pages.dressed(fresh, "default", execution.BUILD / "runs/default/good").cells[0].source


def test_a_number_that_no_cell_has_left_is_a_dash_and_others_stay(demo):
    notebook = nbformat.read(demo / "notebooks/good.ipynb", as_version=4)
    notebook.cells[0].source += " {glue:text}`left:.2f` of {glue:text}`lost:,` %\n\n```{glue:} box\n```\n"
    left = nbformat.v4.new_output("display_data", data={"text/plain": "1"}, metadata={"scrapbook": {"name": "left"}})
    notebook.cells[2].outputs = [left]
    assert (
        pages.dressed(notebook, "default", execution.BUILD / "runs/default/good")
        .cells[0]
        .source.endswith("Text. {glue:text}`left:.2f` of – %\n\n–\n")
    )


@pytest.mark.parametrize(("verdict", "title"), [("reproduced", "[Re] good"), ("inconsistent", "[¬Re] good"), ("", "good")])
def test_the_title_follows_from_the_verdict_on_the_main_claim(demo, verdict, title):
    notebook = nbformat.read(execution.NOTEBOOKS / "good.ipynb", as_version=4)
    page = pages.dressed(notebook, "default", execution.BUILD / "runs/default/good", verdict)
    assert page.cells[0].source.startswith(f"# {title}")


def test_the_verdict_of_a_title_is_that_of_the_ledger():
    rows = [
        {"paper": "fer2013_cnn", "claim": "headline_accuracy", "verdict": "inconsistent"},
        {"paper": "fer2013_cnn", "claim": "total_parameters", "verdict": "reproduced"},
    ]
    assert pages.main_verdict("fer2013_cnn", rows) == "inconsistent" and pages.main_verdict("methodology", rows) == ""
    chips = pages.counted_verdicts(rows)
    assert "1 reproduced" in chips and "1 inconsistent" in chips and pages.counted_verdicts(rows, "methodology") == ""


def test_the_status_table_says_what_ran_and_what_failed(demo):
    for chapter in ("good", "bad"):
        execution.execute(execution.plan(chapter, "default"), progress=False)
    metadata = [
        execution.kept_metadata(execution.BUILD / "runs/default" / name) for name in ("good/notebook.ipynb", "bad/failed.ipynb")
    ]
    table = pages.status_table(metadata)
    assert "| complete |" in table and "| **failed** |" in table and "rendered_faces" in table
    assert pages.status_table([{}]) == "No chapter has been run yet."


def test_the_time_of_a_build_is_the_sum_of_its_runs():
    runs = [{"papermill": {"duration": 90.0}}, {"papermill": {"duration": 150.0}}, {}]
    assert "The 2 chapters of this build took 4 minutes" in pages.duration_sentence(runs)
    assert "No chapter has been run" in pages.duration_sentence([{}])


def test_every_mark_on_a_page_is_filled(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    site.lay_out("ci", tmp_path / "site")
    left = {
        path.name: re.findall(r"<!-- (?!no result).*? -->|\[\[[a-z].*?\]\]", path.read_text())
        for path in (tmp_path / "site/book").glob("*.md")
    }
    assert not any(left.values()) and {"papers.md", "reproduce.md", "status.md"} <= left.keys()


def test_every_picture_on_a_page_has_a_text_for_those_who_cannot_see_it():
    texts = [path.read_text() for path in (ROOT / "README.md", ROOT / "fer_utils/book/pages.py", *(ROOT / "book").rglob("*.md"))]
    pictures = [
        found
        for text in texts
        for found in re.findall(r"!\[[^\]]*\]\(|<img[^>]*>|^```\{(?:image|figure)\}.*?^```", text, re.MULTILINE | re.DOTALL)
    ]
    assert len(pictures) >= 2
    assert [one for one in pictures if not re.search(r"!\[[^\]]{10,}\]|alt=\"[^\"]{10,}|:alt: .{10,}", one)] == []


def test_an_executed_notebook_holds_no_path_of_the_machine(demo):
    execution.execute(execution.plan("good", "default"), progress=False)
    assert str(demo) not in (execution.BUILD / "runs/default/good/notebook.ipynb").read_text()


def test_numbers_in_pages_come_from_claims_and_results():
    page = pages.filled("[[fer2013_cnn.claim.headline_accuracy]], [[fer2013_cnn.test]]")
    assert page == f"88.29 percent, {store.published_result('fer2013_cnn').metric('test')}"
    assert pages.filled("[[fer2013_cnn.claim.total_parameters]]") == "879,623 parameters"
    assert pages.filled("[[ckplus_oulu_3dcnn.claim.configurations_tested]]") == "800"
    with pytest.raises(KeyError):
        pages.filled("[[fer2013_cnn.nonsense]]")


def config_with(url):
    return pages.site_config((ROOT / "_config.yml").read_text().replace('url: ""', f'url: "{url}"'))


def buttons(config):
    """Which of the settings that make a button leading to the repository are on."""
    launchers = ("binderhub_url", "colab_url", "jupyterhub_url", "thebe")
    places = [*config["html"].items(), *((name, config["launch_buttons"].get(name)) for name in launchers)]
    return {name for name, value in places if value and (name.endswith("_button") or name in launchers)}


def test_without_a_repository_address_no_page_has_a_button_that_needs_it():
    config = yaml.safe_load(config_with(""))
    assert config["repository"]["url"] == "" and not buttons(config)


@pytest.mark.parametrize(
    "url", ["https://github.com/o/the-book", "https://github.com/o/the-book/", "https://github.com/o/the-book.git"]
)
def test_the_address_of_the_repository_brings_the_buttons(url):
    config = yaml.safe_load(config_with(url))
    assert config["repository"]["url"] == "https://github.com/o/the-book"
    sources = {"use_repository_button", "use_edit_page_button", "use_issues_button"}
    assert buttons(config) == sources | {"binderhub_url", "colab_url"}


@pytest.mark.parametrize("url", ["https://example.org/o/the-book", "github.com/o/the-book", "https://github.com/o"])
def test_an_address_that_would_make_dead_links_is_refused(url):
    with pytest.raises(ParameterError, match="expected https://github.com/OWNER/NAME"):
        config_with(url)


def test_a_page_links_to_the_results_that_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "BUILD", tmp_path)
    published = store.published_result("fer2013_cnn")
    store.write_result(published, tmp_path / "runs/ci/fer2013_cnn/result.json")
    site.lay_out("ci", tmp_path / "site")
    laid = tmp_path / "site/book/static/results"
    assert {path.name for path in laid.iterdir()} == {
        "fer2013_cnn.json", "fer2013_cnn.full.json", "mobilenet_center_loss.full.json",
    }  # fmt: skip
    for chapter, linked in {"fer2013_cnn": 2, "mobilenet_center_loss": 1, "scoreboard": 0}.items():
        first = nbformat.read(tmp_path / f"site/notebooks/{chapter}.ipynb", as_version=4).cells[0].source
        assert first.count("_static/results/") == linked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "fer2013_cnn", "-p", "dataset=fer2013"], "how to get it"),
        (["run", "--data", "/nowhere"], "data folder /nowhere does not exist"),
        (["run", "fer2013_cnn", "-p", "epochs=ten"], "parameter epochs = 'ten'"),
        (["run", "fer2013_cnn", "-p", "epochs"], "expected name=value"),
        (["run", "no_such_chapter"], "no chapter 'no_such_chapter'"),
        (["data", "check", "ferr", "."], "no dataset 'ferr'"),
        (["publish", "claims_audit"], "no finished full run"),
    ],
)
def test_bad_input_ends_with_status_2_and_a_sentence(arguments, message):
    ended = fer_book(*arguments)
    assert ended.returncode == 2 and message in ended.stderr and "Traceback" not in ended.stderr


def test_data_check_prints_counts_and_ends_with_1_where_they_differ(fer2013_folder):
    ended = fer_book("data", "check", "fer2013", str(fer2013_folder), "--json")
    assert ended.returncode == 1 and json.loads(ended.stdout)["counts"]["Training"]["anger"] == 2
    assert "not as published" in fer_book("data", "check", "fer2013", str(fer2013_folder)).stdout


def test_make_book_hands_status_2_on_and_builds_nothing(tmp_path):
    import subprocess

    ended = subprocess.run(
        ["make", "-o", ".venv/ready", "book", "FER_BOOK_DATA=/nowhere", f"BIN={sys.prefix}/bin"],
        check=False, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 2 and "/nowhere does not exist" in ended.stderr and "jupyter-book" not in ended.stdout
