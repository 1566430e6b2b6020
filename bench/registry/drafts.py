"""A task file of a kind as ``python -m bench new-task`` writes it: choices, and what they mean."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WIDTH = 100


@dataclass(frozen=True)
class Choice:
    """One key of DATA: the value that was chosen, and a comment on it."""

    key: str
    value: Any
    comment: str


def source(kind: str, about: str, choices: Sequence[Choice]) -> str:
    """Return the text of a task file of a kind.

    Args:
        kind: Its name.
        about: The task's description, one line.
        choices: The keys of DATA, in order.
    """
    about = about.replace("\\", "/").replace('"', "'")
    lines = [
        f'"""{about}"""',
        "",
        "# Written by `python -m bench new-task`, which looked at the data: change what is not as",
        "# you mean it. After a change nothing is reused, and the data are read anew.",
        "",
        f'KIND = "{kind}"',
        "DATA = {",
    ]
    for choice in choices:
        lines += textwrap.wrap(
            choice.comment,
            _WIDTH,
            initial_indent="    # ",
            subsequent_indent="    # ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines += _entry(choice)
    return "\n".join([*lines, "}", ""])


def _entry(choice: Choice) -> list[str]:
    line = f"    {literal(choice.key)}: {literal(choice.value)},"
    if len(line) <= _WIDTH or not isinstance(choice.value, list):
        return [line]
    items = [f"        {literal(item)}," for item in choice.value]
    return [f"    {literal(choice.key)}: [", *items, "    ],"]


def literal(value: Any) -> str:
    """Write a value as Python does, with double quotation marks."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(k)}: {literal(v)}' for k, v in value.items())}}}"
    return repr(value)
