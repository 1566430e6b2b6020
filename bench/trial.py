"""A trial, and the identity that decides whether an old result is still its current record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

#: Raise this when the training or scoring loop changes what a trial computes.
HARNESS_VERSION = 1


@dataclass(frozen=True)
class Trial:
    """One plugin, task, view, source, profile, seed and backend: plain data that travels.

    ``hyperparameters`` are the arguments of ``build`` and ``callbacks``, ``training`` the schedule
    after the profile's limits, ``versions`` the libraries that compute. ``overrides`` says
    what the command line changed; it is a label and no part of the identity, since what
    it changed is already in the other fields. A ``task_sha256`` of "" is of before it was kept.
    """

    task: str
    task_version: int
    plugin: str
    plugin_sha256: str
    hyperparameters: Mapping[str, Any]
    view: Mapping[str, Any]
    training: Mapping[str, Any]
    scored_examples: int | None
    source: str
    fingerprint: str
    profile: str
    seed: int
    backend: str
    versions: Mapping[str, str]
    harness_version: int = HARNESS_VERSION
    overrides: Mapping[str, Any] = field(default_factory=dict)
    task_sha256: str = ""

    @cached_property
    def identity(self) -> str:
        """Digest over everything that can change the result (64 hexadecimal digits)."""
        return _digest(self._content())

    @cached_property
    def configuration(self) -> str:
        """Digest over the same, without the seed: what repeats of one row share."""
        content = self._content()
        del content["seed"]
        return _digest(content)

    @cached_property
    def variant(self) -> str:
        """What the command line changed, "" for nothing."""
        return ", ".join(f"{key}={value}" for key, value in sorted(self.overrides.items()))

    @cached_property
    def label(self) -> str:
        """The row's name: the plugin and its variant."""
        return f"{self.plugin} ({self.variant})" if self.variant else self.plugin

    def __str__(self) -> str:
        return f"{self.label} seed {self.seed}"

    def _content(self) -> dict[str, Any]:
        # A tuple and a list, or keys in another order, are written alike.
        return {n: getattr(self, n) for n in _COMPUTING if n != "task_sha256" or self.task_sha256}


#: The fields that can change the result.
_COMPUTING = tuple(f.name for f in fields(Trial) if f.name != "overrides")


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
