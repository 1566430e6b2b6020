"""``python -m bench new NAME``."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli import options as shared
from bench.errors import BenchError


@dataclass(frozen=True)
class NewOptions:
    """All that ``python -m bench new`` is told; see its help."""

    name: str
    task: str
    folder: Path
    datasets: tuple[Path, ...]


def _default_folder() -> Path:
    from bench.registry.project import plugins_folder

    return plugins_folder()


@click.command(name="new")
@click.argument("name")
@click.option(
    "--task", required=True, metavar="TASK", help="The task, or the kind of tasks, that it is for."
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=_default_folder,
    show_default="plugins, or as [tool.bench] names",
    metavar="DIR",
    help="Where the file goes.",
)
@shared.datasets
@shared.filled(NewOptions)
def command(options: NewOptions) -> int:
    """Write a plugin file that runs as it is, ready to be changed.

    Exit status: 0 it is written; 2 the name or task is wrong, or the file exists.
    """
    from bench.registry.project import registry_of
    from bench.registry.source_tree import Folders
    from bench.values import TASK_KINDS

    registry, name = registry_of(Folders((), options.datasets)), options.name
    kind = options.task if options.task in TASK_KINDS else registry.task(options.task).kind
    check_name(name)
    path = options.folder / f"{name}.py"
    twin = next((p for p in registry.plugins if p.name == name), None)
    if path.exists():
        raise BenchError(f"{path}: exists already; choose another name or remove it")
    if twin is not None:
        raise BenchError(f"{name}: {twin.path} has this name already; choose another")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(plugin_source(name, options.task, kind), encoding="utf-8")
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written ({error.strerror or error}); give another --folder"
        ) from None
    click.echo(f"wrote {path}; try it with: python -m bench run {path} --profile smoke")
    return 0


# The plugin file that ``python -m bench new`` writes: small, true to the contract, runnable


_BODIES = {
    "text": """    "maxlen": 200,
    "embedding_dim": 16,
    "epochs": 5,
}}


def build(task, embedding_dim):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.GlobalAveragePooling1D(),
        layers.Dense(task.outputs, activation=task.activation),
    ])
""",
    "": """    "units": 16,
    "epochs": 5,
}}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(task.outputs, activation=task.activation),
    ])
""",
}

_HEAD = '''"""{title}: say here, in one line, what the model is."""

from keras import Sequential, layers

TASK = "{task}"
HYPERPARAMETERS = {{
'''


def check_name(name: str, kind: str = "plugin") -> None:
    """Refuse a name that a plugin's file, or a task's, cannot have.

    Raises:
        BenchError: Says what a name is made of.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise BenchError(
            f"{name!r}: a {kind}'s name is lower-case letters, digits and _, like my_model"
        )


def plugin_source(name: str, task: str, kind: str = "") -> str:
    """Return the text of a new plugin file for a task, or a kind of tasks, that is of a kind."""
    template = _HEAD + _BODIES.get(kind, _BODIES[""])
    return template.format(title=name.replace("_", " ").capitalize(), task=task)
