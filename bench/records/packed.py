"""A record as the index keeps it: a head that every reader needs, and a body that few do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

import msgspec

from bench.errors import BenchError
from bench.records.layout import content_of, from_content
from bench.records.predictions import KeptModel, Predictions
from bench.records.record import Record
from bench.trial import Trial

_decode, _encode = msgspec.msgpack.decode, msgspec.msgpack.encode
#: What a record has in its head, and its log, which only its file has.
_ELSEWHERE = (
    *("identity", "trial", "status", "reason", "finished", "repeat", "predictions"),
    *("kept_model", "environment", "schema_version", "log"),
)
_SECTIONS = tuple(each.name for each in fields(Record) if each.name not in _ELSEWHERE)
assert _SECTIONS[0] == "metrics"
_CURVES = "curves"
_SHARED = ("data", "reference")


class Head(msgspec.Struct, array_like=True, gc=False):
    """What says which record answers.

    ``trial`` and ``where`` are packed: many records have the same. The seed is not in ``trial``.
    """

    identity: str
    configuration: str
    trial: bytes
    seed: int
    status: str
    reason: str
    finished: str
    repeat: Any
    predictions: Predictions | None
    kept_model: KeptModel | None
    where: bytes
    plugin_file: str | None


class FileOrigin(NamedTuple):
    """Where a record comes from: its body's number in the index, its file, and its digest."""

    number: int
    sha256: bytes
    path: str


class Body(msgspec.Struct, array_like=True, gc=False):
    """What a record has measured, and its provenance, each part packed by itself.

    ``curves`` are those of the metrics, None if these have none.
    """

    sections: list[bytes]
    environment: dict[str, bytes]
    curves: dict[str, bytes] | None


