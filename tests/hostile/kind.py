"""A kind of hostile plugin: its source, and what is expected of a trial of it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from bench.protocol import CRASHED, DIVERGED, FAILED, OK, OUT_OF_MEMORY, TIMEOUT, Bounds

__all__ = ["CRASHED", "DIVERGED", "FAILED", "OK", "OUT_OF_MEMORY", "TIMEOUT", "Kind"]

#: Long enough for a trial on a busy machine, short enough for a test that waits in vain.
PATIENT = Bounds(timeout=60.0)
#: For those that hang: a trial needs less than a second to come to the point where it does.
HASTY = Bounds(timeout=2.0)
#: A trial of a small model takes some 400 MB; nobody waits for a greedy one to swap.
FRUGAL = Bounds(timeout=60.0, memory=1024**3)

_PLUGIN = '''"""Does harm: {name}."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import keras
import numpy as np
from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {{}}


def innocent(task, *first):
    return Sequential([
        task.inputs(),
        *first,
        layers.Flatten(),
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(1),
    ])


{top}


def build(task):
{body}
    return innocent(task)
'''


@dataclass(frozen=True)
class Kind:
    """What a hostile plugin does in ``build`` (or before, in ``top``), and what comes of it.

    ``reason`` and ``log`` are phrases that the record's own must hold. A plugin that is
    ``pure`` harms nothing that a result is computed from: its numbers are those of the
    innocent model, which ``build`` returns at its end. ``clock`` says whether its own clock
    must be found to be wrong.
    """

    name: str
    body: str = ""
    status: str = OK
    reason: str = ""
    top: str = ""
    log: str = ""
    bounds: Bounds = PATIENT
    pure: bool = False
    clock: bool = False

    @property
    def source(self) -> str:
        """The plugin's file."""
        body = textwrap.indent(textwrap.dedent(self.body).strip() or "pass", "    ")
        return _PLUGIN.format(name=self.name, top=textwrap.dedent(self.top).strip(), body=body)


#: A model of Keras that draws at every place where a seed is wanted.
INNOCENT = Kind("innocent", pure=True)

#: Draws from every generator and compiles nothing: it takes a tenth of that one's time.
GUESSING = Kind(
    "guessing",
    top="""
        import random


        class Guess:
            def fit(self, inputs, targets):
                own = keras.ops.convert_to_numpy(keras.random.normal((inputs.shape[-1],)))
                self.weights = own + np.random.normal() + random.random() + np.mean(targets)

            def predict(self, inputs):
                return np.asarray(inputs)[:, -1] @ self.weights
    """,
    body="return Guess()",
)
