"""Text of unknown origin (names, errors, paths) made safe for one line of output."""

from __future__ import annotations

_JOINERS = "\u200c\u200d"  # They hold emoji and some scripts together.


def one_line(text: str, longest: int | None = None) -> str:
    """Return text on one line, without control characters, cut with "…" where too long."""
    line = without_controls(" ".join(text.split()))
    return line if longest is None or len(line) <= longest else line[: longest - 1] + "…"


def without_controls(line: str) -> str:
    """Return a line with "?" for each control character, its spaces as they are."""
    return "".join(c if c.isprintable() or c in _JOINERS else "?" for c in line)
