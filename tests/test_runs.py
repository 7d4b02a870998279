"""A run among what surrounds it: it ends whole or leaves what was there, whatever the user's settings are."""

import errno
import io
import json
import os
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT
from test_book import demo  # noqa: F401  # a fixture

from fer_utils.book import cli, execution, kernel, pages
from fer_utils.book.kernel import ProgressLines
from fer_utils.results import paths

DRAWS = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


def ran(chapter="good", **overrides):
    """The run of a chapter, executed, and its error."""
    run = execution.plan(chapter, "default", overrides)
    return run, execution.execute(run, progress=False)


def with_figure(book, code):
    """Give the chapter `good` a figure, drawn by the code."""
    path = book / "notebooks/good.ipynb"
    notebook = nbformat.read(path, as_version=4)
    cell = nbformat.v4.new_code_cell(code)
    cell.metadata["mystnb"] = {"figure": {"name": "fig-line", "caption": "A line."}}
    notebook.cells.append(cell)
    nbformat.write(notebook, path)


def left_over(book):
    """Whatever lies in the folder of runs beside what finished runs keep."""
    kept = {"notebook.ipynb", "result.json", "failed.ipynb"}
    return [path for path in (book / "_build/runs").rglob("*") if path.is_file() and path.name not in kept]


def test_what_an_earlier_run_left_stays_where_the_next_is_interrupted(demo, monkeypatch):  # noqa: F811
    first, failure = ran()
    assert failure is None

    def interrupted(source, folder, parameters, changes, *, progress):
        (folder / "result.json").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "run_notebook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ran(answer=2)
    assert (first.folder / "result.json").read_text() == "1" and not left_over(demo)
    assert execution.is_current(execution.plan("good", "default"))
    assert not execution.is_current(execution.plan("good", "default", {"answer": 2}))


def test_a_run_whose_result_was_deleted_or_changed_is_made_again(demo):  # noqa: F811
    run, _ = ran()
    (run.folder / "result.json").write_text("2")
    assert not execution.is_current(run)
    (run.folder / "result.json").unlink()
    assert not execution.is_current(run)


def test_a_run_that_fails_leaves_the_result_before_it_and_is_not_taken_for_it(demo):  # noqa: F811
    run, _ = ran()
    with_figure(demo, "raise ValueError('no')")
    failed, failure = ran()
    assert failure == "good failed in cell 5: ValueError: no" and (run.folder / "result.json").read_text() == "1"
    page = nbformat.read(failed.failed_notebook, as_version=4)
    assert "This chapter's run failed" in pages.dressed(page, "default", failed.folder).cells[0].source
    assert not execution.is_current(failed) and not left_over(demo)


def test_a_run_that_was_killed_leaves_nothing_once_it_is_run_again(demo):  # noqa: F811
    killed = demo / "_build/runs/default/.good.partial"
    killed.mkdir(parents=True)
    (killed / "result.json").write_text("half")
    run, failure = ran()
    assert failure is None and execution.is_current(run) and not killed.exists() and not left_over(demo)


@pytest.mark.parametrize("backend", ["Agg", "TkAgg"])
def test_figures_are_drawn_whatever_backend_the_user_has_set(demo, monkeypatch, backend):  # noqa: F811
    monkeypatch.setenv("MPLBACKEND", backend)
    with_figure(demo, DRAWS)
    run, failure = ran()
    assert failure is None and "image/png" in json.dumps(nbformat.read(run.notebook, as_version=4).cells[-1].outputs)
    assert os.environ["MPLBACKEND"] == backend, "the user's own is as it was"


def test_a_figure_that_was_not_drawn_is_a_failure(demo):  # noqa: F811
    with_figure(demo, "1 + 1")
    _, failure = ran()
    assert failure == "good ended without the figure fig-line: does the code of its cell draw one?"


def test_start_up_files_of_ipython_do_not_run(demo, monkeypatch):  # noqa: F811
    start_up = demo / "ipython/profile_default/startup"
    start_up.mkdir(parents=True)
    (start_up / "00.py").write_text("raise SystemExit\n")
    (start_up / "01.py").write_text("print = None\n")
    monkeypatch.setenv("IPYTHONDIR", str(demo / "ipython"))
    assert ran()[1] is None


def test_a_run_does_not_mind_long_paths(demo, monkeypatch, tmp_path):  # noqa: F811
    long = tmp_path / ("t" * 97)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    monkeypatch.setattr(kernel.tempfile, "tempdir", None)
    monkeypatch.setattr(execution, "BUILD", long / "_build")
    assert ran()[1] is None


def test_relative_folders_are_those_of_where_they_were_typed(demo, monkeypatch):  # noqa: F811
    (demo / "data").mkdir()
    monkeypatch.chdir(demo)
    monkeypatch.setenv("FER_BOOK_CACHE", "cache")
    seen = {}

    def looked_at(source, folder, parameters, changes, *, progress):
        seen.update(changes, parameters=parameters)
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "run_notebook", looked_at)
    with pytest.raises(KeyboardInterrupt):
        ran(data_root="data")
    assert seen["FER_BOOK_CACHE"] == str(demo / "cache") and seen["FER_BOOK_DATA"] == str(demo / "data")
    assert "data_root" not in seen["parameters"], "a page shows no path of the machine"


def test_in_a_file_a_bar_is_a_line_every_ten_seconds_and_tensorflows_notices_are_left_out(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(kernel.time, "monotonic", lambda: clock[0])
    stream = io.StringIO()
    lines = ProgressLines(stream)
    for second in range(25):
        clock[0] = float(second)
        lines.write(f"\rtraining: {4 * second:3}%|####| {second}/25 [00:01, 1.0it/s]")
    lines.write("\x1b[A\n\x1b[A")
    lines.write("I0000 00:00:1795643113.143005    5465 cudart_stub.cc:31] Could not find cuda drivers\nUserWarning: seen\n")
    shown = stream.getvalue().splitlines()
    assert [line.split(":")[0] for line in shown] == ["training", "training", "UserWarning"]
    assert " 40%" in shown[0] and " 80%" in shown[1]


def test_a_partial_file_of_a_process_that_died_goes_when_the_file_is_written(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, mine = tmp_path / f".{ended.pid}.partial.a.txt", tmp_path / f".{os.getpid()}.partial.b.txt"
    dead.write_text("half")
    mine.write_text("half")
    paths.write_text_atomically(tmp_path / "a.txt", "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == [mine.name, "a.txt"]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "cannot write /there/_build: Read-only file system; set FER_BOOK_CACHE"),
        (errno.ENOSPC, "cannot write /there/_build: No space left on device\n"),
    ],
)
def test_a_place_that_cannot_be_written_is_a_sentence_and_status_2(demo, monkeypatch, capsys, number, said):  # noqa: F811
    def refused(run):
        raise OSError(number, os.strerror(number), "/there/_build")

    monkeypatch.setattr(execution, "execute", refused)
    monkeypatch.setattr(sys, "argv", ["fer-book", "run", "good"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and f"fer-book: {said}" in capsys.readouterr().err


def test_settings_of_keras_in_the_users_folder_decide_nothing(tmp_path):
    (tmp_path / "keras.json").write_text(
        '{"floatx": "float16", "image_data_format": "channels_first", "epsilon": 0.1, "backend": "tensorflow"}'
    )
    code = "import keras; from fer_utils.models import registry; c = keras.config\n"
    code += "print(c.floatx(), c.image_data_format(), c.epsilon(), c.dtype_policy().name)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"KERAS_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["float32", "channels_last", "1e-07", "float32"]
