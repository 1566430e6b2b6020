"""What the README says of the code holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench.cli import COMMANDS
from bench.cli.run import command
from bench.machine import MEMORY_SHARE, TIMEOUTS
from bench.protocol import OK, STATUSES
from bench.registry.training_options import PROFILES, TRAINING_OPTIONS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RELIABILITY = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_its_listing_is_the_plugin_that_ships():
    (listing,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

    assert listing == (ROOT / "plugins" / "jena_gru.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
def test_it_names_every_command(name):
    assert f"python -m bench {name}" in README


@pytest.mark.parametrize("parameter", command.params, ids=lambda parameter: parameter.name)
def test_it_names_every_option_of_run(parameter):
    flags = [flag for flag in parameter.opts if flag.startswith("--")]

    assert all(flag in README for flag in flags)


def test_the_page_on_reliability_names_every_status_and_the_default_limits():
    smoke, quick, full = (TIMEOUTS[profile] for profile in PROFILES)

    assert all(f"`{status}`" in RELIABILITY for status in STATUSES if status != OK)
    assert f"({smoke:g} s smoke, {quick / 60:g} min quick, {full / 3600:g} h full)" in RELIABILITY
    assert f"({MEMORY_SHARE:.0%} of" in RELIABILITY


def test_the_guide_names_every_training_option_and_only_modules_that_exist():
    assert all(f"`{name}`" in CONTRIBUTING for name in TRAINING_OPTIONS)
    for path in re.findall(r"`((?:bench|datasets)/[\w/.]*)`", CONTRIBUTING):
        assert (ROOT / path).exists(), path
