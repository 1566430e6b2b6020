"""Another revision of the current folder's repository, checked out beside it for a while."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.errors import BenchError
from bench.records.committed import git_in, last_line, revision_of
from bench.registry.source_tree import Tree

#: Beside each checkout: which process made it, so that one that was killed is tidied up after.
_OWNER = "owner.json"
_PREFIX = "bench-"


@dataclass(frozen=True)
class Checkout:
    """A revision with its files; ``name`` is as the user gave it, ``short`` the short commit.

    ``libraries`` are folders of the checkout that its workers import from before all others:
    they stand in for what this process imports from the working tree.
    """

    name: str
    commit: str
    short: str
    tree: Tree
    libraries: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return self.short if self.commit.startswith(self.name) else f"{self.name} ({self.short})"


@contextmanager
def checked_out(revision: str, folder: Path | None = None) -> Iterator[Checkout]:
    """Check a revision out into a folder of its own, which is gone at the end.

    What a check that was killed has left behind is removed first.

    Args:
        revision: Anything that Git takes for a commit.
        folder: In the repository; by default the current folder.

    Raises:
        BenchError: There is no Git, no repository or no such revision, or it cannot be
            checked out.
    """
    here = folder or Path.cwd()
    found = revision_of(revision, here, "--against")
    top, commit, short = found.top, found.commit, found.short
    _remove_orphans(top)
    # Short names leave room: some systems bound the length of a path.
    with tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True) as parent:
        copy = Path(parent).resolve() / short
        try:
            _sign(copy.parent)
            _add(revision, top, copy, commit)
            tree = Tree(top, copy, revision)
            yield Checkout(revision, commit, short, tree, _libraries(tree))
        finally:
            _remove(top, copy)


def _add(revision: str, top: Path, copy: Path, commit: str) -> None:
    added = _git(top, "worktree", "add", "--detach", "--quiet", str(copy), commit)
    if added.returncode != 0:
        raise BenchError(f"--against {revision}: cannot be checked out ({last_line(added.stderr)})")
    if (copy / ".gitmodules").is_file():
        _add_submodules(revision, top, copy)


def _add_submodules(revision: str, top: Path, copy: Path) -> None:
    """Check out the submodules as the revision has them, from what is on this machine.

    Raises:
        BenchError: One of them has never been fetched here.
    """
    for name, path in _submodules(copy):
        source = Path(_git(top, "rev-parse", "--git-common-dir").stdout.strip())
        known = (top / source / "modules" / name).resolve()
        if not known.is_dir():
            continue  # It is not checked out here either, so that no plugin lies in it.
        words = ("-c", "protocol.file.allow=always", "-c", f"submodule.{name}.url={known}")
        done = _git(copy, *words, "submodule", "update", "--init", "--quiet", "--", path)
        if done.returncode != 0:
            raise BenchError(
                f"--against {revision}: its submodule {path} cannot be checked out "
                f"({last_line(done.stderr)}); run `git submodule update --init` and fetch in it"
            )


def _submodules(copy: Path) -> Iterator[tuple[str, str]]:
    """Yield name and path of each submodule that a checkout names."""
    words = ("config", "--file", ".gitmodules", "--get-regexp", r"^submodule\..*\.path$")
    for line in _git(copy, *words).stdout.splitlines():
        key, _, path = line.partition(" ")
        yield key.removeprefix("submodule.").removesuffix(".path"), path


def _libraries(tree: Tree) -> tuple[Path, ...]:
    """Return what stands in for the folders of the working tree that modules come from.

    They are those on this process's path (``PYTHONPATH``, an editable install that names
    its folder) and those of editable installs that work by an import hook.
    """
    # The first entry is the folder or the script that Python was started with.
    places = dict.fromkeys([*(Path(entry) for entry in sys.path[1:] if entry), *_editable()])
    copies = ((place, tree.counterpart(place)) for place in places)
    return tuple(copy for place, copy in copies if copy != place and copy.is_dir())


def _editable() -> Iterator[Path]:
    """Yield the folders that packages are installed from as editable, and their ``src``."""
    from importlib.metadata import distributions
    from urllib.parse import unquote, urlsplit

    for distribution in distributions():
        try:
            told = json.loads(distribution.read_text("direct_url.json") or "{}")
            editable = told.get("dir_info", {}).get("editable", False)
            path = Path(unquote(urlsplit(told.get("url", "")).path))
        except (OSError, ValueError, AttributeError):
            continue
        if editable and path.is_dir():
            yield path / "src"
            yield path


def _sign(folder: Path) -> None:
    """Say in a folder which process it belongs to."""
    mine = psutil.Process()
    signed = {"pid": mine.pid, "started": mine.create_time()}
    (folder / _OWNER).write_text(json.dumps(signed), encoding="ascii")


def _remove_orphans(top: Path) -> None:
    """Remove the work trees of checks that are no longer there."""
    for line in _git(top, "worktree", "list", "--porcelain").stdout.splitlines():
        copy = Path(line.removeprefix("worktree "))
        ours = line.startswith("worktree ") and copy.parent.name.startswith(_PREFIX)
        if ours and not _is_owned(copy.parent):
            _remove(top, copy)
            shutil.rmtree(copy.parent, ignore_errors=True)


def _is_owned(folder: Path) -> bool:
    """Say whether the process that made a checkout still runs."""
    try:
        signed = json.loads((folder / _OWNER).read_text(encoding="ascii"))
        return bool(psutil.Process(signed["pid"]).create_time() == signed["started"])
    except FileNotFoundError:
        return folder.exists()  # Not ours, or of an older version: let it be.
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        return False


def _remove(top: Path, copy: Path) -> None:
    """Remove a work tree, whole or half, and what the repository knows of it."""
    # Git removes no half one, but forgets one that is gone.
    shutil.rmtree(copy, ignore_errors=True)
    with contextlib.suppress(BenchError):
        # Twice: it is locked while it is being added.
        _git(top, "worktree", "remove", "--force", "--force", str(copy))


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return git_in(folder, "--against", *arguments)
