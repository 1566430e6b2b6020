"""Fixtures shared by the tests: small data, and the command line run as a user runs it."""

from __future__ import annotations

import gc
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from builders import a_plugin
from command_line import run_here
from lasting_servers import lasting_servers
from run_world import Script
from verify_world import Place, Workshop

from bench.machine import Share
from bench.runs import launch, runner
from bench.runs.launch import ForkServer

# The campaigns stand beside the tests. Last: an installed ``bench`` is what is tested.
sys.path.append(str(Path(__file__).parents[1]))

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage while Keras and the tests are imported, nor look at them ever after.

    What is imported stays; to look through its millions of objects again and again takes a
    fifth of the time of importing them, and a part of each test's.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: the other tests fill what is then left of any worker."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that the tests of one session share, so that data are parsed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def weather(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four thousand hours of weather with a daily cycle, in the layout of a station file."""
    path = tmp_path_factory.mktemp("weather") / "weather.csv"
    noise = np.random.default_rng(0)
    start = datetime(2020, 1, 1)
    lines = ['"Date Time","p (mbar)","T (degC)","rh (%)"']
    system = 0.0
    for hour in range(4000):
        system = 0.99 * system + noise.normal(0, 0.6)
        temperature = 9 + system + 4 * math.sin(2 * math.pi * hour / 24)
        when = (start + timedelta(hours=hour)).strftime("%d.%m.%Y %H:%M:%S")
        lines.append(f"{when},{1000 - system:.2f},{temperature:.2f},{70 + system:.2f}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six hundred reviews in Keras' layout; words 5 and 6 tell good from bad."""
    path = tmp_path_factory.mktemp("reviews") / "imdb.npz"
    random = np.random.default_rng(1)
    arrays: dict[str, np.ndarray] = {}
    for split in ("train", "test"):
        labels = random.permutation(np.arange(300) % 2)
        texts = np.empty(300, dtype=object)
        for number, label in enumerate(labels):
            words = random.integers(7, 400, size=random.integers(20, 80)).tolist()
            for _ in range(4):
                words.insert(int(random.integers(0, len(words))), 5 + int(label))
            texts[number] = words
        arrays[f"x_{split}"], arrays[f"y_{split}"] = texts, labels.astype("int64")
    np.savez(path, **arrays)
    return path


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """Import Keras once, and not for each run that the tests of this process begin."""
    with lasting_servers():
        yield


@pytest.fixture
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each run of a test start a server of its own, as it does elsewhere."""
    monkeypatch.setattr(launch, "ForkServer", ForkServer)


@pytest.fixture
def settings(cache: Path, tmp_path: Path) -> Mapping[str, str]:
    """What the environment of a command says: offline, with nothing in the data folder."""
    return {
        "BENCH_CACHE_DIR": str(cache),
        "BENCH_DATA_DIR": str(tmp_path / "no-data"),
        "BENCH_OFFLINE": "1",
        "COLUMNS": "200",
    }


@pytest.fixture
def start_bench(
    settings: Mapping[str, str], tmp_path: Path
) -> Callable[..., subprocess.Popen[str]]:
    """Start ``python -m bench`` in ``tmp_path``."""

    def start(*words: object) -> subprocess.Popen[str]:
        environment = {**os.environ, **settings, "PYTHONPATH": os.pathsep.join(sys.path)}
        # Tests run in the background have SIGINT ignored, and a child would inherit that.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "bench", *map(str, words)],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        finally:
            signal.signal(signal.SIGINT, before)

    return start


@pytest.fixture
def bench(settings: Mapping[str, str], tmp_path: Path) -> Run:
    """Run a command line to its end as ``python -m bench`` does, in the test's own process."""
    return partial(run_here, tmp_path, settings)


@pytest.fixture
def small_run(bench: Run, weather: Path, reviews: Path) -> Run:
    """``bench run`` on the small files in the smoke profile."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        names = " ".join(map(str, words))
        data: list[str] = []
        if "jena" in names or "--all" in words:
            data += ["--data", f"jena={weather}"]
        if "imdb" in names or "--all" in words:
            data += ["--data", f"imdb={reviews}"]
        return bench("run", *words, *data, "--profile", "smoke")

    return run


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Path:
    """An empty folder for plugin files that a test writes."""
    folder = tmp_path / "my-plugins"
    folder.mkdir()
    return folder


@pytest.fixture
def heard_signals() -> Iterator[None]:
    """Have the signals that end a run heard: a process in the background may ignore them."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def make_place(
    tmp_path: Path,
    plugin_folder: Path,
    weather: Path,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Place]:
    """Make the working folder one with the plugins of given names, whose trials a workshop does.

    ``executor`` is called with the shares of a run, for its executor.
    """

    def make(
        workshop: Workshop,
        names: Iterable[str],
        executor: Callable[[Sequence[Share]], Script] | None = None,
    ) -> Place:
        monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(runner, "POLL", 0.01)
        made = executor or (lambda shares: Script(workshop))
        monkeypatch.setattr("bench.runs.session.LocalExecutor", made)
        # What a workshop makes up is scored already.
        monkeypatch.setattr("bench.runs.jobs.Jobs.answers", lambda jobs, trial: None)
        for name in names:
            a_plugin(plugin_folder, name)
        return Place(tmp_path, weather, workshop, capsys)

    return make
