"""How long a run will still take: known, known in part, or hardly known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import a_record

from bench.plan.order import Durations
from bench.plan.plan import Planned
from bench.protocol import FAILED
from bench.records.record import Record
from bench.registry.plugins import Plugin
from bench.runs.progress import TimeLeft, makespan


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Seconds that pass when the test says so."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr("bench.runs.progress.time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def took(plugin: str, seconds: float, seed: int = 0) -> Record:
    record = a_record(plugin, seed=seed)
    return replace(record, timing={**record.timing, "total": seconds})


def planned(record: Record, reused: Record | None = None) -> Planned:
    return Planned(record.trial, Plugin("model", Path("model.py")), reused)


def known(*records: Record) -> Durations:
    return Durations(records, a_record().environment["machine"])


A, B, C = took("a", 60.0), took("b", 30.0), took("c", 5.0)


def a_run(*records: Record, durations: Durations | None = None, slots: int = 1) -> TimeLeft:
    left = TimeLeft(durations, lambda: slots)
    left.begin([planned(record) for record in records])
    return left


def test_a_run_of_which_all_was_timed_before_knows_its_length_before_it_begins(clock):
    assert str(a_run(A, B, durations=known(A, B))) == "about 90.0 s"


def test_several_trials_at_once_are_done_sooner(clock):
    assert str(a_run(A, B, C, durations=known(A, B, C), slots=2)) == "about 60.0 s"


def test_what_is_reused_takes_no_time(clock):
    left = TimeLeft(known(A, B))
    left.begin([planned(A, reused=A), planned(B)])
    assert str(left) == "about 30.0 s"


def test_the_time_that_the_running_trial_has_had_is_taken_off(clock):
    left = a_run(A, B, durations=known(A, B))
    left.started(planned(A))
    clock.seconds += 20
    assert str(left) == "about 70.0 s"
    left.finished(A)
    assert str(left) == "about 30.0 s"


def test_with_a_trial_that_was_never_timed_it_takes_at_least_the_rest(clock):
    assert str(a_run(A, B, durations=known(B))) == "at least 30.0 s"


def test_a_trial_that_takes_longer_than_ever_is_not_known_to_be_about_to_end(clock):
    left = a_run(A, B, durations=known(A, B))
    left.started(planned(A))
    clock.seconds += 61
    assert str(left) == "at least 30.0 s"


def test_where_nothing_was_timed_there_is_no_estimate_before_the_first_is_done(clock):
    left = a_run(A, B, C)
    assert str(left) == ""
    left.started(planned(A))
    clock.seconds += 20
    left.finished(replace(A, status=FAILED))
    assert str(left) == "perhaps 40.0 s"


def test_a_seed_is_expected_to_take_what_another_took_in_this_run(clock):
    again = took("a", 60.0, seed=1)
    left = a_run(A, B, again)
    left.started(planned(A))
    clock.seconds += 60
    left.finished(A)
    assert str(left) == "at least 60.0 s"


def test_a_trial_that_another_run_has_done_teaches_nothing(clock):
    left = a_run(A, B)
    left.finished(A)
    assert str(left) == ""


def test_at_the_end_nothing_is_left(clock):
    left = a_run(A, durations=known(A))
    left.started(planned(A))
    left.finished(A)
    assert str(left) == ""


def test_the_next_plan_begins_anew(clock):
    left = a_run(A, B, durations=known(A, B))
    left.begin([planned(B)])
    assert str(left) == "about 30.0 s"


def test_work_goes_to_the_slot_that_is_free_first():
    assert makespan([], 2) == 0.0
    assert makespan([4, 3, 2, 1], 1) == 10
    assert makespan([4, 3, 2, 1], 2) == 5
    assert makespan([1, 1, 8], 2) == 9
