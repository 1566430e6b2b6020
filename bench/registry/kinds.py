"""The kinds of tasks that need no code: what DATA of a task file says, and what follows from it.

A task file of a kind declares ``KIND`` and ``DATA``; all else that a task declares it may leave
out: the kind gives it, by ``TaskKind.literals`` and by the functions of the kind's module, each
of which takes the checked DATA first::

    read(data, files, official) -> Prepared         synthesise(data) -> Prepared
    open_view(data, prepared, view) -> OpenTask
    look(data, prepared, view, split, number) -> Look
    encode(data, prepared, view, question) -> Encoded
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError
from bench.formatting import nearest
from bench.registry.declarations import Constant, Declarations
from bench.values import NAMES, SCORES, is_a, unstorable

_REQUIRED: Any = object()
#: Wrong keys of DATA, or of a part of it, each with what is wrong.
Complaints = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class DataOption:
    """One key of DATA: what values it takes, what it is if it is left out, and what it says.

    ``items`` is the kind of each item of a list, of which there has to be one where the list may
    not be empty. An ``optional`` one may be None.
    """

    kind: type
    meaning: str
    default: Any = _REQUIRED
    optional: bool = False
    smallest: float | None = None
    choices: tuple[str, ...] = ()
    items: type | None = None
    may_be_empty: bool = False

    @property
    def is_required(self) -> bool:
        """Whether DATA has to give it."""
        return self.default is _REQUIRED

    def complaint(self, value: Any) -> str:
        """Return what is wrong with a value ("must be ..."), or an empty string."""
        if value is None and self.optional:
            return ""
        if not is_a(value, self.kind):
            return f"must be {NAMES[self.kind]}{' or None' * self.optional}, not {value!r}"
        if not value and self.kind in (str, list) and not self.may_be_empty:
            return "must not be empty"
        if self.items and not all(is_a(item, self.items) for item in value):
            return f"must be a list whose items are each {NAMES[self.items]}, not {value!r}"
        if self.choices and value not in self.choices:
            known = ", ".join(self.choices)
            return f"must be one of {known}, not {value!r}{nearest(str(value), self.choices)}"
        if self.smallest is not None and value < self.smallest:
            return f"must be at least {self.smallest:g}, not {value!r}"
        return unstorable(value)


@dataclass(frozen=True)
class TaskKind:
    """A kind of tasks.

    ``module`` has the functions of those that a task file does not define. ``options`` are the
    keys of DATA, by name; ``contradictions`` yields what is wrong with the rest of a DATA whose
    values are each right, and ``literals`` returns what a task of it declares, by the names that
    a task file has for it.
    """

    name: str
    about: str
    module: str
    options: Mapping[str, DataOption]
    contradictions: Callable[[Mapping[str, Any]], Complaints]
    literals: Callable[[Mapping[str, Any]], dict[str, Any]]

    def complaints(self, data: Mapping[Any, Any]) -> Complaints:
        """Yield each key of a DATA that is wrong, with what is; "" for one that lacks."""
        for key, value in data.items():
            if key not in self.options:
                known = ", ".join(self.options)
                hint = nearest(str(key), self.options) or f"; there are: {known}"
                yield key, f"has an unknown key {key!r}{hint}"
            elif wrong := self.options[key].complaint(value):
                yield key, f"key {key!r} {wrong}"
        for key, option in self.options.items():
            if option.is_required and key not in data:
                yield "", f"lacks the key {key!r}: {option.meaning}"

    def filled(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return a DATA without complaints, with the defaults of what it leaves out."""
        return {key: data.get(key, option.default) for key, option in self.options.items()}


_SPLIT = "shares, as {'train': 0.6, 'validation': 0.2}; the rest is for the test"


def _wrong_shares(split: Mapping[Any, Any]) -> str:
    """Return what is wrong with shares of train and validation, or an empty string."""
    if {*split} != {"train", "validation"}:
        found = ", ".join(map(repr, split)) or "nothing"
        return f"must have the keys 'train' and 'validation', not {found}"
    if not all(is_a(share, float) and 0 < share < 1 for share in split.values()):
        return f"must give shares above 0 and below 1, not {[*split.values()]}"
    if sum(split.values()) >= 1:
        return f"must leave a share for the test: {' + '.join(map(str, split.values()))} do not"
    return ""


