"""A results folder in which others have written: no junk breaks a command, no name escapes."""

from __future__ import annotations

import copy
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from builders import AWKWARD, a_board, a_record, edited

from bench.cli import main
from bench.cli.show import _last, _line
from bench.errors import BenchError
from bench.protocol import FAILED
from bench.records.predictions import Predictions
from bench.records.record import Record, from_json
from bench.records.store import LARGEST_RECORD, Store
from bench.report.leaderboard import leaderboard_document
from bench.report.writers import FORMATS

posix = pytest.mark.skipif(sys.platform == "win32", reason="such files are of POSIX systems")


@pytest.fixture
def command(tmp_path, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run a command on the store in ``tmp_path``; return status, output and errors."""

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exit_:
            main([words[0], "--results", str(tmp_path), *words[1:]])
        printed = capsys.readouterr()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, printed.out, printed.err

    return run


# Junk


def a_large_file(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 1024**2)


def a_loop(path: Path) -> None:
    path.symlink_to(path.name)


JUNK: list[Any] = [
    pytest.param(lambda path: path.write_bytes(b"\x00\xff\xfe"), "is no text in UTF-8", id="bytes"),
    pytest.param(lambda path: path.write_text("junk"), "is not a whole JSON document", id="text"),
    pytest.param(lambda path: path.write_text('"record"'), "is no object", id="another kind"),
    pytest.param(lambda path: path.write_text("{}"), "has schema version null", id="empty object"),
    pytest.param(lambda path: path.write_text("[" * 10**6), "is not a whole JSON", id="nested"),
    pytest.param(
        lambda path: path.write_text(a_record().to_json().replace("0.26", "NaN")),
        "NaN is no JSON",
        id="no number",
    ),
    pytest.param(
        lambda path: path.write_text('{"schema_version": ' + "9" * 5000 + "}"), "", id="long number"
    ),
    pytest.param(a_large_file, "has 104,857,600 bytes, more than the", id="large"),
    pytest.param(Path.mkdir, "is not a regular file", id="folder"),
    pytest.param(a_loop, "cannot be read (Too many levels", id="loop", marks=posix),
    pytest.param(
        lambda path: path.symlink_to("gone"), "cannot be read (No such", id="dangling", marks=posix
    ),
    pytest.param(lambda path: os.mkfifo(path), "is not a regular file", id="pipe", marks=posix),
    pytest.param(
        lambda path: path.symlink_to("/dev/zero"), "is not a regular", id="device", marks=posix
    ),
]


@pytest.mark.parametrize(("make", "reason"), JUNK)
@pytest.mark.timeout(30)
def test_junk_among_the_records_is_named_with_its_reason_and_the_rest_is_read(
    tmp_path, command, make, reason
):
    store = Store(tmp_path)
    record = a_record()
    path = store.write(record)
    junk = path.with_name(f"junk-{record.identity[:12]}.json")
    make(junk)
    contents = store.read()

    assert contents.records == store.find(record.trial) == (record,)
    (line,) = contents.unreadable
    assert line.startswith(f"{junk}: ")
    assert reason in line
    store.prepare()
    for words in (("report",), ("show", "jena_gru")):
        status, out, err = command(*words)
        assert (status, "jena_gru" in out) == (0, True)
        assert f"warning: left out {line}\n" in err


@posix
@pytest.mark.timeout(30)
def test_junk_where_folders_belong_breaks_nothing(tmp_path, command):
    store = Store(tmp_path)
    path = store.write(a_record())
    for folder in (tmp_path, path.parents[1], path.parent):
        os.mkfifo(folder / "pipe")
        (folder / "loop").symlink_to("loop")
        (folder / "up").symlink_to("..")
        (folder / "\x1b[31m\n\udcff").write_bytes(b"")
    store.prepare()

    assert a_record() in store.read().records
    assert store.find(a_record().trial) == (a_record(),)
    assert command("report")[0] == 0


@posix
def test_a_file_name_cannot_write_on_the_terminal(tmp_path, command):
    path = Store(tmp_path).write(a_record())
    path.with_name("\x1b]0;title\x07\nwarning: all is well \u202e\udcff.json").write_bytes(b"")
    status, _, err = command("report")

    assert status == 0
    assert all(c.isprintable() or c == "\n" for c in err)
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("share", [0, 1, 17, 64, 65, 66, 0.1, 0.5, 0.9, 0.99])
def test_a_record_cut_short_at_any_length_is_named(tmp_path, share):
    store = Store(tmp_path)
    path = store.write(a_record())
    content = path.read_bytes()
    length = share if isinstance(share, int) else int(share * len(content))
    path.write_bytes(content[:length])
    contents = store.read()

    assert contents.records == ()
    assert "is not a whole JSON document" in contents.unreadable[0]


def test_a_metric_that_was_edited_by_hand_is_named_and_never_shown(tmp_path, command):
    store = Store(tmp_path)
    store.write(a_record(seed=1, quality=0.26))
    path = store.write(a_record(seed=2, quality=0.27))
    path.write_text(path.read_text().replace("0.27", "0.07"))
    _, out, err = command("report")

    assert "0.2600" in out
    assert "0.07" not in out
    assert f"{path}: does not match its own digest: it was edited or damaged" in err


def test_a_record_too_long_to_be_read_again_is_not_written(tmp_path):
    with pytest.raises(BenchError, match="jena_gru seed 0 left too long a record to be kept"):
        Store(tmp_path).write(a_record(log="x" * LARGEST_RECORD))
    assert Store(tmp_path).read().unreadable == ()


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads it all")
def test_a_folder_that_cannot_be_listed_is_named(tmp_path):
    path = Store(tmp_path).write(a_record())
    path.parent.chmod(0)
    try:
        (line,) = Store(tmp_path).read().unreadable
    finally:
        path.parent.chmod(0o755)
    assert line == f"{path.parent}: cannot be listed (Permission denied)"


# Finding


def test_the_records_of_a_trial_are_found_oldest_first(tmp_path):
    store = Store(tmp_path)
    late, early = a_record(minute=2, status=FAILED, reason="x"), a_record(minute=1)
    for record in (late, early, a_record(seed=1), a_record(trial={"fingerprint": "other"})):
        store.write(record)
    assert store.find(early.trial) == (early, late)
    assert store.find(a_record(seed=9).trial) == ()
    assert Store(tmp_path / "gone").find(early.trial) == ()


def test_finding_opens_no_other_files(tmp_path):
    store = Store(tmp_path)
    path = store.write(a_record())
    named_alike = path.with_name(path.name.replace("Z-", "Z-2-"))
    named_alike.write_text(a_record(seed=1).to_json())
    if sys.platform != "win32":
        path.with_name("other.json").symlink_to("/dev/zero")
    assert store.find(a_record().trial) == (a_record(),)


# Names


OUTSIDE = ["../../x", "..", ".", "", "a/b", "/etc", "a/", "x\0y", "\ud800"]


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("part", ["plugin", "task"])
def test_a_name_that_would_lead_out_of_the_folder_is_refused(name, part):
    record = a_record()
    trial = replace(record.trial, **{part: name})
    record = replace(record, trial=trial, identity=trial.identity)
    with pytest.raises(BenchError, match="which cannot name a folder"):
        from_json(record.to_json())


@pytest.mark.parametrize("name", [*OUTSIDE, "../../secret.npz", "/etc/passwd"])
def test_predictions_outside_of_the_folder_are_refused(name):
    new = a_record(predictions=Predictions(name, None, None)).to_json()
    old = edited(a_record(), predictions=name, schema_version=1)
    for text in (new, old):
        with pytest.raises(BenchError, match="which is no file beside it"):
            from_json(text)


class Page(HTMLParser):
    """The tags of a page with the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[tuple[str, ...]] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, *(name for name, _ in attrs)))


