"""Babbling: a net at rest plays noise, and its feedback synapses learn what they face.

A newborn's feedback weights know nothing of the forward ones. Before it has seen anything, every
population fires on its own; each error cell compares as always, and each feedback synapse follows
its own two cells (`mirroring`). No weight is ever copied.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.combinators import minibatch
from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Convolution
from sodachi.core.graph import ACTIVATIONS, errors, rates
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.models.settling import settings_from
from sodachi.models.settling_learning import springs_of
from sodachi.models.settling_options import Settings
from sodachi.observation import observe
from sodachi.rules import mirroring
from sodachi.system import Spec, State, System, arguments, build, factory, system


def babble(net: System, state: State, seed: int, ticks: int = 300, lanes: int = 64) -> State:
    """Return the state after its feedback has listened to noise for so many ticks.

    Forward weights, biases, their synapse state and the clock do not move by a bit.

    Parameters
    ----------
    net
        A settling net with feedback synapses of its own.
    state
        Its state, with lanes or without; only what is shared is used and changed.
    ticks, lanes
        Noise patterns heard: ``ticks · lanes``. The angle to the forward weights falls as
        ``√(fan-out / patterns)``.

    Raises
    ------
    SpecError
        For a system without feedback synapses of its own.

    Examples
    --------
    >>> from sodachi.models.settling import settling_net
    >>> net = settling_net(layers=(8, 6, 4), direction="up", feedback="kolen_pollack")
    >>> state = babble(net, net.init(0), seed=0, ticks=200)
    >>> w, b = (state.shared["weights"][n] for n in ("input>hidden1", "input>hidden1:back"))
    >>> bool(jnp.abs(w - b).max() < 0.1)
    True
    """
    player, play = _player(net.spec.to_json(), lanes)
    start = player.init(seed)
    shared = {**start.shared, "weights": state.shared["weights"]}
    heard = play(State(shared, start.lane), ticks)
    return State({**state.shared, "weights": heard.shared["weights"]}, state.lane)


@lru_cache(8)
def _player(net: str, lanes: int):
    """Return a net's babbling in lanes, and the program that lets it play: compiled once."""
    player = minibatch(babbling(net=net), lanes)
    quiet = observe(player.spec, learn=np.ones(lanes, bool))

    @jax.jit
    def play(now: State, ticks):
        return jax.lax.fori_loop(0, ticks, lambda _, now: player.step(now, quiet)[0], now)

    return player, play


@factory("babbling")
def babbling(*, net: str, rate: float = 0.0) -> System:
    r"""Return the system that a settling net is while it babbles: noise in, feedback learns.

    At every tick each cell holds ``ξ ~ N(0, 1)``, error cells are ``ε = ξ − μ(ξ)``, and each
    feedback synapse follows `sodachi.rules.mirroring`.

    Parameters
    ----------
    net
        Spec of a settling net, as JSON.
    rate
        Slowest pace; 0 for the running mean.

    Raises
    ------
    SpecError
        For a spec that is not of a settling net with feedback synapses of its own.

    References
    ----------
    Akrout et al. (2019), Deep learning without weight transport.

    Examples
    --------
    >>> from sodachi.models.settling import settling_net
    >>> inner = settling_net(layers=(4, 3, 2), feedback="fixed")
    >>> babbling(net=inner.spec.to_json()).spec.observed
    ()
    """
    inner = Spec.from_json(net)
    s = settings_from(inner)
    if not s.own_feedback:
        raise SpecError("net.feedback", "synapses of its own", s.feedback)
    spec = Spec(
        factory="babbling",
        arguments=arguments(net=net, rate=rate),
        capabilities=frozenset({"learns", "local", "stochastic"}),
        exceptions=tuple(e for e in inner.exceptions if "tied over sites" in e),
    )
    cells = {p.name: moments(p.activation) for p in s.graph.populations}
    born = build(inner).init
    return system(spec, partial(_init, s, born), partial(_step, s, mirroring(rate), cells))


def _init(s: Settings, born, key) -> State:
    weights = born(key).shared["weights"]
    shared = {
        "weights": weights,
        "synapses": {f"{e.name}:back": {} for e in s.graph.edges},
        "clock": new_clock(),
    }
    return State(shared, {"key": named_key(key, "babble")})


def _step(s: Settings, rule, cells, state: State, observation):
    shared, lane = state
    now, later = jax.random.split(lane["key"])
    activity = {
        p.name: jax.random.normal(named_key(now, p.name), p.shape, s.dtype)
        for p in s.graph.populations
    }
    springs = springs_of(s, shared)
    error = errors(s.graph, springs.weights, springs.bias, activity)
    rate = rates(s.graph, activity)
    weights, synapses = dict(shared["weights"]), dict(shared["synapses"])
    for e in s.graph.edges:
        name = f"{e.name}:back"
        mean, variance = cells[e.source]
        fluctuation = (rate[e.source] - mean) / (variance * _sites(e.connection))
        weights[name], synapses[name] = plastic(
            rule,
            e.connection,
            weights[name],
            synapses[name],
            {"error": error[e.lands_on]},
            {"fluctuation": fluctuation},
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            name=name,
        )
    clock = tick(shared["clock"], any_lane(observation.learn))
    energy = sum((0.5 * jnp.sum(e**2) for e in error.values()), jnp.zeros((), s.dtype))
    shared = {"weights": weights, "synapses": synapses, "clock": clock}
    lane = {"key": later}
    return State(shared, lane), {"energy": energy, "residual": jnp.zeros((), s.dtype)}


def moments(activation: str) -> tuple[float, float]:
    """Return mean and variance of ``f(ξ)`` for ``ξ ~ N(0, 1)``, by quadrature.

    Examples
    --------
    >>> mean, variance = moments("relu")  # 1/√(2π) and ½ − 1/(2π)
    >>> round(mean, 3), round(variance, 3)
    (0.399, 0.341)
    """
    x = np.linspace(-10.0, 10.0, 20_001)
    weight = np.exp(-0.5 * x**2)
    weight /= weight.sum()
    f = np.asarray(ACTIVATIONS[activation](jnp.asarray(x, jnp.float32)), np.float64)
    mean = float((weight * f).sum())
    return mean, float((weight * (f - mean) ** 2).sum())


def _sites(connection: Any) -> int:
    """How many sites share one weight (a convolution's lift sums over them)."""
    return int(np.prod(connection.target[:2])) if isinstance(connection, Convolution) else 1
