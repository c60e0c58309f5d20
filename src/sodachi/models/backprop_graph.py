"""The twin of a settling net on any graph: same newborn weights, same rule, exact gradients.

Only the errors differ: here they come from one reverse sweep, not from settling. It is the rival
that a settling net of the same graph is measured against; it is not local and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import observed_value, share
from sodachi.core.graph import feedforward
from sodachi.core.lanes import any_lane
from sodachi.core.rule import start_synapses
from sodachi.errors import SpecError
from sodachi.models.backprop import EXCEPTION, LOSSES
from sodachi.models.graphs import chain, graph_of, newborn_weights
from sodachi.models.settling_dynamics import Net
from sodachi.models.settling_learning import bias_of, learn, springs_of
from sodachi.models.settling_options import Options, Settings, settings_of
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

#: Of `Options`, what means something without settling.
OPTIONS = ("bias", "optimiser", "weight_rate", "anneal", "decay", "decay_to_initial",
           "initial", "scale", "last_scale", "dtype")  # fmt: skip


@factory("backprop_graph")
def backprop_graph(
    *,
    layers: Sequence[int] | None = None,
    activation: str = "tanh",
    populations: Sequence[Sequence[Any]] | None = None,
    edges: Sequence[Sequence[Any]] | None = None,
    loss: str = "squared",
    **options: Unpack[Options],
) -> System:
    r"""Return a network that learns by backpropagation on the graph of a settling net.

    Every population stands on its prediction, ``x = b + Σ W f(x_s)``; with κ the share of evidence
    on the label t, L is ``½ Σ κ (t − y)²`` or ``−Σ κ t log softmax(y)``, and every synapse moves
    by the settling net's own rule with ``δ = −∂L/∂x`` in place of its cell's error.

    Parameters
    ----------
    layers, activation
        A chain upward, as `settling_net` with direction ``"up"``; or
    populations, edges
        a graph from ``input`` to ``label``, as `settling_graph`.
    loss
        ``"squared"`` (the answer is y) or ``"softmax"`` (the answer is softmax(y)).
    options
        Of `sodachi.models.settling_options.Settings` those that do not speak of settling.

    Raises
    ------
    SpecError
        For neither or both of ``layers`` and a graph, a graph that no single pass can compute, an
        unknown loss, or an option that means nothing here.

    References
    ----------
    Rumelhart, Hinton and Williams (1986).

    Examples
    --------
    >>> net = backprop_graph(layers=(4, 3, 2))
    >>> [v.name for v in net.spec.observed]
    ['input', 'label']
    """
    wrong = sorted(set(options) - set(OPTIONS))
    if wrong:
        raise SpecError(wrong[0], f"one of {OPTIONS}", "an option of settling")
    if loss not in LOSSES:
        raise SpecError("loss", f"one of {sorted(LOSSES)}", loss)
    if (layers is None) == (populations is None):
        raise SpecError("layers", "either layers or populations and edges", layers)
    given: dict[str, Any] = {"loss": loss, "activation": activation, **options}
    if layers is not None:
        graph = chain(tuple(layers), "up", activation)
        given |= {"layers": list(layers)}
    else:
        assert populations is not None
        graph = graph_of(populations, edges or ())
        given |= {
            "populations": [[*p[:1], list(p[1]), *p[2:]] for p in populations],
            "edges": [list(e) for e in edges or ()],
        }
    place = {p.name: i for i, p in enumerate(graph.populations)}
    if any(place[e.source] >= place[e.target] for e in graph.edges):
        raise SpecError("edges", "from earlier to later populations", "a loop")
    s = settings_of(graph, options)
    if s.asks_its_cell:  # the slope of L through the layers above would be needed, squared
        raise SpecError("optimiser", "'adam' or 'sgd'", s.optimiser)
    spec = Spec(
        factory="backprop_graph",
        arguments=arguments(**given),
        observed=(
            Variable("input", graph.population("input").shape, dtype=s.dtype),
            Variable("label", graph.population("label").shape, "categorical", dtype=s.dtype),
        ),
        capabilities=frozenset({"learns"}),
        exceptions=(EXCEPTION,),
    )
    return system(spec, partial(_init, s), partial(_step, s, loss))


def _init(s: Settings, key) -> State:
    weights = newborn_weights(s.graph, key, s.initial, s.scale, s.last_scale, s.dtype)
    if s.bias:
        weights |= {
            f"1>{p.name}": jnp.zeros(bias_of(p).weights, s.dtype) for p in s.graph.platforms
        }
    shared = {
        "weights": weights,
        "synapses": {n: start_synapses(s.rule, w) for n, w in weights.items()},
        "clock": new_clock(),
    }
    label = s.graph.population("label").shape
    return State(shared, {"activity": {"label": jnp.zeros(label, s.dtype)}})


def _step(s: Settings, loss: str, state: State, observation):
    shared = state.shared
    seen, told = observation.evidence["input"], observation.evidence["label"]
    x = share(seen) * observed_value(seen)
    target, known = observed_value(told), share(told)
    fine = jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(target))
    springs = springs_of(s, shared)
    rest = {p.name: jnp.zeros(p.shape, s.dtype) for p in s.graph.populations} | {"input": x}

    def sweep(offset):
        bias = {p.name: springs.bias[p.name] + offset[p.name] for p in s.graph.platforms}
        activity = feedforward(s.graph, springs.weights, bias, rest)
        y = activity["label"]
        if loss == "softmax":
            cost = -jnp.sum(known * target * jax.nn.log_softmax(y))
        else:
            cost = 0.5 * jnp.sum(known * (target - y) ** 2)
        return cost, activity

    nothing = {p.name: jnp.zeros(p.population.shape, s.dtype) for p in s.graph.platforms}
    (cost, activity), slope = jax.value_and_grad(sweep, has_aux=True)(nothing)
    net = Net(activity, {n: -g for n, g in slope.items()}, {})
    taught = observation.learn & (known.max() > 0) & fine
    springs = springs._replace(precision=dict.fromkeys(springs.precision, 1.0))
    # Not only gated: where no lane is taught, no weight, moment or decay moves.
    weights, synapses = learn(s, shared, springs, net, None, observation._replace(learn=taught))
    clock = tick(shared["clock"], any_lane(taught))
    answer = jax.nn.softmax(activity["label"]) if loss == "softmax" else activity["label"]
    answer = jnp.where(jnp.isfinite(answer), answer, 0.0)
    output = {
        "energy": jnp.where(fine, cost, 0.0),
        "residual": jnp.zeros((), s.dtype),
        "label": answer,
        "input": x,
    }
    shared = {"weights": weights, "synapses": synapses, "clock": clock}
    return State(shared, {"activity": {"label": answer}}), output
