"""The page for a browser, read as HTML: what stands on it, and that no text gets out."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from builders import AWKWARD, a_board, a_record, a_task, board_with
from judged_world import judged

from bench.analysis.predicted import predicted
from bench.errors import BenchError
from bench.records.predictions import describe, summary_arrays
from bench.registry.discover import Registry
from bench.report.data_look import picture_numbers
from bench.report.leaderboard import leaderboard_document
from bench.report.page.at_hand import DataAtHand, DataOfTables
from bench.report.page.contents import PageContents, contents_of, contents_of_board
from bench.report.page.drawn import drawn
from bench.report.page.render import check_installed, to_json, to_page
from bench.report.page.site import site
from bench.task import Look, Picture, Prepared

HOURS = 24 * 30


class Kept:
    """Stands in for a store: the same predictions for every record."""

    def __init__(self, **arrays: np.ndarray) -> None:
        self.arrays = arrays

    def predictions(self, record):
        return self.arrays


def of_board(board, registry: Registry | None = None, **arrays: np.ndarray) -> PageContents:
    said: list[str] = []
    document, known = leaderboard_document(board), registry or Registry({}, ())
    contents = contents_of_board(document, board, Kept(**arrays), known, said.append)
    assert said == []
    return contents


def kept(record, **meta):
    """A record that says that it has predictions, and what its data say of themselves."""
    return replace(
        record,
        predictions=describe("x.npz", b""),
        data={**record.data, "meta": {**record.data["meta"], **meta}},
    )


class Elements(HTMLParser):
    """The elements of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.found if name == tag]


def data_of(page: str) -> dict:
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def test_a_page_needs_no_other_file_and_allows_no_other_source():
    page = to_page(of_board(judged(a_record("a", 0.2), a_record("b", 0.3))))
    elements = Elements(page)
    (policy,) = (each["content"] for each in elements.all("meta") if "http-equiv" in each)

    assert not any("src" in attrs for _, attrs in elements.found)
    assert all(href.startswith("#") for each in elements.all("a") if (href := each["href"]))
    assert elements.all("link") == []
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not any("style" in attrs for _, attrs in elements.found)


def test_what_is_drawn_is_what_the_table_says():
    board = judged(*(a_record("a", 0.2 + 0.01 * seed, seed=seed) for seed in range(3)))
    (drawn,) = data_of(to_page(of_board(board))).values()
    (row,) = board.tables[0].rows

    (shown,) = drawn["rows"]
    assert shown["mean"] == pytest.approx(row.validation["mae"].mean, rel=1e-4)
    assert shown["low"] == pytest.approx(row.validation["mae"].interval.low, rel=1e-4)
    assert shown["costs"]["peak memory"] == pytest.approx(row.costs.peak_rss_bytes, rel=1e-4)
    assert [curve["seed"] for curve in drawn["curves"]["metric"]["a"]] == [0, 1, 2]
    assert drawn["curves"]["metric"]["a"][0]["validation"] == [0.31, 0.28, 0.2, 0.27]


def test_rows_without_a_cost_that_compares_are_named_for_each_cost():
    elsewhere = a_record("elsewhere", 0.2)
    machine = {"processor": "Another", "cores": 2}
    elsewhere = replace(elsewhere, environment={"machine": machine, "threads": 2})
    board = a_board(a_record("a"), a_record("b"), elsewhere)
    (drawn,) = data_of(to_page(of_board(board))).values()

    assert drawn["left_out"]["training time"] == "elsewhere"
    assert drawn["left_out"]["parameters"] == ""


def test_the_loss_of_both_splits_is_drawn_where_it_is_recorded():
    record = a_record("a")
    old = {**record.metrics["curves"], "train_loss": [0.9, 0.5]}
    for curves, validation in ((old, []), ({**old, "validation_loss": [0.8, 0.7]}, [0.8, 0.7])):
        board = a_board(replace(record, metrics={**record.metrics, "curves": curves}))
        (drawn,) = data_of(to_page(of_board(board))).values()
        (curve,) = drawn["curves"]["loss"]["a"]
        assert curve == {"seed": 0, "train": [0.9, 0.5], "validation": validation}


