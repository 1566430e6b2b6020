"""Kept models: which one of a plugin is meant, and whether its file is one without code."""

from __future__ import annotations

import builtins
import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any

from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import OK
from bench.records.predictions import LARGEST
from bench.records.record import Record

#: What Keras writes into a file of a model that reads no files of its own.
_MEMBERS = {"metadata.json", "config.json", "model.weights.h5"}
_LARGEST_CONFIG = 1 << 24


def best_kept(records: Iterable[Record], name: str, chosen: str = "") -> Record:
    """Return the record whose model is meant: of its row's seeds the best by validation.

    The row is the one that was recorded last of those with models: one task, view, source,
    profile, backend and set of hyperparameters.

    Args:
        records: Those of a plugin, as far as they are wanted.
        name: The plugin.
        chosen: What they are narrowed to, in the words of the command line.

    Raises:
        BenchError: None of them has a model; says what makes one, or why there is none.
    """
    found = [record for record in records if record.status == OK]
    kept = [record for record in found if record.kept_model is not None]
    if not kept:
        why = next((r.environment["model_not_kept"] for r in found if _says_why(r)), "")
        raise BenchError(
            one_line(
                f"{name}: has no model that was kept{chosen}"
                + (f": {why}" if why else f"; `python -m bench run {name} --keep-models` keeps one")
            )
        )
    last = max(kept, key=lambda record: (not record.is_ahead, record.finished))
    row = [r for r in kept if r.trial.configuration == last.trial.configuration]
    sign = 1 if last.data["metric"]["direction"] == "min" else -1
    return min(row, key=lambda record: (sign * validation_of(record), record.trial.seed))


def validation_of(record: Record) -> float:
    """Return the validation metric of a record that is ok."""
    value: float = record.metrics["validation"][record.data["metric"]["name"]]
    return value


def _says_why(record: Record) -> bool:
    return isinstance(record.environment.get("model_not_kept"), str)


def check(content: bytes, name: str) -> None:
    """Refuse a file of a model that has code in it, or is none.

    Keras itself would import what the file names, or run it; so this looks before Keras does.

    Raises:
        BenchError: It has a Lambda layer or a class of its own, or is no file of Keras' form.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(_MEMBERS):
                raise BenchError(f"{name}: is no model of Keras without files of its own")
            if sum(member.file_size for member in members) > LARGEST:
                raise BenchError(f"{name}: unpacks to more than {LARGEST:,} bytes")
            if archive.getinfo("config.json").file_size > _LARGEST_CONFIG:
                raise BenchError(
                    f"{name}: has a config.json of more than {_LARGEST_CONFIG:,} bytes"
                )
            config = json.loads(archive.read("config.json"))
    except BenchError:
        raise
    except Exception as error:  # A damaged archive can raise anything.
        raise BenchError(f"{name}: cannot be opened ({one_line(str(error), 120)})") from None
    if code := code_in(config):
        raise BenchError(
            one_line(
                f"{name}: has {code}, and no code of a file is run; load it in a program that has "
                "that code, with keras.saving.load_model and custom_objects"
            )
        )


def code_in(config: Any) -> str:
    """Return what a model's configuration has that is not of Keras, "" if all of it is."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            if "class_name" in part and (code := _code(part)):
                return code
    return ""


def _code(part: dict[str, Any]) -> str:
    kind, module, registered = (
        part.get(key) for key in ("class_name", "module", "registered_name")
    )
    if kind in ("Lambda", "__lambda__"):
        return "a Lambda layer"
    if isinstance(registered, str) and ">" in registered:
        return f"the class {registered!r:.80} of the plugin's own"
    if kind == "function":
        name = part.get("config")
        is_known = isinstance(name, str) and name.isidentifier() and not hasattr(builtins, name)
        return "" if is_known and module in ("builtins", "keras.activations") else "a function"
    # What Keras calls by a name in lower case are its functions, some of which read files.
    is_class = isinstance(kind, str) and not kind[:1].islower()
    is_of_keras = module in (None, "builtins", "keras") or str(module).startswith("keras.")
    return "" if is_class and is_of_keras else f"the class {kind!r:.80} of the plugin's own"