HOSTILE = [
    *AWKWARD,
    "\u202egnp.exe\u202c",
    "\x1b]0;title\x07",
    "<img src=x onerror=alert(1)>",
    "</td></table><script>",
    '" onmouseover="alert(1)',
    "![x](javascript:alert(1))",
    "# heading\n\n- item",
    "\r\x1b[2Kjena_gru",
    "::error::all is lost",
    "\n ##[error]all is lost",
]


def as_name(text: str) -> str:
    """Make a text into one that can name a folder."""
    return text.translate({ord("/"): "\u2215", ord("\0"): None, 0xD800: None})


def everywhere(text: str) -> list[Record]:
    """Records in which every text that a reader may show is this one."""
    record = a_record(trial={"overrides": {text: text}, "versions": {text: text}})
    name = as_name(text)
    metric = {**record.data["metric"], "units": {"mae": text, text: text}}
    scores = {"mae": 0.26, text: 0.5}
    record = replace(
        record,
        trial=replace(record.trial, plugin=name, task=name, profile=text, backend=text),
        metrics={
            **record.metrics,
            "validation": scores,
            "test": scores,
            "curves": {text: [0.1, 0.2]},
        },
        timing={**record.timing, text: 1.0},
        data={**record.data, "why": text, "metric": metric},
        environment={
            "machine": {"processor": text, "system": text, "cores": text},
            **dict.fromkeys(("command", "commit", "python", "suite"), text),
        },
        log=text,
        reason=text,
    )
    failed = replace(record, status=FAILED, finished="2025-01-03T00:00:00+00:00")
    return [replace(r, identity=r.trial.identity) for r in (record, failed)]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_name_of_a_record_escapes_into_a_document_or_the_terminal(tmp_path, command, text):
    store = Store(tmp_path)
    for record in everywhere(text):
        assert store.write(record).is_relative_to(tmp_path)
    contents = store.read()
    assert (len(contents.records), contents.unreadable) == (2, ())

    page = Page(command("report", "--format", "html")[1])
    assert "img" not in page.tags
    markdown = command("report", "--format", "md")[1]
    folds = r"</?details>|</?summary>"
    assert "<" not in re.sub(folds, "", markdown)
    assert len([line for line in markdown.splitlines() if line.startswith("#")]) == 3
    kept = str(tmp_path / "kept.json")
    for words in (
        ("report",),
        ("show", "--", as_name(text)),
        ("baseline", "--output", kept),
        ("check", "--baseline", kept, "--verbose"),
    ):
        status, out, err = command(*words)
        assert status == 0 or words[0] in ("baseline", "check"), err
        assert "a fault of the suite" not in err
        assert all(c.isprintable() or c in "\n\u200d" for c in out + err)
        assert not any(line.strip().startswith(("::", "##[")) for line in (out + err).split("\n"))


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "\n::error::all is lost", "\u202egnp"])
def test_the_name_of_another_machine_cannot_write_on_the_terminal(tmp_path, command, text):
    store = Store(tmp_path)
    machine = {"processor": text, "cores": text, "memory": 1, "system": text}
    store.write(a_record(seed=0, minute=1, environment={"machine": machine}))
    store.write(a_record(seed=1, minute=2))
    _, _, err = command("baseline", "--output", str(tmp_path / "kept.json"))

    assert "left out times and memory of 1 record of another machine" in err
    assert all(c.isprintable() or c == "\n" for c in err)
    assert not any(line.startswith("::") for line in err.split("\n"))


