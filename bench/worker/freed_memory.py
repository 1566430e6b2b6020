"""Memory that the process has freed and its C library keeps."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give freed memory back to the system, where the C library can be told to (glibc).

    Compiling leaves some 200 MB that glibc keeps in pieces; a peak that comes later would be
    higher by them. See malloc_trim(3).
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
