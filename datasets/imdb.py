"""Is a film review positive or negative? (Maas et al., 2011)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.task import Encoded, Look, OpenTask, Prepared, Question

KIND = "text"
VERSION = 1
METRIC = "accuracy"
DIRECTION = "max"
LOSS = "binary_crossentropy"
BASELINE = "imdb_onehot"
GROUPS = "reviews"
UNITS = {"accuracy": "share of reviews"}
VIEW = {
    "num_words": 10000,
    "maxlen": 500,
    "encoding": "ranks",
    "reverse": False,
    "dimensions": 1000,
}
CHOICES = {
    "encoding": [
        "ranks",
        "multi_hot",
        "counts",
        "tf_idf",
        "hashed",
        "one_hot",
        "characters",
        "bigrams",
        "trigrams",
    ]
}
TRAINING = {"epochs": 10, "batch_size": 128, "optimizer": "rmsprop"}
PROFILES = {
    "smoke": {"epochs": 1, "examples_per_epoch": 512, "scored_examples": 500},
    "quick": {"epochs": 4, "examples_per_epoch": 5120, "scored_examples": 5000},
    "full": {},
}
OFFICIAL = [
    [
        {
            "name": "imdb.npz",
            "url": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz",
            "sha256": "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
            "size": 17464789,
        },
        {
            "name": "imdb_word_index.json",
            "url": (
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb_word_index.json"
            ),
            "md5": "bfafd718b763782e994055a2d397834f",
            "size": 1641221,
        },
    ],
    [
        {
            "name": "aclImdb_v1.tar.gz",
            "url": "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            "md5": "7c2ac02c03563afcf9b574c7e56c153a",
            "size": 84125825,
        }
    ],
]
LOCAL = [
    ["imdb.npz", "imdb_word_index.json?"],
    ["aclImdb_v1.tar.gz"],
    ["aclImdb.tar.gz"],
    ["aclImdb"],
]
SYNTHETIC = "1"
TEST_TARGETS = ["test_labels"]


def read(files: Sequence[Path], official: bool) -> Prepared:
    """Parse one bundle; official and local files are read alike, the latter with remarks."""
    from bench.text import reading

    return reading.read(files, official)


def synthesise() -> Prepared:
    """Make reviews whose sentiment lies in words, negations and their order."""
    from bench.text import synthetic

    return synthetic.synthesise()


def open_view(prepared: Prepared, view: Mapping[str, Any]) -> OpenTask:
    """Open the reviews under a view; what it does not mention is as VIEW has it."""
    from bench.text import opening

    return opening.open_view(prepared, {**VIEW, **view})


def look(prepared: Prepared, view: Mapping[str, Any], split: str, number: int) -> Look:
    """Show the splits, a review in words and as a model gets it, and how long they are."""
    from bench.text import look as looking

    return looking.look(prepared, {**VIEW, **view}, split, number)


def encode(prepared: Prepared, view: Mapping[str, Any], question: Question) -> Encoded:
    """Encode a sentence as the reviews are, for `python -m bench predict`."""
    from bench.text import asking

    return asking.encode(prepared, {**VIEW, **view}, question)
