"""Do planning and reporting grow as their trials do, and no faster?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.plan.plan import Planned, Request, make_plan
from bench.protocol import FAILED, OK
from bench.records.record import Record
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.runs.jobs import plan_context_of
from campaigns.benchmarks.reported import report
from tests.builders import Source, a_record, a_task, beside, record_of

SIZES = (2_500, 5_000, 10_000)
#: Seconds that the largest size may take.
PLAN_SECONDS, REPORT_SECONDS = 2.0, 10.0
#: Twice the trials may take twice as long, and a quarter more.
GROWTH = 2.5
#: Each size is measured so often at most, in turn with the others; the quickest counts.
ROUNDS = 3
EPOCHS = 40
LOG = "".join(f"E0000 00:00:17952660{n} a library's complaint about a device\n" for n in range(10))


@dataclass(frozen=True)
class Cost:
    """What one work took: seconds of the clock and of the processor, and GiB if they are known.

    Bounds are on the clock, as a user waits by it; growth is told by the processor, which
    other work on the machine disturbs less.
    """

    seconds: float
    busy: float
    gibibytes: float | None = None


Work = Callable[[], Cost]


@dataclass(frozen=True)
class Shape:
    """A store of ``plugins`` in each of two tasks, all of which were run with ``seeds``."""

    plugins: int
    seeds: int

    def records(self) -> Iterator[Record]:
        """Make for each seed of each plugin a record that answers, and one that does not.

        Of five that do not, three were replaced by a newer result, one is of an older
        source, and one is a later failure.
        """
        for task in ("imdb", "jena"):
            for plugin in range(self.plugins):
                for seed in range(self.seeds):
                    yield from _tried(task, f"{task}_{plugin:04}", seed, 0.2 + 1e-5 * plugin)


def measure(rounds: int) -> bool:
    """Print what planning and reporting take at each size; say whether the bounds hold."""
    rounds = min(rounds, ROUNDS)
    print(f"The least of {rounds} interleaved rounds\n")
    return all([_reports(rounds), _plans(rounds)])


def _reports(rounds: int) -> bool:
    kinds = {
        "more plugins": {size: Shape(size // 20, 5) for size in SIZES},
        "more seeds": {size: Shape(25, size // 100) for size in SIZES},
    }
    held = []
    for kind, shapes in kinds.items():
        with tempfile.TemporaryDirectory() as folder:
            stores = {size: Path(folder) / str(size) for size in SIZES}
            for size, store in stores.items():
                fill(store, shapes[size])
            works = {size: partial(_report, store) for size, store in stores.items()}
            held.append(_told(f"bench report, {kind}", works, rounds, REPORT_SECONDS))
    return all(held)


def _plans(rounds: int) -> bool:
    planners = {size: _Planner.of(size) for size in SIZES}
    empty = {size: partial(planner.cost, {}) for size, planner in planners.items()}
    known = {size: partial(planner.cost, planner.records()) for size, planner in planners.items()}
    return all(
        [
            _told("make_plan, an empty store", empty, rounds, PLAN_SECONDS),
            _told("make_plan, all recorded", known, rounds, PLAN_SECONDS),
        ]
    )


def _told(title: str, works: Mapping[int, Work], rounds: int, most: float) -> bool:
    """Do a work at each size and print a table; say whether it holds its bounds."""
    taken = _least(works, rounds)
    growth = [0.0, *(taken[large].busy / taken[small].busy for small, large in pairwise(taken))]
    rows = [
        [
            f"{size:,}",
            f"{cost.seconds:.2f}",
            f"{cost.busy:.2f}",
            f"{1000 * cost.busy / size:.3f}",
            f"{grown:.2f}" if grown else "",
            "" if cost.gibibytes is None else f"{cost.gibibytes:.2f}",
        ]
        for (size, cost), grown in zip(taken.items(), growth, strict=True)
    ]
    heads = ["trials", "seconds", "of the processor", "per 1,000", "growth", "peak GiB"]
    right = ("right",) * len(heads)
    print(title, tabulate(rows, heads, "github", disable_numparse=True, colalign=right), sep="\n\n")
    held = max(cost.seconds for cost in taken.values()) <= most and max(growth) <= GROWTH
    print(f"\n{'within' if held else 'BEYOND'} {most:g} s, and {GROWTH:g} times a doubling\n")
    return held


def _least(works: Mapping[int, Work], rounds: int) -> dict[int, Cost]:
    """Return the least seconds of each size, and the most memory."""
    taken: dict[int, list[Cost]] = {size: [] for size in works}
    for _ in range(rounds):
        for size, work in works.items():
            taken[size].append(work())
    return {
        size: Cost(
            min(cost.seconds for cost in found),
            min(cost.busy for cost in found),
            max((cost.gibibytes for cost in found if cost.gibibytes is not None), default=None),
        )
        for size, found in taken.items()
    }


def _report(store: Path) -> Cost:
    found = report(store)
    return Cost(found.seconds, found.busy, found.gibibytes)


def fill(folder: Path, shape: Shape) -> None:
    """Write the files of a store, as ``Store.write`` does; what that takes is not measured."""
    for record in shape.records():
        inside = folder / record.trial.task / record.trial.plugin
        inside.mkdir(parents=True, exist_ok=True)
        name = f"{record.finished.replace(':', '')}-{record.identity[:12]}.json"
        (inside / name).write_text(record.to_json(), encoding="ascii")


def _tried(task: str, plugin: str, seed: int, quality: float) -> Iterator[Record]:
    """Make the two records of one seed of a plugin."""

    def record(minute: int, **parts: Any) -> Record:
        changes = {"task": task, **parts.pop("trial", {})}
        made = a_record(plugin, quality, seed=seed, minute=minute, trial=changes, **parts)
        return _as_long_as_real(made)

    kind = seed % 5
    if kind == 0:
        yield record(1, trial={"plugin_sha256": "0ld"})
        yield record(2)
    elif kind == 1:
        yield record(2)
        yield record(3, status=FAILED, reason="ValueError: out of luck")
    else:
        yield record(1)
        yield record(2)


def _as_long_as_real(record: Record) -> Record:
    """Give a record curves of many epochs, a log, and as much of its data as a real one has."""
    scores = [0.3 + 0.1234567890123 / (epoch + 1) for epoch in range(EPOCHS)]
    seconds = [2.0000123456789 + 1e-3 * epoch for epoch in range(EPOCHS)]
    curves = {
        "train_loss": scores,
        f"train_{record.data['metric']['name']}": scores,
        f"validation_{record.data['metric']['name']}": scores,
        "epoch_seconds": seconds,
        "elapsed_seconds": [*accumulate(seconds)],
    }
    return replace(
        beside(record),
        metrics={**record.metrics, "curves": curves} if record.status == OK else {},
        data={**record.data, "meta": {f"count_{number}": number for number in range(40)}},
        log=LOG,
    )


def planned_trials(trials: int) -> list[Planned]:
    """Plan so many trials of plugins that are made up, of which none is recorded."""
    return _Planner.of(trials).plan({})


@dataclass(frozen=True)
class _Planner:
    """Plugins that are planned with 100 seeds each; what is installed is really looked up."""

    plugins: tuple[Plugin, ...]
    request: Request

    @classmethod
    def of(cls, trials: int) -> _Planner:
        """Make as many plugins as it takes."""
        made = (
            Plugin(
                name=f"jena_{number:04}",
                path=Path(f"jena_{number:04}.py"),
                task="jena",
                hyperparameters={"units": 32, "dropout": 0.2, "epochs": 40, "lookback": 720},
                build_parameters=("units", "dropout"),
                needs=("sklearn",) if number % 10 == 0 else (),
                sha256=f"{number:064x}",
            )
            for number in range(trials // 100)
        )
        return cls(tuple(made), Request(seeds=tuple(range(100))))

    def records(self) -> dict[str, Record]:
        """Make a record that answers for each trial."""
        return {planned.trial.identity: record_of(planned) for planned in self.plan({})}

    def cost(self, latest: Mapping[str, Record]) -> Cost:
        """Plan, and return what it took."""
        started, busy = time.perf_counter(), time.process_time()
        self.plan(latest)
        return Cost(time.perf_counter() - started, time.process_time() - busy)

    def plan(self, latest: Mapping[str, Record]) -> list[Planned]:
        task = a_task()
        surroundings = replace(
            plan_context_of({}),
            sources={task.name: Source()},
            training_examples=lambda task, view: 200_000,
        )
        registry = Registry({task.name: task}, self.plugins)
        return make_plan(self.plugins, registry, self.request, surroundings, latest)
