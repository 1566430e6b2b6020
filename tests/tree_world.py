"""Small repositories, and copies of the suite, that stand for other revisions of it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.registry.source_tree import Tree, shipped

SUITE = Path(__file__).resolve().parent.parent

#: A plugin of Jena that needs no Keras: the mean of what it was trained on.
MEAN = """
import numpy as np

TASK = "jena"
HYPERPARAMETERS = {}


class Mean:
    def fit(self, inputs, targets):
        self.mean = float(np.mean(targets))

    def predict(self, inputs):
        return np.full(len(inputs), self.mean)


def build(task):
    return Mean()
"""


def copy_of_the_suite(folder: Path) -> Path:
    """Copy the code and the tasks, and no plugins, into a new folder."""
    for name in ("bench", "datasets"):
        shutil.copytree(SUITE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "plugins").mkdir()
    return folder


def as_shipped(tree: Tree) -> Path:
    """Put the tasks of a copy where this installation has them; return the plugins' folder."""
    tasks, plugins = (tree.counterpart(shipped(kind)) for kind in ("datasets", "plugins"))
    shutil.copytree(SUITE / "datasets", tasks, dirs_exist_ok=True)
    plugins.mkdir(parents=True, exist_ok=True)
    return plugins


def git(folder: Path, *words: str) -> str:
    """Run Git in a folder, as someone that every machine knows."""
    someone = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(
        ["git", *someone, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def a_repository(folder: Path) -> Path:
    """Make a repository with one commit, of a file ``plugins/model.py``."""
    (folder / "plugins").mkdir(parents=True)
    (folder / "plugins" / "model.py").write_text("first\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "first")
    return folder


def commit(folder: Path, message: str) -> str:
    """Commit all there is; return the commit."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")
