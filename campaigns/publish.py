"""``python -m campaigns.publish RESULTS...``: copy what was trained into ``reports/records``.

Of each trial of a full training that is ok or was skipped one record is published: one that had
the machine to itself, for its times, else the first. Where a trial is published already, it is
only once more for the times of a machine on which it has none. Predictions are compressed again,
by LZMA: that takes up to a quarter less room, and NumPy reads it as it is, but it costs every
trial of a user more time than it is worth there. What is published stays as it is.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from bench.analysis.contention import contention_of, usual_references
from bench.analysis.places import machine_of
from bench.errors import BenchError
from bench.protocol import OK, SKIPPED
from bench.records.layout import PUBLISHED
from bench.records.record import Record
from bench.records.store import Store
from bench.task import Array

FOLDER = Path(__file__).parents[1] / "reports" / PUBLISHED


def choose(found: Iterable[Record], published: Iterable[Record]) -> list[Record]:
    """Choose the records to publish beside those that are."""
    good = [r for r in found if r.status in (OK, SKIPPED) and r.trial.profile == "full"]
    known = [*published]
    usual = usual_references([*known, *good])

    def is_quiet(record: Record) -> bool:
        return not contention_of(record, usual.get(machine_of(record)))

    seen = {record.identity for record in known}
    trained = {record.identity for record in known if record.status == OK}
    timed = {(record.identity, machine_of(record)) for record in known if is_quiet(record)}
    chosen = []
    for record in sorted(good, key=lambda record: (record.status != OK, not is_quiet(record))):
        place = record.identity, machine_of(record)
        is_timed = record.status == OK and is_quiet(record) and place not in timed
        if is_timed or record.identity not in (trained if record.status == OK else seen):
            chosen.append(record)
            seen.add(record.identity)
            trained.add(record.identity)
            timed.add(place)
    return chosen


def publish(source: Path, target: Path) -> list[Path]:
    """Copy what is chosen of a results folder into another; return the records' new paths.

    Raises:
        BenchError: The source holds no records, predictions are gone or damaged, or the
            target cannot be written.
    """
    store, results = Store(target), Store(source)
    found = results.read().records
    if not found:
        raise BenchError(f"{source}: holds no records; name the folder that --results named")
    chosen = choose(found, store.read().records)
    store.prepare()
    return [store.write(record, _predictions(results, record)) for record in chosen]


def compressed(arrays: Mapping[str, Array]) -> bytes:
    """Return arrays as a file of NumPy's that is compressed by LZMA."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
    return content.getvalue()


def _predictions(store: Store, record: Record) -> bytes | None:
    return None if record.predictions is None else compressed(store.predictions(record))


def main(sources: Iterable[str]) -> None:
    """Publish what the folders have, and say how much is published now."""
    try:
        for source in sources:
            print(f"{source}: {len(publish(Path(source), FOLDER))} records published")
    except BenchError as error:
        sys.exit(f"Error: {error}")
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{FOLDER}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])
