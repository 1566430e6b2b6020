"""A report of the gate for people: on a terminal, and on a pull request."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from gate_reports import a_key, a_side, less_accurate, one_of_each, same, slower
from reading import shown

from bench.formatting import NOTHING, quantity
from bench.gate.model import (
    CANNOT_TELL,
    FAILED,
    GONE,
    NEW,
    NOT_COMPARABLE,
    WORSE,
    Finding,
    Need,
    Report,
)
from bench.gate.report.people import (
    baseline_document,
    check_document,
    detectable_lines,
    labels,
    marker,
    to_comment,
)
from bench.metrics import PARAMETERS
from bench.report import writers
from bench.report.document import Place


def a_report(*findings: Finding, notes: tuple[str, ...] = (), allowed: tuple[str, ...] = ()):
    return Report("main", "this tree", findings, notes, frozenset(allowed))


def to_text(report: Report, verbose: bool = False) -> str:
    return writers.to_text(check_document(report, verbose))


def first_line(report: Report) -> str:
    return to_text(report).splitlines()[0]


def test_a_terminal_shows_what_changed_the_most_urgent_first_and_folds_the_rest():
    expected = """\
worse: 1 of 7 verdicts on 4 plugins; exit status 1
base: main (0123abc); candidate: this tree

verdict         plugin         metric           base    candidate    change          interval    threshold  why
--------------  -------------  -----------  --------  -----------  --------  ----------------  -----------  --------------------
worse           jena jena_gru  train step    12.3 ms      12.9 ms     +5.1%    +4.2% to +6.0%         2.0%
failed          imdb imdb_bad  all                 –            –         –                 –            –  ValueError: no
not measured    imdb imdb_gru  accuracy            –            –         –                 –       0.0020  one seed cannot tell
not comparable  jena jena_rnn  train step          –            –         –                 –            –  another machine
better          jena jena_gru  peak memory  1.86 GiB     1.40 GiB    -25.0%  -26.0% to -24.0%         2.0%

2 unchanged; --verbose lists them

