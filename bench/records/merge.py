"""Results folders put together: every record and its predictions once, as they were written."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import OK
from bench.records import predictions
from bench.records.layout import content_of, from_content, record_files
from bench.records.predictions import KeptModel, Predictions, TrainedModel
from bench.records.record import Record
from bench.records.store import Store


@dataclass
class Merged:
    """What became of the records of some folders.

    ``copied`` were new, ``known`` were there already. ``refused`` has a line for each that
    cannot be trusted, ``bare`` one for each that came without its predictions or its model,
    because they are gone, and ``conflicts`` one for each identity that has results which differ.
    """

    copied: int = 0
    known: int = 0
    refused: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def merge(sources: Sequence[Path], target: Path, tell: Callable[[Path], None]) -> Merged:
    """Copy the records of folders into one, which may have some already.

    Nothing is overwritten or taken away. Each record is there whole or not at all, and one
    that is there is not written again: what was interrupted is begun again and comes to the
    same. Several merges and runs may write into the folder at once.

    Args:
        sources: Results folders.
        target: The results folder that gets what it does not have.
        tell: Is told of each folder before it is read.

    Raises:
        BenchError: A source is the target, or there is nothing in it; nothing was written
            then. Or the target cannot be written any more.
    """
    _check(sources, target)
    store, done = Store(target), Merged()
    store.prepare()
    known = {_content(record) for record in _readable(target)}
    touched: set[str] = set()
    for source in sources:
        tell(source)
        for found in _found(source, done):
            touched.add(found.record.identity)
            content = _content(found.record)
            if content in known:
                done.known += 1
                continue
            store.copy(found.record, found.content, found.predictions, found.path.stem, found.model)
            known.add(content)
            done.copied += 1
    done.conflicts = _conflicts([r for r in store.read().records if r.identity in touched])
    return done


def _readable(folder: Path) -> Iterator[Record]:
    """Yield the records of a folder one by one: it may hold more than fit the memory."""
    for path in record_files(folder):
        with contextlib.suppress(BenchError):
            yield from_content(content_of(path))


def _check(sources: Sequence[Path], target: Path) -> None:
    for source in sources:
        if source.resolve() == target.resolve():
            raise BenchError(f"{source}: is what --into names; leave it out of the folders")
        if not source.is_dir():
            raise BenchError(f"{source}: is no folder; name the results folders of runs")
        if next(record_files(source), None) is None:
            raise BenchError(
                f"{source}: holds no records; name the folder that --results named, "
                "which has a folder for each task"
            )


@dataclass(frozen=True)
class _Found:
    """A record in its file, with what stands beside it."""

    path: Path
    record: Record
    content: bytes
    predictions: bytes | None
    model: TrainedModel | None


def _found(source: Path, done: Merged) -> Iterator[_Found]:
    """Yield the records of a folder that are as they were written."""

    def refuse(path: str, reason: object) -> None:
        done.refused.append(one_line(f"{path}: {reason}"))

    for path in record_files(source, refuse):
        try:
            content = content_of(path)
            record = from_content(content)
            beside, kept = _beside(path, record.predictions), record.kept_model
            model = _beside(path, kept)
        except BenchError as error:
            refuse(str(path), str(error).removeprefix(f"{path}: "))
            continue
        if beside is None and record.predictions is not None:
            done.bare.append(one_line(f"{path}: its predictions are gone, and so is its rank"))
        if model is None and kept is not None:
            done.bare.append(one_line(f"{path}: its model is gone"))
        trained = TrainedModel(model, kept.output) if model is not None and kept else None
        yield _Found(path, record, content, beside, trained)


def _beside(path: Path, expected: Predictions | KeptModel | None) -> bytes | None:
    """Return what stands in a file beside a record, None if it is gone.

    Raises:
        BenchError: It is another one than the record was written with.
    """
    if expected is None or not (path.parent / expected.file).exists():
        return None
    return predictions.content_of(path.parent, expected)


def _content(record: Record) -> str:
    """Return a digest of a record, whatever the files beside it are called."""
    kept, model = record.predictions, record.kept_model
    unnamed = replace(
        record,
        predictions=None if kept is None else replace(kept, file=""),
        kept_model=None if model is None else replace(model, file=""),
    )
    return hashlib.sha256(unnamed.to_json().encode()).hexdigest()


def _conflicts(records: Sequence[Record]) -> list[str]:
    """Say of which identities there are results that differ; all of them are kept."""
    results: dict[str, dict[str, Record]] = {}
    for record in records:
        if record.status == OK:
            shown = _result(record)
            results.setdefault(record.identity, {}).setdefault(shown, record)
    return [
        one_line(f"{next(iter(each.values())).trial}: " + ", ".join(map(_told, each.values())))
        for each in results.values()
        if len(each) > 1
    ]


def _result(record: Record) -> str:
    return repr([record.metrics[split] for split in ("validation", "test")])


def _told(record: Record) -> str:
    name = record.data["metric"]["name"]
    machine = record.environment.get("machine", {}).get("processor", "an unknown machine")
    value = record.metrics["validation"][name]
    return f"{name} {value:.6g} on {machine}, {record.finished[:16]}"