# Series: numbers over time


_SERIES: Mapping[str, DataOption] = {
    "file": DataOption(str, "a CSV or Parquet file, beside the task file or in the data folder"),
    "time": DataOption(str, "the column of the time"),
    "time_format": DataOption(
        str, "how it is written, as for strptime; None is as found", None, optional=True
    ),
    "targets": DataOption(list, "the columns that are predicted", items=str),
    "inputs": DataOption(
        list, "the columns that a model sees; None is all of numbers", None, True, items=str
    ),
    "interval": DataOption(
        str,
        "the time between two rows, as '15min', '1h', '1d', '1month', or 'row' for rows that "
        "follow one another whatever time lies between; None is as found",
        None,
        True,
    ),
    "lookback": DataOption(int, "the rows that a model sees", 24, smallest=1),
    "step": DataOption(int, "it sees every so many of them", 1, smallest=1),
    "delay": DataOption(int, "the rows from the last seen to the first predicted", 1, smallest=1),
    "horizon": DataOption(int, "the rows that are predicted, one after the other", 1, smallest=1),
    "split": DataOption(
        dict,
        f"{_SPLIT}; or times, as {{'validation_from': '2020-01-01', 'test_from': '2021-01-01'}}",
        {"train": 0.5, "validation": 0.25},
    ),
    "missing": DataOption(list, "values that stand for none", [], may_be_empty=True),
    "delimiter": DataOption(str, "what stands between columns; None is as found", None, True),
    "decimal": DataOption(
        str, "the decimal mark; None is as found", None, True, choices=(".", ",")
    ),
    "unit": DataOption(str, "the unit of the targets", "", may_be_empty=True),
    "metric": DataOption(
        str, "what predictions are scored by", "mae", choices=("mae", "rmse", "mase", "smape")
    ),
    "season": DataOption(
        int,
        "the rows of a season, of the seasonal naive forecast and MASE; None is what the interval "
        "suggests: a day, a week of days, a year of months",
        None,
        True,
        smallest=1,
    ),
}

_TIMES = {"validation_from", "test_from"}


def _series_contradictions(data: Mapping[str, Any]) -> Complaints:
    split = data["split"]
    if _TIMES & {*split}:
        if {*split} != _TIMES or not all(is_a(value, str) for value in split.values()):
            yield "split", "must have the keys 'validation_from' and 'test_from' with a time each"
    elif wrong := _wrong_shares(split):
        yield "split", wrong
    if data["lookback"] % data["step"]:
        yield "lookback", f"must be a multiple of step={data['step']}"
    for key in ("targets", "inputs"):
        if len({*(data[key] or ())}) < len(data[key] or ()):
            yield key, "must name each column once"
    if data["delimiter"] is not None and len(data["delimiter"]) != 1:
        yield "delimiter", f"must be one character, not {data['delimiter']!r}"
    if data["time"] in (*data["targets"], *(data["inputs"] or ())):
        yield "time", "must be none of the targets and inputs"
    if data["interval"] is not None:
        from bench.registry.intervals import interval_of

        try:
            interval_of(data["interval"])
        except BenchError as error:
            yield "interval", str(error)
    if not all(is_a(mark, float) or is_a(mark, str) for mark in data["missing"]):
        yield "missing", f"must be a list of numbers and texts, not {data['missing']!r}"


def metric_in_unit(data: Mapping[str, Any]) -> str:
    """Return the further metric of a series that is in its unit, "mae_MW"; "" where none is.

    Targets of several columns have scales of their own, and sMAPE has no unit. MASE, whose scale
    is an absolute error, becomes the MAE.
    """
    base = {"mae": "mae", "rmse": "rmse", "mase": "mae"}.get(data["metric"])
    return f"{base}_{data['unit']}" if base and data["unit"] and len(data["targets"]) == 1 else ""


