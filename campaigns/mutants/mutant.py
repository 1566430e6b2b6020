"""What a mutant is, and where its text and its tests are found.

A mutant names no file. It holds a piece of source that there is once in the whole package,
and the names of test functions, so that modules and tests may be moved and merged and the
mutants stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class CampaignError(Exception):
    """The campaign cannot say anything of a mutant: the message says why."""


@dataclass(frozen=True)
class Mutant:
    """A realistic bug.

    ``why`` is what a user would notice, ``old`` the source text and ``new`` what takes its
    place. ``tests`` are the names of the test functions that are expected to catch it.
    """

    name: str
    area: str
    why: str
    old: str
    new: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Planted:
    """A mutant in a tree of files: the module that changes, and the tests as pytest names them.

    ``file`` is relative to the tree, ``source`` is what the module holds with the bug.
    """

    mutant: Mutant
    file: Path
    source: str
    tests: tuple[str, ...]


class Finder:
    """Finds where mutants and their tests are in a tree of files, which is read once."""

    def __init__(self, root: Path) -> None:
        self._sources = _read(root, sorted(root.glob("bench/**/*.py")))
        self._tests = _read(root, sorted(root.glob("tests/**/test_*.py")))

    def plant(self, mutant: Mutant) -> Planted:
        """Return a mutant as it stands in this tree.

        Raises:
            CampaignError: Its text is not there exactly once, or leaves no Python or no
                change; or a test is not there.
        """
        counts = {file: text.count(mutant.old) for file, text in self._sources.items()}
        holding = [file for file, count in counts.items() if count]
        if not holding:
            raise CampaignError(f"{mutant.name}: its text is nowhere in bench: {mutant.old!r}")
        if sum(counts.values()) > 1:
            where = ", ".join(file.as_posix() for file in holding)
            raise CampaignError(f"{mutant.name}: its text is there more than once: {where}")
        (file,) = holding
        source = self._sources[file].replace(mutant.old, mutant.new)
        if source == self._sources[file]:
            raise CampaignError(f"{mutant.name}: changes nothing")
        try:
            compile(source, str(file), "exec")
        except SyntaxError as error:
            raise CampaignError(f"{mutant.name}: leaves no Python: {error}") from None
        if not mutant.tests:
            raise CampaignError(f"{mutant.name}: names no test")
        tests = [test for name in mutant.tests for test in self._test(mutant, name)]
        return Planted(mutant, file, source, tuple(tests))

    def _test(self, mutant: Mutant, name: str) -> list[str]:
        """Return the tests of a name; two files may have one, and either may catch."""
        head = re.compile(rf"^def {re.escape(name)}\(", re.MULTILINE)
        found = [file for file, text in self._tests.items() if head.search(text)]
        if not found:
            raise CampaignError(f"{mutant.name}: there is no test {name}")
        return [f"{file.as_posix()}::{name}" for file in found]


def plant_all(mutants: Iterable[Mutant], root: Path) -> list[Planted]:
    """Return all mutants as they stand in a tree.

    Raises:
        CampaignError: Some cannot be planted; all of them are named, a line each.
    """
    finder = Finder(root)
    planted, complaints = [], []
    for mutant in mutants:
        try:
            planted.append(finder.plant(mutant))
        except CampaignError as error:
            complaints.append(str(error))
    if complaints:
        raise CampaignError("\n".join(complaints))
    return planted


def tests_of(planted: Iterable[Planted]) -> list[str]:
    """Return every test that some mutant names, once."""
    return sorted({test for each in planted for test in each.tests})


def _read(root: Path, files: Sequence[Path]) -> dict[Path, str]:
    return {file.relative_to(root): file.read_text(encoding="utf-8") for file in files}
