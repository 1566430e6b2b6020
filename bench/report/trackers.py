"""Trials as experiment trackers have them: MLflow's runs, TensorBoard's events, W&B's offline runs.

Each tool's own client writes, and is imported when it is asked for. A trial is known by its
``key``, so that what was exported is not exported a second time.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import write_whole
from bench.formatting import one_line
from bench.protocol import OK
from bench.records.record import Record
from bench.report.trials import curve_rows
from bench.values import is_figure

#: The tag by which a run of MLflow is found again.
TAG = "bench.record"
#: What begins the names of columns that are figures of a trial.
_FIGURES = ("train_", "validation_", "test_", "time_", "memory_", "model_", "best_epoch")
#: MLflow takes no more at once, and no longer texts.
_MOST_PARAMS, _MOST_METRICS, _LONGEST = 100, 1000, 5000


@dataclass(frozen=True)
class TrackedTrial:
    """A recorded trial in the words that trackers share.

    ``started`` and ``finished`` are seconds since 1970; ``epochs`` has for each epoch, from 1,
    its values by split and metric, and the seconds of training at its end. ``tags`` are texts.
    """

    key: str
    task: str
    name: str
    is_ok: bool
    started: float
    finished: float
    options: Mapping[str, Any]
    figures: Mapping[str, float]
    epochs: Sequence[tuple[int, float | None, Mapping[str, float]]]
    tags: Mapping[str, str]


def tracked(record: Record, row: Mapping[str, Any]) -> TrackedTrial:
    """Return a trial for trackers.

    Args:
        record: Its record.
        row: What ``bench.report.trials.trial_row`` says of it.
    """
    trial = record.trial
    finished = datetime.fromisoformat(record.finished).timestamp()
    named = {name: value for name, value in row.items() if value not in (None, "")}
    figures = {n: float(v) for n, v in named.items() if n.startswith(_FIGURES) and is_figure(v)}
    return TrackedTrial(
        key=hashlib.sha256(f"{record.identity} {record.finished}".encode()).hexdigest()[:32],
        task=trial.task,
        name=f"{trial} {trial.profile}",
        is_ok=record.status == OK,
        started=finished - (record.timing.get("total") or 0.0),
        finished=finished,
        options={n.removeprefix("hp_"): v for n, v in row.items() if n.startswith("hp_")},
        figures=figures,
        epochs=[*_epochs(record)],
        tags={
            name: one_line(str(value), _LONGEST)
            for name, value in named.items()
            if name not in figures and not name.startswith("hp_")
        },
    )


def _epochs(record: Record) -> Iterator[tuple[int, float | None, dict[str, float]]]:
    rows = sorted(curve_rows(record), key=lambda row: int(row["epoch"]))
    for epoch, found in groupby(rows, key=lambda row: int(row["epoch"])):
        several = [*found]
        values = {f"{row['split']}_{row['metric']}": row["value"] for row in several}
        yield epoch, several[0]["seconds"], {k: v for k, v in values.items() if is_figure(v)}


# MLflow: an experiment a task, a run a trial


def to_mlflow(trials: Sequence[TrackedTrial], uri: str) -> int:
    """Write trials as runs of MLflow; return how many were new.

    Args:
        trials: What to write.
        uri: Where MLflow tracks: a server, a database, or a folder.

    Raises:
        BenchError: MLflow cannot write there.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    if "://" not in uri or uri.startswith("file:"):
        # MLflow wants it said that a folder is meant, and no database.
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    from mlflow import MlflowClient

    try:
        client = MlflowClient(tracking_uri=uri)
        known = {task: _experiment(client, task) for task in {trial.task for trial in trials}}
        new = [trial for trial in trials if trial.key not in known[trial.task][1]]
        for trial in new:
            _to_run(client, known[trial.task][0], trial)
    except Exception as error:  # A store of another program's can raise anything.
        raise BenchError(f"{uri}: MLflow cannot write there ({_said(error)})") from None
    return len(new)


def _experiment(client: Any, task: str) -> tuple[str, set[str]]:
    """Return the identifier of a task's experiment, and the keys of the trials in it."""
    found = client.get_experiment_by_name(task)
    if found is None:
        return str(client.create_experiment(task)), set()
    keys: set[str] = set()
    token = None
    while True:
        runs = client.search_runs([found.experiment_id], max_results=1000, page_token=token)
        keys |= {run.data.tags[TAG] for run in runs if TAG in run.data.tags}
        token = runs.token
        if not token:
            return str(found.experiment_id), keys


