"""Seeds, determinism and compilation: what makes the same trial give the same numbers."""

from __future__ import annotations

from dataclasses import dataclass

import keras

from bench.errors import BenchError


@dataclass(frozen=True)
class Compilation:
    """How the model is compiled, as recorded.

    XLA alone gives bit-identical repeats on CPU; TensorFlow without it needs its
    deterministic kernels, which in turn switch XLA off. So it is one or the other.
    """

    jit_compile: bool
    deterministic_ops: bool


def seed_everything(seed: int, backend: str) -> None:
    """Seed Python, NumPy and the backend.

    Raises:
        BenchError: Keras runs on another backend than the trial's.
    """
    if keras.backend.backend() != backend:
        raise BenchError(f"Keras runs on {keras.backend.backend()}, the trial wants {backend}")
    keras.utils.set_random_seed(seed)


def choose_compilation(model: object, wanted: bool | None, backend: str) -> Compilation:
    """Choose how to compile a model, and put the choice into force.

    Measured on two CPU cores with TensorFlow 2.21: a GRU's training step takes half as
    long with XLA, a convolution's a third longer; so recurrent models get XLA.
    """
    recurrent = isinstance(model, keras.Model) and any(
        isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for layer in model._flatten_layers()
    )
    if backend == "jax":
        return Compilation(jit_compile=wanted is not False, deterministic_ops=False)
    if backend == "torch":
        return Compilation(jit_compile=bool(wanted), deterministic_ops=False)
    jit_compile = recurrent if wanted is None else wanted
    if not jit_compile:
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    return Compilation(jit_compile, deterministic_ops=not jit_compile)
