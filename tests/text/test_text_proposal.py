"""The task file that is proposed for a file or folder of texts runs as it is."""

from __future__ import annotations

import ast
import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.errors import DataError
from bench.text.proposal import propose

WORDS = ["court", "appeal", "judge", "team", "goal", "minute", "play", "the", "and", "last"]


def made_table(count: int = 60) -> list[dict[str, str]]:
    rng = random.Random(0)
    return [
        {
            "id": str(number),
            "country": "ab"[number % 2],
            "topic": ["law", "sport", "café"][number % 3],
            "body": f"{number} {' '.join(rng.choices(WORDS, k=rng.randint(5, 15)))}",
            "split": ["train", "train", "dev", "test"][number % 4],
        }
        for number in range(count)
    ]


def written(
    path: Path, columns: Sequence[str], sep: str = ",", encoding: str = "utf-8", count: int = 60
) -> Path:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, delimiter=sep, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(made_table(count))
    return path


def declared(source: str | None) -> dict[str, Any]:
    assert source is not None
    found = {
        statement.targets[0].id: ast.literal_eval(statement.value)
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name)
    }
    assert found["KIND"] == "text"
    assert all(len(line) <= 100 for line in source.splitlines())
    data = found["DATA"]
    assert isinstance(data, dict)
    return data


def test_the_columns_of_a_file_and_how_it_is_written_are_found(tmp_path: Path) -> None:
    path = written(tmp_path / "news.csv", ["id", "country", "topic", "body"], ";", "latin-1")
    source = propose(path, "../news.csv")
    data = declared(source)
    longest = data.pop("maxlen")
    assert 14 <= longest <= 17
    assert data == {
        "file": "../news.csv",
        "text": "body",
        "label": "topic",
        "delimiter": ";",
        "encoding": "latin-1",
        "classes": ["café", "law", "sport"],
        "split": {"train": 0.6, "validation": 0.2, "seed": 0},
        "metric": "accuracy",
    }
    assert source is not None
    assert source.startswith('"""news.csv: which of 3 classes is a text of? 60 texts."""')
    assert "country could be it too" in source
    assert "always saying 'law' has" in source


def test_a_column_of_the_split_is_taken_for_that(tmp_path: Path) -> None:
    path = written(tmp_path / "news.csv", ["body", "split", "topic"])
    assert declared(propose(path, "news.csv"))["split"] == {"column": "split"}


def test_parts_of_a_folder_are_the_split(tmp_path: Path) -> None:
    for name in ("train.csv", "dev.csv", "test.csv"):
        written(tmp_path / "files" / name, ["topic", "body"])
    data = declared(propose(tmp_path / "files", "files"))
    assert data["split"] == {"train": "train.csv", "validation": "dev.csv", "test": "test.csv"}
    assert data["classes"] == ["café", "law", "sport"]
    for number, row in enumerate(made_table()):
        for folder in (row["topic"], f"train/{row['topic']}", f"test/{row['topic']}"):
            place = tmp_path / ("parts" if "/" in folder else "classes") / folder
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.txt").write_text(row["body"], encoding="utf-8")
    data = declared(propose(tmp_path / "parts", "parts"))
    assert data["split"] == {"train": "train", "test": "test"}
    assert "text" not in data
    data = declared(propose(tmp_path / "classes", "classes"))
    assert data["classes"] == ["café", "law", "sport"]
    assert data["split"] == {"train": 0.6, "validation": 0.2, "seed": 0}


def test_what_holds_no_texts_is_none_and_what_has_no_labels_is_refused(tmp_path: Path) -> None:
    assert propose(written(tmp_path / "table.csv", ["id", "country", "topic"]), "x") is None
    (tmp_path / "empty").mkdir()
    assert propose(tmp_path / "empty", "empty") is None
    with pytest.raises(DataError, match="no column besides 'body' has from 2 to"):
        propose(written(tmp_path / "news.csv", ["id", "body"]), "news.csv")


def test_many_classes_have_a_line_each_and_rare_ones_another_metric(tmp_path: Path) -> None:
    rows = [(f"some words of text {number}", f"class {number % 30}") for number in range(120)]
    rows += [(f"more words of text {number}", "common") for number in range(600)]
    path = tmp_path / "news.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("body", "topic"), *rows])
    source = propose(path, "news.csv")
    assert declared(source)["metric"] == "macro_f1"
    assert source is not None
    assert '        "class 7",\n' in source
