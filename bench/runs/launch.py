"""The process of a worker: how it is started, and what is seen of it from outside.

It is forked by a server that has imported Keras, or started from nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import queue
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import IO, Literal

import psutil

from bench import machine
from bench.data.digests import cache_folder
from bench.machine import Share, confine, confined
from bench.protocol import GRACE, Job, Malformed, Message, WorkerExited, decode
from bench.runs import processes

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

_LESS_COPYING = "xla_cpu_copy_insertion_use_region_analysis"


@dataclass(frozen=True)
class Launched:
    """A running worker: its outermost process and that one's standard streams.

    ``reap`` takes leave of the ended process, and returns its status if it was this one's child;
    ``forked`` says which way it was started.
    """

    process: psutil.Process | None
    stdin: IO[bytes]
    stdout: IO[bytes]
    stderr: IO[bytes]
    reap: Callable[[], int | None]
    forked: bool

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process is not None and processes.is_alive(self.process)


def others_at_work() -> bool:
    """Say whether another run trains on this machine, or is about to."""
    return processes.others_run(_WORKER) or processes.others_run(_SERVER)


# A worker seen from outside: its messages, its log, its memory, and its end


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
        ended = launched.reap()
        if not hasattr(os, "fork"):  # No keeper has told how the trial ended.
            self.exit_status = ended
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


# How it is started


class ServerLost(Exception):
    """The fork server has ended, or does not answer."""


class UnsafeToFork(Exception):
    """The fork server says why it must not fork."""


class Launcher:
    """Starts workers for one backend, by a fork server for as long as that works.

    The server imports its libraries on the CPUs ``share``: some count them as they are
    loaded. Workers may then be confined to any others, as long as there are as many.
    ``root`` is the folder that they import ``bench`` from, None for where this process did;
    in ``libraries`` they look for modules before anywhere else. ``python`` is the interpreter of
    an environment of their own, "" for this process's.
    """

    def __init__(
        self,
        backend: str,
        start: Start = "auto",
        share: Share = None,
        root: Path | None = None,
        libraries: Sequence[Path] = (),
        python: str = "",
    ) -> None:
        if python and os.environ.get("PYTHONPATH"):
            # What stands there would go before what the environment has of its own.
            libraries = [*libraries, site_packages(Path(python).parents[1])]
        self._environment = environment_for(backend, root, libraries)
        self._python = python
        self._root = root
        self._share = share
        self._server: ForkServer | None = None
        # On other systems libraries start threads, or talk to services, as they are loaded.
        may_fork = start == "fork" or (start == "auto" and sys.platform == "linux")
        self._may_fork = may_fork and not python

    def launch(self, share: Share = None) -> Launched:
        """Start a worker on its CPUs; it waits for a job on its standard input."""
        launched = self._start_worker()
        if launched.process is not None:
            # It has one thread until it gets a job, and all of the trial inherits from that.
            confine(launched.process, share)
        return launched

    def start_server(self) -> None:
        """Have a server import its libraries, without waiting for it, where workers are forked."""
        if self._may_fork and self._server is None:
            with confined(self._share):
                self._server = ForkServer(self._environment, self._root)

    def close(self) -> None:
        """End the server, and any workers of its that are left."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _start_worker(self) -> Launched:
        # A trial, or the system, may end a server; one after the other is something else.
        lost = 0
        while self._may_fork:
            self.start_server()
            assert self._server is not None
            try:
                return self._server.fork()
            except UnsafeToFork:
                self._may_fork = False
            except ServerLost:
                lost += 1
                self._may_fork = lost < SERVERS
            self._server.close(spare=self._server.workers)
            self._server = None
        return self._spawn()

    def _spawn(self) -> Launched:
        worker = psutil.Popen(
            [self._python or SPAWN[0], *SPAWN[1:]],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._root,
            env=self._environment,
            start_new_session=True,
        )
        return Launched(
            worker, worker.stdin, worker.stdout, worker.stderr, worker.wait, forked=False
        )


