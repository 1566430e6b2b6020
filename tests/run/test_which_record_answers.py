"""Which record is the current one of a plugin: that of the working tree, whatever finished last."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from builders import a_plugin, a_record
from gate_records import left_predictions
from run_world import Script, an_outcome
from verify_world import Place, Workshop

from bench.protocol import FAILED, Job, Outcome
from bench.records.store import Store

pytestmark = pytest.mark.usefixtures("heard_signals")

GOOD, BAD = 0.8700, 4.9900
#: With its folder, as on the command line, and without: the records tell where the file lay.
FOLDERS = [pytest.param(("--plugins", "my-plugins"), id="folder"), pytest.param((), id="records")]


def train(job: Job) -> Outcome:
    """Do as well as the plugin's source says, and leave predictions."""
    if "broken" in job.plugin_source:
        return an_outcome(FAILED, "model.py:5: ValueError: no")
    made = a_record(quality=BAD if "spoiled" in job.plugin_source else GOOD, seed=job.trial.seed)
    Path(job.predictions).write_bytes(left_predictions(made))
    return replace(an_outcome(), metrics=made.metrics)


@pytest.fixture
def place(make_place: Callable[..., Place]) -> Place:
    """A folder with one plugin, whose trials take no time."""
    return make_place(Workshop(), ["model"], lambda shares: Script(train))


def edit(place: Place, what: str) -> None:
    """Write the plugin anew, with a word in it."""
    a_plugin(place.folder / "my-plugins", "model", before=f"# {what}" if what else "")


def tables(place: Place, *folders: str) -> str:
    """Return what report, show and the file of the last run tell of the plugin."""
    told = []
    for words in (("report", *folders), ("show", "model", *folders)):
        assert place.bench(*words) == 0
        told.append(place.out.partition("history, newest first")[0])
    return "\n".join([*told, (place.folder / "reports" / "leaderboard.md").read_text()])


def kept(place: Place, *folders: str) -> float:
    """Return the quality that ``baseline`` keeps of the plugin's first seed."""
    assert place.bench("baseline", "--output", "kept.json", *folders) == 0, place.err
    (plugin,) = json.loads((place.folder / "kept.json").read_text())["plugins"]
    return float(plugin["quality"]["seeds"][0]["value"])


# A plugin that is edited, and the edit taken back


@pytest.mark.parametrize("folders", FOLDERS)
def test_after_an_edit_is_taken_back_the_records_of_the_present_source_answer(place, folders):
    assert place.run("model") == 0
    edit(place, "spoiled")
    assert place.run("model") == 0
    assert "4.9900" in place.out
    edit(place, "")

    assert place.run("model") == 0
    assert "1 reused" in place.err
    assert "0.8700" in place.out
    assert "4.9900" not in place.out
    assert "1 record of another version of the plugin's source" in tables(place, *folders)
    assert "4.9900" not in tables(place, *folders)
    assert "since" not in tables(place, *folders)
    assert kept(place, *folders) == pytest.approx(GOOD)


def test_a_check_judges_the_present_source_after_an_edit_is_taken_back(place):
    assert place.run("model", "--seeds", "0,1,2") == 0
    kept(place)
    edit(place, "spoiled")
    assert place.run("model", "--seeds", "0,1,2") == 0
    check = ("check", "--baseline", "kept.json", "--metric", "quality", "--plugins", "my-plugins")

    assert place.bench(*check) == 1
    edit(place, "")
    assert place.run("model", "--seeds", "0,1,2") == 0
    assert place.bench(*check) == 0, place.out


def test_a_failure_of_an_edit_that_is_taken_back_is_no_later_attempt(place):
    assert place.run("model") == 0
    edit(place, "broken")
    assert place.run("model") == 1
    edit(place, "")

    assert place.run("--failed") == 0
    assert "nothing failed of what was asked for" in place.err
    assert place.run("model") == 0
    assert "ValueError" not in place.out
    assert "ValueError" not in tables(place)


def test_a_library_that_is_taken_back_leaves_the_records_that_the_run_reuses(place):
    """Nothing but the run itself knows that: its plan has the versions of today."""
    assert place.run("model") == 0
    (record,) = place.records
    other = replace(record.trial, versions={**record.trial.versions, "keras": "99"})
    worse = a_record(quality=BAD).metrics
    when = datetime.now(timezone.utc).isoformat()
    Store(place.folder / "reports").write(
        replace(record, trial=other, identity=other.identity, metrics=worse, finished=when)
    )

    assert place.run("model") == 0
    assert "0.8700" in place.out
    assert "4.9900" not in place.out


