"""What the commands mean in a project with plugins of its own, and what they say of the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_plugin, a_record
from command_line import call
from verify_world import Place, Workshop

from bench.plan.plan import RunOptions
from bench.records.record import Record
from bench.records.store import Store
from bench.registry.plugins import read_plugin
from bench.runs.session import RunResult

LEFT_OUT = "shipped plugins are not {}: --shipped"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one plugin of its own, which names no task that there is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "plugins").mkdir()
    return a_plugin(tmp_path / "plugins", "mine")


def stored(name: str, sha256: str = "5ca1ab1e") -> Record:
    record = a_record(name, trial={"plugin_sha256": sha256}, model={"parameters": 5, "size": 20})
    Store(Path("reports")).write(record)
    return record


def test_list_shows_its_own_and_counts_the_others(project, capsys):
    status, out, err = call(capsys, "list", "--json")

    assert status == 0
    assert [plugin["name"] for plugin in json.loads(out)["plugins"]] == ["mine"]
    assert LEFT_OUT.format("listed") in err
    assert len(err.splitlines()) == 1


def test_list_shows_all_with_shipped_and_says_no_word(project, capsys):
    _, out, err = call(capsys, "list", "--json", "--shipped")

    assert {"mine", "jena_gru"} <= {plugin["name"] for plugin in json.loads(out)["plugins"]}
    assert err == ""


def test_test_checks_its_own(project, capsys):
    a_plugin(project.parent, "mine", "def build(")
    status, out, err = call(capsys, "test", "--json")

    assert status == 1
    assert {check["plugin"] for check in json.loads(out)["checks"]} == {"mine"}
    assert LEFT_OUT.format("checked") in err


def test_run_all_runs_its_own_and_a_shipped_one_by_its_name(
    make_place: Callable[..., Place], capsys: pytest.CaptureFixture[str]
) -> None:
    place = make_place(Workshop(), ["mine"])
    (place.folder / "pyproject.toml").write_text('[tool.bench]\nplugins = ["my-plugins"]\n')
    data = ["--data", f"jena={place.weather}", "--profile", "smoke"]

    assert place.bench("run", "--all", *data) == 0
    assert [record.trial.plugin for record in place.records] == ["mine"]
    assert LEFT_OUT.format("run") in place.err
    assert place.bench("run", "jena_naive", "mine", *data) == 0
    assert {record.trial.plugin for record in place.records} == {"mine", "jena_naive"}
    assert "--shipped" not in place.err


def test_records_lie_where_the_project_s_file_says(
    make_place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = make_place(Workshop(), ["mine"])
    text = '[tool.bench]\nplugins = ["my-plugins"]\nresults = "kept"\n'
    (place.folder / "pyproject.toml").write_text(text)
    data = ["--data", f"jena={place.weather}", "--profile", "smoke"]

    assert place.bench("run", "--all", *data) == 0
    assert (place.folder / "kept" / "leaderboard.md").is_file()
    assert not (place.folder / "reports").exists()
    monkeypatch.chdir(place.folder / "kept")
    assert place.bench("report", "--profile", "smoke") == 0
    assert "mine" in place.out


def test_a_baseline_is_of_its_own_plugins_unless_others_are_named(project, capsys):
    stored("mine", read_plugin(project, {}).sha256)
    stored("jena_gru")
    stored("gone")

    def kept(*words: str) -> set[str]:
        status, _, err = call(capsys, "baseline", "--output", "kept.json", *words)
        assert status == 0, err
        said = "1 shipped plugin is not kept: --shipped" in err
        assert said == (not words)
        return {each["label"] for each in json.loads(Path("kept.json").read_text())["plugins"]}

    # What is in the tree no more may have been its own.
    assert kept() == {"mine", "gone"}
    assert kept("--shipped") == {"mine", "gone", "jena_gru"}
    assert kept("jena_gru") == {"jena_gru"}


def test_a_check_compares_its_own_and_whatever_the_baseline_holds(project, capsys):
    stored("mine", read_plugin(project, {}).sha256)
    stored("jena_gru")

    def compared(*words: str) -> tuple[dict[str, str], str]:
        line = ["--baseline", "kept.json", "--metric", "parameters", "--format", "json"]
        _, out, err = call(capsys, "check", *line, *words)
        return {each["label"]: each["verdict"] for each in json.loads(out)["findings"]}, err

    assert call(capsys, "baseline", "mine", "--output", "kept.json")[0] == 0
    found, err = compared()
    assert found == {"mine": "unchanged"}
    assert "1 shipped plugin is not compared: --shipped" in err
    assert compared("--shipped")[0] == {"mine": "unchanged", "jena_gru": "new"}

    assert call(capsys, "baseline", "--shipped", "--output", "kept.json")[0] == 0
    found, err = compared()
    assert found.keys() == {"mine", "jena_gru"}
    assert "--shipped" not in err


def test_a_new_plugin_goes_where_the_project_s_file_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "pyproject.toml").write_text('[tool.bench]\nplugins = ["models"]\n')

    assert call(capsys, "new", "mine", "--task", "jena")[0] == 0
    assert (tmp_path / "models" / "mine.py").is_file()


def test_a_wrong_word_in_the_project_s_file_is_one_line_of_any_command(project, capsys):
    Path("pyproject.toml").write_text("[tool.bench]\nplugin = ['mine']\n")
    for words in (["list"], ["run", "--all"], ["test"], ["report"], ["check", "--against", "HEAD"]):
        status, out, err = call(capsys, *words)
        assert (status, out) == (2, "")
        assert "pyproject.toml: [tool.bench] has the unknown entry 'plugin'" in err
        assert "did you mean 'plugins'?" in err


# What the project's file says of options of ``run``


@pytest.fixture
def asked_with(
    make_place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., RunOptions | str]:
    """Give ``run`` some words and a project's file; return its options, or the complaint."""
    place = make_place(Workshop(), ["mine"])
    asked: list[RunOptions] = []

    def note(options: RunOptions, *anything: object) -> RunResult:
        asked.append(options)
        return RunResult(0)

    monkeypatch.setattr("bench.runs.session.run_benchmark", note)

    def ask(table: str, *words: str) -> RunOptions | str:
        (place.folder / "pyproject.toml").write_text(table)
        status = place.bench("run", "mine", *words)
        return place.err if status else asked.pop()

    return ask


