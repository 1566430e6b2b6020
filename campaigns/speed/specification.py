"""What both sides of a comparison do: plain data that travels to the plain script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .plain_imdb import Reviews
from .plain_jena import Series


@dataclass(frozen=True)
class Work:
    """How much of everything a trial does.

    ``validated`` examples are scored after each epoch, ``scored`` at the end.
    """

    epochs: int
    steps: int
    validated: int
    scored: int


@dataclass(frozen=True)
class Specification:
    """A model, its training and its data, as a user of Keras alone would write them down.

    ``facts`` are what a plugin's ``build`` may ask of its ``task``; ``options`` its other
    arguments. ``optimizer`` is a configuration that Keras reads. ``training_examples`` is
    None for all. ``jit_compile`` is False or "auto", Keras' own default.
    """

    plugin: str
    options: Mapping[str, Any]
    facts: Mapping[str, Any]
    input_shape: tuple[int, ...]
    input_dtype: str
    loss: str
    metric: str
    optimizer: Mapping[str, Any]
    batch_size: int
    training_examples: int | None
    jit_compile: bool | str
    work: Work
    data: Series | Reviews

    def to_json(self) -> str:
        """Return the specification as one JSON document."""
        return json.dumps({**asdict(self), "kind": type(self.data).__name__})

    @staticmethod
    def from_json(text: str) -> Specification:
        """Read one written by ``to_json``."""
        document = json.loads(text)
        data = {"Series": Series, "Reviews": Reviews}[document.pop("kind")](**document["data"])
        shape = tuple(document["input_shape"])
        made = {"data": data, "work": Work(**document["work"]), "input_shape": shape}
        return Specification(**{**document, **made})
