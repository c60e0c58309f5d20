"""The membranes written a second time, in NumPy and float64, for SciPy's integrator: an oracle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.integrate import solve_ivp

#: Where spikes are counted, and how long they are: (level, warming up, counted).
CLOCKS = {
    "four variables": (0.0, 200.0, 400.0),
    "two variables": (0.0, 200.0, 400.0),
    "FitzHugh-Nagumo": (0.5, 400.0, 1200.0),
}


def _ratio(a: float) -> float:
    """``a/(1 − e^{−a})`` with its limit."""
    return 1.0 + a / 2 if abs(a) < 1e-9 else a / (1.0 - np.exp(-a))


def _rates(v: float) -> tuple[tuple[float, float], ...]:
    """Opening and closing of m, h and n in the modern convention (rest at −65 mV)."""
    m = _ratio((v + 40) / 10), 4 * np.exp(-(v + 65) / 18)
    h = 0.07 * np.exp(-(v + 65) / 20), 1 / (np.exp(-(v + 35) / 10) + 1)
    n = 0.1 * _ratio((v + 55) / 10), 0.125 * np.exp(-(v + 65) / 80)
    return m, h, n


def four(t: float, y: np.ndarray, current: float) -> list[float]:
    """Return the slope of Hodgkin and Huxley's (v, m, h, n)."""
    v, *gates = y
    m, h, n = gates
    flow = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
    moves = [a * (1 - x) - b * x for x, (a, b) in zip(gates, _rates(v), strict=True)]
    return [current - flow, *moves]


def two(t: float, y: np.ndarray, current: float) -> list[float]:
    """Return the slope of the reduced (v, n): m settled, h = .89 − 1.1 n."""
    v, n = y
    (a, b), _, (opens, closes) = _rates(v)
    m, h = a / (a + b), 0.89 - 1.1 * n
    flow = 120 * m**3 * h * (v - 50) + 36 * n**4 * (v + 77) + 0.3 * (v + 54.387)
    return [current - flow, opens * (1 - n) - closes * n]


def plane(t: float, y: np.ndarray, current: float) -> list[float]:
    """Return the slope of FitzHugh's (v, w)."""
    v, w = y
    return [v - v**3 / 3 - w + current, 0.08 * (v + 0.7 - 0.8 * w)]


def at_rest(name: str) -> np.ndarray:
    """Return where a membrane begins."""
    if name == "FitzHugh-Nagumo":
        v = float(np.roots([-1 / 3, 0.0, 1 - 1 / 0.8, -0.7 / 0.8]).real[
            np.argmin(np.abs(np.roots([-1 / 3, 0.0, 1 - 1 / 0.8, -0.7 / 0.8]).imag))
        ])  # fmt: skip
        return np.array([v, (v + 0.7) / 0.8])
    steady = [a / (a + b) for a, b in _rates(-65.0)]
    return np.array([-65.0, *steady] if name == "four variables" else [-65.0, steady[2]])


SLOPES: dict[str, Callable] = {
    "four variables": four,
    "two variables": two,
    "FitzHugh-Nagumo": plane,
}


def voltage(name: str, current: float, times: np.ndarray) -> np.ndarray:
    """Return the voltage at some times under a constant current, from rest."""
    found = solve_ivp(SLOPES[name], (0.0, float(times[-1])), at_rest(name), "DOP853",
                      t_eval=times, args=(current,), rtol=1e-10, atol=1e-10)  # fmt: skip
    return found.y[0]


def rate(name: str, current: float) -> float:
    """Return spikes per unit of time under a constant current, after the warming up.

    Examples
    --------
    >>> round(1000 * rate("four variables", 10.0), 1)
    68.3
    """
    level, warm, counted = CLOCKS[name]

    def crossing(t, y, current):
        return y[0] - level

    crossing.direction = 1  # type: ignore[attr-defined]  # as SciPy asks for it
    found = solve_ivp(SLOPES[name], (0.0, warm + counted), at_rest(name), "LSODA",
                      events=crossing, args=(current,), rtol=1e-8, atol=1e-8)  # fmt: skip
    times = found.t_events[0]
    times = times[times > warm]
    return 0.0 if len(times) < 2 else float((len(times) - 1) / (times[-1] - times[0]))
