"""What a trial notes of the machine while it runs."""

from __future__ import annotations

import time

import pytest

from bench.worker import contention
from bench.worker.contention import Moment, between, look, since


def moment(clock: float, everyone: float, own: float, reference: float = 0.002) -> Moment:
    return Moment(clock, everyone, own, reference)


@pytest.fixture(autouse=True)
def four_processors(monkeypatch):
    monkeypatch.setattr(contention.os, "cpu_count", lambda: 4)


def test_others_are_what_everyone_used_beyond_the_trial():
    noted = between(moment(0, 100, 10), moment(10, 130, 30))
    assert noted["others_cpu"] == pytest.approx((30 - 20) / (10 * 4))


def test_a_trial_alone_has_no_others_however_clocks_are_rounded():
    assert between(moment(0, 100, 10), moment(10, 119.9, 30))["others_cpu"] == 0.0
    assert between(moment(0, 100, 10), moment(0, 100, 10))["others_cpu"] == 0.0


def test_the_reference_workload_is_told_before_and_after():
    noted = between(moment(0, 0, 0, reference=0.002), moment(1, 1, 1, reference=0.005))
    assert (noted["reference_before"], noted["reference_after"]) == (0.002, 0.005)


def test_a_trial_that_computes_alone_is_seen_as_its_own(monkeypatch):
    monkeypatch.undo()
    before = look()
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass
    after = look()

    assert after.own - before.own > 0.2
    assert after.everyone - before.everyone > 0.2


def test_what_cannot_be_looked_at_is_not_told(monkeypatch):
    before = look()
    monkeypatch.setattr("builtins.open", None)
    assert since(before) == {}
