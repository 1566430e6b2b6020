"""Plugins that do harm cost their own trial, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from builders import a_trial
from conftest import Run
from hostile import KINDS
from hostile.kind import GUESSING, INNOCENT, Kind
from run_world import Notes

from bench.data.ready import PreparedTask, prepare_task
from bench.machine import describe_run
from bench.plan.plan import Planned
from bench.protocol import OK
from bench.records.record import Record
from bench.records.store import Store
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.tasks import TaskInfo, discover_tasks
from bench.registry.training_options import DEFAULTS
from bench.runs import launch, processes
from bench.runs.executor import LocalExecutor
from bench.runs.interruption import Interruption
from bench.runs.jobs import Jobs
from bench.runs.launch import LOG_TAIL, ForkServer
from bench.runs.runner import Context, run
from bench.trial import Trial

MARK = "BENCH_HOSTILE"


class Lasting(LocalExecutor):
    """An executor that outlasts a run, so that the next one has the same server."""

    def cancel(self) -> None:
        pass

    def end(self) -> None:
        super().cancel()


@dataclass(frozen=True)
class Ran:
    """A trial that is over: its record and, if it went well, its predictions and targets."""

    record: Record
    arrays: dict[str, np.ndarray[Any, Any]]

    @property
    def predictions(self) -> dict[str, bytes]:
        return {name: array.tobytes() for name, array in self.arrays.items()}

    @property
    def metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = json.loads(json.dumps(self.record.metrics))
        for name in ("epoch_seconds", "elapsed_seconds"):
            metrics.get("curves", {}).pop(name, None)
        return metrics


class Arena:
    """Where hostile and innocent plugins meet: one executor runs the one after the other."""

    def __init__(self, folder: Path, task: TaskInfo, ready: PreparedTask, mark: str) -> None:
        self._executor = Lasting()
        self._folder = folder
        self._task = task
        self._ready = ready
        self._mark = mark
        self._store = Store(folder / "records")
        self._store.prepare()
        self.notes = Notes()
        self.reference = self.run(INNOCENT)
        self._guess = self.run(GUESSING)
        self._met = 0

    def run(self, kind: Kind) -> Ran:
        path = self._folder / f"{kind.name}.py"
        path.write_text(kind.source, encoding="utf-8")
        trial = self._trial(kind.name)
        registry = Registry({"jena": self._task}, ())
        jobs = Jobs(registry, lambda task: self._ready, {trial.profile: kind.bounds})
        jobs.prepare(["jena"])
        self.notes = Notes()
        done = run(
            [Planned(trial, Plugin(kind.name, path, source=kind.source))],
            self._executor,
            self._store,
            Context(jobs, describe_run("test"), reuse="never"),
            self.notes,
            Interruption(),
        )
        (record,) = done.records
        assert not done.unwritten
        well = record.status == OK
        if not well:
            return Ran(record, {})
        written = self._store.find(trial)[-1]
        return Ran(record, self._store.predictions(written))

    def see_that_the_innocent_are_unharmed(self) -> None:
        """Run what harms nothing; a model of Keras, which takes its time, every tenth time."""
        self._met += 1
        every_time, sometimes = (GUESSING, self._guess), (INNOCENT, self.reference)
        for kind, reference in (every_time, sometimes)[: 1 + (self._met % 10 == 0)]:
            after = self.run(kind)
            assert after.record.status == OK, after.record
            assert after.metrics == reference.metrics
            assert after.predictions == reference.predictions

    def end_survivors(self) -> list[str]:
        """Kill and return what still runs a moment after a trial; none of it should."""
        processes.wait_until(lambda: not self._survivors(), 3.0)
        left = self._survivors()
        described = [str(process) for process in left]
        for process in left:
            processes.kill_tree(process)
        return described

    def close(self) -> None:
        self._executor.end()

    def _survivors(self) -> list[psutil.Process]:
        """Processes that carry this arena's mark, but for the server that forks the trials."""
        own = {child.pid for child in psutil.Process().children()}
        return [
            process
            for process in psutil.process_iter()
            if process.pid not in own and processes.is_alive(process) and self._is_marked(process)
        ]

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark or self._mark in process.cmdline()
        except psutil.Error:
            return False

    def _trial(self, plugin: str) -> Trial:
        schedule = {"epochs": 2, "steps_per_epoch": 3, "batch_size": 32}
        return replace(
            a_trial(plugin),
            hyperparameters={},
            view={**self._task.view, "lookback": 24, "step": 6},
            training={**DEFAULTS, **self._task.training, **schedule},
            scored_examples=100,
        )


