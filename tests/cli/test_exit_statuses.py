"""Every documented exit status, made to happen by the command line in a scratch repository."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from builders import a_plugin, a_record
from command_line import call
from data_world import make_world
from gate_world import key, plugin, side, times
from run_world import an_outcome
from tree_world import commit, git
from verify_world import Workshop

import bench.cli.data
from bench.cli import COMMANDS, cli, main
from bench.data.prepared import prepare
from bench.data.sources import resolve
from bench.gate import against, baseline
from bench.protocol import FAILED
from bench.records.predictions import TrainedModel
from bench.records.store import Store
from bench.registry.tasks import FoundTasks
from bench.runs.scoring import packed
from bench.task import Encoded

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| `?(any|[a-z][a-z -]*)`? \| (\d+) \|", re.MULTILINE)
#: Command and status, as the page has them.
DOCUMENTED = [
    (command, int(status))
    for command, status in ROW.findall((DOCS / "exit-status.md").read_text(encoding="utf-8"))
]


@dataclass
class Repository:
    """A repository with a plugin of its own, which is the working folder."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch
    request: pytest.FixtureRequest

    def bench(self, *words: object) -> int:
        return call(self.capsys, *words)[0]

    def run(self, workshop: Workshop, *words: str) -> int:
        """Run a plugin whose trials a workshop does."""
        place = self.request.getfixturevalue("make_place")(workshop, ["steady"])
        status: int = place.run("steady", *words)
        return status

    def record(self, folder: str = "reports", **changes: Any) -> Path:
        return Store(Path(folder)).write(a_record(**changes))

    def keep(self, file: str, **measured: Any) -> None:
        made = plugin(key("my_model", task="jena"), **{"parameters": 1, **measured})
        Path(file).write_text(baseline.write(side(file, made)), encoding="utf-8")

    def check(self, *words: str, before: Any = None, after: Any = None) -> int:
        """Check one kept side beside another; each is what was measured of the plugin."""
        self.keep("before.json", **(before or {}))
        self.keep("after.json", **(after or {}))
        return self.bench("check", "--baseline", "before.json", "--candidate", "after.json", *words)

    def interrupted(self, *words: str) -> int:
        """Check another revision, and press Ctrl-C while it is measured."""

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        self.request.getfixturevalue("heard_signals")
        self.monkeypatch.setattr(against, "compare_interleaved", interrupt)
        return self.bench("check", "--against", "HEAD", *words)

    def data(self, *words: str, there: bool = True, damaged: bool = False) -> int:
        """Ask of the data of a small task."""
        (self.folder / "world").mkdir()
        world = make_world(self.folder / "world", self.monkeypatch)
        found = FoundTasks({"numbers": world.info})
        self.monkeypatch.setattr(bench.cli.data, "_tasks", lambda datasets: found)
        self.monkeypatch.setenv("BENCH_OFFLINE", "1")
        if there:
            world.put("numbers.txt")
        if damaged:
            (prepare(world.info, resolve(world.info)) / "values.npy").unlink()
        return self.bench("data", *words)


@pytest.fixture
def repository(
    tmp_path: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Repository:
    folder = tmp_path / "models"
    (folder / "plugins").mkdir(parents=True)
    a_plugin(folder / "plugins", "my_model")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "a model")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "no-data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return Repository(folder, capsys, monkeypatch, request)


Scenario = Callable[[Repository], int]
SCENARIOS: dict[tuple[str, int], Scenario] = {}


def ends(command: str, status: int) -> Callable[[Scenario], Scenario]:
    """Say what a scenario ends with; it returns what it did end with."""

    def keep(scenario: Scenario) -> Scenario:
        assert (command, status) not in SCENARIOS
        SCENARIOS[command, status] = scenario
        return scenario

    return keep


@pytest.mark.parametrize(("command", "status"), DOCUMENTED)
def test_a_documented_status_is_what_the_command_ends_with(repository, command, status):
    assert (command, status) in SCENARIOS, "write a scenario for it, below"
    assert SCENARIOS[command, status](repository) == status


def test_each_scenario_is_of_a_documented_status():
    assert len(DOCUMENTED) == len({*DOCUMENTED})
    assert {*SCENARIOS} <= {*DOCUMENTED}


def commands() -> dict[str, click.Command]:
    found = {}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        inner = command.commands if isinstance(command, click.Group) else {}
        found |= {f"{name} {word}": each for word, each in inner.items()} or {name: command}
    return found


@pytest.mark.parametrize("command", [*commands()])
def test_the_help_of_a_command_names_the_documented_statuses(command):
    told = " ".join((commands()[command].help or "").split())
    (told,) = re.findall(r"Exit status: .*", told)
    named = {int(number) for number in re.findall(r"(?:Exit status: |; )(\d+)\b", told)}

    assert named == {status for name, status in DOCUMENTED if name == command}