def site_packages(environment: Path) -> Path:
    """Return where a virtual environment of this version of Python has its packages."""
    if os.name == "nt":
        return environment / "Lib" / "site-packages"
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages"


class ForkServer:
    """The run's side of ``bench.worker.server``; ``workers`` are those it forked that live."""

    def __init__(self, environment: dict[str, str], root: Path | None = None) -> None:
        self.workers: list[psutil.Process] = []
        self._ready = False
        self._connection, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as log:
            self._process = psutil.Popen(
                [*SERVER, str(theirs.fileno())],
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=root,
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
        self.workers = [worker for worker in self.workers if processes.is_alive(worker)]
        self.workers += [process] if process else []
        return Launched(process, *ours, reap=lambda: None, forked=True)

    def close(self, spare: Sequence[psutil.Process] = ()) -> None:
        """End the server and all below it but the workers in ``spare``, which go on."""
        self._connection.close()
        processes.kill_tree(self._process, spare)
        self._process.wait()

    def _ask(self, streams: list[int]) -> None:
        if sys.platform == "win32":
            raise ServerLost("Windows hands on nothing that is open")
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


def _compiled_code() -> dict[str, str]:
    """Say whether JAX keeps what it has compiled: only if BENCH_COMPILE_CACHE asks for it.

    A cache of the user's own is not used unasked: times of compiling would be those of
    reading. Code is for the instructions of a processor and the version that made it, and
    JAX's own key lacks the first, so that each has a folder.
    """
    if os.environ.get("BENCH_COMPILE_CACHE", "") in ("", "0"):
        return {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    made_by = f"{machine.version_of('jaxlib')} {machine.machine()} {_instructions()}"
    folder = cache_folder() / "compiled" / hashlib.sha256(made_by.encode()).hexdigest()[:16]
    return {
        "JAX_ENABLE_COMPILATION_CACHE": "true",
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        # By default only what takes a second to compile is kept.
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


def _instructions() -> str:
    """Return what the processor says it can do, where the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.lower().startswith(("flags", "features"))), "")


def _xla_flags(own: str) -> str:
    """Return the user's own flags, and with them one that lets XLA copy less on CPU.

    Without it each step of a recurrent layer that hands on its whole sequence copies that
    sequence (openxla/xla#20440 has another such copy). Measured with TensorFlow 2.21 on two
    cores, four stacked simple RNNs' training step took 93 ms instead of 432, a stacked GRU's
    72 instead of 107, with the same numbers to the bit. XLA ends a process over a flag that it
    does not know, so TensorFlow 2.18, which may not know it, goes without.
    """
    if _LESS_COPYING in own or _version_of("tensorflow") < (2, 19):
        return own
    return f"{own} --{_LESS_COPYING}=true".strip()


def _version_of(package: str) -> tuple[int, ...]:
    """Return major and minor version; (0, 0) where there is no telling."""
    numbers = (machine.version_of(package) or "").split(".")[:2]
    return tuple(map(int, numbers)) if all(map(str.isdecimal, numbers)) else (0, 0)


def environment_for(
    backend: str, root: Path | None = None, libraries: Sequence[Path] = ()
) -> dict[str, str]:
    """Return the environment variables that a worker is started with."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2")}
    # Where pyarrow is installed pandas imports it, and its allocator starts a thread: no fork then.
    quiet["JE_ARROW_MALLOC_CONF"] = os.environ.get(
        "JE_ARROW_MALLOC_CONF", "background_thread:false"
    )
    chosen = {**os.environ, **quiet, "KERAS_BACKEND": backend, "PYTHONHASHSEED": "0"}
    if backend == "jax":
        chosen |= _compiled_code()
    if backend == "tensorflow" and (flags := _xla_flags(os.environ.get("XLA_FLAGS", ""))):
        chosen["XLA_FLAGS"] = flags
    first = [*([root] if root else []), *libraries]
    if first:
        # The folder that a worker starts in comes first already, unless Python is told that
        # this is not safe.
        others = chosen.get("PYTHONPATH")
        chosen["PYTHONPATH"] = os.pathsep.join([*map(str, first), *([others] if others else [])])
    return chosen
