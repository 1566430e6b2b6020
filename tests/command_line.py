"""``python -m bench`` in the test's own process."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from bench.cli import main
from bench.records.record import Record
from bench.records.store import Store


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command line; return its exit status and what it printed on either stream."""
    status = _status_of(*words)
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def run_here(
    folder: Path, settings: Mapping[str, str], *words: object
) -> subprocess.CompletedProcess[str]:
    """Run a command line as ``python -m bench`` would in a folder, with more in its environment."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        patch.setattr("sys.argv", ["bench", *map(str, words)])
        with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            status = _status_of(*words)
    out, err = (stream.buffer.getvalue().decode() for stream in streams)
    return subprocess.CompletedProcess([*words], status, out, err)


def _status_of(*words: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, words)])
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def report_on(
    records: Iterable[Record],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *words: object,
) -> tuple[int, str, str]:
    """Run ``report`` on some records; return what ``call`` does."""
    for record in records:
        Store(folder).write(record)
    return call(capsys, "report", "--results", folder, *words)


def complaint(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run a command line that is wrong; return its one line of error."""
    status, out, err = call(capsys, *words)
    last = err.rstrip("\n").splitlines()[-1]
    assert (status, out) == (2, "")
    assert last.startswith("error: ")
    return last
