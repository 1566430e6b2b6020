"""A side made of the records in a results folder: what a run has measured beside training."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bench.analysis.contention import Contention, disturbance, usual_references, worst
from bench.analysis.leaderboard import Leaderboard, make_leaderboard
from bench.analysis.places import TimingPlace, machine_of, place_of, place_of_table
from bench.analysis.ranking import Evidence, ExampleScores, PredictionSource, gather, key_of
from bench.errors import BenchError
from bench.formatting import one_line
from bench.gate.model import Key, Measurement, Origin, Quality, SeedScore, Side
from bench.metrics import (
    ALL_PAGES,
    COMPILE,
    PARAMETERS,
    PEAK_MEMORY,
    PREDICT,
    QUALITY,
    START_UP,
    TRAIN_STEP,
    pages_counted,
)
from bench.protocol import OK
from bench.records.record import Record
from bench.records.selection import Selected, WorkingTree, by_age, members_of
from bench.trial import Trial

_Say = Callable[[str], None]
#: The records of a row that were timed, by place.
_Timed = Mapping[TimingPlace, Sequence[Record]]

_LONGEST = 300
#: Digits of a trial's identity, as the names of records have them.
_SHORT = 12
#: What has to be the same for the times of a plugin's trials to be put together.
_PLACE = ("threads", "inter_op_threads", "device", "start")


def side_of(
    name: str,
    records: Iterable[Record],
    store: PredictionSource,
    say: _Say,
    tree: WorkingTree | None = None,
) -> Side:
    """Return what records tell of the plugins that they are of.

    The records that are current for a plugin are those of its row on the leaderboard; of several
    tables, as where the data have changed, it is that of the row recorded last. Times and memory
    are of one place, which ``bench.analysis.places.place_of_table`` chooses as for a table;
    quality is of all of them. Each trial is a process
    with one round, and so is each repeat of one; times are those of the trials that had the
    machine to themselves, if there are any. The side is of the commit and the time of its
    newest record.

    Args:
        name: How a reader knows the side.
        records: Those of the plugins that are wanted, in any order.
        store: Where their predictions are.
        say: Told of each thing that is left out, and of each plugin whose records are not of
            the working tree, a line each.
        tree: See ``bench.records.selection.select``.
    """
    # An ensemble is no plugin that a check could measure again.
    ordered = by_age(record for record in records if not members_of(record.trial))
    if not ordered:
        return Side(name, {}, "", "", {})
    newest = ordered[-1]
    board, found = _answering(make_leaderboard(ordered, tree=tree))
    _tell_outdated(found, say)
    evidence = gather(store, board, say)
    usual = usual_references(ordered)

    def disturbed(record: Record) -> Contention:
        return disturbance(record, usual.get(machine_of(record)))

    timed = {key: each.timed_apart(place_of) for key, each in found.items()}
    here = place_of_table(timed.values(), lambda record: not disturbed(record).reasons)
    if here is not None:
        _tell_others(timed, here, say)
    times = {
        key: [(record, disturbed(record)) for record in each.get(here, [])] if here else []
        for key, each in timed.items()
    }
    scores = _SeedScores(store, evidence, say)
    return Side(
        name=name,
        machine=_machine_at(here, timed, newest),
        commit=_commit(newest),
        written=newest.finished,
        plugins={
            key: _measured(key, each, scores.quality(key, each.good), times[key], say)
            for key, each in found.items()
        },
    )


def _machine_at(
    here: TimingPlace | None, timed: Mapping[Key, _Timed], newest: Record
) -> Mapping[str, Any]:
    """Describe the machine of the times; where nothing was timed, that of the newest record."""
    there = [record for each in timed.values() for record in each.get(here, [])] if here else []
    found: Mapping[str, Any] = by_age(there or [newest])[-1].environment.get("machine", {})
    return found


class _SeedScores:
    """Makes the qualities of plugins; the groups of examples that they share are read once."""

    def __init__(self, store: PredictionSource, evidence: Evidence, say: _Say) -> None:
        self._store = store
        self._evidence = evidence
        self._say = say
        self._groupings: dict[str, Any] = {}

    def quality(self, key: Key, records: Sequence[Record]) -> Quality | None:
        """Return the quality over some trials that are ok; None if nothing tells it."""
        known, missing = [], []
        for record in records:
            scores = self._evidence.get(key_of(record), {}).get("validation")
            if scores is None:
                missing.append(str(record.trial.seed))
            else:
                known.append((record, scores))
        if missing:
            self._say(
                f"{key}: no validation predictions of seed {', '.join(missing)}, so its quality "
                "is left out; run it again with --reuse never"
            )
        if not known:
            return None
        try:
            seeds = tuple(self._score(record, scores) for record, scores in known)
        except BenchError as error:
            self._say(f"{key}: its quality is left out: {error}")
            return None
        record, scores = known[0]
        metric = record.data["metric"]
        return Quality(
            metric=metric["name"],
            direction=metric["direction"],
            examples=scores.examples,
            independent=self._groupings[scores.examples].independent,
            seeds=seeds,
        )

    def _score(self, record: Record, found: ExampleScores) -> SeedScore:
        """Return a seed's score.

        Raises:
            BenchError: The predictions are gone, or all examples are in one group.
        """
        from bench.statistics.blocks import group_examples, group_sums, influences

        if found.examples not in self._groupings:
            self._groupings[found.examples] = group_examples(found.groups)
        grouping = self._groupings[found.examples]
        (series,) = influences(group_sums(found.values[None], grouping), grouping)
        predictions = self._store.predictions(record)["validation_predictions"]
        return SeedScore(
            seed=record.trial.seed,
            value=float(record.metrics["validation"][record.data["metric"]["name"]]),
            digest=hashlib.sha256(predictions.tobytes()).hexdigest(),
            influences=series.astype("float32"),
        )


def _measured(
    key: Key,
    found: Selected,
    quality: Quality | None,
    judged: Sequence[tuple[Record, Contention]],
    say: _Say,
) -> Measurement:
    status, reason = _status(found.answering)
    for record in found.setbacks[-1:]:
        say(f"{key}: a later attempt at an ok result ended {record.status}: {record.reason}")
    timed = [record for record, _ in judged]
    quiet = [record for record, disturbed in judged if not disturbed.reasons]
    # The settings told are those of all that is measured: the newest of the trusted times'.
    of_times = _as_the_last(quiet or timed, quiet or timed)
    peaks = _with_the_same_pages(_as_the_last(of_times, timed))
    read = {name: _each(of_times, value) for name, value in _TIMES.items()}
    read[PEAK_MEMORY] = _each(peaks, _peak_memory)
    rounds = {name: tuple((value,) for value, _ in each) for name, each in read.items() if each}
    last = (found.good or found.answering)[-1]
    parameters = last.model.get("parameters")
    return Measurement(
        key=key,
        status=status,
        reason=reason,
        quality=quality,
        rounds=rounds,
        parameters=parameters,
        disturbed="" if quiet else "; ".join(worst(d for _, d in judged).reasons),
        data=last.trial.fingerprint,
        settings=_settings(of_times[-1] if of_times else last) | _pages(peaks),
        outdated=found.outdated,
        origins={
            **{name: tuple(_origin(record) for _, record in read[name]) for name in rounds},
            **({} if quality is None else {QUALITY: _of_seeds(quality, found.good)}),
            **({} if parameters is None else {PARAMETERS: (_origin(last),)}),
        },
    )


def _of_seeds(quality: Quality, good: Sequence[Record]) -> tuple[Origin, ...]:
    by_seed = {record.trial.seed: _origin(record) for record in good}
    return tuple(by_seed[score.seed] for score in quality.seeds)


def _answering(board: Leaderboard) -> tuple[Leaderboard, dict[Key, Selected]]:
    """Choose one row of a leaderboard for each plugin; return them, and the tables with these."""
    found: dict[Key, Selected] = {}
    for table in board.tables:
        for selected in table.selected.values():
            key = _key(selected.trial)
            if key not in found or selected.standing > found[key].standing:
                found[key] = selected
    chosen = {id(selected) for selected in found.values()}
    tables = [
        replace(table, selected={k: s for k, s in table.selected.items() if id(s) in chosen})
        for table in board.tables
    ]
    return replace(board, tables=tuple(tables)), dict(sorted(found.items()))


def _tell_outdated(found: Mapping[Key, Selected], say: _Say) -> None:
    """Say in a line for each reason which plugins' records are not of the working tree."""
    reasons: dict[str, list[str]] = {}
    for key, selected in found.items():
        if selected.outdated:
            reasons.setdefault(selected.outdated, []).append(str(key))
    for reason, names in reasons.items():
        say(one_line(f"not of the plugin as it is now ({reason}): {', '.join(names)}", _LONGEST))


