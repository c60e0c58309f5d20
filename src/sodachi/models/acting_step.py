"""One tick of the growing actor: which world is this, where am I, how good was it, what now.

Shapes: D inputs, K units, A actions, C contexts. `s` is the model's `Settings`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.lanes import any_lane, elect, gather, in_lanes
from sodachi.core.rule import Rule, plastic, start_synapses
from sodachi.models.competition import competition, unit_costs
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.grid import Terminals
from sodachi.models.percept import Percept, percept
from sodachi.models.pools import learning_context, row_of
from sodachi.rules.autostep import autostep
from sodachi.rules.bounds import with_bounds
from sodachi.rules.delta import delta
from sodachi.rules.following import instar
from sodachi.rules.imprinting import imprinting
from sodachi.rules.inheriting import inheriting
from sodachi.system import Evidence, State

HEADS = ("value", "action")


class Worlds(NamedTuple):
    """What `sodachi.models.contexts` asks of its settings: here inputs are effects of actions."""

    contexts: int
    inputs: int
    beta: float
    surprise: float


class Newborn(NamedTuple):
    """A birth: ``slot`` (K,) marks the unit, ``mine`` whether this lane gave it."""

    slot: Any
    mine: Any


def worlds(s) -> Worlds:
    """Return how contexts are recognised: by what each action but the last does to each input."""
    return Worlds(s.contexts, (s.actions - 1) * s.inputs, s.still, s.surprise)


def below(s) -> Dense:
    """The connection from the senses to the units."""
    return Dense((s.inputs,), (s.units,))


def cells(s, head: str) -> Terminals:
    """The connection from the units to who predicts (1) or acts (A); terminals keep traces."""
    return Terminals(1 if head == "value" else s.actions, s.units)


def head_rule(s, head: str) -> Rule:
    """Return the rule of three factors: the modulator, and what a terminal's trace brings."""
    rate = s.value_rate if head == "value" else s.action_rate
    rule = autostep(rate, s.meta_rate) if s.meta_rate else delta(rate)
    if head == "action":
        rule = with_bounds(rule, -s.firmness, s.firmness)
    return inheriting(rule)


def newborn_actor(s, key) -> State:
    """Return the state at birth: no unit is alive in any world."""

    def everybody(x):
        return jnp.broadcast_to(x, (s.contexts, *x.shape))

    weights = {"input": jnp.zeros(below(s).weights)}
    weights |= {head: jnp.zeros(cells(s, head).weights) for head in HEADS}
    synapses = {head: start_synapses(head_rule(s, head), weights[head]) for head in HEADS}
    units = {
        "live": jnp.zeros(s.units, bool),
        "age": jnp.zeros(s.units, jnp.int32),
        "use": jnp.zeros(s.units),
    }
    bench = {"weights": weights, "synapses": synapses, "cells": units}
    shared = jax.tree.map(everybody, bench)
    shared |= {"structure": new_contexts(worlds(s)), "clock": new_clock()}
    lane = {
        "activity": {"action": jnp.zeros(s.actions), "value": jnp.zeros(())},
        "traces": _no_traces(s),
        "before": jnp.zeros(s.inputs),
        "lived": jnp.zeros((), bool),
        "view": new_view(worlds(s)),
        "key": key,
    }
    return State(shared, lane)


def _no_traces(s) -> dict:
    return {head: jnp.zeros(cells(s, head).weights) for head in HEADS}


