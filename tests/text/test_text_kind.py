"""Tasks of texts without code: how files are read and split, and what is refused or said."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError, DataError
from bench.task import Prepared, Question
from bench.text import kind
from bench.text.corpus import PARTS
from bench.text.encode import NGRAMS
from bench.text.views import ENCODINGS

TOPICS = {
    "cooking": "boil peel roast onion butter oven flour pan",
    "law": "court judge appeal verdict statute lawyer clause jury",
    "music": "chord violin rhythm choir tempo melody bass tune",
    "sport": "goal match referee league score team coach race",
    "travel": "train hotel passport ticket border harbour map luggage",
}
Row = Sequence[str]


def data(**options: Any) -> dict[str, Any]:
    defaults = {
        "file": "news.csv",
        "text": "body",
        "label": "topic",
        "classes": None,
        "split": {"train": 0.6, "validation": 0.2},
        "delimiter": None,
        "encoding": "utf-8",
        "maxlen": 200,
        "metric": "accuracy",
    }
    return {**defaults, **options}


def made_rows(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Texts of five topics, no two alike: topic number n has (n + 1) shares of fifteen."""
    rng = random.Random(seed)
    rows = []
    for number in range(count):
        (topic,) = rng.choices([*TOPICS], weights=range(1, 6))
        words = rng.choices(TOPICS[topic].split(), k=4)
        rows.append((f"text {number}: {' '.join(words)}, and so on", topic))
    return rows


def written(
    path: Path, rows: Iterable[Row], header: Row = ("body", "topic"), sep: str = ","
) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=sep).writerows([header, *rows])
    return path


def read(path: Path, **options: Any) -> Prepared:
    return kind.read(data(**options), [path], official=False)


def spelled(prepared: Prepared, part: str) -> list[tuple[str, str]]:
    """The words of each text of a part that training knows, with the name of its class."""
    arrays = prepared.arrays
    words = ["", *arrays["vocabulary"].tobytes().decode().split("\n")]
    offsets, tokens = arrays[f"{part}_offsets"], arrays[f"{part}_tokens"]
    return [
        (
            " ".join(words[rank] for rank in tokens[first + 1 : end]),
            prepared.meta["classes"][arrays[f"{part}_labels"][number]],
        )
        for number, (first, end) in enumerate(pairwise(offsets))
    ]


def number_of(text: str) -> int:
    return int(text.split()[1])


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "; " in message, "says how to fix it"
    return message


def test_a_csv_file_is_split_by_what_its_texts_say_and_not_by_their_order(tmp_path: Path) -> None:
    rows = made_rows(200)
    first = read(written(tmp_path / "news.csv", rows))
    second = read(written(tmp_path / "again.csv", rows[::-1]))
    for part in PARTS:
        assert np.array_equal(first.arrays[f"{part}_tokens"], second.arrays[f"{part}_tokens"])
        assert np.array_equal(first.arrays[f"{part}_labels"], second.arrays[f"{part}_labels"])
    assert first.meta["texts"] == {"train": 120, "validation": 40, "test": 40}
    assert first.meta["classes"] == sorted(TOPICS)
    assert first.meta["notes"] == []
    seeded = read(tmp_path / "news.csv", split={"train": 0.6, "validation": 0.2, "seed": 1})
    assert seeded.meta["texts"] == first.meta["texts"]
    assert not np.array_equal(seeded.arrays["test_labels"], first.arrays["test_labels"])


def test_every_text_keeps_its_label_through_the_split(tmp_path: Path) -> None:
    rows = made_rows(60)
    prepared = read(written(tmp_path / "news.csv", rows))
    (train, labels) = zip(*spelled(prepared, "train"), strict=True)
    assert all(rows[number_of(text)][1] == label for text, label in zip(train, labels, strict=True))
    total = sum(len(spelled(prepared, part)) for part in PARTS)
    assert total == 60