class PackedCurves(Mapping[str, Any]):
    """The curves of a record by name, unpacked when one is asked for, and not kept.

    They are most of a record, of many records most of the memory, and each has few readers.
    """

    def __init__(self, packed: Mapping[str, bytes]) -> None:
        self._packed = packed

    def __getitem__(self, name: str) -> Any:
        return _decode(self._packed[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __repr__(self) -> str:
        return repr(dict(self))


_HEAD, _BODY = msgspec.msgpack.Decoder(Head), msgspec.msgpack.Decoder(Body)

#: Bodies that are asked for at once: SQLite of before 3.32 takes 999 values with a statement.
AT_ONCE = 500

#: Returns the bodies of records' files by their numbers in the index and the files' digests, None
#: for each that is no longer there.
FetchBodies = Callable[[Sequence[tuple[int, bytes]]], "list[bytes | None]"]


def pack(record: Record) -> tuple[bytes, bytes] | None:
    """Return the head and the body of a record, None if it would not come back as it is."""
    try:
        packed = _head(record), _body(record)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None  # A huge number, or a text that is none: it has to be read from its file.
    found = Unpacking(lambda wanted: [packed[1]]).record(packed[0], FileOrigin(0, b"", ""))
    is_whole = all(getattr(found, name) == getattr(record, name) for name in _PARTS)
    return packed if is_whole else None


_PARTS = tuple(each.name for each in fields(Record) if each.name != "log")
#: Parts that are looked for among those that are in memory: some are of one record alone.
_MOST_PARTS = 10_000


def _head(record: Record) -> bytes:
    trial = {each.name: getattr(record.trial, each.name) for each in fields(Trial)}
    seed = trial.pop("seed")
    return _encode(
        Head(
            identity=record.identity,
            configuration=record.trial.configuration,
            trial=_encode(trial),
            seed=seed,
            status=record.status,
            reason=record.reason,
            finished=record.finished,
            repeat=record.repeat,
            predictions=record.predictions,
            kept_model=record.kept_model,
            where=_encode(record.where),
            plugin_file=record.plugin_file,
        )
    )


def _body(record: Record) -> bytes:
    curves = record.metrics.get(_CURVES)
    # Their place among the metrics stays: a record that is written again is the same text.
    metrics = {n: None if n == _CURVES else part for n, part in record.metrics.items()}
    each = None if curves is None else {name: _encode(curve) for name, curve in curves.items()}
    sections = [_encode(metrics), *(_encode(getattr(record, name)) for name in _SECTIONS[1:])]
    parts = {name: _encode(part) for name, part in record.environment.items()}
    return _encode(Body(sections, parts, each))


class Unpacking:
    """Makes records of what was packed; what many have in common is in memory once."""

    def __init__(self, fetch: FetchBodies) -> None:
        self._fetch = fetch
        self._bases: dict[bytes, dict[str, Any]] = {}
        self._trials: dict[tuple[bytes, int], Trial] = {}
        self._parts: dict[bytes, Any] = {}

    def record(self, packed: bytes, origin: FileOrigin, trial: Trial | None = None) -> StoredRecord:
        """Return a record of its head; what is not in that is read when it is asked for.

        Args:
            packed: The head.
            origin: Where the rest is.
            trial: The record's, where it is in memory already.
        """
        head = _HEAD.decode(packed)
        made: StoredRecord = object.__new__(StoredRecord)
        made.__dict__.update(
            identity=head.identity,
            trial=trial or self._trial(head),
            status=head.status,
            reason=head.reason,
            finished=head.finished,
            repeat=head.repeat,
            predictions=head.predictions,
            kept_model=head.kept_model,
            where=self._shared(head.where),
            plugin_file=head.plugin_file,
            _origin=origin,
            _unpacking=self,
        )
        return made

    def load(self, records: Sequence[StoredRecord]) -> None:
        """Read what some records have measured, of each that the index still has."""
        origins: list[FileOrigin] = [record.__dict__["_origin"] for record in records]
        bodies = self._fetch([(origin.number, origin.sha256) for origin in origins])
        for record, body in zip(records, bodies, strict=True):
            if body is not None:
                record.__dict__.update(self._sections(body))

    def _sections(self, packed: bytes) -> dict[str, Any]:
        """Return the sections of a body by name."""
        body, shared = _BODY.decode(packed), self._shared
        found = {
            name: shared(part) if name in _SHARED else _decode(part)
            for name, part in zip(_SECTIONS, body.sections, strict=True)
        }
        if body.curves is not None:
            found["metrics"][_CURVES] = PackedCurves(body.curves)
        environment = {name: shared(part) for name, part in body.environment.items()}
        return {**found, "environment": environment}

    def _trial(self, head: Head) -> Trial:
        key = head.trial, head.seed
        if key not in self._trials:
            base = self._bases.get(head.trial)
            if base is None:
                base = self._bases[head.trial] = _decode(head.trial)
            made: Trial = object.__new__(Trial)
            # Digests are dear, and these were checked when the record was packed.
            known = {"identity": head.identity, "configuration": head.configuration}
            made.__dict__.update(base, seed=head.seed, **known)
            self._trials[key] = made
        return self._trials[key]

    def _shared(self, packed: bytes) -> Any:
        try:
            return self._parts[packed]
        except KeyError:
            if len(self._parts) >= _MOST_PARTS:
                self._parts.clear()
            made = self._parts[packed] = _decode(packed)
            return made


class PackedRecords:
    """Keeps records in memory, each in a third of what it takes as it is."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._unpacking = Unpacking(lambda wanted: [self._bodies[number] for number, _ in wanted])

    def packed(self, record: Record) -> Record:
        """Return an equal record that is unpacked when it is asked; itself if that is not to be."""
        found = pack(record)
        if found is None:
            return record
        head, body = found
        self._bodies.append(body)
        origin = FileOrigin(len(self._bodies) - 1, b"", "")
        made = self._unpacking.record(head, origin, record.trial)
        made.__dict__["log"] = record.log
        return made


class StoredRecord(Record):
    """A record of which the sections are read once one of them is asked for."""

    def __getattr__(self, name: str) -> Any:
        """Read what the head does not have.

        Raises:
            BenchError: The file is no longer what it was when its folder was read.
        """
        if name not in _PARTS and name != "log":
            raise AttributeError(name)
        if name != "log":
            self.__dict__["_unpacking"].load([self])
        if name not in self.__dict__:
            self.__dict__.update(_from_file(self.__dict__["_origin"]))
        return self.__dict__[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return all(getattr(self, each.name) == getattr(other, each.name) for each in fields(Record))

    __hash__ = None  # type: ignore[assignment]  # As of any record: its sections have none.

    def __reduce__(self) -> tuple[Any, ...]:
        return Record, tuple(getattr(self, each.name) for each in fields(Record))


def load(records: Iterable[Record]) -> None:
    """Read what records have measured; see ``bench.records.selection.read_together``."""
    stores: dict[int, list[StoredRecord]] = {}
    for record in records:
        if isinstance(record, StoredRecord) and _SECTIONS[0] not in record.__dict__:
            stores.setdefault(id(record.__dict__["_unpacking"]), []).append(record)
    for together in stores.values():
        for start in range(0, len(together), AT_ONCE):
            part = together[start : start + AT_ONCE]
            part[0].__dict__["_unpacking"].load(part)


def _from_file(origin: FileOrigin) -> dict[str, Any]:
    try:
        content = content_of(origin.path)
        if hashlib.sha256(content).digest() == origin.sha256:
            return vars(from_content(content))
        reason = "was changed"
    except BenchError as error:
        reason = str(error)
    raise BenchError(f"{origin.path}: {reason} while it was read; give the command again")