def acting_step(s, state: State, observation):
    """Return the state and output after one tick."""
    shared, lane = state
    now = percept(observation, s.scale)
    learn = observation.learn & now.whole
    goes = lane["lived"] & ~now.first & now.whole
    key, coin, lot = jax.random.split(lane["key"], 3)

    # Which world is this? What the last action did tells.
    structure, view, opened = recall_or_grow(
        worlds(s),
        shared["structure"],
        lane["view"],
        lambda: jnp.sum(shared["cells"]["live"], axis=1).astype(jnp.float32),
        effects(s, lane, now, goes),
        learn,
    )
    current = view["current"]
    goes &= current == lane["view"]["current"]
    everybody = {part: shared[part] for part in ("weights", "synapses", "cells")}
    alive = shared["cells"]["live"] & ~opened[:, None]
    everybody["cells"] = shared["cells"] | {"live": alive}
    leading, learn = learning_context(s, current, learn)
    bench = row_of(everybody, leading)

    # Who is born here; then how good was it, and everyone learns.
    bench, born, answers = _grow(s, bench, now, learn, (current == leading, lot), shared["clock"])
    own = row_of(everybody, current) if in_lanes() else bench
    h = _here(s, own, now)
    expected = {head: _said(s, head, own["weights"][head], h) for head in HEADS}
    if not in_lanes():
        # The newborn speaks already, as those before it spoke.
        spoken = jnp.where(born.slot, answers["value"][:, None], own["weights"]["value"])
        expected["value"] = _said(s, "value", spoken, h)
    ahead = now.goes_on * expected["value"][0]
    error = now.reward + s.discount * ahead - lane["activity"]["value"]
    error = jnp.where(goes & jnp.isfinite(error), error, 0.0)
    bench = _learn(s, bench, lane["traces"], error, (born, answers), learn, shared["clock"])
    bench["cells"] = _used(s, bench["cells"], h, born, learn)
    everybody = jax.tree.map(lambda all_, one: all_.at[leading].set(one), everybody, bench)

    # What now?
    own = row_of(everybody, current) if in_lanes() else bench
    h = _here(s, own, now)
    value = _said(s, "value", own["weights"]["value"], h)
    policy = jax.nn.softmax(_said(s, "action", own["weights"]["action"], h))
    action = jax.nn.one_hot(jax.random.categorical(coin, jnp.log(policy)), s.actions)
    traces = _traced(s, lane["traces"], h, action - policy, goes, born)
    traces = {k: jnp.where(learn, traces[k], _no_traces(s)[k]) for k in traces}
    lane = {
        "activity": {"action": action, "value": jnp.where(now.whole, value[0], 0.0)},
        "traces": traces,
        "before": jnp.where(now.whole, now.raw, lane["before"]),
        "lived": now.whole & observation.learn,
        "view": view,
        "key": key,
    }
    shared = everybody | {
        "structure": structure,
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    output = {
        "energy": 0.5 * error**2,
        "residual": jnp.abs(error),
        "action": action,
        "value": value,
        "input": now.raw,
        "context": current,
        "live": jnp.sum(own["cells"]["live"]),
        "birth": jnp.any(born.slot) & born.mine,
    }
    return State(shared, lane), output


def effects(s, lane, now: Percept, goes) -> Evidence:
    """Return what the last action did: the change of the input under each action but the last.

    ``(A·1[a = i] − 1) Δx_j``, in the input's own units; its mean is what action i does more than
    the others.
    """
    sign = s.actions * lane["activity"]["action"][:-1] - 1.0
    change = now.raw - lane["before"]
    effect = jnp.where(goes, (sign[:, None] * change).reshape(-1), 0.0)
    return Evidence(
        effect, jnp.where(goes, jnp.inf, jnp.zeros_like(effect)), jnp.zeros_like(effect)
    )


def _here(s, bench, now: Percept):
    """Return h (K,): who of those alive is nearest; nothing where nobody lives."""
    place = Evidence(now.x, jnp.full_like(now.x, jnp.inf), jnp.zeros_like(now.x))
    live = bench["cells"]["live"]
    h = competition(-unit_costs(s, bench["weights"]["input"], place), live)
    return jnp.where(jnp.any(live), jnp.where(live, h, 0.0), 0.0)


def _said(s, head: str, weight, h):
    connection = cells(s, head)
    return connection.apply(weight, jnp.broadcast_to(h, connection.weights))


def _grow(s, bench, now: Percept, learn, place, clock):
    """Return the bench with this tick's newborn, the birth, and the answers that it inherits."""
    here, lot = place
    weight, units = bench["weights"]["input"], bench["cells"]
    distance = jnp.sum((now.x[:, None] - weight) ** 2, axis=0)
    nearest = jnp.min(jnp.where(units["live"], distance, jnp.inf))
    least = jnp.argmin(jnp.where(units["live"], units["use"], -1.0))
    free = ~units["live"][least]
    able = free if s.lesion == "no-recycling" else free | (units["age"][least] >= s.maturity)
    wants = learn & here & able & (nearest > s.reach**2) & (now.goes_on > 0)
    mine, anyone = elect(wants, jnp.minimum(nearest, 1e9))
    born = Newborn((jnp.arange(s.units) == least) & anyone, mine)
    h = _here(s, bench, now)
    answers = {head: _said(s, head, bench["weights"][head], h) for head in HEADS}
    x = now.x
    if s.lesion == "random-newborn":
        x = jax.random.uniform(lot, x.shape, x.dtype, -1.5, 1.5)
    post = {"gain": jnp.zeros(s.units), "born": (born.slot & mine).astype(x.dtype)}
    pre = {
        "activity": jnp.zeros_like(x),
        "share": jnp.zeros_like(x),
        "imprint": jnp.where(mine, x, 0.0),
        "cut": jnp.zeros_like(x),
    }
    weight, _ = plastic(
        imprinting(instar()), below(s), weight, {}, post, pre,
        learn=learn, clock=ticks(clock), name="input",
    )  # fmt: skip
    units = units | {"live": units["live"] | born.slot}
    return bench | {"weights": bench["weights"] | {"input": weight}, "cells": units}, born, answers


def _learn(s, bench, traces, error, birth, learn, clock):
    """Move the synapses of who predicts and who acts by one rule of three factors."""
    born, answers = birth
    newborn = (born.slot & born.mine).astype(error.dtype)
    weights, synapses = dict(bench["weights"]), dict(bench["synapses"])
    for head in HEADS:
        connection = cells(s, head)
        post = {
            "error": jnp.full(connection.target, error),
            "answer": jnp.where(born.mine, answers[head], 0.0),
            "gain": jnp.ones(connection.target),
        }
        pre = {
            "activity": jnp.where(born.slot, 0.0, traces[head]),
            "newborn": jnp.broadcast_to(newborn, connection.weights),
        }
        if s.meta_rate:
            post["overshoot"] = connection.apply(
                bench["synapses"][head]["step"], pre["activity"] ** 2
            )
        weights[head], synapses[head] = plastic(
            head_rule(s, head), connection, weights[head], synapses[head], post, pre,
            learn=learn, clock=ticks(clock), name=head,
        )  # fmt: skip
    return bench | {"weights": weights, "synapses": synapses}


def _used(s, units, h, born: Newborn, learn):
    """Return ages and mean use one tick on, over the lanes that learn."""
    every = gather(learn)
    seen = gather(jnp.where(learn, h, 0.0)).sum(0) / jnp.maximum(jnp.sum(every), 1)
    fine = jnp.any(every) & jnp.all(jnp.isfinite(seen))
    first = jnp.maximum(jnp.max(jnp.where(units["live"], units["use"], 0.0)), 1.0 / s.units)
    use = jnp.where(born.slot, first, units["use"] + s.forget * (seen - units["use"]))
    age = jnp.where(born.slot, 0, jnp.minimum(units["age"] + 1, 2**30))
    return units | {
        "use": jnp.where(fine, use, units["use"]),
        "age": jnp.where(fine, age, units["age"]),
    }


def _traced(s, traces, h, surplus, goes, born: Newborn):
    """Return the eligibilities one tick on: what a terminal and its cell did together."""
    fade = jnp.where(goes, s.discount * s.decay, 0.0)
    did = {"value": jnp.ones(1), "action": surplus}
    return {
        head: fade * jnp.where(born.slot, 0.0, traces[head]) + did[head][:, None] * h
        for head in HEADS
    }