def test_equal_texts_never_lie_in_two_parts(tmp_path: Path) -> None:
    different = [(f"w{number} again", "ab"[number % 2]) for number in range(30)]
    loud = [(f"  W{number}, AGAIN! ", label) for number, (_, label) in enumerate(different)]
    prepared = read(written(tmp_path / "news.csv", [*different, *loud, *different]))
    sizes = prepared.meta["texts"]
    assert all(size % 3 == 0 for size in sizes.values()), sizes
    assert not any("in training and in" in note for note in prepared.meta["notes"])
    assert (
        f"the same as another, word by word: {sizes['train'] * 2 // 3} training texts"
        in (prepared.meta["notes"])
    )


def test_the_vocabulary_is_that_of_the_training_part_alone(tmp_path: Path) -> None:
    rows = [
        ("common rare rare once", "a", "train"),
        ("common rare", "b", "train"),
        ("common common common elsewhere", "a", "dev"),
        ("elsewhere elsewhere once", "b", "test"),
    ]
    path = written(tmp_path / "news.csv", rows, ("body", "topic", "split"))
    prepared = read(path, split={"column": "split"})
    assert prepared.arrays["vocabulary"].tobytes().decode() == "rare\ncommon\nonce"
    assert spelled(prepared, "validation") == [("common common common", "a")]
    assert spelled(prepared, "test") == [("once", "b")]
    assert prepared.arrays["document_frequency"].tolist() == [0, 2, 2, 1]


def test_a_column_gives_the_split_and_validation_is_cut_from_training_where_it_does_not(
    tmp_path: Path,
) -> None:
    rows = [
        (*row, "Train" if number % 3 else "held out") for number, row in enumerate(made_rows(90))
    ]
    path = written(tmp_path / "news.csv", rows, ("body", "topic", "set"))
    said = refused(path, split={"column": "set"})
    assert said.startswith("news.csv:2: column 'set' has 'held out'")
    prepared = read(path, split={"column": "set", "test": "held out"})
    assert prepared.meta["texts"] == {"train": 48, "validation": 12, "test": 30}
    half = read(path, split={"column": "set", "test": "held out", "validation": 0.5})
    assert half.meta["texts"] == {"train": 30, "validation": 30, "test": 30}


def test_folders_are_classes_and_what_is_not_utf8_is_read_and_said(tmp_path: Path) -> None:
    for number, (text, topic) in enumerate(made_rows(40)):
        (tmp_path / "news" / topic).mkdir(parents=True, exist_ok=True)
        (tmp_path / "news" / topic / f"{number:02}.txt").write_text(text, encoding="utf-8")
    first = next((tmp_path / "news" / "sport").iterdir())
    first.write_bytes("fußball café".encode("latin-1"))
    (tmp_path / "news" / ".hidden").mkdir()
    prepared = read(tmp_path / "news")
    assert prepared.meta["classes"] == sorted(TOPICS)
    assert sum(prepared.meta["texts"].values()) == 40
    (note,) = [note for note in prepared.meta["notes"] if "Latin-1" in note]
    assert note == f"read as Latin-1: 1 text not in UTF-8 (sport/{first.name} first)"


def test_folders_and_files_can_be_parts(tmp_path: Path) -> None:
    rows = made_rows(60)
    parts = {"train": rows[:30], "dev": rows[30:45], "test": rows[45:]}
    for part, some in parts.items():
        (tmp_path / "files").mkdir(exist_ok=True)
        written(tmp_path / "files" / f"{part}.csv", some)
        for number, (text, topic) in enumerate(some):
            (tmp_path / "folders" / part / topic).mkdir(parents=True, exist_ok=True)
            (tmp_path / "folders" / part / topic / str(number)).write_text(text, encoding="utf-8")
    for folder, ending in (("files", ".csv"), ("folders", "")):
        said = refused(tmp_path / folder)
        names = {"train": f"train{ending}", "validation": f"dev{ending}", "test": f"test{ending}"}
        assert '"validation": "dev' in said
        prepared = read(tmp_path / folder, split=names)
        assert prepared.meta["texts"] == {"train": 30, "validation": 15, "test": 15}
    said = refused(tmp_path / "files", split={"train": "train.csv", "test": "exam.csv"})
    assert "exam.csv" in said


