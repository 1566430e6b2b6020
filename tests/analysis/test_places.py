"""Times of two places are never put together: which machine and threads a row's times are of."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_board, a_record, a_timed_record, beside
from reading import markdown_rows, markdown_tables, said

from bench.analysis.contention import machine_of
from bench.analysis.frontier import on_frontier, points
from bench.analysis.leaderboard import Leaderboard
from bench.analysis.places import (
    MACHINE,
    ThreadChange,
    changed_by_threads,
    differences,
    place,
    place_of,
)
from bench.records.predictions import Predictions
from bench.records.record import Record, from_json
from bench.report.document import Place
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_json, to_markdown

HERE = {"processor": "Here", "cores": 2, "memory": 8 * 1024**3, "system": "Linux 6.1"}
THERE = {"processor": "There", "cores": 64, "memory": 512 * 1024**3, "system": "Linux 6.1"}


def on(record: Record, machine: dict[str, Any], threads: int = 2, **process: Any) -> Record:
    told = {"machine": machine, "threads": threads, "device": "cpu", **process}
    return replace(record, environment={**record.environment, **told})


def row_of(label: str, *records: Record) -> Any:
    (table,) = a_board(*records).tables
    return next(row for row in table.rows if row.label == label), table


def test_seeds_of_two_machines_are_not_put_into_one_median():
    """One row said "378 ms (125 to 588)" of two machines."""
    quick = [on(a_timed_record(epoch=0.1, seed=s, minute=s), THERE) for s in range(2)]
    slow = [on(a_timed_record(epoch=0.5, seed=s, minute=10 + s), HERE) for s in range(2, 4)]
    row, table = row_of("jena_gru", *quick, *slow)

    assert row.seeds == (0, 1, 2, 3)
    assert row.costs.epoch_seconds == 0.5
    assert row.costs.quiet_trials == 2
    assert table.place.name == "Here, 2 cores, 8 GiB, Linux 6.1, 2 threads"
    (other,) = table.elsewhere["jena_gru"]
    assert (other.epoch_seconds, other.place.processor) == (0.1, "There")


def test_a_trial_that_was_done_again_elsewhere_keeps_its_times_of_both_machines():
    first = on(a_timed_record(epoch=0.1, minute=1), THERE)
    again = on(a_timed_record(epoch=0.5, minute=2), HERE)
    row, table = row_of("jena_gru", first, again)

    assert row.costs.epoch_seconds == 0.5
    assert [costs.epoch_seconds for costs in table.elsewhere["jena_gru"]] == [0.1]


def test_a_table_shows_the_machine_that_timed_most_rows_whatever_was_used_last():
    names = ("jena_naive", "jena_dense", "jena_gru")
    there = [on(a_timed_record(name, epoch=0.1), THERE) for name in names]
    stray = on(a_timed_record("jena_gru", epoch=0.5, minute=9), HERE)
    row, table = row_of("jena_gru", *there, stray)

    assert table.place.processor == "There"
    assert row.costs.epoch_seconds == 0.1


def test_of_machines_that_timed_as_many_rows_the_one_used_last_counts_in_any_order():
    there = [on(a_timed_record(epoch=0.1, seed=s, minute=1), THERE) for s in range(3)]
    here = on(a_timed_record(epoch=0.5, seed=3, minute=2), HERE)
    for records in ([*there, here], [here, *there]):
        row, _ = row_of("jena_gru", *records)
        assert row.costs.place.processor == "Here"


def test_times_that_were_disturbed_do_not_decide_the_machine():
    quiet = on(a_timed_record(epoch=0.1, seed=0, minute=1), THERE)
    busy = on(beside(a_timed_record(epoch=0.5, seed=1, minute=2), others_cpu=0.9), HERE)
    row, _ = row_of("jena_gru", quiet, busy)

    assert (row.costs.place.processor, row.costs.contended) == ("There", ())


def test_a_row_that_was_timed_elsewhere_alone_has_no_times_and_is_on_no_frontier():
    """Its quality stands beside the others', for that does not depend on the machine."""
    there = [on(a_timed_record(name, epoch=1.0), THERE) for name in ("jena_naive", "jena_dense")]
    here = on(a_timed_record("jena_gru", validation=(0.2, 0.1), epoch=0.01), HERE)
    row, table = row_of("jena_gru", *there, here)

    assert row.costs is None
    assert row.validation["mae"].mean == pytest.approx(0.1)
    assert "jena_gru" not in {point.label for point in points(table)}
    assert "jena_gru" not in on_frontier(table)
    assert [costs.place.processor for costs in table.elsewhere["jena_gru"]] == ["Here"]


@pytest.mark.parametrize(
    "other",
    [
        {"machine": {**HERE, "processor": "Another"}},
        {"machine": {**HERE, "cores": 4}},
        {"machine": {**HERE, "accelerators": ["NVIDIA H100, 81559 MiB, driver 550.1"]}},
        {"machine": {**HERE, "accelerators": ["NVIDIA H100, 81559 MiB, driver 560.2"]}},
        {"machine": {**HERE, "system": "Darwin 24.1"}},
        {"threads": 1},
        {"inter_op_threads": 1},
        {"device": "gpu"},
    ],
    ids=lambda other: str(next(iter(other))),
)
def test_what_makes_times_comparable_is_the_machine_and_the_threads(other):
    one = on(a_record(), HERE)
    changed = replace(one, environment={**one.environment, **other})

    assert place_of(one) != place_of(changed)
    assert (machine_of(one) != machine_of(changed)) == ("machine" in other)


