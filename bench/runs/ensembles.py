"""An ensemble: a record made of what trials of several plugins have predicted, without training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.records.record import WHERE, Record, Times, row_label
from bench.records.selection import ENSEMBLE, members_of
from bench.runs.scoring import packed

if TYPE_CHECKING:
    from bench.task import Array
    from bench.trial import Trial

_PREFIXES = {"validation": "validation_", "test": ""}
#: What is said of a trial's own process, and of none that an ensemble has.
_OF_A_TRIAL = ("plugin_file", "command", "configuration", "contention", "shared", "jobs", "clock")


@dataclass(frozen=True)
class MemberTrial:
    """A trial that is ok, and the arrays that it left: see ``Store.predictions``."""

    record: Record
    arrays: Mapping[str, Array]

    @property
    def label(self) -> str:
        """The row that it stands in."""
        return row_label(self.record)


def combined(members: Iterable[MemberTrial]) -> tuple[Record, bytes]:
    """Return the record of an ensemble, and what is kept of its predictions.

    They are the mean of those of its members, each of which counts as much. Its training took
    what theirs took together, where all were timed at one place.

    Args:
        members: Trials of one task, view of examples and seed, of different rows.

    Raises:
        BenchError: One has kept no predictions of both splits, or of other examples.
    """
    ordered = sorted(members, key=lambda member: member.label)
    arrays = _mean_arrays(ordered)
    records = [member.record for member in ordered]
    first = records[0]
    record = Record(
        identity="",
        trial=_trial(ordered),
        status=first.status,
        reason="",
        finished=datetime.now(timezone.utc).isoformat(),
        metrics={**_scores(first, arrays), "best_epoch": 0},
        timing=_timing(records),
        memory={"peak_rss": max(record.memory["peak_rss"] for record in records)},
        model={
            "parameters": sum(record.model["parameters"] for record in records),
            "members": {member.label: member.record.identity for member in ordered},
        },
        data=first.data,
        environment=_environment([record.environment for record in records]),
        reference={},
        predictions=None,
        log="",
    )
    return replace(record, identity=record.trial.identity), packed(arrays)


def _trial(members: Sequence[MemberTrial]) -> Trial:
    """Return the trial of an ensemble: what its members are, all but the seed, is its source."""
    trials = [member.record.trial for member in members]
    if nested := [member.label for member in members if members_of(member.record.trial)]:
        raise BenchError(f"{nested[0]}: is an ensemble; name the plugins that it is made of")
    digest = hashlib.sha256("".join(trial.configuration for trial in trials).encode())
    described = {
        member.label: {
            "plugin": trial.plugin,
            "sha256": trial.plugin_sha256,
            "configuration": trial.configuration,
        }
        for member, trial in zip(members, trials, strict=True)
    }
    return replace(
        trials[0],
        plugin=ENSEMBLE,
        plugin_sha256=digest.hexdigest(),
        hyperparameters={"members": described},
        view={},
        training={},
        versions={name: version for trial in trials for name, version in trial.versions.items()},
        overrides={"of": " + ".join(described)},
    )


def _mean_arrays(members: Sequence[MemberTrial]) -> dict[str, Array]:
    """Return the mean predictions of both splits, with the targets and groups of the examples."""
    import numpy as np

    found: dict[str, Array] = {}
    for prefix in _PREFIXES.values():
        for name in (f"{prefix}targets", f"{prefix}groups"):
            found[name] = _array(members[0], name)
            for member in members:
                if not np.array_equal(_array(member, name), found[name]):
                    raise BenchError(
                        f"{member.record.trial}: was scored on other examples than "
                        f"{members[0].record.trial}; run both again"
                    )
        predicted = [_array(member, f"{prefix}predictions") for member in members]
        if len({array.shape for array in predicted}) > 1:
            raise BenchError(f"{members[0].record.trial}: has predictions of another shape")
        mean = np.mean(predicted, axis=0, dtype="float64")
        found[f"{prefix}predictions"] = mean.astype("float32")
    return found


def _array(member: MemberTrial, name: str) -> Array:
    if name not in member.arrays:
        raise BenchError(
            f"{member.record.trial}: its record has no {name}; run it again with --reuse never"
        )
    return member.arrays[name]


def _scores(first: Record, arrays: Mapping[str, Array]) -> dict[str, dict[str, float]]:
    """Score both splits, in the task's metric and in its further units."""
    from bench.statistics.scores import score

    metric = first.data["metric"]
    name = metric["name"]
    found = {}
    for split, prefix in _PREFIXES.items():
        value = score(name, arrays[f"{prefix}targets"], arrays[f"{prefix}predictions"])
        known = first.metrics[split]
        further = {
            unit: value * known[unit] / known[name]
            for unit in metric["units"]
            if unit != name and known.get(unit) is not None and known[name]
        }
        found[split] = {name: value, **further}
    return found


def _timing(records: Sequence[Record]) -> dict[str, Any]:
    """Return what all members took together; nothing where two were timed at different places.

    There is no epoch that could be timed.
    """
    times: dict[str, Any] = dict.fromkeys(Times.__annotations__)
    if any(record.where != records[0].where for record in records):
        return times
    for name in ("fit", "predict_per_1000", "total"):
        known = [record.timing[name] for record in records]
        times[name] = sum(known) if None not in known else None
    return times


def _environment(environments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what is said of all members alike, and whatever disturbed the time of any."""
    first = environments[0]
    kept = {
        name: value
        for name, value in first.items()
        if name not in _OF_A_TRIAL and all(each.get(name) == value for each in environments)
    }
    for name in ("shared", "jobs", "clock"):
        if told := [each[name] for each in environments if each.get(name)]:
            kept[name] = max(told)
    measured = [each.get("contention") or {} for each in environments]
    if others := [each["others_cpu"] for each in measured if each.get("others_cpu") is not None]:
        kept["contention"] = {"others_cpu": max(others)}
    if any(any(each.get(name) != first.get(name) for name in WHERE) for each in environments):
        kept = {name: value for name, value in kept.items() if name not in WHERE}
    return kept
