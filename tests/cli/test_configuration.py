"""A run that a file describes: by a table of the project's, or in a TOML file of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders import a_board, a_record
from command_line import complaint
from verify_world import Workshop

from bench.cli.run import command, options_of
from bench.errors import BenchError
from bench.plan.plan import RunOptions
from bench.python.results import read_results
from bench.records.repeats import VerifySample
from bench.records.store import Store
from bench.registry.source_tree import Folders
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import to_json, to_markdown

NIGHTLY = """
[tool.bench.run.nightly]
names = ["jena_*", "own/mine.py"]
profile = "full"
seeds = [0, 1, 2]
set = {units = [16, 32], optimizer = "adam", learning_rate = "none", bidirectional = true}
data = {jena = ["data/a.csv", "data/b.csv"]}
plugins = ["models"]
results = "kept"
jobs = 2
verify = true
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with the described run ``nightly``; the work goes on in one below it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path / "docs")
    describe(tmp_path, NIGHTLY)
    return tmp_path


def describe(folder: Path, text: str) -> None:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def kept(options: RunOptions) -> Mapping[str, Any]:
    return options.configuration


def refused(*words: str) -> str:
    with pytest.raises(BenchError) as raised:
        options_of(words)
    return str(raised.value)


def test_a_named_run_is_what_its_table_says_and_paths_begin_at_the_file(project):
    found = options_of(["--config", "nightly"])

    assert found.names == ("jena_*", "../own/mine.py")
    assert (found.profile, found.seeds, found.jobs) == ("full", (0, 1, 2), 2)
    assert not found.everything
    assert found.overrides == {
        "units": [16, 32],
        "optimizer": "adam",
        "learning_rate": None,
        "bidirectional": True,
    }
    assert found.data == {"jena": (Path("../data/a.csv"), Path("../data/b.csv"))}
    assert (found.plugins, found.results) == ((Path("../models"),), Path("../kept"))
    assert found.verify == VerifySample()
    assert found.resume == "python -m bench run --config nightly"


def test_a_file_of_its_own_has_the_same_keys_at_its_top(project):
    (project / "runs").mkdir()
    (project / "runs" / "smoke.toml").write_text('all = true\nprofile = "smoke"\nshipped = true\n')
    found = options_of(["--config", "../runs/smoke.toml"])

    assert (found.everything, found.profile, found.with_shipped) == (True, "smoke", True)
    assert kept(found)["name"] == "smoke"


def test_the_command_line_goes_before_it_key_by_key_and_adds_to_folders(project):
    words = ["--profile", "quick", "--set", "units=64", "--set", "dropout=0.1", "--plugins", "x"]
    found = options_of(["jena_gru", "--config", "nightly", *words])

    assert (found.names, found.profile, found.seeds) == (("jena_gru",), "quick", (0, 1, 2))
    assert (found.overrides["units"], found.overrides["dropout"]) == (64, 0.1)
    assert found.overrides["optimizer"] == "adam"
    assert found.plugins == (Path("../models"), Path("x"))
    everything = options_of(["--all", "--config", "nightly"])
    assert (everything.everything, everything.names) == (True, ())


def test_names_on_the_command_line_go_before_all_in_a_file(project):
    describe(project, "[tool.bench.run.every]\nall = true\n")
    found = options_of(["jena_gru", "--config", "every"])
    assert (found.names, found.everything) == (("jena_gru",), False)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("profil = 'full'", "has the unknown entry 'profil' (did you mean 'profile'?)"),
        ("xyz = 1", "has the unknown entry 'xyz'; there are: names, all, task, profile, seeds"),
        ("memory-limit = 2", "has the unknown entry 'memory-limit' (did you mean 'memory_limit'?)"),
        ("profile = 'fall'", ".profile: 'fall' is not one of"),
        ("seeds = [1, 1]", ".seeds: --seeds: 1 is given twice"),
        ("jobs = 0", ".jobs: 0 is not in the range"),
        ("jobs = true", ".jobs: must not be true or false"),
        ("jobs = {}", ".jobs: must be a text or a number, or a list of these"),
        ("all = 'yes'", ".all: must be true or false, not 'yes'"),
        ("names = [1]", ".names: must be a list of texts, not 1"),
        ("set = 'units=3'", ".set: must be a table, not 'units=3'"),
        ("set = {day = 2026-01-01}", ".set.day: must be a text, a number, true, false"),
        ("data = {jena = 3}", ".data.jena: must be a path, not 3"),
        ("shard = '1/2'", ".shard: stands on the command line alone; take it out"),
        ("all = true\nnames = ['x']", "names plugins and has all; take one of them out"),
    ],
)
def test_what_is_wrong_in_a_description_is_named_with_file_and_key(project, table, said):
    describe(project, f"[tool.bench.run.mine]\n{table}\n")
    told = refused("--config", "mine")

    assert said in told
    assert f"{project / 'pyproject.toml'}: [tool.bench.run.mine]" in told


