"""Cleaning, splitting and standardising a series, and leaving out what crosses a gap."""

import numpy as np
import pytest

from bench.errors import DataError
from bench.series.prepare import Boundaries, Span, clean, prepare, rows_needed
from bench.series.table import SeriesTable

HOUR = 3600
SPAN = Span(lookback=240, delay=24)
START = 1_700_000_400


def series(rows=1200, interval=HOUR, start=START, columns=("p (mbar)", "T (degC)")):
    values = np.random.default_rng(7).normal(0, 0.3, (rows, len(columns))).cumsum(axis=0)
    return SeriesTable(start + interval * np.arange(rows), columns, values)


def without(table, *rows):
    kept = np.setdiff1d(np.arange(len(table)), rows)
    return SeriesTable(table.times[kept], table.columns, table.values[kept])


def table_of(times, *temperatures, other=None):
    other = list(temperatures) if other is None else other
    values = np.array([other, temperatures], dtype=float).T
    return SeriesTable(np.array(times), ("p (mbar)", "T (degC)"), values)


def test_of_rows_with_one_time_stamp_the_first_stays():
    cleaned, repairs = clean(table_of([0, 600, 600, 1200], 1, 2, 3, 4), "s")

    assert cleaned.values[:, 1].tolist() == [1, 2, 4]
    assert repairs.duplicates == 1


def test_rows_out_of_order_are_sorted_and_counted():
    cleaned, repairs = clean(table_of([1200, 1800, 0, 600], 3, 4, 1, 2), "s")

    assert cleaned.values[:, 1].tolist() == [1, 2, 3, 4]
    assert repairs.out_of_order == 1


def test_a_missing_cell_takes_what_was_known_before_it():
    other = [-9999, 5, np.nan, -9999, 8]

    cleaned, repairs = clean(table_of(range(5), 1, 2, 3, 4, 5, other=other), "s")

    assert cleaned.values[:, 0].tolist() == [5, 5, 5, 5, 8]
    assert repairs.filled_cells == 3


def test_a_row_without_temperature_is_dropped_never_filled():
    cleaned, repairs = clean(table_of(range(4), 1, -9999, np.nan, 4), "s")

    assert cleaned.values[:, 1].tolist() == [1, 4]
    assert repairs.rows_without_temperature == 2


def test_a_column_without_any_value_is_dropped_and_named():
    cleaned, repairs = clean(table_of(range(3), 1, 2, 3, other=[-9999] * 3), "s")

    assert cleaned.columns == ("T (degC)",)
    assert repairs.dropped_columns == ("p (mbar)",)


def test_published_rows_stay_where_they_are():
    table = table_of([600, 0, 0], 1, 2, 3, other=[1, -9999, 3])

    cleaned, repairs = clean(table, "s", as_published=True)

    assert cleaned.times.tolist() == [600, 0, 0]
    assert cleaned.values[:, 0].tolist() == [1, 1, 3]
    assert repairs.duplicates == repairs.out_of_order == 0


def test_a_series_without_temperatures_is_refused():
    with pytest.raises(DataError, match=r"^s: column 'T \(degC\)' has no value"):
        clean(table_of(range(2), -9999, np.nan), "s")


