"""Random forest: the mean of a hundred trees, each grown on other windows of one day."""

from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "jena"
REQUIRES = ["scikit-learn>=1.4"]
HYPERPARAMETERS = {
    "lookback": "1d",
    "training_examples": 20_000,
    "trees": 100,
    "share": 0.1,
    "leaf": 10,
    "epochs": 1,
}


def flatten(windows):
    return windows.reshape(len(windows), -1)


def build(task, trees, share, leaf):
    forest = RandomForestRegressor(trees, max_features=share, min_samples_leaf=leaf)
    return make_pipeline(FunctionTransformer(flatten), forest)
