"""The project that a command is given in: its plugins and tasks, and what ``[tool.bench]`` says.

A project is the working folder with the nearest ``pyproject.toml``, in it or above it, that has a
table ``[tool.bench]``. The command line goes before that table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.files import below, read_bounded
from bench.registry.discover import Registry, discover, find_tasks, is_asked_for
from bench.registry.source_tree import Folders, Meant, Tree, shipped
from bench.registry.tasks import FoundTasks

FILE = "pyproject.toml"
RESULTS = Path("reports")
_TABLE = "[tool.bench]"
_LARGEST_FILE = 1 << 24


@dataclass(frozen=True)
class RunDefaults:
    """What ``[tool.bench.run]`` may hold: options of ``python -m bench run``, by their names.

    Their values are judged as those on the command line are.
    """

    profile: str | None = None
    seeds: tuple[int, ...] | None = None
    source: str | None = None
    backend: tuple[str, ...] | None = None
    jobs: int | None = None
    timeout: float | None = None
    memory_limit: float | None = None
    reuse: str | None = None
    retry: int | None = None


@dataclass(frozen=True)
class SlurmSettings:
    """What ``[tool.bench.slurm]`` may hold: what ``run --on slurm`` asks Slurm for.

    ``workers`` is how many jobs are started, each for one worker of ``cores`` and ``memory``
    (such as "32 GB"). ``queue``, ``account`` and ``walltime`` are Slurm's; ``directives`` are
    further lines of ``#SBATCH``, ``prologue`` lines of shell before the worker starts.
    ``interface`` is the network's, ``logs`` a folder for what the jobs print, ``scratch`` one
    for a worker's own files; ``python`` starts the workers.
    """

    workers: int = 1
    cores: int = 1
    memory: str = "4 GB"
    queue: str | None = None
    account: str | None = None
    walltime: str = "12:00:00"
    directives: tuple[str, ...] = ()
    prologue: tuple[str, ...] = ()
    interface: str | None = None
    logs: str | None = None
    scratch: str | None = None
    python: str | None = None


@dataclass(frozen=True)
class ProjectSettings:
    """What ``[tool.bench]`` may hold.

    ``plugins`` and ``datasets`` are folders as the file names them, None where it names none,
    ``results`` the folder of records, ``run`` what options of ``run`` are unless they are
    given; ``slurm`` is what ``run --on slurm`` asks for. ``check`` is the table that
    ``bench.gate.settings`` reads.
    """

    plugins: tuple[str, ...] | None = None
    datasets: tuple[str, ...] | None = None
    results: str | None = None
    run: RunDefaults = field(default_factory=RunDefaults)
    slurm: SlurmSettings = field(default_factory=SlurmSettings)
    check: Any = None


@dataclass(frozen=True)
class Project:
    """A working folder, and the file that says what belongs to it, None where there is none.

    ``runs`` are the tables ``[tool.bench.run.NAME]`` by their names, each a run as it is
    described, which ``python -m bench run --config NAME`` judges.
    """

    here: Path
    file: Path | None = None
    settings: ProjectSettings = field(default_factory=ProjectSettings)
    runs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder that the file's paths begin at."""
        return self.file.parent if self.file else self.here


def project_of(folder: Path | None = None) -> Project:
    """Return the project of a folder, by default the working folder.

    The file is looked for in it and above it, up to the root of the repository.

    Raises:
        BenchError: A file on the way cannot be read, or the table holds an unknown key or a
            value of another type; names the file and the fix.
    """
    here = folder or Path()
    start = here.resolve()
    for place in (start, *start.parents):
        table = _table(place / FILE)
        if table is not None:
            own, runs = _named_runs(table)
            return Project(here, place / FILE, _settings(own, place / FILE), runs)
        if (place / ".git").exists():
            break
    return Project(here)


def results_folder() -> Path:
    """Return where records are kept, as seen from the working folder where it lies below."""
    project = project_of()
    named = project.settings.results
    return RESULTS if named is None else Path(os.path.relpath(project.root / named))


def plugins_folder() -> Path:
    """Return where a new plugin of the working folder's project goes."""
    project = project_of()
    named = project.settings.plugins
    return Path(os.path.relpath(project.root / named[0])) if named else Path("plugins")


def datasets_folder() -> Path:
    """Return where a new task of the working folder's project goes."""
    project = project_of()
    named = project.settings.datasets
    return Path(os.path.relpath(project.root / named[0])) if named else Path("datasets")


