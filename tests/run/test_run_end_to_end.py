"""The main job, run as a user runs it: plugins in, a leaderboard out."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DROPOUT = '''"""A recurrent model with dropout of both kinds."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {"units": 4, "dropout": 0.3}


def build(task, units, dropout):
    return Sequential([
        task.inputs(),
        layers.GRU(units, dropout=dropout, recurrent_dropout=dropout),
        layers.Dropout(dropout),
        layers.Dense(1),
    ])
'''

RAISING = '''"""A model that cannot be built."""

TASK = "jena"
HYPERPARAMETERS = {"units": 4}


def build(task, units):
    raise ValueError("too | many `ideas`")
'''


RIDGE = '''"""Ridge regression over the flattened window."""

from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "jena"
HYPERPARAMETERS = {"alpha": 10.0, "lookback": "2d"}


def flatten(windows):
    return windows.reshape(len(windows), -1)


def build(task, alpha):
    return make_pipeline(FunctionTransformer(flatten), Ridge(alpha))
'''

DIVERGING = '''"""A dense model with a rate that no training survives."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {"learning_rate": 1e38, "optimizer": "sgd"}


def build(task):
    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])
'''

TOO_FINE = '''"""A window with a sample every ten minutes."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {"step": "10min"}


def build(task):
    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])
