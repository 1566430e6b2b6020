"""``python -m bench`` in the test's own process."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from bench.cli import main
from bench.records.record import Record
from bench.records.store import Store


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command line; return its exit status and what it printed on either stream."""
    with pytest.raises(SystemExit) as exit_:
        main([*map(str, words)])
    printed = capsys.readouterr()
    assert isinstance(exit_.value.code, int)
    return exit_.value.code, printed.out, printed.err


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