def registry_of(
    asked: Folders,
    files: Iterable[Path] = (),
    tree: Tree | None = None,
    folder: Path | None = None,
) -> Registry:
    """Read every task, and every plugin that a command may mean, in a folder; see ``discover``.

    A project has plugins of its own where its file, or the command line, names folders of
    them, or else a folder ``plugins`` with plugin files lies in the working folder or beside
    the file. These are then what is meant where nothing is named. In the suite's own checkout
    nothing is a project's own. Its tasks are found likewise, in folders ``datasets``, and are
    always beside the others.

    Args:
        asked: What the command line says.
        files: Single plugin files.
        tree: Another revision, which has a project file of its own.
        folder: By default the working folder.

    Raises:
        BenchError: A folder or file does not exist, or the project's file is wrong.
    """
    here = folder or Path()
    project = project_of(here if tree is None else tree.counterpart(here))
    own = _own_folders(project, "plugins", tree)
    datasets = [*_own_folders(project, "datasets", tree), *asked.datasets]
    suite = os.path.realpath(_in(tree, shipped("plugins")))
    in_suite = suite in map(os.path.realpath, own)
    with_shipped = isinstance(asked, Meant) and asked.with_shipped
    has_own = bool(own or asked.plugins) and not (in_suite or with_shipped)
    return discover([*own, *asked.plugins], files, tree, own=has_own, datasets=datasets)


def tasks_of(datasets: Sequence[Path] = ()) -> FoundTasks:
    """Read every task of the working folder's project, and those in further folders.

    Raises:
        BenchError: A folder does not exist, or the project's file is wrong.
    """
    return find_tasks([*_own_folders(project_of(), "datasets", None), *datasets])


def left_out(
    registry: Registry,
    patterns: Sequence[str],
    task: str | None,
    done: str,
    among: Collection[str] | None = None,
) -> Iterator[str]:
    """Say what a user could miss where a project has plugins of its own, a line each.

    Args:
        registry: All plugins there are.
        patterns: What the command line names.
        task: The task that it names.
        done: What is done with the others, such as "listed".
        among: The names of those that could be; None for all.
    """
    aside = [p for p in registry.left_out(patterns, task) if among is None or p.name in among]
    number = len(aside)
    if number:
        several = "s are" if number > 1 else " is"
        yield f"{number} shipped plugin{several} not {done}: --shipped"
    hidden = [p.name for p in registry.hidden if is_asked_for(p, patterns, task)]
    if hidden:
        yield f"{', '.join(hidden)}: this project's own, and not the shipped one of that name"


def _seen_from_here(path: Path) -> Path:
    return Path(below(path, Path.cwd()) or path)


def _in(tree: Tree | None, path: Path) -> Path:
    return path if tree is None else tree.counterpart(path)


def _own_folders(project: Project, kind: str, tree: Tree | None) -> list[Path]:
    """Return the folders of a project's own files of a kind, "plugins" or "datasets".

    Raises:
        BenchError: Its file names one that is no folder; of another revision it is left out.
    """
    named = getattr(project.settings, kind)
    if named is None:
        beside = dict.fromkeys([project.here / kind, project.root / kind])
        return [folder for folder in beside if any(folder.glob("[!_.]*.py"))][:1]
    folders = [_seen_from_here(project.root / name) for name in named]
    for folder in folders:
        if tree is None and not folder.is_dir():
            raise BenchError(
                f"{project.file}: {_TABLE} {kind} names {folder}, which is not a folder; "
                "make it, or correct the name"
            )
    return [folder for folder in folders if folder.is_dir()]


# The file


def _table(path: Path) -> Mapping[str, Any] | None:
    """Return the table of a file; None if there is no such file, or no table in it."""
    if not path.is_file():
        return None
    tool = read_toml(path).get("tool", {})
    table = tool.get("bench") if isinstance(tool, dict) else None
    if table is not None and not isinstance(table, dict):
        raise BenchError(f"{path}: {_TABLE} must be a table")
    return table


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a file holds that a user wrote in TOML.

    Raises:
        BenchError: It cannot be read, or is no TOML; names the file and the fix.
    """
    try:
        return _parse(read_bounded(path, _LARGEST_FILE).decode("utf-8-sig"))
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be read ({error.strerror or error}); fix its permissions"
        ) from None
    except BenchError as error:
        raise BenchError(f"{path}: {error}; give a file of usual size") from None
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: is no TOML ({error}); fix that place") from None


def _parse(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _named_runs(
    table: Mapping[str, Any],
) -> tuple[Mapping[str, Any], Mapping[str, Mapping[str, Any]]]:
    """Take the tables ``[tool.bench.run.NAME]`` out of ``[tool.bench]``; return both."""
    run = table.get("run")
    if not isinstance(run, dict):
        return table, {}
    options = {option.name for option in fields(RunDefaults)}
    named = {k: v for k, v in run.items() if isinstance(v, dict) and k not in options}
    return {**table, "run": {k: v for k, v in run.items() if k not in named}}, named


def _settings(table: Mapping[str, Any], file: Path) -> ProjectSettings:
    from bench import documents

    try:
        return documents.convert(table, ProjectSettings, _TABLE)
    except BenchError as error:
        told = str(error)
        for name in ("run", "slurm"):
            told = told.replace(f"{_TABLE}.{name}", f"[tool.bench.{name}]")
        raise BenchError(f"{file}: {told}") from None
