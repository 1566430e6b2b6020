"""A record's form on disk: it comes back as it was, or is refused with the reason."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_record, a_trial, edited

from bench.errors import BenchError
from bench.record import FAILED, OK, STATUSES, TIMEOUT, answers, from_json

EXAMPLES = Path(__file__).parent / "records"


def test_a_round_trip_keeps_everything():
    record = a_record(trial={"overrides": {"units": 32}}, log="last | words\n", predictions="x.npz")
    assert from_json(record.to_json()) == record


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


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_schema_is_refused_by_name(version):
    with pytest.raises(BenchError, match=f"has schema version {version!r}.* reads 1"):
        from_json(edited(a_record(), schema_version=version))


def test_an_edited_trial_is_refused():
    document = json.loads(a_record().to_json())
    document["trial"]["hyperparameters"]["units"] = 64
    with pytest.raises(BenchError, match="does not match its own identity: it was edited"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"status": "splendid"}, "unknown status 'splendid'"),
        ({"trial": {"task": "jena"}}, "describes no trial"),
        ({"trial": [1]}, "section trial that is not a dictionary"),
        ({"timing": None}, "section timing that is not a dictionary"),
        ({"finished": 3}, "section finished that is not a text"),
        ({"timing": {}}, "no fit in its section timing"),
        ({"memory": {}}, "no peak_rss in its section memory"),
        ({"model": {}}, "no parameters in its section model"),
        ({"metrics": {}}, "no validation in its section metrics"),
        ({"data": {}}, "no source in its section data"),
        (
            {"metrics": {"best_epoch": 1, "validation": {"mae": None}, "test": {"mae": 1.0}}},
            "is ok but has no validation mae",
        ),
        (
            {"metrics": {"best_epoch": 1, "validation": {"mae": 1.0}, "test": "low"}},
            "is ok but has no test mae",
        ),
    ],
)
def test_nonsense_is_refused_where_it_is_read(sections, complaint):
    with pytest.raises(BenchError, match=complaint):
        from_json(edited(a_record(), **sections))


def test_a_missing_section_is_named():
    document = json.loads(a_record().to_json())
    del document["log"], document["model"]
    with pytest.raises(BenchError, match="lacks model, log"):
        from_json(json.dumps(document))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_record_that_an_older_suite_wrote_is_still_read(path):
    record = from_json(path.read_text(encoding="utf-8"))
    assert record.status in path.stem
    assert record.trial.identity == record.identity


def test_there_is_an_example_of_an_ok_and_of_a_failed_record():
    assert {path.stem for path in EXAMPLES.glob("*.json")} >= {"v1-ok", "v1-failed"}


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