def test_a_series_is_drawn_in_its_own_unit_at_its_own_time():
    first = 17_000 * 24  # Hours since 1970, at midnight.
    hours = np.arange(HOURS)
    truth = np.sin(hours / 24 * 2 * np.pi).astype("float32")
    metric = {"groups": "days", "in_time": True}
    record = a_record("a", trial={"scored_examples": None})
    record = kept(record, interval_seconds=3600, mean=10.0, std=8.0, examples={"test": HOURS})
    record = replace(record, data={**record.data, "metric": {**record.data["metric"], **metric}})
    contents = of_board(
        a_board(record),
        predictions=truth + 0.5,
        targets=truth,
        groups=((first + hours) // 24).astype("int32"),
    )
    drawn = contents.parts[0].drawn
    (output,) = drawn["forecast"]["outputs"]
    (line,) = drawn["forecast"]["rows"]["a"]["values"]
    minutes = np.frombuffer(base64.b64decode(drawn["forecast"]["x"]), "<i4")
    values = np.frombuffer(base64.b64decode(line), "<i2")

    assert (minutes == (first + hours) * 60).all()
    assert values * output["step"] == pytest.approx(10 + 8 * (truth + 0.5), abs=2e-3)
    assert output["unit"] == drawn["errors_unit"] == "°C"
    assert drawn["errors"]["a"]["hour"] == pytest.approx([4.0] * 24)
    page = to_page(contents)
    assert "Mean absolute error by hour" in page
    assert "Jun to Aug" in page


def test_classes_get_their_confusion_calibration_and_surest_mistakes():
    targets = np.array([0, 0, 1, 1, 1, 0], dtype="float32")
    predictions = np.array([0.1, 0.9, 0.8, 0.97, 0.2, 0.3], dtype="float32")
    record = kept(a_record("a", trial={"task": "imdb", "scored_examples": None}))
    groups = np.arange(6, dtype="int32")
    page = to_page(
        of_board(a_board(record), predictions=predictions, targets=targets, groups=groups)
    )
    text = re.sub(r"\s*<[^>]+>\s*", " ", page[page.index('id="plugins"') :])

    assert "0 2.0 1.0 1 1.0 2.0" in " ".join(text.split())
    assert "The surest mistakes" in text
    assert " ".join(text.split()).count(" 1 0 1 0.900 –") == 1
    (drawn,) = data_of(page).values()
    assert drawn["calibration"]["a"][0] == [1, 0.1, 0.0]


def test_three_classes_get_a_matrix_and_their_names():
    targets = np.array([0, 1, 2, 2], dtype="float32")
    values = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]], "f4")
    record = kept(a_record("a", trial={"task": "imdb"}), classes=["sun", "<rain>", "snow"])
    contents = of_board(
        a_board(record), predictions=values, targets=targets, groups=np.arange(4, dtype="i4")
    )
    drawn, page = contents.parts[0].drawn, to_page(contents)

    assert drawn["confusion"]["a"] == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert drawn["classes"][1] == "<rain>"
    assert drawn["calibration_of"] == ""
    assert "taken for &lt;rain&gt;" in page
    assert 'data-chart="confusion"' in page


