"""What a worker can say of itself: memory, threads, devices, versions."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from typing import Any

import keras
import numpy

from bench.machine import usable_cpus


def peak_rss() -> int:
    """Return the largest resident set this process has had, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak) if sys.platform == "darwin" else int(peak) * 1024


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
        "device": _device(backend),
    }


def _threads(backend: str) -> int:
    if backend == "tensorflow":
        import tensorflow

        wanted = tensorflow.config.threading.get_intra_op_parallelism_threads()
        if wanted:
            return int(wanted)
    return len(usable_cpus())


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
