"""What docs/ci.md says of the gate holds."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from bench.cli.baseline import command as baseline
from bench.cli.check import FIGURES, FORMATS, command
from bench.cli.history import command as history
from bench.gate.model import VERDICTS
from bench.metrics import METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
COMMANDS = {"check": command, "baseline": baseline, "history": history}


@pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
def test_each_metric_stands_with_what_is_tolerated(metric):
    (row,) = re.findall(rf"^\| `{metric.name}` \|.*$", PAGE, flags=re.MULTILINE)
    tolerated = row.split("|")[4]
    if metric.kind == "quality":
        assert str(metric.tolerance) in tolerated
    elif metric.tolerance:
        assert f"{metric.tolerance:.0%}" in tolerated
    else:
        assert "none" in tolerated
    if metric.direction:
        assert {"min": "lower", "max": "higher"}[metric.direction] in row


def test_each_verdict_and_form_is_named():
    assert all(verdict in " ".join(PAGE.split()) for verdict in VERDICTS)
    assert all(f"`{form}`" in PAGE for form in (*FORMATS, *FIGURES) if form != "text")


@pytest.mark.parametrize("status", [0, 1, 2, 3, 4, 5, 6, 125, 128, 130])
def test_each_exit_status_is_told(status):
    assert f"| {status} |" in PAGE


def test_every_command_line_on_the_page_can_be_understood():
    # Folded lines of YAML, and comments behind commands.
    text = re.sub(r"run: >\n", "run: ", PAGE)
    text = re.sub(r"(python -m bench [^\n]*)\n          (?=-)", r"\1 ", text)
    lines = re.findall(r"python -m bench (check|baseline|history) ?([^`\n#]*)", text)
    assert len(lines) >= 8
    for name, words in lines:
        given = [word for word in shlex.split(words) if word.startswith("--")]
        known = {option for parameter in COMMANDS[name].params for option in parameter.opts}
        assert {*given} <= known, (name, words)
