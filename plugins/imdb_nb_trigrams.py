"""Naive Bayes trigrams: a linear model over n-grams, each weighted by its odds beforehand.

Wang and Manning (2012), "Baselines and bigrams: simple, good sentiment and topic
classification"; here over TF-IDF and with trigrams.
"""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

TASK = "imdb"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "encoding": "trigrams",
    "num_words": None,
    "maxlen": 1000,
    "dimensions": 4_000_000,
    "C": 10.0,
    "epochs": 1,
}


def counts(rows, size):
    """How often each n-gram occurs in each row of indices; 0 is padding."""
    ends = np.concatenate(([0], np.cumsum(np.count_nonzero(rows, axis=1))))
    found = rows[rows > 0]
    bags = csr_matrix((np.ones(len(found), "float32"), found, ends), shape=(len(rows), size))
    bags.sum_duplicates()
    return bags


class NaiveBayesOdds(TransformerMixin, BaseEstimator):
    """Multiplies each n-gram by the log of how much likelier it is in a positive review."""

    def fit(self, bags, targets):
        """Count the reviews of either label that have each n-gram."""
        size = bags.shape[1]
        positive, negative = (
            1 + np.bincount(bags[targets == label].indices, minlength=size) for label in (1, 0)
        )
        odds = (positive / positive.sum()) / (negative / negative.sum())
        self.log_odds_ = np.log(odds).astype("float32")
        return self

    def transform(self, bags):
        """Return weighted bags."""
        weights = bags.data * self.log_odds_[bags.indices]
        return csr_matrix((weights, bags.indices, bags.indptr), shape=bags.shape)


def build(task, C, dimensions):
    return make_pipeline(
        FunctionTransformer(counts, kw_args={"size": task.num_words + dimensions}),
        TfidfTransformer(sublinear_tf=True),
        NaiveBayesOdds(),
        LinearSVC(C=C),
    )
