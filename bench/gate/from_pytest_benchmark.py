"""Plugins' benchmark tests in files of pytest-benchmark: what is kept there, and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, TypedDict

from bench import documents
from bench.errors import BenchError
from bench.files import read_bounded
from bench.formatting import one_line
from bench.gate.model import Key, Measurement, Side
from bench.metrics import METRICS, PREDICT, TRAIN_STEP
from bench.protocol import OK

#: The name in a benchmark's ``extra_info`` of what ``about`` keeps.
EXTRA = "bench"
#: Raise this when that changes its form.
SCHEMA_VERSION = 1
#: The metrics that have benchmark tests.
BENCHMARKS = (TRAIN_STEP, PREDICT)

#: More than a thousand plugins with a thousand rounds each need.
_LARGEST = 1 << 28
_COMMIT_DIGITS = 12
_LONGEST = 100

Processes = tuple[tuple[float, ...], ...]


class File(TypedDict):
    """What is read of a file; each benchmark is read by itself, for most are others' own."""

    benchmarks: list[Any]
    machine_info: Mapping[str, Any]
    datetime: str


class Counted(TypedDict, total=False):
    """What ``about`` keeps where it is known."""

    parameters: int | None


class About(Counted):
    """What ``about`` keeps beside the rounds of a benchmark."""

    key: Key
    metric: Annotated[str, documents.one_of(METRICS)]
    rounds: list[Annotated[int, documents.Meta(ge=1)]]
    others: Mapping[str, documents.PositiveRounds]
    disturbed: str
    data: str
    settings: Mapping[str, Any]


def about(found: Measurement, metric: str) -> dict[str, Any]:
    """Return what is kept beside the rounds: of what they are, and all that has no benchmark.

    ``rounds`` says how many of the rounds each process made, ``others`` are the rounds of
    metrics that have no benchmark test.

    Args:
        found: What was measured.
        metric: The one whose rounds the benchmark keeps.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "key": asdict(found.key),
        "metric": metric,
        "rounds": [len(process) for process in found.rounds[metric]],
        "others": {
            name: [list(process) for process in found.rounds[name]]
            for name in sorted(found.rounds.keys() - {*BENCHMARKS})
        },
        "parameters": found.parameters,
        "disturbed": found.disturbed,
        "data": found.data,
        "settings": dict(found.settings),
    }


def is_pytest_benchmark(document: Any) -> bool:
    """Say whether a JSON document is one that pytest-benchmark wrote."""
    return isinstance(document, dict) and {"benchmarks", "machine_info"} <= document.keys()


def side_of(path: Path) -> Side:
    """Read the plugins that a file of pytest-benchmark has rounds of.

    Other benchmarks in the file are passed over. The machine is without its name.

    Raises:
        BenchError: The file cannot be read, is damaged, has no plugin, or was saved
            without its data.
    """
    try:
        return from_document(documents.parse(read_bounded(path, _LARGEST), strict=False), path.name)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read: {error.strerror}") from error
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None


def from_document(document: Any, name: str) -> Side:
    """Return the side that a document of pytest-benchmark tells of.

    Args:
        document: As JSON gives it.
        name: How a reader knows the side.

    Raises:
        BenchError: Says which part is wrong; does not name the file.
    """
    if not is_pytest_benchmark(document):
        raise BenchError("is no file of pytest-benchmark")
    file = documents.convert(document, File)
    plugins: dict[Key, Measurement] = {}
    for benchmark in file["benchmarks"]:
        extra = benchmark.get("extra_info") if isinstance(benchmark, dict) else None
        about = extra.get(EXTRA) if isinstance(extra, dict) else None
        if about is not None:
            one = _measured(benchmark, about, _name_of(benchmark))
            plugins[one.key] = _joined(plugins.get(one.key), one)
    if not plugins:
        raise BenchError(
            "has no benchmark of a plugin; "
            "make it with `pytest --benchmark-only --benchmark-autosave --bench-plugins DIR`"
        )
    machine, commit = _machine(file["machine_info"]), _commit(document.get("commit_info"))
    return Side(name, machine, commit, file["datetime"], plugins)


def _measured(benchmark: Mapping[str, Any], kept: Any, where: str) -> Measurement:
    """Return what one benchmark says of its plugin: its own metric, and those without one."""
    if not isinstance(kept, dict) or kept.get("schema_version") != SCHEMA_VERSION:
        raise BenchError(
            f"{where}: its extra_info is not of schema version {SCHEMA_VERSION}; "
            "measure again with this version of the suite"
        )
    found = documents.convert(kept, About, f"{where}: extra_info.{EXTRA}")
    stats = documents.convert(benchmark.get("stats"), dict, f"{where}: stats")
    if "data" not in stats:
        raise BenchError(
            f"{where}: the file has no single rounds; save it with --benchmark-save-data"
        )
    return Measurement(
        found["key"],
        OK,
        rounds={
            found["metric"]: _split(stats["data"], found["rounds"], f"{where}: stats.data"),
            **{name: each for name, each in found["others"].items() if name in METRICS},
        },
        parameters=found.get("parameters"),
        disturbed=found["disturbed"],
        data=found["data"],
        settings=found["settings"],
    )


def _joined(known: Measurement | None, more: Measurement) -> Measurement:
    """Join the two benchmarks of a plugin."""
    if known is None:
        return more
    return replace(known, rounds={**known.rounds, **more.rounds})


def _split(data: Any, counts: list[int], where: str) -> Processes:
    """Return the rounds of each process, which are kept one after the other."""
    numbers = documents.convert(data, list[documents.Positive], where)
    if sum(counts) != len(numbers):
        raise BenchError(f"{where} are not as many rounds as its processes made")
    rest = iter(numbers)
    return tuple(tuple(next(rest) for _ in range(count)) for count in counts)


def _machine(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells machines apart, by the names of ``bench.machine.machine``."""
    cpu = info.get("cpu")
    cpu = cpu if isinstance(cpu, dict) else {}
    release = ".".join(str(info.get("release", "")).split(".")[:2])
    return {
        "system": f"{info.get('system', '')} {release}".strip(),
        "architecture": info.get("machine"),
        "processor": cpu.get("brand_raw") or info.get("processor"),
        "cores": cpu.get("count"),
    }


def _commit(info: Any) -> str:
    identifier = info.get("id") if isinstance(info, dict) else None
    # Outside of a repository it is a word.
    if not isinstance(identifier, str) or not re.fullmatch("[0-9a-f]{12,64}", identifier):
        return ""
    return identifier[:_COMMIT_DIGITS]


def _name_of(benchmark: Mapping[str, Any]) -> str:
    return one_line(str(benchmark.get("fullname")), _LONGEST)
