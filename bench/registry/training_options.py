"""The training options that the harness knows, how a profile limits them, and hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from bench.formatting import nearest
from bench.registry.declarations import Declarations, Problem
from bench.values import NAMES, is_a

PROFILES = ("smoke", "quick", "full")

OPTIMIZERS = (
    "adadelta",
    "adafactor",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "ftrl",
    "lion",
    "nadam",
    "rmsprop",
    "sgd",
)


@dataclass(frozen=True)
class Option:
    """One training option: what values it takes and what it does."""

    kind: type
    meaning: str
    smallest: float | None = None
    choices: tuple[str, ...] = ()
    optional: bool = False
    largest: float | None = None

    def complaint(self, value: Any) -> str:
        """Return what is wrong with a value, or an empty string."""
        if value is None and self.optional:
            return ""
        if not is_a(value, self.kind):
            return f"must be {NAMES[self.kind]}, not {value!r}"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}, not {value!r}"
        if self.smallest is not None and value < self.smallest:
            return f"must be at least {self.smallest:g}, not {value!r}"
        if self.largest is not None and value > self.largest:
            return f"must be at most {self.largest:g}, not {value!r}"
        return ""


class ClassWeights(Option):
    """The option of a weight for each class, which is neither a number nor a word."""

    def complaint(self, value: Any) -> str:
        """Return what is wrong with a value, or an empty string."""
        if value is None or value == BALANCED:
            return ""
        weights = value.values() if isinstance(value, Mapping) else ()
        right = all(is_a(weight, float) and 0 <= weight <= _HEAVIEST for weight in weights)
        if weights and right and all(map(_is_class, value)):
            return ""
        return f"must be {BALANCED!r}, or weights by class like {{0: 1.0, 1: 3.0}}, not {value!r}"


def _is_class(key: Any) -> bool:
    return (is_a(key, int) and key >= 0) or (isinstance(key, str) and key.isdecimal())


#: Weights that make all classes count as much: of n examples, n / (classes * those of the class).
BALANCED = "balanced"
_HEAVIEST = 1e9
#: How the learning rate goes over the steps of a training; see ``schedule``.
COSINE, WARMUP, WARMUP_COSINE = "cosine", "warmup", "warmup_cosine"
_WITH_WARMUP = (WARMUP, WARMUP_COSINE)
#: The share of the steps that a warm-up takes where nothing is said.
_WARMUP_SHARE = 0.1

TRAINING_OPTIONS: Mapping[str, Option] = {
    "epochs": Option(int, "passes over the training examples, or rounds of steps_per_epoch", 0),
    "steps_per_epoch": Option(
        int, "training steps an epoch; None is one pass over the examples", 1, optional=True
    ),
    "batch_size": Option(int, "examples a training step", 1),
    "training_examples": Option(
        int,
        "train on so many of the training examples at most, the same for every model, and for "
        "every seed without redraw_examples; None is all",
        1,
        optional=True,
    ),
    "optimizer": Option(str, "a Keras optimizer", choices=OPTIMIZERS),
    "learning_rate": Option(
        float, "the optimizer's rate; None is Keras' default", 0, optional=True
    ),
    "clipnorm": Option(float, "clip each gradient to this norm", 0, optional=True),
    "patience": Option(
        int, "stop after this many epochs without a better validation metric", 1, optional=True
    ),
    "jit_compile": Option(
        bool, "compile with XLA; None lets the suite choose by the model", optional=True
    ),
    "schedule": Option(
        str,
        "how the learning rate goes over all steps: up to it in a warm-up, down to 0 by a cosine; "
        "None is constant",
        choices=(COSINE, WARMUP, WARMUP_COSINE),
        optional=True,
    ),
    "warmup_steps": Option(int, "the training steps of a warm-up", 1, optional=True),
    "warmup_share": Option(
        float, "the same as a share of all steps; None is a tenth", 0, optional=True, largest=1
    ),
    "class_weight": ClassWeights(
        dict, "'balanced', or a weight in the loss by class, like {0: 1.0, 1: 3.0}", optional=True
    ),
    "redraw_examples": Option(
        bool,
        "each seed draws training_examples of its own, the same for every model",
        optional=True,
    ),
}

#: Options that have a meaning only where a model is trained by steps of a gradient.
OF_STEPS = ("schedule", "warmup_steps", "warmup_share", "class_weight")
#: Options that came later. One that is None is not in a trial, whose identity stays what it was;
#: one that is a parameter of a plugin's ``build`` or ``callbacks`` is that plugin's own.
LATER = (*OF_STEPS, "redraw_examples")


def is_training_option(key: str, parameters: Collection[str] = ()) -> bool:
    """Say whether this is an option of the training, in a plugin with these parameters."""
    return key in TRAINING_OPTIONS and not (key in LATER and key in parameters)


DEFAULTS: Mapping[str, Any] = {
    "epochs": 10,
    "steps_per_epoch": None,
    "batch_size": 128,
    "training_examples": None,
    "optimizer": "rmsprop",
    "learning_rate": None,
    "clipnorm": None,
    "patience": None,
    "jit_compile": None,
    **dict.fromkeys(LATER),
}


#: What these options and those of views are called elsewhere.
ALIASES: Mapping[str, str] = {
    "lr": "learning_rate",
    "rate": "learning_rate",
    "early_stopping": "patience",
    "num_epochs": "epochs",
    "n_epochs": "epochs",
    "steps": "steps_per_epoch",
    "bs": "batch_size",
    "opt": "optimizer",
    "lr_schedule": "schedule",
    "learning_rate_schedule": "schedule",
    "warmup": "warmup_steps",
    "warmup_ratio": "warmup_share",
    "class_weights": "class_weight",
    "xla": "jit_compile",
    "clip_norm": "clipnorm",
    "gradient_clip": "clipnorm",
    "vocab_size": "num_words",
    "max_features": "num_words",
    "max_words": "num_words",
    "max_length": "maxlen",
    "sequence_length": "maxlen",
    "window": "lookback",
    "sampling_rate": "step",
}


def nearest_option(key: str, known: Collection[str]) -> str:
    """Return " (did you mean 'x'?)" for the option that is meant, or an empty string."""
    alias = ALIASES.get(key.lower())
    return f" (did you mean {alias!r}?)" if alias in known else nearest(key, known)


@dataclass(frozen=True)
class Limits:
    """What a profile caps: ``None`` leaves the plugin's own schedule as it is.

    ``examples_per_epoch`` bounds the training examples of an epoch, so that models with
    small batches see as many as those with large ones. ``scored_examples`` is how many
    validation and test examples are scored, spread evenly over each split.
    """

    epochs: int | None = None
    examples_per_epoch: int | None = None
    scored_examples: int | None = None


LIMITS = tuple(limit.name for limit in fields(Limits))


def schedule(
    task: Mapping[str, Any], plugin: Mapping[str, Any], limits: Limits, training_examples: int
) -> dict[str, Any]:
    """Resolve the training options of a trial.

    The plugin's options override the task's, those override the suite's defaults, and
    the profile then caps epochs and steps. ``steps_per_epoch`` comes out as a number, and
    ``training_examples`` as None or no more than there are. Of a warm-up the steps come out: as
    they are given or as a share of all steps that are left, but no more than these.
    """
    options = {**DEFAULTS, **task, **plugin}
    batch = options["batch_size"]
    if options["training_examples"] is not None:
        training_examples = min(options["training_examples"], training_examples)
        options["training_examples"] = training_examples
    steps = options["steps_per_epoch"] or max(1, -(-training_examples // batch))
    if limits.examples_per_epoch is not None:
        steps = min(steps, -(-limits.examples_per_epoch // batch))
    options["steps_per_epoch"] = steps
    if limits.epochs is not None:
        options["epochs"] = min(options["epochs"], limits.epochs)
    options |= _warmup(options)
    return {k: v for k, v in options.items() if v is not None or k not in LATER}


def _warmup(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a warm-up as they come out; none without one."""
    resolved = {"warmup_steps": None, "warmup_share": None}
    if options["schedule"] in _WITH_WARMUP:
        total = options["epochs"] * options["steps_per_epoch"]
        share = _WARMUP_SHARE if options["warmup_share"] is None else options["warmup_share"]
        steps = options["warmup_steps"] or math.ceil(share * total)
        resolved["warmup_steps"] = max(1, min(steps, total))
    return resolved


