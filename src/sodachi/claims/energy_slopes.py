"""How far the motion of a canonical network is from the slope of its one energy."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from sodachi.models.canonical_energy import helmholtz_energy, parts_of, tied_thresholds

RATE_OF_SETTLING = 0.5


def activity_gap(net, state, now, after):
    """Return ``v̇ + ∂𝒜/∂x`` of states and actions, within what beliefs of one factor may do."""
    plan, strengths, thresholds, seen = parts_of(net, state, now)
    risk = (1.0 - now.modulation["policy"]) / 2.0
    before, later = state.lane["activity"], after.lane["activity"]
    slopes = jax.grad(helmholtz_energy, argnums=(1, 2))(
        plan, before["state"], before["action"], strengths, thresholds, seen, risk
    )
    gaps = []
    pairs = ((plan.state, "membrane"), (plan.action, "action_membrane"))
    for slope, (factors, name) in zip(slopes, pairs, strict=True):
        both = (later[name] - before[name]) / RATE_OF_SETTLING + slope
        for i, n in enumerate(factors.sizes):
            own = both[factors.cells_of(i)]
            gaps.append(own if n == 1 else own - own.mean())
    return jnp.concatenate(gaps)


def plasticity_gap(net, state, now, after, out):
    """Return ``n·p(1 − p)·dW/dt + ∂𝒜/∂W`` of every synapse of W, K and V, thresholds tied."""
    plan, strengths, _, seen = parts_of(net, state, now)
    risk = (1.0 - now.modulation["policy"]) / 2.0

    def energy(strengths):
        h = tied_thresholds(plan, strengths, seen, risk)
        return helmholtz_energy(plan, out["state"], out["action"], strengths, h, seen, risk)

    slopes, gaps = jax.grad(energy)(strengths), []
    for field, prefix in (("W", ""), ("K", "transition_"), ("V", "policy_")):
        for k, slope in zip("10", getattr(slopes, field), strict=True):
            on, off = (state.shared["weights"][f"{prefix}{o}_given_{k}"] for o in ("on", "off"))
            new = [after.shared["weights"][f"{prefix}{o}_given_{k}"] for o in ("on", "off")]
            n, p = on + off, on / (on + off)
            velocity = (new[0] - on) / on - (new[1] - off) / off  # of the log-odds
            gaps.append((n * p * (1 - p) * velocity + slope).reshape(-1))
    return jnp.concatenate(gaps)