def test_a_byte_order_mark_is_no_letter_and_another_encoding_is_named(tmp_path: Path) -> None:
    rows = made_rows(30)
    path = written(tmp_path / "news.csv", rows)
    plain = read(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert np.array_equal(read(path).arrays["train_tokens"], plain.arrays["train_tokens"])
    lines = (
        "body,topic\n"
        + "".join(f"{text},{topic}\n" for text, topic in made_rows(0))
        + ("plain,law\ncafé crème,cooking\n")
    )
    path.write_bytes(lines.encode("latin-1"))
    said = refused(path)
    assert f"{path}:3: is not UTF-8 (byte 0xe9)" in said
    assert 'write "encoding": "latin-1" into DATA' in said
    path.write_text(lines + "x,law\ny,cooking\nz,law\n", encoding="utf-16")
    assert '"encoding": "utf-16"' in refused(path)
    assert read(path, encoding="utf-16").meta["classes"] == ["cooking", "law"]


def test_separators_are_found_and_quoted_texts_may_have_lines_and_separators(
    tmp_path: Path,
) -> None:
    rows = [(f'one, two; "three"\nfour\t{text}', topic) for text, topic in made_rows(30)]
    plain = read(written(tmp_path / "news.csv", rows))
    for sign in ";\t|":
        path = written(tmp_path / "other.csv", rows, sep=sign)
        assert np.array_equal(read(path).arrays["train_tokens"], plain.arrays["train_tokens"])
    assert "has one column" in refused(path, delimiter=";")


def test_rows_that_cannot_be_read_are_named_by_their_line(tmp_path: Path) -> None:
    path = tmp_path / "news.csv"
    path.write_text('body,topic\n"two\nlines",law\na, b,law\n', encoding="utf-8")
    assert f"{path}:4: has 3 fields where the header has 2" in refused(path)
    path.write_text('body,topic\nfine,law\n"never ends,law\nmore,law\n', encoding="utf-8")
    assert f"{path}:3: a quotation mark without its partner" in refused(path)
    path.write_text("body,topic\n", encoding="utf-8")
    assert "has a header and no rows" in refused(path)
    path.write_text("\n \n", encoding="utf-8")
    assert "is empty" in refused(path)
    written(path, made_rows(5), ("bodies", "topic"))
    assert "no column 'body' (did you mean 'bodies'?)" in refused(path)
    written(path, made_rows(5), ("topic", "topic"))
    assert "has 2 columns 'topic'" in refused(path, text="topic")


def test_missing_labels_empty_texts_and_rare_classes_are_said(tmp_path: Path) -> None:
    rows = [(*row, "train" if number % 2 else "test") for number, row in enumerate(made_rows(40))]
    rows += [("nobody knows", " ", "train"), ("", "law", "train"), ("...", "law", "test")]
    rows += [("seldom", "rare", "test"), (rows[1][0], "rare", "train"), (rows[1][0], "law", "test")]
    rows += [("only here", "late", "test")]
    path = written(tmp_path / "news.csv", rows, ("body", "topic", "split"))
    notes = read(path, split={"column": "split"}).meta["notes"]
    assert notes[0] == "left out: 1 text without a label (news.csv:42 first)"
    assert "class without a training text, so that no model can learn it: 'late'" in notes
    assert "class with one text: 'late'" in notes
    assert any(note.startswith("without words: 1 test text") for note in notes)
    assert any(note.endswith("with different labels") for note in notes)
    assert "in training and in test: 2 texts" in notes  # One of them without words.
    named = [*sorted(TOPICS), "late", "rare", "never"]
    notes = read(path, split={"column": "split"}, classes=named).meta["notes"]
    assert "class without a text: 'never'" in notes


def test_texts_that_nothing_can_be_learned_from_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "news.csv", [(text, "") for text, _ in made_rows(20)])
    assert "no text has a label" in refused(path)
    written(path, [(text, "law") for text, _ in made_rows(20)])
    assert "all 12 training texts are of the class 'law'" in refused(path)
    written(path, [(text, text) for text, _ in made_rows(20)])
    assert "20 different labels in 20 texts" in refused(path)
    written(path, made_rows(20))
    said = refused(path, classes=["cooking", "laws", "music", "sport", "travel"])
    assert "the label 'law' is none of the classes" in said
    assert "(did you mean 'laws'?)" in said
    written(path, [("the same", "law"), ("the same", "sport")] * 9)
    assert "are too few to train, validate and test" in refused(path)


