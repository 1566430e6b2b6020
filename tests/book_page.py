"""``python -m tests.book_page > docs/book.md``: what of the Keras book's chapter is done by what.

What each step of the chapter is, and what is different here, is written below; what a plugin is and
what was published of it stands in its own file.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tabulate import tabulate

from bench.registry.discover import discover
from bench.registry.plugins import Plugin
from bench.report.writers import escape_markdown
from tests.models_page import published

COMMAND = "python -m tests.book_page > docs/book.md"
_HEADINGS = ("listing", "step", "here", "published", "what is different")


@dataclass(frozen=True)
class Step:
    """A listing, a figure or a suggestion of the chapter, and what does it here.

    ``listing`` is its number where that is known, and ``plugins`` are what it trains; ``commands``
    are the words behind `python -m bench`, ``files`` paths in the repository.
    """

    what: str
    listing: str = ""
    plugins: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    different: str = ""


_RESET_AFTER = "Keras 3's GRU has `reset_after`: another cell, with 3 x units more weights"

PARTS: Mapping[str, Sequence[Step]] = {
    "Words and letters as numbers": (
        Step(
            "One-hot words by hand, and with Keras' tokenizer",
            plugins=("imdb_onehot",),
            commands=("data show imdb --set encoding=multi_hot",),
            different="whole reviews, not two sentences; words are ranked by the suite itself, as "
            "Keras 3 has no tokenizer of that kind",
        ),
        Step(
            "One-hot letters by hand",
            plugins=("imdb_characters",),
            different="a convnet over them; groups of letters are in `imdb_character_ngrams`",
        ),
        Step(
            "The hashing trick",
            plugins=("imdb_hashed",),
            different="a word is hashed by its rank, so that every platform has the same buckets",
        ),
        Step(
            "An Embedding layer, and the reviews for it",
            commands=("data fetch imdb", "data show imdb --set maxlen=20"),
        ),
        Step("An embedding under a classifier", "6-7", plugins=("imdb_embedding_dense",)),
        Step(
            "Labels and words of the raw reviews",
            commands=("data verify PATH/aclImdb",),
            different="the archive or its folder is read as it is, or any CSV file "
            "([tasks.md](tasks.md))",
        ),
        Step("The file of GloVe, and the matrix of the vocabulary", commands=("data fetch glove",)),
        Step(
            "GloVe under a dense network, 200 reviews",
            "6-14",
            plugins=("imdb_glove_200",),
            different="each seed draws other reviews; validated on the 5,000 of the split; "
            "`--set trainable=true` lets the vectors learn",
        ),
        Step(
            "The same without GloVe",
            "6-16",
            plugins=("imdb_embedding_200", "imdb_embedding_2000"),
            different="the second has ten times as many reviews, which the text suggests",
        ),
        Step(
            "The test split in words, and the score on it",
            "6-18",
            plugins=("imdb_glove_200",),
            different="every model is scored on the test split, beside validation",
        ),
    ),
    "Recurrent layers": (
        Step(
            "A recurrent network in pseudocode, and in NumPy",
            files=("tests/worker/test_recurrent_oracles.py",),
            different="a test: Keras' layer gives what the loop in NumPy gives",
        ),
        Step(
            "A stack of recurrent layers that hand on whole sequences",
            plugins=("imdb_stacked_rnn",),
        ),
        Step("The reviews, padded to 500 words", commands=("data show imdb",)),
        Step("An embedding under a simple RNN", "6-23", plugins=("imdb_simple_rnn",)),
        Step(
            "The steps of an LSTM in pseudocode",
            files=("tests/worker/test_recurrent_oracles.py",),
            different="the equations of LSTM and GRU in NumPy, as tests of Keras' layers",
        ),
        Step("An embedding under an LSTM", "6-27", plugins=("imdb_lstm",)),
    ),
    "The temperature in Jena": (
        Step("The file, and its columns", commands=("data fetch jena", "data show jena")),
        Step("Temperature over all years, and over ten days", commands=("data plot jena",)),
        Step(
            "Standardised columns, a generator of windows, three of them for the splits",
            commands=("data show jena --split validation --example 3",),
            files=("bench/series/windows.py",),
            different="windows are looked up, not copied; training takes every row once before any "
            "twice, where the generator draws with replacement; all validation rows are scored "
            "after each epoch. The window is the published one: ten days by the hour, whose newest "
            "sample lies a step before the row that the day ahead is counted from",
        ),
        Step(
            "The common-sense forecast, and its error in degrees",
            "6-35, 6-36",
            plugins=("jena_naive",),
        ),
        Step("A densely connected network", "6-37", plugins=("jena_dense",)),
        Step("A GRU", "6-39", plugins=("jena_gru",), different=_RESET_AFTER),
        Step("A GRU with dropout", "6-40", plugins=("jena_gru_dropout",), different=_RESET_AFTER),
        Step(
            "Two GRUs with dropout",
            "6-41",
            plugins=("jena_stacked_gru",),
            different=f"{_RESET_AFTER}. The upper layer's relu keeps it from cuDNN, as there",
        ),
        Step(
            "A GRU that reads the window backwards",
            plugins=("jena_gru_reversed",),
            different=_RESET_AFTER,
        ),
        Step("An LSTM that reads reviews backwards", "6-42", plugins=("imdb_lstm_reversed",)),
        Step(
            "A bidirectional LSTM",
            "6-43",
            plugins=("imdb_bidirectional_lstm_reversed",),
            different="the published run still had reversed reviews; `imdb_bidirectional_lstm` has "
            "them as they are",
        ),
        Step(
            "A bidirectional GRU",
            "6-44",
            plugins=("jena_bidirectional_gru",),
            different=_RESET_AFTER,
        ),
    ),
    "Convnets": (
        Step(
            "A convnet over reviews",
            plugins=("imdb_conv1d",),
            different="with the sigmoid that the listing lacks; `--set ending=average,flatten` "
            "has its other endings",
        ),
        Step("A convnet over the weather", plugins=("jena_conv1d",)),
        Step(
            "Windows of half hours, and a convnet under a GRU",
            plugins=("jena_conv_gru",),
            different=f"needs the file of ten minutes; {_RESET_AFTER}",
        ),
    ),
    "A later notebook: eight units, 500 words": (
        Step("A simple RNN over one-hot words", plugins=("imdb_onehot_rnn8",)),
        Step(
            "The same over an embedding",
            plugins=("imdb_embedded_rnn8",),
            different="fed word ranks; the published run feeds one-hot words to the embedding",
        ),
        Step(
            "An LSTM, trained on",
            plugins=("imdb_lstm8",),
            different="trained once; `--set epochs=20` is as long as both published fits",
        ),
        Step("The LSTM with dropout", plugins=("imdb_lstm8_dropout",)),
    ),
    "What the text tells to try, or warns of": (
        Step("More units, another rate, LSTM for GRU", plugins=("jena_gru_large", "jena_lstm")),
        Step(
            "A bigger head, or a stack of dense layers",
            plugins=("jena_gru_large",),
            different="a stack is `--set head_units=[64,32]`",
        ),
        Step("Dropout in two directions", plugins=("jena_bidirectional_gru_dropout",)),
        Step(
            "Dropout in front of a recurrent layer, which hinders it",
            plugins=("jena_gru_dropout_before",),
        ),
        Step("Hours that are shuffled, where order matters", plugins=("jena_gru_shuffled",)),
        Step(
            "A longer window",
            commands=("run jena_gru --set lookback=20d",),
            different="scored on the same examples; training examples that have no such window are "
            "left out, and a window takes the rows that are there, across a gap too",
        ),
        Step(
            "Another delay than a day",
            commands=("new-task jena_hours --from jena_hourly_2009_2016.csv",),
            different="a task of its own, with `delay` in its file: targets are others, so nothing "
            "compares with a day ahead",
        ),
        Step("Chance, to compare with", plugins=("text_majority", "jena_naive")),
        Step(
            "Models together",
            commands=("ensemble imdb_lstm imdb_conv1d",),
            different="the mean of what recorded trials have predicted",
        ),
    ),
    "Figures": (
        Step(
            "Training and validation curves of each model",
            commands=("report --figures DIR", "report --format html --output board.html"),
        ),
        Step(
            "Temperature over all years, and over ten days",
            commands=("data plot jena",),
        ),
        Step("How long reviews are", commands=("data plot imdb",)),
        Step(
            "Drawings of layers and of how a window is read",
            different="none here: the suite draws results, not architectures",
        ),
    ),
}


def page() -> str:
    """Return the whole page."""
    plugins = {plugin.name: plugin for plugin in discover().plugins}
    parts = [
        "# The book's chapter, step by step",
        "What F. Chollet's *Deep Learning with Python* (2017) does in its chapter on text and "
        "sequences, what does it here, and what is different. A listing has its number where the "
        "suite's published figures name it; the others are named by what they do. Published "
        "figures are of the validation data unless they say otherwise.",
        "Everywhere: Keras 3 in place of Keras 2, several seeds in place of one run, scores of the "
        "best epoch (the last is beside it in `report --reproduction`), all epochs of a listing "
        "([plugins.md](plugins.md#stopping-early)), and figures with intervals. Of IMDB's training "
        "reviews 20% validate, drawn once by their content. The models beyond the chapter are in "
        "[models.md](models.md), what came of it all in [findings.md](findings.md).",
        f"This page is made by `{COMMAND}`.",
    ]
    for heading, steps in PARTS.items():
        rows = [row(step, plugins) for step in steps]
        parts += [f"## {heading}", tabulate(rows, headers=_HEADINGS, tablefmt="pipe")]
    return "\n\n".join(parts) + "\n"


def row(step: Step, plugins: Mapping[str, Plugin]) -> list[str]:
    """Return a step's cells."""
    here = [f"`{name}`" for name in step.plugins]
    here += [f"`python -m bench {words}`" for words in step.commands]
    here += [f"[{path}](../{path})" for path in step.files]
    figures = [published(plugins[name].reference) for name in step.plugins]
    told = dict.fromkeys(escape_markdown(each) for each in figures if each)
    return [step.listing, step.what, ", ".join(here) or "–", "; ".join(told), step.different]


if __name__ == "__main__":
    sys.stdout.write(page())
