r"""The backbone of a grown grid: which units carry the output, found in three ways.

Sutton (2024) calls the part of a network that its output rests on the backbone. Here a finder
gives every unit a number (U,), and what little carries is cut off. By moving it: how far the output
moves with the unit, which is what the word means and the measure of the others. By gradients: they
vanish in the mean where learning has come to rest, so they are squared; yet they vanish also for a
unit that is silent on the samples at hand, and for all units where no error is left. By weights,
from the outputs backward: slow, without any activity, and alone of the three without a sample.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.models.grid import Wiring, forward, hear, hunger, level_of
from sodachi.system import State, System


class Net(NamedTuple):
    """What a finder reads: ``levels`` (static), ``units`` (U, T), ``wiring``, ``out`` (N, O)."""

    levels: int
    units: Any
    wiring: Wiring
    out: Any


def net_of(system: System, state: State) -> Net:
    """Return the weights and wiring of a `growing_grid` in this state.

    Raises
    ------
    SpecError
        The system is of another factory.
    """
    if system.spec.factory != "growing_grid":
        raise SpecError("system", "a growing_grid", system.spec.factory)
    weights, levels = state.shared["weights"], json.loads(system.spec.arguments)["levels"]
    return Net(levels, weights["units"], Wiring(**state.shared["structure"]), weights["output"])


def by_moving(net: Net, inputs, size: float = 1e-3):
    r"""Return how far the output moves with every unit (U,), ``√mean_n |Δy|² / size``.

    Of each unit the activity alone is moved, by the part ``size`` of itself, for every one of
    ``inputs`` (n, D); whoever listens follows. That is the same as to move all weights of the unit
    in proportion: a unit that never fires moves nothing, however large its weight.

    Examples
    --------
    >>> wiring = Wiring(jnp.array([[0, 1], [0, 1]]), jnp.ones(2, bool))
    >>> weight, out = jnp.array([[0.0, 1.0], [0.0, -1.0]]), jnp.array([[0.0], [0.0], [2.0], [2.0]])
    >>> by_moving(Net(1, weight, wiring, out), jnp.array([[1.0], [1.0]])).round(2).tolist()
    [2.0, 0.0]
    """
    return jnp.sqrt(_moved(net.levels, *net[1:], jnp.asarray(inputs), size)) / size


@partial(jax.jit, static_argnums=0)
def _moved(levels: int, weight, wiring: Wiring, out, inputs, size: float):
    live = wiring.live.astype(out.dtype)

    def of_one(x):
        nodes = forward(levels, weight, wiring, x)
        part = size * live * nodes[-live.shape[0] :]
        moved = jax.vmap(lambda push: forward(levels, weight, wiring, x, push))(jnp.diag(part))
        return jnp.sum(((moved - nodes) @ out) ** 2, axis=1)

    # One sample at a time: U copies of the network are enough to hold.
    return jnp.mean(jax.lax.map(of_one, inputs), axis=0)


def by_gradients(net: Net, inputs, labels, squared: bool = True):
    r"""Return the slope of E in every unit's weights, ``√Σ_t mean_n (∂E/∂w_ut)²`` (U,).

    ``∂E/∂w_ut = −H_u 1[x_u > 0] x_source(u,t)`` for n ``inputs`` (n, D) and ``labels`` (n, O). Not
    ``squared``, the mean is taken first, ``√Σ_t (mean_n ∂E/∂w_ut)²``: it is 0 at equilibrium.
    """
    mean, power = _slopes(net.levels, *net[1:], jnp.asarray(inputs), jnp.asarray(labels))
    return jnp.sqrt(jnp.sum(power if squared else mean**2, axis=1))


@partial(jax.jit, static_argnums=0)
def _slopes(levels: int, weight, wiring: Wiring, out, inputs, labels):
    def of_one(sums, sample):
        x, label = sample
        nodes = forward(levels, weight, wiring, x)
        wants, _ = hunger(levels, weight, wiring, out, nodes, label - nodes @ out)
        on = wiring.live & (nodes[-wants.shape[0] :] > 0)
        slope = -jnp.where(on, wants, 0.0)[:, None] * hear(nodes, wiring.source)
        return (sums[0] + slope, sums[1] + slope**2), None

    none = jnp.zeros_like(weight)
    sums, _ = jax.lax.scan(of_one, (none, none), (inputs, labels))
    return jax.tree.map(lambda s: s / inputs.shape[0], sums)


def by_weights(net: Net, strongest: bool = True):
    r"""Return the strongest path from an output to every unit (U,), from weights alone.

    A path's strength is the product of its steps, a step the share that a source has of all its
    listener hears: ``|w_ut|/Σ_s |w_us|``, at an output ``|V_uo|/Σ_v |V_vo|``, the constant left
    out. Each step is 1 or less, so one threshold accounts for depth: along the strongest path no
    listener lies below its source, and what is above a threshold is closed. Not ``strongest``,
    paths are summed: that is utility handed down whole, and a unit that many use a little counts.

    Examples
    --------
    >>> wiring = Wiring(jnp.array([[0, 1, -1], [0, 1, 2]]), jnp.ones(2, bool))
    >>> weight = jnp.array([[9.0, 1.0, 0.0], [9.0, -3.0, 1.0]])
    >>> by_weights(Net(2, weight, wiring, jnp.array([[0.0], [1.0], [0.0], [3.0]]))).tolist()
    [0.1875, 0.75]
    """
    return _paths(net.levels, *net[1:], strongest)


@partial(jax.jit, static_argnums=(0, 4))
def _paths(levels: int, weight, wiring: Wiring, out, strongest: bool):
    units = wiring.live.shape[0]
    first = out.shape[0] - units
    somebody = jnp.concatenate([jnp.ones(first), wiring.live]).astype(out.dtype).at[0].set(0.0)
    share = _part(jnp.abs(out) * somebody[:, None], 0)
    worth = jnp.max(share, axis=1) if strongest else jnp.mean(share, axis=1)

    def one(i, worth):
        row = level_of(levels, levels - 1 - i)
        source = row(wiring.source)
        heard = jnp.abs(row(weight)) * hear(somebody, source)
        step = row(worth[first:])[:, None] * _part(heard, 1)
        at = worth.at[jnp.maximum(source, 0)]
        return at.max(step) if strongest else at.add(step)

    worth = jax.lax.fori_loop(0, levels, one, worth)
    return jnp.where(wiring.live, worth[first:], 0.0)


def _part(strength, axis: int):
    total = jnp.sum(strength, axis=axis, keepdims=True)
    return jnp.where(total > 0, strength / jnp.where(total > 0, total, 1.0), 0.0)


def closure(net: Net, members, negligible: float = 1e-3):
    """Return ``members`` (U,) and every live unit that they use, and that those use, and so on.

    To use is to hear through a weight beyond ``negligible``, in absolute value.
    """
    first = net.out.shape[0] - net.wiring.live.shape[0]
    source = jnp.maximum(net.wiring.source, 0)
    uses = (net.wiring.source >= first) & (jnp.abs(net.units) > negligible)

    def one(_, inside):
        heard = uses & (inside & net.wiring.live)[:, None]
        return inside | jnp.zeros(net.out.shape[0], bool).at[source].max(heard)[first:]

    inside = jax.lax.fori_loop(0, net.levels, one, jnp.asarray(members, bool))
    return inside & net.wiring.live