def _series_literals(data: Mapping[str, Any]) -> dict[str, Any]:
    metric, further = data["metric"], metric_in_unit(data)
    units = {metric: f"std of {', '.join(data['targets'])}" if metric in ("mae", "rmse") else ""}
    if further:
        units[further] = data["unit"]
    from bench.registry.intervals import interval_of  # A run without such a task reads none.

    interval = interval_of(data["interval"] or "1d")
    return {
        "METRIC": metric,
        "LOSS": "mean_squared_error" if metric == "rmse" else "mean_absolute_error",
        "BASELINE": "series_naive",
        "UNITS": units,
        "GROUPS": interval.groups,
        "IN_TIME": True,
        "VIEW": {
            "lookback": data["lookback"],
            "step": data["step"],
            "reverse": False,
            "columns": None,
            "standardise": True,
            "calendar": False,
        },
        "CHOICES": {},
        # As many steps for a short series as for a long one: a pass over fifty examples is none.
        "TRAINING": {
            "epochs": 20,
            "steps_per_epoch": 200,
            "batch_size": 128,
            "optimizer": "rmsprop",
        },
        "PROFILES": {
            "smoke": {"epochs": 1, "examples_per_epoch": 512, "scored_examples": 500},
            "quick": {"epochs": 4, "examples_per_epoch": 7680, "scored_examples": 3000},
            "full": {},
        },
        "TEST_TARGETS": ["targets_test"],
    }


# Texts: what they are about, or how they are meant


_TEXT: Mapping[str, DataOption] = {
    "file": DataOption(
        str, "a CSV or Parquet file, or a folder with a folder a class, beside the task file or "
        "in the data folder"
    ),
    "text": DataOption(str, "the column of the texts", "text"),
    "label": DataOption(str, "the column of the classes", "label"),
    "classes": DataOption(
        list,
        "the classes in their order; None is those that are found, sorted",
        None,
        optional=True,
        items=str,
    ),
    "split": DataOption(
        dict,
        f"{_SPLIT}, by a digest of each text; or a column, as {{'column': 'split'}}; or the names "
        "of files or folders, as {'train': 'train.csv', 'test': 'test.csv'}",
        {"train": 0.6, "validation": 0.2},
    ),
    "delimiter": DataOption(str, "what stands between columns; None is as found", None, True),
    "encoding": DataOption(str, "how letters are written, as 'latin-1'", "utf-8"),
    "maxlen": DataOption(int, "the words that a model sees of a text", 200, smallest=1),
    "metric": DataOption(
        str,
        "what predictions are scored by",
        "accuracy",
        choices=("accuracy", "macro_f1", "log_loss"),
    ),
}  # fmt: skip

_PARTS = ("train", "validation", "test")


def _wrong_text_split(split: Mapping[Any, Any]) -> str:
    """Return what is wrong with a split of texts, or an empty string."""
    known = (*_PARTS, "column", "seed")
    for key in split:
        if key not in known:
            return f"has an unknown key {key!r}{nearest(str(key), known)}; use {', '.join(known)}"
    seed, share = split.get("seed", 0), split.get("validation", 0.2)
    if not is_a(seed, int) or not 0 <= seed < 2**63:
        return f"must have a whole number of 0 or more as its seed, not {seed!r}"
    is_named = "column" in split or is_a(split.get("train"), str)
    if not is_named:
        return _wrong_shares({key: value for key, value in split.items() if key != "seed"})
    if "column" not in split and not is_a(split.get("test"), str):
        return "must name what is for the test too, as {'train': 'train.csv', 'test': 'test.csv'}"
    if is_a(share, float) and not 0 < share < 1:
        return f"must take a share above 0 and below 1 for validation, not {share!r}"
    named = {key: split[key] for key in ("column", *_PARTS) if key in split}
    wrong = [key for key, value in named.items() if not is_a(value, str) or not value]
    wrong = [key for key in wrong if key != "validation" or not is_a(share, float)]
    return f"must give {wrong[0]!r} as a text, not {named[wrong[0]]!r}" if wrong else ""