def test_statistics_are_those_of_the_training_rows_only():
    prepared = prepare(series(), "s", as_published=False)

    training = prepared.meta["training_rows"]
    values = prepared.arrays["standardised"][:training].astype(np.float64)
    raw = series().values[:training]
    assert np.allclose(values.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(values.std(axis=0), 1, atol=1e-5)
    assert prepared.meta["mean"] == pytest.approx(raw[:, 1].mean())
    assert prepared.meta["std"] == pytest.approx(raw[:, 1].std())


def test_a_column_that_never_varies_is_standardised_to_zero():
    table = series()
    table.values[:, 0] = 0.1

    prepared = prepare(table, "s", as_published=False)

    assert not prepared.arrays["standardised"][:, 0].any()


def test_targets_and_days_are_those_of_a_day_later():
    prepared = prepare(series(), "s", as_published=False)

    for split in ("train", "validation", "test"):
        later = prepared.arrays[f"rows_{split}"] + 24
        expected = prepared.arrays["standardised"][later, 1]
        assert np.array_equal(prepared.arrays[f"targets_{split}"], expected)
        days = prepared.arrays["times"][later] // 86_400
        assert np.array_equal(prepared.arrays[f"groups_{split}"], days)


def test_the_arrays_have_the_promised_types():
    arrays = prepare(series(), "s", as_published=False).arrays

    kinds = {name.partition("_")[0]: array.dtype.name for name, array in arrays.items()}
    assert kinds == {
        "times": "int64",
        "values": "float32",
        "standardised": "float32",
        "rows": "int32",
        "targets": "float32",
        "groups": "int32",
    }


def test_a_series_over_both_instants_is_split_at_them():
    where = Boundaries(instants=(START + 400 * HOUR - 60, START + 800 * HOUR))

    meta = prepare(series(), "s", as_published=False, where=where).meta

    assert meta["split_rule"] == "instants"
    assert (meta["training_rows"], meta["validation_rows"]) == (400, 400)
    assert meta["test_from"] == str(np.datetime64(START + 800 * HOUR, "s"))


def test_another_series_is_split_in_the_published_proportions():
    meta = prepare(series(), "s", as_published=False).meta

    assert meta["split_rule"] == "proportions"
    assert meta["training_rows"] == 1200 * 200_000 // 420_551
    assert meta["test_rows"] == 1200 - 1200 * 300_000 // 420_551


def test_a_series_that_reaches_the_instants_too_late_is_split_in_proportion():
    where = Boundaries(instants=(START + 100 * HOUR, START + 800 * HOUR))

    meta = prepare(series(), "s", as_published=False, where=where).meta

    assert meta["split_rule"] == "proportions"


def test_too_short_a_series_says_how_many_rows_are_needed():
    needed = rows_needed(SPAN, Boundaries())

    with pytest.raises(DataError, match=rf"^s: has {needed - 1:,} usable rows.*{needed:,}$"):
        prepare(series(needed - 1), "s", as_published=False)
    examples = prepare(series(needed), "s", as_published=False).meta["examples"]
    assert min(examples.values()) == 1


def test_a_single_row_is_too_short():
    with pytest.raises(DataError, match="has 1 usable rows, too few"):
        prepare(series(1), "s", as_published=False)


def test_an_interval_that_does_not_divide_a_day_is_refused():
    with pytest.raises(DataError, match="every 420 seconds, which does not divide a day"):
        prepare(series(interval=420), "s", as_published=False)


def test_examples_that_cross_a_gap_are_dropped_and_no_others():
    table = without(series(1600), 500)

    prepared = prepare(table, "s", as_published=False)

    times, rows = prepared.arrays["times"], prepared.arrays["rows_train"]
    assert (times[rows + 24] - times[rows - 240] == 264 * HOUR).all()
    dropped = np.setdiff1d(np.arange(240, prepared.meta["training_rows"]), rows)
    assert len(dropped) == prepared.meta["dropped_at_gaps"]["train"] == 264
    assert (times[dropped + 24] - times[dropped - 240] == 265 * HOUR).all()
    assert prepared.meta["gaps"] == 1
    assert prepared.meta["gap_hours"] == 1.0


def test_an_example_that_ends_at_a_gap_or_begins_after_it_is_kept():
    prepared = prepare(without(series(1600), 500), "s", as_published=False)

    rows = prepared.arrays["rows_train"]
    assert 499 - 24 in rows
    assert 499 - 23 not in rows
    assert 500 + 240 in rows
    assert 499 + 240 not in rows


def test_the_official_file_keeps_its_windows_over_gaps():
    where = Boundaries(400, 800, 1200)

    meta = prepare(without(series(1201), 300), "s", as_published=True, where=where).meta

    assert meta["gaps"] == 1
    assert meta["gaps_kept"]
    assert meta["examples"]["train"] == 400 - 240
    assert not any(meta["dropped_at_gaps"].values())


def test_a_clock_that_is_seconds_off_makes_no_gap():
    table = series()
    table.times[::3] += 20

    assert prepare(table, "s", as_published=False).meta["gaps"] == 0


def test_a_series_of_nothing_but_gaps_is_refused():
    with pytest.raises(DataError, match="gaps leave no train example"):
        prepare(without(series(1600), *range(0, 1600, 100)), "s", as_published=False)
