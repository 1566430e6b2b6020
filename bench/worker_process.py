"""A worker seen from outside: a process of its own group, its messages and its log."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

from bench import processes
from bench.job import Job, Message, decode

COMMAND = [sys.executable, "-m", "bench.worker"]
LOG_TAIL = 8192
POLL = 0.1


class WorkerProcess:
    """Starts a worker on a job; reads what it sends and prints so that it never blocks."""

    def __init__(self, job: Job) -> None:
        self._process = subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(job),
            start_new_session=True,
        )
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if stdin is None or stdout is None or stderr is None:
            raise RuntimeError("a process started with pipes has none")
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._tail = b""
        self._readers = [
            threading.Thread(target=self._read_lines, args=(stdout,), daemon=True),
            threading.Thread(target=self._read_log, args=(stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        # A worker that died at once cannot take its job; its exit status tells.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(job.to_json().encode())
        with contextlib.suppress(BrokenPipeError):
            stdin.close()

    @property
    def exit_status(self) -> int:
        """The exit status of the ended worker; minus the signal's number if one ended it."""
        return self._process.wait()

    @property
    def log(self) -> str:
        """The tail of what the worker printed."""
        return self._tail.decode("utf-8", "replace")

    def memory(self) -> int:
        """Return the resident memory of the worker and all it started, in bytes."""
        return processes.group_memory(self._process)

    def messages(self) -> Iterator[Message | None]:
        """Yield each message, and None whenever none came for a moment, until the end."""
        while self._process.poll() is None:
            try:
                yield decode(self._lines.get(timeout=POLL).decode("utf-8", "replace"))
            except queue.Empty:
                yield None
        # What the worker left running may hold its pipes open: end it before reading on.
        processes.end(self._process)
        self._readers[0].join(timeout=processes.GRACE)
        while not self._lines.empty():
            yield decode(self._lines.get().decode("utf-8", "replace"))

    def close(self) -> None:
        """End the worker and all it started, and let go of its pipes."""
        processes.end(self._process)
        for reader in self._readers:
            reader.join(timeout=processes.GRACE)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read_lines(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._lines.put(line)

    def _read_log(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            self._tail = (self._tail + chunk)[-LOG_TAIL:]


def _environment(job: Job) -> dict[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")}
    return {**os.environ, **quiet, "KERAS_BACKEND": job.trial.backend, "PYTHONHASHSEED": "0"}
