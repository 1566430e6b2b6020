"""``run --verify``: which trials of a run are repeated, and what each repeat's record says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.plan.plan import Planned
from bench.protocol import OK
from bench.records.predictions import unpack
from bench.records.record import DIFFERENT, Record, answers
from bench.records.repeats import (
    RepeatCheck,
    VerifySample,
    compare_metrics,
    compare_predictions,
    sample,
    settings,
    settings_text,
    verdict_text,
    worst,
)
from bench.records.store import Store

if TYPE_CHECKING:
    from bench.task import Array

Warn = Callable[[str], None]


@dataclass
class Verification:
    """The repeats that a run is asked for; ``plan`` is what the run itself goes through.

    ``wanted`` are the records whose trials were chosen to be repeated.
    """

    sample: VerifySample
    plan: Sequence[Planned]
    store: Store
    warn: Warn
    wanted: list[Record] = field(default_factory=list)
    _is_planned: bool = False

    def further(self, records: Iterable[Record]) -> list[Planned]:
        """Plan the repeats, once the run has gone through its plan and left ``records``.

        Asked again, there is nothing further.

        A trial whose record or predictions are not as they were written cannot be
        repeated; it is named in a warning.
        """
        if self._is_planned:
            return []
        self._is_planned = True
        usable = [self._on_disk(record) for record in records if record.status == OK]
        self.wanted = sample(usable, self.sample.count)
        if not self.wanted:
            self.warn("--verify: no trial is ok, so that none is repeated")
        planned = {each.trial.identity: each for each in self.plan}
        return [
            replace(planned[first.identity], reused=None, first=first)
            for first in self.wanted
            if self._can_be_compared(first)
        ]

    def unconfirmed(self, records: Iterable[Record]) -> int:
        """Return how many of the wanted repeats did not give the same result, or none."""
        confirmed = {
            (record.identity, record.repeat["of"])
            for record in records
            if record.repeat and record.repeat["verdict"] not in (None, DIFFERENT)
        }
        return sum((first.identity, first.finished) not in confirmed for first in self.wanted)

    def _on_disk(self, record: Record) -> Record:
        """Return the current record of a trial as it was written, with its predictions.

        One that could not be written stays as it is, without: its trial is still claimed.
        """
        found = self.store.find(record.trial)
        is_written = any(each.finished == record.finished for each in found)
        return answers(found)[record.identity] if is_written else record

    def _can_be_compared(self, first: Record) -> bool:
        try:
            self.store.predictions(first)
        except BenchError as error:
            self.warn(f"not repeated: {error}")
            return False
        return True


def judged(
    record: Record, first: Record, predictions: bytes | None, store: Store, warn: Warn
) -> Record:
    """Return the record of a repeat with its section ``repeat``.

    Args:
        record: What the repeat left.
        first: The record that it repeats.
        predictions: The content of the repeat's file of predictions.
        store: Where the first predictions are found.
        warn: Is told of a repeat that is different, with the settings of both. It is also
            told when the first predictions have become damaged meanwhile: then the record
            is an ordinary one.
    """
    found = settings(first.environment, record.environment)
    verdict = largest = None
    if record.status == OK:
        try:
            before = store.predictions(first)
        except BenchError as error:
            warn(f"the repeat of {first.trial} is compared with nothing: {error}")
            return record
        compared = _compared(record, first, before, predictions)
        verdict, largest = compared.verdict, compared.largest
        if verdict == DIFFERENT:
            warn(
                f"{first.trial}: its repeat is {verdict_text(verdict, largest)}; "
                f"settings: {settings_text(found)}"
            )
    section = {"of": first.finished, "verdict": verdict, "largest": largest, "settings": found}
    return replace(record, repeat=section)


def repeated_meanwhile(found: Iterable[Record], first: Record) -> Record | None:
    """Return the repeat of a record that another run has made to its end, if there is one.

    Args:
        found: The records of the trial's identity that there are now, from old to new.
        first: The record that is to be repeated. It is the current record of its trial, so that a
            repeat of it can only have been made since.
    """
    repeats = [r for r in found if r.repeat and r.repeat["of"] == first.finished]
    return next((record for record in reversed(repeats) if record.status == OK), None)


def _compared(
    record: Record, first: Record, before: Mapping[str, Array], content: bytes | None
) -> RepeatCheck:
    metric = str(first.data["metric"]["name"])
    try:
        after = unpack(Path("predictions.npz"), content or b"")
    except BenchError:
        after = {}  # What a plugin has spoiled is not the same.
    return worst(
        [
            compare_predictions(before, after),
            compare_metrics(first.metrics, record.metrics, metric),
        ]
    )
