"""``run --verify``: what is trained again gives the same result, or the run says that not."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from run_world import Script, an_outcome
from verify_world import NUMBERS, Place, Workshop, packed

from bench.protocol import CRASHED, FAILED, OK, TIMEOUT, Job
from bench.records.record import BIT_IDENTICAL, DIFFERENT, WITHIN
from bench.records.store import Store
from bench.runs.recorder import CLAIMS

pytestmark = pytest.mark.usefixtures("heard_signals")


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A place with the plugins steady, trembling and wild."""
    workshop = Workshop({"trembling": 1e-8, "wild": 0.25})
    return make_place(workshop, ("steady", "trembling", "wild"))


# Verdicts


def test_every_verdict_is_recorded_beside_the_first_record_and_told(place):
    assert place.run("steady", "trembling", "wild", "--verify") == 1
    assert place.verdicts == {"steady": BIT_IDENTICAL, "trembling": WITHIN, "wild": DIFFERENT}
    assert Counter(r.repeat is None for r in place.records) == {True: 3, False: 3}
    assert len({record.identity for record in place.records}) == 3
    for record in place.records:
        assert Store(place.folder / "reports").predictions(record)

    assert "3 repeats: 3 to run" in place.err
    assert "repeat of jena steady seed 0: bit-identical, in " in place.err
    assert "repeat of jena trembling seed 0: within 1e-6, in " in place.err
    assert "repeat of jena wild seed 0: different, by up to 0.25, in " in place.err
    (warning,) = [line for line in place.err.splitlines() if line.startswith("warning: ")]
    assert warning == (
        "warning: wild seed 0: its repeat is different, by up to 0.25; "
        "settings: threads 2, start spawn then fork, "
        f"processor {place.records[0].environment['machine']['processor']}"
    )


def test_a_repeat_says_what_it_repeats_by_how_much_it_is_off_and_under_which_settings(place):
    place.run("trembling", "--verify")
    first, second = place.records
    assert second.repeat["of"] == first.finished
    assert second.repeat["largest"] == pytest.approx(1e-8, rel=1e-4)
    assert second.repeat["settings"]["threads"] == 2
    assert second.repeat["settings"]["start"] == {"first": "spawn", "repeat": "fork"}


@pytest.mark.parametrize("name", ["steady", "trembling"])
def test_repeats_that_give_the_same_leave_the_exit_status_alone(place, name):
    assert place.run(name, "--verify") == 0
    assert "warning" not in place.err


def test_scores_that_differ_are_a_difference_though_the_predictions_agree(place):
    off = an_outcome()
    off = replace(off, metrics={**off.metrics, "validation": {"mae": 0.27, "mae_degC": 2.4}})
    place.workshop.outcomes["steady"] = [an_outcome(), off]
    assert place.run("steady", "--verify") == 1
    assert place.verdicts == {"steady": DIFFERENT}


def test_without_the_option_nothing_is_trained_twice(place):
    assert place.run("steady", "wild") == 0
    assert {*place.workshop.times.values()} == {1}
    assert "repeatable" not in (place.folder / "reports" / "leaderboard.md").read_text()


# The column


def test_all_documents_say_how_repeatable_a_row_is(place):
    place.run("steady", "trembling", "wild", "--seeds", "0,1", "--verify", "5")
    board = (place.folder / "reports" / "leaderboard.md").read_text()
    assert "| repeatable" in board
    assert "Repeatable says how far trials that were trained again gave the same" in board
    assert len([line for line in board.splitlines() if "(2 trials)" in line]) == 2

    place.bench("report", "--format", "html")
    assert ">repeatable</th>" in place.out
    assert "different, by up to 0.25 (" in place.out
    place.bench("report")
    assert "bit-identical (" in place.out
    place.bench("report", "--format", "csv")
    lines = {line["plugin"]: line for line in csv.DictReader(io.StringIO(place.out))}
    assert {name: line["repeatable"] for name, line in lines.items()} == {
        "steady": BIT_IDENTICAL,
        "trembling": WITHIN,
        "wild": DIFFERENT,
    }
    assert sum(int(line["repeated_trials"]) for line in lines.values()) == 5
    assert float(lines["wild"]["largest_difference"]) == pytest.approx(0.25)
    place.bench("report", "--format", "json")
    rows = {row["label"]: row for row in json.loads(place.out)["tables"][0]["rows"]}
    assert rows["steady"]["repeats"]["verdict"] == BIT_IDENTICAL
    assert rows["wild"]["repeats"]["largest"] == pytest.approx(0.25)