def test_several_steps_of_two_columns_get_a_forecast_each_and_the_error_of_each_step():
    rows, outputs = 50, 24
    truth = np.arange(rows * outputs, dtype="float32").reshape(rows, outputs) / 100
    wrong = np.repeat(np.arange(outputs // 2, dtype="float32"), 2)
    record = a_record("a", trial={"scored_examples": None})
    meta = {"targets": ["T", "p"], "mean": [10.0, 900.0], "std": [2.0, 5.0], "interval_seconds": 7}
    record = kept(record, **meta, examples={"test": rows})
    metric = {**record.data["metric"], "groups": "rows", "in_time": True}
    contents = of_board(
        a_board(replace(record, data={**record.data, "metric": metric})),
        predictions=truth + wrong,
        targets=truth,
        groups=np.arange(100, 100 + rows, dtype="int32"),
    )
    drawn = contents.parts[0].drawn
    found = drawn["forecast"]

    assert [each["name"] for each in found["outputs"]] == [
        *("T, step 1", "p, step 1", "T, step 6", "p, step 6", "T, step 12", "p, step 12")
    ]
    assert [each["ahead"] for each in found["outputs"]] == [0, 0, 5, 5, 11, 11]
    assert found["unit_of_x"] == "rows"
    last = np.frombuffer(base64.b64decode(found["rows"]["a"]["values"][-1]), "<i2")
    told = last * found["outputs"][-1]["step"]
    assert told == pytest.approx(900 + 5 * (truth[:, 23] + 11), rel=1e-3)
    assert drawn["errors"]["a"] == {"step": pytest.approx([*range(12)], abs=1e-4)}
    assert "Mean absolute error by step" in to_page(contents)


def test_forecasts_of_many_plugins_leave_out_outputs_and_then_the_first_examples():
    rows = 40
    truth = np.zeros((rows, 3), dtype="float32")
    records = [a_record(name, trial={"scored_examples": None}) for name in "ab"]
    records = [kept(each, examples={"test": rows}) for each in records]
    metric = {**records[0].data["metric"], "in_time": True, "groups": "rows"}
    board = a_board(*(replace(r, data={**r.data, "metric": metric}) for r in records))
    (table,) = board.tables
    groups = np.arange(rows)
    store = Kept(predictions=truth, targets=truth, groups=groups)
    made = {row.label: predicted(store, table, row, print) for row in table.rows}

    few, fewer = (drawn(table, made, most)["forecast"] for most in (2 * 40 * 3, 30))
    assert [each["name"] for each in few["outputs"]] == ["step 1", "step 3"]
    assert few["note"] == ""
    assert [each["name"] for each in fewer["outputs"]] == ["step 1"]
    assert fewer["note"] == "Of the last 10 of 40 examples."


def test_a_panel_has_each_summary_once():
    told = "Model: <m>\n" + "\u2501" * 8
    arrays = {"predictions": np.zeros(4), "targets": np.ones(4), "groups": np.arange(4)}
    records = [
        kept(a_record("a", trial={"profile": profile})) for profile in ("smoke", "quick", "full")
    ]
    page = to_page(of_board(a_board(*records), **arrays, **summary_arrays(told)))

    assert page.count("Model: &lt;m&gt;\n\u2501") == 1
    assert "<summary>model.summary(): a, jena" in page


# The data of the tables


def a_look() -> Look:
    hours = np.datetime64("2010-01-01") + np.arange(5000) * np.timedelta64(1, "h")
    lengths = np.r_[np.full(30, 10), np.full(10, 90)]
    return Look(
        {"first rows": [{"time": "2010-01-01 00:00", "T": 1.5}]},
        {"window": "5 rows <b>"},
        [
            Picture("series", "the whole series", "line", np.sin(np.arange(5000)), hours),
            Picture("words", "words", "histogram", lengths, marks={"mean": 30.0}),
            Picture("balance", "classes", "bars", np.array([3, 4]), ["no", "<yes>"]),
        ],
    )


def test_pictures_of_data_become_few_numbers():
    line, lengths, balance = map(picture_numbers, a_look().pictures)

    assert line["is_time"]
    assert len(line["x"]) == len(line["y"]) <= 1200
    assert 1262304000 <= line["x"][0] < 1262304000 + 24 * 3600
    assert (min(line["y"]), max(line["y"])) == pytest.approx((-1, 1), abs=1e-4)
    assert lengths["x"][:3] == [10, 12, 14]  # Each bar has two whole numbers.
    assert (len(lengths["x"]), lengths["y"][0], sum(lengths["y"])) == (42, 30, 40)
    assert lengths["marks"] == {"mean": 30.0}
    assert (balance["x"], balance["y"]) == (["no", "<yes>"], [3, 4])
    json.dumps([line, lengths, balance], allow_nan=False)


def test_the_data_of_a_table_are_shown_once_where_they_are_at_hand(monkeypatch):
    monkeypatch.setattr(DataOfTables, "of", lambda self, table: at_hand)
    at_hand = DataAtHand({"rows": 5000}, "", lambda split, number: a_look())
    board = a_board(a_record("a"), a_record("a", trial={"profile": "full"}))
    contents = of_board(board)
    files = dict(site(contents))

    assert [part.anchor for part in contents.parts if part.is_data] == ["data-jena-official"]
    page = to_page(contents)
    assert page.count('data-table="data-jena-official"') == 3
    assert "The whole series: jena, official data" in page
    assert "5 rows &lt;b&gt;" in page
    assert "<h3>First rows</h3>" in page
    assert 'data-chart="data-2"' in files["data/jena-official.html"]
    assert "data/jena-official.html" in files["index.html"]


def test_data_that_are_not_at_hand_are_neither_made_nor_passed_over():
    (part,) = [part for part in of_board(a_board(a_record("a"))).parts if part.is_data]
    (said,) = part.blocks

    assert said.text.startswith(
        "Nothing is shown of these data: the task file of jena is not at hand. `bench data show"
    )


def test_data_at_hand_are_opened_and_nothing_is_kept_of_them(tmp_path, monkeypatch):
    folder = tmp_path / "prepared"
    folder.mkdir()
    kept = Prepared({}, {"rows": 3, "notes": ["odd"]}, folder)
    monkeypatch.setattr("bench.data.prepared.prepared_folder", lambda *words: folder)
    monkeypatch.setattr("bench.data.prepared.open_prepared", lambda *words, **options: kept)
    asked = []

    def look(prepared, view, split, number):
        asked.append((prepared.folder, split, number))
        return Look({}, {"text": "so bad"})

    monkeypatch.setattr("bench.registry.task_code.function_of", lambda *words: look)
    table = replace(a_board(a_record("a")).tables[0], task_sha256="5" * 64)
    found = DataOfTables({"jena": replace(a_task(), sha256="5" * 64)}).of(table)

    assert found.facts == {"rows": 3}
    assert [found.words(7), found.words(7)] == ["so bad", "so bad"]
    assert asked == [(None, "test", 7)]
    edited = DataOfTables({"jena": a_task()}).of(table)
    assert edited.missing.endswith("was edited since")


def test_a_plugins_panel_has_its_settings_and_every_trial():
    records = [
        a_record("a", 0.25, seed=seed, trial={"profile": profile})
        for profile in ("quick", "full")
        for seed in (0, 1)
    ]
    old = a_record("a", 0.4, minute=0, trial={"hyperparameters": {"units": 7}})
    page = to_page(of_board(a_board(*records, old)))
    panel = page[page.index('id="plugin-a"') :]

    plain = re.sub(r' data-sort="[^"]*"', "", panel)
    assert (plain.count("<td>quick</td>"), plain.count("<td>full</td>")) == (3, 2)
    assert "<td>units</td>" in plain
    assert "0.2635" in panel
    assert "its file is not at hand" in panel
    assert "model.summary()" in panel


@pytest.mark.parametrize("text", [*AWKWARD, "</script><script>alert(1)</script>", '"><img src=x>'])
def test_no_text_gets_out_of_its_place(text):
    pages = [Elements(to_page(of_board(board_with(one)))) for one in (text, "plain")]
    shapes = [[tag for tag, _ in each.found] for each in pages]

    assert shapes[0] == shapes[1]
    assert not any(name.startswith("on") for _, attrs in pages[0].found for name in attrs)
    assert not any("javascript:" in str(each.get("href")) for each in pages[0].all("a"))


def test_data_in_a_page_end_no_element():
    text = to_json({"</script>": "<!-- & \u2028"})
    assert not {*text} & {*"<>&\u2028"}
    assert json.loads(text) == {"</script>": "<!-- & \u2028"}


def test_any_document_is_a_page_without_pictures():
    document = leaderboard_document(a_board(a_record()))
    page = to_page(contents_of(document))

    assert page.startswith("<!doctype html>")
    assert "<figure" not in page
    assert len(page) < 60_000
    assert "<h2>jena, official data, quick profile</h2>" in page


def test_a_site_has_an_address_for_each_table_and_plugin_that_holds_what_is_of_it(tmp_path: Path):
    files = dict(site(of_board(judged(a_record("a", 0.2), a_record("b", 0.3)))))

    assert [*files] == [
        *("page.css", "page.js", "library.js", "index.html"),
        *("table/jena-official-quick.html", "plugin/a.html", "plugin/b.html"),
    ]
    hrefs = [each["href"] for each in Elements(files["index.html"]).all("a")]
    assert {"table/jena-official-quick.html", "plugin/a.html", "plugin/b.html"} <= {*hrefs}
    (drawn,) = data_of(files["plugin/a.html"]).values()
    assert [row["label"] for row in drawn["rows"]] == ["a"]
    assert [*drawn["curves"]["metric"]] == ["a"]


def test_what_is_missing_is_named_with_what_installs_it(monkeypatch):
    monkeypatch.setattr("bench.report.page.render.version_of", lambda name: None)
    with pytest.raises(BenchError) as refused:
        check_installed("--format html")

    assert str(refused.value) == (
        "--format html: jinja2 and vl_convert not installed; install with "
        "`pip install 'keras-sequence-bench[html]'`, or take --format md"
    )
