"""A kept side: a small JSON document that people can review, and its reading without trust."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from bench import documents
from bench.errors import BenchError
from bench.files import read_bounded
from bench.formatting import one_line
from bench.gate.model import Key, Measurement, Origin, Quality, SeedScore, Side
from bench.metrics import METRICS, PARAMETERS, QUALITY
from bench.protocol import STATUSES
from bench.values import is_a

if TYPE_CHECKING:
    from bench.task import Array

#: Version 1 did not say which records its values are of.
SCHEMA_VERSION = 2
#: All plugins of this suite with three seeds each take a third of a megabyte.
LARGEST = 1 << 26
#: Noise is a per cent or more of a time, so six digits are more than anyone can measure.
_DIGITS = 6
_SCORE_DIGITS = 9
_WIDTH = 100
_LONGEST = 80
#: Squares of these still fit float64; no metric comes near.
_LARGEST_SCORE = 1e30
#: More groups of examples than any task has: what claims more is damaged, or a bomb.
MOST_NUMBERS = 1 << 20


_MEASURED = tuple(name for name, metric in METRICS.items() if metric.kind in ("time", "memory"))


# The form on disk


@dataclass(frozen=True)
class KeptSeed:
    """A ``SeedScore``, its influences as ``pack`` writes them."""

    seed: int
    value: documents.Number
    digest: str
    influences: str


@dataclass(frozen=True)
class KeptQuality:
    """A ``Quality``, and how many groups its scored examples have."""

    metric: str
    direction: Annotated[str, documents.one_of(("min", "max"))]
    examples: str
    independent: bool
    groups: Annotated[int, documents.Meta(ge=0, le=MOST_NUMBERS)]
    seeds: tuple[KeptSeed, ...]


@dataclass(frozen=True)
class KeptOrigin:
    """An ``Origin``."""

    trial: str
    finished: documents.Time
    commit: str


@dataclass(frozen=True)
class KeptPlugin:
    """A ``Measurement`` with its ``Key``.

    ``values_of`` says of each metric's values, in their order, from which of ``records`` they are.
    """

    task: str
    label: str
    source: str
    profile: str
    backend: str
    status: Annotated[str, documents.one_of(STATUSES)]
    reason: str
    data: str
    settings: Mapping[str, Any]
    parameters: Annotated[int, documents.Meta(ge=0)] | None
    disturbed: str
    rounds: Mapping[Annotated[str, documents.one_of(_MEASURED)], documents.Rounds]
    quality: KeptQuality | None
    records: tuple[KeptOrigin, ...]
    values_of: Mapping[
        Annotated[str, documents.one_of(METRICS)],
        tuple[Annotated[int, documents.Meta(ge=0)], ...],
    ]


@dataclass(frozen=True)
class KeptSide:
    """A ``Side`` without its name, which is the file's."""

    schema_version: Annotated[int, documents.Meta(ge=SCHEMA_VERSION, le=SCHEMA_VERSION)]
    commit: str
    written: documents.Time
    machine: Mapping[str, Any]
    plugins: tuple[KeptPlugin, ...]


def write(side: Side) -> str:
    """Return a side as a JSON document in ASCII; the same side gives the same text.

    What fits a line stands on one. A side's name is not written: who reads the file knows
    it by its path.
    """
    document = {
        "schema_version": SCHEMA_VERSION,
        "commit": side.commit,
        "written": side.written,
        "machine": dict(sorted(side.machine.items())),
        "plugins": [_plugin(side.plugins[key]) for key in sorted(side.plugins)],
    }
    return _lines(document, 0) + "\n"


def read(path: Path) -> Side:
    """Return the side that a file keeps; its name is the path.

    Raises:
        BenchError: The file cannot be read, is damaged, or is of a version that is not read
            here; names the file and the fix.
    """
    try:
        return from_json(read_bounded(path, LARGEST).decode("utf-8"), str(path))
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be read ({error.strerror or error}); "
            "write one with `python -m bench baseline`"
        ) from None
    except (BenchError, UnicodeDecodeError) as error:
        said = "is no text in UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise BenchError(
            f"{path}: {said}; write it again with `python -m bench baseline`"
        ) from None