def _to_run(client: Any, experiment: str, trial: TrackedTrial) -> None:
    from mlflow.entities import Metric, Param

    at, end = int(1000 * trial.started), int(1000 * trial.finished)
    run = client.create_run(experiment, at, dict(trial.tags), trial.name).info.run_id
    try:
        params = [Param(name, str(value)[:_LONGEST]) for name, value in trial.options.items()]
        metrics = [
            Metric(f"epoch_{name}", value, at + int(1000 * (seconds or 0)), epoch)
            for epoch, seconds, values in trial.epochs
            for name, value in values.items()
        ]
        metrics += [Metric(name, value, end, 0) for name, value in trial.figures.items()]
        for first in range(0, len(params), _MOST_PARAMS):
            client.log_batch(run, params=params[first : first + _MOST_PARAMS])
        for first in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(run, metrics=metrics[first : first + _MOST_METRICS])
        client.set_terminated(run, "FINISHED" if trial.is_ok else "FAILED", end)
        # Last: what was interrupted is not taken for whole.
        client.set_tag(run, TAG, trial.key)
    except BaseException:
        with contextlib.suppress(Exception):
            client.delete_run(run)
        raise


# TensorBoard: a folder a trial with one file of events


def to_tensorboard(trials: Sequence[TrackedTrial], folder: Path) -> int:
    """Write trials as files of events; return how many were new.

    Raises:
        BenchError: The folder cannot be written.
    """
    new = 0
    for trial in trials:
        place = folder / trial.task / f"{_file_name(trial.name)}-{trial.key[:8]}"
        file = place / f"events.out.tfevents.{int(trial.finished)}.{trial.key}"
        if file.exists():
            continue
        with _writing(folder):
            place.mkdir(parents=True, exist_ok=True)
            write_whole(file, _events(trial))
        new += 1
    return new


def _events(trial: TrackedTrial) -> bytes:
    """Return the content of a file of events: hyperparameters, curves, figures."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.summary.writer.record_writer import RecordWriter

    def scalars(values: Mapping[str, float]) -> Summary:
        pairs = ((name.replace("_", "/", 1), value) for name, value in values.items())
        return Summary(value=[Summary.Value(tag=t, simple_value=v) for t, v in pairs])

    kinds = (bool, int, float, str)
    options = {n: v if isinstance(v, kinds) else str(v) for n, v in trial.options.items()}
    events = [
        Event(wall_time=trial.started, file_version="brain.Event:2"),
        Event(wall_time=trial.started, summary=hparams_pb(options, trial.key, trial.started)),
        *(
            Event(
                wall_time=trial.started + (seconds or 0.0),
                step=epoch,
                summary=scalars({f"epoch_{name}": value for name, value in values.items()}),
            )
            for epoch, seconds, values in trial.epochs
        ),
        Event(wall_time=trial.finished, summary=scalars(trial.figures)),
    ]
    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    for event in events:
        writer.write(event.SerializeToString())
    return buffer.getvalue()


# Weights & Biases: an offline run a trial, for ``wandb sync``


def to_wandb(trials: Sequence[TrackedTrial], folder: Path) -> int:
    """Write trials as offline runs, without a network; return how many were new.

    Raises:
        BenchError: The folder cannot be written, or W&B cannot write.
    """
    runs, new = folder / "wandb", 0
    with _writing(folder):
        runs.mkdir(parents=True, exist_ok=True)
    for trial in trials:
        if any(runs.glob(f"offline-run-*-{trial.key}")):
            continue
        # A run has its place once it is whole.
        with _writing(folder), tempfile.TemporaryDirectory(dir=runs, prefix=".writing-") as place:
            try:
                made = _offline_run(trial, Path(place))
            except Exception as error:
                raise BenchError(f"{folder}: W&B cannot write ({_said(error)})") from None
            os.replace(made, runs / made.name)
        new += 1
    return new


def _offline_run(trial: TrackedTrial, folder: Path) -> Path:
    import wandb

    quiet = wandb.Settings(
        console="off",
        disable_code=True,
        disable_git=True,
        silent=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    run = wandb.init(
        project=trial.task,
        name=trial.name,
        id=trial.key,
        dir=folder,
        mode="offline",
        config={**trial.options, "bench": dict(trial.tags)},
        settings=quiet,
    )
    for epoch, seconds, values in trial.epochs:
        clock = {} if seconds is None else {"seconds": seconds}
        run.log({**values, **clock}, step=epoch)
    run.summary.update(dict(trial.figures))
    run.finish(exit_code=0 if trial.is_ok else 1)
    (made,) = folder.glob("wandb/offline-run-*")
    return made


# What they share


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BenchError(
            f"{folder}: cannot be written ({error.strerror or error}); give another folder"
        ) from None


def _file_name(name: str) -> str:
    kept = "".join(c if c.isalnum() or c in "=.-" else "_" for c in name)
    return kept[:100]


def _said(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}", 200)
