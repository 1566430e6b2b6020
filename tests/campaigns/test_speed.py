"""Suite against plain script: that both train on the same, and what is made of the clocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_record
from text_world import imdb, made_data, opened

from bench.errors import BenchError
from bench.protocol import FAILED
from bench.records.store import Store
from bench.registry.discover import discover
from bench.series.prepare import prepare
from bench.series.table import SeriesTable
from bench.series.windows import open_windows
from bench.task import Prepared
from campaigns.speed import measure as measuring
from campaigns.speed.__main__ import epochs_run, main
from campaigns.speed.comparisons import Comparison, Schedule
from campaigns.speed.export import reviews_of, series_of
from campaigns.speed.measure import measure
from campaigns.speed.overhead import overhead_of
from campaigns.speed.plain_jena import Series, at_random, in_order
from campaigns.speed.references import MEMORY, REFERENCES, STEP, VALIDATION
from campaigns.speed.samples import PLAIN, SUITE, Sample, Samples
from campaigns.speed.scaling import scale
from campaigns.speed.sides import ROOT, SideFailed, plain, sample_of, seconds_of
from campaigns.speed.specification import Specification, Work
from campaigns.speed.tables import all_tables

HOUR = 3600
VIEW = {
    "lookback": 1440,
    "step": 6,
    "reverse": False,
    "columns": None,
    "standardise": True,
    "calendar": False,
}
WORK = Work(epochs=3, steps=10, validated=2000, scored=4000)


@pytest.fixture(scope="module")
def weather_table() -> Prepared:
    """Twelve hundred hours without a gap; the first column tells the row."""
    noise = np.random.default_rng(0).normal(size=(1200, 2))
    values = np.column_stack([np.arange(1200.0), 9 + 8 * noise])
    columns = ("p (mbar)", "T (degC)", "rh (%)")
    return prepare(SeriesTable(HOUR * np.arange(1200), columns, values), "s", as_published=False)


# Both sides are fed the same.


@pytest.mark.parametrize("changes", [{}, {"reverse": True}, {"lookback": "2d", "step": "4h"}])
@pytest.mark.parametrize("part", ["train", "validation", "test"])
def test_the_generator_in_order_gives_the_examples_of_the_suites_view(
    weather_table: Prepared, tmp_path: Path, part: str, changes: dict[str, Any]
) -> None:
    view = {**VIEW, **changes}
    # The examples of a shorter window begin later: every view of the suite has the same.
    longest = series_of(weather_table, VIEW, tmp_path)
    series = series_of(weather_table, view, tmp_path)
    examples = getattr(open_windows(weather_table, view), part)
    table = series.read()
    limits = longest.limits(len(table))[part]

    batches = in_order(table, series, limits, batch_size=50)
    windows, targets = joined(islice(batches, -(-len(examples) // 50)))

    assert len(windows) == len(examples)
    assert np.allclose(windows, examples.gather(np.arange(len(examples))), atol=1e-5)
    assert np.allclose(targets, examples.targets, atol=1e-5)
    again, _ = next(batches)
    assert np.array_equal(again, windows[:50])


def test_the_generator_at_random_draws_examples_of_the_training_split(
    weather_table: Prepared, tmp_path: Path
) -> None:
    series = series_of(weather_table, VIEW, tmp_path)
    examples = open_windows(weather_table, VIEW).train
    table = series.read()

    batches = at_random(table, series, series.limits(len(table))["train"], batch_size=8)
    windows, targets = joined(islice(batches, 3))

    all_windows = examples.gather(np.arange(len(examples)))
    places = [int(np.abs(all_windows[:, 0, 0] - window[0, 0]).argmin()) for window in windows]
    assert len(set(places)) > 1
    assert np.allclose(windows, all_windows[places], atol=1e-5)
    assert np.allclose(targets, examples.targets[places], atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"encoding": "multi_hot", "maxlen": None, "num_words": 9},
        {"encoding": "characters", "maxlen": 20},
        {"encoding": "ranks", "maxlen": 6, "num_words": 9},
        {"encoding": "ranks", "maxlen": 6, "num_words": 9, "reverse": True},
        {"encoding": "one_hot", "maxlen": 6, "num_words": 9},
    ],
)
def test_reviews_in_memory_are_those_of_the_suites_view(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    data = made_data()
    reviews = reviews_of(data, {**imdb.VIEW, **changes}, tmp_path)
    task = opened(data, **changes)

    for part, (ranks, labels) in reviews.read().items():
        examples = getattr(task, part)
        assert np.array_equal(reviews.encode(ranks), examples.gather(np.arange(len(examples))))
        assert np.array_equal(labels, examples.targets)


def test_hashed_reviews_fall_into_as_many_buckets_as_they_have_known_words(tmp_path: Path) -> None:
    view = {**imdb.VIEW, "encoding": "hashed", "num_words": 8, "dimensions": 10_000}
    reviews = reviews_of(made_data(), view, tmp_path)

    bags = reviews.encode([[1, 2, 2, 9], [3]])

    assert bags.shape == (2, 10_000)
    assert bags.sum(axis=1).tolist() == [2.0, 1.0]


def test_arrays_that_would_fill_the_machine_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"encoding": "multi_hot", "maxlen": None, "num_words": 9}
    reviews = reviews_of(made_data(), {**imdb.VIEW, **changes}, tmp_path)
    monkeypatch.setattr("psutil.virtual_memory", lambda: Free(available=100))

    with pytest.raises(MemoryError, match="GiB free"):
        reviews.encode([[1, 2, 3], [4]])


def test_a_specification_comes_back_from_json_as_it_was(tmp_path: Path) -> None:
    for data in (
        a_series(tmp_path),
        reviews_of(made_data(), {**imdb.VIEW, "maxlen": None}, tmp_path),
    ):
        specification = a_specification(data)
        assert Specification.from_json(specification.to_json()) == specification


# Each side leaves a sample.


@pytest.mark.parametrize("task", ["jena", "imdb"])
def test_a_plain_script_trains_a_plugins_model_and_tells_its_clocks(
    weather_table: Prepared, tmp_path: Path, task: str
) -> None:
    if task == "jena":
        data, shape, plugin = series_of(weather_table, VIEW, tmp_path), (240, 3), "jena_dense"
        options: dict[str, Any] = {"units": 4}
    else:
        view = {**imdb.VIEW, "maxlen": 5, "num_words": 12}
        data, shape, plugin = reviews_of(made_data(), view, tmp_path), (5,), "imdb_embedding_dense"
        options = {"embedding_dim": 4}
    specification = replace(
        a_specification(data),
        plugin=str(ROOT / "plugins" / f"{plugin}.py"),
        options=options,
        facts={"num_words": 12},
        input_shape=shape,
        input_dtype="float32" if task == "jena" else "int32",
        batch_size=4,
        work=Work(epochs=2, steps=3, validated=4, scored=4),
    )

    sample = plain(specification)

    assert 0 < sample.step < sample.whole
    assert sample.validation > 0
    assert sample.end > 0
    assert sample.peak > 50 * 2**20
    assert set(sample.details["scores"]) == {"loss", "mae"}


def test_a_process_that_fails_says_why() -> None:
    assert seconds_of(["-c", "raise SystemExit(1)"], allowed=(0, 1)) > 0
    with pytest.raises(SideFailed, match=r"^ValueError: no luck$"):
        seconds_of(["-c", "raise ValueError('no luck')"])
    with pytest.raises(SideFailed, match="ended with status 3"):
        seconds_of(["-c", "raise SystemExit(3)"])


def test_a_suites_sample_leaves_out_the_first_epoch_and_parts_training_from_validation() -> None:
    curves = {
        # Training 9, 2, 3, 4; validation 5, 0.5, 0.6, 0.7.
        "epoch_seconds": [9.0, 2.0, 3.0, 4.0],
        "elapsed_seconds": [14.0, 16.5, 20.1, 24.8],
    }
    record = a_record()
    record = replace(record, metrics={**record.metrics, "curves": curves})

    sample = sample_of(record, WORK, whole=30.0)

    assert sample.step == pytest.approx(3.0 / 10)
    assert sample.validation == pytest.approx(0.6 / 2)
    assert sample.end == record.timing["predict_per_1000"]
    assert sample.peak == record.memory["peak_rss"]
    # What stopped early is charged with what it did.
    assert sample.work.epochs == 4


# From a shortened schedule to a whole one.


def test_the_start_is_what_steps_and_scores_leave_of_the_whole() -> None:
    sample = a_sample(step=0.1, validation=0.5, end=0.25, whole=20.0)
    # 3 epochs x (10 x 0.1 + 2 x 0.5) + 4 x 0.25
    assert sample.start == pytest.approx(20.0 - 7.0)
    assert a_sample(whole=0.001).start == 0.0


def test_a_whole_schedule_is_start_and_epochs_of_steps_and_passes_and_the_last_scores() -> None:
    plain_one = a_sample(step=0.1, validation=0.5, end=0.25, whole=20.0)
    suite_one = a_sample(step=0.05, validation=0.25, end=0.25, whole=10.0)
    full = (Work(20, 500, 16_000, 20_000), Work(20, 500, 16_000, 36_000))

    (scaled,) = scale({"m": [(plain_one, suite_one)], "none": []}, {"m": full}, {"m": 5.0})

    assert scaled.plain_seconds == pytest.approx(13.0 + 20 * (500 * 0.1 + 16 * 0.5) + 20 * 0.25)
    end = 36 * 0.25
    assert suite_one.start == pytest.approx(10.0 - 3 * 1.0 - 1.0)
    assert scaled.suite_seconds == pytest.approx(6.0 + 20 * (500 * 0.05 + 16 * 0.25) + end)
    assert scaled.stopped_seconds == pytest.approx(6.0 + 5 * (500 * 0.05 + 16 * 0.25) + end)


def test_the_least_of_the_rounds_is_scaled() -> None:
    rounds = [
        (a_sample(step=s, validation=s), a_sample(step=s / 2, validation=s)) for s in (0.2, 9, 0.1)
    ]

    (scaled,) = scale({"m": rounds}, {"m": (WORK, WORK)}, {})

    assert (scaled.plain.step, scaled.plain.validation) == (0.1, 0.1)
    assert (scaled.suite.step, scaled.suite.validation) == (0.05, 0.1)
    assert scaled.stopped_seconds == scaled.suite_seconds


def test_what_ends_of_short_epochs_cost_is_not_scaled() -> None:
    waited = replace(a_sample(step=0.3), details={"median_step": 0.1})

    (scaled,) = scale({"m": [(waited, a_sample(step=0.3))]}, {"m": (WORK, WORK)}, {})

    assert (scaled.plain.step, scaled.suite.step) == (0.1, 0.3)


def test_overhead_is_a_trials_own_and_its_part_of_the_runs() -> None:
    timing = {"fit": 10.0, "predict": 1.0, "total": 11.5}
    records = [a_record("a", timing=timing), a_record("b", timing={**timing, "total": 11.9})]
    failed = a_record("c", status=FAILED, timing={})

    found = overhead_of([*records, failed], run=27.4, again=0.4)

    assert found.of_a_trial == pytest.approx(0.7 + (27.4 - 23.4) / 2)
    assert found.share == pytest.approx(0.4 / 27.4)
    assert not found.held
    with pytest.raises(BenchError, match="no trial was ok"):
        overhead_of([failed], 1.0, 1.0)


# Measuring interleaved.


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Both sides take no time; what was measured in which order is listed."""
    listed: list[tuple[str, str]] = []

    def take(side: str, name: str) -> Sample:
        listed.append((name, side))
        if name == "broken":
            raise SideFailed("no luck")
        return a_sample(step=0.2 if side == PLAIN else 0.1)

    monkeypatch.setattr(measuring, "plain", lambda told: take(PLAIN, told.plugin))
    monkeypatch.setattr(measuring, "suite", lambda name, options, work: take(SUITE, name))
    return listed


