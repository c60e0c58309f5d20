"""Spike-timing windows: of the counting rule in closed form, of any rule by pairs of spikes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import least_squares

from sodachi.core.connections import Dense
from sodachi.core.rule import Rule, plastic, start_synapses
from sodachi.rules.stdp import decayed

PAIR = Dense((1,), (1,))
PAIRS, APART_ms = 60, 1000.0  # Bi and Poo's protocol: 60 pairs of spikes at 1 Hz


class Window(NamedTuple):
    """Relative change of a synapse after 60 pairs: ``A± e^{−|Δt|/τ±}``, Δt in ms, pre first > 0."""

    plus: float
    minus: float
    tau_plus_ms: float
    tau_minus_ms: float

    def __call__(self, lag_ms):
        """Return the change at each lag."""
        lag = np.asarray(lag_ms, float)
        up = self.plus * np.exp(-np.abs(lag) / self.tau_plus_ms)
        down = self.minus * np.exp(-np.abs(lag) / self.tau_minus_ms)
        return np.where(lag > 0, up, down)


#: The fit that is usually quoted for Bi and Poo's data (1998). The time constants were found quoted
#: in a second place; the amplitudes are quoted from memory and were not checked against the paper.
BI_POO = Window(0.777, -0.273, 16.8, 33.7)
#: Another fit to the same data, as the NEST documentation quotes it from Bi and Wang (2002).
BI_WANG = Window(0.86, -0.25, 19.0, 34.0)


class Counts(NamedTuple):
    """Hebb and Home of a synapse at birth."""

    hebb: float
    home: float

    @property
    def strength(self) -> float:
        """P = Hebb/Home."""
        return self.hebb / self.home


@lru_cache(maxsize=8)
def counts_for(window: Window) -> Counts:
    """Return the counts whose closed form is nearest to a window within ±100 ms (least squares).

    Examples
    --------
    >>> counts = counts_for(BI_POO)
    >>> round(counts.hebb), round(counts.home), round(counts.strength, 2)
    (48, 187, 0.26)
    """
    lags = np.concatenate([-np.arange(1.0, 101.0), np.arange(1.0, 101.0)])

    def apart(logs):
        counts = Counts(*np.exp(logs))
        derived = closed_form(counts, lags, window.tau_plus_ms, window.tau_minus_ms)
        return derived - window(lags)

    hebb, home = np.exp(least_squares(apart, np.log([40.0, 160.0])).x)
    return Counts(float(hebb), float(home))


def closed_form(counts: Counts, lag_ms, tau_plus_ms: float, tau_minus_ms: float):
    r"""Return the relative change of p after 60 pairs, each its own: what counting must give.

    ``(1 + 60 e/Hebb)/(1 + 60 e/Home) − 1`` with ``e = e^{−Δt/τ₊}`` where pre is first, and
    ``1/(1 + 60 e/Home) − 1`` with ``e = e^{−|Δt|/τ₋}`` where post is.
    """
    lag = np.asarray(lag_ms, float)
    up = PAIRS * np.exp(-np.abs(lag) / tau_plus_ms)
    down = PAIRS * np.exp(-np.abs(lag) / tau_minus_ms)
    potentiated = (1 + up / counts.hebb) / (1 + up / counts.home) - 1
    return np.where(lag > 0, potentiated, 1 / (1 + down / counts.home) - 1)


def paired(
    rule: Rule, weight, lags, window: Window, dt_ms: float, home: str = "traced"
) -> np.ndarray:
    """Return the weights after 60 pairs of spikes at each lag, lived tick by tick.

    ``home`` says what a synapse knows for its second drive: ``"traced"`` pre spikes meet the post
    trace; ``"never"``, the lesion; ``"always"``, every post spike counts whatever pre did.
    """
    every = round(APART_ms / dt_ms)
    ticks = jnp.asarray(np.rint(np.asarray(lags) / dt_ms).astype(np.int32))

    def one(lag):
        middle = every // 2

        def tick(carry, now):
            w, s, pre_trace, post_trace = carry
            pre_trace = decayed(pre_trace, dt_ms, window.tau_plus_ms)
            post_trace = decayed(post_trace, dt_ms, window.tau_minus_ms)
            phase = now % every
            pre = (phase == middle).astype(jnp.float32)[None]
            post = (phase == middle + lag).astype(jnp.float32)[None]
            seen = {"traced": (post_trace, pre), "never": (0 * post_trace, pre),
                    "always": (post, jnp.ones(1))}[home]  # fmt: skip
            w, s = plastic(rule, PAIR, w, s, {"spike": post, "trace": seen[0]},
                           {"spike": seen[1], "trace": pre_trace}, learn=True,
                           clock=0.0)  # fmt: skip
            return (w, s, pre_trace + pre, post_trace + post), None

        w = jnp.full((1, 1), weight, jnp.float32)
        silent = jnp.zeros(1)
        start = (w, start_synapses(rule, w), silent, silent)
        (w, *_), _ = jax.lax.scan(tick, start, jnp.arange(PAIRS * every))
        return w[0, 0]

    return np.asarray(jax.jit(jax.vmap(one))(ticks), float)


def unrelated(rule: Rule, weights, window: Window, seed: int, seconds: float, Hz: float = 20.0):
    """Return the weights of synapses between cells that fire at random and know nothing of others.

    Poisson spikes of the same rate on both sides, ticks of 1 ms; every synapse a pair of its own.
    """
    first = jnp.asarray(weights, jnp.float32)

    def one(key, weight):
        def tick(carry, now):
            w, s, pre_trace, post_trace = carry
            pre_trace = decayed(pre_trace, 1.0, window.tau_plus_ms)
            post_trace = decayed(post_trace, 1.0, window.tau_minus_ms)
            fired = jax.random.bernoulli(jax.random.fold_in(key, now), Hz / 1000, (2, 1))
            pre, post = fired.astype(jnp.float32)
            w, s = plastic(rule, PAIR, w, s, {"spike": post, "trace": post_trace},
                           {"spike": pre, "trace": pre_trace}, learn=True, clock=0.0)  # fmt: skip
            return (w, s, pre_trace + pre, post_trace + post), None

        w = jnp.full((1, 1), weight, jnp.float32)
        silent = jnp.zeros(1)
        start = (w, start_synapses(rule, w), silent, silent)
        (w, *_), _ = jax.lax.scan(tick, start, jnp.arange(round(1000 * seconds)))
        return w[0, 0]

    keys = jax.random.split(jax.random.key(seed), len(first))
    return np.asarray(jax.jit(jax.vmap(one))(keys, first), float)
