"""Trials in other tools, each read back by the tool's own client; twice is once."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders import a_record
from command_line import call, complaint

from bench.protocol import FAILED
from bench.records.record import Record
from bench.records.store import Store

#: What other tools' code warns of is none of this suite's business.
pytestmark = pytest.mark.filterwarnings("ignore")

CURVES = {
    "train_loss": [0.5, 0.4, 0.3],
    "validation_mae": [0.31, float("nan"), 0.26],
    "elapsed_seconds": [2.0, 4.0, 6.0],
}


def some_records() -> list[Record]:
    ok = a_record("jena_gru", 0.26)
    ok = a_record(
        "jena_gru", 0.26, metrics={**ok.metrics, "curves": CURVES, "train": {"loss": 0.3}}
    )
    view = {"lookback": "2d", "columns": ["T (degC)"]}
    return [
        ok,
        a_record("jena_gru", 0.27, seed=1, minute=1),
        a_record("jena_dense", 0.3, minute=2, trial={"view": view}),
        a_record("imdb_lstm", 0.88, minute=3, trial={"task": "imdb"}),
        a_record("jena_broken", minute=4, status=FAILED, reason="ValueError: no"),
    ]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run ``bench export`` beside a results folder, and say what it printed."""
    monkeypatch.chdir(tmp_path)
    for record in some_records():
        Store(Path("reports")).write(record)

    def run(*words: object) -> str:
        status, out, err = call(capsys, "export", *words)
        assert (status, err) == (0, "")
        return out

    return run


def one_more() -> None:
    Store(Path("reports")).write(a_record("jena_gru", 0.25, seed=2, minute=9))


# Tables


def test_trials_are_written_as_a_table_that_pandas_reads_back(export):
    assert export("trials", "all.csv") == "all.csv: 5 trials\n"
    found = pd.read_csv("all.csv", index_col=["plugin", "seed"])
    assert found.loc[("jena_gru", 0), "validation_mae"] == 0.26
    assert found.loc[("jena_gru", 0), "hp_units"] == 32
    assert found.loc[("jena_gru", 0), "time_fit"] == 11.5
    assert found.loc[("jena_gru", 0), "machine_processor"] == "A Processor @ 3 GHz"
    assert found.loc[("jena_broken", 0), "reason"] == "ValueError: no"
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    export("trials", "all.parquet", "--task", "jena")
    parquet = pd.read_parquet("all.parquet").set_index(["plugin", "seed"])
    assert {*parquet.index} == {*found[found["task"] == "jena"].index}
    # Of one column, and of several kinds.
    lookbacks = parquet["hp_lookback"]
    assert (lookbacks[("jena_gru", 0)], lookbacks[("jena_dense", 0)]) == ("1440", "2d")
    assert parquet.loc[("jena_dense", 0), "hp_columns"] == '["T (degC)"]'
    assert str(parquet["finished"].dtype).startswith("datetime64")


def test_history_has_every_record_and_the_table_of_the_python_interface(export):
    Store(Path("reports")).write(a_record("jena_gru", 0.24, minute=20))
    assert export("trials", "now.csv") == "now.csv: 5 trials\n"
    assert export("trials", "all.csv", "--history") == "all.csv: 6 trials\n"
    import bench

    frame = bench.load("reports").frame(history=True)
    assert [*pd.read_csv("all.csv", nrows=0).columns] == [*frame.columns]


def test_another_ending_and_an_empty_folder_are_refused(export, capsys):
    assert ".xls is not written; end it with .parquet, .csv" in complaint(
        capsys, "export", "trials", "all.xls"
    )
    told = complaint(capsys, "export", "trials", "x.csv", "--profile", "full")
    assert "reports: has no records --profile full" in told


def test_a_tool_whose_client_is_missing_is_named_with_what_installs_it(export, capsys, monkeypatch):
    monkeypatch.setattr("bench.machine.version_of", lambda package: None)
    for tool, installs in (("mlflow", "mlflow-skinny"), ("wandb", "wandb")):
        told = complaint(capsys, "export", tool, "there")
        assert f"{tool} is not installed; install it with `pip install {installs}`" in told


