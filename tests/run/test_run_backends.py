"""``run --backend tensorflow,jax``: every trial on each backend, in one run and one table."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

import pytest
from run_world import Script, an_outcome
from verify_world import Place, Workshop

from bench.cli import words
from bench.cli.words import parse_backends
from bench.errors import BenchError
from bench.machine import Share
from bench.protocol import FAILED, Job
from bench.runs import launch
from bench.runs.launch import Launcher

pytestmark = pytest.mark.usefixtures("heard_signals")


@pytest.fixture
def scripts() -> list[Script]:
    """The executors that runs in this process were given."""
    return []


@pytest.fixture
def place(
    make_place: Callable[..., Place], monkeypatch: pytest.MonkeyPatch, scripts: list[Script]
) -> Place:
    """A place where all backends are installed, and the plugins a and b train in no time."""
    monkeypatch.setattr(words, "check_backend", lambda backend: None)
    workshop = Workshop()

    def executor(shares: Sequence[Share]) -> Script:
        scripts.append(Script(workshop))
        return scripts[-1]

    return make_place(workshop, ("a", "b"), executor)


def order(script: Script) -> list[str]:
    return [f"{j.trial.plugin}{j.trial.seed} {j.trial.backend}" for j in script.done]


def test_every_trial_runs_on_each_backend_and_those_of_a_plugin_follow_one_another(place, scripts):
    assert place.run("a", "b", "--seeds", "0,1", "--backend", "tensorflow,jax") == 0

    assert order(scripts[0]) == [
        *("a0 tensorflow", "a0 jax", "b0 tensorflow", "b0 jax"),
        *("a1 tensorflow", "a1 jax", "b1 tensorflow", "b1 jax"),
    ]
    table = (place.folder / "reports" / "leaderboard.md").read_text(encoding="utf-8")
    assert all(f"| {name} " in table for name in ("a", r"a \[jax\]", "b", r"b \[jax\]"))


def test_with_times_known_the_backends_of_a_plugin_still_follow_one_another(place, scripts):
    seconds = {("a", "tensorflow"): 5, ("a", "jax"): 60, ("b", "tensorflow"): 30, ("b", "jax"): 4}

    def work(job: Job) -> None:
        outcome = an_outcome()
        outcome.timing["total"] = seconds[job.trial.plugin, job.trial.backend]
        place.workshop.outcomes[job.trial.plugin] = [outcome]

    place.workshop.before = lambda job, time: work(job)
    words = ["a", "b", "--backend", "tensorflow,jax", "--reuse", "never"]
    assert place.run(*words) == 0
    assert place.run(*words) == 0

    assert order(scripts[1]) == ["b0 tensorflow", "b0 jax", "a0 tensorflow", "a0 jax"]


def test_what_one_backend_has_done_is_reused_and_the_other_one_runs(place, scripts):
    assert place.run("a") == 0
    assert place.run("a", "--backend", "jax,tensorflow") == 0

    assert order(scripts[1]) == ["a0 jax"]


def test_what_failed_on_one_backend_runs_again_on_that_one(place, scripts):
    def work(job: Job, time: int) -> None:
        if (job.trial.plugin, job.trial.backend, len(scripts)) == ("a", "jax", 1):
            place.workshop.outcomes["a"] = [an_outcome(FAILED, "no such op")]

    place.workshop.before = work
    assert place.run("a", "b", "--backend", "tensorflow,jax") == 1
    assert "no such op" in (place.folder / "reports" / "leaderboard.md").read_text(encoding="utf-8")
    assert place.run("--failed") == 0

    assert order(scripts[1]) == ["a0 jax"]


def test_the_line_that_resumes_names_all_backends(place):
    def interrupt(job: Job, time: int) -> None:
        raise KeyboardInterrupt

    place.workshop.before = interrupt
    assert place.run("a", "--backend", "tensorflow,jax") == 130
    assert "resume with: python -m bench run a" in place.err
    assert "--backend tensorflow,jax" in place.err.splitlines()[-1]


def test_the_report_of_a_run_on_two_backends_sets_them_side_by_side(place):
    assert place.run("a", "--backend", "tensorflow,jax") == 0
    assert place.bench("report", "--backends", "--results", "reports") == 0

    assert "jax" in place.out
    assert "No fastest backend" in place.out


def test_a_backend_that_is_not_installed_stops_the_run_before_anything_is_run(place, monkeypatch):
    def check(backend: str) -> None:
        if backend == "torch":
            raise BenchError("--backend torch: torch is not installed")

    monkeypatch.setattr("bench.cli.words.check_backend", check)
    assert place.run("a", "--backend", "tensorflow,torch") == 2
    assert "torch is not installed" in place.err
    assert place.records == []


def test_backends_are_names_between_commas():
    assert parse_backends("jax") == ("jax",)
    assert parse_backends("torch, tensorflow") == ("torch", "tensorflow")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tensorfow", r"'tensorfow' is no backend \(did you mean 'tensorflow'\?\); there are"),
        ("jax,", "'' is no backend; there are: tensorflow, jax, torch"),
        ("", "'' is no backend"),
        ("jax,jax", "jax is given twice; keep one"),
    ],
)
def test_what_is_no_backend_is_named(text, complaint):
    with pytest.raises(BenchError, match=complaint):
        parse_backends(text)


# The cache of compiled code


def variables(backend: str) -> dict[str, str]:
    return Launcher(backend)._environment


def test_a_cache_of_compiled_code_is_used_only_when_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "of-the-user")
    monkeypatch.delenv("BENCH_COMPILE_CACHE", raising=False)
    assert variables("jax")["JAX_ENABLE_COMPILATION_CACHE"] == "false"

    monkeypatch.setenv("BENCH_COMPILE_CACHE", "1")
    asked = variables("jax")
    assert asked["JAX_ENABLE_COMPILATION_CACHE"] == "true"
    assert asked["JAX_COMPILATION_CACHE_DIR"].startswith(str(tmp_path / "compiled"))
    assert "JAX_ENABLE_COMPILATION_CACHE" not in variables("tensorflow")


def test_another_processor_or_version_has_another_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("BENCH_COMPILE_CACHE", "1")
    first = variables("jax")["JAX_COMPILATION_CACHE_DIR"]
    monkeypatch.setattr(launch, "_instructions", lambda: "flags: fewer")
    second = variables("jax")["JAX_COMPILATION_CACHE_DIR"]
    monkeypatch.setattr(launch.machine, "version_of", lambda package: "9.9")
    third = variables("jax")["JAX_COMPILATION_CACHE_DIR"]

    assert len({first, second, third}) == 3


# Flags of XLA

LESS_COPYING = "--xla_cpu_copy_insertion_use_region_analysis"


def test_xla_is_told_to_copy_less_beside_what_the_user_tells_it(monkeypatch):
    monkeypatch.setattr(launch.machine, "version_of", lambda package: "2.19.0-rc1")
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    assert variables("tensorflow")["XLA_FLAGS"] == f"{LESS_COPYING}=true"

    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")
    assert variables("tensorflow")["XLA_FLAGS"] == f"--xla_dump_to=here {LESS_COPYING}=true"
    assert variables("jax")["XLA_FLAGS"] == "--xla_dump_to=here"

    monkeypatch.setenv("XLA_FLAGS", f"{LESS_COPYING}=false")
    assert variables("tensorflow")["XLA_FLAGS"] == f"{LESS_COPYING}=false"


@pytest.mark.parametrize("version", ["2.18.1", None, "unknown"])
def test_an_xla_that_may_not_know_the_flag_is_not_given_it(monkeypatch, version):
    monkeypatch.setattr(launch.machine, "version_of", lambda package: version)
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=here")

    assert variables("tensorflow")["XLA_FLAGS"] == "--xla_dump_to=here"


# What a record says of compilation


def test_a_model_that_its_plugin_compiled_is_recorded_as_it_was_compiled(monkeypatch):
    import keras
    import tensorflow

    from bench.worker.backend import choose_compilation

    monkeypatch.setattr(tensorflow.config.experimental, "enable_op_determinism", lambda: None)
    # Keras refuses to compile where a test before this one has asked for deterministic kernels.
    config = importlib.import_module("tensorflow.python.framework.config")
    monkeypatch.setattr(config, "is_op_determinism_enabled", lambda: False)
    gru = keras.Sequential([keras.Input((5, 2)), keras.layers.GRU(2)])
    gru.compile(loss="mse", jit_compile=False)

    assert not choose_compilation(gru, None, "tensorflow").jit_compile
    assert choose_compilation(gru, None, "tensorflow").deterministic_ops
    gru.compile(loss="mse", jit_compile=True)
    assert choose_compilation(gru, None, "tensorflow").jit_compile


def test_an_estimator_is_compiled_on_no_backend():
    from bench.worker.backend import choose_compilation

    assert not choose_compilation(object(), None, "jax").jit_compile


def test_what_is_read_from_a_cache_is_counted_and_what_is_not(monkeypatch):
    from bench.worker import backend

    counted = {"hits": 0, "misses": 0}
    monkeypatch.setattr(backend, "_cache", counted)
    backend._note("/jax/compilation_cache/cache_hits")
    backend._note("/jax/compilation_cache/cache_hits")
    backend._note("/jax/compilation_cache/cache_misses")
    backend._note("/jax/something/else", platform="cpu")

    found = backend.choose_compilation(object(), None, "jax")
    assert found.cache == {"hits": 2, "misses": 1}
