"""``python -m campaigns.speed.plain SPECIFICATION OUTCOME``: a script without the suite.

It feeds, trains and scores a model the way the reference material does: arrays in memory or
a generator in Python, ``fit`` with its own validation, ``evaluate`` at the end. It takes the
model from the plugin's ``build``, so that both sides train the same, and nothing else of
the suite. Clocks and scores are written to OUTCOME as JSON.
"""

from __future__ import annotations

import json
import resource
import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from .plain_imdb import Reviews
from .plain_jena import Series, at_random, in_order
from .specification import Specification


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes when steps, epochs and validation passes end."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[float] = []
        self.epochs: list[float] = []
        self.validations: list[float] = []
        self._began = self._last = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._began = self._last = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        self.steps.append(now - self._last)
        self._last = now

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # Keras validates between an epoch's last batch and its end.
        self.epochs.append(self._last - self._began)
        self.validations.append(time.perf_counter() - self._last)


def main() -> None:
    """Train, score, and write down what it took."""
    specification = Specification.from_json(Path(sys.argv[1]).read_text(encoding="utf-8"))
    data, clock = specification.data, Clock()
    started = time.perf_counter()
    if isinstance(data, Series):
        training, validation, test = feed_series(specification, data)
    else:
        training, validation, test = feed_reviews(specification, data)
    read = time.perf_counter() - started
    model = _model(specification)
    model.fit(
        **training,
        epochs=specification.work.epochs,
        **{f"validation_{name}": value for name, value in validation.items()},
        callbacks=[clock],
        verbose=0,
    )
    started = time.perf_counter()
    loss, score = model.evaluate(**test, verbose=0)
    outcome = {
        "steps": clock.steps,
        "epochs": clock.epochs,
        "validations": clock.validations,
        "evaluate": time.perf_counter() - started,
        "read": read,
        "peak": _peak(),
        "scores": {"loss": float(loss), specification.metric: float(score)},
    }
    Path(sys.argv[2]).write_text(json.dumps(outcome), encoding="utf-8")


def _model(specification: Specification) -> keras.Model:
    facts, shape = dict(specification.facts), specification.input_shape
    task = SimpleNamespace(
        inputs=lambda: keras.Input(shape, dtype=specification.input_dtype),
        input_shape=shape,
        input_dtype=specification.input_dtype,
        **facts,
    )
    model = runpy.run_path(specification.plugin)["build"](task, **specification.options)
    model.compile(
        optimizer=keras.optimizers.get(dict(specification.optimizer)),
        loss=specification.loss,
        metrics=[specification.metric],
        jit_compile=specification.jit_compile,
    )
    return model


def feed_series(specification: Specification, series: Series) -> list[dict[str, Any]]:
    """Return the arguments of fit, of its validation (without the prefix) and of evaluate."""
    table = series.read()
    limits, batch, work = series.limits(len(table)), specification.batch_size, specification.work
    return [
        {
            "x": at_random(table, series, limits["train"], batch),
            "steps_per_epoch": work.steps,
        },
        {
            "data": in_order(table, series, limits["validation"], batch),
            "steps": work.validated // batch,
        },
        {
            "x": in_order(table, series, limits["test"], batch),
            "steps": work.scored // batch,
        },
    ]


def feed_reviews(specification: Specification, reviews: Reviews) -> list[dict[str, Any]]:
    """Return the arguments as above; fit sees as many examples as the steps of an epoch take."""
    read, work, batch = reviews.read(), specification.work, specification.batch_size
    lists, labels = read["train"]
    lists = lists[: specification.training_examples]
    seen = slice(min(len(lists), work.steps * batch))
    x_train, y_train = reviews.encode(lists), labels[: len(lists)]
    lists, labels = read["validation"]
    kept = slice(work.validated)
    validation = reviews.encode(lists[kept]), labels[kept]
    lists, labels = read["test"]
    kept = slice(work.scored)
    return [
        {"x": x_train[seen], "y": np.asarray(y_train[seen]), "batch_size": batch},
        {"data": validation},
        {"x": reviews.encode(lists[kept]), "y": labels[kept], "batch_size": batch},
    ]


def _peak() -> int:
    """Return the largest resident set of this process so far, in bytes.

    What getrusage(2) tells is also of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


if __name__ == "__main__":
    main()
