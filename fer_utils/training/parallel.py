"""Fan-out: one function over many items, in worker processes of this machine or of any Dask cluster.

Folds, trials of a search and chapters all go through `fan_out`. Its workers are started once and kept for the next call
with the same settings, since a new one needs seconds to import what it works with. A local worker computes on one thread,
however many there are: they do not compete for cores, and results do not depend on their number.
"""

from __future__ import annotations

import atexit
import functools
import gc
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from dask.utils import format_bytes
from distributed import Client, KilledWorker, LocalCluster, wait
from tqdm import tqdm

from fer_utils.datasets.base import DATA_VARIABLE
from fer_utils.results.paths import cache_folder

FOLDERS = ("FER_BOOK_CACHE", DATA_VARIABLE)
BLAS_THREADS = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
OTHER_THREADS = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")
LOCAL_SETTINGS = {
    # A worker loads BLAS before Dask gives it `env`. What is set here is there before; Dask sets it in this process to hand it
    # on, where BLAS is loaded already. The other variables must not come this way: they would slow what this process computes.
    "distributed.nanny.pre-spawn-environ": BLAS_THREADS | {"MALLOC_TRIM_THRESHOLD_": "65536"},
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,  # there is nothing to spill, so that
    "distributed.worker.memory.pause": False,  # a worker that paused for want of memory would never go on
}
# Run by a local worker at its start, before it imports anything that prints: a notebook shows all that its processes print.
PRINT_TO_FILE = "import os; log = os.open({!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND); os.dup2(log, 1); os.dup2(log, 2)"
CONNECT_TIMEOUT_S = 10
POLL_INTERVAL_S = 0.5  # how soon a worker that has come or come back gets an item
WORKERS_BACK_S = 60.0  # Dask starts a local worker that died again, but on a busy machine it may give up

_started: dict[tuple[int, str, str], Future[Client]] = {}  # one at most: this process's workers, by their settings


class ScaleOutError(RuntimeError):
    """Work could not be handed out; the message says what happened and what to do."""


class LostItems(ScaleOutError):
    """Items whose worker died twice. `results` has those of all items in order, None for a lost one."""

    def __init__(self, message: str, results: list[Any]) -> None:
        super().__init__(message)
        self.results = results


def fan_out(
    function: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    workers: int = 1,
    scheduler: str = "",
    memory_limit: str = "auto",
    names: Sequence[str] = (),
    description: str = "",
) -> list[Any]:
    """`function(item)` of every item, in the order of the items, with a progress bar.

    It runs in `workers` processes of this machine, or on the cluster whose scheduler is at the address `scheduler`, such as
    "tcp://host:8786"; `workers` and `memory_limit` mean nothing then. With 0 workers it runs in this process, which saves
    their start where there is little to do: an item is not run again, and the last digits are those of this process's
    threads. `memory_limit` is one worker's, such as "4 GB"; auto: the memory of the machine or container, divided by the
    workers. `names` say which item was lost.

    Function and items are pickled: the function is one of a module, items are small, and data is read where it is used.
    Workers have this process's environment, a cluster's only FER_BOOK_CACHE and FER_BOOK_DATA of it where they are set. What
    local workers print goes to `workers/printed.log` in the cache folder. A script calls this below
    `if __name__ == "__main__":`, since workers import it; a notebook needs nothing of the kind.

    An item whose worker dies (killed, or over its memory limit) is run once more when the others are done: alone, on
    this machine by a fresh worker, whose limit is all memory where it is auto. Raises LostItems naming those lost again,
    ScaleOutError when no scheduler answers within 10 s or it goes away, ValueError for fewer than 0 workers, and what the
    function raises, as it is, without beginning the rest.
    """
    items = list(items)
    if not items:
        return []
    if workers == 0 and not scheduler:
        return [function(item) for item in tqdm(items, desc=description or None)]
    names = list(names) or [f"item {number}" for number in range(1, len(items) + 1)]
    folders = {name: str(Path(os.environ[name]).expanduser().absolute()) for name in FOLDERS if os.environ.get(name)}
    calls = {
        number: functools.partial(_call, folders, function, item)
        for number, (item, _) in enumerate(zip(items, names, strict=True))
    }
    lost_twice: dict[int, str] = {}
    with tqdm(total=len(items), desc=description or None) as progress:
        results, lost = _run(functools.partial(_client, workers, scheduler, memory_limit), calls, progress)
        for number in lost:
            progress.set_postfix_str(f"once more, alone: {names[number]}")
            if not scheduler:
                stop_workers()
            found, again = _run(functools.partial(_client, 1, scheduler, memory_limit), {number: calls[number]}, progress)
            results |= found
            lost_twice |= again
    if lost_twice:
        raise LostItems(
            f"{len(lost_twice)} of {len(items)} were lost twice, the second time running alone: "
            + "; ".join(f"{names[number]} ({reason})" for number, reason in lost_twice.items())
            + ". Give a worker more memory (a larger memory limit, fewer workers) or take a smaller batch size, and run again: "
            "what is finished and stored is not repeated." + ("" if scheduler else f" What the workers printed is in {_log()}."),
            [results.get(number) for number in range(len(items))],
        )
    return [results[number] for number in range(len(items))]


