"""A plugin is measured in a process of its own, by the code and the plugins of a revision."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin, a_record
from run_world import an_outcome
from tree_world import as_shipped, copy_of_the_suite

import bench
from bench.errors import BenchError
from bench.gate.measure import Sample, Sampler, joined
from bench.gate.model import Conditions, Key
from bench.protocol import (
    MEASURE,
    PREPARE,
    DataReady,
    Event,
    Finished,
    Job,
    MeasureBudget,
    Outcome,
    Readings,
    Started,
)
from bench.registry.discover import discover
from bench.registry.plugins import Plugin
from bench.registry.source_tree import Tree
from bench.runs import preparation
from bench.runs.executor import LocalExecutor
from bench.runs.preparation import prepare_by, prepare_here

DATA = a_record().data
KEY = Key("jena", "model", "synthetic", "smoke", "tensorflow")
SHORT = MeasureBudget(warm_up=2, steps=3, passes=2, examples=64, least=1)


@dataclass
class Desk:
    """An executor that gives each job the same readings and outcome, in no time."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: {"train_step": [0.1, 0.2]})
    outcome: Outcome = field(default_factory=lambda: an_outcome())
    jobs: list[Job] = field(default_factory=list)
    cancelled: int = 0
    slots: int = 1

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def events(self) -> Iterator[Event]:
        job = self.jobs[-1]
        yield job, Started()
        if self.outcome.status == "ok":
            yield job, Readings(self.rounds)
        yield job, Finished(self.outcome, "")

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    return read(a_plugin(tmp_path))


def read(path: Path) -> Plugin:
    (found,) = [p for p in discover(files=[path]).plugins if p.path == path]
    return found


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_OFFLINE", "1")


def a_sampler(executor: Any, tree: Tree | None = None, **settings: Any) -> Sampler:
    chosen, registry = Conditions("smoke", "synthetic"), discover(tree=tree)
    prepare = prepare_here("synthetic", {}, str)
    if tree is not None:
        prepare = prepare_by(executor, registry, "synthetic", "tensorflow", tree.revision, str)
    return Sampler(registry, executor, chosen, prepare, **{"effort": SHORT, **settings})


@pytest.mark.usefixtures("offline")
def test_a_sample_has_what_the_worker_tells(plugin):
    environment = {
        "versions": {"keras": "3.15"},
        "threads": 2,
        "start": "fork",
        "contention": {"others_cpu": 0.3},
        "jobs": 1,
    }
    desk = Desk(outcome=replace(an_outcome(), environment=environment))
    sampled = a_sampler(desk, timeout=7.0).sample(plugin)

    assert sampled.key == KEY
    assert sampled.status == "ok"
    assert sampled.rounds == {"train_step": (0.1, 0.2)}
    assert sampled.parameters == an_outcome().model["parameters"]
    assert sampled.data.startswith("synthetic")
    assert sampled.settings == {"versions": {"keras": "3.15"}, "threads": 2, "start": "fork"}
    assert sampled.others_cpu == 0.3
    (job,) = desk.jobs
    assert (job.kind, job.effort, job.bounds.timeout) == (MEASURE, SHORT, 7.0)
    assert job.trial.training["epochs"] >= 1


@pytest.mark.usefixtures("offline")
def test_what_goes_wrong_in_the_process_is_the_sample_s_status(plugin):
    sampled = a_sampler(Desk(outcome=Outcome("timeout", "took longer than 7 s"))).sample(plugin)

    assert (sampled.status, sampled.reason) == ("timeout", "took longer than 7 s")
    assert sampled.rounds == {}


@pytest.mark.usefixtures("offline")
def test_what_cannot_run_is_not_started(tmp_path):
    desk = Desk()
    sampler = a_sampler(desk)
    skipped = sampler.sample(read(a_plugin(tmp_path, "needy", before="import no_such_library")))
    failed = sampler.sample(read(a_plugin(tmp_path, "wrong", hyperparameters='{"unit": 8}')))

    assert (skipped.status, skipped.reason) == (
        "skipped",
        "needs no_such_library, not installed here",
    )
    assert failed.status == "failed"
    assert "did you mean 'units'?" in failed.reason
    assert desk.jobs == []


@pytest.mark.usefixtures("offline")
def test_the_data_are_made_ready_once(plugin, monkeypatch):
    made = []
    real = preparation.prepare_task
    monkeypatch.setattr(preparation, "prepare_task", lambda *a: made.append(a) or real(*a))
    desk = Desk()
    sampler = a_sampler(desk)
    for _ in range(3):
        sampler.sample(plugin)

    assert len(made) == 1
    assert len(desk.jobs) == 3


class OfAnother(Desk):
    """An executor whose workers run another revision's code, and prepare its data so."""

    root = Path("another")
    told: tuple[object, ...] = (DataReady("there", DATA, [{"examples": 9000}]),)

    def events(self) -> Iterator[Event]:
        if self.jobs[-1].kind == PREPARE:
            job = self.jobs.pop()
            yield from ((job, message) for message in self.told)
            yield job, Finished(Outcome("ok") if self.told else Outcome("failed", "no gate"), "")
        else:
            yield from super().events()


