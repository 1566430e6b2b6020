"""Look at a file or folder of labelled texts, and write the task file that runs on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.formatting import few, one_line
from bench.registry.drafts import Choice, source
from bench.text.kind import PART_NAMES, natural_key, parts_in
from bench.text.reading import words_of
from bench.text.tables import (
    class_folders,
    columns_of,
    decoded,
    found_delimiter,
    is_parquet,
    probable_encoding,
    read_content,
    text_files,
)

#: Rows that are looked at to tell which column is which; classes are counted in all.
_SAMPLE = 1_000
#: A column of texts has more words a cell than this, on average.
_FEWEST_WORDS = 2.0
_MOST_CLASSES = 1_000
_LABEL_NAMES = (
    "label", "labels", "class", "category", "topic", "target", "sentiment", "intent", "genre",
    "language", "lang", "y",
)  # fmt: skip
_SPLIT_NAMES = ("split", "set", "subset", "part", "partition", "fold")
#: Above this share of one class accuracy says little.
_UNBALANCED = 0.8
_SHORTEST_VIEW, _LONGEST_VIEW = 8, 500


@dataclass(frozen=True)
class Sampled:
    """What was found in a file or folder of texts, as DATA names it, and why.

    ``labels`` counts the texts of each class, ``words`` has the words of some texts. ``others``
    are columns that could hold the labels too.
    """

    options: Mapping[str, object]
    labels: Mapping[str, int]
    words: Sequence[int]
    others: Sequence[str] = ()


def propose(path: Path, file: str) -> str | None:
    """Return the text of a task file for texts, or None where nothing looks like texts.

    Args:
        path: A CSV or Parquet file, or a folder with a folder a class, or with parts.
        file: How the task file is to name it.

    Raises:
        DataError: It cannot be read, or no column can be that of the labels.
        BenchError: It is a Parquet file and pyarrow is not installed.
    """
    found = _of_folder(path) if path.is_dir() else _of_file(path)
    if found is None:
        return None
    total = sum(found.labels.values())
    name = one_line(path.name, 40)
    about = f"{name}: which of {len(found.labels):,} classes is a text of? {total:,} texts."
    return source("text", about, _choices(file, found))


def _choices(file: str, found: Sampled) -> list[Choice]:
    """Return the keys of DATA, with what each means here."""
    options = found.options
    label, most = max(found.labels.items(), key=lambda each: each[1])
    share = most / sum(found.labels.values())
    also = f"; {few(found.others)} could be it too" if found.others else ""
    comments = {
        "text": f"The column of the texts: {sum(found.words) / len(found.words):.0f} words each.",
        "label": f"The column of the classes{also}.",
        "delimiter": "What stands between columns.",
        "encoding": "How letters are written: the file is not UTF-8.",
    }
    by_digest = (
        "Shares, by a digest of each text, so that equal texts stay together; the rest is for the "
        "test. Another seed gives another split."
    )
    split = options.get("split", {"train": 0.6, "validation": 0.2, "seed": 0})
    return [
        Choice("file", file, "Seen from here; else looked for in the data folder, or --data."),
        *(Choice(key, options[key], comments[key]) for key in comments if key in options),
        Choice(
            "classes",
            sorted(found.labels, key=natural_key),
            "In the order of their numbers; a text with another label is an error.",
        ),
        Choice("split", split, "As the data say." if "split" in options else by_digest),
        Choice(
            "maxlen",
            _view_length(found.words),
            "The words that a model sees of a text, its last: all of nineteen texts in twenty.",
        ),
        Choice(
            "metric",
            "macro_f1" if share > _UNBALANCED else "accuracy",
            "accuracy, macro_f1 (every class weighs the same) or log_loss; always saying "
            f"{one_line(label, 40)!r} has an accuracy of about {share:.3f}.",
        ),
    ]


def _view_length(words: Sequence[int]) -> int:
    """Return how many words hold nineteen texts in twenty, with the mark of the start."""
    ordered = sorted(words)
    wanted = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] + 1
    return min(max(wanted, _SHORTEST_VIEW), _LONGEST_VIEW)


# A file


def _of_file(path: Path) -> Sampled | None:
    written: dict[str, str] = {} if is_parquet(path) else _written(path)
    columns = columns_of(path, written.get("delimiter"), written.get("encoding", "utf-8"))
    text = max(columns, key=lambda name: _wordiness(columns[name]))
    if _wordiness(columns[text]) <= _FEWEST_WORDS:
        return None
    parts = _split_column(columns, text)
    candidates = _label_columns(columns, {text, parts})
    if not candidates:
        raise DataError(
            f"{path}: no column besides {text!r} has from 2 to {_MOST_CLASSES:,} different values "
            "that could be classes; add one"
        )
    labels = Counter(label for label in columns[candidates[0]] if label)
    options: dict[str, object] = {"text": text, "label": candidates[0], **written}
    if parts is not None:
        options["split"] = {"column": parts}
    words = [len(words_of(cell)) for cell in columns[text][:_SAMPLE]]
    return Sampled(options, labels, words, candidates[1:])


def _wordiness(cells: Sequence[str]) -> float:
    """Return how many words with a letter a cell has on average, 0 where most cells repeat."""
    some = [cell for cell in cells[:_SAMPLE] if cell]
    if len({*some}) <= len(some) / 2:
        return 0.0
    words = [sum(any(map(str.isalpha, word)) for word in words_of(cell)) for cell in some]
    return sum(words) / len(words)


def _written(path: Path) -> dict[str, str]:
    """Return how a CSV file is written, as DATA says it."""
    content = read_content(path)
    encoding = probable_encoding(content)
    delimiter = found_delimiter(path, decoded(path, content, encoding))
    named = {} if encoding == "utf-8" else {"encoding": encoding}
    return {"delimiter": delimiter, **named}


def _split_column(columns: Mapping[str, Sequence[str]], text: str) -> str | None:
    """Return the column that says which part a text belongs to, if one does."""
    known = {name for names in PART_NAMES.values() for name in names}
    for name, cells in columns.items():
        values = {cell.lower() for cell in cells}
        is_named = name.lower() in _SPLIT_NAMES
        if name != text and is_named and values <= known and {"train", "test"} <= values:
            return name
    return None


def _label_columns(columns: Mapping[str, Sequence[str]], others: set[str | None]) -> list[str]:
    """Return the columns that could hold the classes, the likeliest first."""
    different = {name: len({*cells} - {""}) for name, cells in columns.items()}
    most = min(_MOST_CLASSES, max(2, len(next(iter(columns.values()))) // 2))
    fitting = [name for name, count in different.items() if 2 <= count <= most]
    fitting = [name for name in fitting if name not in others]
    named = [name for each in _LABEL_NAMES for name in fitting if name.lower() == each]
    rest = sorted((name for name in fitting if name not in named), key=different.__getitem__)
    return [*named, *rest]


# A folder


def _of_folder(path: Path) -> Sampled | None:
    parts = parts_in(path)
    if not {"train", "test"} <= parts.keys():
        return _of_classes([path], {})
    places = [path / name for name in parts.values()]
    if all(place.is_dir() for place in places):
        return _of_classes(places, {"split": parts})
    found = _of_file(path / parts["train"])
    if found is None:
        return None
    labels = Counter(found.labels)
    for name in [name for part, name in parts.items() if part != "train"]:
        written = {} if is_parquet(path / name) else _written(path / name)
        columns = columns_of(
            path / name, written.get("delimiter"), written.get("encoding", "utf-8")
        )
        labels.update(filter(None, columns.get(str(found.options["label"]), [])))
    return Sampled({**found.options, "split": parts}, labels, found.words, found.others)


def _of_classes(places: Sequence[Path], options: Mapping[str, object]) -> Sampled | None:
    files = [
        (folder.name, file)
        for place in places
        for folder in class_folders(place)
        for file in text_files(folder)
    ]
    if not files:
        return None
    step = max(1, len(files) // _SAMPLE)
    words = [
        len(words_of(file.read_bytes().decode("utf-8", errors="replace")))
        for _, file in files[::step]
    ]
    return Sampled(options, Counter(name for name, _ in files), words)
