"""Likelihood of machines too large to enumerate: annealed importance sampling, from both ends."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.models.boltzmann_energy import energy_of, fields
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_units import log_sum
from sodachi.models.boltzmann_values import check_temperature
from sodachi.models.sweep_plan import along, plan
from sodachi.models.sweeping import sweeps

#: How many standard errors the ends of a bracket stand off.
WIDTH = 3.0


class Bracket(NamedTuple):
    """``lower`` ≤ ln Z ≤ ``upper``, standard errors allowed for, and an ``estimate`` of it.

    ``forward`` and ``reverse`` [chains] are what single runs found for ln Z: the mean of the one is
    below it and the mean of the other above, by what the annealing was too fast for. ``ends`` are
    ``ln mean e^forward`` and ``−ln mean e^−reverse``: on average below and above, and nearer.
    """

    lower: Any
    upper: Any
    estimate: Any
    forward: Any
    reverse: Any
    ends: tuple[Any, Any]


def base_rates(graph: BoltzmannGraph, parameters: Parameters, mean=None) -> Parameters:
    r"""Return the machine without couplings that annealing begins with.

    Parameters
    ----------
    mean
        By population the mean activity to give binary, spin and categorical units (of the data,
        say: the nearer, the shorter the way); others keep the biases they have.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> base_rates(graph, graph.parameters(1.0), {"a": jnp.full(2, 0.5)}).bias["a"].tolist()
    [0.0, 0.0]
    """
    weights = {n: jnp.zeros_like(w) for n, w in parameters.weights.items()}
    bias = dict(parameters.bias)
    for name, value in (mean or {}).items():
        kind = graph.population(name).kind
        p = (1.0 + jnp.asarray(value)) / 2.0 if kind == "spin" else jnp.asarray(value)
        p = jnp.clip(p, 0.001, 0.999)
        if kind == "categorical":
            bias[name] = jnp.log(p)
        elif kind in ("binary", "spin"):
            bias[name] = (jnp.log(p) - jnp.log1p(-p)) / (2.0 if kind == "spin" else 1.0)
    return Parameters(weights, bias, parameters.log_variance)


def base_log_partition(graph: BoltzmannGraph, base: Parameters, temperature: Any = 1.0):
    """Return ln Z of a machine without couplings: a sum over its units, in closed form."""
    total = jnp.zeros(())
    for u in graph.populations:
        spread = base.log_variance.get(u.name)
        bias = base.bias[u.name].reshape(u.sites)
        total = total + log_sum(u.kind, bias, temperature, spread, bias).sum()
    return total


def annealed_importance(
    graph: BoltzmannGraph,
    parameters: Parameters,
    key,
    *,
    chains: int = 100,
    steps: int = 1000,
    base: Parameters | None = None,
    temperature: Any = 1.0,
    samples: dict[str, Any] | None = None,
):
    r"""Return what each of some runs of annealed importance sampling found for ln Z [chains].

    From the machine without couplings to the whole one, through ``(1 − β)·base + β·parameters``
    with one sweep each, ``ln w = Σ_k ln f_{k+1}(x_k) − ln f_k(x_k)``; the largest turn's
    populations are summed out of every f, and β moves in even steps. Its mean is at most ln Z
    (Jensen), and ``w`` has the mean Z. With ``samples`` of the whole machine the same is run
    backwards, and the mean is at least ln Z if the samples are the machine's own: samples of a
    chain that has not mixed may lie.

    Parameters
    ----------
    chains, steps
        Static; cost is their product.
    base
        As `base_rates` makes it; by default the machine's own biases.
    temperature
        T of the whole machine, and of the base.
    samples
        By population [*shape, chains]; then the run goes backwards.

    Raises
    ------
    SpecError
        For fewer than 2 chains or steps, or a temperature that is not above 0.

    References
    ----------
    Neal (2001); Salakhutdinov and Murray (2008); from both ends: Grosse et al. (2015).

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> free = graph.parameters()
    >>> found = annealed_importance(graph, free, jax.random.key(0), chains=2, steps=2)
    >>> [round(v, 4) for v in found.tolist()]  # without couplings: exactly ln 4
    [1.3863, 1.3863]
    """
    check_temperature(temperature)
    for name, value in (("chains", chains), ("steps", steps)):
        if value < 2:
            raise SpecError(name, "2 or more", value)
    base = base_rates(graph, parameters) if base is None else base
    return _anneal(graph, chains, steps, parameters, base, key, temperature, samples)


def bracket(
    graph: BoltzmannGraph,
    parameters: Parameters,
    key,
    samples: dict[str, Any],
    *,
    steps: int = 1000,
    base: Parameters | None = None,
    temperature: Any = 1.0,
) -> Bracket:
    """Return ln Z between a bound from below and one from above, as `annealed_importance` finds.

    Parameters
    ----------
    samples
        By population [*shape, chains], of the machine itself (from long or tempered chains);
        as many runs go forward as backward.

    Raises
    ------
    SpecError
        As `annealed_importance` does.

    Examples
    --------
    >>> from sodachi.models.boltzmann_graph import boltzmann_graph
    >>> graph = boltzmann_graph([["a", 2]], [["a", "a"]])
    >>> b = bracket(graph, graph.parameters(), jax.random.key(0), graph.start(4), steps=3)
    >>> bool(b.lower <= b.estimate <= b.upper)
    True
    """
    chains = next(iter(samples.values())).shape[-1]
    up, down = jax.random.split(key)
    run = partial(annealed_importance, graph, parameters, chains=chains, steps=steps, base=base,
                  temperature=temperature)  # fmt: skip
    forward, reverse = run(up), run(down, samples=samples)
    lower, upper = (_off(v, sign) for v, sign in ((forward, -1.0), (reverse, 1.0)))
    number = jnp.log(chains)
    ends = (jax.nn.logsumexp(forward) - number, number - jax.nn.logsumexp(-reverse))
    return Bracket(lower, upper, (ends[0] + ends[1]) / 2.0, forward, reverse, ends)


def _off(values, sign):
    """The mean, moved outward by its standard errors."""
    return values.mean() + sign * WIDTH * values.std(ddof=1) / jnp.sqrt(len(values))


@partial(jax.jit, static_argnums=(0, 1, 2))
def _anneal(graph, chains, steps, parameters, base, key, temperature, samples):
    betas = jnp.linspace(0.0, 1.0, steps + 1)
    if samples is not None:
        betas = betas[::-1]

    def at(beta) -> Parameters:
        return jax.tree.map(lambda a, b: (1.0 - beta) * a + beta * b, base, parameters)

    def one(k, carry):
        x, found = carry
        found = found + _gain(graph, parameters, base, x, temperature, betas[k], betas[k + 1])
        now = jax.random.fold_in(key, k)
        x, _ = sweeps(graph, at(betas[k + 1]), x, now, temperature=temperature)
        return x, found

    x = samples
    if x is None:  # one sweep of a machine without couplings is a sample of it
        first = jax.random.fold_in(key, steps)
        x, _ = sweeps(graph, base, graph.start(chains), first, temperature=temperature)
    _, found = jax.lax.fori_loop(0, steps, one, (x, jnp.zeros(chains)))
    start = base_log_partition(graph, base, temperature)
    return start + found if samples is None else start - found


def _gain(graph, parameters, base, x, temperature, before, after):
    """``ln f_after(x) − ln f_before(x)`` of each chain, the largest turn summed out."""
    closed = largest_turn(graph)
    fixed = {n: jnp.zeros_like(a) if n in closed else a for n, a in x.items()}
    heard = fields(graph, parameters, fixed)
    alone = {n: along(b, x[n]) for n, b in base.bias.items()}
    # Without the summed populations an energy is linear in β; their fields are so with them.
    pairs = ((base, alone), (parameters, heard))
    energies = [energy_of(graph, p, fixed, h) - _own(graph, p, fixed, closed) for p, h in pairs]
    total = (before - after) * (energies[1] - energies[0]) / temperature
    for name in closed:
        u = graph.population(name)
        bias = [along(p.bias[name], heard[name]) for p in (base, parameters)]
        spread = parameters.log_variance.get(name)
        spread = None if spread is None else along(spread, heard[name])
        for beta, sign in ((after, 1.0), (before, -1.0)):
            field = (1.0 - beta) * bias[0] + beta * heard[name]
            own = (1.0 - beta) * bias[0] + beta * bias[1]
            field, own = (a.reshape(*u.sites, -1) for a in (field, own))
            total = total + sign * log_sum(u.kind, field, temperature, spread, own).sum(0)
    return total


def largest_turn(graph: BoltzmannGraph) -> tuple[str, ...]:
    """Return populations without couplings among them or within, as many units as may be."""
    how = plan(graph)

    def closed(turn):
        return tuple(n for n in turn if len(how.colours[n]) == 1 and graph.classes(n) is not None)

    def size(names):
        return sum(graph.population(n).units for n in names)

    return max(map(closed, graph.turns), key=size)


def _own(graph, parameters: Parameters, x, names):
    """The energy of Gaussian units at 0, which summing them out counts by itself."""
    total = jnp.zeros(())
    for name in (n for n in names if graph.population(n).kind == "gaussian"):
        spread = along(parameters.log_variance[name], x[name])
        bias = along(parameters.bias[name], x[name])
        total = total + jnp.sum(0.5 * jnp.exp(-spread) * bias**2, 0)
    return total
