"""What one trial leaves behind, and its form on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Annotated, Any, Literal, TypedDict

from bench import documents
from bench.errors import BenchError
from bench.files import is_one_name
from bench.protocol import OK, STATUSES
from bench.records.predictions import KeptModel, Predictions
from bench.trial import Trial

#: How far the clocks of two machines that share a folder may be apart.
CLOCK_SKEW = timedelta(minutes=10)

BIT_IDENTICAL = "bit-identical"
WITHIN = "within 1e-6"
DIFFERENT = "different"
#: From the best to the worst.
VERDICTS = (BIT_IDENTICAL, WITHIN, DIFFERENT)

#: The entries of the environment that have to be the same for two times to be compared.
WHERE = ("machine", "device", "threads", "inter_op_threads")


# The forms that a record has had on disk: each is read, and made into the present one

#: Raise this when a record's form changes, and say in ``upgrades`` how the old one is read.
SCHEMA_VERSION = 5
_FIRST_WITH_DIGEST = 2

Document = dict[str, Any]


def parse(text: str) -> Document:
    """Return the document of a record, of whatever version.

    Raises:
        BenchError: It is cut short, no object, or of a version that is not read here.
    """
    document = documents.parse(text)
    if not isinstance(document, dict):
        raise BenchError("is not a record: the document is no object")
    version = document.get("schema_version")
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise BenchError(
            f"has schema version {documents.shown(version)}; "
            f"this version of the suite reads 1 to {SCHEMA_VERSION}"
        )
    return document


def upgraded(document: Document) -> Document:
    """Return a document in the present form; the one given stays as it is.

    Raises:
        BenchError: A part that has changed its form is not in the old one.
    """
    if document["schema_version"] == SCHEMA_VERSION:
        return document
    from bench.records.upgrades import UPGRADES

    for version in range(document["schema_version"], SCHEMA_VERSION):
        document = {**UPGRADES[version](document), "schema_version": version + 1}
    return document


def sealed(document: Mapping[str, Any]) -> str:
    """Write a document with the digest over all of it in its first line."""
    text = _text(document)
    return f"{_first_line(_digest(text))}{text.removeprefix(_OPENING)}\n"


def check_seal(text: str, document: Document) -> None:
    """Refuse a document that is not as it was written; the first version has no digest.

    Another layout, such as other ends of lines, does not matter.

    Raises:
        BenchError: Something in it was changed.
    """
    if document["schema_version"] < _FIRST_WITH_DIGEST:
        return
    digest = document.get("digest")
    first = _first_line(digest)
    # Cutting a line out is ten times as fast as writing the document once more.
    if text.startswith(first) and _digest(_OPENING + text[len(first) : -1]) == digest:
        return
    content = {key: value for key, value in document.items() if key != "digest"}
    if _digest(_text(content)) != digest:
        raise BenchError("does not match its own digest: it was edited or damaged")


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1)


def _first_line(digest: Any) -> str:
    return f'{_OPENING} "digest": "{digest}",\n'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_OPENING = "{\n"


# The sections of a record, as far as their readers rely on them; each may hold more


class MetricSection(TypedDict):
    """What a task is scored by; ``baseline`` names the plugin that others have to beat."""

    name: str
    direction: str
    baseline: str
    units: Mapping[str, Any]


class Data(TypedDict):
    """Which data a trial had, and why those."""

    source: str
    fingerprint: str
    why: str
    metric: MetricSection


class Curves(TypedDict, total=False):
    """What a trial has measured epoch by epoch, by name."""

    curves: Mapping[str, list[documents.Figure]]


class Machine(TypedDict, total=False):
    """Of a machine, what is computed with."""

    memory: documents.Figure


class Environment(TypedDict, total=False):
    """Where a trial was run."""

    machine: Machine


class Repeat(TypedDict):
    """What came of training a trial again; see ``Record``."""

    of: documents.Time
    verdict: Literal["bit-identical", "within 1e-6", "different"] | None
    largest: documents.Figure
    settings: Mapping[str, Any]


class ScoresSection(TypedDict):
    """The section metrics of a trial that is ok: its scores by the metric's name."""

    validation: Mapping[str, documents.Figure]
    test: Mapping[str, documents.Figure]
    best_epoch: int


class Times(TypedDict):
    """The section timing of a trial that is ok, in seconds."""

    fit: documents.Figure
    steady_epoch: documents.Figure
    predict_per_1000: documents.Figure
    total: documents.Figure


class Memory(TypedDict):
    """The section memory of a trial that is ok, in bytes.

    ``peak_rss`` is the most that the trial would have had by itself. Of a forked trial it is so
    where its environment has the ``memory_pages`` "all"; else it is the resident set alone.
    """

    peak_rss: documents.Figure


class Model(TypedDict):
    """The section model of a trial that is ok."""

    parameters: int


#: What a trial that is ok has measured, by section.
MEASURED: Mapping[str, Any] = {
    "metrics": ScoresSection,
    "timing": Times,
    "memory": Memory,
    "model": Model,
}


