"""Models beside records: written with them, verified, chosen, and refused where they have code."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from builders import a_record, edited
from command_line import call, complaint

from bench.errors import BenchError
from bench.protocol import FAILED
from bench.records import store as stores
from bench.records.models import best_kept, check
from bench.records.predictions import TrainedModel
from bench.records.record import Record, from_json
from bench.records.store import Store

PLAIN = {"kind": "number", "units": 1, "flat": False, "one_hot": False}


def a_file(config: Any = None, **more: bytes) -> bytes:
    """The content of a file as Keras writes it, with this configuration."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config or layer("Dense")))
        archive.writestr("model.weights.h5", b"weights")
        for name, content in more.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def layer(kind: str, module: str | None = "keras.layers", **more: Any) -> dict[str, Any]:
    return {"module": module, "class_name": kind, "config": {}, "registered_name": None, **more}


def written(folder: Path, content: bytes = b"model", **record: Any) -> tuple[Record, Path]:
    store = Store(folder)
    path = store.write(a_record(**record), b"numbers", TrainedModel(content, PLAIN))
    return store.read().records[-1], path.with_suffix(".keras")


def test_a_model_is_read_back_as_it_was_and_its_record_says_what_it_is(tmp_path):
    record, path = written(tmp_path, b"a model")
    assert record.kept_model is not None
    assert (record.kept_model.file, record.kept_model.bytes) == (path.name, 7)
    assert record.kept_model.output == PLAIN
    assert Store(tmp_path).model(record) == b"a model"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.write_bytes(b"mod3l"), "is not the file that the record was written"),
        (lambda path: path.write_bytes(b"model and more"), "has 14 bytes, more than|has 14 bytes"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_a_model_that_is_another_one_or_gone_is_refused(tmp_path, spoil, said):
    record, path = written(tmp_path)
    spoil(path)
    with pytest.raises(BenchError, match=said):
        Store(tmp_path).model(record)


def test_a_record_its_predictions_and_its_model_are_written_whole_or_not_at_all(
    tmp_path, monkeypatch
):
    real = stores.write_whole

    def full(path: Path, content: bytes) -> None:
        if path.suffix == ".json":
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(stores, "write_whole", full)
    with pytest.raises(BenchError, match="No space left"):
        written(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_plugin_deletes_of_models_is_written_again(tmp_path):
    store = Store(tmp_path)
    path = store.write(a_record(), None, TrainedModel(b"model", PLAIN)).with_suffix(".keras")
    path.unlink()
    (line,) = store.fix()
    assert "was deleted during the run; written again" in line
    assert path.read_bytes() == b"model"


@pytest.mark.parametrize("name", ["../x.keras", "/etc/passwd", "..", ""])
def test_a_model_outside_of_the_folder_is_refused(name):
    kept = {"file": name, "bytes": 1, "sha256": "0" * 64, "output": {}}
    with pytest.raises(BenchError, match=r"has a model in .* which is no file beside it"):
        from_json(edited(a_record(), kept_model=kept))


# Merged


def test_models_are_merged_with_their_records_to_the_byte_and_once(tmp_path, capsys):
    written(tmp_path / "one", b"first", quality=0.26)
    written(tmp_path / "two", b"second", quality=0.27)  # Of one identity, time and name.
    for _ in range(2):
        status, _, _ = call(
            capsys, "merge", tmp_path / "one", tmp_path / "two", "--into", tmp_path / "all"
        )
        assert status == 0
        store = Store(tmp_path / "all")
        found = {
            record.metrics["validation"]["mae"]: store.model(record)
            for record in store.read().records
        }
        assert found == {0.26: b"first", 0.27: b"second"}
        assert len(list((tmp_path / "all").rglob("*.keras"))) == 2


def test_a_merge_refuses_an_edited_model_and_names_one_that_is_gone(tmp_path, capsys):
    _, edited_one = written(tmp_path / "one")
    edited_one.write_bytes(b"m0del")
    _, gone = written(tmp_path / "two", seed=1)
    gone.unlink()
    status, out, err = call(
        capsys, "merge", tmp_path / "one", tmp_path / "two", "--into", tmp_path / "all"
    )
    assert status == 1
    assert "1 record copied, 0 already there, 1 refused" in out
    assert "is not the file that the record was written with" in err
    assert f"warning: {gone.with_suffix('.json')}: its model is gone" in err


# Which one is meant


def kept(quality: float, seed: int, minute: int = 0, **trial: Any) -> Record:
    model = TrainedModel(b"model", PLAIN).described("model.keras")
    return a_record(quality=quality, seed=seed, minute=minute, kept_model=model, trial=trial)


def test_the_best_seed_by_validation_is_meant_of_the_row_recorded_last():
    old = kept(0.1, 0, 0, hyperparameters={"units": 8})
    seeds = [kept(0.27, 0, 1), kept(0.25, 1, 2), kept(0.26, 2, 3)]
    without = a_record(quality=0.2, seed=3, minute=4)
    assert best_kept([old, *seeds, without], "jena_gru") is seeds[1]


def test_of_a_metric_that_is_to_be_high_the_highest_is_the_best():
    records = [kept(quality, seed, task="imdb") for seed, quality in enumerate((0.8, 0.9, 0.85))]
    assert best_kept(records, "imdb_lstm").trial.seed == 1


def test_where_no_model_is_kept_the_line_says_what_keeps_one_or_why_none_is():
    with pytest.raises(BenchError, match="`python -m bench run jena_gru --keep-models` keeps one"):
        best_kept([a_record()], "jena_gru", " --seed 3")
    told = {**a_record().environment, "model_not_kept": "an estimator would be a pickle"}
    with pytest.raises(BenchError, match="no model that was kept: an estimator would be a pickle"):
        best_kept([a_record(environment=told)], "jena_ridge")
    with pytest.raises(BenchError, match="has no model that was kept"):
        best_kept([a_record(status=FAILED)], "jena_gru")


def test_export_writes_the_model_that_is_meant_and_names_it(tmp_path, capsys):
    for seed, quality in enumerate((0.27, 0.25)):
        written(tmp_path / "reports", f"model {seed}".encode(), seed=seed, quality=quality)
    words = ("--results", tmp_path / "reports")
    file = tmp_path / "new" / "best.keras"
    status, out, err = call(capsys, "export", "jena_gru", file, *words)
    assert (status, out) == (0, f"{file}\n")
    assert file.read_bytes() == b"model 1"
    assert "jena_gru seed 1, quick on official data, 2025-01-02T03:00: validation MAE 0.2500" in err
    call(capsys, "export", "model", "jena_gru", file, "--seed", 0, *words)
    assert file.read_bytes() == b"model 0"
    assert "end its name with .keras" in complaint(capsys, "export", "jena_gru", "x.h5", *words)
    told = complaint(capsys, "export", "jena_gru", file, "--seed", 7, *words)
    assert "jena_gru: has no model that was kept --seed 7" in told


# Code in a file


def test_a_file_of_keras_own_layers_is_let_through():
    config = {
        **layer("Sequential", "keras"),
        "config": {
            "layers": [
                layer("GRU", config={"kernel_initializer": layer("Zeros", "keras.initializers")}),
                layer(
                    "Dense",
                    config={"activation": "sigmoid", "dtype": layer("DTypePolicy", "keras")},
                ),
                {"class_name": "__keras_tensor__", "config": {}},
                layer("function", "builtins", config="tanh"),
            ]
        },
    }
    check(a_file(config), "it")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (layer("Lambda"), "a Lambda layer"),
        ({"class_name": "__lambda__", "config": {"value": "..."}}, "a Lambda layer"),
        (layer("Positions", None, registered_name="my>Positions"), "the class 'my>Positions'"),
        (layer("Mine", "bench_plugin_mine"), "the class 'Mine'"),
        (layer("function", "os", config="system"), "a function"),
        (layer("function", "builtins", config="eval"), "a function"),
        (layer("get_file", "keras.utils"), "the class 'get_file'"),
        (layer("Popen", "subprocess"), "the class 'Popen'"),
        (layer("Dense", "kerasish.layers"), "the class 'Dense'"),
    ],
)
def test_a_file_with_code_is_refused_wherever_that_stands(part: Mapping[str, Any], said: str):
    nested = {**layer("Sequential", "keras"), "config": {"layers": [layer("Dense"), [part]]}}
    with pytest.raises(BenchError) as caught:
        check(a_file(nested), "the model of mine")
    assert f"the model of mine: has {said}" in str(caught.value)
    assert "no code of a file is run" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"no archive", "cannot be opened"),
        (a_file(**{"assets/vocabulary.txt": b"x"}), "without files of its own"),
        (a_file(**{"../out": b"x"}), "without files of its own"),
    ],
)
def test_what_is_no_file_of_keras_form_is_refused(content, said):
    with pytest.raises(BenchError, match=said):
        check(content, "it")
