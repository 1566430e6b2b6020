"""What a task hands to the harness, and what the harness hands to a plugin.

A file in ``datasets/`` declares literals that are read without running it (see
``bench.registry.tasks``; ``TEST_TARGETS`` names the arrays that hold targets of the test
split, which are blank where a trial opens a view) and three functions::

    read(files: Sequence[Path], official: bool) -> Prepared   raw files, parsed once
    synthesise() -> Prepared                                  the same, made offline
    open_view(prepared: Prepared, view: Mapping[str, Any]) -> OpenTask

and, where no hash of the official files is known, a fourth::

    is_official(files: Sequence[Path]) -> str | None          None, or what is different

For `python -m bench data show` and `data plot` it may have a fifth::

    look(prepared: Prepared, view: Mapping[str, Any], split: str, number: int) -> Look

and for `python -m bench predict` a sixth, which encodes as ``open_view`` does::

    encode(prepared: Prepared, view: Mapping[str, Any], question: Question) -> Encoded

Task files may import numpy, pandas and ``bench``; never Keras. What lies beside one it imports
as ``from . import _helper``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Prepared:
    """Parsed data: arrays that are stored one file each and memory-mapped when opened.

    ``meta`` is small, JSON-able, and says what a reader of the data would want to
    know (rows, columns, gaps dropped, mean and std, ...). ``folder`` is where the arrays
    lie once they are stored; what a view makes of them can be kept beside it (see
    ``bench.data.encoded``).
    """

    arrays: Mapping[str, Array]
    meta: Mapping[str, Any]
    folder: Path | None = None


@dataclass(frozen=True)
class Lookup:
    """Inputs that are rows of one table, so that a backend can gather them without Python.

    The input of example i is ``table[first[i] + offsets]``. ``table`` has shape (rows, ...)
    and is of the inputs' type or of one that casts to it without loss; ``first`` has shape
    (n,), ``offsets`` shape (k,) or (), both int64. With a ``depth`` every whole number that
    is found is one-hot encoded, as float32.
    """

    table: Array
    first: Array
    offsets: Array
    depth: int | None = None

    def rows(self, numbers: Array) -> Array:
        """Return what the table has for int64 numbers of shape (b,): no cast, no encoding."""
        wanted = self.first[numbers].reshape(-1, *[1] * self.offsets.ndim) + self.offsets
        return np.take(self.table, wanted, axis=0)

    def only(self, numbers: Array) -> Lookup:
        """Return the lookup of these examples, int64 of shape (b,), in this order."""
        return replace(self, first=self.first[numbers])


def _no_lookup() -> None:
    return None


@dataclass(frozen=True)
class Examples:
    """One split of a task under one view.

    ``targets`` has shape (n,), float32, or (n, outputs) of a task with several outputs (see
    ``OpenTask``). ``gather`` takes an int64 array of example
    numbers in [0, n), shape (b,), and returns their inputs, shape (b, *input_shape):
    nothing is materialised before it is asked for. ``groups`` has shape (n,), int32:
    examples of one group are not independent (windows of one day); for independent
    examples it numbers them. ``lookup`` returns where ``gather`` finds the inputs if that
    can be said as a ``Lookup``, or None.
    """

    targets: Array
    gather: Callable[[Array], Array]
    groups: Array
    lookup: Callable[[], Lookup | None] = _no_lookup

    def __len__(self) -> int:
        return len(self.targets)

    def only(self, numbers: Array) -> Examples:
        """Return the examples of these numbers, int64 of shape (b,), in this order."""
        return Examples(
            targets=self.targets[numbers],
            gather=lambda wanted: self.gather(numbers[wanted]),
            groups=self.groups[numbers],
            lookup=lambda: (found := self.lookup()) and found.only(numbers),
        )


@dataclass(frozen=True)
class Absent:
    """A fact that a view does not have: a plugin that asks for it is skipped, for this reason."""

    reason: str


@dataclass(frozen=True)
class OpenTask:
    """A task under one view: its splits, and what a plugin may know of it.

    ``input_shape`` excludes the batch; ``facts`` become attributes of the plugin's
    ``task`` argument. ``units`` maps the name of a further metric to the factor that
    turns the task's metric into it (``{"mae_degC": 8.85}``). ``highest`` is the highest
    number that an input of whole numbers from 0 can have under this view, if it is known.

    ``outputs`` is how many numbers are predicted of an example (the steps of a horizon, several
    columns): targets and predictions have shape (n,) for one, and (n, outputs) otherwise.
    ``classes`` names the classes where an example is put into one. Of three or more the targets
    are class numbers, shape (n,), and predictions are probabilities, shape (n, classes); of two,
    or none named, a prediction is one number, shape (n,). ``parts`` are outputs that are also
    scored by themselves, by what is told of them: the steps of a horizon, the columns of a series.

    Targets are in the unit that is scored: of a task with the metric mase, that of the seasonal
    naive error (see ``bench.statistics.scores``); of one with smape they are not centred.
    """

    input_shape: tuple[int, ...]
    input_dtype: str
    train: Examples
    validation: Examples
    test: Examples
    facts: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, float] = field(default_factory=dict)
    highest: int | None = None
    outputs: int = 1
    classes: tuple[str, ...] = ()
    parts: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many numbers a prediction has: one a class of three or more, else one an output."""
        return len(self.classes) if len(self.classes) > 2 else self.outputs


@dataclass(frozen=True)
class Picture:
    """What one picture of the data shows.

    ``kind`` is "line" (``y`` over ``x``; times are numpy's datetime64), "histogram" (of ``y``) or
    "bars" (``y`` for each of the texts ``x``). ``marks`` are lines across it, by what they mark.
    """

    name: str
    title: str
    kind: str
    y: Array
    x: Array | Sequence[str] = ()
    x_label: str = ""
    y_label: str = ""
    marks: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """A task's data as people want to see them.

    ``tables`` have rows (what a column holds, by its heading) by the table's title;
    ``example`` says what one example is, line by line, by what the line tells.
    """

    tables: Mapping[str, Sequence[Mapping[str, str | float | None]]]
    example: Mapping[str, str]
    pictures: Sequence[Picture] = ()


@dataclass(frozen=True)
class Question:
    """What a trained model is asked: about a text, or for a forecast.

    ``at`` is a time as the user has written it, ``files`` are the user's own, in place of the
    task's data; what is not given is empty.
    """

    text: str = ""
    at: str = ""
    files: Sequence[Path] = ()


@dataclass(frozen=True)
class Encoded:
    """A question as a model gets it, and what the answer means.

    ``inputs`` has shape (1, *input_shape). ``told`` says how the question was encoded, line by
    line, by what the line tells; ``answer`` says likewise what the model's numbers mean, of
    shape (1,), or with one for each output or class.
    """

    inputs: Array
    told: Mapping[str, str]
    answer: Callable[[Array], Mapping[str, str]]
