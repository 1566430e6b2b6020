"""The training options that the harness knows, and how a profile limits them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any

from bench.formatting import nearest
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
        return ""


TRAINING_OPTIONS: Mapping[str, Option] = {
    "epochs": Option(int, "passes over the training examples, or rounds of steps_per_epoch", 0),
    "steps_per_epoch": Option(
        int, "training steps an epoch; None is one pass over the examples", 1, optional=True
    ),
    "batch_size": Option(int, "examples a training step", 1),
    "training_examples": Option(
        int,
        "train on so many of the training examples at most, the same for every seed and model; "
        "None is all",
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
}

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
    ``training_examples`` as None or no more than there are.
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
    return options
