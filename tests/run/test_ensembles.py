"""`bench ensemble`: a row of the mean of what several plugins have predicted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_record, a_trial
from command_line import call, complaint

from bench.records.record import Record
from bench.records.selection import EDITED, GONE, WorkingTree, members_of
from bench.records.store import Store
from bench.registry.discover import discover
from bench.runs.ensembles import MemberTrial, chosen, combined
from bench.runs.scoring import packed

TRUTH = np.array([0.0, 1.0, 2.0, 3.0], dtype="float32")
Keep = Callable[..., Record]


def arrays(off: float, targets: Any = TRUTH) -> dict[str, Any]:
    """Predictions that are off by so much, and on the test split by twice that."""
    groups = np.arange(len(targets), dtype="int32")
    return {
        "validation_predictions": (targets + off).astype("float32"),
        "validation_targets": targets,
        "validation_groups": groups,
        "predictions": (targets + 2 * off).astype("float32"),
        "targets": targets,
        "groups": groups,
    }


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Keep the record of a plugin whose predictions are off by so much."""

    def keep(plugin: str, off: float, seed: int = 0, targets: Any = TRUTH, **more: Any) -> Record:
        scores = {
            split: {"mae": abs(times * off), "mae_degC": 8.85 * abs(times * off)}
            for split, times in (("validation", 1), ("test", 2))
        }
        record = a_record(plugin, seed=seed, metrics={**scores, "best_epoch": 1}, **more)
        Store(tmp_path).write(record, packed(arrays(off, targets)))
        return record

    return keep


def members(*each: tuple[Record, float]) -> list[MemberTrial]:
    return [MemberTrial(record, arrays(off)) for record, off in each]


def test_what_errs_one_way_and_the_other_is_put_together_and_scored(keep):
    over, under = keep("over", 0.5), keep("under", -0.25)

    record, content = combined(members((under, -0.25), (over, 0.5)))

    assert record.metrics["validation"]["mae"] == pytest.approx(0.125)
    assert record.metrics["validation"]["mae_degC"] == pytest.approx(8.85 * 0.125)
    assert record.metrics["test"]["mae"] == pytest.approx(0.25)
    assert record.model["parameters"] == 2 * 4673
    assert record.timing["fit"] == 2 * 11.5
    assert record.trial.label == "ensemble (of=over + under)"
    assert record.model["members"] == {"over": over.identity, "under": under.identity}
    assert len(content) > 100


def test_the_order_of_the_members_changes_nothing_and_their_source_does(keep):
    over, under = keep("over", 0.5), keep("under", -0.25)
    edited = a_record("over", trial={"plugin_sha256": "0ther"}, metrics=over.metrics)

    one, _ = combined(members((over, 0.5), (under, -0.25)))
    other, _ = combined(members((under, -0.25), (over, 0.5)))
    newer, _ = combined(members((edited, 0.5), (under, -0.25)))

    assert one.identity == other.identity != newer.identity
    second, _ = combined(members((keep("over", 0.5, 1), 0.5), (keep("under", -0.25, 1), -0.25)))
    assert second.trial.configuration == one.trial.configuration


def test_it_is_of_the_working_tree_as_long_as_all_its_members_are(keep):
    record, _ = combined(members((keep("over", 0.5), 0.5), (keep("under", -0.25), -0.25)))
    now = {"over": {"5ca1ab1e"}, "under": {"5ca1ab1e"}}

    assert members_of(record.trial) == {"over": "5ca1ab1e", "under": "5ca1ab1e"}
    assert members_of(a_trial()) == members_of(a_trial("ensemble")) == {}
    assert WorkingTree(now, {}).outdated(record.trial) == ""
    assert WorkingTree({**now, "over": {"0ther"}}, {}).outdated(record.trial) == EDITED
    assert WorkingTree({"under": {"5ca1ab1e"}}, {}).outdated(record.trial) == GONE


def test_times_of_two_machines_are_not_added_and_a_contended_one_stays_so(keep):
    here = keep("over", 0.5)
    elsewhere = keep("under", -0.25, environment={**here.environment, "threads": 8})
    busy = keep("busy", 0.1, environment={**here.environment, "shared": True})

    apart, _ = combined(members((here, 0.5), (elsewhere, -0.25)))
    disturbed, _ = combined(members((here, 0.5), (busy, 0.1)))

    assert {*apart.timing.values()} == {None}
    assert "machine" not in apart.environment
    assert disturbed.timing["fit"] == 23.0
    assert disturbed.environment["shared"] is True


def test_the_command_adds_a_row_for_the_seeds_that_all_have(keep, tmp_path, capsys):
    for seed in (0, 1, 2):
        keep("over", 0.5, seed)
    for seed in (0, 2):
        keep("under", -0.25, seed)

    words = ("ensemble", "over", "under", "--results", tmp_path)
    status, out, err = call(capsys, *words)

    assert status == 0, err
    assert [line.split(" data, ")[1] for line in out.splitlines()] == [
        f"quick profile: ensemble (of=over + under) seed {seed}: validation MAE 0.1250 "
        "(of its members 0.5000, 0.2500)"
        for seed in (0, 2)
    ]
    assert "0.25 " not in out, "the test split has no part in a choice"
    assert "was there already" in call(capsys, *words)[1]

    report = json.loads(call(capsys, "report", "--format", "json", "--results", tmp_path)[1])
    (table,) = report["tables"]
    row = table["rows"][0]
    assert (row["label"], row["seeds"]) == ("ensemble (of=over + under)", [0, 2])
    assert "not trained itself" in table["circumstances"]["ensemble"]
    shown = call(capsys, "show", "ensemble", "--results", tmp_path)[1]
    assert "ensemble (of=over + under), 2 seeds" in shown


