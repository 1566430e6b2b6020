"""What one trial leaves behind, and its form on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from bench.errors import BenchError
from bench.files import is_one_name
from bench.protocol import OK, STATUSES
from bench.records.predictions import Predictions
from bench.trial import Trial
from bench.values import NAMES, is_a

if TYPE_CHECKING:
    pass

BIT_IDENTICAL = "bit-identical"
WITHIN = "within 1e-6"
DIFFERENT = "different"
#: From the best to the worst.
VERDICTS = (BIT_IDENTICAL, WITHIN, DIFFERENT)


# The forms that a record has had on disk: each is read, and made into the present one

#: Raise this when a record's form changes, and say in ``_UPGRADES`` how the old one is read.
SCHEMA_VERSION = 3
_FIRST_WITH_DIGEST = 2

Document = dict[str, Any]


def parse(text: str) -> Document:
    """Return the document of a record, of whatever version.

    Raises:
        BenchError: It is cut short, no object, or of a version that is not read here.
    """
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"is not a whole JSON document ({error})") from None
    if not isinstance(document, dict):
        raise BenchError("is not a record: the document is no object")
    version = document.get("schema_version")
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise BenchError(
            f"has schema version {version!r}; this version of the suite reads 1 to {SCHEMA_VERSION}"
        )
    return document


def upgraded(document: Document) -> Document:
    """Return a document in the present form; the one given stays as it is.

    Raises:
        BenchError: A part that has changed its form is not in the old one.
    """
    for version in range(document["schema_version"], SCHEMA_VERSION):
        document = {**_UPGRADES[version](document), "schema_version": version + 1}
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


def _from_1(document: Document) -> Document:
    """Version 1 knew of its predictions only what their file is called."""
    name = document.get("predictions")
    described = None if name is None else {"file": name, "bytes": None, "sha256": None}
    return {**document, "predictions": described}


def _from_2(document: Document) -> Document:
    """Version 2 knew of no repeats: every record was an ordinary one."""
    return {**document, "repeat": None}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_OPENING = "{\n"
_UPGRADES: Mapping[int, Callable[[Document], Document]] = {1: _from_1, 2: _from_2}
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


_SECTIONS: Mapping[str, type] = {
    **dict.fromkeys(("trial", "metrics", "timing", "memory", "model"), dict),
    **dict.fromkeys(("data", "environment", "reference"), dict),
    **dict.fromkeys(("identity", "status", "reason", "finished", "log"), str),
}
_TRIAL: Mapping[str, type] = {
    **dict.fromkeys(("task", "plugin", "plugin_sha256", "source", "fingerprint"), str),
    **dict.fromkeys(("profile", "backend"), str),
    **dict.fromkeys(("task_version", "seed", "harness_version"), int),
    **dict.fromkeys(("hyperparameters", "view", "training", "versions", "overrides"), dict),
}
_DATA: Mapping[str, type] = {
    **dict.fromkeys(("source", "fingerprint", "why"), str),
    "metric": dict,
}
_METRIC: Mapping[str, type] = {
    **dict.fromkeys(("name", "direction", "baseline"), str),
    "units": dict,
}
#: Beyond this, what is computed from a number overflows. No honest result comes near.
_LARGEST_NUMBER = 1e300
_NUMBERS = frozenset({int, float})
_FIGURES = _NUMBERS | {type(None)}
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
class Record:
    """One trial's result with its provenance; see ``Outcome`` for the measured sections.

    ``reference`` are the plugin's published figures, ``finished`` is ISO time in UTC,
    ``predictions`` describes the file beside the record, if any. ``repeat`` is None for an
    ordinary record. For one of a trial that was trained again to be compared it has: of,
    the time when the record was finished that is repeated; verdict, one of
    ``bench.records.record.VERDICTS`` if the repeat is ok, else None; largest, the largest absolute
    difference, None if there is no such number; settings, see ``bench.records.repeats.settings``.
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
    predictions: Predictions | None
    log: str
    repeat: Mapping[str, Any] | None = None
    schema_version: int = SCHEMA_VERSION

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
    _check_sections(document)
    try:
        trial = Trial(**document["trial"])
    except TypeError as error:
        raise BenchError(f"describes no trial ({error})") from None
    _check_trial(trial)
    if trial.identity != document["identity"]:
        raise BenchError("does not match its own identity: it was edited")
    predictions = _predictions(document["predictions"])
    check_seal(text, written)
    parts = {name: document[name] for name in _PARTS}
    return Record(**{**parts, "trial": trial, "predictions": predictions})


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
    if document["status"] not in STATUSES:
        raise BenchError(f"has the unknown status {document['status']!r}")
    if not _is_time(document["finished"]):
        raise BenchError(f"was finished at {document['finished'][:40]!r}, which is no time")
    metric = _check_data(document["data"])
    _check_figures(document)
    if document["status"] == OK:
        _check_measured(document, metric)
    if document["repeat"] is not None:
        _check_repeat(document["repeat"], document["status"] == OK)


