"""Data made ready for a run: found, parsed, opened to count, and described for the records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.data.needed import digest_of
from bench.data.prepared import open_prepared, prepare
from bench.data.sources import Source, resolve
from bench.environment import version_of
from bench.plan import Surroundings
from bench.registry.tasks import TaskInfo, load_module


@dataclass(frozen=True)
class ReadyData:
    """The data of one task: where they come from and the folder of parsed arrays."""

    task: TaskInfo
    source: Source
    folder: Path
    _counted: dict[str, int] = field(default_factory=dict)

    def training_examples(self, view: Mapping[str, Any]) -> int:
        """Return how many training examples there are under a view.

        Raises:
            CannotRun: The view has no meaning on these data.
            BenchError: An option of the view is wrong.
        """
        key = repr(sorted(view.items()))
        if key not in self._counted:
            opened = load_module(self.task).open_view(open_prepared(self.folder), dict(view))
            self._counted[key] = len(opened.train)
        return self._counted[key]

    def description(self) -> dict[str, Any]:
        """Return the data section of a record, with what its figures are measured in."""
        return {
            "source": self.source.kind,
            "fingerprint": self.source.fingerprint,
            "why": self.source.why,
            "files": [Path(file).name for file in self.source.files],
            "meta": dict(open_prepared(self.folder).meta),
            "metric": {
                "name": self.task.metric,
                "direction": self.task.direction,
                "baseline": self.task.baseline,
                "units": dict(self.task.units),
                "groups": self.task.groups,
            },
        }


def make_ready(
    tasks: Mapping[str, TaskInfo],
    wanted: str,
    paths: Mapping[str, Path],
    say: Callable[[str], None],
) -> dict[str, ReadyData]:
    """Find and parse the data of each task; ``say`` is told which they are, and why.

    Args:
        tasks: The tasks of a run, by name.
        wanted: One of auto, official, local and synthetic.
        paths: The user's own file or folder, by task.
        say: Takes a line for the user.

    Raises:
        DataError: The data are not to be had, or damaged.
    """
    ready = {}
    for name, task in tasks.items():
        source = resolve(task, wanted, paths.get(name))
        where = f" ({Path(source.files[0]).parent})" if source.files else ""
        say(f"{name}: {source.kind} data: {source.why}{where}")
        ready[name] = ReadyData(task, source, prepare(task, source, say=say))
    return ready


def surroundings_of(data: Mapping[str, ReadyData]) -> Surroundings:
    """Return what planning has to know of this machine and the data on it.

    What is installed is looked up once a package: many plugins need the same, and a
    package whose distribution has another name is looked for in all of them.
    """
    return Surroundings(
        sources={name: ready.source for name, ready in data.items()},
        training_examples=lambda task, view: data[task.name].training_examples(view),
        version_of=cache(version_of),
        digest_of=cache(digest_of),
    )
