"""A document in every format: each kind of cell and block, and no text that breaks any of them."""

from __future__ import annotations

import csv
import html
import io
import json
import math
from dataclasses import dataclass, replace
from html.parser import HTMLParser

import pytest
from builders import AWKWARD
from hypothesis import example, given
from hypothesis import strategies as st
from reading import markdown_tables

from bench.formatting import count, duration, metric_name, one_line, size, without_controls
from bench.report import writers
from bench.report.document import (
    Answer,
    Bytes,
    CellTable,
    Column,
    Count,
    Document,
    Duration,
    EstimateCell,
    Exact,
    Field,
    Fold,
    Heading,
    IntervalCell,
    Marked,
    Missing,
    Note,
    Notes,
    Number,
    Paragraph,
    Percentage,
    Place,
    Quantity,
    Section,
    Text,
    table_of,
)
from bench.report.writers import (
    FORMATS,
    escape_markdown,
    to_csv,
    to_html_part,
    to_json,
    to_markdown,
    to_text,
)

#: Of each kind: what people are shown of it, and what programs get.
CELLS = [
    (Text("jena_gru"), "jena_gru", {"x": "jena_gru"}),
    (Missing(), "–", {"x": ""}),
    (Number(0.26354), "0.2635", {"x": "0.26354"}),
    (Number(0.5, digits=2, is_signed=True), "+0.50", {"x": "0.5"}),
    (Number(math.nan), "–", {"x": ""}),
    (Number(None), "–", {"x": ""}),
    (Count(1234567), "1,234,567", {"x": "1234567"}),
    (Bytes(900 * 1024**2), "900 MiB", {"x": "943718400"}),
    (Duration(0.20004), "200 ms", {"x": "0.20004"}),
    (Duration(9.1, "*", (8.0, 70.0)), "9.1 s* (8.0–70.0 s)", {"x": "9.1"}),
    (Duration(90.0, ends=(2.0, 300.0)), "90.0 s (2.0 s–5.0 min)", {"x": "90.0"}),
    (Duration(2.0, ends=(2.0, 2.00001)), "2.0 s", {"x": "2.0"}),
    (Duration(None), "–", {"x": ""}),
    (Percentage(0.05123), "5.1%", {"x": "0.05123"}),
    (Percentage(-0.25, is_signed=True), "-25.0%", {"x": "-0.25"}),
    (Percentage(0.000_012_34, is_signed=True), "+0.0012%", {"x": "1.234e-05"}),
    (Quantity(0.0123, "s"), "12.3 ms", {"x": "0.0123"}),
    (Quantity(1.5 * 1024**3, "bytes"), "1.50 GiB", {"x": "1610612736.0"}),
    (EstimateCell(0.9, 0.04567), "0.9000 ± 0.0457", {"x": "0.9"}),
    (EstimateCell(0.9), "0.9000", {"x": "0.9"}),
    (IntervalCell(Number(0.1), Number(0.2)), "0.1000 to 0.2000", {"x_low": "0.1", "x_high": "0.2"}),
    (IntervalCell(Number(0.1), Number(None)), "from 0.1000", {"x_low": "0.1", "x_high": ""}),
    (
        IntervalCell(Number(-math.inf), Number(0.2)),
        "up to 0.2000",
        {"x_low": "-inf", "x_high": "0.2"},
    ),
    (IntervalCell(Missing(), Missing()), "–", {"x_low": "", "x_high": ""}),
    (Answer(True), "yes", {"x": "True"}),
    (Answer(False), "", {"x": "False"}),
    (Answer(None), "–", {"x": ""}),
    (Marked(Text("1-4"), " best"), "1-4 best", {"x": "1-4"}),
    (Exact(Text("baseline"), {"": 0.0, "_raw": "b"}), "baseline", {"x": "0.0", "x_raw": "b"}),
]


class Page(HTMLParser):
    """The tags of a page, and the texts of its table cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self._inside = tag == "td"
        if self._inside:
            self.cells.append("")

    def handle_endtag(self, tag):
        self._inside = False

    def handle_data(self, data):
        if self._inside:
            self.cells[-1] += data


def a_document(*blocks, title: str = "A title", data=None) -> Document:
    return Document(title, (Section(blocks),), data)


def a_table(*cells, heading: str = "head", **settings) -> CellTable:
    return CellTable((Column(heading, "x"),), tuple((cell,) for cell in cells), **settings)


# Cells


@pytest.mark.parametrize(("cell", "text", "values"), CELLS)
def test_people_see_a_cell_rounded_and_programs_get_it_exact(cell, text, values):
    document = a_document(a_table(Text("above"), cell))

    assert to_text(document).split("\n")[3].strip() == text
    ((_, _, _, (in_markdown,)),) = markdown_tables(to_markdown(document))
    assert in_markdown == text
    assert Page(to_html_part(document)).cells == ["above", text]
    found = [*csv.DictReader(io.StringIO(to_csv(document)))][1]
    assert {name: found[name] for name in values} == values


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0.00012, "0.1 ms"),
        (0.2, "200 ms"),
        (0.9996, "1.0 s"),
        (119.96, "2.0 min"),
        (7199, "2.0 h"),
    ],
)
def test_seconds(seconds, text):
    assert duration(seconds) == text


def test_bytes_counts_and_metrics():
    assert (size(None), size(900 * 1024**2), size(1.5 * 1024**3)) == ("–", "900 MiB", "1.50 GiB")
    assert (count(None), count(0), count(1234567)) == ("–", "0", "1,234,567")
    assert (metric_name("mae_degC"), metric_name("accuracy")) == ("MAE (°C)", "accuracy")


def test_a_line_of_text():
    assert one_line(" a\n\tb\x1b\u202e\ud800 ") == "a b???"
    assert one_line("\U0001f469\u200d\U0001f52c °") == "\U0001f469\u200d\U0001f52c °"
    assert (one_line("12345", 5), one_line("123456", 5)) == ("12345", "1234…")


# Blocks


def a_page() -> Document:
    rows = a_table(Text("one"), Text("two"))
    return Document(
        "A title",
        (
            Section((Paragraph("How to read it.", on=Place.PAGE),)),
            Section(
                (
                    Heading("A part"),
                    Paragraph("It matters.", is_strong=True),
                    rows,
                    Paragraph("Below."),
                    Fold("2 more", rows),
                    Notes((Note("why", "a reason"), Note("", "alone", on=Place.PAGE))),
                )
            ),
            Section((Heading("Small", level=3, on=Place.PAGE),)),
            Section((Paragraph("The end."),)),
        ),
    )


def test_a_terminal_sets_tables_and_sections_off_and_has_no_title():
    assert to_text(a_page()) == (
        "A part\nIt matters.\n\n  head\n------\n   one\n   two\n\nBelow.\nwhy: a reason\n\nThe end."
    )


def test_a_page_in_markdown():
    assert to_markdown(a_page()) == (
        "# A title\n\nHow to read it.\n\n## A part\n\n**It matters.**\n\n"
        "|   head |\n|-------:|\n|    one |\n|    two |\n\nBelow.\n\n"
        "<details><summary>2 more</summary>\n\n"
        "|   head |\n|-------:|\n|    one |\n|    two |\n\n</details>\n\n"
        "- why: a reason\n- alone\n\n### Small\n\nThe end.\n"
    )


def test_a_notebook_gets_a_part_of_a_page():
    part = to_html_part(a_page())

    assert Page(part).tags == [
        *("p", "h2", "p", "strong"),
        *("table", "thead", "tr", "th", "tbody", "tr", "td", "tr", "td", "p"),
        *("details", "summary"),
        *("table", "thead", "tr", "th", "tbody", "tr", "td", "tr", "td"),
        *("ul", "li", "li", "h3", "p"),
    ]
    assert part.startswith("<p>How to read it.</p>\n<h2>A part</h2>")


def test_numbers_stand_right_and_words_left_under_headings_of_two_lines():
    columns = (Column("per epoch"), Column("the status", is_number=False))
    table = CellTable(columns, ((Number(0.5), Text("ok")),))

    assert to_text(a_document(table)).split("\n")[:2] == ["    per  the", "  epoch  status"]
    assert to_markdown(a_document(table)).split("\n")[3] == "|------------:|:-------------|"
    assert '<td class="number">0.5000</td><td>ok</td>' in to_html_part(a_document(table))
    wide = CellTable(columns, table.rows, is_narrow=False)
    assert to_text(a_document(wide)).split("\n")[0] == "  per epoch  the status"


def test_a_long_text_is_cut_where_there_is_no_room_and_html_and_programs_get_it_whole():
    long = "long " * 100 + "end"
    document = a_document(a_table(Text(long)))
    unlimited = CellTable((Column("head", longest=1000),), ((Text(long),),))

    assert to_text(document).split("\n")[-1] == one_line(long, 60)
    ((_, _, (cell,)),) = markdown_tables(to_markdown(document))
    assert cell == one_line(long, 160)
    assert long in to_html_part(document)
    assert long in to_csv(document)
    assert long in to_text(a_document(unlimited))
    assert long in to_markdown(a_document(unlimited))


def test_columns_and_tables_stand_where_they_are_to():
    @dataclass(frozen=True)
    class Thing:
        name: str

    fields = [
        Field(Column(place.name.lower(), place.name, on=place), lambda thing: Text(thing.name))
        for place in (Place.TERMINAL, Place.PAGE, Place.DATA)
    ]
    document = a_document(
        table_of(fields, [Thing("first")]), table_of(fields, [Thing("second")], on=Place.PAGE)
    )

    assert to_text(document).split() == ["terminal", "----------", "first"]
    assert [table[0] for table in markdown_tables(to_markdown(document))] == [["page"], ["page"]]
    assert to_csv(document) == "DATA\nfirst\n"


def test_a_page_of_github_shows_eight_columns_and_folds_the_least_important_away():
    names = [f"c{number}" for number in range(10)]
    fields = [
        Field(Column("plugin", is_number=False), Text),
        *(
            Field(Column(name, importance=number if number % 2 else None), lambda row: Text("x"))
            for number, name in enumerate(names)
        ),
    ]
    text = to_markdown(a_document(table_of(fields, ["gru"])))
    shown, folded = markdown_tables(text)

    assert shown[0] == ["plugin", "c0", "c2", "c4", "c6", "c7", "c8", "c9"]
    assert folded == [["plugin", "c1", "c3", "c5"], folded[1], ["gru", "x", "x", "x"]]
    assert "<details><summary>More columns: c1, c3, c5</summary>" in text


def test_github_breaks_no_number_at_its_error_its_unit_or_between_ranks():
    cells = [EstimateCell(-0.9, 0.0457), Duration(300.0, "*"), Bytes(2**30)]
    rank = Marked(Text("1-10"), " best")
    page = a_document(a_table(*cells, rank), a_table(Text("a-1-2 ± b"), heading="words"))
    words = replace(a_table(Text("gru 1-2")), columns=(Column("plugin", is_number=False),))

    nbsp, hyphen = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
    numbers = to_markdown(page)
    assert f"-0.9000{nbsp}±{nbsp}0.0457 " in numbers
    assert f"5.0{nbsp}min\\*" in numbers
    assert f"1.00{nbsp}GiB" in numbers
    assert f" 1{hyphen}10 best" in numbers
    assert "gru 1-2" in to_markdown(a_document(words))
    assert {nbsp, hyphen}.isdisjoint(to_text(page) + to_csv(page) + to_html_part(page))


def test_a_table_that_github_cannot_make_narrow_enough_is_cut_then_folded():
    wide = EstimateCell(0.9, 0.0457)
    columns = (
        Column("plugin", is_number=False),
        *(Column(f"v{number}", importance=number) for number in range(5)),
        Column("status", is_number=False, shortest=16),
    )

    def written(status: str, label: str = "gru") -> str:
        row = (Text(label), *[wide] * 5, Text(status))
        return to_markdown(a_document(CellTable(columns, (row,))))

    assert "<details>" not in written("ok")
    reason = 10 * "_with_a_long_name"
    cut = written(f"failed: {reason}")
    assert "<details>" not in cut
    assert "with_a… |" in cut
    assert f"- {escape_markdown(f'gru: failed: {reason}')}\n" in cut
    assert "<summary>More columns: v0</summary>" in written("ok", label="a_name_of_" + 12 * "x")


# CSV and JSON


def test_csv_has_a_column_for_each_value_that_any_row_has():
    first = a_table(Exact(Missing(), {"": 1, "_a": "one"}), about={"task": "jena"})
    second = a_table(Exact(Missing(), {"": None, "_b": True}), about={"task": "imdb"})

    assert to_csv(a_document(first, second)) == "task,x,x_a,x_b\njena,1,one,\nimdb,,,True\n"


def test_json_writes_data_classes_and_null_for_what_is_not_finite():
    data = {"cells": (Number(math.inf), Text("a\nb")), "nan": math.nan, "n": 3, "no": None}
    text = to_json(a_document(data=data))

    assert json.loads(text, parse_constant=pytest.fail) == {
        "cells": [{"value": None, "digits": 4, "is_signed": False}, {"value": "a\nb"}],
        "nan": None,
        "n": 3,
        "no": None,
    }
    assert text.endswith("}\n")


# Texts of any origin


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("__init__", r"\_\_init\_\_"),
        ("a|b*c`d", r"a\|b\*c\`d"),
        ("[x] ~y~ $z$", r"\[x\] \~y\~ \$z\$"),
        ("<b> & \\", r"&lt;b&gt; &amp; \\"),
    ],
)
def test_what_means_something_in_markdown_is_escaped(text, written):
    assert escape_markdown(text) == written


@pytest.mark.parametrize("name", ["imdb_conv1d", "val_mae"])
def test_an_underscore_within_a_name_stays_readable(name):
    assert escape_markdown(name) == name


def test_a_comment_notifies_nobody():
    document = a_document(Paragraph("ask @someone"), a_table(Text("@other")))

    assert "@someone" in to_markdown(document)
    in_comment = to_markdown(document, in_comment=True)
    assert "@someone" not in in_comment
    assert "@other" not in in_comment
    assert "someone" in in_comment


def everywhere(text: str) -> Document:
    """A document that has a text in each place that a document has."""
    columns = (Column(text, "name", is_number=False), Column("other", text))
    rows = ((Text(text), Exact(Text(text), {"": text})), (Text("last"), Missing()))
    table = CellTable(columns, rows, about={"task": text})
    return Document(
        text,
        (
            Section((Heading(text), Paragraph(text, is_strong=True), Paragraph(text), table)),
            Section((Fold(text, table), Notes((Note(text, text), Note("", text))))),
        ),
        {"text": text, "texts": [text]},
    )


def awkward(test):
    """Try a test with texts that have broken documents, and with any others."""
    for text in AWKWARD:
        test = example(text)(test)
    return given(st.text(st.characters(), max_size=40))(test)


@awkward
def test_no_text_breaks_a_terminal(text):
    printed = to_text(everywhere(text))
    written = one_line(text)

    assert all(c.isprintable() or c in "\n\u200c\u200d" for c in printed)
    assert printed.encode()
    lines = [line for line in printed.split("\n") if line.strip()]
    # A heading of several words takes two lines.
    table = 4 + (" " in written)
    # Of a text without characters nothing is left but the rest of the table.
    assert len(lines) == (3 + table + 2 if written else 3)


@awkward
def test_no_text_breaks_markdown(text):
    document = to_markdown(everywhere(text))
    tables = markdown_tables(document)

    assert [[len(row) for row in table] for table in tables] == [[2] * 4] * 2
    for heads, _, (first, second), _ in tables:
        assert heads[0] == first == second == one_line(text)
    tags = document.replace("<details><summary>", "").replace("</summary>", "")
    assert "<" not in tags.replace("</details>", "")
    headings = [line for line in document.split("\n") if line.startswith("#")]
    assert len(headings) - headings.count("#") <= 3
    assert document.encode()


@awkward
def test_no_text_breaks_html(text):
    page, plain = (Page(to_html_part(everywhere(one))) for one in (text, "plain"))

    assert page.tags == plain.tags
    assert page.cells == [one_line(text), one_line(text), "last", "–"] * 2
    assert to_html_part(everywhere(text)).encode()


@awkward
def test_any_text_comes_back_from_csv_and_json(text):
    document = everywhere(text)
    first, last = csv.reader(io.StringIO(to_csv(document))), None
    heads, *rows = first
    written = one_line(text)

    assert heads[:2] == ["task", "name"]
    assert rows[0] == [written] * len(heads)
    assert rows[1][:2] == [written, "last"]
    assert last is None
    assert json.loads(to_json(document)) == {"text": text, "texts": [text]}
    assert to_csv(document).encode()


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_document_is_no_error_in_any_format(form):
    assert html.unescape(FORMATS[form](Document("Nothing", (), {}))) is not None


# A terminal that is too narrow


def a_wide_table() -> CellTable:
    """Of columns that are left out one by one, the least important first."""
    fields = [
        Field(Column("plugin", is_number=False), Text),
        Field(Column("score"), lambda name: Number(0.25)),
        Field(Column("memory", importance=1), lambda name: Number(900, 1)),
        Field(Column("training", importance=2), lambda name: Number(12, 1)),
        Field(
            Column("status", is_number=False, shortest=6),
            lambda name: Text("failed: model.py:3: NameError" if name == "broken" else "ok"),
        ),
    ]
    return table_of(fields, ["gru", "broken"])


@pytest.mark.parametrize("width", range(27, 90))
def test_a_table_fits_the_terminal_and_says_what_it_left_out(width):
    shown = to_text(a_document(a_wide_table()), width)
    lines = shown.split("\n")
    assert max(map(len, lines)) <= width
    assert all(name in lines[0] for name in ("plugin", "score", "status"))
    missing = [name for name in ("memory", "training") if name not in lines[0]]
    told = " ".join(" ".join(lines).split())
    assert (f"no room for: {', '.join(reversed(missing))};" in told) == bool(missing)
    assert missing in ([], ["memory"], ["memory", "training"])
    assert "failed: model.py:3: NameError" in told


def test_a_pipe_has_no_width_and_gets_everything():
    shown = to_text(a_document(a_wide_table()))
    assert "no room" not in shown
    assert all(column.heading in shown for column in a_wide_table().columns)


def test_lines_break_between_words_and_long_words_stay_whole():
    path = "a/path/that/is/longer/than/a/line/of/this/terminal.csv"
    notes = Notes((Note("data", f"found in {path} and read as it is"),))
    lines = to_text(a_document(Paragraph("one two three four five six seven"), notes), 20).split(
        "\n"
    )
    assert lines == [
        *("one two three four", "five six seven"),
        *("data: found in", f"  {path}", "  and read as it is"),
    ]


# Large tables are written by quicker ways, which change nothing

TEXTS = st.text(st.sampled_from("aB1 _:#.%|*-±…\xa0‑中\t\x1b<"), max_size=8)


@given(TEXTS, st.sampled_from([None, 3]))
@example("::error", None)
def test_a_text_that_is_as_it_has_to_be_is_taken_as_it_is(text: str, longest: int | None) -> None:
    line = without_controls(" ".join(text.split()))
    whole = line if longest is None or len(line) <= longest else line[: longest - 1] + "…"
    entities = writers._ENTITIES

    assert one_line(text, longest) == whole
    assert escape_markdown(text, longest) == writers._SPECIAL.sub(
        lambda found: entities.get(found[0], f"\\{found[0]}"), whole
    )


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), TEXTS)
def test_a_table_in_markdown_is_laid_out_as_tabulate_does_it(
    texts: list[tuple[str, str]], heading: str
) -> None:
    table = CellTable(
        (Column(heading, is_number=False), Column("score")),
        tuple((Text(one), Text(other)) for one, other in texts),
    )
    rows = [[escape_markdown(one), writers._whole(escape_markdown(other))] for one, other in texts]

    by_tabulate = writers._grid(table, rows, [escape_markdown(heading), "score"], "pipe")
    assert writers._markdown_grid(table, escape_markdown) == by_tabulate
