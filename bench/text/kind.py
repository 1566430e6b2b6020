"""Tasks of texts that need no code: what ``KIND = "text"`` and ``DATA`` of a task file mean."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.formatting import counted, few, nearest, one_line
from bench.task import Encoded, Look, OpenTask, Prepared, Question
from bench.text import asking, opening
from bench.text import look as looking
from bench.text.corpus import (
    PARTS,
    VALIDATION_SHARE,
    Labelled,
    Reviews,
    clean_cut,
    lay_out,
    notes_on_parts,
    order_by_digest,
)
from bench.text.reading import build_parts, words_of
from bench.text.synthetic import make_topics
from bench.text.tables import Texts, joined, read_texts

#: What a column of the split may call each part, if DATA does not say.
PART_NAMES: Mapping[str, tuple[str, ...]] = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development"),
    "test": ("test", "testing"),
}
#: How many classes the synthetic data have where DATA does not name them.
_CLASSES = 2


def read(data: Mapping[str, Any], files: Sequence[Path], official: bool) -> Prepared:
    """Read the texts, split them, and lay them out as those of IMDB are.

    Words are ranked over the training part alone; those that it lacks are dropped from the
    others. Of files that are not official the meta's ``notes`` say what is odd in them.

    Args:
        data: The task's DATA, with every option.
        files: A CSV or Parquet file, or several that are read as one; or a folder.
        official: Whether the files are the published ones.

    Raises:
        DataError: A file is wrong, or the texts are too few; names the place and the fix.
        BenchError: The file is a Parquet file and pyarrow is not installed.
    """
    name = ", ".join(path.name for path in files)
    found, notes = _labelled(_gathered(data, files), name)
    classes = _classes(data, found, name)
    digests = [_digest(text, data["split"].get("seed", 0)) for text in found.texts]
    parts = _split(data["split"], found, digests)
    _check(parts, found, name)
    number = {label: place for place, label in enumerate(classes)}
    pairs = {
        part: [(found.texts[text], number[found.labels[text]]) for text in chosen]
        for part, chosen in parts.items()
    }
    reviews, words = build_parts(*(pairs[part] for part in PARTS))
    made = dict(zip(PARTS, reviews, strict=True))
    prepared = lay_out(made, words, _described(made, classes, name))
    notes += _class_notes(made, classes)
    empty = _digest("", data["split"].get("seed", 0))
    told = {
        "training" if part == "train" else part: Labelled(
            [digests[text] for text in parts[part]], made[part].labels.tolist(), empty
        )
        for part in PARTS
    }
    notes += notes_on_parts(told, "text", "different labels")
    return replace(prepared, meta={**prepared.meta, "notes": [] if official else notes})


def synthesise(data: Mapping[str, Any]) -> Prepared:
    """Make texts of as many classes as DATA names, the same on every platform."""
    classes = data["classes"] or [f"class {number}" for number in range(1, _CLASSES + 1)]
    parts, words = make_topics(len(classes))
    return lay_out(parts, words, _described(parts, classes, "synthetic texts"))


def open_view(data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Open the texts under a view, as those of IMDB are opened."""
    return opening.open_view(prepared, view)


def look(
    data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any], split: str, number: int
) -> Look:
    """Show the splits, the classes, a text in words and as a model gets it."""
    return looking.look(prepared, view, split, number)


def encode(
    data: Mapping[str, Any], prepared: Prepared, view: Mapping[str, Any], question: Question
) -> Encoded:
    """Encode a sentence of the user's own as the texts are that a model was trained on."""
    return asking.encode(prepared, view, question)


# The texts of all files, with their parts


def _gathered(data: Mapping[str, Any], files: Sequence[Path]) -> Texts:
    split = data["split"]
    named = {part: split[part] for part in PARTS if isinstance(split.get(part), str)}
    if named and split.get("column") is None:
        tables = [read_texts(_part_of(files, name), data, None) for name in named.values()]
        return joined(tables, list(named))
    for path in files:
        _check_no_parts(path)
    return joined([read_texts(path, data, split.get("column")) for path in files])


