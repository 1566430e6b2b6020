"""The page in a real browser: what its scripts do, how it looks, and what it leaves alone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_board, a_record, board_with

from bench.records.predictions import describe
from bench.registry.discover import Registry
from bench.report.data_look import picture_numbers
from bench.report.document import Place
from bench.report.leaderboard import leaderboard_document
from bench.report.page.contents import PageContents, Part, contents_of_board
from bench.report.page.render import to_page
from bench.task import Picture

#: All of them, so that one browser and one page serve them.
pytestmark = pytest.mark.long

RESULTS = Path(__file__).parents[1] / "golden" / "results"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TABLE = "#jena-local-quick table >> nth=0"
HOSTILE = "\"><img src=x onerror=alert(1)><script>document.title='taken'</script>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start one browser for all tests of this file."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # A container's root has no sandbox, and often little shared memory.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        started = playwright.chromium.launch(executable_path=found, args=flags)
        yield started
        started.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the page and the site of the golden records, and a page of hostile names."""
    folder = tmp_path_factory.mktemp("page")
    from bench.cli import main

    words = ["report", "--results", RESULTS, "--output", folder / "page.html"]
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in [*words, "--site", folder / "site"]])
    assert not ended.value.code
    board = board_with(HOSTILE)
    contents = contents_of_board(
        leaderboard_document(board), board, Nothing(), Registry({}, ()), print
    )
    (folder / "hostile.html").write_text(to_page(contents), encoding="utf-8")
    (folder / "kinds.html").write_text(to_page(of_several_kinds()), encoding="utf-8")
    board = a_board(a_record("here"), a_record("here_too", 0.3), elsewhere("timed_elsewhere"))
    contents = contents_of_board(
        leaderboard_document(board), board, Nothing(), Registry({}, ()), print
    )
    (folder / "elsewhere.html").write_text(to_page(contents), encoding="utf-8")
    return folder


def elsewhere(name: str) -> Any:
    """A trial on another machine than that of the other tests."""
    machine = {"processor": "Another", "cores": 2}
    return replace(a_record(name), environment={"machine": machine, "threads": 2})


def of_several_kinds() -> PageContents:
    """A table of three classes, one of two steps, and the data of a task."""
    of_classes = a_record("rain", trial={"task": "imdb", "scored_examples": None})
    of_steps = a_record("load", trial={"scored_examples": None})
    metric = {**of_steps.data["metric"], "groups": "rows", "in_time": True}
    of_steps = replace(of_steps, data={**of_steps.data, "metric": metric})
    kept = describe("x.npz", b"")
    older = replace(of_steps, finished="2024-01-01T00:00:00.000000+00:00")
    older = replace(older, environment={**older.environment, "commit": "feedfeedfeed"})
    board = a_board(*(replace(each, predictions=kept) for each in (of_classes, older, of_steps)))
    contents = contents_of_board(
        leaderboard_document(board), board, OfKinds(), Registry({}, ()), print
    )
    hours = np.datetime64("2010-01-01") + np.arange(500) * np.timedelta64(1, "h")
    pictures = [
        Picture("series", "the series", "line", np.sin(np.arange(500)), hours, y_label="T"),
        Picture("words", "words", "histogram", np.arange(90), marks={"mean": 30.0}),
        Picture("balance", "classes", "bars", np.array([3, 4]), ["no", HOSTILE]),
    ]
    drawn = {"pictures": [*map(picture_numbers, pictures)]}
    kinds = tuple(f"data-{number}" for number in range(3))
    table = leaderboard_document(board).tables(Place.PAGE)[0]
    part = Part("data-x", "x, data", (table,), kinds, drawn=drawn, is_data=True)
    return replace(contents, parts=(*contents.parts, part))


class OfKinds:
    """Stands in for a store: probabilities of three classes, and forecasts of two steps."""

    def predictions(self, record: Any) -> dict[str, Any]:
        targets, values = np.arange(60) % 3, np.eye(3)[np.arange(60) % 7 % 3] * 0.6 + 0.2
        if record.trial.task != "imdb":
            targets = np.sin(np.arange(120) / 5).reshape(60, 2)
            values = targets + np.array([0.1, 0.3])
        return {"predictions": values, "targets": targets, "groups": np.arange(60)}


class Nothing:
    """Stands in for a store without predictions."""

    def predictions(self, record: Any) -> dict[str, Any]:
        raise AssertionError("no record has any")


