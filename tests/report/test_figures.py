"""The drawn pictures: sound SVG, the same bytes, small, and safe whatever the names are."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from builders import AWKWARD, a_board, a_record, board_with, three_seeds

from bench.analysis.leaderboard import Leaderboard
from bench.cli import main
from bench.formatting import one_line
from bench.records.store import Store
from bench.report.figures import figures, learning_curves
from bench.report.style import on_dark

Report = Callable[..., "tuple[int, str]"]
SMALL = 150_000  # bytes


def texts(svg: bytes) -> list[str]:
    """The texts of a picture, as a browser shows them."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.text]


def plugins(number: int, epochs: int = 20) -> Leaderboard:
    """A naive model and others that learn, over three seeds each."""
    noise = random.Random(7)
    records = [a_record("jena_naive", 0.29, seed=seed) for seed in range(3)]
    records = [
        replace(r, metrics={**r.metrics, "curves": {}}, timing={**r.timing, "fit": 0.0})
        for r in records
    ]
    for which in range(1, number):
        best, seconds = noise.uniform(0.25, 0.3), noise.uniform(2, 900)
        for seed in range(3):
            curve = [best + 0.3 * 0.7**e + noise.gauss(0, 0.003) for e in range(epochs)]
            record = a_record(f"jena_model_{which}", min(curve), seed=seed)
            curves = {"validation_mae": curve, "train_mae": [v - 0.02 for v in curve]}
            records.append(
                replace(
                    record,
                    metrics={**record.metrics, "curves": curves},
                    timing={**record.timing, "fit": seconds},
                )
            )
    return a_board(*records)


@pytest.mark.parametrize("number", [1, 2, 5, 40])
def test_any_number_of_models_makes_two_small_pictures_that_name_each(number):
    curves, time = figures(plugins(number)).values()

    for svg in (curves, time):
        assert len(svg) < SMALL
        assert "jena_naive" in texts(svg)
        assert all(f"jena_model_{which}" in texts(svg) for which in range(1, number))


def test_the_same_records_give_the_same_bytes():
    assert figures(plugins(3)) == figures(plugins(3))


def test_a_picture_holds_neither_date_nor_version():
    for svg in figures(three_seeds()).values():
        assert b"dc:date" not in svg
        assert b"atplotlib v" not in svg


@pytest.mark.parametrize("text", [*AWKWARD, "$x$ and $\\frac$"])
def test_any_name_is_shown_as_text(text):
    for svg in figures(board_with(text)).values():
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}

        assert "script" not in tags
        assert any(shown.startswith(one_line(text, 24)[:-1]) for shown in texts(svg))


def test_the_title_says_which_data_and_the_legend_names_the_baseline():
    for svg in figures(three_seeds()).values():
        assert any("jena, official data, quick profile" in text for text in texts(svg))
        assert "jena_naive (baseline)" in texts(svg)


def test_a_model_far_off_is_marked_and_its_figure_given():
    records = [a_record(f"m{number}", 0.25 + 0.01 * number) for number in range(3)]
    curves, time = figures(a_board(*records, a_record("lost", 77.0))).values()

    assert "own scale" in texts(curves)
    assert "77.0000" in texts(curves)
    assert "lost (77.0000)" in texts(time)
    assert "beyond the scale" in texts(time)


def test_models_without_training_are_drawn_at_none():
    assert "none" in texts(figures(plugins(2))["jena-official-quick-time.svg"])
    assert "none" not in texts(figures(a_board(a_record()))["jena-official-quick-time.svg"])


def test_a_model_that_was_timed_on_another_machine_is_named_where_it_has_no_point():
    """The picture that opens the README was without the best model, and said nothing of it."""
    elsewhere = replace(
        a_record("timed_elsewhere", 0.2),
        environment={"machine": {"processor": "Another", "cores": 2}, "threads": 2},
    )
    here = [a_record(f"m{number}", 0.25 + 0.01 * number) for number in range(3)]
    time = figures(a_board(*here, elsewhere))["jena-official-quick-time.svg"]

    said = "training time (left out, without a time that compares: timed_elsewhere)"
    assert said in texts(time)
    alone = figures(a_board(*here))["jena-official-quick-time.svg"]
    assert "training time" in texts(alone)


