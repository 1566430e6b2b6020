"""Made series: a weather station in the official layout, and one in the shape of any task.

All is from a seeded and exactly repeatable process.

Its temperature is the sum of a yearly cycle, a daily cycle (larger in summer and under clear
skies), slow air masses, eddies that last an hour or two, and fronts. Fronts are what makes
the series worth learning: pressure and wind direction turn more than a day before the
temperature follows. The last sample alone knows nothing of that, so the naive forecast is
strong but can be beaten, and a model must still hold the end of the window when it answers:
one that reads it backwards ends ten days before, where pressure announces nothing any more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.series.table import OFFICIAL_COLUMNS, Floats, Integers, SeriesTable

if TYPE_CHECKING:
    from bench.registry.intervals import SamplingInterval

ROWS = 420_551
INTERVAL = 600
START = 1_230_768_600  # 2009-01-01 00:10:00, the official file's first time stamp
_PER_HOUR = 3600 // INTERVAL


@dataclass(frozen=True)
class Climate:
    """Sizes in degrees C (temperature), mbar, degrees (wind); memories and leads in hours.

    Tuned so that over the training rows T has a standard deviation of 8.85 and that the
    naive forecast is off by 0.29 of that on validation rows, as on the official file.
    """

    mean: float = 9.45
    yearly: float = 10.2
    daily: float = 3.3
    daily_summer: float = 1.8
    air_mass: float = 3.0
    eddy: float = 1.05
    pressure_front: float = 2.15
    wind_front: float = 1.35
    air_mass_memory: float = 60.0
    pressure_memory: float = 18.0
    wind_memory: float = 12.0
    cloud_memory: float = 20.0
    moisture_memory: float = 16.0
    eddy_memory: float = 2.0
    gust_memory: float = 3.0
    front_lead: int = 25
    front_width: int = 12


@dataclass(frozen=True)
class _Weather:
    """What drives the station's readings: each of shape (n,), mean 0, variance 1."""

    air_mass: Floats
    pressure: Floats
    wind: Floats
    cloud: Floats
    moisture: Floats
    eddy: Floats
    gust: Floats
    vane: Floats
    damp: Floats
    ripple: Floats


CENTRAL_GERMANY = Climate()


def synthetic_table(
    seed: int = 2009, rows: int = ROWS, climate: Climate = CENTRAL_GERMANY
) -> SeriesTable:
    """Return made weather every ten minutes from 2009 on, to two decimals and without gaps."""
    times = START + INTERVAL * np.arange(rows, dtype=np.int64)
    weather = _weather(Draws(seed), rows, climate)
    temperature = two_decimals(_temperature(times, weather, climate))
    readings = _readings(temperature, weather)
    return SeriesTable(times, OFFICIAL_COLUMNS, official_columns(readings))


def _weather(draws: Draws, rows: int, climate: Climate) -> _Weather:
    hours = rows // _PER_HOUR + 2

    def slow(memory: float) -> Floats:
        return interpolate(smooth_relaxation(draws.normal(hours), memory), _PER_HOUR, rows)

    def fast(memory: float) -> Floats:
        return relaxation(draws.normal(rows), memory * _PER_HOUR)

    return _Weather(
        air_mass=slow(climate.air_mass_memory),
        pressure=slow(climate.pressure_memory),
        wind=slow(climate.wind_memory),
        cloud=slow(climate.cloud_memory),
        moisture=slow(climate.moisture_memory),
        eddy=fast(climate.eddy_memory),
        gust=fast(climate.gust_memory),
        vane=fast(climate.gust_memory),
        damp=fast(climate.gust_memory),
        ripple=fast(climate.gust_memory),
    )


def _temperature(times: Integers, weather: _Weather, climate: Climate) -> Floats:
    days = (times - START) / 86_400
    # Coldest about 20 January, warmest about 14:30: the air lags behind the sun.
    winter = coarse(np.cos(2 * np.pi * (days - 19) / 365.25))
    afternoon = coarse(np.cos(2 * np.pi * (times % 86_400 / 3600 - 14.5) / 24))
    clear = np.clip(1 - 0.45 * weather.cloud, 0.1, 1.9)
    daily = (climate.daily - climate.daily_summer * winter) * clear * afternoon
    lead, width = climate.front_lead * _PER_HOUR, climate.front_width * _PER_HOUR
    # Under a high it grows warmer, under a low colder; a turn of the wind brings other air.
    fronts = climate.pressure_front * delayed_mean(weather.pressure, lead, width)
    fronts = fronts + climate.wind_front * delayed_mean(weather.wind, lead, width)
    air_mass = climate.air_mass * weather.air_mass * (1 + 0.25 * winter)
    yearly = climate.mean - climate.yearly * winter
    return yearly + daily + air_mass + fronts + climate.eddy * weather.eddy


