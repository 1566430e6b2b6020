"""``python -m campaigns.cluster``: a scheduler and three workers here, struck while trials run.

First a run through them is compared with one without, then the hostile plugins of the tests do
harm on the workers, then workers and schedulers are killed at random instants: nothing may be
lost, and no trial recorded twice. Progress goes to standard error, the table to standard output.
Exit status: 0 all of that held, 1 something did not, and standard error says what.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.protocol import FAILED, OK, SKIPPED, Bounds
from bench.records.record import Record
from bench.records.store import Store
from bench.runs import processes
from bench.runs.cluster.start import end_workers, start_worker
from campaigns.faults.outcomes import Outcomes, differences, read_outcomes
from campaigns.faults.tally import table_of
from campaigns.faults.world import Run, World
from tests.hostile import KINDS
from tests.hostile.kind import Kind

WORKERS = 3
#: Seconds within which a run through workers has to end, whatever is killed.
LONGEST = 900.0
#: Hostile plugins of which a run through workers makes something else than the tests do, and what:
#: it is planned, it has other data, and the targets of the test split are on no worker.
OTHERWISE = {
    "does_not_know_its_module": (SKIPPED, "needs no_such_module"),
    "leaves_a_program_without_its_environment": (FAILED, "KeyError"),
    "leaves_a_table": (FAILED, "cannot reshape"),
    "leaves_one_too_few": (FAILED, "not one number each"),
    "leaves_a_bomb": (FAILED, "examples"),
    "zeroes_the_targets": (OK, ""),
}


@dataclass
class Dask:
    """A scheduler and its workers on this machine, as processes of their own."""

    port: int
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]

    def places(self) -> list[psutil.Process]:
        """Return the processes that do the work: those that the nannies have started."""
        found = []
        for nanny in self.workers:
            with suppress(psutil.Error):
                children = psutil.Process(nanny.pid).children()
                found += [c for c in children if "resource_tracker" not in " ".join(c.cmdline())]
        return found


@contextmanager
def dask_here() -> Iterator[Dask]:
    """Start a scheduler with workers, and end them."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    words = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    workers = [start_worker(address, f"worker-{number}") for number in range(WORKERS)]
    try:
        yield Dask(port, scheduler, workers)
    finally:
        end_workers([*workers, scheduler])


@dataclass
class ClusterCampaign:
    """What a campaign has done, and what it found to be wrong."""

    world: World
    expected: Outcomes | None = None
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def start(self, dask: Dask, results: Path) -> Run:
        self.count("runs started")
        return self.world.start(results, *_on(dask))

    def compare(self, what: str, results: Path) -> None:
        assert self.expected is not None
        found = read_outcomes(results)
        self.count("records compared, with their predictions", len(found.results))
        self.wrong += [f"{what}: {line}" for line in differences(self.expected, found)]


