"""The results of a revision are read out of the repository, and leave no trace."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from builders import a_record
from command_line import call
from tree_world import a_repository, commit, git

from bench.errors import BenchError
from bench.records.committed import committed, revision_of
from bench.records.store import Store


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a repository with a record at v1, and another since."""
    folder = a_repository(tmp_path / "repository")
    # As for the archive of a release; it is none of a report's business.
    (folder / ".gitattributes").write_text("results export-ignore\n")
    git(folder, "tag", "v0")
    store = Store(folder / "results")
    store.write(a_record("model", 0.30), None)
    commit(folder, "first results")
    git(folder, "tag", "v1")
    shutil.rmtree(folder / "results")
    store.write(a_record("model", 0.25, minute=9), None)
    monkeypatch.chdir(folder)
    return folder


def test_records_are_those_of_the_revision_and_gone_afterwards(repository):
    before = git(repository, "status", "--porcelain")
    with committed(Path("results"), revision_of("v1", repository, "--x"), "--x") as folder:
        (record,) = Store(folder).read().records
        assert record.metrics["validation"]["mae"] == 0.30

    assert not folder.exists()
    assert git(repository, "status", "--porcelain") == before
    assert git(repository, "worktree", "list").count("\n") == 0


@pytest.mark.parametrize(
    ("revision", "results"), [("v0", "results"), ("v1", "plugins"), ("v1", "..")]
)
def test_a_revision_without_records_there_has_none(repository, revision, results):
    with committed(Path(results), revision_of(revision, repository, "--x"), "--x") as folder:
        assert folder is None


def test_what_is_no_revision_is_named_with_the_option(repository):
    with pytest.raises(BenchError, match=r"--x v7: unknown revision; give a branch, a tag"):
        revision_of("v7", repository, "--x")


def test_a_revision_is_compared_with_a_folder_on_the_command_line(repository, capsys):
    words = ["report", "--results", "results", "--format", "csv", "--compare"]
    status, out, _ = call(capsys, *words, "v1", "results")
    head, row = out.splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True))

    assert status == 0
    assert (cells["validation_1"], cells["validation_2"]) == ("0.3", "0.25")
    absent = "--compare v0: results: has no records for the commit"
    for wrong, said in (("v0", absent), ("v9", "v9: unknown revision")):
        status, out, err = call(capsys, *words, wrong, "results")
        assert (status, out) == (2, "")
        assert said in err
        assert len(err.splitlines()) == 1
