"""Copies of a plugin whose ``build`` changes the model that it makes."""

from __future__ import annotations

import ast
from pathlib import Path

from bench.registry.discover import discover
from bench.registry.plugins import Plugin, read_plugin

_WRAPPER = """

{change}

def build({parameters}):
    return _changed(_plain_build({names}))
"""


def wrapped(plugin: Plugin, change: str, path: Path) -> Plugin:
    """Write a copy of a plugin whose model passes through a function, and read it.

    Args:
        plugin: Its ``build`` returns a Keras model.
        change: Source of the function ``_changed(model)``.
        path: Where the copy goes; its name is the copy's.
    """
    (build,) = (
        node
        for node in ast.parse(plugin.source).body
        if isinstance(node, ast.FunctionDef) and node.name == "build"
    )
    names = ", ".join(argument.arg for argument in build.args.args)
    wrapper = _WRAPPER.format(change=change, parameters=ast.unparse(build.args), names=names)
    source = plugin.source.replace("def build(", "def _plain_build(")
    path.write_text(source + wrapper, encoding="utf-8")
    copy = read_plugin(path, discover().tasks)
    if copy.problems:
        raise SystemExit(f"{plugin.name}: {copy.problems[0]}")
    return copy
