"""``python -m bench check``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.cli.words import check_backend, parse_seeds
from bench.errors import BenchError
from bench.formatting import without_controls
from bench.gate.model import NO_BASELINE, REFUSABLE, VERDICTS
from bench.gate.settings import (
    QUICK_PROFILE,
    QUICK_SECONDS,
    CheckOptions,
    CheckSettings,
    read_settings,
    with_options,
)
from bench.metrics import METRICS
from bench.registry.training_options import PROFILES

if TYPE_CHECKING:
    from bench.gate.report.machines import RenderInput

BASELINE = Path("reports/baseline.json")
FORMATS = ("text", "md", "annotations", "junit", "json")
#: These tell the candidate's figures and no verdicts, for services that keep a history.
FIGURES = ("github-action-benchmark", "github-action-benchmark-bigger", "bmf")
#: Of a check: it is read on the first line of a comment.
_LONGEST_NAME = 60


def read_files(words: Sequence[str]) -> dict[Path, str]:
    """Return the form of each file that is to be written, from FORM=FILE words.

    Raises:
        BenchError: A word names no form, or a file twice.
    """
    found: dict[Path, str] = {}
    for word in words:
        form, equals, name = word.partition("=")
        if not equals or not name or form not in FORMATS + FIGURES:
            raise BenchError(
                f"--write {word}: write it as FORM=FILE, like md=comment.md; the forms are "
                f"{', '.join(FORMATS + FIGURES)}"
            )
        if Path(name) in found:
            raise BenchError(f"--write {word}: {name} is given twice; give each its own file")
        found[Path(name)] = form
    return found


def read_name(text: str) -> str:
    """Return the name of a check, which stands in an HTML comment and in a shell's patterns.

    Raises:
        BenchError: It holds other than a few plain letters.
    """
    plain = re.fullmatch(r"([A-Za-z0-9]+([ ._-][A-Za-z0-9]+)*)?", text)
    if plain is None or len(text) > _LONGEST_NAME:
        raise BenchError(
            f"--name {text}: is more than {_LONGEST_NAME} letters and digits, with single blanks, "
            "dots, dashes and underscores between; give another name"
        )
    return text


@click.command(name="check")
@click.argument("names", nargs=-1, metavar="[NAME | GLOB]...")
@click.option("--task", metavar="TASK", help="Only the plugins of this task.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    default=BASELINE,
    metavar="FILE",
    help=f"Compare with kept figures: `bench baseline` or pytest-benchmark wrote them.  "
    f"[default: {BASELINE.as_posix()}]",
)
@click.option(
    "--against",
    metavar="REV",
    help="Compare with another revision of this repository, measured here and now beside this one.",
)
@click.option(
    "--candidate",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With --baseline: a file of the same kind to judge, in place of the records.",
)
@click.option(
    "--quick",
    is_flag=True,
    help=f"With --against: profile {QUICK_PROFILE}, "
    f"and no round after {QUICK_SECONDS / 60:g} minutes, but as many as can be significant.",
)
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    help="With --against: how much is trained for quality.  [default: quick]",
)
@click.option(
    "--seeds",
    default="0,1,2",
    show_default=True,
    metavar="0,1,2",
    help="With --against: the first for all, the others for what is then not bit-identical.",
)
@shared.source
@shared.backend
@click.option(
    "--pairs",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --against: rounds, of one process a side.  [default: 8, or as many more as so many "
    "plugins take]",
)
@click.option(
    "--limit",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="With --against: begin no further round after so long.",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help=f"Compare only these; may be repeated: {', '.join(METRICS)}.",
)
@click.option(
    "--tolerance",
    "tolerances",
    multiple=True,
    metavar="METRIC=NUMBER",
    help="The change for the worse that is tolerated: quality in the task's metric, others as a "
    "share.",
)
@click.option(
    "--level",
    type=float,
    metavar="NUMBER",
    help="Of each test, and of a whole check's false alarms.  [default: 0.01]",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="VERDICT",
    help=f"Do not count these against the exit status: {', '.join(VERDICTS)}.",
)
@click.option(
    "--fail-on",
    multiple=True,
    metavar="VERDICT",
    help=f"Fail by these, too: {', '.join(REFUSABLE)}; may be repeated.",
)
@click.option(
    "--bisect",
    is_flag=True,
    help="Exit status for `git bisect run`: 0 good, 1 bad, 125 not judged, 128 an error, which "
    "ends the search.",
)
@shared.meant
@shared.results
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="text", help="Of standard output."
)
@click.option(
    "--write",
    "files",
    multiple=True,
    metavar="FORM=FILE",
    help=f"Write a file, too; may be repeated. Also {', '.join(FIGURES)}.",
)
@click.option(
    "--name",
    default="",
    metavar="NAME",
    help="Of this check, where a repository has several: each has a comment of its own on a pull "
    "request.",
)
@click.option(
    "--annotate/--no-annotate",
    default=lambda: os.environ.get("GITHUB_ACTIONS") == "true",
    help="GitHub annotations on standard error.  [default: in GitHub's workflows]",
)
@click.option("--verbose", is_flag=True, help="List what is unchanged, too.")
@shared.filled(CheckOptions, seeds=parse_seeds, files=read_files, name=read_name)
def command(options: CheckOptions) -> int:
    """Compare with a baseline or another revision: did anything get worse?

    With --baseline the records of a run (--results), or those of --candidate, are judged beside
    kept figures. Times are compared on the same machine only. With --against REV that revision is
    checked out into a temporary folder, and both are measured, interleaved, in fresh processes, and
    REV beside itself, so that the noise of this machine is known: the way to gate times on a
    shared runner.

    Settings come from [tool.bench.check] of pyproject.toml; options go before them.

    Exit status: 0 nothing is worse; 1 something is worse; 2 the command line or a file is wrong;
    3 something failed or was not measured; 4 there is no baseline; 5 something is not
    comparable; 6 a verdict that --fail-on alone names, such as cannot tell; 130 interrupted.
    Where several apply, it is the first of 1, 3, 5 and 6; --allow takes verdicts out of the count.
    With --bisect it is 0, 1, 125, or 128 and above.
    """
    _refuse_strays(options, click.get_current_context())
    if options.against is not None:
        check_backend(options.backend)
    settings = with_options(read_settings(Path.cwd()), options)
    compare = _with_baseline if options.against is None else _against
    return compare(options, settings)


def _with_baseline(options: CheckOptions, settings: CheckSettings) -> int:
    from bench.gate.check import compare_with_baseline

    if not options.baseline.exists():
        print(_how_to_begin(options.baseline), file=sys.stderr)
        return NO_BASELINE
    return _tell(options, compare_with_baseline(options, settings, _say))


def _against(options: CheckOptions, settings: CheckSettings) -> int:
    from rich.console import Console

    from bench.gate.against import Watch, compare_with_revision
    from bench.runs.interruption import INTERRUPTED, Interruption

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    with Interruption() as interruption:
        try:
            told = compare_with_revision(options, settings, Watch(console, interruption))
        except KeyboardInterrupt:
            console.print("interrupted; nothing was judged")
            return INTERRUPTED
    return _tell(options, told)


def _tell(options: CheckOptions, told: RenderInput) -> int:
    """Write the report wherever it is wanted, and return the exit status."""
    from bench.gate.report.machines import FORMATS as FORMS

    judged = replace(told.report, is_bisect=options.bisect)
    told = replace(told, report=judged, name=options.name)
    for path, form in options.files.items():
        content = f"{FORMS[form](told).rstrip()}\n".encode()
        shared.write_file(path, content, f"--write {form}=")
    if options.annotate and options.form != "annotations":
        lines = FORMS["annotations"](told)
        if lines:
            print(lines.rstrip(), file=sys.stderr)
    text = FORMS[options.form](replace(told, verbose=options.verbose))
    if text:
        click.echo(text.rstrip())
    return told.report.status


def _how_to_begin(file: Path) -> str:
    """Return what the first check in a repository has to say."""
    return (
        f"no baseline: {file} does not exist, so there is nothing to compare with.\n"
        "Make one from a run that is known to be good, and commit it:\n"
        "  python -m bench run NAME... --seeds 0,1,2\n"
        f"  python -m bench baseline NAME... --output {file}\n"
        "or compare with another revision, which needs none:\n"
        "  python -m bench check --against main"
    )


def _refuse_strays(options: CheckOptions, context: click.Context) -> None:
    """Refuse options that belong to the other way to compare.

    Raises:
        BenchError: Names the option.
    """
    from click.core import ParameterSource

    if options.against is not None:
        strays = {"baseline": "--baseline", "candidate": "--candidate", "results": "--results"}
        other = "--against measures both revisions itself"
    else:
        strays = {
            **{name: f"--{name}" for name in ("quick", "profile", "seeds", "source", "backend")},
            **{name: f"--{name}" for name in ("pairs", "limit")},
        }
        other = "it belongs to --against, and a baseline is compared with what was recorded"
    for name, option in strays.items():
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            raise BenchError(f"{option}: {other}; leave it out")


def _say(line: str) -> None:
    print(without_controls(line), file=sys.stderr)
