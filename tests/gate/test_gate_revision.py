"""Another revision is checked out for a while, and leaves no trace."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tree_world import a_repository, commit, copy_of_the_suite, git

from bench.errors import BenchError
from bench.gate import revision
from bench.gate.revision import checked_out
from bench.machine import describe_run
from bench.records import committed
from bench.registry import source_tree
from bench.registry.source_tree import Tree


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a repository whose file is another now than it was."""
    folder = a_repository(tmp_path / "repository")
    git(folder, "tag", "v1")
    (folder / "plugins" / "model.py").write_text("second\n")
    commit(folder, "second")
    monkeypatch.chdir(folder)
    return folder


def worktrees(repository: Path) -> int:
    return git(repository, "worktree", "list", "--porcelain").count("worktree ")


def test_the_files_are_those_of_the_revision(repository):
    (repository / "plugins" / "model.py").write_text("not committed\n")

    with checked_out("v1") as checkout:
        model = checkout.tree.counterpart(repository / "plugins" / "model.py")
        assert model.read_text() == "first\n"
        assert checkout.commit == git(repository, "rev-parse", "v1")
        assert checkout.commit.startswith(checkout.short)
        assert str(checkout) == f"v1 ({checkout.short})"
        assert worktrees(repository) == 2

    assert (repository / "plugins" / "model.py").read_text() == "not committed\n"


def test_a_commit_is_told_by_its_short_form(repository):
    full = git(repository, "rev-parse", "HEAD~1")

    with checked_out(full) as checkout:
        assert str(checkout) == checkout.short


@pytest.mark.parametrize("error", [None, RuntimeError, KeyboardInterrupt])
def test_no_trace_is_left_whatever_happens(repository, error):
    where = []

    def work() -> None:
        with checked_out("HEAD~1") as checkout:
            where.append(checkout.tree.copy)
            (checkout.tree.copy / "new").write_text("left by a task")
            if error:
                raise error

    if error:
        with pytest.raises(error):
            work()
    else:
        work()

    assert not where[0].exists()
    assert not where[0].parent.exists()
    assert worktrees(repository) == 1
    assert not (repository / ".git" / "worktrees").exists()


def test_a_checkout_that_stops_half_way_leaves_no_trace(repository, monkeypatch):
    real = revision._git

    def interrupted(folder: Path, *words: str) -> object:
        done = real(folder, *words)
        if words[:2] == ("worktree", "add"):
            (Path(words[-2]) / ".git").unlink()  # Git itself would take it for no work tree.
            raise KeyboardInterrupt
        return done

    monkeypatch.setattr(revision, "_git", interrupted)
    with pytest.raises(KeyboardInterrupt), checked_out("v1"):
        raise AssertionError("it is never entered")

    assert worktrees(repository) == 1


def test_the_user_s_hooks_are_not_run(repository):
    hook = repository / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ntouch hooked\n")
    hook.chmod(0o755)

    with checked_out("v1") as checkout:
        assert not (checkout.tree.copy / "hooked").exists()


def test_in_a_hook_the_index_of_a_commit_in_progress_is_left_alone(repository, monkeypatch):
    (repository / "plugins" / "model.py").write_text("third\n")
    git(repository, "add", "--all")
    index = repository / ".git" / "index"
    before = index.read_bytes()
    # What Git sets for a hook of `git commit -a`.
    monkeypatch.setenv("GIT_INDEX_FILE", str(index))
    monkeypatch.setenv("GIT_DIR", str(repository / ".git"))
    monkeypatch.setenv("GIT_PREFIX", "")

    with checked_out("v1") as checkout:
        assert (checkout.tree.copy / "plugins" / "model.py").read_text() == "first\n"
        assert describe_run("check")["commit"] is not None
    assert index.read_bytes() == before
    commit(repository, "third")
    assert git(repository, "show", "HEAD:plugins/model.py") == "third"