@pytest.fixture(scope="module")
def arena(cache: Path, weather: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    mark = f"arena-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, mark)
        # Where it is set, nothing that a plugin prints waits to be written.
        patch.delenv("PYTHONUNBUFFERED", raising=False)
        patch.setenv("BENCH_CACHE_DIR", str(cache))
        patch.setattr(launch, "ANSWER", 2.0)
        # One of its own, which some of them look for and strike.
        patch.setattr(launch, "ForkServer", ForkServer)
        task = discover_tasks()["jena"]
        ready = prepare_task(task, "local", weather, lambda line: None)
        arena = Arena(tmp_path_factory.mktemp("arena"), task, ready, mark)
        yield arena
        after = arena.run(INNOCENT)
        arena.close()
        assert after.predictions == arena.reference.predictions


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_hostile_plugin_costs_its_own_trial_only(arena, kind):
    ran = arena.run(kind)
    outcome, log = ran.record, ran.record.log

    assert arena.end_survivors() == []
    assert outcome.status == kind.status, f"{outcome.reason}\n{log}"
    assert kind.reason in outcome.reason
    assert outcome.reason.isprintable()
    assert len(outcome.reason) < 400
    assert kind.log in log
    assert len(log) <= LOG_TAIL
    if kind.clock:
        assert outcome.environment["clock"]["own"] < outcome.environment["clock"]["outside"]
        assert "its own clock was wrong" in "".join(arena.notes.warnings)
    if outcome.status == OK:
        # Whatever it says, what it predicted is scored against the targets that there are.
        assert ran.arrays["targets"].tobytes() == arena.reference.predictions["targets"]
        wrong = np.abs(ran.arrays["targets"].astype("f8") - ran.arrays["predictions"])
        assert outcome.metrics["test"]["mae"] == pytest.approx(float(np.mean(wrong)), rel=1e-9)
    if kind.pure:
        assert ran.metrics == arena.reference.metrics
        assert ran.predictions == arena.reference.predictions

    arena.see_that_the_innocent_are_unharmed()


LITTER = """
    import pathlib

    folder = pathlib.Path({results!r}, "jena", "jena_naive")
    (folder / "cut.json").write_text('{{"schema_version": 1, "identity": "')
    (folder / "list.json").write_text("[1, 2]")
    (folder / "foreign.json").write_text('{{"schema_version": 1, "status": "ok"}}')
    (folder / "binary.json").write_bytes(bytes(range(256)) * 99)
    (folder / "folder.json").mkdir()
    (folder / "circle.json").symlink_to("circle.json")
    os.mkfifo(folder / "pipe.json")
    (folder / ".writing-left").write_bytes(b"half")
    (folder.parent / "file").write_text("not a folder")
"""
IN_A_RUN = (
    "returns_none",
    "does_not_save",
    "reads_address_0",
    "kills_its_parent",
    "kills_the_server",
    "leaves_a_daemon",
    "prints_junk",
    "deletes_its_own_file",
)


@pytest.fixture
def hostile_run(own_servers: None, small_run: Run, plugin_folder: Path) -> Callable[..., Any]:
    """``bench run`` of some kinds of hostile plugin, before and after innocent ones."""

    def run(*kinds: Kind) -> subprocess.CompletedProcess[str]:
        for kind in (*kinds, INNOCENT):
            (plugin_folder / f"{kind.name}.py").write_text(kind.source)
        names = [kind.name for kind in kinds]
        done: subprocess.CompletedProcess[str] = small_run(
            "jena_naive", *names, INNOCENT.name, "--task", "jena", "--plugins", plugin_folder
        )
        return done

    return run


def rows_in(report: str) -> dict[str, str]:
    (table,) = json.loads(report)["tables"]
    return {row["label"]: row["status"] for row in table["rows"]}


@pytest.mark.long
def test_in_a_run_every_hostile_plugin_has_its_row_and_the_innocent_have_their_results(
    hostile_run, bench, tmp_path
):
    kinds = [kind for kind in KINDS if kind.name in IN_A_RUN]
    run = hostile_run(*kinds)

    assert run.returncode == 1
    assert "Traceback" not in run.stderr
    rows = rows_in(bench("report", "--format", "json").stdout)
    assert rows == {
        **{kind.name: kind.status for kind in (*kinds, INNOCENT)},
        "jena_naive": OK,
    }
    for path in (tmp_path / "reports").glob("*/*/*.json"):
        record = json.loads(path.read_text())
        assert bool(record["predictions"]) == (record["status"] == OK), path


def test_a_plugin_that_litters_the_results_folder_breaks_no_later_command(
    hostile_run, bench, tmp_path
):
    results = tmp_path / "reports"
    run = hostile_run(Kind("litters", LITTER.format(results=str(results))))
    report = bench("report", "--format", "json")

    assert run.returncode == report.returncode == 0, run.stderr + report.stderr
    assert rows_in(report.stdout) == {"jena_naive": OK, "litters": OK, "innocent": OK}
    for name in ("cut", "list", "foreign", "binary", "folder", "circle", "pipe"):
        assert f"{name}.json" in report.stderr
    again = hostile_run()
    assert again.returncode == 0, again.stderr
    assert "0 to run" in again.stderr
