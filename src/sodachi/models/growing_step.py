"""One tick of the growing grid: predict, be hungry, be born, learn; and its birth and its doubling.

`s` is the `Settings` of `sodachi.models.growing`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import hold_evidence, observed_value, share
from sodachi.core.given import is_on
from sodachi.core.lanes import any_lane
from sodachi.core.rule import start_synapses
from sodachi.models.emergence import Senses, new_senses, sensed
from sodachi.models.fringe import Fringe, is_master, move_fringe, no_fringe, taught, used_to
from sodachi.models.grid import NOBODY, Wiring, forward, hunger
from sodachi.models.grid_learning import grid_rule, learn_grid, readout, terminals
from sodachi.models.growth import aged, decide
from sodachi.models.pools import grown
from sodachi.system import State


def _blank(s, units: int):
    """Shared state of so many units, none of them alive."""
    weights = {
        "units": jnp.zeros((units, terminals(s))),
        "output": jnp.zeros(readout(s, units).weights),
    }
    source = jnp.full((units, terminals(s)), NOBODY, jnp.int32).at[:, 0].set(0)
    nodes = jnp.zeros(1 + s.inputs + units)
    swings = {"mean": nodes, "swing": nodes} if is_on(s.swing) else {}
    edge = {"fringe": no_fringe(s.inputs, s.labels, units)._asdict()} if s.fringe else {}
    senses = {"senses": new_senses(s)} if s.emerging else {}
    return (
        edge
        | senses
        | {
            "weights": weights,
            "synapses": {name: start_synapses(grid_rule(s), w) for name, w in weights.items()},
            "structure": {"source": source, "live": jnp.zeros(units, bool)},
            "cells": swings
            | {
                "cost": jnp.zeros(()),
                "age": jnp.zeros(units, jnp.int32),
                "since_birth": jnp.asarray(s.patience, jnp.int32),
            },
            "clock": new_clock(),
        }
    )


def begin_grid(s, key) -> State:
    """Return the newborn state."""
    return State(_blank(s, s.units), {"activity": {"label": jnp.zeros(s.labels)}, "key": key})


def grow_grid(s, state: State) -> State:
    """Double the capacity, once no slot is free: new ones are appended, dead and unwired.

    Nothing else changes; with room left nothing changes at all.
    """
    live = np.asarray(state.shared["structure"]["live"])
    if not live.all():
        return state
    return State(grown(lambda: _blank(s, 2 * len(live)), state.shared), state.lane)


def step_grid(s, state: State, observation):
    """Return ``(state, output)`` after one tick."""
    shared, lane = state
    weights, wiring = shared["weights"], Wiring(**shared["structure"])
    seen, told = observation.evidence["input"], observation.evidence["label"]
    units, learn = wiring.live.shape[0], observation.learn
    key, coin = jax.random.split(lane["key"])
    senses, usual = {}, jnp.zeros(s.inputs)
    if s.emerging:
        usual = Senses(*shared["senses"]).mean
        senses = {"senses": sensed(Senses(*shared["senses"]), seen, learn)}
    x = hold_evidence(usual, seen, 1.0)
    x = jnp.where(jnp.isfinite(x), x, 0.0)

    # Predict, and pass the error back as hunger.
    nodes = forward(s.levels, weights["units"], wiring, x)
    y = readout(s, units).apply(weights["output"], nodes)
    off = jnp.where(share(told) > 0, observed_value(told) - y, 0.0)
    error = share(told) * off + told.drive
    cost = jnp.sum(0.5 * share(told) * off**2 - told.drive * y)
    wants, gain = hunger(s.levels, weights["units"], wiring, weights["output"], nodes, error)

    # What is absent is filled in to predict with, but nobody learns from it or is born of it.
    usual_nodes = nodes
    if s.emerging:
        x_there = jnp.where(share(seen) > 0, x, 0.0)
        nodes = nodes.at[1 : 1 + s.inputs].set(x_there)

    # Structure first, so that a newborn's synapses are imprinted by the same tick of plasticity.
    told_now = learn & (jnp.max(share(told)) > 0)
    edge, adoption = {}, None
    if s.fringe:
        fringe = used_to(s, Fringe(**shared["fringe"]), jnp.concatenate([error, wants]), told_now)
        kept = is_master(fringe, wiring, s.labels)
        wiring_, birth = decide(s, shared, nodes, cost, told_now, coin, kept, fringe.member)
        signals = jnp.concatenate([error, wants]), nodes[1 : 1 + s.inputs]
        fringe, wiring_, adoption = move_fringe(
            s, shared | {"fringe": fringe._asdict()}, wiring_, birth, signals, any_lane(learn),
            jax.random.fold_in(coin, 1),
        )  # fmt: skip
        wants, gain = taught(Fringe(**shared["fringe"]), error, share(told), wants, gain)
        edge = {"fringe": fringe._asdict()}
    else:
        wiring_, birth = decide(s, shared, nodes, cost, told_now, coin)
    signals = (nodes, error, wants, gain)
    weights, synapses = learn_grid(s, shared, observation, wiring_, birth, signals, coin, adoption)
    shared = (
        edge
        | senses
        | {
            "weights": weights,
            "synapses": synapses,
            "structure": wiring_._asdict(),
            "cells": aged(s, shared["cells"], birth, usual_nodes, cost, told_now, learn),
            "clock": tick(shared["clock"], any_lane(learn)),
        }
    )
    live = jnp.sum(wiring_.live)
    output = {
        "energy": cost,
        "residual": jnp.max(jnp.abs(off)),
        "label": jnp.where(jnp.isfinite(y), y, 0.0),
        "input": x,
        "hunger": jnp.sum(jnp.where(wiring.live, jnp.abs(wants), 0.0)) / jnp.maximum(live, 1),
        "live": live,
        "birth": jnp.any(birth.unit) & birth.mine,
    }
    if adoption is not None:
        output["fringe"] = jnp.sum(edge["fringe"]["member"])
        output["promotion"] = jnp.any(adoption.opened)
    return State(shared, {"activity": {"label": output["label"]}, "key": key}), output
