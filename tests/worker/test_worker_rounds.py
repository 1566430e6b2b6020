"""A measuring job clocks single steps and predictions, and does nothing else of a trial."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from small_job import MODEL, a_small_job, some_data

from bench.protocol import MEASURE, Job, MeasureBudget, Readings
from bench.worker import origin

keras = pytest.importorskip("keras")

SHORT = MeasureBudget(warm_up=3, steps=12, passes=4, examples=40, least=2, seconds=60.0)

NO_WEIGHTS = (
    "def build(task):\n"
    "    from keras import Model\n"
    "    inputs = task.inputs()\n"
    "    return Model(inputs, inputs[:, :1])\n"
)
ESTIMATOR = (
    "def build(task):\n"
    "    class Mean:\n"
    "        def fit(self, inputs, targets): self.mean_ = targets.mean(keepdims=True)\n"
    "        def predict(self, inputs): return self.mean_.repeat(len(inputs))\n"
    "    return Mean()\n"
)


#: Prints the threads that a job's kernels had.
MEASURING = """
import sys
from pathlib import Path
from bench.protocol import Job
from bench.worker.rounds import measure
job = Job.from_json(Path(sys.argv[1]).read_text())
print(measure(job, lambda readings: None).environment["threads"])
"""


class Clock:
    """A clock on which a second passes whenever it is read, half of it with the processor."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def process_time(self) -> float:
        return self.seconds / 2

    def perf_counter(self) -> float:
        self.seconds += 1
        return self.seconds


def a_job(folder: Path, build: str = MODEL, effort: MeasureBudget = SHORT, **training: Any) -> Job:
    hyperparameters = {"units": 4} if build is MODEL else {}
    job = a_small_job(folder / "job", some_data(), build, hyperparameters, **training)
    return replace(job, kind=MEASURE, effort=effort)


def clocked(job: Job) -> tuple[dict[str, list[float]], Any]:
    from bench.worker.rounds import measure

    reported: list[Readings] = []
    outcome = measure(job, reported.append)
    (readings,) = reported
    return dict(readings.rounds), outcome


def test_each_step_and_each_pass_is_a_round(tmp_path):
    rounds, outcome = clocked(a_job(tmp_path))

    counts = {name: len(values) for name, values in rounds.items()}
    assert counts == {
        "start_up": 1,
        "train_step": 12,
        "train_step_cpu": 12,
        "compile": 1,
        "predict": 4,
        "predict_cpu": 4,
        "peak_memory": 1,
    }
    assert all(value >= 0 for values in rounds.values() for value in values)
    assert outcome.status == "ok"
    assert outcome.model["parameters"] == 4 * 4 + 5
    assert outcome.environment["threads"] >= 1
    assert 0 <= outcome.environment["contention"]["others_cpu"] <= 1


