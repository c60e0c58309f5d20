"""Populations of membranes that live through a current, and what fits them: the ladder's last step.

Fits are made to rates under constant currents. What is compared then is a time course under a
current that was not among them; nothing is fitted to it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares

from sodachi.neurons import (
    CanonicalCell,
    FitzHughNagumo,
    HodgkinHuxley,
    Population,
    RateCell,
)


class Kind(NamedTuple):
    """A population, its clock, and the currents that it is asked about.

    Times are in ms for Hodgkin and Huxley's membrane and without units for FitzHugh's; rates are
    per 1,000 of them.
    """

    cell: Any
    dt: float
    bin: float
    """Spikes are counted in bins of this length."""
    synapse: float
    """τ of the slow current, several spikes long."""
    noise: float
    noise_time: float
    low: float
    high: float


KINDS = {
    "FitzHugh-Nagumo": Kind(FitzHughNagumo(), 0.1, 40.0, 400.0, 0.3, 10.0, -0.8, 1.0),
    "Hodgkin-Huxley": Kind(HodgkinHuxley(), 0.05, 10.0, 100.0, 5.0, 5.0, -15.0, 45.0),
}
GRID = 31  # constant currents
SIZE = {"quick": (25, 30, 100, 100), "full": (100, 75, 500, 400)}
"""By form: cells and bins at each constant current; cells and bins of the time course."""


def sigmoid(current, highest, threshold, width):
    """Return the f-I curve of the canonical form, ``f_max σ((I − θ)/s)``: three numbers."""
    return highest / (1 + np.exp(-np.clip((current - threshold) / width, -60, 60)))


def threshold_linear(current, slope, threshold, highest):
    """Return ``k (I − θ)`` between 0 and the highest rate: three numbers."""
    return np.clip(slope * (current - threshold), 0, highest)


def integrate_and_fire(current, tau, refractory, threshold, climb):
    """Return the closed form ``1/(t_ref + τ ln(1 + c/(I − θ)))`` above θ: four numbers."""
    above = np.maximum(current - threshold, 1e-9)
    interval = np.abs(refractory) + np.abs(tau) * np.log1p(np.abs(climb) / above)
    return np.where(current > threshold, 1000 / np.maximum(interval, 1e-9), 0.0)


CURVES = {
    "canonical": sigmoid,
    "threshold-linear": threshold_linear,
    "integrate-and-fire": integrate_and_fire,
}


def starts(name: str, kind: Kind, rates) -> list[tuple[float, ...]]:
    """Return where the search for a curve's numbers begins: every curve gets a dozen places."""
    top, range_ = float(np.max(rates)), kind.high - kind.low
    places = [kind.low + share * range_ for share in (0.0, 0.15, 0.3, 0.45, 0.6, 0.75)]
    if name == "canonical":
        return [(top, place, range_ / part) for place in places for part in (5, 20)]
    if name == "threshold-linear":
        return [(part * top / range_, place, top) for place in places for part in (1, 3)]
    refractory = 1000 / top
    return [
        (share * refractory, 0.7 * refractory, place - 0.1 * range_, 0.5 * range_)
        for place in places
        for share in (0.3, 1.5)
    ]


def fitted(kind: Kind, currents, rates) -> dict[str, Fit]:
    """Return each curve with the numbers that fit the rates best (least squares, best of 12)."""
    found = {}
    for name, curve in CURVES.items():
        tried = []
        for start in starts(name, kind, rates):
            # Any number may grow or shrink a thousandfold; a threshold lies anywhere near.
            size = np.maximum(np.abs(start), kind.high - kind.low)
            bounds = (-1e3 * size, 1e3 * size)
            best = least_squares(
                lambda numbers, curve=curve: curve(currents, *numbers) - rates,
                start,
                bounds=bounds,
                x_scale=size,
                max_nfev=400,
            )
            tried.append((float(best.cost), Fit(curve, tuple(float(v) for v in best.x))))
        found[name] = min(tried, key=lambda pair: pair[0])[1]
    return found


class Fit(NamedTuple):
    """A curve and its numbers."""

    curve: Callable
    numbers: tuple[float, ...]

    def __call__(self, current):
        """Return the rate under each current."""
        return self.curve(current, *self.numbers)


