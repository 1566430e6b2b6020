"""Two revisions take turns, round by round, and one of them runs a second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.gate import measure as module
from bench.gate.measure import Arm, Arms, Interleaved, Revision, Sample, Schedule, interleave
from bench.gate.model import Key
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin


@dataclass
class Studio:
    """Three arms that take no time, and what happened in which order.

    ``fails`` holds (arm, plugin, round), ``has`` the plugins of base and candidate.
    """

    has: tuple[str, str] = ("a b", "a b")
    fails: set[tuple[str, str, int]] = field(default_factory=set)
    happened: list[tuple[str, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def run(self, **turns: object) -> Interleaved:
        base, candidate = (revision(*each) for each in zip(["old", "new"], self.has, strict=True))
        arms = Arms(
            base=Arm(base, Camera(self, "base")),
            control=Arm(base, Camera(self, "control")),
            candidate=Arm(candidate, Camera(self, "candidate")),
        )
        return interleave(arms, Schedule(**turns), self.said.append)

    def of(self, name: str) -> list[str]:
        """The arms that measured a plugin, in the order of time."""
        return [arm for arm, what in self.happened if what == name]


@dataclass
class Camera:
    """Samples one arm: a round is its number, so that partners can be told."""

    studio: Studio
    arm: str
    round: int = 0

    def sample(self, plugin: Plugin) -> Sample:
        self.studio.happened.append((self.arm, plugin.name))
        self.studio.seconds += 10
        key = Key("jena", plugin.name, "local", "quick", "tensorflow")
        if (self.arm, plugin.name, self.round) in self.studio.fails:
            return Sample(key, "crashed", f"in round {self.round}")
        return Sample(key, "ok", rounds={"train_step": (float(self.round),)}, parameters=3)

    def renew(self) -> None:
        self.round += 1
        self.studio.happened.append((self.arm, "renewed"))

    def close(self) -> None:
        raise AssertionError("whoever made the sampler closes it")


def revision(name: str, plugins: str) -> Revision:
    found = {each: Plugin(each, Path(f"{each}.py"), task="jena") for each in plugins.split()}
    return Revision(name, f"{name}-commit", Registry({}, tuple(found.values())), found)


def processes(found: Interleaved, name: str) -> dict[str, list[float]]:
    """The rounds in which each arm measured a plugin."""
    sides = {"base": found.base, "control": found.control, "candidate": found.candidate}
    return {
        role: [value for process in measured.rounds.get("train_step", ()) for value in process]
        for role, side in sides.items()
        for key, measured in side.plugins.items()
        if key.label == name
    }


def test_every_round_measures_each_plugin_once_an_arm():
    studio = Studio()
    found = studio.run(pairs=4)

    assert found.rounds == 4
    everywhere = {"base": [1, 2, 3, 4], "control": [1, 2, 3, 4], "candidate": [1, 2, 3, 4]}
    assert processes(found, "a") == processes(found, "b") == everywhere
    assert (found.base.name, found.control.name, found.candidate.name) == ("old", "old", "new")
    assert (found.base.commit, found.candidate.commit) == ("old-commit", "new-commit")


def test_the_arms_of_a_plugin_follow_each_other_in_an_order_drawn_by_chance():
    studio = Studio(("a", "a"))
    studio.run(pairs=20)
    order = studio.of("a")
    rounds = [tuple(order[first : first + 3]) for first in range(0, len(order), 3)]

    assert all({*each} == {"base", "control", "candidate"} for each in rounds)
    assert len({*rounds}) == 6
    again = Studio(("a", "a"))
    again.run(pairs=20)
    assert again.happened == studio.happened
    other = Studio(("a", "a"))
    other.run(pairs=20, seed=1)
    assert other.happened != studio.happened


def test_every_round_begins_with_fresh_servers():
    studio = Studio(("a", "a"))
    studio.run(pairs=2)
    what = [name for _, name in studio.happened]

    assert what == (["renewed"] * 3 + ["a"] * 3) * 2


def test_progress_is_told_before_each_process():
    studio = Studio(("a", "a"))
    studio.run(pairs=1)

    assert studio.said == [f"round 1 of 1: a, {arm}" for arm in studio.of("a")]


@pytest.mark.parametrize(
    ("limit", "rounds"),
    [
        (None, 8),
        (1000.0, 8),
        (110.0, 4),  # Three rounds of 30 s are over after 90 s: a fourth begins.
        (1.0, 3),
    ],
)
def test_no_round_begins_after_the_limit_but_the_first_ones(monkeypatch, limit, rounds):
    studio = Studio(("a", "a"))
    monkeypatch.setattr(module.time, "monotonic", lambda: studio.seconds)
    found = studio.run(limit=limit)

    assert found.rounds == rounds
    stopped = [line for line in studio.said if line.startswith("stopped")]
    wanted = f"stopped after {rounds} of 8 rounds: {limit or 0:g} s are over"
    assert stopped == ([] if rounds == 8 else [wanted])


@pytest.mark.parametrize("arm", ["base", "control", "candidate"])
def test_a_plugin_that_fails_in_one_arm_is_left_out_of_the_later_rounds(arm):
    studio = Studio(fails={(arm, "a", 2)})
    found = studio.run(pairs=3)
    sides = {"base": found.base, "control": found.control, "candidate": found.candidate}
    status = {
        role: (each.status, each.reason)
        for role, side in sides.items()
        for key, each in side.plugins.items()
        if key.label == "a"
    }

    assert len(studio.of("a")) == 6
    assert len(studio.of("b")) == 9
    assert status.pop(arm) == ("crashed", "in round 2")
    assert {*status.values()} == {("ok", "")}


def test_when_nothing_is_left_the_rounds_end():
    found = Studio(("a", "a"), fails={("base", "a", 1)}).run(pairs=8)

    assert found.rounds == 1


def test_what_only_one_revision_has_is_measured_once():
    studio = Studio(("both removed", "both new"))
    found = studio.run(pairs=3)

    assert studio.of("new") == ["candidate"]
    assert sorted(studio.of("removed")) == ["base", "control"]
    assert {key.label for key in found.base.plugins} == {"both", "removed"}
    assert {key.label for key in found.candidate.plugins} == {"both", "new"}
    assert len(studio.of("both")) == 9


def test_nothing_to_measure_is_no_round():
    assert Studio(("", "")).run().rounds == 0
