"""Repeats on a full disk, and beside other runs on the same folder."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from builders import a_record
from run_world import Notes, RunWorld, Script, a_plan
from verify_world import NUMBERS, Workshop, packed

from bench.errors import BenchError
from bench.plan.plan import Planned
from bench.protocol import OK, Job
from bench.records.record import BIT_IDENTICAL, WITHIN, Record
from bench.records.repeats import VerifySample
from bench.records.store import Store
from bench.runs import runner
from bench.runs.recorder import CLAIMS, Claims
from bench.runs.runner import Result
from bench.runs.verification import Verification

pytestmark = pytest.mark.usefixtures("heard_signals")

SEEDS = [a_record(seed=seed) for seed in range(2)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunWorld:
    monkeypatch.setattr(runner, "POLL", 0.01)
    return RunWorld(tmp_path / "reports")


def workers() -> Script:
    return Script(Workshop())


def verify(world: RunWorld, executor: Script, *plan: Planned, **context: Any) -> tuple[Result, int]:
    """Run a plan and repeat one trial of each row; return the result and how many went wrong."""
    world.store.prepare()
    verification = Verification(VerifySample(9), plan, world.store, world.notes.warn)
    result = world.run(plan, executor, further=verification.further, **context)
    return result, verification.unconfirmed(result.records)


def test_a_record_that_was_late_to_find_room_is_repeated_as_well(world, monkeypatch):
    real, failures = Store.write, [BenchError("the disk is full")]

    def write(self: Store, *what: Any) -> Path:
        if failures:
            raise failures.pop()
        return real(self, *what)

    monkeypatch.setattr(Store, "write", write)
    result, unconfirmed = verify(world, workers(), *a_plan(*SEEDS))
    assert (unconfirmed, result.unwritten) == (0, 0)
    assert Counter(world.outcomes()) == {(0, OK): 2, (1, OK): 2}


def test_a_record_that_finds_no_room_is_not_repeated_and_nothing_waits_for_it(world, monkeypatch):
    real = Store.write
    world.store.write(replace(SEEDS[0], finished="2024-01-01T00:00:00+00:00"), packed(NUMBERS))

    def write(self: Store, record: Record, *what: Any) -> Path:
        if record.trial.seed == 0:
            raise BenchError("the disk is full")
        return real(self, record, *what)

    monkeypatch.setattr(Store, "write", write)
    executor = workers()
    result, unconfirmed = verify(world, executor, *a_plan(*SEEDS), reuse="never")
    assert (unconfirmed, result.unwritten) == (1, 1)
    assert executor.seeds == [0, 1, 1]
    assert world.notes.warnings[-1] == (
        "not repeated: jena_gru seed 0: its record has no predictions"
    )


def test_two_runs_at_once_share_the_repeats_and_both_know_how_they_went(world):
    for record in SEEDS:
        world.store.write(record, packed(NUMBERS))
    plans = [replace(p, reused=r) for p, r in zip(a_plan(*SEEDS), SEEDS, strict=True)]
    executors, found = [workers(), workers()], {}
    for executor in executors:
        executor.work.before = lambda job, time: sleep(0.05)

    def one_run(number: int) -> None:
        here = RunWorld(world.folder, Notes())
        found[number] = verify(here, executors[number], *plans)

    threads = [threading.Thread(target=one_run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [unconfirmed for _, unconfirmed in found.values()] == [0, 0]
    repeats = [r for r in world.store.read().records if r.repeat]
    assert len(repeats) == sum(len(executor.seeds) for executor in executors)
    assert {record.repeat["verdict"] for record in repeats} == {BIT_IDENTICAL}
    assert {record.trial.seed for record in repeats} == {0, 1}


def test_a_repeat_that_another_run_has_made_meanwhile_is_not_made_again(world):
    def repeat_the_other(job: Job, time: int) -> None:
        first = SEEDS[1 - job.trial.seed]
        section = {"of": first.finished, "verdict": WITHIN, "largest": 1e-9, "settings": {}}
        made = replace(first, finished="2025-02-01T00:00:00+00:00", repeat=section)
        world.store.write(made, packed(NUMBERS))

    for record in SEEDS:
        world.store.write(record, packed(NUMBERS))
    executor = Script(Workshop(before=repeat_the_other))
    plan = [replace(p, reused=r) for p, r in zip(a_plan(*SEEDS), SEEDS, strict=True)]
    result, unconfirmed = verify(world, executor, *plan)
    assert (unconfirmed, len(executor.seeds)) == (0, 1)
    assert len(world.store.read().records) == 4
    assert [r.repeat["verdict"] for r in result.records if r.repeat] == [BIT_IDENTICAL, WITHIN]


def test_a_repeat_waits_for_the_run_that_has_the_trial(world):
    world.store.write(SEEDS[0], packed(NUMBERS))
    (planned,) = a_plan(SEEDS[0])
    other = Claims(world.folder / CLAIMS, print)
    assert other.take(SEEDS[0].identity)
    threading.Timer(0.1, other.close).start()
    executor = workers()
    _, unconfirmed = verify(world, executor, replace(planned, reused=SEEDS[0]))
    assert (unconfirmed, executor.seeds, world.notes.waits) == (0, [0], [1])
