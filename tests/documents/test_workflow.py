"""The workflows of docs/ci.md, run as they stand: their steps by a shell, GitHub made up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from gate_reports import one_of_each
from tree_world import MEAN, SUITE, commit, git
from workflow_world import BOT, WORKFLOWS, Hub, Machine, Step, zipped

from bench.gate.report.people import to_comment

CHECK, COMMENT, KEPT = WORKFLOWS

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="GitHub runs these steps by bash on Linux"),
    pytest.mark.skipif(
        shutil.which("jq") is None, reason="needs jq, which is a part of GitHub's gh"
    ),
]


# The comment: what was saved is not trusted, and nobody else's comment is touched

HEAD = "c0ffee"
FORK = "stranger/models"
MARKER = "<!-- bench check -->"


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A GitHub with a pull request 7 from a fork, and 8 of somebody else."""
    made = Hub(tmp_path)
    made.pull(7, HEAD)
    made.pull(8, "beef", "other/models")
    return made


def told(name: str = "", **changes: Any) -> str:
    return f"{to_comment(one_of_each(), name).rstrip()}\n"


def saved(text: str | bytes, number: str = "7\n", **more: bytes) -> bytes:
    """Zip what the check's workflow saves."""
    body = text.encode() if isinstance(text, str) else text
    return zipped({"check.md": body, "number": number.encode(), **more})


def commented(hub: Hub, run: int = 1, **changes: str) -> list[Step]:
    """Run the second workflow after the run of the first."""
    event = {"token": "t", "event.workflow_run.id": run, "event.workflow_run.head_sha": HEAD}
    event |= {"event.workflow_run.head_repository.full_name": FORK, **changes}
    return hub.machine().do(COMMENT, event)


def is_well(steps: list[Step]) -> bool:
    return [step.status for step in steps] == [0, 0]


def test_what_a_fork_s_run_has_saved_becomes_a_comment_of_the_workflow(hub):
    hub.save(1, "bench-check", saved(told()))
    steps = commented(hub)

    assert is_well(steps), steps
    assert hub.comments == [(BOT, told())]


def test_the_next_run_replaces_that_comment_and_nobody_elses(hub):
    hub.comment(7, "maintainer", "Please also look at the GRU.")
    hub.comment(7, "stranger", f"{MARKER}\nmine")
    hub.comment(7, BOT, "another workflow's")
    hub.comment(7, BOT, f"{MARKER}\nof the commit before")
    hub.comment(7, "maintainer", f"> {MARKER}\nThank you.")
    hub.comment(7, BOT, "another workflow's last")
    hub.comment(8, BOT, f"{MARKER}\nof another pull request")
    before = hub.comments
    hub.save(1, "bench-check", saved(told()))
    steps = commented(hub)

    assert is_well(steps), steps
    assert hub.comments == [*before[:3], (BOT, told()), *before[4:]]
    assert len(hub.writes) == 1


def test_several_checks_of_a_repository_keep_apart(hub):
    for run in (1, 2):
        for name in ("", "models/a".replace("/", "-"), "models-b"):
            suffix = f"-{name}" if name else ""
            hub.save(run, f"bench-check{suffix}", saved(told(name) + f"{run}\n"))
        assert is_well(commented(hub, run))

    assert [text for _, text in hub.comments] == [
        told(name) + "2\n" for name in ("", "models-a", "models-b")
    ]


@pytest.mark.parametrize("number", ["07", "", "-7", "7; id", "7\n8\n", "$(id)", "8/../7"])
def test_what_is_no_number_is_not_asked_for(hub, number):
    hub.save(1, "bench-check", saved(told(), number))
    steps = commented(hub)

    assert steps[-1].status == 1
    assert not [call for call in hub.calls if "pulls/" in call]
    assert hub.comments == []


@pytest.mark.parametrize("number", ["8\n", "9\n"])
def test_a_number_that_is_not_of_the_measured_pull_request_gets_no_comment(hub, number):
    hub.save(1, "bench-check", saved(told(), number))
    commented(hub)

    assert hub.comments == []
    assert hub.writes == []


def test_of_a_commit_that_is_no_longer_the_newest_nothing_is_told(hub):
    hub.pull(7, "later")
    hub.save(1, "bench-check", saved(told()))
    steps = commented(hub)

    assert is_well(steps), steps
    assert hub.comments == []


def test_the_pull_request_of_another_fork_with_the_same_commit_gets_no_comment(hub):
    hub.pull(8, HEAD, "other/models")
    hub.save(1, "bench-check", saved(told(), "8\n"))
    commented(hub)

    assert hub.comments == []


