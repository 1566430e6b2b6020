"""``python -m bench test``: each way of breaking the contract fails its own check."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders import a_plugin
from command_line import run_here

from bench.cli.test import command
from bench.protocol import CHECKS, CHECKS_TIMEOUT, FAILED, NOT_REACHED, PASSED, SKIPPED

pytestmark = pytest.mark.long

KERAS = "import os, time, keras, numpy\nfrom keras import Sequential, layers"
ESTIMATOR = (
    "from sklearn.linear_model import Ridge\n"
    "from sklearn.pipeline import make_pipeline\n"
    "from sklearn.preprocessing import FunctionTransformer\n"
    "def flat(windows): return windows.reshape(len(windows), -1)"
)
SHORT = '{"lookback": "1d"}'


def dense(ends: str = "layers.Dense(1)") -> str:
    return f"def build(task): return Sequential([task.inputs(), layers.Flatten(), {ends}])"


#: Plugins by name: what stands before the declarations, the declarations, and ``build``.
PLUGINS: dict[str, dict[str, str]] = {
    "right": {"before": KERAS, "build": dense()},
    "half": {"build": "def build("},
    "wrong_key": {"hyperparameters": '{"lokback": 3}', "build": dense()},
    "absent": {"before": "import quantum_nets", "build": dense()},
    "misspelt": {"before": "from keras import layer", "build": dense()},
    "exits": {"before": "import sys\nsys.exit(3)", "build": dense()},
    "raises": {"build": "def build(task):\n    raise ValueError('no such shape')"},
    "no_model": {"build": "def build(task): return [1, 2]"},
    "crashes": {
        "before": "import os, signal",
        "build": "def build(task): os.kill(os.getpid(), signal.SIGSEGV)",
    },
    "wide": {"before": KERAS, "build": dense("layers.Dense(3)")},
    "not_finite": {"before": KERAS, "build": dense("layers.Dense(1), layers.Rescaling(numpy.nan)")},
    "does_not_learn": {
        "before": KERAS,
        "hyperparameters": '{"lookback": "1d", "learning_rate": 0.0}',
        "build": dense(),
    },
    "by_the_clock": {
        "before": KERAS,
        "build": dense(
            "layers.Dense(1, kernel_initializer=keras.initializers.RandomNormal("
            "seed=time.time_ns() % 2**31))"
        ),
    },
    "unregistered": {
        "before": f"{KERAS}\nclass Twice(layers.Layer):\n    def call(self, x): return 2 * x",
        "build": dense("Twice(), layers.Dense(1)"),
    },
    "registered": {
        "before": f"{KERAS}\n@keras.saving.register_keras_serializable('mine')\n"
        "class Twice(layers.Layer):\n    def call(self, x): return 2 * x",
        "build": dense("Twice(), layers.Dense(1)"),
    },
    "careless": {
        "before": (
            f"{KERAS}\nimport locale, logging, pathlib, signal, subprocess, sys, threading\n"
            "import warnings\n"
            "warnings.simplefilter('ignore')\n"
            "os.environ['MY_SETTING'] = '1'\n"
            "numpy.set_printoptions(precision=2)\n"
            "numpy.seterr(all='raise')"
        ),
        "build": (
            "def build(task):\n"
            "    pathlib.Path(__file__).with_suffix('.log').write_text('built')\n"
            "    pathlib.Path(__file__).unlink(missing_ok=True)\n"
            "    os.chdir('/')\n"
            "    sys.path.insert(0, '/my/helpers')\n"
            "    logging.getLogger().setLevel('DEBUG')\n"
            "    signal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
            "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])\n"
            "    keras.config.set_image_data_format('channels_first')\n"
            "    keras.config.set_dtype_policy('float64')\n"
            "    threading.Thread(target=time.sleep, args=[60], name='mine', daemon=True).start()\n"
            "    subprocess.Popen(['sleep', '60'])\n"
            "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])"
        ),
    },
    "only_once": {
        "before": f"{KERAS}\nimport sys",
        "build": (
            "def build(task):\n"
            "    if hasattr(sys, 'built'): raise RuntimeError('built before')\n"
            "    sys.built = True\n"
            "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])"
        ),
    },
    "made_at_import": {"before": f"{KERAS}\nLAST = layers.Dense(1)", "build": dense("LAST")},
    "uses_a_library": {
        "before": f"{KERAS}\nimport library_that_sets_itself_up",
        "build": dense(),
    },
    "ridge": {
        "before": ESTIMATOR,
        "build": "def build(task): return make_pipeline(FunctionTransformer(flat), Ridge())",
    },
    "not_built": {
        "before": KERAS,
        "build": "def build(task): return Sequential([layers.Flatten(), layers.Dense(1)])",
    },
    "own_step": {
        "before": f"{KERAS}\nimport tensorflow\n@keras.saving.register_keras_serializable('mine')\n"
        "class Own(keras.Model):\n"
        "    def train_step(self, data):\n"
        "        x, y = data\n"
        "        with tensorflow.GradientTape() as tape:\n"
        "            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))\n"
        "        weights = self.trainable_variables\n"
        "        self.optimizer.apply(tape.gradient(loss, weights), weights)\n"
        "        return {'mine': loss}",
        "build": "def build(task):\n"
        "    inputs = task.inputs()\n"
        "    return Own(inputs, layers.Dense(1)(layers.Flatten()(inputs)))",
    },
    "logits": {
        "task": "imdb",
        "before": KERAS,
        "hyperparameters": '{"maxlen": 50, "num_words": 500}',
        "build": "def build(task):\n"
        "    words = [task.inputs(), layers.Embedding(500, 8), layers.GlobalAveragePooling1D()]\n"
        "    model = Sequential([*words, layers.Dense(1)])\n"
        "    model.compile(keras.optimizers.Adam(0.01), "
        "keras.losses.BinaryCrossentropy(from_logits=True))\n"
        "    return model",
    },
    "too_few_rows": {
        "task": "imdb",
        "before": KERAS,
        "hyperparameters": '{"maxlen": 50, "num_words": 500}',
        "build": "def build(task): return Sequential([task.inputs(), layers.Embedding(100, 8), "
        "layers.GlobalAveragePooling1D(), layers.Dense(1, activation='sigmoid')])",
    },
    "seeds": {
        "before": KERAS,
        "build": "def build(task):\n    keras.utils.set_random_seed(7)\n"
        "    return Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])",
    },
    "options": {
        "before": KERAS,
        "hyperparameters": '{"lookback": "1d", "optimizer": "sgd"}',
        "build": "def build(task):\n"
        "    model = Sequential([task.inputs(), layers.Flatten(), layers.Dense(1)])\n"
        "    model.compile('adam', 'mae')\n    return model",
    },
    "calls_back": {
        "before": KERAS,
        "hyperparameters": '{"lookback": "1d", "schedule": "warmup_cosine", '
        '"jit_compile": True, "rate": 0.5}',
        "build": f"{dense()}\n"
        "def callbacks(task, rate):\n"
        "    return [keras.callbacks.EarlyStopping('val_mae', patience=1, min_delta=rate)]",
    },
    "calls_back_wrongly": {
        "before": KERAS,
        "build": f"{dense()}\n"
        "class Asks(keras.callbacks.Callback):\n"
        "    def on_epoch_end(self, epoch, logs=None):\n"
        "        logs['val_mea']\n"
        "def callbacks(task): return [Asks()]",
    },
    "cannot_fit": {"before": ESTIMATOR, "build": "def build(task): return Ridge()"},
    "cannot_pickle": {
        "before": ESTIMATOR,
        "build": "def build(task):\n"
        "    return make_pipeline(FunctionTransformer(lambda x: x[:, -1]), Ridge())",
    },
}

#: Of each plugin that breaks the contract: the check that fails, and words of the reason.
BROKEN = [
    ("half", "parses", "half.py:5: does not parse"),
    ("wrong_key", "parses", "(did you mean 'lookback'?)"),
    ("misspelt", "imports", "misspelt.py:2: ImportError: cannot import name 'layer'"),
    ("exits", "imports", "exits.py:3: SystemExit: 3"),
    ("raises", "builds", "raises.py:6: ValueError: no such shape"),
    ("no_model", "builds", "build returned list; return a Keras model or an object"),
    ("crashes", "builds", "SIGSEGV"),
    ("wide", "output_shape", "output shape (None, 3)"),
    ("not_finite", "output_shape", "32 of 32 predictions are not finite"),
    ("does_not_learn", "trains", "200 training steps on 32 fixed examples took the loss from"),
    ("by_the_clock", "same_seed", "the same seed gave predictions up to"),
    (
        "unregistered",
        "saves",
        "it cannot be loaded again: TypeError: Could not locate class 'Twice'",
    ),
    ("unregistered", "saves", "`@keras.saving.register_keras_serializable()`"),
    ("only_once", "same_seed", "only_once.py:8: RuntimeError: built before"),
    ("cannot_fit", "trains", "Found array with dim 3"),
    ("cannot_pickle", "saves", "it cannot be pickled: "),
    ("cannot_pickle", "saves", "give it functions of a module in place of lambdas"),
    ("too_few_rows", "output_shape", "has 100 rows and is asked for row 499"),
    ("seeds", "same_seed", "seeds Python's generator and NumPy's generator, which makes all seeds"),
    ("options", "builds", "options.py:5: optimizer has no effect, since build compiles"),
    ("cannot_fit", "trains", "put a step before it that reshapes to (len(x), -1)"),
    ("does_not_learn", "trains", "fell by 0, and by less than"),
    ("careless", "global_state", "left traces"),
    ("calls_back_wrongly", "trains", "calls_back_wrongly.py:9: KeyError: 'val_mea'"),
]


GUIDE = (Path(__file__).parents[2] / "docs" / "testing-plugins.md").read_text(encoding="utf-8")


def hold(folder: Path, cache: Path, *words: str) -> subprocess.CompletedProcess[str]:
    settings = {
        "BENCH_CACHE_DIR": str(cache),
        "BENCH_OFFLINE": "1",
        "PYTHONPATH": os.pathsep.join([str(folder / "library"), *sys.path]),
    }
    return run_here(folder, settings, "test", *words)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, dict[str, Any]]:
    """Hold all of the plugins above to the contract at once: by plugin and check."""
    pytest.importorskip("sklearn")
    folder = tmp_path_factory.mktemp("contract")
    for name, parts in PLUGINS.items():
        a_plugin(folder, name, **{"hyperparameters": SHORT, **parts})
    (folder / "library").mkdir()
    library = folder / "library" / "library_that_sets_itself_up.py"
    library.write_text("import os\nos.environ['OF_THE_LIBRARY'] = '1'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder / "library")
        done = hold(folder, cache, "--json", *(f"{name}.py" for name in PLUGINS))
    assert done.returncode == 1, done.stderr
    verdicts: dict[str, dict[str, Any]] = {}
    for check in json.loads(done.stdout)["checks"]:
        verdicts.setdefault(check["plugin"], {})[check["check"]] = check
    return verdicts


@pytest.mark.parametrize(("plugin", "check", "words"), BROKEN, ids=[b[0] for b in BROKEN])
def test_what_breaks_the_contract_fails_its_own_check_with_the_reason(held, plugin, check, words):
    failed = {name: v for name, v in held[plugin].items() if v["status"] == FAILED}

    assert [*failed] == [check]
    assert words in failed[check]["reason"]
    assert "\n" not in failed[check]["reason"]


@pytest.mark.parametrize(
    "plugin",
    [
        "right",
        "registered",
        "made_at_import",
        "uses_a_library",
        "ridge",
        "not_built",
        "own_step",
        "logits",
        "calls_back",
    ],
)
def test_what_keeps_the_contract_passes_every_check_among_broken_ones(held, plugin):
    assert [(v["check"], v["status"], v["reason"]) for v in held[plugin].values()] == [
        (check, PASSED, "") for check in CHECKS
    ]


@pytest.mark.parametrize("plugin", ["raises", "crashes"])
def test_checks_that_rest_on_a_failed_one_are_not_reached(held, plugin):
    statuses = [verdict["status"] for verdict in held[plugin].values()]

    assert [*held[plugin]] == [*CHECKS]
    assert statuses == [PASSED, PASSED, FAILED, *[NOT_REACHED] * 5]
    assert held[plugin]["saves"]["reason"] == "builds failed"


def test_an_absent_package_is_a_reason_to_skip(held):
    first, *rest = held["absent"].values()

    assert first["status"] == PASSED
    assert {v["status"] for v in rest} == {SKIPPED}
    assert {v["reason"] for v in rest} == {"needs quantum_nets, not installed here"}


@pytest.mark.parametrize(
    "words",
    [
        "the environment variable MY_SETTING changed from unset to 1",
        "to /;",
        "sys.path gained /my/helpers",
        "the warnings filters gained ignore::Warning",
        "the level of the root logger changed from WARNING to DEBUG",
        "NumPy's print option precision changed from 8 to 2",
        "NumPy's reaction to divide changed from warn to raise",
        "Keras' dtype policy changed from float32 to float64",
        "Keras' image data format changed from channels_last to channels_first",
        "the handler of SIGUSR1 changed from SIG_DFL to SIG_IGN",
        "the blocked signals gained SIGUSR2",
        "the threads gained mine",
        "the child processes gained sleep",
        "its own file changed from",
        "careless.log",
    ],
)
def test_every_trace_that_a_plugin_leaves_is_named(held, words):
    assert words in held["careless"]["global_state"]["reason"]


def test_traces_of_the_process_alone_do_not_keep_the_other_checks_from_being_made(held):
    statuses = {check: verdict["status"] for check, verdict in held["careless"].items()}

    assert statuses == {check: FAILED if check == "global_state" else PASSED for check in CHECKS}


def test_a_plugin_that_hangs_is_ended_and_the_running_check_fails(tmp_path, cache):
    a_plugin(
        tmp_path, "hangs", before="import time", build="def build(task, units): time.sleep(600)"
    )
    done = hold(tmp_path, cache, "hangs.py", "--timeout", "3")
    lines = done.stdout.splitlines()

    assert done.returncode == 1
    assert lines[1] == "hangs  imports       ok"
    assert lines[2] == "hangs  builds        FAIL: took longer than 3 s"
    assert lines[3] == "hangs  global_state  not reached: builds failed"
    assert lines[-1] == "1 plugin, 8 checks: 2 passed, 1 failed, 5 not reached"


def test_shipped_plugins_of_every_sort_keep_the_contract(tmp_path, cache):
    names = ["jena_naive", "jena_gru", "jena_conv1d", "jena_ridge", "imdb_onehot", "imdb_attention"]
    done = hold(tmp_path, cache, *names)

    assert done.returncode == 0, done.stdout + done.stderr
    assert all(name in done.stdout for name in names)
    assert [*tmp_path.iterdir()] == []


def test_the_guide_names_every_check_and_every_option():
    flags = [flag for parameter in command.params for flag in parameter.opts if flag[0] == "-"]

    assert all(f"| `{check}` |" in GUIDE for check in CHECKS)
    assert all(flag in GUIDE for flag in flags)
    assert f"({CHECKS_TIMEOUT:g} unless said otherwise)" in GUIDE


def test_a_wrong_name_is_refused_before_anything_is_run(tmp_path, cache):
    done = hold(tmp_path, cache, "jena_gur")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "did you mean 'jena_gru'?" in done.stderr


def test_the_command_itself_imports_nothing_heavy(tmp_path, cache):
    a_plugin(tmp_path, "half", source="def build(")
    program = """
import sys
from bench.cli import main
for words, status in ((["test", "--help"], 0), (["test", "half.py"], 1)):
    try:
        main(words)
    except SystemExit as exit:
        assert exit.code == status, exit.code
print(*sorted(set(sys.modules) & {"keras", "tensorflow", "numpy", "pandas"}), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == ""
    assert "half  parses        FAIL: half.py:1: does not parse" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_interrupted_it_ends_at_once_and_leaves_no_worker(tmp_path, start_bench):
    told = tmp_path / "pid"
    a_plugin(
        tmp_path,
        "hangs",
        before=f"import os, pathlib\npathlib.Path({str(told)!r}).write_text(str(os.getpid()))",
        build="def build(task, units):\n    while True: pass",
    )
    process = start_bench("test", "hangs.py")
    while not (told.exists() and told.read_text()):
        assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)
