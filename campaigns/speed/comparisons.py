"""What is compared: for each model the suite's command line and the plain script's orders."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.prepared import open_prepared
from bench.machine import describe_run, machine
from bench.plan.plan import Planned, Request
from bench.registry.discover import discover
from bench.registry.task_code import load_module
from bench.runs.jobs import Jobs
from bench.runs.preparation import prepare_here
from bench.task import OpenTask, Prepared
from bench.trial import Trial

from .export import reviews_of, series_of
from .specification import Specification, Work


@dataclass(frozen=True)
class Schedule:
    """The shortened schedule: a profile's, with fewer epochs or steps where they are given."""

    profile: str = "quick"
    epochs: int | None = None
    steps: int | None = None
    source: str = "auto"
    jit_compile: bool | str = False

    @property
    def overrides(self) -> dict[str, int]:
        """What ``--set`` changes."""
        given = {"epochs": self.epochs, "steps_per_epoch": self.steps}
        return {key: value for key, value in given.items() if value is not None}

    def options(self, source: str) -> list[str]:
        """Return the same as words of ``bench run``, with the data that were found.

        So no trial looks for other data first, or tries to download them.
        """
        changes = [word for k, v in self.overrides.items() for word in ("--set", f"{k}={v}")]
        return ["--profile", self.profile, "--source", source, *changes]


@dataclass(frozen=True)
class Comparison:
    """One model on both sides.

    ``work`` is what the suite's trial does, ``options`` what its command line says beside the
    name; ``full`` is what the plain script and the suite would do under the whole schedule.
    ``provenance`` names the data and the libraries. ``cannot`` says why there is nothing to
    compare, "" that there is.
    """

    name: str
    provenance: Mapping[str, str]
    cannot: str = ""
    options: Sequence[str] = ()
    work: Work | None = None
    specification: Specification | None = None
    full: tuple[Work, Work] | None = None


def comparisons(
    names: Sequence[str], schedule: Schedule, folder: Path, say: Callable[[str], None]
) -> list[Comparison]:
    """Plan both sides of each model, and write the plain script's data into a folder.

    The suite's data are prepared by that too, so that no trial is charged with it.

    Raises:
        BenchError: A name is unknown, or the data are not to be had.
    """
    registry = discover()
    plugins = registry.select(names)
    jobs = Jobs(registry, prepare_here(schedule.source, {}, say), {})
    short = jobs.plan(plugins, Request(schedule.profile, overrides=schedule.overrides))
    whole = jobs.plan(plugins, Request("full"))
    made = zip(short, whole, strict=True)
    return [_comparison(s, w.trial, jobs, schedule, folder) for s, w in made]


def settings_of(schedule: Schedule, compared: Sequence[Comparison]) -> dict[str, Any]:
    """Return what must be the same for samples to be taken together."""
    here = machine()
    return {
        "profile": schedule.profile,
        "epochs": schedule.epochs,
        "steps": schedule.steps,
        "jit_compile of the plain script": schedule.jit_compile,
        "processor": here["processor"],
        "cores": here["cores"],
        "commit": describe_run("")["commit"],
        **{key: value for one in compared for key, value in one.provenance.items()},
    }


def _comparison(
    planned: Planned, whole: Trial, jobs: Jobs, schedule: Schedule, folder: Path
) -> Comparison:
    trial = planned.trial
    provenance = {f"{trial.task} data": f"{trial.source}, {trial.fingerprint}", **trial.versions}
    if planned.verdict:
        return Comparison(trial.plugin, provenance, cannot=planned.reason)
    task = jobs.registry.tasks[trial.task]
    prepared = open_prepared(jobs.data(trial.task).folder, with_targets=True)
    opened = load_module(task).open_view(prepared, dict(trial.view))
    batch = trial.training["batch_size"]
    return Comparison(
        name=trial.plugin,
        provenance=provenance,
        options=schedule.options(trial.source),
        work=_suite_work(trial, opened),
        specification=Specification(
            plugin=str(planned.plugin.path.resolve()),
            options=dict(trial.hyperparameters),
            facts=dict(_plain(opened.facts)),
            input_shape=opened.input_shape,
            input_dtype=opened.input_dtype,
            loss=task.loss,
            metric=task.metric,
            optimizer=_optimizer(trial.training),
            batch_size=batch,
            training_examples=trial.training["training_examples"],
            jit_compile=schedule.jit_compile,
            work=_plain_work(trial, opened),
            data=_data_of(trial, prepared, folder),
        ),
        full=(_plain_work(whole, opened), _suite_work(whole, opened)),
    )


def _suite_work(trial: Trial, opened: OpenTask) -> Work:
    """Return what the suite does: it scores the validation split again at the end."""
    validated, tested = _scored(trial, opened)
    training = trial.training
    return Work(training["epochs"], training["steps_per_epoch"], validated, validated + tested)


def _plain_work(trial: Trial, opened: OpenTask) -> Work:
    """Return what the plain script does: a generator gives whole batches only."""
    validated, tested = _scored(trial, opened)
    training, batch = trial.training, trial.training["batch_size"]
    if trial.task == "jena":
        validated, tested = (max(batch, n - n % batch) for n in (validated, tested))
    return Work(training["epochs"], training["steps_per_epoch"], validated, tested)


def _scored(trial: Trial, opened: OpenTask) -> tuple[int, int]:
    sizes = (len(opened.validation), len(opened.test))
    most = trial.scored_examples
    first, second = (size if most is None else min(most, size) for size in sizes)
    return first, second


def _data_of(trial: Trial, prepared: Prepared, folder: Path) -> Any:
    return (series_of if trial.task == "jena" else reviews_of)(prepared, trial.view, folder)


def _optimizer(training: Mapping[str, Any]) -> dict[str, Any]:
    names = ("learning_rate", "clipnorm")
    config = {name: training[name] for name in names if training[name] is not None}
    return {"class_name": training["optimizer"], "config": config}


def _plain(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the facts that can be written down."""
    for name, value in facts.items():
        try:
            json.dumps(value)
        except TypeError:
            continue
        yield name, value
