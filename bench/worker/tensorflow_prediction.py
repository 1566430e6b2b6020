"""Predict a batch on TensorFlow as a pure function: what a model keeps goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from bench.task import Array

State = Sequence[Array]


class PureStep:
    """A model's ``predict_step`` that leaves the model as it is, compiled as the model is.

    TensorFlow runs one call at a time of what writes a variable, and layers with dropout
    advance their seeds even where nothing is dropped, so that calls from several threads
    would wait for each other. Those of a pure function need not.
    """

    def __init__(self, model: keras.Model) -> None:
        self._model = model
        self._variables = model.non_trainable_variables
        self._function = tf.function(
            self._traced, jit_compile=model.jit_compile or None, reduce_retracing=True
        )
        self._written: list[int] = []
        self.writes_elsewhere = False
        """Whether it was seen to assign to a variable that is none of the model's own."""

    def __call__(self, inputs: Array, state: State) -> tuple[Array, State]:
        """Return the predictions of a batch, shape (batch, ...), and the state after it.

        What the model does not write, such as a frozen embedding, is the same object there.
        """
        outputs, written = self._function(tf.convert_to_tensor(inputs), list(state))
        after = list(state)
        for index, value in zip(self._written, written, strict=True):
            after[index] = value.numpy()
        return keras.ops.convert_to_numpy(outputs), after

    @property
    def state(self) -> list[Array]:
        """Copies of what the model keeps besides what is trained, such as seeds."""
        return [np.array(variable.numpy()) for variable in self._variables]

    def set_state(self, state: State) -> None:
        """Have the model go on from here."""
        for variable, value in zip(self._variables, state, strict=True):
            if not np.array_equal(variable.numpy(), value):
                variable.assign(value)

    def _traced(self, inputs: Any, state: list[Any]) -> tuple[Any, list[Any]]:
        with keras.StatelessScope(list(zip(self._variables, state, strict=True))) as scope:
            given = dict(scope.state_mapping)
            outputs = self._model.predict_step((inputs,))
        found = scope.state_mapping
        self.writes_elsewhere = bool(found.keys() - given.keys())
        keys = [id(variable) for variable in self._variables]
        self._written = [n for n, key in enumerate(keys) if found[key] is not given[key]]
        return outputs, [found[keys[n]] for n in self._written]
