"""What the statistics need of records: the score of every example, from the stored predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.leaderboard import Leaderboard
from bench.protocol import OK
from bench.records.record import Record
from bench.records.store import Store

if TYPE_CHECKING:
    from bench.task import Array

#: The splits that are scored, and how the names of their arrays begin in a file of predictions.
PREFIXES = {"validation": "validation_", "test": ""}


@dataclass(frozen=True)
class Scores:
    """The score of every example of a split, whose mean is the metric, and the examples' groups.

    ``values`` has shape (n,), float32; ``groups`` (n,), integers: examples of one group are
    not independent. ``examples`` tells these examples from all others.
    """

    values: Array
    groups: Array
    examples: str


Key = tuple[str, str]
Evidence = Mapping[Key, Mapping[str, Scores]]


def key_of(record: Record) -> Key:
    """Tell a record from all others: one trial may have several."""
    return record.identity, record.finished


def gather(store: Store, board: Leaderboard, say: Callable[[str], None]) -> Evidence:
    """Read the predictions of a leaderboard's records that are ok; by record and split.

    ``say`` is told of each file that cannot be used. Records of the first schemas kept no
    predictions of the validation split.
    """
    found: dict[Key, Mapping[str, Scores]] = {}
    # The same examples are scored by every plugin: their groups are kept once.
    shared: dict[str, Array] = {}
    for table in board.tables:
        for record in table.records:
            if record.status != OK or record.predictions is None:
                continue
            try:
                arrays = store.predictions(record)
                found[key_of(record)] = _scores(arrays, table.metric, shared)
            except BenchError as error:
                say(f"left out of the statistics: {error}")
    return found


def _scores(
    arrays: Mapping[str, Array], metric: str, shared: dict[str, Array]
) -> dict[str, Scores]:
    from hashlib import sha256

    from bench.statistics.scores import per_example

    scores = {}
    for split, prefix in PREFIXES.items():
        names = [f"{prefix}{name}" for name in ("predictions", "targets", "groups")]
        if not arrays.keys() >= {*names}:
            continue
        predictions, targets, groups = (arrays[name] for name in names)
        examples = sha256(targets.tobytes() + groups.tobytes()).hexdigest()
        values = per_example(metric, targets, predictions)
        scores[split] = Scores(values, shared.setdefault(examples, groups), examples)
    return scores
