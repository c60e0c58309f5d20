"""The settling net: predictive coding with explicit error cells on any graph.

Activity slides on posts, predictions are platforms, errors are springs between them; the net
settles to low tension, and every synapse sees only its own two cells. Direction ``"down"`` is the
source's: the label on top, each layer predicting the layer below, pixels at the bottom; ``"up"``
is the discriminative direction (each layer predicts the layer above); ``"both"`` has two sets of
directed weights under one energy.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import share
from sodachi.core.graph import Graph, errors, forces
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import start_synapses
from sodachi.errors import SpecError
from sodachi.models.graphs import chain, graph_of, newborn_weights
from sodachi.models.settling_dynamics import Net, begin, nudged, settle, what_is_known
from sodachi.models.settling_learning import bias_of, learn, precision_of, springs_of
from sodachi.models.settling_options import RANDOM, Options, Settings, settings_of
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

RUNAWAY = 1e12  # no activity is so large unless it diverges
TIED = "feedback is carried by the forward weights (weight transport): choose feedback synapses"


@factory("settling_net")
def settling_net(
    *,
    layers: Sequence[int] = (64, 100, 100, 10),
    direction: str = "down",
    activation: str = "tanh",
    **options: Unpack[Options],
) -> System:
    r"""Return a predictive coding network of dense layers that settles and learns in one stream.

    ``E = Σ ½ π |x_l − μ_l|²`` with ``μ_l = b_l + W f(x_l′)`` predicted by the neighbouring layer
    l′. Each of ``settle_ticks`` ticks moves every free cell down its gradient,
    ``x ← x + rate·(−πε + f′(x)·Bᵀπε)``; then every synapse learns ``ΔW ∝ πε f(x)``.

    Parameters
    ----------
    layers
        Cells of each layer, from the input to the label.
    direction
        ``"down"`` (label on top, pixels predicted), ``"up"``, or ``"both"``.
    activation
        Of hidden cells, a name in `sodachi.core.graph.ACTIVATIONS`.
    options
        See `sodachi.models.settling_options.Settings`.

    Returns
    -------
    System
        Outputs: energy, residual (largest force on a free cell), label and input (estimates: the
        platform of a predicted layer, else the activity).

    Raises
    ------
    SpecError
        For fewer than two layers or an unknown direction, activation or option.

    References
    ----------
    Rao and Ballard (1999); Whittington and Bogacz (2017); every tick: Salvatori et al. (2024);
    both directions: Oliviers, Tang and Bogacz (2025).

    Examples
    --------
    >>> net = settling_net(layers=(4, 3, 2))
    >>> [v.name for v in net.spec.observed]
    ['input', 'label']
    """
    graph = chain(tuple(layers), direction, activation)
    settings = settings_of(graph, options)
    named = {"layers": list(layers), "direction": direction, "activation": activation}
    observed = {"input": "real", "label": "categorical"}
    return _settling("settling_net", settings, observed, named | _plain(options))


@factory("settling_graph")
def settling_graph(
    *,
    populations: Sequence[Sequence[Any]],
    edges: Sequence[Sequence[Any]],
    observed: Mapping[str, str] | None = None,
    **options: Unpack[Options],
) -> System:
    r"""Return a predictive coding network on any graph: skips, loops, convolutions, local fields.

    As `settling_net`, ``E = Σ ½ π |x − b − Σ W f(x_s)|²`` over all platforms.

    Parameters
    ----------
    populations, edges
        As `sodachi.models.graphs.graph_of` reads them; populations stand sources first.
    observed
        Kind (`sodachi.system.KINDS`) by name of the populations that evidence may hold; by
        default ``{"input": "real", "label": "categorical"}``.
    options
        See `sodachi.models.settling_options.Settings`.

    Returns
    -------
    System
        Outputs: energy, residual, and the estimate of every observed population.

    Raises
    ------
    SpecError
        For what does not fit together, or an unknown option.

    References
    ----------
    Salvatori et al. (2022), Learning on arbitrary graph topologies via predictive coding.

    Examples
    --------
    >>> net = settling_graph(
    ...     populations=[["input", [8, 8, 1]], ["hidden", [4, 4, 3], "relu"], ["label", [2]]],
    ...     edges=[["input", "hidden", {"kind": "convolution", "size": 3, "stride": 2}],
    ...            ["hidden", "label"]])
    >>> net.spec.variable("input").shape
    (8, 8, 1)
    """
    graph = graph_of(populations, edges)
    observed = dict(observed or {"input": "real", "label": "categorical"})
    unknown = sorted(set(observed) - {p.name for p in graph.populations})
    if unknown:
        raise SpecError("observed", f"among {[p.name for p in graph.populations]}", unknown)
    named = {
        "populations": [[*p[:1], list(p[1]), *p[2:]] for p in populations],
        "edges": [list(e) for e in edges],
        "observed": observed,
    }
    return _settling(
        "settling_graph", settings_of(graph, options), observed, named | _plain(options)
    )


def settings_from(spec: Spec) -> Settings:
    """Return the settings of a settling net's spec; `SpecError` for any other system's."""
    given = json.loads(spec.arguments)
    if spec.factory == "settling_net":
        named = [given.pop(n) for n in ("layers", "direction", "activation")]
        return settings_of(chain(*named), given)
    if spec.factory == "settling_graph":
        given.pop("observed")
        return settings_of(graph_of(given.pop("populations"), given.pop("edges")), given)
    raise SpecError("spec.factory", "settling_net or settling_graph", spec.factory)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {n: dict(v) if isinstance(v, Mapping) else v for n, v in options.items()}


def _settling(name: str, s: Settings, observed: Mapping[str, str], given) -> System:
    spec = Spec(
        factory=name,
        arguments=arguments(**given),
        observed=tuple(
            Variable(n, s.graph.population(n).shape, kind, dtype=s.dtype)
            for n, kind in observed.items()
        ),
        capabilities=frozenset(
            {"learns", "local", "settles"} | ({"stochastic"} if s.relaxation in RANDOM else set())
        ),
        exceptions=_exceptions(s),
    )
    return system(spec, lambda key: _init(s, key), partial(_step, s))


def _exceptions(s: Settings) -> tuple[str, ...]:
    tied = tuple(
        f"{e.name}: tied over sites" for e in s.graph.edges if _tied_over_sites(e.connection)
    )
    return ((TIED,) if s.feedback == "tied" else ()) + tied


def _tied_over_sites(connection) -> bool:
    return type(connection).__name__ == "Convolution"


def _init(s: Settings, key) -> State:
    graph: Graph = s.graph
    weights = newborn_weights(graph, key, s.initial, s.scale, s.last_scale, s.dtype)
    if s.own_feedback:
        born = newborn_weights(
            graph, named_key(key, "feedback"), s.initial, s.scale, s.last_scale, s.dtype
        )
        weights |= {f"{n}:back": w for n, w in born.items()}
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


def _step(s: Settings, state: State, observation):
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
