"""The canonical network: rate cells whose settling is inference and whose counts are beliefs.

Each cell x_i is the belief that a hidden state has a value. Its Helmholtz energy is the variational
free energy of a generative model, its fixed point the posterior, its Hebbian counts the Dirichlet
counts of likelihood, transition and policy, its threshold the prior.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from sodachi.core.clock import new_clock
from sodachi.core.rule import start_synapses
from sodachi.models.beliefs import goal
from sodachi.models.canonical_plan import (
    Settings,
    check_settings,
    first_counts,
    first_thresholds,
    plan_of,
)
from sodachi.models.canonical_step import canonical_step, thresholds_of
from sodachi.models.factors import believe
from sodachi.models.past import Seen
from sodachi.rules.counting import counting
from sodachi.system import Evidence, Spec, State, System, Variable, arguments, factory, system


@factory("canonical_network")
def canonical_network(
    *,
    states: int | list[int] = 2,
    observations: int | list[int] = 32,
    prior: float = 0.5,
    rate: float = 1.0,
    prior_count: float = 10.0,
    spread: float = 0.1,
    least: float = 1e-3,
    dtype: str = "float32",
    transition: str | list[str] | None = None,
    actions: int | list[int] = 0,
    policy: str | list[str] | None = "state",
    habit: float = 0.5,
    past_count: float = 10.0,
    threshold_count: float = 0.0,
    forgetting: float = 0.0,
    delay: int = 0,
    expectation: str = "log",
) -> System:
    r"""Return a canonical network: hidden states inferred, remembered, acted on and learnt.

    ``F = Σ_i x_i (ln x_i − w₁ᵢ·o − k₁ᵢ·ψ − h₁ᵢ) + (1 − x_i)(ln(1 − x_i) − w₀ᵢ·o − k₀ᵢ·ψ − h₀ᵢ)``
    with o what is observed and ψ the past (x of the tick before, or products of it), and a tick
    moves the membranes v = σ⁻¹(x) down its gradient, ``v ← v − rate · ∂F/∂x``, that is
    ``v ← v + rate · (−σ⁻¹(x) + (W₁ − W₀) o + (K₁ − K₀) ψ + h₁ − h₀)``. Actions y do the same with
    ``m (V₁ − V₀) ψ`` in place of what is observed; m = 1 − 2Γ judges a decision by its risk Γ.

    Weights are log-odds of counts, ``w_k = ln n(o=1|s=k) − ln n(o=0|s=k)``, thresholds
    ``h_k = Σ_j ln(1 − σ(w_kj)) + Σ_j ln(1 − σ(k_kj)) + φ_k`` with the log prior φ. Every tick adds
    the beliefs to the counts: ``n(o|s=1) += x oᵀ``, ``n(ψ|s=1) += x ψᵀ``, ``n(ψ|δ=1) += m y ψᵀ``.

    Shapes: o (observations,), x (states,), y (actions,), counts (presynaptic, postsynaptic cells).
    An observation that is absent adds nothing, neither to x nor to a count; nor does the past at
    the first tick of an episode.

    Parameters
    ----------
    states, observations, actions
        Sizes of the observed variables `state`, `input` and `action`: how many binary factors, or
        a list of the cells of each, 1 a binary factor and n one of n values, one cell a value,
        which exclude one another (their x is a softmax). Factors of states are independent: each
        explains all that is observed. No actions at 0.
    prior, habit
        Probability that a binary state, or action, is 1; one of many values begins even.
    rate
        Settling per tick, 0 < rate ≤ 1; at 1 one tick reaches the fixed point.
    prior_count, past_count
        Prior counts of a synapse (all outcomes together) of W, and of K and V: how slowly it
        learns.
    spread
        Initial probabilities of W lie within ½ ± spread, so that the states differ.
    least
        Smallest count; counts may fall under a negative modulation.
    dtype
        "float32" or, under ``jax.enable_x64``, "float64".
    transition, policy
        The terms of ψ that states, and actions, hear (`sodachi.models.past`): ``"state"`` for each
        factor of the states, ``"state*action"`` for the product of each pair, ``"state:0*input:1"``
        of these two, or a list of them; None for no memory.
    threshold_count
        Prior counts of thresholds that learn, D and E; at 0 they stay.
    forgetting
        Share of every count that falls back to its prior count at each tick of learning.
    delay
        Ticks between a decision and the tick whose ``modulation["policy"]``, m = 1 − 2Γ, says what
        it was worth. At 0 it is known at once, and also judges what the action is told.
    expectation
        "log", the canonical ln of mean probabilities, or "digamma", the exact mean ln under
        Dirichlet distributions (variational Bayes).

    Returns
    -------
    System
        Outputs: energy; residual ``max |∂F/∂x|`` of free cells; state (x); action (y, where there
        are any); input (evidence, or its prediction where absent). Modulation: ``counts`` of W, K
        and the thresholds, ``policy`` of V.

    Raises
    ------
    SpecError
        For sizes below 1, unknown terms, a probability outside (0, 1), a rate outside (0, 1],
        counts that are not positive, a spread outside [0, ½), forgetting outside [0, 1), a delay
        that is no number of ticks, or an unknown expectation.

    References
    ----------
    Isomura and Friston (2020); Isomura, Shimazaki and Friston (2022).

    Examples
    --------
    >>> import jax
    >>> from sodachi.observation import observe
    >>> net = canonical_network(states=1, observations=2, spread=0.0)
    >>> state = net.init(0)
    >>> for s in (1, 0) * 50:
    ...     state, _ = net.step(state, observe(net.spec, input=[s, 1 - s], state=[s]))
    >>> bool(net.step(state, observe(net.spec, input=[1, 0], learn=False))[1]["state"][0] > 0.99)
    True
    """
    given = dict(locals())
    settings = Settings(**given)
    check_settings(settings)
    plan = plan_of(settings)
    sizes: dict[str, Any] = {name: f.cells for name, f in plan.populations.items()}
    order = ("input", *(name for name in sizes if name != "input"))
    spec = Spec(
        factory="canonical_network",
        arguments=arguments(**given),
        observed=tuple(Variable(name, (sizes[name],), "binary", dtype) for name in order),
        modulated=("counts", "policy") if plan.action.sizes else ("counts",),
        capabilities=frozenset({"learns", "local", "settles"}),
    )
    return system(
        spec,
        lambda key: _init(settings, key),
        lambda state, observation: canonical_step(settings, state, observation),
    )


def _init(s: Settings, key) -> State:
    plan = plan_of(s)
    weights = first_counts(s, key)
    rule = counting(s.least, s.forgetting)
    shared = {
        "weights": weights,
        "synapses": {name: start_synapses(rule, w) for name, w in weights.items()},
        "cells": first_thresholds(s),
        "clock": new_clock(),
    }
    activity: dict[str, Any] = {"input": jnp.full(plan.input.cells, 0.5, s.dtype)}
    for name, factors, membrane in (
        ("prior", plan.state, "membrane"),
        ("habit", plan.action, "action_membrane"),
    ):
        if not factors.sizes:
            continue
        one, zero = thresholds_of(s, shared, name, factors)
        nothing = jnp.zeros(factors.cells, s.dtype)
        rest = goal(factors, one, zero, nothing)
        activity[membrane] = rest
        activity["state" if name == "prior" else "action"] = believe(
            factors, rest, Evidence(nothing, nothing, nothing)
        )
    lane: dict[str, Any] = {"activity": activity}
    pasts = {"transition": plan.memory.pre.cells, "policy": plan.decisions.pre.cells}
    lane["past"] = {n: Seen(*jnp.zeros((2, cells), s.dtype)) for n, cells in pasts.items() if cells}
    if s.delay and plan.action.sizes:
        cells = plan.decisions.pre.cells, plan.action.cells
        lane["judged"] = {
            "value": jnp.zeros((s.delay, cells[0]), s.dtype),
            "known": jnp.zeros((s.delay, cells[0]), s.dtype),
            "action": jnp.zeros((s.delay, cells[1]), s.dtype),
        }
    return State(shared, lane)
