"""The value of a metric: one estimator, wherever a measurement is told."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import a_record
from command_line import call
from gate_sides import a_measured, a_quality, a_side
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate.baseline import write
from bench.gate.model import Side
from bench.metrics import FAST, METRICS, estimator, mean_and_deviation, process_value
from bench.records.store import Store

#: A process that was held up in most of its rounds, one that was not, and one with one round.
ROUNDS = (
    (0.010, 0.011, 0.018, 0.019, 0.019, 0.020, 0.020, 0.021, 0.022, 0.030, 0.040),
    (0.012, 0.013, 0.013, 0.014, 0.015),
    (0.016,),
)
#: The median of 0.011 (the second of eleven rounds), 0.0124 and 0.016.
STEP = 0.0124


def held_up() -> Side:
    measured = a_measured(rounds={"train_step": ROUNDS}, quality=a_quality(0.25, 0.29))
    return a_side(measured)


def test_a_process_counts_once_by_its_fast_rounds():
    rounds = [0.02 + 0.0001 * place for place in range(10)]
    held_up = [*rounds[:-4], 0.5, 0.9, 0.03, 0.04]

    assert process_value(rounds) == pytest.approx(0.02009)
    assert process_value(held_up) == pytest.approx(process_value(rounds))
    assert process_value([0.02]) == 0.02
    assert math.isnan(process_value([0.02, math.inf]))


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_the_first_decile_is_that_of_numpy_to_the_bit(rounds):
    assert process_value(rounds) == float(np.quantile(rounds, FAST))


def test_a_measurement_is_one_value_over_its_processes_or_seeds():
    rounds = {"predict": ((1.0, 1.0, 9.0), (2.0,), (7.0, 7.0))}
    measured = a_measured(rounds=rounds, quality=a_quality(0.25, 0.29))

    assert measured.estimate("predict").value == 2.0
    assert (measured.estimate("predict").low, measured.estimate("predict").high) == (1.0, 7.0)
    assert measured.estimate("train_step") is None
    assert measured.estimate("quality").value == pytest.approx(0.27)
    assert measured.estimate("parameters").value == 4673.0
    assert a_measured(rounds=rounds).estimate("quality") is None


def told(file: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Return the training step of a kept side, in seconds, by who tells it."""
    files = {form: folder / form for form in ("json", "bmf", "github-action-benchmark")}
    words = [word for form, path in files.items() for word in ("--write", f"{form}={path}")]
    judged = ("check", "--baseline", file, "--candidate", file, "--verbose")
    _, text, _ = call(capsys, *judged, *words)
    _, followed, _ = call(capsys, "history", file.parent, "--json")
    documents = {form: json.loads(path.read_text()) for form, path in files.items()}
    (line,) = [line for line in text.splitlines() if re.search("train step .* ms", line)]
    (finding,) = [f for f in documents["json"]["findings"] if f["metric"] == "train_step"]
    (latency,) = [m["latency"] for n, m in documents["bmf"].items() if n.endswith("train_step")]
    entries = documents["github-action-benchmark"]
    (charted,) = [entry for entry in entries if entry["name"].endswith("train step")]
    (series,) = json.loads(followed)["series"]
    return {
        "text": [float(number) / 1e3 for number in re.findall(r"([0-9.]+) ms", line)],
        "json": [finding["base"], finding["candidate"]],
        "bmf": [latency["value"] / 1e9],
        "github-action-benchmark": [charted["value"] / 1e3],
        "history": [point["value"] for point in series["points"]],
    }


def test_one_measurement_is_one_number_wherever_it_is_told(tmp_path, capsys):
    file = tmp_path / "kept" / "baseline.json"
    file.parent.mkdir()
    file.write_text(write(held_up()))

    for form, values in told(file, tmp_path, capsys).items():
        assert values == [pytest.approx(STEP, rel=1e-4)] * len(values), form


def test_what_a_run_has_measured_is_one_number_from_its_baseline_on(tmp_path, capsys):
    """Three trials of 60 steps an epoch, of which one was held up all the time."""
    for seed, epoch in enumerate((2.4, 2.52, 6.0)):
        made = a_record(seed=seed, minute=seed)
        Store(tmp_path / "results").write(
            replace(made, timing={**made.timing, "steady_epoch": epoch})
        )
    file = tmp_path / "kept" / "baseline.json"

    _, table, _ = call(capsys, "baseline", "--results", tmp_path / "results", "--output", file)

    assert " 42 ms " in table
    assert f"times and memory: {estimator('train_step')}" in table
    for form, values in told(file, tmp_path, capsys).items():
        assert values == [pytest.approx(0.042, rel=1e-4)] * len(values), form


def test_what_is_told_says_which_estimator_it_is(tmp_path, capsys):
    file = tmp_path / "baseline.json"
    file.write_text(write(held_up()))
    words = ("check", "--baseline", file, "--candidate", file, "--format")

    document = json.loads(call(capsys, *words, "json")[1])
    call(capsys, *words, "text", "--write", f"github-action-benchmark={tmp_path / 'charted'}")
    charted = json.loads((tmp_path / "charted").read_text())
    followed = json.loads(call(capsys, "history", tmp_path, "--json")[1])

    assert document["estimators"]["train_step"] == estimator("train_step")
    assert {*document["estimators"]} == {f["metric"] for f in document["findings"]} - {""}
    assert followed["estimator"] == estimator("train_step")
    step = next(entry for entry in charted if entry["name"].endswith("train step"))
    assert estimator("train_step") in step["extra"]


def test_the_page_on_continuous_integration_names_the_estimator_of_every_kind():
    page = re.sub(r"\s+", " ", (Path(__file__).parents[1] / "docs" / "ci.md").read_text())
    assert all(estimator(name) in page for name in METRICS)


NUMBERS = st.floats(-1e150, 1e150).filter(lambda value: value == 0 or abs(value) > 1e-150)


@given(st.lists(NUMBERS, min_size=1, max_size=8))
def test_mean_and_deviation_are_the_exact_ones_rounded_once(values):
    mean, deviation = mean_and_deviation(values)

    exact = [Fraction(value) for value in values]
    middle = sum(exact) / len(exact)
    assert mean == float(middle)
    if len(values) == 1:
        assert deviation is None
        return
    variance = sum((value - middle) ** 2 for value in exact) / (len(exact) - 1)
    with localcontext(Context(prec=400)):
        whole = Decimal(variance.numerator) / Decimal(variance.denominator)
        assert deviation == float(whole.sqrt())


def test_whole_numbers_have_a_mean_and_deviation_as_well():
    assert mean_and_deviation([2, 2]) == (2, 0.0)
