"""The scores of single examples, read from the predictions that trials left with their records."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_board, a_record

from bench.analysis.ranking import Evidence, gather, key_of
from bench.protocol import FAILED
from bench.records.record import Record
from bench.records.store import Store

TARGETS = np.array([0.0, 1.0, 0.5], dtype="float32")
DAYS = np.array([7, 7, 8], dtype="int32")


def packed(**arrays: Any) -> bytes:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def left_by(prediction: float = 0.5, **changes: Any) -> bytes:
    """Pack what a trial leaves that predicts the same for every example."""
    same = np.full(3, prediction, dtype="float32")
    arrays = {"predictions": same, "targets": TARGETS, "groups": DAYS}
    arrays |= {f"validation_{name}": array for name, array in arrays.items()}
    return packed(**{**arrays, **changes})


def gathered(folder: Path, *written: tuple[Record, bytes | None]) -> tuple[Evidence, list[str]]:
    store, said = Store(folder), []
    for record, predictions in written:
        store.write(record, predictions)
    board = a_board(*store.read().records)
    return gather(store, board, said.append), said


def test_each_example_has_its_absolute_error(tmp_path):
    record = a_record()
    found, said = gathered(tmp_path, (record, left_by(0.5)))
    scores = found[key_of(record)]

    assert said == []
    for split in ("validation", "test"):
        assert scores[split].values == pytest.approx([0.5, 0.5, 0.0])
        assert scores[split].groups.tolist() == [7, 7, 8]


def test_each_review_is_right_or_wrong(tmp_path):
    record = a_record(trial={"task": "imdb"})
    left = left_by(0.9, targets=np.array([0.0, 1.0, 1.0], dtype="float32"))
    found, _ = gathered(tmp_path, (record, left))

    assert found[key_of(record)]["test"].values.tolist() == [0.0, 1.0, 1.0]


def test_records_of_the_same_examples_are_known_by_that(tmp_path):
    same, other = a_record(seed=0), a_record(seed=1)
    else_ = a_record(seed=2)
    found, _ = gathered(
        tmp_path,
        (same, left_by(0.1)),
        (other, left_by(0.2)),
        (else_, left_by(0.2, targets=TARGETS + 1)),
    )
    examples = [found[key_of(record)]["test"].examples for record in (same, other, else_)]

    assert examples[0] == examples[1] != examples[2]
    assert found[key_of(same)]["test"].groups is found[key_of(other)]["test"].groups


def test_older_records_kept_no_predictions_of_the_validation_split(tmp_path):
    record = a_record()
    old = packed(predictions=TARGETS, targets=TARGETS, groups=DAYS)
    found, said = gathered(tmp_path, (record, old))

    assert set(found[key_of(record)]) == {"test"}
    assert said == []


def test_what_failed_or_left_nothing_is_passed_over(tmp_path):
    failed, bare = a_record("a", status=FAILED, reason="no"), a_record("b")
    assert gathered(tmp_path, (failed, None), (bare, None)) == ({}, [])


def test_a_damaged_file_is_told_and_takes_nothing_from_the_others(tmp_path):
    good, bad = a_record("good"), a_record("bad")
    store, said = Store(tmp_path), []
    store.write(good, left_by())
    store.write(bad, left_by()).with_suffix(".npz").write_bytes(b"cut")
    found = gather(store, a_board(*store.read().records), said.append)

    assert set(found) == {key_of(good)}
    assert len(said) == 1
    assert "left out of the statistics" in said[0]
    assert "--reuse never" in said[0]


def test_predictions_of_another_length_are_told(tmp_path):
    record = a_record()
    found, said = gathered(tmp_path, (record, left_by(predictions=TARGETS[:2])))

    assert found == {}
    assert "as many numbers an example" in said[0]


def test_a_metric_without_scores_of_single_examples_is_told(tmp_path):
    metric = {**a_record().data["metric"], "name": "auc", "units": {"auc": "share"}}
    scores = {"best_epoch": 1, "validation": {"auc": 0.9}, "test": {"auc": 0.9}}
    record = a_record(metrics=scores, data={**a_record().data, "metric": metric})
    found, said = gathered(tmp_path, (replace(record), left_by()))

    assert found == {}
    assert "'auc'" in said[0]
