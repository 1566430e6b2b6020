"""``python -m bench list``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from bench.cli import options as shared
from bench.formatting import one_line, without_controls
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.project import left_out, registry_of
from bench.registry.source_tree import Meant
from bench.registry.tasks import TaskInfo


@dataclass(frozen=True)
class ListOptions(Meant):
    """All that ``python -m bench list`` is told; see its help."""

    as_json: bool
    task: str | None


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@click.option("--task", metavar="TASK", help="Only the plugins of this task.")
@shared.meant
@shared.filled(ListOptions)
def command(options: ListOptions) -> int:
    """Show plugins and tasks, what each needs, and what is wrong with any.

    In a project with plugins of its own (a folder plugins here, or what [tool.bench] of its
    pyproject.toml names) these are listed, and the shipped ones with --shipped.

    No plugin is run. Exit status: 0, also where a plugin has a problem.
    """
    registry = registry_of(options)
    if options.task is not None:
        registry.task(options.task)
    plugins = registry.select([], options.task)
    if options.as_json:
        click.echo(json.dumps(_document(registry, plugins), indent=1))
    else:
        click.echo("\n".join(_lines(registry, plugins, options.task)))
    for line in left_out(registry, [], options.task, "listed"):
        print(without_controls(line), file=sys.stderr)
    return 0


def _lines(registry: Registry, plugins: Sequence[Plugin], only: str | None) -> Iterator[str]:
    for name, task in registry.tasks.items():
        if only in (None, name):
            yield one_line(f"{name}: {task.description}")
            yield "  " + one_line(f"a model sees, unless it says otherwise: {_written(task.view)}")
            yield "  " + one_line(f"it is trained, likewise: {_written(task.training)}")
            of_task = [plugin for plugin in plugins if plugin.task == name]
            yield from _plugin_lines(of_task) if of_task else ["  (no plugin)"]
            yield ""
    if registry.wrong_tasks and only is None:
        yield "tasks that cannot be used:"
        for task_file in registry.wrong_tasks:
            yield "  " + one_line(f"{task_file.name}: PROBLEM {task_file.reason}")
        yield ""
    unassigned = [plugin for plugin in plugins if plugin.task not in registry.tasks]
    if unassigned:
        yield from ["no known task:", *_plugin_lines(unassigned), ""]
    number = f"{len(plugins)} plugin{'s' if len(plugins) != 1 else ''}"
    wrong = sum(bool(plugin.problems) for plugin in plugins)
    yield f"{number}, {wrong or 'none'} with a problem"


def _plugin_lines(plugins: Iterable[Plugin]) -> Iterator[str]:
    for plugin in plugins:
        yield "  " + one_line(f"{plugin.name}: {plugin.description or '(no description)'}")
        if plugin.hyperparameters:
            yield "      " + one_line(_written(plugin.hyperparameters))
        if plugin.grid:
            yield "      " + one_line(
                f"a grid of {plugin.points} points: {', '.join(map(str, plugin.grid))}"
            )
        packages = plugin.requires or plugin.needs
        if packages or plugin.files:
            yield "      " + one_line(f"needs {', '.join((*packages, *plugin.files))}")
        if lacking := _lacking(plugin):
            yield "      " + one_line(f"SKIPPED: {lacking}")
        yield from ("      " + one_line(f"PROBLEM {problem}") for problem in plugin.problems)


def _lacking(plugin: Plugin) -> str:
    """Say what of a plugin's REQUIRES is not met here; "" for nothing."""
    if not plugin.requires:
        return ""
    from bench.registry.requirements import absence

    return absence(plugin)


def _written(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in values.items())


def _document(registry: Registry, plugins: Sequence[Plugin]) -> dict[str, Any]:
    return {
        "tasks": [_task_entry(task) for task in registry.tasks.values()],
        "plugins": [_plugin_entry(plugin) for plugin in plugins],
        "wrong_tasks": [
            {"name": wrong.name, "path": str(wrong.path), "reason": wrong.reason}
            for wrong in registry.wrong_tasks
        ],
    }


def _task_entry(task: TaskInfo) -> dict[str, Any]:
    return {
        "name": task.name,
        "description": task.description,
        "kind": task.kind or None,
        "version": task.version,
        "metric": task.metric,
        "direction": task.direction,
        "units": dict(task.units),
        "baseline": task.baseline,
        "view": dict(task.view),
        "training": dict(task.training),
    }


def _plugin_entry(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "task": plugin.task or None,
        "by_kind": plugin.by_kind,
        "description": plugin.description,
        "path": str(plugin.path),
        "hyperparameters": dict(plugin.hyperparameters),
        "grid": [
            {"names": list(axis.names), "values": [list(values) for values in axis.values]}
            for axis in plugin.grid
        ],
        "points": plugin.points,
        "reference": dict(plugin.reference),
        "reference_source": plugin.reference_source,
        "build_parameters": list(plugin.build_parameters),
        "callback_parameters": list(plugin.callback_parameters),
        "needs": list(plugin.needs),
        "requires": list(plugin.requires),
        "lacks": _lacking(plugin),
        "files": list(plugin.files),
        "problems": [
            {"path": p.path, "line": p.line, "message": p.message} for p in plugin.problems
        ],
    }
