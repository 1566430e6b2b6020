"""Data that a worker prepares, of another revision say: what it tells is what there is here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.data.ready import PreparedTask
from bench.protocol import DataReady, Event, Finished, Job, Outcome, decode, encode
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.tasks import discover_tasks
from bench.runs.preparation import PrepareThere, prepare_here
from bench.worker.prepare import prepare_data

TASK = discover_tasks()["jena"]
SMALL = {"lookback": 24, "step": 6}


@dataclass
class Here:
    """An executor whose worker is this process; ``earlier`` is one that knows no answers."""

    earlier: bool = False
    slots: int = 1
    _waiting: list[Job] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self._waiting.append(Job.from_json(job.to_json()))

    def events(self) -> Iterator[Event]:
        while self._waiting:
            job, sent = self._waiting.pop(), []
            outcome = prepare_data(job, sent.append)
            if self.earlier:
                Path(job.predictions).unlink()
            for message in sent:
                yield job, self._as_sent(message)
            yield job, Finished(outcome, "")

    def cancel(self) -> None:
        pass

    def _as_sent(self, message: Any) -> Any:
        if self.earlier and isinstance(message, DataReady):
            examples = [{"examples": each["examples"]} for each in message.examples]
            message = DataReady(message.folder, message.description, examples)
        found = decode(encode(message))
        assert not isinstance(found, Outcome)
        return found


@pytest.fixture
def there(weather: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A plugin with a small view, and the small weather file in the data folder."""
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    shutil.copy(weather, tmp_path / "data" / "jena_small.csv")
    plugin = Plugin("small", Path("small.py"), task="jena", hyperparameters=SMALL)
    return Registry({"jena": TASK}, (plugin,))


def prepared(registry: Registry, executor: Here) -> PreparedTask:
    prepare = PrepareThere(executor, registry, "local", "tensorflow", "HEAD~1", lambda line: None)
    return prepare(TASK)


def test_a_worker_tells_the_counts_and_what_predictions_are_scored_against(there):
    view = {**TASK.view, **SMALL}
    here = prepare_here("local", {}, lambda line: None)(TASK)
    found = prepared(there, Here())

    assert found.training_examples(view) == here.training_examples(view)
    one, other = found.answers(view), here.answers(view)
    assert one is not None
    assert other is not None
    assert one.units == other.units
    for name in ("validation", "test"):
        for part in ("targets", "groups"):
            ours, theirs = (getattr(getattr(each, name), part) for each in (one, other))
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs)
    assert np.isfinite(one.test.targets).all()


def test_a_worker_of_an_earlier_revision_scores_its_trials_itself(there):
    view = {**TASK.view, **SMALL}
    found = prepared(there, Here(earlier=True))

    assert found.training_examples(view) > 0
    assert found.answers(view) is None
