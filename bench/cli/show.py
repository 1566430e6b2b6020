"""``python -m bench show NAME``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import metric_name, one_line, without_controls
from bench.metrics import ALL_PAGES, pages_counted
from bench.protocol import OK
from bench.registry.source_tree import Folders
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard, Row, Table
    from bench.records.record import Record

#: Of a line that names every step of a horizon.
_LONGEST = 400
#: What is said of a peak that is not of the trial's whole memory.
_PEAK_ALONE = " (without the pages that a forked trial shares)"


@dataclass(frozen=True)
class ShowOptions(Folders):
    """All that ``python -m bench show`` is told; see its help."""

    name: str
    results: tuple[Path, ...]
    seed: int | None
    profile: str | None
    as_json: bool

    def wants(self, record: Record) -> bool:
        """Say whether a record is of the plugin, and of the seed and profile if one is given."""
        trial = record.trial
        return (
            trial.plugin == self.name
            and self.seed in (None, trial.seed)
            and self.profile in (None, trial.profile)
        )

    @property
    def chosen(self) -> str:
        """What the records are narrowed to, in the words of the command line."""
        given = {"--seed": self.seed, "--profile": self.profile}
        return "".join(f" {name} {value}" for name, value in given.items() if value is not None)


@click.command(name="show")
@click.argument("name")
@shared.shown_results
@shared.folders
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Only the trials of this seed.")
@click.option("--profile", type=click.Choice(PROFILES), help="Only the trials of this profile.")
@click.option("--json", "as_json", is_flag=True, help="All records of the plugin as JSON.")
@shared.filled(ShowOptions)
def command(options: ShowOptions) -> int:
    """Show one plugin: what it declares, every row and seed with its curve, its history.

    A row is of the records that the leaderboard takes; beside its mean stands the published
    figure of the plugin, if there is one. The current record is shown in full, then all
    records in a line each.

    Exit status: 0 it is shown; 2 there is no such plugin, here or in the records.
    """
    from bench.analysis.leaderboard import make_leaderboard
    from bench.records.selection import newest, working_tree
    from bench.records.store import Stores
    from bench.registry.project import registry_of

    name = options.name
    store, registry = Stores(options.results), registry_of(options)
    contents = store.read([name])
    for line in contents.problems:
        print(f"warning: {line}", file=sys.stderr)
    of_plugin = [r for r in contents.records if r.trial.plugin == name]
    records = [record for record in of_plugin if options.wants(record)]
    known = [p for p in registry.plugins if p.name == name]
    if not known and not of_plugin:
        registry.select([name])
    if of_plugin and not records:
        raise BenchError(f"{name}: has no records with{options.chosen}; leave that out to see all")
    if options.as_json:
        click.echo(json.dumps([json.loads(record.to_json()) for record in records], indent=1))
        return 0
    lines = []
    several = [plugin.task for plugin in known if plugin.several]
    for plugin in known[:1] if several else known:
        lines += [f"{plugin.name}: {plugin.description}", f"  {plugin.path}"]
        lines += [f"  for {', '.join(several)}"] if several else []
        lines += [f"  {key} = {value!r}" for key, value in plugin.hyperparameters.items()]
        if plugin.grid:
            lines.append(f"  a grid of {plugin.points} points: {', '.join(map(str, plugin.grid))}")
        if plugin.reference:
            figures = ", ".join(f"{key} {value:g}" for key, value in plugin.reference.items())
            where = f" ({plugin.reference_source})" if plugin.reference_source else ""
            lines.append(f"  published{where}: {figures}")
    problems = dict.fromkeys(str(problem) for plugin in known for problem in plugin.problems)
    lines += [f"  PROBLEM {problem}" for problem in problems]
    if not records:
        lines.append(f"no records in {store}; `python -m bench run {name}` makes one")
    else:
        tree = working_tree(registry, records)
        shown = newest(records, tree)
        outdated = tree.outdated(shown.trial)
        which = "last record" if shown is records[-1] else "current record"
        heading = f"{which} ({outdated})" if outdated else which
        lines += ["", *_rows(make_leaderboard(records, tree=tree))]
        lines += ["", *_last(shown, heading), "", "history, newest first:"]
        lines += [f"  {_line(record)}" for record in reversed(records)]
    # A record, its log above all, may hold anything; the terminal gets text.
    click.echo("\n".join(without_controls(line.expandtabs()) for line in lines))
    return 0


def _rows(board: Leaderboard) -> list[str]:
    """Write each row of the tables with its seeds below it."""
    lines = []
    for table in board.tables:
        for row in table.rows:
            answering = table.selected[row.label].answering
            parts = [f"  {line}" for line in _by_part(answering, "validation")]
            lines += [_row(table, row), *parts]
            lines += [f"  {_seed(record)}" for record in answering]
    return lines


def _row(table: Table, row: Row) -> str:
    from bench.formatting import counted

    name = table.metric
    parts = [
        f"{table.profile}, {table.source} data: {row.label}, {counted(len(row.seeds), 'seed')}"
    ]
    for split, spreads in (("validation", row.validation), ("test", row.test)):
        if spread := spreads.get(name):
            sd = "" if spread.deviation is None else f" (sd {spread.deviation:.4f})"
            parts.append(f"{split} {metric_name(name)} {spread.mean:.4f}{sd}")
    published = row.published.get(f"val_{name}")
    if published is not None and row.validation:
        parts.append(f"published {published:.4f}")
    if row.outdated:
        parts.append(row.outdated)
    return one_line("; ".join(parts))


def _by_part(records: Sequence[Record], split: str) -> list[str]:
    """Write the scores of each step and column in a line, where several are predicted."""
    from bench.report.parts import part_scores

    scores = part_scores(records, split).items()
    told = ", ".join(f"{part} {found.mean:.4f}" for part, found in scores)
    return [one_line(f"{split} by part: {told}", _LONGEST)] if told else []


def _seed(record: Record) -> str:
    """Write a seed's score, and the course of the validation metric to it."""
    from bench.formatting import sparkline

    if record.status != OK:
        return one_line(f"seed {record.trial.seed}: {record.status}: {record.reason}", 160)
    metric = record.data["metric"]["name"]
    told = f"seed {record.trial.seed}: {record.metrics['validation'][metric]:.4f}"
    curve = record.metrics.get("curves", {}).get(f"validation_{metric}") or []
    if len(curve) > 1:
        told += (
            f"  {sparkline(curve)}  {_number(curve[0])} to {_number(curve[-1])}, "
            f"best epoch {record.metrics['best_epoch']} of {len(curve)}"
        )
    return told


