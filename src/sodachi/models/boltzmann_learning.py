"""What a Boltzmann machine learns in a tick: weights from two averages, biases that follow them."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import share
from sodachi.core.lanes import gather
from sodachi.core.rule import plastic, start_synapses
from sodachi.models.boltzmann_energy import fields
from sodachi.models.boltzmann_graph import BoltzmannGraph, Parameters
from sodachi.models.boltzmann_parts import Units
from sodachi.models.boltzmann_units import signal
from sodachi.models.deep_boltzmann_labels import let_label_go
from sodachi.models.sweep_plan import along, plan
from sodachi.rules.adam import with_adam
from sodachi.rules.annealing import with_annealing
from sodachi.rules.contrastive import (
    ALONE,
    ASLEEP,
    AWAKE,
    DREAM,
    WAKE,
    contrastive,
    own_dreams,
    pushed,
)


def rules(s):
    """Return the rule of weights and biases, and that of variances."""
    chains = s.dream not in ("contrastive_divergence", "local", "conditional")

    def one(rate, decay):
        rule = contrastive(rate, decay, chains)
        if s.dream == "local":
            rule = own_dreams(rate, s.dream_rate, decay)
        rule = with_adam(rule, rate) if s.optimiser == "adam" else rule
        return rule if s.anneal is None else with_annealing(rule, s.anneal)

    return one(s.rate, s.decay), one(s.variance_rate, 0.0)


def newborn_synapses(s, graph: BoltzmannGraph, weights) -> dict[str, Any]:
    """Return the synapse state that belongs to newborn weights."""
    rule, _ = rules(s)
    return {name: start_synapses(rule, w) for name, w in weights.items()}


def starting_mean(u: Units):
    """Return what a population takes for its mean at birth."""
    value = {"binary": 0.5, "categorical": 1.0 / u.states}.get(u.kind, 0.0)
    return jnp.full(u.shape, value, jnp.float32)


def learn(s, graph: BoltzmannGraph, shared, parameters: Parameters, observation, woken, dreamt,
          awake):  # fmt: skip
    """Return ``(weights, synapses)`` after a tick; ``woken`` and ``dreamt`` are (x, mean) each."""
    weights, synapses = dict(shared["weights"]), dict(shared["synapses"])
    offset = shared["cells"]["offset"]
    means = offset if s.centred else {n: jnp.zeros_like(a) for n, a in offset.items()}
    mixing = shared["cells"].get("mixing")
    seen, of_label = _parts(s, graph, parameters, observation.evidence, woken, dreamt, mixing)
    rule, stretch = rules(s)

    def known(parts, name, centre: Any = 0.0, weighted=False):
        return _known(graph.population(name), parameters, parts, centre, awake, weighted)

    def move(rule, name, connection, post, pre, modulation):
        weights[name], synapses[name] = plastic(
            rule, connection, weights[name], synapses[name], post, pre, learn=observation.learn,
            clock=ticks(shared["clock"]), modulation=modulation, name=name,
        )  # fmt: skip

    for c in graph.couplings:
        parts = of_label if s.label in (c.source, c.target) else seen
        post = known(parts, c.target, means[c.target], True)
        pre = known(parts, c.source, means[c.source])
        post = _shaped(post, graph.population(c.target), c.connection.target)
        pre = _shaped(pre, graph.population(c.source), c.connection.source)
        move(rule, c.name, c.connection, post, pre, observation.modulation[c.name])
    push = _pushes(s, graph, parameters, weights, offset, shared)
    flat_rule, _ = rules(s._replace(decay=0.0))
    for u in graph.populations:
        post = known(seen, u.name, weighted=True)
        on = {part: jnp.ones((1, *a.shape[len(u.shape) :])) for part, a in post.items()}
        if s.sparse is not None and u.kind == "binary" and u != graph.populations[0]:
            post[WAKE] += s.sparse_strength * (s.sparse - offset[u.name])
        bias, modulation = Dense((1,), u.shape), observation.modulation[u.name]
        move(flat_rule, u.name, bias, post, on, modulation)
        if push is not None:
            move(pushed(), u.name, bias, {"push": push[u.name]}, on, 1.0)
        if u.kind == "gaussian" and s.variance_rate > 0:
            spreads = {
                part: weight * _spread(graph, parameters, x, u)
                for part, (weight, x) in seen.items()
            }
            move(stretch, f"{u.name} variance", bias, post | spreads, on, modulation)
    return weights, synapses


def _parts(s, graph: BoltzmannGraph, parameters: Parameters, evidence, woken, dreamt, mixing):
    """Return what is learnt and unlearnt, by name (weight, x); apart, for couplings of a label."""
    wake, dream = (_statistics(graph, *both) for both in (woken, dreamt))
    # An answer is led part of the way: the smaller the difference, the more it counts.
    weight = s.generative / (s.reach if s.dream == "conditional" else 1.0)
    seen = {WAKE: (weight, wake)}
    if s.generative:
        seen[DREAM] = (weight, dream)
    if s.mixing is not None:
        # Together less than apart: no cell's own mean is moved by it.
        penalty = mixing["penalty"]
        seen[DREAM] = (s.generative + penalty, dream)
        seen[ALONE] = (penalty, {n: x.mean(-1) for n, x in dream.items()})
    if not s.discriminative:
        return seen, seen
    told = s.discriminative * jnp.min(share(evidence[s.label]))
    means, every, p = let_label_go(graph, parameters, s.label, wake)
    seen[WAKE] = (s.generative + told, wake)
    each = {f"{DREAM} of label {c}": (told * p[c], x) for c, x in enumerate(every)}
    return seen | {f"{DREAM} of a label": (told, means)}, seen | each


def _statistics(graph: BoltzmannGraph, x, mean):
    """What is learned from: the sample, but means in the last turn, given all of the sample."""
    how = plan(graph)
    last = {n for n in graph.turns[-1] if len(how.colours[n]) == 1 and graph.classes(n) is not None}
    return {n: mean[n] if n in last else x[n] for n in x}


def _known(u: Units, parameters: Parameters, parts, offset, awake, weighted: bool):
    """What each cell of a population knows: its signal awake and in dreams, less its mean.

    The postsynaptic side has the weights of the parts.
    """
    spread = parameters.log_variance.get(u.name)
    known = {}
    for part, (weight, stats) in parts.items():
        x = stats[u.name]
        away = x - along(jnp.asarray(offset) + jnp.zeros(u.shape), x)
        heard = signal(u.kind, away, None if spread is None else along(spread, x))
        known[part] = heard * weight if weighted else heard
    if awake is not None:
        known |= {AWAKE: jnp.broadcast_to(1.0 * awake[u.name], u.shape),
                  ASLEEP: jnp.broadcast_to(1.0 * ~awake[u.name], u.shape)}  # fmt: skip
    return known


def _pushes(s, graph: BoltzmannGraph, parameters: Parameters, weights, offset, shared):
    """What biases follow: a change of weights must not change what a cell hears on average."""
    if not s.centred:
        return None
    moved = {c.name: weights[c.name] - shared["weights"][c.name] for c in graph.couplings}
    nothing = {n: jnp.zeros_like(b) for n, b in parameters.bias.items()}
    heard = fields(graph, Parameters(moved, nothing, parameters.log_variance), offset)
    return {n: -h for n, h in heard.items()}


def _spread(graph: BoltzmannGraph, parameters: Parameters, stats, u: Units):
    """What a Gaussian unit knows of its own energy: ``(½(x − b)² − x·(f − b))/σ²``, −∂E/∂ln σ²."""
    x = stats[u.name]
    bias, spread = (along(a[u.name], x) for a in (parameters.bias, parameters.log_variance))
    heard = fields(graph, parameters, stats)[u.name]
    return jnp.exp(-spread) * (0.5 * (x - bias) ** 2 - x * (heard - bias))


def _shaped(cells, u: Units, shape):
    """Give what cells know the shape of their side of a connection (a label is one unit)."""
    return {name: a.reshape(*shape, *a.shape[len(u.shape) :]) for name, a in cells.items()}


def cells_after(s, cells, mean, learn):
    """Return the populations' slow means, moved toward what the lanes that learn showed awake."""
    lanes = gather(learn)
    count = jnp.maximum(lanes.sum(), 1)

    def slow(offset, value):
        shown = gather(jnp.where(learn, value, 0.0)).sum(0) / count
        moved = offset + s.offset_rate * (shown - offset)
        return jnp.where(jnp.any(lanes) & jnp.isfinite(moved), moved, offset)

    offset = {n: slow(cells["offset"][n], mean[n]) for n in cells["offset"]}
    return {**cells, "offset": offset}
