"""Options that several commands share, and how a command gets them: as one object."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from bench.errors import BenchError

Options = TypeVar("Options")
Command = TypeVar("Command", bound=Callable[..., Any])


def filled(
    kind: Callable[..., Options], **readers: Callable[[Any], Any]
) -> Callable[[Callable[[Options], int]], Callable[..., int]]:
    """Return a decorator that has a command called with one object of all its options.

    Args:
        kind: A data class; its fields have the names of the command's parameters.
        readers: What turns words into the values of some fields, by name, in this order.
    """

    def decorate(work: Callable[[Options], int]) -> Callable[..., int]:
        @wraps(work)
        def command(**given: Any) -> int:
            return work(filled_from(given, kind, readers))

        return command

    return decorate


def filled_from(
    given: Mapping[str, Any],
    kind: Callable[..., Options],
    readers: Mapping[str, Callable[[Any], Any]],
) -> Options:
    """Return the object of all options of a command; see ``filled``."""
    read = {name: reader(given[name]) for name, reader in readers.items()}
    return kind(**{**given, **read})


def _results_folder() -> Path:
    from bench.registry.project import results_folder

    return results_folder()


results = click.option(
    "--results",
    type=click.Path(path_type=Path),
    default=_results_folder,
    show_default="reports",
    metavar="DIR",
    help="Where records are kept.",
)


def _several(default: Callable[[], tuple[Path, ...]]) -> Callable[[Command], Command]:
    return click.option(
        "--results",
        multiple=True,
        type=click.Path(path_type=Path),
        default=default,
        show_default="reports",
        metavar="DIR",
        help="Where records are kept; may be repeated, to read several folders as one.",
    )


def _own_or_published() -> tuple[Path]:
    """Return the results folder, or the records published in it as long as it has no others."""
    from bench.records.layout import PUBLISHED, has_records

    own = _results_folder()
    published = own / PUBLISHED
    if has_records(own) or not has_records(published):
        return (own,)
    click.echo(f"{own} has no records of its own yet; these are those of {published}", err=True)
    return (published,)


several_results = _several(lambda: (_results_folder(),))
shown_results = _several(_own_or_published)


def _further(kind: str, what: str) -> Callable[[Command], Command]:
    return click.option(
        f"--{kind}",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="DIR",
        help=f"A further folder of {what} files; may be repeated.",
    )


_plugins, datasets = _further("plugins", "plugin"), _further("datasets", "task")

_shipped = click.option(
    "--shipped",
    "with_shipped",
    is_flag=True,
    help="In a project with plugins of its own: the shipped and installed ones, too.",
)


def folders(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of ``Folders``."""
    return _plugins(datasets(command))


