"""What is repaired, left out or impossible in a series is said, in the data's own terms."""

import numpy as np
import pytest

from bench.errors import DataError
from bench.series.prepare import prepare
from bench.series.table import SeriesTable

HOUR = 3600
START = int(np.datetime64("2020-01-01T00:00:00", "s").astype(np.int64))
COLUMNS = ("p (mbar)", "T (degC)", "rh (%)")


def weather(rows=1500, interval=HOUR, start=START, columns=COLUMNS):
    """Days that warm and cool, with a slow drift."""
    times = start + interval * np.arange(rows)
    day = np.sin(2 * np.pi * times / 86_400)
    drift = np.random.default_rng(4).normal(0, 0.2, rows).cumsum()
    values = np.stack([1000 - drift, 9 + 4 * day + drift, 70 + drift], axis=1)
    return SeriesTable(times, columns, values)


def changed(table, row, column, value):
    values = table.values.copy()
    values[row, column] = value
    return SeriesTable(table.times, table.columns, values)


def joined(*tables):
    return SeriesTable(
        np.concatenate([table.times for table in tables]),
        tables[0].columns,
        np.concatenate([table.values for table in tables]),
    )


def notes(table):
    return prepare(table, "weather.csv", as_published=False).meta["notes"]


def refused(table):
    with pytest.raises(DataError) as caught:
        prepare(table, "weather.csv", as_published=False)
    message = str(caught.value)
    assert message.startswith("weather.csv: ")
    assert "\n" not in message
    return message


def test_of_a_sound_series_the_split_is_said_with_its_rule_and_dates():
    table = weather()

    (said,) = notes(table)

    assert said == (
        "split in the published proportions: training from 2020-01-01T00:00:00, "
        "validation from 2020-01-30T17:00:00, test from 2020-02-14T14:00:00 to 2020-03-03T11:00:00"
    )


def test_what_was_read_oddly_comes_first():
    table = weather()
    table = SeriesTable(table.times, table.columns, table.values, ("read as it is written: x",))

    assert notes(table)[0] == "read as it is written: x"


def test_rows_of_one_time_are_counted_and_whether_they_conflict():
    table = weather()
    same = SeriesTable(table.times[50:60], COLUMNS, table.values[50:60])
    other = changed(same, slice(0, 4), 1, 3.5)

    alike, conflicting = notes(joined(table, same)), notes(joined(table, other))

    assert alike[0] == (
        "left out: 10 rows with the time of another, which is kept "
        "(the first at 2020-01-03T02:00:00; all say the same)"
    )
    assert "10 rows with the time of another" in conflicting[0]
    assert "4 say something else" in conflicting[0]
    assert alike[1] == conflicting[1] == "sorted, since the rows go back in time 1 time"


def test_rows_without_a_temperature_and_filled_cells_and_empty_columns_are_said():
    table = changed(weather(), slice(700, 703), 1, np.nan)
    table = changed(changed(table, slice(5, 9), 0, -9999), slice(None), 2, np.nan)

    said = notes(table)

    assert said[:3] == [
        "left out: 3 rows without a temperature (the first at 2020-01-30T04:00:00)",
        "left out: columns without any value: rh (%)",
        "filled with the value before: 4 missing cells (p (mbar) 4)",
    ]


def test_windows_that_are_lost_at_gaps_are_said():
    table = weather()
    kept = np.delete(np.arange(len(table)), slice(400, 405))

    said = notes(SeriesTable(table.times[kept], COLUMNS, table.values[kept]))

    assert said[0] == (
        "left out: windows across gaps (1 gap, 5 hours in all); 206 of 470 training windows remain"
    )


def test_an_interval_that_changes_is_said_with_the_rows_it_costs():
    hourly = weather(1200)
    fine = weather(6000, 600, START + 1200 * HOUR)

    said = notes(joined(hourly, fine))

    assert said[0] == (
        "the sampling interval changes: 1,200 rows are not used, which come every 60 minutes from "
        "2020-01-01T00:00:00 to 2020-02-20T00:00:00 where most come every 10 minutes; "
        "resample the file to use them"
    )
    assert said[1].startswith("left out: windows across a change of interval; ")


