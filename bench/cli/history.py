"""``python -m bench history FOLDER``."""

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
from bench.metrics import METRICS, TRAIN_STEP
from bench.statistics.change_points import LEVEL

if TYPE_CHECKING:
    from bench.gate.history import Series
    from bench.gate.model import Key


@dataclass(frozen=True)
class HistoryOptions:
    """All that ``python -m bench history`` is told; see its help."""

    folder: Path
    metric: str
    plugins: tuple[str, ...]
    level: float
    as_json: bool
    output: Path | None


@click.command(name="history")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--metric",
    type=click.Choice([*METRICS]),
    default=TRAIN_STEP,
    show_default=True,
    help="What is followed.",
)
@click.option(
    "--plugin",
    "plugins",
    multiple=True,
    metavar="NAME|GLOB",
    help="Only these plugins; may be repeated.",
)
@click.option(
    "--level",
    type=click.FloatRange(0.001, 0.5),
    default=LEVEL,
    show_default=True,
    help="How often noise alone may pass for a change.",
)
@click.option("--json", "as_json", is_flag=True, help="Points and segments as JSON.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE.svg",
    help="Also draw a panel for each plugin; needs matplotlib.",
)
@shared.filled(HistoryOptions)
def command(options: HistoryOptions) -> int:
    """Follow a metric over the baselines in FOLDER, and show where it changed.

    FOLDER holds the files of `python -m bench baseline`, one for each commit. A measurement counts
    once, however many of them hold it, at the commit that it was made on. Change points are those
    of E-divisive (Matteson & James 2014), a test by permutations that supposes nothing of the
    noise. Times of another machine are a series of their own.

    Exit status: 0 it is shown; 2 there is nothing to show, or a file is wrong.
    """
    from bench.gate.history import history, read_folder
    from bench.gate.report.history import history_document
    from bench.report.writers import to_json, to_text

    if options.output is not None:
        _check_picture(options.output)
    sides = read_folder(options.folder, _warn)
    _check_names(options.plugins, [key for side in sides for key in side.plugins])
    found = history(sides, options.metric, options.level, options.plugins)
    if not found:
        raise BenchError(
            f"{options.folder}: no baseline has a {options.metric} of "
            f"{', '.join(options.plugins) or 'any plugin'} that can be trusted; "
            "choose another --metric"
        )
    document = history_document(found)
    text = to_json(document) if options.as_json else to_text(document, shared.terminal_width())
    click.echo(text, nl=not options.as_json)
    if options.output is not None:
        _draw(options.output, found)
    return 0


def _check_names(patterns: Sequence[str], keys: Sequence[Key]) -> None:
    from bench.formatting import nearest, one_line
    from bench.gate.history import is_named

    labels = sorted({key.label for key in keys})
    for pattern in patterns:
        if not any(is_named(key, [pattern]) for key in keys):
            hint = nearest(pattern, labels) or one_line(f"; there are: {', '.join(labels)}", 200)
            raise BenchError(f"--plugin {pattern}: no baseline knows it{hint}")


def _check_picture(path: Path) -> None:
    """Refuse a picture that cannot be drawn before anything is computed."""
    from bench.machine import version_of

    if path.suffix.lower() != ".svg":
        raise BenchError(f"--output {path}: only SVG is drawn; give a name that ends with .svg")
    if version_of("matplotlib") is None:
        raise BenchError(
            f"--output {path}: matplotlib is not installed; install it with "
            "`pip install matplotlib`, or leave the option out"
        )


def _draw(path: Path, found: Sequence[Series]) -> None:
    from bench.gate.report.history_figure import history_figure

    shared.write_file(path, history_figure(found))
    print(f"picture written to {path}", file=sys.stderr)


def _warn(line: str) -> None:
    print(f"warning: {without_controls(line)}", file=sys.stderr)
