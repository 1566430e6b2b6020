"""``run --on``: the records of workers are those of this machine, to the bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SOURCE = '''"""Dense with dropout: random numbers in every step."""

from keras import Sequential, layers

TASK = "jena"
HYPERPARAMETERS = {"lookback": "2d", "epochs": 2, "steps_per_epoch": 3, "batch_size": 32}


def build(task):
    words = task.path("scale.txt").read_text()
    return Sequential([
        task.inputs(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Rescaling(float(words)),
        layers.Dense(1),
    ])
'''


def results_in(folder: Path) -> dict[str, tuple[str, object, dict[str, bytes]]]:
    """Status, test scores and predictions by identity."""
    found = {}
    for path in folder.glob("*/*/**/*.json"):
        record = json.loads(path.read_text())
        with np.load(path.parent / record["predictions"]["file"]) as file:
            arrays = {name: file[name].tobytes() for name in file.files}
        found[record["identity"]] = record["status"], record["metrics"]["test"], arrays
    return found


def test_workers_give_what_this_machine_gives_and_the_records_say_what_they_shared(
    small_run, plugin_folder, tmp_path
):
    (plugin_folder / "dropout.py").write_text(
        SOURCE.replace("HYPERPARAMETERS", 'FILES = ["scale.txt"]\nHYPERPARAMETERS', 1)
    )
    (plugin_folder / "scale.txt").write_text("0.5\n")
    words = ("dropout", "--task", "jena", "--plugins", plugin_folder)
    here = small_run(*words, "--results", "here")
    there = small_run(*words, "--on", "local:1", "--results", "there")

    assert (here.returncode, there.returncode) == (0, 0), here.stderr + there.stderr
    assert "1 worker on 1 machine" in there.stderr
    assert " on " in there.stderr.split("[1/1]")[1]
    assert len(results_in(tmp_path / "here")) == 1
    assert results_in(tmp_path / "here") == results_in(tmp_path / "there")
    for path in (tmp_path / "there").glob("*/*/**/*.json"):
        environment = json.loads(path.read_text())["environment"]
        assert environment["jobs"] == 1
        assert environment["start"] == "fork"