def _key(trial: Trial) -> Key:
    return Key(trial.task, trial.label, trial.source, trial.profile, trial.backend)


def _status(answering: Sequence[Record]) -> tuple[str, str]:
    """Return ok if all seeds are, else the status of the last that is not, and why."""
    bad = [record for record in answering if record.status != OK]
    if not bad:
        return OK, ""
    some = f"{len(bad)} of {len(answering)} seeds: " if len(bad) < len(answering) else ""
    return bad[-1].status, f"{some}{bad[-1].reason}"


def _as_the_last(chosen: Sequence[Record], timed: Sequence[Record]) -> list[Record]:
    """Return the trials of ``timed`` that ran as the last of ``chosen``: its threads, say."""
    return [record for record in timed if _place(record) == _place(chosen[-1])]


def _place(record: Record) -> tuple[Any, ...]:
    return tuple(record.environment.get(name) for name in _PLACE)


def _with_the_same_pages(timed: Sequence[Record]) -> list[Record]:
    """Return the trials whose peaks of memory count the same pages: all, if there are any such."""
    whole = [record for record in timed if pages_counted(record.environment) == ALL_PAGES]
    return whole or [*timed]


def _pages(peaks: Sequence[Record]) -> dict[str, Any]:
    return {"memory_pages": pages_counted(peaks[-1].environment)} if peaks else {}


