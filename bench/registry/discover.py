"""Find plugins and tasks: the suite's, those of installed packages, folders, single files."""

from __future__ import annotations

import fnmatch
import importlib.util
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import DistributionFinder, EntryPoint, MetadataPathFinder
from pathlib import Path

from bench.errors import BenchError
from bench.formatting import nearest
from bench.registry.declarations import Declarations, Problem, read_declarations
from bench.registry.plugins import LITERALS, Plugin, plugin_of
from bench.registry.source_tree import Tree, shipped
from bench.registry.tasks import (
    FoundTasks,
    TaskInfo,
    WrongTask,
    files_in,
    problems_of_several,
    read_tasks,
)
from bench.values import TASK_KINDS

PLUGINS_GROUP = "bench.plugins"
TASKS_GROUP = "bench.tasks"
#: What stands for the plugin in the trials of an ensemble, so that no plugin has the name.
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Registry:
    """All tasks and plugins there are; plugins ordered by task, then name.

    ``own`` has the names of a project's own plugins, None where it has none and all are meant;
    the others are then meant only where they are named, and ``hidden`` are those of another
    content that have the name of one of its own. ``wrong_tasks`` are files that are no tasks. A
    plugin of several tasks stands here once for each; ``shipped_tasks`` have plugins of their
    own, so that one for their kind is meant there only where it is named.
    """

    tasks: Mapping[str, TaskInfo]
    plugins: tuple[Plugin, ...]
    own: frozenset[str] | None = None
    hidden: tuple[Plugin, ...] = ()
    wrong_tasks: tuple[WrongTask, ...] = ()
    shipped_tasks: frozenset[str] = frozenset()

    def task(self, name: str) -> TaskInfo:
        """Return the task of this name.

        Raises:
            BenchError: There is none, or its file is wrong.
        """
        return FoundTasks(self.tasks, self.wrong_tasks).find(name)

    def is_meant(self, plugin: Plugin) -> bool:
        """Say whether a plugin is meant where none is named."""
        return self._is_own(plugin) and not self._is_only_named(plugin)

    def _is_own(self, plugin: Plugin) -> bool:
        return self.own is None or plugin.name in self.own

    def _is_only_named(self, plugin: Plugin) -> bool:
        return plugin.by_kind and plugin.task in self.shipped_tasks

    def select(self, patterns: Sequence[str], task: str | None = None) -> list[Plugin]:
        """Return the plugins whose names match, or all that are meant for no pattern.

        Args:
            patterns: Names, globs, or paths of plugin files that were discovered. One that
                matches some of those that are meant matches no others.
            task: Keep the plugins of this task only.

        Raises:
            BenchError: A pattern matches nothing; the message offers the nearest names.
        """
        candidates = [p for p in self.plugins if task is None or p.task == task]
        meant = [p for p in candidates if self.is_meant(p)]
        if not patterns:
            return meant
        chosen: list[Plugin] = []
        for pattern in patterns:
            matching = [p for p in meant if _matches(p, pattern)]
            matching = matching or [p for p in candidates if _matches(p, pattern)]
            if not matching:
                where = f" for task {task!r}" if task else ""
                kind = "glob matches no plugin" if _is_glob(pattern) else "unknown plugin"
                hint = nearest(pattern, [p.name for p in candidates])
                raise BenchError(
                    f"{kind}{where}: {pattern!r}{hint}; see `python -m bench list` for all"
                )
            chosen += [p for p in matching if p not in chosen]
        return chosen

    def left_out(self, patterns: Sequence[str], task: str | None = None) -> list[Plugin]:
        """Return the plugins that ``select`` leaves out because a project has its own."""
        own = [p for p in self.plugins if self.is_meant(p) and task in (None, p.task)]
        alone = [each for each in patterns if not any(_matches(p, each) for p in own)]
        return [
            plugin
            for plugin in self.plugins
            if not (self._is_own(plugin) or self._is_only_named(plugin))
            and is_asked_for(plugin, patterns, task)
            and not any(_matches(plugin, pattern) for pattern in alone)
        ]


