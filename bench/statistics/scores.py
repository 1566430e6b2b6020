"""How predictions are scored: one table, for the epochs of a trial, its record and the statistics.

Targets have shape (n,), or (n, outputs) where several numbers are predicted of an example, and
predictions have the same. Of three classes or more the targets are class numbers, shape (n,),
and the predictions probabilities, shape (n, classes); of two, the one probability of class 1,
shape (n,). All sums are made in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bench.task import Array


#: Probabilities are kept so far from 0 and 1 before their logarithm is taken: the least that
#: float32, in which they are stored, tells apart from 1.
SMALLEST = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class ScoreRule:
    """What a metric is: its value, what each example adds to it, and the range of values.

    The values of the examples, shape (n,), have the metric as their mean. Those of a metric that
    is no mean over examples are linear in what an example adds to it (the delta method, or
    infinitesimal jackknife: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", ch. 21),
    so that errors and comparisons of plugins are those of the metric itself.
    """

    value: Callable[[Array, Array], float]
    of_examples: Callable[[Array, Array], Array]
    low: float = 0.0
    high: float = float("inf")


def mean_absolute_error(targets: Array, predictions: Array) -> float:
    """Mean of |target - prediction| over examples and outputs, in the targets' unit."""
    return float(np.mean(absolute_errors(targets, predictions)))


def absolute_errors(targets: Array, predictions: Array) -> Array:
    """Return each example's |target - prediction|, the mean over its outputs; shape (n,)."""
    return _of_outputs(np.abs(_double(targets) - _double(predictions)))


def root_mean_squared_error(targets: Array, predictions: Array) -> float:
    """Root of the mean of (target - prediction)^2 over examples and outputs, in their unit."""
    return float(np.sqrt(np.mean(_squared_errors(targets, predictions))))


def _squared_errors(targets: Array, predictions: Array) -> Array:
    return _of_outputs((_double(targets) - _double(predictions)) ** 2)


def _rmse_of_examples(targets: Array, predictions: Array) -> Array:
    """Return rmse + (e_i^2 - mse) / (2 rmse): the root's tangent at the mean squared error."""
    squared = _squared_errors(targets, predictions)
    rmse = float(np.sqrt(np.mean(squared)))
    return rmse / 2 + squared / (2 * rmse) if rmse > 0 else squared


def mean_absolute_scaled_error(targets: Array, predictions: Array) -> float:
    """Mean absolute error where 1 is that of the seasonal naive forecast on the training rows.

    Hyndman & Koehler 2006, "Another look at measures of forecast accuracy". A task with this
    metric gives its targets in units of that error, for each column its own, so that nothing is
    divided here.
    """
    return mean_absolute_error(targets, predictions)


def symmetric_mape(targets: Array, predictions: Array) -> float:
    """Mean of 2 |target - prediction| / (|target| + |prediction|), from 0 to 2.

    Makridakis et al. 2020, "The M4 Competition", without their factor of 100; 0 where both are
    0. It is the same in every unit, but not after a shift: a task with this metric does not
    centre its targets.
    """
    return float(np.mean(_relative_errors(targets, predictions)))


def _relative_errors(targets: Array, predictions: Array) -> Array:
    one, other = _double(targets), _double(predictions)
    size = np.abs(one) + np.abs(other)
    return _of_outputs(2 * np.abs(one - other) / np.where(size > 0, size, 1.0))


def accuracy(targets: Array, predictions: Array) -> float:
    """Share of examples whose class is the target's.

    The class is the most probable; of two, class 1 beyond a probability of 0.5.
    """
    return float(np.mean(correct(targets, predictions)))


def correct(targets: Array, predictions: Array) -> Array:
    """Return whether each example's class is the target's, shape (n,)."""
    true, predicted = _classes(targets, predictions)
    return np.asarray(predicted == true)


def macro_f1(targets: Array, predictions: Array) -> float:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN), of classes that are there or predicted.

    Opitz & Burst 2019, "Macro F1 and Macro F1": the mean of the scores, as scikit-learn has it.
    """
    shared, either = _f1_parts(targets, predictions)
    return float(np.mean(shared.sum(axis=1) / either.sum(axis=1)))


def _f1_of_examples(targets: Array, predictions: Array) -> Array:
    """Return macro F1 plus what each example adds to it: F1 is a ratio of two sums.

    With s_ic and e_ic the example's parts of 2 TP and of 2 TP + FP + FN of class c, that is
    the mean over classes of (s_ic - F1_c e_ic) / mean(e_c) (Cochran 1977, section 6.3).
    """
    shared, either = _f1_parts(targets, predictions)
    each = shared.sum(axis=1, keepdims=True) / either.sum(axis=1, keepdims=True)
    added = (shared - each * either) / either.mean(axis=1, keepdims=True)
    return np.asarray(float(each.mean()) + added.mean(axis=0))


def _f1_parts(targets: Array, predictions: Array) -> tuple[Array, Array]:
    """Return each example's parts of 2 TP and of 2 TP + FP + FN, shapes (classes, n)."""
    true, predicted = _classes(targets, predictions)
    classes = np.union1d(true, predicted)[:, None]
    of_class, put_there = true == classes, predicted == classes
    return 2.0 * (of_class & put_there), of_class.astype("float64") + put_there


