"""An executor that sends jobs to the workers of a dask scheduler, and takes back what comes."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import time
import uuid
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.formatting import counted, one_line
from bench.protocol import (
    CRASHED,
    FAILED,
    Event,
    ExecutorLost,
    Finished,
    Job,
    MoreSlots,
    Outcome,
    Report,
    Started,
    decode,
)
from bench.runs.cluster import station
from bench.runs.cluster.machines import (
    ClusterWorker,
    InHand,
    Software,
    jobs_on,
    next_worker,
    slots_of,
    told_of,
)
from bench.runs.cluster.parcel import DATA, Parcel, Reply, files_to_send, pack, pieces
from bench.runs.launch import POLL

if TYPE_CHECKING:
    from distributed import Client, Future

#: How often a trial is given to another worker because its own was lost.
LOSSES = 3
#: How often a machine is sent what it lacks for one trial: what does not stay there will not.
SENDINGS = 3
#: Seconds between two looks at which workers there are.
LOOK = 1.0
#: Seconds that the scheduler, or the way of a result, may take.
PATIENCE = 30.0

Say = Callable[[str], None]


@dataclass(frozen=True)
class ClusterSetting:
    """What the trials of a run have in common.

    ``jobs`` is how many a machine does at once; ``own_memory`` says that each is bounded by the
    memory of its machine alone. ``packages`` are those whose versions have to be those of here,
    ``environment`` the variables that are, None where they are not set. ``make_sound`` makes a
    job's data whole again here. Without a worker a run ends after ``wait`` seconds, never if None.
    """

    jobs: int = 1
    own_memory: bool = True
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    make_sound: Callable[[Job], object] = lambda job: None
    wait: float | None = 300.0


@dataclass
class _Sent:
    """A job on its way: where it is, and what has become of it before.

    ``shared`` says whether another trial was on its machine meanwhile; ``alone`` that none may
    be, since one of those that were there has changed the data.
    """

    job: Job
    worker: ClusterWorker | None = None
    future: Future[Reply] | None = None
    begun: bool = False
    shared: bool = False
    alone: bool = False
    repaired: bool = False
    sendings: int = 0
    lost_on: list[ClusterWorker] = field(default_factory=list)


class DaskExecutor:
    """Runs jobs on the workers of a scheduler, a job a worker; see ``bench.protocol``.

    Which worker gets which job is decided here and not by dask, so that a machine has no more
    trials than it may have, and a trial that lost its worker goes to another machine.
    ``close`` is called at the end.
    """

    def __init__(
        self,
        client: Client,
        setting: ClusterSetting,
        say: Say,
        close: Callable[[], object] = lambda: None,
    ) -> None:
        self._client = client
        self._setting = setting
        self._say = say
        self._close = close
        self._software = Software(station.software(setting.packages))
        self._workers: dict[str, ClusterWorker] = {}
        self._gone: set[str] = set()
        self._refused: set[str] = set()
        self._waiting: deque[_Sent] = deque()
        self._placed: dict[str, _Sent] = {}
        self._news: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
        self._topic = f"bench-{uuid.uuid4().hex}"
        self._looked = 0.0
        self._without_workers_since: float | None = None
        client.subscribe_topic(self._topic, self._heard)

    @property
    def slots(self) -> int:
        """How many jobs there is room for, one at least."""
        return max(1, slots_of(self._workers.values(), self._setting.jobs))

    def gather(self, least: int = 1, seconds: float | None = PATIENCE) -> None:
        """Wait for workers, and compare what they compute with.

        Args:
            least: How many there have to be.
            seconds: How long to wait for them; None is for ever.

        Raises:
            BenchError: There are fewer, or one differs from here in a version.
            ExecutorLost: The scheduler is gone.
        """
        give_up = None if seconds is None else time.monotonic() + seconds
        while True:
            for worker, difference in self._arrivals():
                if difference:
                    raise BenchError(
                        f"the worker on {worker} has other versions: {difference}; "
                        "install the same on both"
                    )
            if len(self._workers) >= least:
                self._say(told_of(self._workers.values()))
                return
            if give_up is not None and time.monotonic() > give_up:
                raise BenchError(
                    f"{self._client.scheduler.address}: has {counted(len(self._workers), 'worker')}"
                    f" after {seconds:g} s; start one with `dask worker ADDRESS --nthreads 1`"
                )
            time.sleep(POLL)

    def submit(self, job: Job) -> None:
        """Queue a job; it is sent when ``events`` is read and a worker is free."""
        self._waiting.append(_Sent(job))

    def events(self) -> Iterator[Event]:
        """Send the queued jobs to free workers, and yield what happens.

        Raises:
            ExecutorLost: The scheduler is gone, or has had no worker for too long.
        """
        while self._waiting or self._placed:
            yield from self._look_around()
            yield from self._place()
            try:
                key, line = self._news.get(timeout=POLL)
            except queue.Empty:
                continue
            if key in self._placed:
                yield from self._follow(key, line)

    def cancel(self) -> None:
        """End all trials, let go of the workers, and of all that was started for them."""
        self._waiting.clear()
        placed, self._placed = self._placed, {}
        try:
            # Whatever a scheduler that is gone, or going, makes of this.
            with contextlib.suppress(Exception):
                if self._client.status == "running":
                    self._client.cancel([sent.future for sent in placed.values() if sent.future])
                    self._client.run(
                        station.release, workers=[*self._workers], on_error="ignore", wait=False
                    )
            with contextlib.suppress(Exception):
                self._client.close(timeout=POLL)
        finally:
            self._close()

    # Workers that come and go

    def _look_around(self) -> Iterator[Event]:
        now = time.monotonic()
        if self._client.status != "running":
            raise ExecutorLost("the scheduler is gone")
        if now - self._looked < LOOK:
            return
        before = self.slots
        for name, difference in self._arrivals():
            if difference:
                self._say(f"the worker on {name} is not used, it has other versions: {difference}")
        self._looked = time.monotonic()
        yield from self._departures()
        self._watch_for_workers(now)
        jobs = [*self._waiting, *self._placed.values()]
        if self.slots > before and jobs:
            yield jobs[0].job, MoreSlots()

    def _addresses(self) -> set[str]:
        """Return the addresses of all workers that the scheduler knows.

        Raises:
            ExecutorLost: It does not answer.
        """
        try:
            known = self._client.sync(self._client.scheduler.ncores, callback_timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            raise ExecutorLost(f"the scheduler is gone ({one_line(str(error), 80)})") from None
        return set(known)

    def _arrivals(self) -> Iterator[tuple[str, str]]:
        """Take in the workers that have come; yield each one's name, and what is other there."""
        there = self._addresses()
        self._gone = {*self._workers} - there
        for address in sorted(there - {*self._workers} - self._refused):
            enrolled = self._enrol(address)
            if enrolled is None:
                continue  # It has gone again.
            if isinstance(enrolled, Exception):
                name, difference = address, f"no such suite there ({one_line(str(enrolled), 120)})"
            else:
                name = enrolled.name
                difference = self._software.difference(Software(enrolled.versions))
            if difference:
                self._refused.add(address)
            elif isinstance(enrolled, station.Enrolled):
                self._workers[address] = ClusterWorker(address, enrolled.machine, name)
            yield name, difference

    def _enrol(self, address: str) -> station.Enrolled | Exception | None:
        """Have a worker made ready; return what it tells, or raises, or None if it is gone."""
        arguments = self._setting.packages, dict(self._setting.environment)
        try:
            replies = self._client.run(
                station.enrol, *arguments, workers=[address], on_error="return"
            )
        except Exception as error:
            return error if isinstance(error, ImportError) else None
        reply = replies.get(address)
        if isinstance(reply, station.Enrolled | ImportError | AttributeError):
            return reply
        return None

    def _departures(self) -> Iterator[Event]:
        """Give back the jobs of workers that are gone."""
        for address in self._gone:
            lost = self._workers.pop(address)
            left = told_of(self._workers.values())
            self._say(f"a worker on {lost.name} was lost; {left}")
            for key, sent in [*self._placed.items()]:
                if sent.worker == lost:
                    yield from self._give_back(key)

    def _give_back(self, key: str) -> Iterator[Event]:
        """Queue the job of a lost worker again, or end it if it has lost too many."""
        sent = self._placed.pop(key)
        assert sent.worker is not None
        sent.lost_on.append(sent.worker)
        if len(sent.lost_on) <= LOSSES:
            self._waiting.appendleft(sent)
            return
        names = ", ".join(dict.fromkeys(worker.name for worker in sent.lost_on))
        reason = f"its worker was lost {len(sent.lost_on)} times (on {names})"
        yield sent.job, Finished(Outcome(CRASHED, reason), "")

    def _watch_for_workers(self, now: float) -> None:
        if self._workers:
            self._without_workers_since = None
            return
        if self._without_workers_since is None:
            self._without_workers_since = now
            self._say("no worker is left; waiting for one")
        wait = self._setting.wait
        if wait is not None and now - self._without_workers_since > wait:
            raise ExecutorLost(f"there was no worker for {wait:g} s")

    # Jobs on their way

    def _place(self) -> Iterator[Event]:
        """Send what waits to workers that are free."""
        for _ in range(len(self._waiting)):
            sent = self._waiting[0]
            in_hand = [InHand(s.worker, s.alone) for s in self._placed.values() if s.worker]
            avoided = {worker.machine for worker in sent.lost_on}
            workers = [*self._workers.values()]
            worker = next_worker(workers, in_hand, self._setting.jobs, sent.alone, avoided)
            if worker is None:
                return
            self._waiting.popleft()
            try:
                parcel = pack(sent.job, self._jobs_on(worker), self._setting.own_memory)
            except OSError as error:
                yield sent.job, _failure(f"its data or files cannot be read ({error})")
                continue
            self._send(sent, worker, parcel)

    def _send(self, sent: _Sent, worker: ClusterWorker, parcel: Parcel) -> None:
        key = f"bench-{sent.job.trial.identity}-{uuid.uuid4().hex[:12]}"
        company = [each for each in self._placed.values() if _on(each, worker.machine)]
        for each in company:
            each.shared = True
        sent.worker, sent.shared, sent.begun = worker, bool(company), False
        self._placed[key] = sent
        sent.future = self._client.submit(
            station.perform,
            parcel,
            self._topic,
            key,
            key=key,
            workers=[worker.address],
            resources={station.RESOURCE: 1},
            pure=False,
        )
        sent.future.add_done_callback(lambda future: self._news.put((future.key, None)))

    def _heard(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Take what a worker logs; dask calls this in a thread of its own."""
        _, told = event
        self._news.put((str(told["key"]), str(told["line"])))

    def _follow(self, key: str, line: str | None) -> Iterator[Event]:
        """Yield what a worker tells of a job; without a line, the job is over there."""
        if line is None:
            yield from self._over(key)
            return
        sent = self._placed[key]
        yield from _begun(sent)
        message = decode(line) if line else None
        if isinstance(message, Report):
            yield sent.job, message

    def _over(self, key: str) -> Iterator[Event]:
        sent = self._placed[key]
        assert sent.future is not None
        try:
            reply: Reply = sent.future.result(timeout=PATIENCE)
        except (TimeoutError, asyncio.TimeoutError):
            yield from self._give_back(key)  # The worker was lost while it had the result.
            return
        except (Exception, CancelledError) as error:
            if sent.future.status == "cancelled" or self._client.status != "running":
                raise ExecutorLost("the scheduler is gone") from None
            del self._placed[key]
            is_told = isinstance(error, BenchError | OSError)
            yield sent.job, _failure(f"{'' if is_told else type(error).__name__ + ': '}{error}")
            return
        yield from self._taken(key, reply)

    def _taken(self, key: str, reply: Reply) -> Iterator[Event]:
        """Yield how a job ended, unless it is to be done again."""
        sent = self._placed.pop(key)
        worker = sent.worker
        assert worker is not None
        if reply.finished is None:
            yield from self._supply(sent, worker, reply.lacking)
            return
        yield from _begun(sent)
        outcome = reply.finished.outcome
        if reply.changed and sent.shared and not sent.alone:
            self._say(
                f"{sent.job.trial}: the data changed on {worker.name} while several trials ran "
                f"({reply.changed}); done again, alone"
            )
            self._waiting.append(_Sent(sent.job, alone=True))
            return
        if reply.changed:
            reason = f"the prepared data were changed while it ran ({reply.changed})"
            outcome = replace(outcome, status=FAILED, reason=reason)
        elif outcome.status == FAILED and reply.gone and not sent.repaired:
            self._waiting.append(_Sent(sent.job, repaired=True))
            return
        for file, content in (
            (sent.job.predictions, reply.predictions),
            (sent.job.model, reply.model),
        ):
            if content is not None:
                Path(file).write_bytes(content)
        there = {
            **reply.here,
            "jobs": self._jobs_on(worker),
            "shared": sent.shared or outcome.environment.get("shared", False),
        }
        whole = replace(outcome, environment={**outcome.environment, **there})
        yield sent.job, replace(reply.finished, outcome=whole)

    def _supply(
        self, sent: _Sent, worker: ClusterWorker, lacking: Iterable[str]
    ) -> Iterator[Event]:
        """Send a machine what it lacks, and the job once more."""
        sent.sendings += 1
        names = [*lacking]
        if sent.sendings > SENDINGS:
            reason = f"{' and '.join(names)} did not stay on {worker.name}, though sent"
            yield sent.job, _failure(reason)
            return
        try:
            for name in names:
                self._send_files(sent.job, worker, name)
        except (BenchError, OSError) as error:
            if worker.address in self._addresses():
                yield sent.job, _failure(f"{names[0]} could not be sent to {worker.name}: {error}")
                return
        self._waiting.appendleft(sent)

    def _send_files(self, job: Job, worker: ClusterWorker, lacking: str) -> None:
        if lacking == DATA:
            self._setting.make_sound(job)
        parcel, token = pack(job), uuid.uuid4().hex
        to = [worker.address]
        for path in files_to_send(job, lacking):
            for piece in pieces(path):
                self._client.run(station.receive, token, path.name, piece, workers=to)
        wanted = {parcel.data: parcel.described} if lacking == DATA else {**parcel.files}
        self._client.run(station.take_in, token, lacking, wanted, workers=to)

    def _jobs_on(self, worker: ClusterWorker) -> int:
        there = {**self._workers, worker.address: worker}
        return jobs_on(worker.machine, there.values(), self._setting.jobs)


def _begun(sent: _Sent) -> Iterator[Event]:
    """Yield once that a job has begun at its worker."""
    if not sent.begun and sent.worker:
        sent.begun = True
        yield sent.job, Started(sent.worker.name)


def _on(sent: _Sent, machine: str) -> bool:
    return sent.worker is not None and sent.worker.machine == machine


def _failure(reason: str) -> Finished:
    return Finished(Outcome(FAILED, one_line(reason)), "")
