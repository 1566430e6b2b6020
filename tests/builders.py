"""Small things that tests are told with, each with defaults that a test may leave unsaid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.analysis.leaderboard import Leaderboard, make_leaderboard
from bench.plan.plan import PlanContext, Planned, Request, make_plan
from bench.protocol import FAILED, OK, SKIPPED
from bench.records.record import BIT_IDENTICAL, Record
from bench.registry.discover import Registry
from bench.registry.plugins import read_plugin
from bench.registry.tasks import TaskInfo
from bench.trial import Trial

JENA_METRIC = {
    "name": "mae",
    "direction": "min",
    "baseline": "jena_naive",
    "units": {"mae": "std of T", "mae_degC": "°C"},
}
IMDB_METRIC = {
    "name": "accuracy",
    "direction": "max",
    "baseline": "imdb_onehot",
    "units": {"accuracy": "share of reviews"},
}


#: Texts that have broken tables somewhere.
AWKWARD = [
    "a | b || c",
    "`code` ``more`",
    "two\nlines\r\nand\ttabs",
    "<script>alert('x')</script> &amp; &lt;",
    "**bold** __init__ _it_ ~~gone~~ $x$ $$",
    "[link](http://x) ![picture](y) \\[ \\| \\\\",
    "\x1b[31mred\x07 \u202eback \ud800 \0",
    "\U0001f680 \u00b0C \u65e5\u672c \u00e9",
    "\U0001f469\u200d\U0001f52c",
    "--- # | :---: |",
    "-1.5e3",
    " leading and trailing ",
]


def a_task(name: str = "jena", **changes: Any) -> TaskInfo:
    """Make a task with a numeric view option, a choice, and three profiles."""
    task = TaskInfo(
        name=name,
        path=Path(f"{name}.py"),
        description="A task: what is to be predicted.",
        version=1,
        metric="mae",
        direction="min",
        loss="mean_absolute_error",
        baseline="jena_naive",
        units={"mae": "std of T", "mae_degC": "°C"},
        groups="days",
        view={"lookback": 1440, "reverse": False, "columns": None, "encoding": "raw"},
        choices={"encoding": ["raw", "hashed"]},
        training={"epochs": 20, "batch_size": 128},
        profiles={
            "smoke": {"epochs": 1, "examples_per_epoch": 512, "scored_examples": 500},
            "quick": {"epochs": 4, "examples_per_epoch": 7680, "scored_examples": 3000},
            "full": {},
        },
        official=[],
        local=[],
        synthetic="1",
    )
    return replace(task, **changes)


def task_source(**changes: str) -> str:
    """Write a task file; ``changes`` replace the literal of a name, "" leaves it out."""
    literals = {
        "VERSION": "1",
        "METRIC": "'mae'",
        "DIRECTION": "'min'",
        "LOSS": "'mean_absolute_error'",
        "BASELINE": "'naive'",
        "UNITS": "{'mae': 'std'}",
        "GROUPS": "'days'",
        "VIEW": "{'lookback': 10}",
        "CHOICES": "{}",
        "TRAINING": "{'epochs': 2}",
        "PROFILES": "{'smoke': {'epochs': 1}, 'quick': {}, 'full': {}}",
        "OFFICIAL": "[]",
        "LOCAL": "[]",
        "SYNTHETIC": "'1'",
    }
    lines = [f"{name} = {value}" for name, value in {**literals, **changes}.items() if value]
    functions = [
        f"def {name}(*anything): return None" for name in ("read", "synthesise", "open_view")
    ]
    return "\n".join(['"""A made task."""', *lines, *functions]) + "\n"


def plugin_source(
    hyperparameters: str = '{"units": 8}',
    build: str = "def build(task, units): return None",
    task: str = "jena",
    before: str = "",
) -> str:
    """Write a plugin file of five lines: docstring, ``before``, TASK, HYPERPARAMETERS, build."""
    lines = [
        '"""A model: what it does."""',
        before,
        f"TASK = {task!r}",
        f"HYPERPARAMETERS = {hyperparameters}",
        build,
    ]
    return "\n".join(lines) + "\n"


def a_plugin(folder: Path, name: str = "model", source: str | None = None, **parts: str) -> Path:
    """Write a plugin file, by default a right one, and return its path."""
    path = folder / f"{name}.py"
    path.write_text(plugin_source(**parts) if source is None else source, encoding="utf-8")
    return path


def a_trial(plugin: str = "jena_gru", seed: int = 0, **changes: Any) -> Trial:
    """Make a trial of a Jena plugin on official data."""
    trial = Trial(
        task="jena",
        task_version=1,
        plugin=plugin,
        plugin_sha256="5ca1ab1e",
        hyperparameters={"units": 32},
        view={"lookback": 1440, "reverse": False},
        training={"epochs": 4, "steps_per_epoch": 60, "batch_size": 128},
        scored_examples=3000,
        source="official",
        fingerprint="f00d",
        profile="quick",
        seed=seed,
        backend="tensorflow",
        versions={"keras": "3.15.0", "numpy": "2.4.0", "tensorflow": "2.21.0"},
    )
    return replace(trial, **changes)


def a_record(
    plugin: str = "jena_gru",
    quality: float = 0.26,
    *,
    seed: int = 0,
    minute: int = 0,
    status: str = OK,
    reason: str = "",
    trial: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Record:
    """Make a record; ``quality`` is the validation metric, ``minute`` when it was finished."""
    made = a_trial(plugin, seed, **(trial or {}))
    metric = IMDB_METRIC if made.task == "imdb" else JENA_METRIC
    scores = {name: quality * (8.85 if name.endswith("degC") else 1) for name in metric["units"]}
    record = Record(
        identity=made.identity,
        trial=made,
        status=status,
        reason=reason,
        finished=f"2025-01-02T03:{minute:02}:05.678901+00:00",
        metrics={
            "best_epoch": 3,
            "validation": scores,
            "test": {name: 1.05 * value for name, value in scores.items()},
            "curves": {"validation_mae": [0.31, 0.28, quality, 0.27]},
        },
        timing={
            "build": 0.1,
            "compile": 1.5,
            "first_epoch": 4.0,
            "steady_epoch": 2.5,
            "fit": 11.5,
            "predict": 0.6,
            "predict_per_1000": 0.2,
            "total": 14.0,
        },
        memory={"peak_rss": 900 * 1024**2},
        model={"parameters": 4673, "size": 18692},
        data={
            "source": made.source,
            "fingerprint": made.fingerprint,
            "why": "weather.csv, as given",
            "files": [],
            "meta": {},
            "metric": metric,
        },
        environment={
            "machine": {
                "system": "Linux 6.1",
                "processor": "A Processor @ 3 GHz",
                "cores": 2,
                "memory": 8 * 1024**3,
            },
            "python": "3.11.9",
            "suite": "0.1.0",
            "commit": "0123456789ab",
            "dirty": False,
            "command": "python -m bench run --all",
        },
        reference={"val_mae": 0.2635} if made.task == "jena" else {},
        predictions=None,
        log="",
    )
    if status != OK:
        record = replace(record, metrics={}, timing={"total": 1.0}, memory={}, model={})
    return replace(record, **changes)


def a_repeat(
    plugin: str = "jena_gru",
    verdict: str = BIT_IDENTICAL,
    largest: float | None = 0.0,
    status: str = OK,
    **changes: Any,
) -> Record:
    """Make the record of a trial that was trained a second time."""
    settings = {"threads": 2, "start": {"first": "spawn", "repeat": "fork"}}
    section = {"of": a_record().finished, "verdict": verdict, "largest": largest}
    if status != OK:
        section |= {"verdict": None, "largest": None}
    made = a_record(plugin, status=status, **{"minute": 9, **changes})
    return replace(made, repeat={**section, "settings": settings})


def a_timed_record(
    plugin: str = "jena_gru",
    validation: Sequence[float | None] = (0.31, 0.28, 0.26),
    epoch: float = 2.0,
    **parts: Any,
) -> Record:
    """Make a record with its clocks, of a trial that had the machine to itself.

    ``epoch`` is how many seconds each epoch took; its scoring took a tenth of that, and
    the first one another second for compiling.
    """
    scores = [value for value in validation if value is not None]
    record = beside(a_record(plugin, min(scores, default=0.29), **parts))
    epochs = [epoch + (number == 0) for number in range(len(validation))]
    elapsed = [sum(epochs[:number]) + 0.1 * epoch * number for number in range(1, len(epochs) + 1)]
    curves = {
        "validation_mae": [*validation],
        "epoch_seconds": epochs,
        "elapsed_seconds": elapsed,
    }
    timing = {"start": 0.4, "first_epoch": epoch + 1, "steady_epoch": epoch, "compile": 1.0}
    return replace(
        record,
        metrics={**record.metrics, "curves": curves},
        timing={**record.timing, **timing, "fit": elapsed[-1] if elapsed else 0.0},
    )


def beside(
    record: Record,
    *,
    shared: bool = False,
    others_cpu: float = 0.02,
    before: float = 0.002,
    after: float = 0.002,
) -> Record:
    """Say what else the machine did during a trial; by default, nothing worth naming."""
    contention = {
        "reference_before": before,
        "reference_after": after,
        "others_cpu": others_cpu,
        "load": 1.0,
    }
    environment = {**record.environment, "shared": shared, "contention": contention}
    return replace(record, environment=environment)


def a_board(*records: Record, reused: tuple[str, ...] = ()) -> Leaderboard:
    """Make the leaderboard of some records."""
    return make_leaderboard(records, reused)


def board_with(text: str) -> Leaderboard:
    """A board on which everything that can hold a user's text holds this one."""
    record = a_record(trial={"overrides": {text: text}, "versions": {"keras": text}})
    record = replace(
        record,
        trial=replace(record.trial, plugin=text),
        environment={**record.environment, "command": text},
        data={**record.data, "why": text},
    )
    return a_board(record, a_record("other", minute=1, status=FAILED, reason=text))