def effect_complaint(values: Mapping[str, Any]) -> tuple[str, str]:
    """Return an option that has no effect beside the others, and why; "" for none."""
    if values.get("redraw_examples") is not None and values.get("training_examples") is None:
        return "redraw_examples", "has no effect without training_examples, which says how many"
    given = [key for key in ("warmup_steps", "warmup_share") if values.get(key) is not None]
    if len(given) > 1:
        return given[1], f"says the same as {given[0]}: keep one"
    if given and values.get("schedule") not in _WITH_WARMUP:
        known = " or ".join(map(repr, _WITH_WARMUP))
        return given[0], f"has no effect without a schedule that has a warm-up, {known}"
    return "", ""


def as_stored(key: str, value: Any) -> Any:
    """Return an option's value as records hold it: of weights by class the classes are texts."""
    if key != "class_weight" or not isinstance(value, Mapping):
        return value
    return {str(name) if is_a(name, int) else name: weight for name, weight in value.items()}


# The hyperparameters of a plugin: which of its functions takes which, and what is wrong with any

#: The functions that they go to; the second is optional.
FUNCTIONS = ("build", "callbacks")


def parameters_in(found: Declarations) -> set[str]:
    """Return the names of all parameters after the task."""
    return {name for taker in _takers(found) for name in found.functions[taker].parameters[1:]}


