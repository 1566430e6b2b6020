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
from builders import AWKWARD, a_board, a_record, board_with
from judged_world import judged

from bench.errors import BenchError
from bench.records.predictions import describe
from bench.registry.discover import Registry
from bench.report.leaderboard import leaderboard_document
from bench.report.page.contents import PageContents, contents_of, contents_of_board
from bench.report.page.render import check_installed, to_json, to_page
from bench.report.page.site import site

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
    minutes = np.frombuffer(base64.b64decode(drawn["forecast"]["minutes"]), "<i4")
    values = np.frombuffer(base64.b64decode(drawn["forecast"]["rows"]["a"]["values"]), "<i2")

    assert (minutes == (first + hours) * 60).all()
    assert values * drawn["forecast"]["step"] == pytest.approx(10 + 8 * (truth + 0.5), abs=2e-3)
    assert drawn["forecast"]["unit"] == "°C"
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
    assert " ".join(text.split()).count(" 1 0 0.900 –") == 1
    (drawn,) = data_of(page).values()
    assert drawn["calibration"]["a"][0] == [1, 0.1, 0.0]


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
    assert "<h2>jena, local data, quick profile</h2>" in page


def test_a_site_has_an_address_for_each_table_and_plugin_that_holds_what_is_of_it(tmp_path: Path):
    files = dict(site(of_board(judged(a_record("a", 0.2), a_record("b", 0.3)))))

    assert [*files] == [
        *("page.css", "page.js", "library.js", "index.html"),
        *("table/jena-local-quick.html", "plugin/a.html", "plugin/b.html"),
    ]
    hrefs = [each["href"] for each in Elements(files["index.html"]).all("a")]
    assert {"table/jena-local-quick.html", "plugin/a.html", "plugin/b.html"} <= {*hrefs}
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
