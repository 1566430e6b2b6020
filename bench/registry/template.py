"""The plugin file that ``python -m bench new`` writes: small, true to the contract, runnable."""

from __future__ import annotations

import keyword
import re

from bench.errors import BenchError

_BODIES = {
    "imdb": """    "maxlen": 200,
    "embedding_dim": 16,
    "epochs": 5,
}}


def build(task, embedding_dim):
    return Sequential([
        task.inputs(),
        layers.Embedding(task.num_words, embedding_dim),
        layers.GlobalAveragePooling1D(),
        layers.Dense(1, activation="sigmoid"),
    ])
""",
    "": """    "units": 16,
    "epochs": 5,
}}


def build(task, units):
    return Sequential([
        task.inputs(),
        layers.Flatten(),
        layers.Dense(units, activation="relu"),
        layers.Dense(1),
    ])
""",
}

_HEAD = '''"""{title}: say here, in one line, what the model is."""

from keras import Sequential, layers

TASK = "{task}"
HYPERPARAMETERS = {{
'''


def check_name(name: str) -> None:
    """Refuse a name that a plugin's file cannot have.

    Raises:
        BenchError: Says what a name is made of.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise BenchError(
            f"{name!r}: a plugin's name is lower-case letters, digits and _, like my_model"
        )


def plugin_source(name: str, task: str) -> str:
    """Return the text of a new plugin file."""
    template = _HEAD + _BODIES.get(task, _BODIES[""])
    return template.format(title=name.replace("_", " ").capitalize(), task=task)
