"""The side that stored records make: which of them count, and what they tell."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_record, a_repeat, a_timed_record, beside
from gate_records import GROUPS, left_predictions

from bench.gate.from_records import side_of
from bench.gate.model import Key, Measurement, Origin, Side
from bench.protocol import FAILED, SKIPPED
from bench.records.record import Record
from bench.records.store import Store
from bench.statistics.blocks import group_examples, group_sums, influences

KEY = Key("jena", "jena_gru", "official", "quick", "tensorflow")


def side(folder: Path, *records: Record, predictions: bool = True) -> tuple[Side, list[str]]:
    """Make the side of some records, each with predictions of its own if it is ok."""
    store, said = Store(folder), []
    for record in records:
        left = left_predictions(record) if predictions and record.metrics else None
        store.write(record, left)
    return side_of("now", store.read().records, store, said.append), said


def only(folder: Path, *records: Record, **options: Any) -> Measurement:
    found, _ = side(folder, *records, **options)
    (measured,) = found.plugins.values()
    return measured


def placed(record: Record, **environment: Any) -> Record:
    return replace(record, environment={**record.environment, **environment})


def record_in(store: Store) -> Record:
    (record,) = store.read().records
    return record


def processes(measured: Measurement, metric: str) -> Sequence[tuple[float, ...]]:
    return measured.rounds.get(metric, ())


def test_no_records_make_an_empty_side(tmp_path):
    assert side(tmp_path)[0] == Side("now", {}, "", "", {})


def test_a_side_says_where_and_when_it_was_measured(tmp_path):
    found, said = side(tmp_path, a_record(minute=3), a_record("jena_naive", minute=1))

    assert (found.name, found.commit) == ("now", "0123456789ab")
    assert found.written.startswith("2025-01-02T03:03")
    assert found.machine == a_record().environment["machine"]
    assert [key.label for key in found.plugins] == ["jena_gru", "jena_naive"]
    assert said == []


def test_the_commit_of_a_changed_tree_is_marked_and_an_unknown_one_is_empty(tmp_path):
    dirty, _ = side(tmp_path / "a", placed(a_record(), dirty=True))
    unknown, _ = side(tmp_path / "b", placed(a_record(), commit=None, dirty=None))

    assert (dirty.commit, unknown.commit) == ("0123456789ab-dirty", "")


# Quality


def test_quality_is_of_the_seeds_in_order_with_what_the_groups_add(tmp_path):
    records = [a_record(seed=seed, quality=0.26 + seed / 100) for seed in (2, 0, 1)]
    quality = only(tmp_path, *records).quality
    assert quality is not None

    assert (quality.metric, quality.direction, quality.independent) == ("mae", "min", False)
    assert [score.seed for score in quality.seeds] == [0, 1, 2]
    assert [score.value for score in quality.seeds] == [0.26, 0.27, 0.28]
    first = quality.seeds[0]
    store = Store(tmp_path)
    (record,) = [r for r in store.read().records if r.trial.seed == 0]
    arrays = store.predictions(record)
    errors = np.abs(arrays["validation_targets"] - arrays["validation_predictions"])
    grouping = group_examples(GROUPS)
    expected = influences(group_sums(errors[None], grouping), grouping)[0]
    assert first.influences == pytest.approx(expected, abs=1e-6)
    assert first.influences.dtype == np.float32
    bytes_ = arrays["validation_predictions"].tobytes()
    assert first.digest == hashlib.sha256(bytes_).hexdigest()


def test_reviews_are_each_a_group_of_their_own(tmp_path):
    store, record = Store(tmp_path), a_record("imdb_onehot", 0.9, trial={"task": "imdb"})
    left = left_predictions(record, groups=np.arange(len(GROUPS), dtype="int32"))
    store.write(record, left)
    (measured,) = side_of("now", [record_in(store)], store, print).plugins.values()

    assert (measured.quality.metric, measured.quality.direction) == ("accuracy", "max")
    assert measured.quality.independent
    assert measured.quality.seeds[0].influences.shape == (60,)


def test_equal_predictions_have_equal_digests_and_others_have_not(tmp_path):
    one = only(tmp_path / "a", a_record(minute=1), a_record(seed=1)).quality
    same = only(tmp_path / "b", a_record(minute=2)).quality

    assert one.seeds[0].digest == same.seeds[0].digest != one.seeds[1].digest
    assert one.examples == same.examples


def test_a_seed_without_predictions_is_told_and_the_others_stay(tmp_path):
    store, said = Store(tmp_path), []
    for seed in range(3):
        record = a_record(seed=seed)
        store.write(record, None if seed == 1 else left_predictions(record))
    found = side_of("now", store.read().records, store, said.append)

    assert [score.seed for score in found.plugins[KEY].quality.seeds] == [0, 2]
    assert len(said) == 1
    assert "no validation predictions of seed 1" in said[0]
    assert "--reuse never" in said[0]


def test_without_any_predictions_the_rest_is_still_known(tmp_path):
    measured = only(tmp_path, a_timed_record(), predictions=False)

    assert measured.quality is None
    assert measured.rounds


def test_a_single_group_of_examples_tells_no_quality(tmp_path):
    store, said = Store(tmp_path), []
    record = a_record()
    store.write(record, left_predictions(record, groups=np.zeros(len(GROUPS), "int32")))
    found = side_of("now", store.read().records, store, said.append)

    assert found.plugins[KEY].quality is None
    assert "its quality is left out" in said[0]


# Times and memory


def test_each_trial_is_a_process_with_one_round(tmp_path):
    records = [a_timed_record(seed=s, minute=s, epoch=e) for s, e in enumerate((2.0, 3.0))]
    measured = only(tmp_path, *records)

    assert processes(measured, "train_step") == ((2 / 60,), (3 / 60,))
    assert processes(measured, "predict") == ((0.2,), (0.2,))
    assert processes(measured, "start_up") == ((0.5,), (0.5,))
    assert processes(measured, "compile") == ((1.0,), (1.0,))
    assert processes(measured, "peak_memory") == ((900.0 * 1024**2,),) * 2
    assert (measured.parameters, measured.disturbed, measured.data) == (4673, "", "f00d")


def test_each_value_says_of_which_record_and_commit_it_is(tmp_path):
    first = placed(a_timed_record(seed=0, minute=1), commit="aaaaaaaaaaaa")
    second = placed(a_timed_record(seed=1, minute=2), dirty=True)
    first = replace(first, timing={**first.timing, "compile": 0.0})
    origins = only(tmp_path, second, first).origins

    one, other = (
        Origin(record.identity[:12], record.finished, commit)
        for record, commit in ((first, "aaaaaaaaaaaa"), (second, "0123456789ab-dirty"))
    )
    assert origins["quality"] == (one, other)
    assert origins["train_step"] == (one, other)
    assert origins["compile"] == (other,)
    assert origins["parameters"] == (other,)


def test_what_was_not_done_takes_no_time(tmp_path):
    naive = a_timed_record(minute=1)
    timing = {**naive.timing, "steady_epoch": 0.0, "compile": 0.0, "start": None}
    measured = only(tmp_path, replace(naive, timing=timing))

    assert {*measured.rounds} == {"predict", "peak_memory"}


def test_a_repeat_is_a_further_process_and_no_further_seed(tmp_path):
    first = beside(a_record())
    again = beside(a_repeat(verdict="bit-identical"))
    measured = only(tmp_path, first, again)

    assert len(processes(measured, "predict")) == 2
    assert len(measured.quality.seeds) == 1


def test_times_are_of_the_quiet_trials_and_memory_of_all(tmp_path):
    quiet, loud = a_timed_record(seed=0, epoch=2.0), a_timed_record(seed=1, epoch=9.0)
    measured = only(tmp_path, quiet, beside(loud, others_cpu=0.5))

    assert processes(measured, "train_step") == ((2 / 60,),)
    assert len(processes(measured, "peak_memory")) == 2
    assert measured.disturbed == ""


def test_where_no_trial_was_quiet_the_side_says_why(tmp_path):
    records = [beside(a_timed_record(seed=seed), others_cpu=0.5) for seed in range(2)]
    measured = only(tmp_path, *records)

    assert len(processes(measured, "train_step")) == 2
    assert measured.disturbed == "others used 50%"


def test_times_with_other_threads_are_not_put_together(tmp_path):
    one = placed(a_timed_record(seed=0, minute=1), threads=1, device="cpu", start="fork")
    two = placed(a_timed_record(seed=1, minute=2), threads=2, device="cpu", start="fork")
    measured = only(tmp_path, one, two)

    assert len(processes(measured, "train_step")) == 1
    assert measured.settings["threads"] == 2
    assert len(measured.quality.seeds) == 2


def test_a_quiet_trial_decides_the_threads(tmp_path):
    quiet = placed(a_timed_record(seed=0, minute=1, epoch=2.0), threads=2)
    loud = placed(beside(a_timed_record(seed=1, minute=2), others_cpu=0.9), threads=1)
    measured = only(tmp_path, quiet, loud)

    assert processes(measured, "train_step") == ((2 / 60,),)
    assert len(processes(measured, "peak_memory")) == 1
    assert measured.settings["threads"] == 2


def test_settings_tell_the_versions(tmp_path):
    measured = only(tmp_path, a_record())
    assert measured.settings["versions"]["keras"] == "3.15.0"
    assert measured.settings["python"] == "3.11.9"


# Which records count


def test_the_configuration_tried_last_counts(tmp_path):
    old = [a_record(seed=s, minute=1, trial={"plugin_sha256": "old"}) for s in range(3)]
    measured = only(tmp_path, *old, a_record(minute=2, quality=0.3))

    assert [score.value for score in measured.quality.seeds] == [0.3]


def test_overrides_sources_and_profiles_are_plugins_of_their_own(tmp_path):
    trials = [{}, {"overrides": {"units": 64}}, {"source": "synthetic"}, {"profile": "full"}]
    found, _ = side(tmp_path, *(a_record(minute=m, trial=t) for m, t in enumerate(trials)))

    assert len(found.plugins) == 4
    assert "jena_gru (units=64)" in {key.label for key in found.plugins}


def test_a_plugin_with_a_seed_that_failed_is_not_ok(tmp_path):
    failed = a_record(seed=1, minute=1, status=FAILED, reason="ValueError: no")
    measured = only(tmp_path, a_record(seed=0), failed)

    assert (measured.status, measured.reason) == (FAILED, "1 of 2 seeds: ValueError: no")
    assert [score.seed for score in measured.quality.seeds] == [0]


def test_where_no_seed_is_ok_the_reason_stands_alone(tmp_path):
    failed = [a_record(seed=s, status=FAILED, reason="ValueError: no") for s in range(2)]
    assert only(tmp_path, *failed).reason == "ValueError: no"


def test_a_plugin_that_was_skipped_says_so(tmp_path):
    measured = only(tmp_path, a_record(status=SKIPPED, reason="needs sklearn"))

    assert (measured.status, measured.reason) == (SKIPPED, "needs sklearn")
    assert (measured.quality, measured.rounds, measured.parameters) == (None, {}, None)


def test_a_later_attempt_that_failed_is_told_and_takes_nothing_away(tmp_path):
    later = a_record(minute=2, status=FAILED, reason="no memory")
    found, said = side(tmp_path, a_record(minute=1), later)

    assert found.plugins[KEY].status == "ok"
    assert said == ["jena jena_gru: a later attempt at an ok result ended failed: no memory"]


ANOTHER = {"system": "Linux", "processor": "Another", "cores": 64, "memory": 2**40}


def test_of_several_machines_the_one_used_last_gives_the_times_and_the_others_are_told(tmp_path):
    elsewhere = [placed(a_record(seed=s, minute=1), machine=ANOTHER) for s in range(2)]
    found, said = side(tmp_path, *elsewhere, a_record(seed=5, minute=2))

    measured = found.plugins[KEY]
    assert [score.seed for score in measured.quality.seeds] == [0, 1, 5]
    assert len(processes(measured, "train_step")) == len(processes(measured, "peak_memory")) == 1
    assert found.machine["processor"] == "A Processor @ 3 GHz"
    assert said == [
        "left out times and memory of 2 records of another machine or other threads "
        "(Another, 64 cores, 1024 GiB, Linux); "
        "those compared are of A Processor @ 3 GHz, 2 cores, 8 GiB, Linux 6.1"
    ]


def test_a_plugin_that_was_timed_elsewhere_alone_has_quality_and_no_times(tmp_path):
    """As on the leaderboard, the machine that timed most plugins is the side's."""
    others = [a_record(name, minute=1) for name in ("jena_naive", "jena_dense")]
    found, said = side(tmp_path, *others, placed(a_record(minute=2), machine=ANOTHER))

    measured = found.plugins[KEY]
    assert (measured.status, measured.rounds) == ("ok", {})
    assert len(measured.quality.seeds) == 1
    assert found.machine["cores"] == 2
    assert said[-1] == "no times and memory there: jena jena_gru"


def test_peaks_of_two_meanings_are_not_put_together(tmp_path):
    """A forked trial of an earlier version left out the pages that it shares with its server."""
    old = placed(a_record(seed=0, minute=1), start="fork")
    new = placed(a_record(seed=1, minute=2), start="fork", memory_pages="all")
    old = replace(old, memory={"peak_rss": 420 * 1024**2})
    measured = only(tmp_path / "both", old, new)
    assert processes(measured, "peak_memory") == ((900.0 * 1024**2,),)
    assert measured.settings["memory_pages"] == "all"

    alone = only(tmp_path / "old", old)
    assert processes(alone, "peak_memory") == ((420.0 * 1024**2,),)
    assert alone.settings["memory_pages"] == "own"
