"""A revision of a repository, and a results folder as it has it: no working tree is touched."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.machine import git
from bench.records.layout import record_files


@dataclass(frozen=True)
class GitCommit:
    """A commit: the top of its repository's working tree, its digits, and the first twelve."""

    top: Path
    commit: str
    short: str


def revision_of(name: str, here: Path, option: str) -> GitCommit:
    """Return the commit that a name means.

    Args:
        name: Anything that Git takes for a commit.
        here: A folder of the repository.
        option: Of the command line, which asks for it.

    Raises:
        BenchError: There is no Git, no repository or no such revision.
    """
    top = git_in(here, option, "rev-parse", "--show-toplevel")
    if "dubious ownership" in top.stderr:
        raise BenchError(
            f"{option} {name}: Git does not trust {here}, which belongs to another user; "
            f"if you do, run `git config --global --add safe.directory {here}`"
        )
    if top.returncode != 0:
        raise BenchError(
            f"{option} {name}: {here} is in no Git working tree; change to one "
            f"({last_line(top.stderr)})"
        )
    if name.startswith("-"):
        raise BenchError(f"{option} {name}: is no revision; give a branch, a tag or a commit")
    commit = git_in(here, option, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    if commit.returncode != 0:
        raise BenchError(
            f"{option} {name}: unknown revision; give a branch, a tag or a commit, and fetch "
            "it first if it is another's (a shallow clone has few)"
        )
    full = commit.stdout.strip()
    short = git_in(here, option, "rev-parse", "--short=12", full).stdout.strip()
    return GitCommit(Path(top.stdout.rstrip("\n")), full, short)


def git_in(folder: Path, option: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Git in a folder.

    Raises:
        BenchError: There is none; names the option that needs it.
    """
    try:
        return git(*arguments, folder=folder)
    except FileNotFoundError:
        raise BenchError(f"{option}: needs Git, which is not installed here") from None


def last_line(text: str) -> str:
    """Return the last line of what Git has said."""
    return next(reversed(text.strip().splitlines()), "it does not say why")


@contextmanager
def committed(results: Path, revision: GitCommit, option: str) -> Iterator[Path | None]:
    """Lay the files of a results folder out as a revision has them; they are gone at the end.

    Args:
        results: The folder, as it is or would be in the working tree.
        revision: One of that repository.
        option: Of the command line, which asks for it.

    Yields:
        A folder with the records, None where the revision has none there.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as parent:
        file, folder = Path(parent) / "results.tar", Path(parent) / "results"
        try:
            inside = results.resolve().relative_to(revision.top.resolve()).as_posix()
        except ValueError:
            yield None
            return
        # Of the folder's own tree: what the repository's attributes leave out of an archive, such
        # as one for a release, is in it.
        tree = f"{revision.commit}:{'' if inside == '.' else inside}"
        words = ("archive", "--format=tar", f"--output={file}", tree)
        if git_in(revision.top, option, *words).returncode != 0:
            yield None
            return
        _unpack(file, folder)
        yield folder if next(record_files(folder), None) else None


def _unpack(file: Path, folder: Path) -> None:
    """Write the regular files of an archive: a link may lead anywhere."""
    with tarfile.open(file) as archive:
        for member in archive:
            source = archive.extractfile(member) if member.isfile() else None
            path = folder / member.name
            if source is not None and path.resolve().is_relative_to(folder.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                with source, path.open("wb") as written:
                    shutil.copyfileobj(source, written)
