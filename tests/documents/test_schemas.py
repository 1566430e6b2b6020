"""The JSON Schemas in ``docs/schema``: they say what the suite's own types say."""

from __future__ import annotations

import json

import pytest

from campaigns.schemas import FOLDER, as_text, schemas

NAMES = ("baseline.json", "record.json", "settings.json")


@pytest.mark.parametrize("name", NAMES)
def test_a_committed_schema_is_the_one_that_the_types_give(name):
    made = as_text(schemas()[name])
    assert (FOLDER / name).read_text(encoding="utf-8") == made, (
        "write it again with `python -m campaigns.schemas`"
    )


def test_each_committed_schema_has_a_type():
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(schemas()) == sorted(NAMES)


def test_a_schema_of_records_asks_measurements_of_those_alone_that_are_ok():
    schema = schemas()["record.json"]
    assert schema["if"] == {"properties": {"status": {"const": "ok"}}}
    assert schema["then"]["properties"]["timing"] == {"$ref": "#/$defs/Times"}
    assert schema["$defs"]["Times"]["required"] == [
        *("fit", "predict_per_1000", "steady_epoch", "total")
    ]
    assert schema["$defs"]["Record"]["properties"]["data"] == {"$ref": "#/$defs/Data"}


def test_every_reference_of_a_schema_leads_to_a_definition():
    for schema in schemas().values():
        told = json.dumps(schema).split('"$ref": "#/$defs/')[1:]
        assert {part.split('"')[0] for part in told} <= {*schema["$defs"]}
