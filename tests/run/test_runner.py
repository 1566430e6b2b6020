"""A run gives every trial its record: by itself, or by another run on the same folder."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_record
from run_world import Notes, RunWorld, Script, a_plan, an_outcome

from bench.errors import BenchError
from bench.protocol import (
    CRASHED,
    FAILED,
    OK,
    SKIPPED,
    TIMEOUT,
    Event,
    ExecutorLost,
    Job,
    MoreSlots,
    Outcome,
)
from bench.records.packed import StoredRecord
from bench.records.predictions import KeptModel
from bench.records.store import Store
from bench.runs import runner
from bench.runs.interruption import Interruption
from bench.runs.recorder import CLAIMS, Claims, without_models

pytestmark = pytest.mark.usefixtures("heard_signals")

SEEDS = [a_record(seed=seed) for seed in range(4)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunWorld:
    monkeypatch.setattr(runner, "POLL", 0.01)
    return RunWorld(tmp_path / "reports")


def write_predictions(job: Job) -> Outcome:
    Path(job.predictions).write_bytes(b"numbers")
    return an_outcome()


def full(store: Store, *anything: object) -> Path:
    raise BenchError("the record could not be written (No space left on device)")


def full_times(times: int) -> Callable[..., Path]:
    """Return a ``Store.write`` that finds the disk full so many times."""
    real, failures = Store.write, [full] * times

    def write(self: Store, *what: Any) -> Path:
        return failures.pop()(self) if failures else real(self, *what)

    return write


# In one run


def test_reused_hopeless_and_trained_trials_all_have_their_records(world):
    plan = [
        *a_plan(SEEDS[0], reused=SEEDS[0]),
        *a_plan(SEEDS[1], verdict=SKIPPED, reason="needs torch"),
        *a_plan(SEEDS[2]),
    ]
    executor = Script()
    result = world.run(plan, executor)

    assert [(r.trial.seed, r.status) for r in result.records] == [(0, OK), (1, SKIPPED), (2, OK)]
    assert result.reused == {SEEDS[0].identity}
    assert world.outcomes() == [(1, SKIPPED), (2, OK)]
    assert executor.seeds == [2]
    assert executor.cancelled
    assert world.notes.ended


def test_the_records_of_a_long_run_are_kept_packed_and_are_the_same(world, monkeypatch):
    monkeypatch.setattr(runner, "FEW", 1)
    result = world.run(a_plan(*SEEDS), Script(write_predictions))

    first, *others = result.records
    assert not isinstance(first, StoredRecord)
    assert all(isinstance(record, StoredRecord) for record in others)
    bare = [replace(r, predictions=None) for r in world.store.read().records]
    assert [replace(record) for record in result.records] == bare


def test_no_more_jobs_are_handed_over_than_the_executor_has_slots(world):
    executor = Script(slots=2)
    world.run(a_plan(*SEEDS), executor)
    assert executor.seeds == [0, 1, 2, 3]
    assert executor.most == 2
    assert world.notes.waits == []


def test_predictions_are_kept_of_trials_that_are_ok_and_of_no_others(world):
    def work(job: Job) -> Outcome:
        outcome = write_predictions(job)
        return outcome if job.trial.seed == 0 else an_outcome(CRASHED, "half way")

    world.run(a_plan(*SEEDS[:2]), Script(work))
    ok, crashed = world.store.read().records
    assert (ok.predictions is None, crashed.predictions is None) == (False, True)
    assert len(list(world.folder.rglob("*.npz"))) == 1


def leave_model(content: bytes = b"a model", **told: Any) -> Callable[[Job], Outcome]:
    """Return work that leaves a model, or only tells of one."""

    def work(job: Job) -> Outcome:
        made = write_predictions(job)
        if content:
            Path(job.model).write_bytes(content)
        model = {**made.model, "output": {"kind": "number"}}
        return replace(made, model=model, environment=told)

    return work


def test_a_model_is_kept_with_its_record_where_it_is_asked_for(world):
    world.run(a_plan(SEEDS[0]), Script(leave_model()), keep_models=True)
    (record,) = world.store.read().records
    assert world.store.model(record) == b"a model"
    assert record.kept_model is not None
    assert record.kept_model.output == {"kind": "number"}
    assert "output" not in record.model
    assert world.notes.warnings == []


def test_a_trial_is_told_of_no_file_for_its_model_unless_models_are_kept(world):
    executor = Script()
    world.run(a_plan(SEEDS[0]), executor)
    assert [job.model for job in executor.done] == [""]
    (record,) = world.store.read().records
    assert record.kept_model is None


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (leave_model(b"", model_not_kept="would be\na pickle"), "would be a pickle"),
        (leave_model(b""), "the worker left none"),
        (leave_model(b"x" * 200), "the worker left has 200 bytes, more than the 100 that are read"),
    ],
)
def test_a_model_that_is_not_kept_is_told_once_a_plugin_and_fails_nothing(
    world, monkeypatch, work, said
):
    monkeypatch.setattr("bench.runs.scoring.LARGEST", 100)
    world.run(a_plan(*SEEDS[:2]), Script(work), keep_models=True)
    assert [status for _, status in world.outcomes()] == [OK, OK]
    (warning,) = world.notes.warnings
    assert warning.startswith("model: its model is not kept: ")
    assert said in warning
    assert all(said in r.environment["model_not_kept"] for r in world.store.read().records)
    assert list(world.folder.rglob("*.keras")) == []


def test_of_a_trial_that_is_not_ok_no_model_is_kept(world):
    def work(job: Job) -> Outcome:
        leave_model()(job)
        return an_outcome(FAILED, "half way")

    world.run(a_plan(SEEDS[0]), Script(work), keep_models=True)
    (record,) = world.store.read().records
    assert (record.kept_model, world.notes.warnings) == (None, [])


def test_what_is_reused_without_a_model_is_named_before_the_run():
    model = KeptModel("x.keras", 1, "0", {})
    told = {**SEEDS[0].environment, "model_not_kept": "would be a pickle"}
    plan = [
        *a_plan(SEEDS[0], reused=SEEDS[0]),
        *a_plan(SEEDS[1], reused=replace(SEEDS[1], kept_model=model)),
        *a_plan(SEEDS[2], reused=replace(SEEDS[2], environment=told)),
        *a_plan(SEEDS[3]),
    ]
    assert without_models(plan) == (
        "--keep-models: reused without a model: model; --reuse never trains them again"
    )
    assert without_models(plan[1:]) == ""


def test_what_a_trial_deletes_is_written_again_and_named(world):
    def work(job: Job) -> Outcome:
        for path in world.folder.glob("*/*/*.json"):
            path.unlink()
        return an_outcome()

    world.run(a_plan(*SEEDS[:2]), Script(work))
    assert world.outcomes() == [(0, OK), (1, OK)]
    (warning,) = world.notes.warnings
    assert "was deleted during the run; written again" in warning


# Retries


def test_a_crash_is_tried_again_and_every_attempt_is_recorded(world):
    left = [CRASHED, CRASHED, OK]
    executor = Script(lambda job: an_outcome(left.pop(0), "SIGSEGV"))
    result = world.run(a_plan(SEEDS[0]), executor, retries=3)

    assert world.outcomes() == [(0, CRASHED), (0, CRASHED), (0, OK)]
    assert [record.status for record in result.records] == [OK]
    assert world.notes.retries == [("SIGSEGV", 1, 3), ("SIGSEGV", 2, 3)]
    assert world.notes.finished_ == [(0, OK, False)]


def test_a_trial_that_goes_on_crashing_is_given_up_after_its_retries(world):
    executor = Script(lambda job: an_outcome(CRASHED, "SIGSEGV"))
    result = world.run(a_plan(*SEEDS[:2]), executor, retries=1)
    assert executor.seeds == [0, 0, 1, 1]
    assert [record.status for record in result.records] == [CRASHED, CRASHED]


@pytest.mark.parametrize("status", [FAILED, TIMEOUT, SKIPPED])
def test_what_would_only_repeat_itself_is_not_tried_again(world, status):
    executor = Script(lambda job: an_outcome(status, "as always"))
    world.run(a_plan(SEEDS[0]), executor, retries=5)
    assert executor.seeds == [0]


# Several runs on one folder


def test_two_runs_at_once_share_the_trials_and_do_none_twice(world):
    def work(job: Job) -> Outcome:
        time.sleep(0.02)
        return an_outcome()

    executors = [Script(work), Script(work)]
    notes = [Notes(), Notes()]
    results = {}

    def one_run(number: int) -> None:
        here = RunWorld(world.folder, notes[number])
        results[number] = here.run(a_plan(*SEEDS), executors[number])

    threads = [threading.Thread(target=one_run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(executors[0].seeds + executors[1].seeds) == [0, 1, 2, 3]
    assert all(executor.seeds for executor in executors)
    assert sorted(world.outcomes()) == [(seed, OK) for seed in range(4)]
    for number in (0, 1):
        assert sorted(r.trial.seed for r in results[number].records) == [0, 1, 2, 3]
        assert len(results[number].reused) == 4 - len(executors[number].seeds)


def test_a_trial_of_another_run_is_put_off_and_waited_for_when_nothing_else_is_left(world):
    other = Claims(world.folder / CLAIMS, print)
    assert other.take(SEEDS[0].identity)

    def work(job: Job) -> Outcome:
        if job.trial.seed == 1:
            threading.Timer(0.1, finish).start()
        return an_outcome()

    def finish() -> None:
        world.store.write(replace(SEEDS[0], status=FAILED, reason="over there"))
        other.release(SEEDS[0].identity)

    executor = Script(work)
    result = world.run(a_plan(*SEEDS[:2]), executor)
    assert executor.seeds == [1]
    assert world.notes.waits == [1]
    # Whatever came of it: the same trial would fail here as well.
    assert [(r.trial.seed, r.status) for r in result.records] == [(1, OK), (0, FAILED)]
    assert world.notes.finished_ == [(1, OK, False), (0, FAILED, True)]


def test_a_trial_of_a_run_that_died_is_taken_over(world):
    other = Claims(world.folder / CLAIMS, print)
    assert other.take(SEEDS[0].identity)
    threading.Timer(0.1, other.close).start()
    executor = Script()
    world.run(a_plan(SEEDS[0]), executor)
    assert executor.seeds == [0]
    assert world.notes.waits == [1]


def test_a_record_that_was_there_when_the_run_was_planned_does_not_answer(world):
    old = replace(SEEDS[0], status=FAILED, reason="last week")
    world.store.write(old)
    executor = Script()
    world.run(a_plan(SEEDS[0]), executor, known={(old.identity, old.finished)})
    assert executor.seeds == [0]


@pytest.mark.parametrize(("reuse", "seeds"), [("missing", []), ("always", []), ("never", [0])])
def test_a_record_made_since_the_plan_answers_unless_the_user_wants_none(world, reuse, seeds):
    world.store.write(SEEDS[0])
    executor = Script()
    world.run(a_plan(SEEDS[0]), executor, reuse=reuse)
    assert executor.seeds == seeds


def test_a_trial_that_another_run_has_done_is_not_kept_claimed(world):
    def work(job: Job) -> Outcome:
        assert Claims(world.folder / CLAIMS, print).take(SEEDS[0].identity)
        return an_outcome()

    world.store.write(SEEDS[0])
    executor = Script(work)
    world.run(a_plan(*SEEDS[:2]), executor)
    assert executor.seeds == [1]


def test_claims_are_no_records(world):
    def work(job: Job) -> Outcome:
        assert list((world.folder / CLAIMS).iterdir())
        assert world.store.read().unreadable == ()
        return an_outcome()

    world.run(a_plan(SEEDS[0]), Script(work))
    assert world.outcomes() == [(0, OK)]


def test_a_claim_is_given_up_when_the_record_is_on_the_disk_and_not_before(world, monkeypatch):
    free = []
    real = Store.write

    def write(self: Store, *what: Any) -> Path:
        free.append(Claims(world.folder / CLAIMS, print).take(SEEDS[0].identity))
        return real(self, *what)

    monkeypatch.setattr(Store, "write", write)
    world.run(a_plan(SEEDS[0]), Script())
    assert free == [False]
    assert list((world.folder / CLAIMS).iterdir()) == []


# A full disk


def test_a_record_that_finds_no_room_is_written_before_the_next_trial(world, monkeypatch):
    def work(job: Job) -> Outcome:
        if job.trial.seed == 1:
            assert world.outcomes() == [(0, OK)]
        return write_predictions(job)

    monkeypatch.setattr(Store, "write", full_times(1))
    result = world.run(a_plan(*SEEDS[:2]), Script(work))
    assert world.outcomes() == [(0, OK), (1, OK)]
    assert all(record.predictions for record in world.store.read().records)
    assert result.unwritten == 0
    assert len(world.notes.warnings) == 1


def test_a_disk_that_stays_full_stops_the_run(world, monkeypatch):
    monkeypatch.setattr(Store, "write", full)
    executor = Script()
    result = world.run(a_plan(*SEEDS), executor)
    assert executor.seeds == [0, 1]
    assert result.unwritten == 2
    assert [record.trial.seed for record in result.records] == [0, 1]
    assert world.notes.warnings[-1].startswith("stopping, for records can no longer be written: ")
    assert world.notes.warnings[-1].endswith("; 2 not run")


def test_one_folder_that_cannot_be_written_costs_its_own_records_only(world):
    (world.folder / "jena").mkdir(parents=True)
    (world.folder / "jena" / "blocked").write_text("")
    blocked = [a_record("blocked", seed=seed) for seed in (0, 1)]
    executor = Script()
    result = world.run(a_plan(blocked[0], SEEDS[0], blocked[1], *SEEDS[1:]), executor)
    assert len(executor.done) == 6
    assert result.unwritten == 2
    assert [seed for seed, _ in world.outcomes()] == [0, 1, 2, 3]


def test_a_trial_stays_claimed_while_its_record_is_not_on_the_disk(world, monkeypatch):
    claimed = []

    def work(job: Job) -> Outcome:
        if job.trial.seed == 1:
            other = Claims(world.folder / CLAIMS, print)
            claimed.append(not other.take(SEEDS[0].identity))
        return an_outcome()

    monkeypatch.setattr(Store, "write", full)
    world.run(a_plan(*SEEDS[:2]), Script(work))
    assert claimed == [True]


def test_room_that_is_made_by_the_end_of_the_run_is_used(world, monkeypatch):
    monkeypatch.setattr(Store, "write", full_times(5))
    result = world.run(a_plan(*SEEDS), Script())
    assert result.unwritten == 0
    assert len(world.outcomes()) == len(result.records) == 2


# Interrupts


def test_an_interrupt_stops_the_running_trial_and_keeps_what_is_done(world):
    def work(job: Job) -> Outcome:
        if job.trial.seed == 1:
            raise KeyboardInterrupt
        return an_outcome()

    executor = Script(work)
    result = world.run(a_plan(*SEEDS), executor)
    assert result.interrupted
    assert world.outcomes() == [(0, OK)]
    assert executor.cancelled
    assert world.notes.ended
    assert list((world.folder / CLAIMS).iterdir()) == []


def test_a_lost_executor_ends_the_run_as_an_interrupt_does_and_says_why(world):
    def work(job: Job) -> Outcome:
        if job.trial.seed == 1:
            raise ExecutorLost("the scheduler is gone")
        return an_outcome()

    executor = Script(work)
    result = world.run(a_plan(*SEEDS), executor)
    assert result.interrupted
    assert world.outcomes() == [(0, OK)]
    assert executor.cancelled
    assert world.notes.warnings == ["the scheduler is gone"]
    assert list((world.folder / CLAIMS).iterdir()) == []


def test_trials_follow_at_once_where_an_executor_has_got_more_room(world):
    class Growing(Script):
        def events(self) -> Iterator[Event]:
            self.slots = 3
            yield self._waiting[0], MoreSlots()
            yield from super().events()

    executor = Growing()
    world.run(a_plan(*SEEDS), executor)
    assert executor.most == 3


def test_an_interrupt_while_a_record_is_written_waits_until_it_is_whole(world, monkeypatch):
    real = Store.write

    def write(self: Store, *what: Any) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)
        return real(self, *what)

    monkeypatch.setattr(Store, "write", write)
    executor = Script(write_predictions)
    with Interruption() as interruption:
        result = world.run(a_plan(*SEEDS), executor, interruption)
    assert result.interrupted
    assert executor.seeds == [0]
    assert world.outcomes() == [(0, OK)]
    assert list((world.folder / CLAIMS).iterdir()) == []


def test_an_interrupt_before_the_first_trial_starts_none(world):
    executor = Script()
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.001)
        result = world.run(a_plan(*SEEDS), executor, interruption)
    assert result.interrupted
    assert executor.done == []