def test_an_ensemble_is_no_point_of_the_grid_of_another(keep, tmp_path, capsys):
    for plugin, off in (("over", 0.5), ("under", -0.25), ("far", 1.0)):
        keep(plugin, off)
    for other in ("under", "far"):
        assert call(capsys, "ensemble", "over", other, "--results", tmp_path)[0] == 0

    words = ("report", "--best-of-grid", "--format", "json", "--results", tmp_path)
    (table,) = json.loads(call(capsys, *words)[1])["tables"]

    assert [row["label"] for row in table["rows"] if row["label"].startswith("ensemble")] == [
        "ensemble (of=over + under)",
        "ensemble (of=far + over)",
    ]


def test_a_row_that_counts_twice_weighs_twice(keep):
    over, under = keep("over", 0.5), keep("under", -0.25)

    twice, _ = combined(
        [MemberTrial(over, arrays(0.5)), MemberTrial(under, arrays(-0.25), times=2)]
    )
    once, _ = combined(members((over, 0.5), (under, -0.25)))

    assert twice.metrics["validation"]["mae"] == pytest.approx(0.0)
    assert twice.trial.label == "ensemble (of=over + 2*under)"
    assert twice.identity != once.identity
    assert twice.model["parameters"] == once.model["parameters"]


def test_rows_are_chosen_step_by_step_as_long_as_the_validation_loss_falls(keep):
    candidates = {
        "over": [MemberTrial(keep("over", 0.5, seed), arrays(0.5)) for seed in (0, 1)],
        "under": [MemberTrial(keep("under", -0.25, seed), arrays(-0.25)) for seed in (0, 1)],
        "far": [MemberTrial(keep("far", 4.0, seed), arrays(4.0)) for seed in (0, 1)],
    }

    # By steps: 0.25 alone, 0.125 with "over", and nothing with "under" once more.
    assert chosen(candidates, 1) == {"under": 1}
    assert chosen(candidates, 2) == {"over": 1, "under": 1}
    assert chosen(candidates, 3) == chosen(candidates, 5) == {"over": 1, "under": 2}


def test_classes_are_chosen_by_the_log_loss_of_their_probabilities():
    truth = np.array([0.0, 1.0, 1.0, 0.0], dtype="float32")
    record = a_record("imdb_lstm", 0.8, trial={"task": "imdb"})

    def row(*told: float) -> list[MemberTrial]:
        found = {**arrays(0.0, truth), "validation_predictions": np.array(told, dtype="float32")}
        return [MemberTrial(record, found)]

    rows = {
        "rash": row(0.0, 1.0, 0.0, 0.0),  # Right of three, and as sure of the fourth.
        "shy": row(0.4, 0.6, 0.6, 0.4),
        "coin": row(0.5, 0.5, 0.5, 0.5),
    }

    assert record.data["metric"]["direction"] == "max"
    assert chosen(rows, 1) == {"shy": 1}
    assert chosen(rows, 20).keys() == {"rash", "shy"}


def test_the_command_chooses_among_all_rows_of_the_tree(keep, tmp_path, capsys):
    sources = {plugin.name: plugin.sha256 for plugin in discover().plugins}
    for seed in (0, 1):
        for plugin, off in (("jena_gru", 0.5), ("jena_lstm", -0.25), ("gone", 0.0)):
            keep(plugin, off, seed, trial={"plugin_sha256": sources.get(plugin, "0ld")})

    words = ("--results", tmp_path)
    status, out, err = call(capsys, "ensemble", "--select", 10, *words)

    assert (status, len(out.splitlines())) == (0, 2), err
    assert "ensemble (of=jena_gru + 2*jena_lstm) seed 1: validation MAE 0.0000" in out
    assert "was there already" in call(capsys, "ensemble", "--select", 10, *words)[1]
    of_one = call(capsys, "ensemble", "jena_gru", "gone", "--select", 5, *words)[1]
    assert "nothing lowers the loss of gone alone" in of_one


def test_what_cannot_be_put_together_is_refused_in_a_line(keep, tmp_path, capsys):
    keep("over", 0.5)
    keep("under", -0.25, seed=1)
    keep("elsewhere", 0.1, targets=TRUTH + 1)
    Store(tmp_path).write(a_record("bare"))

    def said(*rows: str) -> str:
        return complaint(capsys, "ensemble", *rows, "--results", tmp_path)

    assert "of two different rows or more" in said("over", "over")
    assert "'ovr' is lacking (did you mean 'over'?)" in said("ovr", "under")
    assert "no seed in common" in said("over", "under")
    assert "scored on other examples" in said("over", "elsewhere")
    assert "bare seed 0: its record has no predictions" in said("over", "bare")
