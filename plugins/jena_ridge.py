"""Ridge regression: one weight for every number of the window, kept small."""

from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

TASK = "jena"
HYPERPARAMETERS = {
    "lookback": "4d",
    "alpha": 1000.0,
    "epochs": 1,
}


def flatten(windows):
    return windows.reshape(len(windows), -1)


def build(task, alpha):
    return make_pipeline(FunctionTransformer(flatten), Ridge(alpha))
