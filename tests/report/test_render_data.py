"""A leaderboard as HTML, CSV and JSON: read back, it is what it was."""

from __future__ import annotations

import csv
import io
import json
from html.parser import HTMLParser

import pytest
from builders import AWKWARD, JENA_METRIC, a_board, a_record, board_with, three_seeds
from judged_world import judged_board

from bench.formatting import one_line
from bench.protocol import FAILED
from bench.report.writers import to_csv, to_html, to_json


class Cells(HTMLParser):
    """The texts of a page's table cells, and the tags that it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: set[str] = set()
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self._inside = tag == "td"
        if self._inside:
            self.cells.append("")

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.cells[-1] += data


@pytest.mark.parametrize("text", AWKWARD)
def test_html_shows_any_text_as_text(text):
    page = Cells(to_html(board_with(text)))
    assert page.cells[1] == one_line(f"{text} ({text}={text})")
    assert one_line(f"failed: {text}") in page.cells
    assert "script" not in page.tags


def test_html_keeps_a_long_reason_whole_and_every_row():
    reason = "long " * 100
    records = [a_record(f"m{number}", status=FAILED, reason=reason) for number in range(99)]
    page = Cells(to_html(a_board(*records)))
    assert page.cells.count(one_line(f"failed: {reason}")) == 99


def test_html_stands_alone():
    page = to_html(three_seeds())
    assert "http" not in page
    assert page.startswith("<!doctype html>")


# CSV and JSON


@pytest.mark.parametrize("text", AWKWARD)
def test_csv_and_json_give_any_text_back(text):
    board = board_with(text)
    lines = list(csv.DictReader(io.StringIO(to_csv(board))))
    document = json.loads(to_json(board))
    assert [line["plugin"] for line in lines] == [one_line(f"{text} ({text}={text})"), "other"]
    assert lines[1]["reason"] == one_line(text)
    assert document["tables"][0]["rows"][1]["reason"] == text
    assert to_csv(board).encode()


def test_csv_has_a_line_a_row_with_plain_numbers():
    lines = {
        line["plugin"]: line
        for line in csv.DictReader(io.StringIO(to_csv(judged_board(three_seeds()))))
    }
    gru, broken = lines["jena_gru"], lines["jena_broken"]

    assert (gru["rank"], gru["rank_low"], gru["rank_high"]) == ("1", "1", "1")
    assert (gru["is_best"], gru["parameters"], gru["seeds"]) == ("True", "4673", "0 1 2")
    assert float(gru["validation_mae_low"]) < 0.263 < float(gru["validation_mae_high"])
    assert float(gru["validation_mae"]) == pytest.approx(0.263)
    assert float(gru["validation_mae_sd"]) == pytest.approx(0.003)
    assert float(gru["fit_seconds"]) == 11.5
    assert (gru["source"], gru["status"]) == ("local", "ok")
    assert (broken["rank"], broken["validation_mae"], broken["status"]) == ("", "", "failed")


def test_json_has_rows_and_provenance():
    (table,) = json.loads(to_json(judged_board(three_seeds())), parse_constant=pytest.fail)[
        "tables"
    ]
    assert table["source"] == "local"
    assert table["units"] == JENA_METRIC["units"]
    assert table["provenance"]["command"] == "python -m bench run --all"
    ranks = [row["rank"] and row["rank"]["low"] for row in table["rows"]]
    assert ranks == [1, 2, None, None]
    assert table["rows"][0]["validation"]["mae"]["count"] == 3
