"""What a check is told: by its command line, and by ``pyproject.toml`` how to judge."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from bench import documents
from bench.errors import BenchError
from bench.gate.model import REFUSABLE, VERDICTS, Conditions
from bench.metrics import METRICS
from bench.registry.source_tree import Meant

#: What ``--quick`` stands for: a schedule of seconds, and minutes for the rounds of measuring.
QUICK_PROFILE = "smoke"
QUICK_SECONDS = 240.0
_MOST_PAIRS = 1000
#: How many pairs there are by default, if these can be significant.
PAIRS = 8
_TABLE = "[tool.bench.check]"


def _tolerances() -> Mapping[str, float]:
    return {name: metric.tolerance for name, metric in METRICS.items()}


@dataclass(frozen=True)
class CheckOptions(Meant):
    """All that ``python -m bench check`` is told, as it is written on the command line.

    ``names`` are names and globs of plugins, none for all. Another revision is measured if
    ``against`` names one; else ``candidate``, or the records in ``results``, are compared
    with ``baseline``. ``limit`` is in seconds. ``metrics``, ``tolerances``, ``level``,
    ``allow``, ``fail_on`` and ``pairs`` go before the file's; see ``with_options``. ``files``
    holds the form of each file that is to be written, ``name`` is what tells the check's comment
    from those of others. ``bisect``: the exit status is for Git.
    """

    names: tuple[str, ...]
    task: str | None
    baseline: Path
    against: str | None
    candidate: Path | None
    quick: bool
    profile: str | None
    seeds: tuple[int, ...]
    source: str
    backend: str
    pairs: int | None
    limit: float | None
    metrics: tuple[str, ...]
    tolerances: tuple[str, ...]
    level: float | None
    allow: tuple[str, ...]
    fail_on: tuple[str, ...]
    bisect: bool
    results: Path
    form: str
    files: Mapping[Path, str]
    name: str
    annotate: bool
    verbose: bool

    @property
    def conditions(self) -> Conditions:
        """What both revisions are trained and measured under."""
        profile = self.profile or (QUICK_PROFILE if self.quick else "quick")
        return Conditions(profile, self.source, self.backend)

    @property
    def seconds(self) -> float | None:
        """The seconds after which no round of measuring begins, None for no such limit."""
        return self.limit or (QUICK_SECONDS if self.quick else None)

    def has(self, task: str, plugin: str) -> bool:
        """Say whether a plugin of a task is to be compared."""
        if self.task is not None and task != self.task:
            return False
        return not self.names or any(fnmatch.fnmatchcase(plugin, name) for name in self.names)


#: How many pairs of processes measure two revisions.
Pairs = Annotated[int, documents.Meta(ge=1, le=_MOST_PAIRS)]


@dataclass(frozen=True)
class CheckSettings:
    """What a check is told; the defaults are those of ``bench.metrics``.

    ``tolerances`` holds every metric's, in the units that ``Metric`` states. ``level`` is
    that of each test, and of any false alarm in a whole check. ``allow`` are the verdicts that
    do not fail the check, ``fail_on`` those that do beside ``bench.gate.model.FAILING``.
    ``metrics`` are those that are compared,
    ``pairs`` how many pairs of processes measure two revisions, None for ``PAIRS`` or as many
    as so many tests need. ``plugins`` holds the tolerances of some plugins, by name or glob.
    """

    tolerances: Mapping[
        Annotated[str, documents.one_of(METRICS)],
        Annotated[float, documents.Meta(ge=0, lt=documents.LARGEST_NUMBER)],
    ] = field(default_factory=_tolerances)
    level: Annotated[float, documents.Meta(gt=0, lt=0.5)] = 0.01
    allow: frozenset[Annotated[str, documents.one_of(VERDICTS)]] = frozenset()
    fail_on: frozenset[Annotated[str, documents.one_of(REFUSABLE)]] = frozenset()
    metrics: Annotated[
        tuple[Annotated[str, documents.one_of(METRICS)], ...], documents.Meta(min_length=1)
    ] = tuple(METRICS)
    pairs: Pairs | None = None
    plugins: Mapping[
        str,
        Mapping[
            Annotated[str, documents.one_of(METRICS)],
            Annotated[float, documents.Meta(ge=0, lt=documents.LARGEST_NUMBER)],
        ],
    ] = field(default_factory=dict)

    def tolerance(self, plugin: str, metric: str) -> float:
        """Return what is tolerated of a plugin's metric.

        Its own name goes before globs, and of these the first that has the metric.
        """
        matching = [p for p in self.plugins if p == plugin]
        matching += [p for p in self.plugins if p != plugin and fnmatch.fnmatchcase(plugin, p)]
        told = (self.plugins[p][metric] for p in matching if metric in self.plugins[p])
        return next(told, self.tolerances[metric])

    def without_match(self, plugins: Collection[str]) -> list[str]:
        """Return the patterns of ``plugins`` that match none of these."""
        return [p for p in self.plugins if not fnmatch.filter(plugins, p)]


def read_settings(folder: Path) -> CheckSettings:
    """Return what ``[tool.bench.check]`` of a folder's project says.

    What it leaves unsaid, or all if there is none, is as by default.

    Raises:
        BenchError: A file on the way cannot be read, or the table holds an unknown key or a
            value of another type or range; names the file and the fix.
    """
    # Late: help reads no file.
    from bench.registry.project import project_of

    project = project_of(folder)
    table = project.settings.check
    if project.file is None or table is None:
        return CheckSettings()
    if not isinstance(table, dict):
        raise BenchError(f"{project.file}: {_TABLE} must be a table, not {documents.shown(table)}")
    return _with_table(CheckSettings(), table, project.file)


def with_options(settings: CheckSettings, options: CheckOptions) -> CheckSettings:
    """Return the settings of a file with what the command line says.

    A tolerance, as "train_step=0.05", replaces the file's, also those of single plugins, and
    so do metrics, level and pairs, if there are any. Verdicts to be allowed or to fail by, as
    "not comparable" or "not-comparable", come on top of the file's, and take a verdict from the
    file's other list. Metrics and verdicts may be several in a word, with commas.

    Raises:
        BenchError: Names the option and the fix.
    """
    level, pairs = options.level, options.pairs
    found = dict(settings.tolerances)
    for word in options.tolerances:
        name, equals, text = word.partition("=")
        if not equals:
            raise BenchError(f"--tolerance {word}: write it as METRIC=NUMBER, like train_step=0.05")
        told = {name.strip(): _number(text, word)}
        found |= _field("tolerances", told, f"--tolerance {word}: it")
        _check_shares(told, f"--tolerance {word}:")
    names = _words(options.metrics)
    allow = _field("allow", _spoken(_words(options.allow)), "--allow")
    fail_on = _field("fail_on", _spoken(_words(options.fail_on)), "--fail-on")
    _check_apart(allow, fail_on, "--allow", "--fail-on")
    over_all = _tolerance_names(options.tolerances)
    return replace(
        settings,
        tolerances=found,
        plugins={
            pattern: {name: size for name, size in sizes.items() if name not in over_all}
            for pattern, sizes in settings.plugins.items()
        },
        allow=settings.allow - fail_on | allow,
        fail_on=settings.fail_on - allow | fail_on,
        metrics=_in_order(_field("metrics", names, "--metric")) if names else settings.metrics,
        level=settings.level if level is None else _field("level", level, "--level"),
        pairs=settings.pairs if pairs is None else documents.convert(pairs, Pairs, "--pairs"),
    )


def _tolerance_names(words: Iterable[str]) -> set[str]:
    return {word.partition("=")[0].strip() for word in words}


def _field(name: str, value: Any, where: str) -> Any:
    return documents.convert(value, documents.kind_of(CheckSettings, name), where)


def _with_table(settings: CheckSettings, table: Mapping[str, Any], file: Path) -> CheckSettings:
    lists = {name: _spoken(table[name]) for name in ("allow", "fail_on") if name in table}
    try:
        found = documents.convert({**table, **lists}, CheckSettings, _TABLE)
        _check_apart(found.allow, found.fail_on, f"{_TABLE}: allow", "fail_on")
        given = found.tolerances if "tolerances" in table else {}
        _check_shares(given, f"{_TABLE}.tolerances")
        for pattern, sizes in found.plugins.items():
            _check_shares(sizes, f'{_TABLE[:-1]}.plugins."{pattern}"]:')
    except BenchError as error:
        raise BenchError(f"{file}: {error}") from None
    return replace(
        settings,
        **{
            **{name: getattr(found, name) for name in table},
            "tolerances": {**settings.tolerances, **given},
            "metrics": _in_order(found.metrics),
        },
    )


def _in_order(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in METRICS if name in names)


def _spoken(verdicts: Any) -> Any:
    """Write verdicts with blanks: "not-measured" is "not measured"."""
    if not isinstance(verdicts, list):
        return verdicts
    return [word.replace("-", " ") if isinstance(word, str) else word for word in verdicts]


def _check_apart(allow: Collection[str], fail_on: Collection[str], one: str, other: str) -> None:
    for verdict in VERDICTS:
        if verdict in allow and verdict in fail_on:
            raise BenchError(f"{one} and {other} both name {verdict!r}; leave it in one of them")


def _check_shares(tolerances: Mapping[str, float], where: str) -> None:
    for name, tolerance in tolerances.items():
        if METRICS[name].kind != "quality" and tolerance > 1:
            raise BenchError(
                f"{where} {name} is a share of the baseline, 0.03 for 3%, and {tolerance!r} is "
                "more than all of it; write it as a share"
            )


def _number(text: str, word: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BenchError(
            f"--tolerance {word}: {text!r} is no number; write it like train_step=0.05"
        ) from None


def _words(given: Iterable[str]) -> list[str]:
    return [part.strip() for word in given for part in word.split(",")]