@cache
def _constant(kind: Kind, cells: int, bins: int):
    """Compile the rates [GRID] under constant currents."""
    many = Population(kind.cell, cells, 0.0, kind.noise, kind.noise_time)
    currents = jnp.linspace(kind.low, kind.high, GRID)
    ticks = round(kind.bin / kind.dt)

    def tick(carry, _):
        state, seen = carry
        state, share = many.step(state, currents, kind.dt)
        return (state, seen + share), None

    @jax.jit
    def live(key):
        state, none = many.rest(key, currents), jnp.zeros(GRID)
        (state, _), _ = jax.lax.scan(tick, (state, none), None, 10 * ticks)
        (_, seen), _ = jax.lax.scan(tick, (state, none), None, bins * ticks)
        return seen * (1000 / (bins * kind.bin))

    return currents, live


def constant_rates(kind: Kind, seed: int, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Return constant currents [31] and the population's rate under each."""
    cells, bins, _, _ = SIZE[form]
    currents, live = _constant(kind, cells, bins)
    return np.asarray(currents, float), np.asarray(live(jax.random.key(seed)), float)


def unseen_current(kind: Kind, seed: int, form: str) -> np.ndarray:
    """Return a current for each bin: steps of random height and length, and slow waves on them."""
    rng = np.random.default_rng([seed, 53])
    bins = SIZE[form][3]
    parts: list[np.ndarray] = []
    while sum(map(len, parts)) < bins:
        parts.append(np.full(rng.integers(10, 50), rng.uniform(kind.low, kind.high)))
    steps = np.concatenate(parts)[:bins]
    wave = 0.1 * (kind.high - kind.low) * np.sin(np.arange(bins) / rng.uniform(8, 20))
    return np.clip(steps + wave, kind.low, kind.high)


@cache
def _course(kind: Kind, cells: int):
    many = Population(kind.cell, cells, kind.synapse, kind.noise, kind.noise_time)
    ticks = round(kind.bin / kind.dt)

    def one_bin(state, current):
        def tick(carry, _):
            state, seen, slow = carry
            state, share = many.step(state, current, kind.dt)
            return (state, seen + share, slow + state.slow), None

        (state, seen, slow), _ = jax.lax.scan(tick, (state, 0.0, 0.0), None, ticks)
        return state, (seen * (1000 / kind.bin), slow / ticks)

    return jax.jit(lambda key, given: jax.lax.scan(one_bin, many.rest(key, given[0]), given)[1])


def lived(kind: Kind, current, seed: int, form: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the population's rate in every bin, and the slow current that its cells shared."""
    key = jax.random.fold_in(jax.random.key(seed), 1)
    rate, slow = _course(kind, SIZE[form][2])(key, jnp.asarray(current, jnp.float32))
    return np.asarray(rate, float), np.asarray(slow, float)


def simulated(cell: Any, kind: Kind, current, sub: int = 20) -> np.ndarray:
    """Return the mean rate of a rate or canonical cell in every bin, from its rest."""
    x = jax.nn.sigmoid(cell.field(jnp.float32(current[0])))
    start = cell.rest(())
    begin = x if isinstance(cell, RateCell) else cell.field(jnp.float32(current[0]))
    state = type(start)(jnp.asarray(begin, jnp.float32))

    def one_bin(state, now):
        state, x = jax.lax.scan(lambda s, _: cell.step(s, now, kind.bin / sub), state, None, sub)
        return state, x.mean()

    x = jax.jit(lambda given: jax.lax.scan(one_bin, state, given)[1])(
        jnp.asarray(current, jnp.float32)
    )
    return cell.highest_Hz * np.asarray(x, float)


def residual(model, seen) -> float:
    """Return the root mean squared error over the deviation of what was seen."""
    return float(np.sqrt(np.mean((model - seen) ** 2)) / np.std(seen))


def courses(kind: Kind, seed: int, form: str) -> dict[str, np.ndarray]:
    """Return the time courses [bins] of the population and of everything that predicts it."""
    currents, rates = constant_rates(kind, seed, form)
    fits = fitted(kind, currents, rates)
    current = unseen_current(kind, seed, form)
    seen, slow = lived(kind, current, seed, form)
    highest, threshold, width = fits["canonical"].numbers
    numbers = (kind.synapse, threshold, width, highest)
    tangent = highest * np.clip(0.5 + (slow - threshold) / (4 * width), 0, 1)
    return {
        "current": current,
        "population": seen,
        "canonical": simulated(CanonicalCell(*numbers), kind, current),
        "as published": simulated(CanonicalCell(*numbers, "activity"), kind, current),
        "rate": simulated(RateCell(*numbers), kind, current),
        "threshold-linear": fits["threshold-linear"](slow),
        "integrate-and-fire": fits["integrate-and-fire"](slow),
        "linear leak": tangent,
        "own curve": np.interp(slow, currents, rates),
    }
