"""How a worker is started: forked by a server that has imported Keras, or from nothing."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE
from typing import IO, Literal

import psutil

from bench import processes

Start = Literal["auto", "fork", "spawn"]

_WORKER, _SERVER = "bench.worker", "bench.worker.server"
SPAWN = [sys.executable, "-m", _WORKER]
SERVER = [sys.executable, "-m", _SERVER]

#: Seconds that a server may take to import Keras before workers are started without it.
PATIENCE = 300.0
#: Seconds that it may take to fork.
ANSWER = 10.0
#: Servers that may be lost over one worker before it is started without.
SERVERS = 2
_READY = "ready"


@dataclass(frozen=True)
class Launched:
    """A worker under way: its outermost process and that one's standard streams.

    ``reap`` takes leave of the ended process; ``forked`` says which way it was started.
    """

    process: psutil.Process | None
    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    reap: Callable[[], object]
    forked: bool

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and processes.is_alive(self.process)


def others_at_work() -> bool:
    """Say whether another run trains on this machine, or is about to."""
    return processes.others_run(_WORKER) or processes.others_run(_SERVER)


class ServerLost(Exception):
    """The fork server has ended, or does not answer."""


class UnsafeToFork(Exception):
    """The fork server says why it must not fork."""


class Launcher:
    """Starts workers for one backend, by a fork server for as long as that works."""

    def __init__(self, backend: str, start: Start = "auto") -> None:
        self._environment = _environment(backend)
        self._server: ForkServer | None = None
        # On other systems libraries start threads, or talk to services, as they are loaded.
        self._may_fork = start == "fork" or (start == "auto" and sys.platform == "linux")

    def launch(self) -> Launched:
        """Start a worker; it waits for a job on its standard input."""
        # A trial, or the system, may end a server; one after the other is something else.
        lost = 0
        while self._may_fork:
            self._server = self._server or ForkServer(self._environment)
            try:
                return self._server.fork()
            except UnsafeToFork:
                self._may_fork = False
            except ServerLost:
                lost += 1
                self._may_fork = lost < SERVERS
            self.close()
        return self._spawn()

    def close(self) -> None:
        """End the server; workers under way are not its own."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _spawn(self) -> Launched:
        worker = psutil.Popen(
            SPAWN,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._environment,
            start_new_session=True,
        )
        return Launched(
            worker, worker.stdin, worker.stdout, worker.stderr, worker.wait, forked=False
        )


class ForkServer:
    """The run's side of ``bench.worker.server``."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._ready = False
        self._connection, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as log:
            self._process = psutil.Popen(
                [*SERVER, str(theirs.fileno())],
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    def fork(self) -> Launched:
        """Have a worker forked, once Keras is imported.

        Raises:
            ServerLost: The server has ended, or does not answer.
            UnsafeToFork: The server refuses.
        """
        if not self._ready:
            said = self._line(PATIENCE)
            if said != _READY:
                raise UnsafeToFork(said)
            self._ready = True
        (their_in, stdin), (stdout, their_out), (stderr, their_err) = (os.pipe() for _ in range(3))
        ours = os.fdopen(stdin, "wb"), os.fdopen(stdout, "rb"), os.fdopen(stderr, "rb")
        try:
            self._ask([their_in, their_out, their_err])
            process = processes.find(int(self._line(ANSWER)))
        except BaseException:
            for stream in ours:
                stream.close()
            raise
        finally:
            for descriptor in (their_in, their_out, their_err):
                os.close(descriptor)
        return Launched(process, *ours, reap=lambda: None, forked=True)

    def close(self) -> None:
        """End the server."""
        self._connection.close()
        processes.kill_tree(self._process)
        self._process.wait()

    def _ask(self, streams: list[int]) -> None:
        try:
            socket.send_fds(self._connection, [b"f"], streams)
        except OSError as error:
            raise ServerLost(str(error)) from None

    def _line(self, patience: float) -> str:
        line = b""
        try:
            self._connection.settimeout(patience)
            while not line.endswith(b"\n"):
                part = self._connection.recv(4096)
                if not part:
                    raise ServerLost("it has ended")
                line += part
        except OSError as error:
            raise ServerLost(str(error)) from None
        return line.decode().strip()


def _environment(backend: str) -> dict[str, str]:
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")}
    return {**os.environ, **quiet, "KERAS_BACKEND": backend, "PYTHONHASHSEED": "0"}
