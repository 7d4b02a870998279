"""Fan-out over local workers and clusters: order, threads, dead workers, schedulers that do not answer."""

import gc
import hashlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster, wait

from fer_utils.book import cli, execution
from fer_utils.training import parallel
from fer_utils.training.parallel import LostItems, ScaleOutError, fan_out

LOCAL = {"workers": 2, "memory_limit": "500 MB"}


@pytest.fixture(scope="module", autouse=True)
def workers_stopped_at_the_end():
    yield
    parallel.stop_workers()


@pytest.fixture
def cluster():
    """A cluster of one worker that lives in this process."""
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0") as running:
        yield running
        parallel.stop_workers()


def product(seed):
    """Digest of a matrix product, whose last bits depend on the number of threads."""
    factors = np.random.default_rng(seed).normal(size=(2, 700, 700)).astype(np.float32)
    time.sleep(0.05 * (3 - seed))
    return seed, hashlib.sha256((factors[0] @ factors[1]).tobytes()).hexdigest()


def threads_and_variables(_):
    import threadpoolctl

    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}, dict(os.environ)


def is_imported(module):
    return module in sys.modules


def process_number(_):
    return os.getpid()


def accident(item):
    """Leaves its name and times in a folder; `once` kills its worker the first time, `large` fills the memory each time."""
    name, folder = item
    print(f"{name} begins", flush=True)
    folder.joinpath(f"{name} begun {time.time()}").touch()
    time.sleep(0.2)
    if name == "once" and len(list(folder.glob("once begun*"))) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    filled = [np.ones(2_000_000) for _ in range(100) if name == "large" and not time.sleep(0.02)]
    assert not filled, "1.6 GB were filled in spite of the limit"
    folder.joinpath(f"{name} ended {time.time()}").touch()
    return name


def refuse(item):
    folder, number = item
    folder.joinpath(str(number)).touch()
    if number == 0:
        raise KeyError("the first one")
    time.sleep(0.5)


def test_workers_can_be_started_early_and_import_what_they_will_need():
    parallel.start_workers(1, memory_limit=LOCAL["memory_limit"], preload=["wave"])
    (starting,) = parallel._started.values()
    assert not starting.done()
    assert fan_out(is_imported, ["wave", "turtle"], **LOCAL | {"workers": 1}) == [True, False]


def test_results_have_the_order_of_the_items_and_do_not_depend_on_the_number_of_workers():
    one = fan_out(product, range(4), **LOCAL | {"workers": 1})
    assert [seed for seed, _ in one] == [0, 1, 2, 3] and len({digest for _, digest in one}) == 4
    assert fan_out(product, range(4), **LOCAL) == one


def test_a_worker_computes_on_one_thread_and_this_process_on_as_many_as_before():
    [(threads, variables)] = fan_out(threads_and_variables, [None], **LOCAL)
    assert threads == {1}
    for name in (*parallel.BLAS_THREADS, *parallel.OTHER_THREADS):
        assert variables[name] == "1"
    assert not set(parallel.OTHER_THREADS) & set(os.environ)


def test_workers_that_are_kept_see_the_cache_folder_that_this_process_has_now(tmp_path, monkeypatch):
    for folder in (tmp_path / "one", tmp_path / "other"):
        monkeypatch.setenv("FER_BOOK_CACHE", str(folder))
        [(_, variables)] = fan_out(threads_and_variables, [None], **LOCAL)
        assert variables["FER_BOOK_CACHE"] == str(folder)


def test_workers_that_never_come_back_are_started_anew(monkeypatch):
    monkeypatch.setattr(parallel, "WORKERS_BACK_S", 1.0)
    (first,) = fan_out(process_number, [None], **LOCAL | {"workers": 1})
    (starting,) = parallel._started.values()
    starting.result().cluster.scale(0)
    while starting.result().nthreads():
        time.sleep(0.05)
    (second,) = fan_out(process_number, [None], **LOCAL | {"workers": 1})
    assert second not in (first, os.getpid())


