"""The batches that a Keras model is trained on and scored with, on every backend."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from bench.task import Array, Examples
from bench.trial import Trial
from bench.worker.sampling import epoch_batches

#: Examples that are predicted at once, fewer if their inputs would take more bytes.
SCORING_BATCH, SCORING_BYTES = 512, 16 * 1024**2


def one_column(targets: Array) -> Array:
    """Return targets of shape (n,) as (n, 1)."""
    return targets[:, None]


class TrainingBatches(keras.utils.PyDataset):
    """The batches of one epoch after the other, gathered ahead of the step that needs them.

    ``shape`` is (steps, batch size). ``targets`` has one row an example, made of the examples'
    targets by ``spread``: one column, unless a loss wants a column for each class.
    """

    def __init__(
        self, examples: Examples, trial: Trial, spread: Callable[[Array], Array] = one_column
    ) -> None:
        super().__init__()
        training = trial.training
        self.examples = examples
        self.targets = spread(examples.targets)
        self.shape: tuple[int, int] = (training["steps_per_epoch"], training["batch_size"])
        self._seed = trial.seed
        self._epoch = 0
        self._numbers: Array | None = None

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        if self._numbers is None:
            self._numbers = self.drawn(self._epoch)
        return self.gathered(self._numbers[index])

    def begin(self, epoch: int) -> None:
        """Go on to an epoch's batches, which are drawn when the first of them is asked for.

        Keras' own ``on_epoch_end`` would not do: it is also called before the first epoch.
        """
        self._epoch, self._numbers = epoch, None

    def drawn(self, epoch: int) -> Array:
        """Return the example numbers of an epoch's batches, int64 of this shape."""
        return epoch_batches(len(self.examples), *self.shape, self._seed, int(epoch))

    def gathered(self, numbers: Array) -> tuple[Array, Array]:
        """Return inputs and targets of a batch, shapes (batch size, ...) and (batch size, 1)."""
        return self.examples.gather(numbers), self.targets[numbers]


class ScoringBatches(keras.utils.PyDataset):
    """A split in order; the last batch is filled up, so that one shape is compiled."""

    def __init__(self, examples: Examples) -> None:
        super().__init__()
        self._examples = examples
        self._batch_size = min(_scoring_batch(examples), len(examples))

    def __len__(self) -> int:
        return -(-len(self._examples) // self._batch_size)

    def __getitem__(self, index: int) -> tuple[Array]:
        first = index * self._batch_size
        numbers = np.arange(first, first + self._batch_size)
        return (self._examples.gather(np.minimum(numbers, len(self._examples) - 1)),)


def _scoring_batch(examples: Examples) -> int:
    """Return the examples of a batch: 512, or the next half of it that is small enough.

    Wide inputs cost memory and leave the processor's caches: of one-hot words, 20 MB a batch,
    1,000 reviews took 21 ms in batches of 512 and 14 in batches of 256.
    """
    width = examples.gather(np.zeros(1, dtype="int64"))[0].nbytes
    size = SCORING_BATCH
    while size > 1 and size * width > SCORING_BYTES:
        size //= 2
    return size