def log_loss(targets: Array, predictions: Array) -> float:
    """Mean of -log(probability of the target's class), the cross-entropy in nats.

    Good 1952, "Rational decisions". Probabilities are kept off 0 and 1 by ``SMALLEST``.
    """
    return float(np.mean(_surprises(targets, predictions)))


def _surprises(targets: Array, predictions: Array) -> Array:
    found = _double(predictions)
    if found.ndim == 1:
        of_target = np.where(targets > 0.5, found, 1 - found)
    else:
        of_target = found[np.arange(len(found)), targets.astype("int64")]
    return np.asarray(-np.log(np.clip(of_target, SMALLEST, 1 - SMALLEST)))


def _classes(targets: Array, predictions: Array) -> tuple[Array, Array]:
    if predictions.ndim == 1:
        return targets > 0.5, predictions > 0.5
    return targets.astype("int64"), np.argmax(predictions, axis=1)


def _double(values: Array) -> Array:
    return values.astype("float64")


def _of_outputs(errors: Array) -> Array:
    return errors if errors.ndim == 1 else np.asarray(errors.mean(axis=1))


#: By the metric's name; directions are those of ``bench.values``.
SCORE_RULES: Mapping[str, ScoreRule] = {
    "mae": ScoreRule(mean_absolute_error, absolute_errors),
    "rmse": ScoreRule(root_mean_squared_error, _rmse_of_examples),
    "mase": ScoreRule(mean_absolute_scaled_error, absolute_errors),
    "smape": ScoreRule(symmetric_mape, _relative_errors, high=2.0),
    "accuracy": ScoreRule(accuracy, correct, high=1.0),
    "macro_f1": ScoreRule(macro_f1, _f1_of_examples, high=1.0),
    "log_loss": ScoreRule(log_loss, _surprises),
}


def score(metric: str, targets: Array, predictions: Array) -> float:
    """Return a metric's value."""
    return SCORE_RULES[metric].value(targets, predictions)


#: What probabilities may be off by, for they are computed in float32 or less.
_ROUNDING = 1e-3


def wrong_probabilities(predictions: Array) -> str:
    """Return why predictions, shape (n, classes), are no probabilities, or an empty string."""
    least = float(np.min(predictions, initial=0.0))
    if least < -_ROUNDING:
        return f"go down to {least:.4g}, which is no probability"
    total = _double(predictions).sum(axis=1)
    off = np.abs(total - 1)
    if np.any(off > _ROUNDING):
        return f"add up to {total[np.argmax(off)]:.4g} over the classes of an example, not to 1"
    return ""
