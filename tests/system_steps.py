"""Count the calls that a piece of work makes into the system, and break off at one of them."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

#: Functions of ``os`` that ask nothing of the system.
_PURE = {"fspath", "getpid", "_path_normpath"}


class Steps:
    """Calls of functions of ``os`` and of files, each counted before it is made.

    Use it as a context: at step ``at`` it calls ``act``, which may raise or end the process.
    """

    def __init__(self, at: int, act: Callable[[], None]) -> None:
        self.count = 0
        self._at = at
        self._act = act

    def __enter__(self) -> Steps:
        sys.setprofile(self._notice)
        return self

    def __exit__(self, *anything: object) -> None:
        sys.setprofile(None)

    def _notice(self, frame: object, event: str, called: Any) -> None:
        if event != "c_call" or called.__name__ in _PURE:
            return
        owner = getattr(called, "__self__", None)
        if getattr(called, "__module__", "") in ("posix", "nt") or isinstance(owner, io.IOBase):
            self.count += 1
            if self.count == self._at:
                self._act()
