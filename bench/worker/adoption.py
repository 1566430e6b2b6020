"""Take a Keras model over from its plugin: built, fit for the view, its options understood."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from bench.errors import BenchError
from bench.protocol import Job
from bench.registry.declarations import parse_declarations
from bench.registry.training_options import OF_STEPS
from bench.task import OpenTask
from bench.worker.outputs import Shape
from bench.worker.plugin import PluginError, functions_of
from bench.worker.sampling import evenly_spread

# Built, with one input that the view fits and one output


def adopt(model: keras.Model, opened: OpenTask) -> Shape:
    """Build a model on the view, if it is not yet, and return the shape of its output.

    A model without an input layer would otherwise be built when it is first trained: until
    then it has no weights, and passes for one that has none to train.

    Raises:
        BenchError: It has several inputs or outputs, or one that does not fit the view.
        Exception: Whatever the model raises as it is called.
    """
    inputs = getattr(model, "inputs", None)
    if inputs:
        _check_inputs(inputs, model, opened)
        shapes = [tuple(output.shape) for output in model.outputs]
    else:
        shapes = [tuple(output.shape) for output in keras.tree.flatten(_called(model, opened))]
    if len(shapes) != 1:
        raise BenchError(
            f"build returned a model with {len(shapes)} outputs; the task has one target, so "
            "return a model with the one that is to be scored"
        )
    _check_embeddings(model, opened)
    return shapes[0]


def _check_inputs(inputs: list[Any], model: keras.Model, opened: OpenTask) -> None:
    if len(inputs) != 1:
        raise BenchError(
            f"build returned a model with {len(inputs)} inputs; the view gives one array of "
            f"shape {_shown(opened)}, so build it on task.inputs() and take its parts from that"
        )
    (found,) = inputs
    if found.dtype == "string":
        raise BenchError(
            f"the model takes texts; the view gives {opened.input_dtype} of shape "
            f"{_shown(opened)}, so build it on task.inputs(), without a layer that reads texts"
        )
    if found.shape[0] is not None:
        raise BenchError(
            f"the model has the fixed batch size {found.shape[0]}; batches of training and "
            "scoring differ, so leave it out: build it on task.inputs()"
        )
    if _fits(tuple(found.shape[1:]), opened.input_shape):
        return
    try:
        # Keras adds and drops axes of length 1 by itself.
        model.compute_output_spec(keras.KerasTensor((None, *opened.input_shape), found.dtype))
    except Exception:
        raise BenchError(
            f"the model takes inputs of shape {tuple(found.shape)}; the view gives "
            f"{_shown(opened)}, so build it on task.inputs()"
        ) from None


def _fits(taken: Shape, given: tuple[int, ...]) -> bool:
    return len(taken) == len(given) and all(
        size in (None, length) for size, length in zip(taken, given, strict=True)
    )


def _shown(opened: OpenTask) -> Shape:
    return (None, *opened.input_shape)


def _called(model: keras.Model, opened: OpenTask) -> Any:
    """Call a model once, which builds it: on what stands for a batch, else on a batch."""
    try:
        with warnings.catch_warnings():
            # What cannot be traced is called on numbers next.
            warnings.simplefilter("ignore")
            return model(keras.Input(opened.input_shape, dtype=opened.input_dtype))
    except Exception:
        return model(opened.train.gather(np.zeros(2, dtype="int64")))


# Every number of the view within the range of the embedding that looks it up


class _Seen(BaseException):
    """All embeddings have been reached; no error that a model may catch."""


def _check_embeddings(model: keras.Model, opened: OpenTask) -> None:
    """Have a model look up the highest number that the view can give.

    Plain TensorFlow refuses a number beyond an embedding's last row, on CPU; XLA and JAX take
    the last row in its place, and a GPU zeros, without a word.

    Raises:
        BenchError: An embedding has too few rows; names it.
    """
    layers = [la for la in model._flatten_layers() if isinstance(la, keras.layers.Embedding)]
    if not layers or "int" not in opened.input_dtype:
        return
    highest = _highest(opened)
    example = np.full((1, *opened.input_shape), highest, dtype=opened.input_dtype)
    # What a model keeps, such as the seeds of dropout, stays as it is.
    scope, ending = keras.StatelessScope(), contextlib.suppress(_Seen, Exception)
    with _looked_up(len(layers)) as found, ending, scope:
        model(example)
    for layer, number in found.values():
        if number >= layer.input_dim:
            raise BenchError(
                f"the embedding {layer.name!r} has {layer.input_dim} rows and is asked for row "
                f"{number}, since the view gives numbers from 0 to {highest}: make it "
                f"Embedding({number + 1}, ...), or declare a view with fewer, such as num_words"
            )


def _highest(opened: OpenTask) -> int:
    if opened.highest is not None:
        return opened.highest
    some = evenly_spread(opened.train, 512)
    return int(some.gather(np.arange(len(some))).max(initial=0))


@contextlib.contextmanager
def _looked_up(layers: int) -> Iterator[dict[int, tuple[Any, int]]]:
    """Note the highest number that each embedding is asked for; end the call after the last."""
    found: dict[int, tuple[Any, int]] = {}
    call = keras.layers.Embedding.call

    def noting(layer: Any, inputs: Any, *rest: Any, **options: Any) -> Any:
        numbers = keras.ops.convert_to_numpy(inputs)
        found[id(layer)] = (layer, int(numbers.max(initial=0)))
        if len(found) == layers or found[id(layer)][1] >= layer.input_dim:
            raise _Seen
        return call(layer, inputs, *rest, **options)

    keras.layers.Embedding.call = noting
    try:
        yield found
    finally:
        keras.layers.Embedding.call = call


# Options of training that a model which its plugin compiles does not take

#: They are decided by what ``compile`` is given.
_COMPILED = (
    "optimizer",
    "learning_rate",
    "clipnorm",
    "jit_compile",
    "schedule",
    "warmup_steps",
    "warmup_share",
)


def check_options(model: object, job: Job) -> None:
    """Refuse options of training that have no effect on what ``build`` has returned.

    Those are what a model's own ``compile`` decides and, of an estimator, what only steps of a
    gradient have. An option that ``build`` takes as a parameter is the plugin's to use.

    Raises:
        BenchError: Names the option, and the line that declares it.
    """
    if not isinstance(model, keras.Model):
        return _check_estimator(model, job)
    if getattr(model, "compiled", False):
        remedy = "leave it out, give it to compile as a parameter of build, or do not compile"
        _refuse(_COMPILED, job, "build compiles the model", remedy)
    return None


def _check_estimator(model: object, job: Job) -> None:
    if not all(callable(getattr(model, name, None)) for name in ("fit", "predict")):
        return  # Which is told of when it is made into a learner.
    why, remedy = "build returned no Keras model", "leave it out, or make it a parameter of build"
    _refuse(OF_STEPS, job, why, remedy)
    if function := functions_of(job).get("callbacks"):
        raise PluginError(f"callbacks has no effect, since {why}: leave it out", function.line)


def _refuse(options: Iterable[str], job: Job, why: str, remedy: str) -> None:
    """Refuse the first of some options that was given and is not a parameter of ``build``."""
    trial = job.trial
    path = Path(job.plugin_path)
    declared = parse_declarations(path, job.plugin_source, ["HYPERPARAMETERS"]).constants
    constant = declared.get("HYPERPARAMETERS")
    values: Mapping[str, Any] = constant.value if constant else {}
    for key in options:
        if key in trial.hyperparameters:
            continue
        if trial.overrides.get(key) is not None:
            raise BenchError(
                f"--set {key}={trial.overrides[key]} has no effect, since {why}: leave it out, or "
                f"make {key} a parameter of build"
            )
        if constant and values.get(key) is not None:
            raise PluginError(
                f"{key} has no effect, since {why}: {remedy}",
                constant.key_lines.get(key, constant.line),
            )
