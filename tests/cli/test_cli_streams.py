"""What the command line writes reaches pipes and terminals of every kind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TextIO

import pytest
from builders import a_record

from bench.cli import UNPRINTED, main
from bench.records.store import Store

GOLDEN = Path(__file__).parents[1] / "golden"


def report(folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "report", "--results", str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        capture_output=True,
        timeout=60,
    )


def test_a_stream_that_lacks_a_character_shows_another_in_its_place(tmp_path):
    Store(tmp_path).write(a_record())
    western = report(tmp_path, PYTHONIOENCODING="latin-1")

    assert western.returncode == 0
    assert "(°C)" in western.stdout.decode("latin-1")
    assert "–" in report(tmp_path, PYTHONIOENCODING="utf-8").stdout.decode("utf-8")
    assert b"jena_gru" in western.stdout
    assert b" ? " in western.stdout


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    Store(tmp_path).write(a_record())
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "report", "--results", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)

    assert b"Traceback" not in err
    assert b"error" not in err


# Every command and every exit status that its help documents, on streams of every kind


WEATHER = "weather.csv"
SIDES = "--baseline before-and-after/before.json --candidate before-and-after/after.json"
RUN = f"run --plugins made --task jena --profile smoke --data jena={WEATHER} --results new"
#: Of the golden results those that are read here: a stream does not care how many there are.
FEW = ("imdb/imdb_onehot", "jena/jena_broken", "jena/jena_gru")
#: Command lines with their exit status; of those in ``PRINTED`` a text is all that comes.
PRINTED = [
    "",
    "--help",
    "--version",
    "run --help",
    "list",
    "list --json",
    "report --results results",
    "report --results results --format html",
    "report --results results --reproduction",
    "show jena_gru --results results",
    "history history --metric quality",
    "data status",
]
WORKED = {
    "report --results results --output board.html": 0,
    "baseline --results results --profile quick --output kept.json": 0,
    f"check {SIDES} --allow worse --allow failed,not-measured --allow not-comparable": 0,
    f"check {SIDES}": 1,
    f"check {SIDES} --allow worse": 3,
    "check --baseline nowhere.json": 4,
    f"check {SIDES} --allow worse --allow failed,not-measured": 5,
    f"{RUN} needy": 0,
    f"{RUN} needy --failed": 2,
    f"{RUN} needy wron*": 1,
    "test made/broken.py": 1,
    "new my_model --task jena --folder made": 0,
    f"data verify jena={WEATHER}": 0,
    "data verify jena=short.csv": 1,
    "data verify nothing.csv": 1,
    "data fetch imdb": 1,
}
REFUSED = [
    "lis",
    "list --task jenna",
    "run nothing",
    "test nothing",
    "report --results nowhere",
    "report --results results --output board.pdf",
    "show nothing --results results",
    "baseline --results nowhere",
    "check --level much",
    "history nowhere",
    "new My-Model --task jena",
    "data",
]
TABLE = {**dict.fromkeys(PRINTED, 0), **WORKED, **dict.fromkeys(REFUSED, 2)}

full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")


@pytest.fixture
def place(
    tmp_path: Path, cache: Path, weather: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Return a function that enters a new folder with records, baselines, plugins and data."""
    monkeypatch.setenv("BENCH_CACHE_DIR", str(cache))
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "no-data"))
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def enter(name: str) -> Path:
        folder = tmp_path / name
        for part in ("before-and-after", "history", *(f"results/{name}" for name in FEW)):
            shutil.copytree(GOLDEN / part, folder / part)
        (folder / "made").mkdir()
        (folder / "made" / "needy.py").write_text(NEEDY, encoding="utf-8")
        (folder / "made" / "broken.py").write_text("TASK = 'jena'\ndef build(", encoding="utf-8")
        (folder / "made" / "wrong.py").write_text(NEEDY.replace("{}", "3"), encoding="utf-8")
        shutil.copyfile(weather, folder / WEATHER)
        (folder / "short.csv").write_text("Date Time,T (degC)\n01.01.2009", encoding="utf-8")
        monkeypatch.chdir(folder)
        return folder

    return enter


NEEDY = '''"""A model that wants a package which nobody has."""
import no_such_package_anywhere

TASK = "jena"
HYPERPARAMETERS = {}


def build(task):
    raise AssertionError
'''


def ended(words: str) -> int:
    """Run a command line on the streams as they are; return its exit status."""
    with pytest.raises(SystemExit) as exit_:
        main(words.split())
    assert isinstance(exit_.value.code, int)
    return exit_.value.code


def a_pipe_without_a_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


def a_full_device() -> TextIO:
    return open("/dev/full", "w")


KINDS = [a_pipe_without_a_reader]
if Path("/dev/full").exists():
    KINDS.append(a_full_device)