def test_the_page_on_ci_has_the_same_statuses_of_check():
    page = (DOCS / "ci.md").read_text(encoding="utf-8")
    first, second = re.findall(r"\| status \| meaning \|\n\|---:\|---\|\n((?:\|.*\n)+)", page)
    for command, table in (("check", first), ("check --bisect", second)):
        told = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
        assert told == [status for name, status in DOCUMENTED if name == command]


# What every command may end with


@ends("any", 0)
def _(repository):
    return repository.bench()


@ends("any", 2)
def _(repository):
    return repository.bench("lst")


@ends("any", 70)
def _(repository):
    def at_fault(*_: object) -> None:
        raise RuntimeError("a bug")

    repository.monkeypatch.setattr("bench.cli.list.registry_of", at_fault)
    return repository.bench("list")


@ends("any", 74)
def _(repository):
    if not Path("/dev/full").exists():
        pytest.skip("needs a device that is always full")
    with (
        open("/dev/full", "w", encoding="utf-8") as full,
        repository.monkeypatch.context() as patch,
    ):
        patch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as ended:
            main(["list"])
    return ended.value.code


@ends("list", 0)
def _(repository):
    a_plugin(Path("plugins"), "broken", "def build(:\n")
    return repository.bench("list")


# Trials


@ends("run", 0)
def _(repository):
    return repository.run(Workshop())


@ends("run", 1)
def _(repository):
    return repository.run(Workshop(outcomes={"steady": [an_outcome(FAILED, "no")]}))


@ends("run", 2)
def _(repository):
    return repository.bench("run", "no_such_plugin")


@ends("run", 130)
def _(repository):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    return repository.run(Workshop(before=interrupt))


@ends("test", 0)
def _(repository):
    source = Path("plugins/my_model.py").read_text(encoding="utf-8")
    needing = f"{source}\n\ndef later():\n    import no_such_package\n"
    a_plugin(Path("plugins"), "my_model", needing)
    return repository.bench("test")


@ends("test", 1)
def _(repository):
    a_plugin(Path("plugins"), "my_model", "def build(:\n")
    return repository.bench("test")


@ends("test", 2)
def _(repository):
    return repository.bench("test", "no_such_plugin")


# Records


@ends("report", 0)
def _(repository):
    repository.record()
    return repository.bench("report")


@ends("report", 2)
def _(repository):
    return repository.bench("report")


@ends("ensemble", 0)
def _(repository):
    alike = np.zeros(2, "float32")
    names = ("predictions", "targets", "groups")
    arrays = {f"{split}{name}": alike for split in ("", "validation_") for name in names}
    for name in ("one", "other"):
        Store(Path("reports")).write(a_record(name), packed(arrays))
    return repository.bench("ensemble", "one", "other")


@ends("ensemble", 2)
def _(repository):
    return repository.bench("ensemble", "one", "other")


@ends("merge", 0)
def _(repository):
    repository.record("one")
    return repository.bench("merge", "one", "--into", "all")


@ends("merge", 1)
def _(repository):
    record = repository.record("one")
    record.write_text(record.read_text(encoding="utf-8").replace("0.26", "0.25"), encoding="utf-8")
    repository.record("one", seed=1, minute=1)
    return repository.bench("merge", "one", "--into", "all")


@ends("merge", 2)
def _(repository):
    return repository.bench("merge", "nothing", "--into", "all")


@ends("show", 0)
def _(repository):
    return repository.bench("show", "my_model")


@ends("show", 2)
def _(repository):
    return repository.bench("show", "no_such_plugin")


@ends("predict", 0)
def _(repository):
    model = TrainedModel(b"model", {})
    Store(Path("reports")).write(a_record(), None, model)
    encoded = Encoded(np.zeros((1, 2)), {"window": "two"}, lambda numbers: {"forecast": "5 °C"})
    patch = repository.monkeypatch.setattr
    patch("bench.data.ready.encode_question", lambda *asked: encoded)
    patch("bench.cli.predict._numbers", lambda *asked: np.zeros(1))
    return repository.bench("predict", "jena_gru", "--at", "2016-03-01")


@ends("predict", 2)
def _(repository):
    return repository.bench("predict", "my_model", "good")


@ends("export model", 0)
def _(repository):
    Store(Path("reports")).write(a_record(), None, TrainedModel(b"model", {}))
    return repository.bench("export", "jena_gru", "best.keras")


@ends("export model", 2)
def _(repository):
    repository.record()
    return repository.bench("export", "jena_gru", "best.keras")


