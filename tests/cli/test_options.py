"""A command's options are one object, made once."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import MISSING, FrozenInstanceError, dataclass, fields
from typing import Any, get_type_hints

import click
import pytest
from click.testing import CliRunner

from bench.cli import COMMANDS
from bench.cli.options import filled
from bench.errors import BenchError


@dataclass(frozen=True)
class Wish:
    name: str
    numbers: tuple[int, ...]
    loud: bool


def numbers_of(text: str) -> tuple[int, ...]:
    if not text[0].isdigit():
        raise BenchError(f"--numbers {text}: is none")
    return tuple(map(int, text.split(",")))


@click.command()
@click.argument("name")
@click.option("--numbers", default="1,2")
@click.option("--loud", is_flag=True)
@filled(Wish, numbers=numbers_of)
def wish(options: Wish) -> int:
    """Tell what was wished."""
    click.echo(repr(options))
    return 0


def test_a_command_gets_what_was_given_and_the_defaults_as_one_object():
    assert CliRunner().invoke(wish, ["tea", "--loud"]).output == f"{Wish('tea', (1, 2), True)}\n"
    assert CliRunner().invoke(wish, ["tea", "--numbers", "3"]).output.count("(3,)") == 1


def test_what_a_reader_refuses_is_refused_as_it_says():
    with pytest.raises(BenchError, match="--numbers x: is none"):
        wish.main(["tea", "--numbers", "x"], standalone_mode=False)


def test_the_help_is_the_command_s_own():
    assert "Tell what was wished." in CliRunner().invoke(wish, ["--help"]).output


def commands() -> Iterator[Any]:
    for name in COMMANDS:
        command = importlib.import_module(f"bench.cli.{name.replace('-', '_')}").command
        inner = getattr(command, "commands", {})
        yield from (pytest.param(each, id=f"{name} {word}") for word, each in inner.items())
        if not inner:
            yield pytest.param(command, id=name)


@pytest.mark.parametrize("command", [*commands()])
def test_every_command_takes_one_frozen_object_with_a_field_for_each_option(command):
    hints = get_type_hints(command.callback.__wrapped__)
    (kind,) = (hint for name, hint in hints.items() if name != "return")
    by_default = {
        each.name for each in fields(kind) if not each.default is each.default_factory is MISSING
    }

    assert {parameter.name for parameter in command.params} == {
        each.name for each in fields(kind) if each.name not in by_default
    }
    assert by_default <= {"command", "resume", "configuration"}
    made = kind(**{each.name: None for each in fields(kind)})
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(kind)[0].name, 1)
