"""An ensemble: a record made of what trials of several plugins have predicted, without training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.records.record import WHERE, Record, Times, row_label
from bench.records.selection import members_of
from bench.registry.discover import ENSEMBLE
from bench.runs.scoring import packed

if TYPE_CHECKING:
    from bench.task import Array
    from bench.trial import Trial

_PREFIXES = {"validation": "validation_", "test": ""}
#: What is said of a trial's own process, and of none that an ensemble has.
_OF_A_TRIAL = ("plugin_file", "command", "configuration", "contention", "shared", "jobs", "clock")


@dataclass(frozen=True)
class MemberTrial:
    """A trial that is ok, and the arrays that it left: see ``Store.predictions``.

    ``times`` is how often it counts.
    """

    record: Record
    arrays: Mapping[str, Array]
    times: int = 1

    @property
    def label(self) -> str:
        """The row that it stands in."""
        return row_label(self.record)

    @property
    def counted_label(self) -> str:
        """The row, and how often it counts where that is not once."""
        return self.label if self.times == 1 else f"{self.times}*{self.label}"


def chosen(candidates: Mapping[str, Sequence[MemberTrial]], steps: int) -> dict[str, int]:
    """Choose the rows whose mean has the lowest loss on validation, and how often each counts.

    Forward selection with replacement (Caruana, Niculescu-Mizil, Crew & Ksikes 2004, "Ensemble
    selection from libraries of models"): each step adds the row that lowers the loss most, one
    that is there already, too. The loss is the metric, or the log loss where more of the metric
    is better, the mean over seeds. Of rows that do equally well the first is taken.

    Args:
        candidates: By row, the trials of the same seeds in the same order.
        steps: How often rows are added at most; the first steps with the lowest loss count.

    Raises:
        BenchError: One has kept no predictions of the validation split, or of other examples.
    """
    import numpy as np

    from bench.statistics.scores import score

    prefix = _PREFIXES["validation"]
    first = next(iter(candidates.values()))
    metric = first[0].record.data["metric"]
    name = metric["name"] if metric["direction"] == "min" else "log_loss"
    targets = [_array(member, f"{prefix}targets") for member in first]

    def predicted(members: Sequence[MemberTrial]) -> Array:
        for member, other in zip(members, first, strict=True):
            _check_examples(member, other, prefix)
        found = [_array(member, f"{prefix}predictions") for member in members]
        return np.stack(found, dtype="float64")

    def loss(means: Array) -> float:
        pairs = zip(targets, means, strict=True)
        return float(np.mean([score(name, true, mean) for true, mean in pairs]))

    rows = {label: predicted(members) for label, members in candidates.items()}
    total = np.zeros_like(next(iter(rows.values())))
    order: list[str] = []
    losses: list[float] = []
    for count in range(1, steps + 1):
        tried = {label: loss((total + row) / count) for label, row in rows.items()}
        best = min(tried, key=tried.__getitem__)
        total = total + rows[best]
        order.append(best)
        losses.append(tried[best])
    kept = order[: losses.index(min(losses)) + 1]
    return {label: kept.count(label) for label in candidates if label in kept}


def combined(members: Iterable[MemberTrial]) -> tuple[Record, bytes]:
    """Return the record of an ensemble, and what is kept of its predictions.

    They are the mean of those of its members, each as often as it counts. Its training took
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
    counted = (member.record.trial.configuration * member.times for member in members)
    digest = hashlib.sha256("".join(counted).encode())
    described = {
        member.label: {
            "plugin": trial.plugin,
            "sha256": trial.plugin_sha256,
            "configuration": trial.configuration,
            **({"times": member.times} if member.times > 1 else {}),
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
        overrides={"of": " + ".join(member.counted_label for member in members)},
    )


def _mean_arrays(members: Sequence[MemberTrial]) -> dict[str, Array]:
    """Return the mean predictions of both splits, with the targets and groups of the examples."""
    import numpy as np

    found: dict[str, Array] = {}
    for prefix in _PREFIXES.values():
        for member in members:
            _check_examples(member, members[0], prefix)
        for name in (f"{prefix}targets", f"{prefix}groups"):
            found[name] = _array(members[0], name)
        predicted = [_array(member, f"{prefix}predictions") for member in members]
        if len({array.shape for array in predicted}) > 1:
            raise BenchError(f"{members[0].record.trial}: has predictions of another shape")
        times = [member.times for member in members]
        mean = np.average(np.asarray(predicted, dtype="float64"), axis=0, weights=times)
        found[f"{prefix}predictions"] = mean.astype("float32")
    return found


def _check_examples(member: MemberTrial, other: MemberTrial, prefix: str) -> None:
    import numpy as np

    for name in (f"{prefix}targets", f"{prefix}groups"):
        if not np.array_equal(_array(member, name), _array(other, name)):
            raise BenchError(
                f"{member.record.trial}: was scored on other examples than "
                f"{other.record.trial}; run both again"
            )


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
