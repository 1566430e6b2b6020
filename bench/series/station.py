"""The readings of a weather station that follow from a few others, by physics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.series.processes import coarse
from bench.series.table import OFFICIAL_COLUMNS, Floats

# Magnus' formula over water with the constants of the German weather service's psychrometer
# tables; they give the Jena station's VPmax to about 0.01 mbar.
_MAGNUS_MBAR = 6.1078
_MAGNUS_FACTOR = 17.08085
_MAGNUS_DEGC = 234.175


@dataclass(frozen=True)
class Readings:
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


def official_columns(readings: Readings) -> Floats:
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
