"""A trial imports Keras without what few models need of it, and gets that whole where it asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys

SCRIPT = """
import gc, json, sys
from bench.worker.libraries import import_keras
told = {"before": gc.isenabled()}
import_keras()
import keras
told["left_out"] = [n for n in ("sklearn", "matplotlib") if n in sys.modules]
told["frozen"] = gc.get_freeze_count() > 100_000
told["collects"] = gc.isenabled()
import_keras()
from keras.wrappers import SKLearnClassifier
import sklearn.base
told["estimator"] = issubclass(keras.wrappers.SKLearnClassifier, sklearn.base.ClassifierMixin)
told["same"] = keras.wrappers.SKLearnClassifier is SKLearnClassifier
from keras.src.visualization import plot_image_gallery
told["gallery"] = callable(keras.visualization.plot_image_gallery)
told["plots"] = plot_image_gallery.plt is sys.modules["matplotlib.pyplot"]
try:
    keras.no_such_name
except AttributeError as error:
    told["unknown"] = str(error)
print(json.dumps(told))
"""


def test_keras_is_imported_without_scikit_learn_and_matplotlib_until_its_parts_are_asked_for():
    environment = {
        **os.environ,
        "KERAS_BACKEND": "tensorflow",
        "MPLBACKEND": "agg",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "before": True,
        "left_out": [],
        "frozen": True,
        "collects": True,
        "estimator": True,
        "same": True,
        "gallery": True,
        "plots": True,
        "unknown": "module 'keras' has no attribute 'no_such_name'",
    }
