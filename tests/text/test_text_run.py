"""Texts of one's own, from a CSV file to the leaderboard."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
from conftest import Run

from bench.records.store import Store
from bench.registry.discover import discover

TOPICS = ["cooking", "law", "music", "sport", "travel"]
TASK = '''"""Topics of news in five classes."""

KIND = "text"
DATA = {"file": "news.csv", "text": "body", "label": "topic"}
'''


def a_folder_of_news(folder: Path) -> Path:
    """Five classes, of which each text names one twice, and travel is the most frequent."""
    rng = random.Random(0)
    lines = ["topic;body"]
    for number in range(400):
        (topic,) = rng.choices(TOPICS, weights=range(2, 7))
        lines.append(f"{topic};text {number} of {topic} and {topic}, {rng.choice(TOPICS)}")
    (folder / "datasets").mkdir()
    (folder / "datasets" / "news.csv").write_text("\n".join(lines), encoding="utf-8")
    (folder / "datasets" / "topics.py").write_text(TASK, encoding="utf-8")
    return folder


def test_texts_in_five_classes_are_run_and_the_majority_row_is_the_largest_class_s_share(
    bench: Run, tmp_path: Path
) -> None:
    datasets = a_folder_of_news(tmp_path) / "datasets"
    names, where = ["text_majority", "text_tfidf_linear"], ["--datasets", datasets]
    done = bench("run", *names, "--task", "topics", *where, "--profile", "smoke")

    assert done.returncode == 0, done.stderr
    store = Store(tmp_path / "reports")
    records = {record.trial.plugin: record for record in store.read().records}
    assert {record.status for record in records.values()} == {"ok"}, done.stdout
    meta = records["text_majority"].data["meta"]
    assert meta["texts"] == {"train": 240, "validation": 80, "test": 80}
    scores = {name: record.metrics["test"]["accuracy"] for name, record in records.items()}
    assert round(scores["text_majority"], 6) == meta["majority_share"]["test"]
    assert scores["text_tfidf_linear"] > scores["text_majority"]
    assert "topics, local data" in done.stdout


def test_ten_plugins_serve_any_task_of_texts() -> None:
    ours = [plugin for plugin in discover().plugins if plugin.name.startswith("text_")]
    needs = Counter(need for plugin in ours for need in plugin.needs)
    assert len({plugin.name for plugin in ours}) == 10
    assert needs["sklearn"] <= 2, "eight run without an extra"
    assert np.all([not plugin.problems for plugin in ours])