def discover(
    folders: Iterable[Path] = (),
    files: Iterable[Path] = (),
    tree: Tree | None = None,
    *,
    own: bool = False,
    datasets: Iterable[Path] = (),
) -> Registry:
    """Read every plugin there is: shipped, by entry point, in ``folders`` and ``files``.

    Args:
        folders: Folders with plugin files.
        files: Single plugin files.
        tree: Another revision, None for the files as they are. Of plugins and tasks that
            lie in its working tree, those of the revision are taken; what it does not
            have yet is left out.
        own: The folders and files are a project's own; a shipped plugin that has the name of
            one of these is hidden.
        datasets: Folders with task files.

    Raises:
        BenchError: A folder or file given by the user does not exist.
    """
    tasks = find_tasks(datasets, tree)
    wrong = {task.name: task.reason for task in tasks.wrong}
    installed, broken = _installed(tree)
    given = _given(folders, files, tree)
    # A file reached in two ways (a folder and its own path, a link) is one plugin.
    unique = {os.path.realpath(path): path for path in reversed([*installed, *given])}
    mine = {os.path.realpath(path): path.stem for path in given} if own else {}
    names = {*mine.values()}
    read = {real: read_plugins(path, tasks.right, wrong) for real, path in unique.items()}
    aside = {real for real, path in unique.items() if path.stem in names and real not in mine}
    hidden = [plugin for real in aside for plugin in read[real]]
    plugins = _refuse_names([p for real, each in read.items() if real not in aside for p in each])
    ordered = sorted([*plugins, *broken], key=lambda p: (p.task, p.name, str(p.path)))
    contents = {(plugin.name, plugin.sha256) for plugin in plugins}
    return Registry(
        tasks.right,
        tuple(ordered),
        own=frozenset(names) if own else None,
        hidden=tuple(p for p in hidden if (p.name, p.sha256) not in contents),
        wrong_tasks=tasks.wrong,
        shipped_tasks=frozenset(
            task.name
            for task in tasks.right.values()
            if task.path.parent == _in(tree, shipped("datasets"))
        ),
    )


def read_plugins(
    path: Path, tasks: Mapping[str, TaskInfo], wrong: Mapping[str, str]
) -> list[Plugin]:
    """Read a plugin file without running it: a plugin for each task that it serves.

    TASK is a task, or a kind of tasks, or a list of these; a kind stands for every task of it.
    """
    found = read_declarations(path, LITERALS)
    served = [*_served(found, tasks)]
    if not served:
        return [plugin_of(found, tasks, wrong)]
    return [_for_task(found, *each, tasks, wrong) for each in served]


def _served(found: Declarations, tasks: Mapping[str, TaskInfo]) -> Iterator[tuple[str, bool]]:
    """Yield the tasks that a file serves by a list or a kind, and whether by a kind alone."""
    constant = found.constants.get("TASK")
    value = constant.value if constant else None
    if isinstance(value, str):
        words = [value] if value in TASK_KINDS else []
    else:
        words = [*value] if isinstance(value, list | tuple) else []
    if not all(isinstance(word, str) for word in words):
        return  # Which is told of the file itself.
    yield from ((word, False) for word in dict.fromkeys(words) if word not in TASK_KINDS)
    for name, task in tasks.items():
        if task.kind and task.kind in words and name not in words:
            yield name, True


def _for_task(
    found: Declarations,
    name: str,
    by_kind: bool,
    tasks: Mapping[str, TaskInfo],
    wrong: Mapping[str, str],
) -> Plugin:
    constants = {**found.constants, "TASK": replace(found.constants["TASK"], value=name)}
    plugin = plugin_of(replace(found, constants=constants), tasks, wrong)
    problems = (*plugin.problems, *problems_of_several(found))
    return replace(plugin, several=True, by_kind=by_kind, reference={}, problems=problems)


def find_tasks(datasets: Iterable[Path] = (), tree: Tree | None = None) -> FoundTasks:
    """Read every task there is: shipped, by entry point, and in folders.

    Args:
        datasets: Folders with task files.
        tree: As for ``discover``.

    Raises:
        BenchError: A folder given by the user does not exist.
    """
    paths = files_in(_in(tree, shipped("datasets")))
    broken: list[WrongTask] = []
    for point in _entry_points(TASKS_GROUP):
        located = _entry_point_files(point, tree)
        paths += located
        if not located and tree is None:
            broken.append(WrongTask(point.name, Path(point.value), _leads_nowhere(point)))
    found = read_tasks([*paths, *_given(datasets, (), tree, "--datasets")])
    return FoundTasks(found.right, (*found.wrong, *broken))


def _leads_nowhere(point: EntryPoint) -> str:
    return f"entry point {point.value!r} leads to no file; reinstall its package"


