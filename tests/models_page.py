"""``python -m tests.models_page > docs/models.md``: every plugin of the suite, by task.

Each is built once on synthetic data, whose shapes are those of the real ones, to count its
parameters.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tabulate import tabulate

from bench.data.word_vectors import PUBLISHED
from bench.errors import BenchError
from bench.formatting import count, metric_name
from bench.registry.discover import discover
from bench.registry.plugins import Plugin
from bench.registry.source_tree import shipped
from bench.registry.task_code import load_module
from bench.registry.tasks import TaskInfo
from bench.report.writers import escape_markdown
from bench.task import Prepared
from bench.worker.plugin import PluginTask

COMMAND = "python -m tests.models_page > docs/models.md"

_HEADINGS = ("name", "description", "hyperparameters", "parameters", "published")
_ALIGNED = ("left", "left", "left", "right", "left")
_SPLITS = {"val": "validation", "test": "test"}


def page() -> str:
    """Return the whole page.

    Raises:
        BenchError: A plugin is wrong.
    """
    registry = discover()
    own = [plugin for plugin in registry.plugins if plugin.path.parent == shipped("plugins")]
    names = {plugin.name for plugin in own}
    parts = [
        "# Models",
        f"The {len(names)} models that come with the suite, with the hyperparameters of their full "
        "training; what is not named is as the task has it. Parameters are counted for the columns "
        "and the vocabulary of the official data; an estimator has none before it is fitted. "
        "Published figures are of the validation data unless they say otherwise.",
        f"This page is made by `{COMMAND}`.",
    ]
    with _word_vectors():
        for name, task in registry.tasks.items():
            plugins = [plugin for plugin in own if plugin.task == name and not plugin.by_kind]
            parts += [f"## {name}", escape_markdown(task.description), _table(task, plugins)]
        for name, task in registry.tasks.items():
            plugins = [plugin for plugin in own if plugin.task == name and plugin.several]
            if plugins:
                about = (
                    f"These serve any task of the kind {task.kind} ([tasks.md](tasks.md)); "
                    f"parameters are counted for {name}, on which they run where they are named."
                )
                parts += [f"## Any task of the kind {task.kind}", about, _table(task, plugins)]
    return "\n\n".join(parts) + "\n"


def parameters(plugin: Plugin, task: TaskInfo, prepared: Prepared) -> int | None:
    """Return how many weights a plugin's model has, None for an estimator.

    Raises:
        BenchError: The plugin has a problem.
    """
    import keras

    if plugin.problems:
        raise BenchError(str(plugin.problems[0]))
    values = plugin.hyperparameters
    view = {key: values.get(key, default) for key, default in task.view.items()}
    opened = load_module(task).open_view(prepared, view)
    build = runpy.run_path(str(plugin.path))["build"]
    model = build(
        PluginTask(task.name, opened, plugin.files), **plugin.arguments({**values, **view})
    )
    return int(model.count_params()) if isinstance(model, keras.Model) else None


def _table(task: TaskInfo, plugins: list[Plugin]) -> str:
    prepared = _MADE[task.name]()
    rows = [row(plugin, parameters(plugin, task, prepared)) for plugin in plugins]
    return tabulate(
        rows, headers=_HEADINGS, tablefmt="pipe", colalign=_ALIGNED, disable_numparse=True
    )


def row(plugin: Plugin, number: int | None) -> list[str]:
    """Return a plugin's cells, given how many parameters it has."""
    settings = ", ".join(f"{key}={value!r}" for key, value in plugin.hyperparameters.items())
    settings += "".join(f"; grid: {axis}" for axis in plugin.grid)
    return [
        escape_markdown(plugin.name),
        escape_markdown(plugin.description),
        escape_markdown(settings),
        "" if number is None else count(number),
        escape_markdown(published(plugin.reference)),
    ]


def published(reference: Mapping[str, float]) -> str:
    """Return published figures in words, "" for none."""
    figures = []
    for key, value in reference.items():
        if key == "epoch_seconds":
            figures.append(f"{value:g} s an epoch")
            continue
        where = " (last epoch)" if key.startswith("last_") else ""
        split, _, metric = key.removeprefix("last_").partition("_")
        where = where or ("" if split == "val" else f" ({_SPLITS[split]})")
        figures.append(f"{metric_name(metric)} {value:g}{where}")
    return ", ".join(figures)


def _made_reviews() -> Prepared:
    from bench.text.corpus import prepare
    from bench.text.synthetic import make_corpus

    return prepare(make_corpus(200, 100), "made reviews")


def made_weather() -> Prepared:
    """Return twelve weeks in the official layout."""
    from bench.series.prepare import prepare
    from bench.series.synthetic import synthetic_table

    return prepare(synthetic_table(rows=12_000), "made weather", as_published=False)


_MADE: Mapping[str, Callable[[], Prepared]] = {"imdb": _made_reviews, "jena": made_weather}


@contextmanager
def _word_vectors() -> Iterator[None]:
    """Have a data folder that holds word vectors of the published width, for one word."""
    before: Any = os.environ.get("BENCH_DATA_DIR")
    with tempfile.TemporaryDirectory() as folder:
        for vectors in PUBLISHED.values():
            line = " ".join(["the", *["0"] * vectors.numbers])
            (Path(folder) / vectors.file).write_text(line + "\n", encoding="utf-8")
        os.environ["BENCH_DATA_DIR"] = folder
        try:
            yield
        finally:
            del os.environ["BENCH_DATA_DIR"]
            if before is not None:
                os.environ["BENCH_DATA_DIR"] = before


if __name__ == "__main__":
    sys.stdout.write(page())
