"""The speed-quality frontier: what nothing else beats, of what was timed alone."""

from __future__ import annotations

from dataclasses import replace

from builders import a_board, a_record, a_timed_record, beside

from bench.analysis.frontier import FrontierPoint, frontier, on_frontier, points
from bench.analysis.leaderboard import Spread
from bench.protocol import FAILED


def point(label: str, seconds: float, quality: float, *, contended: bool = False) -> FrontierPoint:
    return FrontierPoint(label, seconds, Spread(quality, None, 1), contended)


def test_the_frontier_holds_what_nothing_else_beats_in_both():
    naive, gru, best = point("naive", 0, 0.29), point("gru", 60, 0.26), point("best", 600, 0.25)
    slow, poor = point("slow", 700, 0.255), point("poor", 30, 0.3)

    assert frontier([slow, best, gru, poor, naive], "min") == [naive, gru, best]
    assert frontier([slow, best, gru, poor, naive], "max") == [naive, poor]


def test_equals_share_the_frontier_and_a_tie_in_one_is_decided_by_the_other():
    one, twin = point("one", 10, 0.26), point("twin", 10, 0.26)
    slower, worse = point("slower", 11, 0.26), point("worse", 10, 0.27)

    assert frontier([slower, worse, twin, one], "min") == [one, twin]
    assert frontier([], "min") == []


def test_what_was_timed_beside_other_work_is_not_on_it_but_beats_what_it_dominates():
    quiet = point("quiet", 60, 0.26)
    quicker = point("quicker", 30, 0.25, contended=True)

    slower = point("slower", 90, 0.25, contended=True)

    assert frontier([quiet, quicker], "min") == []
    assert frontier([quiet, slower], "min") == [quiet]
    assert frontier([quicker], "min") == []


def test_a_model_whose_time_is_unknown_has_no_point():
    record = a_record("a")
    untimed = replace(record, timing={**record.timing, "fit": None})
    (table,) = a_board(untimed, a_record("b"), a_record("c", status=FAILED)).tables
    assert [point.label for point in points(table)] == ["b"]


def test_a_table_says_of_each_row_whether_it_is_on_the_frontier():
    (table,) = a_board(
        a_timed_record("best", [0.25], epoch=60.0),
        a_timed_record("quick", [0.28], epoch=10.0),
        a_timed_record("poor", [0.30], epoch=30.0),
        beside(a_timed_record("busy", [0.27], epoch=20.0), shared=True),
        a_record("broken", status=FAILED),
    ).tables
    assert on_frontier(table) == {"busy": None, "best": True, "quick": True, "poor": False}