@pytest.fixture(scope="module")
def accidents(tmp_path_factory):
    """The error and the folder that a fan-out leaves in which two items lose their workers."""
    folder = tmp_path_factory.mktemp("accidents")
    names = ["sound", "once", "calm", "large", "quiet", "last"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FER_BOOK_CACHE", str(folder / "cache"))
        patch.setenv("TQDM_DISABLE", "1")
        with pytest.raises(LostItems) as caught:
            fan_out(accident, [(name, folder) for name in names], **LOCAL, names=names)
    return caught.value, folder


def times(folder, event):
    """(time, name) of what `accident` noted of an event, in order."""
    return sorted((float(path.name.split()[2]), path.name.split()[0]) for path in folder.glob(f"* {event} *"))


def test_nothing_is_lost_with_a_killed_worker(accidents):
    assert accidents[0].results == ["sound", "once", "calm", None, "quiet", "last"]


def test_only_what_lost_its_worker_runs_again_and_only_once(accidents):
    counts = Counter(name for _, name in times(accidents[1], "begun"))
    assert counts == {"sound": 1, "once": 2, "calm": 1, "large": 2, "quiet": 1, "last": 1}


def test_what_is_done_does_not_run_again_where_its_worker_dies_and_this_process_hears_of_it_late(tmp_path, monkeypatch):
    """As on a busy machine: the dead worker's successor works before this process looks at what has happened."""
    submitted, workers = set(), set()

    def wait_late(futures, **options):
        (starting,) = parallel._started.values()
        client = starting.result()
        submitted.update(future.key for future in futures)
        workers.update(client.nthreads())
        if len(submitted) == 2 and len(workers) == 1:
            while not set(client.nthreads()) - workers:
                time.sleep(0.05)
            client.submit(process_number, None).result()  # after all that the successor was given before
        return wait(futures, **options)

    monkeypatch.setattr(parallel, "wait", wait_late)
    parallel.stop_workers()
    assert fan_out(accident, [(name, tmp_path) for name in ("calm", "once")], **LOCAL | {"workers": 1}) == ["calm", "once"]
    assert len(workers) == 2
    assert Counter(name for _, name in times(tmp_path, "begun")) == {"calm": 1, "once": 2}


def test_what_lost_its_worker_runs_again_when_all_others_are_done(accidents):
    others_done = max(at for at, name in times(accidents[1], "ended") if name != "once")
    assert sorted(name for at, name in times(accidents[1], "begun") if at > others_done) == ["large", "once"]


def test_what_is_lost_twice_is_named_with_the_reason_and_what_to_do(accidents):
    message = str(accidents[0])
    assert "1 of 6 were lost twice" in message and "once" not in message.split("alone: ")[1]
    assert "large (its worker came near its memory limit of 476.84 MiB and was ended)" in message
    assert "larger memory limit, fewer workers" in message and "smaller batch size" in message


def test_what_a_worker_prints_is_in_the_file_that_the_message_names(accidents):
    error, folder = accidents
    assert str(error).endswith(f"printed is in {folder}/cache/workers/printed.log.")
    assert "large begins" in (folder / "cache/workers/printed.log").read_text()


def test_what_a_function_raises_comes_out_as_it_is_and_the_rest_is_not_begun(tmp_path):
    with pytest.raises(KeyError, match="the first one"):
        fan_out(refuse, [(tmp_path, number) for number in range(6)], **LOCAL | {"workers": 1})
    assert [path.name for path in tmp_path.glob("?")] == ["0"]


def test_a_running_cluster_is_used(cluster):
    assert fan_out(process_number, [None, None], scheduler=cluster.scheduler_address) == [os.getpid()] * 2


def test_a_scheduler_that_goes_away_is_reported(cluster):
    threading.Timer(1.0, cluster.close).start()
    with pytest.raises(ScaleOutError, match="scheduler went away"):
        fan_out(time.sleep, [0.4] * 20, scheduler=cluster.scheduler_address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nowhere"])
def test_a_scheduler_that_nobody_answers_at_is_reported(address, monkeypatch):
    monkeypatch.setattr(parallel, "CONNECT_TIMEOUT_S", 1)
    with pytest.raises(ScaleOutError, match=f"no Dask scheduler answers at {address} within 1 s.*check host, port"):
        fan_out(abs, [1], scheduler=address)


def test_without_workers_the_items_are_done_in_this_process_and_in_order():
    assert fan_out(process_number, range(3), workers=0) == 3 * [os.getpid()]
    assert fan_out(product, [3, 1, 2], workers=0) == [product(3), product(1), product(2)]


def test_negative_workers_and_names_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="workers -1, expected at least 0"):
        fan_out(abs, [1], workers=-1)
    with pytest.raises(ValueError, match="shorter"):
        fan_out(abs, [1, 2], names=["one"])


def test_nothing_is_collected_while_workers_start(monkeypatch):
    """A client that reached no scheduler, collected while a cluster starts, waits for ever for a lock of that thread."""
    collecting = []

    def cluster(**options):
        collecting.append(gc.isenabled())
        raise RuntimeError("no cluster in this test")

    parallel.stop_workers()
    monkeypatch.setattr(parallel, "LocalCluster", cluster)
    with pytest.raises(RuntimeError, match="no cluster in this test"):
        fan_out(abs, [1], workers=1)
    assert collecting == [False] and gc.isenabled()


def test_chapters_run_at_once_and_failed_ones_are_listed_and_kept(tmp_path):
    import nbformat

    runs = []
    codes = {
        "good": "import os; open(os.environ['FER_BOOK_OUTPUT'] + '/result.json', 'w').write('{}')",
        "bad": "assert False, 'of purpose'",
        "dead": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    }
    for name, code in codes.items():
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)], metadata={"kernelspec": kernel})
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        runs.append(execution.Run(str(tmp_path / name), "ci", {}, "none", "0", tmp_path / f"run of {name}"))
    bad, dead = execution.execute_at_once(runs, workers=2)
    assert "bad failed in cell 1: AssertionError: of purpose" in bad and "dead failed: Kernel died" in dead
    assert [execution.is_current(run) for run in runs] == [True, False, False]
    assert [run.notebook.exists() for run in runs] == [not run.failed_notebook.exists() for run in runs] == [True, False, False]


def test_the_command_ends_with_status_2_where_no_scheduler_answers(monkeypatch, capsys):

    monkeypatch.setattr(parallel, "CONNECT_TIMEOUT_S", 1)
    monkeypatch.setattr(execution, "plan", lambda *given: execution.Run("demo", "ci", {}, "none", "0", Path("nowhere")))
    monkeypatch.setattr("sys.argv", ["fer-book", "run", "demo", "--scheduler", "tcp://127.0.0.1:9"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and "no Dask scheduler answers at tcp://127.0.0.1:9" in capsys.readouterr().err