def taken_by(
    found: Declarations, taker: str, hyperparameters: Iterable[str], view: Iterable[str]
) -> tuple[str, ...]:
    """Return the parameters of a function after the task.

    Of ``**`` these are the hyperparameters that are no option and that no function names.
    """
    function = found.functions.get(taker)
    if function is None:
        return ()
    named = function.parameters[1:]
    if not function.takes_anything:
        return named
    elsewhere = {*parameters_in(found), *TRAINING_OPTIONS, *view}
    return (*named, *(key for key in hyperparameters if key not in elsewhere))


def hyperparameter_problems(
    found: Declarations, view: Collection[str], judge: Callable[[str, Any], str]
) -> Iterator[Problem]:
    """Tell what is wrong with the HYPERPARAMETERS of a plugin.

    Args:
        found: What its file declares.
        view: The options of the task's view.
        judge: Says of an option and a value what is wrong with it, or nothing.
    """
    declared = found.constants.get("HYPERPARAMETERS")
    if declared is None or not isinstance(declared.value, dict) or "build" not in found.functions:
        return
    problem = partial(Problem, str(found.path))
    parameters, takers = parameters_in(found), _takers(found)
    takes_anything = any(found.functions[taker].takes_anything for taker in takers)
    known = {*parameters, *view, *TRAINING_OPTIONS}
    for key, value in declared.value.items():
        line = declared.key_lines.get(key, declared.line)
        if not isinstance(key, str):
            yield problem(line, f"HYPERPARAMETERS has the key {key!r}: use a text")
        elif key not in known and not takes_anything:
            yield problem(
                line,
                f"unknown hyperparameter {key!r}{nearest_option(key, known)}: it is no parameter "
                f"of {' or '.join(takers)}, no option of the task's view and no training option",
            )
        elif wrong := judge(key, value):
            yield problem(line, f"{key} {wrong}")
    option, wrong = effect_complaint({} if "GRID" in found.constants else declared.value)
    if wrong and option not in parameters:
        yield problem(declared.key_lines.get(option, declared.line), f"{option} {wrong}")
    for taker in takers:
        yield from _not_given(found, taker, {*declared.value, *view})


def _takers(found: Declarations) -> list[str]:
    return [name for name in FUNCTIONS if name in found.functions]


def _not_given(found: Declarations, taker: str, given: Collection[Any]) -> Iterator[Problem]:
    """Tell of what a function takes and nothing gives."""
    function = found.functions[taker]
    for name in function.parameters[1:]:
        if name not in given and name not in function.with_default:
            declared = found.constants["HYPERPARAMETERS"].value
            yield Problem(
                str(found.path),
                function.line,
                f"{taker} takes {name!r} but HYPERPARAMETERS does not give it"
                f"{nearest(name, map(str, declared))}: add it, or give the parameter a default",
            )
