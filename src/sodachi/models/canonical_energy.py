"""The Helmholtz energy of a canonical network: one function whose gradient is all of its motion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.models.beliefs import Beliefs, beliefs, helmholtz_of
from sodachi.models.canonical_plan import Plan, plan_of
from sodachi.models.canonical_step import thresholds_of
from sodachi.models.past import Seen
from sodachi.models.pomdp import settings_of
from sodachi.system import Observation, State, System

Pair = tuple[Any, Any]
"""Of cells (or synapses onto cells) of value 1, and of value 0."""


class Strengths(NamedTuple):
    """All that is slow: synapses W, K, V (presynaptic, postsynaptic cells) and the log priors φ.

    K and V are None where there is no memory, or no action that hears it.
    """

    W: Pair
    K: Pair | None
    V: Pair | None
    phi_x: Pair
    phi_y: Pair | None


class Thresholds(NamedTuple):
    """The firing thresholds h of states (x) and actions (y)."""

    x: Pair
    y: Pair | None


def helmholtz_energy(
    plan: Plan,
    x,
    y,
    strengths: Strengths,
    thresholds: Thresholds,
    seen: Mapping[str, Seen],
    risk=0.0,
):
    r"""Return the Helmholtz energy of one tick.

    ``𝒜 = [x; x̄]·{ln [x; x̄] − [W₁; W₀] o − [K₁; K₀] ψˣ − [h₁ˣ; h₀ˣ]}
    + [y; ȳ]·{ln [y; ȳ] − (1 − 2Γ)[V₁; V₀] ψʸ − [h₁ʸ; h₀ʸ]}`` with ``x̄ = 1 − x``; a cell that is
    one of many values has no x̄. An energy of a life is the sum over its ticks. It equals the
    variational free energy of states and actions in the POMDP that `as_pomdp` returns.

    Parameters
    ----------
    plan
        The populations (`sodachi.models.canonical_plan.plan_of`).
    x, y
        Beliefs in states and actions; y is None without actions.
    seen
        ``"input"`` (o), ``"transition"`` (ψˣ) and ``"policy"`` (ψʸ), as far as there are any.
    risk
        Γ of the decision; 0 is right, 1 is wrong.

    References
    ----------
    Isomura, Shimazaki and Friston (2022); Isomura (2024).

    Examples
    --------
    >>> from sodachi.models import canonical_network
    >>> from sodachi.observation import observe
    >>> net = canonical_network(states=1, observations=2)
    >>> o, state = observe(net.spec, input=[1, 0]), net.init(0)
    >>> plan, strengths, thresholds, seen = parts_of(net, state, o)
    >>> _, out = net.step(state, o)
    >>> A = helmholtz_energy(plan, out["state"], None, strengths, thresholds, seen)
    >>> bool(abs(A - out["energy"]) < 1e-6)
    True
    """
    one, zero = thresholds.x
    for synapses, what in ((strengths.W, "input"), (strengths.K, "transition")):
        if synapses is not None:
            one = one + _reach(synapses[0], seen[what])
            zero = zero + _reach(synapses[1], seen[what])
    total = helmholtz_of(plan.state, x, one, zero, jnp.zeros_like(x))
    if y is None or thresholds.y is None:
        return total
    one, zero = thresholds.y
    if strengths.V is not None:
        worth = 1.0 - 2.0 * risk
        one = one + worth * _reach(strengths.V[0], seen["policy"])
        zero = zero + worth * _reach(strengths.V[1], seen["policy"])
    return total + helmholtz_of(plan.action, y, one, zero, jnp.zeros_like(y))


def _reach(w, seen: Seen):
    return (seen.known * seen.value) @ w


def tied_thresholds(plan: Plan, strengths: Strengths, seen: Mapping[str, Seen], risk=0.0):
    r"""Return the thresholds that make a network Bayesian.

    ``h_k = Σ_j ln(1 − σ(w_kj)) + Σ_j ln(1 − σ(k_kj)) + φ_k`` over binary presynaptic cells that
    are known; of actions ``(1 − 2Γ) Σ_j ln(1 − σ(v_kj)) + φ_k``. Any other h is a network that
    infers with another prior.
    """
    pre = {"input": plan.input, "transition": plan.memory.pre, "policy": plan.decisions.pre}

    def tied(phi: Pair, synapses: Pair | None, what: str, worth=1.0) -> Pair:
        if synapses is None:
            return phi
        binary = jnp.zeros(pre[what].cells).at[pre[what].binary].set(1.0)
        known = worth * binary * seen[what].known
        one, zero = (known @ -jax.nn.softplus(w) for w in synapses)
        return phi[0] + one, phi[1] + zero

    x = tied(strengths.phi_x, strengths.W, "input")
    x = tied(x, strengths.K, "transition")
    if strengths.phi_y is None:
        return Thresholds(x, None)
    return Thresholds(x, tied(strengths.phi_y, strengths.V, "policy", 1.0 - 2.0 * risk))


def parts_of(
    system: System, state: State, observation: Observation
) -> tuple[Plan, Strengths, Thresholds, dict[str, Seen]]:
    """Return what `helmholtz_energy` is a function of, at one tick of a canonical network."""
    s = settings_of(system)
    plan, weights = plan_of(s), state.shared["weights"]
    given = observation.evidence["input"]
    seen = {"input": Seen(jnp.clip(observed_value(given), 0.0, 1.0), share(given))}
    for name, past in state.lane["past"].items():
        seen[name] = Seen(past.value, jnp.where(observation.first, 0.0, past.known))
    believed = {t.letter: beliefs(weights, t.pre, t.prefix, s.expectation) for t in plan.tables}
    phi = {n: thresholds_of(s, state.shared, n, factors) for n, factors in plan.thresholds}
    pairs = {letter: (b.w1, b.w0) for letter, b in believed.items()}
    x, y = phi["prior"], phi.get("habit")
    strengths = Strengths(pairs["A"], pairs.get("B"), pairs.get("C"), x, y)
    for letter, what in (("A", "input"), ("B", "transition")):
        if letter in believed:
            x = _raised(x, believed[letter], seen[what].known)
    if y is not None and "C" in believed:
        worth = 1.0 if s.delay else observation.modulation["policy"]
        y = _raised(y, believed["C"], worth * seen["policy"].known)
    return plan, strengths, Thresholds(x, y), seen


def _raised(h: Pair, believed: Beliefs, known) -> Pair:
    return h[0] + known @ believed.h1, h[1] + known @ believed.h0
