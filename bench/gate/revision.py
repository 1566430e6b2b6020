"""Another revision of the current folder's repository, checked out beside it for a while."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.registry.source_tree import Tree


@dataclass(frozen=True)
class Checkout:
    """A revision with its files; ``name`` is as the user gave it, ``short`` the short commit."""

    name: str
    commit: str
    short: str
    tree: Tree

    def __str__(self) -> str:
        return self.short if self.commit.startswith(self.name) else f"{self.name} ({self.short})"


@contextmanager
def checked_out(revision: str, folder: Path | None = None) -> Iterator[Checkout]:
    """Check a revision out into a folder of its own, which is gone at the end.

    Args:
        revision: Anything that Git takes for a commit.
        folder: In the repository; by default the current folder.

    Raises:
        BenchError: There is no Git, no repository or no such revision, or it cannot be
            checked out.
    """
    here = folder or Path.cwd()
    top, commit, short = _resolve(revision, here)
    # Short names leave room: some systems bound the length of a path.
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as parent:
        copy = Path(parent).resolve() / short
        try:
            added = _git(top, "worktree", "add", "--detach", "--quiet", str(copy), commit)
            if added.returncode != 0:
                raise BenchError(
                    f"--against {revision}: cannot be checked out ({_last_line(added.stderr)})"
                )
            yield Checkout(revision, commit, short, Tree(top, copy, revision))
        finally:
            _remove(top, copy)


def _resolve(revision: str, here: Path) -> tuple[Path, str, str]:
    """Return the repository's working tree, and the revision's full and short commit."""
    top = _git(here, "rev-parse", "--show-toplevel")
    if top.returncode != 0:
        raise BenchError(
            f"--against {revision}: {here} is in no Git working tree; change to one "
            f"({_last_line(top.stderr)})"
        )
    if revision.startswith("-"):
        raise BenchError(f"--against {revision}: is no revision; give a branch, a tag or a commit")
    commit = _git(here, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit.returncode != 0:
        raise BenchError(
            f"--against {revision}: unknown revision; give a branch, a tag or a commit, and fetch "
            "it first if it is another's (a shallow clone has few)"
        )
    full = commit.stdout.strip()
    short = _git(here, "rev-parse", "--short=12", full).stdout.strip()
    return Path(top.stdout.rstrip("\n")), full, short


def _remove(top: Path, copy: Path) -> None:
    """Remove a work tree, whole or half, and what the repository knows of it."""
    # Git removes no half one, but forgets one that is gone.
    shutil.rmtree(copy, ignore_errors=True)
    with contextlib.suppress(BenchError):
        # Twice: it is locked while it is being added.
        _git(top, "worktree", "remove", "--force", "--force", str(copy))


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # The user's hooks are for the user's own checkouts.
    words = ["git", "-c", f"core.hooksPath={os.devnull}", *arguments]
    try:
        # An interrupt at the terminal is for the run, which then has Git tidy up.
        return subprocess.run(
            words, cwd=folder, capture_output=True, text=True, start_new_session=True
        )
    except FileNotFoundError:
        raise BenchError("--against: needs Git, which is not installed here") from None


def _last_line(text: str) -> str:
    return next(reversed(text.strip().splitlines()), "it does not say why")
