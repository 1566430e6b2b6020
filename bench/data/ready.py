"""Data prepared for trials: found, parsed, opened to count, and described for the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.data.prepared import notes_of, open_prepared, prepare
from bench.data.sources import Source, resolve
from bench.registry.tasks import TaskInfo, load_module


@dataclass(frozen=True)
class PreparedTask:
    """The data of one task, as a plan and a job need them.

    ``folder`` holds the parsed arrays. ``description`` is the data section of a record.
    ``training_examples`` returns how many training examples there are under a view; it
    raises ``CannotRun`` where the view has no meaning on these data and ``BenchError`` for a
    wrong option.
    """

    folder: Path
    description: Mapping[str, Any]
    training_examples: Callable[[Mapping[str, Any]], int]

    @property
    def kind(self) -> str:
        """One of official, local and synthetic."""
        return str(self.description["source"])

    @property
    def fingerprint(self) -> str:
        """Digest of the data."""
        return str(self.description["fingerprint"])


def prepare_task(
    task: TaskInfo, wanted: str, path: Path | Sequence[Path] | None, say: Callable[[str], None]
) -> PreparedTask:
    """Find and parse the data of a task; ``say`` is told which, why, and what is odd in them.

    Args:
        task: The task; its file is run.
        wanted: One of auto, official, local and synthetic.
        path: The user's own file or folder, or several, if any.
        say: Takes a line for the user.

    Raises:
        DataError: The data are not to be had, or damaged.
    """
    source = resolve(task, wanted, path)
    where = f" ({Path(source.files[0]).parent})" if source.files else ""
    say(f"{task.name}: {source.kind} data: {source.why}{where}")
    folder = prepare(task, source, say=say)
    description = _description(task, source, folder)
    for note in notes_of(description["meta"]):
        say(f"{task.name}: {note}")
    return PreparedTask(folder, description, _Counts(task, folder))


class _Counts:
    """Counts training examples, each view's once."""

    def __init__(self, task: TaskInfo, folder: Path) -> None:
        self._task = task
        self._folder = folder
        self._known: dict[str, int] = {}

    def __call__(self, view: Mapping[str, Any]) -> int:
        key = repr(sorted(view.items()))
        if key not in self._known:
            opened = load_module(self._task).open_view(open_prepared(self._folder), dict(view))
            self._known[key] = len(opened.train)
        return self._known[key]


def _description(task: TaskInfo, source: Source, folder: Path) -> dict[str, Any]:
    return {
        "source": source.kind,
        "fingerprint": source.fingerprint,
        "why": source.why,
        "files": [Path(file).name for file in source.files],
        "meta": dict(open_prepared(folder).meta),
        "metric": {
            "name": task.metric,
            "direction": task.direction,
            "baseline": task.baseline,
            "units": dict(task.units),
            "groups": task.groups,
        },
    }
