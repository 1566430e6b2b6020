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
        "wrote datasets/shop.py: sold, a day ahead: 84 rows of sales.csv, one every day.\n"
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


def test_texts_in_classes_become_a_task_of_the_kind_text(folder, capsys):
    topics = ["law", "sport"]
    rows = [
        f"2023-01-{n + 1:02},{n},a {topics[n % 2]} text of number {n},{topics[n % 2]}"
        for n in range(28)
    ]
    header = "day,likes,body,topic"
    (folder / "news.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    for number, row in enumerate(rows):
        *_, text, topic = row.split(",")
        (folder / "news" / topic).mkdir(parents=True, exist_ok=True)
        (folder / "news" / topic / f"{number}.txt").write_text(text, encoding="utf-8")

    for name, data in (("file", "news.csv"), ("folders", "news")):
        assert call(capsys, "new-task", name, "--from", data)[0] == 0
        task = read_task(folder / "datasets" / f"{name}.py")
        assert (task.kind, task.data["classes"]) == ("text", topics)
        assert task.data["file"] == f"../{data}"
        status, out, _ = call(capsys, "data", "show", name, "--source", "local")
        assert status == 0
        assert "texts: train 17, validation 6, test 5" in out

    (folder / "news.csv").write_text("\n".join(["body", *(r.split(",")[2] for r in rows)]))
    status, _, err = call(capsys, "new-task", "bare", "--from", "news.csv")
    assert status == 2
    assert "as a task of texts: no column besides 'body' has from 2 to" in err
    (folder / "void").mkdir()
    assert "of which no task can be made" in call(capsys, "new-task", "void", "--from", "void")[2]
