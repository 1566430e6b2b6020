"""The suite's data as files that a plain script can read: the same numbers in the same split."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.series.prepare import DELAY
from bench.series.windows import window_of
from bench.task import Prepared

from .plain_imdb import Reviews
from .plain_jena import Series

_PARTS = ("train", "validation", "test")


def write_series(prepared: Prepared, folder: Path) -> Path:
    """Write a series as a CSV file with a header; what is there already stays."""
    path = folder / "series.csv"
    if not path.exists():
        header = ",".join(prepared.meta["columns"])
        values = np.asarray(prepared.arrays["values"])
        np.savetxt(path, values, fmt="%.7g", delimiter=",", header=header, comments="")
    return path


def write_reviews(prepared: Prepared, folder: Path) -> tuple[Path, Path | None]:
    """Write the word ranks of all reviews, without a pickle, and the words if there are any."""
    path, words = folder / "reviews.npz", folder / "words.txt"
    if not path.exists():
        names = [f"{part}_{what}" for part in _PARTS for what in ("tokens", "offsets", "labels")]
        arrays: dict[str, Any] = {name: prepared.arrays[name] for name in names}
        np.savez(path, **arrays)
        if "vocabulary" in prepared.arrays:
            words.write_bytes(prepared.arrays["vocabulary"].tobytes())
    return path, words if words.exists() else None


def series_of(prepared: Prepared, view: Mapping[str, Any], folder: Path) -> Series:
    """Return what a plain script has to know of a series under a view.

    Raises:
        BenchError: An option of the view has no meaning.
        CannotRun: The series is too coarse for the view.
    """
    meta = prepared.meta
    window = window_of(view, meta["columns"], meta["interval_seconds"])
    validation = meta["training_rows"]
    return Series(
        file=str(write_series(prepared, folder)),
        lookback=window.lookback,
        step=window.step,
        delay=DELAY // meta["interval_seconds"],
        target=meta["target_column"],
        validation=validation,
        test=validation + meta["validation_rows"],
        reverse=window.reverse,
    )


def reviews_of(prepared: Prepared, view: Mapping[str, Any], folder: Path) -> Reviews:
    """Return what a plain script has to know of reviews under a view."""
    file, words = write_reviews(prepared, folder)
    return Reviews(
        file=str(file),
        words="" if words is None else str(words),
        encoding=view["encoding"],
        num_words=view["num_words"],
        maxlen=view["maxlen"],
        reverse=view["reverse"],
        dimensions=view["dimensions"],
    )
