"""What travels to a worker, and what it sends back while it works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bench.record import Outcome
from bench.trial import Trial


@dataclass(frozen=True)
class Job:
    """A trial with the files it needs.

    The plugin's source travels as text, so that what runs is what the identity was
    taken of, even if the file is edited meanwhile. ``prepared`` is the folder of parsed
    data, ``predictions`` the file in which the worker leaves its test predictions.
    """

    trial: Trial
    plugin_path: str
    plugin_source: str
    task_path: str
    prepared: str
    predictions: str

    def to_json(self) -> str:
        """Return the job as one JSON document."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> Job:
        """Read a job written by ``to_json``."""
        document = json.loads(text)
        return Job(**{**document, "trial": Trial(**document["trial"])})


@dataclass(frozen=True)
class EpochDone:
    """An epoch has ended: its number from 1, and the validation metric."""

    epoch: int
    epochs: int
    metric: float


@dataclass(frozen=True)
class Finished:
    """The worker is gone; ``log`` is the tail of what it printed."""

    outcome: Outcome
    log: str


Message = EpochDone | Outcome


def encode(message: Message) -> str:
    """Return a message as one line of JSON."""
    return json.dumps({"kind": type(message).__name__, **asdict(message)}) + "\n"


def decode(line: str) -> Message | None:
    """Read a line written by ``encode``; anything else, which a plugin may print, is None."""
    try:
        document: Mapping[str, Any] = json.loads(line)
        fields = {key: value for key, value in document.items() if key != "kind"}
        if document["kind"] == "EpochDone":
            return EpochDone(**fields)
        if document["kind"] == "Outcome":
            return Outcome(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return None
