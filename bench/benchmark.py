"""One run of the suite, from what the user asked for to the leaderboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.bounds import Bounds
from bench.data.ready import make_ready
from bench.environment import describe_run, version_of
from bench.errors import BenchError
from bench.executor import LocalExecutor
from bench.leaderboard import Leaderboard, make_leaderboard
from bench.plan import Request, Surroundings, make_plan
from bench.progress import observer_for
from bench.record import OK, SKIPPED
from bench.registry.discover import Registry, is_file_name
from bench.registry.plugins import Plugin
from bench.registry.tasks import find_task
from bench.render.markdown import to_markdown
from bench.runner import Context, Result, run
from bench.store import Store, write_whole


@dataclass(frozen=True)
class Benchmark:
    """What a run is asked to do; ``names`` is empty for every plugin.

    ``leaderboard`` is the file to write; ``command`` the line that the records keep,
    ``resume`` the one that goes on with an interrupted run.
    """

    names: tuple[str, ...]
    task: str | None
    request: Request
    source: str
    paths: dict[str, Path]
    bounds: dict[str, Bounds]
    results: Path
    leaderboard: Path
    command: str
    resume: str


@dataclass(frozen=True)
class Ending:
    """How a run ended: the tables it touched and the exit status."""

    board: Leaderboard
    status: int


def run_benchmark(benchmark: Benchmark, registry: Registry, console: Console) -> Ending:
    """Plan, run, record and render.

    Raises:
        BenchError: Something is wrong that shows before anything is run.
    """

    def say(line: str) -> None:
        console.print(line, markup=False)

    plugins, homeless = choose(registry, benchmark.names, benchmark.task)
    store = Store(benchmark.results)
    store.prepare()
    _make_room_for(benchmark.leaderboard)
    tasks = {plugin.task: registry.tasks[plugin.task] for plugin in plugins}
    stray = [name for name in benchmark.paths if name not in tasks]
    if stray:
        there = ", ".join(sorted(tasks))
        raise BenchError(f"--data {stray[0]}: no chosen plugin is of this task; there are: {there}")
    data = make_ready(tasks, benchmark.source, benchmark.paths, say)
    for plugin in homeless:
        say(f"left out: {plugin.problems[0]}")

    surroundings = Surroundings(
        sources={name: ready.source for name, ready in data.items()},
        training_examples=lambda task, view: data[task.name].training_examples(view),
        version_of=version_of,
    )
    plan = make_plan(plugins, registry, benchmark.request, surroundings, store.read().latest)
    context = Context(
        tasks=tasks,
        prepared={name: ready.folder for name, ready in data.items()},
        data={name: ready.description() for name, ready in data.items()},
        environment=describe_run(benchmark.command),
        bounds=benchmark.bounds,
    )
    result = run(plan, LocalExecutor(), store, context, observer_for(console))
    board = _publish(benchmark.leaderboard, store, result, say)
    if result.interrupted:
        say(f"interrupted; resume with: {benchmark.resume}")
        return Ending(board, 130)
    failed = any(record.status not in (OK, SKIPPED) for record in result.records)
    return Ending(board, 1 if failed or homeless or result.unwritten else 0)


def choose(
    registry: Registry, names: Sequence[str], task: str | None
) -> tuple[list[Plugin], list[Plugin]]:
    """Return the plugins to be run, and those that belong to no task and cannot be.

    A plugin asked for by its own name has to be right; among many, a wrong one becomes
    a failed row, so that the others run.

    Raises:
        BenchError: A name is unknown, its plugin is wrong, or nothing is left to run.
    """
    if task is not None:
        find_task(task, registry.tasks)
    chosen = registry.select(names, task)
    files = {Path(name).resolve() for name in names if is_file_name(name)}
    for plugin in chosen:
        if plugin.problems and (plugin.name in names or plugin.path.resolve() in files):
            raise BenchError(str(plugin.problems[0]))
    runnable = [plugin for plugin in chosen if plugin.task in registry.tasks]
    if not runnable:
        raise BenchError("there is no plugin to run; see `python -m bench list`")
    return runnable, [plugin for plugin in chosen if plugin not in runnable]


def _publish(file: Path, store: Store, result: Result, say: Callable[[str], None]) -> Leaderboard:
    """Write the leaderboard of the whole store; return the tables that this run touched."""
    contents = store.read()
    for line in contents.unreadable:
        say(f"warning: left out {line}")
    kept = {(record.identity, record.finished) for record in contents.records}
    lost = [r for r in result.records if (r.identity, r.finished) not in kept]
    board = make_leaderboard([*contents.records, *lost], result.reused)
    try:
        write_whole(file, to_markdown(board).encode())
        say(f"leaderboard written to {file}")
    except OSError as error:
        say(f"warning: {file} could not be written ({error.strerror or error})")
    touched = {record.identity for record in result.records}
    tables = [t for t in board.tables if touched & {record.identity for record in t.records}]
    return Leaderboard(tuple(tables), 0)


def _make_room_for(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BenchError(
            f"--output {file}: its folder cannot be made ({error.strerror or error}); "
            "give another file"
        ) from None
    if file.is_dir():
        raise BenchError(f"--output {file}: is a folder; give a file name in it")
