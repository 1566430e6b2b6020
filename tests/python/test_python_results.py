"""Recorded results in Python: frames of what the report shows, and the report itself."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders import a_record
from command_line import call

import bench
from bench.records.store import Store
from bench.runs.scoring import packed

GOLDEN = Path(__file__).parents[1] / "golden"
RESULTS, PLUGINS = GOLDEN / "results", GOLDEN / "plugins"


@pytest.fixture(scope="module")
def found() -> bench.Results:
    """The records that the golden reports are made of."""
    return bench.load(RESULTS, plugins=PLUGINS)


def test_a_row_a_trial_gives_the_figures_of_the_report(found):
    frame = found.frame()
    ok = frame[frame["status"] == "ok"]
    by_row = ok.groupby(["task", "profile", "plugin", "variant", "backend"])
    means = by_row["validation_mae"].mean().dropna()

    told = {
        (table["task"], table["profile"], row["label"]): row["validation"]["mae"].mean
        for table in found.leaderboard().document.data["tables"]
        for row in table["rows"]
        if "mae" in row["validation"]
    }
    assert len(told) == len(means) > 5
    assert sorted(told.values()) == pytest.approx(sorted(means))
    assert len(frame) == len(found) > len(ok)
    assert frame["current"].all()


def test_history_has_every_record_and_says_which_are_current(found):
    every = found.frame(history=True)

    assert len(every) == len(Store(RESULTS).read().records) > len(found)
    assert every["current"].sum() == len(found)


def test_hyperparameters_view_and_training_are_columns_and_whole_numbers_stay_whole(tmp_path):
    Store(tmp_path).write(a_record("gru", trial={"hyperparameters": {"units": 32, "cell": "gru"}}))
    Store(tmp_path).write(
        a_record(
            "naive",
            minute=1,
            trial={"hyperparameters": {"kernels": [3, 5]}, "overrides": {"kernels": [3, 5]}},
        )
    )

    frame = bench.load(tmp_path).frame().set_index("plugin")

    assert frame["hp_units"].dtype == "Int64"
    assert frame.loc["gru", "hp_units"] == 32
    assert frame.loc["naive", "hp_kernels"] == [3, 5]
    assert frame.loc["naive", "variant"] == "kernels=[3, 5]"
    assert frame.loc["gru", "variant"] == ""
    assert frame["hp_epochs"].notna().all()
    assert isinstance(frame["finished"].dtype, pd.DatetimeTZDtype)


def test_curves_have_a_row_a_trial_epoch_split_and_metric(found):
    curves = found.curves()
    record = next(
        r
        for r in Store(RESULTS).read().records
        if pd.Timestamp(r.finished) == curves["finished"][0]
    )

    one = curves[(curves["trial"] == record.identity[:12]) & (curves["split"] == "validation")]
    metric = record.data["metric"]["name"]
    assert [*one["value"]] == record.metrics["curves"][f"validation_{metric}"]
    assert [*one["seconds"]] == record.metrics["curves"]["elapsed_seconds"]
    assert [*one["epoch"]] == [*range(1, len(one) + 1)]
    assert {*curves["split"]} == {"train", "validation"}
    assert {*curves["trial"]} <= {*found.frame()["trial"]}


def test_predictions_beside_their_targets_give_the_scores_of_the_frame(found):
    predictions = found.select(task="jena").predictions("test")
    frame = found.select(task="jena").frame().set_index(["trial", "finished"])

    error = (predictions["prediction"] - predictions["target"]).abs()
    scores = error.groupby([predictions["trial"], predictions["finished"]], observed=True).mean()
    assert len(scores) > 5
    for key, score in scores.items():
        assert score == pytest.approx(frame.loc[key, "test_mae"], abs=2e-4)
    assert {*predictions["split"]} == {"test"}
    assert {*found.predictions()["split"]} == {"validation", "test"}


def test_several_numbers_of_an_example_have_a_row_each(tmp_path):
    store = Store(tmp_path)
    steps = np.array([[1, 2], [3, 4]], dtype="float32")
    shares = np.array([[0.5, 0.25, 0.25], [0, 0, 1]], dtype="float32")
    of_classes = np.array([0.0, 2.0], dtype="float32")
    for plugin, (given, targets) in {
        "steps": (steps, steps + 1),
        "classes": (shares, of_classes),
    }.items():
        arrays = {"predictions": given, "targets": targets, "groups": np.array([0, 1])}
        store.write(a_record(plugin), packed(arrays))
    found = bench.load(tmp_path).predictions("test")

    one, other = (found[found["plugin"] == name] for name in ("steps", "classes"))
    assert [*one["index"]] == [0, 0, 1, 1]
    assert [*one["output"]] == [0, 1, 0, 1]
    assert ((one["target"] - one["prediction"]) == 1).all()
    assert [*other["target"]] == [1, 0, 0, 0, 0, 1]
    assert [*other["prediction"]] == shares.ravel().tolist()


def test_predictions_that_are_gone_are_told_and_left_out(tmp_path):
    folder = tmp_path / "results"
    shutil.copytree(RESULTS / "imdb" / "imdb_onehot", folder / "imdb" / "imdb_onehot")
    results = bench.load(folder, plugins=PLUGINS)
    whole = results.predictions()["trial"].nunique()
    gone = min(folder.rglob("*.npz"))
    (gone.with_suffix(".json")).touch()
    gone.unlink()

    with pytest.warns(UserWarning, match=gone.name):
        left = results.predictions()

    assert left["trial"].nunique() == whole - 1


def test_there_is_no_third_split(found):
    with pytest.raises(bench.BenchError, match="'train': must be 'validation', 'test' or None"):
        found.predictions("train")


def test_the_leaderboard_is_that_of_the_report(found, capsys):
    status, out, _ = call(capsys, "report", "--results", RESULTS, "--plugins", PLUGINS)
    _, markdown, _ = call(
        *(capsys, "report", "--results", RESULTS, "--plugins", PLUGINS, "--format", "md")
    )
    board = found.leaderboard()

    assert status == 0
    assert f"{board}\n" == f"{board!r}\n" == out
    assert board._repr_markdown_() == markdown


def test_a_notebook_gets_tables_without_a_page_around_them(found):
    html = found.leaderboard()._repr_html_()

    assert html.startswith("<h2>")
    assert "<table>" in html
    assert not any(part in html for part in ("<style", "<html", "<body"))


def test_a_selection_narrows_frames_and_tables_alike(found):
    imdb = found.select(task="imdb", plugin=["imdb_o*", "imdb_l*"], profile="quick")

    assert {*imdb.frame()["plugin"]} == {"imdb_onehot", "imdb_lstm8"}
    (table,) = imdb.leaderboard().document.data["tables"]
    assert (table["task"], table["profile"]) == ("imdb", "quick")
    assert repr(imdb).startswith(f"<Results of {len(imdb)} trials (imdb) in ")
    with pytest.raises(bench.BenchError, match="has no records for task imdb, plugin jena_"):
        found.select(task="imdb", plugin="jena_*")


def test_where_nothing_is_recorded_it_says_how_to_record(tmp_path):
    with pytest.raises(bench.BenchError, match="has no records; run some first"):
        bench.load(tmp_path)


def test_several_folders_are_read_as_one(tmp_path):
    for name in ("one", "two"):
        Store(tmp_path / name).write(a_record(name))

    found = bench.load([tmp_path / "one", tmp_path / "two"])

    assert {*found.frame()["plugin"]} == {"one", "two"}


def test_frames_of_no_trial_have_their_columns(tmp_path):
    Store(tmp_path).write(a_record(status="failed", reason="no"))

    found = bench.load(tmp_path)

    assert [*found.frame()["status"]] == ["failed"]
    assert found.predictions().empty
    assert {"trial", "split", "index", "target", "prediction"} <= {*found.predictions().columns}
    assert {"trial", "epoch", "seconds", "value"} <= {*found.curves().columns}
