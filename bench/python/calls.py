"""``bench.run`` and ``bench.load``: what the command line does, called from Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.python.results import Results, read_results, results_of_run

#: A file or folder, or several.
Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def run(
    *names: str,
    config: str | os.PathLike[str] | None = None,
    all: bool = False,
    task: str | None = None,
    profile: str = "quick",
    seeds: Iterable[int] = (0,),
    set: Mapping[str, Any] | None = None,
    source: str = "auto",
    data: Mapping[str, Paths] | None = None,
    backend: str | Iterable[str] = "tensorflow",
    jobs: int = 1,
    timeout: float | None = None,
    memory_limit: float | None = None,
    reuse: str = "missing",
    failed: bool = False,
    retry: int = 0,
    verify: bool | int = False,
    until_separated: bool = False,
    max_seeds: int | None = None,
    shard: str | None = None,
    keep_models: bool = False,
    environments: bool = False,
    on: str | None = None,
    plugins: Paths = (),
    datasets: Paths = (),
    results: str | os.PathLike[str] | None = None,
    shipped: bool = False,
    output: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> Results:
    """Train plugins on their tasks, as ``python -m bench run`` does; return the results.

    Every argument is an option of the command, which decides what it means and what is
    refused: see ``python -m bench run --help``. A trial that fails raises nothing, it is a row
    with its status and reason. Each trial runs in a process of its own, so that nothing of
    the caller's is in it, and no Keras is imported here.

    Example:
        >>> found = bench.run("jena_gru", "jena_naive", seeds=[0, 1, 2], set={"units": 16})
        >>> found.frame().groupby("plugin")["validation_mae"].mean()

    Args:
        names: Names, globs or files of plugins.
        config: A run that a TOML file describes, or ``[tool.bench.run.NAME]`` of the project. An
            argument that is not its default goes before it.
        all: Every plugin, where no name is given.
        task: Only the plugins of this task.
        profile: How much training: smoke, quick or full.
        seeds: One trial a seed.
        set: Hyperparameters, view or training options to override, by name; a list of values
            is a grid.
        source: Which data: auto, official, local or synthetic.
        data: One's own files, by task.
        backend: What Keras computes with, one or several.
        jobs: Trials at once.
        timeout: Seconds after which a trial is ended; None is the profile's default.
        memory_limit: GiB beyond which a trial is ended; None is most of the machine's.
        reuse: When an earlier record is taken: missing, always or never.
        failed: What failed, with the original settings; names narrow it.
        retry: How often a trial that crashed is tried again.
        verify: Train one trial of each plugin, or so many, again and compare.
        until_separated: Add seeds to the plugins that are not separated yet.
        max_seeds: With ``until_separated``: the most seeds of a plugin.
        shard: Only the K-th of N parts of the trials, as "K/N".
        keep_models: Keep each trial's model beside its record.
        environments: Install what a plugin's ``REQUIRES`` lacks into an environment for that.
        on: The workers that trials are sent to: "dask://ADDRESS", "slurm" or "local:N"; None is
            this machine alone.
        plugins: Further folders of plugin files.
        datasets: Further folders of task files.
        results: Where records are kept; None is the project's folder, or else ``reports``.
        shipped: In a project with plugins of its own: the shipped and installed ones, too.
        output: The leaderboard's file; None is ``leaderboard.md`` among the records.
        progress: Tell on standard error how it goes; False tells nothing.

    Returns:
        A row a trial of this run, new or reused, also of one that failed.

    Raises:
        BenchError: What the command would refuse, in its words; nothing was run.
        KeyboardInterrupt: It was interrupted. Finished trials are kept: the same call goes on.
    """
    from rich.console import Console

    from bench.cli.run import options_of
    from bench.runs.interruption import INTERRUPTED, Interruption
    from bench.runs.session import run_benchmark

    words = [
        *names,
        *_flags(
            {
                "--all": all,
                "--failed": failed,
                "--until-separated": until_separated,
                "--keep-models": keep_models,
                "--environments": environments,
                "--shipped": shipped,
            }
        ),
        *_values(
            {
                "--config": (None if config is None else _path(config), None),
                "--task": (task, None),
                "--profile": (profile, "quick"),
                "--seeds": (_listed(seeds, "--seeds"), "0"),
                "--source": (source, "auto"),
                "--backend": (_listed(backend, "--backend"), "tensorflow"),
                "--jobs": (jobs, 1),
                "--timeout": (timeout, None),
                "--memory-limit": (memory_limit, None),
                "--reuse": (reuse, "missing"),
                "--retry": (retry, 0),
                "--max-seeds": (max_seeds, None),
                "--shard": (shard, None),
                "--on": (on, None),
                "--results": (None if results is None else _path(results), None),
                "--output": (None if output is None else _path(output), None),
            }
        ),
        *_repeated("--set", (f"{key}={_literal(value)}" for key, value in (set or {}).items())),
        *_repeated("--data", _own_files(data or {})),
        *_repeated("--plugins", map(str, _paths(plugins))),
        *_repeated("--datasets", map(str, _paths(datasets))),
        *_verified(verify),
    ]
    options = replace(options_of(words), resume="the same call")
    console = Console(
        stderr=True,
        highlight=False,
        soft_wrap=True,
        quiet=not progress,
        # A notebook's stream says that it is a terminal, for colours; it has no bars to redraw.
        force_terminal=None if sys.stderr is sys.__stderr__ else False,
        force_jupyter=False,
    )
    with Interruption(someone_elses=True) as interruption:
        ending = run_benchmark(options, console, interruption)
    if ending.status == INTERRUPTED:
        raise KeyboardInterrupt(f"finished trials are kept in {options.results}")
    return results_of_run(options.results, options, ending.records, ending.board)


def load(
    results: Paths | None = None,
    *,
    task: str | None = None,
    plugin: str | Iterable[str] = (),
    profile: str | None = None,
    source: str | None = None,
    plugins: Paths = (),
    datasets: Paths = (),
) -> Results:
    """Read results that were recorded, as ``python -m bench report`` does.

    Example:
        >>> found = bench.load("reports", task="jena", profile="full")
        >>> found.leaderboard()

    Args:
        results: A folder of records, or several that are read as one; None is the project's, or
            else ``reports``.
        task: Only this task.
        plugin: Only plugins of these names or globs.
        profile: Only this profile.
        source: Only this source of data.
        plugins: Further folders of plugin files, so that an edited plugin is known as such.
        datasets: Further folders of task files, likewise.

    Raises:
        BenchError: There is no such record.
    """
    from bench.registry.project import results_folder
    from bench.registry.source_tree import Folders

    roots = [results_folder()] if results is None else _paths(results)
    found = read_results(roots, Folders(tuple(_paths(plugins)), tuple(_paths(datasets))))
    return found.select(task=task, plugin=plugin, profile=profile, source=source)


# From Python's values to the words of a command line, so that one place says what they mean


def _flags(given: Mapping[str, bool]) -> list[str]:
    return [option for option, is_given in given.items() if is_given]


def _values(given: Mapping[str, tuple[Any, Any]]) -> Iterator[str]:
    """Yield each option and its value, where this is not the default, which comes with it."""
    for option, (value, default) in given.items():
        if value != default:
            yield from (option, str(value))


def _repeated(option: str, values: Iterable[str]) -> Iterator[str]:
    for value in values:
        yield from (option, value)


def _verified(verify: bool | int) -> list[str]:
    # Last, for alone it would take a name that stands behind it.
    if verify is False:
        return []
    return ["--verify"] if verify is True else ["--verify", str(verify)]


def _listed(values: Any, option: str) -> str:
    if isinstance(values, str):
        return values
    if not isinstance(values, Iterable):
        raise BenchError(f"{option} {values}: give a list, like [0, 1, 2]")
    return ",".join(map(str, values))


def _literal(value: Any) -> str:
    """Write a value as a Python literal; a number of NumPy's is a number."""
    plain = value.item() if hasattr(value, "item") else value
    return repr(plain)


def _own_files(data: Mapping[str, Paths]) -> Iterator[str]:
    for task, paths in data.items():
        yield from (f"{task}={path}" for path in _paths(paths))


def _paths(given: Paths) -> Sequence[Path]:
    several = [given] if isinstance(given, str | os.PathLike) else given
    return tuple(Path(_path(path)) for path in several)


def _path(given: str | os.PathLike[str]) -> str:
    # No shell has expanded it.
    return os.path.expanduser(given)
