"""The forms that a record has had on disk: each is read, and made into the present one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from bench.errors import BenchError

#: Raise this when a record's form changes, and say in ``_UPGRADES`` how the old one is read.
SCHEMA_VERSION = 3
_FIRST_WITH_DIGEST = 2

Document = dict[str, Any]


def parse(text: str) -> Document:
    """Return the document of a record, of whatever version.

    Raises:
        BenchError: It is cut short, no object, or of a version that is not read here.
    """
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise BenchError(f"is not a whole JSON document ({error})") from None
    if not isinstance(document, dict):
        raise BenchError("is not a record: the document is no object")
    version = document.get("schema_version")
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise BenchError(
            f"has schema version {version!r}; this version of the suite reads 1 to {SCHEMA_VERSION}"
        )
    return document


def upgraded(document: Document) -> Document:
    """Return a document in the present form; the one given stays as it is.

    Raises:
        BenchError: A part that has changed its form is not in the old one.
    """
    for version in range(document["schema_version"], SCHEMA_VERSION):
        document = {**_UPGRADES[version](document), "schema_version": version + 1}
    return document


def sealed(document: Mapping[str, Any]) -> str:
    """Write a document with the digest over all of it in its first line."""
    text = _text(document)
    return f"{_first_line(_digest(text))}{text.removeprefix(_OPENING)}\n"


def check_seal(text: str, document: Document) -> None:
    """Refuse a document that is not as it was written; the first version has no digest.

    Another layout, such as other ends of lines, does not matter.

    Raises:
        BenchError: Something in it was changed.
    """
    if document["schema_version"] < _FIRST_WITH_DIGEST:
        return
    digest = document.get("digest")
    first = _first_line(digest)
    # Cutting a line out is ten times as fast as writing the document once more.
    if text.startswith(first) and _digest(_OPENING + text[len(first) : -1]) == digest:
        return
    content = {key: value for key, value in document.items() if key != "digest"}
    if _digest(_text(content)) != digest:
        raise BenchError("does not match its own digest: it was edited or damaged")


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1)


def _first_line(digest: Any) -> str:
    return f'{_OPENING} "digest": "{digest}",\n'


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _from_1(document: Document) -> Document:
    """Version 1 knew of its predictions only what their file is called."""
    name = document.get("predictions")
    described = None if name is None else {"file": name, "bytes": None, "sha256": None}
    return {**document, "predictions": described}


def _from_2(document: Document) -> Document:
    """Version 2 knew of no repeats: every record was an ordinary one."""
    return {**document, "repeat": None}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_OPENING = "{\n"
_UPGRADES: Mapping[int, Callable[[Document], Document]] = {1: _from_1, 2: _from_2}
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
