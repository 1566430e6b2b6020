"""A small task with files of its own, and folders for it: what the data tests share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DownloadFailed
from bench.registry.tasks import TaskInfo

NUMBERS = b"3\n1\n4\n1\n5\n"
OTHER_NUMBERS = b"2\n7\n1\n8\n"

TASK = '''
"""Numbers, one a line."""

import pathlib

import numpy as np

from bench.errors import DataError
from bench.task import Prepared

CALLS = pathlib.Path(__file__).with_name("calls.txt")


def read(files, official):
    with CALLS.open("a") as calls:
        calls.write("read\\n")
    try:
        values = np.array([int(line) for line in files[0].read_text().split()])
    except ValueError as error:
        raise DataError(f"{files[0]}: {error}; delete it")
    meta = {"official": official, "files": len(files), "range": (values.min(), values.max())}
    return Prepared({"values": values, "none": values[:0], "mean": np.array(values.mean())}, meta)


def synthesise():
    with CALLS.open("a") as calls:
        calls.write("synthesise\\n")
    return Prepared({"values": np.arange(10)}, {"made": True})


IS_OFFICIAL
'''


@dataclass(frozen=True)
class World:
    """A task, the folder its raw files are looked for in, and the cache folder."""

    info: TaskInfo
    data: Path
    cache: Path

    def calls(self) -> list[str]:
        """Return which of ``read`` and ``synthesise`` have been called so far."""
        path = self.info.path.with_name("calls.txt")
        return path.read_text().split() if path.exists() else []

    def put(self, name: str, content: bytes = NUMBERS) -> Path:
        """Write a file into the data folder."""
        self.data.mkdir(exist_ok=True)
        path = self.data / name
        path.write_bytes(content)
        return path

    def declare(self, **fields: Any) -> World:
        """Return the world with another declaration of its task."""
        return replace(self, info=replace(self.info, **fields))


def make_world(folder: Path, monkeypatch: pytest.MonkeyPatch, is_official: str = "") -> World:
    """Write the task and point the suite's folders into ``folder``; nothing is there yet."""
    tasks = folder / "tasks"
    tasks.mkdir()
    path = tasks / "numbers.py"
    path.write_text(TASK.replace("IS_OFFICIAL", is_official).strip() + "\n")
    data, cache = folder / "data", folder / "cache"
    monkeypatch.setenv("BENCH_DATA_DIR", str(data))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.delenv("BENCH_OFFLINE", raising=False)
    info = TaskInfo(
        name="numbers",
        path=path,
        description="Numbers, one a line.",
        version=1,
        metric="mae",
        direction="min",
        loss="mean_absolute_error",
        baseline="numbers_zero",
        units={"mae": "1"},
        groups="numbers",
        view={},
        choices={},
        training={},
        profiles={},
        official=[[official_file("numbers.txt", NUMBERS)]],
        local=[["numbers.txt"], ["mine*.txt", "notes.txt?"], ["archive"]],
        synthetic="1",
    )
    return World(info, data, cache)


def official_file(
    name: str, content: bytes, url: str = "http://127.0.0.1:9", algorithm: str = "sha256"
) -> dict[str, Any]:
    """Return the declaration of an official file with this content."""
    digest = hashlib.new(algorithm, content).hexdigest()
    return {"name": name, "url": f"{url}/{name}", algorithm: digest, "size": len(content)}


def no_connection(info: TaskInfo, folder: Path) -> None:
    """Fail like a download without a network."""
    raise DownloadFailed(f"{info.name}: no network", "download failed (no connection)")


def delivers(content: bytes) -> Callable[[TaskInfo, Path], None]:
    """Return a download that succeeds."""

    def download(info: TaskInfo, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "numbers.txt").write_bytes(content)

    return download


def forbidden(info: TaskInfo, folder: Path) -> None:
    """Fail a test that ought not to download."""
    raise AssertionError("a download was tried")
