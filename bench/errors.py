"""The errors that a user is meant to read.

Everything the suite can foresee going wrong is raised as one of these. The
command line prints the message on one line and keeps the traceback for
``--debug``; any other exception that reaches it is a bug of the suite.
"""

from __future__ import annotations

import os
from pathlib import Path


class BenchError(Exception):
    """Bad input or a bad environment: the message names the thing and the fix."""


class DataError(BenchError):
    """A data file is missing, cut short, of another layout, or not what it claims to be."""


class DownloadFailed(DataError):
    """A download did not end in verified files; ``reason`` is a few words for a sentence."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class CannotRun(BenchError):
    """This trial has no meaning here (data too coarse, a package absent): skip it, say why."""


class TaskError(BenchError):
    """A task's file is wrong, which is no fault of a plugin.

    ``told`` names file and line without the folder: what is recorded names no machine's.
    """

    def __init__(self, folder: Path, told: str) -> None:
        super().__init__(os.path.join(folder, told))
        self.told = told
