"""Documents of any origin: each is read as its type says, or refused on a line that says where."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from builders import a_record, a_repeat
from gate_sides import a_measured, a_quality, a_side
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import documents
from bench.errors import BenchError
from bench.gate import baseline, from_pytest_benchmark
from bench.gate.model import Key, Measurement
from bench.gate.settings import CheckSettings, Pairs, read_settings
from bench.records import record


class Open(TypedDict, total=False):
    """A part that may hold more."""

    size: documents.Figure


@dataclass(frozen=True)
class Inner:
    """A part that may not."""

    name: str
    rounds: documents.Rounds


@dataclass(frozen=True)
class Made:
    """A type with a part of each kind."""

    count: Annotated[int, documents.Meta(ge=1)]
    kind: Annotated[str, documents.one_of(("near", "far"))]
    inner: tuple[Inner, ...]
    open: Annotated[Mapping[str, Any] | None, Open]
    figures: documents.Figures


INNER = {"name": "a", "rounds": [[1, 2.5]]}
SOUND = {"count": 1, "kind": "far", "inner": [INNER], "open": {"more": []}, "figures": {"x y": 1}}


def test_a_sound_document_becomes_its_type_and_keeps_what_an_open_part_holds_more():
    assert documents.convert(SOUND, Made) == Made(
        1, "far", (Inner("a", ((1.0, 2.5),)),), {"more": []}, {"x y": 1}
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": 0}, "count must be a whole number from 1, not 0"),
        ({"count": True}, "count must be a whole number from 1, not True"),
        ({"count": "1"}, "count must be a whole number from 1, not '1'"),
        ({"count": None}, "count must be a whole number from 1, not null"),
        ({"kind": "fat"}, "kind must be one of near, far, not 'fat' (did you mean 'far'?)"),
        ({"kind": "far\n"}, r"kind must be one of near, far, not 'far\n' (did you mean 'far'?)"),
        ({"kind": "x" * 10**6}, f"kind must be one of near, far, not '{'x' * 38}…"),
        ({"knid": 1}, "the document has the unknown entry 'knid' (did you mean 'kind'?)"),
        ({"\ud800": 1}, "the document has a name that is no text"),
        ({"inner": [INNER, {"name": "b"}]}, "inner[1] has no rounds"),
        ({"inner": [INNER, INNER | {"x": 1}]}, "inner[1] has the unknown entry 'x'; there are: "),
        ({"inner": [INNER | {"rounds": [[]]}]}, "inner[0].rounds[0] must be a list with at least"),
        ({"open": {"size": "x"}}, "open.size must be a number or null, not 'x'"),
        ({"figures": {"a": 1, "x y": "1"}}, "figures['x y'] must be a number or null, not '1'"),
        (
            {"figures": {"a\x1b": {}}},
            r"figures['a\x1b'] must be a number or null, not a dictionary",
        ),
        ({"figures": {"a": -1e300}}, "a number or null of less than 1e+300, not -1e+300"),
        ({"figures": {"a": float("nan")}}, "a number or null of less than 1e+300, not nan"),
        ({"figures": {"a": 10**5000}}, "less than 1e+300, not a huge number"),
        ({"figures": [1]}, "figures must be a dictionary, not a list"),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_belongs_there(change, said):
    with pytest.raises(BenchError) as raised:
        documents.convert({**SOUND, **change}, Made)
    assert said in str(raised.value)
    assert str(raised.value).isprintable()


def test_the_part_that_is_read_can_have_a_name_of_its_own():
    with pytest.raises(
        BenchError, match=r"^--pairs must be a whole number from 1 to 1,000, not 0$"
    ):
        documents.convert(0, Pairs, "--pairs")


@pytest.mark.parametrize(
    "text",
    ["", "{", "[" * 10**6, "NaN", "[1e5, -Infinity]", "9" * 5000, b"\xff\xfe\x00", '{"a": 1} x'],
    ids=["empty", "cut short", "deep", "NaN", "infinite", "long number", "bytes", "more"],
)
def test_what_is_no_json_is_refused(text):
    with pytest.raises(BenchError, match="is not a whole JSON document"):
        documents.parse(text)


@pytest.mark.parametrize(
    ("text", "there_is"),
    [
        ("2025-01-02T03:04:05+00:00", True),
        ("2025-01-02T03:04:05", False),
        ("yesterday", False),
        ("9999-12-31T23:59:59-12:00", False),
        ("0001-01-01T00:00:00+12:00", False),
    ],
)
def test_a_time_has_a_zone_and_is_an_instant_that_can_be_computed_with(text, there_is):
    assert documents.is_time(text) is there_is


def test_commands_that_read_no_document_do_not_pay_for_the_reader(tmp_path):
    code = (
        "import sys; from bench.cli import main\n"
        "try: main(['list'])\n"
        "except SystemExit: print('msgspec' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.stderr.endswith("False\n")


# Mutations of sound documents


def a_benchmark_file() -> dict[str, Any]:
    key = Key("jena", "mine", "synthetic", "quick", "tensorflow")
    measured = Measurement(key, "ok", rounds={"train_step": ((0.1, 0.2),), "compile": ((1.0,),)})
    extra = {"bench": from_pytest_benchmark.about(measured, "train_step")}
    benchmark = {"fullname": "a", "extra_info": extra, "stats": {"data": [0.1, 0.2]}}
    return {
        "machine_info": {"system": "Linux", "release": "6.1", "cpu": {"count": 2}},
        "commit_info": {"id": "0123456789abcdef"},
        "datetime": "2026-01-01T00:00:00+00:00",
        "benchmarks": [benchmark],
    }


def a_first_record() -> dict[str, Any]:
    """A record of the first schema, which has no digest that would tell of an edit at once."""
    path = Path(__file__).parent / "records" / "v1" / "ok.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


SIDE = a_side(
    a_measured(quality=a_quality(0.26, 0.27), rounds={"predict": ((0.1,),)}),
    a_measured("other", status="failed", reason="no"),
)
TABLE = {
    "level": 0.05,
    "pairs": 12,
    "metrics": ["train_step", "quality"],
    "allow": ["worse"],
    "tolerances": {"train_step": 0.03, "quality": 5},
}
READERS: dict[str, tuple[Any, Callable[[str], Any]]] = {
    "record": (json.loads(a_record().to_json()), record.from_json),
    "repeat": (json.loads(a_repeat().to_json()), record.from_json),
    "old record": (a_first_record(), record.from_json),
    "baseline": (json.loads(baseline.write(SIDE)), lambda text: baseline.from_json(text, "x")),
    "pytest-benchmark": (
        a_benchmark_file(),
        lambda text: from_pytest_benchmark.from_document(documents.parse(text, False), "x"),
    ),
    "settings": (
        TABLE,
        lambda text: documents.convert(documents.parse(text, False), CheckSettings),
    ),
}
ODD = [
    *(None, True, -1, 0, 1e299, 1e308, 10**20, 10**400, float("nan"), float("inf"), "", "x"),
    *("\ud800", "a\nb\x1b[31m", "::error::x", "../..", [], {}, [None], {"x": []}, [[]], [{}]),
    {"\ud800": 1},
]


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each part of a document stands."""
    if path:
        yield path
    if isinstance(document, dict | list):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from places(document[key], (*path, key))


