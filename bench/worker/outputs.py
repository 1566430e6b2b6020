"""What a model's output means for its task: its loss, its classes, the numbers it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np

from bench.errors import BenchError
from bench.registry.tasks import TaskInfo
from bench.statistics.scores import wrong_probabilities
from bench.task import Array, OpenTask
from bench.values import OF_CLASSES
from bench.worker.sampling import loss_of_classes, numbers_each

Shape = tuple[int | None, ...]

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
