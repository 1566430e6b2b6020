"""``python -m bench test``."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from bench.cli import options as shared
from bench.cli.words import check_backend
from bench.formatting import one_line, without_controls
from bench.protocol import CHECK_STATUSES, CHECKS, CHECKS_TIMEOUT, FAILED, PASSED, Verdict
from bench.registry.source_tree import Meant


@dataclass(frozen=True)
class TestOptions(Meant):
    """All that ``python -m bench test`` is told; see its help."""

    names: tuple[str, ...]
    task: str | None
    backend: str
    timeout: float
    as_json: bool


@click.command(name="test")
@click.argument("names", nargs=-1, metavar="[NAME | GLOB | FILE.py]...")
@click.option("--task", metavar="TASK", help="Only the plugins of this task.")
@shared.meant
@shared.backend
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=CHECKS_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="End the checks of a plugin that takes longer.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@shared.filled(TestOptions)
def command(options: TestOptions) -> int:
    """Check plugins against the contract, on synthetic data: all of `list`, if none is named.

    One line a check: it parses, imports, builds, leaves the process as it was, gives as many
    numbers an example as the task wants, learns 32 examples, repeats itself for the same seed,
    and can be saved and loaded.

    Exit status: 0 all passed, or were skipped with a reason; 1 some check failed; 2 the
    command line is wrong, nothing was run.
    """
    check_backend(options.backend)

    from bench.conformance.examiner import Examiner
    from bench.data.prepared import say_on_stderr
    from bench.registry.discover import is_file_name
    from bench.registry.project import left_out, registry_of
    from bench.runs.executor import LocalExecutor

    registry = registry_of(options, [Path(n) for n in options.names if is_file_name(n)])
    if options.task is not None:
        registry.task(options.task)
    plugins = registry.select(options.names, options.task)
    for line in left_out(registry, options.names, options.task, "checked"):
        say_on_stderr(without_controls(line))
    width = max((len(one_line(plugin.label)) for plugin in plugins), default=0)
    # As for `run`: told to end, it lets no worker outlive it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    verdicts: list[Verdict] = []
    examiner = Examiner(
        registry,
        LocalExecutor(),
        say_on_stderr,
        backend=options.backend,
        timeout=options.timeout,
    )
    try:
        for plugin in plugins:
            for verdict in examiner.examine(plugin):
                verdicts.append(verdict)
                if not options.as_json:
                    click.echo(_line(verdict, width))
    finally:
        examiner.close()
    click.echo(_document(verdicts) if options.as_json else _summary(verdicts))
    return 0 if all(verdict.good for verdict in verdicts) else 1


def _line(verdict: Verdict, width: int) -> str:
    word = {PASSED: "ok", FAILED: "FAIL"}.get(verdict.status, verdict.status)
    reason = f": {verdict.reason}" if verdict.reason else ""
    name = one_line(verdict.plugin).ljust(width)
    return f"{name}  {verdict.check:{max(map(len, CHECKS))}}  {one_line(word + reason)}"


def _summary(verdicts: Sequence[Verdict]) -> str:
    number = Counter(verdict.status for verdict in verdicts)
    plugins = len({verdict.path for verdict in verdicts})
    counts = ", ".join(f"{number[status]} {status}" for status in CHECK_STATUSES if number[status])
    several = "" if plugins == 1 else "s"
    return f"{plugins} plugin{several}, {len(verdicts)} checks: {counts or 'nothing to do'}"


def _document(verdicts: Sequence[Verdict]) -> str:
    number = Counter(verdict.status for verdict in verdicts)
    document = {
        "checks": [asdict(verdict) for verdict in verdicts],
        "counts": {status: number[status] for status in CHECK_STATUSES},
    }
    return json.dumps(document, indent=1)
