"""``bench init``: a repository for models of one's own that works at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders import a_record
from command_line import call, complaint
from tree_world import commit, git

from bench.cli.init import contents
from bench.records.store import Store

PAGE = Path(__file__).parents[2] / "docs" / "ci.md"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "no-data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")


def test_there_the_commands_mean_its_own_plugins(capsys, monkeypatch):
    status, out, _ = call(capsys, "init", "models")
    assert status == 0
    assert "try it with: cd models && python -m bench run --all --profile smoke" in out
    assert {line.removeprefix("wrote models/") for line in out.splitlines()[:-1]} == {
        *contents(Path("models"))
    }
    monkeypatch.chdir("models")
    _, out, _ = call(capsys, "list")
    assert "my_forecast" in out
    assert "my_words" in out
    assert "jena_gru" not in out


@pytest.mark.long
def test_its_plugins_keep_the_contract_and_its_records_are_not_committed(capsys, monkeypatch):
    call(capsys, "init", "models")
    monkeypatch.chdir("models")
    git(Path(), "init", "--quiet", "--initial-branch=main")
    commit(Path(), "models of our own")
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "my_forecast"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
    assert re.search(r"\b8 passed", tested.stdout), tested.stdout
    Store(Path("reports")).write(a_record())
    assert git(Path(), "status", "--porcelain") == ""


def test_nothing_that_is_there_is_overwritten(capsys):
    Path("models").mkdir()
    Path("models/README.md").write_text("mine")
    assert "README.md: exists already, and nothing was written" in complaint(
        capsys, "init", "models"
    )
    assert [path.name for path in Path("models").iterdir()] == ["README.md"]
    assert Path("models/README.md").read_text() == "mine"


def test_the_workflows_are_those_that_the_page_explains():
    page = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    written = contents(Path())
    for name in ("bench.yml", "bench-comment.yml"):
        assert written[f".github/workflows/{name}"] in blocks