def test_kernels_are_clocked_on_one_thread(tmp_path):
    """In a process of its own, since one that has computed keeps its threads."""
    job = tmp_path / "job.json"
    job.write_text(a_job(tmp_path).to_json(), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", MEASURING, str(job)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.split() == ["1"]


def test_threads_that_were_set_outside_are_those_that_are_recorded(monkeypatch):
    """They make other times, and may make other numbers."""
    from bench.worker.backend import worker_environment

    monkeypatch.delenv("TF_NUM_INTEROP_THREADS", raising=False)
    assert "inter_op_threads" not in worker_environment("tensorflow")
    monkeypatch.setenv("TF_NUM_INTEROP_THREADS", "3")
    assert worker_environment("tensorflow")["inter_op_threads"] == 3


def test_nothing_is_scored_or_written(tmp_path):
    job = a_job(tmp_path)
    _, outcome = clocked(job)

    assert outcome.metrics == {}
    assert not Path(job.predictions).exists()


def test_slow_training_and_prediction_end_with_their_time(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.worker.rounds.time", Clock())
    effort = replace(SHORT, least=4, seconds=3.0)
    rounds, _ = clocked(a_job(tmp_path, effort=effort))

    assert rounds["train_step"] == [1.0] * 4  # Three would do for the time, four are the least.
    assert rounds["predict"] == [1000 / 40] * 4
    assert rounds["train_step_cpu"] == [0.5] * 4
    assert rounds["predict_cpu"] == [500 / 40] * 4

    rounds, _ = clocked(a_job(tmp_path / "longer", effort=replace(effort, seconds=7.0)))
    assert len(rounds["train_step"]) == 7


def test_what_the_first_step_takes_beyond_a_later_one_is_compilation(tmp_path, monkeypatch):
    class Slow(Clock):
        def perf_counter(self) -> float:
            # The first reading is the epoch's beginning, the second the first step's end.
            self.seconds += 9 if self.seconds == 1 else 0
            return super().perf_counter()

    monkeypatch.setattr("bench.worker.rounds.time", Slow())
    rounds, _ = clocked(a_job(tmp_path))

    assert rounds["compile"] == [9.0]
    assert rounds["train_step"] == [1.0] * 12


def test_waiting_for_the_input_counts_and_takes_no_processor_time(tmp_path, monkeypatch):
    from bench.worker.batches import TrainingBatches

    gathered = TrainingBatches.gathered

    def slowly(self: Any, numbers: Any) -> Any:
        time.sleep(0.02)
        return gathered(self, numbers)

    monkeypatch.setattr(TrainingBatches, "gathered", slowly)
    rounds, _ = clocked(a_job(tmp_path, effort=replace(SHORT, warm_up=10)))

    waited = np.median(rounds["train_step"]) - np.median(rounds["train_step_cpu"])
    assert float(waited) > 0.01


def test_the_steps_are_those_of_a_trial(tmp_path):
    """As many steps, on the same batches in the same order, leave the same weights."""
    from bench.worker.rounds import clock_training
    from bench.worker.setup import set_up

    job = a_job(tmp_path, epochs=1, steps_per_epoch=15)
    trained = set_up(job)
    trained.learner.fit(trained.train, trained.opened.validation, lambda epoch: None)
    measured = set_up(job)
    clock_training(measured, job)

    for one, other in zip(
        trained.learner.model.get_weights(), measured.learner.model.get_weights(), strict=True
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("build", "epochs"), [(NO_WEIGHTS, 3), (MODEL, 0)])
def test_what_is_not_trained_has_no_training_step(tmp_path, build, epochs):
    rounds, _ = clocked(a_job(tmp_path, build, epochs=epochs))

    assert {*rounds} == {"start_up", "predict", "predict_cpu", "peak_memory"}


def test_an_estimator_s_one_step_is_its_whole_fit(tmp_path):
    rounds, outcome = clocked(a_job(tmp_path, ESTIMATOR))

    assert len(rounds["train_step"]) == len(rounds["train_step_cpu"]) == 1
    assert "compile" not in rounds
    assert len(rounds["predict"]) == 4
    assert outcome.model["parameters"] == 1


def test_a_worker_does_what_kind_of_job_it_is_asked_for(tmp_path):
    from bench.worker.work import outcome_of

    job = a_job(tmp_path)
    sent: list[Any] = []
    outcome = outcome_of(job, sent.append)
    assert [type(message).__name__ for message in sent] == ["WorkerReady", "Readings"]
    assert outcome.status == "ok"

    unknown = outcome_of(replace(job, kind="dance"), sent.append)
    assert unknown.status == "failed"
    assert "knows no job 'dance'" in unknown.reason


def test_a_job_of_a_later_version_is_read_as_far_as_it_is_known():
    from keras_world import a_trial

    job = Job(a_trial(), "plugin.py", "", "task.py", "prepared", "", kind=MEASURE, effort=SHORT)
    text = job.to_json()
    later = text.replace('"warm_up"', '"of_later": 1, "warm_up"').replace("{", '{"later": 1, ', 1)

    assert Job.from_json(text) == job
    assert Job.from_json(later) == job


def test_the_age_of_a_process_is_counted_from_its_start():
    known = time.time() - psutil.Process().create_time()

    assert origin.process_age() == pytest.approx(known, abs=1.5)


def test_start_up_is_the_imports_and_what_came_after_the_fork(monkeypatch):
    ages = iter([4.0, 0.25])
    monkeypatch.setattr(origin, "_before_fork", 0.0)
    monkeypatch.setattr(origin, "process_age", lambda: next(ages))
    origin.note_imports()

    assert origin.start_up() == 4.25
