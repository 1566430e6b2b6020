"""What a results folder holds, and how it differs from that of an undisturbed run."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.protocol import CRASHED, OK
from bench.records.store import Store
from bench.task import Array


@dataclass(frozen=True)
class Outcomes:
    """The ok results of a folder by trial, and everything else that is in it.

    ``results`` holds metrics without clock times and a digest of the predictions;
    ``times_ok`` is how often each trial was done to its end; ``others`` counts the other
    records by status; ``unreadable`` are records or predictions that could not be read.
    """

    results: Mapping[str, Mapping[str, Any]]
    times_ok: Mapping[str, int]
    others: Mapping[str, int]
    unreadable: tuple[str, ...]


def read_outcomes(folder: Path) -> Outcomes:
    """Read a results folder with the predictions of all its records."""
    store = Store(folder)
    contents = store.read()
    results: dict[str, Mapping[str, Any]] = {}
    times_ok: Counter[str] = Counter()
    others: Counter[str] = Counter()
    unreadable = list(contents.unreadable)
    for record in contents.records:
        if record.status != OK:
            others[record.status] += 1
            continue
        name = f"{record.trial} {record.identity[:12]}"
        times_ok[name] += 1
        try:
            predictions = _digest(store.predictions(record))
        except BenchError as error:
            unreadable.append(str(error))
            continue
        results[name] = {"metrics": _without_clock(record.metrics), "predictions": predictions}
    return Outcomes(results, times_ok, others, tuple(unreadable))


def differences(expected: Outcomes, found: Outcomes) -> list[str]:
    """Say in one line each how a folder differs from that of an undisturbed run.

    Records of workers that were killed are no difference: they are the truth.
    """
    lines = [f"cannot be read: {line}" for line in found.unreadable]
    for name, result in expected.results.items():
        if name not in found.results:
            lines.append(f"missing: {name}")
            continue
        lines += [
            f"other {part}: {name}" for part in result if found.results[name][part] != result[part]
        ]
    lines += [f"not asked for: {name}" for name in found.results if name not in expected.results]
    lines += [f"done {times} times: {name}" for name, times in found.times_ok.items() if times > 1]
    lines += [
        f"{count} records are {status}"
        for status, count in found.others.items()
        if status != CRASHED
    ]
    return lines


def _without_clock(metrics: Mapping[str, Any]) -> dict[str, Any]:
    curves = {
        name: curve for name, curve in metrics["curves"].items() if not name.endswith("_seconds")
    }
    return {**metrics, "curves": curves}


def _digest(arrays: Mapping[str, Array]) -> str:
    """Digest arrays: their names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
