"""Seeds, determinism and compilation: what makes the same trial give the same numbers."""

from __future__ import annotations

import contextlib
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import keras
import numpy

from bench.errors import BenchError
from bench.machine import own_environment, usable_cpus

_HIT, _MISS = "/jax/compilation_cache/cache_hits", "/jax/compilation_cache/cache_misses"

#: Training steps that TensorFlow runs in one call at most, with no Python between them, and
#: the calls that an epoch has at least, so that the first tells what compiling took.
_MOST_FUSED, _LEAST_CALLS = 20, 8

#: A recurrent model that is called less often does not win back what XLA's compiling takes.
_WORTH_COMPILING = 32

#: What became of this process's requests for compiled code; empty where there is no cache.
_cache: dict[str, int] = {}


@dataclass(frozen=True)
class Compilation:
    """How the model is compiled, as recorded.

    XLA alone gives bit-identical repeats on CPU; TensorFlow without it needs its
    deterministic kernels, which in turn switch XLA off. So it is one or the other.
    ``fused_steps`` training steps run in one call, with the same results as one by one.
    ``cache`` counts what was read from a cache of compiled code ("hits") and what was not
    found in it ("misses"), and goes on counting; it is empty where there is none.
    """

    jit_compile: bool
    deterministic_ops: bool
    fused_steps: int = 1
    cache: dict[str, int] = field(default_factory=dict)


def seed_everything(seed: int, backend: str) -> None:
    """Seed Python, NumPy and the backend, before anything is computed or compiled.

    Raises:
        BenchError: Keras runs on another backend than the trial's.
    """
    if keras.backend.backend() != backend:
        raise BenchError(f"Keras runs on {keras.backend.backend()}, the trial wants {backend}")
    if backend == "jax":
        _watch_cache()
    keras.utils.set_random_seed(seed)


def compute_on_one_thread(backend: str) -> None:
    """Have each kernel use one thread, if nothing was computed in this process yet.

    Threads that wait for work from XLA's loops take turns with the one that has it. Of six
    processes each, on two cores with TensorFlow 2.21, a GRU's step took 25.7 to 26.3 ms on
    one thread and 26.0 to 31.9 on two; 2% are separated on one only. JAX counts the
    machine's cores as it is imported, and is left as it is.
    """
    if backend == "torch":
        import torch

        torch.set_num_threads(1)
    if backend == "tensorflow":
        import tensorflow

        # Too late where a test, or a user's own code, has computed in this process.
        with contextlib.suppress(RuntimeError):
            tensorflow.config.threading.set_intra_op_parallelism_threads(1)


def choose_compilation(
    model: object, wanted: bool | None, backend: str, steps: int = 1, calls: int | None = None
) -> Compilation:
    """Choose how to compile a model, and put the choice into force.

    A model that its plugin has compiled stays as it is; what has no layers is not compiled.

    Args:
        model: What the plugin has built.
        wanted: The ``jit_compile`` that the plugin declares, None if it declares none.
        backend: The backend.
        steps: The training steps of an epoch; they are fused if there are many.
        calls: How many batches the whole trial trains on or predicts; None for many.
    """
    jit_compile = _jit_compile(model, wanted, backend, calls)
    deterministic_ops = backend == "tensorflow" and not jit_compile
    if deterministic_ops:
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    return Compilation(jit_compile, deterministic_ops, _fused(model, steps, backend), _cache)