# Shapes


def leaves(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every part of a document."""
    if path:
        yield path
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        if isinstance(value, (dict, list)):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key)


def spoiled(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> str:
    """Put a value into a document of the first schema, which has no digest, and re-sign it."""
    changed = copy.deepcopy(document)
    inner = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    content = {k: v for k, v in changed["trial"].items() if k != "overrides"}
    changed["identity"] = _identity(content)
    return json.dumps(changed)


def _identity(content: dict[str, Any]) -> str:
    import hashlib

    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


ODD = [None, True, -1, 10**400, 1e308, "x", [], {}, [None], {"x": []}]


def test_whatever_stands_where_another_value_belongs_is_refused_or_shown():
    text = (Path(__file__).parent / "v1" / "ok.json").read_text(encoding="utf-8")
    document = json.loads(text)
    accepted = refused = 0
    for path in leaves(document):
        for value in ODD:
            if path in (("identity",), ("trial",)):
                continue
            try:
                record = from_json(spoiled(document, path, value))
            except BenchError:
                refused += 1
                continue
            accepted += 1
            board = a_board(record, a_record())
            shown = leaderboard_document(board)
            assert all(write(shown) for write in FORMATS.values())
            assert _last(record)
            assert _line(record)
    assert accepted > 100
    assert refused > 300