def test_what_a_killed_check_left_is_removed_by_the_next_one(repository, tmp_path):
    script = (
        "import os, signal\n"
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from bench.gate.revision import checked_out\n"
        "with checked_out('v1') as checkout:\n"
        "    print(checkout.tree.copy, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    left = Path(killed.stdout.strip())
    assert left.is_dir(), killed.stderr

    with checked_out("v1"):
        assert worktrees(repository) == 2
        assert not left.parent.exists()


def test_another_running_check_keeps_its_checkout(repository):
    with checked_out("v1") as one, checked_out("v1") as other:
        assert one.tree.copy != other.tree.copy
        assert (one.tree.copy / "plugins").is_dir()


def test_a_checkout_of_the_user_s_own_is_left_alone(repository, tmp_path):
    mine = tmp_path / "bench-mine" / "v1"
    git(repository, "worktree", "add", "--quiet", "--detach", str(mine), "v1")

    with checked_out("v1"):
        pass
    assert (mine / "plugins").is_dir()


def test_a_submodule_is_checked_out_as_the_revision_has_it(repository, tmp_path):
    models = a_repository(tmp_path / "models")
    allowed = ("-c", "protocol.file.allow=always")
    git(repository, *allowed, "submodule", "add", "--quiet", str(models), "theirs")
    commit(repository, "with a submodule")
    git(repository, "tag", "v2")

    with checked_out("v2") as checkout:
        theirs = checkout.tree.counterpart(repository / "theirs" / "plugins" / "model.py")
        assert theirs.read_text() == "first\n"


def test_a_repository_that_git_does_not_trust_is_named_as_such(repository, monkeypatch):
    refusal = f"fatal: detected dubious ownership in repository at '{repository}'"
    refused = subprocess.CompletedProcess([], 128, "", refusal)
    monkeypatch.setattr(committed, "git", lambda *_, **__: refused)

    with (
        pytest.raises(BenchError, match=r"does not trust .*git config --global --add safe"),
        checked_out("v1"),
    ):
        pass


def test_libraries_of_the_repository_are_imported_from_the_checkout(repository, monkeypatch):
    (repository / "lib").mkdir()
    (repository / "lib" / "helper.py").write_text("VALUE = 1\n")
    commit(repository, "a library")
    monkeypatch.syspath_prepend(str(repository / "lib"))
    # The first place is the script's own.
    monkeypatch.syspath_prepend("")

    with checked_out("HEAD") as checkout:
        assert checkout.libraries == (checkout.tree.copy / "lib",)


@pytest.mark.parametrize("unknown", ["v9", "--help", "v1:plugins", ""])
def test_an_unknown_revision_is_a_usage_error(repository, unknown):
    refused = pytest.raises(BenchError, match=rf"^--against {unknown}: .*; give a branch, a tag")
    with refused, checked_out(unknown):
        pass


def test_a_folder_outside_of_any_repository_is_a_usage_error(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(BenchError, match="is in no Git working tree"), checked_out("v1", tmp_path):
        pass


def test_git_has_to_be_installed(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(repository))

    with pytest.raises(BenchError, match="needs Git, which is not installed"), checked_out("v1"):
        pass


def test_what_lies_in_the_working_tree_has_a_counterpart(tmp_path, monkeypatch):
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "my").mkdir(parents=True)
    tree = Tree(here, there, "v1")
    monkeypatch.chdir(here / "my")

    assert tree.counterpart(here / "plugins" / "a.py") == there / "plugins" / "a.py"
    assert tree.counterpart(Path("models")) == there / "my" / "models"
    assert tree.counterpart(tmp_path / "elsewhere") == tmp_path / "elsewhere"


def test_what_is_installed_is_the_same_for_all_revisions(tmp_path, monkeypatch):
    environment = tmp_path / "repository" / ".venv"
    monkeypatch.setattr(sys, "prefix", str(environment))
    tree = Tree(tmp_path / "repository", tmp_path / "copy", "v1")
    installed = environment / "lib" / "bench"

    assert tree.counterpart(installed) == installed


def test_a_revision_s_own_code_measures_it(tmp_path, monkeypatch):
    here, there = tmp_path / "here", copy_of_the_suite(tmp_path / "there")
    monkeypatch.setattr(
        source_tree, "__file__", str(here / "bench" / "registry" / "source_tree.py")
    )

    assert Tree(here, there, "v1").code() == there
    assert Tree(tmp_path / "models", there, "v1").code() is None

    (there / "bench" / "worker" / "prepare.py").unlink()
    with pytest.raises(
        BenchError, match="v1: is too old for `check --against`: its workers do not"
    ):
        Tree(here, there, "v1").code()
