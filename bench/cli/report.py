"""``python -m bench report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.leaderboard import Leaderboard

FORMATS = ("text", "md", "html", "csv", "json")
#: Formats without a place for the sentence on what is left out.
_TABLES_ONLY = ("csv", "json")


@click.command(name="report")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="[default: by --output, else text]"
)
@click.option("--task", metavar="TASK", help="Only the tables of this task.")
@click.option("--profile", metavar="PROFILE", help="Only the tables of this profile.")
@click.option("--source", metavar="SOURCE", help="Only the tables on this source of data.")
@options.results
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to a file instead of standard output.",
)
def command(
    form: str | None,
    task: str | None,
    profile: str | None,
    source: str | None,
    results: Path,
    output: Path | None,
) -> int:
    """Render the leaderboard again from the recorded results; nothing is run.

    Exit status: 0 it was rendered; 2 there is nothing to render or a file is wrong.
    """
    from bench.files import write_whole
    from bench.leaderboard import make_leaderboard
    from bench.render.provenance import left_out
    from bench.store import Store

    form = form or _by_name(output)
    contents = Store(results).read()
    for line in contents.unreadable:
        print(f"warning: left out {line}", file=sys.stderr)
    wanted = {"task": task, "profile": profile, "source": source}
    records = [
        record
        for record in contents.records
        if all(value in (None, getattr(record.trial, name)) for name, value in wanted.items())
    ]
    if not records:
        chosen = ", ".join(f"--{name} {value}" for name, value in wanted.items() if value)
        raise BenchError(
            f"{results}: has no records{' for ' + chosen if chosen else ''}; "
            "run some first with `python -m bench run --all`, or name another --results"
        )
    board = make_leaderboard(records, unreadable=len(contents.unreadable))
    if board.left_out and form in _TABLES_ONLY:
        print(left_out(board), file=sys.stderr)
    text = render(board, form)
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return 0
    try:
        write_whole(output, text.encode())
    except OSError as error:
        raise BenchError(
            f"--output {output}: cannot be written ({error.strerror or error}); give another file"
        ) from None
    return 0


def render(board: Leaderboard, form: str) -> str:
    """Return a leaderboard in one of ``FORMATS``."""
    from bench.render import data, html, markdown, plain

    renderers = {
        "text": plain.to_text,
        "md": markdown.to_markdown,
        "html": html.to_html,
        "csv": data.to_csv,
        "json": data.to_json,
    }
    return renderers[form](board)


def _by_name(output: Path | None) -> str:
    ending = output.suffix.lstrip(".").lower() if output else ""
    return {"markdown": "md", "htm": "html"}.get(ending, ending if ending in FORMATS else "text")
