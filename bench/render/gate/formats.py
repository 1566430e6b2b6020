"""The forms in which a check is told, by the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.gate.side import Side
from bench.gate.verdicts import Report
from bench.render.gate.annotations import to_annotations
from bench.render.gate.bencher import to_bmf
from bench.render.gate.data import to_json
from bench.render.gate.github_action_benchmark import to_github_action_benchmark
from bench.render.gate.junit import to_junit
from bench.render.gate.markdown import to_markdown
from bench.render.gate.text import to_text


@dataclass(frozen=True)
class Told:
    """All that the forms tell of a check.

    ``candidate`` is the side that was judged. ``paths`` are the plugins' files by label,
    relative to the repository's root. ``verbose`` lists what is unchanged too.
    """

    report: Report
    candidate: Side
    paths: Mapping[str, str] = field(default_factory=dict)
    verbose: bool = False


FORMATS: Mapping[str, Callable[[Told], str]] = {
    "text": lambda told: to_text(told.report, told.verbose),
    "md": lambda told: to_markdown(told.report),
    "annotations": lambda told: to_annotations(told.report, told.paths),
    "junit": lambda told: to_junit(told.report),
    "json": lambda told: to_json(told.report),
    "github-action-benchmark": lambda told: to_github_action_benchmark(told.candidate, "min"),
    "github-action-benchmark-bigger": lambda told: to_github_action_benchmark(
        told.candidate, "max"
    ),
    "bmf": lambda told: to_bmf(told.candidate),
}
