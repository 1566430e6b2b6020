"""Plugins that do harm, by kind, with what a run must make of each."""

from __future__ import annotations

from . import deaths, deceits, errors, hangs, output, poison, relatives, state
from .kind import Kind

KINDS: tuple[Kind, ...] = (
    *errors.KINDS,
    *deaths.KINDS,
    *hangs.KINDS,
    *relatives.KINDS,
    *output.KINDS,
    *state.KINDS,
    *deceits.KINDS,
    *poison.KINDS,
)
