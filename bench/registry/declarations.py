"""Read what a Python file declares without running it.

A plugin or task file states its facts as top-level literals, a docstring and
functions. Reading them from the syntax tree keeps listing fast, safe with files
nobody has reviewed, and possible for files that would not even import.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.errors import BenchError

_LARGEST_SOURCE = 1 << 20  # bytes; what is larger is data in a file that ends in .py
#: Files whose declarations are kept while their source stays: four times the shipped ones.
_REMEMBERED = 256


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, where, and how to fix it."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass(frozen=True)
class Constant:
    """A top-level assignment of a literal; ``key_lines`` locates a dictionary's keys.

    Located are keys that are texts, or tuples of texts, and the texts of a list.
    """

    value: Any
    line: int
    key_lines: Mapping[str | tuple[str, ...], int]


@dataclass(frozen=True)
class Function:
    """A top-level function: its parameters in order and which of them have a default."""

    line: int
    parameters: tuple[str, ...]
    with_default: frozenset[str]
    takes_anything: bool


@dataclass(frozen=True)
class Declarations:
    """Everything the registry wants to know of one file.

    ``unused`` are the other names in capitals that the file assigns and never reads, each with
    its line: constants without an effect. ``computing`` is the part of the source that can
    change a result. ``beside`` are the names that it may import of modules beside it, as in
    ``from . import name``.
    """

    path: Path
    source: str
    description: str
    constants: Mapping[str, Constant]
    functions: Mapping[str, Function]
    imports: tuple[str, ...]
    problems: tuple[Problem, ...]
    unused: Mapping[str, int] = field(default_factory=dict)
    computing: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def sha256(self) -> str:
        """Digest of the source that computes, with line ends as Python reads them."""
        computing = self.source if self.computing is None else self.computing
        return hashlib.sha256(computing.encode()).hexdigest()


def read_declarations(path: Path, wanted: Iterable[str]) -> Declarations:
    """Read the literals named in ``wanted``, the functions and the imports of a file.

    Never raises for what the file contains: what cannot be read becomes a problem.
    """
    # Late: help alone reads no file.
    from bench.files import read_bounded

    empty = Declarations(path, "", "", {}, {}, (), ())
    try:
        source = _text(read_bounded(path, _LARGEST_SOURCE))
    except BenchError as error:
        return _with_problem(empty, 1, f"{error}; a plugin or task is a Python file")
    except OSError as error:
        return _with_problem(empty, 1, f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        line = 1 + error.object[: error.start].count(b"\n")
        return _with_problem(empty, line, "is not UTF-8 text: save it with that encoding")
    return parse_declarations(path, source, wanted)


def parse_declarations(path: Path, source: str, wanted: Iterable[str]) -> Declarations:
    """Read the same of a source that is at hand; the file itself is not looked at.

    A source that was read before is not gone through again: in a notebook, each call reads all.
    """
    return _parsed(path, source, frozenset(wanted))


@lru_cache(maxsize=_REMEMBERED)
def _parsed(path: Path, source: str, names: frozenset[str]) -> Declarations:
    empty = Declarations(path, "", "", {}, {}, (), ())
    try:
        with warnings.catch_warnings():
            # A doubtful escape in somebody's text is no matter of a listing.
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        reason = getattr(error, "msg", None) or str(error) or "it is nested too deeply"
        return _with_problem(replace(empty, source=source), line, f"does not parse: {reason}")

    nodes = [*ast.walk(tree)]
    constants: dict[str, Constant] = {}
    functions: dict[str, Function] = {}
    problems: list[Problem] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            functions[node.name] = _function(node)
            continue
        assigned = _assignment(node)
        if assigned is None or assigned[0] not in names:
            continue
        name, value = assigned
        try:
            constants[name] = Constant(ast.literal_eval(value), value.lineno, _key_lines(value))
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            message = f"{name} must be a literal: write plain values, no calls or names"
            problems.append(Problem(str(path), _line_of_no_literal(value), message))
    docstring = (ast.get_docstring(tree) or "").strip()
    description = docstring.splitlines()[0].strip() if docstring else ""
    return Declarations(
        path,
        source,
        description,
        constants,
        functions,
        imports=tuple(sorted(_imports(nodes))),
        problems=tuple(problems),
        unused=_unused(tree, nodes, names),
        computing=_computing(source, tree, constants),
        beside=tuple(sorted(_imports_beside(nodes))),
    )


def _text(content: bytes) -> str:
    """Decode a file as Python does: a byte order mark is dropped, line ends become one."""
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def _with_problem(found: Declarations, line: int, message: str) -> Declarations:
    problem = Problem(str(found.path), line, message)
    return replace(found, problems=(*found.problems, problem))


def _assignment(node: ast.stmt) -> tuple[str, ast.expr] | None:
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target = node.targets[0]
        if isinstance(target, ast.Name):
            return target.id, node.value
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
        return node.target.id, node.value
    return None


def _unused(tree: ast.Module, nodes: Sequence[ast.AST], known: Container[str]) -> dict[str, int]:
    read = {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }
    exported = {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assigned = [(found[0], node.lineno) for node in tree.body if (found := _assignment(node))]
    return {
        name: line
        for name, line in assigned
        if name.isupper() and name not in known and name not in read | exported
    }


#: What computes nothing. A grid says which points there are, and each point is known by its
#: values: with another grid the results of the points that stay are the same. Of what a plugin
#: requires, a trial is known by the versions that it is trained with.
_NOT_COMPUTING = ("GRID", "REQUIRES")


def _computing(source: str, tree: ast.Module, known: Container[str]) -> str | None:
    """Return a source without the lines of what computes nothing; None where it has no such."""
    gone = {line for name in _NOT_COMPUTING if name in known for line in _lines_of(name, tree)}
    if not gone:
        return None
    lines = enumerate(source.split("\n"), start=1)
    return "\n".join(line for number, line in lines if number not in gone)


def _lines_of(name: str, tree: ast.Module) -> range:
    """Return the lines that assign a name; none if anything else stands in them or reads it."""
    nodes = [node for node in tree.body if (found := _assignment(node)) and found[0] == name]
    first, last = nodes[0].lineno, nodes[0].end_lineno or nodes[0].lineno
    beside = [n for n in tree.body if n.lineno <= last and (n.end_lineno or n.lineno) >= first]
    named = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id == name)
        or (isinstance(node, ast.Constant) and node.value == name)
    ]
    return range(0) if len(beside) > 1 or len(named) > 1 else range(first, last + 1)


def _line_of_no_literal(value: ast.expr) -> int:
    """Return the line of the first dictionary entry that is no literal, else of the value."""
    if isinstance(value, ast.Dict):
        for part in [part for pair in zip(value.keys, value.values, strict=True) for part in pair]:
            try:
                ast.literal_eval(part or value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                return (part or value).lineno
    return value.lineno


def _key_lines(value: ast.expr) -> dict[str | tuple[str, ...], int]:
    located = value.elts if isinstance(value, ast.List) else getattr(value, "keys", ())
    keys = ((_text_key(key), key.lineno) for key in located if key is not None)
    return {key: line for key, line in keys if key is not None}


def _text_key(key: ast.expr) -> str | tuple[str, ...] | None:
    if isinstance(key, ast.Constant):
        return key.value if isinstance(key.value, str) else None
    if not isinstance(key, ast.Tuple):
        return None
    parts = [part.value for part in key.elts if isinstance(part, ast.Constant)]
    texts = tuple(part for part in parts if isinstance(part, str))
    return texts if len(texts) == len(key.elts) else None


def _function(node: ast.FunctionDef) -> Function:
    positional = [*node.args.posonlyargs, *node.args.args]
    defaults = positional[len(positional) - len(node.args.defaults) :]
    keyword_defaults = [
        argument
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        if default is not None
    ]
    return Function(
        line=node.lineno,
        parameters=tuple(a.arg for a in [*positional, *node.args.kwonlyargs]),
        with_default=frozenset(a.arg for a in [*defaults, *keyword_defaults]),
        takes_anything=node.args.kwarg is not None,
    )


def _imports(nodes: Sequence[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module.split(".")[0])
    return found


def _imports_beside(nodes: Sequence[ast.AST]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {name.split(".")[0] for name in names}
    return found