@pytest.mark.usefixtures("offline")
def test_another_revision_s_workers_prepare_and_count_for_themselves(plugin, monkeypatch):
    desk = OfAnother()
    monkeypatch.setattr(preparation, "prepare_task", None)  # Its task file must not be run here.
    registry = replace(discover(), plugins=(plugin,))
    prepare = prepare_by(desk, registry, "auto", "tensorflow", "v1", str)
    made = Sampler(registry, desk, Conditions("quick", "auto"), prepare)

    assert made.sample(plugin).data == "f00d"
    (job,) = desk.jobs
    assert (job.prepared, job.trial.source) == (str(Path("there").absolute()), DATA["source"])


@pytest.mark.usefixtures("offline")
def test_a_revision_whose_data_cannot_be_prepared_is_named(plugin):
    desk = OfAnother()
    desk.told = ()
    registry = replace(discover(), plugins=(plugin,))
    prepare = prepare_by(desk, registry, "auto", "tensorflow", "v1", str)
    with pytest.raises(BenchError, match="jena of v1 cannot be prepared: no gate"):
        prepare(registry.tasks["jena"])


@pytest.mark.parametrize(
    ("counted", "status", "reason"),
    [
        ({"skipped": "no such column"}, "skipped", "no such column"),
        ({"failed": "lookback is too long"}, "failed", "model.py: lookback is too long"),
    ],
)
@pytest.mark.usefixtures("offline")
def test_a_view_that_another_revision_cannot_give_is_the_sample_s_status(
    plugin, counted, status, reason
):
    desk = OfAnother()
    desk.told = (DataReady("there", DATA, [counted]),)
    registry = replace(discover(), plugins=(plugin,))
    prepare = prepare_by(desk, registry, "auto", "tensorflow", "v1", str)
    sampled = Sampler(registry, desk, Conditions("quick"), prepare).sample(plugin)

    assert (sampled.status, sampled.reason) == (status, reason)


def test_a_new_server_is_had_by_ending_the_old_one():
    desk = Desk()
    a_sampler(desk).renew()

    assert desk.cancelled == 1


def sampled(*steps: float, **changes: Any) -> Sample:
    made = Sample(KEY, "ok", rounds={"train_step": steps}, parameters=5, data="f00d")
    return replace(made, **changes)


def test_processes_are_joined_one_tuple_each():
    found = joined([sampled(0.1, 0.2), sampled(0.3), sampled(0.4, 0.5)])

    assert found.key == KEY
    assert found.rounds == {"train_step": ((0.1, 0.2), (0.3,), (0.4, 0.5))}
    assert (found.status, found.parameters, found.data, found.disturbed) == ("ok", 5, "f00d", "")


def test_one_failed_process_makes_the_whole_a_failure():
    crashed = sampled(status="crashed", reason="the worker was ended by SIGSEGV", rounds={})
    found = joined([sampled(0.1), crashed])

    assert (found.status, found.reason) == ("crashed", "the worker was ended by SIGSEGV")
    assert found.rounds == {}


def test_a_metric_that_some_process_lacks_is_left_out():
    other = sampled(0.1, rounds={"train_step": (0.1,), "compile": ()})
    both = {"train_step": (0.1,), "compile": (1.0,)}

    assert {*joined([sampled(rounds=both), other]).rounds} == {"train_step"}


@pytest.mark.parametrize(
    ("others", "disturbed"),
    [
        ([None, None], ""),
        ([0.02, 0.05, 0.9], ""),
        ([0.02, 0.3], ""),
        ([0.4, 0.02, 0.3], "others used 30%"),
    ],
)
def test_a_machine_that_others_used_most_of_the_time_is_told(others, disturbed):
    samples = [sampled(0.1, others_cpu=share) for share in others]

    assert joined(samples).disturbed == disturbed


MODEL = (
    "def build(task, units):\n"
    "    from keras import Sequential, layers\n"
    "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(units), "
    "layers.Dense(1)])\n"
)


#: Another reading of memory, which is that of this revision's code alone.
OTHER_PEAK = """
from bench.worker.memory import PeakMemory

def peak_memory():
    return PeakMemory(12345, None)
"""


@pytest.mark.usefixtures("offline")
def test_a_plugin_is_measured_by_the_code_of_its_revision(tmp_path):
    """One real process each of two revisions: here, and a copy of the suite that is changed."""
    pytest.importorskip("keras")
    suite = Path(bench.__file__).resolve().parents[1]
    copy = copy_of_the_suite(tmp_path / "copy")
    rounds = copy / "bench" / "worker" / "rounds.py"
    rounds.write_text(f"{rounds.read_text()}\n\n{OTHER_PEAK}", encoding="utf-8")
    tree = Tree(suite, copy, "v1")
    plugins = as_shipped(tree)
    a_plugin(plugins, "model", build=MODEL, hyperparameters='{"units": 16}')
    here = read(a_plugin(tmp_path, "model", build=MODEL))
    (there,) = discover(tree=tree).plugins
    found = []
    for plugin, of in ((here, None), (there, tree)):
        sampler = a_sampler(LocalExecutor(root=of and of.code()), of)
        try:
            found.append(sampler.sample(plugin))
        finally:
            sampler.close()

    assert [(each.status, each.reason) for each in found] == [("ok", "")] * 2
    ours, theirs = found
    assert ours.key == theirs.key
    assert ours.rounds["peak_memory"] > (1e8,)
    assert theirs.rounds["peak_memory"] == (12345.0,)
    assert ours.parameters is not None
    assert theirs.parameters == 2 * ours.parameters - 1
    assert len(ours.rounds["train_step"]) == 3
    # Importing Keras takes its time, wherever it is done.
    assert ours.rounds["start_up"] > (0.5,)
