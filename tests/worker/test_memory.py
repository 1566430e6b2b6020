"""Peak memory means one thing: a forked process counts what it would have by itself."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench.metrics import ALL_PAGES, OWN_PAGES, pages_counted
from bench.worker import memory
from bench.worker.memory import PeakMemory

#: A server that has read a library of 64 MiB; a trial forked from it looks at half of that.
FORKING = """
import json, mmap, os, sys, tempfile
from bench.worker import memory

with tempfile.TemporaryFile() as file:
    file.truncate(64 * 2**20)
    library = mmap.mmap(file.fileno(), 64 * 2**20, prot=mmap.PROT_READ)
    touch = lambda size: sum(library[:size:4096])
    touch(len(library))
    memory.note_pages()
    reading, writing = os.pipe()
    if os.fork() == 0:
        told = [memory.peak_memory()]
        touch(len(library) // 2)
        told.append(memory.peak_memory())
        os.write(writing, json.dumps([[peak.size, peak.inherited] for peak in told]).encode())
        os._exit(0)
    os.wait()
    print(json.dumps([memory._high_water_mark(), *json.loads(os.read(reading, 4096))]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_forked_process_counts_the_pages_that_its_server_had_and_it_has_not_touched():
    ended = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True)
    alone, (before, untouched), (after, left) = json.loads(ended.stdout)

    assert untouched > 64 * 2**20
    assert 32 * 2**20 < left <= untouched - 31 * 2**20
    assert before == pytest.approx(alone, rel=0.05)
    assert after == pytest.approx(alone, rel=0.05)


def test_a_process_that_nothing_is_known_of_counts_its_own_pages_alone(monkeypatch):
    monkeypatch.setattr(memory, "_noted", None)
    found = memory.peak_memory()

    assert (found.inherited, found.pages) == (None, OWN_PAGES)
    assert found.section == {"peak_rss": found.size}
    assert found.size > 10 * 2**20


def test_where_the_system_does_not_tell_the_largest_resident_set_is_taken(monkeypatch):
    for name in ("_MAPS", "_PAGEMAP", "_STATUS"):
        monkeypatch.setattr(memory, name, "/nowhere")
    monkeypatch.setattr(memory, "_noted", ())
    memory.note_pages()
    found = memory.peak_memory()

    assert (found.pages, found.size > 10 * 2**20) == (OWN_PAGES, True)


def test_a_trial_that_cannot_look_any_more_has_its_result(monkeypatch):
    monkeypatch.setattr(memory, "_noted", ((0, 1),))
    monkeypatch.setattr(memory, "_PAGEMAP", "/nowhere")
    assert memory.peak_memory().pages == OWN_PAGES


def test_what_is_recorded_says_how_much_is_shared():
    assert PeakMemory(900, 400).section == {"peak_rss": 900, "inherited": 400}
    assert PeakMemory(900, 0).pages == ALL_PAGES


@pytest.mark.parametrize(
    ("settings", "pages"),
    [
        ({"start": "fork"}, OWN_PAGES),
        ({"start": "fork", "memory_pages": OWN_PAGES}, OWN_PAGES),
        ({"start": "fork", "memory_pages": ALL_PAGES}, ALL_PAGES),
        ({"start": "spawn"}, ALL_PAGES),
        ({"start": "spawn", "memory_pages": OWN_PAGES}, ALL_PAGES),
        ({}, ALL_PAGES),
    ],
)
def test_which_pages_an_old_or_a_new_record_counts(settings, pages):
    assert pages_counted(settings) == pages
