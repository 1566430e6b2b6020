"""A record's form on disk: it comes back as it was, or is refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from builders import a_record, a_repeat, a_trial, edited

from bench.errors import BenchError
from bench.protocol import FAILED, OK, STATUSES, TIMEOUT
from bench.records.predictions import describe
from bench.records.record import DIFFERENT, answers, from_json


def test_a_round_trip_keeps_everything():
    overrides = {"overrides": {"units": 32}}
    predictions = describe("x.npz", b"numbers")
    record = a_record(trial=overrides, log="last | words\n", predictions=predictions)
    assert from_json(record.to_json()) == record


@pytest.mark.parametrize("status", [OK, TIMEOUT])
def test_what_a_repeat_gave_comes_back(status):
    record = a_repeat(status=status)
    assert from_json(record.to_json()) == record


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("yes", "repeat must be a dictionary or null, not 'yes'"),
        ({}, "repeat has no of"),
        ({"of": None}, "repeat.of must be a text, not null"),
        ({"of": "yesterday"}, "repeats a record of a time that is no time"),
        (
            {"verdict": "splendid"},
            "repeat.verdict must be one of bit-identical, .* or null, not 'splendid'",
        ),
        ({"verdict": None}, "is ok but has the verdict None on its repeat"),
        (
            {"verdict": [DIFFERENT]},
            "repeat.verdict must be one of bit-identical, .* or null, not a list",
        ),
        ({"largest": "0"}, "repeat.largest must be a number or null, not '0'"),
        ({"largest": 10**400}, "repeat.largest must be a number or null of less than 1e.300"),
        ({"settings": [1]}, "repeat.settings must be a dictionary, not a list"),
    ],
)
def test_nonsense_in_the_section_of_a_repeat_is_refused(change, complaint):
    section = a_repeat().repeat
    repeat = {**section, **change} if change and isinstance(change, dict) else change
    with pytest.raises(BenchError, match=complaint):
        from_json(edited(a_repeat(), repeat=repeat))


def test_a_repeat_that_did_not_end_well_has_no_verdict():
    section = a_repeat().repeat
    with pytest.raises(BenchError, match="has the verdict 'bit-identical' on its repeat"):
        from_json(edited(a_repeat(status=TIMEOUT), repeat=section))


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_comes_back(status):
    record = a_record(status=status, reason="" if status == OK else "a reason")
    assert from_json(record.to_json()) == record


def test_what_is_not_finite_is_written_as_null():
    nan, inf = float("nan"), float("inf")
    record = a_record(status="diverged", metrics={"curves": {"train_loss": [1.5, nan, -inf]}})
    document = json.loads(record.to_json(), parse_constant=pytest.fail)
    assert document["metrics"]["curves"]["train_loss"] == [1.5, None, None]


def test_any_text_that_a_worker_printed_is_kept():
    log = "\x1b[31m°\ud800\0 日本 \U0001f680"
    text = a_record(log=log, reason=log, status=FAILED).to_json()
    assert text.isascii()
    assert from_json(text).log == log


def test_the_keys_are_those_that_the_design_names():
    assert set(json.loads(a_record().to_json())) == {
        *("schema_version", "identity", "trial", "status", "reason", "finished", "reference"),
        *("metrics", "timing", "memory", "model", "data", "environment", "predictions", "log"),
        *("repeat", "kept_model", "digest"),
    }


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_document_cut_short_is_refused(share):
    text = a_record().to_json().strip()
    with pytest.raises(BenchError, match="is not a whole JSON document"):
        from_json(text[: int(share * len(text))])


@pytest.mark.parametrize("text", ["[]", "3", "null", '"record"'])
def test_a_document_of_another_kind_is_refused(text):
    with pytest.raises(BenchError, match="is no object"):
        from_json(text)


def test_a_document_nested_without_end_is_refused():
    with pytest.raises(BenchError, match="is not a whole JSON document"):
        from_json("[" * 200_000)


def test_an_edited_trial_is_refused():
    document = json.loads(a_record().to_json())
    document["trial"]["hyperparameters"]["units"] = 64
    with pytest.raises(BenchError, match="does not match its own identity: it was edited"):
        from_json(json.dumps(document))


def test_a_result_that_was_edited_is_refused():
    document = json.loads(a_record(quality=0.26).to_json())
    document["metrics"]["validation"]["mae"] = 0.16
    with pytest.raises(BenchError, match="does not match its own digest: it was edited"):
        from_json(json.dumps(document, indent=1))


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"digest": None}, {"log": "other"}])
def test_every_part_of_a_record_is_under_its_digest(change):
    with pytest.raises(BenchError, match="does not match its own digest"):
        from_json(edited(a_record(), **change))


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: json.dumps(json.loads(text)),
        lambda text: json.dumps(json.loads(text), indent=4, ensure_ascii=False) + "\n\n",
        lambda text: json.dumps({**json.loads(text), "digest": json.loads(text)["digest"]}),
    ],
    ids=["ends of lines", "on one line", "indented", "digest elsewhere"],
)
def test_another_layout_of_the_same_record_is_no_edit(rewritten):
    record = a_record(log="°\ud83d\ude00 lines\r\n\t and more")
    assert from_json(rewritten(record.to_json())) == from_json(record.to_json())


def test_keys_that_are_no_texts_become_texts_before_the_digest():
    record = a_record(status=FAILED, reason="x", metrics={"curves": {10: [1.0], 9: [2.0]}})
    assert from_json(record.to_json()).metrics == {"curves": {"10": [1.0], "9": [2.0]}}


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"status": "splendid"}, "status must be one of ok, .*, not 'splendid'"),
        ({"trial": {"task": "jena"}}, "trial has no task_version"),
        ({"trial": [1]}, "trial must be a dictionary, not a list"),
        ({"timing": None}, "timing must be a dictionary, not null"),
        ({"finished": 3}, "finished must be a text, not 3"),
        ({"finished": "yesterday"}, "was finished at 'yesterday', which is no time"),
        ({"finished": "2025-01-02T03:04:05"}, "which is no time"),
        ({"predictions": "x.npz"}, "predictions must be a dictionary or null, not 'x.npz'"),
        ({"timing": {}}, "timing has no fit"),
        ({"memory": {}}, "memory has no peak_rss"),
        ({"model": {}}, "model has no parameters"),
        ({"metrics": {}}, "metrics has no validation"),
        ({"data": {}}, "data has no source"),
        (
            {"metrics": {"best_epoch": 1, "validation": {"mae": None}, "test": {"mae": 1.0}}},
            "is ok but has no validation mae",
        ),
        (
            {"metrics": {"best_epoch": 1, "validation": {"mae": 1.0}, "test": "low"}},
            "metrics.test must be a dictionary, not 'low'",
        ),
    ],
)
def test_nonsense_is_refused_where_it_is_read(sections, complaint):
    with pytest.raises(BenchError, match=complaint):
        from_json(edited(a_record(), **sections))


@pytest.mark.parametrize("value", ["true", '"0.3"', "[]", "{}", "1e999", "-1e300", "1" + "0" * 400])
def test_a_curve_holds_numbers_alone(value):
    curve = {"curves": {"train_loss": [0.3, 0.123456789, 1]}}
    text = a_record(status=TIMEOUT, metrics=curve).to_json()
    with pytest.raises(
        BenchError, match=r"metrics\.curves\.train_loss\[1\] must be a number or null"
    ):
        from_json(text.replace("0.123456789", value))


@pytest.mark.parametrize("curve", [[], [None], [1, 0.5, None, -2]])
def test_a_curve_may_be_empty_and_have_gaps(curve):
    record = a_record(status=TIMEOUT, metrics={"curves": {"train_loss": curve}})
    assert from_json(record.to_json()) == record


def test_a_missing_section_is_named():
    document = json.loads(a_record().to_json())
    del document["log"], document["model"]
    with pytest.raises(BenchError, match="lacks model, log"):
        from_json(json.dumps(document))


def test_the_newest_ok_record_answers_for_an_identity_else_the_newest():
    first, second = a_record(minute=1), a_record(minute=2)
    late = a_record(minute=3, status=TIMEOUT, reason="took longer than 1 s")
    later = replace(late, finished="2025-01-03", reason="took longer than 2 s")
    identity = a_trial().identity

    assert answers([first, second]) == {identity: second}
    assert answers([first, late]) == {identity: first}
    assert answers([late, first]) == {identity: first}
    assert answers([late, later]) == {identity: later}
    assert answers([]) == {}