def _text_contradictions(data: Mapping[str, Any]) -> Complaints:
    if wrong := _wrong_text_split(data["split"]):
        yield "split", wrong
    classes = data["classes"]
    if classes is not None and len({*classes}) < max(2, len(classes)):
        yield "classes", "must name two or more, each once"
    if data["delimiter"] is not None and len(data["delimiter"]) != 1:
        yield "delimiter", f"must be one letter, not {data['delimiter']!r}"
    try:
        codecs.lookup(data["encoding"])
    except LookupError:
        yield "encoding", f"must be one that Python knows, not {data['encoding']!r}; use 'utf-8'"


def _text_literals(data: Mapping[str, Any]) -> dict[str, Any]:
    metric = data["metric"]
    # Of classes that are not known yet, a plugin's loss follows from how many are found.
    classes = data["classes"]
    many = classes is not None and len(classes) > 2
    return {
        "METRIC": metric,
        "LOSS": "sparse_categorical_crossentropy" if many else "binary_crossentropy",
        "BASELINE": "text_majority",
        "UNITS": {metric: "share of texts" if metric == "accuracy" else ""},
        "GROUPS": "texts",
        "VIEW": {
            "num_words": 10000,
            "maxlen": data["maxlen"],
            "encoding": "ranks",
            "reverse": False,
            "dimensions": 1000,
        },
        "CHOICES": {
            "encoding": [
                "ranks",
                "multi_hot",
                "counts",
                "tf_idf",
                "hashed",
                "one_hot",
                "characters",
                "bigrams",
                "trigrams",
            ]
        },
        "TRAINING": {"epochs": 10, "batch_size": 128, "optimizer": "rmsprop"},
        "PROFILES": {
            "smoke": {"epochs": 1, "examples_per_epoch": 512, "scored_examples": 500},
            "quick": {"epochs": 4, "examples_per_epoch": 5120, "scored_examples": 5000},
            "full": {},
        },
        "TEST_TARGETS": ["test_labels"],
    }


KINDS: Mapping[str, TaskKind] = {
    kind.name: kind
    for kind in (
        TaskKind(
            "series",
            "numbers over time, of which later ones are predicted",
            "bench.series.kind",
            _SERIES,
            _series_contradictions,
            _series_literals,
        ),
        TaskKind(
            "text",
            "texts, of which the class is predicted",
            "bench.text.kind",
            _TEXT,
            _text_contradictions,
            _text_literals,
        ),
    )
}


def literals_of(
    kind: TaskKind, data: Mapping[str, Any], declared: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all that a task of a kind declares, unless its file declares otherwise.

    Args:
        kind: The kind.
        data: The checked DATA, with defaults filled in.
        declared: The literals that the file has; another METRIC has another direction.
    """
    metric = declared.get("METRIC", data["metric"])
    found = kind.literals({**data, "metric": metric})
    return {
        "VERSION": 1,
        "DIRECTION": SCORES.get(metric, "min"),
        "OFFICIAL": [],
        "LOCAL": [[data["file"]]],
        "SYNTHETIC": "1",
        **found,
    }


def data_of(found: Declarations, kind: TaskKind) -> dict[str, Any]:
    """Return what DATA says, with the defaults of what it leaves out.

    Raises:
        BenchError: Something in it is wrong; names the line.
    """
    constant = found.constants["DATA"]
    if not isinstance(constant.value, dict):
        raise BenchError(f"{found.path}:{constant.line}: DATA must be {NAMES[dict]}")
    _refuse(found, constant, kind.complaints(constant.value))
    data = kind.filled(constant.value)
    wrong = ((key, f"key {key!r} {why}") for key, why in kind.contradictions(data))
    _refuse(found, constant, wrong)
    return data


def _refuse(found: Declarations, data: Constant, wrong: Iterable[tuple[str, str]]) -> None:
    for key, message in wrong:
        line = data.key_lines.get(key, data.line)
        raise BenchError(f"{found.path}:{line}: DATA {message}")