def test_a_run_that_is_not_described_is_refused_with_those_that_are(project):
    assert "has no table [tool.bench.run.nihgtly] (did you mean 'nightly'?)" in refused(
        "--config", "nihgtly"
    )
    assert "there are: nightly" in refused("--config", "zzz")
    assert "no such file" in refused("--config", "zzz.toml")
    describe(project, "[project]\nname = 'x'\n")
    assert "no pyproject.toml here or above has [tool.bench]" in refused("--config", "zzz")


def test_what_no_project_has_a_default_for_is_told_where_it_belongs(project, capsys):
    describe(project, "[tool.bench.run.set]\nunits = 8\n")
    assert "[tool.bench.run].set: is no default that a project has" in complaint(
        capsys, "run", "jena_gru"
    )


def test_what_failed_is_not_described(project):
    describe(project, "[tool.bench.run.brief]\nprofile = 'smoke'\n")
    assert "leave --config out" in refused("--failed", "--config", "brief")


def test_every_option_of_run_can_be_described_but_for_what_says_how_it_goes_on():
    words = {word for each in command.params for word in each.opts if word.startswith("--")}
    named = {f"--{key.replace('_', '-')}" for key in command.in_files} - {"--names"}
    assert words - named == {"--config", "--failed", "--shard"}


# What is kept of it


def test_records_keep_the_options_as_they_were_after_the_command_line(project):
    found = kept(options_of(["--config", "nightly", "--profile", "quick"]))

    assert (found["name"], json.loads(json.dumps(found))) == ("nightly", found)
    assert found["options"] == {
        "names": ["jena_*", found["options"]["names"][1]],
        "profile": "quick",
        "seeds": [0, 1, 2],
        "set": {
            "units": [16, 32],
            "optimizer": "adam",
            "learning_rate": None,
            "bidirectional": True,
        },
        "source": "auto",
        "data": found["options"]["data"],
        "backend": ["tensorflow"],
        "jobs": 2,
        "reuse": "missing",
        "retry": 0,
        "verify": True,
        "max_seeds": 10,
        "plugins": found["options"]["plugins"],
        "results": found["options"]["results"],
    }
    assert kept(options_of(["jena_gru"])) == {}


def test_a_run_by_its_name_leaves_it_in_records_and_show_tells_it(make_place):
    place = make_place(Workshop(), ["mine"])
    table = "profile = 'smoke'\nnames = ['mine']\nplugins = ['my-plugins']\nsource = 'local'"
    data = f"data = {{jena = '{place.weather}'}}"
    describe(place.folder, f"[tool.bench.run.mine]\n{table}\n{data}\n")

    assert place.bench("run", "--config", "mine") == 0, place.err
    (record,) = place.records
    found = record.environment["configuration"]
    assert (found["name"], found["file"]) == ("mine", "pyproject.toml")
    assert found["options"]["profile"] == record.trial.profile == "smoke"
    place.bench("show", "mine", "--plugins", "my-plugins")
    assert "  configuration: mine (pyproject.toml): names=mine profile=smoke" in place.out
    # It is no part of what a trial is known by.
    assert place.run("mine", "--profile", "smoke", "--source", "local") == 0
    assert len(place.records) == 1


def test_a_leaderboard_a_frame_and_programs_are_told_of_it(tmp_path):
    described = {"name": "nightly", "file": "pyproject.toml", "options": {"seeds": [0, 1]}}
    plain = a_record()
    record = a_record("jena_lstm")
    record = replace(record, environment={**record.environment, "configuration": described})
    document = leaderboard_document(a_board(plain, record))

    assert "configuration: nightly (pyproject.toml): seeds=0,1" in to_markdown(document)
    (table,) = json.loads(to_json(document))["tables"]
    assert table["configurations"] == [described]
    (table,) = json.loads(to_json(leaderboard_document(a_board(plain))))["tables"]
    assert "configurations" not in table

    store = Store(tmp_path)
    store.prepare()
    store.write(record, None)
    (name,) = read_results([tmp_path], Folders((), ())).frame()["configuration"]
    assert name == "nightly"
