"""Data that change under a run: who did it has failed, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from builders import a_record, a_task
from run_world import RunWorld, Script, a_context, a_plan, an_outcome

from bench.data.ready import ArrayGuard, PreparedTask
from bench.protocol import FAILED, Bounds, Job, Outcome
from bench.registry.discover import Registry
from bench.runs.jobs import Jobs

CHANGED = "the prepared data were changed while it ran (data)"


@dataclass
class State:
    """What became of the data: "", "changed" or "gone"; and how often they were repaired."""

    now: str = ""
    repaired: int = 0


class Guard(ArrayGuard):
    """A guard of data that are nowhere."""

    def __init__(self, state: State) -> None:
        super().__init__(Path("data"), lambda: None)
        self._data = state

    def changed(self) -> str:
        return "data" if self._data.now == "changed" else ""

    def is_whole(self) -> bool:
        return not self._data.now

    def make_sound(self) -> str:
        repaired = "data" if self._data.now else ""
        self._data.repaired += bool(repaired)
        self._data.now = ""
        return repaired


@pytest.fixture
def world(tmp_path: Path) -> RunWorld:
    return RunWorld(tmp_path / "results")


def jobs_with(state: State) -> Jobs:
    made = a_record()
    data = PreparedTask(Path("prepared"), made.data, len, guard=Guard(state))
    jobs = Jobs(Registry({"jena": a_task()}, ()), lambda task: data, {"quick": Bounds()})
    jobs.prepare(["jena"])
    return jobs


def harm(state: State, seed: int, how: str = "changed") -> Script:
    """An executor of which the trial of one seed does harm to the data."""

    def work(job: Job) -> Outcome:
        if job.trial.seed == seed:
            state.now = how
        return an_outcome()

    return Script(work)


def test_a_trial_that_changes_the_data_has_failed_and_the_next_one_has_them_whole(world):
    state = State()
    executor = harm(state, seed=1)
    world.run(a_plan(*(a_record(seed=n) for n in range(3))), executor, jobs=jobs_with(state))

    assert world.outcomes() == [(0, "ok"), (1, FAILED), (2, "ok")]
    (failed,) = [r for r in world.store.read().records if r.status == FAILED]
    assert failed.reason == CHANGED
    assert state.repaired == 1
    assert executor.seeds == [0, 1, 2]


def test_of_trials_that_ran_at_once_only_the_guilty_one_has_failed(world):
    state = State()
    executor = replace(harm(state, seed=1), slots=2)
    world.run(a_plan(*(a_record(seed=n) for n in range(4))), executor, jobs=jobs_with(state))

    assert sorted(world.outcomes()) == [(0, "ok"), (1, FAILED), (2, "ok"), (3, "ok")]
    # Whatever was in progress beside it is done again, alone.
    assert executor.seeds == [0, 1, 2, 1, 2, 3]
    assert any("the data changed while several trials ran" in w for w in world.notes.warnings)


def test_deleted_data_are_made_again_and_blamed_on_nobody(world):
    state = State()
    executor = harm(state, seed=0, how="gone")
    world.run(a_plan(a_record(seed=0), a_record(seed=1)), executor, jobs=jobs_with(state))

    assert world.outcomes() == [(0, "ok"), (1, "ok")]
    assert state.repaired == 1


def test_a_trial_that_could_not_open_deleted_data_is_done_again(world):
    state = State()
    times = 0

    def work(job: Job) -> Outcome:
        nonlocal times
        times += 1
        if times == 1:
            state.now = "gone"
            return Outcome(FAILED, "DataError: prepared: is damaged")
        return an_outcome()

    world.run(a_plan(a_record(seed=0)), Script(work), jobs=jobs_with(state))
    assert (times, world.outcomes()) == (2, [(0, "ok")])


def test_an_outcome_that_makes_an_unreadable_record_costs_its_own_trial_only(world):
    def work(job: Job) -> Outcome:
        made = an_outcome()
        return replace(made, environment={"machine": 3}) if job.trial.seed == 0 else made

    world.run(a_plan(a_record(seed=0), a_record(seed=1)), Script(work), jobs=a_context().jobs)

    assert world.outcomes() == [(0, FAILED), (1, "ok")]
    assert world.store.read().unreadable == ()


def test_a_trial_whose_clock_disagrees_is_told_of(world):
    def work(job: Job) -> Outcome:
        return replace(an_outcome(), environment={"clock": {"own": 0.0, "outside": 3.0}})

    world.run(a_plan(a_record(seed=0)), Script(work))
    assert any("its own clock was wrong" in line for line in world.notes.warnings)
