"""What the README, and the pages that it leads to, say of the code holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from reading import as_typed

from bench.cli import COMMANDS
from bench.cli.run import command
from bench.machine import MEMORY_SHARE, TIMEOUTS
from bench.protocol import OK, STATUSES
from bench.registry.training_options import PROFILES, TRAINING_OPTIONS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGE_OF_COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
INDEX = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_its_listing_is_the_plugin_that_ships():
    (listing,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

    assert listing == (ROOT / "plugins" / "jena_gru.py").read_text(encoding="utf-8")


def test_it_is_read_in_some_minutes():
    assert len(README.splitlines()) < 150


def cells_of(page: str) -> dict[str, list[list[str]]]:
    """The cells of every row of a page's tables, by the plugin that it is of."""
    lines = re.findall(
        r"^\| *((?:imdb|jena|text)_.*|[^|]*\| *`?(?:imdb|jena|text)_.*)\|$", page, re.M
    )
    found: dict[str, list[list[str]]] = {}
    for line in lines:
        cells = [as_typed(cell).strip().strip("`") for cell in line.split("|")]
        (name,) = (cell for cell in cells[:2] if re.fullmatch(r"(?:imdb|jena|text)_\w+", cell))
        found.setdefault(name, []).append([cell for cell in cells if cell != name])
    return found


def test_its_tables_are_rows_of_the_leaderboard():
    board = cells_of((ROOT / "reports" / "leaderboard.md").read_text(encoding="utf-8"))
    shown = cells_of(README)

    assert {name[:4] for name in shown} == {"imdb", "jena"}
    for name, (cells,) in shown.items():
        rank, validation, *_, training = cells
        assert [rank, validation] in [row[:2] for row in board[name]], name
        assert training in board[name][0], name
        assert {*cells} <= {cell for row in board[name] for cell in row}, name


PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_links_to_is_there(page):
    prose = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        file, _, heading = target.partition("#")
        if "://" in target:
            continue
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        if heading:
            assert heading in anchors(there.read_text(encoding="utf-8")), target


def anchors(text: str) -> set[str]:
    """What GitHub and the site call a page's headings."""
    headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index():
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in ROOT.glob("docs/*.md")}

    assert pages - {"index.md"} - {*re.findall(r"\]\(([^)#]+)\)", INDEX)} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_of_commands_names_every_command(name):
    assert f"python -m bench {name}" in PAGE_OF_COMMANDS


@pytest.mark.parametrize("parameter", command.params, ids=lambda parameter: parameter.name)
def test_the_page_of_commands_names_every_option_of_run(parameter):
    flags = [flag for flag in parameter.opts if flag.startswith("--")]

    assert all(flag in PAGE_OF_COMMANDS for flag in flags)


def test_the_page_on_reliability_names_every_status_and_the_default_limits():
    smoke, quick, full = (TIMEOUTS[profile] for profile in PROFILES)

    assert all(f"`{status}`" in RELIABILITY for status in STATUSES if status != OK)
    assert f"({smoke:g} s smoke, {quick / 60:g} min quick, {full / 3600:g} h full)" in RELIABILITY
    assert f"({MEMORY_SHARE:.0%} of" in RELIABILITY


def test_the_guide_names_every_training_option_and_only_modules_that_exist():
    assert all(f"`{name}`" in CONTRIBUTING for name in TRAINING_OPTIONS)
    for path in re.findall(r"`((?:bench|datasets)/[\w/.]*)`", CONTRIBUTING):
        assert (ROOT / path).exists(), path
