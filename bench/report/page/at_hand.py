"""The data of tables as far as they are prepared on this machine: looked at, never made.

A report downloads and parses nothing: where the arrays of a table's data are not in the cache, or
its task file is another now, there is nothing to see, and it is said why.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bench.analysis.leaderboard import Table
from bench.formatting import one_line

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo
    from bench.task import Look, Prepared


@dataclass(frozen=True)
class DataAtHand:
    """What a task shows of its data; ``missing`` says why there is nothing, "" where there is.

    ``look`` takes the number of an example of a split, and returns what is shown.
    """

    facts: Mapping[str, object]
    missing: str = ""
    look: Callable[[str, int], Look | None] = lambda split, number: None

    def words(self, number: int) -> str:
        """Return the words of an example of the test split, "" where it has none or none is there.

        The first call of each takes some hundredths of a second.
        """
        shown = self.look("test", number)
        return "" if shown is None else str(shown.example.get("text", ""))


class DataOfTables:
    """Finds the data of tables by task, source and fingerprint, each once."""

    def __init__(self, tasks: Mapping[str, TaskInfo]) -> None:
        self._tasks = tasks
        self._found: dict[tuple[str, str], DataAtHand] = {}

    def of(self, table: Table) -> DataAtHand:
        """Return what is at hand of a table's data."""
        key = table.task, table.fingerprint
        if key not in self._found:
            self._found[key] = _found(self._tasks.get(table.task), table)
        return self._found[key]


def _found(task: TaskInfo | None, table: Table) -> DataAtHand:
    if task is None:
        return DataAtHand({}, f"the task file of {table.task} is not at hand")
    if task.sha256 != table.task_sha256:
        return DataAtHand({}, f"{task.path.name} was edited since")
    from bench.data.prepared import open_prepared, prepared_folder
    from bench.data.sources import Source
    from bench.registry.task_code import function_of

    folder = prepared_folder(task, Source(task.name, table.source, (), table.fingerprint, ""))
    if not folder.is_dir():
        return DataAtHand({}, "they are not prepared on this machine")
    try:
        # Without its folder nothing that is made of the data is kept: only what is seen is made.
        prepared = replace(open_prepared(folder, with_targets=True), folder=None)
        look = function_of(task, "look")
    except Exception as error:  # A task's own code may raise anything.
        return DataAtHand({}, one_line(str(error)))
    facts = {name: fact for name, fact in prepared.meta.items() if name != "notes"}
    if look is None:
        return DataAtHand(facts, f"{task.path.name} shows nothing of them: it has no look()")
    return DataAtHand(facts, "", _looking(look, prepared, dict(task.view)))


def _looking(
    look: Callable[..., Look], prepared: Prepared, view: Mapping[str, Any]
) -> Callable[[str, int], Look | None]:
    @functools.cache
    def looked(split: str, number: int) -> Look | None:
        try:
            return look(prepared, view, split, number)
        except Exception:  # Of a task's own code: a page is not the place to find it wrong.
            return None

    return looked
