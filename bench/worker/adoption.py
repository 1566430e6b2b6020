"""Take a Keras model over from its plugin: built, fit for the view, and its output understood."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from bench.errors import BenchError
from bench.protocol import Job
from bench.registry.declarations import parse_declarations
from bench.registry.tasks import TaskInfo
from bench.registry.training_options import OF_STEPS
from bench.statistics.scores import wrong_probabilities
from bench.task import Array, OpenTask
from bench.values import OF_CLASSES
from bench.worker.plugin import PluginError, functions_of
from bench.worker.sampling import evenly_spread, loss_of_classes, numbers_each

Shape = tuple[int | None, ...]

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


# What an output means, and the numbers of an example that are made of it

_PROBABILITY = ("binary_crossentropy", "binary_focal_crossentropy")
_SIGNED = ("hinge", "squared_hinge")
#: Regression on the labels 0 and 1: the output is near the one or the other.
_LABEL = (
    "mean_squared_error",
    "mean_absolute_error",
    "mean_squared_logarithmic_error",
    "huber",
    "log_cosh",
)
_ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy", "categorical_hinge")
_CLASSES = ("sparse_categorical_crossentropy", *_ONE_HOT)
_ROUNDING = 1e-3


@dataclass(frozen=True)
class Output:
    """What the numbers of a model mean, by its loss and its last activation.

    ``kind`` is "number" (as it is), "probability", "logit" or "signed" (from -1 to 1, of a
    hinge loss). ``units`` is 1, or 2 where there is one for each of two classes, or ``width``;
    ``flat`` says that the output has the shape (n,). ``one_hot`` says that the loss wants targets
    of a column for each class. ``width`` is how many numbers a prediction has.
    """

    kind: str = "number"
    units: int = 1
    flat: bool = False
    one_hot: bool = False
    width: int = 1

    def targets(self, targets: Array) -> Array:
        """Return targets as the loss wants them: (n, 1), or (n, units)."""
        if not self.one_hot:
            return targets[:, None] if targets.ndim == 1 else targets
        if self.width == 1:
            return np.stack([1 - targets, targets], axis=1)
        one_hot: Array = np.eye(self.width, dtype=targets.dtype)[targets.astype("int64")]
        return one_hot

    def numbers(self, outputs: Array, examples: int) -> Array:
        """Return one number an example, shape (n,), float32; for classes above 0.5 or below.

        Logits become probabilities; of a hinge loss, -1 to 1 becomes 0 to 1. Of a task with
        several outputs, or with three classes or more, the shape is (n, width).

        Raises:
            BenchError: What should be probabilities is none.
            ValueError: There are more or fewer.
        """
        if self.width > 1:
            return self._of_many(numbers_each(outputs, examples, self.width))
        if self.units == 2:
            return numbers_each(self._of_two(np.asarray(outputs, dtype="float64")), examples)
        found = numbers_each(outputs, examples)
        if self.kind == "logit":
            return _sigmoid(found.astype("float64")).astype("float32")
        if self.kind == "signed":
            return (found + 1) / 2
        if self.kind == "probability":
            _check_probabilities(found)
        return found

    def _of_many(self, outputs: Array) -> Array:
        if self.kind == "logit":
            outputs = _softmax(outputs.astype("float64")).astype("float32")
        if self.kind == "probability" and (wrong := wrong_probabilities(outputs)):
            raise BenchError(
                f"the outputs of the model {wrong}; end it with a softmax, or compile it with "
                "from_logits=True"
            )
        return outputs

    def _of_two(self, outputs: Array) -> Array:
        first, second = outputs.reshape(-1, 2).T
        if self.kind == "logit":
            return _sigmoid(second - first)
        if self.kind == "signed":
            return (second - first + 1) / 2
        total = first + second
        if np.any(np.abs(total - 1) > _ROUNDING):
            raise BenchError(
                "the two outputs of an example do not add up to 1; end the model with a softmax, "
                "or compile it with from_logits=True"
            )
        return second


AS_IT_IS = Output()


def output_of(model: keras.Model, shape: Shape, task: TaskInfo, opened: OpenTask) -> Output:
    """Find out what a model's output, of this shape, means.

    Raises:
        BenchError: It has too many units, or what they mean cannot be known.
    """
    width = math.prod(size or 1 for size in shape[1:])
    classes = task.metric in OF_CLASSES
    if opened.width > 1:
        return _output_of_width(model, shape, task, opened)
    if width != 1 and not (classes and width == 2):
        raise BenchError(
            f"build returned a model with output shape {shape}; the task expects one number "
            "an example, so end it with one unit"
        )
    if not classes:
        return Output(flat=len(shape) == 1)
    compiled = bool(getattr(model, "compiled", False))
    flat = len(shape) == 1
    if flat and compiled:
        _check_metrics(model)
    loss, logits = _loss(model.loss if compiled else _default_loss(task, width))
    if loss in _CLASSES or width == 2:
        return _output_of_classes(loss, logits, width, _activation(model))
    return Output(_kind(loss, logits, _activation(model)), flat=flat)


def _output_of_width(model: keras.Model, shape: Shape, task: TaskInfo, opened: OpenTask) -> Output:
    """Find out the same of a task with several outputs, or with three classes or more."""
    width = opened.width
    if [size for size in shape[1:] if size != 1] != [width]:
        each = "probabilities" if opened.classes else "numbers"
        raise BenchError(
            f"build returned a model with output shape {shape}; the task expects {width} {each} "
            f"an example, so end it with {width} units, task.outputs"
        )
    if not opened.classes:
        return Output(units=width, width=width)
    compiled = bool(getattr(model, "compiled", False))
    loss, logits = _loss(model.loss if compiled else loss_of_classes(task.loss))
    if loss not in _CLASSES or loss == "categorical_hinge":
        raise BenchError(
            f"{width} units with the loss {loss or 'of the plugin'} cannot be read; compile the "
            "model with sparse_categorical_crossentropy"
        )
    _check_activation(loss, logits, _activation(model))
    return Output(
        "logit" if logits else "probability", width, one_hot=loss in _ONE_HOT, width=width
    )


def compiled_with(output: Output, task: TaskInfo) -> dict[str, Any]:
    """Return loss and metrics for a model that its plugin has not compiled."""
    return {"loss": loss_of(output, task), "metrics": _metrics(output, task.metric)}


def loss_of(output: Output, task: TaskInfo) -> str:
    """Return the loss of a model that its plugin has not compiled."""
    if output.width > 1:
        return task.loss if output.kind == "number" else loss_of_classes(task.loss)
    return _default_loss(task, output.units)


def _metrics(output: Output, metric: str) -> list[Any]:
    """Return what Keras tells of an epoch's training; it has no smape and no macro F1."""
    if metric == "accuracy" and output.flat:
        # By name, Keras asks for two axes.
        return [keras.metrics.BinaryAccuracy(name=metric)]
    if metric in ("mae", "accuracy"):
        return [metric]
    losses = {
        (False, False): keras.metrics.BinaryCrossentropy,
        (True, False): keras.metrics.SparseCategoricalCrossentropy,
        (True, True): keras.metrics.CategoricalCrossentropy,
    }
    known = {
        "rmse": keras.metrics.RootMeanSquaredError,
        "mase": keras.metrics.MeanAbsoluteError,
        "log_loss": losses.get((output.units > 1, output.one_hot)),
    }
    made = known.get(metric)
    return [made(name=metric)] if made else []