def from_json(text: str, name: str) -> Side:
    """Return the side that a document keeps.

    Args:
        text: As ``write`` returns it, or as somebody has edited that.
        name: How a reader knows the side.

    Raises:
        BenchError: Says which part is wrong; does not name the file.
    """
    document = documents.parse(text)
    if not isinstance(document, dict) or "schema_version" not in document:
        raise BenchError("is no baseline: it has no schema_version")
    version = document["schema_version"]
    if not is_a(version, int) or not 1 <= version <= SCHEMA_VERSION:
        raise BenchError(
            f"has schema version {documents.shown(version)}; "
            f"this version of the suite reads 1 to {SCHEMA_VERSION}"
        )
    kept = documents.convert(document if version > 1 else _from_1(document), KeptSide)
    if not documents.is_time(kept.written):
        raise BenchError(
            f"was written at {documents.shown(kept.written)}, which is no time with a zone"
        )
    plugins: dict[Key, Measurement] = {}
    for plugin in kept.plugins:
        measured = _measurement(plugin)
        if measured.key in plugins:
            raise BenchError(f"has {one_line(str(measured.key), _LONGEST)} twice")
        plugins[measured.key] = measured
    return Side(name, kept.machine, kept.commit, kept.written, plugins)


def _from_1(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document of version 1 in the present form."""
    unknown: dict[str, Any] = {"records": [], "values_of": {}}
    plugins = document.get("plugins")
    if isinstance(plugins, list):
        plugins = [{**each, **unknown} if isinstance(each, dict) else each for each in plugins]
    return {**document, "plugins": plugins, "schema_version": SCHEMA_VERSION}


def _plugin(measured: Measurement) -> dict[str, Any]:
    rounds = {
        name: [[_rounded(value, _DIGITS) for value in process] for process in measured.rounds[name]]
        for name in METRICS
        if measured.rounds.get(name)
    }
    origins = {name: measured.origins[name] for name in METRICS if name in measured.origins}
    records = sorted({each for some in origins.values() for each in some}, key=_when)
    return {
        **asdict(measured.key),
        "status": measured.status,
        "reason": measured.reason,
        "data": measured.data,
        "settings": dict(sorted(measured.settings.items())),
        "parameters": measured.parameters,
        "disturbed": measured.disturbed,
        "rounds": rounds,
        "quality": None if measured.quality is None else _quality(measured.quality),
        "records": [asdict(record) for record in records],
        "values_of": {name: [*map(records.index, some)] for name, some in origins.items()},
    }


def _when(origin: Origin) -> tuple[str, str, str]:
    return origin.finished, origin.trial, origin.commit


def _quality(quality: Quality) -> dict[str, Any]:
    seeds = sorted(quality.seeds, key=lambda score: score.seed)
    return {
        "metric": quality.metric,
        "direction": quality.direction,
        "examples": quality.examples,
        "independent": quality.independent,
        "groups": len(seeds[0].influences) if seeds else 0,
        "seeds": [
            {
                "seed": score.seed,
                "value": _rounded(score.value, _SCORE_DIGITS),
                "digest": score.digest,
                "influences": pack(score.influences),
            }
            for score in seeds
        ],
    }


def _rounded(value: float, digits: int) -> float:
    """Round to significant digits; bytes and other whole numbers stay as they are."""
    return int(value) if float(value).is_integer() else float(f"{value:.{digits}g}")


def _lines(value: Any, depth: int) -> str:
    """Write JSON: what fits a line, or is a list of plain values, on one line."""
    flat = json.dumps(value, allow_nan=False)
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    holds_more = any(isinstance(part, dict | list) for part in parts)
    if not parts or len(flat) + depth <= _WIDTH or (isinstance(value, list) and not holds_more):
        return flat
    if isinstance(value, dict):
        inner = [f"{json.dumps(k)}: {_lines(v, depth + 1)}" for k, v in value.items()]
    else:
        inner = [_lines(part, depth + 1) for part in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    indent = " " * (depth + 1)
    body = ",\n".join(indent + line for line in inner)
    return f"{opening}\n{body}\n{' ' * depth}{closing}"


def _measurement(kept: KeptPlugin) -> Measurement:
    key = Key(*(getattr(kept, field.name) for field in fields(Key)))
    return Measurement(
        key=key,
        status=kept.status,
        reason=kept.reason,
        quality=None if kept.quality is None else _scores(kept.quality, f"{key}: quality"),
        rounds={name: kept.rounds[name] for name in _MEASURED if name in kept.rounds},
        parameters=kept.parameters,
        disturbed=kept.disturbed,
        data=kept.data,
        settings=kept.settings,
        origins=_origins(kept, key),
    )


def _origins(kept: KeptPlugin, key: Key) -> dict[str, tuple[Origin, ...]]:
    records = [Origin(each.trial, each.finished, each.commit) for each in kept.records]
    values = {name: len(processes) for name, processes in kept.rounds.items()}
    values[QUALITY] = 0 if kept.quality is None else len(kept.quality.seeds)
    values[PARAMETERS] = 0 if kept.parameters is None else 1
    for name, some in kept.values_of.items():
        where = f"{one_line(str(key), _LONGEST)}: {name}"
        if len(some) != values.get(name, 0):
            raise BenchError(f"{where} is of {len(some)} records, but has another number of values")
        if any(number >= len(records) for number in some):
            raise BenchError(f"{where} is of a record that is not among its records")
    if unknown := [each.finished for each in records if not documents.is_time(each.finished)]:
        where = one_line(str(key), _LONGEST)
        raise BenchError(
            f"{where} has a record of {documents.shown(unknown[0])}, which is no time with a zone"
        )
    return {name: tuple(records[n] for n in some) for name, some in kept.values_of.items()}


def _scores(kept: KeptQuality, where: str) -> Quality:
    where = one_line(where, _LONGEST)
    seeds = tuple(_score(seed, kept.groups, where) for seed in kept.seeds)
    numbers = [score.seed for score in seeds]
    if numbers != sorted({*numbers}):
        raise BenchError(f"{where} has seeds that are not in order, or one twice")
    return Quality(kept.metric, kept.direction, kept.examples, kept.independent, seeds)


def _score(kept: KeptSeed, groups: int, where: str) -> SeedScore:
    if abs(kept.value) > _LARGEST_SCORE:
        raise BenchError(f"{where} of seed {kept.seed} has a score beyond {_LARGEST_SCORE:g}")
    try:
        influences = unpack(kept.influences, groups)
    except BenchError as error:
        raise BenchError(
            f"{where} of seed {kept.seed} has influences that cannot be read: {error}"
        ) from None
    return SeedScore(kept.seed, kept.value, kept.digest, influences)


# Arrays of numbers as short texts, for files that people read and keep

_BYTES = 4


def pack(values: Array) -> str:
    """Write numbers of shape (D,) as float32 (little end first), compressed, in base64.

    The influences of reviews, each right or wrong, have two values: 5,000 take 0.8 kB.
    Those of days have many: 700 take 3.3 kB.
    """
    import numpy as np

    content = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def unpack(text: str, count: int) -> Array:
    """Read ``count`` numbers that ``pack`` has written; float32 of shape (count,).

    No more than that is ever unpacked, whatever the text holds.

    Raises:
        BenchError: It is damaged, holds another count, or a number that is not finite.
    """
    import numpy as np

    if not 0 <= count <= MOST_NUMBERS:
        raise BenchError(f"{count:,} numbers are more than the {MOST_NUMBERS:,} that are read")
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(base64.b64decode(text, validate=True), _BYTES * count + 1)
    except (binascii.Error, ValueError, zlib.error) as error:
        raise BenchError(f"damaged numbers ({error})") from None
    if len(content) != _BYTES * count or not inflate.eof or inflate.unused_data:
        raise BenchError(f"not the {count:,} numbers that it claims")
    found = np.frombuffer(content, dtype="<f4").astype("float32")
    if not np.isfinite(found).all():
        raise BenchError("numbers that are not finite")
    return found
