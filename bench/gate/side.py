"""What the gate knows of one side: the plugins it measured, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.task import Array


@dataclass(frozen=True, order=True)
class Key:
    """Tells a measured plugin from all others: what is compared has the same key.

    ``label`` is the plugin's name with what the command line changed; see ``Trial.label``.
    """

    task: str
    label: str
    source: str
    profile: str
    backend: str

    def __str__(self) -> str:
        return f"{self.task} {self.label}"


@dataclass(frozen=True)
class SeedScore:
    """How well one seed's model did on the validation split.

    ``value`` is the task's metric. ``digest`` is that of the predictions (SHA-256): equal
    ones are bit-identical. ``influences``, float32 of shape (D,), is what each group of
    examples adds to the error of the mean; see ``bench.statistics.blocks.influences``.
    """

    seed: int
    value: float
    digest: str
    influences: Array


@dataclass(frozen=True)
class Quality:
    """The scores of a plugin's seeds, in the order of the seeds.

    ``metric`` and ``direction`` ("min" or "max") are the task's. ``examples`` tells the
    scored examples and their groups from all others; ``independent`` says that each example
    is a group of its own.
    """

    metric: str
    direction: str
    examples: str
    independent: bool
    seeds: tuple[SeedScore, ...]


@dataclass(frozen=True)
class Measured:
    """What one side measured of one plugin.

    ``status`` is that of a record (``bench.protocol.STATUSES``), ``reason`` why it is not ok.
    ``rounds`` are the raw rounds of a metric, one tuple a process, in seconds or bytes, each
    process with one round or more. ``disturbed`` says why the times are not to be trusted;
    "" if they are. ``data`` is the fingerprint of the data, ``settings`` what may differ
    between two sides and is worth telling: versions of libraries, threads, device.
    """

    key: Key
    status: str
    reason: str = ""
    quality: Quality | None = None
    rounds: Mapping[str, tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    parameters: int | None = None
    disturbed: str = ""
    data: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    ``name`` is how a reader knows it: a revision, a file. ``machine`` is as
    ``bench.machine.machine`` gives it; times of two machines are not compared.
    ``commit`` is "" where it is not known, ``written`` is ISO time in UTC.
    """

    name: str
    machine: Mapping[str, Any]
    commit: str
    written: str
    plugins: Mapping[Key, Measured]
