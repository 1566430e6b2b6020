"""A task file of a kind needs no code: DATA says what the data are, and the kind does the rest."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from builders import task_source

from bench.data.sources import resolve
from bench.errors import BenchError, DataError, TaskError
from bench.registry.kinds import KINDS
from bench.registry.task_code import call_task
from bench.registry.tasks import TaskInfo, read_task
from bench.values import SCORES, TASK_KINDS

SERIES = {"file": "load.csv", "time": "when", "targets": ["load"]}
TEXT = {"file": "news.csv", "text": "body", "label": "topic"}


def a_task_of(folder: Path, kind: str, more: str = "", **data: Any) -> TaskInfo:
    """Read a task file of a kind, with a key of DATA a line from the fourth on."""
    said = {**(SERIES if kind == "series" else TEXT), **data}
    lines = [f"    {key!r}: {value!r}," for key, value in said.items()]
    source = "\n".join(['"""Made."""', f"KIND = {kind!r}", "DATA = {", *lines, "}", more])
    (folder / "town.py").write_text(source, encoding="utf-8")
    return read_task(folder / "town.py")


# What DATA says, and what follows


def test_there_are_the_kinds_that_a_file_may_name():
    assert (*KINDS,) == TASK_KINDS


def test_a_task_of_a_kind_is_whole_without_another_word(tmp_path):
    task = a_task_of(tmp_path, "series", lookback=48, unit="MW", metric="rmse")

    assert (task.kind, task.version, task.direction) == ("series", 1, "min")
    assert (task.metric, task.loss) == ("rmse", "mean_squared_error")
    assert task.units == {"rmse": "std of load", "rmse_MW": "MW"}
    assert task.view["lookback"] == 48
    assert task.local == [["load.csv"]]
    assert (task.data["delay"], task.data["decimal"]) == (1, None)


def test_a_literal_of_the_file_comes_before_what_the_kind_gives(tmp_path):
    more = 'GROUPS = "shifts"\nMETRIC = "accuracy"\nUNITS = {"accuracy": "of shifts"}\n'
    task = a_task_of(tmp_path, "series", more)

    assert task.groups == "shifts"
    assert (task.metric, task.direction) == ("accuracy", "max")
    with pytest.raises(BenchError, match=r"town\.py:8: GROUPS must be a text"):
        a_task_of(tmp_path, "series", "GROUPS = 1")


def test_another_word_in_data_is_another_source(tmp_path):
    assert a_task_of(tmp_path, "series").sha256 != a_task_of(tmp_path, "series", delay=2).sha256


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_that_a_kind_offers_is_scored_and_its_default_is_right(tmp_path, kind):
    options = KINDS[kind].options

    assert {*options["metric"].choices} <= {*SCORES}
    for metric in options["metric"].choices:
        assert a_task_of(tmp_path, kind, metric=metric).direction == SCORES[metric]
    for option in options.values():
        assert option.is_required or option.complaint(option.default) == ""


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"traget": "x"}, r"town\.py:7: DATA has an unknown key 'traget' \(did you mean 'targets'"),
        ({"targets": "load"}, r"town\.py:6: DATA key 'targets' must be a list, not 'load'"),
        ({"targets": []}, "'targets' must not be empty"),
        ({"targets": ["a", "a"]}, "'targets' must name each column once"),
        ({"targets": [1]}, "'targets' must be a list whose items are each a text"),
        ({"delay": 0}, "'delay' must be at least 1, not 0"),
        ({"delay": None}, "'delay' must be a whole number, not None"),
        ({"time_format": 1}, "'time_format' must be a text or None"),
        ({"metric": "mea"}, r"must be one of mae, rmse, mase, smape, not 'mea' \(did you mean"),
        ({"lookback": 10, "step": 3}, "'lookback' must be a multiple of step=3"),
        ({"split": {"train": 0.6}}, "must have the keys 'train' and 'validation'"),
        ({"split": {"train": 0.6, "validation": 0.4}}, "must leave a share for the test"),
        ({"split": {"train": 60, "validation": 20}}, "shares above 0 and below 1"),
        ({"split": {"test_from": "2020-01-01"}}, "keys 'validation_from' and 'test_from'"),
    ],
)
def test_a_wrong_key_of_a_series_is_named_with_its_line(tmp_path, data, complaint):
    with pytest.raises(BenchError, match=complaint):
        a_task_of(tmp_path, "series", **data)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"classes": ["one"]}, "'classes' must name two or more"),
        ({"split": {"column": 3}}, "'split' must give 'column' as a text"),
        ({"split": {"column": "x", "seeds": 3}}, r"unknown key 'seeds' \(did you mean 'seed'"),
        ({"split": {"train": 0.6, "validation": 0.2, "seed": -1}}, "0 or more as its seed"),
        ({"split": {"train": 0.6, "validation": 0.5}}, "must leave a share for the test"),
        ({"split": {"train": "train.csv"}}, "must name what is for the test too"),
        ({"split": {"column": "x", "validation": 1.5}}, "a share above 0 and below 1"),
        ({"classes": ["one", "one"]}, "'classes' must name two or more, each once"),
        ({"delimiter": "::"}, "'delimiter' must be one letter"),
        ({"encoding": "latin-9000"}, "'encoding' must be one that Python knows"),
        ({"metric": "mae"}, "must be one of accuracy, macro_f1, log_loss"),
        ({"targets": ["x"]}, "unknown key 'targets'; there are: file, text"),
    ],
)
def test_a_wrong_key_of_texts_is_named(tmp_path, data, complaint):
    with pytest.raises(BenchError, match=complaint):
        a_task_of(tmp_path, "text", **data)


def test_a_key_that_lacks_is_named_with_what_it_says(tmp_path):
    (tmp_path / "town.py").write_text('KIND = "series"\nDATA = {"file": "x.csv", "time": "t"}\n')
    with pytest.raises(BenchError, match=r"town\.py:2: DATA lacks the key 'targets': the columns"):
        read_task(tmp_path / "town.py")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ('KIND = "serie"\nDATA = {}\n', r"1: KIND must be one of series, text.*did you mean 'ser"),
        ('KIND = "series"\nDATA = dict(a=1)\n', "2: DATA must be a literal"),
        ('KIND = "series"\nDATA = []\n', "2: DATA must be a dictionary"),
        ('KIND = "series"\n', "a task declares VERSION; add it as a literal, or DATA, from which"),
        ('"""Made."""\n', "a task declares VERSION.*or, for a task without code, KIND and DATA"),
    ],
)
def test_a_wrong_kind_is_named_with_its_line(tmp_path, source, complaint):
    (tmp_path / "town.py").write_text(source)
    with pytest.raises(BenchError, match=complaint):
        read_task(tmp_path / "town.py")


def test_a_task_may_not_be_called_as_a_kind_is(tmp_path):
    (tmp_path / "series.py").write_text(task_source())
    with pytest.raises(BenchError, match="to be renamed: 'series' is a kind of tasks"):
        read_task(tmp_path / "series.py")


def test_a_task_with_code_of_its_own_may_say_its_kind_alone(tmp_path):
    (tmp_path / "town.py").write_text('KIND = "series"\n' + task_source())
    task = read_task(tmp_path / "town.py")

    assert (task.kind, dict(task.data), task.description) == ("series", {}, "")
    (tmp_path / "town.py").write_text("DATA = print\n" + task_source())
    assert read_task(tmp_path / "town.py").kind == ""


# Its functions


@pytest.fixture
def kind_of_series(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stands in for the functions of the kind."""
    module = ModuleType("bench.series.kind")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    module.__dict__["synthesise"] = lambda data: f"{data['file']}, {data['delay']} ahead"
    return module


