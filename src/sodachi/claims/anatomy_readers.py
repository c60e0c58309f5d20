"""Where a learner keeps its hidden units: what they answer to inputs, and through which weights.

A reader knows one layout of a state's tree; `read_hidden` finds it by the factory that the spec
names. Where several worlds have units of their own, only those of the world at hand are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.models.competition import competition, unit_costs
from sodachi.models.grid import Wiring, forward
from sodachi.models.layered import forward as forward_layers
from sodachi.system import Evidence, State, System


class Hidden(NamedTuple):
    """What the hidden units are on n inputs; U units over all layers.

    ``layers`` is a tuple of activities [n, units of the layer], the last the one that the answer
    hears; ``out`` has for each of them the weights [units of the layer, those that hear it];
    ``live`` (U,) says who takes part; ``least`` is the activity above which a unit answers at all,
    None where units have no such level; ``weights`` is a tuple of the arrays in use.
    """

    layers: tuple[Any, ...]
    out: tuple[Any, ...]
    live: Any
    least: float | None
    weights: tuple[Any, ...]


def read_hidden(system: System, state: State, X) -> Hidden | None:
    """Return what the hidden units of a system are on inputs ``X`` [n, inputs].

    None where it has no hidden units that could be read (a buffer of samples).
    """
    factory, given = system.spec.factory, json.loads(system.spec.arguments)
    if factory == "replay":  # a memory around a net: the net is read
        factory, given = given["inner"]["factory"], given["inner"]["arguments"]
        state = State(state.shared["inner"], state.lane["inner"])
    if factory not in READERS:
        return None
    return READERS[factory](SimpleNamespace(**given), state, jnp.asarray(X, jnp.float32))


def _at_hand(state: State, tree, several: bool):
    """Return what belongs to the context the lane is in, of arrays with one row for each."""
    if not several:
        return tree
    current = state.lane["view"]["current"]
    return jax.tree.map(lambda a: a[current], tree)


def _layers(given, state: State, X) -> Hidden:
    """Of backprop nets, one or one for each context."""
    weights = _at_hand(state, state.shared["weights"], hasattr(given, "contexts"))
    s = SimpleNamespace(**({"layer_norm": False} | vars(given)))
    layers = tuple(forward_layers(s, weights, X)[:-1])
    used = tuple(weights[f"weight_{i}"] for i in range(len(layers) + 1))
    by_sign = given.activation in ("relu", "leaky_relu")
    live = jnp.ones(sum(given.layers[1:-1]), bool)
    return Hidden(layers, used[1:], live, 0.0 if by_sign else None, used)


def _mixture(given, state: State, X) -> Hidden:
    """Of the settling mixture: responsibilities once settled, without a label."""
    shared = state.shared
    arrays = shared["weights"]["input"], shared["weights"]["label"], shared["structure"]["owner"]
    lower, upper, owner = _at_hand(state, arrays, given.pool)
    member = owner == state.lane["view"]["current"]
    s = SimpleNamespace(beta=192.0 / given.inputs if given.beta is None else given.beta)

    def settled(x):
        clamp = Evidence(x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x))
        return competition(-unit_costs(s, lower, clamp), member)

    rates = jnp.where(member, jax.vmap(settled)(X), 0.0)
    least = 1.0 / max(int(member.sum()), 1)
    return Hidden((rates,), (upper,), member, least, (lower[:, member], upper[member]))


def _grid(given, state: State, X) -> Hidden:
    """Of the growing grid: units hear one another, so all of them are one layer."""
    weights, wiring = state.shared["weights"], Wiring(**state.shared["structure"])
    units = wiring.live.shape[0]
    nodes = jax.vmap(lambda x: forward(given.levels, weights["units"], wiring, x))(X)
    synapse = (wiring.source >= 0) & wiring.live[:, None]
    own = jnp.where(synapse, weights["units"], 0.0)
    among = jnp.zeros((nodes.shape[1], units))
    among = among.at[jnp.maximum(wiring.source, 0), jnp.arange(units)[:, None]].add(own)
    out = jnp.concatenate([weights["output"], among], 1)[-units:]
    used = weights["units"][synapse], weights["output"][-units:][wiring.live]
    return Hidden((nodes[:, -units:],), (out,), wiring.live, 0.0, used)


#: By factory; others have no hidden units that could be read.
READERS: dict[str, Callable[[Any, State, Any], Hidden]] = {
    "backprop_net": _layers,
    "continual_net": _layers,
    "gated_net": _layers,
    "settling_mixture": _mixture,
    "growing_grid": _grid,
}
