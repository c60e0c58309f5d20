"""How the weights of a growing grid move: errors, births and cuts in one tick of one rule.

`s` is the model's `Settings`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import share
from sodachi.core.rule import plastic
from sodachi.models.grid import Terminals, Wiring, hear
from sodachi.models.growth import Birth, imprint, scattered
from sodachi.rules.autostep import autostep
from sodachi.rules.imprinting import imprinting


def grid_rule(s):
    """Autostep, born and cut; with a fringe nobody listens to a newborn unasked."""
    return imprinting(autostep(s.rate, s.meta_rate), s.shy if s.fringe else None)


def terminals(s) -> int:
    """Terminals of a unit: its bias, its sources, and spare ones for who is yet to come."""
    return 1 + s.fan_in + s.spare


def readout(s, units: int) -> Dense:
    """Every node predicts the label: constant, inputs and units."""
    return Dense((1 + s.inputs + units,), (s.labels,))


def learn_grid(s, shared, observation, wiring: Wiring, birth: Birth, signals, key, adoption=None):
    """Move the weights of units and outputs by the same rule; births and cuts are part of it."""
    nodes, error, wants, gain = signals
    units = wiring.live.shape[0]
    # Modulation multiplies what is learnt; a birth is whole, or it is none.
    factor = observation.modulation["weights"]
    heard = hear(nodes, wiring.source)
    on = wiring.live & ~birth.unit & (nodes[-units:] > 0)
    post = {
        "error": jnp.where(on, factor * wants, 0.0),
        "gain": jnp.where(on, gain, 0.0),
        "born": (birth.unit & birth.mine).astype(nodes.dtype),
    }
    pattern = imprint(s, nodes, wiring.source)
    if s.lesion == "random-newborn":
        pattern = scattered(pattern, wiring.source, jax.random.fold_in(key, 3))
    pre = {
        "activity": heard,
        "imprint": jnp.where(birth.mine, pattern, 0.0),
        "cut": birth.cut.astype(nodes.dtype),
    }
    fresh = jnp.where(birth.node, 0.0, nodes)
    told = share(observation.evidence["label"])
    post_out = {"error": factor * error, "gain": told, "born": jnp.zeros(s.labels)}
    pre_out = {
        "activity": fresh,
        "imprint": jnp.zeros_like(nodes),
        "cut": birth.node.astype(nodes.dtype),
    }
    if adoption is not None:
        node = jnp.zeros_like(nodes).at[-units:]
        post["adopts"], post_out["adopts"] = jnp.ones(units), adoption.output.astype(nodes.dtype)
        pre["adopted"] = adoption.terminal.astype(nodes.dtype)
        pre["opened"] = jnp.zeros_like(heard)
        pre_out["adopted"] = birth.node.astype(nodes.dtype)
        pre_out["opened"] = node.set(adoption.opened.astype(nodes.dtype))
    w, z = _move(s, shared, observation, "units", Terminals(units, terminals(s)), post, pre)
    v, q = _move(s, shared, observation, "output", readout(s, units), post_out, pre_out)
    return {"units": w, "output": v}, {"units": z, "output": q}


def _move(s, shared, observation, name: str, connection, post, pre):
    synapse = shared["synapses"][name]
    bound = connection.apply(synapse["step"], pre["activity"] ** 2)  # the cell's own synapses
    return plastic(
        grid_rule(s),
        connection,
        shared["weights"][name],
        synapse,
        {**post, "overshoot": post["gain"] * bound},
        pre,
        learn=observation.learn,
        clock=ticks(shared["clock"]),
        name=name,
    )