def test_the_row_of_a_plugin_that_was_not_repeated_says_nothing(place):
    place.run("steady")
    place.run("trembling", "--verify")
    place.bench("report", "--format", "json")
    rows = {row["label"]: row for row in json.loads(place.out)["tables"][0]["rows"]}
    assert rows["steady"]["repeats"] is None
    assert rows["trembling"]["repeats"]["trials"] == 1


def test_the_history_of_a_plugin_names_its_repeats(place):
    place.run("wild", "--verify")
    first, _ = place.records
    place.bench("show", "wild", "--plugins", "my-plugins")
    assert f"repeat of {first.finished[:19]}: different, by up to 0.25" in place.out


# Which trials


def test_one_trial_of_each_plugin_is_repeated_however_many_seeds_there_are(place):
    assert place.run("steady", "trembling", "--seeds", "3,1,2", "--verify") == 0
    repeated = {trial for trial, times in place.workshop.times.items() if times == 2}
    assert repeated == {("steady", 1), ("trembling", 1)}


@pytest.mark.parametrize(("number", "repeats"), [("1", 1), ("2", 2), ("4", 4), ("99", 6)])
def test_a_number_says_how_many_trials_are_repeated(place, number, repeats):
    place.run("steady", "trembling", "wild", "--seeds", "0,1", "--verify", number)
    assert place.workshop.times.total() == 6 + repeats
    assert sum(record.repeat is not None for record in place.records) == repeats


def test_reused_trials_are_repeated_and_are_no_longer_reused(place):
    place.run("steady")
    assert place.run("steady", "--verify") == 0
    assert place.workshop.times["steady", 0] == 2
    assert "1 trial: 0 to run, 1 reused" in place.err
    assert "reused" not in place.out
    assert place.run("steady") == 0
    assert place.workshop.times["steady", 0] == 2
    assert "steady seed 0: validation mae 0.2600, test 0.2730, reused" in place.err


def test_a_difference_that_was_found_once_stays_in_the_column_and_out_of_the_next_status(place):
    place.workshop.noise["steady"] = 1.0
    assert place.run("steady", "--verify") == 1
    assert place.run("steady") == 0
    place.workshop.noise["steady"] = 0.0
    assert place.run("steady", "--reuse", "never", "--verify") == 0
    assert (
        "different, by up to 1 (1 trial)"
        in (place.folder / "reports" / "leaderboard.md").read_text()
    )


def test_trials_that_failed_are_not_repeated(place):
    place.workshop.outcomes["wild"] = [an_outcome(FAILED, "no")]
    assert place.run("steady", "wild", "--verify") == 1
    assert place.workshop.times == {("steady", 0): 2, ("wild", 0): 1}


def test_where_nothing_is_ok_the_run_says_that_nothing_is_repeated(place):
    place.workshop.outcomes["wild"] = [an_outcome(FAILED, "no")]
    assert place.run("wild", "--verify") == 1
    assert "--verify: no trial is ok, so that none is repeated" in place.err


# What goes wrong


@pytest.mark.parametrize("status", [FAILED, TIMEOUT])
def test_a_repeat_that_fails_is_recorded_and_takes_nothing_from_the_result(place, status):
    place.workshop.outcomes["steady"] = [an_outcome(), an_outcome(status, "this time")]
    assert place.run("steady", "--verify") == 1
    first, second = place.records
    assert (first.status, second.status) == (OK, status)
    assert second.repeat["verdict"] is None
    assert second.repeat["of"] == first.finished
    assert f"repeat of jena steady seed 0: {status}: this time" in place.err
    assert "ok: a later attempt" in place.out
    assert "0.2600" in place.out
    assert place.run("steady") == 0


def test_a_repeat_that_crashed_is_tried_again(place):
    place.workshop.outcomes["steady"] = [an_outcome(), an_outcome(CRASHED, "SIGSEGV")]
    assert place.run("steady", "--verify", "--retry", "1") == 0
    assert [record.status for record in place.records] == [OK, CRASHED, OK]
    assert "repeat of jena steady seed 0: crashed: SIGSEGV; retrying (1 of 1)" in place.err


