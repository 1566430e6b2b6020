"""``python -m bench.worker``: one trial in a process that starts from nothing."""

from __future__ import annotations

import os
import sys

from bench.worker.memory import note_pages
from bench.worker.origin import note_imports
from bench.worker.work import work


def main() -> None:
    """Do the job on standard input, under a keeper where processes can be forked."""
    if sys.platform != "win32" and hasattr(os, "fork"):
        from bench.worker.keeper import keep

        note_imports()
        note_pages()
        keep(work)
    else:
        work(sys.stdin.readline())


if __name__ == "__main__":
    main()