sensitivity: a slowdown of 6.1% would have been found with 95% power (the median of 3; the largest is 6.1%, jena jena_gru predict)
sensitivity: more memory by 3.1% would have been found with 95% power
sensitivity: a loss in accuracy of 0.0060 would have been found with 95% power
note: 8 pairs a plugin"""  # noqa: E501
    told = "\n".join(line.rstrip() for line in to_text(one_of_each()).splitlines())
    assert told == expected


def test_without_reasons_the_table_has_no_column_for_them():
    told = to_text(a_report(slower(), less_accurate()))
    assert "why" not in told
    assert max(map(len, told.splitlines())) <= 140


def test_verbose_lists_what_is_unchanged():
    folded, whole = to_text(one_of_each()), to_text(one_of_each(), verbose=True)
    assert "compile" not in folded
    assert re.search(r"unchanged\s+jena jena_gru\s+compile\s+12.3 ms", whole)
    assert "--verbose" not in whole


@pytest.mark.parametrize(
    ("findings", "allowed", "line"),
    [
        ([], [], "nothing was compared; exit status 0"),
        ([same()], [], "nothing worse: 1 verdict on 1 plugin; exit status 0"),
        (
            [slower(), same()],
            [WORSE],
            "nothing worse: 2 verdicts on 1 plugin; allowed: 1 worse; exit status 0",
        ),
        (
            [slower(verdict=FAILED), slower(verdict=NOT_COMPARABLE)],
            [],
            "failed or not measured: 1 of 2 verdicts on 1 plugin; exit status 3",
        ),
        (
            [slower(verdict=NOT_COMPARABLE)],
            [],
            "not comparable: 1 of 1 verdict on 1 plugin; exit status 5",
        ),
        (
            [slower(verdict=NEW), slower(verdict=GONE)],
            [NEW],
            "nothing worse: 2 verdicts on 1 plugin; exit status 0",
        ),
        ([slower(verdict=CANNOT_TELL)], [], "nothing worse: 1 verdict on 1 plugin; exit status 0"),
    ],
)
def test_the_first_line_says_what_counts_and_the_exit_status(findings, allowed, line):
    assert first_line(a_report(*findings, allowed=tuple(allowed))) == line


def untold(count: int, of: str, **changes) -> Finding:
    return slower(verdict=CANNOT_TELL, needed=Need(count, of), **changes)


def test_what_cannot_be_told_stands_in_the_second_line_with_what_it_would_take():
    found = (untold(12, "rounds"), untold(24, "rounds"), untold(4, "seeds a side"), same())
    told = to_text(a_report(*found, slower(verdict=CANNOT_TELL))).splitlines()

    assert told[0] == "nothing worse: 5 verdicts on 1 plugin; exit status 0"
    assert told[1] == (
        "cannot tell: 4 of 5 verdicts; "
        "it takes 24 rounds (--pairs 24) and 4 seeds a side (--seeds 0,1,2,3)"
    )
    assert "it takes 26 seeds a side" in to_text(a_report(untold(26, "seeds a side")))
    assert "cannot tell: 1 of 1 verdict\n" in to_text(a_report(slower(verdict=CANNOT_TELL)))
    assert to_comment(a_report(*found)).splitlines()[5].startswith("**cannot tell: 3 of 4")


def test_a_check_that_was_asked_to_fail_by_a_verdict_names_it():
    report = Report("a", "b", (slower(verdict=CANNOT_TELL), same()), refused={CANNOT_TELL, GONE})
    assert first_line(report) == "cannot tell: 1 of 2 verdicts on 1 plugin; exit status 6"
    both = replace(report, findings=(*report.findings, slower(verdict=GONE)))
    assert first_line(both) == "cannot tell or gone: 2 of 3 verdicts on 1 plugin; exit status 6"
    assert first_line(replace(both, allowed={GONE, CANNOT_TELL})).endswith("exit status 0")


def test_what_is_allowed_is_marked():
    assert "worse, allowed" in to_text(a_report(slower(), allowed=(WORSE,)))


def test_a_report_of_nothing_is_two_lines():
    assert to_text(a_report()) == (
        "nothing was compared; exit status 0\nbase: main; candidate: this tree"
    )


def test_plugins_of_one_name_are_named_by_what_differs():
    alike = [a_key(), a_key(backend="jax"), a_key(backend="jax", source="local"), a_key("other")]
    assert [*labels(alike).values()] == [
        "jena_gru (official, tensorflow)",
        "jena_gru (official, jax)",
        "jena_gru (local, jax)",
        "other",
    ]


def test_the_largest_detectable_change_names_its_plugin_as_the_table_does():
    alike = [
        same(key=a_key(backend=each), detectable=size)
        for each, size in (("jax", 0.2), ("tensorflow", 0.1))
    ]
    (line,) = detectable_lines(a_report(*alike))
    assert line.endswith("the largest is 20.0%, jena jena_gru (jax) predict)")


def test_a_baseline_names_plugins_as_a_check_does():
    side = a_side()
    (one, other, _) = side.plugins.values()
    jax = replace(one, key=replace(one.key, backend="jax"))
    both = replace(side, plugins={each.key: each for each in (one, jax, other)})
    (table,) = baseline_document(both).tables(Place.TERMINAL)

    assert [row["plugin"] for row in shown(table)] == [
        "jena jena_gru (tensorflow)",
        "jena jena_gru (jax)",
        "imdb imdb_gru",
    ]


@pytest.mark.parametrize(
    ("number", "unit", "written"),
    [
        (0.000_012_3, "s", "12.3 µs"),
        (0.000_999_9, "s", "1.00 ms"),
        (0.8123, "s", "812 ms"),
        (123.45, "s", "123 s"),
        (0.0, "s", "0.000 µs"),
        (1536 * 1024**2, "bytes", "1.50 GiB"),
        (1024**2 * 12.34, "bytes", "12.3 MiB"),
        (12_345.0, "", "12,345"),
        (0.872_34, "accuracy", "0.8723"),
        (None, "s", NOTHING),
        (math.nan, "s", NOTHING),
    ],
)
def test_values_have_a_unit_and_three_digits_that_count(number, unit, written):
    assert quantity(number, unit) == written


@pytest.mark.parametrize(
    ("number", "metric", "written"),
    [
        (0.051, "train_step", "+5.1%"),
        (-0.25, "predict", "-25.0%"),
        (0.000_012_34, PARAMETERS, "+0.0012%"),
        (-0.0, "predict", "0.0%"),
        (-0.0123, "quality", "-0.0123"),
        (-0.0, "quality", "0.0000"),
        (math.inf, "predict", NOTHING),
    ],
)
def test_changes_have_a_sign_and_none_is_rounded_away(number, metric, written):
    report = a_report(slower(metric=metric, change=number))
    (row,) = shown(check_document(report).tables(Place.PAGE)[0])
    assert row["change"] == written


@pytest.mark.parametrize(
    ("bounds", "written"), [((0.04, math.inf), "from +4.0%"), ((-math.inf, 0.04), "up to +4.0%")]
)
def test_an_interval_open_on_one_side_says_so(bounds, written):
    assert written in to_text(a_report(slower(interval=bounds)))


def test_a_comment_can_be_found_again_and_folds_what_is_unchanged():
    told = to_comment(one_of_each())
    lines = told.splitlines()

    assert lines[:2] == ["<!-- bench check -->", "### bench check"]
    assert lines[3] == "**worse: 1 of 7 verdicts on 4 plugins; exit status 1**"
    assert [line.split("|")[1].strip() for line in lines if line.startswith("| ")] == [
        *("verdict", "worse", "failed", "not measured", "not comparable", "better"),
        *("verdict", "unchanged", "unchanged"),
    ]
    assert "\n\n<details><summary>2 unchanged</summary>\n\n| verdict" in told
    assert "|\n\n</details>\n\n- sensitivity: a slowdown of 6.1%" in told
    assert told.endswith("\n- note: 8 pairs a plugin\n")


def test_comments_of_checks_with_names_are_found_apart():
    told = to_comment(one_of_each(), "fast-1")

    assert told.splitlines()[:2] == ["<!-- bench check: fast-1 -->", "### bench check: fast-1"]
    assert told.startswith(marker("fast-1"))
    for other in ("", "fast", "fast-10"):
        assert not told.startswith(marker(other))


def test_a_comment_of_other_letters_is_as_short_for_a_service_that_counts_bytes():
    many = [slower(verdict=NEW, key=a_key("\u4e00" * 20 + str(number))) for number in range(900)]

    assert 40_000 < len(to_comment(a_report(*many)).encode()) <= 60_000


def test_a_comment_notifies_nobody():
    told = to_comment(a_report(slower(reason="ask @someone")))
    assert "@someone" not in told
    assert "someone" in told


def test_a_comment_too_long_for_github_leaves_out_the_least_urgent_and_counts_it():
    many = [slower(verdict=NEW, key=a_key(f"m{number}")) for number in range(900)]
    told = to_comment(a_report(*many, slower(), *[same()] * 900))

    assert len(told.encode()) <= 60_000
    assert "| worse" in told
    assert "900 unchanged.\n" in told
    shown = told.count("| new ")
    assert f"\n{900 - shown:,} more verdicts did not fit this comment.\n" in told