@dataclass(frozen=True)
class Record:
    """One trial's result with its provenance; see ``Outcome`` for the measured sections.

    ``reference`` are the plugin's published figures, ``finished`` is ISO time in UTC,
    ``predictions`` and ``kept_model`` describe files beside it, if any. ``repeat`` is None for an
    ordinary record. For one of a trial that was trained again to be compared it has: of,
    the time when the record was finished that is repeated; verdict, one of
    ``bench.records.record.VERDICTS`` if the repeat is ok, else None; largest, the largest absolute
    difference, None if there is no such number; settings, see ``bench.records.repeats.settings``.
    """

    identity: str
    trial: Trial
    status: Annotated[str, documents.one_of(STATUSES)]
    reason: str
    finished: documents.Time
    metrics: Annotated[Mapping[str, Any], Curves]
    timing: documents.Figures
    memory: documents.Figures
    model: Mapping[str, Any]
    data: Annotated[Mapping[str, Any], Data]
    environment: Annotated[Mapping[str, Any], Environment]
    reference: documents.Figures
    predictions: Predictions | None
    log: str
    repeat: Annotated[Mapping[str, Any] | None, Repeat] = None
    kept_model: KeptModel | None = None
    schema_version: Annotated[int, documents.Meta(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)] = (
        SCHEMA_VERSION
    )

    @cached_property
    def is_ahead(self) -> bool:
        """Whether it is dated in the future: the clock of its machine was wrong."""
        finished = datetime.fromisoformat(self.finished)
        return finished > datetime.now(timezone.utc) + CLOCK_SKEW

    @cached_property
    def where(self) -> Mapping[str, Any]:
        """What of the environment says on what the trial was timed."""
        return {name: self.environment[name] for name in WHERE if name in self.environment}

    @cached_property
    def plugin_file(self) -> str | None:
        """Where the plugin's file lay, if that is told."""
        path = self.environment.get("plugin_file")
        return path if isinstance(path, str) else None

    def to_json(self) -> str:
        """Return the record as an indented JSON document in ASCII; NaN is written as null.

        A log or an error may hold text that UTF-8 cannot; escaped, it is kept all the same.
        """
        # Read back, as whoever checks the digest will find it: keys become texts.
        document = json.loads(json.dumps(_finite(asdict(self)), allow_nan=False))
        return sealed(document)


_PARTS = tuple(f.name for f in fields(Record))


def from_json(text: str) -> Record:
    """Read a record of any version; in memory all have the present form.

    Raises:
        BenchError: The document is cut short, edited, or of a schema that this version
            does not read.
    """
    written = parse(text)
    document = upgraded(written)
    missing = [name for name in _PARTS if name not in document]
    if missing:
        raise BenchError(f"lacks {', '.join(missing)}")
    record = documents.convert({name: document[name] for name in _PARTS}, Record)
    _check_names(record)
    _check_times(record)
    if record.status == OK:
        _check_measured(record)
    _check_verdict(record)
    if record.trial.identity != record.identity:
        raise BenchError("does not match its own identity: it was edited")
    check_seal(text, written)
    return record


def answers(records: Iterable[Record]) -> dict[str, Record]:
    """Return the current record of each identity, of ``records`` from old to new.

    It is the newest one that is ok, else the newest: an identity covers all that can
    change a result, so that a later time-out or crash takes nothing from an ok result.
    """
    found: dict[str, Record] = {}
    for record in records:
        kept = found.get(record.identity)
        if kept is None or record.status == OK or kept.status != OK:
            found[record.identity] = record
    return found


def _check_names(record: Record) -> None:
    """Refuse names that would lead out of the folder."""
    for name in (record.trial.task, record.trial.plugin):
        if not is_one_name(name):
            raise BenchError(f"has the name {documents.shown(name)}, which cannot name a folder")
    for what, found in (("predictions", record.predictions), ("a model", record.kept_model)):
        if found is not None and not is_one_name(found.file):
            raise BenchError(
                f"has {what} in {documents.shown(found.file)}, which is no file beside it"
            )


def _check_times(record: Record) -> None:
    if not documents.is_time(record.finished):
        raise BenchError(f"was finished at {documents.shown(record.finished)}, which is no time")
    if record.repeat is not None and not documents.is_time(record.repeat["of"]):
        raise BenchError("repeats a record of a time that is no time")


def _check_measured(record: Record) -> None:
    """Refuse a record that is ok and does not say what its readers ask of such a one."""
    for section, kind in MEASURED.items():
        found = getattr(record, section)
        asked = {name: found[name] for name in kind.__annotations__ if name in found}
        documents.convert(asked, kind, section)
    metric = record.data["metric"]["name"]
    for split in ("validation", "test"):
        if record.metrics[split].get(metric) is None:
            raise BenchError(f"is ok but has no {split} {metric:.40}")


def _check_verdict(record: Record) -> None:
    """Refuse a repeat that is ok and was not compared, or the other way round."""
    if record.repeat is not None and (record.repeat["verdict"] is None) == (record.status == OK):
        raise BenchError(
            f"is {record.status} but has the verdict {record.repeat['verdict']!r} on its repeat"
        )


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def row_label(record: Record) -> str:
    """Return the name of the row that a record belongs to."""
    label, backend = record.trial.label, record.trial.backend
    return label if backend == "tensorflow" else f"{label} [{backend}]"
