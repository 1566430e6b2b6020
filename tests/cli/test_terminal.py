"""Tables on a terminal: as wide as it is, and no wider."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[1] / "golden"


def printed_on_terminal(columns: int, *words: object) -> list[str]:
    """Run a command on a terminal of so many columns; return its lines."""
    master, slave = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-m", "bench", *map(str, words)],
        stdin=slave,
        stdout=slave,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        os.close(slave)
        parts = []
        while select.select([master], [], [], 60)[0]:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux has this for the end.
                break
            if not part:
                break
            parts.append(part)
    os.close(master)
    assert process.returncode == 0
    return b"".join(parts).decode().replace("\r\n", "\n").split("\n")


@pytest.mark.parametrize("columns", [80, 120])
def test_the_leaderboard_fits_the_terminal(columns):
    lines = printed_on_terminal(
        columns, "report", "--results", GOLDEN / "results", "--plugins", GOLDEN / "plugins"
    )
    assert max(map(len, lines)) <= columns
    assert sum("no room for" in line for line in lines) >= 1
    ranked = [line for line in lines if line.startswith("1 best  imdb_onehot")]
    assert ranked
    assert all("0.9156 ± 0.0364" in line for line in ranked)