def _settings(record: Record) -> dict[str, Any]:
    """Return what may differ between two sides: versions, Python, threads, device, start."""
    found = {name: record.environment.get(name) for name in ("python", *_PLACE)}
    known = {name: value for name, value in found.items() if value is not None}
    return {"versions": dict(sorted(record.trial.versions.items())), **known}


def _commit(record: Record) -> str:
    commit = record.environment.get("commit")
    if not isinstance(commit, str):
        return ""
    return f"{commit}-dirty" if record.environment.get("dirty") is True else commit


def _origin(record: Record) -> Origin:
    return Origin(record.identity[:_SHORT], record.finished, _commit(record))


def _each(
    records: Sequence[Record], read: Callable[[Record], float | None]
) -> list[tuple[float, Record]]:
    """Return the value of each trial that has one; 0 is what was not done, as no training."""
    return [(float(value), record) for record in records if (value := read(record))]


def _train_step(record: Record) -> float | None:
    epoch, steps = record.timing.get("steady_epoch"), record.trial.training.get("steps_per_epoch")
    return epoch / steps if epoch and isinstance(steps, int) and steps > 0 else None


def _start_up(record: Record) -> float | None:
    start, build = record.timing.get("start"), record.timing.get("build")
    return None if start is None or build is None else start + build


def _peak_memory(record: Record) -> float | None:
    return record.memory.get("peak_rss")


_TIMES: Mapping[str, Callable[[Record], float | None]] = {
    TRAIN_STEP: _train_step,
    PREDICT: lambda record: record.timing.get("predict_per_1000"),
    START_UP: _start_up,
    COMPILE: lambda record: record.timing.get("compile"),
}


def _tell_others(timed: Mapping[Key, _Timed], here: TimingPlace, say: _Say) -> None:
    """Say of which records the times and peaks are left out, a line for each other place."""
    others: Counter[TimingPlace] = Counter()
    for each in timed.values():
        for place, records in each.items():
            if place != here:
                others[place] += len(records)
    for place, count in others.items():
        many = "1 record" if count == 1 else f"{count} records"
        say(
            f"left out times and memory of {many} of another machine or other threads "
            f"({place.name}); those compared are of {here.name}"
        )
    missing = [str(key) for key, each in timed.items() if each and here not in each]
    if missing:
        say(one_line(f"no times and memory there: {', '.join(missing)}", _LONGEST))
