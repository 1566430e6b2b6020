"""Two results side by side: what changed, and what is only in one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import a_board, a_record
from command_line import call
from judged_world import evidence_of
from reading import shown

from bench.analysis.ranking import judge
from bench.analysis.two_results import two_results
from bench.report.document import Place
from bench.report.two_results import two_results_document
from bench.report.writers import to_markdown

GOLDEN = Path(__file__).parents[1] / "golden" / "results"


def seeds(name: str, quality: float, minute: int = 0, count: int = 3, **parts):
    return [
        a_record(name, quality + 0.001 * n, seed=n, minute=minute, **parts) for n in range(count)
    ]


def compared(first, second):
    evidence = evidence_of(*first, *second)
    boards = [judge(a_board(*records), evidence) for records in (first, second)]
    return two_results(("old", "new"), *boards, evidence)


def test_each_plugins_change_is_told_with_its_own_interval():
    before = [*seeds("better", 0.30), *seeds("same", 0.28), *seeds("gone", 0.4)]
    after = [*seeds("better", 0.25, 9), *seeds("same", 0.28, 9), *seeds("fresh", 0.3, 9)]
    document = two_results_document(compared(before, after))
    (table,) = document.tables(Place.PAGE)
    rows = {row["plugin"]: row for row in shown(table)}

    assert {name: row["2 is"] for name, row in rows.items()} == {
        "better": "better",
        "same": "the same",
        "gone": "gone",
        "fresh": "new",
    }
    assert rows["better"]["difference"].startswith("-0.0500 ± ")
    assert rows["better"]["validation MAE, 1"].startswith("0.3010")
    assert rows["gone"]["validation MAE, 2"] == "–"


def test_where_predictions_are_not_kept_a_difference_is_told_and_not_judged():
    before, after = seeds("a", 0.30), seeds("a", 0.25, 9)
    found = two_results(("old", "new"), a_board(*before), a_board(*after), {})
    ((row,),) = ([*shown(each)] for each in two_results_document(found).tables(Place.PAGE))

    assert (row["difference"], row["2 is"]) == ("-0.0500", "not compared")


def test_tables_of_other_data_are_named_and_not_compared():
    found = compared(seeds("a", 0.3), seeds("a", 0.3, trial={"profile": "full"}))

    assert found.tables == ()
    text = to_markdown(two_results_document(found))
    assert "new: alone has jena, official data, full profile" in text
    assert "old: alone has jena, official data, quick profile" in text


def test_folders_and_commits_are_compared_on_the_command_line(capsys):
    status, out, _ = call(
        capsys, "report", "--compare", str(GOLDEN), "0123456789ab", "--results", str(GOLDEN),
        *("--task", "jena", "--profile", "quick", "--format", "json"),
    )  # fmt: skip
    (table,) = json.loads(out)["tables"]

    assert status == 0
    assert {row["second_is"] for row in table["rows"]} <= {"the same", "not compared"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--compare", "nowhere/at/all", str(GOLDEN)], "unknown revision; give a branch"),
        (["--compare", "beef", str(GOLDEN)], "the commit beef"),
        (["--compare", "a", "b", "--backends"], "a report of its own"),
        (["--compare", "a", "b", "--site", "x"], "another report than --site"),
    ],
)
def test_what_cannot_be_compared_is_one_line(capsys, words, said):
    status, out, err = call(capsys, "report", "--results", str(GOLDEN), *words)

    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