COMPLAINT = "{}: standard output: could not be written (No space left on device), "


@pytest.mark.parametrize("words", TABLE)
def test_what_becomes_of_a_stream_changes_neither_status_nor_work(
    words, place, monkeypatch, capsys
):
    """Status, files and the other stream are as on good streams; what is lost is said.

    A full device under a text that was all that was asked for is the one exception: that is
    an error of its own, with its own exit status.
    """
    good = place("good")
    status, usual = ended(words), without_clock(capsys.readouterr())
    assert status == TABLE[words], usual.err
    for kind in KINDS:
        for stream in ("stdout", "stderr"):
            bad = place(f"bad-{stream}-{kind.__name__}")
            with kind() as file, monkeypatch.context() as patch:
                patch.setattr(sys, stream, file)
                found, told = ended(words), without_clock(capsys.readouterr())
            lost = stream == "stdout" and kind is a_full_device and usual.out != ""
            unprinted = lost and words in PRINTED
            said = COMPLAINT.format("error" if unprinted else "warning") if lost else ""

            assert found == (UNPRINTED if unprinted else status)
            assert tree(bad) == tree(good)
            if stream == "stderr":
                assert told.out == usual.out
            else:
                assert told.err.startswith(usual.err)
                assert told.err.removeprefix(usual.err).startswith(said)
                assert bool(said) == (told.err != usual.err)


def tree(folder: Path) -> list[str]:
    """Return the files of a folder, without the time in the name of a record."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(re.sub(r"\d{8}T[\d.]+Z", "", str(path.relative_to(folder))) for path in files)


class Told(NamedTuple):
    """What was said on the two streams."""

    out: str
    err: str


def without_clock(told: Iterable[str]) -> Told:
    """Return texts without times and without the name of the test's folder."""
    # The scripts of a page are a megabyte on one line, which the patterns would go over for ever.
    read = (re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL) for text in told)
    return Told(*(_CLOCK.sub("", re.sub(r"/(good|bad-\w+-\w+)\b", "/place", x)) for x in read))


_CLOCK = re.compile(r"\d+(\.\d+)?(?= ?(ms|s|min)\b)|\d{4}-\d\d-\d\d\S*|.*only once.*\n")


def test_a_fault_of_the_suite_keeps_its_status_on_a_full_device(monkeypatch):
    def at_fault(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("bench.cli.cli.main", at_fault)
    for kind in KINDS:
        with kind() as file, monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", file)
            assert ended("list") == 70


@full
def test_streams_are_as_they_were_when_a_command_is_over(capsys):
    before = sys.stdout, sys.stderr
    ended("--version")

    assert (sys.stdout, sys.stderr) == before
    assert capsys.readouterr().out.startswith("bench, version")


def test_a_pipe_that_does_not_wait_gets_all_of_a_text(tmp_path, monkeypatch):
    """As of a parent that has made its pipe non-blocking: more than it takes at once."""
    for number in range(60):
        Store(tmp_path).write(a_record(f"jena_model_{number}"))
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    found: list[bytes] = []

    def read() -> None:
        with os.fdopen(reader, "rb") as file:
            found.append(file.read())

    thread = threading.Thread(target=read)
    with os.fdopen(writer, "w") as file, monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        fill = bytes(1 << 20)
        taken = os.write(writer, fill)
        thread.start()
        assert ended(f"report --results {tmp_path} --format json") == 0
    thread.join(60)

    assert len(json.loads(found[0][taken:])["tables"][0]["rows"]) == 60


@pytest.mark.parametrize(
    ("words", "end", "status"),
    [
        (f"check {SIDES}", "| head -1", 1),
        (f"check {SIDES}", "> /dev/full", 1),
        (f"check {SIDES}", "2> /dev/full", 1),
        (f"check {SIDES}", ">&-", 1),
        ("list", "> /dev/full", UNPRINTED),
        ("list", "> /dev/full 2> /dev/full", UNPRINTED),
        ("lis", "2> /dev/full", 2),
    ],
)
@full
def test_a_shell_sees_the_status_of_the_work(words, end, status, place):
    """In a process of its own: Python too flushes at its end, and has a say in the status."""
    place("good")
    shell = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m bench {words} {end}; exit ${{PIPESTATUS[0]}}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert shell.returncode == status, shell.stderr
    assert "Traceback" not in shell.stderr
    assert "Exception ignored" not in shell.stderr


@pytest.mark.parametrize("words", ["", "--debug"])
def test_a_bare_command_shows_the_help_in_its_lines(words, capsys):
    assert ended(words) == 0
    bare = capsys.readouterr()
    assert ended("--help") == 0

    assert bare == capsys.readouterr()
    assert len(bare.out.splitlines()) > 20
    assert "\n  check " in bare.out
