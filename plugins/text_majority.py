"""Majority class: the shares of the classes in training, whatever the text says."""

import numpy as np

TASK = ["imdb", "text"]
HYPERPARAMETERS = {"epochs": 1}


class Shares:
    """Predicts how frequent each class is, and so always the most frequent one."""

    def __init__(self, classes):
        self.classes = classes

    def fit(self, texts, targets):
        """Count the texts of each class."""
        self.shares_ = np.bincount(targets.astype(int), minlength=self.classes) / len(targets)
        return self

    def predict(self, texts):
        """Return the shares for every text; of two classes that of the second."""
        if self.classes == 2:
            return np.full(len(texts), self.shares_[1])
        return np.tile(self.shares_, (len(texts), 1))


def build(task):
    return Shares(max(2, task.outputs))
