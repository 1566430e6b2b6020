"""Tables that have nothing in common are worked on by several processes, where it is much work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest
from builders import a_record

from bench.cli import main, report
from bench.errors import BenchError
from bench.records import reading as reading_module
from bench.records import store as store_module
from bench.records.index import Index
from bench.records.record import Record
from bench.records.selection import read_together
from bench.records.store import Store
from bench.report import apart
from bench.report.apart import done_apart, shares_of

forks = pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="processes are not forked")


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any work be much, and have two cores for it."""
    monkeypatch.setattr(apart, "MUCH", 1)
    monkeypatch.setattr(report, "MANY", 1)
    monkeypatch.setattr(apart, "_cores", lambda: 2)


@pytest.mark.parametrize(
    ("sizes", "cores", "expected"),
    [
        ([9_000], 4, [[0]]),
        ([9_000, 9_000], 1, [[0, 1]]),
        ([9_000, 9_000], 4, [[0], [1]]),
        ([9_000, 4_000], 2, [[0, 1]]),  # The second is not worth a process.
        ([6_000, 20_000, 7_000, 6_000], 2, [[1], [2, 0, 3]]),
        ([6_000, 20_000, 1_000], 3, [[1], [0, 2]]),
        ([], 2, [[]]),
    ],
)
def test_the_largest_items_are_dealt_out_first_and_little_work_stays_together(
    sizes, cores, expected
):
    assert shares_of(sizes, cores) == expected


@forks
def test_results_come_in_the_order_of_the_items_and_some_from_another_process(two_cores):
    found = done_apart(lambda item: (item, os.getpid()), ["a", "b", "c"], [1, 5, 1])

    assert [item for item, _ in found] == ["a", "b", "c"]
    assert os.getpid() in {process for _, process in found}
    assert len({process for _, process in found}) == 2


@forks
def test_what_another_process_does_not_bring_to_its_end_is_done_here(two_cores):
    here = os.getpid()

    def work(item: str) -> str:
        if os.getpid() != here:
            os._exit(3)
        return item.upper()

    assert done_apart(work, ["a", "b"], [1, 1]) == ["A", "B"]


@forks
@pytest.mark.parametrize("wrong", ["a", "b"])
def test_an_error_is_raised_wherever_it_happens_and_no_process_stays(two_cores, wrong):
    def work(item: str) -> str:
        if item == wrong:
            raise BenchError(f"{item} is wrong")
        return item

    before = psutil.Process().children()
    with pytest.raises(BenchError, match=f"{wrong} is wrong"):
        done_apart(work, ["a", "b"], [1, 1])
    assert psutil.Process().children() == before


@forks
def test_a_forked_process_reads_a_large_store_by_a_connection_of_its_own(
    store, two_cores, monkeypatch
):
    opened = []
    connected = Index._connected
    monkeypatch.setattr(
        Index, "_connected", lambda self, mode: opened.append(os.getpid()) or connected(self, mode)
    )

    def work(record: Record) -> tuple[int, int]:
        assert record.metrics
        return os.getpid(), opened[-1]

    found = done_apart(work, store.read().records[:2], [1, 1])

    assert len({process for process, _ in found}) == 2
    assert all(process == by for process, by in found)


# A report of several tables


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that is taken for a large one: three tables, one with a file that is damaged."""
    monkeypatch.setattr(store_module, "FEW", 0)
    monkeypatch.setattr(reading_module, "_FRESH_NANOSECONDS", -(10**15))
    store = Store(tmp_path / "results")
    store.prepare()
    for seed in range(3):
        store.write(a_record("jena_gru", 0.28 + 0.01 * seed, seed=seed))
        store.write(a_record("jena_dense", 0.30, seed=seed, trial={"profile": "smoke"}))
        store.write(a_record("imdb_lstm", 0.8, seed=seed, trial={"task": "imdb"}), b"numbers")
    (store.root / "jena" / "jena_gru" / "cut.json").write_text("{")
    return store


@forks
@pytest.mark.parametrize("form", ["text", "md"])
def test_a_report_by_two_processes_is_the_one_by_one(store, two_cores, capfd, monkeypatch, form):
    printed = []
    for cores in (2, 1):
        monkeypatch.setattr(apart, "_cores", lambda cores=cores: cores)
        with pytest.raises(SystemExit) as ended:
            main(["report", "--results", str(store.root), "--format", form])
        assert ended.value.code == 0
        printed.append(capfd.readouterr())
    by_two, by_one = printed

    assert by_two == by_one
    assert by_two.out.count("jena_gru") > 0 < by_two.out.count("imdb_lstm")
    assert "1 file that cannot be read" in by_two.out
    assert "left out of the statistics: " in by_two.err


def test_what_records_have_measured_is_read_in_one_step(store, monkeypatch):
    asked = []
    bodies = Index.bodies
    monkeypatch.setattr(
        Index, "bodies", lambda self, wanted: asked.append(len(wanted)) or bodies(self, wanted)
    )
    records = store.read().records
    for _ in range(2):
        read_together(records)

    assert asked == [9]
    assert all(record.metrics["validation"] for record in records)