'''


#: Plugins for which the small files are not enough; test_shipped_plugins.py trains them.
NEEDS_MORE = {
    "imdb_character_ngrams": "this data has ranks but no words",
    "imdb_characters": "this data has ranks but no words",
    "imdb_glove_200": "needs glove.6B.100d.txt, neither beside it nor in the data folder",
    "jena_conv_gru": "the data have a sample every 60 minutes",
}


def records_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*/*/*.json"))]


def rows_of(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_all_shipped_plugins_run_and_are_reused_by_the_next_run(small_run, tmp_path):
    first = small_run("--all", "--seeds", "0")
    assert first.returncode == 0, first.stderr

    records = records_in(tmp_path / "reports")
    board = (tmp_path / "reports" / "leaderboard.md").read_text()
    assert len({r["trial"]["plugin"] for r in records}) == len(records) >= 40
    lacking = {r["trial"]["plugin"]: r["reason"] for r in records if r["status"] != "ok"}
    assert set(lacking) == set(NEEDS_MORE)
    assert all(NEEDS_MORE[name] in reason for name, reason in lacking.items())
    for record in [r for r in records if r["status"] == "ok"]:
        name = record["trial"]["plugin"]
        assert name in first.stdout
        assert name in board
        assert record["timing"]["total"] >= record["timing"]["fit"] >= 0
        assert record["memory"]["peak_rss"] > 50 * 1024**2
        assert record["environment"]["memory_pages"] == "all"
        assert record["environment"]["machine"]["cores"] >= 1
        assert record["environment"]["command"].startswith("python -m bench run --all")
    assert "jena, local data, smoke profile" in board
    assert "imdb, local data, smoke profile" in board

    second = small_run("--all", "--seeds", "0")
    assert second.returncode == 0, second.stderr
    assert len(records_in(tmp_path / "reports")) == len(records)
    assert "0 to run" in second.stderr
    assert "ok, reused" in (tmp_path / "reports" / "leaderboard.md").read_text()


def test_each_seed_is_a_result_of_its_own_whose_kept_predictions_give_its_score(
    small_run, tmp_path
):
    run = small_run("jena_dense", "--seeds", "0,1")
    assert run.returncode == 0, run.stderr

    one, two = records_in(tmp_path / "reports")
    assert one["metrics"]["test"] != two["metrics"]["test"]
    assert "±" in run.stdout
    for record in (one, two):
        with np.load(tmp_path / "reports/jena/jena_dense" / record["predictions"]["file"]) as kept:
            error = np.abs(kept["targets"].astype("float64") - kept["predictions"]).mean()
        assert error == pytest.approx(record["metrics"]["test"]["mae"], abs=1e-7)
        assert record["metrics"]["test"]["mae_degC"] == pytest.approx(
            error * record["data"]["meta"]["std"], rel=1e-4
        )


@pytest.mark.long
def test_the_same_trials_twice_give_bit_identical_metrics(small_run, plugin_folder, tmp_path):
    """A convolution, and a recurrent layer with dropout of both kinds and dense ones after it."""
    (plugin_folder / "dropout.py").write_text(DROPOUT)
    words = ["--task", "jena", "--plugins", plugin_folder, "--reuse", "never", "--set", "epochs=2"]
    for _ in range(2):
        run = small_run("jena_conv1d", "dropout", *words)
        assert run.returncode == 0, run.stderr

    for name in ("jena_conv1d", "dropout"):
        folder = tmp_path / "reports" / "jena" / name
        one, two = (json.loads(path.read_text()) for path in sorted(folder.glob("*.json")))
        assert one["identity"] == two["identity"]
        for record in (one, two):
            for clock in ("epoch_seconds", "elapsed_seconds"):
                del record["metrics"]["curves"][clock]
        assert one["metrics"] == two["metrics"]
        kept = (np.load(folder / r["predictions"]["file"])["predictions"] for r in (one, two))
        first, second = (array.tobytes() for array in kept)
        assert first == second


def test_a_failing_plugin_keeps_its_row_and_the_others_run(small_run, plugin_folder, tmp_path):
    (plugin_folder / "raising.py").write_text(RAISING)
    (plugin_folder / "unreadable.py").write_text('"""Half a file."""\nTASK = "jena"\ndef build(')
    run = small_run("raising", "jena_naive", "unread*", "--plugins", plugin_folder)

    assert run.returncode == 1
    assert "left out: " in run.stderr
    assert "unreadable.py:3: does not parse" in run.stderr
    board = (tmp_path / "reports" / "leaderboard.md").read_text()
    rows = {row[1].split(" ")[0]: row for row in rows_of(board)}
    # One seed each: an order, and no ranks.
    assert rows["jena_naive"][0] == "1."
    assert rows["raising"][0] == "–"
    assert "raising.py:8: ValueError: too \\| many \\`ideas\\`" in board
    record = next(r for r in records_in(tmp_path / "reports") if r["status"] == "failed")
    assert "Traceback" in record["log"]


def test_a_single_file_runs_with_a_setting_and_its_row_says_so(small_run, plugin_folder):
    file = plugin_folder / "mine.py"
    file.write_text(RIDGE)
    run = small_run(file, "--set", "alpha=2.0", "--task", "jena")

    assert run.returncode == 0, run.stderr
    assert "mine (alpha=2.0)" in run.stdout


def test_a_new_plugin_runs_as_it_is(bench, weather, reviews, tmp_path):
    for name, data in (("jena", weather), ("imdb", reviews)):
        made = bench("new", f"my_{name}", "--task", name, "--folder", "mine")
        assert made.returncode == 0, made.stderr
        run = bench("run", f"mine/my_{name}.py", "--data", f"{name}={data}", "--profile", "smoke")
        assert run.returncode == 0, run.stderr


def test_a_time_limit_ends_a_trial_and_the_row_says_so(small_run, tmp_path):
    run = small_run("jena_naive", "--timeout", "0.02")

    assert run.returncode == 1
    assert "timeout: took longer than 0.02 s" in run.stdout


def test_the_first_line_says_which_data_and_standard_output_carries_the_table_alone(
    small_run, tmp_path
):
    run = small_run("jena_naive")

    (record,) = records_in(tmp_path / "reports")
    assert record["environment"]["command"].startswith("python -m bench run jena_naive")

    assert run.stderr.startswith("jena: local data: ")
    assert run.stdout.startswith("jena, local data, smoke profile")
    assert "leaderboard written to" in run.stderr


def test_report_and_show_render_the_store_without_keras(small_run, bench, tmp_path):
    assert small_run("jena_naive").returncode == 0

    as_json = json.loads(bench("report", "--format", "json").stdout)
    assert as_json["tables"][0]["rows"][0]["label"] == "jena_naive"
    assert bench("report", "--output", "board.html").returncode == 0
    assert "<table" in (tmp_path / "board.html").read_text()
    shown = bench("show", "jena_naive")
    assert "validation MAE" in shown.stdout


def test_a_broken_record_is_named_and_the_rest_is_rendered(small_run, bench, tmp_path):
    assert small_run("jena_naive").returncode == 0
    (path,) = (tmp_path / "reports" / "jena" / "jena_naive").glob("*.json")
    (path.parent / "short.json").write_text(path.read_text()[:100])
    report = bench("report")

    assert report.returncode == 0
    assert "jena_naive" in report.stdout
    assert "short.json: is not a whole JSON document" in report.stderr


def test_an_interrupted_run_writes_what_it_has_and_says_how_to_go_on(
    start_bench, weather, tmp_path
):
    words = ["run", "jena_naive", "jena_gru", "--data", f"jena={weather}", "--reuse", "never"]
    process = start_bench(*words)
    seen = ""
    while "jena_naive seed 0" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)

    assert process.returncode == 130
    assert "jena_naive" in out
    assert "resume with: python -m bench run jena_naive jena_gru --data" in err
    assert "--reuse" not in err
    assert "Traceback" not in err
    assert len(records_in(tmp_path / "reports")) == 1


def test_estimators_skipped_and_diverging_plugins_all_have_their_rows(
    small_run, plugin_folder, tmp_path
):
    for name, source in (("ridge", RIDGE), ("wild", DIVERGING), ("fine", TOO_FINE)):
        (plugin_folder / f"{name}.py").write_text(source)
    run = small_run("ridge", "wild", "fine", "--task", "jena", "--plugins", plugin_folder)

    assert run.returncode == 1
    records = {record["trial"]["plugin"]: record for record in records_in(tmp_path / "reports")}
    assert records["ridge"]["status"] == "ok"
    assert records["ridge"]["trial"]["versions"]["sklearn"]
    assert records["fine"]["status"] == "skipped"
    assert "the data have a sample every 60 minutes" in records["fine"]["reason"]
    assert records["wild"]["status"] == "diverged"
    assert "in epoch 1" in records["wild"]["reason"]
    board, costs = (tmp_path / "reports" / "leaderboard.md").read_text().split("### Cost")
    ranked, _, folded = board.partition("<details>")
    assert [row[1] for row in rows_of(ranked)[2:]] == ["ridge", "wild", "fine"]
    assert "validation MAE (°C)" in folded
    assert [row[0] for row in rows_of(costs.partition("<details>")[0])[2:]] == ["ridge"]
