"""A run that a file describes, for ``run --config``: what its table says, and what is kept of it.

The command line goes before it, and it before the defaults that ``[tool.bench.run]`` has. A
table has the options by their names, with "_" for "-", and is held to what the command line is
held to.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bench.errors import BenchError
from bench.formatting import nearest

if TYPE_CHECKING:
    from bench.plan.plan import RunOptions

_NAMES, _ALL = "names", "all"
#: Options that are words KEY=VALUE, in a file a table.
_TABLES = ("set", "data")
_KEY = "bench.configuration"


@dataclass(frozen=True)
class RunDescription:
    """A run as a file describes it.

    ``where`` names the file, and the table in it; ``values`` are those of the command's
    parameters by name, as its words would give them.
    """

    name: str
    file: Path
    where: str
    values: Mapping[str, Any] = field(default_factory=dict)


def take_description(context: click.Context, given: str) -> None:
    """Take what a run is described by for what the command line does not give.

    Raises:
        BenchError: There is no such description, or something in it is wrong.
    """
    description = read_description(given, context)
    context.meta[_KEY] = description
    together = _together(context.command)
    plain = {name: word for name, word in description.values.items() if name not in together}
    context.default_map = {**(context.default_map or {}), **plain}


def described_by(context: click.Context) -> RunDescription | None:
    """Return the description that a command was called with, if there is one."""
    found: RunDescription | None = context.meta.get(_KEY)
    return found


def record_of(options: RunOptions, context: click.Context) -> dict[str, Any]:
    """Return what records keep of a described run: its name, its file and all its options.

    The options are those that counted, after the command line and the defaults.
    """
    from bench.files import without_home

    description = described_by(context)
    if description is None:
        return {}
    command: Any = context.command
    kept = {
        key: _plain(getattr(options, parameter.name or ""))
        for key, parameter in command.in_files.items()
    }
    return {
        "name": description.name,
        "file": without_home(description.file),
        "options": {key: value for key, value in kept.items() if _is_said(value)},
    }


def read_description(given: str, context: click.Context) -> RunDescription:
    """Read the run that ``--config`` names.

    Raises:
        BenchError: There is none, it has an unknown key, or a value that the command line would
            refuse; names the file and the key.
    """
    found, table = _find(given)
    command: Any = context.command
    known = command.in_files
    options = {word[2:].replace("-", "_") for each in command.params for word in each.opts}
    values = {}
    for key, value in table.items():
        place = f"{found.where}.{key}" if found.where.endswith("]") else f"{found.where}: {key}"
        if key in options - known.keys():
            raise BenchError(f"{place}: stands on the command line alone; take it out")
        if key not in known:
            hint = nearest(key, known) or f"; there are: {', '.join(known)}"
            raise BenchError(f"{found.where} has the unknown entry {key!r}{hint}")
        parameter = known[key]
        word = _word(key, value, parameter, found.file.parent, place)
        command.check(parameter, word, context, place)
        values[parameter.name or ""] = word
    if values.get("everything") and values.get(_NAMES):
        raise BenchError(f"{found.where}: names plugins and has all; take one of them out")
    return RunDescription(found.name, found.file, found.where, values)


def _find(given: str) -> tuple[RunDescription, Mapping[str, Any]]:
    """Return where a run is described, and its table.

    Raises:
        BenchError: There is no such file, or no such table.
    """
    from bench.registry.project import project_of, read_toml

    if given.endswith(".toml") or "/" in given or os.sep in given:
        path = Path(given).expanduser()
        if not path.is_file():
            raise BenchError(f"--config {given}: no such file; give a TOML file, or a run's name")
        return RunDescription(path.stem, path, str(path)), read_toml(path)
    project = project_of()
    if project.file is None:
        raise BenchError(
            f"--config {given}: no pyproject.toml here or above has [tool.bench]; add the table "
            f"[tool.bench.run.{given}] to one, or give a file, {given}.toml"
        )
    if given not in project.runs:
        hint = nearest(given, project.runs)
        there = f"; there are: {', '.join(project.runs)}" if project.runs else ""
        raise BenchError(
            f"--config {given}: {project.file} has no table [tool.bench.run.{given}]"
            f"{hint or there or '; add it, or give a file that ends in .toml'}"
        )
    where = f"{project.file}: [tool.bench.run.{given}]"
    return RunDescription(given, project.file, where), project.runs[given]


# From a value of TOML to what the words of a command line would give


def _word(key: str, value: Any, parameter: click.Parameter, folder: Path, place: str) -> Any:
    """Return a value as the parameter has it before it is read; paths begin at the file's folder.

    Raises:
        BenchError: It is of another kind.
    """
    if key in _TABLES:
        return [*_pairs(key, value, folder, place)]
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return _of_kind(value, bool, "true or false", place)
    if isinstance(value, bool):
        # Of --verify, which may stand alone.
        if parameter.name != "verify":
            raise BenchError(f"{place}: must not be true or false")
        return "" if value else None
    if key == _NAMES or getattr(parameter, "multiple", False):
        words = [_of_kind(each, str, "a list of texts", place) for each in _several(value)]
        return tuple(_placed(word, parameter, folder) for word in words)
    if not all(isinstance(each, str | int | float) for each in _several(value)):
        raise BenchError(f"{place}: must be a text or a number, or a list of these")
    return _placed(",".join(map(str, _several(value))), parameter, folder)


def _pairs(key: str, value: Any, folder: Path, place: str) -> Iterator[str]:
    for name, each in _of_kind(value, dict, "a table", place).items():
        if key == "set":
            yield f"{name}={_literal(each, f'{place}.{name}')}"
            continue
        for path in _several(each):
            yield f"{name}={_below(_of_kind(path, str, 'a path', f'{place}.{name}'), folder)}"


def _literal(value: Any, place: str) -> str:
    """Write a value as the command line has it; TOML has no None, which is the text none."""
    if isinstance(value, str) and value.lower() == "none":
        return value
    if not isinstance(value, str | int | float | list | dict):
        raise BenchError(f"{place}: must be a text, a number, true, false or a list of these")
    return repr(value)


def _placed(word: str, parameter: click.Parameter, folder: Path) -> str:
    is_path = isinstance(parameter.type, click.Path)
    is_file = parameter.name == _NAMES and word.endswith(".py")
    return _below(word, folder) if is_path or is_file else word


def _below(path: str, folder: Path) -> str:
    whole = folder.resolve() / Path(path).expanduser()
    return os.path.relpath(whole) if not Path(path).expanduser().is_absolute() else str(whole)


def _several(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _of_kind(value: Any, kind: type, what: str, place: str) -> Any:
    if not isinstance(value, kind):
        raise BenchError(f"{place}: must be {what}, not {value!r}")
    return value


def _is_said(value: Any) -> bool:
    return value is not None and value is not False and value not in ([], {})


def _plain(value: Any) -> Any:
    """Return an option's value as JSON has it; paths without the home folder."""
    from bench.files import without_home
    from bench.plan.plan import Cluster
    from bench.records.repeats import VerifySample
    from bench.values import Several

    if isinstance(value, Cluster):
        return value.asked
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Path):
        return without_home(value)
    if isinstance(value, VerifySample):
        return value.count or True
    return value.text if isinstance(value, Several) else value


