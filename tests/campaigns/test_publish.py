"""Which trained trials are published, and that their predictions stay what they were."""

from __future__ import annotations

import zipfile
from dataclasses import replace

import numpy as np
import pytest
from builders import a_record, beside

from bench.errors import BenchError
from bench.protocol import FAILED, SKIPPED
from bench.records.store import Store
from bench.runs.scoring import packed
from campaigns.publish import choose, publish

FULL = {"profile": "full"}


def trained(seed=0, minute=0, shared=False, processor="A Processor @ 3 GHz", **parts):
    """A full training, alone on a machine or not."""
    record = beside(a_record(seed=seed, minute=minute, trial=FULL, **parts), shared=shared)
    machine = {**record.environment["machine"], "processor": processor}
    return replace(record, environment={**record.environment, "machine": machine})


def test_each_full_training_is_published_once_and_rather_one_that_was_alone():
    disturbed, alone, again = trained(shared=True), trained(minute=1), trained(minute=2)
    other_seed, quick = trained(seed=1, shared=True), a_record(seed=2)

    assert choose([disturbed, alone, again, other_seed, quick], []) == [alone, other_seed]


def test_what_is_published_is_again_only_for_times_of_a_machine_where_it_has_none():
    published = trained(shared=True)
    alone, elsewhere = trained(minute=1), trained(minute=2, processor="Another")
    disturbed = trained(minute=3, shared=True, processor="A third")

    assert choose([alone, elsewhere, disturbed], [published]) == [alone, elsewhere]
    assert choose([alone, elsewhere], [published, trained(minute=4)]) == [elsewhere]


def test_what_was_skipped_is_published_until_it_is_trained_and_a_failure_never():
    skipped, failed = trained(status=SKIPPED), trained(seed=1, status=FAILED)
    later = trained(minute=1, shared=True)

    assert choose([skipped, failed], []) == [skipped]
    assert choose([skipped], [skipped]) == []
    assert choose([skipped, later], [skipped]) == [later]
    assert choose([skipped, later], []) == [later]


def test_predictions_are_the_same_in_less_room(tmp_path):
    arrays = {
        "predictions": np.sin(np.arange(9000, dtype="float32")),
        "targets": np.zeros(9000, dtype="float32"),
        "groups": np.arange(9000, dtype="int32"),
    }
    results, target = Store(tmp_path / "results"), Store(tmp_path / "published")
    results.write(trained(), packed(arrays))

    (path,) = publish(results.root, target.root)

    (record,) = target.read().records
    kept = target.predictions(record)
    assert {name: array.tolist() for name, array in kept.items()} == {
        name: array.tolist() for name, array in arrays.items()
    }
    assert record.predictions.bytes < 0.9 * len(packed(arrays))
    with zipfile.ZipFile(path.with_suffix(".npz")) as archive:
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_LZMA}
    assert publish(results.root, target.root) == []


def test_a_record_whose_predictions_are_gone_is_not_published(tmp_path):
    results = Store(tmp_path / "results")
    path = results.write(trained(), packed({"predictions": np.zeros(3)}))
    path.with_suffix(".npz").unlink()

    with pytest.raises(BenchError, match="cannot be read"):
        publish(results.root, tmp_path / "published")


def test_a_folder_without_records_is_refused(tmp_path):
    with pytest.raises(BenchError, match="holds no records"):
        publish(tmp_path / "mistyped", tmp_path / "published")
