"""``check --against``: both revisions are trained and measured, and judged as one."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin
from command_line import call
from gate_world import key, plugin, quality, side, slowed, times
from tree_world import MEAN, a_repository, commit, git

from bench.gate import against
from bench.gate.against import differ, train_both, with_broken, with_quality
from bench.gate.measure import Interleaved, Revision, Schedule
from bench.gate.model import Conditions, Measurement, Side
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin

DENSE = """
from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {{"units": {units}}}


def build(task, units):
    return Sequential([
        task.inputs(), layers.Flatten(), layers.Dense(units), layers.Dense(1)
    ])
"""


@dataclass
class Project:
    """A repository of plugins only, and the command line in it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def check(self, *words: str) -> int:
        where = ["--plugins", "plugins", "--profile", "smoke", "--source", "synthetic"]
        status, self.out, self.err = call(self.capsys, "check", "--against", "HEAD", *where, *words)
        return status

    def findings(self) -> dict[tuple[str, str], str]:
        found = json.loads(self.out)["findings"]
        return {(each["label"], each["metric"]): each["verdict"] for each in found}


@pytest.fixture
def project(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Project:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    folder = a_repository(tmp_path / "models")
    (folder / "plugins" / "model.py").unlink()
    monkeypatch.chdir(folder)
    return Project(folder, capsys)


def write(project: Project, name: str, source: str) -> None:
    path = project.folder / "plugins" / f"{name}.py"
    path.write_text(f'"""{name}."""\n{source}', encoding="utf-8")


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("heard_signals")
def test_a_change_is_trained_and_measured_beside_the_revision_before_it(project):
    write(project, "grown", DENSE.format(units=4))
    write(project, "steady", DENSE.format(units=4))
    write(project, "former", MEAN)
    commit(project.folder, "before")
    write(project, "grown", DENSE.format(units=5))
    write(project, "fresh", MEAN)
    (project.folder / "plugins" / "former.py").unlink()
    names = ["grown", "steady", "fresh", "former", "--format", "json"]
    status = project.check(*names, "--metric", "quality,parameters")
    found = project.findings()
    assert (status, found["grown", "parameters"]) == (1, "worse"), project.err
    assert found["steady", "quality"] == found["steady", "parameters"] == "unchanged"
    assert found["fresh", ""] == "new"
    assert found["former", ""] == "gone"
    # One seed is enough for what is bit-identical, and not for what is not.
    assert "steady seed 1" not in project.err
    assert "grown seed 2" in project.err
    assert len(git(project.folder, "worktree", "list").splitlines()) == 1


# The rest with a measurement that takes no time


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the machine would show: the rounds of each arm, and the turns that were asked for."""
    arms: dict[str, Any] = {"base": times(0.02), "control": times(0.02, seed=1)}
    arms["candidate"] = times(0.02, seed=2)

    def compare(
        base: Revision, candidate: Revision, _: Any, turns: Schedule, __: Any
    ) -> Interleaved:
        arms["turns"] = turns
        sides = {
            name: side(name, *(made(label, arms[name]) for label in revision.plugins))
            for name, revision in (("base", base), ("control", base), ("candidate", candidate))
        }
        return Interleaved(sides["base"], sides["candidate"], sides["control"], rounds=8)

    monkeypatch.setattr(against, "compare_interleaved", compare)
    return arms


def made(label: str, rounds: Any) -> Measurement:
    named = key(label, task="jena", profile="smoke")
    return plugin(named, rounds={"train_step": rounds}, parameters=1)


@pytest.fixture
def one_plugin(project: Project) -> Project:
    a_plugin(project.folder / "plugins", "mine")
    commit(project.folder, "mine")
    return project


def test_a_slowdown_beyond_the_noise_of_the_revision_with_itself_is_worse(one_plugin, measured):
    measured["candidate"] = slowed(measured["candidate"], 1.1)
    assert one_plugin.check("mine", "--metric", "train_step") == 1
    assert "worse" in one_plugin.out


def test_no_slowdown_counts_that_the_revision_shows_against_itself(one_plugin, measured):
    measured["candidate"] = slowed(measured["candidate"], 1.1)
    measured["control"] = slowed(measured["control"], 1.25)
    assert one_plugin.check("mine", "--metric", "train_step") == 0


def test_the_report_says_how_small_a_slowdown_it_could_have_seen(one_plugin, measured):
    assert one_plugin.check("mine", "--metric", "train_step") == 0
    assert "would have been found" in one_plugin.out


def test_quick_bounds_the_time_of_the_rounds(one_plugin, measured):
    one_plugin.check("mine", "--metric", "train_step")
    assert measured["turns"].limit is None
    one_plugin.check("mine", "--metric", "train_step", "--quick")
    assert measured["turns"].limit == 240
    one_plugin.check("mine", "--metric", "train_step", "--quick", "--limit", "60", "--pairs", "5")
    assert (measured["turns"].limit, measured["turns"].pairs) == (60, 5)


def test_as_many_rounds_as_can_be_significant_there_are_at_any_rate(one_plugin, measured):
    one_plugin.check("mine", "--metric", "train_step", "--quick")
    assert measured["turns"].least == 5
    one_plugin.check("mine", "--metric", "train_step", "--quick", "--level", "0.001")
    assert measured["turns"].least == 7
    one_plugin.check("mine", "--metric", "train_step", "--quick", "--pairs", "2")
    assert measured["turns"].least == 2


def test_what_has_no_noise_takes_no_rounds_beyond_one(one_plugin, measured, monkeypatch):
    monkeypatch.setattr(against, "train_both", lambda *_: (side("base"), side("candidate")))
    one_plugin.check("mine", "--metric", "quality")
    assert measured["turns"].pairs == 0
    one_plugin.check("mine", "--metric", "quality,parameters")
    assert measured["turns"].pairs == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gru_jena"], "unknown plugin"),
        (["--baseline", "b.json"], "--baseline"),
        (["--results", "r"], "--results"),
        (["--seeds", "1,1"], "twice"),
    ],
)
def test_what_cannot_be_done_is_one_line(one_plugin, measured, words, complaint):
    assert one_plugin.check(*words) == 2
    assert complaint in one_plugin.err


def test_an_unknown_revision_is_one_line(one_plugin, capsys):
    status, _, err = call(capsys, "check", "--against", "no-such-branch")
    assert status == 2
    assert "no-such-branch" in err


# Training on both sides


class Taught:
    """A trainer that has the scores of each seed ready, and notes what it is asked."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.asked: list[tuple[set[str], tuple[int, ...]]] = []
        self.known: tuple[int, ...] = ()

    def train(self, names: Any, conditions: Conditions, seeds: Any) -> Side:
        self.asked.append(({*names}, tuple(seeds)))
        self.known += tuple(seeds)
        scores = {
            "same": quality(seeds=self.known),
            "other": quality(seeds=self.known, code=self.code),
        }
        return side("made", *(plugin(key(name), quality=found) for name, found in scores.items()))


def test_only_what_one_seed_tells_apart_is_trained_on_the_others():
    base, candidate = Taught("old"), Taught("new")
    sides = train_both(base, candidate, {"same", "other"}, Conditions(), (0, 1, 2))
    for trainer in (base, candidate):
        assert trainer.asked == [({"same", "other"}, (0,)), ({"other"}, (1, 2))]
    assert differ(*sides) == {"other"}


def test_bit_identical_sides_cost_one_seed():
    base, candidate = Taught("old"), Taught("old")
    train_both(base, candidate, {"same"}, Conditions(), (3, 4))
    assert base.asked == candidate.asked == [({"same"}, (3,))]


def test_a_measured_plugin_that_fails_to_train_has_failed():
    known = side("here", plugin("good", rounds={"predict": times()}), plugin("bad"))
    failed = plugin("bad", status="diverged", reason="nan")
    joined = with_quality(known, side("trained", plugin("good", quality=quality()), failed))
    good, bad = joined.plugins[key("good")], joined.plugins[key("bad")]
    assert good.quality is not None
    assert "predict" in good.rounds
    assert bad.status == "diverged"


def test_the_times_of_a_training_are_not_taken_for_those_of_the_rounds():
    trained = plugin("only", quality=quality(), rounds={"train_step": times()}, disturbed="busy")
    joined = with_quality(side("here"), side("trained", trained))
    assert joined.plugins[key("only")] == replace(trained, rounds={}, disturbed="")


# What the working tree can no longer run


def test_a_plugin_that_no_longer_parses_is_failed_and_not_gone(one_plugin, measured):
    file = one_plugin.folder / "plugins" / "mine.py"
    file.write_text(file.read_text() + "def broken(:\n")

    assert one_plugin.check("mine", "--metric", "train_step", "--format", "json") == 3
    assert one_plugin.findings()["mine", ""] == "failed"
    assert "mine.py:" in one_plugin.out


def test_a_plugin_that_names_another_task_is_failed_and_not_gone(one_plugin, measured):
    file = one_plugin.folder / "plugins" / "mine.py"
    file.write_text(file.read_text().replace("'jena'", "'jenna'"))

    assert one_plugin.check("mine", "--metric", "train_step", "--format", "json") == 3
    assert one_plugin.findings()["mine", ""] == "failed"
    assert "unknown task 'jenna'" in one_plugin.out


def test_a_plugin_of_another_task_now_is_told_as_such():
    was = side("base", plugin(key("mine", task="jena")))
    now = Plugin("mine", Path("mine.py"), task="imdb")
    found = with_broken(side("now"), was, Registry({}, (now,)))

    (failed,) = found.plugins.values()
    assert (failed.status, failed.key.task) == ("failed", "jena")
    assert failed.reason == "mine.py is of the task 'imdb' now, and was of 'jena'"


def test_a_plugin_that_is_no_longer_there_is_left_to_be_gone():
    assert with_broken(side("now"), side("base", plugin("mine")), Registry({}, ())).plugins == {}


def test_a_plugin_skipped_on_both_sides_is_a_row(one_plugin, monkeypatch):
    skipped = plugin(key("mine", task="jena"), status="skipped", reason="needs lightgbm")
    both = [side(name, skipped) for name in ("base", "candidate", "control")]
    monkeypatch.setattr(against, "compare_interleaved", lambda *_: Interleaved(*both, rounds=0))

    assert one_plugin.check("mine", "--metric", "train_step", "--format", "json") == 0
    assert one_plugin.findings()["mine", ""] == "unchanged"
    assert "on both sides skipped: needs lightgbm" in one_plugin.out
