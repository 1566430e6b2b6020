"""A check against a kept baseline: both sides are read, narrowed to what was asked, judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bench.errors import BenchError
from bench.files import below
from bench.formatting import nearest
from bench.gate import baseline
from bench.gate.from_pytest_benchmark import is_pytest_benchmark
from bench.gate.from_pytest_benchmark import side_of as side_of_pytest_benchmark
from bench.gate.from_records import side_of as side_of_records
from bench.gate.judge import report
from bench.gate.model import Key, Measurement, Side
from bench.gate.report.machines import RenderInput
from bench.gate.settings import CheckOptions, CheckSettings
from bench.machine import git, version_of
from bench.protocol import FAILED, SKIPPED
from bench.records.selection import GONE, working_tree
from bench.records.store import Store
from bench.registry.discover import Registry
from bench.registry.plugins import Plugin
from bench.registry.project import left_out, registry_of

_Say = Callable[[str], None]


def paths_of(registry: Registry) -> dict[str, str]:
    """Return the files of the plugins in this repository, by name, as seen from its root.

    A service that marks lines knows no other folder, wherever in the repository the check runs.
    """
    try:
        found = git("rev-parse", "--show-toplevel")
        top = Path(found.stdout.rstrip("\n")) if found.returncode == 0 else Path.cwd()
    except OSError:
        top = Path.cwd()
    paths = ((plugin.name, below(plugin.path, top)) for plugin in registry.plugins)
    return {name: path for name, path in paths if path is not None}


def compare_with_baseline(options: CheckOptions, settings: CheckSettings, say: _Say) -> RenderInput:
    """Compare records, or another file of the same kinds as a baseline, with a baseline.

    Args:
        options: What is compared.
        settings: How to judge.
        say: Is told what was left out.

    Raises:
        BenchError: A file is damaged, or nothing is left to compare.
    """
    registry = registry_of(options)
    whole = read_side(options.baseline, say)
    tell_unmatched(settings, registry, whole, say=say)
    base = _narrowed(whole, options)
    if not base.plugins:
        raise BenchError(_nothing(options, whole))
    candidate = options.candidate or options.results
    found = _narrowed(read_side(candidate, say, options, registry), options)
    kinds = {_conditions(key) for key in base.plugins}
    kept = {key: each for key, each in found.plugins.items() if _conditions(key) in kinds}
    # What a baseline holds was asked for, whosever it is; of the rest a project means its own.
    aside = {plugin.name for plugin in registry.left_out(options.names, options.task)}
    aside &= {key.plugin for key in kept.keys() - base.plugins.keys()}
    for line in left_out(registry, options.names, options.task, "compared", aside):
        say(line)
    kept = {k: each for k, each in kept.items() if k in base.plugins or k.plugin not in aside}
    now = {plugin.name: plugin for plugin in registry.plugins}
    for key in base.plugins.keys() - kept.keys():
        if key.plugin in now:
            kept[key] = Measurement(key, SKIPPED, f"no result of it in {candidate}; {_run(key)}")
    if options.candidate is None:
        kept = dict(_of_the_tree(kept, now))
    judged = replace(found, plugins=kept)
    return RenderInput(report(base, judged, settings), judged, paths_of(registry))


def tell_unmatched(settings: CheckSettings, registry: Registry, *sides: Side, say: _Say) -> None:
    """Tell of tolerances for plugins that there are nowhere: a name may be mistyped."""
    names = {plugin.name for plugin in registry.plugins}
    names |= {key.plugin for side in sides for key in side.plugins}
    for pattern in settings.without_match(names):
        hint = nearest(pattern, names)
        say(f'warning: [tool.bench.check.plugins."{pattern}"] matches no plugin{hint}')


def read_side(
    path: Path,
    say: _Say,
    options: CheckOptions | None = None,
    registry: Registry | None = None,
) -> Side:
    """Read one side of a comparison, from whatever keeps it.

    Args:
        path: A folder of records, a baseline, or what pytest-benchmark has saved.
        say: Is told what was left out.
        options: Of records, what they ask for alone is looked at: each has predictions.
        registry: The plugins that there are: records of their present source are taken.

    Raises:
        BenchError: It does not exist, is damaged, or is none of these.
    """
    if path.is_dir():
        store = Store(path)
        contents = store.read()
        for line in contents.problems:
            say(f"warning: {line}")
        if not contents.records:
            raise BenchError(
                f"{path}: has no records; run what is to be compared first with "
                "`python -m bench run`, or name another --results"
            )
        wanted = [
            record
            for record in contents.records
            if options is None or options.has(record.trial.task, record.trial.plugin)
        ]
        tree = None if registry is None else working_tree(registry, wanted)
        return side_of_records(str(path), wanted, store, say, tree)
    if not path.exists():
        raise BenchError(f"{path}: there is no such file; check the path")
    if _is_pytest_benchmark(path):
        return side_of_pytest_benchmark(path)
    return baseline.read(path)


def _is_pytest_benchmark(path: Path) -> bool:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False  # Whoever reads a baseline says what is wrong with it.
    return is_pytest_benchmark(document)


def _narrowed(side: Side, options: CheckOptions) -> Side:
    kept = {k: each for k, each in side.plugins.items() if options.has(k.task, k.plugin)}
    return replace(side, plugins=kept)


def _conditions(key: Key) -> Sequence[str]:
    return key.task, key.source, key.profile, key.backend


def _of_the_tree(
    measured: Mapping[Key, Measurement], now: Mapping[str, Plugin]
) -> Iterator[tuple[Key, Measurement]]:
    """Yield what stands for the plugins as they are in the working tree.

    What was measured before an edit says nothing of a plugin, and what was deleted has gone,
    whatever the folder of results still holds. A plugin that was run by its path, and is
    there, is none of the registry's, and stays.
    """
    for key, each in measured.items():
        plugin = now.get(key.plugin)
        if plugin is not None and plugin.problems:
            first = plugin.problems[0]
            reason = f"{plugin.path.name}:{first.line}: {first.message}"
            yield key, Measurement(key, FAILED, reason)
        elif plugin is not None and (lacking := _lacking(plugin)):
            yield key, Measurement(key, SKIPPED, lacking)
        elif each.outdated == GONE:
            continue
        elif each.outdated:
            yield key, Measurement(key, SKIPPED, f"{each.outdated}; {_run(key)}")
        else:
            yield key, each


def _lacking(plugin: Plugin) -> str:
    if not (plugin.needs or plugin.requires):
        return ""
    from bench.registry.requirements import absence

    return absence(plugin, version_of)


def _run(key: Key) -> str:
    return f"run it: python -m bench run {key.plugin} --profile {key.profile}"


def _nothing(options: CheckOptions, side: Side) -> str:
    file = options.baseline
    names = sorted({key.plugin for key in side.plugins})
    if not names:
        return f"{file}: is a baseline of nothing; write it again with `python -m bench baseline`"
    asked = " ".join(options.names) or f"--task {options.task}"
    hint = nearest(asked, names) or f"; it holds {', '.join(names)}"
    return f"{asked}: {file} has no such plugin{hint}"
