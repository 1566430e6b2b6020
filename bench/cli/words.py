"""The words of a command line: as it was given, and as it goes on with an interrupted run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import click
from click.core import ParameterSource


def command_line(words: Sequence[str]) -> str:
    """Return what a user types to give the suite some words."""
    return shlex.join(["python", "-m", "bench", *words])


def is_given(context: click.Context, name: str) -> bool:
    """Say whether a parameter was given, not left at its default."""
    return context.get_parameter_source(name) is not ParameterSource.DEFAULT


def resuming(context: click.Context) -> list[str]:
    """Return the words behind the command's name, without those that repeat what is done."""
    words = []
    for parameter in context.command.params:
        value = context.params[parameter.name or ""]
        if not is_given(context, parameter.name or ""):
            continue
        if (parameter.name, value) == ("reuse", "never"):
            continue
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(parameter, click.Option):
                words.append(parameter.opts[0])
            if each is not True and (parameter.name, each) != ("verify", ""):
                words.append(str(each))
    return words
