"""A report of the gate, and what a side measured, for other programs."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from builders import AWKWARD
from gate_reports import a_key, a_side, one_of_each, same, slower

from bench.gate.model import CANNOT_TELL, FAILED, NEW, WORSE, Report, Side
from bench.gate.report.machines import (
    FORMATS,
    RenderInput,
    figures,
    to_annotations,
    to_bmf,
    to_github_action_benchmark,
    to_junit,
)
from bench.gate.report.people import check_document
from bench.report.writers import to_json


def test_annotations_mark_the_file_of_each_finding_that_is_not_unchanged():
    told = to_annotations(one_of_each(), {"jena_gru": "plugins/jena_gru.py"})
    assert told.splitlines() == [
        "::error file=plugins/jena_gru.py,title=jena jena_gru%3A worse::"
        "train step: worse, 12.3 ms to 12.9 ms "
        "(+5.1%25, interval +4.2%25 to +6.0%25, threshold 2.0%25)",
        "::error title=imdb imdb_bad%3A failed::failed: ValueError: no",
        "::warning title=imdb imdb_gru%3A not measured::"
        "accuracy: not measured: one seed cannot tell",
        "::warning title=jena jena_rnn%3A not comparable::"
        "train step: not comparable: another machine",
        "::notice file=plugins/jena_gru.py,title=jena jena_gru%3A better::"
        "peak memory: better, 1.86 GiB to 1.40 GiB "
        "(-25.0%25, interval -26.0%25 to -24.0%25, threshold 2.0%25)",
    ]


def test_a_failure_whose_reason_begins_with_the_verdict_says_it_once():
    failed = slower(metric="", verdict=FAILED, reason="failed: x.py:3: ValueError: no", base=None)
    report = Report("a", "b", (replace(failed, candidate=None, change=None),))

    assert to_annotations(report).endswith("::failed: x.py:3: ValueError: no")
    (test,) = the_tests(to_junit(report))[1]
    assert test[0].text == "failed: x.py:3: ValueError: no"


def test_annotations_of_what_is_allowed_are_notices():
    told = to_annotations(Report("a", "b", (slower(),), allowed={WORSE}))
    assert told.startswith("::notice title=jena jena_gru%3A worse::train step: worse (allowed)")


@pytest.mark.parametrize("text", [*AWKWARD, "a,b:c%d", "::error::x\n::error::y"])
def test_no_name_or_reason_adds_an_annotation_or_a_property(text):
    finding = slower(key=a_key(text), reason=text)
    told = to_annotations(Report("a", "b", (finding,)), {text: f"plugins/{text}"})
    (line,) = told.splitlines()
    _, command, _ = line.split("::", 2)
    assert [part.split("=")[0] for part in command.split(",")] == ["error file", "title"]


def the_tests(text: str) -> tuple[ElementTree.Element, list[ElementTree.Element]]:
    root = ElementTree.fromstring(text)
    (suite,) = root
    return suite, [*suite.iter("testcase")]


def test_junit_has_a_test_for_each_finding_with_what_ci_systems_read():
    text = to_junit(one_of_each())
    suite, tests = the_tests(text)
    inner = {
        (test.get("classname"), test.get("name")): [(part.tag, part.get("type")) for part in test]
        for test in tests
    }

    assert text.startswith("<?xml")
    assert ElementTree.fromstring(text).tag == "testsuites"
    assert (suite.tag, suite.get("name")) == ("testsuite", "bench check")
    counts = [suite.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["7", "1", "1", "2"]
    assert all(float(test.get("time", "")) == 0.0 for test in tests)
    assert inner == {
        ("jena.jena_gru", "predict"): [],
        ("jena.jena_gru", "compile"): [],
        ("jena.jena_gru", "peak_memory"): [("system-out", None)],
        ("jena.jena_gru", "train_step"): [("failure", "worse")],
        ("imdb.imdb_gru", "quality"): [("skipped", None)],
        ("imdb.imdb_bad", "all"): [("error", "failed")],
        ("jena.jena_rnn", "train_step"): [("skipped", None)],
    }
    failure = next(suite.iter("failure"))
    assert failure.get("message") == failure.text
    assert "12.3 ms to 12.9 ms" in (failure.text or "")
    assert "8 pairs a plugin" in (suite.findtext("system-out") or "")


def test_junit_fails_nothing_that_is_allowed():
    findings = (slower(), slower(verdict=FAILED), slower(verdict=NEW))
    suite, _ = the_tests(to_junit(Report("a", "b", findings, allowed={WORSE, FAILED})))
    assert [suite.get(name) for name in ("failures", "errors", "skipped")] == ["0", "0", "2"]


def test_what_cannot_be_told_is_skipped_and_a_warning_until_the_check_is_asked_to_fail_by_it():
    report = Report("a", "b", (slower(verdict=CANNOT_TELL, reason="noise"),))
    asked = replace(report, refused={CANNOT_TELL})

    assert [part.tag for part in the_tests(to_junit(report))[1][0]] == ["skipped"]
    assert [part.tag for part in the_tests(to_junit(asked))[1][0]] == ["failure"]
    assert to_annotations(report).startswith("::warning title=jena jena_gru%3A cannot tell::")
    assert to_annotations(asked).startswith("::error ")
    assert "cannot tell: 1 of 1 verdict" in (the_tests(to_junit(report))[0].findtext("system-out"))


@pytest.mark.parametrize("text", [*AWKWARD, "nul \0 \x1b \ufffe ]]>"])
def test_junit_can_be_read_whatever_the_names_and_reasons_are(text):
    _, tests = the_tests(to_junit(Report(text, text, (slower(key=a_key(text), reason=text),))))
    assert len(tests) == 1


def test_json_tells_all_and_has_null_for_what_is_no_number():
    odd = slower(change=math.nan, interval=(-math.inf, 0.06))
    report = Report("main", "tree", (odd, same()), ("a note",), frozenset({WORSE}))
    text = to_json(check_document(report))
    read = json.loads(text, parse_constant=pytest.fail)

    assert list(read) == [
        *("schema_version", "base", "candidate", "status", "allowed", "fail_on", "counts"),
        *("estimators", "findings", "notes"),
    ]
    assert (read["status"], read["allowed"], read["notes"]) == (0, ["worse"], ["a note"])
    assert (read["counts"]["worse"], read["counts"]["failed"]) == (1, 0)
    assert read["findings"][0] == {
        "task": "jena",
        "label": "jena_gru",
        "source": "official",
        "profile": "quick",
        "backend": "tensorflow",
        "metric": "train_step",
        "verdict": "worse",
        "base": 0.0123,
        "candidate": 0.01293,
        "change": None,
        "interval": [None, 0.06],
        "threshold": 0.02,
        "detectable": 0.031,
        "unit": "s",
        "reason": "",
        "needed": None,
        "base_status": "",
        "p_value": None,
        "is_allowed": True,
    }
    assert text == to_json(check_document(report))


def test_figures_are_medians_over_processes_and_means_over_seeds_of_what_is_ok():
    found = [(f.name, f.metric, f.value, f.low, f.high, f.count) for f in figures(a_side())]
    assert found == [
        ("imdb imdb_gru", "quality", pytest.approx(0.85), 0.8, pytest.approx(0.9), 2),
        ("imdb imdb_gru", "peak_memory", 1048576.0, 1048576.0, 1048576.0, 1),
        ("jena jena_gru", "quality", 0.8, 0.8, 0.8, 1),
        ("jena jena_gru", "train_step", 0.013, pytest.approx(0.0104), 0.014, 3),
        ("jena jena_gru", "parameters", 12_345_678.0, 12_345_678.0, 12_345_678.0, 1),
    ]


def test_github_action_benchmark_gets_what_is_better_when_smaller():
    read = json.loads(to_github_action_benchmark(a_side(), "min"))
    assert [(entry["name"], entry["unit"], entry["value"]) for entry in read] == [
        ("imdb imdb_gru: peak memory", "MiB", 1.0),
        ("jena jena_gru: MAE", "MAE", 0.8),
        ("jena jena_gru: train step", "ms", 13.0),
        ("jena jena_gru: parameters", "weights", 12_345_678.0),
    ]
    step = read[2]
    assert step["range"] == "10.4 to 14"
    assert step["extra"] == (
        "data: official, profile: quick, backend: tensorflow, processes: 3, "
        "value: median over processes of the first decile of each one's rounds"
    )
    assert "range" not in read[1]


def test_github_action_benchmark_gets_what_is_better_when_bigger_apart():
    (entry,) = json.loads(to_github_action_benchmark(a_side(), "max"))
    assert (entry["name"], entry["value"]) == ("imdb imdb_gru: accuracy", 0.85)


def test_bencher_gets_times_as_latency_in_nanoseconds_and_the_rest_as_measures():
    assert json.loads(to_bmf(a_side())) == {
        "imdb imdb_gru": {
            "accuracy": {
                "value": pytest.approx(0.85),
                "lower_value": 0.8,
                "upper_value": pytest.approx(0.9),
            },
            "peak-memory": {"value": 1048576.0},
        },
        "jena jena_gru": {"mae": {"value": 0.8}, "parameters": {"value": 12_345_678.0}},
        "jena jena_gru train_step": {
            "latency": {"value": 13e6, "lower_value": pytest.approx(10.4e6), "upper_value": 14e6}
        },
    }


def test_a_side_that_measured_nothing_has_no_figures():
    empty = Side("x", {}, "", "", {})
    assert json.loads(to_bmf(empty)) == {}
    assert json.loads(to_github_action_benchmark(empty, "min")) == []


def test_every_form_has_a_name_and_is_text():
    told = RenderInput(one_of_each(), a_side(), {"jena_gru": "plugins/jena_gru.py"})
    assert [*FORMATS] == [
        *("text", "md", "annotations", "junit", "json"),
        *("github-action-benchmark", "github-action-benchmark-bigger", "bmf"),
    ]
    assert all(form(told).strip() for form in FORMATS.values())
    assert "file=plugins/jena_gru.py" in FORMATS["annotations"](told)
    assert "--verbose" in FORMATS["text"](told)
    assert "--verbose" not in FORMATS["text"](RenderInput(one_of_each(), a_side(), verbose=True))
