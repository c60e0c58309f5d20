"""One tick of the settling mixture: which world is this, settle, hear the label, learn, be born."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense, backward
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import any_lane, of_elected
from sodachi.core.rule import plastic
from sodachi.models.competition import (
    apical,
    birth_wanted,
    blend,
    competition,
    credit,
    free_energy,
    label_gains,
    recruit,
    settle,
    unit_costs,
    unit_gains,
)
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.emergence import (
    doubt,
    expected,
    follow_input,
    new_meetings,
    new_senses,
    sensed,
)
from sodachi.models.naming import (
    Told,
    hear,
    is_news,
    new_name_view,
    new_names,
    new_naming,
    rename,
)
from sodachi.models.pools import (
    Bench,
    freed,
    grown,
    held_by,
    learning_context,
    put,
    take,
)
from sodachi.models.trust import new_trust, trust, trusted
from sodachi.rules.following import instar, outstar
from sodachi.system import State

CHANCE = ("random-time", "random-newborn")


def below(s) -> Dense:
    """The connection between the input and the units; feedback runs backward through it."""
    return Dense((s.inputs,), (s.units,))


def above(s) -> Dense:
    """The connection by which units predict the label."""
    return Dense((s.units,), (s.labels,))


def newborn_mixture(s, key) -> State:
    """Return the state at birth: no unit is alive, and only the first world and naming are."""
    flat = 1.0 / s.labels if s.label_kind == "categorical" else 0.0
    pools = (s.contexts,) if s.pool else ()
    everybody = (*pools, s.units)
    shared = {
        "weights": {
            "input": jnp.zeros((*pools, s.inputs, s.units)),
            "label": jnp.full((*pools, s.units, s.labels), flat),
        },
        "synapses": {"input": {}, "label": {}},
        "cells": {
            "count": jnp.ones(everybody),
            "utility": jnp.zeros(everybody),
            "born": jnp.full(everybody, -1.0),
        },
        "structure": {"owner": jnp.full(everybody, -1, jnp.int32), **new_contexts(s)},
        "clock": new_clock(),
    }
    if s.emerging:
        shared["synapses"]["input"] = new_meetings(s, shared["weights"]["input"])
        shared["senses"] = new_senses(s)
    activity = {"input": jnp.zeros(s.inputs), "label": jnp.full(s.labels, flat)}
    view = new_view(s)
    if s.names > 1:
        shared["weights"]["names"] = new_names(s)
        shared["synapses"]["names"] = {}
        shared["naming"] = new_naming(s)
        shared["cells"] |= new_trust(everybody)
        view["names"] = new_name_view(s)
    lane = {"activity": {"units": jnp.zeros(s.units), **activity}, "view": view, "key": key}
    return State(shared, lane)


def grow_mixture(s, state: State) -> State:
    """Double the contexts that fit, each with a pool of its own, once none is free.

    Nothing else changes; with room left nothing changes at all.
    """
    age = np.asarray(state.shared["structure"]["age"])
    if not (age > 0).all():
        return state
    larger = s._replace(contexts=2 * len(age))
    whole = grown(lambda: newborn_mixture(larger, jax.random.key(0)).shared, state.shared)
    return State(whole, state.lane)


def mixture_step(s, state: State, observation):
    """Return the state and output after one tick; `s` is the model's `Settings`."""
    shared, lane = state
    seen, told = observation.evidence["input"], observation.evidence["label"]
    learn, clock = observation.learn, ticks(shared["clock"])
    key, coin = split_if(s.lesion in CHANCE, lane["key"])

    # Which world is this? Its units are on the bench.
    owner = shared["structure"]["owner"]
    known = {name: x for name, x in shared["structure"].items() if name != "owner"}
    known, view, opened = recall_or_grow(
        s, known, lane["view"], lambda: held_by(s, owner), seen, learn
    )
    owner = freed(s, owner, opened)
    current = view["current"]
    leading, learn = learning_context(s, current, learn)
    bench = take(s, shared, owner, current)
    member = bench.owner == current

    # Settle: one tick toward the costs, from wherever activity stands.
    synapses, senses, unsure = shared["synapses"], {}, None
    if s.emerging:
        senses["senses"] = sensed(shared["senses"], seen, learn)
        unsure = doubt(s, synapses["input"]["met"], senses["senses"], seen)
    cost = unit_costs(s, bench.lower, seen, unsure)
    a = lane["activity"]["units"]
    if s.pool:
        # Other units: their activity begins at rest.
        a = jnp.where(current == lane["view"]["current"], a, 0.0)
    a = settle(s, a, cost, observation.first)
    h = competition(a, member)
    concept = answer = above(s).apply(bench.upper, h)
    meaning, heard, news = told, None, None
    if s.names > 1:
        news = is_news(lane["activity"], seen, told)
        fault = 1.0 if s.lesion == "no-trust" else trust(bench.cells, h, cost)
        heard = hear(s, shared, lane["view"]["names"], concept, told, news, fault)
        answer, meaning = heard.answer, heard.meaning
    match, quality, hungry = apical(s, bench.upper, meaning, concept)
    plus = competition(a + match, member)
    if s.emerging:
        guess = expected(bench.lower, synapses["input"]["met"], plus)
    else:
        guess = backward(below(s), bench.lower, plus)
    estimate = {"input": blend(seen, guess), "label": blend(told, answer)}

    # Hunger, and who is born of it; then everyone learns.
    if s.pool:
        bench = take(s, shared, owner, leading)
    taught = learn & (share(told).max() > 0)
    wants = taught & birth_wanted(s, hungry, coin) & (share(meaning).max() > 0)
    if s.lesion == "no-recycling":
        wants = wants & jnp.any(bench.owner < 0)
    born = recruit(s, bench, current, wants, hungry)
    settled = jnp.exp(-2.0 * jnp.abs(cost + a))
    gain = unit_gains(s, bench.cells["count"], (h, plus, settled), taught, learn, born)
    newborn = estimate["input"]
    if s.lesion == "random-newborn":
        newborn = jax.random.permutation(coin, newborn)
    if s.emerging:
        known_by, signals = (bench.lower, synapses["input"]), (plus, settled, taught, born)
        lower, met = follow_input(s, below(s), known_by, seen, newborn, signals, (clock, learn))
        synapses = synapses | {"input": met}
    else:
        lower = _follow_input(s, bench, (clock, learn), (seen, newborn), (gain, born))
    upper = _follow_label(s, bench, (clock, learn), meaning, (h, born))
    cells = credit(s, bench.cells, member, (h, plus, quality), taught, born, clock)
    weights, naming = {}, {}
    if heard is not None:
        told_now = Told(taught & heard.fine, news, meaning)
        cells |= trusted(bench.cells, h, cost, quality, told_now, born)
        renamed = rename(s, shared, concept, told, heard, told_now)
        weights["names"], naming["naming"], view["names"] = renamed
    owned = jnp.where(born.slot, of_elected(born.mine, current), bench.owner)
    everybody = put(s, shared, owner, leading, Bench(lower, upper, cells, owned))

    shared = {
        "weights": {"input": everybody.lower, "label": everybody.upper, **weights},
        "synapses": synapses,
        "cells": everybody.cells,
        "structure": {"owner": everybody.owner, **known},
        "clock": tick(shared["clock"], any_lane(observation.learn)),
        **naming,
        **senses,
    }
    a = jnp.where(born.slot & (current == leading), 0.0, a)
    lane = {"activity": {"units": a, **estimate}, "view": view, "key": key}
    output = {
        "energy": free_energy(h, cost),
        "residual": jnp.max(jnp.where(member, h * jnp.abs(cost + a), 0.0)),
        "label": answer,
        "input": estimate["input"],
        "hunger": hungry,
        "birth": born.mine,
        "context": current,
        "live": jnp.sum(everybody.owner >= 0),
    }
    return State(shared, lane), output


def split_if(stochastic, key):
    """Split the lane's key only where chance is used: a split costs as much as the settling."""
    return jax.random.split(key) if stochastic else (key, key)


def _follow_input(s, bench: Bench, now, evidence, signals):
    """Return the weights below after their local rule (an imprint is the same rule at rate 1)."""
    clock, learn = now
    seen, newborn = evidence
    gain, born = signals
    pixels, known = share(seen) * observed_value(seen), share(seen)
    pre = {
        "activity": jnp.where(born.mine, newborn, pixels),
        "share": jnp.where(born.mine, 1.0, known),
    }
    lower, _ = plastic(
        instar(), below(s), bench.lower, {}, {"gain": gain}, pre,
        name="input", clock=clock, learn=learn, reduce="sum",
    )  # fmt: skip
    return lower


def _follow_label(s, bench: Bench, now, meaning, signals):
    """Return the weights above after theirs."""
    clock, learn = now
    post = {"activity": share(meaning) * observed_value(meaning), "share": share(meaning)}
    out = label_gains(s, *signals)
    upper, _ = plastic(
        outstar(), above(s), bench.upper, {}, post, {"gain": out},
        name="label", clock=clock, learn=learn, reduce="sum",
    )  # fmt: skip
    return upper
