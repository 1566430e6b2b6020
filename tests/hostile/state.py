"""Those that change what a process has only one of: theirs dies with the trial."""

from __future__ import annotations

from .kind import FAILED, Kind

KINDS = (
    Kind(
        "deletes_its_folder",
        """
            import shutil

            os.makedirs("deep/er")
            os.chdir("deep/er")
            shutil.rmtree("../../deep")
        """,
        pure=True,
    ),
    Kind("goes_to_the_root", 'os.chdir("/")', pure=True),
    Kind("deletes_its_own_file", "os.remove(__file__)", pure=True),
    Kind(
        "changes_the_environment",
        """
            os.environ.clear()
            os.environ["KERAS_BACKEND"] = "torch"
            os.environ["PYTHONPATH"] = "/nowhere"
        """,
        pure=True,
    ),
    Kind("changes_the_locale", 'import locale; locale.setlocale(locale.LC_ALL, "C")', pure=True),
    Kind(
        "changes_the_random_state",
        """
            import random

            random.seed(1)
            np.random.seed(1)
            keras.utils.set_random_seed(1)
        """,
    ),
    Kind(
        "has_dice_of_its_own",
        """
            honest = np.random.default_rng
            np.random.default_rng = lambda *seed: honest(6)
        """,
    ),
    Kind("makes_warnings_errors", 'import warnings; warnings.simplefilter("error")', pure=True),
    Kind("computes_in_half_precision", 'keras.config.set_floatx("float16")'),
    Kind("computes_in_mixed_precision", 'keras.config.set_dtype_policy("mixed_float16")'),
    Kind(
        "does_not_train",
        "keras.Model.fit = lambda *_, **__: None",
        FAILED,
        "training has changed none of the model's 4 trainable weights",
    ),
    Kind("does_not_average", "np.mean = lambda *_, **__: 0.5"),
    Kind(
        "does_not_save",
        "np.savez_compressed = None",
        FAILED,
        "TypeError",
    ),
    Kind(
        "unloads_the_suite",
        """
            for name in [name for name in sys.modules if name.startswith("bench")]:
                del sys.modules[name]
        """,
        pure=True,
    ),
    Kind(
        "allows_no_depth",
        "sys.setrecursionlimit(len(__import__('inspect').stack()) + 10)",
        FAILED,
        "RecursionError",
    ),
    Kind(
        "handles_every_signal",
        """
            for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, lambda *_: None)
        """,
        pure=True,
    ),
    Kind(
        "allows_itself_no_files",
        """
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    """,
        FAILED,
        "File too large",
    ),
    Kind("cannot_leave", "os._exit = lambda status: None", pure=True),
    Kind("collects_no_garbage", "import gc; gc.disable(); gc.freeze()", pure=True),
    Kind("has_no_builtins_left", "import builtins; builtins.open = builtins.print = None"),
    Kind(
        "hides_every_class",
        "keras.utils.get_custom_objects()['Dense'] = None; keras.layers.Dense.call = None",
        FAILED,
        "TypeError",
    ),
    Kind(
        "changes_its_task",
        """
            model = innocent(task)
            vars(task).clear()
            type(task).inputs = None
            return model
        """,
        pure=True,
    ),
    Kind(
        "changes_its_examples",
        "return Estimator()",
        top="""
            class Estimator:
                def fit(self, x, y):
                    x[:], y[:] = 0, 0

                def predict(self, x):
                    x[:] = 1e30
                    return x.reshape(len(x), -1)[:, 0] * 0
        """,
    ),
    Kind(
        "has_no_weights",
        "return Sequential([task.inputs(), layers.Flatten(), layers.Lambda(lambda x: x[:, :1])])",
    ),
)