def test_the_sides_take_turns_in_being_first(tmp_path: Path, taken: list[tuple[str, str]]) -> None:
    samples = Samples({})

    measure([a_comparison("a", tmp_path)], 3, samples, quiet)

    sides = [side for _, side in taken]
    assert sides == [PLAIN, SUITE, SUITE, PLAIN, PLAIN, SUITE]
    assert len(samples.pairs("a")) == 3


def test_an_interrupted_measurement_goes_on_where_it_was(
    tmp_path: Path, taken: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = [a_comparison(name, tmp_path) for name in ("a", "b")]
    path = tmp_path / "samples.json"

    with pytest.raises(KeyboardInterrupt):
        measure(compared, 2, Samples({"steps": 10}, path), interrupt_after(3))
    before = [*taken]
    taken.clear()
    samples = Samples({"steps": 10}, path)
    measure(compared, 2, samples, quiet)

    assert len(before) == 3
    assert taken[0] == ("b", SUITE)
    assert len(taken) == 5
    assert [len(samples.pairs(name)) for name in "ab"] == [2, 2]
    taken.clear()
    measure(compared, 2, Samples({"steps": 10}, path), quiet)
    assert not taken


def test_samples_of_other_settings_are_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "samples.json"
    Samples({"steps": 10, "jena data": "x"}, path).add("a", PLAIN, a_sample())

    with pytest.raises(BenchError, match=r"samples\.json: was measured with steps 10, not 20"):
        Samples({"steps": 20}, path)
    # Models of the other task bring data of their own.
    assert Samples({"steps": 10, "imdb data": "y"}, path).of("a", PLAIN) == [a_sample()]


@pytest.mark.parametrize("content", ["", "[]", '{"settings": {}, "samples": {"a": 1}}', "{}"])
def test_a_file_of_anything_else_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(content)

    with pytest.raises(BenchError, match="give another name"):
        Samples({}, path)
    assert path.read_text() == content


def test_a_model_that_fails_is_left_out_with_its_reason_and_the_rest_is_measured(
    tmp_path: Path, taken: list[tuple[str, str]]
) -> None:
    compared = [
        a_comparison("broken", tmp_path),
        Comparison("coarse", {}, cannot="the data are too coarse"),
        a_comparison("jena_fine", tmp_path),
    ]
    samples = Samples({})

    without = measure(compared, 2, samples, quiet)

    assert without == {"coarse": "the data are too coarse", "broken": "plain failed: no luck"}
    assert taken.count(("broken", PLAIN)) == 1
    text = all_tables({n: samples.pairs(n) for n in ("broken", "jena_fine")}, [], without, {})
    assert "Not measured: coarse: the data are too coarse" in text
    assert "| jena_fine " in text
    assert "| broken " not in text


# What is printed.


def test_a_table_has_the_median_its_range_and_whether_the_target_is_met() -> None:
    rounds = [(a_sample(step=s), a_sample(step=0.1)) for s in (0.2, 0.31, 0.35)]

    text = all_tables({"jena_dense": rounds, "jena_conv1d": rounds}, [], {}, {"steps": "60"})

    dense, conv = (cells_of(text, name) for name in ("jena_dense", "jena_conv1d"))
    assert dense == [
        "jena_dense", "310.0 (200.0–350.0)", "100.0 (100.0–100.0)", "3.10 (2.00–3.50)", "3", "met",
    ]  # fmt: skip
    assert conv[-2:] == ["0.95", "met"]
    assert "steps: 60" in text


def test_a_target_that_is_missed_says_so() -> None:
    rounds = [(a_sample(step=0.2), a_sample(step=0.1))]

    text = all_tables({"jena_dense": rounds}, [], {}, {})

    assert cells_of(text, "jena_dense")[-2:] == ["3", "NOT met"]


def test_a_trial_above_its_bound_of_memory_says_so() -> None:
    rounds = [(a_sample(), a_sample(peak=int(1.3 * 2**30)))]

    text = all_tables({"jena_dense": rounds, "imdb_lstm": rounds}, [], {}, {})

    whole = text.split("### Whole trial")[1]
    assert cells_of(whole, "jena_dense")[-3:] == ["1.30", "1.2", "NOT met"]
    assert cells_of(whole, "imdb_lstm")[-3:] == ["1.30", "1.5", "met"]


def test_the_whole_table_is_summed_with_and_without_early_stops() -> None:
    rounds = {"jena_gru": [(a_sample(step=4.0), a_sample(step=2.0))]}
    work = Work(10, 1000, 0, 0)

    (scaled,) = scale(rounds, {"jena_gru": (work, work)}, {"jena_gru": 5.0})
    text = all_tables(rounds, [scaled], {}, {})

    assert "plain 11.11 h, suite 5.56 h: 2.00 times as fast; target 3: NOT met" in text
    assert "plain 11.11 h, suite 2.78 h: 4.00 times as fast; target 3: met" in text


def test_nothing_measured_is_said() -> None:
    text = all_tables({"jena_gru": []}, [], {"jena_gru": "no luck"}, {})

    assert text.startswith("Nothing was measured.")
    assert "Not measured: jena_gru: no luck" in text


# The command line.


def test_epochs_that_the_suite_ran_are_those_of_full_trainings(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.prepare()
    for seed, epochs in enumerate((7, 9, 12)):
        metrics = {**a_record().metrics, "curves": {"epoch_seconds": [1.0] * epochs}}
        store.write(a_record("a", seed=seed, trial={"profile": "full"}, metrics=metrics))
    store.write(a_record("b", trial={"profile": "quick"}, metrics=metrics))

    assert epochs_run(tmp_path) == {"a": 9}
    assert epochs_run(None) == {}


def test_every_reference_model_is_a_shipped_plugin_and_every_target_is_of_one() -> None:
    shipped = {plugin.name for plugin in discover().plugins}

    assert set(REFERENCES) <= shipped
    assert {*STEP, *VALIDATION} <= set(REFERENCES)
    assert {name.split("_")[0] for name in REFERENCES} == set(MEMORY)


def test_a_name_that_is_no_reference_model_is_an_error_that_lists_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["jena_gruu"]) == 2

    said = capsys.readouterr().err
    assert said.startswith("jena_gruu: is no reference model")
    assert "jena_gru_dropout" in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("option", ["--output", "--markdown"])
def test_a_file_that_could_not_be_written_is_refused_before_anything_is_measured(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jena_gru", option, str(tmp_path / "absent" / "file")]) == 2

    assert "there is no such folder" in capsys.readouterr().err


def test_the_suites_command_line_has_what_shortens_the_schedule() -> None:
    schedule = Schedule(profile="full", epochs=3, steps=40)

    assert " ".join(schedule.options("local")) == (
        "--profile full --source local --set epochs=3 --set steps_per_epoch=40"
    )
    assert Schedule().options("synthetic") == ["--profile", "quick", "--source", "synthetic"]


class Free:
    def __init__(self, available: int) -> None:
        self.available = available


def joined(batches: Iterator[tuple[Any, Any]]) -> tuple[Any, Any]:
    windows, targets = zip(*batches, strict=True)
    return np.concatenate(windows), np.concatenate(targets)


def quiet(text: str) -> None:
    pass


def interrupt_after(count: int) -> Callable[[str], None]:
    """Return what is told of samples and is interrupted at the last of so many."""
    left = iter(range(count - 1, -1, -1))

    def say(text: str) -> None:
        if next(left) == 0:
            raise KeyboardInterrupt

    return say


def cells_of(text: str, name: str) -> list[str]:
    """Return the cells of the first row of a model."""
    line = next(line for line in text.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def a_series(folder: Path) -> Series:
    return Series(str(folder / "none.csv"), 240, 1, 24, 1, 500, 800, False)


def a_specification(data: Any) -> Specification:
    return Specification(
        plugin="jena_gru.py",
        options={"units": 4},
        facts={"target_column": 1},
        input_shape=(240, 3),
        input_dtype="float32",
        loss="mean_absolute_error",
        metric="mae",
        optimizer={"class_name": "rmsprop", "config": {}},
        batch_size=4,
        training_examples=None,
        jit_compile=False,
        work=WORK,
        data=data,
    )


def a_sample(**changes: Any) -> Sample:
    figures = {"step": 0.1, "validation": 0.5, "end": 0.25, "whole": 20.0, "peak": 2**29}
    return Sample(work=WORK, **{**figures, **changes})


def a_comparison(name: str, folder: Path) -> Comparison:
    specification = replace(a_specification(a_series(folder)), plugin=name)
    return Comparison(name, {}, work=WORK, specification=specification, full=(WORK, WORK))
