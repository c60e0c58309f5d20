"""Forecasts one tick ahead, strictly online: predict, then learn; and how settings are chosen."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.claims.diebold_mariano import diebold_mariano
from sodachi.models import gaussian_dynamic_boltzmann_machine
from sodachi.system import Evidence, Observation, System

#: Settings are chosen by the mean squared error on the last part of each of these parts of the
#: training data, learned from what is before: shares of it, (learned from, up to).
FOLDS = ((0.4, 0.6), (0.6, 0.8), (0.8, 1.0))


class Series(NamedTuple):
    """Values [T, n] as the machines see them, how many are to train, and the unit of errors [n]."""

    values: np.ndarray
    train: int
    unit: np.ndarray


class Machine(NamedTuple):
    """A Gaussian dynamic Boltzmann machine's settings; hashable, so that lives are kept."""

    delay: int
    trace_decays: tuple[float, ...]
    rate: float
    optimiser: str = "adagrad"
    reservoir: int = 0
    leak: float = 0.1
    input_scale: float = 1.0

    def system(self, units: int) -> System:
        """Return the machine for series of so many variables."""
        return gaussian_dynamic_boltzmann_machine(units=units, **self._asdict())


def forecasts(
    machine: Machine, series: Series, passes: int, seed: int = 0, learn_at_test: bool = True
) -> np.ndarray:
    """Return what was foreseen of the rest [T − train, n], in the series' own scale.

    The machine lives through the training part ``passes`` times, each an episode, and goes on into
    the rest: every value is foreseen before it is seen, and seen once.
    """
    ticks = np.concatenate([np.tile(np.arange(series.train), passes),
                            np.arange(series.train, len(series.values))])  # fmt: skip
    first = (ticks == 0) & (np.arange(len(ticks)) < passes * series.train)
    learn = learn_at_test | (np.arange(len(ticks)) < passes * series.train)
    life, born = _life(machine, series.values.shape[1])
    values = jnp.asarray(series.values, jnp.float32)
    seen = life(born(seed), values, jnp.asarray(ticks), jnp.asarray(learn), jnp.asarray(first))
    return np.asarray(seen, np.float64)[passes * series.train :]


@lru_cache(maxsize=64)
def _life(machine: Machine, units: int):
    system = machine.system(units)

    def tick(state, now):
        x, learn, first = now
        held = Evidence(x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x))
        seen = Observation({"series": held}, {"synapses": jnp.ones(())}, learn, first)
        state, output = system.step(state, seen)
        return state, output["mean"]

    def life(state, values, ticks, learn, first):
        return jax.lax.scan(tick, state, (values[ticks], learn, first))[1]

    return jax.jit(life), system.init


def least_squares(series: Series, order: int) -> np.ndarray:
    """Return the forecasts of an autoregression of that order, fitted once to the training part."""
    x = series.values
    past = np.stack([np.roll(x, d, 0) for d in range(1, order + 1)], 1).reshape(len(x), -1)
    known = np.concatenate([np.ones((len(x), 1)), past], 1)
    fit = np.linalg.lstsq(known[order : series.train], x[order : series.train], rcond=None)[0]
    return (known @ fit)[series.train :]


def persistence(series: Series) -> np.ndarray:
    """Return the forecast that nothing changes."""
    return series.values[series.train - 1 : -1]


def losses(series: Series, foreseen: np.ndarray) -> np.ndarray:
    """Return squared errors [T − train], the mean over variables, each in its unit."""
    wrong = (foreseen - series.values[series.train :]) / series.unit
    return (wrong**2).mean(1)


def error(series: Series, foreseen: np.ndarray) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(losses(series, foreseen).mean()))


def against(series: Series, ours: np.ndarray, others: dict[str, np.ndarray]) -> Figures:
    """Return error, and for each rival the p of Diebold and Mariano, 1 where it is not worse."""
    own = losses(series, ours)
    figures: Figures = {"error": error(series, ours)}
    for name, foreseen in others.items():
        compared = diebold_mariano(own, losses(series, foreseen))
        figures[f"p, {name}"] = compared.p if compared.difference < 0 else 1.0
    return figures


def validated(foresee: Callable[[Series], Any], series: Series) -> float:
    """Return the root mean squared error over the folds: how every setting here was chosen.

    ``foresee`` gets a series that ends where its fold ends, so nothing of the rest is ever seen.
    """
    total = []
    for start, stop in FOLDS:
        fold = Series(series.values[: int(stop * series.train)], int(start * series.train),
                      series.unit)  # fmt: skip
        total.append(losses(fold, foresee(fold)).mean())
    return float(np.sqrt(np.mean(total)))
