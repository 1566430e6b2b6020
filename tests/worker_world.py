"""Small scripts in the place of workers and their server, so that an executor has quick trials."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest
from keras_world import a_trial

from bench.protocol import Bounds, Job
from bench.runs import launch

_IMPORTS = (
    "import os, signal, subprocess, sys, threading, time\n"
    "from bench.protocol import EpochDone, Job, encode\n"
    "from bench.protocol import Outcome\n"
)
_WORK = (
    "def work(line):\n"
    "    job = Job.from_json(line)\n"
    "    def send(message):\n"
    "        os.write(1, encode(message).encode())\n"
)


def install_worker(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Have spawned workers run ``body``, which has ``job`` and ``send``, under a keeper."""
    script = folder / "worker.py"
    source = f"{_IMPORTS}from bench.worker.keeper import keep\n{_work(body)}\nkeep(work)\n"
    script.write_text(source)
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.setattr(launch, "SPAWN", [sys.executable, str(script)])


def install_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch, body: str, before: str = ""
) -> None:
    """Have a server that imports nothing fork workers that run ``body``.

    ``before`` is what the server itself does first.
    """
    script = folder / "server.py"
    script.write_text(
        f"{_IMPORTS}from bench.worker import server\n{_work(body)}"
        "\nserver.load_libraries, server.work = (lambda: None), work\n"
        f"{textwrap.dedent(before)}\nserver.main()\n"
    )
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.setattr(launch, "SERVER", [sys.executable, str(script)])
    # Should forking fail, the trial must not quietly succeed another way.
    monkeypatch.setattr(launch, "SPAWN", [sys.executable, "-c", "raise SystemExit(9)"])


def a_job(seed: int = 0, bounds: Bounds | None = None) -> Job:
    """Make a job of a trial with this seed."""
    names = ("plugin.py", "", "task.py", "prepared", f"predictions-{seed}")
    return Job(a_trial(seed), *names, bounds or Bounds())


def _work(body: str) -> str:
    return _WORK + textwrap.indent(textwrap.dedent(body), "    ")