@ends("export trials", 0)
def _(repository):
    repository.record()
    return repository.bench("export", "trials", "trials.csv")


@ends("export trials", 2)
def _(repository):
    return repository.bench("export", "trials", "trials.csv")


def tracks(tool: str) -> None:
    """Say what exporting to a tool ends with, whose client need not be here."""

    @ends(f"export {tool}", 0)
    def _(repository):
        repository.record()
        repository.monkeypatch.setattr("bench.cli.export._check_client", lambda *names: None)
        repository.monkeypatch.setattr(f"bench.report.trackers.to_{tool}", lambda *what: 1)
        return repository.bench("export", tool, "there")

    @ends(f"export {tool}", 2)
    def _(repository):
        repository.monkeypatch.setattr("bench.machine.version_of", lambda package: None)
        return repository.bench("export", tool, "there")


for name in ("mlflow", "tensorboard", "wandb"):
    tracks(name)


# The gate


@ends("baseline", 0)
def _(repository):
    repository.record()
    return repository.bench("baseline", "jena_gru")


@ends("baseline", 2)
def _(repository):
    return repository.bench("baseline")


@ends("check", 0)
def _(repository):
    return repository.check()


@ends("check", 1)
def _(repository):
    return repository.check(after={"parameters": 2})


@ends("check", 2)
def _(repository):
    return repository.check("--level", "7")


@ends("check", 3)
def _(repository):
    return repository.check(after={"status": FAILED, "reason": "ValueError: no"})


@ends("check", 4)
def _(repository):
    return repository.bench("check")


@ends("check", 5)
def _(repository):
    return repository.check(after={"data": "other"})


@ends("check", 6)
def _(repository):
    return repository.check("--fail-on", "better", after={"parameters": 0})


@ends("check", 130)
def _(repository):
    return repository.interrupted()


@ends("check --bisect", 0)
def _(repository):
    return repository.check("--bisect")


@ends("check --bisect", 1)
def _(repository):
    return repository.check("--bisect", after={"parameters": 2})


@ends("check --bisect", 125)
def _(repository):
    return repository.check("--bisect", after={"data": "other"})


@ends("check --bisect", 128)
def _(repository):
    return repository.bench("check", "--bisect")


@ends("check --bisect", 130)
def _(repository):
    return repository.interrupted("--bisect")


@ends("history", 0)
def _(repository):
    Path("kept").mkdir()
    repository.keep("kept/one.json", rounds={"train_step": times(0.02)})
    return repository.bench("history", "kept")


@ends("history", 2)
def _(repository):
    return repository.bench("history", "kept")


# Data, and a first plugin


@ends("data status", 0)
def _(repository):
    return repository.data("status")


@ends("data status", 2)
def _(repository):
    return repository.data("status", "no_such_task")


@ends("data fetch", 0)
def _(repository):
    return repository.data("fetch")


@ends("data fetch", 1)
def _(repository):
    return repository.data("fetch", there=False)


@ends("data fetch", 2)
def _(repository):
    return repository.data("fetch", "no_such_task")


@ends("data verify", 0)
def _(repository):
    return repository.data("verify", "numbers")


@ends("data verify", 1)
def _(repository):
    return repository.data("verify", "numbers", damaged=True)


@ends("data verify", 2)
def _(repository):
    return repository.data("verify", "no_such_task")


@ends("data show", 0)
def _(repository):
    weather = repository.request.getfixturevalue("weather")
    return repository.bench("data", "show", "jena", "--data", str(weather))


@ends("data show", 2)
def _(repository):
    return repository.data("show", "no_such_task")


@ends("data plot", 2)
def _(repository):
    return repository.data("plot", "no_such_task")


@ends("data plot", 0)
def _(repository):
    reviews = repository.request.getfixturevalue("reviews")
    return repository.bench("data", "plot", "imdb", "--data", str(reviews))


@ends("new", 0)
def _(repository):
    return repository.bench("new", "another", "--task", "jena")


@ends("new-task", 0)
def _(repository):
    Path("sales.csv").write_text("day,n\n" + "".join(f"{1900 + n},{n % 7}\n" for n in range(99)))
    return repository.bench("new-task", "sales", "--from", "sales.csv")


@ends("new-task", 2)
def _(repository):
    return repository.bench("new-task", "sales", "--from", "no.csv")


@ends("new", 2)
def _(repository):
    return repository.bench("new", "my_model", "--task", "jena")


@ends("init", 0)
def _(repository):
    return repository.bench("init", "models")


@ends("init", 2)
def _(repository):
    Path("README.md").write_text("mine", encoding="utf-8")
    return repository.bench("init")