def test_labels_that_are_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    rows = [(text, str(number % 11)) for number, (text, _) in enumerate(made_rows(60))]
    prepared = read(written(tmp_path / "news.csv", rows))
    assert prepared.meta["classes"] == [str(number) for number in range(11)]


def test_a_parquet_file_gives_what_its_csv_gives(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [(text, number % 3) for number, (text, _) in enumerate(made_rows(40))]
    plain = read(written(tmp_path / "news.csv", [(text, str(label)) for text, label in rows]))
    path = tmp_path / "news.parquet"
    table = {"body": [text for text, _ in rows], "topic": [label for _, label in rows]}
    parquet.write_table(pyarrow.table(table), path)
    prepared = read(path)
    for name, array in plain.arrays.items():
        assert np.array_equal(array, prepared.arrays[name]), name
    assert "no column 'bodies' (did you mean 'body'?)" in refused(path, text="bodies")
    assert "has 0, which is no text" in refused(path, text="topic", label="body")
    path.write_bytes(path.read_bytes()[:100])
    assert "not a readable Parquet file" in refused(path)


def test_without_pyarrow_a_parquet_file_says_in_one_line_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    path = tmp_path / "news.parquet"
    path.write_bytes(b"PAR1 and so on")
    with pytest.raises(BenchError, match=r"pip install 'keras-sequence-bench\[parquet\]'$"):
        read(path)


@pytest.mark.parametrize("classes", [2, 5])
def test_every_view_of_imdb_opens_texts_of_two_classes_or_many(
    tmp_path: Path, classes: int
) -> None:
    names = sorted(TOPICS)[-classes:]
    rows = [row for row in made_rows(200) if row[1] in names]
    prepared = read(written(tmp_path / "news.csv", rows))
    view = {"num_words": 50, "maxlen": 12, "reverse": False, "dimensions": 40}
    for encoding in ENCODINGS:
        opened = kind.open_view(data(), prepared, {**view, "encoding": encoding})
        assert opened.classes == tuple(names)
        found = opened.train.gather(np.arange(3))
        assert found.shape == (3, *opened.input_shape)
        assert found.dtype == opened.input_dtype
        assert opened.input_shape[0] == {
            "ranks": 12, "one_hot": 12, "characters": 12, "hashed": 40,
            **{name: 12 * longest for name, longest in NGRAMS.items()},
        }.get(encoding, 50)  # fmt: skip
        assert opened.train.targets.dtype == np.float32
        assert {*opened.train.targets.tolist()} == {*map(float, range(classes))}


def test_the_first_text_is_shown_with_the_name_of_its_class(tmp_path: Path) -> None:
    prepared = read(written(tmp_path / "news.csv", made_rows(100)))
    view = {"num_words": 500, "maxlen": 12, "reverse": False, "dimensions": 40, "encoding": "ranks"}
    shown = kind.look(data(), prepared, view, "validation", 3)
    assert [row["split"] for row in shown.tables["texts"]] == [*PARTS]
    assert [row["class"] for row in shown.tables["classes"]] == sorted(TOPICS)
    assert sum(row["validation"] for row in shown.tables["classes"]) == 20  # type: ignore[misc]
    text, label = spelled(prepared, "validation")[3]
    assert (shown.example["text"], shown.example["label"]) == (text, label)
    assert [picture.name for picture in shown.pictures] == ["text-lengths", "class-balance"]
    assert sum(shown.pictures[1].y) == 100


def test_synthetic_texts_have_the_classes_that_data_names_and_can_be_learned() -> None:
    names = ["a", "b", "c", "d", "e"]
    prepared = kind.synthesise(data(classes=names))
    again = kind.synthesise(data(classes=names))
    assert prepared.meta["classes"] == names
    assert prepared.meta["texts"] == {"train": 6000, "validation": 2000, "test": 2000}
    for name, array in prepared.arrays.items():
        assert np.array_equal(array, again.arrays[name])
    counts = np.bincount(prepared.arrays["train_labels"])
    assert [*counts] == sorted(counts, reverse=True)
    assert prepared.meta["majority_share"]["train"] == round(counts[0] / 6000, 6)
    assert 0.7 < nearest_topic_accuracy(prepared) < 0.98
    assert kind.synthesise(data()).meta["classes"] == ["class 1", "class 2"]


def nearest_topic_accuracy(prepared: Prepared) -> float:
    """The accuracy of multinomial naive Bayes, by hand."""
    arrays, classes = prepared.arrays, len(prepared.meta["classes"])
    size = int(prepared.meta["vocabulary"]) + 1
    counts = {}
    for part in ("train", "test"):
        texts = np.repeat(
            np.arange(len(arrays[f"{part}_labels"])), np.diff(arrays[f"{part}_offsets"])
        )
        counts[part] = texts, arrays[f"{part}_tokens"].astype(np.int64)
    texts, tokens = counts["train"]
    table = np.ones((classes, size))
    np.add.at(table, (arrays["train_labels"][texts], tokens), 1)
    weights = np.log(table / table.sum(1, keepdims=True)).T
    texts, tokens = counts["test"]
    scores = np.zeros((len(arrays["test_labels"]), classes))
    np.add.at(scores, texts, weights[tokens])
    scores += np.log(np.bincount(arrays["train_labels"]))
    return float(np.mean(scores.argmax(1) == arrays["test_labels"]))


def test_the_majority_plugin_scores_the_share_of_the_largest_class(tmp_path: Path) -> None:
    prepared = read(written(tmp_path / "news.csv", made_rows(300)))
    path = Path(__file__).parents[2] / "plugins" / "text_majority.py"
    plugin = {"__name__": "text_majority"}
    exec(compile(path.read_text(encoding="utf-8"), path, "exec"), plugin)
    train, test = prepared.arrays["train_labels"], prepared.arrays["test_labels"]
    model = plugin["build"](SimpleNamespace(outputs=5)).fit(train, train.astype("float32"))
    predicted = model.predict(test).argmax(1)
    share = np.mean(test == np.bincount(train).argmax())
    assert (
        np.mean(predicted == test)
        == share
        == pytest.approx(prepared.meta["majority_share"]["test"])
    )
    two = plugin["build"](SimpleNamespace(outputs=1)).fit(train, (train > 3).astype("float32"))
    assert two.predict(test).tolist() == [np.mean(train > 3)] * len(test)


def test_a_sentence_is_answered_with_the_names_of_the_classes(tmp_path: Path) -> None:
    prepared = read(written(tmp_path / "news.csv", made_rows(100)))
    view = {"num_words": 500, "maxlen": 12, "reverse": False, "dimensions": 40, "encoding": "ranks"}
    found = kind.encode(data(), prepared, view, Question("the judge and the unheard jury"))
    assert found.inputs.shape == (1, 12)
    assert "unheard" in found.told["unknown"]
    assert found.answer(np.array([[0.05, 0.6, 0.1, 0.05, 0.2]])) == {
        "class": "law",
        "probabilities": "law 0.6000, travel 0.2000, music 0.1000, cooking 0.0500, sport 0.0500",
    }
    rows = [row for row in made_rows(100) if row[1] in ("law", "sport")]
    two = read(written(tmp_path / "news.csv", rows))
    found = kind.encode(data(), two, view, Question("the judge"))
    assert found.answer(np.array([0.7]))["class"] == "sport"
    assert found.answer(np.array([0.7]))["probabilities"] == "sport 0.7000, law 0.3000"
