"""Check a plugin against its contract: the checks of ``python -m bench test``, made in a worker."""

from __future__ import annotations

import math
import pickle
import random
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import numpy as np

from bench import protocol
from bench.data.prepared import open_prepared
from bench.data.ready import open_task
from bench.errors import BenchError, CannotRun
from bench.protocol import OK, Checked, Job, Outcome
from bench.registry.tasks import TaskInfo
from bench.task import Array, Examples, OpenTask
from bench.worker.adoption import check_options
from bench.worker.backend import seed_everything
from bench.worker.keras_model import KerasLearner
from bench.worker.outputs import Output, loss_of
from bench.worker.plugin import (
    call_build,
    call_callbacks,
    import_libraries,
    load_plugin,
    module_name,
    reason_of,
    task_of,
    told_of,
)
from bench.worker.sampling import evenly_spread
from bench.worker.setup import EstimatorLearner, Learner, make_learner
from bench.worker.traces import FileWatch, State, differences, process_state

#: A model has to learn these by heart, or begin to.
EXAMPLES = 32
STEPS = 200
#: Losses are averaged over so many steps, so that no lucky draw of a dropout passes for
#: learning. Once this share of the first loss is gone, the training has shown enough.
AVERAGED = 20
GAIN = 0.1
#: A slow learner has to lose this share by the last step, and so many standard errors.
SMALL_GAIN = 0.01
BEYOND_NOISE = 3.0

#: Nothing later rests on these; where another check fails, the later ones are not reached.
_NOTHING_RESTS_ON = (protocol.GLOBAL_STATE, protocol.SAME_SEED)


def hold_to_contract(job: Job, report: Callable[[Checked], None]) -> Outcome:
    """Make each check in turn and report it, until one fails that the later ones rest on.

    Raises:
        CannotRun: The plugin cannot run on these data: what is left is to be skipped.
        BenchError: The view does not fit the data, which the planner has ruled out.
    """
    task = task_of(job)
    opened = open_task(task, open_prepared(Path(job.prepared)), job.trial.view)
    for check, make in _Suite(job, task, opened).checks():
        reason = _failure(make, job)
        report(Checked(check, reason))
        if reason and check not in _NOTHING_RESTS_ON:
            break
    return Outcome(OK)


def _failure(make: Callable[[], None], job: Job) -> str:
    """Make a check; return why it failed, or nothing."""
    try:
        make()
    except CannotRun:
        raise
    except BenchError as error:
        return told_of(error, job.plugin_path)
    except (Exception, SystemExit) as error:
        return reason_of(error, job.plugin_path, job.task_path)
    return ""


