"""Backends side by side: the fastest, if there is one, and whether all learn the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from builders import a_board, a_record, a_timed_record, beside
from judged_world import judged

from bench.analysis.backends import (
    OTHER,
    SAME,
    UNKNOWN,
    BackendComparison,
    BackendTable,
    side_by_side,
)
from bench.analysis.leaderboard import Leaderboard
from bench.protocol import FAILED
from bench.records.record import Record


def on(
    backend: str,
    epochs: Sequence[float],
    quality: float = 0.26,
    plugin: str = "jena_gru",
    apart: float = 0.001,
    **trial: Any,
) -> list[Record]:
    """A plugin's trials on a backend, one a seed, each with four epochs of so many seconds."""
    return [
        a_timed_record(
            plugin,
            (0.4, 0.35, 0.3, quality + apart * seed),
            epoch,
            seed=seed,
            trial={"backend": backend, **trial},
        )
        for seed, epoch in enumerate(epochs)
    ]


def compared(*records: Record) -> BackendTable:
    (comparison,) = side_by_side(judged(*records))
    return comparison


def only(*records: Record) -> BackendComparison:
    (plugin,) = compared(*records).plugins
    return plugin


def elsewhere(records: Sequence[Record], **environment: Any) -> list[Record]:
    return [replace(r, environment={**r.environment, **environment}) for r in records]


SLOW, QUICK = (2.8, 2.9, 2.8), (2.0, 2.1, 2.0)


def test_the_shortest_epoch_wins_by_the_factor_to_the_second():
    found = only(*on("torch", (9.0, 9.0, 9.0)), *on("jax", QUICK), *on("tensorflow", SLOW))

    assert [side.backend for side in found.sides] == ["tensorflow", "jax", "torch"]
    assert (found.fastest, found.why_none) == ("jax", "")
    assert found.factor == pytest.approx(1.4)
    assert (found.quality, found.why_quality) == (SAME, "")


def test_intervals_that_overlap_leave_no_fastest():
    found = only(*on("tensorflow", (2.0, 2.2, 2.4)), *on("jax", (1.9, 2.1, 2.3)))

    assert (found.fastest, found.factor) == ("", None)
    assert found.why_none == "the intervals of jax and tensorflow overlap"


def test_a_contended_time_is_compared_with_nothing():
    busy = [beside(record, others_cpu=0.5) for record in on("jax", QUICK)]
    found = only(*on("tensorflow", SLOW), *busy)

    assert (found.fastest, found.why_none) == ("", "jax: contended")
    assert found.quality == SAME


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"machine": {"processor": "Another"}}, "timed on different machines"),
        ({"threads": 1}, "timed with different threads"),
        ({"device": "gpu"}, "timed on different devices"),
    ],
)
def test_times_that_were_taken_otherwise_are_not_compared(environment, why):
    found = only(*on("tensorflow", SLOW), *elsewhere(on("jax", QUICK), **environment))

    assert (found.fastest, found.why_none) == ("", why)


@pytest.mark.parametrize(
    ("trial", "why"),
    [
        ({"plugin_sha256": "edited"}, "other versions of the plugin's source"),
        ({"training": {"epochs": 9}}, "other hyperparameters, views or schedules"),
        ({"versions": {"keras": "9"}}, "other versions of the libraries"),
    ],
)
def test_another_model_is_compared_in_nothing(trial, why):
    found = only(*on("tensorflow", SLOW), *on("jax", QUICK, **trial))

    assert (found.why_none, found.quality, found.why_quality) == (why, UNKNOWN, why)


def test_the_version_of_the_backend_itself_may_differ():
    versions = {"keras": "3.15.0", "numpy": "2.4.0", "jax": "0.10"}

    assert only(*on("tensorflow", SLOW), *on("jax", QUICK, versions=versions)).fastest == "jax"


def test_few_epochs_have_no_interval_and_so_no_fastest():
    found = only(*on("tensorflow", SLOW), *on("jax", QUICK[:1]))

    assert found.why_none == "jax: fewer than six epochs after each seed's first"


def test_what_trains_no_epochs_has_no_fastest():
    idle = [
        replace(
            a_record("jena_naive", trial={"backend": backend}),
            timing={"steady_epoch": 0.0, "fit": 0.0},
        )
        for backend in ("tensorflow", "jax")
    ]

    assert only(*idle).why_none == "no epochs to time"


def test_a_backend_that_is_quick_and_worse_is_no_winner():
    found = only(*on("tensorflow", SLOW), *on("jax", QUICK, quality=0.5))

    assert (found.quality, found.why_quality) == (OTHER, "jax worse")
    assert (found.fastest, found.why_none) == ("", "jax is the quickest, and worse")


def test_a_backend_that_is_quick_and_better_wins():
    found = only(*on("tensorflow", SLOW, quality=0.5), *on("jax", QUICK))

    assert (found.quality, found.why_quality) == (OTHER, "tensorflow worse")
    assert found.fastest == "jax"


def test_the_noise_of_the_seeds_is_no_difference_of_the_backends():
    found = only(*on("tensorflow", SLOW, apart=0.03), *on("jax", QUICK, quality=0.28, apart=0.03))

    assert found.quality == SAME


def test_one_seed_tells_nothing_of_quality():
    found = only(*on("tensorflow", SLOW[:1]), *on("jax", QUICK, quality=0.5))

    assert (found.quality, found.why_quality) == (UNKNOWN, "tensorflow: one seed")


def test_without_scores_of_examples_quality_is_unknown():
    board: Leaderboard = a_board(*on("tensorflow", SLOW), *on("jax", QUICK))
    ((found,),) = [comparison.plugins for comparison in side_by_side(board)]

    assert (found.quality, found.why_quality) == (UNKNOWN, "no scores of examples")


def test_a_plugin_on_one_backend_is_left_out_with_what_became_of_the_others():
    failed = a_record("jena_dense", status=FAILED, reason="no such op", trial={"backend": "jax"})
    found = compared(*on("tensorflow", SLOW), *on("tensorflow", SLOW, plugin="jena_dense"), failed)

    assert found.plugins == ()
    assert found.alone == {
        "jena_gru": "tensorflow only",
        "jena_dense": "tensorflow only; jax: failed: no such op",
    }


def test_a_third_backend_that_failed_is_noted():
    failed = a_record(status=FAILED, reason="no such op", trial={"backend": "torch"})
    found = only(*on("tensorflow", SLOW), *on("jax", QUICK), failed)

    assert found.notes == ("torch: failed: no such op",)
    assert found.fastest == "jax"


def test_variants_are_compared_with_themselves():
    wide = {"overrides": {"units": 64}}
    records = [*on("tensorflow", SLOW), *on("jax", QUICK)]
    records += [*on("tensorflow", SLOW, **wide), *on("jax", QUICK, **wide)]

    assert {p.plugin for p in compared(*records).plugins} == {"jena_gru", "jena_gru (units=64)"}


def test_compiled_code_from_a_cache_is_told():
    def kept(hits: int) -> list[Record]:
        compilation = {"jit_compile": True, "cache": {"hits": hits, "misses": 0}}
        return elsewhere(on("jax", QUICK), compilation=compilation)

    assert [side.cached for side in only(*on("tensorflow", SLOW), *kept(3)).sides] == [False, True]
    assert [side.cached for side in only(*on("tensorflow", SLOW), *kept(0)).sides] == [False, False]