def mutated(document: Any, data: st.DataObject) -> Any:
    """Drop, retype, nest, rename or swap parts."""
    found = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        known = [*places(found)]
        if not known:
            break
        *path, last = data.draw(st.sampled_from(known))
        inner = found
        for step in path:
            inner = inner[step]
        act = data.draw(st.sampled_from(["drop", "retype", "nest", "deep", "rename", "swap"]))
        if act == "drop":
            del inner[last]
        elif act == "retype":
            inner[last] = data.draw(st.sampled_from(ODD))
        elif act == "nest":
            inner[last] = data.draw(st.sampled_from([[inner[last]], {"x": inner[last]}]))
        elif act == "deep":
            for _ in range(200):
                inner[last] = [inner[last]]
        elif act == "rename" and isinstance(inner, dict):
            inner[data.draw(st.sampled_from(["x", "\ud800", "\x1b[2J", "status", "x" * 99]))] = (
                inner.pop(last)
            )
        elif isinstance(inner, dict):
            other = data.draw(st.sampled_from([*inner]))
            inner[last], inner[other] = inner[other], inner[last]
    return found


def refusal(read: Callable[[str], Any], text: str) -> str:
    """Return why a document is refused; "" if it is read."""
    try:
        read(text)
    except BenchError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", READERS)
@settings(derandomize=True, max_examples=300, deadline=None, database=None)
@given(data=st.data())
def test_a_mutated_document_is_read_or_refused_on_one_line(name, data):
    sound, read = READERS[name]
    said = refusal(read, json.dumps(mutated(sound, data)))
    assert len(said) < 2000
    assert said.isprintable()


@pytest.mark.parametrize("name", READERS)
@settings(derandomize=True, max_examples=100, deadline=None, database=None)
@given(data=st.data())
def test_a_document_whose_text_was_damaged_is_read_or_refused(name, data):
    sound, read = READERS[name]
    text = json.dumps(sound)
    begin = data.draw(st.integers(0, len(text)))
    end = begin + data.draw(st.integers(0, 40))
    more = data.draw(st.sampled_from(["", "[" * 900, "9" * 400, '"\\ud800": ', '"', "}", "1e999"]))
    assert len(refusal(read, text[:begin] + more + text[end:]).splitlines()) <= 1


@settings(derandomize=True, max_examples=100, deadline=None, database=None)
@given(word=st.text(), value=st.sampled_from(["1", "'x'", "[[]]", "{}", "nan", "0x" + "f" * 9000]))
def test_any_table_of_settings_is_read_or_refused(tmp_path_factory, word, value):
    folder = tmp_path_factory.mktemp("settings")
    name = json.dumps(word) if word.isprintable() else "level"
    text = f"[tool.bench.check]\n{name} = {value}\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BenchError) as raised:
        read_settings(folder)
    assert len(str(raised.value).splitlines()) == 1