def test_a_record_tells_where_its_plugin_lay_and_not_whose_home_that_is(place, monkeypatch):
    assert place.run("model") == 0
    (record,) = place.records
    assert record.environment["plugin_file"] == "my-plugins/model.py"
    folder = place.folder / "elsewhere"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(place.folder))
    monkeypatch.chdir(folder)
    words = ("--plugins", "../my-plugins", "--data", f"jena={place.weather}", "--results", "r")

    assert place.bench("run", "model", *words) == 0, place.err
    (record,) = Store(folder / "r").read().records
    assert record.environment["plugin_file"] == "~/my-plugins/model.py"
    assert place.bench("report", "--results", "r") == 0
    assert "no longer in the tree" not in place.out


# What is not of the tree


@pytest.mark.parametrize("folders", FOLDERS)
def test_what_was_edited_since_is_shown_by_its_newest_records_and_marked(place, folders):
    assert place.run("model") == 0
    edit(place, "spoiled")

    assert place.bench("report", *folders) == 0
    assert "ok: edited since" in place.out
    assert place.bench("show", "model", *folders) == 0
    assert "last record (edited since)" in place.out
    assert kept(place, *folders) == pytest.approx(GOOD)
    assert "not of the plugin as it is now (edited since): jena model" in place.err


def test_what_is_gone_is_marked_and_left_out_of_a_report_on_the_current_plugins(place):
    a_plugin(place.folder / "my-plugins", "other")
    assert place.run("model", "other") == 0
    (place.folder / "my-plugins" / "other.py").unlink()

    assert place.bench("report") == 0
    (gone,) = [line for line in place.out.splitlines() if "no longer in the tree" in line]
    assert " other " in gone
    assert place.bench("report", "--current") == 0
    assert " model " in place.out
    assert "no longer in the tree" not in place.out
    (place.folder / "my-plugins" / "model.py").unlink()
    assert place.bench("report", "--current") == 2
    assert "has no records for --current" in place.err


def test_a_plugin_that_failed_and_is_gone_does_not_fail_for_ever(place):
    edit(place, "broken")
    assert place.run("model", "--seeds", "0,1") == 1
    (place.folder / "my-plugins" / "model.py").unlink()

    assert place.run("--failed") == 0
    assert place.err.count("model: there is no such plugin for task jena any more") == 1


# Dates that cannot be


def test_a_record_of_the_future_is_never_preferred_and_is_told_in_one_line(place):
    assert place.run("model") == 0
    (record,) = place.records
    ahead = datetime.now(timezone.utc) + timedelta(days=900)
    Store(place.folder / "reports").write(
        replace(record, metrics=a_record(quality=BAD).metrics, finished=ahead.isoformat())
    )

    assert place.run("model") == 0
    assert "0.8700" in place.out
    assert place.err.count("dated in the future") == 1
    assert "4.9900" not in tables(place)
    assert place.err.count("warning: 1 record is dated in the future, up to 20") == 1
    assert kept(place) == pytest.approx(GOOD)


def test_clocks_that_are_some_minutes_apart_are_believed(place):
    assert place.run("model") == 0
    (record,) = place.records
    soon = datetime.now(timezone.utc) + timedelta(minutes=2)
    Store(place.folder / "reports").write(
        replace(record, metrics=a_record(quality=BAD).metrics, finished=soon.isoformat())
    )

    assert place.bench("report") == 0
    assert "4.9900" in place.out
    assert place.err == ""


# Several folders


def test_several_folders_of_results_are_read_as_one(place):
    a_plugin(place.folder / "my-plugins", "other")
    assert place.run("model", "--results", "a") == 0
    assert place.run("other", "--results", "b") == 0
    both = ("--results", "a", "--results", "b")

    assert place.bench("report", *both, "--format", "json") == 0
    (table,) = json.loads(place.out)["tables"]
    assert {row["label"] for row in table["rows"]} == {"model", "other"}
    assert table["comparison"] is not None
    assert place.bench("show", "other", *both) == 0
    assert "last record" in place.out
    assert place.bench("baseline", *both, "--output", "kept.json") == 0
    assert len(json.loads((place.folder / "kept.json").read_text())["plugins"]) == 2


def test_a_folder_that_is_given_twice_counts_once(place):
    assert place.run("model", "--results", "a") == 0

    assert place.bench("report", "--results", "a", "--results", "./a", "--format", "json") == 0
    (table,) = json.loads(place.out)["tables"]
    assert [row["seeds"] for row in table["rows"]] == [[0]]
    assert json.loads(place.out)["left_out"] == {}
