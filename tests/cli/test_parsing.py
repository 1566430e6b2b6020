"""What people write behind --seeds, --set and --data."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from bench.cli.words import check_backend, parse_data, parse_overrides, parse_seeds, parse_verify
from bench.errors import BenchError
from bench.records.repeats import VerifySample


def test_a_sample_of_repeats_is_none_one_of_each_or_a_number():
    assert [parse_verify(text) for text in (None, "", "12")] == [
        None,
        VerifySample(),
        VerifySample(12),
    ]


def test_seeds_are_numbers_between_commas():
    assert parse_seeds("0") == (0,)
    assert parse_seeds("3, 1,4294967295") == (3, 1, 2**32 - 1)


@pytest.mark.parametrize("text", ["", "1,", "1,,2", "1.5", "x", "0-3"])
def test_seeds_that_are_no_numbers_show_how_they_are_written(text):
    with pytest.raises(BenchError, match="is no whole number; give seeds like 0,1,2"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0,-1", "--seeds: -1 is out of range; a seed is from 0 to 4294967295"),
        ("4294967296", "--seeds: 4294967296 is out of range"),
        ("1,2,1", "--seeds: 1 is given twice"),
    ],
)
def test_wrong_seeds_are_named(text, complaint):
    with pytest.raises(BenchError, match=complaint):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64", 64),
        ("-1", -1),
        ("1e-4", 1e-4),
        ("true", True),
        ("False", False),
        ("none", None),
        ("adam", "adam"),
        ("'64'", "64"),
        ("10d", "10d"),
        ("[1, 2]", [1, 2]),
        ("", ""),
        ("a=b", "a=b"),
        ("'\\d'", "'\\d'"),
        ("1if", "1if"),
        ("0x1for", "0x1for"),
        ("(" * 300, "(" * 300),
        ("max(1, 2)", "max(1, 2)"),
    ],
)
def test_an_override_is_a_literal_where_it_reads_as_one_and_else_a_text(text, value):
    parsed = parse_overrides([f"key={text}"])["key"]
    assert parsed == value
    assert type(parsed) is type(value)


def test_a_text_that_pythons_parser_doubts_warns_nobody():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        parse_overrides(["key='\\d'"])
    assert heard == []


def test_space_around_a_key_is_not_part_of_it():
    assert parse_overrides([" units =64"]) == {"units": 64}


@pytest.mark.parametrize("word", ["units", "=64", " =64", ""])
def test_an_override_without_key_or_value_shows_how_it_is_written(word):
    with pytest.raises(BenchError, match="write it as KEY=VALUE, like units=64"):
        parse_overrides([word])


def test_an_override_given_twice():
    with pytest.raises(BenchError, match="--set units: is given twice; keep one"):
        parse_overrides(["units=1", "units=2"])


def test_data_files_by_task():
    parsed = parse_data(["jena=a=b.csv", "imdb=~/reviews.npz", "jena=c.csv"])
    assert parsed == {
        "jena": (Path("a=b.csv"), Path("c.csv")),
        "imdb": (Path.home() / "reviews.npz",),
    }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["jena"], "write it as TASK=PATH"),
        (["jena="], "write it as TASK=PATH"),
        (["jena=x.csv", "jena=x.csv"], "--data jena=x.csv: is given twice; keep one"),
    ],
)
def test_wrong_data_words(words, complaint):
    with pytest.raises(BenchError, match=complaint):
        parse_data(words)


def test_a_backend_that_is_not_installed_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BenchError, match="--backend jax: jax is not installed; install it with"):
        check_backend("jax")
