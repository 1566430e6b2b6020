"""Of several steps or columns that are predicted, each has its score in a table of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import a_board, a_record
from command_line import call
from reading import exact, said, shown

from bench.protocol import FAILED
from bench.records.record import Record
from bench.records.store import Store
from bench.report.document import Document, Fold, Place
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_json, to_markdown, to_text


def a_forecast(plugin: str, steps: list[float], seed: int = 0, **columns: float) -> Record:
    """A record whose validation score of each step is given; the test's are twice as large."""
    record = a_record(plugin, sum(steps) / len(steps), seed=seed)
    parts = {f"mae_{name}": value for name, value in columns.items()}
    parts |= {f"mae_step {number}": value for number, value in enumerate(steps, 1)}
    scores: dict[str, Any] = {
        split: {**record.metrics[split], **{name: factor * v for name, v in parts.items()}}
        for split, factor in (("validation", 1), ("test", 2))
    }
    return replace(record, metrics={**record.metrics, **scores})


def folded(document: Document) -> list[Fold]:
    return [
        block
        for section in document.sections
        for block in section.standing(Place.PAGE)
        if isinstance(block, Fold) and block.summary.startswith("Each ")
    ]


def three_steps() -> Document:
    records = [
        a_forecast("b", [0.1, 0.3, 0.5]),
        a_forecast("a", [0.2, 0.2, 0.2], seed=0),
        a_forecast("a", [0.2, 0.3, 0.4], seed=1),
        a_record("broken", status=FAILED, reason="no"),
    ]
    return leaderboard_document(a_board(*records))


def test_a_row_a_plugin_and_a_column_a_step_have_the_means_over_seeds():
    document = three_steps()
    (fold,) = folded(document)

    rows = shown(fold.table)
    assert fold.summary == "Each step of 3 steps"
    assert rows == [
        {"plugin": "a", "1": "0.2000", "2": "0.2500", "3": "0.3000"},
        {"plugin": "b", "1": "0.1000", "2": "0.3000", "3": "0.5000"},
    ]
    (_, on_terminal) = document.tables(Place.TERMINAL)
    assert shown(on_terminal) == rows
    for place in (Place.TERMINAL, Place.PAGE):
        assert "By step: the validation MAE (std of T), mean over seeds" in said(document, place)


def test_a_page_folds_it_away_and_a_terminal_leaves_out_late_steps_first():
    wide = leaderboard_document(a_board(a_forecast("a", [0.1] * 48)))

    markdown = to_markdown(wide)
    assert "<details><summary>Each step of 48 steps</summary>" in markdown
    assert max(line.count("|") for line in markdown.split("By step")[1].splitlines()) <= 9
    narrow = to_text(wide, 80).split("By step")[1]
    assert "no room for: " in narrow
    (heads,) = (line for line in narrow.splitlines() if line.startswith("plugin"))
    assert heads.split()[:3] == ["plugin", "1", "2"]


def test_several_columns_have_a_table_too():
    columns = leaderboard_document(a_board(a_forecast("a", [0.1, 0.3], load=0.15, wind=0.25)))

    by_column, by_step = folded(columns)
    assert shown(by_column.table) == [{"plugin": "a", "load": "0.1500", "wind": "0.2500"}]
    assert [*shown(by_step.table)[0]] == ["plugin", "1", "2"]


def test_programs_get_the_figures_of_both_splits():
    document = three_steps()

    first = exact(document)[0]
    assert float(first["validation_mae_step 2"]) == pytest.approx(0.25)
    assert float(first["test_mae_step 3"]) == pytest.approx(0.6)
    (table,) = json.loads(to_json(document))["tables"]
    step = table["rows"][0]["parts"]["validation"]["step 3"]
    assert (step["mean"], step["count"]) == (pytest.approx(0.3), 2)


def test_of_one_number_nothing_is_added():
    document = leaderboard_document(a_board(a_record()))

    assert folded(document) == []
    assert "parts" not in json.loads(to_json(document))["tables"][0]["rows"][0]


def test_show_has_them_of_a_row_and_of_its_record(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed, steps in enumerate(([0.2, 0.3], [0.4, 0.5])):
        Store(tmp_path / "reports").write(a_forecast("a", steps, seed))
    _, out, _ = call(capsys, "show", "a")

    lines = [line.strip() for line in out.splitlines() if "by part" in line]
    assert lines == [
        "validation by part: step 1 0.3000, step 2 0.4000",
        "validation by part: step 1 0.4000, step 2 0.5000",
        "test by part: step 1 0.8000, step 2 1.0000",
    ]
