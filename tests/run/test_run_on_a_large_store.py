"""A run in a results folder of many records does and prints what is asked for, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from builders import a_board, a_record
from run_world import Script
from verify_world import Place, Workshop

from bench.cli import run as run_command
from bench.records import store as store_module
from bench.records.layout import INDEX
from bench.records.store import Store
from bench.runs import recorder
from bench.runs.recorder import shortened

pytestmark = pytest.mark.usefixtures("heard_signals")


@pytest.fixture
def place(make_place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A folder with records of thirty plugins, which counts as a large one."""
    monkeypatch.setattr(store_module, "FEW", 10)
    monkeypatch.setattr(recorder, "MOST_PUBLISHED", 20)
    workshop = Workshop()
    made = make_place(workshop, ["model", "another"], lambda shares: Script(workshop))
    store = Store(made.folder / "reports")
    for number in range(30):
        store.write(a_record(f"old_{number}", 0.2, minute=number))
    store.read()
    assert (store.root / INDEX).exists()
    return made


def test_a_run_shows_its_own_plugins_and_says_what_writes_the_rest(place):
    assert place.run("another") == 0
    assert place.run("model") == 0

    assert "model" in place.out
    assert "another" not in place.out
    assert "old_1" not in place.out
    assert "has more than 20 records" in place.err
    assert "leaderboard.md is written by `python -m bench report --results " in place.err
    assert not (place.folder / "reports" / "leaderboard.md").exists()
    assert place.run("model") == 0
    assert "1 reused" in place.err


def test_a_leaderboard_that_is_asked_for_has_everything(place):
    assert place.run("model", "--output", "all.md") == 0

    board = (place.folder / "all.md").read_text(encoding="utf-8")
    assert all(f"old_{number} " in board for number in range(30))
    assert "records; the tables are" not in place.err


def test_show_of_one_plugin_opens_no_other_s_files(place, monkeypatch):
    assert place.run("model") == 0
    for path in (place.folder / "reports").rglob("*old_7/*.json"):
        path.write_text("{}")

    assert place.bench("show", "model", "--plugins", "my-plugins") == 0
    assert "validation MAE" in place.out
    assert "left out" not in place.err
    assert place.bench("show", "old_7") == 2
    assert "lacks" in place.err or "version" in place.err


def test_a_long_table_is_cut_to_the_run_s_rows_the_baseline_and_the_best(place, monkeypatch):
    monkeypatch.setattr(recorder, "MOST_PUBLISHED", 1000)
    monkeypatch.setattr(run_command, "MOST_ROWS", 5)
    assert place.run("model") == 0
    rows = [line for line in place.out.splitlines() if "0.2600 " in line or "0.2000 " in line]

    # The trial's data are others than those of the old records: a table of its own.
    assert len(rows) == 1
    board = a_board(
        a_record("jena_naive", 0.3),
        *(a_record(f"p{number:02}", 0.1 + 0.01 * number) for number in range(20)),
    )
    short = shortened(board, {"p15"}, 5)
    assert [row.label for row in short.tables[0].rows] == ["p00", "p01", "p02", "p15", "jena_naive"]
    assert short.tables[0].rows[3] == board.tables[0].rows[15]
    assert {*short.tables[0].selected} == {row.label for row in short.tables[0].rows}
    assert shortened(board, {"p15"}, 30) == replace(board)


def test_the_rows_that_are_not_shown_are_counted(place, monkeypatch, capsys):
    board = a_board(*(a_record(f"p{number:02}", 0.1 + 0.01 * number) for number in range(20)))
    monkeypatch.setattr(run_command, "MOST_ROWS", 4)
    run_command._show(board, [a_record("p19")])
    printed = capsys.readouterr()

    assert "jena, quick: 4 of 20 rows are shown here" in printed.err
    assert [name for name in ("p00", "p02", "p03", "p19") if f"{name} " in printed.out] == [
        "p00",
        "p02",
        "p19",
    ]
