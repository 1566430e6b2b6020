"""Records of every schema that there was: a stored example of each is still read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders import a_board, a_record, edited

from bench.documents import shown
from bench.errors import BenchError
from bench.records.predictions import Predictions
from bench.records.record import SCHEMA_VERSION, from_json
from bench.records.store import Store

EXAMPLES = Path(__file__).parent
VERSIONS = [f"v{version}" for version in range(1, SCHEMA_VERSION + 1)]


def example(version: str, name: str) -> str:
    return (EXAMPLES / version / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("status", ["ok", "failed", "skipped"])
def test_an_example_of_every_version_is_read(version, status):
    record = from_json(example(version, status))
    assert record.status == status
    assert record.trial.identity == record.identity
    assert record.schema_version == SCHEMA_VERSION


@pytest.mark.parametrize("version", VERSIONS)
def test_the_examples_of_a_version_give_a_leaderboard(version):
    records = [from_json(example(version, name)) for name in ("ok", "failed", "skipped")]
    rows = {row.label: row for table in a_board(*records).tables for row in table.rows}

    assert rows["jena_dense"].validation["mae"].mean == pytest.approx(2.205, abs=0.001)
    assert rows["raising"].reason.endswith("no model of 4 units | `yet`")
    assert rows["needing"].status == "skipped"


def test_an_old_record_and_a_new_one_say_the_same():
    for name in ("failed", "skipped"):
        first, *others = (from_json(example(version, name)) for version in VERSIONS)
        # Of the task's source the first three knew nothing, so that its identity is another.
        trial = replace(others[-1].trial, task_sha256="")
        others[2:] = [replace(each, trial=trial, identity=trial.identity) for each in others[2:]]
        assert others == [first] * (SCHEMA_VERSION - 1)


def test_the_fourth_version_knows_the_source_of_the_task():
    third, fourth = (from_json(example(version, "ok")).trial for version in ("v3", "v4"))
    assert (third.task_sha256, fourth.task_sha256) == ("", "0da7a5e7" * 8)
    assert third.identity != fourth.identity


def test_the_first_version_knew_only_the_name_of_its_predictions():
    name = "20261121T025748.680298Z-5d6115bd8371.npz"
    assert from_json(example("v1", "ok")).predictions == Predictions(name, None, None)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_first_two_versions_knew_of_no_repeats(version):
    assert from_json(example(version, "ok")).repeat is None


def test_the_third_version_says_what_a_repeat_gave():
    first, repeat = from_json(example("v2", "ok")), from_json(example("v3", "ok")).repeat
    assert repeat is not None
    assert (repeat["of"], repeat["verdict"]) == (first.finished, "bit-identical")
    assert repeat["settings"]["start"] == {"first": "spawn", "repeat": "fork"}


def test_the_fifth_version_says_which_model_was_kept():
    fourth, fifth = (from_json(example(version, "ok")).kept_model for version in ("v4", "v5"))
    assert fourth is None
    assert fifth is not None
    assert (fifth.file[-6:], fifth.bytes, fifth.output["kind"]) == (".keras", 24310, "number")


def test_examples_name_no_machine_and_no_folder():
    for path in EXAMPLES.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert "Example CPU" in text
        assert '"/' not in text


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION + 1, "1", 1.0, True, None])
def test_another_schema_is_refused_by_name(version):
    with pytest.raises(BenchError, match=f"has schema version {shown(version)}; .* reads 1 to "):
        from_json(edited(a_record(), schema_version=version))


def test_a_record_of_a_newer_suite_is_named_and_the_rest_is_read(tmp_path):
    store = Store(tmp_path)
    path = store.write(a_record())
    newer = path.with_name("newer.json")
    newer.write_text(edited(a_record(), schema_version=SCHEMA_VERSION + 1), encoding="utf-8")
    contents = store.read()

    assert len(contents.records) == 1
    assert contents.unreadable == (
        f"{newer}: has schema version {SCHEMA_VERSION + 1}; "
        f"this version of the suite reads 1 to {SCHEMA_VERSION}",
    )


def test_an_old_record_can_be_written_as_a_new_one():
    record = from_json(example("v1", "ok"))
    document = json.loads(record.to_json())
    assert document["schema_version"] == SCHEMA_VERSION
    assert from_json(record.to_json()) == record
