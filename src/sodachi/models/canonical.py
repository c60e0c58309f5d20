"""The canonical network: rate cells whose settling is inference and whose counts are beliefs.

Each cell x_i is the belief that a hidden binary state is 1. Its Helmholtz energy is the variational
free energy of a two-state model, its fixed point the posterior, its Hebbian counts the Dirichlet
counts of the likelihood, its threshold the prior.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import evidence_field, hold_evidence, observed_value, share
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.models.beliefs import beliefs, helmholtz, log_evidence, predict
from sodachi.rules.counting import counting
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

#: Counts by what was observed and what was believed: ``on_given_1`` counts o = 1 with s = 1.
COUNTS = ("on_given_1", "off_given_1", "on_given_0", "off_given_0")


class Settings(NamedTuple):
    """The factory's numbers (see `canonical_network`)."""

    states: int
    observations: int
    prior: float
    rate: float
    prior_count: float
    spread: float
    least: float
    dtype: str


@factory("canonical_network")
def canonical_network(
    *,
    states: int = 2,
    observations: int = 32,
    prior: float = 0.5,
    rate: float = 1.0,
    prior_count: float = 10.0,
    spread: float = 0.1,
    least: float = 1e-3,
    dtype: str = "float32",
) -> System:
    r"""Return a canonical network: binary hidden states inferred and learnt by rate cells.

    ``F = Σ_i x_i (ln x_i − w₁ᵢ·o − h₁ᵢ) + (1 − x_i)(ln(1 − x_i) − w₀ᵢ·o − h₀ᵢ)`` and a tick moves
    the membranes v = σ⁻¹(x) down its gradient, ``v ← v − rate · ∂F/∂x``, that is
    ``v ← v + rate · (−σ⁻¹(x) + (W₁ − W₀) o + h₁ − h₀)``. Weights are log-odds of counts,
    ``w_k = ln n(o=1|s=k) − ln n(o=0|s=k)``, thresholds ``h_k = Σ_j ln(1 − σ(w_kj)) + φ_k`` with the
    log prior φ. Every tick adds the beliefs to the counts: ``n(o|s=1) += x oᵀ``.

    Shapes: o (observations,), x (states,), counts (observations, states). An observation that is
    absent adds nothing, neither to x nor to a count.

    Parameters
    ----------
    states, observations
        Sizes of the observed binary variables `state` and `input`.
    prior
        Probability that a state is 1; its logarithms live in ``state.shared["cells"]``.
    rate
        Settling per tick, 0 < rate ≤ 1; at 1 one tick reaches the fixed point.
    prior_count
        Prior counts of a synapse (both outcomes together): how slowly it learns.
    spread
        Initial probabilities lie within ½ ± spread, so that the states differ.
    least
        Smallest count; counts may fall under a negative modulation.
    dtype
        "float32" or, under ``jax.enable_x64``, "float64".

    Returns
    -------
    System
        Outputs: energy; residual ``max |∂F/∂x|`` of free states; state (x); input (evidence, or
        its prediction where absent).

    Raises
    ------
    SpecError
        For sizes below 1, a prior outside (0, 1), a rate outside (0, 1], counts that are not
        positive, or a spread outside [0, ½).

    References
    ----------
    Isomura and Friston (2020); Isomura, Shimazaki and Friston (2022).

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = canonical_network(states=1, observations=2, spread=0.0)
    >>> state, step = net.init(0), jax.jit(net.step)
    >>> for s in (1, 0) * 50:
    ...     state, _ = step(state, observe(net.spec, input=[s, 1 - s], state=[s]))
    >>> bool(step(state, observe(net.spec, input=[1, 0], learn=False))[1]["state"][0] > 0.99)
    True
    """
    given = dict(locals())
    settings = Settings(**given)
    _check(settings)
    spec = Spec(
        factory="canonical_network",
        arguments=arguments(**given),
        observed=(
            Variable("input", (observations,), "binary", dtype),
            Variable("state", (states,), "binary", dtype),
        ),
        modulated=("counts",),
        capabilities=frozenset({"learns", "local", "settles"}),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _check(s: Settings) -> None:
    for name in ("states", "observations"):
        if getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    for name in ("prior_count", "least"):
        if not getattr(s, name) > 0:
            raise SpecError(name, "above 0", getattr(s, name))
    if not 0 < s.prior < 1:
        raise SpecError("prior", "0 < prior < 1", s.prior)
    if not 0 < s.rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", s.rate)
    if not 0 <= s.spread < 0.5:
        raise SpecError("spread", "0 <= spread < 0.5", s.spread)
    if s.dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", s.dtype)


def wiring(s: Settings) -> Dense:
    """All observations to all states."""
    return Dense((s.observations,), (s.states,))


def _init(s: Settings, key) -> State:
    weights = {}
    for k in ("1", "0"):
        noise = jax.random.uniform(
            named_key(key, k), wiring(s).weights, s.dtype, -s.spread, s.spread
        )
        weights[f"on_given_{k}"] = s.prior_count * (0.5 + noise)
        weights[f"off_given_{k}"] = s.prior_count * (0.5 - noise)
    prior = jnp.full(s.states, s.prior, s.dtype)
    shared = {
        "weights": weights,
        "synapses": {name: start_synapses(counting(s.least), weights[name]) for name in COUNTS},
        "cells": {"log_prior_1": jnp.log(prior), "log_prior_0": jnp.log1p(-prior)},
        "clock": new_clock(),
    }
    rest = jnp.log(prior) - jnp.log1p(-prior)
    even = jnp.full(s.observations, 0.5, s.dtype)
    activity = {"membrane": rest, "state": jax.nn.sigmoid(rest), "input": even}
    return State(shared, {"activity": activity})


def _step(s: Settings, state: State, observation):
    shared, lane = state
    seen, told = observation.evidence["input"], observation.evidence["state"]
    known, o = share(seen), jnp.clip(observed_value(seen), 0.0, 1.0)
    believed = beliefs(shared["weights"])
    one, zero = log_evidence(wiring(s), believed, shared["cells"], o, known)
    field = evidence_field(told)

    # Settle: v = σ⁻¹(x) descends ∂F/∂x, which falls with every tick since F is convex in each x.
    goal = one - zero + field
    membrane = lane["activity"]["membrane"]
    membrane = membrane + s.rate * (goal - membrane)
    membrane = jnp.where(jnp.isfinite(membrane), membrane, 0.0)
    x = hold_evidence(jax.nn.sigmoid(membrane), told, 0.0)
    x = jnp.where(jnp.isfinite(x), x, 0.5)

    weights, synapses = _count(s, shared, observation, x, (o, known))
    estimate = {"state": x, "input": hold_evidence(predict(believed, x), seen, 1.0)}
    output = {
        "energy": helmholtz(x, one, zero, field),
        "residual": jnp.max(jnp.where(jnp.isinf(told.precision), 0.0, jnp.abs(goal - membrane))),
        **estimate,
    }
    shared = {
        "weights": weights,
        "synapses": synapses,
        "cells": shared["cells"],
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    carried = {n: jnp.where(jnp.isfinite(e), e, 0.5) for n, e in estimate.items()}
    return State(shared, {"activity": {"membrane": membrane, **carried}}), output


def _count(s: Settings, shared, observation, x, observed):
    """Add what was believed and observed together to the four counts."""
    o, known = observed
    post = {"1": x, "0": 1.0 - x}
    pre = {"on": known * o, "off": known * (1.0 - o)}
    weights, synapses = {}, {}
    for name in COUNTS:
        outcome, _, k = name.split("_")
        weights[name], synapses[name] = plastic(
            counting(s.least),
            wiring(s),
            shared["weights"][name],
            shared["synapses"][name],
            {"state": post[k]},
            {"event": pre[outcome]},
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            modulation=observation.modulation["counts"],
            reduce="sum",
            name=name,
        )
    return weights, synapses