def _installed(tree: Tree | None) -> tuple[list[Path], list[Plugin]]:
    """Return the plugin files of the suite and of entry points, and what leads to no file."""
    paths = files_in(_in(tree, shipped("plugins")))
    broken: list[Plugin] = []
    for point in _entry_points(PLUGINS_GROUP):
        located = _entry_point_files(point, tree)
        if located:
            paths += located
        elif tree is None:
            problem = Problem(point.value, 1, _leads_nowhere(point))
            broken.append(Plugin(point.name, Path(point.value), problems=(problem,)))
    return paths, broken


def _given(
    folders: Iterable[Path],
    files: Iterable[Path],
    tree: Tree | None,
    option: str = "--plugins",
) -> list[Path]:
    """Return the files that the user gives, by their folders or by themselves.

    Raises:
        BenchError: One does not exist; of another revision it is left out.
    """
    paths: list[Path] = []
    for folder in (_in(tree, folder) for folder in folders):
        if folder.is_dir():
            paths += files_in(folder)
        elif tree is None:
            kind = option.removeprefix("--").removesuffix("s").replace("dataset", "task")
            raise BenchError(f"{option} {folder}: is not a folder; give one with {kind} files")
    for file in (_in(tree, file) for file in files):
        if file.is_file():
            paths.append(file)
        elif tree is None:
            raise BenchError(f"{file}: no such plugin file; check the path")
    return paths


def is_asked_for(plugin: Plugin, patterns: Sequence[str], task: str | None) -> bool:
    """Say whether a plugin is of a task and matches a pattern, or there is none."""
    matches = not patterns or any(_matches(plugin, pattern) for pattern in patterns)
    return matches and task in (None, plugin.task)


def is_file_name(word: str) -> bool:
    """Say whether a word on the command line means a plugin file rather than a name."""
    return word.endswith(".py")


def _is_glob(pattern: str) -> bool:
    return any(character in pattern for character in "*?[")


def _matches(plugin: Plugin, pattern: str) -> bool:
    if is_file_name(pattern):
        return os.path.realpath(plugin.path) == os.path.realpath(pattern)
    return fnmatch.fnmatchcase(plugin.name, pattern)


def _in(tree: Tree | None, path: Path) -> Path:
    """Return a path as it is, or what stands in for it in another revision."""
    return path if tree is None else tree.counterpart(path)


def _as_file(path: Path) -> list[Path]:
    return [path] if path.suffix == ".py" and path.is_file() else []


def _entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of a group, whatever they lead to.

    They are read by the standard library itself: its ``entry_points`` also asks the package
    ``importlib_metadata`` where that was imported, of which some versions refuse all entry points
    of a machine for a malformed one. As there, of two distributions of a name the first on the
    path counts.
    """
    find = MetadataPathFinder.find_distributions
    found: dict[tuple[str, str], EntryPoint] = {}
    for each in find():
        if any(point.group == group for point in each.entry_points):
            first = next(iter(find(DistributionFinder.Context(name=each.name))), each)
            points = [point for point in first.entry_points if point.group == group]
            found |= {(point.name, point.value): point for point in points}
    return [*found.values()]


def _entry_point_files(point: EntryPoint, tree: Tree | None) -> list[Path]:
    """Locate an entry point's files without importing the package that holds them."""
    top, *rest = point.value.partition(":")[0].strip().split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if not rest and spec.origin and not spec.submodule_search_locations:
        return _as_file(_in(tree, Path(spec.origin)))
    for root in spec.submodule_search_locations or []:
        target = _in(tree, Path(root).joinpath(*rest))
        if target.is_dir():
            return files_in(target)
        if target.with_suffix(".py").is_file():
            return [target.with_suffix(".py")]
    return []


def _refuse_names(plugins: Sequence[Plugin]) -> list[Plugin]:
    """Return the plugins, those with a problem whose name another or an ensemble's row has."""
    files: dict[str, set[str]] = defaultdict(set)
    for plugin in plugins:
        files[plugin.name].add(str(plugin.path))
    checked = []
    for plugin in plugins:
        message = ""
        if plugin.name == ENSEMBLE:
            message = f"rows that `ensemble` makes have the name {ENSEMBLE!r}; rename the file"
        elif len(files[plugin.name]) > 1:
            several = ", ".join(sorted(files[plugin.name]))
            message = f"several plugins have this name: {several}; rename all but one"
        if message:
            problem = Problem(str(plugin.path), 1, message)
            plugin = replace(plugin, problems=(*plugin.problems, problem))
        checked.append(plugin)
    return checked