def _last(record: Record, heading: str = "last record") -> list[str]:
    from bench.formatting import count, duration, size, sparkline
    from bench.report.provenance import configurations, described

    lines = [f"{heading}: {_line(record)}"]
    if record.status == OK:
        for split in ("validation", "test"):
            scores, units = record.metrics[split], record.data["metric"]["units"]
            named = ", ".join(
                f"{metric_name(k)} {_number(v)}" for k, v in scores.items() if k in units
            )
            lines += [f"  {split}: {named}", *(f"  {x}" for x in _by_part([record], split))]
        times = ", ".join(f"{k} {duration(v)}" for k, v in record.timing.items())
        lines.append(f"  time: {times}")
        alone = "" if pages_counted(record.environment) == ALL_PAGES else _PEAK_ALONE
        lines.append(
            f"  peak memory {size(record.memory['peak_rss'])}{alone}, "
            f"{count(record.model['parameters'])} parameters, "
            f"best epoch {record.metrics['best_epoch']}"
        )
    for name, values in record.metrics.get("curves", {}).items():
        if not name.endswith("_seconds") and values:
            told = _number(values[0])
            if len(values) > 1:
                told = f"{sparkline(values)} {told} to {_number(values[-1])}"
            lines.append(f"  {_curve_name(name)}: {told}")
    lines.append(f"  data: {record.data['source']}, {record.data['why']}")
    lines += [f"  configuration: {described(each)}" for each in configurations([record])]
    if record.status != OK and record.log.strip():
        lines += ["  log, the last lines:", *(f"    {x}" for x in record.log.splitlines()[-12:])]
    return lines


def _line(record: Record) -> str:
    from bench.records.repeats import verdict_text

    trial = record.trial
    result = record.status
    if record.status == OK:
        metric = record.data["metric"]["name"]
        score = record.metrics["validation"][metric]
        result = f"validation {metric_name(metric)} {score:.4f}"
        if record.repeat is not None:
            verdict = verdict_text(record.repeat["verdict"], record.repeat["largest"])
            result += f", repeat of {record.repeat['of'][:19]}: {verdict}"
    elif record.reason:
        result = f"{record.status}: {record.reason}"
    return one_line(
        f"{record.finished[:19]} {trial.label} seed {trial.seed}, {trial.profile}, "
        f"{trial.source}, {trial.backend}: {result}"
    )


def _curve_name(curve: str) -> str:
    split, _, metric = curve.partition("_")
    return f"{split} {metric_name(metric)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
