"""The settling net: predictive coding with explicit error cells on a chain of layers.

Activity slides on posts, predictions are platforms, errors are springs between them; the net
settles to low tension, and every synapse sees only its own two cells. Direction ``"down"`` is the
source's: the label on top, each layer predicting the layer below, pixels at the bottom; ``"up"``
is the discriminative direction (each layer predicts the layer above).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.energy import energy, prediction_terms
from sodachi.core.evidence import hold_evidence, share
from sodachi.core.graph import (
    ACTIVATIONS,
    Edge,
    Graph,
    Population,
    errors,
    feedforward,
    forces,
    initial_graph_weights,
    predictions,
    rates,
)
from sodachi.core.lanes import any_lane
from sodachi.core.rule import Rule, plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules import delta, with_adam, with_decay
from sodachi.system import Spec, State, System, Variable, arguments, factory, system


class Settings(NamedTuple):
    """The factory's choices that a step reads (see `settling_net`)."""

    graph: Graph
    rule: Rule
    settle_ticks: int
    rate: float
    start: str


@factory("settling_net")
def settling_net(
    *,
    layers: tuple[int, ...] = (64, 100, 100, 10),
    direction: str = "down",
    activation: str = "tanh",
    settle_ticks: int = 1,
    rate: float = 0.2,
    start: str = "carried",
    optimiser: str = "adam",
    weight_rate: float = 1e-3,
    decay_to_initial: float = 0.0,
) -> System:
    r"""Return a predictive coding network that settles and learns in one stream.

    ``E = Σ_l ½|x_l − μ_l|²`` with ``μ_l = b_l + W f(x_l′)`` predicted by the neighbouring layer l′.
    Each of ``settle_ticks`` ticks moves every free cell down its gradient,
    ``x ← x + rate·(−ε + f′(x)·Wᵀε)``; then every synapse learns ``ΔW ∝ ε f(x)``.

    Parameters
    ----------
    layers
        Cells of each layer, from the input to the label.
    direction
        ``"down"`` (label on top, pixels predicted) or ``"up"``.
    settle_ticks
        Ticks of settling in one step, before the one tick of learning; 1 learns at every tick.
    start
        ``"carried"`` keeps activity from step to step; ``"feedforward"`` puts every layer on its
        prediction at the first step of an episode.
    optimiser
        ``"adam"`` (per-synapse step sizes) or ``"sgd"``.
    decay_to_initial
        Decay of every weight to where it started, in units of ``weight_rate``.

    Returns
    -------
    System
        Outputs: energy, residual (largest force on a free cell), label and input (estimates: the
        platform of a predicted layer, else the activity).

    Raises
    ------
    SpecError
        For fewer than two layers or an unknown direction, activation, start or optimiser.

    References
    ----------
    Rao and Ballard (1999); Whittington and Bogacz (2017); every tick: Salvatori et al. (2024).

    Examples
    --------
    >>> net = settling_net(layers=(4, 3, 2))
    >>> [v.name for v in net.spec.observed]
    ['input', 'label']
    """
    given = {**locals(), "layers": list(layers)}
    _check(given)
    graph = chain(tuple(layers), direction, activation)
    settings = Settings(
        graph, learning_rule(optimiser, weight_rate, decay_to_initial), settle_ticks, rate, start
    )
    spec = Spec(
        factory="settling_net",
        arguments=arguments(**given),
        observed=(
            Variable("input", (layers[0],)),
            Variable("label", (layers[-1],), "categorical"),
        ),
        capabilities=frozenset({"learns", "local", "settles"}),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _check(given) -> None:
    if len(given["layers"]) < 2 or any(n < 1 for n in given["layers"]):
        raise SpecError("layers", "two or more positive sizes", given["layers"])
    for name, allowed in (
        ("direction", ("down", "up")),
        ("activation", tuple(sorted(ACTIVATIONS))),
        ("start", ("carried", "feedforward")),
        ("optimiser", ("adam", "sgd")),
    ):
        if given[name] not in allowed:
            raise SpecError(name, f"one of {allowed}", given[name])
    if given["settle_ticks"] < 1:
        raise SpecError("settle_ticks", "1 or more", given["settle_ticks"])


def chain(layers: tuple[int, ...], direction: str, activation: str) -> Graph:
    """Return the graph of a chain, sources first, so that a feedforward start goes in order."""
    names = ["input", *(f"hidden{i}" for i in range(1, len(layers) - 1)), "label"]
    shapes = dict(zip(names, layers, strict=True))
    order = names if direction == "up" else names[::-1]
    populations = tuple(
        # The source of the chain is read as it is: its rate is its value.
        Population(n, (shapes[n],), "identity" if n in ("input", "label") else activation)
        for n in order
    )
    edges = tuple(Edge(a, b, Dense((shapes[a],), (shapes[b],))) for a, b in pairwise(order))
    return Graph(populations, edges)


def learning_rule(optimiser: str, rate: float, decay_to_initial: float) -> Rule:
    """Return the delta rule with its step sizes and its decay to the initial weights."""
    rule = with_adam(delta(), rate=rate) if optimiser == "adam" else delta(rate=rate)
    if decay_to_initial:
        rule = with_decay(rule, initial=rate * decay_to_initial)
    return rule


def _bias(population: Population) -> Dense:
    """A bias is a synapse from a cell that is always 1."""
    return Dense((1,), population.shape)


def _init(s: Settings, key) -> State:
    weights = initial_graph_weights(s.graph, key)
    weights |= {f"1>{p.name}": jnp.zeros(_bias(p).weights) for p in s.graph.predicted}
    shared = {
        "weights": weights,
        "synapses": {name: start_synapses(s.rule, w) for name, w in weights.items()},
        "clock": new_clock(),
    }
    return State(shared, {"activity": {p.name: jnp.zeros(p.shape) for p in s.graph.populations}})


def biases(s: Settings, weights):
    """Return the bias of every predicted population in its shape."""
    return {p.name: weights[f"1>{p.name}"].reshape(p.shape) for p in s.graph.predicted}


def _step(s: Settings, state: State, observation):
    shared, lane = state
    weights = shared["weights"]
    bias = biases(s, weights)
    precision = {p.name: 1.0 for p in s.graph.predicted}
    evidence = observation.evidence

    def held(activity, dt):
        return activity | {n: hold_evidence(activity[n], e, dt) for n, e in evidence.items()}

    def one(_, activity):
        force = forces(s.graph, weights, bias, precision, activity)
        return held({n: x + s.rate * force[n] for n, x in activity.items()}, s.rate)

    activity = held(lane["activity"], s.rate)
    if s.start == "feedforward":
        begun = held(feedforward(s.graph, weights, bias, activity), s.rate)
        activity = jax.tree.map(lambda a, b: jnp.where(observation.first, b, a), activity, begun)
    activity = jax.lax.fori_loop(0, s.settle_ticks, one, activity)
    activity = {n: jnp.where(jnp.isfinite(x), x, 0.0) for n, x in activity.items()}
    weights, synapses = _learn(s, shared, activity, observation.learn)

    platform = predictions(s.graph, shared["weights"], bias, activity)
    terms = prediction_terms(s.graph, shared["weights"], bias, precision)
    force = forces(s.graph, shared["weights"], bias, precision, activity)
    free = {n: 1.0 - share(e) for n, e in evidence.items()}
    residual = [jnp.max(jnp.abs(force[n] * free.get(n, 1.0))) for n in force]
    output = {
        "energy": energy(terms, activity),
        "residual": jnp.max(jnp.stack(residual)),
        **{n: platform.get(n, activity[n]) for n in evidence},
    }
    clock = tick(shared["clock"], any_lane(observation.learn))
    shared = {"weights": weights, "synapses": synapses, "clock": clock}
    return State(shared, {"activity": activity}), output


def _learn(s: Settings, shared, activity, learn):
    """One tick of the delta rule at every synapse: the error cell's activity times the rate."""
    bias = biases(s, shared["weights"])
    error = errors(s.graph, shared["weights"], bias, activity)
    rate = rates(s.graph, activity)
    weights, synapses = {}, {}
    synapse_groups = [
        (e.name, e.connection, {"error": error[e.target]}, {"activity": rate[e.source]})
        for e in s.graph.edges
    ] + [
        (f"1>{p.name}", _bias(p), {"error": error[p.name]}, {"activity": jnp.ones(1)})
        for p in s.graph.predicted
    ]
    for name, connection, post, pre in synapse_groups:
        weights[name], synapses[name] = plastic(
            s.rule,
            connection,
            shared["weights"][name],
            shared["synapses"][name],
            post,
            pre,
            learn=learn,
            clock=ticks(shared["clock"]),
            name=name,
        )
    return weights, synapses
