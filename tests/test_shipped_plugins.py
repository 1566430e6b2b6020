"""What the plugins of the suite declare, and those that need more than the small files have."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench.registry.discover import discover

ROWS = 7500  # a series needs about 6,500 rows of ten minutes to be split


@pytest.fixture
def ten_minutes(tmp_path: Path) -> Path:
    """Fifty-two days of weather every ten minutes."""
    start, waves = datetime(2020, 1, 1), np.sin(np.arange(ROWS) * 2 * np.pi / 144)
    lines = ['"Date Time","p (mbar)","T (degC)"']
    lines += [
        f"{(start + timedelta(minutes=10 * row)):%d.%m.%Y %H:%M:%S},{1000 - wave:.2f},{wave:.2f}"
        for row, wave in enumerate(waves)
    ]
    path = tmp_path / "weather.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def worded_reviews(reviews: Path, tmp_path: Path) -> Path:
    """The small reviews with a word for each rank beside them."""
    words = {f"word{rank}": rank for rank in range(1, 401)}
    (tmp_path / "imdb_word_index.json").write_text(json.dumps(words), encoding="utf-8")
    path = tmp_path / "imdb.npz"
    path.write_bytes(reviews.read_bytes())
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """The data folder's word vectors: 300 of the words, 100 numbers each."""
    numbers = np.random.default_rng(0).normal(size=(300, 100)).round(4)
    lines = [f"word{rank} {' '.join(map(str, row))}" for rank, row in enumerate(numbers, start=1)]
    path = tmp_path / "no-data" / "glove.6B.100d.txt"
    path.parent.mkdir()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.long
def test_plugins_run_where_the_data_have_what_they_need(
    bench, ten_minutes, worded_reviews, vectors, tmp_path
):
    names = ["imdb_glove_200", "imdb_characters", "jena_conv_gru"]
    data = ["--data", f"imdb={worded_reviews}", "--data", f"jena={ten_minutes}"]
    run = bench("run", *names, *data, "--profile", "smoke")
    assert run.returncode == 0, run.stderr

    records = {
        path.parent.name: json.loads(path.read_text())
        for path in (tmp_path / "reports").glob("*/*/*.json")
    }
    assert {name: record["status"] for name, record in records.items()} == dict.fromkeys(
        names, "ok"
    ), run.stdout
    glove = records["imdb_glove_200"]
    assert glove["trial"]["versions"][vectors.name].startswith("sha256:")
    assert glove["trial"]["training"]["training_examples"] == 200
    # Frozen: 100 words of 100 numbers into 32 units, and from there to one.
    frozen = 404 * 100
    assert glove["model"]["parameters"] == frozen + (100 * 100 + 1) * 32 + 33


def test_published_models_train_all_epochs_unless_their_listing_stops_early():
    published = [plugin for plugin in discover().plugins if plugin.reference]
    stopping = {plugin.name for plugin in published if plugin.hyperparameters.get("patience")}

    assert stopping == {"imdb_lstm8", "imdb_lstm8_dropout", "imdb_onehot_rnn8"}