def _fused(model: object, steps: int, backend: str) -> int:
    """Return how many steps one call runs: a divisor of those of an epoch.

    Measured on two CPU cores with TensorFlow 2.21, 10 steps a call: a dense model's step took
    0.9 ms instead of 1.4, a recurrent one's as long as before.
    """
    if not isinstance(model, keras.Model):
        return 1
    if getattr(model, "compiled", False):
        return int(model.steps_per_execution)
    if backend != "tensorflow":
        return 1
    most = max(1, min(_MOST_FUSED, steps // _LEAST_CALLS))
    return max(count for count in range(1, most + 1) if steps % count == 0)


def _jit_compile(model: object, wanted: bool | None, backend: str, calls: int | None) -> bool:
    """Say whether a model gets XLA, or on PyTorch ``torch.compile``, unless one is wanted.

    JAX without it runs layer by layer. Measured on two CPU cores with TensorFlow 2.21: a
    GRU's training step takes half as long with XLA, a convolution's a third longer; so
    recurrent models get it, but for a trial that ends before it has won back what compiling
    takes: two seconds of a GRU, which are those that it saves in some 60 steps.
    """
    if not isinstance(model, keras.Model):
        return False
    if getattr(model, "compiled", False):
        return bool(model.jit_compile)
    if not all(getattr(layer, "supports_jit", True) for layer in model._flatten_layers()):
        return False  # Keras would not, whatever it is told.
    if wanted is not None:
        return wanted
    if backend != "tensorflow":
        return backend == "jax"
    return _is_recurrent(model) and (calls is None or calls >= _WORTH_COMPILING)


def _is_recurrent(model: keras.Model) -> bool:
    return any(
        isinstance(layer, keras.layers.RNN | keras.layers.Bidirectional)
        for layer in model._flatten_layers()
    )


def _watch_cache() -> None:
    """Count what JAX reads from its persistent cache; see ``bench.runs.launch``."""
    import jax

    if _cache or not (jax.config.jax_enable_compilation_cache and _cache_folder()):
        return
    _cache.update(hits=0, misses=0)
    jax.monitoring.register_event_listener(_note)


def _cache_folder() -> str | None:
    import jax

    folder: str | None = jax.config.jax_compilation_cache_dir
    return folder


def _note(event: str, **details: object) -> None:
    if event in (_HIT, _MISS):
        _cache["hits" if event == _HIT else "misses"] += 1


# What a worker can say of itself: threads, devices, versions


def worker_environment(backend: str) -> dict[str, Any]:
    """Return versions, threads and device of this process."""
    return {
        "python": platform.python_version(),
        "versions": {
            "keras": keras.__version__,
            "numpy": numpy.__version__,
            backend: version(backend),
        },
        "threads": _threads(backend),
        **_inter_op_threads(backend),
        "device": _device(backend),
        **_own_environment(),
    }


def _own_environment() -> dict[str, Any]:
    """Return what the environment of this process has of its own, where the suite made one."""
    made = own_environment()
    told = {name: made[name] for name in ("requires", "packages", "installer") if name in made}
    return {"own_environment": told} if told else {}


def _threads(backend: str) -> int:
    if backend == "tensorflow":
        import tensorflow

        wanted = tensorflow.config.threading.get_intra_op_parallelism_threads()
        return int(wanted) or _set_outside("TF_NUM_INTRAOP_THREADS") or len(usable_cpus())
    if backend == "torch":
        import torch

        return int(torch.get_num_threads())
    return len(usable_cpus())


def _set_outside(variable: str) -> int:
    """Return the number of threads that an environment variable asks for; 0 for none."""
    asked = os.environ.get(variable, "")
    return int(asked) if asked.isdecimal() else 0


def _inter_op_threads(backend: str) -> dict[str, int]:
    """Return how many threads run kernels beside each other, where that was set.

    What the libraries choose themselves follows from the cores, which are the machine's.
    """
    if backend == "tensorflow":
        import tensorflow

        wanted = int(tensorflow.config.threading.get_inter_op_parallelism_threads())
        wanted = wanted or _set_outside("TF_NUM_INTEROP_THREADS")
        return {"inter_op_threads": wanted} if wanted else {}
    return {}


def _device(backend: str) -> str:
    """Return "gpu" if the backend computes on an accelerator, else "cpu"."""
    if backend == "tensorflow":
        import tensorflow

        return "gpu" if tensorflow.config.list_physical_devices("GPU") else "cpu"
    if backend == "jax":
        import jax

        return "cpu" if jax.default_backend() == "cpu" else "gpu"
    import torch

    return "gpu" if torch.cuda.is_available() else "cpu"
