"""A kept side: the same text each time, and no trust in a file that somebody may have edited."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gate_sides import a_measured, a_quality, a_side

from bench.errors import BenchError
from bench.gate.baseline import LARGEST, MOST_NUMBERS, from_json, pack, read, unpack, write
from bench.gate.model import Measurement, Origin, Side

ORIGIN = Origin("0123456789ab", "2026-01-01T00:00:00+00:00", "fedcba987654")


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str], Path]:
    """Write a file that is to be read."""

    def write_file(text: str) -> Path:
        path = tmp_path / "baseline.json"
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def assert_same(found: Measurement, expected: Measurement) -> None:
    assert replace(found, quality=None) == replace(expected, quality=None)
    if expected.quality is None:
        assert found.quality is None
        return
    assert found.quality is not None
    assert replace(found.quality, seeds=()) == replace(expected.quality, seeds=())
    for one, other in zip(found.quality.seeds, expected.quality.seeds, strict=True):
        assert (one.seed, one.value, one.digest) == (other.seed, other.value, other.digest)
        assert one.influences.tolist() == other.influences.tolist()
        assert one.influences.dtype == np.float32


def test_what_is_written_is_read_again(kept):
    later = replace(ORIGIN, finished="2026-01-02T00:00:00+00:00")
    side = a_side(
        a_measured("a", quality=a_quality(0.26, 0.27), rounds={"predict": ((0.1, 0.2), (0.3,))}),
        a_measured("b", status="failed", reason="ValueError: no", parameters=None),
        a_measured("c", disturbed="others used 50%", settings={"threads": 2, "versions": {}}),
        a_measured("d", rounds={"predict": ((0.1,), (0.3,))}, origins={"predict": (later, ORIGIN)}),
    )
    path = kept(write(side))
    found = read(path)

    assert found.name == str(path)
    assert (found.commit, found.written) == (side.commit, side.written)
    assert found.machine == side.machine
    assert [*found.plugins] == sorted(side.plugins)
    for key, measured in side.plugins.items():
        assert_same(found.plugins[key], measured)


def test_the_same_side_gives_the_same_text_whatever_its_order(kept):
    parts = [a_measured("b", quality=a_quality(0.3, 0.2)), a_measured("a")]
    one, other = a_side(*parts), a_side(*reversed(parts))
    shuffled = replace(other, machine=dict(reversed(other.machine.items())))

    assert write(one) == write(shuffled)
    assert write(read(kept(write(one)))) == write(one)


def test_a_reviewer_reads_a_line_a_thing(kept):
    rounds = {"train_step": ((0.123456789, 0.2),) * 2, "peak_memory": ((900_000_000.0,),)}
    text = write(a_side(a_measured(rounds=rounds)))

    assert '"train_step": [[0.123457, 0.2], [0.123457, 0.2]],' in text
    assert '"peak_memory": [[900000000]]' in text
    assert text.isascii()
    assert text.endswith("}\n")


def test_a_baseline_of_the_first_version_is_read_and_knows_no_records(kept):
    document = json.loads(write(a_side(a_measured(origins={"parameters": (ORIGIN,)}))))
    (old,) = document["plugins"]
    del old["records"], old["values_of"]
    (found,) = read(kept(json.dumps({**document, "schema_version": 1}))).plugins.values()

    assert found.parameters == 4673
    assert found.origins == {}


def test_scores_keep_more_digits_than_times(kept):
    quality = read(kept(write(a_side(a_measured(quality=a_quality(0.2615908761861242))))))
    (measured,) = quality.plugins.values()
    assert measured.quality.seeds[0].value == 0.261590876


@pytest.mark.parametrize("label", ["a | b", "caf\u00e9 \ud800 \x1b[31m", "two\nlines"])
def test_any_label_is_kept(kept, label):
    (key,) = read(kept(write(a_side(a_measured(label))))).plugins
    assert key.label == label


def test_the_influences_of_ten_thousand_reviews_take_about_a_kilobyte():
    right = np.random.default_rng(0).random(10_000) < 0.9
    influences = ((right - right.mean()) / len(right)).astype("float32")

    assert len(pack(influences)) < 2000
    assert unpack(pack(influences), 10_000).tolist() == influences.tolist()


# What is wrong with a file


def complaint(path: Path) -> str:
    with pytest.raises(BenchError) as raised:
        read(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert "`python -m bench baseline`" in message
    return message


def edited(change: Callable[[dict[str, Any]], Any]) -> str:
    """Return a sound document after an edit by hand."""
    measured = a_measured(quality=a_quality(0.26), rounds={"predict": ((0.1,),)})
    document = json.loads(write(a_side(replace(measured, origins={"predict": (ORIGIN,)}))))
    change(document)
    return json.dumps(document)


def plugin(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["plugins"][0].update(parts)


def quality(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["plugins"][0]["quality"].update(parts)


def record(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["plugins"][0]["records"][0].update(parts)


def seed(**parts: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["plugins"][0]["quality"]["seeds"][0].update(parts)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(schema_version=3), "schema version 3; this version of the suite"),
        (lambda d: d.update(schema_version=True), "schema version True"),
        (lambda d: d.pop("schema_version"), "is no baseline"),
        (lambda d: d.pop("machine"), "the document has no machine"),
        (lambda d: d.update(machine=[]), "machine must be a dictionary, not an empty list"),
        (lambda d: d.update(written="yesterday"), "which is no time with a zone"),
        (lambda d: d.update(written="2025-01-02T03:04:05"), "which is no time with a zone"),
        (lambda d: d.update(plugins={}), "plugins must be a list, not a dictionary"),
        (lambda d: d.update(plugin=[]), "unknown entry 'plugin' (did you mean 'plugins'?)"),
        (lambda d: d["plugins"].append(3), "plugins[1] must be a dictionary, not 3"),
        (lambda d: d["plugins"].append(d["plugins"][0]), "has jena jena_gru twice"),
        (lambda d: d["plugins"][0].pop("label"), "plugins[0] has no label"),
        (plugin(label=3), "plugins[0].label must be a text, not 3"),
        (plugin(round={}), "unknown entry 'round' (did you mean 'rounds'?)"),
        (plugin(status="fine"), "plugins[0].status must be one of ok, "),
        (
            plugin(parameters=-1),
            "plugins[0].parameters must be a whole number from 0 or null, not -1",
        ),
        (plugin(parameters=1.5), "parameters must be a whole number from 0 or null, not 1.5"),
        (
            plugin(rounds={"predct": [[1]]}),
            "a name in plugins[0].rounds must be one of train_step, ",
        ),
        (plugin(rounds={"predct": [[1]]}), "not 'predct' (did you mean 'predict'?)"),
        (plugin(rounds={"quality": [[1]]}), "compile, peak_memory, not 'quality'"),
        (
            plugin(rounds={"predict": 0.1}),
            "plugins[0].rounds.predict must be a list with at least one entry, not 0.1",
        ),
        (plugin(rounds={"predict": []}), "rounds.predict must be a list with at least one"),
        (plugin(rounds={"predict": [[]]}), "rounds.predict[0] must be a list with at least one"),
        (plugin(rounds={"predict": [0.1]}), "rounds.predict[0] must be a list"),
        (plugin(rounds={"predict": [[-0.1]]}), "predict[0][0] must be a number from 0, not -0.1"),
        (plugin(rounds={"predict": [[True]]}), "predict[0][0] must be a number from 0, not True"),
        (plugin(rounds={"predict": [["1"]]}), "predict[0][0] must be a number from 0, not '1'"),
        (plugin(rounds={"predict": [[1e301]]}), "a number from 0 of less than 1e+300, not 1e+301"),
        (plugin(quality=0.26), "quality must be a dictionary or null, not 0.26"),
        (quality(direction="up"), "quality.direction must be one of min, max, not 'up'"),
        (quality(groups=-1), "groups must be a whole number from 0 to 1,048,576, not -1"),
        (
            quality(groups=MOST_NUMBERS + 1),
            "groups must be a whole number from 0 to 1,048,576, not 1048577",
        ),
        (quality(groups=3), "not the 3 numbers that it claims"),
        (quality(seeds=[3]), "quality.seeds[0] must be a dictionary, not 3"),
        (lambda d: quality(seeds=d["plugins"][0]["quality"]["seeds"] * 2)(d), "one twice"),
        (seed(value=1e301), "seeds[0].value must be a number of less than 1e+300, not 1e+301"),
        (seed(value=None), "seeds[0].value must be a number, not null"),
        (seed(value=1e299), "has a score beyond 1e+30"),
        (seed(influences="?"), "influences that cannot be read: damaged numbers"),
        (seed(influences="eNrVXEtO"), "influences that cannot be read"),
        (seed(influences="caf\u00e9"), "influences that cannot be read"),
        (plugin(values_of={"predict": [0, 0]}), "predict is of 2 records, but has another number"),
        (plugin(values_of={"predict": [1]}), "predict is of a record that is not among its"),
        (plugin(values_of={"predict": [-1]}), "values_of"),
        (plugin(values_of={"taste": [0]}), "values_of"),
        (record(finished="yesterday"), "has a record of 'yesterday', which is no time"),
        (record(trial=5), "records[0].trial must be a text"),
    ],
)
def test_an_edit_that_spoils_the_file_is_named(kept, change, said):
    assert said in complaint(kept(edited(change)))


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"schema_version": NaN}', "[" * 100_000])
def test_what_is_no_baseline_is_named(kept, text):
    complaint(kept(text))


def test_a_file_that_is_missing_no_text_or_too_large_is_named(tmp_path):
    assert "cannot be read (No such file" in complaint(tmp_path / "gone.json")
    assert "is not a regular file" in complaint(tmp_path)
    (tmp_path / "other.json").write_bytes(b"\xff\xfe")
    assert "is no text in UTF-8" in complaint(tmp_path / "other.json")
    with (tmp_path / "huge.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert "more than the" in complaint(tmp_path / "huge.json")


def test_a_bomb_is_refused_before_it_fills_the_memory():
    bomb = base64.b64encode(zlib.compress(b"\0" * (1 << 26), 9)).decode()
    tracemalloc.start()
    try:
        with pytest.raises(BenchError, match="not the 100 numbers"):
            unpack(bomb, 100)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 1 << 20


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(BenchError, match="not finite"):
        unpack(pack(np.array([0.0, np.nan])), 2)


def test_what_follows_the_numbers_is_refused():
    text = base64.b64encode(base64.b64decode(pack(np.zeros(2))) + b"more").decode()
    with pytest.raises(BenchError, match="not the 2 numbers"):
        unpack(text, 2)


def test_a_document_can_be_read_without_a_file():
    side = from_json(write(a_side(a_measured())), "before")
    assert isinstance(side, Side)
    assert side.name == "before"


def test_importing_what_reads_and_makes_sides_imports_nothing_heavy():
    code = (
        "import sys; from bench.gate import baseline, from_records, history;"
        "from bench.cli import baseline, history;"
        "print({'numpy', 'scipy', 'pandas', 'keras', 'matplotlib'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
