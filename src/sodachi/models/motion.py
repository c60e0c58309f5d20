"""Moving input: predictive coding in generalised coordinates, whose cells know how they move.

A hidden cell holds its value, its velocity, its acceleration and so on. The platform carries each
order of the input; a transition predicts each order of motion from the order before. What is not
seen goes on moving.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import hold_evidence, observed_value, share
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import Rule, initial_weights, plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.models.motion_dynamics import (
    RUNAWAY,
    Settings,
    energy_of,
    error_cells,
    force,
    motion_of,
    moved,
)
from sodachi.rules import with_adam
from sodachi.rules.generalised import generalised
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

TIED = "feedback is carried by the forward weights (weight transport)"


@factory("moving_net")
def moving_net(
    *,
    inputs: int = 64,
    states: int = 16,
    order: int = 2,
    samples: int = 4,
    settle_ticks: int = 30,
    rate: float = 0.05,
    precision: float = 1.0,
    motion_precision: float = 1.0,
    rest: float = 0.01,
    weight_rate: float = 1e-3,
    scale: float = 0.3,
    dtype: str = "float32",
) -> System:
    r"""Return a predictive coding network that follows, and foresees, what moves.

    In generalised coordinates ``x̃ = (x, x′, x″, …)`` and with D, the shift ``Dx̃ = (x′, x″, …, 0)``,

    ``F = Σ_i ½π_i|y⁽ⁱ⁾ − Wx⁽ⁱ⁾ − δ_i0 b|² + Σ_i ½π_x|x⁽ⁱ⁺¹⁾ − Ax⁽ⁱ⁾ − δ_i0 c|² + ½ρ|x̃|²``,
    ``dx̃/dt = Dx̃ − ∂F/∂x̃``, in each tick first the motion, ``x̃ ← e^D x̃`` (orders beyond the last
    are what the transition makes of it), then ``settle_ticks`` steps down F. Likelihood and
    transition learn from their own errors, ``ΔW ∝ Σ π_i ε⁽ⁱ⁾ x⁽ⁱ⁾`` and ``ΔA ∝ Σ π_x ε_x⁽ⁱ⁾ x⁽ⁱ⁾``.
    Each input cell makes its motion y′, … of its own last samples, and π_i is what noise in them
    leaves of ``precision``. What is absent has no precision, and the state goes on moving. Both
    maps are linear.

    Shapes: y (inputs,), x̃ (order, states), W (states, inputs), A (states, states).

    Parameters
    ----------
    inputs, states
        Sizes of the observed variable `input` and of the hidden state.
    order
        Coordinates of each state; 1 is the static form: no motion at all.
    samples
        How many samples an input cell remembers to make its motion of, at least ``order``.
    settle_ticks, rate
        Steps of settling in a tick, and their size: stable below 2 over the largest stiffness,
        ``precision · |W|²`` and the like.
    precision
        Of a sample.
    motion_precision
        π_x, how much the transition is believed.
    rest
        ρ, what draws a state to 0 that nothing holds; with more states than the input needs, what
        keeps the others quiet.
    weight_rate
        Step size of the weights (per-synapse Adam).
    scale
        Newborn likelihood weights have standard deviation ``scale/√states``; transitions are 0.
    dtype
        "float32" or, under ``jax.enable_x64``, "float64".

    Returns
    -------
    System
        Outputs: energy; residual ``max |∂F/∂x̃|``; input (evidence, or what the state says of it);
        expected (this tick's input, foretold before it was seen). `first` forgets the past.

    Raises
    ------
    SpecError
        For sizes, orders or ticks below 1, too few samples, or numbers that are negative or
        not finite.

    References
    ----------
    Friston, Trujillo-Barreto and Daunizeau (2008), DEM; Friston (2008), Hierarchical models in the
    brain; Ozaki (1992) for steps by ``e^D``.

    Examples
    --------
    >>> import numpy as np
    >>> from sodachi.observation import observe
    >>> net = moving_net(inputs=2, states=2, precision=4.0, weight_rate=3e-3, scale=1.0)
    >>> state, far = net.init(0), []
    >>> for t in range(800):
    ...     y = np.array([np.sin(0.2 * t), np.cos(0.2 * t)], np.float32)
    ...     state, out = net.step(state, observe(net.spec, input=y))
    ...     far.append(float(np.abs(out["expected"] - y).max()))
    >>> max(far[-50:]) < 0.05 < min(far[1:5])  # standing still would be wrong by .2
    True
    """
    given = dict(locals())
    s = Settings(**given)
    _check(s)
    spec = Spec(
        factory="moving_net",
        arguments=arguments(**given),
        observed=(Variable("input", (inputs,), "real", dtype),),
        capabilities=frozenset({"learns", "local", "settles"}),
        exceptions=(TIED,),
    )
    return system(spec, lambda key: _init(s, key), lambda state, o: _step(s, state, o))


def _check(s: Settings) -> None:
    for name in ("inputs", "states", "order", "settle_ticks"):
        if getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    for name in ("rate", "precision", "motion_precision", "rest", "weight_rate", "scale"):
        if not 0 <= getattr(s, name) < float("inf"):
            raise SpecError(name, "0 or more, finite", getattr(s, name))
    if s.samples < s.order:
        raise SpecError("samples", f"at least the order, {s.order}", s.samples)
    if s.dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", s.dtype)


def rules_of(s: Settings) -> dict[str, tuple[Rule, Dense]]:
    """Return rule and connection of every set of weights."""
    value = with_adam(generalised(1), rate=s.weight_rate)
    seen = with_adam(generalised(s.order), rate=s.weight_rate)
    named = {"likelihood": (seen, s.likelihood), "1>input": (value, Dense((1,), (s.inputs,)))}
    if s.order > 1:
        moving = with_adam(generalised(s.order - 1), rate=s.weight_rate)
        named["transition"] = (moving, s.transition)
        named["1>motion"] = (value, Dense((1,), (s.states,)))
    return named


def _init(s: Settings, key) -> State:
    rules = rules_of(s)
    weights = {n: jnp.zeros(c.weights, s.dtype) for n, (_, c) in rules.items()}
    drawn = initial_weights(s.likelihood, named_key(key, "likelihood"), s.scale)
    weights["likelihood"] = drawn.astype(s.dtype)
    shared = {
        "weights": weights,
        "synapses": {n: start_synapses(rule, weights[n]) for n, (rule, _) in rules.items()},
        "clock": new_clock(),
    }
    none = jnp.zeros((s.memory - 1, s.inputs), s.dtype)
    activity = {"state": jnp.zeros((s.order, s.states), s.dtype)}
    return State(shared, {"activity": activity, "past": {"value": none, "known": none}})


def _step(s: Settings, state: State, observation):
    shared, lane = state
    weights, seen = shared["weights"], observation.evidence["input"]
    new = observation.first
    past = {n: jnp.where(new, 0.0, a) for n, a in lane["past"].items()}
    x = jnp.where(new, 0.0, lane["activity"]["state"])
    x = moved(s, weights, x)
    said = s.likelihood.apply(weights["likelihood"], x[0]) + weights["1>input"][0]
    values = jnp.concatenate([observed_value(seen)[None], past["value"]])
    there = jnp.concatenate([share(seen)[None], past["known"]])
    there, values = jnp.where(jnp.abs(values) < RUNAWAY, there, 0.0), _tame(values)
    y, known = motion_of(s, values, there)

    def down(_, x):
        return x + s.rate * force(s, weights, x, y, known)

    x = _tame(jax.lax.fori_loop(0, s.settle_ticks, down, x))
    weights_, synapses = _learn(s, shared, observation, x, y, known)
    estimate = s.likelihood.apply(weights["likelihood"], x[0]) + weights["1>input"][0]
    output = {
        "energy": energy_of(s, weights, x, y, known),
        "residual": jnp.max(jnp.abs(force(s, weights, x, y, known))),
        "input": hold_evidence(estimate, seen, 1.0),
        "expected": said,
    }
    clock = tick(shared["clock"], any_lane(observation.learn))
    kept = {"value": _tame(values[: s.memory - 1]), "known": _tame(there[: s.memory - 1])}
    return (
        State(
            {"weights": weights_, "synapses": synapses, "clock": clock},
            {"activity": {"state": x}, "past": kept},
        ),
        output,
    )


def _learn(s: Settings, shared, observation, x, y, known):
    """``ΔW ∝ Σ_i π_i ε⁽ⁱ⁾ x⁽ⁱ⁾`` and ``ΔA ∝ Σ_i π_x ε_x⁽ⁱ⁾ x⁽ⁱ⁾``."""
    error = error_cells(s, shared["weights"], x, y, known)
    cells = {f"activity {i}": x[i] for i in range(s.order)}
    always = {"activity 0": jnp.ones(1, x.dtype)}
    from_seen = {f"error {i}": e for i, e in enumerate(error.seen)}
    from_motion = {f"error {i}": e for i, e in enumerate(error.motion)}
    weights, synapses = {}, {}
    for name, (rule, connection) in rules_of(s).items():
        post = from_motion if name in ("transition", "1>motion") else from_seen
        weights[name], synapses[name] = plastic(
            rule,
            connection,
            shared["weights"][name],
            shared["synapses"][name],
            post,
            always if name.startswith("1>") else cells,
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            name=name,
        )
    return weights, synapses


def _tame(x):
    """A cell that has run away starts again from rest."""
    return jnp.where(jnp.abs(x) < RUNAWAY, x, 0.0)
