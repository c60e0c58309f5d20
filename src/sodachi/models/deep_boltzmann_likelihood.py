"""How likely data are to a layered Boltzmann machine: exactly, in a bracket, or at least.

``log p(v) = log Σ_h e^{−E(v, h)} − log Z``. The first part is a sum over one half of the layers,
which factorises; log Z is exact where the smaller half can be enumerated; else see
`sodachi.models.deep_boltzmann_annealing`.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.deep_boltzmann_layers import (
    Activity,
    energy,
    fields,
    log_weight,
    rest,
)
from sodachi.models.deep_boltzmann_settings import layers_of
from sodachi.system import Spec, State

LIMIT = 20
BLOCK = 2**12
MEAN_FIELD = 50


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
    >>> round(float(enumerate_log_partition(machine.spec, machine.init(0)) / np.log(2)), 4)
    7.0
    """
    s, weights, mean = parts_of(spec, state)
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
    s, weights, mean = parts_of(spec, state)
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
    s, weights, mean = parts_of(spec, state)
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


def parts_of(spec: Spec, state: State):
    """Return a layered machine's settings, weights and means."""
    shared = state.shared
    return layers_of(spec), shared["weights"], shared["cells"]["mean"]
