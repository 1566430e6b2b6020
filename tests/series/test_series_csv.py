"""Reading a station's CSV file, and saying where one is wrong."""

import zipfile

import numpy as np
import pytest

from bench.errors import DataError
from bench.series.csv_file import read_bytes, read_table, read_tables

HEADER = '"Date Time","p (mbar)","T (degC)","PAR (µmol/m²/s)"'
ROWS = (
    "01.01.2024 00:10:00,  979.65,    7.63,    0.00",
    "01.01.2024 00:20:00,  979.56,    7.60,    1.50",
    "01.01.2024 00:30:00,  979.50,-9999.00,    2.00",
)


def write(path, *lines, encoding="utf-8", end="\n"):
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return path


def complaint(path):
    with pytest.raises(DataError) as caught:
        read_table(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_export_is_read_in_either_encoding_with_its_padding(tmp_path, encoding, end):
    table = read_table(write(tmp_path / "s.csv", HEADER, *ROWS, encoding=encoding, end=end))

    assert table.columns == ("p (mbar)", "T (degC)", "PAR (µmol/m²/s)")
    assert table.values[1].tolist() == [979.56, 7.60, 1.50]
    assert np.diff(table.times).tolist() == [600, 600]
    assert str(table.times[0].astype("datetime64[s]")) == "2024-01-01T00:10:00"


def test_spaces_after_a_value_and_quoted_values_mean_nothing(tmp_path):
    line = '"01.01.2024 00:40:00" , 979.65 ,"7.63" , 1 '

    table = read_table(write(tmp_path / "s.csv", HEADER, *ROWS, line))

    assert table.values[3].tolist() == [979.65, 7.63, 1.0]


def test_the_day_comes_before_the_month(tmp_path):
    table = read_table(write(tmp_path / "s.csv", HEADER, "02.03.2024 00:00:00,1,2,3"))

    assert str(table.times[0].astype("datetime64[s]")) == "2024-03-02T00:00:00"


def test_an_empty_cell_is_missing_and_a_blank_line_is_nothing(tmp_path):
    table = read_table(write(tmp_path / "s.csv", HEADER, "", ROWS[0], "  ", *ROWS[1:], ""))
    holed = read_table(write(tmp_path / "h.csv", HEADER, "01.01.2024 00:10:00,,7.63, "))

    assert len(table) == 3
    assert np.isnan(holed.values[0]).tolist() == [True, False, True]


def test_a_zip_is_read_without_unpacking_it(tmp_path):
    plain = write(tmp_path / "s.csv", HEADER, *ROWS)
    packed = tmp_path / "s.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "folder/s.csv")
        archive.writestr("__MACOSX/s.csv", "left by a finder")
        archive.writestr("readme.txt", "no data")

    assert np.array_equal(read_table(packed).values, read_table(plain).values)


def test_several_files_are_joined_on_the_columns_they_share(tmp_path):
    first = write(tmp_path / "a.csv", HEADER, ROWS[0])
    second = write(
        tmp_path / "b.csv", "Date Time,T (degC),rain,p (mbar)", "02.01.2024 00:00:00,1,2,3"
    )

    table = read_tables([first, second])

    assert table.columns == ("p (mbar)", "T (degC)")
    assert table.values.tolist() == [[979.65, 7.63], [3.0, 1.0]]


def test_a_missing_temperature_column_is_named_with_those_there_are(tmp_path):
    path = write(tmp_path / "s.csv", "Date Time,p (mbar),Temp", "01.01.2024 00:10:00,1,2")

    message = complaint(path)

    assert message.startswith(":1: has no column 'T (degC)'")
    assert "Date Time, p (mbar), Temp" in message


def test_a_missing_time_column_is_named(tmp_path):
    path = write(tmp_path / "s.csv", "when,T (degC)", "01.01.2024 00:10:00,1")

    assert "no column 'Date Time'" in complaint(path)


def test_a_column_that_comes_twice_is_named(tmp_path):
    path = write(tmp_path / "s.csv", "Date Time,T (degC),T (degC)", "01.01.2024 00:10:00,1,2")

    assert "two columns 'T (degC)'" in complaint(path)


@pytest.mark.parametrize("date", ["2024-01-01 00:40:00", "31.02.2024 00:00:00", "soon", ""])
def test_a_date_that_is_none_is_shown_with_its_line(tmp_path, date):
    path = write(tmp_path / "s.csv", HEADER, *ROWS, "", f"{date},1,2,3")

    message = complaint(path)

    assert message.startswith(f":6: {date!r} is no date")
    assert "dd.mm.yyyy HH:MM:SS" in message


@pytest.mark.parametrize("cell", ["warm", "1;5", "inf"])
def test_a_cell_that_is_no_number_is_shown_with_line_and_column(tmp_path, cell):
    path = write(tmp_path / "s.csv", HEADER, *ROWS, f"01.01.2024 00:40:00,1,{cell},3")

    assert complaint(path).startswith(f":5: column 'T (degC)': {cell!r} is no number")


def test_a_file_cut_in_its_last_line_is_cut_short(tmp_path):
    path = write(tmp_path / "s.csv", HEADER, *ROWS)
    path.write_bytes(path.read_bytes()[:-20])

    message = complaint(path)

    assert message.startswith(":4: has 2 fields where the header has 4; the file is cut short")


def test_a_line_with_too_many_fields_is_damaged(tmp_path):
    path = write(tmp_path / "s.csv", HEADER, "01.01.2024 00:00:00,1,2,3,4", *ROWS)

    assert complaint(path).startswith(":2: has 5 fields where the header has 4; the line")


def test_a_quotation_mark_without_partner_is_said(tmp_path):
    path = write(tmp_path / "s.csv", HEADER, '01.01.2024 00:00:00,1,"2,3', *ROWS)

    assert "export it again" in complaint(path) or "distinguished" in complaint(path)


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_said_to_be_empty(tmp_path, content):
    path = tmp_path / "s.csv"
    path.write_bytes(content)

    assert complaint(path).startswith(": is empty")


def test_a_header_without_rows_is_said(tmp_path):
    assert "no rows" in complaint(write(tmp_path / "s.csv", HEADER))


def test_bytes_that_are_no_text_are_refused_on_one_line(tmp_path):
    path = tmp_path / "s.csv"
    path.write_bytes(bytes(range(256)) * 20)

    assert complaint(path).startswith(":")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "cannot be read" in complaint(tmp_path / "s.csv")


def test_a_truncated_zip_is_to_be_fetched_again(tmp_path):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("s.csv", "\n".join([HEADER, *ROWS]))
    path.write_bytes(path.read_bytes()[:100])

    assert "is not a whole zip file" in complaint(path)
    assert "fetch it again" in complaint(path)


def test_a_zip_whose_content_fails_its_checksum_is_refused(tmp_path):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("s.csv", "\n".join([HEADER, *ROWS]))
    path.write_bytes(path.read_bytes().replace(b"979.65", b"979.66"))

    assert "is not a whole zip file" in complaint(path)


def test_a_zip_of_two_series_asks_for_one(tmp_path):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", HEADER)
        archive.writestr("b.csv", HEADER)

    assert "holds 2 CSV files" in complaint(path)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s.csv", b"0" * 100_000)

    with pytest.raises(DataError, match="unpacks to 100,000 bytes, more than 50,000"):
        read_bytes(path, largest=50_000)


def test_a_zip_that_says_it_holds_less_than_it_does_is_refused(tmp_path):
    """No more is unpacked than it said, and that does not pass for the whole."""
    path = tmp_path / "s.zip"
    text = "\n".join([HEADER, *ROWS]).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("s.csv", text)
    old, new = len(text).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(old, new))

    assert "is not a whole zip file" in complaint(path)


def test_a_member_of_a_zip_is_never_written_anywhere(tmp_path):
    path = tmp_path / "inside" / "s.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../s.csv", "\n".join([HEADER, *ROWS]))
    assert read_bytes(path).startswith(HEADER.encode())
    assert [file.name for file in tmp_path.rglob("*.*")] == ["s.zip"]


def test_a_byte_order_mark_alone_is_a_file_without_lines(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe")

    with pytest.raises(DataError, match=r"x.csv: has no lines; fetch or export it again"):
        read_table(tmp_path / "x.csv")


def test_a_number_that_cannot_be_computed_with_is_refused_with_its_place(tmp_path):
    text = "Date Time,p (mbar),T (degC)\n01.01.2020 00:00:00,1,2\n01.01.2020 01:00:00,1e299,2\n"
    (tmp_path / "x.csv").write_text(text)

    with pytest.raises(DataError, match=r"x.csv:3: p \(mbar\) is 1e\+299, too large to"):
        read_table(tmp_path / "x.csv")
