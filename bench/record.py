"""What one trial leaves behind, and its form on disk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from bench.errors import BenchError
from bench.trial import Trial
from bench.values import NAMES, is_a

SCHEMA_VERSION = 1

OK = "ok"
SKIPPED = "skipped"
FAILED = "failed"
DIVERGED = "diverged"
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out_of_memory"
CRASHED = "crashed"
STATUSES = (OK, SKIPPED, FAILED, DIVERGED, TIMEOUT, OUT_OF_MEMORY, CRASHED)

_SECTIONS: Mapping[str, type] = {
    **dict.fromkeys(("trial", "metrics", "timing", "memory", "model"), dict),
    **dict.fromkeys(("data", "environment", "reference"), dict),
    **dict.fromkeys(("identity", "reason", "finished", "log"), str),
}
_MEASURED = (
    ("metrics", "validation"),
    ("metrics", "test"),
    ("metrics", "best_epoch"),
    ("timing", "fit"),
    ("timing", "steady_epoch"),
    ("timing", "predict_per_1000"),
    ("timing", "total"),
    ("memory", "peak_rss"),
    ("model", "parameters"),
)


@dataclass(frozen=True)
class Outcome:
    """What a worker reports at its end; times in seconds, memory in bytes.

    metrics: train, validation, test (metric name -> value), best_epoch, and curves
    (name -> one value an epoch). timing: build, compile, first_epoch, steady_epoch, fit,
    predict (of the scored test examples), predict_per_1000, total. memory: peak_rss.
    model: parameters, size. environment: what the worker knows of where it ran.
    """

    status: str
    reason: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, int] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One trial's result with its provenance; see ``Outcome`` for the measured sections.

    ``reference`` are the plugin's published figures, ``finished`` is ISO time in UTC,
    ``predictions`` the name of the file beside the record, if any.
    """

    identity: str
    trial: Trial
    status: str
    reason: str
    finished: str
    metrics: Mapping[str, Any]
    timing: Mapping[str, float]
    memory: Mapping[str, int]
    model: Mapping[str, Any]
    data: Mapping[str, Any]
    environment: Mapping[str, Any]
    reference: Mapping[str, float]
    predictions: str | None
    log: str
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Return the record as an indented JSON document in ASCII; NaN is written as null.

        A log or an error may hold text that UTF-8 cannot; escaped, it is kept all the same.
        """
        return json.dumps(_finite(asdict(self)), indent=1, allow_nan=False) + "\n"


def from_json(text: str) -> Record:
    """Read a record.

    Raises:
        BenchError: The document is cut short, edited into nonsense, or of a schema that
            this version does not read.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"is not a whole JSON document ({error})") from None
    if not isinstance(document, dict):
        raise BenchError("is not a record: the document is no object")
    version = document.get("schema_version")
    if version != SCHEMA_VERSION:
        raise BenchError(
            f"has schema version {version!r}; this version of the suite reads {SCHEMA_VERSION}"
        )
    missing = [f.name for f in fields(Record) if f.name not in document]
    if missing:
        raise BenchError(f"lacks {', '.join(missing)}")
    if document["status"] not in STATUSES:
        raise BenchError(f"has the unknown status {document['status']!r}")
    _check_sections(document)
    try:
        trial = Trial(**document["trial"])
    except TypeError as error:
        raise BenchError(f"describes no trial ({error})") from None
    if trial.identity != document["identity"]:
        raise BenchError("does not match its own identity: it was edited")
    return Record(**{**{f.name: document[f.name] for f in fields(Record)}, "trial": trial})


def answers(records: Iterable[Record]) -> dict[str, Record]:
    """Return the record that answers for each identity, of ``records`` from old to new.

    It is the newest one that is ok, else the newest: an identity covers all that can
    change a result, so that a later time-out or crash takes nothing from an ok result.
    """
    found: dict[str, Record] = {}
    for record in records:
        kept = found.get(record.identity)
        if kept is None or record.status == OK or kept.status != OK:
            found[record.identity] = record
    return found


def _check_sections(document: Mapping[str, Any]) -> None:
    """Refuse a record that its readers could not work with.

    Raises:
        BenchError: Names the section.
    """
    for name, kind in _SECTIONS.items():
        if not isinstance(document[name], kind):
            raise BenchError(f"has a section {name} that is not {NAMES[kind]}")
    for name in ("source", "fingerprint", "why", "metric"):
        if name not in document["data"]:
            raise BenchError(f"has no {name} in its section data")
    metric = document["data"]["metric"]
    if not isinstance(metric, dict) or not {"name", "direction", "baseline", "units"} <= {*metric}:
        raise BenchError("must give name, direction, baseline and units of its metric")
    if document["status"] != OK:
        return
    for section, name in _MEASURED:
        if name not in document[section]:
            raise BenchError(f"is ok but has no {name} in its section {section}")
    for split in ("validation", "test"):
        scores = document["metrics"][split]
        if not isinstance(scores, dict) or not is_a(scores.get(metric["name"]), float):
            raise BenchError(f"is ok but has no {split} {metric['name']}")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
