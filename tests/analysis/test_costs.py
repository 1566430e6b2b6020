"""What a row costs: medians over quiet trials, and a mark where there were none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from builders import a_board, a_record, a_timed_record, beside

from bench.analysis.costs import Costs
from bench.analysis.places import TimingPlace
from bench.protocol import FAILED
from bench.records.record import BIT_IDENTICAL, Record


def costs_of(*records: Record, label: str = "jena_gru") -> Costs:
    (table,) = a_board(*records).tables
    (row,) = [row for row in table.rows if row.label == label]
    assert row.costs is not None
    return row.costs


def seeds(epochs: Sequence[float], **parts: Any) -> list[Record]:
    """Trials of one model over seeds, whose epochs took so many seconds."""
    return [a_timed_record(epoch=epoch, seed=seed, **parts) for seed, epoch in enumerate(epochs)]


def with_timing(record: Record, **timing: Any) -> Record:
    return replace(record, timing={**record.timing, **timing})


def test_times_are_medians_over_the_seeds_that_are_ok():
    costs = costs_of(*seeds([1.0, 2.0, 99.0]), a_record(seed=3, status=FAILED))

    # Three epochs, their scoring, and a second for compiling.
    assert costs.fit_seconds == pytest.approx(2 * 3.3 + 1)
    assert costs.fit_seconds_range == pytest.approx((3.3 + 1, 99 * 3.3 + 1))
    assert costs.first_epoch_seconds == 3.0
    assert (costs.start_seconds, costs.compile_seconds) == (0.4, 1.0)
    assert costs.predict_per_1000_seconds == 0.2
    assert costs.peak_rss_bytes == 900 * 1024**2
    assert (costs.quiet_trials, costs.contended_trials, costs.contended) == (3, 0, ())


def test_the_steady_epoch_is_over_all_epochs_of_all_seeds_without_each_first_one():
    one, other = seeds([1.0, 2.0])
    curves = [[9.0, 1.0, 2.0, 3.0], [9.0, 4.0, 5.0, 6.0, 7.0]]
    records = [
        replace(r, metrics={**r.metrics, "curves": {"epoch_seconds": curve}})
        for r, curve in zip((one, other), curves, strict=True)
    ]
    costs = costs_of(*records)

    assert costs.epoch_seconds == 4.0
    assert costs.epoch_seconds_interval == (1.0, 7.0)


def test_few_epochs_have_no_interval():
    costs = costs_of(*seeds([2.0, 2.0]))
    assert (costs.epoch_seconds, costs.epoch_seconds_interval) == (2.0, None)


def test_of_single_epochs_it_is_what_they_took_beyond_compilation():
    records = [
        with_timing(a_timed_record(validation=[0.3], epoch=5.0, seed=s), steady_epoch=4.0 + s)
        for s in range(3)
    ]
    assert costs_of(*records).epoch_seconds == 5.0


def test_what_records_do_not_tell_is_none():
    record = a_record()
    bare = replace(
        record,
        metrics={**record.metrics, "curves": {}},
        timing={
            "fit": None,
            "steady_epoch": None,
            "predict_per_1000": None,
            "total": None,
        },
        memory={"peak_rss": None},
    )
    costs = costs_of(bare)

    assert replace(costs, place=TimingPlace()) == Costs(
        fit_seconds=None,
        fit_seconds_range=None,
        start_seconds=None,
        compile_seconds=None,
        first_epoch_seconds=None,
        epoch_seconds=None,
        epoch_seconds_interval=None,
        predict_per_1000_seconds=None,
        peak_rss_bytes=None,
        reached={},
        contended=(),
        quiet_trials=1,
        contended_trials=0,
    )


def test_a_row_without_a_result_costs_nothing_that_is_known():
    (table,) = a_board(a_record(status=FAILED)).tables
    assert table.rows[0].costs is None


def test_a_repeat_of_a_trial_was_timed_too_and_is_no_further_seed():
    first = a_timed_record(epoch=1.0, minute=1)
    again = replace(
        a_timed_record(epoch=3.0, minute=2),
        repeat={"of": first.finished, "verdict": BIT_IDENTICAL, "largest": 0.0, "settings": {}},
    )
    costs = costs_of(first, again)

    assert costs.first_epoch_seconds == 3.0
    assert costs.quiet_trials == 2
    assert costs.reached["published"].seeds == 1


def test_a_result_that_was_replaced_gives_no_times():
    costs = costs_of(a_timed_record(epoch=9.0, minute=1), a_timed_record(epoch=1.0, minute=2))
    assert (costs.first_epoch_seconds, costs.quiet_trials) == (2.0, 1)


# Contention


def test_quiet_trials_alone_give_the_times_where_there_are_any():
    one, two, three = seeds([1.0, 2.0, 50.0])
    costs = costs_of(one, two, beside(three, shared=True))

    assert costs.first_epoch_seconds == 2.5
    assert costs.fit_seconds_range == pytest.approx((3.3 + 1, 2 * 3.3 + 1))
    assert costs.epoch_seconds == 1.5
    assert (costs.quiet_trials, costs.contended_trials, costs.contended) == (2, 1, ())
    assert costs.reached["published"].seeds == 2


def test_where_none_was_quiet_the_times_are_marked_with_the_worst_of_each_reason():
    one, two = seeds([1.0, 3.0])
    costs = costs_of(beside(one, others_cpu=0.2), beside(two, others_cpu=0.4, shared=True))

    assert costs.first_epoch_seconds == 3.0
    assert costs.contended == (
        "another run",
        "others used 40%",
    )
    assert (costs.quiet_trials, costs.contended_trials) == (0, 2)


def test_code_that_was_found_in_a_cache_was_not_compiled():
    compiled, found = seeds([1.0, 1.0])
    warm = {**found.environment, "compilation": {"cache": {"hits": 3, "misses": 0}}}
    found = replace(with_timing(found, compile=0.1, first_epoch=1.1), environment=warm)
    costs = costs_of(compiled, found)
    assert (costs.compile_seconds, costs.first_epoch_seconds) == (1.0, 2.0)
    alone = costs_of(found)
    assert (alone.compile_seconds, alone.first_epoch_seconds) == (None, None)
    assert alone.epoch_seconds == 1.0


def test_memory_is_of_all_trials():
    one, two, three = (
        replace(record, memory={"peak_rss": size})
        for record, size in zip(seeds([1.0, 1.0, 1.0]), (1, 2, 3), strict=True)
    )
    assert costs_of(one, beside(two, shared=True), beside(three, shared=True)).peak_rss_bytes == 2


def test_a_noisy_stretch_shows_by_the_other_trials_of_the_table():
    others = [beside(a_record("other", seed=s)) for s in range(3)]
    slow = beside(a_timed_record(), before=0.002, after=0.006)

    assert costs_of(slow, *others).contended == ("reference work 3.0 times as long",)
    assert costs_of(slow, *others, label="other").contended == ()


def test_a_peak_without_the_pages_that_a_forked_trial_shares_is_left_out_and_counted():
    old, new, spawned = (
        replace(record, memory={"peak_rss": size}, environment={**record.environment, **told})
        for record, size, told in zip(
            seeds([1.0, 1.0, 1.0]),
            (421, 822, 824),
            ({"start": "fork"}, {"start": "fork", "memory_pages": "all"}, {"start": "spawn"}),
            strict=True,
        )
    )
    assert (costs_of(old, new, spawned).peak_rss_bytes, costs_of(old, new).other_peaks) == (823, 1)
    assert costs_of(old).peak_rss_bytes is None


def test_time_to_target_is_within_the_costs():
    costs = costs_of(
        a_record("jena_naive", 0.29),
        *seeds([1.0, 2.0], validation=[0.31, 0.28, 0.26], reference={"val_mae": 0.2}),
    )
    assert costs.reached["baseline"].seconds == pytest.approx((3.2 + 5.4) / 2)
    assert (costs.reached["baseline"].reached, costs.reached["published"].reached) == (2, 0)
