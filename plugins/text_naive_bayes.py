"""Naive Bayes: how likely each class is to have the words of a text, each by itself."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "text"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "num_words": None,
    "alpha": 0.5,
    "epochs": 1,
}


def counts(rows, size):
    """How often each word occurs in each row of indices; 0 is padding."""
    ends = np.concatenate(([0], np.cumsum(np.count_nonzero(rows, axis=1))))
    found = rows[rows > 0]
    return csr_matrix((np.ones(len(found), "float32"), found, ends), shape=(len(rows), size))


def build(task, alpha):
    return make_pipeline(
        FunctionTransformer(counts, kw_args={"size": task.num_words}),
        MultinomialNB(alpha=alpha),
    )
