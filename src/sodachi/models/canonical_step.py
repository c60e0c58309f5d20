"""One tick of a canonical network: believe, decide, count, remember."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.core.clock import tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import evidence_field, hold_evidence, observed_value, share
from sodachi.core.lanes import any_lane
from sodachi.core.rule import plastic
from sodachi.models.beliefs import LOGARITHMS, beliefs, goal, heard, helmholtz_of, predict
from sodachi.models.canonical_plan import Plan, Settings, Table, plan_of
from sodachi.models.factors import Factors, believe, over_factor
from sodachi.models.past import Seen, remember
from sodachi.rules.counting import counting
from sodachi.system import State


class Believed(NamedTuple):
    """Where one population came to: its cells, membranes, energy and residual."""

    x: Any
    membrane: Any
    energy: Any
    residual: Any


def canonical_step(s: Settings, state: State, observation):
    """Return the state a tick later, and what the tick put out."""
    plan, (shared, lane) = plan_of(s), state
    seen = observation.evidence["input"]
    now = Seen(jnp.clip(observed_value(seen), 0.0, 1.0), share(seen))
    past = {n: Seen(p.value, jnp.where(observation.first, 0.0, p.known))
            for n, p in lane["past"].items()}  # fmt: skip
    told = tell(s, plan, shared, now, past, observation.modulation)
    found = {
        name: settle(s, factors, lane["activity"][membrane], told[name], observation.evidence[name])
        for name, factors, membrane in _populations(plan)
    }
    x = {name: each.x for name, each in found.items()}
    judged = _judged(s, lane, past, x)
    weights, synapses = count(s, plan, shared, observation, x, (now, past, judged))

    guess = predict(shared["weights"], plan.input, plan.state, x["state"])
    estimate = {**x, "input": hold_evidence(guess, seen, 1.0)}
    output = {
        "energy": sum(each.energy for each in found.values()),
        "residual": jnp.max(jnp.stack([each.residual for each in found.values()])),
        **estimate,
    }
    shared = {
        "weights": weights,
        "synapses": synapses,
        "cells": shared["cells"],
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    everyone = {n: Seen(v, jnp.ones_like(v)) for n, v in x.items()} | {"input": now}
    terms = {"transition": plan.transition, "policy": plan.policy}
    carried = {n: jnp.where(jnp.isfinite(e), e, 0.5) for n, e in estimate.items()}
    after: dict[str, Any] = {
        "activity": carried | {m: found[n].membrane for n, _, m in _populations(plan)},
        "past": {n: remember(terms[n], plan.populations, everyone) for n in past},
    }
    if "judged" in lane:
        after["judged"] = _push(lane["judged"], past["policy"], x["action"], observation.learn)
    return State(shared, after), output


def _populations(plan: Plan):
    yield "state", plan.state, "membrane"
    if plan.action.sizes:
        yield "action", plan.action, "action_membrane"


def thresholds_of(s: Settings, shared, name: str, factors: Factors):
    """Return φ₁ and φ₀, the log prior of every cell, from counts where thresholds learn."""
    if not s.threshold_count:
        return shared["cells"][f"log_{name}_1"], shared["cells"][f"log_{name}_0"]
    log, on = LOGARITHMS[s.expectation], shared["weights"][f"{name}_on"][0]
    off = shared["weights"].get(f"{name}_off")
    total = over_factor(factors, on)
    if off is None:
        return log(on) - log(total), jnp.zeros(0, on.dtype)
    total = total.at[factors.binary].add(off[0])
    return log(on) - log(total), log(off[0]) - log(total[factors.binary])


def tell(s: Settings, plan: Plan, shared, now: Seen, past: dict[str, Seen], modulation):
    """Return the log-probabilities that cells of value 1 and 0 hear, by population."""
    told = {}
    for (name, factors), population in zip(plan.thresholds, ("state", "action"), strict=False):
        told[population] = thresholds_of(s, shared, name, factors)
    heard_by = {"A": ("state", now), "B": ("state", past.get("transition", now)),
                "C": ("action", past.get("policy", now))}  # fmt: skip
    for table in plan.tables:
        population, source = heard_by[table.letter]
        believed = beliefs(shared["weights"], table.pre, table.prefix, s.expectation)
        one, zero = heard(
            table.connection("1"), table.connection("0"), believed, source.value, source.known
        )
        if table.letter == "C" and not s.delay:  # a decision already judged turns with its worth
            one, zero = modulation["policy"] * one, modulation["policy"] * zero
        told[population] = one + told[population][0], zero + told[population][1]
    return told


def settle(s: Settings, factors: Factors, membrane, told, evidence) -> Believed:
    """Return a population after its membranes descended ∂F/∂x, which is convex in each x."""
    (one, zero), field = told, evidence_field(evidence)
    rest = goal(factors, one, zero, field)
    membrane = membrane + s.rate * (rest - membrane)
    membrane = jnp.where(jnp.isfinite(membrane), membrane, 0.0)
    x = believe(factors, membrane, evidence)
    apart = jnp.where(jnp.isinf(evidence.precision), 0.0, jnp.abs(rest - membrane))
    return Believed(x, membrane, helmholtz_of(factors, x, one, zero, field), jnp.max(apart))


def _judged(s: Settings, lane, past, x):
    """The past and the decision that this tick's modulation judges."""
    if "policy" not in past:
        return None
    if not s.delay:
        return past["policy"], x["action"]
    oldest = {name: kept[0] for name, kept in lane["judged"].items()}
    return Seen(oldest["value"], oldest["known"]), oldest["action"]


def _push(kept, past: Seen, action, learn):
    """The decisions that wait to be judged, the newest last; one without learning never counts."""
    newest = {"value": past.value, "known": jnp.where(learn, past.known, 0.0), "action": action}
    return {name: jnp.concatenate([kept[name][1:], newest[name][None]]) for name in newest}


def count(s: Settings, plan: Plan, shared, observation, x, seen):
    """Add what was believed and observed together to every table of counts."""
    now, past, judged = seen
    weights, synapses = dict(shared["weights"]), dict(shared["synapses"])

    def add(name, connection, post, pre, modulation):
        weights[name], synapses[name] = plastic(
            counting(s.least, s.forgetting),
            connection,
            weights[name],
            synapses[name],
            {"state": post},
            {"event": pre},
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            modulation=observation.modulation[modulation],
            reduce="sum",
            name=name,
        )

    pairs = {"A": (now, x["state"]), "B": (past.get("transition"), x["state"]), "C": judged}
    for table in plan.tables:
        what, y = pairs[table.letter]
        for own in table.synapses:
            add(
                own.name,
                own.connection,
                _value(table.post, y, own.value),
                _event(table, what, own.outcome),
                "policy" if table.letter == "C" else "counts",
            )
    if s.threshold_count:
        for (name, factors), y in zip(plan.thresholds, x.values(), strict=True):
            for outcome, value in (("on", "1"), ("off", "0")):
                post = _value(factors, y, value)
                if post.size:
                    always = jnp.ones(1, post.dtype)
                    add(f"{name}_{outcome}", Dense((1,), post.shape), post, always, "counts")
    return weights, synapses


def _value(factors: Factors, y, value: str):
    """What cells know of a value: y, or 1 − y of binary cells."""
    if value == "1":
        return y
    return 1.0 - (y if factors.all_binary else y[factors.binary])


def _event(table: Table, what: Seen, outcome: str):
    """What is known to have been on, or (of binary cells) off."""
    if outcome == "on":
        return what.known * what.value
    off = what.known * (1.0 - what.value)
    return off if table.pre.all_binary else off[table.pre.binary]
