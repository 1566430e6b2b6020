"""Naive Bayes trigrams: a linear model over n-grams, each weighted by its odds beforehand.

Wang and Manning (2012), "Baselines and bigrams: simple, good sentiment and topic
classification"; here over TF-IDF and with trigrams. Probabilities are those of Platt (1999).
"""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC

TASK = "imdb"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "encoding": "trigrams",
    "num_words": None,
    "maxlen": 1000,
    "dimensions": 16_000_000,
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


def weighted(bags, log_odds):
    """Multiply each n-gram by the log of how much likelier it is in a positive review."""
    weights = bags.data * log_odds[bags.indices]
    return csr_matrix((weights, bags.indices, bags.indptr), shape=bags.shape)


class NaiveBayesSVC(LinearSVC):
    """A linear SVM over weighted n-grams."""

    def fit(self, bags, targets):
        """Count the reviews of either label that have each n-gram, and fit."""
        size = bags.shape[1]
        positive, negative = (
            1 + np.bincount(bags[targets == label].indices, minlength=size) for label in (1, 0)
        )
        odds = (positive / positive.sum()) / (negative / negative.sum())
        self.log_odds_ = np.log(odds).astype("float32")
        return super().fit(weighted(bags, self.log_odds_), targets)

    def decision_function(self, bags):
        """Return how far each review is from the border between the labels."""
        return super().decision_function(weighted(bags, self.log_odds_))


class TellingSVC(NaiveBayesSVC):
    """One that tells probabilities, by its margins on reviews that it was not fitted to."""

    def fit(self, bags, targets):
        """Fit to either half for the margins of the other, then to all."""
        margins = cross_val_predict(
            NaiveBayesSVC(C=self.C), bags, targets, cv=2, method="decision_function"
        )
        self.sigmoid_ = LogisticRegression().fit(margins[:, None], targets)
        return super().fit(bags, targets)

    def predict_proba(self, bags):
        """Return the probabilities of both labels."""
        return self.sigmoid_.predict_proba(self.decision_function(bags)[:, None])


def build(task, C, dimensions):
    return make_pipeline(
        FunctionTransformer(counts, kw_args={"size": task.num_words + dimensions}),
        TfidfTransformer(sublinear_tf=True),
        TellingSVC(C=C),
    )
