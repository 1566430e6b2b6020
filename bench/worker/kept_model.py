"""Leave a trained model for the run to keep, and ask a kept one: no code of its file is run."""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import Outcome
from bench.records.models import check
from bench.records.predictions import LARGEST
from bench.task import Array
from bench.worker.outputs import Output
from bench.worker.plugin import reason_of
from bench.worker.setup import EstimatorLearner, Learner


def with_model(outcome: Outcome, learner: Learner, file: Path) -> Outcome:
    """Leave a learner's model in a file, and return the outcome with what its output means.

    The model keeps its weights alone: how it was compiled, and where its optimizer stood,
    is of the last epoch and not of the best. It is not to be trained any more. Why a model
    cannot be left is told in the outcome's environment, as model_not_kept; it fails nothing.
    """
    try:
        if isinstance(learner, EstimatorLearner):
            raise BenchError("an estimator would be a pickle, which runs code when it is opened")
        _save(learner.model, file)
    except Exception as error:
        with contextlib.suppress(OSError):
            file.unlink()
        reason = str(error) if isinstance(error, BenchError) else reason_of(error, "")
        return replace(outcome, environment={**outcome.environment, "model_not_kept": reason})
    return replace(outcome, model={**outcome.model, "output": asdict(learner.output)})


def _save(model: keras.Model, file: Path) -> None:
    model.compiled, model.optimizer = False, None
    with _quietly():
        keras.saving.save_model(model, file)
    size = file.stat().st_size
    if size > LARGEST:
        raise BenchError(f"its file has {size:,} bytes, more than the {LARGEST:,} that are kept")


def numbers_of(content: bytes, output: Mapping[str, Any], inputs: Array, name: str) -> Array:
    """Return what a kept model gives for inputs: as ``Output.numbers`` has it, float32.

    Args:
        content: What stands in the model's file.
        output: What its numbers mean; see ``bench.records.predictions.KeptModel``.
        inputs: Shape (n, ...), as its view has them.
        name: What to call the model in an error.

    Raises:
        BenchError: It has code of its own, which is not run, or cannot be loaded or asked.
    """
    check(content, name)
    try:
        model = _loaded(content)
        found = np.asarray(model.predict(inputs, verbose=0))
        return Output(**output).numbers(found, len(inputs))
    except BenchError:
        raise
    except Exception as error:  # A file that was made to can raise anything.
        raise BenchError(f"{name}: cannot be asked ({one_line(reason_of(error, ''))})") from None


def _loaded(content: bytes) -> keras.Model:
    with tempfile.TemporaryDirectory(prefix="bench-model-") as folder:
        file = Path(folder) / "model.keras"
        file.write_bytes(content)
        with _quietly():
            return keras.saving.load_model(file, compile=False, safe_mode=True)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Pass over what Keras warns of in its own code, which no user can change."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