def test_a_little_memory_that_the_system_keeps_for_itself_makes_no_other_machine():
    one, other = ({**HERE, "memory": 15.6 * 1024**3 + kept} for kept in (0, 5_000_000))
    assert place(one, {}) == place(other, {})


def test_records_of_before_the_threads_were_written_down_compare_among_themselves():
    old = [a_timed_record(epoch=float(s + 1), seed=s) for s in range(3)]
    for record in old:
        record.environment.pop("threads", None)
    row, table = row_of("jena_gru", *old)

    assert row.costs.epoch_seconds == 2.0
    assert table.elsewhere == {}
    v1 = from_json((Path(__file__).parents[1] / "records/v1/ok.json").read_text("utf-8"))
    assert place_of(v1) == place_of(v1)


@pytest.mark.parametrize("odd", [None, 5, "x", [1], {"cores": {"a": [1]}, "processor": "\x1b[31m"}])
def test_what_others_wrote_about_a_machine_is_text(odd):
    record = replace(a_record(), environment={"machine": odd, "threads": {"x": 1}, "device": [1]})
    assert place_of(record).name.isprintable()


def test_a_difference_is_named():
    one, other = place(HERE, {"threads": 1}), place({**HERE, "cores": 4}, {"threads": 2})

    assert differences(one, other) == "cores 2 and 4"
    assert differences(one, other, ("threads",)) == "threads 1 and 2"
    assert differences(one, one, (*MACHINE, "threads")) == ""


# What is said


def two_machines() -> tuple[Record, ...]:
    names = ("jena_naive", "jena_gru")
    there = [on(a_timed_record(name, epoch=0.1), THERE) for name in names]
    return (*there, on(a_timed_record("jena_gru", epoch=0.5, minute=5), HERE))


@pytest.mark.parametrize("where", [Place.PAGE, Place.TERMINAL])
def test_a_table_of_several_machines_says_whose_times_it_shows(where):
    text = said(leaderboard_document(a_board(*two_machines())), where)

    assert "times and memory are of There, 64 cores, 512 GiB, Linux 6.1, 2 threads" in text
    assert "compared with none of these: Here, 2 cores, 8 GiB, Linux 6.1, 2 threads" in text


def test_a_table_of_one_machine_says_nothing_of_others():
    text = said(leaderboard_document(a_board(on(a_timed_record(), HERE))), Place.PAGE)
    assert "Cost by machine" not in text
    assert "elsewhere" not in text


def test_contended_times_of_another_machine_are_left_out_where_the_row_has_quiet_ones():
    """More seeds, trained two at a time, are of other threads: a second table was all stars."""
    seeds = [on(a_timed_record(epoch=0.1, seed=seed, minute=seed), THERE) for seed in (0, 1)]
    busy = on(beside(a_timed_record(epoch=0.5, seed=2, minute=2), others_cpu=0.9), HERE)
    only = on(beside(a_timed_record("jena_lstm", epoch=0.7), others_cpu=0.9), HERE)
    alone = to_markdown(leaderboard_document(a_board(*seeds, busy)))
    with_another = to_markdown(leaderboard_document(a_board(*seeds, busy, only)))

    assert "Cost by machine" not in alone
    assert "compared with none of these: Here" in alone
    by_machine = with_another.split("Cost by machine")[1]
    assert [row["plugin"] for row in markdown_rows(*markdown_tables(by_machine))] == ["jena_lstm"]
    assert "timed while other work ran" in by_machine


def test_programs_get_the_costs_of_every_machine():
    (table,) = json.loads(to_json(leaderboard_document(a_board(*two_machines()))))["tables"]

    assert table["place"]["processor"] == "There"
    (other,) = table["elsewhere"]["jena_gru"]
    assert (other["epoch_seconds"], other["place"]["cores"]) == (0.5, "2")


# Threads that change numbers


def predicting(digest: str, threads: int, minute: int, machine: dict[str, Any] = HERE) -> Record:
    kept = Predictions("p.npz", 10, digest)
    return on(replace(a_record(minute=minute), predictions=kept), machine, threads)


def changed(board: Leaderboard) -> Any:
    (table,) = board.tables
    rows = {label: found.everything for label, found in table.selected.items()}
    return changed_by_threads(rows)


def test_that_other_threads_gave_other_predictions_is_told():
    board = a_board(predicting("a" * 64, 1, 1), predicting("b" * 64, 2, 2))

    assert changed(board) == {"jena_gru": ThreadChange(("1", "2"), False)}
    text = said(leaderboard_document(board), Place.TERMINAL)
    assert (
        "the same trial gave other predictions with other threads: jena_gru (1 and 2 threads)"
    ) in text


def test_that_the_machine_was_another_too_is_told():
    board = a_board(predicting("a" * 64, 2, 1), predicting("b" * 64, 64, 2, THERE))
    assert changed(board) == {"jena_gru": ThreadChange(("2", "64"), True)}


@pytest.mark.parametrize(("digest", "threads"), [("a" * 64, 2), ("b" * 64, 1)])
def test_the_same_predictions_or_the_same_threads_are_nothing_to_be_told(digest, threads):
    board = a_board(predicting("a" * 64, 1, 1), predicting(digest, threads, 2))
    assert changed(board) == {}