def _part_of(files: Sequence[Path], name: str) -> Path:
    """Return the file or folder of a part: in the folder that was given, or one of the files."""
    beside = [path / name if path.is_dir() else path.parent / name for path in files]
    found = next((path for path in beside if path.exists()), None)
    if found is None:
        raise DataError(f"{beside[0]}: is not there, and DATA's split names it; correct the name")
    return found


def _check_no_parts(path: Path) -> None:
    """Refuse a folder whose folders or files are parts, not classes."""
    found = parts_in(path) if path.is_dir() else {}
    if {"train", "test"} <= found.keys():
        named = ", ".join(f'"{part}": "{name}"' for part, name in found.items())
        raise DataError(
            f"{path}: has {few([*found.values()])}, which look like parts and not like classes; "
            f'write "split": {{{named}}} into DATA'
        )


def parts_in(folder: Path) -> dict[str, str]:
    """Return the names of what in a folder is called as a part is, by the part, in their order."""
    names = sorted(each.name for each in folder.iterdir() if each.name[0] != ".")
    found = {part: [n for n in names if n.lower().partition(".")[0] in all_of_them]
             for part, all_of_them in PART_NAMES.items()}  # fmt: skip
    return {part: each[0] for part, each in found.items() if each}


def _labelled(found: Texts, name: str) -> tuple[Texts, list[str]]:
    """Return the texts that have a label, and what there is to say of the others."""
    kept = [number for number, label in enumerate(found.labels) if label]
    if not kept:
        raise DataError(f"{name}: no text has a label; name the column of labels in DATA")
    notes = [*found.notes]
    if missing := len(found) - len(kept):
        first = found.places[found.labels.index("")]
        notes.append(f"left out: {counted(missing, 'text')} without a label ({first} first)")
    return (found.only(kept) if missing else found), notes


def _classes(data: Mapping[str, Any], found: Texts, name: str) -> list[str]:
    """Return the names of the classes in the order of their numbers."""
    there = set(found.labels)
    if data["classes"] is None:
        if len(there) > 2 and len(there) > len(found) / 2:
            raise DataError(
                f"{name}: {len(there):,} different labels in {len(found):,} texts leave nothing to "
                f"learn; name the column of labels in DATA, {data['label']!r} is none"
            )
        return sorted(there, key=natural_key)
    classes = list(data["classes"])
    for label, place in zip(found.labels, found.places, strict=True):
        if label not in classes:
            shown = one_line(label, 60)
            raise DataError(
                f"{place}: the label {shown!r} is none of the classes that DATA names"
                f'{nearest(label, classes)}; correct it, or add it to "classes"'
            )
    return classes


def natural_key(label: str) -> tuple[int, float, str]:
    """Sort whole numbers by their size, and before words."""
    is_number = label.removeprefix("-").isdecimal() and len(label) < 16
    return (0, int(label), label) if is_number else (1, 0, label)


# The split


def _split(
    split: Mapping[str, Any], found: Texts, digests: Sequence[bytes]
) -> dict[str, list[int]]:
    """Return the numbers of the texts of each part.

    Where the split is not given, texts are ordered by the digest of their words and cut into
    validation, test and training; copies of one text are neighbours, and no cut parts them.
    """
    if found.parts is None:
        wanted = [split["validation"], 1 - split["train"] - split["validation"]]
        validation, test, train = _cut(range(len(found)), wanted, digests)
        return {"train": train, "validation": validation, "test": test}
    parts = _given(split, found)
    if not parts["validation"]:
        share = split.get("validation")
        share = share if isinstance(share, float) else 1 / VALIDATION_SHARE
        parts["validation"], parts["train"] = _cut(parts["train"], [share], digests)
    return parts


