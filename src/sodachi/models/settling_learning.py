"""How a settling net learns: every synapse from its own two cells, feedback and precision too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.connections import Connection, Dense
from sodachi.core.evidence import share
from sodachi.core.graph import Platform, feedback_forces, rates
from sodachi.core.rule import Rule, plastic
from sodachi.models.settling_dynamics import Net, Springs
from sodachi.models.settling_options import LEARNED_STEPS, Settings

Cells = dict[str, Any]


def bias_of(platform: Platform) -> Dense:
    """A bias is a synapse from a cell that is always 1."""
    return Dense((1,), platform.population.shape)


def precision_of(platform: Platform, scope: str) -> Dense:
    """A log precision is one too, of every unit or of the population as one."""
    return Dense((1,), platform.population.shape if scope == "unit" else (1,))


def springs_of(s: Settings, shared) -> Springs:
    """Return the springs that weights, feedback, biases and precisions of a state make."""
    weights = shared["weights"]
    names = [e.name for e in s.graph.edges]
    back = {n: weights[f"{n}:back"] if s.own_feedback else weights[n] for n in names}
    if s.feedback == "none":
        back = {n: jnp.zeros_like(w) for n, w in back.items()}
    bias, precision = {}, {}
    for p in s.graph.platforms:
        shape = p.population.shape
        bias[p.name] = (
            weights[f"1>{p.name}"].reshape(shape) if s.bias else jnp.zeros(shape, s.dtype)
        )
        scope = (s.learned_precision or {}).get(p.name)
        if scope is None:
            precision[p.name] = jnp.asarray((s.precision or {}).get(p.name, 1.0), s.dtype)
        else:
            learned = jnp.exp(weights[f"precision>{p.name}"])
            precision[p.name] = learned.reshape(shape if scope == "unit" else ())
    return Springs({n: weights[n] for n in names}, back, bias, precision)


def learn(
    s: Settings,
    shared,
    springs: Springs,
    net: Net,
    opposed: tuple[Net, Springs] | None,
    observation,
    patient: Sequence[str] = (),
):
    """Return ``(weights, synapses)`` after one tick of every rule, but for the ``patient`` edges.

    ``ΔW ∝ π ε f(x)`` and, of a precision of its own, ``Δ log π ∝ ½(1 − π ε²)``, minus the gradients
    of ``E = Σ ½π ε² − ½ log π``; with an ``opposed`` net (nudged the other way) the difference.
    """
    post, pre = _cells(s, springs, net)
    if s.asks_its_cell:
        for p in s.graph.platforms:
            post[p.name] |= _together(s, shared, post[p.name], springs, pre, p)
    if opposed is not None:
        other_post, other_pre = _cells(s, opposed[1], opposed[0])
        post = {n: post[n] | {"opposed error": other_post[n]["error"]} for n in post}
        pre = {n: pre[n] | {"opposed activity": other_pre[n]["activity"]} for n in pre}
    weights, synapses = dict(shared["weights"]), dict(shared["synapses"])

    def move(name, rule: Rule, connection: Connection, post, pre):
        weights[name], synapses[name] = plastic(
            rule,
            connection,
            weights[name],
            synapses[name],
            post,
            pre,
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            name=name,
        )

    for e in s.graph.edges:
        if e.name in patient:
            continue
        move(e.name, s.rule, e.connection, post[e.lands_on], pre[e.source])
        if s.feedback == "kolen_pollack":
            move(f"{e.name}:back", s.rule, e.connection, post[e.lands_on], pre[e.source])
        elif s.feedback == "own_gradient":
            # The other synapse's own gradient: its cell's activity x, not the rate f(x).
            own = {"activity": net.activity[e.source]}
            if opposed is not None:
                own["opposed activity"] = opposed[0].activity[e.source]
            move(f"{e.name}:back", s.rule, e.connection, post[e.lands_on], own)
    one = jnp.ones(1, s.dtype)
    always = {"activity": one, "opposed activity": one}
    for p in s.graph.platforms:
        if s.bias:
            move(f"1>{p.name}", s.rule, bias_of(p), post[p.name], always)
        scope = (s.learned_precision or {}).get(p.name)
        if scope is not None:
            surprise = _surprise(springs, net, p, scope, observation.evidence)
            connection = precision_of(p, scope)
            post_precision = {"error": surprise.reshape(connection.target)}
            move(f"precision>{p.name}", s.precision_rule, connection, post_precision, always)
    return weights, synapses


def _cells(s: Settings, springs: Springs, net: Net) -> tuple[dict[str, Cells], dict[str, Cells]]:
    """What cells know: by platform its weighted error (gated), by population its rate."""
    error = {n: springs.precision[n] * e for n, e in net.error.items()}
    if s.gate == "apical":
        arriving = feedback_forces(s.graph, springs.feedback, error, net.activity)
        for p in s.graph.platforms:
            if s.graph.out_of(p.population.name):
                error[p.name] = arriving[p.population.name]
    if s.gate == "settled":
        for p in s.graph.platforms:
            speed = jnp.abs(net.movement[p.population.name]) / s.tick
            error[p.name] = error[p.name] * jnp.exp(-s.gate_strength * speed)
    rate = rates(s.graph, net.activity)
    return (
        {n: {"error": e} for n, e in error.items()},
        {n: {"activity": r} for n, r in rate.items()},
    )


def _together(s: Settings, shared, post: Cells, springs: Springs, pre, p: Platform) -> Cells:
    """What a cell knows of all its synapses, for steps that ask it.

    Its curvature ``gain = π`` (E curves by ``π f(x)²`` in a weight); where synapses learn their
    steps α, ``overshoot = π Σ α f(x)²``, beyond which 1 is an update that overshoots the error;
    otherwise ``reach = max(|πε|, 1) Σ |f(x)|``.
    """
    learned = s.optimiser in LEARNED_STEPS
    gain = jnp.broadcast_to(springs.precision[p.name], p.population.shape)

    def sum_of(synapse: str, connection: Connection, rate):
        if learned:
            return connection.apply(shared["synapses"][synapse]["step"], rate**2)
        return connection.apply(jnp.ones_like(shared["weights"][synapse]), jnp.abs(rate))

    total = sum(sum_of(e.name, e.connection, pre[e.source]["activity"]) for e in p.edges)
    if s.bias:
        total += sum_of(f"1>{p.name}", bias_of(p), jnp.ones(1, s.dtype))
    if learned:
        return {"gain": gain, "overshoot": gain * total}
    return {"reach": jnp.maximum(jnp.abs(post["error"]), 1.0) * total}


def _surprise(springs: Springs, net: Net, platform: Platform, scope: str, evidence):
    """``½(1 − π ε²)``, of what was observed where the population can be observed."""
    surprise = 0.5 * (1.0 - springs.precision[platform.name] * net.error[platform.name] ** 2)
    name = platform.population.name
    if name in evidence:
        surprise = surprise * share(evidence[name])
    return surprise if scope == "unit" else jnp.mean(surprise)