def meant(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command the options of ``Meant``."""
    return folders(_shipped(command))


source = click.option(
    "--source",
    type=click.Choice(["auto", "official", "local", "synthetic"]),
    default="auto",
    show_default=True,
    help="Which data; auto takes official, else local, else downloads, else makes them.",
)

backend = click.option(
    "--backend",
    type=click.Choice(["tensorflow", "jax", "torch"]),
    default="tensorflow",
    show_default=True,
    help="What Keras computes with.",
)


# Files that commands write: their endings say what is in them


def form_of(path: Path, endings: Mapping[str, str], given: str | None = None) -> str | None:
    """Return the format that a file's ending asks for, None where it has no ending.

    Args:
        path: What ``--output`` names.
        endings: What the endings that are known stand for, without their point.
        given: What ``--format`` asks for; of an ending that is not known, this decides.

    Raises:
        BenchError: The ending is not known, or stands for another format than the given one.
    """
    ending = path.suffix.removeprefix(".").lower()
    form = endings.get(ending)
    if form is None and ending and given is None:
        known = ", ".join(f".{known}" for known in endings)
        raise BenchError(f"--output {path}: .{ending} is not written; end it with {known}")
    if form is not None and given not in (None, form):
        raise BenchError(
            f"--output {path}: its ending asks for {form} and --format for {given}; change one"
        )
    return form or given


def write_file(path: Path, content: bytes, before: str = "--output ") -> None:
    """Write a file, and make the folders that it is in.

    Args:
        path: Where it goes.
        content: What is in it.
        before: What named it on the command line, as it stands before it.

    Raises:
        BenchError: It cannot be written.
    """
    from bench.files import write_whole

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise BenchError(
            f"{before}{path}: cannot be written ({error.strerror or error}); give another place"
        ) from None


def terminal_width() -> int | None:
    """Return how many characters fit on a line of standard output; None if it is no terminal.

    ``COLUMNS`` goes before what the terminal says of itself.
    """
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


# The words of a command line: as it was given, and as it goes on with an interrupted run


def command_line(words: Sequence[str]) -> str:
    """Return what a user types to give the suite some words."""
    return shlex.join(["python", "-m", "bench", *words])


def is_given(context: click.Context, name: str) -> bool:
    """Say whether a parameter was given, not left at its default."""
    return context.get_parameter_source(name) not in (
        ParameterSource.DEFAULT,
        ParameterSource.DEFAULT_MAP,
    )


def resuming(context: click.Context) -> list[str]:
    """Return the words behind the command's name, without those that repeat what is done."""
    words = []
    for parameter in context.command.params:
        value = context.params[parameter.name or ""]
        if not is_given(context, parameter.name or ""):
            continue
        if (parameter.name, value) == ("reuse", "never"):
            continue
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(parameter, click.Option):
                words.append(parameter.opts[0])
            if each is not True and (parameter.name, each) != ("verify", ""):
                words.append(str(each))
    return words


# What options are that are not given: a file may say, the project's or that of a described run


def _take_description(context: click.Context, parameter: click.Parameter, given: Any) -> Any:
    if given is not None:
        from bench.cli.configuration import take_description

        take_description(context, given)
    return given


described = click.option(
    "--config",
    metavar="FILE|NAME",
    is_eager=True,
    callback=_take_description,
    help="A run that is described in a TOML file, or in [tool.bench.run.NAME] of the project; the "
    "command line goes before it.",
)

#: What says how a run goes on, and of what, and so stands on the command line alone.
_NOT_IN_FILES = ("config", "failed", "shard", "help")


class WithProjectDefaults(click.Command):
    """Takes from ``[tool.bench.run]`` what options are that the command line does not give.

    A run that ``--config`` describes goes before that; see ``bench.cli.configuration``.
    ``readers`` are those of ``filled``.
    """

    def __init__(self, *args: Any, readers: Mapping[str, Callable[[Any], Any]], **rest: Any):
        super().__init__(*args, **rest)
        self._readers = readers

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of a command line; where Python calls, its own defaults count."""
        if ctx.parent is not None and not {*ctx.help_option_names} & {*args}:
            ctx.default_map = dict(self._defaults(ctx))
        rest = super().parse_args(ctx, args)
        if ctx.params.get("config") is not None:
            from bench.cli.configuration import take_together

            take_together(ctx)
        return rest

    def _defaults(self, context: click.Context) -> Iterator[tuple[str, Any]]:
        """Yield the name and value of each option that the file has.

        Raises:
            BenchError: One has a value that the command line would refuse.
        """
        from bench.registry.project import project_of

        project = project_of()
        place = f"{project.file}: [tool.bench.run]"
        known = self.in_files
        for name in project.runs:
            if name in known:
                raise BenchError(
                    f"{place}.{name}: is no default that a project has; put it into a named run, "
                    "[tool.bench.run.NAME], for --config NAME"
                )
        for key, value in vars(project.settings.run).items():
            if value is not None:
                word = ",".join(map(str, value)) if isinstance(value, tuple) else value
                self.check(known[key], word, context, f"{place}.{key}")
                yield known[key].name or "", word

    @property
    def in_files(self) -> dict[str, click.Parameter]:
        """The parameters that a file may give, by their names there."""
        named = {}
        for parameter in self.params:
            long = (word.removeprefix("--") for word in parameter.opts if word.startswith("--"))
            named[next(long, parameter.name or "").replace("-", "_")] = parameter
        return {key: each for key, each in named.items() if key not in _NOT_IN_FILES}

    def check(
        self, parameter: click.Parameter, word: Any, context: click.Context, place: str
    ) -> None:
        """Refuse what the command line would refuse.

        Raises:
            BenchError: Names the place and says what the command line would say.
        """
        try:
            parameter.type_cast_value(context, word)
            self._readers.get(parameter.name or "", str)(word)
        except (click.BadParameter, BenchError) as error:
            said = error.message if isinstance(error, click.BadParameter) else str(error)
            raise BenchError(f"{place}: {said}") from None
