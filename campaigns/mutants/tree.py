"""A copy of the repository in which modules are changed and tests are run.

The working tree is never touched: who stops a campaign half way must not find a bug in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .mutant import CampaignError, Planted

#: Exit statuses of pytest: all passed, and some failed. Any other tells of no test.
PASSED, FAILED = 0, 1
#: Seconds of one run of tests; hangs end before, by the time limit of the suite itself.
LONGEST = 1200.0
_PYTEST = ("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")
_SHOWN = 30


class Tree:
    """The files that git knows, or would take in, in a folder of their own."""

    def __init__(self, source: Path, root: Path) -> None:
        self.root = root
        for name in _files(source):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, path)
        self._environment = {
            **os.environ,
            # Tests hand this on to the processes that they start.
            "PYTHONPATH": str(root),
            # Two changes in one second leave a file that looks to Python like the one before.
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._check_that_it_is_imported()

    def passes_clean(self, tests: list[str]) -> None:
        """See that tests pass while nothing is changed: else a failure would mean nothing.

        Raises:
            CampaignError: They do not; what pytest said last is in the message.
        """
        status, output = self._run_tests(tests)
        if status != PASSED:
            raise CampaignError(f"the tests do not pass as they are (pytest: {status})\n{output}")

    def caught_by(self, planted: Planted) -> str | None:
        """Change a module, return the test that fails then or None, and change it back.

        Raises:
            CampaignError: Pytest ended neither with a pass nor with a failed test.
        """
        file = self.root / planted.file
        before = file.read_bytes()
        file.write_text(planted.source, encoding="utf-8")
        try:
            status, output = self._run_tests(["-x", *planted.tests])
        finally:
            file.write_bytes(before)
        if status not in (PASSED, FAILED):
            raise CampaignError(f"{planted.mutant.name}: pytest ended with {status}\n{output}")
        return _failed_test(output) if status == FAILED else None

    def _run_tests(self, words: list[str]) -> tuple[int, str]:
        """Return pytest's exit status and the end of what it wrote."""
        try:
            done = subprocess.run(
                [sys.executable, *_PYTEST, *words],
                cwd=self.root,
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise CampaignError(f"pytest took more than {LONGEST:g} s: {words[-1]}") from None
        return done.returncode, "\n".join(done.stdout.splitlines()[-_SHOWN:])

    def _check_that_it_is_imported(self) -> None:
        """See that processes import the copy wherever they start.

        Raises:
            CampaignError: They import another one, so that no change would be noticed.
        """
        found = subprocess.run(
            [sys.executable, "-c", "import bench; print(bench.__file__)"],
            cwd=self.root.parent,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        if not Path(found).resolve().is_relative_to(self.root.resolve()):
            raise CampaignError(f"the tests would import {found}, not the copy in {self.root}")


def _failed_test(output: str) -> str:
    """Return the test that pytest's summary names."""
    lines = (line.split() for line in output.splitlines())
    return next((words[1] for words in lines if words[:1] in (["FAILED"], ["ERROR"])), "a test")


def _files(source: Path) -> list[str]:
    """Return the names of a repository's files as they are now, but those that it ignores.

    Raises:
        CampaignError: The folder is no repository.
    """
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(words, cwd=source, stdout=subprocess.PIPE, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CampaignError(f"{source}: git cannot tell its files ({error})") from None
    names = sorted({name for name in done.stdout.split("\0") if name})
    # Of files that were removed and are not committed yet git still tells.
    return [name for name in names if (source / name).is_file()]
