"""A third task: the yearly numbers of sunspots, made up, in a file of one's own."""

from __future__ import annotations

import math
from pathlib import Path

SUNSPOTS = '''"""The number of sunspots a year ahead, from the eleven years before."""

import numpy as np
import pandas as pd

from bench.task import Examples, OpenTask, Prepared

VERSION = 1
METRIC = "mae"
DIRECTION = "min"
LOSS = "mean_absolute_error"
BASELINE = "last_year"
UNITS = {"mae": "sunspots"}
GROUPS = "years"
IN_TIME = True
VIEW = {"lookback": 11}
CHOICES = {}
TRAINING = {"epochs": 5, "batch_size": 32, "optimizer": "adam"}
PROFILES = {"smoke": {"epochs": 1}, "quick": {}, "full": {}}
OFFICIAL = []
LOCAL = [["sunspots.csv"]]
SYNTHETIC = "1"
TRAINED = 0.6  # of the years; half of the rest validates


def read(files, official):
    """Read a file with the columns year and spots."""
    return Prepared({"spots": pd.read_csv(files[0])["spots"].to_numpy("float32")}, {})


def synthesise():
    """Make three centuries with a cycle of eleven years."""
    years = np.arange(300)
    noise = np.random.default_rng(0).normal(0, 5, 300)
    spots = 60 + 50 * np.sin(2 * np.pi * years / 11) + noise
    return Prepared({"spots": spots.astype("float32")}, {})


def open_view(prepared, view):
    """Cut the series into windows, the oldest to train on."""
    spots, lookback = prepared.arrays["spots"], view["lookback"]
    first, second = (int(share * len(spots)) for share in (TRAINED, (1 + TRAINED) / 2))
    return OpenTask(
        (lookback, 1),
        "float32",
        train=_split(spots, lookback, 0, first),
        validation=_split(spots, lookback, first, second),
        test=_split(spots, lookback, second, len(spots)),
        facts={"period": 11},
    )


def _split(spots, lookback, start, stop):
    last = np.arange(max(start, lookback), stop)
    behind = np.arange(-lookback, 0)
    return Examples(
        targets=spots[last],
        gather=lambda numbers: spots[last[numbers][:, None] + behind][:, :, None],
        groups=last.astype("int32"),
    )
'''

DENSE = '''"""A layer over the years."""

from keras import Sequential, layers

TASK = "sunspots"
HYPERPARAMETERS = {"units": 4}


def build(task, units):
    assert task.period == 11
    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(units), layers.Dense(1)])
'''

LAST_YEAR = '''"""The number of the year before."""

from keras import Sequential, layers

TASK = "sunspots"
HYPERPARAMETERS = {}


def build(task):
    return Sequential([task.inputs(), layers.Lambda(lambda x: x[:, -1, :], output_shape=(1,))])
'''


def a_project(folder: Path) -> Path:
    """Make a project of the task, two plugins for it, and a file of data."""
    for name, files in {
        "datasets": {"sunspots": SUNSPOTS},
        "plugins": {"dense": DENSE, "last_year": LAST_YEAR},
    }.items():
        (folder / name).mkdir(parents=True)
        for stem, source in files.items():
            (folder / name / f"{stem}.py").write_text(source, encoding="utf-8")
    spots = (60 + 50 * math.cos(2 * math.pi * year / 11) for year in range(1700, 2000))
    lines = [f"{1700 + number},{value:.1f}" for number, value in enumerate(spots)]
    (folder / "sunspots.csv").write_text("\n".join(["year,spots", *lines]) + "\n")
    return folder