def three_seeds() -> Leaderboard:
    """What a run with three seeds leaves: a baseline, a better one, a broken one, a skipped one."""
    ok = [
        a_record(name, mean + 0.003 * seed, seed=seed)
        for name, mean in (("jena_naive", 0.29), ("jena_gru", 0.26))
        for seed in range(3)
    ]
    return a_board(
        *ok,
        a_record("jena_broken", status=FAILED, reason="jena_broken.py:8: ValueError: no"),
        a_record("jena_ridge", status=SKIPPED, reason="needs sklearn, not installed here"),
    )


def edited(record: Record, **sections: Any) -> str:
    """Return a record's JSON with whole sections replaced, as a text editor would."""
    return json.dumps({**json.loads(record.to_json()), **sections})


INSTALLED = {"keras": "3.15.0", "numpy": "2.4.0", "tensorflow": "2.21.0", "sklearn": "1.7"}


@dataclass(frozen=True)
class Source:
    """The data of a task, as far as planning cares."""

    kind: str = "synthetic"
    fingerprint: str = "f00d"


@dataclass(frozen=True)
class World:
    """A folder of plugins, one task, and what is installed; ``plan`` plans in it."""

    folder: Path
    task: TaskInfo = field(default_factory=a_task)
    installed: Mapping[str, str] = field(default_factory=lambda: INSTALLED)
    training_examples: Callable[[TaskInfo, Mapping[str, Any]], int] = lambda task, view: 200_000
    files: Mapping[str, str] = field(default_factory=dict)

    def plan(self, *known: Record, **request: Any) -> list[Planned]:
        tasks = {self.task.name: self.task}
        plugins = [read_plugin(path, tasks) for path in sorted(self.folder.glob("*.py"))]
        surroundings = PlanContext(
            {self.task.name: Source()},
            self.training_examples,
            self.installed.get,
            lambda name, beside: self.files.get(name),
        )
        latest = {record.identity: record for record in known}
        registry = Registry(tasks, tuple(plugins))
        return make_plan(plugins, registry, Request(**request), surroundings, latest)

    def only(self, *known: Record, **request: Any) -> Planned:
        (planned,) = self.plan(*known, **request)
        return planned


def record_of(planned: Planned, status: str = OK, reason: str = "") -> Record:
    """Make the record that a trial left, whatever came of it."""
    made = a_record(status=status, reason=reason)
    return replace(made, trial=planned.trial, identity=planned.trial.identity)
