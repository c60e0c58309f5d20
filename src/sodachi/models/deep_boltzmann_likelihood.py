"""How likely data are to a layered Boltzmann machine: exactly, in a bracket, or at least.

``log p(v) = log Σ_h e^{−E(v, h)} − log Z``. The first part is a sum over one half of the layers,
which factorises; log Z is exact where the smaller half can be enumerated, and else estimated by
annealed importance sampling from both ends.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.deep_boltzmann import layers_of
from sodachi.models.deep_boltzmann_layers import (
    Activity,
    draws,
    energy,
    fields,
    log_weight,
    rest,
)
from sodachi.models.deep_boltzmann_step import sweeps
from sodachi.system import Spec, State

LIMIT = 20
BLOCK = 2**12
MEAN_FIELD = 50


class LogPartition(NamedTuple):
    """An estimate of log Z from below (annealed up) and from above (annealed down).

    ``up`` and ``down`` hold every chain's log weight; each end is ``log mean e^{±w}``.
    """

    lower: float
    upper: float
    up: np.ndarray
    down: np.ndarray


def enumerate_log_partition(spec: Spec, state: State) -> float:
    r"""Return ``log Z = log Σ_x e^{−E(x)}``, the smaller half enumerated and the other summed out.

    Parameters
    ----------
    spec, state
        Of a `deep_boltzmann_machine` (not of a minibatch of it; its state may be of one).

    Raises
    ------
    SpecError
        For a smaller half of more than 2²⁰ states (20 binary units), or a Gaussian one.

    Examples
    --------
    >>> from sodachi.models.deep_boltzmann import deep_boltzmann_machine
    >>> machine = deep_boltzmann_machine(layers=(4, 3), scale=0.0)
    >>> round(enumerate_log_partition(machine.spec, machine.init(0)) / np.log(2), 4)
    7.0
    """
    s, weights, mean = _parts(spec, state)
    halves = {odd: _states_of(s, odd) for odd in (True, False)}
    kept = min(halves, key=halves.__getitem__)
    if not halves[kept] <= 2**LIMIT:
        words = f"a half with at most 2^{LIMIT} states ({LIMIT} binary units)"
        raise SpecError("layers", words, [n.units for n in s.layers])

    @jax.jit
    def block(first):
        x = _decode(s, first + jnp.arange(BLOCK), kept)
        log = log_weight(s, weights, mean, x, not kept)
        return jax.nn.logsumexp(jnp.where(first + jnp.arange(BLOCK) < halves[kept], log, -jnp.inf))

    starts = range(0, int(halves[kept]), BLOCK)
    return float(jax.nn.logsumexp(jnp.stack([block(jnp.asarray(i)) for i in starts])))


def _states_of(s, odd: bool) -> float:
    sizes = [n for n in s.layers if n.odd == odd]
    if any(n.kind == "gaussian" for n in sizes):
        return float("inf")
    counts = [n.units if n.kind == "softmax" else 2.0**n.units for n in sizes]
    return float(np.prod(counts))


def _decode(s, number, odd: bool) -> Activity:
    """Return the states of a half by their number; the others are 0."""
    x = {n.name: jnp.zeros((len(number), n.units)) for n in s.layers}
    for n in s.layers:
        if n.odd != odd:
            continue
        if n.kind == "softmax":
            x[n.name] = jax.nn.one_hot(number % n.units, n.units)
            number = number // n.units
            continue
        x[n.name] = (number[:, None] // 2 ** jnp.arange(n.units) % 2).astype(jnp.float32)
        number = number // 2**n.units
    return x


# --- annealed importance sampling -----------------------------------------------------------------


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
    >>> machine = deep_boltzmann_machine(layers=(4, 3), scale=2.0)
    >>> state = machine.init(0)
    >>> z = anneal_log_partition(machine.spec, state, jax.random.key(0), steps=200, burn_in=50)
    >>> abs(0.5 * (z.lower + z.upper) - enumerate_log_partition(machine.spec, state)) < 0.1
    True
    """
    s, weights, mean = _parts(spec, state)
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


# --- data ----------------------------------------------------------------------------------------


def log_likelihood(spec: Spec, state: State, log_partition: float, **seen: Any) -> np.ndarray:
    r"""Return ``log p(v)`` [n] of data that hold every even layer (nats); exact up to log Z.

    Raises
    ------
    SpecError
        If some even layer is not given, as in a deep machine: see `variational_bound`.

    Examples
    --------
    >>> from sodachi.models.deep_boltzmann import deep_boltzmann_machine
    >>> machine = deep_boltzmann_machine(layers=(2, 3), scale=0.0)
    >>> log_z = enumerate_log_partition(machine.spec, machine.init(0))
    >>> p = log_likelihood(machine.spec, machine.init(0), log_z, input=np.eye(2, dtype="f4"))
    >>> np.exp(p).round(4).tolist()
    [0.25, 0.25]
    """
    s, weights, mean = _parts(spec, state)
    for n in s.layers:
        if not n.odd and n.name not in seen:
            raise SpecError("seen", f"data for every even layer, {n.name} too", sorted(seen))
    x = {name: jnp.asarray(value, jnp.float32) for name, value in seen.items()}
    count = len(x["input"])
    x |= {n.name: jnp.zeros((count, n.units)) for n in s.layers if n.odd}
    return np.asarray(jax.jit(lambda x: log_weight(s, weights, mean, x, True))(x)) - log_partition


def variational_bound(spec: Spec, state: State, log_partition: float, **seen: Any) -> np.ndarray:
    r"""Return a lower bound of ``log p(v)`` [n] for any depth (nats), up to log Z.

    ``⟨−E⟩_q + H(q) − log Z`` with q of independent units that mean field settles; what couples
    neighbours is linear in each, so that the mean of the energy is the energy of the means.

    Parameters
    ----------
    seen
        By layer [n, units]: whole layers that are known.

    Examples
    --------
    >>> from sodachi.models.deep_boltzmann import deep_boltzmann_machine
    >>> machine = deep_boltzmann_machine(layers=(2, 3), scale=0.0)
    >>> log_z = enumerate_log_partition(machine.spec, machine.init(0))
    >>> bound = variational_bound(machine.spec, machine.init(0), log_z, input=np.eye(2, dtype="f4"))
    >>> np.exp(bound).round(4).tolist()
    [0.25, 0.25]
    """
    s, weights, mean = _parts(spec, state)
    given = {name: jnp.asarray(value, jnp.float32) for name, value in seen.items()}
    count = len(next(iter(given.values())))

    @jax.jit
    def bound(x):
        def settle(_, x):
            for odd in (True, False):
                heard = fields(s, weights, mean, x, odd)
                x |= {n.name: n.believe(heard[n.name]) for n in s.layers if n.name in heard} | given
            return x

        x = jax.lax.fori_loop(0, MEAN_FIELD, settle, x)
        spread = sum(n.entropy(x[n.name]) for n in s.layers if n.name not in given)
        return spread - energy(s, weights, mean, x)

    start = {n.name: jnp.broadcast_to(rest(n), (count, n.units)) for n in s.layers}
    return np.asarray(bound(start | given)) - log_partition


def _parts(spec: Spec, state: State):
    shared = state.shared
    return layers_of(spec), shared["weights"], shared["cells"]["mean"]
