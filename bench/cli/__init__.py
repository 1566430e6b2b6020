"""The command line: one module a command, imported only when it is called.

``main`` runs it and turns errors into one line each; ``COMMANDS`` has every command with a
line of help; ``options`` has what several commands share.
"""

from __future__ import annotations

import importlib
import io
import sys
import traceback
from typing import Any

import click

import bench
from bench.errors import BenchError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "list": "plugins and tasks, what each needs, what is wrong with any",
    "run": "train plugins on their tasks and write the leaderboard",
    "test": "hold plugins to their contract: one line a check, a reason for each failure",
    "report": "render the leaderboard again from the recorded results",
    "show": "one plugin: its records, curves and history",
    "baseline": "keep what was measured, to compare with later",
    "check": "compare with a baseline or another revision: did anything get worse",
    "history": "a metric over kept baselines, with its change points",
    "data": "show, fetch and verify the data",
    "new": "write a plugin file that runs as it is",
}


class LazyGroup(click.Group):
    """A group that imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a user meets them."""
        return [*COMMANDS]  # Imported, bench.cli.list is what "list" means here.

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bench.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command; offer the nearest for one that does not exist."""
        from bench.registry.declarations import nearest

        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], COMMANDS) or f"; there are: {', '.join(COMMANDS)}"
            raise BenchError(f"unknown command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(bench.__version__, prog_name="bench")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Benchmark Keras sequence models: plugins in, a leaderboard out.

    Exit status of every command: 0 it worked; 2 the command line or a file is wrong and
    nothing was done. What else a command returns is in its own --help.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; an error a user can mend is one line."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe without "±" shows "?" there; it must not end the run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    # The option may stand anywhere, as a user adds it at the end of a failed command.
    words = [word for word in words if word != "--debug"]
    try:
        status: Any = cli.main(words, prog_name="python -m bench", standalone_mode=False)
    except click.exceptions.Abort:
        # Where KeyboardInterrupt has passed through an exec, as of an import under way,
        # Python would end by SIGINT whatever the exit status; another exec makes it forget.
        exec("")
        sys.exit(130)
    except (BenchError, click.ClickException) as error:
        if debug:
            traceback.print_exc()
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        print(f"error: {' '.join(message.split())}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        # The reader of our output has gone (| head): nobody is left to tell.
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        print(
            f"error: {type(error).__name__}: {error} (a fault of the suite; "
            "add --debug to see where, and please report it)",
            file=sys.stderr,
        )
        sys.exit(70)
    sys.exit(status if isinstance(status, int) else 0)
