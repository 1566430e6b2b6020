"""A worker seen from outside: its messages, its log, its memory, and its end."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from typing import IO

from bench import processes
from bench.job import Ended, Job, Message, decode
from bench.launch import Launched

LOG_TAIL = 8192
POLL = 0.1

#: No message is longer: an outcome with the curves of ten thousand epochs has about 1 MB.
_LONGEST_LINE = 1 << 24


class WorkerProcess:
    """Gives a worker its job; reads what it sends and prints so that it never blocks."""

    def __init__(self, job: Job, launched: Launched) -> None:
        self._launched = launched
        self.exit_status: int | None = None
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._tail = b""
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

    def messages(self) -> Iterator[Message | None]:
        """Yield each message, and None whenever none came for a moment, until the end.

        ``exit_status`` is then the trial's: minus the signal's number if one ended it,
        None if its keeper is gone without a word.
        """
        while True:
            alive = self._launched.alive
            try:
                message = decode(self._lines.get(timeout=POLL).decode("utf-8", "replace"))
            except queue.Empty:
                if not alive:
                    return
                yield None
                continue
            if isinstance(message, Ended):
                self.exit_status = message.status
                return
            if message is not None:
                yield message

    def close(self) -> None:
        """End the worker and all it started, and let go of its pipes."""
        launched = self._launched
        # Asked to stop, the keeper gives the trial its grace; at a hang-up it kills at once.
        for ask, patience in ((self._ask_to_stop, 2.0), (self._hang_up, 0.5)):
            if launched.alive:
                ask()
                processes.wait_until(lambda: not launched.alive, patience * processes.GRACE)
        if launched.alive and launched.process is not None:
            processes.kill_tree(launched.process)
        self._hang_up()
        launched.reap()
        for reader, stream in zip(self._readers, (launched.stdout, launched.stderr), strict=True):
            reader.join(timeout=processes.GRACE)
            if not reader.is_alive():
                stream.close()

    def _ask_to_stop(self) -> None:
        with contextlib.suppress(OSError):
            self._launched.stdin.write(b"stop\n")
            self._launched.stdin.flush()

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._launched.stdin.close()

    def _read_lines(self, stream: IO[bytes]) -> None:
        while line := stream.readline(_LONGEST_LINE):
            self._lines.put(line)

    def _read_log(self, stream: IO[bytes]) -> None:
        while chunk := os.read(stream.fileno(), 65536):
            self._tail = (self._tail + chunk)[-LOG_TAIL:]
