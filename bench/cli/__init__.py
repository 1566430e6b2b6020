"""The command line: one module a command, imported only when it is called.

``main`` runs it and turns errors into one line each; ``COMMANDS`` has every command with a
line of help; ``UNPRINTED`` is the status of one whose output could not be written. ``run`` says
what words ask of a run, and ``options`` has what several commands share.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import click

import bench
from bench.errors import BenchError

__all__ = ["COMMANDS", "UNPRINTED", "main", "run"]

#: Nothing but a text was asked for, and no place was left for it (EX_IOERR of sysexits.h).
UNPRINTED = 74

COMMANDS = {
    "list": "plugins and tasks, what each needs, what is wrong with any",
    "run": "train plugins on their tasks and write the leaderboard",
    "test": "check plugins against the contract: one line a check, a reason for each failure",
    "report": "render the leaderboard again from the recorded results",
    "ensemble": "make a row of the mean of what several plugins have predicted",
    "merge": "put the records of several results folders into one",
    "show": "one plugin: its records, curves and history",
    "predict": "ask a kept model of a sentence, or for a forecast",
    "export": "hand a kept model, or all trials, to other programs",
    "baseline": "keep what was measured, to compare with later",
    "check": "compare with a baseline or another revision: did anything get worse",
    "history": "a metric over kept baselines, with its change points",
    "data": "show, fetch and verify the data",
    "new": "write a plugin file that runs as it is",
    "new-task": "look at a file of data and write a task file for it that runs as it is",
    "init": "write a repository for models of one's own",
}

#: What these print is all that they do.
_ONLY_PRINT = {("list",), ("report",), ("show",), ("predict",), ("history",), ("data", "status")}
_ONLY_TELL = {"-h", "--help", "--version"}
#: Where `git bisect run` reads the exit status of a command: what has no verdict ends the search.
_FOR_BISECT = ("check", "--bisect")
_NO_ABORT = (0, 1, 125)


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a user meets them."""
        return [*COMMANDS]  # Imported, bench.cli.list is what "list" means here.

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command; offer the nearest for one that does not exist."""
        from bench.formatting import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], COMMANDS) or f"; there are: {', '.join(COMMANDS)}"
            raise BenchError(f"unknown command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(bench.__version__, prog_name="bench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Benchmark Keras sequence models: plugins in, a leaderboard out.

    Exit status of every command: 0 it worked, as does this help, also where no command is
    given; 2 the command line or a file is wrong and nothing was done; 70 a fault of the suite;
    74 all that was asked for is a text, and standard output could not be written. What else a
    command returns is in its own --help.

    A reader of the output that goes away, as `| head` does, and a full disk under standard
    output or standard error change nothing else: the work is done to its end, files are
    written, and the exit status is that of the work.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; an error a user can fix is one line."""
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    # The option may stand anywhere, as a user adds it at the end of a failed command.
    words = [word for word in words if word != "--debug"]
    with _steady_streams() as (output, _):
        status = _run(words, debug)
        reason = output.lost() if output else ""
        if reason:
            status = _tell_unprinted(words, status, reason)
    if _is_for_bisect(words) and status not in _NO_ABORT:
        # Git takes 1 to 127 for a bad revision, and a mistyped option says nothing of any.
        status = max(status, 128)
    sys.exit(status)


def _run(words: Sequence[str], debug: bool) -> int:
    """Run a command and return its exit status; an error becomes one line and its status.

    Raises:
        Exception: A fault of the suite, with ``debug``.
    """
    try:
        status: Any = cli.main([*words], prog_name="python -m bench", standalone_mode=False)
    except click.exceptions.Abort:
        # Where KeyboardInterrupt has passed through an exec, as of an import in progress,
        # Python would end by SIGINT whatever the exit status; another exec makes it forget.
        exec("")
        return 130
    except (BenchError, click.ClickException) as error:
        if debug:
            traceback.print_exc()
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        return 2
    except Exception as error:
        if debug and not _is_for_bisect(words):
            raise
        if debug:
            traceback.print_exc()
        print(
            f"error: {type(error).__name__}: {error} (a fault of the suite; "
            "add --debug to see where, and please report it)",
            file=sys.stderr,
        )
        return 70
    return status if isinstance(status, int) else 0


def _is_for_bisect(words: Sequence[str]) -> bool:
    command, option = _FOR_BISECT
    return [*words[:1]] == [command] and option in words


# Standard output and standard error: what becomes of them is never the end of the work

_PAUSE = 0.01  # seconds


class _Steady(io.RawIOBase):
    """Passes bytes on to a stream; what that one does not take is lost, and never an error."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.error: OSError | None = None

    def write(self, content: Any) -> int:
        """Write all of it, or as much as finds a place; return the length of all of it."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while rest and self.error is None:
                taken = self._stream.write(rest)
                rest = rest[taken or 0 :]
                if taken is None:  # A pipe that does not wait, and is full.
                    time.sleep(_PAUSE)
        except OSError as error:
            # Not tried again: half a text, a hole and the rest of it are worse than half.
            self.error = error
        return size

    def writable(self) -> bool:
        """Say yes."""
        return True

    def fileno(self) -> int:
        """Return that of the stream."""
        number: int = self._stream.fileno()
        return number

    def isatty(self) -> bool:
        """Say whether the stream is a terminal."""
        return bool(self._stream.isatty())


class _Text(io.TextIOWrapper):
    """Text to a stream that raises nothing, with "?" for what its encoding does not have."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        with contextlib.suppress(OSError):
            stream.flush()
        # Past the stream's own buffer: what is stuck in there fails again when Python ends.
        self._steady = _Steady(getattr(stream.buffer, "raw", stream.buffer))
        super().__init__(
            io.BufferedWriter(self._steady),
            encoding=stream.encoding,
            errors="replace",
            line_buffering=stream.line_buffering,
            write_through=stream.write_through,
        )

    def lost(self) -> str:
        """Return why some of the text is lost, "" if none is or nobody was there to read it."""
        self.flush()
        error = self._steady.error
        if error is None or isinstance(error, BrokenPipeError):
            return ""
        return error.strerror or str(error)


@contextlib.contextmanager
def _steady_streams() -> Iterator[tuple[_Text | None, _Text | None]]:
    """Put streams that raise nothing in place of ``sys.stdout`` and ``sys.stderr``.

    A stream that is closed, or of another kind as of a test, stays; it is None here.
    """
    before = sys.stdout, sys.stderr
    made = [_Text(stream) if isinstance(stream, io.TextIOWrapper) else None for stream in before]
    output, errors = made
    sys.stdout, sys.stderr = output or before[0], errors or before[1]
    try:
        yield output, errors
    finally:
        for stream in made:
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before


def _tell_unprinted(words: Sequence[str], status: int, reason: str) -> int:
    """Say that standard output was not written; return the exit status that is then right."""
    only_prints = (
        not words
        or not _ONLY_TELL.isdisjoint(words)
        or any(command == (*words[: len(command)],) for command in _ONLY_PRINT)
    )
    fails = only_prints and status == 0
    print(
        f"{'error' if fails else 'warning'}: standard output: could not be written ({reason}), "
        f"{'send it elsewhere' if fails else 'what was to stand there is lost'}",
        file=sys.stderr,
    )
    return UNPRINTED if fails else status