def test_what_the_file_does_not_define_the_kind_does_with_what_data_says(tmp_path, kind_of_series):
    task = a_task_of(tmp_path, "series")
    assert call_task(task, "synthesise", kind=str) == "load.csv, 1 ahead"

    task = a_task_of(tmp_path, "series", "def synthesise():\n    return 'our own'")
    assert call_task(task, "synthesise", kind=str) == "our own"


def test_an_error_of_the_file_is_told_as_its_own_and_one_of_the_kind_is_not(
    tmp_path, kind_of_series
):
    def fail(data: object) -> None:
        raise ZeroDivisionError

    kind_of_series.__dict__["synthesise"] = fail
    with pytest.raises(ZeroDivisionError):
        call_task(a_task_of(tmp_path, "series"), "synthesise", kind=str)

    task = a_task_of(tmp_path, "series", "def synthesise():\n    return 1 / 0")
    with pytest.raises(TaskError, match=r"town\.py:9: ZeroDivisionError"):
        call_task(task, "synthesise", kind=str)


# Its file


def test_its_file_is_found_beside_it_else_in_the_data_folder_else_is_missed(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    task = a_task_of(tmp_path, "series")

    with pytest.raises(DataError, match=r"load\.csv is neither beside .*town\.py nor in .*data; "):
        resolve(task)
    assert resolve(task, "synthetic").kind == "synthetic"
    for folder, where in (("data", "in the data folder"), (".", "beside the task file")):
        (tmp_path / folder / "load.csv").write_text(folder)
        found = resolve(task)
        assert (found.kind, found.why) == ("local", f"load.csv found {where}")
        assert found.files == (str(tmp_path / folder / "load.csv"),)
    other = tmp_path / "other.csv"
    other.write_text("given")
    assert resolve(task, path=other).files == (str(other),)