def _default_loss(task: TaskInfo, units: int) -> str:
    return task.loss if units == 1 else "sparse_categorical_crossentropy"


def _output_of_classes(loss: str, logits: bool, width: int, activation: str) -> Output:
    if loss not in _CLASSES:
        raise BenchError(
            f"two units with the loss {loss or 'of the plugin'} cannot be read; compile the model "
            "with sparse_categorical_crossentropy, or end it with one unit and a sigmoid"
        )
    if width != 2:
        raise BenchError(
            f"{loss} wants a unit for each of the two classes; end the model with two units and a "
            "softmax, or with one unit, a sigmoid and binary_crossentropy"
        )
    if loss == "categorical_hinge":
        return Output("signed", 2, one_hot=True)
    _check_activation(loss, logits, activation)
    return Output("logit" if logits else "probability", 2, one_hot=loss in _ONE_HOT)


def _kind(loss: str, logits: bool, activation: str) -> str:
    if activation == "softmax":
        raise BenchError(
            "the model ends in a softmax over one unit, which is always 1; end it with a sigmoid, "
            "or with two units"
        )
    if loss in _PROBABILITY:
        _check_activation(loss, logits, activation)
        return "logit" if logits else "probability"
    if loss in _SIGNED:
        return "signed"
    if loss in _LABEL:
        return "number"
    if activation == "sigmoid":
        return "probability"
    raise BenchError(
        f"whether the model gives probabilities, logits or labels cannot be told from its loss "
        f"({loss or 'one of its own'}); end it with a sigmoid"
    )


