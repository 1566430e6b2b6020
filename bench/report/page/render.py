"""A page as HTML: the templates, what they are given, and what a browser may do with it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.formatting import capitalised, one_line, without_controls
from bench.machine import version_of
from bench.report.document import Cell, CellTable, Fold, Heading, Notes, Paragraph, Place, Scalar
from bench.report.page.contents import PageContents, Part
from bench.report.page.drawn import Drawn

if TYPE_CHECKING:
    from jinja2 import Environment

#: What makes a page, by the name under which it is imported.
NEEDS = ("jinja2", "vl_convert")


def check_installed(option: str) -> None:
    """Refuse to make a page, which an option asks for, without what makes it.

    Raises:
        BenchError: Names what is missing, and what installs it.
    """
    missing = [name for name in NEEDS if version_of(name) is None]
    if missing:
        raise BenchError(
            f"{option}: {' and '.join(missing)} not installed; install with "
            "`pip install 'keras-sequence-bench[html]'`, or take --format md"
        )


def to_page(contents: PageContents) -> str:
    """Return one page that needs no other file and no network."""
    style = file("page.css")
    scripts = [*([library()] if _drawn(contents) else []), file("page.js")]
    hrefs = {label: f"#{anchor}" for label, anchor in contents.anchors.items()}
    links = {
        **{
            name: [
                (f"#{part.anchor}", part.heading)
                for part in contents.parts
                if part.anchor and part.is_data == is_data
            ]
            for name, is_data in (("Tables", False), ("Data", True))
        },
        "Plugins": [(f"#{anchor}", panel.name) for anchor, panel in contents.panels.items()],
    }
    return page(
        contents,
        hrefs,
        links,
        _drawn(contents),
        policy=_policy(style, scripts),
        style=style,
        scripts=scripts,
        drawn_parts=[part for part in contents.parts if part.drawn is not None],
    )


def page(
    contents: PageContents,
    hrefs: Mapping[str, str],
    links: Mapping[str, Sequence[tuple[str, str]]],
    data: Mapping[str, Drawn],
    policy: str,
    style: str = "",
    scripts: Sequence[str] = (),
    root: str | None = None,
    drawn_parts: Sequence[Part] = (),
) -> str:
    """Return a page.

    Args:
        contents: What stands on it.
        hrefs: Where the panel of each row is, by its label.
        links: Addresses and their texts, by what they are of.
        data: What its pictures are drawn from, by the part.
        policy: What a browser may do.
        style: The style, or "" where it is a file beside ``root``.
        scripts: The scripts, or the names of their files there.
        root: How a file beside the first page is reached from this one; None where there is none.
        drawn_parts: Of which tables the panels have pictures.
    """
    text: str = (
        _environment()
        .get_template("page.html")
        .render(
            page=contents,
            hrefs=hrefs,
            links=links,
            data=data,
            policy=policy,
            style=style,
            scripts=scripts,
            root=root,
            drawn_parts=drawn_parts,
            alone=not contents.parts or root is not None,
        )
    )
    return text


def _drawn(contents: PageContents) -> dict[str, Drawn]:
    return {part.anchor: part.drawn for part in contents.parts if part.drawn is not None}


def _policy(style: str, scripts: Sequence[str]) -> str:
    """Return what a browser may do: run these scripts, use this style, fetch nothing."""
    run = " ".join(_digest(script) for script in scripts) or "'none'"
    return (
        f"default-src 'none'; script-src {run}; style-src {_digest(style)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@lru_cache(maxsize=1)
def library() -> str:
    """Return the JavaScript of Vega-Lite, with Vega and what shows them, as one script."""
    import vl_convert

    made: str = vl_convert.javascript_bundle(_ENTRY)
    return made.replace("</script", "<\\/script").replace("<!--", "<\\!--")


_CAPTIONS = {
    "cost": "Quality against what it costs",
    "curves": "Learning curves",
    "history": "History over commits",
    "forecast": "Forecast against truth",
    "errors": "When it errs",
    "calibration": "Calibration",
    "confusion": "Which classes are taken for which",
}


def _caption_of(kind: str, part: Part) -> str:
    """Return what a picture shows: of data, what the task says."""
    name, _, number = kind.partition("-")
    if name != "data":
        return _CAPTIONS[kind]
    return capitalised((part.drawn or {})["pictures"][int(number)]["title"])


_ENTRY = "window.vegaEmbed = vegaEmbed;"


def file(name: str) -> str:
    """Return one of the suite's own templates, styles and scripts."""
    return (resources.files("bench.report.page") / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    made = Environment(
        loader=FunctionLoader(file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        line=one_line, lines=_lines, plain=Markup, json=lambda data: Markup(to_json(data))
    )
    made.tests.update(
        table=lambda block: isinstance(block, CellTable),
        fold=lambda block: isinstance(block, Fold),
        notes=lambda block: isinstance(block, Notes),
        heading=lambda block: isinstance(block, Heading),
        paragraph=lambda block: isinstance(block, Paragraph),
    )
    made.globals.update(
        on_page=lambda block: block.standing(Place.PAGE),
        label_of=_label_of,
        sort_value=_sort_value,
        bar=_bar,
        rank_bar=_rank_bar,
        caption_of=_caption_of,
    )
    return made


def _lines(text: str) -> str:
    return "\n".join(without_controls(line.expandtabs()) for line in text.splitlines())


def to_json(data: Any) -> str:
    """Return JSON that ends no element of a page, whatever texts are in it."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


# Tables: which row is which, what it is sorted by, what is drawn in a cell


def _label_of(table: CellTable, row: tuple[Cell, ...]) -> str:
    """Return the label of the row's plugin, "" where the table is not of plugins."""
    for column, cell in zip(table.columns, row, strict=True):
        if column.heading == "plugin":
            return str(cell.values.get("") or "")
    return ""


def _sort_value(cell: Cell) -> Scalar:
    """Return what a row is sorted by: a number where the cell has one, else its text."""
    values = cell.values
    for name in ("", "_low"):
        value = values.get(name)
        if isinstance(value, int | float):
            return float(value)
    return None if not values.get("") and not cell.text.strip("–") else one_line(cell.text)


def _bar(part: Part | None, key: str, cell: Cell) -> Mapping[str, float] | None:
    """Return where the mean and its interval are on the part's axis, in hundredths of it."""
    if part is None or not part.key or key != part.key:
        return None
    value, low, high = (cell.values.get(name) for name in ("", "_low", "_high"))
    if not isinstance(value, int | float):
        return None
    start, end = part.ends

    def place(number: Scalar) -> float:
        known = number if isinstance(number, int | float) else value
        return round(100 * min(max((float(known or 0) - start) / (end - start), 0.0), 1.0), 2)

    return {"low": place(low), "mean": place(value), "high": place(high)}


def _rank_bar(part: Part | None, key: str, cell: Cell, rows: int) -> Mapping[str, float] | None:
    """Return where the ranks that the data leave open are among all ranks, in hundredths."""
    low, high = cell.values.get("_low"), cell.values.get("_high")
    is_rank = part is not None and part.key and key == "rank"
    if not is_rank or not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    return {
        "x": round(100 * (float(low) - 1) / rows, 2),
        "width": round(100 * (float(high) - float(low) + 1) / rows, 2),
    }
