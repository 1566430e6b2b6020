"""Which trials had the machine to themselves, by what their records tell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders import a_record, beside

from bench.analysis.contention import (
    MOST_OTHERS,
    SLOWEST,
    contention_of,
    disturbance,
    machine_of,
    usual_references,
    worst,
)
from bench.records.record import Record

USUAL = 0.002


def on(record: Record, **machine: Any) -> Record:
    found = {**record.environment["machine"], **machine}
    return replace(record, environment={**record.environment, "machine": found})


def saying(contention: Any) -> Record:
    record = a_record()
    return replace(record, environment={**record.environment, "contention": contention})


def test_a_trial_that_ran_alone_has_no_reason_against_it():
    assert contention_of(beside(a_record()), USUAL) == ""


def test_each_kind_of_company_is_a_reason_in_words():
    record = a_record()
    assert contention_of(beside(record, shared=True), USUAL) == "another run"
    assert contention_of(beside(record, others_cpu=0.23), USUAL) == "others used 23%"
    slow = "reference work 1.4 times as long"
    assert contention_of(beside(record, before=0.0028), USUAL) == slow
    assert contention_of(beside(record, after=0.0028), USUAL) == slow


def at_once(record: Record, jobs: Any) -> Record:
    return replace(record, environment={**record.environment, "jobs": jobs})


def test_a_trial_of_several_at_once_is_told_from_one_beside_another_run():
    beside_its_own = at_once(beside(a_record(), shared=True), 2)
    assert contention_of(beside_its_own, USUAL) == "--jobs 2"
    assert contention_of(at_once(beside(a_record(), shared=True), 1), USUAL) == "another run"


def test_the_last_of_several_at_once_ran_alone_but_on_a_part_of_the_cores():
    assert contention_of(at_once(beside(a_record()), 4), USUAL) == "--jobs 4"
    assert contention_of(at_once(beside(a_record()), 1), USUAL) == ""


@pytest.mark.parametrize("jobs", [None, "2", True, -3, 2.5, []], ids=str)
def test_a_number_of_jobs_that_cannot_be_is_taken_for_unknown(jobs):
    assert contention_of(at_once(beside(a_record()), jobs), USUAL) == ""


def test_all_reasons_are_given():
    company = beside(a_record(), shared=True, others_cpu=0.5, after=0.02)
    assert contention_of(company, USUAL) == (
        "another run; others used 50%; reference work 10.0 times as long"
    )


def test_the_limits_themselves_are_allowed():
    usual = 0.5
    at_the_limits = beside(a_record(), others_cpu=MOST_OTHERS, before=usual, after=SLOWEST * usual)
    assert contention_of(at_the_limits, usual) == ""


def test_what_an_old_record_does_not_tell_is_not_held_against_it():
    assert contention_of(a_record(), None) == ""
    assert contention_of(beside(a_record(), after=9.0), None) == ""
    assert usual_references([a_record()]) == {}


@pytest.mark.parametrize(
    "contention",
    [
        None,
        "busy",
        [],
        {},
        {"others_cpu": None, "reference_before": None},
        {"others_cpu": "0.9", "reference_after": True},
        {"others_cpu": float("nan"), "reference_after": float("inf")},
        {"others_cpu": -1, "reference_before": -1.0, "reference_after": 10**400},
    ],
    ids=str,
)
def test_figures_that_cannot_be_are_taken_for_unknown(contention):
    record = saying(contention)
    assert contention_of(record, USUAL) == ""
    assert usual_references([record]) == {}


# What is usual


def test_what_is_usual_is_that_of_the_quiet_trials_though_half_were_disturbed():
    quiet = [beside(a_record(seed=s), before=0.0020, after=0.0021) for s in range(4)]
    noisy = [beside(a_record(seed=s), before=0.0060, after=0.0063) for s in range(4, 8)]
    (usual,) = usual_references([*noisy, *quiet]).values()

    assert usual == pytest.approx(0.002, rel=0.06)
    assert not any(contention_of(record, usual) for record in quiet)
    assert all(contention_of(record, usual) for record in noisy)


def test_one_unlikely_quick_reading_condemns_nobody():
    records = [beside(a_record(seed=s), before=0.0020, after=0.0021) for s in range(10)]
    hasty = beside(a_record(seed=10), before=0.0001, after=0.0020)
    (usual,) = usual_references([*records, hasty]).values()
    assert not any(contention_of(record, usual) for record in records)


def test_each_machine_has_its_own_usual_time():
    here = beside(a_record(), before=0.002, after=0.002)
    there = on(beside(a_record(), before=0.009, after=0.009), processor="A slow one")
    usual = usual_references([here, there])

    assert usual == {machine_of(here): 0.002, machine_of(there): 0.009}
    assert contention_of(there, usual[machine_of(there)]) == ""


def test_the_worst_of_several_trials_is_the_worst_of_each_kind():
    found = [
        disturbance(beside(a_record(), others_cpu=0.3), USUAL),
        disturbance(beside(a_record(), others_cpu=0.2, after=0.004), USUAL),
        disturbance(at_once(beside(a_record()), 2), USUAL),
    ]
    assert worst(found).reasons == (
        "--jobs 2",
        "others used 30%",
        "reference work 2.0 times as long",
    )
    assert worst([]).reasons == ()
