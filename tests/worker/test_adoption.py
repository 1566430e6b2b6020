"""What becomes of a Keras model before it is trained, and what its output is taken for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from keras_world import a_trial, sums

from bench.errors import BenchError
from bench.registry.tasks import discover_tasks
from bench.task import Examples, OpenTask

keras = pytest.importorskip("keras")
layers = keras.layers

SPLIT = sums(64, 0)
SUMS = OpenTask((4,), "float32", SPLIT, SPLIT, SPLIT)
JENA, IMDB = (discover_tasks()[name] for name in ("jena", "imdb"))
Build = Callable[[], Any]


def signs(count: int = 64) -> Examples:
    """Examples of class 1 where the sum of the four inputs is above 0."""
    made = sums(count, 0)
    return replace(made, targets=(made.targets > 0).astype("float32"))


CLASSES = OpenTask((4,), "float32", signs(), signs(), signs())


def learner_for(model: Any, opened: OpenTask = SUMS, task: Any = JENA, **training: Any) -> Any:
    from bench.worker.setup import make_learner

    return make_learner(model, task, a_trial(**training), opened)[0]


def trained(build: Build, opened: OpenTask = SUMS, task: Any = JENA, **training: Any) -> Any:
    """Build, train and return what fits and predicts, and how the training went."""
    keras.utils.set_random_seed(0)
    learner = learner_for(build(), opened, task, **training)
    return learner, learner.fit(opened.train, opened.validation, lambda epoch: None)


def hidden(**end: Any) -> list[Any]:
    return [layers.Dense(8, activation="relu"), layers.Dense(1, **end)]


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = layers.Dense(8, activation="relu")
        self.last = layers.Dense(1)

    def call(self, inputs: Any) -> Any:
        return self.last(self.hidden(inputs))


def compiled(model: Any, loss: Any = "mae", metrics: Any = ("mae",), **options: Any) -> Any:
    model.compile(keras.optimizers.Adam(0.05), loss=loss, metrics=[*metrics], **options)
    return model


# A model that is not built yet


def with_inputs() -> Any:
    return keras.Sequential([keras.Input((4,)), *hidden()])


@pytest.mark.parametrize(
    "build", [lambda: keras.Sequential(hidden()), Subclassed], ids=["seq", "own"]
)
def test_a_model_that_is_not_built_is_trained_as_its_twin_with_inputs(build):
    (learner, fit), (twin, expected) = trained(build), trained(with_inputs)

    assert fit.train_loss == expected.train_loss
    assert fit.best_epoch > 0
    assert learner.parameters == twin.parameters == 49
    assert np.array_equal(learner.predict(SPLIT), twin.predict(SPLIT))


def test_a_model_that_is_compiled_and_not_built_is_trained_as_its_twin():
    (learner, fit), (twin, _) = (
        trained(lambda: compiled(keras.Sequential(hidden()))),
        trained(lambda: compiled(with_inputs())),
    )

    assert len(fit.train_loss) == 3
    assert np.array_equal(learner.predict(SPLIT), twin.predict(SPLIT))


def test_a_model_without_any_weights_is_told_from_one_that_is_not_built():
    learner, fit = trained(lambda: keras.Sequential([layers.Lambda(lambda x: x[:, :1])]))

    assert not learner.is_trained
    assert fit.best_epoch == 0


def test_a_model_that_runs_on_numbers_only_is_built_by_a_batch():
    class OnNumbers(Subclassed):
        def call(self, inputs: Any) -> Any:
            return super().call(2 * np.asarray(inputs))

    learner = learner_for(compiled(OnNumbers(), run_eagerly=True))

    assert learner.is_trained
    assert learner.parameters == 49


def test_weights_that_do_not_change_are_no_training():
    with pytest.raises(BenchError, match=r"none of the model's 4 trainable weights; see that its"):
        trained(with_inputs, learning_rate=0.0)


def test_a_train_step_that_applies_nothing_is_no_training():
    class Idle(Subclassed):
        def train_step(self, data: Any) -> dict[str, float]:
            return {"loss": 0.1}

    with pytest.raises(BenchError, match="training has changed none"):
        trained(Idle)


# Training steps, fits and metrics of a model's own


class Stepping(Subclassed):
    """Unpacks what the guides unpack, and names its loss otherwise."""

    def train_step(self, data: Any) -> dict[str, Any]:
        import tensorflow

        x, y = data
        with tensorflow.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"my_loss": loss}


def test_a_train_step_without_a_loss_among_its_logs_trains_like_any_other():
    _, fit = trained(Stepping, epochs=5)

    assert not fit.diverged
    assert len(fit.validation_metric) == 5
    assert np.isnan(fit.train_loss).all()


def test_a_train_step_of_its_own_learns_examples_by_heart():
    from bench.worker.contract import _OneBatch, _train_until_lower

    keras.utils.set_random_seed(0)
    learner = learner_for(Stepping(), learning_rate=0.01)
    before = np.abs(learner.predict(SPLIT) - SPLIT.targets).mean()
    batch = _OneBatch(learner, SPLIT, SPLIT.targets)
    _train_until_lower(learner, SPLIT, "mean_absolute_error", batch)

    assert np.abs(learner.predict(SPLIT) - SPLIT.targets).mean() < 0.95 * before


def test_callbacks_of_a_fit_of_its_own_see_the_validation_metric():
    seen: list[float] = []

    class Calling(Subclassed):
        def fit(self, *data: Any, callbacks: Any = (), **options: Any) -> Any:
            own = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: seen.append(logs["val_mae"])
            )
            return super().fit(*data, callbacks=[*callbacks, own], **options)

    _, fit = trained(Calling)

    assert seen == fit.validation_metric


def test_a_fit_that_drops_the_callbacks_is_refused():
    class Dropping(Subclassed):
        def fit(self, *data: Any, callbacks: Any = (), **options: Any) -> Any:
            return super().fit(*data, **options)

    with pytest.raises(BenchError, match="must pass on the callbacks"):
        trained(Dropping)


def test_a_schedule_of_the_learning_rate_works():
    def build() -> Any:
        model = with_inputs()
        rate = keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)
        model.compile(keras.optimizers.SGD(rate), loss="mae", metrics=["mae"])
        return model

    learner, fit = trained(build)

    assert fit.best_epoch > 0
    assert float(learner.model.optimizer.learning_rate) == pytest.approx(0.1 * 0.5**3)


def test_a_metric_by_another_name_is_found():
    def build() -> Any:
        model = keras.Sequential(hidden(activation="sigmoid"))
        return compiled(model, "binary_crossentropy", ["acc"])

    _, fit = trained(build, CLASSES, IMDB)

    assert all(0 <= value <= 1 for value in fit.train_metric)


# Outputs of other forms


def test_a_dictionary_of_one_output_works():
    def build() -> Any:
        inputs = keras.Input((4,))
        return keras.Model(inputs, {"degrees": layers.Dense(1)(inputs)})

    learner, fit = trained(build)

    assert fit.best_epoch > 0
    assert learner.predict(SPLIT).shape == (64,)


@pytest.mark.parametrize(("opened", "task"), [(SUMS, JENA), (CLASSES, IMDB)], ids=["sum", "sign"])
def test_outputs_of_shape_n_work(opened, task):
    activation = "sigmoid" if task is IMDB else None

    def build() -> Any:
        inputs = keras.Input((4,))
        return keras.Model(inputs, layers.Dense(1, activation=activation)(inputs)[:, 0])

    learner, fit = trained(build, opened, task)

    assert fit.best_epoch > 0
    assert np.isfinite(fit.train_metric).all()
    assert learner.predict(opened.test).shape == (64,)


def two_inputs() -> Any:
    inputs = [keras.Input((4,)), keras.Input((4,))]
    return keras.Model(inputs, layers.Dense(1)(layers.Add()(inputs)))


def two_outputs() -> Any:
    inputs = keras.Input((4,))
    return keras.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (two_inputs, "2 inputs; the view gives one array"),
        (two_outputs, "2 outputs; the task has one target"),
        (
            lambda: keras.Sequential([keras.Input(batch_shape=(8, 4)), layers.Dense(1)]),
            "fixed batch size 8",
        ),
        (
            lambda: keras.Sequential([keras.Input((9,)), layers.Dense(1)]),
            r"takes inputs of shape \(None, 9\); the view gives \(None, 4\)",
        ),
        (lambda: keras.Sequential([keras.Input((4,)), layers.Dense(2)]), "end it with one unit"),
    ],
    ids=["inputs", "outputs", "batch", "shape", "units"],
)
def test_what_does_not_fit_is_refused_on_one_line_with_the_mend(build, words):
    with pytest.raises(BenchError, match=words):
        learner_for(build())


# Numbers that an embedding has no row for


def ranks(highest: int | None) -> OpenTask:
    inputs = np.arange(64 * 6).reshape(64, 6) % 50
    examples = Examples(signs().targets, lambda n: inputs[n].astype("int32"), np.arange(64))
    return OpenTask((6,), "int32", examples, examples, examples, highest=highest)


def embedding(rows: int) -> Any:
    return keras.Sequential([
        layers.Embedding(rows, 2, name="words"),
        layers.LSTM(2),
        layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip


def test_an_embedding_with_too_few_rows_for_the_view_is_refused_before_xla_clamps():
    with pytest.raises(BenchError, match=r"'words' has 50 rows and is asked for row 499") as caught:
        learner_for(embedding(50), ranks(499), IMDB, jit_compile=False)

    assert "Embedding(500, ...)" in str(caught.value)
    learner_for(embedding(500), ranks(499), IMDB, jit_compile=False)


def test_where_the_view_names_no_highest_number_the_examples_tell():
    learner_for(embedding(50), ranks(None), IMDB, jit_compile=False)
    with pytest.raises(BenchError, match="has 49 rows and is asked for row 49"):
        learner_for(embedding(49), ranks(None), IMDB, jit_compile=False)


def test_an_embedding_of_positions_or_of_fewer_numbers_is_held_to_what_it_is_asked_for():
    inputs = keras.Input((6,), dtype="int32")
    places = layers.Embedding(6, 2)(keras.ops.arange(6))
    words = layers.Embedding(10, 2)(inputs % 10)
    pooled = layers.GlobalAveragePooling1D()(words + places)
    model = keras.Model(inputs, layers.Dense(1, activation="sigmoid")(pooled))

    learner_for(model, ranks(499), IMDB, jit_compile=False)


def test_looking_an_embedding_up_leaves_the_seeds_of_dropout_as_they_are():
    def build(embeddings: int) -> Any:
        words = [layers.Embedding(50, 4), layers.Dropout(0.5), layers.Flatten()]
        return keras.Sequential([*words[:embeddings], *words[1:], layers.Dense(1, "sigmoid")])

    model = build(1)
    model.build((None, 6))
    before = [variable.numpy().copy() for variable in model.non_trainable_variables]
    learner_for(model, ranks(49), IMDB)

    assert before
    assert all(map(np.array_equal, before, [v.numpy() for v in model.non_trainable_variables]))


# What a number means that a classifier gives


def last(units: int, activation: str | None, loss: Any, metrics: Any = ()) -> Build:
    def build() -> Any:
        model = keras.Sequential([keras.Input((4,)), layers.Dense(units, activation=activation)])
        return compiled(model, loss, metrics)

    return build


FROM_LOGITS = {"from_logits": True}


@pytest.mark.parametrize(
    ("units", "activation", "loss", "expected"),
    [
        (1, "sigmoid", "binary_crossentropy", lambda o: o[:, 0]),
        (1, None, keras.losses.BinaryCrossentropy(**FROM_LOGITS), lambda o: sigmoid(o[:, 0])),
        (1, None, keras.losses.BinaryFocalCrossentropy(**FROM_LOGITS), lambda o: sigmoid(o[:, 0])),
        (1, "tanh", "hinge", lambda o: (o[:, 0] + 1) / 2),
        (1, None, keras.losses.SquaredHinge(), lambda o: (o[:, 0] + 1) / 2),
        (1, None, "mse", lambda o: o[:, 0]),
        (2, "softmax", "sparse_categorical_crossentropy", lambda o: o[:, 1]),
        (2, "softmax", ["categorical_crossentropy"], lambda o: o[:, 1]),
        (
            2,
            None,
            keras.losses.SparseCategoricalCrossentropy(**FROM_LOGITS),
            lambda o: sigmoid(o[:, 1] - o[:, 0]),
        ),
        (
            2,
            None,
            keras.losses.CategoricalCrossentropy(**FROM_LOGITS),
            lambda o: sigmoid(o[:, 1] - o[:, 0]),
        ),
        (2, None, "categorical_hinge", lambda o: (o[:, 1] - o[:, 0] + 1) / 2),
    ],
)
def test_an_output_is_read_by_its_loss_and_scored_at_its_own_threshold(
    units, activation, loss, expected
):
    learner, fit = trained(last(units, activation, loss), CLASSES, IMDB, epochs=12)
    outputs = learner.model.predict(SPLIT.gather(np.arange(64)), verbose=0)

    predictions = learner.predict(CLASSES.test)
    assert predictions == pytest.approx(expected(outputs), abs=1e-6)
    assert max(fit.validation_metric) > 0.9


def sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def test_two_units_with_a_softmax_work_without_a_compilation_of_the_plugins():
    def build() -> Any:
        return keras.Sequential([keras.Input((4,)), layers.Dense(2, activation="softmax")])

    _, fit = trained(build, CLASSES, IMDB, epochs=12, learning_rate=0.1)

    assert max(fit.validation_metric) > 0.9
    assert fit.train_metric[-1] > 0.8


def test_an_accuracy_that_takes_logits_for_probabilities_is_not_told():
    loss = keras.losses.BinaryCrossentropy(**FROM_LOGITS)
    at_zero = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    _, wrong = trained(last(1, None, loss, ["accuracy"]), CLASSES, IMDB)
    _, right = trained(last(1, None, loss, [at_zero]), CLASSES, IMDB)

    assert np.isnan(wrong.train_metric).all()
    assert np.isfinite(right.train_metric).all()


def of_my_own(targets: Any, outputs: Any) -> Any:
    return keras.ops.mean(keras.ops.square(targets - outputs), axis=-1)


def test_a_loss_of_the_plugins_own_needs_an_end_that_says_what_it_is():
    learner_for(last(1, "sigmoid", of_my_own)(), CLASSES, IMDB)
    with pytest.raises(BenchError, match=r"cannot be told from its loss .*end it with a sigmoid"):
        learner_for(last(1, None, of_my_own)(), CLASSES, IMDB)


@pytest.mark.parametrize(
    ("units", "activation", "loss", "words"),
    [
        (1, None, "binary_crossentropy", "no activation, and its loss, binary_crossentropy, takes"),
        (1, "tanh", "binary_crossentropy", "a tanh, and its loss"),
        (1, "softmax", "binary_crossentropy", "softmax over one unit, which is always 1"),
        (
            1,
            "sigmoid",
            keras.losses.BinaryCrossentropy(**FROM_LOGITS),
            "drop one of the two",
        ),
        (2, "softmax", "binary_crossentropy", "compile the model with sparse_categorical"),
        (1, "sigmoid", "sparse_categorical_crossentropy", "a unit for each of the two classes"),
        (3, "softmax", "sparse_categorical_crossentropy", "end it with one unit"),
    ],
)
def test_an_end_that_contradicts_its_loss_is_refused(units, activation, loss, words):
    with pytest.raises(BenchError, match=words):
        learner_for(last(units, activation, loss)(), CLASSES, IMDB)


def test_numbers_that_should_be_probabilities_and_are_none_are_refused():
    def build() -> Any:
        ends = [layers.Dense(1, activation="sigmoid"), layers.Rescaling(9.0)]
        return keras.Sequential([keras.Input((4,)), *ends])

    with pytest.raises(BenchError, match=r"takes probabilities and the model gives numbers from"):
        trained(build, CLASSES, IMDB)
