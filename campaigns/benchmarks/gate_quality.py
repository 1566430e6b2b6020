"""Is a plugin that was broken on purpose called worse, and one with other seeds not?

``python -m campaigns.benchmarks gate-quality`` trains real plugins on the data that are there.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from tabulate import tabulate

from bench.gate.against import Trainer, Watch
from bench.gate.judge import judge
from bench.gate.measure import Revision
from bench.gate.model import BETTER, WORSE, Conditions, Finding, Side
from bench.gate.settings import CheckSettings
from bench.metrics import QUALITY
from bench.registry.discover import Registry, discover
from bench.registry.plugins import Plugin
from bench.runs.interruption import Interruption
from campaigns.benchmarks.wrapping import wrapped

#: Under a rate 30 times as large the first two learn as well, since the best epoch's weights are
#: kept: a simple RNN does not.
INPUTS, RATED = ("imdb_onehot", "jena_gru"), ("imdb_simple_rnn",)
NO_CHANGE = "not changed"
SEEDS, OTHERS = (0, 1, 2), (3, 4, 5)
#: Thirty times Keras' own rate for RMSprop, which these plugins train with.
RATE = 30 * 0.001

BROKEN: Mapping[str, str] = {
    "dropout 0.9": """
def _changed(model):
    from keras import Model, layers
    return Model(model.inputs, model(layers.Dropout(0.9)(model.inputs[0])))
""",
    "shuffled labels": """
def _changed(model):
    import keras

    class Shuffled(keras.Model):
        def compute_loss(self, x, y, *rest, **named):
            return super().compute_loss(x, keras.random.shuffle(y), *rest, **named)

    return Shuffled(model.inputs, model.outputs)
""",
}


def measure(rounds: int) -> bool:
    """Train, compare and print; say whether every verdict is as it should be."""
    held, rows = True, []
    for name in INPUTS + RATED:
        for change, found, expected in _findings(name):
            is_changed = found.verdict in (WORSE, BETTER)
            held = held and (found.verdict == WORSE if expected == WORSE else not is_changed)
            low, high = found.interval or (float("nan"), float("nan"))
            interval = f"{low:+.4f} to {high:+.4f}"
            told = f"{found.base:.4f}", f"{found.candidate:.4f}", interval, found.verdict
            rows.append([name, change, *told, expected])
    heads = ["plugin", "changed", "before", "after", "99% interval", "verdict", "expected"]
    print(tabulate(rows, heads, "github", disable_numparse=True))
    return held


def _findings(name: str) -> Iterator[tuple[str, Finding, str]]:
    """Compare each change of a plugin with the plugin, over three seeds a side."""
    registry = discover()
    (plain,) = registry.select([name])
    with Interruption() as interruption, tempfile.TemporaryDirectory() as scratch:
        watch = Watch(Console(stderr=True, highlight=False), interruption)

        def side(title: str, plugin: Plugin, seeds: tuple[int, ...]) -> Side:
            folder = Path(scratch, title.replace(" ", "-"))
            revision = Revision(title, "", Registry(registry.tasks, (plugin,)), {})
            trainer = Trainer(revision, folder, watch)
            return trainer.train({name}, Conditions(), seeds)

        before = side("before", plain, SEEDS)
        for title, plugin in dict(_changed(name, plain, Path(scratch))).items():
            after = side(title, replace(plugin, name=name), SEEDS)
            yield title, _judged(before, after), WORSE
        yield "other seeds", _judged(before, side("other seeds", plain, OTHERS)), NO_CHANGE


def _changed(name: str, plain: Plugin, scratch: Path) -> Iterator[tuple[str, Plugin]]:
    if name in RATED:
        faster = {**plain.hyperparameters, "learning_rate": RATE}
        yield "learning rate x 30", replace(plain, hyperparameters=faster)
        return
    for title, source in BROKEN.items():
        file = re.sub("[^a-z0-9]", "_", title)
        yield title, wrapped(plain, source, scratch / f"{file}.py")


def _judged(before: Side, after: Side) -> Finding:
    (found,) = judge(before, after, CheckSettings(metrics=(QUALITY,)))
    return found
