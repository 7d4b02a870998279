"""`make full`: the whole book under `ci`, killed at twenty random moments and started again each time."""

import os
import random
import signal
import subprocess
import sys
import time

from conftest import ROOT
from test_notebooks import measured

from fer_utils.book.parameters import chapters
from fer_utils.results import store

KILLS, EARLIEST_S, LATEST_S = 20, 5.0, 40.0
RUN_ALL = """
import sys; from pathlib import Path; from fer_utils.book import cli, execution
execution.BUILD = Path(sys.argv.pop(1)); sys.argv[1:] = ["run", "--profile", "ci"]; cli.main()
"""


def test_a_book_that_is_killed_at_random_moments_ends_with_the_same_results_and_no_leftover_files(tmp_path, ci_run_of):
    command = [sys.executable, "-c", RUN_ALL, str(tmp_path / "build")]
    environment = os.environ | {"FER_BOOK_CACHE": str(tmp_path / "cache"), "TQDM_DISABLE": "1"}
    moments = random.Random(19)
    for _ in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(moments.uniform(EARLIEST_S, LATEST_S))
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    for chapter in set(chapters()) - {"scoreboard"}:  # which counts what the others left beside it
        result = store.read_result(tmp_path / "build/runs/ci" / chapter / "result.json")
        assert measured(result) == measured(store.read_result(ci_run_of(chapter).folder / "result.json")), chapter
    assert not [path for path in tmp_path.rglob("*") if "partial" in path.name]