def main() -> int:
    """Run the campaign as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.cluster", description=__doc__)
    parser.add_argument("--workers", type=int, default=10, help="kills of workers")
    parser.add_argument("--schedulers", type=int, default=2, help="kills of schedulers")
    parser.add_argument("--seed", type=int, default=0, help="decides what is killed, and when")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-cluster-"))
    campaign = ClusterCampaign(World(folder.resolve()))
    started = time.monotonic()
    try:
        for line in _rounds(campaign, options):
            say = f"{time.monotonic() - started:6.0f} s, {len(campaign.wrong)} wrong | {line}"
            print(say, file=sys.stderr, flush=True)
    finally:
        for process in campaign.world.processes():
            processes.kill_tree(process)
    rows = [*campaign.counts.items(), ("wrong", len(campaign.wrong))]
    print(table_of(["what", "figure"], [[*row] for row in rows]))
    for line in campaign.wrong:
        print(f"wrong: {line}", file=sys.stderr)
    if not campaign.wrong:
        shutil.rmtree(folder)
    return 1 if campaign.wrong else 0


def _rounds(campaign: ClusterCampaign, options: argparse.Namespace) -> Iterator[str]:
    world, draw = campaign.world, random.Random(options.seed)
    world.make()
    here = world.folder / "here" / "results"
    here.parent.mkdir()
    if world.start(here).wait(LONGEST) != 0:
        raise SystemExit("the run without a cluster failed; see the logs")
    campaign.expected = read_outcomes(here)
    yield f"without a cluster: {len(campaign.expected.results)} trials"
    with dask_here() as dask:
        yield _compared(campaign, dask)
        yield _harmed(campaign, dask)
        number = 0
        while campaign.counts.get("workers killed", 0) < options.workers:
            number += 1
            yield _without_workers(campaign, dask, draw, number, options.workers)
    for number in range(options.schedulers):
        yield _without_scheduler(campaign, draw, number)


def _on(dask: Dask) -> list[object]:
    return ["--on", f"dask://127.0.0.1:{dask.port}", "--jobs", WORKERS]


def _results(campaign: ClusterCampaign, name: str) -> Path:
    folder = campaign.world.folder / name
    folder.mkdir()
    return folder / "results"


def _compared(campaign: ClusterCampaign, dask: Dask) -> str:
    """Compare a run through the workers, undisturbed, with one without."""
    results, started = _results(campaign, "there"), time.monotonic()
    status = campaign.start(dask, results).wait(LONGEST)
    campaign.seconds = time.monotonic() - started
    if status != 0:
        campaign.wrong.append(f"a run through workers ended with {status}")
    campaign.compare("undisturbed", results)
    return f"through {WORKERS} workers: {campaign.seconds:.0f} s"


def _harmed(campaign: ClusterCampaign, dask: Dask) -> str:
    """Have plugins do harm on the workers, which have to be the same processes afterwards."""
    world, results = campaign.world, _results(campaign, "harm")
    folder = world.folder / "harm-plugins"
    folder.mkdir()
    before = {process.pid for process in dask.places()}
    for bounds in {kind.bounds for kind in KINDS}:
        kinds = [kind for kind in KINDS if kind.bounds == bounds]
        for kind in kinds:
            (folder / f"{kind.name}.py").write_text(kind.source, encoding="utf-8")
        names = ["jena_naive", *(kind.name for kind in kinds)]
        words: list[object] = [*names, "--task", "jena", "--plugins", folder, *_told(bounds)]
        started = world.run(results, *words, *_on(dask))
        started.wait(LONGEST)
        if "Traceback" in started.printed().split("Leaderboard")[0]:
            campaign.wrong.append(f"harm: a traceback in {started.log}")
    found = {record.trial.plugin: record for record in Store(results).read().records}
    different = [f"harm: {kind.name} {said}" for kind in KINDS if (said := _other(kind, found))]
    campaign.wrong += different
    if {process.pid for process in dask.places()} != before:
        campaign.wrong.append("harm: a worker of dask did not outlive it")
    campaign.count("plugins that did harm", len(KINDS))
    return f"harm: {len(KINDS)} plugins, {len(different)} not as they are without a cluster"


def _told(bounds: Bounds) -> list[object]:
    memory = [] if bounds.memory is None else ["--memory-limit", bounds.memory / 1024**3]
    return ["--timeout", bounds.timeout, *memory]


def _other(kind: Kind, found: Mapping[str, Record]) -> str:
    """Say in what a harmful plugin's record is not what it has to be."""
    record = found.get(kind.name)
    if record is None:
        return "has no record"
    status, reason = OTHERWISE.get(kind.name, (kind.status, kind.reason))
    if record.status != status or reason not in record.reason:
        return f"is {record.status} ({record.reason}) and not {status} ({reason})"
    return "" if kind.log in record.log else f"has not {kind.log!r} in its log"


def _without_workers(
    campaign: ClusterCampaign, dask: Dask, draw: random.Random, number: int, most: int
) -> str:
    """Kill workers while a run goes on; it has to end well by itself."""
    results = _results(campaign, f"workers-{number}")
    run, killed = campaign.start(dask, results), 0
    while not run.ended and campaign.counts.get("workers killed", 0) < most:
        time.sleep(draw.uniform(0, campaign.seconds / 8))
        places = dask.places()
        if run.ended or not places:
            continue
        with suppress(psutil.Error):
            draw.choice(places).send_signal(signal.SIGKILL)
            killed += 1
            campaign.count("workers killed")
    status = run.wait(LONGEST)
    if status != 0:
        campaign.wrong.append(f"a run that lost {killed} workers ended with {status}")
        # A trial that lost more than it may is run again, as a user would.
        campaign.start(dask, results).wait(LONGEST)
    campaign.compare(f"{killed} workers killed", results)
    return f"run {number}: {killed} workers killed, exit status {status}"


def _without_scheduler(campaign: ClusterCampaign, draw: random.Random, number: int) -> str:
    """Kill the scheduler of a run, which has to end as at Ctrl-C, and resume with another."""
    results = _results(campaign, f"scheduler-{number}")
    with dask_here() as dask:
        run = campaign.start(dask, results)
        time.sleep(draw.uniform(0.3, 0.9) * campaign.seconds)
        dask.scheduler.kill()
        campaign.count("schedulers killed")
        status, recorded = run.wait(LONGEST), len(read_outcomes(results).results)
    printed = run.printed()
    if status not in (0, 130) or (status == 130 and "resume with: " not in printed):
        campaign.wrong.append(f"without its scheduler a run ended with {status}: {printed[-300:]}")
    with dask_here() as dask:
        resumed = campaign.start(dask, results).wait(LONGEST)
    if resumed != 0:
        campaign.wrong.append(f"resumed, a run ended with {resumed}")
    campaign.compare("scheduler killed", results)
    return f"scheduler {number + 1} killed: exit status {status}, {recorded} trials recorded"


if __name__ == "__main__":
    sys.exit(main())
