"""Which folders data live in: raw files in one, everything derived from them in another."""

from __future__ import annotations

import os
from pathlib import Path

# For modules that look for it here.

_APPLICATION = "keras-sequence-bench"


def data_folder() -> Path:
    """Return where raw files are looked for and downloaded to; it need not exist.

    ``BENCH_DATA_DIR``, else ``data`` in the platform's cache folder. Nothing but
    downloads is ever written to it, since it may be shared or read-only.
    """
    return _from_environment("BENCH_DATA_DIR") or _platform_folder() / "data"


def cache_folder() -> Path:
    """Return where parsed arrays and digests are kept; it need not exist.

    ``BENCH_CACHE_DIR``, else the platform's cache folder. It can be deleted at any time.
    """
    return _from_environment("BENCH_CACHE_DIR") or _platform_folder()


def offline() -> bool:
    """Whether ``BENCH_OFFLINE`` forbids any download."""
    return os.environ.get("BENCH_OFFLINE", "") not in ("", "0")


def _from_environment(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(os.path.abspath(os.path.expanduser(value))) if value else None


def _platform_folder() -> Path:
    import platformdirs

    return platformdirs.user_cache_path(_APPLICATION, appauthor=False)
