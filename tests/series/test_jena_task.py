"""The Jena task as a plugin meets it, held against the published definition of a window."""

import ast
import importlib.util
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bench.errors import CannotRun
from bench.series.csv_file import read_tables
from bench.series.official import HEADER
from bench.series.prepare import Boundaries, prepare

TASK_FILE = Path(__file__).parents[2] / "datasets" / "jena.py"
VALIDATION, TEST, ROWS = 1_700, 3_400, 5_200
LOOKBACK, STEP, DELAY = 1_440, 6, 144


@pytest.fixture(scope="module")
def jena():
    spec = importlib.util.spec_from_file_location("task_jena_under_test", TASK_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small_official_file(tmp_path_factory):
    """A short file in the official layout, with a gap and a repeated day, as that one has."""
    path = tmp_path_factory.mktemp("jena") / "jena.csv"
    cells = np.random.default_rng(3).normal(0, 0.3, (ROWS, 14)).cumsum(axis=0)
    when = datetime(2009, 1, 1, 0, 10)
    lines = [",".join(f'"{name}"' for name in HEADER)]
    for number, row in enumerate(cells):
        lines.append(f"{when:%d.%m.%Y %H:%M:%S}," + ",".join(f"{cell:.2f}" for cell in row))
        when += timedelta(minutes=10)
        if number == 1_000:
            when += timedelta(hours=17)
        if number == 2_500:
            when -= timedelta(days=1)
    path.write_text("\n".join(lines) + "\n")
    return path


class PublishedListing:
    """The published definition in plain Python: its own parsing, its own arithmetic."""

    def __init__(self, path):
        lines = path.read_text().splitlines()[1:]
        self.data = [[float(cell) for cell in line.split(",")[1:]] for line in lines]
        for column in range(14):
            training = [row[column] for row in self.data[:VALIDATION]]
            mean = sum(training) / len(training)
            std = (sum((cell - mean) ** 2 for cell in training) / len(training)) ** 0.5
            for row in self.data:
                row[column] = (row[column] - mean) / std

    def rows(self, split):
        first, end = {
            "train": (0, VALIDATION),
            "validation": (VALIDATION + 1, TEST),
            "test": (TEST + 1, len(self.data) - DELAY - 1),
        }[split]
        return list(range(first + LOOKBACK, end))

    def window(self, row):
        return [self.data[index] for index in range(row - LOOKBACK, row, STEP)]

    def target(self, row):
        return self.data[row + DELAY][1]

    def naive_mae(self, split):
        errors = [abs(self.window(row)[-1][1] - self.target(row)) for row in self.rows(split)]
        return sum(errors) / len(errors)


@pytest.fixture(scope="module")
def published(small_official_file):
    return PublishedListing(small_official_file)


@pytest.fixture(scope="module")
def opened(jena, small_official_file):
    table = read_tables([small_official_file])
    where = Boundaries(VALIDATION, TEST, ROWS)
    return jena.open_view(prepare(table, "small", as_published=True, where=where), jena.VIEW)


def naive_mae(opened, split="validation"):
    """Score "as warm as the last sample of the window" the way a plugin would."""
    examples = getattr(opened, split)
    target = opened.facts["target_column"]
    errors = [
        np.abs(examples.gather(some)[:, -1, target] - examples.targets[some])
        for some in np.array_split(np.arange(len(examples)), len(examples) // 500 + 1)
    ]
    return float(np.concatenate(errors).mean())


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_every_target_is_that_of_the_published_listing(opened, published, split):
    targets = [published.target(row) for row in published.rows(split)]

    assert getattr(opened, split).targets == pytest.approx(np.array(targets), abs=1e-5)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_windows_are_those_of_the_published_listing(opened, published, split):
    rows = published.rows(split)
    numbers = np.array([0, 1, len(rows) // 2, len(rows) - 1])

    windows = getattr(opened, split).gather(numbers)

    expected = np.array([published.window(rows[number]) for number in numbers])
    assert windows.shape == expected.shape == (4, 240, 14)
    assert windows == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_naive_scores_what_it_scores_in_the_published_listing(opened, published, split):
    assert naive_mae(opened, split) == pytest.approx(published.naive_mae(split), abs=1e-6)


def test_the_task_is_declared_in_literals():
    tree = ast.parse(TASK_FILE.read_text(encoding="utf-8"))
    declared = {
        target.id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
    }

    assert "Jena" in ast.get_docstring(tree).splitlines()[0]
    assert declared["VIEW"]["lookback"] == LOOKBACK
    assert declared["METRIC"] == "mae"
    assert set(declared["PROFILES"]) == {"smoke", "quick", "full"}
    assert declared["OFFICIAL"][0][0]["size"] == 13_568_290


def test_a_local_file_drops_what_the_official_file_keeps(jena, tmp_path):
    lines = ["Date Time,T (degC)"]
    when = datetime(2020, 1, 1)
    for hour in range(1_500):
        when += timedelta(hours=3 if hour == 400 else 1)
        lines.append(f"{when:%d.%m.%Y %H:%M:%S},{hour % 24}")
    path = tmp_path / "jena_garden.csv"
    path.write_text("\n".join(lines) + "\n")

    meta = jena.read([path], official=False).meta

    assert (meta["gaps"], meta["gap_hours"]) == (1, 2.0)
    assert meta["dropped_at_gaps"]["train"] > 0
    assert not meta["gaps_kept"]


def test_the_made_series_opens_like_the_official_one(jena):
    opened = jena.open_view(jena.synthesise(), jena.VIEW)

    assert opened.input_shape == (240, 14)
    assert len(opened.train) == 200_000 - LOOKBACK
    assert len(opened.validation) == 300_000 - 200_001 - LOOKBACK
    assert len(opened.test) == 420_551 - DELAY - 1 - 300_001 - LOOKBACK


def real(name):
    folder = os.environ.get("BENCH_DATA_DIR")
    if not folder:
        pytest.skip("real data: BENCH_DATA_DIR is not set")
    path = Path(folder) / name
    if not path.exists():
        pytest.skip(f"real data: BENCH_DATA_DIR has no {name}")
    return path


def test_the_hourly_file_gives_the_published_figures(jena):
    prepared = jena.read([real("jena_hourly_2009_2016.csv")], official=False)

    meta, opened = prepared.meta, jena.open_view(prepared, jena.VIEW)

    assert meta["split_rule"] == "instants"
    assert meta["training_rows"] == 33_334
    assert (meta["gaps"], meta["interval_seconds"]) == (5, 3600)
    assert meta["mean"] == pytest.approx(9.07, abs=0.005)
    assert meta["std"] == pytest.approx(8.85, abs=0.005)
    assert naive_mae(opened) == pytest.approx(0.289, abs=0.0005)
    assert naive_mae(opened) * opened.units["mae_degC"] == pytest.approx(2.56, abs=0.005)


def test_the_hourly_file_cannot_give_samples_every_half_hour(jena):
    prepared = jena.read([real("jena_hourly_2009_2016.csv")], official=False)

    with pytest.raises(CannotRun, match="every 60 minutes"):
        jena.open_view(prepared, {**jena.VIEW, "step": 3})


def test_a_raw_station_export_is_read_with_its_faults_counted(jena):
    meta = jena.read([real("mpi_roof_2024.csv")], official=False).meta

    assert (meta["rows"], meta["interval_seconds"]) == (19_536, 600)
    assert (meta["duplicates"], meta["filled_cells"], meta["gaps"]) == (1, 1, 0)
    assert "PAR (µmol/m²/s)" in meta["columns"]
    assert len(meta["columns"]) == 21
    assert meta["split_rule"] == "proportions"