def start_workers(workers: int = 1, scheduler: str = "", *, memory_limit: str = "auto", preload: Sequence[str] = ()) -> None:
    """Begin to start the workers that `fan_out` of the same settings will use, and return at once; errors come from there.

    `preload` names modules that local workers import at their start, such as "fer_utils.training". A process has workers
    of one setting at a time; others are stopped. Nothing is started for 0 workers; raises ValueError for fewer.
    """
    if workers < 0:
        raise ValueError(f"workers {workers}, expected at least 0")
    if workers == 0 and not scheduler:
        return
    settings = (0, scheduler, "") if scheduler else (workers, "", memory_limit)
    if settings not in _started:
        stop_workers()
        starter = ThreadPoolExecutor(1)
        _started[settings] = starter.submit(_connect, scheduler, workers, memory_limit, preload)
        starter.shutdown(wait=False)


def stop_workers() -> None:
    """Stop the local workers of this process, or leave the cluster; also done at exit. The next `fan_out` starts anew."""
    while _started:
        starting = _started.popitem()[1]
        if starting.exception() is None:
            client = starting.result()
            cluster = client.cluster
            client.close()
            if cluster is not None:
                cluster.close()


atexit.register(stop_workers)


def _connect(scheduler: str, workers: int, memory_limit: str, preload: Sequence[str]) -> Client:
    if scheduler:
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # the exceptions say the same
        try:
            return Client(scheduler, timeout=CONNECT_TIMEOUT_S)
        except (OSError, ValueError, MemoryError) as error:  # the last: a web server's answer, read as a length
            raise ScaleOutError(
                f"no Dask scheduler answers at {scheduler} within {CONNECT_TIMEOUT_S} s ({error}): check host, port and "
                "firewall, or start one there (dask scheduler); without a scheduler's address the work is done on this machine"
            ) from None
    limit = {} if memory_limit == "auto" else {"memory_limit": memory_limit}
    log = _log()
    log.parent.mkdir(parents=True, exist_ok=True)
    with dask.config.set(LOCAL_SETTINGS), _nothing_collected():
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.CRITICAL,
            local_directory=str(log.parent),
            scheduler_kwargs={"allowed_failures": 0},
            env=OTHER_THREADS | {"TQDM_DISABLE": "1"},
            preload=[PRINT_TO_FILE.format(str(log)), *preload],
            **limit,
        )
        return Client(cluster)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No cycle of objects is collected meanwhile.

    A client that reached no scheduler closes itself when it is collected, and in the midst of a cluster's start it would wait
    for ever for a lock that is held there.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _client(workers: int, scheduler: str, memory_limit: str) -> Client:
    """The client of started workers, or of newly started ones where there are none that answer."""
    start_workers(workers, scheduler, memory_limit=memory_limit)
    (starting,) = _started.values()
    try:
        client = starting.result()
    except Exception:
        stop_workers()
        raise
    if client.status == "running":
        return client
    stop_workers()
    return _client(workers, scheduler, memory_limit)


def _run(
    connected: Callable[[], Client], calls: Mapping[int, Callable[[], Any]], progress: tqdm
) -> tuple[dict[int, Any], dict[int, str]]:
    """Results of the calls by number, and of those whose worker died, why.

    Local workers get one call each, so that a dying one takes no other with it; a cluster gets all, so that it can grow.
    Where no local worker has been there for a while, all are started anew: calls that wait for one have not begun.
    """
    waiting, results, lost = deque(calls), {}, {}
    running: dict[Any, int] = {}
    client, workers_seen = connected(), time.monotonic()
    try:
        while waiting or running:
            room = len(calls) if client.cluster is None else sum(client.nthreads().values())
            if room:
                workers_seen = time.monotonic()
            elif time.monotonic() - workers_seen > WORKERS_BACK_S:
                waiting.extendleft(reversed(running.values()))
                running.clear()
                stop_workers()
                client, workers_seen = connected(), time.monotonic()
                continue
            while waiting and len(running) < room:
                number = waiting.popleft()
                running[client.submit(calls[number], pure=False)] = number
            if not running:  # the only worker is being started again
                time.sleep(POLL_INTERVAL_S)
                continue
            try:
                done = wait(list(running), timeout=POLL_INTERVAL_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                continue
            for future in done:
                number = running.pop(future)
                try:
                    results[number] = future.result()
                    progress.update()
                except KilledWorker as error:
                    lost[number] = _reason(client, error)
                future.release()  # a result that is still asked for is computed again where the worker that keeps it dies
    except CancelledError:
        stop_workers()
        raise ScaleOutError(
            f"the Dask scheduler went away when {len(results)} of {len(calls)} were done; run again where it answers: what is "
            "finished and stored is not repeated"
        ) from None
    except KeyboardInterrupt:
        stop_workers()
        raise
    except Exception:
        client.cancel(list(running))
        raise
    return results, lost


def _reason(client: Client, error: KilledWorker) -> str:
    """Whether the dead worker was ended for its memory, which its nanny reports to the scheduler, or by somebody else."""
    ended = {event["worker"] for _, event in client.get_events("worker-restart-memory")}
    if error.last_worker.address in ended:
        return f"its worker came near its memory limit of {format_bytes(error.last_worker.memory_limit)} and was ended"
    return "its worker process died: killed, crashed, or ended by the system for want of memory"


def _log() -> Path:
    """Where local workers print to."""
    return cache_folder() / "workers" / "printed.log"


def _call(folders: Mapping[str, str], function: Callable[[Any], Any], item: Any) -> Any:
    os.environ.update(folders)
    return function(item)
