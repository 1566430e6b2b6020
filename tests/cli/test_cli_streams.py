"""What the command line writes reaches pipes and terminals of every kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from builders import a_record

from bench.records.store import Store


def report(folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "report", "--results", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        timeout=60,
    )


def test_a_stream_that_lacks_a_character_shows_another_in_its_place(tmp_path):
    Store(tmp_path).write(a_record())
    western = report(tmp_path, PYTHONIOENCODING="latin-1")

    assert western.returncode == 0
    assert "(°C)" in western.stdout.decode("latin-1")
    assert "–" in report(tmp_path, PYTHONIOENCODING="utf-8").stdout.decode("utf-8")
    assert b"jena_gru" in western.stdout
    assert b" ? " in western.stdout


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    Store(tmp_path).write(a_record())
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "report", "--results", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)

    assert b"Traceback" not in err
    assert b"error" not in err
