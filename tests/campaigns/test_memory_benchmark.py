"""The benchmark of peak memory: forked and spawned trials beside a plain process."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from campaigns.benchmarks import memory
from campaigns.benchmarks.memory import Sample

MIB = 2**20


@pytest.mark.parametrize(("spawned", "holds"), [(830, True), (900, False)])
def test_it_holds_where_both_are_within_five_per_cent_of_plain(monkeypatch, capsys, spawned, holds):
    samples = {"fork": Sample(820 * MIB, 400 * MIB), "spawn": Sample(spawned * MIB, 0)}
    job = SimpleNamespace(trial=SimpleNamespace(plugin="model"))
    monkeypatch.setattr(memory, "ways", lambda: nullcontext(dict.fromkeys(samples)))
    monkeypatch.setattr(memory, "jobs_of", lambda names, profile, folder: [job])
    ways = iter([*["fork"] * 3, *["spawn"] * 3])
    monkeypatch.setattr(memory, "_run", lambda executor, job: samples[next(ways)])
    monkeypatch.setattr(memory, "_alone", lambda job, folder: 822 * MIB)

    assert memory.measure(3) == holds
    line = capsys.readouterr().out.splitlines()[-1]
    assert [cell.strip() for cell in line.split("|")[1:4]] == ["model", "820", str(spawned)]
    assert "420" in line
