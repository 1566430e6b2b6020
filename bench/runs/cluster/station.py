"""In the process of a worker of dask: its trials are done by one local executor, kept alive.

What guards a trial of a run without a cluster guards it here: the fork server, the keeper, the
limits. The worker itself runs no plugin.
"""

from __future__ import annotations

import os
import platform
import queue
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import bench
from bench.data.digests import cache_folder
from bench.data.ready import ArrayGuard
from bench.errors import BenchError, DataError
from bench.machine import load, machine, version_of
from bench.protocol import FAILED, OK, Finished, Started, WorkerEvent, encode
from bench.records.predictions import take_from
from bench.runs.cluster.parcel import DATA, Parcel, Reply
from bench.runs.cluster.shelf import Shelf
from bench.runs.executor import LocalExecutor
from bench.runs.launch import POLL

#: The resource of a worker that a trial takes whole.
RESOURCE = "bench"
#: Seconds without a trial after which a worker lets go of its fork server.
IDLE = 60.0
#: What dask's nanny sets for its workers, and what a local run would have otherwise.
OF_A_NANNY = (
    "MALLOC_TRIM_THRESHOLD_",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)

Tell = Callable[[WorkerEvent], None]


@dataclass
class _Request:
    parcel: Parcel
    tell: Tell
    done: threading.Event = field(default_factory=threading.Event)
    reply: Reply = field(default_factory=Reply)
    error: Exception | None = None


class Station:
    """Does trials one after the other, in a thread of its own.

    A fork server ends with the thread that started it, and those of dask come and go.
    """

    def __init__(self, shelf: Shelf, executor: LocalExecutor | None = None) -> None:
        self.shelf = shelf
        self._executor = executor or LocalExecutor()
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="bench", daemon=True).start()

    def perform(self, parcel: Parcel, tell: Tell, is_wanted: Callable[[], bool]) -> Reply:
        """Do what a parcel asks for, and return what came of it.

        Args:
            parcel: The job with what it needs.
            tell: Is told what happens, in another thread.
            is_wanted: Once it is not, the trial is ended as at its limit of time.

        Raises:
            BenchError: The job cannot be done here.
            OSError: The disk of this machine is full, or cannot be written.
        """
        request = _Request(parcel, tell)
        self._requests.put(request)
        while not request.done.wait(POLL):
            if not is_wanted():
                self._executor.ask_to_stop()
        if request.error is not None:
            raise request.error
        return request.reply

    def release(self) -> None:
        """Let go of the fork server, once nothing is done any more."""
        self._requests.put(None)

    def _serve(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=IDLE)
            except queue.Empty:
                request = None
            if request is None:
                self._executor.cancel()
                continue
            try:
                request.reply = self._done(request)
            except Exception as error:
                request.error = error
            finally:
                request.done.set()

    def _done(self, request: _Request) -> Reply:
        parcel = request.parcel
        lacking = self.shelf.lacking(parcel)
        if lacking:
            return Reply(lacking)
        with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as scratch:
            try:
                job, data = self.shelf.unpack(parcel, Path(scratch))
            except DataError:
                return Reply((DATA,))  # Another trial of this machine has spoilt them meanwhile.
            finished: Finished | None = None
            self._executor.submit(job)
            for _, event in self._executor.events():
                if isinstance(event, Finished):
                    finished = event
                else:
                    request.tell(event)
            assert finished is not None, "an executor ends each job with its outcome"
            finished, predictions = _taken(finished, Path(job.predictions))
            model = _model(job.model)
        guard = data.guard
        changed, is_whole = _looked_at(guard) if guard else ("", True)
        here = {"machine": machine(), "load": load()}
        return Reply((), finished, predictions, model, changed, not is_whole, here)


def _looked_at(guard: ArrayGuard) -> tuple[str, bool]:
    """Return which data changed while a trial ran, and whether all of them are there.

    Data that another worker of this machine made sound again meanwhile count as changed: they
    look as they were, and the trial may have read what was wrong.
    """
    return guard.changed() or guard.replaced(), guard.is_whole()


def _taken(finished: Finished, file: Path) -> tuple[Finished, bytes | None]:
    """Return what a trial has left; a file of another form makes it a failure."""
    try:
        return finished, take_from(file)
    except BenchError as error:
        outcome = finished.outcome
        if outcome.status == OK:
            outcome = replace(outcome, status=FAILED, reason=str(error))
        return replace(finished, outcome=outcome), None


def _model(file: str) -> bytes | None:
    """Return the model that a trial left; the run says why there is none."""
    try:
        return take_from(Path(file)) if file else None
    except BenchError:
        return None


# What dask calls in a worker. Everything else of dask's is on the other side


@dataclass(frozen=True)
class Enrolled:
    """What a worker tells of itself: its machine, what people call that, and versions."""

    machine: str
    name: str
    versions: Mapping[str, str]


#: The states of a worker of dask that is on its end, or past it.
_ENDING = ("closing", "closed", "failed", "stopping", "stopped")

_STATIONS: WeakKeyDictionary[Any, Station] = WeakKeyDictionary()


async def enrol(
    packages: Iterable[str], environment: Mapping[str, str | None], dask_worker: Any
) -> Enrolled:
    """Make a worker of dask ready for trials.

    Args:
        packages: Those whose versions are told.
        environment: Variables that are set here, or not set, as where the run is.
        dask_worker: The worker.
    """
    if dask_worker not in _STATIONS:
        _STATIONS[dask_worker] = Station(Shelf(cache_folder() / "cluster"))
    for name, value in environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    await dask_worker.set_resources(**{RESOURCE: 1})
    return Enrolled(_machine(), socket.gethostname(), software(packages))


def perform(parcel: Parcel, topic: str, key: str) -> Reply:
    """Do a parcel's job in a worker, and log what happens under a topic.

    Raises:
        BenchError: The job cannot be done there.
        OSError: The disk of that machine is full, or cannot be written.
    """
    from distributed import get_worker

    worker = get_worker()

    def tell(event: WorkerEvent) -> None:
        line = "" if isinstance(event, Started) else encode(event)  # type: ignore[arg-type]
        worker.log_event(topic, {"key": key, "line": line})

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        is_open = worker.status.name not in _ENDING
        return is_open and task is not None and task.state != "cancelled"

    return _STATIONS[worker].perform(parcel, tell, is_wanted)


def receive(token: str, name: str, piece: bytes, dask_worker: Any) -> None:
    """Take a piece of a file; see ``Shelf.receive``."""
    _STATIONS[dask_worker].shelf.receive(token, name, piece)


def take_in(token: str, lacking: str, wanted: Mapping[str, str], dask_worker: Any) -> None:
    """Keep what was sent; see ``Shelf.take_in``."""
    _STATIONS[dask_worker].shelf.take_in(token, lacking, wanted)


def release(dask_worker: Any) -> None:
    """Have a worker let go of what it needs for trials."""
    if dask_worker in _STATIONS:
        _STATIONS[dask_worker].release()


def software(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions that a trial's result may depend on, of this process."""
    found = {name: version_of(name) or "absent" for name in packages}
    return {"Python": platform.python_version(), "bench": _suite(), **found}


@lru_cache(maxsize=1)
def _suite() -> str:
    """Return the suite's version, with the digest of its source: a checkout may have changed."""
    import hashlib

    folder = Path(bench.__file__).parent
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        total.update(f"{path.relative_to(folder).as_posix()}\n".encode() + path.read_bytes())
    return f"{bench.__version__} ({total.hexdigest()[:12]})"


def _machine() -> str:
    """Return what tells this machine from others; containers of one machine share it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
