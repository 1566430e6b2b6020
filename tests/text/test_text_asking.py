"""A sentence of the user's own is encoded as the reviews are, and what a model lacks is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from text_world import imdb, made_data, opened, stored_reviews

from bench.errors import BenchError, CannotRun
from bench.task import Encoded, Question
from bench.text.views import ENCODINGS


def asked(text: str, words: bool = True, **view: Any) -> Encoded:
    data = made_data() if words else made_data(None)
    found = imdb.encode(data, {**imdb.VIEW, "maxlen": 20, **view}, Question(text))
    assert isinstance(found, Encoded)
    return found


@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if e != "one_hot"])
@pytest.mark.parametrize(
    "view", [{}, {"maxlen": None}, {"maxlen": 4}, {"maxlen": 4, "reverse": True}]
)
def test_a_review_typed_in_is_encoded_as_it_is_in_the_data(encoding, view):
    data, chosen = made_data(), {"maxlen": 20, "dimensions": 50, **view, "encoding": encoding}
    words = bytes(np.asarray(data.arrays["vocabulary"])).decode().split("\n")
    for number, ranks in enumerate(stored_reviews(data, "test")[:4]):
        text = " ".join(words[rank - 1] for rank in ranks)
        expected = opened(data, **chosen).test.gather(np.array([number]))
        assert np.array_equal(asked(text, **chosen).inputs, expected)


def test_words_that_a_model_does_not_know_are_named():
    told = asked("The FILM is not qwerty, qwerty!", num_words=6).told
    assert told["words"] == "6"
    assert told["unknown"] == "3: is, qwerty (in no training review)"
    # Ranks 1 and 2 have the numbers 4 and 5.
    assert told["too rare"] == "1: not (numbers go to 5)"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        ({"maxlen": 5}, "none"),
        ({"maxlen": 3}, "2 words at the beginning: a model takes 3 items"),
        # Reversed, the mark of the start is kept longest.
        ({"maxlen": 3, "reverse": True}, "3 words at the end: a model takes 3 items"),
        ({"maxlen": 10, "encoding": "characters"}, "12 characters at the beginning"),
        ({"maxlen": None, "encoding": "counts"}, "none"),
    ],
)
def test_what_is_cut_is_said(view, said):
    assert asked("the film not good very", **view).told["cut"].startswith(said)


def test_the_answer_is_the_probability_of_a_positive_review():
    answer = asked("good").answer
    told = [answer(np.array([each]))["probability of a positive review"] for each in (0.87, 0.5)]
    assert told == ["0.8700 (positive)", "0.5000 (negative)"]


def test_what_cannot_be_asked_of_reviews_is_refused():
    view = imdb.VIEW
    with pytest.raises(BenchError, match="give a sentence"):
        asked(" ... ")
    with pytest.raises(BenchError, match="are for tasks of a series"):
        imdb.encode(made_data(), view, Question(at="2016-01-01"))
    with pytest.raises(CannotRun, match="this data has ranks but no words"):
        asked("good", words=False)
