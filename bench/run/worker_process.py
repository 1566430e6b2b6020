"""A worker seen from outside: its messages, its log, its memory, and its end."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator
from typing import IO

from bench.protocol import GRACE, Job, Malformed, Message, WorkerExited, decode
from bench.run import processes
from bench.run.launch import Launched

LOG_TAIL = 8192
POLL = 0.1

#: No message is longer: an outcome with the curves of ten thousand epochs has about 1 MB.
_LONGEST_LINE = 1 << 24


class WorkerProcess:
    """Gives a worker its job; reads what it sends and prints so that it never blocks.

    ``woken`` is set whenever there is something to be taken from ``messages``.
    """

    def __init__(self, job: Job, launched: Launched, woken: threading.Event) -> None:
        self._launched = launched
        self._woken = woken
        self.exit_status: int | None = None
        self.has_ended = False
        self._heard = time.monotonic()
        self._lines: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        self._tail = b""
        self._asked = False
        self._readers = [
            threading.Thread(target=self._read_lines, args=(launched.stdout,), daemon=True),
            threading.Thread(target=self._read_log, args=(launched.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        # A worker that died at once cannot take its job; that it did is seen in messages().
        with contextlib.suppress(OSError):
            launched.stdin.write(f"{job.to_json()}\n".encode())
            launched.stdin.flush()

    @property
    def log(self) -> str:
        """The tail of what the worker printed."""
        return self._tail.decode("utf-8", "replace")

    def memory(self) -> int:
        """Return the resident memory of the trial and all it started, in bytes."""
        process = self._launched.process
        return 0 if process is None else processes.memory_below(process)

    def messages(self) -> Iterator[tuple[float, Message | Malformed]]:
        """Yield the messages that have come, each with the clock's time when it came.

        This waits for nothing. ``has_ended`` says whether more can come. If none can,
        ``exit_status`` is the trial's: minus the signal's number if one ended it, None if
        its keeper is gone without a word.
        """
        alive = self._launched.alive
        # What comes meanwhile has to wait: a plugin may print faster than this reads.
        for _ in range(self._lines.qsize()):
            self._heard, line = self._lines.get()
            message = decode(line.decode("utf-8", "replace"))
            if isinstance(message, WorkerExited):
                self.exit_status = message.status
                self.has_ended = True
                return
            if message is not None:
                yield self._heard, message
        if alive:
            self._heard = time.monotonic()
        elif time.monotonic() - self._heard > POLL:
            # Its last words may have been in progress.
            self.has_ended = True

    def ask_to_stop(self) -> None:
        """Have the keeper give the trial its grace and then end it."""
        if not self._asked:
            self._asked = True
            with contextlib.suppress(OSError):
                self._launched.stdin.write(b"stop\n")
                self._launched.stdin.flush()

    def close(self) -> None:
        """End the worker and all it started, and let go of its pipes."""
        launched = self._launched
        # Asked to stop, the keeper gives the trial its grace; at a hang-up it kills at once.
        for ask, patience in ((self.ask_to_stop, 2.0), (self._hang_up, 0.5)):
            if launched.alive:
                ask()
                processes.wait_until(lambda: not launched.alive, patience * GRACE)
        if launched.alive and launched.process is not None:
            processes.kill_tree(launched.process)
        self._hang_up()
        launched.reap()
        for reader, stream in zip(self._readers, (launched.stdout, launched.stderr), strict=True):
            reader.join(timeout=GRACE)
            if not reader.is_alive():
                stream.close()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._launched.stdin.close()

    def _read_lines(self, stream: IO[bytes]) -> None:
        while line := stream.readline(_LONGEST_LINE):
            self._lines.put((time.monotonic(), line))
            self._woken.set()

    def _read_log(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            self._tail = (self._tail + chunk)[-LOG_TAIL:]