def _check_activation(loss: str, logits: bool, activation: str) -> None:
    """Refuse an end of a model that contradicts its loss.

    Raises:
        BenchError: Says which of the two to change.
    """
    if logits and activation in ("sigmoid", "softmax"):
        raise BenchError(
            f"the model ends in a {activation} and is compiled with from_logits=True, which takes "
            "what comes before it; drop one of the two"
        )
    if not logits and activation in ("linear", "tanh"):
        end = "no activation" if activation == "linear" else f"a {activation}"
        wanted = "softmax" if loss in _CLASSES else "sigmoid"
        raise BenchError(
            f"the model ends in a layer with {end}, and its loss, {loss}, takes probabilities; "
            f"end it with a {wanted}, or compile it with from_logits=True"
        )


def _check_metrics(model: keras.Model) -> None:
    asked = getattr(getattr(model, "_compile_metrics", None), "_user_metrics", None)
    if {"acc", "accuracy"} & {name for name in keras.tree.flatten(asked) if isinstance(name, str)}:
        raise BenchError(
            "the model's output has the shape (n,), of which Keras does not know which accuracy "
            "is meant; keep the last axis, or compile with keras.metrics.BinaryAccuracy()"
        )


def _check_probabilities(found: Array) -> None:
    low, high = float(np.min(found, initial=0)), float(np.max(found, initial=1))
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise BenchError(
            f"the loss takes probabilities and the model gives numbers from {low:.4g} to "
            f"{high:.4g}; end it with a sigmoid, or compile it with from_logits=True"
        )


def _loss(loss: Any) -> tuple[str, bool]:
    """Return the name of a loss of Keras, and whether it takes logits; "" for another."""
    options: dict[str, Any] = {}
    found = _only(loss)
    if isinstance(found, str):
        found = keras.losses.get(found)
    if isinstance(found, keras.losses.Loss):
        options = getattr(found, "_fn_kwargs", {})
        found = getattr(found, "fn", None)
    if isinstance(found, partial):
        options, found = {**options, **found.keywords}, found.func
    name = str(getattr(found, "__name__", ""))
    known = getattr(found, "__module__", "").partition(".")[0] == "keras"
    return (name, bool(options.get("from_logits", False))) if known else ("", False)


def _only(loss: Any) -> Any:
    """Return the one loss of a list or dictionary of one."""
    if isinstance(loss, dict) and "class_name" not in loss:
        loss = [*loss.values()]
    if isinstance(loss, list | tuple) and len(loss) == 1:
        return _only(loss[0])
    return loss


def _activation(model: keras.Model) -> str:
    """Return the name of the activation that a model ends in; "" if that cannot be told."""
    last = model.layers[-1] if isinstance(model, keras.Sequential) else None
    if last is None and getattr(model, "outputs", None):
        last = model.outputs[0]._keras_history.operation
    if isinstance(last, keras.Model):
        return _activation(last)
    if isinstance(last, keras.layers.Softmax):
        return "softmax"
    if not isinstance(last, keras.layers.Dense | keras.layers.Activation):
        return str(getattr(type(last), "__name__", "")).lower() if _is_sigmoid(last) else ""
    return str(getattr(last.activation, "__name__", ""))


def _is_sigmoid(operation: object) -> bool:
    return type(operation).__name__ in ("Sigmoid", "Softmax", "Tanh")


def _softmax(values: Array) -> Array:
    """Return exp(x) / sum of exp(x) of each row in double precision, without overflow."""
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _sigmoid(values: Array) -> Array:
    """Return 1 / (1 + exp(-x)) in double precision, without overflow."""
    found: Array = 0.5 * (1 + np.tanh(0.5 * values))
    return found
