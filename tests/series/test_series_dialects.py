"""Files that are not written as the published one: read where it is certain, else told at once."""

import gzip
import zipfile
from datetime import datetime, timedelta

import numpy as np
import pytest

from bench.errors import DataError
from bench.series.csv_file import read_bytes, read_table, read_tables

HEADER = ["Date Time", "p (mbar)", "T (degC)"]
START = datetime(2024, 1, 1)
VALUES = [[979.65, 7.63], [979.56, -7.5], [980.0, 0.25], [981.25, 12.0]]


def lines(header=HEADER, separator=",", layout="%d.%m.%Y %H:%M:%S", cell="{:.2f}", end=""):
    """A file of four hours; ``cell`` formats a number and ``end`` closes each line."""
    times = [START + timedelta(hours=hour) for hour in range(len(VALUES))]
    rows = [
        [when.strftime(layout), *map(cell.format, row)]
        for when, row in zip(times, VALUES, strict=True)
    ]
    return [separator.join(row) + end for row in [header, *rows]]


def write(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "weather.csv"
    path.write_bytes("\n".join([*text, ""]).encode(encoding))
    return path


def with_decimal_commas(separator, cell="{:.2f}"):
    """Lines whose numbers, and not whose times, have commas."""
    return [
        (time + sign + rest.replace(".", ",")) if number else time + sign + rest
        for number, line in enumerate(lines(separator=separator, cell=cell))
        for time, sign, rest in [line.partition(separator)]
    ]


def the_same(table):
    assert table.columns == ("p (mbar)", "T (degC)")
    assert table.values.tolist() == VALUES
    hours = (table.times - np.datetime64(START, "s").astype(np.int64)) / 3600
    assert hours.tolist() == [0, 1, 2, 3]
    return table.notes


READ = {
    "as published": (lines(), ()),
    "semicolons": (lines(separator=";"), ("';' between fields",)),
    "tabs": (lines(separator="\t"), ("tabs between fields",)),
    "decimal commas": (with_decimal_commas(";"), ("';' between fields", "decimal commas")),
    "quoted decimal commas": (with_decimal_commas(",", '"{:.2f}"'), ("decimal commas",)),
    "ISO": (lines(layout="%Y-%m-%d %H:%M:%S"), ("times written as yyyy-mm-dd HH:MM:SS",)),
    "ISO with T": (lines(layout="%Y-%m-%dT%H:%M"), ("times written as yyyy-mm-dd HH:MM:SS",)),
    "no seconds": (lines(layout="%d.%m.%Y %H:%M"), ("times written as dd.mm.yyyy HH:MM",)),
    "slashes": (lines(layout="%Y/%m/%d %H:%M"), ("times written as yyyy/mm/dd HH:MM",)),
    "UTC": (
        lines(layout="%Y-%m-%d %H:%M:%S+00:00"),
        ("times written as yyyy-mm-dd", "times in UTC, since they have offsets from it"),
    ),
    "the sign of degrees": (
        lines(header=["Date Time", "p (mbar)", "T (°C)"]),
        ("'T (°C)' as 'T (degC)'",),
    ),
    "other names": (
        lines(header=["date", "p (mbar)", "Temperature [°C]"], layout="%Y-%m-%d %H:%M:%S"),
        ("'date' as 'Date Time'", "'Temperature [°C]' as 'T (degC)'", "times written as"),
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_what_is_certain_is_read_and_told(tmp_path, kind):
    text, said = READ[kind]

    notes = the_same(read_table(write(tmp_path, text)))

    assert len(notes) == bool(said)
    for words in said:
        assert words in notes[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_a_mark_or_without(tmp_path, encoding):
    notes = the_same(read_table(write(tmp_path, lines(), encoding)))

    assert notes == ("read as it is written: UTF-16 text",)


def test_a_file_that_only_says_it_is_utf_16_is_refused_on_one_line(tmp_path):
    path = tmp_path / "weather.csv"
    path.write_bytes(b"\xff\xfe" + b"a")

    with pytest.raises(DataError, match="is not the UTF-16 text it says it is; export it again"):
        read_table(path)


def test_the_published_columns_win_over_others_that_are_like_them(tmp_path):
    text = lines(header=["Date Time", "T (°C)", "T (degC)"])

    table = read_table(write(tmp_path, text))

    assert table.columns == ("T (°C)", "T (degC)")
    assert table.notes == ()


def test_24_00_is_midnight_of_the_next_day(tmp_path):
    text = lines()
    text[1] = text[1].replace("01.01.2024 00:00:00", "31.12.2023 24:00:00")

    notes = the_same(read_table(write(tmp_path, text)))

    assert notes == ("read as it is written: 24:00 as midnight of the next day (1 time)",)


@pytest.mark.parametrize("clock", ["24:00:01", "24:10:00", "25:00:00"])
def test_other_times_past_midnight_are_no_times(tmp_path, clock):
    text = lines()
    text[2] = text[2].replace("01:00:00", clock)

    with pytest.raises(DataError, match=f":3: '01.01.2024 {clock}' is no date and time"):
        read_table(write(tmp_path, text))


def test_half_the_times_in_another_layout_are_no_times(tmp_path):
    text = lines(layout="%Y-%m-%d %H:%M:%S")
    text[3] = lines()[3]

    with pytest.raises(DataError, match=r":4: '01\.01\.2024 02:00:00' is no date.*yyyy-mm-dd"):
        read_table(write(tmp_path, text))


@pytest.mark.parametrize("name", ["", "Unnamed: 0", "index"])
def test_the_number_of_the_row_is_no_feature(tmp_path, name):
    text = [f"{(number - 1) if number else name},{line}" for number, line in enumerate(lines())]

    notes = the_same(read_table(write(tmp_path, text)))

    assert len(notes) == 1
    assert notes[0].startswith("left out: ")
    assert notes[0].endswith("which numbers the rows")


def test_a_separator_at_the_end_of_each_line_is_a_column_without_anything(tmp_path):
    notes = the_same(read_table(write(tmp_path, lines(end=","))))

    assert notes == ("left out: column 4, without a name, which is empty",)


def test_values_without_a_name_are_not_taken_for_something(tmp_path):
    text = [line + (",3.5" if number else ",") for number, line in enumerate(lines())]

    with pytest.raises(DataError, match="column 4 has values and no name; name it"):
        read_table(write(tmp_path, text))


def test_a_column_of_words_is_left_out_and_told(tmp_path):
    text = [line + (",Jena" if number else ",station") for number, line in enumerate(lines())]

    notes = the_same(read_table(write(tmp_path, text)))

    assert notes == ("left out: column 'station', which has words ('Jena')",)


def test_packed_files_are_read(tmp_path):
    plain = write(tmp_path, lines())
    packed = tmp_path / "weather.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    renamed = tmp_path / "packed.csv"
    renamed.write_bytes(packed.read_bytes())
    archive = tmp_path / "weather.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(plain, "data/weather.csv")
        for fork in ("data/._weather.csv", "__MACOSX/data/._weather.csv", ".hidden.csv"):
            file.writestr(fork, b"\0\5\26\7")

    for path in (packed, renamed, archive):
        assert the_same(read_table(path)) == ()


def test_a_gzip_cut_short_is_refused_and_no_bomb_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "weather.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines()).encode())[:-20])
    with pytest.raises(
        DataError, match=r"is not a whole packed file .*; export it or fetch it again"
    ):
        read_table(path)

    path.write_bytes(b"\x1f\x8bno gzip")
    with pytest.raises(DataError, match="is not a whole packed file"):
        read_table(path)

    path.write_bytes(gzip.compress(b"0" * (1 << 20)))
    with pytest.raises(DataError, match="unpacks to more than 1,000 bytes"):
        read_bytes(path, largest=1000)


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"BZh91AY", "is packed with bzip2, not a CSV file; export or unpack it"),
        (b"\xfd7zXZ\0", "is packed with xz"),
        (b"\xd0\xcf\x11\xe0\xa1", "is an Excel workbook"),
        (b"PAR1....", "is a Parquet file"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path, start, said):
    path = tmp_path / "weather.csv"
    path.write_bytes(start + bytes(50))

    with pytest.raises(DataError, match=said):
        read_table(path)


def test_a_workbook_is_named_whatever_it_is_called(tmp_path):
    path = tmp_path / "weather.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "")

    with pytest.raises(DataError, match="is an Excel workbook; save the sheet as CSV"):
        read_table(path)


REFUSED = {
    "commas between fields and in numbers": (
        with_decimal_commas(","),
        ["has 3 names where every row has 5 fields", "decimal commas", "with ';' between fields"],
    ),
    "a row name without a header": (
        [line if number == 0 else f"{number},{line}" for number, line in enumerate(lines())],
        ["has 3 names where every row has 4 fields; name each column"],
    ),
    "day or month first": (
        lines(layout="%m/%d/%Y %H:%M"),
        ["times like '01/01/2024 00:00', in which day and month cannot be told"],
    ),
    "everything at once": (
        lines(header=["date", "time", "temp"], layout="%m/%d/%Y %H:%M"),
        [
            "has no column 'Date Time' but 'date' and 'time'; join them into one",
            "has no column 'T (degC)'; name the one with the temperature in degrees C so",
            "there are: date, time, temp",
        ],
    ),
    "no names and another layout": (
        lines(header=["Date Time", "p", "temp"], layout="%m/%d/%Y %H:%M"),
        ["has no column 'T (degC)'", "day and month cannot be told"],
    ),
    "two temperatures": (
        lines(header=["Date Time", "T (°C)", "Temp (C)"]),
        ["has no column 'T (degC)' but 'T (°C)' and 'Temp (C)'; name the one to forecast so"],
    ),
    "blanks between fields": (
        lines(header=["Date_Time", "p", "T"], separator=" "),
        ["has 'Date_Time p T' where column names belong, with commas between them"],
    ),
    "commas and points in numbers": (
        [*with_decimal_commas(";"), "01.01.2024 04:00:00;1.013,25;7,5"],
        ["'1.013,25' is no number; write all numbers with decimal points, or all with"],
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_certain_is_one_line_that_names_all_there_is_to_change(tmp_path, kind):
    text, said = REFUSED[kind]
    path = write(tmp_path, text)

    with pytest.raises(DataError) as caught:
        read_table(path)

    message = str(caught.value)
    assert message.startswith(f"{path}:")
    assert "\n" not in message
    for words in said:
        assert words in message


def test_of_several_files_is_told_which_columns_are_lost_and_what_is_odd_in_which(tmp_path):
    first = tmp_path / "a.csv"
    first.write_text("\n".join(lines()) + "\n")
    later = ["Date Time;T (degC);rain (mm)", "02.01.2024 00:00:00;1,5;0,0"]
    second = write(tmp_path, later)

    table = read_tables([first, second])

    assert table.columns == ("T (degC)",)
    assert table.values[:, 0].tolist() == [7.63, -7.5, 0.25, 12.0, 1.5]
    assert table.notes == (
        "2 files are read as one series",
        "weather.csv: read as it is written: ';' between fields, decimal commas",
        "left out: columns that not every file has: p (mbar), rain (mm)",
    )
