"""A kept side: a small JSON document that people can review, and its reading without trust."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from bench.errors import BenchError
from bench.files import read_bounded
from bench.formatting import one_line
from bench.gate.model import Key, Measurement, Quality, SeedScore, Side
from bench.metrics import METRICS
from bench.protocol import STATUSES
from bench.registry.declarations import nearest
from bench.values import NAMES, is_a

if TYPE_CHECKING:
    from bench.task import Array

SCHEMA_VERSION = 1
#: All plugins of this suite with three seeds each take a third of a megabyte.
LARGEST = 1 << 26
#: Noise is a per cent or more of a time, so six digits are more than anyone can measure.
_DIGITS = 6
_SCORE_DIGITS = 9
_WIDTH = 100
_LONGEST = 80
#: No honest number comes near, and what is computed from a larger one overflows.
_LARGEST_NUMBER = 1e300

_SIDE = {"schema_version": int, "commit": str, "written": str, "machine": dict, "plugins": list}
_KEY = dict.fromkeys(("task", "label", "source", "profile", "backend"), str)
_PLUGIN = {
    **_KEY,
    **dict.fromkeys(("status", "reason", "disturbed", "data"), str),
    **dict.fromkeys(("settings", "rounds"), dict),
    **dict.fromkeys(("parameters", "quality"), object),
}
_QUALITY = {
    **dict.fromkeys(("metric", "direction", "examples"), str),
    "independent": bool,
    "groups": int,
    "seeds": list,
}
_SEED = {"seed": int, "value": float, "digest": str, "influences": str}


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
            here; names the file and the mend.
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
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"is not a whole JSON document ({error})") from None
    if not isinstance(document, dict) or "schema_version" not in document:
        raise BenchError("is no baseline: it has no schema_version")
    version = document["schema_version"]
    if version != SCHEMA_VERSION or not is_a(version, int):
        raise BenchError(
            f"has schema version {version!r:.40}; this version of the suite reads {SCHEMA_VERSION}"
        )
    _check(document, _SIDE, "the baseline")
    if not _is_time(document["written"]):
        raise BenchError(
            f"was written at {document['written']!r:.40}, which is no time with a zone"
        )
    plugins: dict[Key, Measurement] = {}
    for number, part in enumerate(document["plugins"]):
        measured = _read_plugin(part, f"plugin {number + 1}")
        if measured.key in plugins:
            raise BenchError(f"has {one_line(str(measured.key), _LONGEST)} twice")
        plugins[measured.key] = measured
    return Side(name, document["machine"], document["commit"], document["written"], plugins)


def _plugin(measured: Measurement) -> dict[str, Any]:
    rounds = {
        name: [[_rounded(value, _DIGITS) for value in process] for process in measured.rounds[name]]
        for name in METRICS
        if measured.rounds.get(name)
    }
    return {
        **{name: getattr(measured.key, name) for name in _KEY},
        "status": measured.status,
        "reason": measured.reason,
        "data": measured.data,
        "settings": dict(sorted(measured.settings.items())),
        "parameters": measured.parameters,
        "disturbed": measured.disturbed,
        "rounds": rounds,
        "quality": None if measured.quality is None else _quality(measured.quality),
    }


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


def _read_plugin(part: Any, where: str) -> Measurement:
    _check(part, _PLUGIN, where)
    key = Key(**{name: part[name] for name in _KEY})
    where = one_line(str(key), _LONGEST)
    if part["status"] not in STATUSES:
        raise BenchError(f"{where}: has the unknown status {part['status']!r:.40}")
    parameters = part["parameters"]
    if parameters is not None and (not is_a(parameters, int) or parameters < 0):
        raise BenchError(f"{where}: has parameters that are no count: {parameters!r:.40}")
    return Measurement(
        key=key,
        status=part["status"],
        reason=part["reason"],
        quality=None if part["quality"] is None else _read_quality(part["quality"], where),
        rounds=_read_rounds(part["rounds"], where),
        parameters=parameters,
        disturbed=part["disturbed"],
        data=part["data"],
        settings=part["settings"],
    )


def _read_rounds(
    part: Mapping[str, Any], where: str
) -> Mapping[str, tuple[tuple[float, ...], ...]]:
    known = [metric.name for metric in METRICS.values() if metric.kind in ("time", "memory")]
    for name, processes in part.items():
        if name not in known:
            hint = nearest(name, known) or f"; there are: {', '.join(known)}"
            raise BenchError(f"{where}: has rounds of the unknown metric {name!r:.40}{hint}")
        lists = isinstance(processes, list) and all(isinstance(r, list) and r for r in processes)
        if (
            not lists
            or not processes
            or not all(_is_measured(value) for rounds in processes for value in rounds)
        ):
            raise BenchError(
                f"{where}: has rounds of {name} that are not a list of numbers from 0 a process"
            )
    return {name: tuple(tuple(map(float, r)) for r in part[name]) for name in known if name in part}


def _read_quality(part: Any, where: str) -> Quality:
    where = f"{where}: quality"
    _check(part, _QUALITY, where)
    if part["direction"] not in ("min", "max"):
        raise BenchError(f"{where} has the direction {part['direction']!r:.40}, not min or max")
    groups = part["groups"]
    if not 0 <= groups <= MOST_NUMBERS:
        raise BenchError(f"{where} has {groups:,} groups, not 0 to {MOST_NUMBERS:,}")
    seeds = tuple(_read_seed(score, groups, where) for score in part["seeds"])
    numbers = [score.seed for score in seeds]
    if numbers != sorted({*numbers}):
        raise BenchError(f"{where} has seeds that are not in order, or one twice")
    return Quality(part["metric"], part["direction"], part["examples"], part["independent"], seeds)


def _read_seed(part: Any, groups: int, where: str) -> SeedScore:
    _check(part, _SEED, f"{where}: a seed")
    where = f"{where} of seed {part['seed']}"
    if not abs(part["value"]) < _LARGEST_NUMBER:
        raise BenchError(f"{where} has a value that is no number of a metric")
    try:
        influences = unpack(part["influences"], groups)
    except BenchError as error:
        raise BenchError(f"{where} has influences that cannot be read: {error}") from None
    return SeedScore(part["seed"], float(part["value"]), part["digest"], influences)


def _check(part: Any, kinds: Mapping[str, type], where: str) -> None:
    """Refuse a part that lacks an entry, has an unknown one, or one of another kind."""
    if not isinstance(part, dict):
        raise BenchError(f"{where} is not {NAMES[dict]}")
    for name in part:
        if name not in kinds:
            raise BenchError(f"{where} has the unknown entry {name!r:.40}{nearest(name, kinds)}")
    for name, kind in kinds.items():
        if name not in part:
            raise BenchError(f"{where} has no {name}")
        if kind is not object and not is_a(part[name], kind):
            raise BenchError(f"{where} has a {name} that is not {NAMES[kind]}")


def _is_measured(value: Any) -> bool:
    return is_a(value, float) and 0 <= value < _LARGEST_NUMBER


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


# Arrays of numbers as short texts, for files that people read and keep

#: More groups of examples than any task has: what claims more is damaged, or a bomb.
MOST_NUMBERS = 1 << 20
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