def _check_data(data: Mapping[str, Any]) -> Mapping[str, Any]:
    for name in _DATA:
        if name not in data:
            raise BenchError(f"has no {name} in its section data")
    _check_kinds("data", data, _DATA)
    metric: Mapping[str, Any] = data["metric"]
    if not {*_METRIC} <= {*metric}:
        raise BenchError("must give name, direction, baseline and units of its metric")
    _check_kinds("metric", metric, _METRIC)
    return metric


def _check_figures(document: Mapping[str, Any]) -> None:
    """Refuse what stands where a number belongs; None is one that was not finite."""
    for section in ("timing", "memory", "reference"):
        _check_numbers(section, document[section])
    curves = document["metrics"].get("curves", {})
    if not isinstance(curves, dict):
        raise BenchError("has curves that are not a dictionary")
    for name, values in curves.items():
        if not isinstance(values, list) or not _are_figures(values):
            raise BenchError(f"has a curve {name!r:.40} that is not a list of numbers")
    machine = document["environment"].get("machine", {})
    if not isinstance(machine, dict) or not _is_figure(machine.get("memory")):
        raise BenchError("has no machine in its section environment")


def _check_measured(document: Mapping[str, Any], metric: Mapping[str, Any]) -> None:
    for section, name in _MEASURED:
        if name not in document[section]:
            raise BenchError(f"is ok but has no {name} in its section {section}")
    for split in ("validation", "test"):
        scores = document["metrics"][split]
        score = scores.get(metric["name"]) if isinstance(scores, dict) else None
        if score is None or not _is_figure(score):
            raise BenchError(f"is ok but has no {split} {metric['name']}")
        _check_numbers(split, scores)
    counts = (document["model"]["parameters"], document["metrics"]["best_epoch"])
    if not all(is_a(count, int) for count in counts):
        raise BenchError("is ok but does not count its parameters and epochs in whole numbers")


def _check_repeat(repeat: Any, is_ok: bool) -> None:
    """Refuse a section repeat of another shape; a repeat that is ok was compared."""
    if not isinstance(repeat, dict) or not {"of", "verdict", "largest", "settings"} <= {*repeat}:
        raise BenchError("must give of, verdict, largest and settings of its repeat")
    if not isinstance(repeat["of"], str) or not _is_time(repeat["of"]):
        raise BenchError("repeats a record of a time that is no time")
    if repeat["verdict"] not in (VERDICTS if is_ok else (None,)):
        raise BenchError(f"has the verdict {repeat['verdict']!r:.40} on its repeat")
    if not _is_figure(repeat["largest"]) or not isinstance(repeat["settings"], dict):
        raise BenchError("has a repeat whose largest is no number or settings no dictionary")


def _check_trial(trial: Trial) -> None:
    """Refuse a trial of another shape, or one whose names would lead out of the folder."""
    _check_kinds("trial", vars(trial), _TRIAL)
    if trial.scored_examples is not None and not is_a(trial.scored_examples, int):
        raise BenchError("has scored_examples in its section trial that are not a whole number")
    for name in (trial.task, trial.plugin):
        if not is_one_name(name):
            raise BenchError(f"has the name {name[:40]!r}, which cannot name a folder")


def _predictions(described: Any) -> Predictions | None:
    if described is None:
        return None
    try:
        found = Predictions(**described)
    except TypeError:
        raise BenchError("has predictions that are not described") from None
    if not isinstance(found.file, str) or not is_one_name(found.file):
        raise BenchError(f"has predictions in {str(found.file)[:40]!r}, which is no file beside it")
    return found


def _check_kinds(section: str, found: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for name, kind in kinds.items():
        if not is_a(found[name], kind):
            raise BenchError(f"has a {name} in its section {section} that is not {NAMES[kind]}")


def _check_numbers(section: str, found: Mapping[str, Any]) -> None:
    for name, value in found.items():
        if not _is_figure(value):
            raise BenchError(f"has a {name:.40} in its section {section} that is not a number")


def _is_figure(value: Any) -> bool:
    return value is None or (is_a(value, float) and abs(value) < _LARGEST_NUMBER)


def _are_figures(values: Sequence[Any]) -> bool:
    """Say of a list read from JSON, which knows no NaN, whether all of it are figures.

    Curves are most of a record: their kinds and their largest are told at once.
    """
    kinds = {*map(type, values)}
    if not kinds <= _FIGURES:
        return False
    known = values if kinds <= _NUMBERS else [value for value in values if value is not None]
    return max(map(abs, known), default=0) < _LARGEST_NUMBER


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
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