@dataclass
class _Candidate:
    """The plugin once through: its source run, its model built, trained and asked.

    A second candidate of the same seed has to give the same numbers.
    """

    job: Job
    task: TaskInfo
    opened: OpenTask
    examples: Examples
    module: ModuleType = field(init=False)
    model: Any = field(init=False)
    callbacks: Sequence[keras.callbacks.Callback] = ()
    learner: Learner = field(init=False)

    def load(self) -> None:
        """Seed, and run the plugin's source."""
        seed_everything(self.job.trial.seed, self.job.trial.backend)
        self.module = load_plugin(self.job)

    def build(self) -> None:
        """Call ``build``, and ``callbacks`` where there is one."""
        self.model = call_build(self.module, self.job, self.opened, self.task)
        check_options(self.model, self.job)
        self.callbacks = call_callbacks(self.module, self.job, self.opened, self.task)

    def adopt(self, output: Output | None = None) -> None:
        """Compile the model as a trial would; ``output`` is what its output means, if known.

        Raises:
            BenchError: It is no model, or does not give one number an example.
        """
        trial = self.job.trial
        # Of the schedule, an estimator sees all the examples once.
        options = {**trial.training, "epochs": 1, "steps_per_epoch": 1, "batch_size": EXAMPLES}
        if "schedule" in options:
            # It goes over the steps that are made here.
            options["epochs"] = STEPS
            options["warmup_steps"] = min(options.get("warmup_steps", 1), STEPS // 10)
        trial = replace(trial, training=options)
        self.learner, _ = make_learner(
            self.model, self.task, trial, self.opened, output=output, callbacks=self.callbacks
        )

    @property
    def is_keras(self) -> bool:
        """Whether the plugin made a Keras model, else an estimator."""
        return isinstance(self.model, keras.Model)

    def train(self) -> None:
        """Fit an estimator, or train a model until its loss is clearly lower.

        Raises:
            BenchError: It does not become so.
        """
        if isinstance(self.learner, EstimatorLearner):
            self.learner.fit(self.examples, self.examples, lambda _: None)
        elif self.model.trainable_weights and self.job.trial.training["epochs"]:
            loss = loss_of(self.learner.output, self.task)
            batch = _OneBatch(self.learner, self.examples, self.opened.train.targets)
            _train_until_lower(self.learner, self.examples, loss, batch)
            if self.callbacks:
                _train_with_callbacks(self.learner, batch, self.task.metric)

    def predictions(self) -> Array:
        """Return the numbers of each example.

        Raises:
            BenchError: One is not finite.
            ValueError: There are more or fewer.
        """
        predictions = self.learner.predict(self.examples)
        wrong = int(np.sum(~np.isfinite(predictions)))
        if wrong:
            raise BenchError(f"{wrong} of {len(predictions)} predictions are not finite")
        return predictions


class _Suite:
    """The checks of one plugin, in order; a later one uses what an earlier one made."""

    def __init__(self, job: Job, task: TaskInfo, opened: OpenTask) -> None:
        self._job = job
        self._task, self._opened = task, opened
        self._examples = evenly_spread(opened.train, EXAMPLES)
        self._candidate = self._fresh()
        self._watch = FileWatch()
        self._before: State = {}
        self._trained: Array = np.empty(0)

    def _fresh(self, seed: int | None = None) -> _Candidate:
        trial = self._job.trial if seed is None else replace(self._job.trial, seed=seed)
        job = replace(self._job, trial=trial)
        return _Candidate(job, self._task, self._opened, self._examples)

    def checks(self) -> list[tuple[str, Callable[[], None]]]:
        """Return each check's name and what makes it."""
        return [
            (protocol.IMPORTS, self._imports),
            (protocol.BUILDS, self._builds),
            (protocol.GLOBAL_STATE, self._global_state),
            (protocol.OUTPUT_SHAPE, self._output_shape),
            (protocol.TRAINS, self._trains),
            (protocol.SAME_SEED, self._same_seed),
            (protocol.SAVES, self._saves),
        ]

    def _imports(self) -> None:
        import_libraries(self._job)
        self._before = process_state(Path(self._job.plugin_path))
        with self._watch.noting():
            self._candidate.load()

    def _builds(self) -> None:
        with self._watch.noting():
            self._candidate.build()
        if not self._candidate.is_keras:
            self._candidate.adopt()

    def _global_state(self) -> None:
        now = process_state(Path(self._job.plugin_path))
        changed = [*differences(self._before, now), *self._watch.deeds]
        if changed:
            raise BenchError(f"importing and building it left traces: {'; '.join(changed)}")

    def _output_shape(self) -> None:
        self._candidate.adopt()
        if self._candidate.is_keras:
            self._candidate.predictions()

    def _trains(self) -> None:
        self._candidate.train()
        self._trained = self._candidate.predictions()

    def _same_seed(self) -> None:
        again = self._fresh()
        again.load()
        again.build()
        again.adopt()
        if again.is_keras:
            again.predictions()  # As the first was asked before its training.
        again.train()
        repeated = again.predictions()
        if not np.array_equal(repeated, self._trained):
            gap = float(np.max(np.abs(repeated - self._trained)))
            raise BenchError(
                f"the same seed gave predictions up to {gap:.2g} apart; draw from keras.random "
                "or numpy.random, never from a clock or a generator without a seed"
            )
        self._other_seed()

    def _other_seed(self) -> None:
        """See that another seed still is one after the plugin was run and has built.

        Raises:
            BenchError: The generators stand where they would for any other seed.
        """
        trial = self._job.trial
        states = []
        for seed in (trial.seed, trial.seed + 1):
            candidate = self._fresh(seed)
            candidate.load()
            candidate.build()
            states.append(generators())
        alike = [name for name, state in states[0].items() if state == states[1][name]]
        if alike:
            raise BenchError(
                f"importing or building it seeds {' and '.join(alike)}, which makes all seeds "
                "alike; leave out keras.utils.set_random_seed and its kin, the suite has seeded"
            )

    def _saves(self) -> None:
        saved, loaded = self._candidate, self._fresh()
        if saved.is_keras:
            loaded.model = _saved_and_loaded(saved.model, self._job)
        else:
            # Pickle wants the very classes of the object; a later candidate has others.
            sys.modules[saved.module.__name__] = saved.module
            loaded.model = _pickled_and_loaded(saved.model)
        # What the plugin compiled it with is not loaded, and so not known of it.
        loaded.adopt(getattr(saved.learner, "output", None))
        if not np.allclose(loaded.predictions(), saved.predictions(), rtol=1e-5, atol=1e-6):
            raise BenchError("saved and loaded again, it predicts other numbers")


class Lowering:
    """The losses of training steps, and whether they became lower."""

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._losses: list[float] = []

    def add(self, loss: float) -> bool:
        """Take the loss of a step; say whether the training has shown enough, or all it may.

        Raises:
            BenchError: The loss is not finite.
        """
        losses = self._losses
        losses.append(loss)
        if not math.isfinite(loss):
            raise BenchError(f"the training loss became {loss} in step {len(losses)}")
        return self._is_clear() or len(losses) >= STEPS

    def judge(self) -> None:
        """Compare the first losses with the last.

        Raises:
            BenchError: They have not become lower; says by how much they should have.
        """
        if self._is_clear():
            return
        early, late = np.array(self._losses[:AVERAGED]), np.array(self._losses[-AVERAGED:])
        before, after = float(early.mean()), float(late.mean())
        noise = math.sqrt((early.var() + late.var()) / AVERAGED)
        least = max(SMALL_GAIN * abs(before), BEYOND_NOISE * noise)
        if before - after < least:
            why = "three standard errors" if least > SMALL_GAIN * abs(before) else "a hundredth"
            raise BenchError(
                f"{len(self._losses)} training steps on {self._examples} fixed examples took the "
                f"loss from {before:.4g} (mean of the first {AVERAGED} steps) to {after:.4g} (of "
                f"the last {AVERAGED}): it fell by {before - after:.4g}, and by less than "
                f"{least:.4g}, {why}, it does not learn them"
            )

    def _is_clear(self) -> bool:
        losses = self._losses
        gone = losses[0] - float(np.mean(losses[-AVERAGED:]))
        return len(losses) > AVERAGED and gone >= GAIN * abs(losses[0])


def _train_until_lower(
    learner: KerasLearner, examples: Examples, loss: str, batch: _OneBatch
) -> None:
    """Train as a trial does, by ``fit``: the same batch, an epoch a step."""
    lowering = Lowering(len(examples))

    def after_step(logs: Mapping[str, Any]) -> bool:
        if "loss" in logs:
            return lowering.add(float(logs["loss"]))
        # A train_step of the model's own may tell none.
        predictions = learner.predict(examples)
        given = learner.output.targets(examples.targets)
        found = predictions[:, None] if predictions.ndim == 1 else predictions
        computed = keras.losses.get(loss)(given, found)
        return lowering.add(float(np.mean(keras.ops.convert_to_numpy(computed))))

    batch.train(learner.model, STEPS, [_AfterStep(after_step)])
    lowering.judge()


def _train_with_callbacks(learner: KerasLearner, batch: _OneBatch, metric: str) -> None:
    """Train two more epochs, with the plugin's callbacks: they hear of what a trial tells them.

    Not before: what stops a training early, or changes its rate, is no matter of learning.
    """

    def tell(logs: dict[str, Any]) -> bool:
        logs[f"val_{metric}"] = float(logs.get("loss", 0.0))
        return False

    batch.train(learner.model, 2, [_AfterStep(tell), *learner.callbacks])


class _OneBatch(keras.utils.PyDataset):
    """The same inputs and targets in every epoch of one step.

    ``targets`` are those of all training examples, by which classes are weighted.
    """

    def __init__(self, learner: KerasLearner, examples: Examples, targets: Array) -> None:
        super().__init__()
        inputs = examples.gather(np.arange(len(examples)))
        self._batch = inputs, learner.output.targets(examples.targets)
        self._weighted = learner.weighted(targets)

    def train(self, model: Any, epochs: int, callbacks: list[keras.callbacks.Callback]) -> None:
        """Have Keras train a model on it."""
        model.fit(
            **self.feed(),
            **self._weighted,
            epochs=epochs,
            shuffle=False,
            verbose=0,
            callbacks=callbacks,
        )

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        return self._batch

    def feed(self) -> dict[str, Any]:
        """Return the arguments of ``fit``: on TensorFlow a dataset, which takes less time."""
        if keras.backend.backend() != "tensorflow":
            return {"x": self}
        import tensorflow

        dataset = tensorflow.data.Dataset.from_tensors(self._batch).repeat()
        return {"x": dataset, "steps_per_epoch": 1}


class _AfterStep(keras.callbacks.Callback):
    """Hands on the logs of each epoch, and stops the training when that is enough."""

    def __init__(self, is_enough: Callable[[dict[str, Any]], bool]) -> None:
        super().__init__()
        self._is_enough = is_enough

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._is_enough({} if logs is None else logs):
            self.model.stop_training = True


def generators() -> Mapping[str, object]:
    """Return the states of Python's and NumPy's generators, by name."""
    _, keys, position, *_ = np.random.get_state(legacy=True)
    return {
        "Python's generator": random.getstate()[1],
        "NumPy's generator": (bytes(np.asarray(keys).data), position),
    }


def _saved_and_loaded(model: Any, job: Job) -> Any:
    """Pass a model through a file, and load it as another program would.

    Some versions of Keras would look for a class in the plugin's module, which no other
    program has: without that, they know registered classes only, as other versions do.
    """
    hidden = sys.modules.pop(module_name(job))
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.keras"
            model.save(path)
            return _loaded(path, job)
    finally:
        sys.modules[hidden.__name__] = hidden


def _pickled_and_loaded(model: object) -> Any:
    try:
        content = pickle.dumps(model)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise BenchError(
            f"it cannot be pickled: {type(error).__name__}: {error}; "
            "give it functions of a module in place of lambdas and inner functions"
        ) from None
    return pickle.loads(content)


def _loaded(path: Path, job: Job) -> Any:
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:
        # Keras wraps what went wrong once a nesting layer; the innermost says how to fix it.
        innermost: BaseException = error
        while innermost.__context__ is not None:
            innermost = innermost.__context__
        reason = reason_of(innermost, job.plugin_path, job.task_path)
        raise BenchError(f"saved, it cannot be loaded again: {reason}") from None
