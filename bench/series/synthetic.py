"""A made weather station: the official layout, from a seeded and exactly repeatable process.

The temperature is the sum of a yearly cycle, a daily cycle (larger in summer and under clear
skies), slow air masses, eddies that last an hour or two, and fronts. Fronts are what makes
the series worth learning: pressure and wind direction turn more than a day before the
temperature follows. The last sample alone knows nothing of that, so the naive forecast is
strong but can be beaten, and a model must still hold the end of the window when it answers:
one that reads it backwards ends ten days before, where pressure announces nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.series.processes import (
    Draws,
    coarse,
    delayed_mean,
    interpolate,
    relaxation,
    smooth_relaxation,
)
from bench.series.station import Readings, official_columns, saturation_pressure, two_decimals
from bench.series.table import OFFICIAL_COLUMNS, Floats, Integers, Table

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
) -> Table:
    """Return made weather every ten minutes from 2009 on, to two decimals and without gaps."""
    times = START + INTERVAL * np.arange(rows, dtype=np.int64)
    weather = _weather(Draws(seed), rows, climate)
    temperature = two_decimals(_temperature(times, weather, climate))
    readings = _readings(temperature, weather)
    return Table(times, OFFICIAL_COLUMNS, official_columns(readings))


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


def _readings(temperature: Floats, weather: _Weather) -> Readings:
    depression = 4.2 + 0.28 * (temperature - 9.4) + 1.9 * weather.moisture
    depression = np.clip(depression + 3.0 * weather.damp - 0.8 * weather.cloud, 0.05, None)
    saturated = saturation_pressure(temperature)
    humidity = 100 * saturation_pressure(temperature - depression) / saturated
    wind = two_decimals(np.abs(2.0 + 0.35 * weather.wind * weather.pressure + 1.5 * weather.gust))
    return Readings(
        pressure=two_decimals(989.2 + 7.4 * weather.pressure + 4.0 * weather.ripple),
        temperature=temperature,
        humidity=two_decimals(np.clip(humidity, 12, 100)),
        wind=wind,
        gust=two_decimals(1.55 * wind + 0.3 + 0.2 * np.abs(weather.vane)),
        direction=two_decimals(np.mod(200 + 50 * weather.wind + 60 * weather.vane, 360)),
    )
