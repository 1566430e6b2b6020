"""Ctrl-C and its kin: the first asks a run to end tidily, the second ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import FrameType
from typing import Any, NoReturn

#: The exit status of an interrupted run.
INTERRUPTED = 130

#: A person at the keyboard, a cancelled CI job, a terminal that is closed.
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")

#: Seconds in which a second signal is the first one's echo: ``timeout`` signals a command
#: and then its whole group, and so the command twice.
_ECHO = 0.01


class Interruption:
    """Hears of signals for as long as its block lasts, in the main thread.

    The first is noted in ``asked``, and raises KeyboardInterrupt in a ``raising`` block.
    The second ends the process wherever it is. Where the process is ``someone_elses``, as in
    a notebook, only Ctrl-C is heard, and a second one changes nothing. Another thread hears
    of none.
    """

    def __init__(self, someone_elses: bool = False) -> None:
        self.asked = False
        self._signals = _SIGNALS[:1] if someone_elses else _SIGNALS
        self._second: Callable[[], object] = _nothing if someone_elses else _end_at_once
        self._since = 0.0
        self._raising = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        # Python lets no other thread take a signal.
        in_main = threading.current_thread() is threading.main_thread()
        for name in self._signals if in_main else ():
            number = getattr(signal, name, None)
            # What is ignored from the start (nohup, a job in the background) stays ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._heard) or signal.SIG_DFL
        return self

    def __exit__(self, *anything: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def raising(self) -> AbstractContextManager[None]:
        """Let the first signal raise KeyboardInterrupt in a block, at once if it has come."""
        return self._block(raising=True)

    def deferred(self) -> AbstractContextManager[None]:
        """Let the first signal wait for the end of a block within a ``raising`` one."""
        return self._block(raising=False)

    @contextlib.contextmanager
    def _block(self, raising: bool) -> Iterator[None]:
        before = self._raising
        try:
            self._raising = raising
            self._raise_if_asked()
            yield
        finally:
            self._raising = before
        self._raise_if_asked()

    def _raise_if_asked(self) -> None:
        if self._raising and self.asked:
            raise KeyboardInterrupt

    def _heard(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if self.asked:
            if now - self._since > _ECHO:
                self._second()
            return
        self._since = now
        self.asked = True
        if number == getattr(signal, "SIGHUP", None):
            _leave_lost_terminal()
        self._raise_if_asked()


def _nothing() -> None:
    pass


def _end_at_once() -> NoReturn:
    with contextlib.suppress(OSError):
        if os.isatty(2):
            os.write(2, b"\x1b[?25h\n")  # A live bar has hidden the cursor.
    os._exit(INTERRUPTED)


def _leave_lost_terminal() -> None:
    """Have what goes to a terminal that is gone go nowhere; to write to it is an error."""
    with contextlib.suppress(OSError), open(os.devnull, "wb") as nowhere:
        for stream in (1, 2):
            if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
                os.dup2(nowhere.fileno(), stream)
