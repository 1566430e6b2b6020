"""``bench history``: a metric from baseline to baseline, and where it changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from builders import AWKWARD, a_timed_record
from command_line import call, complaint
from gate_sides import a_measured, a_quality, a_side
from gate_world import MACHINE

from bench.gate.baseline import write
from bench.gate.history import history, read_folder
from bench.gate.model import Measurement, Origin, Side
from bench.records.store import Store


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Run ``history`` on the test's folder; return its exit status and its two outputs."""

    return partial(call, capsys, "history", tmp_path)


@pytest.fixture
def error(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    return partial(complaint, capsys, "history", tmp_path)


def timed(seconds: float, label: str = "jena_gru", **changes: Any) -> Measurement:
    rounds = {"train_step": ((seconds, 9.0, seconds), (seconds,)), "peak_memory": ((8e8,),)}
    return a_measured(label, rounds=rounds, quality=a_quality(0.26, 0.28), **changes)


def on_day(number: int, *measured: Measurement, **changes: Any) -> Side:
    """Make the side of commit ``c<number>``, written on that day."""
    written = f"2025-01-{number + 1:02}T00:00:00+00:00"
    return a_side(*measured, commit=f"c{number}", written=written, **changes)


def kept(folder: Path, sides: Sequence[Side]) -> None:
    for number, side in enumerate(reversed(sides)):
        # The names of the files tell nothing of their order.
        (folder / f"{number}.json").write_text(write(side), encoding="utf-8")


def slower_from(day: int, days: int = 20, factor: float = 1.1) -> list[float]:
    """Make the seconds of a step a day, which take longer from some day on."""
    noise = np.random.default_rng(0).standard_normal(days)
    return [0.036 * (factor if d >= day else 1.0) * (1 + 0.01 * noise[d]) for d in range(days)]


def test_a_slowdown_is_found_at_its_commit(bench, tmp_path):
    seconds = slower_from(12)
    kept(tmp_path, [on_day(d, timed(s), timed(0.02, "flat")) for d, s in enumerate(seconds)])
    status, out, err = bench("--metric", "train_step")

    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "train step: one step of training, input included"
    (first,) = [number for number, line in enumerate(lines) if line.startswith("jena jena_gru")]
    assert lines[first].split()[2:5] == ["c0", "c11", "12"]
    assert lines[first + 1].split()[:3] == ["c12", "c19", "8"]
    assert "worse" in lines[first + 1]
    assert "+10." in lines[first + 1] or "+9." in lines[first + 1]
    assert lines[-1] == "1 change point in 2 series"


def test_what_becomes_faster_is_better(bench, tmp_path):
    seconds = slower_from(10, factor=0.8)
    kept(tmp_path, [on_day(d, timed(s)) for d, s in enumerate(seconds)])
    _, out, _ = bench()

    assert "better" in out
    assert "worse" not in out


def test_a_higher_accuracy_is_better_and_told_in_its_unit(bench, tmp_path):
    levels = [0.85] * 10 + [0.87] * 10
    qualities = [a_quality(v, metric="accuracy", direction="max") for v in levels]
    kept(tmp_path, [on_day(d, a_measured(quality=q)) for d, q in enumerate(qualities)])
    _, out, _ = bench("--metric", "quality")

    assert "+0.0200 better" in out
    assert "0.8500 accuracy" in out


def test_times_of_another_machine_are_a_series_of_their_own(bench, tmp_path):
    other = {**MACHINE, "processor": "Another", "cores": 64}
    slow = [on_day(d, timed(0.036)) for d in range(10)]
    fast = [on_day(d, timed(0.010), machine=other) for d in range(10, 20)]
    kept(tmp_path, slow + fast)
    _, out, _ = bench()

    assert "jena jena_gru · machine 1 " in out
    assert "jena jena_gru · machine 2 " in out
    assert out.splitlines()[-3:] == [
        "no change point in 2 series",
        "machine 1: made, 2 cores, 2 threads, Linux 6.1, CPU",
        "machine 2: Another, 64 cores, 2 threads, Linux 6.1, CPU",
    ]
    assert len(history([*slow, *fast], "quality", 0.01)) == 1


def test_series_are_named_by_what_differs(bench, tmp_path):
    smoke = replace(timed(0.1).key, profile="smoke")
    kept(
        tmp_path,
        [
            on_day(0, timed(0.1), replace(timed(0.1), key=smoke)),
            on_day(1, timed(0.1, data="beef")),
        ],
    )
    _, out, _ = bench()

    for name in (
        "jena_gru (quick) · data 1",
        "jena_gru (quick) · data 2",
        "jena_gru (smoke) · data 1",
    ):
        assert name in out
    assert "machine" not in out


def test_other_threads_and_other_data_are_series_of_their_own():
    sides = [
        on_day(0, timed(0.04, settings={"threads": 1})),
        on_day(1, timed(0.02, settings={"threads": 2})),
        on_day(2, timed(0.02, settings={"threads": 2}, data="other")),
    ]
    assert len(history(sides, "train_step", 0.01)) == 3
    assert len(history(sides, "parameters", 0.01)) == 2


def test_what_failed_or_was_disturbed_adds_no_point():
    sides = [
        on_day(0, timed(0.04)),
        on_day(1, timed(0.08, disturbed="others used 50%")),
        on_day(2, timed(0.08, status="failed")),
    ]
    (times,) = history(sides, "train_step", 0.01)
    (memory,) = history(sides, "peak_memory", 0.01)

    assert [point.commit for point in times.points] == ["c0"]
    assert [point.commit for point in memory.points] == ["c0", "c1"]


# A measurement is counted once


def an_origin(commit: str, seed: int = 0, day: int = 0) -> Origin:
    return Origin(f"trial {seed}", f"2025-01-{day + 1:02}T00:00:00+00:00", commit)


def measured_on(*origins: Origin, seconds: Sequence[float] = (), **changes: Any) -> Measurement:
    """Make a plugin with a process, and a seed, for each of some records."""
    rounds = {"train_step": tuple((each,) for each in seconds or [0.04] * len(origins))}
    scores = [0.25 + 0.01 * number for number in range(len(origins))]
    of_each = {"train_step": origins, "quality": origins, "parameters": origins[-1:]}
    changes = {"rounds": rounds, "quality": a_quality(*scores), "origins": of_each, **changes}
    return a_measured(**changes)


@pytest.mark.parametrize("metric", ["train_step", "quality", "parameters"])
def test_what_many_baselines_carry_is_one_point_at_the_commit_it_was_made_on(
    bench, tmp_path, metric
):
    old, other = measured_on(an_origin("c0")), an_origin("c1", seed=9, day=1)
    changed = replace(measured_on(other), key=replace(old.key, label="x"))
    # At c1 another plugin alone was edited and run, at c2 neither.
    kept(tmp_path, [on_day(0, old), on_day(1, old, changed), on_day(2, old, changed)])
    _, out, _ = bench("--metric", metric, "--json")

    points = {s["key"]["label"]: s["points"] for s in json.loads(out)["series"]}
    assert [point["commit"] for point in points["jena_gru"]] == ["c0"]
    assert [point["commit"] for point in points["x"]] == ["c1"]
    assert points["x"][0]["measured"] == other.finished


def test_from_records_to_the_history_a_plugin_that_was_not_run_again_has_one_point(
    bench, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    store = Store(Path("reports"))

    def recorded(name: str, commit: str, minute: int) -> None:
        record = a_timed_record(name, minute=minute)
        environment = {**record.environment, "commit": commit, "dirty": False}
        store.write(replace(record, environment=environment))

    recorded("jena_gru", "aaaaaaaaaaaa", 1)
    recorded("jena_naive", "aaaaaaaaaaaa", 2)
    assert call(capsys, "baseline", "--output", tmp_path / "1.json")[0] == 0
    recorded("jena_naive", "bbbbbbbbbbbb", 3)
    assert call(capsys, "baseline", "--output", tmp_path / "2.json")[0] == 0
    assert json.loads((tmp_path / "2.json").read_text())["commit"] == "bbbbbbbbbbbb"

    points = {s["key"]["label"]: s["points"] for s in json.loads(bench("--json")[1])["series"]}
    assert [point["commit"] for point in points["jena_gru"]] == ["aaaaaaaaaaaa"]
    assert [point["commit"] for point in points["jena_naive"]] == ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]


def test_a_plugin_that_is_carried_by_one_baseline_alone_keeps_its_own_commit():
    (series,) = history([on_day(5, measured_on(an_origin("c2", day=2)))], "train_step", 0.01)
    assert [point.commit for point in series.points] == ["c2"]


def test_a_seed_that_is_added_later_is_a_point_of_its_own_commit_and_the_others_stay():
    first = an_origin("c0"), an_origin("c0", seed=1)
    later = an_origin("c1", seed=2, day=1)
    sides = [
        on_day(0, measured_on(*first, seconds=(0.04, 0.05))),
        on_day(1, measured_on(*first, later, seconds=(0.04, 0.05, 0.07))),
    ]
    (times,) = history(sides, "train_step", 0.01)
    (quality,) = history(sides, "quality", 0.01)

    assert [(p.commit, p.count, p.value) for p in times.points] == [
        ("c0", 2, pytest.approx(0.045)),
        ("c1", 1, pytest.approx(0.07)),
    ]
    assert [(p.commit, p.value) for p in quality.points] == [
        ("c0", pytest.approx(0.255)),
        ("c1", pytest.approx(0.27)),
    ]


def test_equal_figures_that_were_measured_again_are_another_point():
    sides = [
        on_day(0, measured_on(an_origin("c0"))),
        on_day(1, measured_on(an_origin("c1", day=1))),
    ]
    (series,) = history(sides, "quality", 0.01)

    assert [point.commit for point in series.points] == ["c0", "c1"]


def test_an_old_measurement_that_a_later_baseline_brings_stands_at_its_time():
    sides = [
        on_day(3, measured_on(an_origin("c3", day=3))),
        on_day(4, measured_on(an_origin("c1", day=1))),
    ]
    (series,) = history(sides, "train_step", 0.01)

    assert [point.commit for point in series.points] == ["c1", "c3"]


def test_of_baselines_that_name_no_records_the_first_with_the_same_times_counts():
    sides = [on_day(0, timed(0.04)), on_day(1, timed(0.04)), on_day(2, timed(0.05))]
    (series,) = history(sides, "train_step", 0.01)

    assert [point.commit for point in series.points] == ["c0", "c2"]


def test_plugins_are_chosen_by_name_or_glob(bench, tmp_path):
    kept(tmp_path, [on_day(0, *(timed(0.1, n) for n in ("jena_gru", "jena_gru (units=8)", "x")))])

    assert "2 series" in bench("--plugin", "jena_gru")[1]
    assert "3 series" in bench("--plugin", "jena_*", "--plugin", "x")[1]


def test_a_commit_that_is_not_known_is_told_by_its_time(bench, tmp_path):
    kept(tmp_path, [replace(on_day(0, timed(0.1)), commit="")])
    assert "2025-01-01T00:00" in bench()[1]


def test_json_holds_points_and_segments(bench, tmp_path):
    kept(tmp_path, [on_day(d, timed(s)) for d, s in enumerate(slower_from(12))])
    _, out, _ = bench("--json")

    (series,) = json.loads(out)["series"]
    assert series["key"]["label"] == "jena_gru"
    assert (series["metric"], series["unit"], series["direction"]) == ("train_step", "s", "min")
    assert [point["commit"] for point in series["points"]][:2] == ["c0", "c1"]
    assert [(s["first"], s["last"]) for s in series["segments"]] == [(0, 11), (12, 19)]
    assert series["segments"][0]["change"] is None
    assert series["segments"][1]["change"] == pytest.approx(0.1, abs=0.02)


def test_a_file_that_is_no_baseline_is_told_and_left_out(bench, tmp_path):
    kept(tmp_path, [on_day(0, timed(0.1))])
    (tmp_path / "other.json").write_text("{}")
    status, _, err = bench()

    assert status == 0
    assert "warning: left out" in err
    assert "other.json: is no baseline" in err


def test_a_higher_level_finds_more(bench, tmp_path):
    kept(tmp_path, [on_day(d, timed(s)) for d, s in enumerate(slower_from(4, days=8))])

    assert "no change point" in bench()[1]
    assert "1 change point" in bench("--level", "0.05")[1]


# The picture


def texts(svg: bytes) -> str:
    return " ".join(e.text for e in ElementTree.fromstring(svg).iter() if e.text)


def test_the_picture_has_a_panel_for_each_plugin_and_marks_the_changes(bench, tmp_path):
    seconds = slower_from(12)
    kept(tmp_path, [on_day(d, timed(s), timed(0.02, "flat")) for d, s in enumerate(seconds)])
    path = tmp_path / "pictures" / "history.svg"
    status, _, err = bench("--output", path)

    assert status == 0
    assert f"picture written to {path}" in err
    shown = texts(path.read_bytes())
    assert "jena jena_gru" in shown
    assert "jena flat" in shown
    assert "worse" in shown
    assert "c19" in shown
    first = path.read_bytes()
    bench("--output", path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("label", AWKWARD)
def test_any_name_is_shown(bench, tmp_path, label):
    kept(tmp_path, [on_day(0, timed(0.1, label))])
    status, out, _ = bench("--output", tmp_path / "x.svg")

    assert status == 0
    assert len(out.rstrip("\n").split("\n")) == 8
    ElementTree.fromstring((tmp_path / "x.svg").read_bytes())


# What is wrong


def test_a_folder_without_baselines(error, tmp_path):
    assert f"{tmp_path}: has no baselines; keep one for each commit" in error()


def test_no_folder(tmp_path):
    from bench.errors import BenchError

    with pytest.raises(BenchError, match="is not a folder"):
        read_folder(tmp_path / "gone", print)


def test_an_unknown_plugin_offers_the_nearest(error, tmp_path):
    kept(tmp_path, [on_day(0, timed(0.1))])
    assert "--plugin jena_gri: no baseline knows it (did you mean 'jena_gru'?)" in error(
        "--plugin", "jena_gri"
    )


def test_a_metric_that_was_not_measured(error, tmp_path):
    kept(tmp_path, [on_day(0, timed(0.1))])
    assert "no baseline has a compile of any plugin" in error("--metric", "compile")


def test_a_picture_of_another_kind(error, tmp_path):
    kept(tmp_path, [on_day(0, timed(0.1))])
    assert "only SVG is drawn" in error("--output", "history.png")


def test_without_matplotlib_the_mend_is_told(error, tmp_path, monkeypatch):
    kept(tmp_path, [on_day(0, timed(0.1))])
    monkeypatch.setattr("bench.machine.version_of", lambda name: None)
    assert "`pip install matplotlib`" in error("--output", "history.svg")


def test_a_picture_that_cannot_be_written(bench, tmp_path):
    kept(tmp_path, [on_day(0, timed(0.1))])
    status, _, err = bench("--output", tmp_path / "0.json" / "x.svg")

    assert status == 2
    assert "cannot be written" in err