@pytest.mark.parametrize(
    "text",
    [
        "buy my wares\n",
        f"{MARKER} buy\n",
        "<!-- bench check: a*b -->\n",
        f"{MARKER}\n{'x' * 65536}",
        "",
    ],
    ids=["no marker", "more on the line", "no name", "too long", "empty"],
)
def test_a_file_that_no_check_has_written_is_not_posted(hub, text):
    hub.save(1, "bench-check", saved(text))
    steps = commented(hub)

    assert steps[-1].status == 1
    assert hub.comments == []


def test_a_comment_as_long_as_a_check_writes_it_is_posted(hub):
    text = told() + "x" * 59_000
    hub.save(1, "bench-check", saved(text))
    commented(hub)

    assert hub.comments == [(BOT, text)]


def test_nothing_that_was_saved_is_run_or_lies_outside_of_its_folder(hub, tmp_path):
    evil = b"#!/bin/sh\ntouch ran\n"
    names = ("../gh", "../../tools/gh", "/tmp/../gh", "gh", "python3", "head")
    hub.save(
        1,
        "bench-check",
        saved(told("x") + "$(touch ran)`touch ran`\n", **dict.fromkeys(names, evil)),
    )
    machine = hub.machine()
    event = {"token": "t", "event.workflow_run.id": 1, "event.workflow_run.head_sha": HEAD}
    steps = machine.do(COMMENT, {**event, "event.workflow_run.head_repository.full_name": FORK})

    assert is_well(steps), steps
    assert hub.comments == [(BOT, told("x") + "$(touch ran)`touch ran`\n")]
    assert not [*machine.folder.parent.rglob("ran")]
    assert sorted(path.name for path in machine.folder.iterdir()) == ["1.zip", "saved"]


def test_what_is_too_large_and_what_other_steps_have_saved_is_not_fetched(hub):
    hub.save(1, "bench-check", saved(told(), noise=os.urandom(200_000)))
    hub.save(1, "coverage", saved(told()))
    hub.save(2, "bench-check", saved(told()))
    steps = commented(hub)

    assert is_well(steps), steps
    assert hub.comments == []


def test_a_check_that_wrote_nothing_is_no_error_of_the_comment(hub):
    assert is_well(commented(hub))
    hub.save(1, "bench-check", zipped({"number": b"7\n"}))
    assert is_well(commented(hub))
    assert hub.comments == []


def test_the_workflow_that_may_write_checks_out_nothing_and_the_other_may_not_write():
    (job,) = COMMENT["jobs"].values()

    assert [step for step in job["steps"] if "run" not in step] == []
    assert job["if"] == "github.event.workflow_run.event == 'pull_request'"
    assert COMMENT[True]["workflow_run"]["workflows"] == [CHECK["name"]]
    assert CHECK["permissions"] == {"contents": "read"}
    # What a pull request can choose comes as a variable, and not into the text of a script.
    assert "${{" not in "".join(step["run"] for step in job["steps"])


# The check itself, and its installation

RIDGE = """
import numpy as np

TASK = "jena"
HYPERPARAMETERS = {"penalty": 1.0}


class Ridge:
    def __init__(self, penalty):
        self.penalty = penalty

    def fit(self, inputs, targets):
        last = self.last(inputs)
        square = last.T @ last + self.penalty * np.eye(last.shape[1])
        self.weights = np.linalg.solve(square, last.T @ np.ravel(targets))

    def predict(self, inputs):
        return self.last(inputs) @ self.weights

    @staticmethod
    def last(inputs):
        last = np.asarray(inputs)[:, -1]
        return np.concatenate([last, np.ones((len(last), 1))], axis=1)


def build(task, penalty):
    return Ridge(penalty)
"""
PYPROJECT = """
[tool.bench.check]
metrics = ["quality"]
"""
PLUGINS = ("my_mean", "my_ridge")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the suite as it is in the working tree."""
    folder = tmp_path_factory.mktemp("host") / "keras-sequence-bench"
    folder.mkdir()
    for name in ("bench", "datasets", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(SUITE / name, folder / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(SUITE / name, folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "all")
    return folder


@pytest.fixture
def wheel(source: Path, tmp_path: Path) -> Path:
    """What `pip wheel --no-deps` makes of the suite."""
    words = ["-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", str(source)]
    subprocess.run([sys.executable, *words, "--wheel-dir", str(tmp_path)], check=True)
    (file,) = tmp_path.glob("*.whl")
    return file


def put(folder: Path, name: str, source: str) -> None:
    (folder / "plugins" / f"{name}.py").write_text(f'"""{name}."""\n{source}', encoding="utf-8")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A clone of a repository with two plugins, on a branch of its own."""
    origin = tmp_path / "origin"
    (origin / "plugins").mkdir(parents=True)
    for name, source in zip(PLUGINS, (MEAN, RIDGE), strict=True):
        put(origin, name, source)
    (origin / "pyproject.toml").write_text(PYPROJECT)
    git(origin, "init", "--quiet", "--initial-branch=main")
    commit(origin, "two models")
    git(tmp_path, "clone", "--quiet", str(origin), "runner/models")
    folder = tmp_path / "runner" / "models"
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder


def a_machine(folder: Path, address: str, cache: Path) -> Machine:
    """Return a machine with a fresh Python, which has all that the suite needs and not the suite.

    ``pip`` is the real one, which asks no index: what the suite depends on is there.
    """
    home = folder.parent / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (library,) = home.glob("lib/python*/site-packages")
    needed = ("numpy", "keras", "tensorflow", "click", "pip", "hatchling")
    places = dict.fromkeys(str(place_of(name)) for name in needed)
    (library / "dependencies.pth").write_text("\n".join(places))
    python = f'#!/bin/sh\nexec "{home}/bin/python"'
    # Where the suite is installed beside what it needs, that one is not meant.
    offline = "--no-index --no-deps --no-build-isolation --ignore-installed"
    return Machine(
        folder,
        {"python": f'{python} "$@"\n', "pip": f'{python} -m pip "$@" {offline}\n'},
        {
            "BENCH": address,
            "BENCH_CACHE_DIR": str(cache),
            "BENCH_DATA_DIR": str(folder.parent / "no-data"),
            "BENCH_OFFLINE": "1",
            "GITHUB_BASE_REF": "main",
            "PYTHONPATH": "",
        },
    )


def place_of(package: str) -> Path:
    """Return the folder that a package is imported from."""
    found = find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"needs {package}")
    return Path(found.origin).parents[1]


@pytest.mark.long
def test_a_pull_request_that_breaks_a_model_is_installed_checked_and_told(
    source, models, cache, hub
):
    put(models, "my_ridge", RIDGE.replace("def build(", "def build(:"))
    commit(models, "broken")
    machine = a_machine(models, f"git+file://{source}@main", cache)
    steps = {step.name: step for step in machine.do(CHECK, {"event.number": 7})}

    assert steps['pip install "$BENCH"'].status == 0, steps
    assert [*models.parent.glob("python/lib/python*/site-packages/bench/shipped/plugins/*.py")]
    assert steps["check"].status == 3, steps["check"].said
    # The repository's own plugins, and none of those that the suite ships.
    assert "failed or not measured: 1 of 2 verdicts on 2 plugins" in steps["check"].said
    assert "::error file=plugins/my_ridge.py," in steps["check"].said

    hub.save(1, "bench-check", machine.saved["bench-check"])
    assert is_well(commented(hub))
    ((author, text),) = hub.comments
    assert (author, text.splitlines()[0]) == (BOT, MARKER)
    assert "my_ridge" in text


@pytest.mark.long
def test_on_a_machine_of_its_own_the_baseline_of_the_main_branch_is_what_is_compared_with(
    wheel, models, cache
):
    machine = a_machine(models, str(wheel), cache)
    push = {"event_name": "push", "ref": "refs/heads/main", "sha": "c0"}
    before = machine.do(KEPT, push)
    assert [step.status for step in before] == [0, 0, 0], before
    pull = {"event_name": "pull_request", "ref": "refs/pull/7/merge", "sha": "c1"}
    after = machine.do(KEPT, pull)

    assert [step.status for step in after] == [0, 0, 0], after
    assert "nothing worse: 2 verdicts on 2 plugins" in after[-1].said
    assert "base: baseline.json; candidate: reports" in after[-1].said


@pytest.mark.parametrize("workflow", [CHECK, KEPT], ids=["against", "kept"])
def test_the_suite_is_installed_from_where_it_can_be_had(workflow):
    (job,) = workflow["jobs"].values()
    (line,) = [step["run"] for step in job["steps"] if "pip install" in step.get("run", "")]

    assert line == 'pip install "$BENCH"'
    assert workflow["env"]["BENCH"].startswith("git+https://github.com/OWNER/keras-sequence-bench@")
