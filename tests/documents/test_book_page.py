"""docs/book.md has every published figure, and names what is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from command_line import call

from bench.registry.discover import discover
from tests import book_page

ROOT = Path(__file__).parents[2]
STEPS = [step for steps in book_page.PARTS.values() for step in steps]
PLUGINS = {plugin.name: plugin for plugin in discover().plugins}


def test_the_page_is_what_the_steps_and_the_plugins_say():
    written = (ROOT / "docs" / "book.md").read_text(encoding="utf-8")

    assert written == book_page.page(), f"drifted: run `{book_page.COMMAND}`"


def test_every_plugin_and_file_that_a_step_names_is_there():
    assert {name for step in STEPS for name in step.plugins} <= PLUGINS.keys()
    assert all((ROOT / path).is_file() for step in STEPS for path in step.files)
    told = " ".join(step.different for step in STEPS)
    assert {*re.findall(r"`((?:imdb|jena|text)_\w+)`", told)} <= PLUGINS.keys()


def test_every_published_model_stands_in_the_row_of_its_listing():
    listings = {
        plugin.name: re.findall(r"\d-\d+", plugin.reference_source)
        for plugin in PLUGINS.values()
        if plugin.reference
    }
    numbers = {
        name: {n for step in STEPS if name in step.plugins for n in step.listing.split(", ")}
        for name in listings
    }

    assert {name: [*found] for name, found in listings.items() if not numbers[name]} == {}
    assert {name: {*found} - numbers[name] for name, found in listings.items()} == {
        name: set() for name in listings
    }


def test_no_listing_is_numbered_that_no_plugin_names():
    named = {n for p in PLUGINS.values() for n in re.findall(r"\d-\d+", p.reference_source)}

    assert {n for step in STEPS if step.listing for n in step.listing.split(", ")} <= named


COMMANDS = sorted({words for step in STEPS for words in step.commands})


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_the_options_that_a_step_gives_it(words, capsys):
    assert call(capsys, *shlex.split(words), "--help")[0] == 0
    if words.split()[0] in ("run", "ensemble"):
        names = [word for word in words.split()[1:] if re.match("imdb_|jena_", word)]
        assert {*names} <= PLUGINS.keys()
