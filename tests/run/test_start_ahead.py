"""A server imports Keras while the plan is made, where something is sure to be trained."""

from __future__ import annotations

from pathlib import Path

import pytest
from worker_world import install_server

from bench.runs import launch
from bench.runs.launch import ForkServer

OUTCOME = 'send(Outcome("failed", "as this test has it"))'


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens in order: servers that start and end, and the planning between."""
    install_server(tmp_path, monkeypatch, OUTCOME)
    happened: list[str] = []

    class Watched(ForkServer):
        def __init__(self, *given: object) -> None:
            happened.append("started")
            super().__init__(*given)

        def close(self, *given: object) -> None:
            happened.append("ended")
            super().close(*given)
            assert not self._process.is_running()

    monkeypatch.setattr(launch, "ForkServer", Watched)
    from bench.runs import jobs

    make_plan = jobs.make_plan

    def planning(*given: object) -> object:
        happened.append("planned")
        return make_plan(*given)

    monkeypatch.setattr("bench.runs.jobs.make_plan", planning)
    return happened


def test_a_server_imports_while_the_trials_are_planned_and_none_starts_for_what_is_recorded(
    seen, small_run
):
    first = small_run("jena_naive")
    assert first.returncode == 1, first.stderr
    assert seen == ["started", "planned", "ended"]

    seen.clear()
    assert small_run("jena_naive", "--reuse", "always").returncode == 1
    assert seen == ["planned"]
    # A record of it is there, so that the plan decides: what failed is trained again.
    seen.clear()
    assert small_run("jena_naive").returncode == 1
    assert seen == ["planned", "started", "ended"]
    seen.clear()
    assert small_run("jena_naive", "--seeds", "1").returncode == 1
    assert seen == ["started", "planned", "ended"]


def test_a_plan_that_is_refused_leaves_no_server(seen, small_run, bench, weather):
    refused = small_run("jena_naive", "--set", "batch_size=0")
    assert refused.returncode == 2
    assert "batch_size" in refused.stderr
    assert seen == ["started", "planned", "ended"]
    seen.clear()
    assert bench("run", "jena_naive", "--data", f"jena={weather}.gone").returncode == 2
    assert seen == ["started", "ended"]
