"""The published file is known by its content."""

import zipfile

import pytest

from bench.series import official
from bench.series.official import FIRST, HEADER, LAST_TIME, difference_from_official

TITLES = ",".join(f'"{name}"' for name in HEADER)
READINGS = FIRST.partition(",")[2]
MIDDLE = f"01.06.2012 12:00:00,{READINGS}"
LAST = f"{LAST_TIME},{READINGS}"


@pytest.fixture
def small(monkeypatch):
    """Make the published file five rows long."""
    monkeypatch.setattr(official, "ROWS", 5)


def write(path, *lines, end="\n"):
    path.write_bytes("".join(line + end for line in lines).encode())
    return path


def test_a_file_of_the_published_size_is_recognised(tmp_path):
    lines = [TITLES, FIRST, *[MIDDLE] * (official.ROWS - 2), LAST]

    assert difference_from_official([write(tmp_path / "jena.csv", *lines)]) is None


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_plain_and_zipped_it_is_the_same(tmp_path, small, end):
    path = write(tmp_path / "jena.csv", TITLES, FIRST, *[MIDDLE] * 3, LAST, end=end)
    packed = tmp_path / "jena.csv.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)

    assert difference_from_official([path]) is None
    assert difference_from_official([packed]) is None


def test_a_missing_last_line_end_changes_nothing(tmp_path, small):
    path = write(tmp_path / "jena.csv", TITLES, FIRST, *[MIDDLE] * 3, LAST)
    path.write_bytes(path.read_bytes().rstrip())

    assert difference_from_official([path]) is None


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([TITLES.replace("rh (%)", "rh"), FIRST, *[MIDDLE] * 3, LAST], "14 official"),
        ([TITLES, MIDDLE, *[MIDDLE] * 3, LAST], "first row"),
        ([TITLES, FIRST, *[MIDDLE] * 2, LAST], "it has 4 rows, not 5"),
        ([TITLES, FIRST, *[MIDDLE] * 4, LAST], "it has 6 rows, not 5"),
        ([TITLES, FIRST, *[MIDDLE] * 4], "last time stamp is '01.06.2012 12:00:00'"),
        ([""], "14 official"),
    ],
)
def test_what_is_different_is_said(tmp_path, small, lines, reason):
    assert reason in difference_from_official([write(tmp_path / "jena.csv", *lines)])


def test_a_file_far_too_large_is_not_counted_to_its_end(tmp_path, small, monkeypatch):
    monkeypatch.setattr(official, "LARGEST", 500)
    path = write(tmp_path / "jena.csv", TITLES, FIRST, *[MIDDLE] * 100, LAST)

    assert "more than 500 bytes" in difference_from_official([path])


def test_a_damaged_zip_is_not_the_published_file(tmp_path, small):
    path = tmp_path / "jena.csv.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("jena.csv", "\n".join([TITLES, FIRST, *[MIDDLE] * 3, LAST]))
    path.write_bytes(path.read_bytes().replace(b"01.06.2012", b"01.07.2012", 1))

    assert "not a whole zip" in difference_from_official([path])


def test_two_files_are_not_the_published_one(tmp_path):
    assert "2 files" in difference_from_official([tmp_path / "a.csv", tmp_path / "b.csv"])
