"""How a settling net is born, and one step of its life: begin, settle, learn, be read."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import share
from sodachi.core.graph import Graph, errors, forces
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import start_synapses
from sodachi.models.graphs import newborn_weights
from sodachi.models.settling_dynamics import Net, begin, nudged, settle, what_is_known
from sodachi.models.settling_learning import bias_of, learn, precision_of, springs_of
from sodachi.models.settling_options import RANDOM, Settings
from sodachi.system import State

RUNAWAY = 1e12  # no activity is so large unless it diverges


def born(s: Settings, key) -> State:
    """Return the state of a newborn: weights, precisions and synapses; nothing is active."""
    graph: Graph = s.graph
    weights = newborn_weights(graph, key, s.initial, s.scale, s.last_scale, s.dtype)
    if s.own_feedback:
        back = newborn_weights(
            graph, named_key(key, "feedback"), s.initial, s.scale, s.last_scale, s.dtype
        )
        weights |= {f"{n}:back": w for n, w in back.items()}
    for p in graph.platforms:
        if s.bias:
            weights[f"1>{p.name}"] = jnp.zeros(bias_of(p).weights, s.dtype)
        scope = (s.learned_precision or {}).get(p.name)
        if scope is not None:
            log = jnp.log(jnp.asarray((s.precision or {}).get(p.name, 1.0), s.dtype))
            weights[f"precision>{p.name}"] = jnp.full(precision_of(p, scope).weights, log)
    rules = {n: s.precision_rule if n.startswith("precision>") else s.rule for n in weights}
    shared = {
        "weights": weights,
        "synapses": {n: start_synapses(rules[n], w) for n, w in weights.items()},
        "clock": new_clock(),
    }
    lane: dict[str, Any] = {
        "activity": {p.name: jnp.zeros(p.shape, s.dtype) for p in graph.populations}
    }
    if s.relaxation == "wave":
        lane["error"] = {p.name: jnp.zeros(p.population.shape, s.dtype) for p in graph.platforms}
    if s.relaxation in RANDOM:
        lane["key"] = named_key(key, "noise")
    return State(shared, lane)


def step(s: Settings, state: State, observation):
    """Return the state after one observation, and what is read from the net then."""
    shared, lane = state
    evidence = observation.evidence
    key, lane_key = _next_key(s, lane)
    springs = nudged(s, springs_of(s, shared), evidence, 1.0)
    net, known = begin(s, springs, lane, evidence, observation.first)
    if s.learning == "every_tick":
        new, net = _at_every_tick(s, shared, net, known, observation, key)
    else:
        opposed = None
        if s.centred:
            against = nudged(s, springs_of(s, shared), evidence, -1.0)
            opposed = _finite(settle(s, against, net, known, evidence, _fold(key, 1)))
            opposed = opposed, against
        net = _finite(settle(s, springs, net, known, evidence, key))
        new = _learned(s, shared, springs, net, opposed, observation)
    clock = tick(shared["clock"], any_lane(observation.learn))
    lane = {"activity": net.activity} | lane_key
    if s.relaxation == "wave":
        lane["error"] = net.error
    return State(new | {"clock": clock}, lane), _output(s, springs, net, evidence)


def _at_every_tick(s: Settings, shared, net, known, observation, key):
    """Settle a tick, learn a tick; synapses that are patient learn with the last tick alone."""
    said_once = all(e.name in s.patient for p in s.graph.sources for e in s.graph.out_of(p.name))

    def one(i, carry, patient=s.patient):
        shared, net = carry
        springs = nudged(s, springs_of(s, shared), observation.evidence, 1.0)
        said = known if said_once else what_is_known(s, springs, net.activity)
        if s.relaxation != "wave":  # weights have moved: the error cells compare again
            net = net._replace(
                error=errors(s.graph, springs.weights, springs.bias, net.activity, said)
            )
        net = _finite(settle(s, springs, net, said, observation.evidence, _fold(key, i)))
        return _learned(s, shared, springs, net, None, observation, patient), net

    if not s.patient:
        return jax.lax.fori_loop(0, s.settle_ticks, one, (shared, net))
    carry = jax.lax.fori_loop(0, s.settle_ticks - 1, one, (shared, net))
    return one(s.settle_ticks - 1, carry, patient=())


def _learned(s: Settings, shared, springs, net, opposed, observation, patient=()):
    weights, synapses = learn(s, shared, springs, net, opposed, observation, patient)
    return {"weights": weights, "synapses": synapses, "clock": shared["clock"]}


def _finite(net: Net) -> Net:
    """A cell that has run away starts again from rest."""
    return jax.tree.map(lambda x: jnp.where(jnp.abs(x) < RUNAWAY, x, 0.0), net)


def _next_key(s: Settings, lane):
    """Return this step's key, and the lane's part with the next (nothing where none is drawn)."""
    if s.relaxation not in RANDOM:
        return None, {}
    now, later = jax.random.split(lane["key"])
    return now, {"key": later}


def _fold(key, i):
    return None if key is None else jax.random.fold_in(key, i)


def _output(s: Settings, springs, net, evidence):
    """Energy, residual, and estimates: the platform of a predicted population, else activity."""
    force = forces(
        s.graph, springs.weights, springs.bias, springs.precision, net.activity, springs.feedback
    )
    energy = jnp.zeros((), s.dtype)
    platform = {}
    for p in s.graph.platforms:
        energy += 0.5 * jnp.sum(springs.precision[p.name] * net.error[p.name] ** 2)
        platform.setdefault(p.population.name, net.activity[p.population.name] - net.error[p.name])
    for name in s.learned_precision or {}:
        energy -= 0.5 * jnp.sum(jnp.log(springs.precision[name]))
    free = {n: 1.0 - share(e) for n, e in evidence.items()}
    residual = [jnp.max(jnp.abs(force[n] * free.get(n, 1.0))) for n in force]
    return {
        "energy": energy,
        "residual": jnp.max(jnp.stack(residual)),
        **{n: platform.get(n, net.activity[n]) for n in evidence},
    }
