"""TF-IDF bigrams: logistic regression over weighted words and pairs of words."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "imdb"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "encoding": "bigrams",
    "num_words": None,
    "maxlen": 1000,
    "dimensions": 1_000_000,
    "C": 30.0,
    "epochs": 1,
}


def counts(rows, size):
    """How often each word and bigram occurs in each row of indices; 0 is padding."""
    ends = np.concatenate(([0], np.cumsum(np.count_nonzero(rows, axis=1))))
    found = rows[rows > 0]
    bags = csr_matrix((np.ones(len(found), "float32"), found, ends), shape=(len(rows), size))
    bags.sum_duplicates()
    return bags


def build(task, C, dimensions):
    return make_pipeline(
        FunctionTransformer(counts, kw_args={"size": task.num_words + dimensions}),
        TfidfTransformer(sublinear_tf=True),
        LogisticRegression(C=C, solver="liblinear"),
    )
