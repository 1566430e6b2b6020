"""Those that raise, or hand back what is no model: all that Python can still report."""

from __future__ import annotations

from .kind import DIVERGED, FAILED, OUT_OF_MEMORY, Kind

_ESTIMATOR = """
    class Estimator:
        def fit(self, x, y):
            pass

        def predict(self, x):
            {predict}
"""
_RETURN_ESTIMATOR = "return Estimator()"


def _estimator(name: str, predict: str, status: str, reason: str) -> Kind:
    top = _ESTIMATOR.format(predict=predict)
    return Kind(name, _RETURN_ESTIMATOR, status, reason, top=top)


KINDS = (
    Kind("raises", 'raise ValueError("no such thing")', FAILED, "ValueError: no such thing"),
    Kind("raises_at_import", top='raise OSError("not here")', status=FAILED, reason="not here"),
    Kind("does_not_know_its_module", top="import no_such_module", status=FAILED, reason="no_such"),
    Kind(
        "raises_while_training",
        "return innocent(task, Mine())",
        FAILED,
        "only in training",
        top="""
            class Mine(layers.Layer):
                def call(self, x, training=None):
                    if training:
                        raise RuntimeError("only in training")
                    return x
        """,
    ),
    _estimator("raises_in_predict", 'raise KeyError("lost")', FAILED, "KeyError: 'lost'"),
    _estimator("predicts_words", 'return ["warm"] * len(x)', FAILED, "'warm'"),
    _estimator("predicts_too_few", "return [0.0] * (len(x) - 1)", FAILED, "one number each"),
    _estimator("predicts_nan", "return np.full(len(x), np.nan)", DIVERGED, "not all finite"),
    _estimator("predicts_none", "return None", FAILED, "one number each"),
    Kind("returns_none", "return None", FAILED, "build returned NoneType"),
    Kind("returns_a_class", "return Sequential", FAILED, "build returned"),
    Kind("returns_a_generator", "yield innocent(task)", FAILED, "build returned generator"),
    Kind(
        "returns_what_cannot_be_looked_at",
        "return Shy()",
        FAILED,
        "RuntimeError: do not look",
        top="""
            class Shy:
                def __getattribute__(self, name):
                    raise RuntimeError("do not look")
        """,
    ),
    Kind(
        "ends_in_two_units",
        "return Sequential([innocent(task), layers.Dense(2)])",
        FAILED,
        "output shape (None, 2)",
    ),
    Kind(
        "gives_a_sequence",
        "return Sequential([task.inputs(), layers.Dense(1)])",
        FAILED,
        "output shape",
    ),
    Kind(
        "has_no_such_loss",
        """
            model = innocent(task)
            model.compile(optimizer="sgd", loss="kindness")
            return model
        """,
        FAILED,
        "kindness",
    ),
    Kind(
        "has_no_optimizer",
        """
            model = innocent(task)
            model.compile(optimizer=object(), loss="mse")
            return model
        """,
        FAILED,
        "optimizer",
    ),
    Kind(
        "has_a_loss_of_words",
        """
            model = innocent(task)
            model.compile(optimizer="sgd", loss=lambda wanted, given: "nonsense")
            return model
        """,
        FAILED,
        "Error",
    ),
    Kind(
        "loses_its_mind",
        "return Sequential([innocent(task), layers.Rescaling(float('nan'))])",
        DIVERGED,
        "the training loss became nan in epoch 1",
    ),
    Kind(
        "has_infinite_weights",
        """
            boundless = keras.initializers.Constant(float("inf"))
            return Sequential([
                task.inputs(), layers.Flatten(), layers.Dense(1, bias_initializer=boundless)
            ])
        """,
        DIVERGED,
        "the training loss became",
    ),
    Kind("exits", 'sys.exit("I leave")', FAILED, "SystemExit: I leave"),
    Kind("exits_as_if_all_were_well", "sys.exit(0)", FAILED, "SystemExit: 0"),
    Kind("interrupts", "raise KeyboardInterrupt", FAILED, "KeyboardInterrupt"),
    Kind(
        "signals_an_interrupt",
        """
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        """,
        FAILED,
        "KeyboardInterrupt",
    ),
    Kind("says_that_memory_is_out", "raise MemoryError", OUT_OF_MEMORY, "allocation failed"),
    Kind("asks_for_a_petabyte", "np.ones(1 << 47)", OUT_OF_MEMORY, "allocation failed"),
    Kind("recurs_for_ever", "return build(task)", FAILED, "RecursionError"),
    Kind("has_a_long_story", 'raise ValueError("x" * 1_000_000)', FAILED, "ValueError: xxx"),
    Kind(
        "has_an_unspeakable_error",
        "raise Unspeakable",
        FAILED,
        "without a readable message",
        top="""
            class Unspeakable(Exception):
                def __str__(self):
                    raise RuntimeError("not a word")
        """,
    ),
    Kind(
        "has_an_error_of_a_garish_name",
        """raise type("Red\\x1b[31m\\u202e|\\n" * 999, (Exception,), {})("\\x00\\x1b[2J")""",
        FAILED,
        "Red",
    ),
    Kind(
        "blames_itself_in_a_circle",
        """
            one, other = ValueError("one"), ValueError("other")
            one.__cause__, other.__cause__ = other, one
            raise one
        """,
        FAILED,
        "ValueError: one",
    ),
)