def _readings(temperature: Floats, weather: _Weather) -> Columns:
    depression = 4.2 + 0.28 * (temperature - 9.4) + 1.9 * weather.moisture
    depression = np.clip(depression + 3.0 * weather.damp - 0.8 * weather.cloud, 0.05, None)
    saturated = saturation_pressure(temperature)
    humidity = 100 * saturation_pressure(temperature - depression) / saturated
    wind = two_decimals(np.abs(2.0 + 0.35 * weather.wind * weather.pressure + 1.5 * weather.gust))
    return Columns(
        pressure=two_decimals(989.2 + 7.4 * weather.pressure + 4.0 * weather.ripple),
        temperature=temperature,
        humidity=two_decimals(np.clip(humidity, 12, 100)),
        wind=wind,
        gust=two_decimals(1.55 * wind + 0.3 + 0.2 * np.abs(weather.vane)),
        direction=two_decimals(np.mod(200 + 50 * weather.wind + 60 * weather.vane, 360)),
    )


# The readings of a weather station that follow from a few others, by physics

# Magnus' formula over water with the constants of the German weather service's psychrometer
# tables; they give the Jena station's VPmax to about 0.01 mbar.
_MAGNUS_MBAR = 6.1078
_MAGNUS_FACTOR = 17.08085
_MAGNUS_DEGC = 234.175


@dataclass(frozen=True)
class Columns:
    """What a station measures itself; each of shape (n,), to two decimals.

    Units: mbar, degrees C, percent, m/s, m/s, degrees.
    """

    pressure: Floats
    temperature: Floats
    humidity: Floats
    wind: Floats
    gust: Floats
    direction: Floats


def two_decimals(values: Floats) -> Floats:
    """Round as the station's files do."""
    return np.asarray(np.round(coarse(values), 2), dtype=np.float64)


def saturation_pressure(temperature: Floats) -> Floats:
    """Vapour pressure in mbar at which air of a temperature in degrees C is saturated."""
    exponent = _MAGNUS_FACTOR * temperature / (_MAGNUS_DEGC + temperature)
    return coarse(_MAGNUS_MBAR * np.exp(exponent))


def dew_point(vapour_pressure: Floats) -> Floats:
    """Temperature in degrees C at which a vapour pressure in mbar saturates the air."""
    exponent = coarse(np.log(vapour_pressure / _MAGNUS_MBAR))
    return coarse(_MAGNUS_DEGC * exponent / (_MAGNUS_FACTOR - exponent))


def official_columns(readings: Columns) -> Floats:
    """Return the 14 official columns, shape (n, 14), from what was measured.

    VPact = VPmax * rh / 100; VPdef = VPmax - VPact; H2OC = 1000 * VPact / p;
    Tpot = (T + 273.15) * (1000 / p) ** 0.2859; sh = 622 * VPact / (p - 0.378 * VPact);
    rho = 1e5 * p / (287.05 * (T + 273.15) * (1 + 0.00061 * sh)), as checked on the station's
    own files.
    """
    p, kelvin = readings.pressure, readings.temperature + 273.15
    vp_max = two_decimals(saturation_pressure(readings.temperature))
    vp_act = vp_max * readings.humidity / 100
    sh = 622 * vp_act / (p - 0.378 * vp_act)
    columns = {
        "p (mbar)": p,
        "T (degC)": readings.temperature,
        "Tpot (K)": kelvin * coarse((1000 / p) ** 0.2859),
        "Tdew (degC)": dew_point(vp_act),
        "rh (%)": readings.humidity,
        "VPmax (mbar)": vp_max,
        "VPact (mbar)": vp_act,
        "VPdef (mbar)": vp_max - vp_act,
        "sh (g/kg)": sh,
        "H2OC (mmol/mol)": 1000 * vp_act / p,
        "rho (g/m**3)": 1e5 * p / (287.05 * kelvin * (1 + 0.00061 * sh)),
        "wv (m/s)": readings.wind,
        "max. wv (m/s)": readings.gust,
        "wd (deg)": readings.direction,
    }
    return np.stack([two_decimals(columns[name]) for name in OFFICIAL_COLUMNS], axis=1)


# A series in the shape that a task of the kind declares


#: 2001-01-01 00:00, where made series begin.
_BEGINNING = 978_307_200
_LEAST_ROWS, _SPANS = 600, 20


