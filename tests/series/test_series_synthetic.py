"""The made weather: the same bytes everywhere, physical, and worth forecasting."""

import hashlib

import numpy as np
import pytest

from bench.series.prepare import prepare
from bench.series.synthetic import (
    ROWS,
    Draws,
    delayed_mean,
    dew_point,
    relaxation,
    saturation_pressure,
    smooth_relaxation,
    synthetic_table,
)
from bench.series.table import OFFICIAL_COLUMNS

FINGERPRINT = "1552b38b1c4c7bd217b92a2b3c4816db102c16b4bc07828a5e1d838a6476c8c3"


@pytest.fixture(scope="module")
def table():
    return synthetic_table()


@pytest.fixture(scope="module")
def prepared(table):
    return prepare(table, "synthetic series", as_published=True)


@pytest.fixture(scope="module")
def column(table):
    return lambda name: table.values[:, table.columns.index(name)]


def mae(forecast, truth):
    return float(np.abs(forecast - truth).mean())


def test_every_array_is_the_same_to_the_byte(prepared):
    """A change here needs a new SYNTHETIC version in the task: old records are of other data."""
    digest = hashlib.sha256()
    for name in sorted(prepared.arrays):
        array = prepared.arrays[name]
        digest.update(name.encode() + b"\0")
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())

    assert digest.hexdigest() == FINGERPRINT


def test_it_has_the_official_layout_without_gaps(table, prepared):
    assert table.values.shape == (420_551, 14)
    assert table.columns == OFFICIAL_COLUMNS
    assert (np.diff(table.times) == 600).all()
    assert prepared.meta["first"] == "2009-01-01T00:10:00"
    assert prepared.meta["training_rows"] == 200_000


def test_values_have_the_two_decimals_of_a_station_file(table):
    assert np.abs(table.values * 100 - np.rint(table.values * 100)).max() < 1e-6


def test_the_temperature_varies_like_that_of_jena(prepared, column):
    assert prepared.meta["std"] == pytest.approx(8.85, abs=0.05)
    assert column("T (degC)").mean() == pytest.approx(9.4, abs=0.1)
    assert -30 < column("T (degC)").min() < -10
    assert 30 < column("T (degC)").max() < 40


def test_summer_is_warm_and_so_is_the_afternoon(table, column):
    month = table.times.astype("datetime64[s]").astype("datetime64[M]").astype(int) % 12
    hour = table.times % 86_400 // 3600
    temperature = column("T (degC)")

    assert temperature[month == 6].mean() - temperature[month == 0].mean() > 15
    assert temperature[hour == 14].mean() - temperature[hour == 3].mean() > 4


def test_its_columns_obey_the_formulas_of_the_station(column):
    p, t, rh = column("p (mbar)"), column("T (degC)"), column("rh (%)")
    vp_max, vp_act, sh = column("VPmax (mbar)"), column("VPact (mbar)"), column("sh (g/kg)")
    rho = 1e5 * p / (287.05 * (t + 273.15) * (1 + 0.00061 * sh))
    tpot = (t + 273.15) * (1000 / p) ** 0.2859

    assert np.abs(vp_max - saturation_pressure(t)).max() < 0.006
    assert np.abs(vp_act - vp_max * rh / 100).max() < 0.011
    assert np.abs(column("VPdef (mbar)") - (vp_max - vp_act)).max() < 0.011
    assert np.abs(column("H2OC (mmol/mol)") - 1000 * vp_act / p).max() < 0.02
    assert np.abs(sh - 622 * vp_act / (p - 0.378 * vp_act)).max() < 0.02
    assert np.abs(column("Tpot (K)") - tpot).max() < 0.01
    assert np.abs(column("rho (g/m**3)") - rho).max() < 0.02
    assert (column("Tdew (degC)") <= t + 0.01).all()


def test_its_readings_stay_within_what_instruments_show(column):
    assert column("rh (%)").min() >= 12
    assert column("rh (%)").max() <= 100
    assert column("wv (m/s)").min() >= 0
    assert (column("max. wv (m/s)") >= column("wv (m/s)")).all()
    assert column("wd (deg)").min() >= 0
    assert column("wd (deg)").max() <= 360
    assert column("VPdef (mbar)").min() >= 0


@pytest.mark.parametrize(
    ("temperature", "vp_max", "tolerance"),
    [(-8.02, 3.33, 0.01), (7.63, 10.47, 0.01), (25.31, 32.32, 0.01)],
)
def test_saturation_agrees_with_the_station(temperature, vp_max, tolerance):
    assert saturation_pressure(np.array(temperature)) == pytest.approx(vp_max, abs=tolerance)


def test_the_dew_point_undoes_saturation():
    temperatures = np.linspace(-25, 35, 61)

    assert dew_point(saturation_pressure(temperatures)) == pytest.approx(temperatures, abs=1e-4)


def test_the_naive_forecast_is_as_good_as_on_the_official_file(prepared):
    rows, targets = prepared.arrays["rows_validation"], prepared.arrays["targets_validation"]
    last = prepared.arrays["standardised"][rows - 6, 1]

    assert mae(last, targets) == pytest.approx(0.29, abs=0.01)


def linear_forecast(prepared, hours_before):
    """Least squares on a few samples of temperature, pressure and wind direction."""

    def features(rows):
        samples = prepared.arrays["standardised"][rows[:, None] - 6 * np.array(hours_before)]
        flat = samples[:, :, [0, 1, 13]].reshape(len(rows), -1)
        return np.concatenate([flat, np.ones((len(rows), 1))], axis=1).astype(np.float64)

    train, validation = prepared.arrays["rows_train"], prepared.arrays["rows_validation"]
    weights, *_ = np.linalg.lstsq(
        features(train[::10]), prepared.arrays["targets_train"][::10], rcond=None
    )
    return mae(features(validation[::5]) @ weights, prepared.arrays["targets_validation"][::5])


def test_who_reads_the_last_hours_of_pressure_and_wind_clearly_beats_naive(prepared):
    assert linear_forecast(prepared, [1, 2, 3, 4, 6, 8, 10, 12, 25]) < 0.25


def test_who_is_left_with_the_oldest_day_does_not(prepared):
    assert linear_forecast(prepared, [216, 222, 228, 234, 240]) > 0.32


def test_another_seed_makes_other_weather_and_fewer_rows_a_beginning():
    one, other = synthetic_table(rows=2000), synthetic_table(seed=1, rows=2000)

    assert not np.array_equal(one.values, other.values)
    assert np.array_equal(one.times, other.times)
    assert len(one) == 2000 < ROWS


def test_draws_are_normal():
    draws = Draws(1).normal(200_000) / 2**17

    assert draws.mean() == pytest.approx(0, abs=0.01)
    assert draws.std() == pytest.approx(1, abs=0.01)
    assert (np.abs(draws) < 1.96).mean() == pytest.approx(0.95, abs=0.005)


@pytest.mark.parametrize("process", [relaxation, smooth_relaxation])
def test_a_process_has_variance_one_and_forgets(process):
    values = process(Draws(2).normal(400_000), 10.0)

    assert values.std() == pytest.approx(1, abs=0.03)
    assert np.corrcoef(values[:-2], values[2:])[0, 1] > 0.8
    assert abs(np.corrcoef(values[:-100], values[100:])[0, 1]) < 0.05


def test_a_delayed_mean_looks_back_only():
    impulse = np.zeros(20)
    impulse[5] = 1.0

    assert delayed_mean(impulse, delay=3, width=4).tolist() == [0.0] * 8 + [0.25] * 4 + [0.0] * 8
