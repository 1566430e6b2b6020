"""Character n-grams: logistic regression over groups of letters, word boundaries included."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "imdb"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "encoding": "characters",
    "maxlen": 2000,
    "letters": 5,
    "buckets": 1_048_576,
    "C": 10.0,
    "epochs": 1,
}


def counts(rows, alphabet, letters, buckets):
    """How often each group of so many letters occurs in each row of codes; 0 is padding."""
    codes = np.zeros((len(rows), rows.shape[1] - letters + 1), dtype="int64")
    for place in range(letters):
        codes = codes * alphabet + rows[:, place : place + codes.shape[1]]
    whole = rows[:, : codes.shape[1]] > 0
    # Multiplying by an odd number scatters groups that are alike (Knuth, 1998, section 6.4).
    hashed = (codes[whole] * 2_654_435_761 % 2**32) * buckets >> 32
    ends = np.concatenate(([0], np.cumsum(np.count_nonzero(whole, axis=1))))
    bags = csr_matrix(
        (np.ones(len(hashed), "float32"), hashed.astype("int32"), ends), shape=(len(rows), buckets)
    )
    bags.sum_duplicates()
    return bags


def build(task, letters, buckets, C):
    how = {"alphabet": task.alphabet_size, "letters": letters, "buckets": buckets}
    return make_pipeline(
        FunctionTransformer(counts, kw_args=how),
        TfidfTransformer(sublinear_tf=True),
        LogisticRegression(C=C, solver="liblinear"),
    )
