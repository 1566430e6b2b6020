"""``new-task``: a file of data becomes a task file that runs as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import call

from bench.registry.tasks import read_task

SALES = "day,sold\n" + "".join(f"2023-{m:02}-{d:02},{d % 7 + m}\n" for m in (1, 2, 3) for d in
                               range(1, 29))  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder but for a file of daily sales."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text(SALES, encoding="utf-8")
    return tmp_path


def test_it_is_written_where_tasks_of_the_project_lie_and_says_how_to_try_it(folder, capsys):
    status, out, _ = call(capsys, "new-task", "shop", "--from", "sales.csv")

    assert status == 0
    assert out == (
        "wrote datasets/shop.py: sold, a day ahead: 84 rows of sales.csv, one every 1d.\n"
        "try it with: python -m bench run --all --task shop\n"
    )
    assert read_task(folder / "datasets" / "shop.py").data["file"] == "../sales.csv"
    assert "shop: sold, a day ahead" in call(capsys, "list", "--task", "shop")[1]

    (folder / "pyproject.toml").write_text('[tool.bench]\ndatasets = ["tasks"]\n')
    (folder / "tasks").mkdir()
    assert call(capsys, "new-task", "shop", "--from", "sales.csv")[0] == 0
    assert (folder / "tasks" / "shop.py").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Shop", "--from", "sales.csv"], "a task's name is lower-case letters, digits and _"),
        (["jena", "--from", "sales.csv"], "jena.py has this name already; choose another"),
        (["shop", "--from", "sale.csv"], "sale.csv: does not exist; give a CSV or Parquet file"),
        (["shop"], "Missing option '--from'"),
        (["shop", "--from", "notes.csv"], "notes.csv: has one column alone"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_written(folder, capsys, words, said):
    (folder / "notes.csv").write_text("a\nb\n", encoding="utf-8")

    status, _, err = call(capsys, "new-task", *words)

    assert status == 2
    assert said in err
    assert len(err.splitlines()) == 1
    assert not (folder / "datasets").exists()


def test_no_file_is_overwritten(folder, capsys):
    (folder / "datasets").mkdir()
    (folder / "datasets" / "shop.py").write_text("mine\n")

    status, _, err = call(capsys, "new-task", "shop", "--from", "sales.csv")

    assert status == 2
    assert "datasets/shop.py: exists already; choose another name or remove it" in err
    assert (folder / "datasets" / "shop.py").read_text() == "mine\n"
