"""``python -m campaigns.schemas``: write the JSON Schemas of what is read into ``docs/schema``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from bench.documents import open_kinds, reached
from bench.gate import baseline, settings
from bench.protocol import OK
from bench.records import record

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return each schema by the name of its file."""
    return {
        "record.json": _record(),
        "baseline.json": _titled(
            "What `python -m bench baseline` keeps", _schema(baseline.KeptSide)
        ),
        "settings.json": _titled(
            "The table [tool.bench.check] of a pyproject.toml",
            _schema(settings.CheckSettings),
        ),
    }


def as_text(schema: Mapping[str, Any]) -> str:
    """Return a schema as its file has it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _record() -> dict[str, Any]:
    """Return the schema of records: what a trial that is ok has measured is asked of it alone."""
    found = _titled(
        f"The record of a trial, in schema version {record.SCHEMA_VERSION}",
        _schema(record.Record, *record.MEASURED.values()),
    )
    form = found["$defs"]["Record"]
    form["required"] = [*form["properties"]]
    # The digest stands over all else, and files have it before any of that.
    form["properties"] = {"digest": {"type": "string"}, **form["properties"]}
    form["additionalProperties"] = True
    measured = {name: _reference(kind) for name, kind in record.MEASURED.items()}
    found["if"] = {"properties": {"status": {"const": OK}}}
    found["then"] = {"properties": measured}
    return found


def _titled(title: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **schema,
    }


def _schema(kind: type, *others: type) -> dict[str, Any]:
    """Return the JSON Schema of a type; those of ``others`` stand among its definitions.

    A data class is closed, and its open parts are told by their own types: msgspec knows
    neither, as ``bench.documents`` sees to both.
    """
    owners = [*reached(kind)]
    opened = {part for owner in owners for part in open_kinds(owner).values()}
    kinds = [kind, *others, *sorted(opened, key=lambda part: part.__name__)]
    _, definitions = msgspec.json.schema_components(kinds)
    for owner in owners:
        definition = definitions[owner.__name__]
        definition["additionalProperties"] = False
        for name, part in open_kinds(owner).items():
            definition["properties"][name] = _opened(definition["properties"][name], part)
    for definition in definitions.values():
        definition["description"] = " ".join(definition["description"].split())
        for part in definition.get("properties", {}).values():
            # Of an empty object some versions of msgspec tell, others do not.
            if part.get("default") == {}:
                del part["default"]
    return {**_reference(kind), "$defs": dict(sorted(definitions.items()))}


def _opened(plain: Mapping[str, Any], part: type) -> dict[str, Any]:
    """Return the schema of an open part, which may be null if the plain one may."""
    if "anyOf" not in plain:
        return _reference(part)
    return {**plain, "anyOf": [_reference(part), {"type": "null"}]}


def _reference(kind: type) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{kind.__name__}"}


def main() -> None:
    """Write the files again."""
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / name).write_text(as_text(schema), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