def _given(split: Mapping[str, Any], found: Texts) -> dict[str, list[int]]:
    """Return the parts as a column, or the names of folders or files, give them."""
    assert found.parts is not None
    column = split.get("column")
    names = {name: part for part, all_of_them in PART_NAMES.items() for name in all_of_them}
    if column is not None:
        names.update({split[p].lower(): p for p in PARTS if isinstance(split.get(p), str)})
    parts: dict[str, list[int]] = {part: [] for part in PARTS}
    for number, said in enumerate(found.parts):
        part = names.get(said.lower())
        if part is None:
            raise DataError(
                f"{found.places[number]}: column {column!r} has {one_line(said, 40)!r}, which is "
                'no part; write train, validation or test, or name it in DATA, such as "split": '
                f'{{"column": "{column}", "test": "{one_line(said, 40)}"}}'
            )
        parts[part].append(number)
    return parts


def _cut(
    numbers: Sequence[int], shares: Sequence[float], digests: Sequence[bytes]
) -> list[list[int]]:
    """Cut texts into pieces of these shares and the rest, in the order of their digests.

    Where there are too few different texts, later pieces are empty.
    """
    own = [digests[number] for number in numbers]
    order = order_by_digest(own)
    ordered = [own[place] for place in order]
    cuts, total = [0], 0.0
    for share in shares:
        total += share
        wanted = max(1, round(total * len(order)))
        cuts.append(clean_cut(ordered, wanted, cuts[-1] + 1, otherwise=len(order)))
    return [
        [numbers[place] for place in order[first:end]]
        for first, end in zip(cuts, [*cuts[1:], len(order)], strict=True)
    ]


def _digest(text: str, seed: int) -> bytes:
    words = " ".join(words_of(text)).encode(errors="surrogatepass")
    return hashlib.blake2b(words, digest_size=16, salt=seed.to_bytes(8, "little")).digest()


# What is refused, and what is said


def _check(parts: Mapping[str, Sequence[int]], found: Texts, name: str) -> None:
    """Refuse texts that nothing can be learned from.

    Raises:
        DataError: A part has too few texts, or the training part has one class only.
    """
    sizes = {part: len(parts[part]) for part in PARTS}
    if sizes["train"] < 2 or min(sizes.values()) < 1:
        told = ", ".join(f"{size:,} {part}" for part, size in sizes.items())
        raise DataError(
            f"{name}: {told} texts are too few to train, validate and test; give more different "
            "texts, or another split in DATA"
        )
    labels = {found.labels[number] for number in parts["train"]}
    if len(labels) == 1:
        label = one_line(labels.pop(), 60)
        raise DataError(
            f"{name}: all {sizes['train']:,} training texts are of the class {label!r}, which "
            "leaves nothing to learn; give texts of two classes or more"
        )


def _class_notes(parts: Mapping[str, Reviews], classes: Sequence[str]) -> list[str]:
    """Say which classes have no training text, or one text in all."""
    counts = {part: Counter(reviews.labels.tolist()) for part, reviews in parts.items()}
    total = sum(counts.values(), Counter[int]())
    notes = []
    names = [repr(one_line(name, 40)) for name in classes]
    missing = [names[n] for n in range(len(classes)) if total[n] and not counts["train"][n]]
    single = [names[n] for n in range(len(classes)) if total[n] == 1]
    empty = [names[n] for n in range(len(classes)) if not total[n]]
    for what, found in (
        ("without a text", empty),
        ("without a training text, so that no model can learn it", missing),
        ("with one text", single),
    ):
        if found:
            noun = "class" if len(found) == 1 else "classes"
            notes.append(f"{noun} {what}: {few(found)}")
    return notes


def _described(
    parts: Mapping[str, Reviews], classes: Sequence[str], made_from: str
) -> dict[str, Any]:
    """Return what a reader of the data would want to know.

    ``majority_share`` is the share of the training part's largest class in each part: what
    a model that always says that class scores.
    """
    counts = {part: Counter(parts[part].labels.tolist()) for part in PARTS}
    largest = max(range(len(classes)), key=lambda number: (counts["train"][number], -number))
    return {
        "made_from": made_from,
        "classes": list(classes),
        "texts": {part: len(parts[part].labels) for part in PARTS},
        "majority_share": {
            part: round(counts[part][largest] / len(parts[part].labels), 6) for part in PARTS
        },
    }
