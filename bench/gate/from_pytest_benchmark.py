"""Plugins' benchmark tests in files of pytest-benchmark: what is kept there, and read back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import read_bounded
from bench.formatting import one_line
from bench.gate.model import Key, Measurement, Side
from bench.metrics import METRICS, PREDICT, TRAIN_STEP
from bench.protocol import OK
from bench.values import is_a

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
        return from_document(json.loads(read_bounded(path, _LARGEST)), path.name)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: is not a whole JSON document ({error})") from None
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
    plugins: dict[Key, Measurement] = {}
    for benchmark in _part(document, "benchmarks", list, "the file"):
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
    return Side(
        name,
        _machine(_part(document, "machine_info", dict, "the file")),
        _commit(document.get("commit_info")),
        _part(document, "datetime", str, "the file"),
        plugins,
    )


def _measured(benchmark: Mapping[str, Any], about: Any, where: str) -> Measurement:
    """Return what one benchmark says of its plugin: its own metric, and those without one."""
    if not isinstance(about, dict) or about.get("schema_version") != SCHEMA_VERSION:
        raise BenchError(
            f"{where}: its extra_info is not of schema version {SCHEMA_VERSION}; "
            "measure again with this version of the suite"
        )
    stats = _part(benchmark, "stats", dict, where)
    if "data" not in stats:
        raise BenchError(
            f"{where}: the file has no single rounds; save it with --benchmark-save-data"
        )
    key = _part(about, "key", dict, where)
    names = [field.name for field in fields(Key)]
    metric = _part(about, "metric", str, where)
    if metric not in METRICS:
        raise BenchError(f"{where}: {metric!r:.40} is no metric")
    rounds = {metric: _split(stats["data"], _part(about, "rounds", list, where), where)}
    for other, processes in _part(about, "others", dict, where).items():
        if other in METRICS:
            rounds[other] = _processes(processes, where)
    parameters = about.get("parameters")
    if parameters is not None and not is_a(parameters, int):
        raise BenchError(f"{where}: parameters must be a whole number")
    return Measurement(
        Key(*(_part(key, name, str, where) for name in names)),
        OK,
        rounds=rounds,
        parameters=parameters,
        disturbed=_part(about, "disturbed", str, where),
        data=_part(about, "data", str, where),
        settings=_part(about, "settings", dict, where),
    )


def _joined(known: Measurement | None, more: Measurement) -> Measurement:
    """Join the two benchmarks of a plugin."""
    if known is None:
        return more
    return replace(known, rounds={**known.rounds, **more.rounds})


def _split(data: Any, counts: list[Any], where: str) -> Processes:
    """Return the rounds of each process, which are kept one after the other."""
    if (
        not isinstance(data, list)
        or not all(is_a(count, int) and count > 0 for count in counts)
        or sum(counts) != len(data)
    ):
        raise BenchError(f"{where}: its rounds are not as many as its processes made")
    rest = iter(data)
    return _processes([[next(rest) for _ in range(count)] for count in counts], where)


def _processes(processes: Any, where: str) -> Processes:
    if not isinstance(processes, list) or not all(map(_are_rounds, processes)):
        raise BenchError(f"{where}: its rounds must be lists of positive numbers")
    return tuple(tuple(map(float, each)) for each in processes)


def _are_rounds(process: Any) -> bool:
    return (
        isinstance(process, list)
        and len(process) > 0
        and all(is_a(value, float) and 0 < value < math.inf for value in process)
    )


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


def _part(whole: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    part = whole.get(name)
    if not isinstance(part, kind):
        raise BenchError(f"{where}: {name} is missing or damaged")
    return part
