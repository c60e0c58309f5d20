"""How the activity of a settling net moves: springs, platforms, evidence, tick by tick.

Nothing here learns. A relaxation takes activity and its error cells some ticks further; which
weights carry predictions (W) and which carry errors back (B) is told by `Springs`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import hold_evidence
from sodachi.core.graph import (
    Graph,
    errors,
    feedback_forces,
    feedforward,
    forces,
    messages,
    spring_forces,
)
from sodachi.core.lanes import any_lane
from sodachi.core.relax import Asynchronous, Langevin, OneAtATime, relax
from sodachi.core.relax.method import held
from sodachi.models.settling_options import Settings

Cells = dict[str, Any]


class Springs(NamedTuple):
    """What activity feels during one relaxation: weights, feedback, biases, precisions."""

    weights: dict[str, Any]
    feedback: dict[str, Any]
    bias: dict[str, Any]
    precision: dict[str, Any]


class Net(NamedTuple):
    """Activity by population, error cells by platform, movement in the last tick where gated."""

    activity: Cells
    error: Cells
    movement: Cells


def begin(s: Settings, springs: Springs, lane, evidence, first):
    """Return the net at the start of a step, carried on or on its platforms, and `what_is_known`.

    Error cells of the wave are carried like activity; those of other relaxations are what
    activity says they are.
    """
    activity = held(lane["activity"], evidence, 0.0 if s.relaxation == "wave" else s.tick)
    known = what_is_known(s, springs, activity)

    def carried():
        if s.relaxation == "wave":
            return activity, lane["error"]
        return activity, errors(s.graph, springs.weights, springs.bias, activity, known)

    def fresh():
        return _on_platforms(s, springs, activity, evidence, known)

    def mixed():
        return jax.tree.map(lambda a, b: jnp.where(first, a, b), fresh(), carried())

    if s.start == "carried":
        begun = carried()
    else:
        # The carried net's errors cost a forward pass, which a batch of new samples does not need.
        begun = jax.lax.cond(any_lane(~first), mixed, fresh)
    begun_activity, error = begun
    return Net(begun_activity, error, _movement(s, activity, activity)), known


def what_is_known(s: Settings, springs: Springs, activity):
    """Return what the sources say, by edge: it stays true while they do not move."""
    return messages(s.graph, springs.weights, activity, [p.name for p in s.graph.sources])


def _movement(s: Settings, new, old):
    return {n: new[n] - old[n] for n in new} if s.gate == "settled" else {}


def _on_platforms(s: Settings, springs: Springs, activity, evidence, known):
    """Every predicted population on its first platform, in order, evidence holding what it can."""
    dt, bare = 0.0 if s.relaxation == "wave" else s.tick, {}

    def hold(name, x):
        bare[name] = x
        return hold_evidence(x, evidence[name], dt) if name in evidence else x

    begun = feedforward(s.graph, springs.weights, springs.bias, activity, known, hold)
    if _ends_held(s.graph, evidence):
        return begun, {
            p.name: begun[p.population.name] - bare[p.population.name] for p in s.graph.platforms
        }
    return begun, errors(s.graph, springs.weights, springs.bias, begun)


def _ends_held(graph: Graph, evidence) -> bool:
    """Whether one pass in order leaves errors only where evidence holds a last population."""
    place = {p.name: i for i, p in enumerate(graph.populations)}
    forward = all(place[e.source] < place[e.target] for e in graph.edges)
    single = len(graph.platforms) == len(graph.predicted)
    ends = all(not (graph.into(n) and graph.out_of(n)) for n in evidence)
    return forward and single and ends


def settle(s: Settings, springs: Springs, net: Net, known, evidence, key) -> Net:
    """Return the net ``settle_ticks`` later (one tick, where it learns at every tick)."""
    count = 1 if s.learning == "every_tick" else s.settle_ticks
    if s.relaxation not in ("descent", "wave"):
        return _solved(s, springs, net, evidence, key, count)
    one = _wave_tick if s.relaxation == "wave" else _descent_tick
    sources = tuple(p.name for p in s.graph.sources)

    def go(known, fixed):
        def tick(_, now):
            return one(s, springs, now, evidence, known, fixed)

        return jax.lax.fori_loop(0, count, tick, net)

    if not sources or any(n not in evidence for n in sources):
        return go({}, ())
    # What a clamped source says never changes: said once, it is not computed at every tick.
    clamped = [jnp.all(jnp.isinf(evidence[n].precision)) for n in sources]
    loose = any_lane(~jnp.all(jnp.stack(clamped)))
    return jax.lax.cond(loose, lambda: go({}, ()), lambda: go(known, sources))


def _weighted(springs: Springs, error):
    return {n: springs.precision[n] * e for n, e in error.items()}


def _descent_tick(s, springs, net, evidence, known, fixed) -> Net:
    """``x ← hold(x + rate · force)``, then error cells compare again."""
    weighted = _weighted(springs, net.error)
    force = feedback_forces(s.graph, springs.feedback, weighted, net.activity, fixed)
    for n, push in spring_forces(s.graph, weighted).items():
        force[n] = force[n] + push
    moved = {n: x + s.tick * force[n] if n in force else x for n, x in net.activity.items()}
    moved = held(moved, {n: e for n, e in evidence.items() if n not in fixed}, s.tick)
    error = errors(s.graph, springs.weights, springs.bias, moved, known)
    return Net(moved, error, _movement(s, moved, net.activity))


def _wave_tick(s, springs, net, evidence, known, fixed) -> Net:
    r"""``x ← (Σ π μ + f′(x) Σ B π ε + p v)/(Σ π + p)``; its error cells report with the next tick.

    Every cell goes, at once, to where its own springs and its evidence would hold it under the
    feedback that has arrived. A rate below 1 goes only that part of the way.
    """
    weighted = _weighted(springs, net.error)
    arriving = feedback_forces(s.graph, springs.feedback, weighted, net.activity, fixed)
    before = errors(s.graph, springs.weights, springs.bias, net.activity, known)
    moved = dict(net.activity)
    for p in s.graph.populations:
        x = net.activity[p.name]
        own = [q.name for q in s.graph.platforms if q.population.name == p.name]
        if p.name in fixed:
            continue
        stiff = sum((springs.precision[q] for q in own), jnp.zeros_like(x))
        # The force from here: springs and feedback.
        push = arriving[p.name] - sum(springs.precision[q] * before[q] for q in own)
        reach = s.tick / stiff if own else jnp.full_like(x, s.tick)
        step = x + reach * push
        # The proximal step of evidence with time 1/stiffness: exact for a quadratic spring.
        moved[p.name] = hold_evidence(step, evidence[p.name], reach) if p.name in evidence else step
    error = {
        q.name: before[q.name] + moved[q.population.name] - net.activity[q.population.name]
        for q in s.graph.platforms
    }
    return Net(moved, error, _movement(s, moved, net.activity))


def _solved(s, springs, net, evidence, key, ticks) -> Net:
    """Leave it to one of the core's solvers."""

    def force(activity):
        weights, back, bias, precision = springs
        return forces(s.graph, weights, bias, precision, activity, back)

    if s.relaxation == "asynchronous":
        method = Asynchronous(s.tick, ticks, s.tolerance, s.probability, s.max_delay)
    elif s.relaxation == "one_at_a_time":
        method = OneAtATime(s.tick, ticks, s.tolerance)
    else:
        method = Langevin(s.tick, s.temperature, ticks)
    done = relax(force, net.activity, evidence, method=method, key=key).activity
    error = errors(s.graph, springs.weights, springs.bias, done)
    return Net(done, error, _movement(s, done, net.activity))


def nudged(s: Settings, springs: Springs, evidence, sign: float) -> Springs:
    r"""Return springs under which a clamped label only nudges, with strength ±β.

    A spring π between x and μ in series with one of strength β between x and the target t is, with
    x at rest, one spring ``±πβ/(π ± β)`` between t and μ: the label stands on its clamp, and what
    reaches the net is the nudge.
    """
    if not s.nudge or "label" not in springs.precision or "label" not in evidence:
        return springs
    own, beta = springs.precision["label"], sign * s.nudge
    series = own * beta / (own + beta)
    clamped = jnp.isinf(evidence["label"].precision)
    precision = jnp.where(clamped, series, own).astype(s.dtype)
    return springs._replace(precision=springs.precision | {"label": precision})
