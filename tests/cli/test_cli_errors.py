"""Bad input: one line that names the thing and the fix, exit status 2, nothing run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bench.cli import main


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, offline, with nothing in the data folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]):
    """Run a command line that is wrong; return its one line of error."""

    def run(*words: object) -> str:
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        last = printed.err.rstrip("\n").splitlines()[-1]
        assert exit_.value.code == 2, printed.err
        assert last.startswith("error: ")
        assert "Traceback" not in printed.err
        assert printed.out == ""
        return last

    return run


def test_an_unknown_plugin_offers_the_nearest_name(error):
    assert "did you mean 'jena_gru'?" in error("run", "jena_gri")


def test_a_glob_that_matches_nothing(error):
    assert "glob matches no plugin: 'nothing*'" in error("run", "nothing*")


def test_an_unknown_task_offers_the_nearest_name(error):
    assert "did you mean 'jena'?" in error("run", "--all", "--task", "jenna")


def test_data_for_an_unknown_task_offer_the_nearest_name(error):
    line = error("run", "--all", "--data", "jenna=x.csv")
    assert "unknown task 'jenna' (did you mean 'jena'?)" in line


def test_neither_names_nor_all(error):
    assert "name the plugins to run, or give --all" in error("run")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--all"], "--failed runs all that failed"),
        (["--profile", "quick"], "--profile: --failed takes it from the records; leave it out"),
        (["--seeds", "0"], "--seeds: --failed takes it from the records"),
        (["--set", "units=3"], "--set: --failed takes it from the records"),
        (["--backend", "tensorflow"], "--backend: --failed takes it from the records"),
        (["--reuse", "always"], "--reuse always takes failed results as they are"),
        (["--verify"], "--verify repeats what is ok, --failed runs what is not: leave one out"),
        (["jena_gri"], "did you mean 'jena_gru'?"),
        (["--task", "jenna"], "did you mean 'jena'?"),
    ],
)
def test_what_makes_no_sense_for_what_failed(error, words, complaint):
    assert complaint in error("run", "--failed", *words)


def test_a_negative_number_of_retries(error):
    assert "--retry" in error("run", "--all", "--retry", "-1")


@pytest.mark.parametrize("number", ["0", "1.5", "many", "\u0663", "9" * 5000])
def test_a_number_of_repeats_that_is_none(error, number):
    line = error("run", "--all", "--verify", number)
    assert f"--verify {number}: is no number of trials" in line


def test_a_name_behind_verify_is_not_taken_for_its_number(error):
    line = error("run", "--verify", "jena_gru")
    assert "--verify jena_gru: is no number of trials; give one from 1, or --verify alone" in line


def test_an_unknown_command_offers_the_nearest(error):
    assert "did you mean 'run'?" in error("runn", "--all")


def test_an_unknown_option(error):
    assert "--sead" in error("run", "--all", "--sead", "1")


def test_a_negative_seed(error):
    assert "-1 is out of range" in error("run", "--all", "--seeds", "0,-1")


def test_a_repeated_seed(error):
    assert "--seeds: 1 is given twice" in error("run", "--all", "--seeds", "1,2,1")


def test_a_seed_that_is_no_number(error):
    assert "'x' is no whole number" in error("run", "--all", "--seeds", "1,x")


def test_setting_an_unknown_key_offers_the_nearest(error, weather):
    line = error("run", "jena_gru", "--data", f"jena={weather}", "--set", "unit=3")
    assert "jena_gru has no such option (did you mean 'units'?)" in line


def test_setting_a_value_of_the_wrong_type(error, weather):
    line = error("run", "jena_gru", "--data", f"jena={weather}", "--set", "units=many")
    assert "--set units=many: must be a whole number" in line


def test_setting_a_view_option_that_the_task_refuses(error, reviews):
    line = error("run", "imdb_lstm", "--data", f"imdb={reviews}", "--set", "maxlen=0")
    assert "maxlen" in line


def test_setting_a_view_option_to_a_text(error, reviews):
    line = error("run", "imdb_lstm", "--data", f"imdb={reviews}", "--set", "maxlen=long")
    assert "maxlen" in line


def test_setting_without_a_value(error):
    assert "write it as KEY=VALUE" in error("run", "--all", "--set", "units")


def test_a_truncated_data_file(error, reviews, tmp_path):
    broken = tmp_path / "imdb.npz"
    broken.write_bytes(reviews.read_bytes()[:5000])
    assert "imdb.npz" in error("run", "imdb_lstm", "--data", f"imdb={broken}")


def test_a_series_without_the_temperature_column(error, tmp_path):
    wrong = tmp_path / "weather.csv"
    wrong.write_text('"Date Time","p (mbar)"\n01.01.2009 00:10:00,996.52\n')
    line = error("run", "jena_gru", "--data", f"jena={wrong}")
    assert "weather.csv" in line
    assert "T (degC)" in line


def test_a_data_file_that_is_not_there(error):
    assert "gone.csv" in error("run", "jena_gru", "--data", "jena=gone.csv")


def test_data_for_a_task_that_is_not_run(error):
    assert "--data imdb: no chosen plugin is of this task; there are: jena" in error(
        "run", "jena_gru", "--data", "imdb=reviews.npz"
    )


def test_official_data_never_fall_back(error):
    line = error("run", "jena_gru", "--source", "official")
    assert "official" in line


def test_local_data_that_are_not_there(error):
    assert "local" in error("run", "jena_gru", "--source", "local")


def test_a_results_folder_that_is_a_file(error, tmp_path):
    (tmp_path / "taken").write_text("")
    line = error("run", "jena_gru", "--results", "taken")
    assert "--results taken: cannot be written" in line


@pytest.mark.skipif(os.geteuid() != 0, reason="a read-only file system needs root to be mounted")
def test_a_results_folder_on_a_file_system_that_cannot_be_written(error):
    assert "cannot be written" in error("run", "jena_gru", "--results", "/proc/nothing")


def test_a_plugin_folder_that_is_not_there(error):
    assert "--plugins gone: is not a folder" in error("run", "--all", "--plugins", "gone")


def test_a_plugin_file_that_is_not_there(error):
    assert "gone.py: no such plugin file" in error("run", "gone.py")


def test_a_plugin_asked_for_by_name_that_has_a_problem(error, plugin_folder):
    (plugin_folder / "half.py").write_text('"""Half."""\nTASK = "jena"\n')
    line = error("run", "half", "--plugins", plugin_folder)
    assert re.search(r"half\.py:1: lacks HYPERPARAMETERS", line)


def test_a_backend_that_is_not_installed(error, monkeypatch):
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda name, *rest: None if name == "jax" else real(name, *rest)
    )
    assert "jax is not installed; install it with" in error("run", "jena_gru", "--backend", "jax")


def test_a_report_of_no_records(error):
    assert "has no records" in error("report", "--results", "empty")


def test_showing_an_unknown_plugin(error):
    assert "did you mean 'jena_gru'?" in error("show", "jena_gri")


def test_a_new_plugin_for_an_unknown_task(error):
    assert "unknown task 'imbd' (did you mean 'imdb'?)" in error("new", "mine", "--task", "imbd")


def test_a_new_plugin_never_overwrites_a_file(error, tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "mine.py").write_text("precious")
    assert "exists already" in error("new", "mine", "--task", "jena")
    assert (tmp_path / "plugins" / "mine.py").read_text() == "precious"


def test_debug_shows_where_an_error_was_raised(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["run", "jena_gri", "--debug"])
    assert exit_.value.code == 2
    assert "Traceback" in capsys.readouterr().err
