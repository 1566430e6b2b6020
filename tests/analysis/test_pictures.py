"""What the pictures show, without drawing them: curves, ranges, names, labels."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from builders import AWKWARD, a_board, a_record

from bench.analysis.frontier import (
    CURVES,
    TIME,
    Panel,
    own_range,
    panels,
    pictures,
    shared_range,
    visible,
)
from bench.analysis.leaderboard import Table
from bench.protocol import FAILED
from bench.records.record import Record
from bench.report.style import Box, place


def trained(
    plugin: str, validation: list[float | None], fit: float | None = 10.0, **parts: Any
) -> Record:
    """A record with these validation metrics by epoch, and training ones 0.01 below."""
    quality = min([value for value in validation if value is not None], default=0.29)
    record = a_record(plugin, quality, **parts)
    train = [None if value is None else value - 0.01 for value in validation]
    curves = {"validation_mae": validation, "train_mae": train, "epoch_seconds": [1.0]}
    return replace(
        record,
        metrics={**record.metrics, "curves": curves},
        timing={**record.timing, "fit": fit},
    )


def table_of(*records: Record) -> Table:
    (table,) = a_board(*records).tables
    return table


# Curves


def test_a_panel_has_a_curve_for_each_seed_that_is_ok():
    table = table_of(
        trained("jena_gru", [0.3, 0.26]),
        trained("jena_gru", [0.31, 0.27, 0.25], seed=1),
        a_record("jena_gru", seed=2, status=FAILED),
        a_record("jena_broken", status=FAILED),
        trained("jena_gru", [0.4, 0.35], trial={"backend": "jax"}),
    )
    tensorflow, jax = panels(table)

    assert (tensorflow.label, jax.label) == ("jena_gru", "jena_gru [jax]")
    assert [curve.validation for curve in tensorflow.curves] == [(0.3, 0.26), (0.31, 0.27, 0.25)]
    assert tensorflow.curves[0].train == pytest.approx((0.29, 0.25))
    assert [curve.validation for curve in jax.curves] == [(0.4, 0.35)]


def test_an_epoch_without_a_number_is_a_gap_and_no_epochs_are_no_curve():
    gap, none = panels(table_of(trained("a", [0.28, None, 0.27]), trained("b", [])))

    assert math.isnan(gap.curves[0].validation[1])
    assert none.curves == ()


# Ranges


def test_an_outlier_does_not_flatten_the_others():
    assert visible([0.25, 0.27, 0.29, 0.4, 90.0], "min").high == 0.4
    assert visible([0.9, 0.88, 0.86, 0.0], "max").low == pytest.approx(0.86)


def test_one_or_two_values_are_always_seen():
    for values in ([0.3], [0.3, 80.0], [0.3, 0.3]):
        seen = visible(values, "min")
        assert (seen.low, seen.high) == (min(values), max(values))


def test_the_shared_range_holds_every_mean_and_has_room_for_what_a_model_learns_by_heart():
    table = table_of(trained("jena_naive", [0.29]), trained("jena_gru", [2.0, 0.26, 0.25]))
    shared = shared_range(panels(table), table)

    assert all(shared.holds(panel.mean) for panel in panels(table))
    assert shared.holds(0.24)
    assert not shared.holds(2.0)


def test_the_shared_range_shows_half_of_each_curve_where_the_best_epochs_are_alike():
    """Four models within 0.004 of each other had panels that were empty but for one dip."""
    dips = {"a": 0.2621, "b": 0.2641, "c": 0.2655, "d": 0.2663}
    records = [trained(name, [best, 0.271, 0.272, 0.273, 0.3]) for name, best in dips.items()]
    table = table_of(*records)
    shared = shared_range(panels(table), table)

    assert all(shared.holds(value) for value in (*dips.values(), 0.271, 0.272))


def test_a_curve_that_is_far_from_its_best_epoch_does_not_flatten_the_others():
    near = [trained(name, [0.26, 0.27, 0.28]) for name in ("a", "b", "c")]
    table = table_of(*near, trained("d", [0.265, 40.0, 60.0]))

    assert shared_range(panels(table), table).high < 0.4


def test_a_range_is_never_empty():
    alone = Panel("alone", 0.0, ())
    table = table_of(trained("jena_gru", [0.25]))
    shared = shared_range(panels(table), table)

    assert own_range(alone).low < own_range(alone).high
    assert shared.low < shared.high


# File names


def test_each_table_has_two_pictures_and_tables_alike_have_names_of_their_own():
    found = pictures(a_board(a_record(), a_record(trial={"fingerprint": "beef"})))

    assert list(found) == [
        "jena-official-quick-curves.svg",
        "jena-official-quick-time.svg",
        "jena-official-quick-2-curves.svg",
        "jena-official-quick-2-time.svg",
    ]
    assert [kind for kind, _ in found.values()] == [CURVES, TIME] * 2
    assert len({table.fingerprint for _, table in found.values()}) == 2


def test_a_table_without_results_has_none():
    assert pictures(a_board(a_record(status=FAILED))) == {}


@pytest.mark.parametrize("text", [*AWKWARD, "../../etc", "/root", "C:\\x"])
def test_no_text_in_a_record_leads_out_of_the_folder(text):
    names = pictures(a_board(a_record(trial={"source": text, "profile": text})))

    assert len(names) == 2
    assert all(set(name) <= set("-_.") | {c for c in name if c.isalnum()} for name in names)
    assert all(name.count(".") == 1 for name in names)


# Labels


def test_labels_cover_neither_each_other_nor_points_nor_obstacles():
    crowd = [(200.0 + 9 * (number % 5), 150.0 + 9 * (number // 5)) for number in range(20)]
    wall = Box(0, 120, 400, 2)
    canvas = Box(0, 0, 400, 300)
    boxes = place(crowd, [(60.0, 9.0)] * 20, [wall], canvas)

    assert all(a.shared_with(b) == 0 for a, b in combinations([*boxes, wall], 2))
    assert [box.shared_with(canvas) for box in boxes] == pytest.approx([60.0 * 9.0] * 20)
    assert all(box.shared_with(Box(x - 3, y - 3, 6, 6)) == 0 for box in boxes for x, y in crowd)


def test_a_label_without_a_free_place_is_put_where_it_covers_least():
    canvas = Box(0, 0, 300, 300)
    wall = Box(0, 0, 300, 160)
    (box,) = place([(150.0, 150.0)], [(60.0, 9.0)], [wall], canvas)
    everywhere = place([(150.0, 150.0)], [(60.0, 9.0)], [canvas], canvas)

    assert box.y >= 160
    assert len(everywhere) == 1
