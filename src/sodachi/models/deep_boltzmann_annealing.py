"""The log partition function of a layered Boltzmann machine, annealed from both ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.models.deep_boltzmann_dreams import sweeps
from sodachi.models.deep_boltzmann_layers import Activity, draws, fields
from sodachi.models.deep_boltzmann_likelihood import parts_of
from sodachi.system import Spec, State


class LogPartition(NamedTuple):
    """An estimate of log Z from below (annealed up) and from above (annealed down).

    ``up`` and ``down`` hold every chain's log weight; each end is ``log mean e^{±w}``.
    """

    lower: float
    upper: float
    up: np.ndarray
    down: np.ndarray


def anneal_log_partition(
    spec: Spec,
    state: State,
    key,
    *,
    chains: int = 100,
    steps: int = 1000,
    samples: Activity | None = None,
    burn_in: int = 1000,
) -> LogPartition:
    r"""Return log Z from below and from above, by annealed importance sampling and its reverse.

    Between a machine without couplings, whose units have the means μ of `State`, and the machine
    itself lie ``steps`` machines of weights βW, biases (1 − β)b_0 + βb. Going up,
    ``w = Σ_k log p*_{k+1}(x_k) − log p*_k(x_k)`` with one Gibbs sweep between; ``log mean e^w`` is
    on average below log Z. Going down from samples of the machine it is above, as far as those are
    from the machine's own law. β moves in even steps of its logistic, finer at both ends.

    Parameters
    ----------
    chains, steps
        Independent chains, and distributions on the way.
    samples
        By layer [chains, units], drawn from the machine itself; else chains that begin at the
        uncoupled machine and run ``burn_in`` sweeps.

    References
    ----------
    Neal (2001); Salakhutdinov & Murray (2008); reverse: Burda, Grosse & Salakhutdinov (2015).

    Examples
    --------
    >>> from sodachi.models.deep_boltzmann import deep_boltzmann_machine
    >>> from sodachi.models.deep_boltzmann_likelihood import enumerate_log_partition
    >>> machine = deep_boltzmann_machine(layers=(4, 3), scale=2.0)
    >>> state = machine.init(0)
    >>> z = anneal_log_partition(machine.spec, state, jax.random.key(0), steps=200, burn_in=50)
    >>> abs(0.5 * (z.lower + z.upper) - enumerate_log_partition(machine.spec, state)) < 0.1
    True
    """
    s, weights, mean = parts_of(spec, state)
    base = _uncoupled(s, weights, mean)
    betas = _schedule(steps)
    first, second, third = jax.random.split(key, 3)
    odd = _larger_half(s)

    @jax.jit
    def both(weights, mean, samples, first, second, third):
        start = _independent(s, base, chains, first)
        if samples is None:
            samples, _ = sweeps(s, weights, mean, start, third, burn_in)
        up = _anneal(s, base, weights, mean, start, betas, first, odd)
        down = _anneal(s, base, weights, mean, samples, betas[::-1], second, odd)
        return up, down

    up, down = (np.asarray(w, float) for w in both(weights, mean, samples, first, second, third))
    at_base = float(_log_partition_of(s, base))
    return LogPartition(at_base + _log_mean(up), at_base - _log_mean(down), up, down)


def _log_mean(w: np.ndarray) -> float:
    return float(np.logaddexp.reduce(w) - np.log(len(w)))


def _schedule(steps: int):
    logistic = jax.nn.sigmoid(jnp.linspace(-4.0, 4.0, steps + 1))
    return (logistic - logistic[0]) / (logistic[-1] - logistic[0])


def _larger_half(s) -> bool:
    """Whether the odd layers are the larger half, the one to sum out."""
    units = {odd: sum(n.units for n in s.layers if n.odd == odd) for odd in (True, False)}
    return units[True] > units[False]


def _uncoupled(s, weights, mean: Activity) -> dict[str, Any]:
    """Return weights of a machine without couplings whose units have these means."""
    none = {name: jnp.zeros_like(w) for name, w in weights.items()}
    for n in s.layers:
        m = mean[n.name]
        if n.kind != "gaussian":
            m = jnp.clip(m, 0.001, 0.999)
            m = jnp.log(m) if n.kind == "softmax" else jnp.log(m) - jnp.log1p(-m)
        none[f"{n.name}:bias"] = m[None]
    return none


def _log_partition_of(s, uncoupled):
    return sum(n.log_sum(uncoupled[f"{n.name}:bias"][0]) for n in s.layers)


def _independent(s, uncoupled, chains: int, key) -> Activity:
    heard = {
        n.name: jnp.broadcast_to(uncoupled[f"{n.name}:bias"], (chains, n.units)) for n in s.layers
    }
    return draws(s.layers, heard, key)


def _anneal(s, base, weights, mean: Activity, x: Activity, betas, key, odd: bool):
    """Return every chain's log weight along ``betas``, the odd (or even) layers summed out."""
    summed = [n for n in s.layers if n.odd == odd]
    kept = [n for n in s.layers if n.odd != odd]

    def bias(n, beta):
        name = f"{n.name}:bias"
        return (1 - beta) * base[name][0] + beta * weights[name][0]

    def coupled(x, odd):
        """What couplings alone make each layer hear, at β = 1."""
        heard = fields(s, weights, mean, x, odd)
        return {name: f - weights[f"{name}:bias"][0] for name, f in heard.items()}

    def log_weight(x, coupling, beta):
        own = sum(n.own(bias(n, beta), x[n.name]) for n in kept)
        shift = sum(jnp.sum(coupling[n.name] * mean[n.name], -1) for n in summed)
        heard = (n.log_sum(bias(n, beta) + beta * coupling[n.name]) for n in summed)
        return own - beta * shift + sum(heard)

    def drawn(layers, coupling, beta, key):
        heard = {n.name: bias(n, beta) + beta * coupling[n.name] for n in layers}
        return draws(layers, heard, key)

    def once(carry, pair):
        x, total, key = carry
        now, then = pair
        coupling = coupled(x, odd)
        total = total + log_weight(x, coupling, then) - log_weight(x, coupling, now)
        key, one, two = jax.random.split(key, 3)
        x = x | drawn(summed, coupling, then, one)
        return (x | drawn(kept, coupled(x, not odd), then, two), total, key), None

    start = (x, jnp.zeros(next(iter(x.values())).shape[0]), key)
    (_, total, _), _ = jax.lax.scan(once, start, jnp.stack([betas[:-1], betas[1:]], 1))
    return total
