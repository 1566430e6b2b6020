"""What a command imports: Python reads little before the first line is printed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
TRAINING = {"keras", "tensorflow", "jax", "torch"}
#: What only some commands need, and then late.
HEAVY = {*TRAINING, "numpy", "scipy", "pandas", "matplotlib", "rich", "tabulate", "statistics"}

COUNT = """
import sys
from bench.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
names = {name.partition(".")[0] for name in sys.modules}
ours = [name for name in sys.modules if name.partition(".")[0] == "bench"]
print(len(ours), *sorted(names), file=sys.stderr)
"""

RUN = """
import sys
from bench.cli import main
from bench.protocol import Finished, Outcome
from bench.runs.executor import LocalExecutor

def count(when):
    ours = [name for name in sys.modules if name.partition(".")[0] == "bench"]
    print(when, len(ours), file=sys.stderr)

jobs = []
def submit(self, job):
    count("submitted")
    jobs.append(job)
def events(self):
    while jobs:
        yield jobs.pop(), Finished(Outcome("crashed", "there is no worker here"), "")

LocalExecutor.submit, LocalExecutor.events = submit, events
try:
    main(sys.argv[1:])
except SystemExit as ended:
    count(f"ended {ended.code}")
"""

PLUGIN = '''"""A model."""
TASK = "{task}"
HYPERPARAMETERS = {{}}


def build(task):
    """Return none."""
'''


def told(code: str, folder: Path, *words: object) -> list[list[str]]:
    """Run code with a command line; return the words of its lines on standard error."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "BENCH_CACHE_DIR": str(folder / "cache"),
            "BENCH_OFFLINE": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split() for line in done.stderr.splitlines()]


@pytest.mark.parametrize(
    ("words", "most"),
    [
        # What each imported before the packages were drawn, one for ``cli.options``, one for
        # ``Folders``, and for ``list`` the two that read what a project has of its own.
        ("--help", 3),
        ("list", 17),
        ("report --help", 9),
        ("check --help", 19),
        ("run --help", 29),
        ("baseline --help", 11),
        ("history --help", 11),
        ("show --help", 15),
        ("test --help", 15),
        ("data --help", 17),
        ("new --help", 7),
    ],
)
def test_a_command_that_runs_nothing_imports_next_to_nothing(tmp_path, words, most):
    number, *names = told(COUNT, tmp_path, *words.split())[-1]

    assert int(number) <= most
    assert not HEAVY & {*names}


def test_a_report_needs_no_training_and_no_drawing(tmp_path):
    number, *names = told(COUNT, tmp_path, "report", "--results", GOLDEN / "results")[-1]

    assert int(number) <= 48
    assert not (TRAINING | {"matplotlib", "pandas", "rich"}) & {*names}


def test_a_check_of_kept_figures_needs_no_training_either(tmp_path):
    before, after = (GOLDEN / "before-and-after" / f"{name}.json" for name in ("before", "after"))
    words = "check", "--baseline", before, "--candidate", after
    number, *names = told(COUNT, tmp_path, *words)[-1]

    assert int(number) <= 67
    assert not (TRAINING | {"matplotlib", "pandas", "rich"}) & {*names}


def test_a_run_of_every_task_imports_at_most_70_modules_before_a_worker_starts(
    tmp_path, weather, reviews
):
    for task in ("imdb", "jena"):
        text = PLUGIN.format(task=task)
        (tmp_path / f"of_{task}.py").write_text(text, encoding="utf-8")
    lines = told(
        RUN,
        tmp_path,
        *("run", "of_imdb.py", "of_jena.py", "--profile", "smoke"),
        *("--data", f"jena={weather}", "--data", f"imdb={reviews}"),
    )
    submitted = [int(line[1]) for line in lines if line[0] == "submitted"]
    (ended,) = (line for line in lines if line[0] == "ended")

    assert len(submitted) == 2, lines
    assert submitted[0] <= 70
    assert ended[1] == "1"
    assert int(ended[2]) <= 85