def declared_table(data: Mapping[str, Any], seed: int = 2001) -> SeriesTable:
    """Return a made series with the columns, the interval and the season that DATA says.

    A target is a cycle of one season, a slow relaxation, and the mean of what the other inputs
    were ``delay`` rows before, so that there is something to learn beyond the naive forecasts.
    Where DATA names no inputs there is one, called driver.

    Args:
        data: DATA of a task of the kind series, defaults filled in.
        seed: Of the random draws.
    """
    from bench.registry.intervals import interval_of  # A station's series has none.

    interval = interval_of(data["interval"] or "1h")
    season = data["season"] or interval.season or 12
    reach = data["lookback"] + data["delay"] + data["horizon"]
    rows = max(_LEAST_ROWS, _SPANS * reach, 8 * season)
    draws, targets = Draws(seed), data["targets"]
    others = [name for name in data["inputs"] or ["driver"] if name not in targets]
    drivers = [smooth_relaxation(draws.normal(rows), season / 2) for _ in others]
    led = [delayed_mean(driver, data["delay"], 1 + season // 8) for driver in drivers]
    columns = dict(zip(others, drivers, strict=True))
    for number, name in enumerate(targets):
        cycle = coarse(np.cos(2 * np.pi * (np.arange(rows) / season + number / 5)))
        own = relaxation(draws.normal(rows), 2 * season) + 0.2 * relaxation(draws.normal(rows), 1)
        columns[name] = cycle + 0.5 * own + 0.5 * sum(led)
    names = [*targets, *others] if data["inputs"] is None else list(dict.fromkeys(
        [*data["inputs"], *targets]
    ))  # fmt: skip
    values = np.stack([two_decimals(100 + 10 * columns[name]) for name in names], axis=1)
    return SeriesTable(_times(interval, rows), tuple(names), values, targets=tuple(targets))


def _times(interval: SamplingInterval, rows: int) -> Integers:
    if not interval.months:
        return _BEGINNING + interval.mean_seconds * np.arange(rows, dtype=np.int64)
    first = np.datetime64(_BEGINNING, "s").astype("datetime64[M]").astype(np.int64)
    months = first + interval.months * np.arange(rows, dtype=np.int64)
    return np.asarray(months.astype("datetime64[M]").astype("datetime64[s]"), dtype=np.int64)


# Random processes with memory that come out the same, bit for bit, on every machine


_UNIT = 1 << 17  # the integer that stands for one standard deviation of a draw
_ONE = 1 << 16  # the integer that stands for a decay of 1, memory without end
_GRID = 1 << 20  # parts of one that a rounded intermediate result keeps


class Draws:
    """A stream of standard normal draws, as integers."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def normal(self, count: int) -> Integers:
        """Return integers of mean 0 and standard deviation 2**17, shape (count,).

        The sum of twelve uniform draws has variance 1 and is nearly normal (Irwin, 1927;
        Hall, 1927). A sum does not depend on the order in which a word's parts are stored.
        """
        words = np.asarray(self._bits.random_raw(3 * count), dtype=np.uint64)
        parts = words.view(np.uint16).reshape(count, 12).astype(np.int64)
        return np.asarray(2 * parts.sum(axis=1) - 12 * (_ONE - 1), dtype=np.int64)


def coarse(values: Any) -> Floats:
    """Round to a grid of 2**-20, far coarser than what machines disagree about."""
    return np.asarray(np.rint(np.asarray(values) * _GRID) / _GRID, dtype=np.float64)


def relaxation(shocks: Integers, memory: float) -> Floats:
    """First-order autoregression of variance 1, shape of ``shocks``; ``memory`` in steps.

    With decay a and shocks of variance 1 the variance is 1 / (1 - a**2) (Hamilton, Time
    Series Analysis, 1994, section 3.4).
    """
    decay = _decay(memory)
    a = decay / _ONE
    return _remember(shocks, decay) / _UNIT * _scale(1 - a * a)


def smooth_relaxation(shocks: Integers, memory: float) -> Floats:
    """A relaxation of a relaxation: variance 1, and no jumps from one step to the next.

    A second-order autoregression with the double root a has variance
    (1 + a**2) / (1 - a**2)**3 (Hamilton, 1994, section 3.4).
    """
    decay = _decay(memory)
    a = decay / _ONE
    twice = _remember(_remember(shocks, decay), decay)
    return twice / _UNIT * _scale((1 - a * a) ** 3 / (1 + a * a))


def interpolate(values: Floats, parts: int, count: int) -> Floats:
    """Return ``count`` values, ``parts`` to each step of ``values``, on straight lines."""
    step, part = np.divmod(np.arange(count), parts)
    share = part / parts
    return coarse(values[step] * (1 - share) + values[step + 1] * share)


def delayed_mean(values: Floats, delay: int, width: int) -> Floats:
    """Return at each step the mean of ``width`` values, the last of them ``delay`` steps ago.

    Before the beginning the series counts as zero.
    """
    before = np.zeros(delay + width, dtype=np.int64)
    total = np.cumsum(np.concatenate([before, np.rint(values * _GRID).astype(np.int64)]))
    sums = total[width : width + len(values)] - total[: len(values)]
    return np.asarray(sums / (width * _GRID), dtype=np.float64)


def _decay(memory: float) -> int:
    return round(_ONE * math.exp(-1.0 / memory))


def _scale(variance: float) -> float:
    return float(coarse(math.sqrt(variance)))


def _remember(shocks: Integers, decay: int) -> Integers:
    state = 0
    states = []
    for shock in shocks.tolist():
        state = (state * decay >> 16) + shock
        states.append(state)
    return np.array(states, dtype=np.int64)
