"""A plugin's source as a module, and what its ``build`` makes."""

from __future__ import annotations

import ast
import contextlib
import sys
from types import ModuleType

from bench.job import Job
from bench.task import OpenTask, PluginTask


def module_name(job: Job) -> str:
    """Return the name under which the plugin's module is known."""
    return f"bench_plugin_{job.trial.plugin}"


def load_plugin(job: Job) -> ModuleType:
    """Run the plugin's source as it was planned; a later call runs it anew.

    Raises:
        Exception: Whatever the plugin raises.
    """
    module = ModuleType(module_name(job))
    module.__file__ = job.plugin_path
    # Data classes, pickling and Keras' registry look a module up by its name.
    sys.modules[module.__name__] = module
    exec(compile(job.plugin_source, job.plugin_path, "exec"), vars(module))
    return module


def call_build(module: ModuleType, job: Job, opened: OpenTask) -> object:
    """Return what the plugin's ``build`` makes of the task and its hyperparameters.

    Raises:
        Exception: Whatever the plugin raises.
    """
    task = PluginTask(job.trial.task, opened, job.trial.versions)
    model: object = module.build(task, **dict(job.trial.hyperparameters))
    return model


def import_libraries(job: Job) -> None:
    """Import what the plugin imports, and none of its own lines.

    Libraries may set themselves up as they are imported; only what a plugin's own lines
    change is held against it. What cannot be imported shows when the plugin is run.
    """
    for node in ast.walk(ast.parse(job.plugin_source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            statement = ast.Module([node], type_ignores=[])
            with contextlib.suppress(Exception):
                exec(compile(statement, job.plugin_path, "exec"), {})
