"""The benchmark tests of plugin files: measured in fresh processes, kept by pytest-benchmark.

A worker measures the rounds, since only a fresh process tells what a plugin costs. The test
gives them to pytest-benchmark's own fixture with a clock that shows them again, so that its
table, its storage and its comparisons are those of any other benchmark.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from bench.errors import BenchError

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from bench.gate.measure import Sample, Sampling
    from bench.gate.model import Measurement
    from bench.registry.discover import Registry


class Benchmarks:
    """Measures plugins for their benchmark tests; each once, whichever test comes first.

    ``project`` is the root folder of pytest's run. ``processes`` is how many fresh ones measure
    each plugin: rounds of one process share
    its memory layout, and tell nothing of the noise between processes.
    """

    def __init__(
        self, project: Path, folders: list[Path], datasets: list[Path], processes: int
    ) -> None:
        self._datasets = datasets
        self._project = project
        self._folders = folders
        self._processes = processes
        self._registry: Registry | None = None
        self._sampler: Sampling | None = None
        self._measured: dict[Path, Measurement] = {}

    def measured(self, path: Path, once: bool = False) -> Measurement:
        """Measure a plugin file; with ``once`` in one process, to see that it can be done.

        Raises:
            BenchError: The file is broken, or the data cannot be made.
        """
        from bench.gate.measure import joined

        if path not in self._measured:
            samples = self._samples(path, 1 if once else self._processes)
            self._measured[path] = joined(samples)
        return self._measured[path]

    def pytest_unconfigure(self) -> None:
        """End the running worker, if pytest is interrupted, and what starts workers."""
        if self._sampler is not None:
            self._sampler.close()

    def _samples(self, path: Path, processes: int) -> list[Sample]:
        from bench.data.prepared import say_on_stderr
        from bench.gate.measure import Sampler
        from bench.gate.model import Conditions
        from bench.protocol import OK
        from bench.registry.project import registry_of
        from bench.registry.source_tree import Folders
        from bench.runs.executor import LocalExecutor
        from bench.runs.preparation import prepare_here

        if self._registry is None or self._sampler is None:
            asked = Folders(tuple(self._folders), tuple(self._datasets))
            self._registry = registry_of(asked, folder=self._project)
            conditions = Conditions(source="synthetic")
            prepare = prepare_here(conditions.source, {}, say_on_stderr)
            self._sampler = Sampler(self._registry, LocalExecutor(), conditions, prepare)
        plugin, *_ = self._registry.select([str(path)])  # Of several tasks, the first.
        if plugin.problems:
            raise BenchError("; ".join(map(str, plugin.problems)))
        samples: list[Sample] = []
        while len(samples) < processes and all(each.status == OK for each in samples):
            if samples:
                self._sampler.renew()
            samples.append(self._sampler.sample(plugin))
        return samples


class BenchmarkFile(pytest.Module):
    """A plugin file: one test a metric. A module in name only, as fixtures want one."""

    def __init__(self, *, benchmarks: Benchmarks, **rest: Any) -> None:
        super().__init__(**rest)
        self._benchmarks = benchmarks
        # Else pytest would import the file.
        self.obj = ModuleType(self.path.stem)

    def collect(self) -> Iterable[pytest.Item]:
        """Return the two tests; the file is not even read."""
        from bench.gate.from_pytest_benchmark import BENCHMARKS

        return [self._test(metric) for metric in BENCHMARKS]

    def _test(self, metric: str) -> pytest.Item:
        replay = Replay()

        @pytest.mark.benchmark(timer=replay.measured_in_worker)
        def test(benchmark: Any) -> None:
            _replay(self._benchmarks, self.path, metric, replay, benchmark)

        return BenchmarkTest.from_parent(self, name=metric, callobj=test)


class BenchmarkTest(pytest.Function):
    """One metric of one plugin."""

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any
    ) -> str | TerminalRepr:
        """Tell the reason on one line: a traceback through this module helps nobody."""
        from bench.formatting import one_line

        if isinstance(excinfo.value, BenchError):
            return one_line(str(excinfo.value))
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where the test is."""
        return self.path, None, f"{self.path.name}: {self.name}"


class Replay:
    """A clock that shows rounds again: each begins at 0 and ends at its seconds."""

    def __init__(self) -> None:
        self._now = 0.0
        self._rounds = cycle([0.0])

    def load(self, rounds: Iterable[float]) -> None:
        """Take the rounds that are to be shown, in seconds; after the last comes the first."""
        self._rounds = cycle(rounds)

    def restart(self) -> None:
        """Begin a round."""
        self._now = 0.0

    def advance(self) -> None:
        """End it."""
        self._now = next(self._rounds)

    def measured_in_worker(self) -> float:
        """Return the seconds since the round began; the name is what reports call the timer."""
        return self._now


def _replay(
    benchmarks: Benchmarks, path: Path, metric: str, replay: Replay, benchmark: Any
) -> None:
    """Give what was measured to pytest-benchmark's fixture.

    Raises:
        BenchError: The plugin could not be measured.
    """
    from bench.gate.from_pytest_benchmark import EXTRA, about
    from bench.protocol import OK, SKIPPED

    try:
        found = benchmarks.measured(path, once=benchmark.disabled)
        if found.status not in (OK, SKIPPED):
            raise BenchError(f"{found.status}: {found.reason}")
    except BenchError as error:
        # Left unused, the fixture would add an error of its own to the failure.
        benchmark.pedantic(_refuse, args=(error,))
        raise
    if found.status == SKIPPED:
        pytest.skip(found.reason)
    rounds = [seconds for process in found.rounds.get(metric, ()) for seconds in process]
    if not rounds:
        pytest.skip(f"{found.key.label} has no {metric.replace('_', ' ')}")
    replay.load(rounds)
    # A table has one metric; its rows differ by the part in brackets.
    benchmark.name = f"{metric}[{found.key.label}]"
    benchmark.group = f"{found.key.task} {metric}"
    benchmark.extra_info[EXTRA] = about(found, metric)
    benchmark.pedantic(replay.advance, setup=replay.restart, rounds=len(rounds))


def _refuse(error: BenchError) -> None:
    raise error
