"""Parallel tempering: chains at several temperatures that trade places."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.models.boltzmann_energy import energy
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_values import check_temperature
from sodachi.models.sweeping import sweeps


def exchange(graph: BoltzmannGraph, parameters: Parameters, x, key, temperatures, chains, odd):
    r"""Return ``(x, accepted)`` after neighbouring temperatures offered to trade places.

    Accepted with probability ``min(1, exp((1/T_a − 1/T_b)(E_a − E_b)))``, which leaves the joint
    law as it is; pairs (0, 1), (2, 3), ... or, where ``odd``, (1, 2), (3, 4), ...

    Parameters
    ----------
    x
        By population [*shape, rungs × chains], one temperature's chains after another's.
    temperatures
        [rungs × chains].
    chains
        Chains at each temperature; static.

    Returns
    -------
    tuple
        The chains, and [rungs − 1] the share of the pairs' offers that were accepted (NaN-free: 0
        for pairs that did not offer this time).
    """
    rungs = temperatures.shape[0] // chains
    cold = (1.0 / temperatures).reshape(rungs, chains)
    E = energy(graph, parameters, x).reshape(rungs, chains)
    if rungs == 1:
        return x, jnp.zeros(1)
    gain = (cold[:-1] - cold[1:]) * (E[:-1] - E[1:])
    offered = (jnp.arange(rungs - 1) % 2 == odd)[:, None]
    chance = jax.random.uniform(key, gain.shape)
    accepted = offered & (jnp.log(chance) < gain)
    up = jnp.concatenate([accepted, jnp.zeros((1, chains), bool)])
    down = jnp.concatenate([jnp.zeros((1, chains), bool), accepted])
    source = jnp.arange(rungs)[:, None] + up - down.astype(int)
    index = (source * chains + jnp.arange(chains)).reshape(-1)
    return {n: jnp.take(a, index, axis=-1) for n, a in x.items()}, accepted.mean(1)


def tempered_sweeps(
    graph: BoltzmannGraph,
    parameters: Parameters,
    x,
    key,
    count: int,
    temperatures,
    chains: int,
    odd: Any = 0,
):
    r"""Return ``(x, swaps)`` after ``count`` exchanges, each followed by a sweep.

    Parameters
    ----------
    x
        By population [*shape, rungs × chains], one temperature's chains after another's
        (``graph.start(rungs * chains)``).
    count
        Sweeps; static.
    temperatures
        [rungs], neighbours first to last; the law of interest is that of one of them.
    chains
        Chains at each temperature; static.
    odd
        1 to let the odd pairs offer first.

    Returns
    -------
    tuple
        The chains, and [rungs − 1] the share of offers that were accepted: below a tenth or so,
        hot chains do not reach the cold ones, and temperatures in between are missing.

    Raises
    ------
    SpecError
        For a temperature that is not above 0.

    References
    ----------
    Swendsen and Wang (1986); Geyer (1991).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 3]], [["a", "a"]])
    >>> x, swaps = tempered_sweeps(graph, graph.parameters(1.0), graph.start(8),
    ...                            jax.random.key(0), 50, [1.0, 2.0], 4)
    >>> x["a"].shape, bool(swaps[0] > 0.5)
    ((3, 8), True)
    """
    check_temperature(temperatures)
    rungs = jnp.asarray(temperatures, jnp.float32)
    each = jnp.repeat(rungs, chains)

    def one(t, carry):
        x, accepted = carry
        trading, moving = jax.random.split(jax.random.fold_in(key, t))
        x, new = exchange(graph, parameters, x, trading, each, chains, (t + odd) % 2)
        x, _ = sweeps(graph, parameters, x, moving, temperature=each)
        return x, accepted + new

    start = (x, jnp.zeros(max(len(rungs) - 1, 1)))
    x, accepted = jax.lax.fori_loop(0, count, one, start)
    offers = (count + (jnp.arange(len(accepted)) % 2 == odd)) // 2
    return x, accepted / jnp.maximum(offers, 1)