RUN = '[tool.bench.run]\nprofile = "smoke"\nseeds = [0, 1]\nbackend = ["tensorflow"]\njobs = 2\n'


def test_the_file_says_what_options_of_run_are_and_the_command_line_goes_before_it(asked_with):
    found = asked_with(RUN)
    assert (found.profile, found.seeds, found.jobs) == ("smoke", (0, 1), 2)
    assert found.backends == ("tensorflow",)
    assert found.reuse == "missing"

    found = asked_with(RUN, "--profile", "full", "--seeds", "7")
    assert (found.profile, found.seeds, found.jobs) == ("full", (7,), 2)


def test_the_line_that_resumes_repeats_what_was_given_and_not_the_file(asked_with):
    assert asked_with(RUN, "--seeds", "7").resume == "python -m bench run mine --seeds 7"


def test_what_is_taken_from_records_may_stand_in_the_file(asked_with):
    assert asked_with(RUN, "--failed").failed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("profile = 'smok'", "[tool.bench.run].profile: 'smok' is not one of"),
        ("seeds = [1, 1]", "[tool.bench.run].seeds: --seeds: 1 is given twice"),
        ("seeds = 1", "[tool.bench.run].seeds must be a list or null, not 1"),
        ("jobs = 0", "[tool.bench.run].jobs: 0 is not in the range"),
        ("backend = ['tensorflo']", "did you mean 'tensorflow'?"),
        ("memory-limit = 3", "the unknown entry 'memory-limit' (did you mean 'memory_limit'?)"),
    ],
)
def test_a_value_that_the_command_line_would_refuse_is_named_with_file_and_key(
    asked_with, line, said
):
    err = asked_with(f"[tool.bench.run]\n{line}\n")
    assert "pyproject.toml: [tool.bench" in err
    assert said in err


def test_help_is_there_whatever_the_file_says(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.bench.run]\nprofil = 'smoke'\n")
    assert call(capsys, "run", "--help")[0] == 0
