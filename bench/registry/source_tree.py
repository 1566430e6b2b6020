"""Where code, plugins and tasks lie: the suite's own, those that are named, another revision's."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError

#: What prepares a task's data in a worker, in the folder of the code: a revision without it
#: would have to be imported here.
_PREPARES = Path("bench", "worker", "prepare.py")


def shipped(kind: str) -> Path:
    """Return the folder of the suite's own ``plugins`` or ``datasets``.

    In a checkout (or an editable install) they stand beside the package; a wheel
    carries them inside it.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "shipped" / kind, package.parent / kind):
        if folder.is_dir():
            return folder
    raise BenchError(f"the suite's {kind} folder is gone from {package}; install the suite again")


@dataclass(frozen=True)
class Folders:
    """Where the command line has files looked for beside the project's own places.

    ``plugins`` are folders of plugin files, ``datasets`` of task files.
    """

    plugins: tuple[Path, ...]
    datasets: tuple[Path, ...]


@dataclass(frozen=True)
class Meant(Folders):
    """The same for a command that may mean all plugins.

    With ``with_shipped`` these are also the suite's and those of installed packages, where a
    project has its own.
    """

    with_shipped: bool


@dataclass(frozen=True)
class Tree:
    """A working tree as it was at another revision: ``copy`` stands in for ``original``.

    ``revision`` is how the user named it.
    """

    original: Path
    copy: Path
    revision: str

    def counterpart(self, path: Path) -> Path:
        """Return what stands in for a file or folder; it need not exist.

        What is not in the working tree is the same for all revisions, and so is what is
        installed: an environment may lie inside the tree.
        """
        top = self.original.resolve()
        # A link out of the tree is part of it, and so is what a link from outside leads to.
        for place in (Path(os.path.abspath(path)), Path(os.path.realpath(path))):
            if place.is_relative_to(top) and not _is_installed(place, top):
                return self.copy / place.relative_to(top)
        return path

    def code(self) -> Path | None:
        """Return the folder that workers import ``bench`` from; None for the installed one.

        Raises:
            BenchError: The revision's workers do not prepare their own data.
        """
        here = Path(__file__).resolve().parents[2]
        there = self.counterpart(here)
        if there == here:
            return None
        if not (there / _PREPARES).is_file():
            raise BenchError(
                f"{self.revision}: is too old for `check --against`: its workers do not prepare "
                "their own data; choose a later revision"
            )
        return there


def _is_installed(path: Path, top: Path) -> bool:
    prefix = Path(sys.prefix).resolve()
    return prefix != top and prefix.is_relative_to(top) and path.is_relative_to(prefix)
