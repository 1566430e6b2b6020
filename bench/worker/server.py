"""``python -m bench.worker.server FD``: imports Keras once and forks a worker whenever asked.

The server runs no plugin and trains nothing, so every trial starts from the same state:
that of a process which has imported its libraries. It serves the run at the other end of
the socket FD and goes when that run goes.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import socket
import sys
import traceback
import warnings
from pathlib import Path

import psutil

from bench.worker.libraries import import_keras
from bench.worker.memory import note_pages
from bench.worker.origin import note_imports
from bench.worker.work import work

if sys.platform != "win32":
    from bench.worker.keeper import (
        adopt_orphans,
        end_with_parent,
        forget_signals,
        keep,
        wake_on_children,
    )

assert sys.platform != "win32", "Windows cannot fork, nor hand on what is open"

READY = b"ready\n"

#: Their drivers keep state that a forked child cannot share.
_ACCELERATORS = ("/dev/nvidia", "/dev/kfd", "/dev/dri")


def main() -> None:
    """Import, say whether forking is safe, then serve until the run is gone."""
    # Later the closed connection tells; an import does not look at it.
    end_with_parent()
    connection = socket.socket(fileno=int(sys.argv[1]))
    load_libraries()
    note_imports()
    note_pages()
    danger = why_unsafe()
    if danger:
        connection.sendall(f"{danger}\n".encode())
        return
    connection.sendall(READY)
    serve(connection)


def load_libraries() -> None:
    """Import what a trial would otherwise import after the fork."""
    import_keras()
    importlib.import_module("bench.worker.train")


def why_unsafe() -> str:
    """Say why a fork of this process could not be relied on; "" if it can.

    A forked child has one thread only, so that locks of other threads stay locked for
    ever in it. The threads of a BLAS know of forks and end themselves before one, so
    those are counted that survive a first, idle fork.
    """
    child = _fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        return f"importing the libraries left {threads - 1} threads running"
    for path in open_files():
        if path.startswith(_ACCELERATORS):
            return f"importing the libraries opened the accelerator {path}"
    return ""


def open_files() -> list[str]:
    """Return the paths of what this process has open."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(os.readlink(entry))
    return found


def serve(connection: socket.socket) -> None:
    """Fork a keeper for each request; a request carries its standard streams.

    The answer is the keeper's process number. A keeper that is killed leaves its trial's
    processes to this one, which kills them.
    """
    adopt_orphans()
    woken = wake_on_children()
    keepers: set[int] = set()
    while True:
        ready, _, _ = select.select([connection.fileno(), woken], [], [])
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            _reap(keepers)
        if connection.fileno() in ready:
            asked, streams, _, _ = socket.recv_fds(connection, 1, 3)
            if not asked:
                return
            child = _fork()
            if child == 0:
                connection.close()
                _become_keeper(streams, woken)
            for stream in streams:
                os.close(stream)
            keepers.add(child)
            connection.sendall(f"{child}\n".encode())


def _fork() -> int:
    with warnings.catch_warnings():
        # Python warns of the threads of a BLAS, which end themselves before the fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _become_keeper(streams: list[int], woken: int) -> None:
    os.setsid()
    forget_signals()
    os.close(woken)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    try:
        keep(work)
    except BaseException:
        traceback.print_exc()
    finally:
        # The server's own code, further up the stack, is none of the keeper's business.
        os._exit(0)


def _reap(keepers: set[int]) -> None:
    """Take leave of ended children; kill those that a killed keeper has left behind."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) != 0:
            keepers.discard(ended)
    for child in psutil.Process().children():
        if child.pid not in keepers:
            with contextlib.suppress(psutil.Error):
                child.kill()


if __name__ == "__main__":
    main()
