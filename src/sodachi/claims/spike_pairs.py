"""Pairs of single spikes before a dynamic Boltzmann machine, and its likelihood by definition."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.models.dynamic_boltzmann import dynamic_boltzmann_machine
from sodachi.system import Evidence, Observation

PRE, POST = 0, 1


class Pair(NamedTuple):
    """Two cells and one synapse between them: its delay, λ, μ, u and v; the chance to fire at rest.

    Where u and v are 0, no spike moves another's chance, and what pairing alone changes is exact.
    """

    delay: int
    trace_decay: float
    depression_decay: float
    chance: float
    u: float = 0.0
    v: float = 0.0

    @property
    def delays(self) -> tuple[tuple[int | None, ...], ...]:
        """From each cell to each: only the first reaches the second."""
        return ((None, self.delay), (None, None))

    @property
    def bias(self) -> float:
        """Log-odds of the chance."""
        return float(np.log(self.chance / (1.0 - self.chance)))


def past_of(series, delays, trace_decays, depression_decays) -> dict[str, np.ndarray]:
    r"""Return what each tick [T] knows of the ticks before, by plain sums over all of them.

    ``alpha`` [T, K, j, i], ``beta`` and ``gamma`` [T, M, j, i] of the synapse from i to j, as the
    equations of `dynamic_boltzmann_machine` define them, for spikes ``series`` [T, n].
    """
    x = np.asarray(series, np.float64)
    ticks, n = x.shape
    lam, mu = np.asarray(trace_decays, float), np.asarray(depression_decays, float)
    alpha = np.zeros((ticks, len(lam), n, n))
    beta, gamma = np.zeros((2, ticks, len(mu), n, n))
    pairs = [(i, j, d) for i, row in enumerate(delays) for j, d in enumerate(row) if d is not None]
    for t in range(ticks):
        for s in range(t):
            for i, j, d in pairs:
                gamma[t, :, j, i] += mu ** (d + t - s) * x[s, j]
                if s <= t - d:
                    alpha[t, :, j, i] += lam ** (t - s - d) * x[s, i]
                else:
                    beta[t, :, j, i] += mu ** (s + d - t) * x[s, i]
    return {"alpha": alpha, "beta": beta, "gamma": gamma}


def log_likelihood(weights, series, past: dict[str, Any]):
    """Return ``Σ_t log P(x[t] | past)`` by definition; ``weights`` as the machine holds them."""
    x = jnp.asarray(series)
    log_odds = jnp.broadcast_to(weights["bias"][0], x.shape)
    for k in range(past["alpha"].shape[1]):
        log_odds += (weights[f"potentiation_{k}"] * past["alpha"][:, k]).sum(2)
    for m in range(past["beta"].shape[1]):
        v = weights[f"depression_{m}"]
        log_odds -= (v * past["beta"][:, m]).sum(2)  # into j, from all its sources
        log_odds -= (v * past["gamma"][:, m]).sum(1)  # and back to i, from all its targets
    return jnp.sum(x * log_odds - jax.nn.softplus(log_odds))


def spikes(lags, ticks: int, wanted: tuple[bool, bool] = (True, True)) -> np.ndarray:
    """Return spike trains [lags, ticks, 2]: pre at the middle, post a lag later; or only one."""
    trains = np.zeros((len(lags), ticks, 2))
    if wanted[PRE]:
        trains[:, ticks // 2, PRE] = 1.0
    if wanted[POST]:
        trains[np.arange(len(lags)), ticks // 2 + np.asarray(lags), POST] = 1.0
    return trains


@lru_cache(maxsize=32)
def _driver(pair: Pair, with_depression: bool):
    """One compiled life of the machine: the sum of what its own rules would change at each tick."""
    machine = dynamic_boltzmann_machine(
        units=2,
        delays=pair.delays,
        trace_decays=[pair.trace_decay],
        depression_decays=[pair.depression_decay] if with_depression else [],
        rate=1.0,
        dtype="float64",
    )
    state = machine.init(0)
    own = {"bias": pair.bias, "potentiation_0": pair.u, "depression_0": pair.v}
    weights = {name: jnp.full_like(w, own[name]) for name, w in state.shared["weights"].items()}
    start = state._replace(shared={**state.shared, "weights": weights})

    def driven(series):
        def tick(state, x):
            held = Evidence(x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x))
            now = Observation({"units": held}, {"synapses": jnp.ones(())}, True, False)
            after, _ = machine.step(state, now)
            moved = jax.tree.map(jnp.subtract, after.shared["weights"], weights)
            shared = {**after.shared, "weights": weights}
            return after._replace(shared=shared), moved

        _, moves = jax.lax.scan(tick, start, series)
        return jax.tree.map(lambda a: a.sum(0), moves)

    return jax.jit(jax.vmap(driven)), weights


def rule_change(pair: Pair, series, with_depression: bool = True) -> dict[str, np.ndarray]:
    """Return what the machine's rules add up to over spike trains [lags, T, 2], at rate 1."""
    with jax.enable_x64(True):
        drive, _ = _driver(pair, with_depression)
        return {name: np.asarray(a) for name, a in drive(jnp.asarray(series)).items()}


def slope(pair: Pair, series) -> dict[str, np.ndarray]:
    """Return the derivative of the log-likelihood of the same trains, by autodiff."""
    with jax.enable_x64(True):
        _, weights = _driver(pair, True)
        found = []
        for train in series:
            past = past_of(train, pair.delays, [pair.trace_decay], [pair.depression_decay])
            found.append(jax.grad(log_likelihood)(weights, train, past))
        return {n: np.stack([np.asarray(f[n]) for f in found]) for n in weights}


def synapse(change: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return u's and v's change at the one synapse (0 where a machine has none)."""
    zero = np.zeros(len(change["bias"]))
    return {
        short: change[name][:, POST, PRE] if name in change else zero
        for short, name in (("u", "potentiation_0"), ("v", "depression_0"))
    }


def window(pair: Pair, lags, measure, ticks: int) -> dict[str, np.ndarray]:
    """Return what pairing alone changes at each lag: both spikes, less what either does by itself.

    ``measure(pair, trains)`` is `rule_change` or `slope`. Also ``"w"``, the sum of u and v.
    """
    total: dict[str, Any] = {"u": 0.0, "v": 0.0}
    for sign, wanted in ((1, (True, True)), (-1, (True, False)), (-1, (False, True)),
                         (1, (False, False))):  # fmt: skip
        change = synapse(measure(pair, spikes(lags, ticks, wanted)))
        total = {name: total[name] + sign * change[name] for name in total}
    return total | {"w": total["u"] + total["v"]}