# Options that the command line and a description both give


def take_together(context: click.Context) -> None:
    """Let the command line add to folders, go before keys, and name other plugins."""
    description = described_by(context)
    if description is None:
        return
    command: Any = context.command
    given, known = context.params, command.in_files
    everything = known[_ALL].name or ""
    names_some = given[_NAMES] or given[everything]
    for key, parameter in known.items():
        name = parameter.name or ""
        if name not in {*description.values} & _together(command):
            continue
        described = parameter.type_cast_value(context, description.values[name])
        if key in _TABLES:
            described = _without_keys(described, given[name])
        elif name in (_NAMES, everything) and names_some:
            continue
        if not given[name]:
            context.set_parameter_source(name, ParameterSource.DEFAULT_MAP)
        is_list = isinstance(described, tuple)
        given[name] = tuple(dict.fromkeys([*described, *given[name]])) if is_list else described


def _together(command: Any) -> set[str]:
    """Return the parameters of which a description is not simply a default."""
    known = command.in_files
    lists = {each.name or "" for each in known.values() if getattr(each, "multiple", False)}
    return {*lists, _NAMES, known[_ALL].name or ""}


def _without_keys(described: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    keys = {word.partition("=")[0].strip() for word in given}
    return tuple(word for word in described if word.partition("=")[0].strip() not in keys)
