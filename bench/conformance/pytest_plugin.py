"""The contract as tests: in a repository of plugins, pytest makes each check of each file.

``bench_plugins = plugins`` in pytest's configuration, or ``--bench-plugins DIR``, names the
folders. Without either this module does nothing, and imports next to nothing, since pytest
loads it wherever the suite is installed. Where pytest-benchmark is installed as well, each
file also has benchmark tests: in place of the checks with ``--benchmark-only``, beside them
with ``--bench-benchmark``.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from bench.conformance.examiner import Examiner
    from bench.conformance.pytest_benchmarks import Benchmarks
    from bench.protocol import Verdict
    from bench.registry.discover import Registry

_OPTION = "bench_plugins"
_DATASETS = "bench_datasets"
_PROCESSES = "bench_processes"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option and the setting."""
    meaning = "Folder of bench plugins to check."
    parser.addini(_OPTION, meaning, type="paths", default=[])
    parser.addini(_DATASETS, "Folder of the tasks of bench plugins.", type="paths", default=[])
    parser.addini(_PROCESSES, "Fresh processes that measure a bench plugin.", default="3")
    group = parser.getgroup("bench")
    group.addoption(
        "--bench-benchmark",
        action="store_true",
        help="Collect the benchmark tests of bench plugins beside their contract.",
    )
    group.addoption(
        "--bench-plugins",
        action="append",
        default=[],
        type=Path,
        metavar="DIR",
        help=f"{meaning} May be repeated.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Take over the collection of the folders that are named, if any is."""
    given = [config.invocation_params.dir / path for path in config.getoption(_OPTION)]
    folders = [path.resolve() for path in [*config.getini(_OPTION), *given]]
    datasets = [path.resolve() for path in config.getini(_DATASETS)]
    for option, folder in [*((_OPTION, f) for f in folders), *((_DATASETS, f) for f in datasets)]:
        if not folder.is_dir():
            raise pytest.UsageError(f"{option}: {folder} is not a folder")
    benchmarks = _benchmarks(config, folders)
    if folders:
        tests = ContractTests(config, folders, benchmarks)
        config.pluginmanager.register(tests, "bench-contract")


def _benchmarks(config: pytest.Config, folders: list[Path]) -> Benchmarks | None:
    """Return what measures plugins, if pytest-benchmark is there and benchmarks are wanted."""
    beside = config.getoption("bench_benchmark")
    only = config.getoption("benchmark_only", None)
    if beside and not folders:
        raise pytest.UsageError(f"--bench-benchmark: name a folder of plugins with {_OPTION}")
    if beside and only is None:
        raise pytest.UsageError(
            "--bench-benchmark needs pytest-benchmark; install it with pip install pytest-benchmark"
        )
    if not folders or not (only or beside):
        return None
    from bench.conformance.pytest_benchmarks import Benchmarks

    processes = config.getini(_PROCESSES)
    if not processes.isdecimal() or int(processes) < 1:
        raise pytest.UsageError(f"{_PROCESSES}: {processes!r} is no whole number from 1")
    # Without the single rounds a kept file cannot be judged.
    config.option.benchmark_save_data = True
    benchmarks = Benchmarks(config.rootpath, folders, config.getini(_DATASETS), int(processes))
    config.pluginmanager.register(benchmarks, "bench-benchmarks")
    return benchmarks


class ContractTests:
    """Collects plugin files as tests, and keeps one examiner for all of them."""

    def __init__(
        self, config: pytest.Config, folders: list[Path], benchmarks: Benchmarks | None
    ) -> None:
        self._folders = folders
        self._project = config.rootpath
        self._datasets = config.getini(_DATASETS)
        self._benchmarks = benchmarks
        self._checks = not config.getoption("benchmark_only", False)
        self._registry: Registry | None = None
        self._examiner: Examiner | None = None
        if config.args_source is not config.ArgsSource.ARGS:
            # Nobody said what to collect: the folders belong to it, wherever they are.
            known = [config.invocation_params.dir.joinpath(word).resolve() for word in config.args]
            config.args += [str(f) for f in folders if not any(map(f.is_relative_to, known))]

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> Generator[None, Any, Any]:
        """Collect a plugin file here and nowhere else: pytest itself would import it."""
        collected = yield
        if file_path.suffix != ".py" or file_path.parent.resolve() not in self._folders:
            return collected
        if file_path.name[0] in "_.":
            return []
        files: list[pytest.Collector] = []
        if self._checks:
            files.append(PluginFile.from_parent(parent, path=file_path, tests=self))
        if self._benchmarks is not None:
            from bench.conformance.pytest_benchmarks import BenchmarkFile

            benchmarks = self._benchmarks
            files.append(BenchmarkFile.from_parent(parent, path=file_path, benchmarks=benchmarks))
        return files

    def verdicts(self, path: Path) -> list[Verdict]:
        """Run the checks of a plugin file.

        Raises:
            BenchError: The file is gone, or the data cannot be made.
        """
        from bench.conformance.examiner import Examiner
        from bench.data.prepared import say_on_stderr
        from bench.registry.project import registry_of
        from bench.registry.source_tree import Folders
        from bench.runs.executor import LocalExecutor

        if self._registry is None or self._examiner is None:
            asked = Folders(tuple(self._folders), tuple(self._datasets))
            self._registry = registry_of(asked, folder=self._project)
            self._examiner = Examiner(self._registry, LocalExecutor(), say_on_stderr)
        plugins = self._registry.select([str(path)])
        return [verdict for each in plugins for verdict in self._examiner.examine(each)]

    def pytest_unconfigure(self) -> None:
        """End the running worker, if pytest is interrupted, and what starts workers."""
        if self._examiner is not None:
            self._examiner.close()


class PluginFile(pytest.File):
    """A plugin file: one test a check. Its worker is run when the first of them is."""

    def __init__(self, *, tests: ContractTests, **rest: Any) -> None:
        super().__init__(**rest)
        self._tests = tests
        self._verdicts: dict[str, Verdict] = {}

    def collect(self) -> Iterable[pytest.Item]:
        """Return a test for each check; the file is not even read."""
        from bench.protocol import CHECKS

        return [ContractCheck.from_parent(self, name=check) for check in CHECKS]

    def verdicts(self) -> dict[str, Verdict]:
        """Return what came of each check."""
        for verdict in [] if self._verdicts else self._tests.verdicts(self.path):
            known = self._verdicts.get(verdict.check)
            # Of a plugin for several tasks, the one where it fails is told.
            if known is None or (known.good and not verdict.good):
                self._verdicts[verdict.check] = verdict
        return self._verdicts


class ContractCheck(pytest.Item):
    """One check of one plugin."""

    parent: PluginFile

    def runtest(self) -> None:
        """Pass, skip or fail, as the check did."""
        from bench.protocol import FAILED, NOT_REACHED, SKIPPED

        verdicts = self.parent.verdicts()
        verdict = verdicts[self.name]
        if verdict.status == SKIPPED:
            pytest.skip(verdict.reason)
        if verdict.status == FAILED:
            raise BrokenContract(verdict.reason)
        if verdict.status == NOT_REACHED:
            # Asked for alone, this test has nobody else to tell why.
            why = next((v.reason for v in verdicts.values() if v.status == FAILED), "")
            raise BrokenContract(f"{NOT_REACHED}: {verdict.reason}: {why}")

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], *_: Any
    ) -> str | TerminalRepr:
        """Tell the reason on one line: a traceback through this module helps nobody."""
        from bench.errors import BenchError
        from bench.formatting import one_line

        if isinstance(excinfo.value, BrokenContract | BenchError):
            return one_line(str(excinfo.value))
        return super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Say where the test is."""
        return self.path, None, f"{self.path.name}: {self.name}"


class BrokenContract(Exception):
    """A check of a plugin's contract failed, or could not be reached."""
