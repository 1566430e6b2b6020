"""``bench baseline``: from the records of a run to a file that is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from builders import AWKWARD, a_record, a_timed_record, beside
from command_line import call, complaint
from gate_records import left_predictions

from bench.gate.baseline import read
from bench.protocol import FAILED
from bench.records.record import Record
from bench.records.store import Store


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bench(capsys: pytest.CaptureFixture[str]):
    return partial(call, capsys)


@pytest.fixture
def error(capsys: pytest.CaptureFixture[str]):
    return partial(complaint, capsys)


def stored(*records: Record, folder: str = "reports") -> None:
    """Put records into a results folder, with predictions."""
    for record in records:
        Store(Path(folder)).write(record, left_predictions(record) if record.metrics else None)


def test_a_run_s_records_become_a_small_file_in_reports(bench):
    stored(*(a_timed_record(seed=seed) for seed in range(3)), a_record("jena_naive"))
    status, out, err = bench("baseline")

    assert status == 0
    assert "baseline of commit 0123456789ab written to reports" in err
    lines = out.splitlines()
    assert lines[0].split() == [
        *("plugin", "quality", "seeds", "train", "step", "prediction", "memory", "status"),
    ]
    (gru,) = [line for line in lines if line.startswith("jena jena_gru")]
    assert "0.2600 MAE" in gru
    assert "33 ms" in gru
    assert "900 MiB" in gru
    side = read(Path("reports/baseline.json"))
    assert [key.label for key in side.plugins] == ["jena_gru", "jena_naive"]
    assert [len(m.quality.seeds) for m in side.plugins.values()] == [3, 1]


def test_the_same_records_give_the_same_file(bench):
    stored(a_record(seed=0), a_record(seed=1))
    bench("baseline", "--output", "one.json")
    bench("baseline", "--output", "folder/other.json")

    assert Path("one.json").read_bytes() == Path("folder/other.json").read_bytes()


def test_names_and_options_choose_what_is_kept(bench):
    stored(
        a_record("jena_gru"),
        a_record("jena_naive"),
        a_record("jena_gru", trial={"source": "synthetic"}),
        a_record("imdb_onehot", trial={"task": "imdb"}),
        folder="elsewhere",
    )
    words = ("--results", "elsewhere", "--task", "jena", "--source", "official")
    bench("baseline", "jena_*", "--output", "x.json", *words)
    assert [key.label for key in read(Path("x.json")).plugins] == ["jena_gru", "jena_naive"]

    bench("baseline", "jena_gru", "--output", "x.json", *words)
    assert [key.label for key in read(Path("x.json")).plugins] == ["jena_gru"]


def test_what_failed_is_kept_as_failed_and_shown(bench):
    stored(a_record(status=FAILED, reason="ValueError: no"))
    status, out, _ = bench("baseline")

    assert status == 0
    assert "failed: ValueError: no" in out
    assert [m.status for m in read(Path("reports/baseline.json")).plugins.values()] == [FAILED]


def test_several_profiles_are_not_mixed(bench, error):
    stored(a_record(), a_record(trial={"profile": "full"}))

    message = error("baseline")
    assert "records of several profiles (quick, full); choose one with --profile" in message
    assert not Path("reports/baseline.json").exists()
    assert bench("baseline", "--profile", "full")[0] == 0
    assert {key.profile for key in read(Path("reports/baseline.json")).plugins} == {"full"}


def test_a_damaged_record_is_told_and_left_out(bench):
    stored(a_record())
    (Path("reports") / "jena" / "jena_gru" / "short.json").write_text("{")
    status, _, err = bench("baseline")

    assert status == 0
    assert "warning: left out" in err
    assert "short.json" in err


def test_disturbed_times_are_told(bench):
    stored(beside(a_record(), others_cpu=0.5), a_record("jena_naive"))
    _, out, err = bench("baseline")

    assert "ok, times contended" in out
    assert "warning: the times of 1 of 2 plugins are contended" in err


def test_what_is_left_out_is_told(bench):
    Store(Path("reports")).write(a_record())
    _, out, err = bench("baseline")

    assert "warning: jena jena_gru: no validation predictions of seed 0" in err
    assert "–" in out


@pytest.mark.parametrize("text", AWKWARD)
def test_any_override_fits_one_line_and_is_kept(bench, text):
    stored(a_record(trial={"overrides": {"note": text}}))
    status, out, _ = bench("baseline", "--output", "x.json")

    assert status == 0
    assert len(out.rstrip("\n").split("\n")) == 5
    (key,) = read(Path("x.json")).plugins
    assert key.label == f"jena_gru (note={text})"


# What is wrong


def test_without_records_the_mend_is_told(error):
    assert "reports: has no records; run some first with `python -m bench run" in error("baseline")


def test_an_unknown_name_offers_the_nearest(error):
    stored(a_record())
    assert "no records of 'jena_gri' (did you mean 'jena_gru'?)" in error("baseline", "jena_gri")
    assert "there are records of jena_gru" in error("baseline", "xyz")


def test_nothing_of_what_is_asked_for(error):
    stored(a_record())
    message = error("baseline", "jena_gru", "--task", "imdb", "--source", "official")
    assert "no records for jena_gru --task imdb --source official" in message


def test_a_file_that_cannot_be_written(error):
    stored(a_record())
    Path("taken").write_text("")
    assert "--output taken/x.json: cannot be written" in error(
        "baseline", "--output", "taken/x.json"
    )
    assert "--output reports: cannot be written" in error("baseline", "--output", "reports")


def test_the_help_states_the_exit_status(bench):
    status, out, _ = bench("baseline", "--help")
    assert status == 0
    assert "Exit status: 0 it is written" in " ".join(out.split())


def test_no_keras_is_imported(tmp_path):
    stored(a_record())
    code = (
        "import sys\nfrom bench.cli import main\n"
        "try:\n    main(['baseline'])\nexcept SystemExit: pass\n"
        "import json; print(json.dumps(sorted({'keras', 'tensorflow'} & {*sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []
