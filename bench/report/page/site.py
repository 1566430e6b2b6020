"""A page as a folder of a site: an address for each table and each plugin that stays the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from bench.report.page import render
from bench.report.page.contents import PageContents, Part
from bench.report.page.drawn import Drawn

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
_LIBRARY, _SCRIPT, _STYLE = "library.js", "page.js", "page.css"


def site(contents: PageContents) -> Iterator[tuple[str, str]]:
    """Yield each file of a site: its path from the first page, and its text.

    Tables are ``table/<task>-<source>-<profile>.html``, the data of tasks
    ``data/<task>-<source>.html``, plugins ``plugin/<name>.html``.
    """
    yield _STYLE, render.file(_STYLE)
    yield _SCRIPT, render.file(_SCRIPT)
    yield _LIBRARY, render.library()
    others = tuple(part for part in contents.parts if part.drawn is None)
    index = replace(contents, parts=others, panels={})
    yield "index.html", _page(index, contents, "", {})
    for part in contents.parts:
        if part.drawn is not None:
            title = f"{contents.title}: {part.heading}"
            alone = replace(contents, title=title, parts=(part,), panels={})
            yield _path_of(part), _page(alone, contents, "../", {part.anchor: part.drawn})
    for anchor, panel in contents.panels.items():
        parts = tuple(part for part in contents.parts if part.anchor in panel.labels)
        alone = replace(contents, title=panel.name, parts=(), panels={anchor: panel})
        data = {part.anchor: only(part.drawn or {}, panel.labels[part.anchor]) for part in parts}
        yield _place_of(anchor), _page(alone, contents, "../", data, parts)


def _page(
    shown: PageContents,
    whole: PageContents,
    root: str,
    data: Mapping[str, Drawn],
    drawn_parts: Sequence[Part] = (),
) -> str:
    hrefs = {label: f"{root}{_place_of(anchor)}" for label, anchor in whole.anchors.items()}
    links = {
        "Start": [(f"{root}index.html", whole.title)],
        **{
            name: [
                (f"{root}{_path_of(part)}", part.heading)
                for part in whole.parts
                if part.drawn and part.is_data == is_data
            ]
            for name, is_data in (("Tables", False), ("Data", True))
        },
        "Plugins": [
            (f"{root}{_place_of(anchor)}", panel.name) for anchor, panel in whole.panels.items()
        ],
    }
    scripts = [*([_LIBRARY] if data else []), _SCRIPT]
    return render.page(shown, hrefs, links, data, _POLICY, "", scripts, root, drawn_parts)


def _path_of(part: Part) -> str:
    return f"data/{part.anchor[5:]}.html" if part.is_data else f"table/{part.anchor}.html"


def _place_of(anchor: str) -> str:
    return f"plugin/{anchor.removeprefix('plugin-')}.html"


def only(drawn: Drawn, labels: Sequence[str]) -> Drawn:
    """Return what is drawn of some rows alone."""

    def kept(found: Mapping[str, object]) -> dict[str, object]:
        return {label: found[label] for label in labels if label in found}

    made = dict(drawn)
    made["rows"] = [row for row in drawn.get("rows", ()) if row["label"] in labels]
    made["curves"] = {name: kept(found) for name, found in drawn.get("curves", {}).items()}
    for name in ("history", "errors", "calibration", "confusion"):
        if name in made:
            made[name] = kept(made[name])
    if "forecast" in made:
        made["forecast"] = {**made["forecast"], "rows": kept(made["forecast"]["rows"])}
    return made