def test_a_column_that_never_changes_is_said():
    assert "the same in every training row: rh (%)" in notes(changed(weather(), slice(None), 2, 50))


@pytest.mark.parametrize("mark", [-999, -99.9, 999.9, -32768, 9999])
def test_marks_of_missing_values_that_cannot_be_are_taken_for_them(mark):
    table = changed(weather(), slice(600, 610), 1, mark)
    empty = changed(weather(), slice(600, 610), 1, np.nan)

    marked, plain = (prepare(data, "s", as_published=False) for data in (table, empty))

    assert marked.meta["notes"][0] == (
        f"{mark:g} in column 'T (degC)' is taken as missing "
        "(10 times, the first at 2020-01-26T00:00:00)"
    )
    for name, array in plain.arrays.items():
        assert np.array_equal(marked.arrays[name], array)


def test_a_mark_that_is_a_possible_value_stays_one():
    calm = changed(weather(columns=("wd (deg)", "T (degC)", "p (mbar)")), slice(None), 0, 99.0)
    calm = changed(calm, slice(None), 2, 999.0)

    prepared = prepare(calm, "s", as_published=False)

    assert prepared.arrays["values"][0].tolist()[::2] == [99.0, 999.0]
    assert not any("missing" in note for note in prepared.meta["notes"])


def test_a_temperature_that_the_air_never_has_is_refused_with_its_first_rows():
    table = changed(weather(), [100, 200, 300, 400], 1, [281.0, 85.0, -95.0, 70.0])

    assert refused(table) == (
        "weather.csv: column 'T (degC)' has 4 values outside -90 to 60 degrees C, which the air "
        "has nowhere: 281 at 2020-01-05T04:00:00, 85 at 2020-01-09T08:00:00, "
        "-95 at 2020-01-13T12:00:00, ...; correct them, or leave the cells empty where a value "
        "is missing"
    )


def test_temperatures_in_kelvin_are_told_as_such():
    table = weather()
    kelvin = changed(table, slice(None), 1, table.values[:, 1] + 273.15)

    assert "they look like kelvin: subtract 273.15 from all" in refused(kelvin)


def test_other_columns_with_impossible_values_are_used_with_a_warning():
    said = notes(changed(weather(), [10, 20], 2, [-3.0, 250.0]))

    assert said[0] == (
        "column 'rh (%)' has 2 values outside 0 to 120, used as they are: "
        "-3 at 2020-01-01T10:00:00, 250 at 2020-01-01T20:00:00"
    )


def test_a_likely_mark_in_a_column_of_unknown_meaning_is_used_with_a_warning():
    table = changed(weather(columns=("snow", "T (degC)", "p")), slice(7, 9), 0, -999)

    prepared = prepare(table, "s", as_published=False)

    assert prepared.arrays["values"][7, 0] == -999
    assert prepared.meta["notes"][0].startswith(
        "column 'snow' has 2 values that may stand for a missing one, used as they are: -999 at "
    )


@pytest.mark.parametrize(
    ("rows", "part"), [(slice(None), "train"), (slice(690, 1110), "validation"),
                       (slice(1080, None), "test")]
)  # fmt: skip
def test_a_temperature_that_never_changes_is_no_target(rows, part):
    said = refused(changed(weather(), rows, 1, 8.0))

    assert f"column 'T (degC)' is 8 in every {part} example, from 2020-0" in said
    assert said.endswith("; give a series whose temperature changes")


def test_the_published_file_is_used_as_it_is():
    from bench.series.prepare import Boundaries

    table = changed(weather(), [100, 101], [1, 0], [281.0, -9999])

    prepared = prepare(table, "s", True, Boundaries(600, 1100, 1500))

    assert prepared.meta["notes"] == ["filled with the value before: 1 missing cell (p (mbar) 1)"]
    assert prepared.arrays["values"][100, 1] == 281
