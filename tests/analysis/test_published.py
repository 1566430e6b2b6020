"""Published figures stand beside the data that they were published for, and beside no others."""

from __future__ import annotations

import pytest
from builders import a_board, a_record
from command_line import call
from reading import exact, said, shown

from bench.analysis.costs import KNOWN_FORMS
from bench.analysis.reproduction import reproduce
from bench.records.record import Record
from bench.records.selection import UNKNOWN
from bench.records.store import Store
from bench.report.document import Place
from bench.report.leaderboard import leaderboard_document
from bench.report.trials import trial_row
from bench.report.writers import FORMATS

A_FORM = next(reversed(KNOWN_FORMS))
#: A figure that no test measures.
FIGURE = 0.2513


def of(source: str, fingerprint: str = "f00d") -> Record:
    """A record of a full training on some data, whose plugin has a published figure."""
    data = {"source": source, "fingerprint": fingerprint, "profile": "full"}
    return a_record(trial=data, reference={"val_mae": FIGURE})


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("source", ["local", "synthetic"])
def test_a_file_of_ones_own_stands_beside_none_in_any_format(source, form):
    board = a_board(of(source))
    written = FORMATS[form](leaderboard_document(board))

    assert "published" not in written.replace('"published": {}', "").lower()
    assert str(FIGURE) not in written
    assert "published" not in board.tables[0].targets.values


def test_the_official_file_stands_beside_them():
    board = a_board(of("official"))
    document = leaderboard_document(board)

    assert shown(document.tables(Place.PAGE)[0])[0]["published"] == f"{FIGURE:.4f}"
    assert exact(document)[0]["published_val_mae"] == str(FIGURE)
    assert board.tables[0].targets.values["published"] == FIGURE
    assert "They are" not in said(document, Place.PAGE).splitlines()[1]


def test_a_file_known_to_hold_what_the_official_one_holds_does_too_and_says_how_it_differs():
    document = leaderboard_document(a_board(of("local", A_FORM)))

    assert shown(document.tables(Place.PAGE)[0])[0]["published"] == f"{FIGURE:.4f}"
    for place in (Place.PAGE, Place.TERMINAL):
        assert f" They are {KNOWN_FORMS[A_FORM]}." in said(document, place)
    (compared,) = reproduce(a_board(of("local", A_FORM)), {}).comparisons
    assert [figure.published for figure in compared.figures] == [FIGURE]


def test_a_reproduction_names_the_tables_that_they_do_not_speak_of():
    found = reproduce(a_board(of("local"), of("synthetic")), {})

    assert found.comparisons == ()
    assert {(table.source, why) for table, why in found.left_out} == {
        (source, "published figures are of the official data") for source in ("local", "synthetic")
    }


def test_frames_and_exports_have_them_of_these_data_alone():
    rows = [trial_row(of(source), True, UNKNOWN) for source in ("official", "local")]

    assert [row.get("reference_val_mae") for row in rows] == [FIGURE, None]


def test_show_sets_a_row_beside_its_figure_where_the_data_are_those(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for record in (of("official"), of("local")):
        Store(tmp_path / "reports").write(record)
    _, out, _ = call(capsys, "show", "jena_gru")
    rows = [line for line in out.splitlines() if line.startswith("full, ")]

    assert [("published" in row) for row in rows] == ["official data" in row for row in rows]
    assert len(rows) == 2
