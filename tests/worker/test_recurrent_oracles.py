"""Keras' recurrent layers compute what the papers say, written here once more in plain NumPy.

Everything is one batch: inputs (examples, steps, features), states (examples, units). Each
``*_step`` takes one time step; ``forward`` walks over all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

Array = Any
Step = Callable[..., tuple[Array, ...]]

TOLERANCE = 1e-5
SIZES = [(1, 1, 1), (3, 2, 5), (16, 7, 12)]  # units, features, steps
EXAMPLES = 4


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def simple_rnn_step(x: Array, state: tuple[Array], weights: list[Array]) -> tuple[Array]:
    """Elman (1990), Finding structure in time: the output is fed back as the context.

    h' = tanh(x W + h U + b)
    """
    (h,), (w, u, b) = state, weights
    return (np.tanh(x @ w + h @ u + b),)


def lstm_step(x: Array, state: tuple[Array, Array], weights: list[Array]) -> tuple[Array, Array]:
    """Hochreiter & Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    i, f, o = sigmoid(x W + h U + b), one each; g = tanh(x W + h U + b)
    c' = f c + i g
    h' = o tanh(c')

    Keras keeps the four side by side, in the order i, f, g, o.
    """
    (h, c), (w, u, b) = state, weights
    i, f, g, o = np.split(x @ w + h @ u + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def gru_step(x: Array, state: tuple[Array], weights: list[Array]) -> tuple[Array]:
    """Cho et al. (2014), Learning phrase representations: the reset gate acts on the state.

    z, r = sigmoid(x W + h U + b), one each
    g = tanh(x W + (r h) U + b)
    h' = z h + (1 - z) g

    Keras keeps the three side by side, in the order z, r, g.
    """
    (h,), (w, u, b) = state, weights
    x_z, x_r, x_g = np.split(x @ w + b, 3, axis=1)
    u_z, u_r, u_g = np.split(u, 3, axis=1)
    z, r = sigmoid(x_z + h @ u_z), sigmoid(x_r + h @ u_r)
    g = np.tanh(x_g + (r * h) @ u_g)
    return (z * h + (1 - z) * g,)


def gru_reset_after_step(x: Array, state: tuple[Array], weights: list[Array]) -> tuple[Array]:
    """The variant of Cho et al.'s second version that cuDNN computes: Keras' default.

    The reset gate acts after the product with U, which has a bias of its own:
    g = tanh(x W + b + r (h U + c)), and all else as in ``gru_step``.
    """
    (h,), (w, u, (b, c)) = state, weights
    x_z, x_r, x_g = np.split(x @ w + b, 3, axis=1)
    h_z, h_r, h_g = np.split(h @ u + c, 3, axis=1)
    z, r = sigmoid(x_z + h_z), sigmoid(x_r + h_r)
    g = np.tanh(x_g + r * h_g)
    return (z * h + (1 - z) * g,)


def forward(
    step: Step, states: int, inputs: Array, weights: list[Array], mask: Array | None = None
) -> Array:
    """Return the output after every step, (examples, steps, units), from states of zero.

    Where ``mask`` (examples, steps) is false, nothing happens: state and output stay.
    """
    units = len(weights[1])
    state: tuple[Array, ...] = (np.zeros((len(inputs), units)),) * states
    outputs = []
    for t in range(inputs.shape[1]):
        stepped = step(inputs[:, t], state, weights)
        if mask is not None:
            seen = mask[:, t, None]
            stepped = tuple(
                np.where(seen, new, old) for new, old in zip(stepped, state, strict=True)
            )
        state = stepped
        outputs.append(state[0])
    return np.stack(outputs, axis=1)


#: Keras' layer by name, its options, the step and how many states it carries.
CELLS: dict[str, tuple[str, dict[str, Any], Step, int]] = {
    "simple_rnn": ("SimpleRNN", {}, simple_rnn_step, 1),
    "lstm": ("LSTM", {}, lstm_step, 2),
    "gru": ("GRU", {"reset_after": False}, gru_step, 1),
    "gru_reset_after": ("GRU", {}, gru_reset_after_step, 1),
}


def random_case(units: int, features: int, steps: int) -> tuple[np.random.Generator, Array, Array]:
    """Inputs, and a mask with holes, all-false rows and all-true rows, of these sizes."""
    random = np.random.default_rng(units + 10 * features + 100 * steps)
    inputs = random.normal(size=(EXAMPLES, steps, features)).astype("float32")
    mask = random.random((EXAMPLES, steps)) < 0.6
    mask[0], mask[1] = True, False
    return random, inputs, mask


def with_random_weights(layer: Any, inputs: Array, random: np.random.Generator) -> list[Array]:
    """Give a layer weights, biases included, too small for rounding errors to grow with time."""
    layer.build(inputs.shape)
    weights = [
        random.normal(0, 0.3, weight.shape).astype("float32") for weight in layer.get_weights()
    ]
    layer.set_weights(weights)
    return weights


@pytest.mark.parametrize(("units", "features", "steps"), SIZES)
@pytest.mark.parametrize("cell", CELLS)
def test_keras_matches_the_equations(cell, units, features, steps):
    name, options, step, states = CELLS[cell]
    random, inputs, mask = random_case(units, features, steps)

    for sequences, backwards, masked in product([False, True], repeat=3):
        layer = getattr(keras.layers, name)(
            units, return_sequences=sequences, go_backwards=backwards, **options
        )
        weights = with_random_weights(layer, inputs, random)
        found = keras.ops.convert_to_numpy(layer(inputs, mask=mask if masked else None))

        way = slice(None, None, -1 if backwards else 1)
        expected = forward(step, states, inputs[:, way], weights, mask[:, way] if masked else None)
        if not sequences:
            expected = expected[:, -1]
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE)


def test_the_two_grus_are_different_functions():
    random, inputs, _ = random_case(3, 2, 5)
    w, u, b = (random.normal(size=shape) for shape in [(2, 9), (3, 9), (9,)])

    before = forward(gru_step, 1, inputs, [w, u, b])
    after = forward(gru_reset_after_step, 1, inputs, [w, u, np.stack([b, np.zeros(9)])])

    np.testing.assert_allclose(before[:, 0], after[:, 0])  # From a state of zero they agree.
    assert np.abs(before - after).max() > 0.01
