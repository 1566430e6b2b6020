"""Fork servers that outlast their runs: a session of tests imports Keras once, and not once a run.

A run gets the server that an earlier one left, if it would have started one just like it. Its
workers are those of a new server in all that a trial can see: they have the environment and
the folder of the run that asks for them, and nothing was ever trained in their server.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.runs import launch, processes
from bench.runs.launch import ForkServer, Launched

#: Variables that libraries heed as they are imported begin so; others are set for each worker.
_HEEDED = ("BENCH_COMPILE", "JAX", "JE_", "KERAS", "MKL", "OMP", "OPENBLAS", "PYTHON", "TF", "XLA")

_Key = tuple[Any, ...]


@contextmanager
def lasting_servers() -> Iterator[None]:
    """Have the runs of this process share their servers, which end with the block.

    A server of another command, as tests put in its place, is what it is in a run.
    """
    usual, kept = launch.SERVER, dict[_Key, _Lasting]()

    def server(environment: dict[str, str], root: Path | None = None) -> ForkServer:
        if usual != launch.SERVER or root is not None:
            return ForkServer(environment, root)
        heeded = {name: v for name, v in environment.items() if name.startswith(_HEEDED)}
        key = (*sorted(heeded.items()), *_cpus())
        if key not in kept or not kept[key].serves:
            kept[key] = _Lasting(environment)
        kept[key].asked_by(environment)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launch, "ForkServer", server)
        yield
    for each in kept.values():
        each.end()


def _cpus() -> Sequence[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else ()


class _Lasting(ForkServer):
    """A server that a run can leave to the next one, unless it has lost it."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.serves = True
        self._folder = tempfile.TemporaryDirectory(prefix="lasting-server-")
        self._surroundings = Path(self._folder.name) / "surroundings.json"
        command = [sys.executable, __file__, str(self._surroundings)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(launch, "SERVER", command)
            super().__init__(environment)

    def asked_by(self, environment: dict[str, str]) -> None:
        """Give the workers to come the environment and the folder of a run."""
        written = json.dumps({"folder": os.getcwd(), "environment": environment})
        self._surroundings.write_text(written, encoding="utf-8")

    def fork(self) -> Launched:
        """Have a worker forked; a server that cannot is not used again."""
        try:
            return super().fork()
        except BaseException:
            self.serves = False
            raise

    def close(self, spare: Sequence[psutil.Process] = ()) -> None:
        """End the workers, and the server only where it is of no more use."""
        if not self.serves:
            self.end(spare)
        for worker in self.workers if self.serves else ():
            processes.kill_tree(worker)

    def end(self, spare: Sequence[psutil.Process] = ()) -> None:
        """End the server."""
        self.serves = False
        super().close(spare)
        self._folder.cleanup()


def _serve(surroundings: Path) -> None:
    """Be ``bench.worker.server``, whose workers find themselves in given surroundings."""
    from bench.worker import server

    usual = server._fork

    def fork() -> int:
        there = surroundings.read_text(encoding="utf-8")
        child = usual()
        if child == 0:
            around = json.loads(there)
            os.environ.clear()
            os.environ.update(around["environment"])
            os.chdir(around["folder"])
            sys.path[0] = around["folder"]
        return child

    server._fork = fork
    server.main()


if __name__ == "__main__":
    # What ``python -m bench.worker.server FD`` has.
    script, found, *words = sys.argv
    sys.argv = [script, *words]
    _serve(Path(found))
