"""Backends side by side for the terminal, for people, and for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from bench.analysis.backends import OTHER, BackendComparison, BackendRun, BackendTable
from bench.analysis.leaderboard import Table
from bench.formatting import NOTHING, duration, metric_name, one_line, size
from bench.report.columns import CONTENDED, marked, quality
from bench.report.notes import above, below, title
from bench.report.writers import escape_markdown

#: Stands after a compile time in which compiled code was read from a cache.
CACHED = "†"

_ALIGNED = ("left", "left", *("right",) * 6, "left", "left")
_LONGEST_ON_TERMINAL = 60
_LONGEST_IN_DOCUMENT = 160


def to_text(found: Sequence[BackendTable]) -> str:
    """Return the comparisons as tables for the terminal."""
    parts = []
    for comparison in _with_plugins(found):
        table = comparison.table
        body = tabulate(
            _cells(comparison, lambda text: one_line(text, _LONGEST_ON_TERMINAL)),
            headers=[heading.replace(" ", "\n", 1) for heading in _headings(table)],
            colalign=_ALIGNED,
            disable_numparse=True,
        )
        about = "\n".join(map(one_line, [*reasons(comparison), reading(comparison)]))
        parts.append(f"{one_line(title(table))}\n{one_line(above(table))}\n\n{body}\n\n{about}")
    parts += [one_line(line) for line in left_out(found)]
    return "\n\n".join(parts)


def to_markdown(found: Sequence[BackendTable]) -> str:
    """Return the comparisons as a document, with provenance and what was left out."""
    parts = ["# Backends side by side", *map(_section, _with_plugins(found))]
    parts += [escape_markdown(line) for line in left_out(found)]
    return "\n\n".join(parts) + "\n"


def to_json(found: Sequence[BackendTable]) -> str:
    """Return every comparison as one JSON document; seconds and bytes as numbers."""
    tables = [
        {
            **_table(comparison.table),
            "why": comparison.table.why,
            "metric": comparison.table.metric,
            "direction": comparison.table.direction,
            "provenance": dict(below(comparison.table)),
            "plugins": [asdict(plugin) for plugin in comparison.plugins],
            "alone": dict(comparison.alone),
        }
        for comparison in found
    ]
    return json.dumps({"tables": tables}, indent=1) + "\n"


def to_csv(found: Sequence[BackendTable]) -> str:
    """Return one line a plugin and backend; what is said of a plugin is in each of its lines."""
    import pandas as pd

    lines = [
        {**_table(comparison.table), **_flat(plugin, side, comparison.table)}
        for comparison in found
        for plugin in comparison.plugins
        for side in plugin.sides
    ]
    return pd.DataFrame(lines, dtype=object).to_csv(index=False, lineterminator="\n")


def reasons(comparison: BackendTable) -> list[str]:
    """Say in lines why there is no fastest backend, or no telling of quality, of which plugins."""
    said: dict[str, list[str]] = {}
    for plugin in comparison.plugins:
        if plugin.why_none:
            said.setdefault(f"No fastest backend ({plugin.why_none})", []).append(plugin.plugin)
        if plugin.why_quality and plugin.quality != OTHER:
            line = f"Quality {plugin.quality} ({plugin.why_quality})"
            said.setdefault(line, []).append(plugin.plugin)
        for note in plugin.notes:
            said.setdefault(note, []).append(plugin.plugin)
    return [f"{line}: {', '.join(plugins)}." for line, plugins in said.items()]


def reading(comparison: BackendTable) -> str:
    """Say how a comparison is to be read."""
    sides = [side for plugin in comparison.plugins for side in plugin.sides]
    parts = [
        "Fastest: the shortest median epoch after each seed's first, where its 95% confidence "
        "interval lies below the others' and its quality is not worse; how processes differ is "
        "in an interval as far as there are several seeds. Same quality: whether the validation "
        f"{metric_name(comparison.table.metric)} is told apart on the same examples, at 5% over "
        "all pairs of backends here; yes says that no difference was found."
    ]
    if any(side.costs.contended for side in sides):
        parts.append(f"{CONTENDED} timed while other work ran on the machine.")
    if any(side.cached for side in sides):
        parts.append(f"{CACHED} compiled code was read from a cache: compares with no other time.")
    return " ".join(parts)


def left_out(found: Sequence[BackendTable]) -> list[str]:
    """Name the plugins that are ok on one backend only, and say on which."""
    lines = []
    for comparison in found:
        said: dict[str, list[str]] = {}
        for plugin, why in comparison.alone.items():
            said.setdefault(why, []).append(plugin)
        listed = "; ".join(f"{', '.join(plugins)} ({why})" for why, plugins in said.items())
        if listed:
            lines.append(f"Left out of {title(comparison.table)}: {listed}.")
    return lines


def _with_plugins(found: Sequence[BackendTable]) -> list[BackendTable]:
    return [comparison for comparison in found if comparison.plugins]


def _section(comparison: BackendTable) -> str:
    table = comparison.table
    body = tabulate(
        _cells(comparison, lambda text: escape_markdown(text, _LONGEST_IN_DOCUMENT)),
        headers=[escape_markdown(heading) for heading in _headings(table)],
        tablefmt="pipe",
        colalign=_ALIGNED,
        disable_numparse=True,
    )
    about = [*(f"- {escape_markdown(line)}" for line in reasons(comparison))]
    lines = "\n".join(
        [*about, *(f"- {label}: {escape_markdown(text)}" for label, text in below(table))]
    )
    heading, data = f"## {escape_markdown(title(table))}", f"**{escape_markdown(above(table))}**"
    return "\n\n".join([heading, data, escape_markdown(reading(comparison)), body, lines])


def _headings(table: Table) -> list[str]:
    return [
        *("plugin", "backend", f"validation {metric_name(table.metric)}"),
        *("epoch", "95% interval", "compile", "per 1,000 predictions", "peak memory"),
        *("fastest", "same quality"),
    ]


def _cells(comparison: BackendTable, safe: Callable[[str], str]) -> list[list[str]]:
    metric = comparison.table.metric
    return [
        [safe(text) for text in line]
        for plugin in comparison.plugins
        for line in _lines(plugin, metric)
    ]


def _lines(plugin: BackendComparison, metric: str) -> Iterator[list[str]]:
    """Write a line for each backend; what is said of the plugin stands in the first."""
    of_plugin = plugin.plugin, _fastest(plugin), _quality(plugin)
    for side in plugin.sides:
        name, fastest, same = of_plugin
        costs = side.costs
        compiling = marked(costs, costs.compile_seconds)
        yield [
            name,
            side.backend,
            quality(side.quality, metric),
            marked(costs, costs.epoch_seconds),
            _ends(costs.epoch_seconds_interval),
            f"{compiling}{CACHED}" if side.cached else compiling,
            marked(costs, costs.predict_per_1000_seconds),
            size(costs.peak_rss_bytes),
            fastest,
            same,
        ]
        of_plugin = "", "", ""


def _fastest(plugin: BackendComparison) -> str:
    return NOTHING if plugin.factor is None else f"{plugin.fastest}, {plugin.factor:.1f} times"


def _quality(plugin: BackendComparison) -> str:
    return f"{OTHER}, {plugin.why_quality}" if plugin.quality == OTHER else plugin.quality


def _ends(interval: tuple[float, float] | None) -> str:
    return NOTHING if interval is None else f"{duration(interval[0])} – {duration(interval[1])}"


def _table(table: Table) -> dict[str, Any]:
    names = ("task", "source", "fingerprint", "profile", "task_version", "scored_examples")
    return {name: getattr(table, name) for name in names}


def _flat(plugin: BackendComparison, side: BackendRun, table: Table) -> dict[str, Any]:
    costs, spread = side.costs, side.quality
    low, high = costs.epoch_seconds_interval or (None, None)
    return {
        "plugin": one_line(plugin.plugin),
        "backend": side.backend,
        "metric": table.metric,
        "validation": spread.mean,
        "validation_sd": spread.deviation,
        "validation_low": spread.interval.low if spread.interval else None,
        "validation_high": spread.interval.high if spread.interval else None,
        "seeds": spread.count,
        "epoch_seconds": costs.epoch_seconds,
        "epoch_seconds_low": low,
        "epoch_seconds_high": high,
        "compile_seconds": costs.compile_seconds,
        "compile_cached": side.cached,
        "predict_per_1000_seconds": costs.predict_per_1000_seconds,
        "peak_rss_bytes": costs.peak_rss_bytes,
        "contended": "; ".join(costs.contended),
        "fastest": plugin.fastest,
        "factor": plugin.factor,
        "why_none": one_line(plugin.why_none),
        "same_quality": plugin.quality,
        "why_quality": one_line(plugin.why_quality),
        "notes": one_line("; ".join(plugin.notes)),
    }
