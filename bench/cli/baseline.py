"""``python -m bench baseline``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.errors import BenchError
from bench.formatting import without_controls
from bench.registry.source_tree import Meant
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.records.record import Record

OUTPUT = Path("reports/baseline.json")


@dataclass(frozen=True)
class BaselineOptions(Meant):
    """All that ``python -m bench baseline`` is told; see its help."""

    names: tuple[str, ...]
    task: str | None
    profile: str | None
    source: str | None
    results: tuple[Path, ...]
    output: Path


@click.command(name="baseline")
@click.argument("names", nargs=-1, metavar="[NAME | GLOB]...")
@click.option("--task", metavar="TASK", help="Only the plugins of this task.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    help="Of which trainings.  [default: the one that there is]",
)
@click.option("--source", metavar="SOURCE", help="Only what ran on this source of data.")
@shared.meant
@shared.several_results
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=OUTPUT,
    show_default=True,
    metavar="FILE",
    help="Where the baseline is kept; the file is JSON.",
)
@shared.filled(BaselineOptions)
def command(options: BaselineOptions) -> int:
    """Keep what the recorded results tell, in a small file to commit and compare with later.

    Nothing is run: `python -m bench run` makes the records. The file holds for each plugin
    the quality of its seeds, times, memory and the number of weights; the same records give
    the same file. Of each plugin the records of its present source are kept; where there are
    none, the newest, and a warning says so. `python -m bench check` compares with it.

    Exit status: 0 it is written; 2 there are no records for it, or a file is wrong.
    """
    from bench.gate.baseline import write
    from bench.gate.from_records import side_of
    from bench.gate.report.people import baseline_document
    from bench.records.selection import working_tree
    from bench.records.store import Stores
    from bench.registry.project import left_out, registry_of
    from bench.report.writers import to_text

    shared.form_of(options.output, {"json": "json"})
    store = Stores(options.results)
    contents = store.read()
    for line in contents.problems:
        _warn(line)
    registry = registry_of(options)
    aside = {plugin.name for plugin in registry.left_out(options.names, options.task)}
    recorded = {record.trial.plugin for record in contents.records}
    for line in left_out(registry, options.names, options.task, "kept", recorded):
        print(without_controls(line), file=sys.stderr)
    kept = [record for record in contents.records if record.trial.plugin not in aside]
    records = _chosen(kept, options, str(store))
    tree = working_tree(registry, records)
    side = side_of(str(store), records, store, _warn, tree)
    shared.write_file(options.output, write(side).encode())
    click.echo(to_text(baseline_document(side), shared.terminal_width()))
    disturbed = sum(bool(measured.disturbed) for measured in side.plugins.values())
    if disturbed:
        _warn(
            f"the times of {disturbed} of {len(side.plugins)} plugins are contended and will not "
            "be compared; run those again on a quiet machine with --reuse never"
        )
    where = f" of commit {side.commit}" if side.commit else ""
    said = without_controls(f"baseline{where} written to {options.output}")
    print(said, file=sys.stderr)
    return 0


def _chosen(records: Sequence[Record], options: BaselineOptions, where: str) -> list[Record]:
    """Return the records that are asked for, all of one profile."""
    from bench.formatting import nearest, one_line
    from bench.records.selection import is_named

    if not records:
        raise BenchError(
            f"{where}: has no records; run some first with "
            "`python -m bench run --all --seeds 0,1,2`, or name another --results"
        )
    known = sorted({record.trial.plugin for record in records})
    for name in options.names:
        if not any(is_named(record.trial, [name], None) for record in records):
            there = one_line(", ".join(known), 200)
            hint = nearest(name, known) or f"; there are records of {there}"
            raise BenchError(f"{where}: has no records of {name!r}{hint}")
    wanted = {"task": options.task, "profile": options.profile, "source": options.source}
    found = [
        record
        for record in records
        if is_named(record.trial, options.names, options.task)
        and all(value in (None, getattr(record.trial, name)) for name, value in wanted.items())
    ]
    if not found:
        asked = " ".join(f"--{name} {value}" for name, value in wanted.items() if value)
        raise BenchError(
            f"{where}: has no records for {' '.join([*options.names, asked])}; "
            "run what is to be kept first"
        )
    profiles = {record.trial.profile for record in found}
    if len(profiles) > 1:
        there = ", ".join(profile for profile in PROFILES if profile in profiles)
        raise BenchError(
            f"{where}: has records of several profiles ({there}); choose one with --profile"
        )
    return found


def _warn(line: str) -> None:
    print(f"warning: {without_controls(line)}", file=sys.stderr)