def test_the_users_own_style_changes_nothing(monkeypatch):
    import matplotlib

    before = figures(three_seeds())
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)
    monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "black")

    assert figures(three_seeds()) == before
    assert matplotlib.rcParams["font.size"] == 30.0


# The command


@pytest.fixture
def report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Report:
    """Run ``report`` on the record of one trial; return exit status and standard error."""
    Store(tmp_path / "results").write(a_record())

    def run(*words: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as exit_:
            main(["report", "--results", str(tmp_path / "results"), *map(str, words)])
        printed = capsys.readouterr()
        assert ("jena_gru" in printed.out) == (exit_.value.code == 0)
        return int(str(exit_.value.code)), printed.err

    return run


def test_report_writes_the_pictures_beside_the_leaderboard(report, tmp_path):
    status, said = report("--figures", tmp_path / "pictures" / "here")

    written = sorted(path.name for path in (tmp_path / "pictures" / "here").iterdir())
    assert status == 0
    assert written == [
        *("jena-official-quick-curves-dark.svg", "jena-official-quick-curves.svg"),
        *("jena-official-quick-time-dark.svg", "jena-official-quick-time.svg"),
    ]
    assert "2 figures written to" in said


def test_without_matplotlib_one_line_names_what_is_not_drawn(report, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    status, said = report("--figures", tmp_path / "pictures")

    assert status == 0
    assert len(said.splitlines()) == 1
    assert "jena-official-quick-curves.svg, jena-official-quick-time.svg" in said
    assert "pip install matplotlib" in said
    assert not (tmp_path / "pictures").exists()


def test_a_folder_that_cannot_be_made_is_one_line(report, tmp_path):
    (tmp_path / "file").write_text("")
    status, said = report("--figures", tmp_path / "file")

    assert status == 2
    (line,) = said.splitlines()
    assert line.startswith(f"error: --figures {tmp_path / 'file'}")
    assert "cannot be written (" in line
    assert line.endswith("; give another place")


def test_matplotlib_is_imported_only_for_figures(tmp_path):
    Store(tmp_path).write(a_record())
    program = (
        "import sys\n"
        "from bench.cli import main\n"
        "try:\n"
        f"    main(['report', '--results', {str(tmp_path)!r}])\n"
        "finally:\n"
        "    print(*sorted({'matplotlib', 'keras', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.returncode, done.stderr.strip()) == (0, "")


def markers(svg: bytes) -> int:
    """How many marks of points a picture of curves has."""
    return sum(element.tag.endswith("}use") for element in ElementTree.fromstring(svg).iter())


@pytest.mark.parametrize(
    ("curve", "points"),
    [([0.3], 1), ([0.3, 0.2], 0), ([0.3, None, 0.2, 0.1], 1), ([None, 0.2, None], 1)],
)
def test_a_point_that_has_none_beside_it_is_drawn_as_a_mark(curve, points):
    record = a_record()
    curves = {"validation_mae": curve, "train_mae": [0.4, 0.3]}
    drawn = learning_curves(
        a_board(replace(record, metrics={**record.metrics, "curves": curves})).tables[0]
    )
    plain = learning_curves(
        a_board(
            replace(
                record,
                metrics={**record.metrics, "curves": {**curves, "validation_mae": [0.4, 0.3]}},
            )
        ).tables[0]
    )

    assert markers(drawn) - markers(plain) == points


def test_a_picture_on_a_dark_ground_says_the_same_and_has_no_black_text():
    light = figures(three_seeds())["jena-official-quick-time.svg"]
    dark = on_dark(light)

    assert [word for word in texts(dark) if "stroke" not in word] == [
        word for word in texts(light) if "stroke" not in word
    ]
    assert b"#ffffff" in light
    assert not {b"#ffffff", b"#000000"} & {*re.findall(rb"#[0-9a-f]{6}", dark)}
    assert b"text{fill:#e6edf3}" in dark


def test_panels_beside_each_other_have_one_scale_and_those_of_another_line_theirs():
    """One scale for a poor model and the best would have all of the best look alike."""
    good = [a_record(f"good{n}", 0.20 + 0.001 * n) for n in range(4)]
    poor = [a_record(f"poor{n}", 0.60 + 0.001 * n) for n in range(4)]
    board = a_board(*good, *poor)

    assert "own scale" not in texts(learning_curves(board.tables[0]))
