"""Rounds of the campaign: faults on one results folder, then resume, then compare."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.records.store import Store
from bench.runs import processes

from .outcomes import Outcomes, differences, read_outcomes
from .schedule import Fault
from .strike import strike
from .tally import Tally
from .world import Run, World

#: Kills on one folder before the run is left to come to its end.
KILLS_A_ROUND = 6
#: Seconds in which the processes of a killed run have to be gone: a server that imports
#: its libraries on a busy machine sees no sooner that there is nobody left to serve.
_GONE = 30.0
#: Seconds that the undisturbed run may take, on a machine that has much else to do.
_LONGEST = 1800.0
#: Seconds that any other may take at least, and how many times what the undisturbed one took.
_PATIENCE, _TIMES = 300.0, 10.0


@dataclass
class Campaign:
    """The world, what an undisturbed run of it gave, and what was seen so far."""

    world: World
    tally: Tally = field(default_factory=Tally)
    expected: Outcomes = field(default_factory=lambda: Outcomes({}, {}, {}, ()))
    duration: float = 0.0

    def learn(self) -> None:
        """Run undisturbed and note the results and the time; see that the run is whole.

        Raises:
            SystemExit: The run fails even undisturbed.
        """
        results = self.world.folder / "reference" / "results"
        started = time.monotonic()
        run = self.start(results)
        if run.wait(_LONGEST) != 0:
            raise SystemExit(f"the undisturbed run failed:\n{run.printed()}")
        self.duration = time.monotonic() - started
        self.expected = read_outcomes(results)
        wanted = len(self.world.names) * self.world.seeds
        if len(self.expected.results) != wanted:
            raise SystemExit(f"the undisturbed run left not {wanted} results: {self.expected}")

    def start(self, results: Path) -> Run:
        """Start a run on a folder."""
        self.tally.runs += 1
        return self.world.start(results)

    def settle(self, kind: str, results: Path) -> None:
        """Resume a folder to completion and note all in which it differs from the reference.

        What does not differ is of no more use, and removed.
        """
        run = self.start(results)
        self.tally.resumes += 1
        self.expect(run, {0}, f"{kind}: resuming")
        self.check_report(kind, results)
        found = read_outcomes(results)
        self.tally.records += len(found.results)
        self.tally.cases[kind] += 1
        different = differences(self.expected, found)
        self.note(kind, different)
        if not different:
            for folder in filter(Path.is_dir, results.iterdir()):
                shutil.rmtree(folder)

    def expect(self, run: Run, statuses: set[int], what: str) -> None:
        """Wait for a run; note an exit status or a traceback that must not be."""
        try:
            status = run.wait(max(_PATIENCE, _TIMES * self.duration))
        except psutil.TimeoutExpired:
            processes.kill_tree(run.process)
            self.note(what, [f"does not come to its end: {run.printed()[-2000:]}"])
            return
        printed = run.printed()
        if status not in statuses:
            self.note(what, [f"exit status {status}: {printed[-2000:]}"])
        if "Traceback" in printed:
            self.note(what, [f"a traceback: {printed[-2000:]}"])

    def check_report(self, kind: str, results: Path) -> None:
        """See that a report can be had of a folder, whatever happened to it.

        A folder without records has none to give: that is exit status 2, and a line.
        """
        statuses = {0} if Store(results).read().records else {2}
        self.expect(self.world.report(results), statuses, f"{kind}: report")

    def see_processes_gone(self, kind: str) -> None:
        """Note the processes that outlive the end of their run, and end them."""
        if not processes.wait_until(lambda: not self.world.processes(), _GONE):
            left = self.world.processes()
            self.note(kind, [f"left running: {process}" for process in left])
            for process in left:
                processes.kill_tree(process)

    def note(self, kind: str, lines: list[str]) -> None:
        """Keep differences, with the kind of round in which they were seen."""
        self.tally.differences += [f"{kind}: {line}" for line in lines]


def kill_rounds(campaign: Campaign, faults: Iterator[Fault], kills: int) -> Iterator[str]:
    """Kill runs until there were so many kills; yield a line for each round."""
    for number in itertools.count(1):
        left = kills - campaign.tally.killed
        if left <= 0:
            return
        results = campaign.world.folder / f"round-{number}" / "results"
        victims = _one_round(campaign, faults, min(left, KILLS_A_ROUND), results)
        campaign.settle("one run, killed", results)
        campaign.see_processes_gone("one run, killed")
        yield f"round {number}: killed {', '.join(victims) or 'nothing'}"


def _one_round(campaign: Campaign, faults: Iterator[Fault], kills: int, results: Path) -> list[str]:
    victims: list[str] = []
    run = campaign.start(results)
    while len(victims) < kills:
        fault = next(faults)
        victim = strike(fault, run, results)
        if victim is None:
            break
        victims.append(victim)
        campaign.tally.kills[victim, fault.moment] += 1
        if fault.target != "worker":
            campaign.see_processes_gone(f"{victim} killed")
            run = campaign.start(results)
            campaign.tally.resumes += 1
    # 1: a worker was killed, its trial has crashed, and the table says so.
    campaign.expect(run, {0, 1}, "one run, killed")
    return victims


def pair_rounds(campaign: Campaign, faults: Iterator[Fault], rounds: int) -> Iterator[str]:
    """Start two runs on one folder and strike one of them; yield a line for each round."""
    for number in range(1, rounds + 1):
        results = campaign.world.folder / f"pair-{number}" / "results"
        struck, other = campaign.start(results), campaign.start(results)
        fault = next(faults)
        victim = strike(fault, struck, results)
        if victim is not None:
            campaign.tally.kills[victim, fault.moment] += 1
        if victim is None or fault.target == "worker":
            campaign.expect(struck, {0, 1}, "two runs, one killed")
        campaign.expect(other, {0, 1}, "two runs, one killed")
        campaign.settle("two runs, one killed", results)
        campaign.see_processes_gone("two runs, one killed")
        yield f"pair {number}: killed {victim or 'nothing'}"