# Trackers


def test_mlflow_has_an_experiment_a_task_and_a_run_a_trial(export, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="read back by MLflow's client")
    uri = tmp_path / "runs"
    assert export("mlflow", uri) == f"{uri}: 5 trials written, 0 already there\n"
    assert export("mlflow", uri) == f"{uri}: 0 trials written, 5 already there\n"
    one_more()
    assert export("mlflow", uri) == f"{uri}: 1 trial written, 5 already there\n"

    client = mlflow.MlflowClient(tracking_uri=str(uri))
    by_task = {
        name: client.search_runs([client.get_experiment_by_name(name).experiment_id])
        for name in ("jena", "imdb")
    }
    assert [len(by_task[name]) for name in ("jena", "imdb")] == [5, 1]
    runs = {run.info.run_name: run for run in by_task["jena"]}
    run, broken = runs["jena_gru seed 0 quick"], runs["jena_broken seed 0 quick"]
    assert (run.info.status, broken.info.status) == ("FINISHED", "FAILED")
    assert run.data.params["units"] == "32"
    assert run.data.metrics["validation_mae"] == 0.26
    assert run.data.metrics["time_fit"] == 11.5
    assert run.data.tags["machine_processor"] == "A Processor @ 3 GHz"
    assert run.data.tags["seed"] == "0"
    assert broken.data.tags["reason"] == "ValueError: no"
    history = client.get_metric_history(run.info.run_id, "epoch_validation_mae")
    # What is not finite is left out.
    assert [(metric.step, metric.value) for metric in history] == [(1, 0.31), (3, 0.26)]
    assert history[1].timestamp - history[0].timestamp == 4000


def test_tensorboard_has_curves_and_hyperparameters(export, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="read back by TensorBoard's reader")
    # It reads without TensorFlow if that is said not to be wanted.
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", sys)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.metadata import SESSION_START_INFO_TAG
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    assert export("tensorboard", "events") == "events: 5 trials written, 0 already there\n"
    assert export("tensorboard", "events") == "events: 0 trials written, 5 already there\n"
    (folder,) = (tmp_path / "events" / "jena").glob("jena_gru_seed_0_quick-*")
    found = EventAccumulator(str(folder)).Reload()
    assert [each.step for each in found.Scalars("epoch/validation_mae")] == [1, 3]
    (final,) = found.Scalars("validation/mae")
    assert final.value == pytest.approx(0.26)
    content = found.SummaryMetadata(SESSION_START_INFO_TAG).plugin_data.content
    options = HParamsPluginData.FromString(content).session_start_info.hparams
    assert options["units"].number_value == 32
    assert len([*(tmp_path / "events").rglob("events.out.*")]) == 5


def wandb_messages(file: Path) -> Iterator[Any]:
    """Read an offline run: W&B's own messages, in records of blocks as LevelDB's log has them."""
    from wandb.proto.wandb_internal_pb2 import Record as Message

    content, place, parts = file.read_bytes(), 7, b""
    assert content[:4] == b":W&B"
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield Message.FromString(parts)
            parts = b""


def test_wandb_has_offline_runs_that_need_no_network(export, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="written and read back by W&B's client")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    words = ("wandb", "there", "--task", "imdb")
    assert export(*words) == "there: 1 trial written, 0 already there\n"
    assert export(*words) == "there: 0 trials written, 1 already there\n"
    (file,) = (tmp_path / "there").glob("wandb/offline-run-*/run-*.wandb")
    messages = [*wandb_messages(file)]
    (run,) = [each.run for each in messages if each.WhichOneof("record_type") == "run"][:1]
    assert (run.project, run.display_name) == ("imdb", "imdb_lstm seed 0 quick")
    options = {item.key: item.value_json for item in run.config.update}
    assert options["units"] == "32"
    rows = [each.history for each in messages if each.WhichOneof("record_type") == "history"]
    assert len(rows) == 4
    (exit_,) = [each.exit for each in messages if each.WhichOneof("record_type") == "exit"]
    assert exit_.exit_code == 0
    assert [path.name for path in (tmp_path / "there" / "wandb").glob(".writing-*")] == []