@pytest.mark.parametrize(
    ("harm", "said"),
    [(Path.unlink, "cannot be read"), (lambda path: path.write_bytes(b"x"), "has 1 bytes where")],
)
def test_damaged_predictions_are_named_and_their_trial_is_not_repeated(place, harm, said):
    place.run("steady", "trembling")
    (path,) = (place.folder / "reports" / "jena" / "steady").glob("*.npz")
    harm(path)
    assert place.run("steady", "trembling", "--verify") == 1
    assert "warning: not repeated: reports/jena/steady/" in place.err
    assert said in place.err
    assert "--reuse never" in place.err
    assert place.verdicts == {"trembling": WITHIN}
    assert place.workshop.times["steady", 0] == 1


def test_predictions_that_are_lost_during_the_repeat_leave_an_ordinary_record(place):
    def lose(job: Job, time: int) -> None:
        for path in (place.folder / "reports").glob("*/*/*.npz"):
            path.unlink()

    place.run("steady")
    place.workshop.before = lose
    assert place.run("steady", "--verify") == 1
    assert "the repeat of steady seed 0 is compared with nothing: reports/jena" in place.err
    assert [record.repeat for record in place.records] == [None, None]


def test_a_repeat_whose_predictions_are_no_predictions_is_different(place, monkeypatch):
    spoiled = packed(NUMBERS)[:-30]
    script = Script(lambda job: (Path(job.predictions).write_bytes(spoiled), an_outcome())[1])
    place.run("steady")
    monkeypatch.setattr("bench.runs.session.LocalExecutor", lambda shares: script)
    assert place.run("steady", "--verify") == 1
    assert place.verdicts == {"steady": DIFFERENT}


def test_an_interrupted_verification_keeps_what_it_has_and_says_how_to_go_on(place):
    def interrupt(job: Job, time: int) -> None:
        if time == 2 and place.workshop.times.total() == 4:
            raise KeyboardInterrupt

    place.workshop.before = interrupt
    words = ["--verify", "--reuse", "never"]
    assert place.run("steady", "trembling", *words) == 130
    data = f"--task jena --data jena={place.weather} --verify --plugins my-plugins"
    assert f"resume with: python -m bench run steady trembling {data}\n" in place.err
    assert len(place.records) == 3
    assert sum(record.repeat is not None for record in place.records) == 1
    assert "steady" in place.out
    assert list((place.folder / "reports" / CLAIMS).iterdir()) == []


def test_an_interrupt_before_the_repeats_starts_none_and_the_number_is_kept(place):
    def interrupt(job: Job, time: int) -> None:
        if job.trial.plugin == "wild":
            raise KeyboardInterrupt

    place.workshop.before = interrupt
    assert place.run("steady", "wild", "--verify", "2") == 130
    assert " --verify 2 --plugins" in place.err
    assert [record.repeat for record in place.records] == [None]


# With real workers


ESTIMATOR = '''"""A guess of nothing: {name}."""

import os

import numpy as np

TASK = "jena"
HYPERPARAMETERS = {{}}


class Guess:
    def fit(self, inputs, targets):
        chance = np.random.default_rng(int.from_bytes(os.urandom(8), "little"))
        self.level = {scale} * (1 + chance.random())

    def predict(self, inputs):
        return np.full(len(inputs), self.level)


def build(task):
    return Guess()
'''


def test_real_trials_are_trained_again_and_their_chance_is_found(small_run, plugin_folder, bench):
    for name, scale in (("steady", 0), ("trembling", 1e-8), ("wild", 1)):
        (plugin_folder / f"{name}.py").write_text(ESTIMATOR.format(name=name, scale=scale))
    names = ["steady", "trembling", "wild", "--task", "jena", "--plugins", plugin_folder]
    run = small_run(*names, "--verify")
    assert run.returncode == 1, run.stderr
    assert "repeat of jena steady seed 0: bit-identical" in run.stderr
    assert "repeat of jena trembling seed 0: within 1e-6" in run.stderr
    assert "wild seed 0: its repeat is different, by up to " in run.stderr
    assert "jit_compile off, deterministic_ops on" in run.stderr
    report = json.loads(bench("report", "--format", "json").stdout)
    rows = {row["label"]: row["repeats"]["verdict"] for row in report["tables"][0]["rows"]}
    assert rows == {"steady": BIT_IDENTICAL, "trembling": WITHIN, "wild": DIFFERENT}