class Seen:
    """A page, and what a browser complained of or asked for as it showed that."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append("dialog"), dialog.dismiss()))
        page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(request.url)

    def draw(self) -> int:
        """Go down the page until every picture that is in sight was drawn; return how many."""
        self.page.evaluate(
            """async () => {
              const shown = [...document.querySelectorAll('figure.chart')]
                .filter((each) => each.checkVisibility());
              for (const figure of shown) {
                figure.scrollIntoView();
                for (let n = 0; n < 500 && !figure.querySelector('.plot svg'); n += 1) {
                  await new Promise((done) => setTimeout(done, 20));
                }
              }
            }"""
        )
        return self.page.locator("figure.chart .plot svg.marks").count()


@pytest.fixture
def see(browser, made) -> Iterator[Any]:
    contexts = []

    def opened(name: str = "page.html", **options: Any) -> Seen:
        contexts.append(browser.new_context(**options))
        seen = Seen(contexts[-1].new_page())
        seen.page.goto(f"file://{made / name}")
        if options.get("java_script_enabled", True):
            seen.page.wait_for_selector("html[data-ready]")
        return seen

    yield opened
    for context in contexts:
        context.close()


def labels(page: Any) -> list[str]:
    return (
        page.locator(TABLE)
        .locator("tbody tr:visible")
        .evaluate_all("rows => rows.map((row) => row.dataset.label)")
    )


def test_rows_sort_and_filter_and_columns_hide(see):
    seen = see(viewport={"width": 1600, "height": 900})
    table = seen.page.locator(TABLE)
    first = labels(seen.page)
    head = table.get_by_role("columnheader", name="training")

    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    quickest = labels(seen.page)
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    timed = [label for label in quickest if label in first][:3]
    assert [label for label in labels(seen.page) if label in timed] == timed[::-1]

    part = seen.page.locator("#jena-local-quick")
    part.get_by_role("searchbox").first.fill("gru")
    assert labels(seen.page)
    assert all("gru" in label for label in labels(seen.page))
    part.get_by_text("Columns").first.click()
    part.get_by_role("checkbox", name="training").first.uncheck()
    assert not head.is_visible()


def test_a_picked_row_is_picked_everywhere_and_the_address_remembers_it(see):
    seen = see()
    seen.page.locator(TABLE).get_by_role("checkbox", name="Pick jena_dense").check()
    address = seen.page.url
    assert address.endswith("#&pick=jena_dense")

    for page in (seen.page, see().page):
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        picked = page.locator("tr.picked")
        assert {row.get_attribute("data-label") for row in picked.all()} == {"jena_dense"}
        assert picked.count() >= 2
        part = page.locator("#jena-local-quick figure[data-chart='curves']")
        part.scroll_into_view_if_needed()
        part.locator(".plot svg.marks").wait_for()
        assert part.locator(".legend").inner_text() == "jena_dense"
    seen.page.get_by_role("button", name="Pick none").click()
    assert "pick" not in seen.page.url


def test_a_link_opens_the_panel_of_a_plugin_and_its_pictures(see):
    seen = see()
    seen.page.locator(TABLE).get_by_role("link", name="jena_dense").click()
    panel = seen.page.locator("#plugin-jena_dense")
    assert seen.draw() >= 1

    assert seen.page.url.endswith("#plugin-jena_dense")
    assert panel.get_attribute("open") is not None
    assert panel.get_by_role("heading", name="Every trial").is_visible()
    assert seen.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_picture_is_drawn_in_light_and_dark_without_a_complaint_or_a_request(see, scheme):
    seen = see(color_scheme=scheme)
    assert seen.draw() >= 10
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    text = seen.page.locator("figure .plot svg text").first.evaluate("e => e.getAttribute('fill')")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 23, 26)"}[scheme]
    assert text == {"light": "#545b64", "dark": "#a5adb6"}[scheme]
    for choice in seen.page.locator("#jena-local-quick").get_by_role("combobox").all():
        choice.select_option(index=1)
    seen.draw()
    assert seen.complaints == []


@pytest.mark.parametrize("width", [390, 1200])
def test_models_without_a_point_are_named_under_the_picture_of_what_they_cost(see, width):
    seen = see("elsewhere.html", viewport={"width": width, "height": 800})
    part = seen.page.locator("figure[data-chart='cost']")
    part.scroll_into_view_if_needed()
    title = part.locator(".role-axis-title text", has_text="training time (s)")
    title.wait_for()
    assert "not shown, without a figure that compares: timed_elsewhere" in " ".join(
        title.locator("tspan").all_text_contents()
    )
    part.get_by_role("combobox").select_option("parameters")
    title = part.locator(".role-axis-title text", has_text="parameters")
    title.wait_for()
    assert title.text_content() == "parameters"
    assert seen.complaints == []


@pytest.mark.parametrize(
    ("name", "scheme"),
    [("table/jena-local-quick.html", "light"), ("plugin/imdb_onehot.html", "dark")],
)
def test_the_rules_of_accessibility_are_kept(see, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    seen = see(f"site/{name}", color_scheme=scheme)
    seen.draw()
    for box in seen.page.locator("tbody").get_by_role("checkbox").all()[:1]:
        box.check()
    seen.page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
    found = Axe().run(seen.page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []


def test_a_page_is_never_wider_than_its_window(see):
    seen = see(viewport={"width": 390, "height": 800})
    for width in (390, 2560):
        seen.page.set_viewport_size({"width": width, "height": 800})
        seen.page.reload()
        seen.page.wait_for_selector("html[data-ready]")
        seen.draw()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.page.locator(TABLE).get_by_role("columnheader", name="rank").is_visible()
        seen.page.locator("#plugin-jena_gru > summary").click()
        trials = seen.page.get_by_role("group", name="Every trial: jena_gru")
        least = trials.get_by_role("columnheader", name="best epoch")
        least.wait_for(state="visible" if width == 2560 else "hidden")


def test_without_javascript_everything_is_there_to_be_read(see):
    seen = see(java_script_enabled=False)

    assert seen.page.locator(TABLE).get_by_role("row").count() > 4
    assert seen.page.locator("figure:visible").count() == 0
    seen.page.locator("#plugin-jena_gru summary").first.click()
    assert seen.page.locator("#plugin-jena_gru").locator("h4").first.is_visible()


def test_hostile_names_are_text(see):
    seen = see("hostile.html")
    shown = re.sub(r"\s+", " ", HOSTILE)
    seen.page.get_by_role("checkbox").first.check()
    seen.draw()

    assert seen.page.title() == "Leaderboard"
    assert shown in seen.page.locator(".picks").inner_text()
    assert seen.page.locator("img").count() == 0
    assert seen.complaints == []


def test_classes_steps_and_data_are_drawn_too(see):
    seen = see("kinds.html", color_scheme="dark")
    drawn = seen.draw()
    kinds = seen.page.locator("figure.chart:visible").evaluate_all(
        "all => all.map((each) => each.dataset.chart)"
    )

    assert drawn == len(kinds)
    assert {"confusion", "calibration", "forecast", "errors", "data-0", "data-1", "data-2"} <= {
        *kinds
    }
    forecast = seen.page.locator("figure[data-chart='forecast'] >> nth=0")
    before = forecast.get_attribute("data-drawn")
    forecast.get_by_role("combobox").select_option(label="step 2")
    forecast.scroll_into_view_if_needed()  # What is out of sight waits.
    seen.page.wait_for_function(
        """before => document.querySelector("[data-chart='forecast']").dataset.drawn > before""",
        arg=before,
    )
    matrix = seen.page.locator("figure[data-chart='confusion'] >> nth=0")
    assert matrix.locator(".plot svg text", has_text="%").count() == 9
    seen.page.locator("#plugin-load summary").first.click()
    seen.draw()
    course = seen.page.locator("#plugin-load figure[data-chart='history']")
    assert {"feedfee", "0123456"} <= {*course.locator(".plot svg text").all_text_contents()}
    assert seen.page.locator("figure[data-chart='history']:visible").count() == 1
    assert seen.page.locator("img").count() == 0
    assert seen.complaints == []


def test_picked_rows_go_along_through_a_site(see):
    seen = see("site/table/jena-local-quick.html")
    seen.page.get_by_role("checkbox", name="Pick jena_dense").first.check()
    seen.page.get_by_role("link", name="jena_dense").first.click()
    seen.page.wait_for_selector("html[data-ready]")

    assert seen.page.url.endswith("site/plugin/jena_dense.html#&pick=jena_dense")
    assert seen.draw() >= 1
    seen.page.get_by_role("link", name="Leaderboard").click()
    seen.page.wait_for_selector("html[data-ready]")
    assert "site/index.html" in seen.page.url
    assert seen.complaints == []
