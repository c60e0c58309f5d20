"""Spike-timing-dependent plasticity of pairs, at once or by way of an eligibility."""

from __future__ import annotations

from math import exp

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError

SPIKE, TRACE, MODULATOR = "spike", "trace", "modulator"


def decayed(trace, dt_ms: float, tau_ms: float):
    """Return an exponential trace one tick later, before the spikes of that tick: ``e^{−dt/τ}``."""
    return trace * exp(-dt_ms / tau_ms)


def stdp(
    potentiation: float, depression: float, bounds: tuple[float, float], *, event: bool = True
) -> Rule:
    r"""Return additive STDP of all pairs of spikes (Gerstner, 1996; Song, Miller and Abbott, 2000).

    A post spike at a lag Δt after a pre spike changes the weight by ``+A₊ e^{−Δt/τ₊}``, a pre
    spike Δt after a post spike by ``−A₋ e^{−Δt/τ₋}``. Spikes of one tick do not pair with each
    other. Both cells know ``spike`` and ``trace`` (of the spikes of earlier ticks; the presynaptic
    one with τ₊, the postsynaptic one with τ₋).

    Order within a tick: post spikes first, then pre spikes, and the weight is kept within its
    bounds after each.

    Parameters
    ----------
    potentiation, depression
        A₊ and A₋, in units of the weight.
    bounds
        Lowest and highest weight.
    event
        Mark the drives as spike events, so that silent ticks are not lifted; no bit depends on it.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"spike": jnp.ones(1), "trace": jnp.zeros(1)}
    >>> pre = {"spike": jnp.zeros(1), "trace": jnp.array([0.5])}
    >>> plastic(stdp(0.25, 0.25, (0.0, 1.0)), Dense((1,), (1,)), jnp.full((1, 1), 0.5), {}, post,
    ...         pre, learn=True, clock=0.0)[0].tolist()
    [[0.625]]
    """
    low, high = _checked(bounds)

    def drives(post, pre):
        return _pairs(post, pre, event)

    def change(w, s, d, context):
        after_post = jnp.clip(w + potentiation * d[0], low, high)
        return jnp.clip(after_post - depression * d[1], low, high) - w

    def update(w, s, dw, context):
        return jnp.where(dw != 0, jnp.clip(w + dw, low, high), w), s

    return Rule("stdp", drives, change, update)


def modulated_stdp(
    potentiation: float,
    depression: float,
    bounds: tuple[float, float],
    *,
    eligibility_decay: float,
    event: bool = True,
) -> Rule:
    r"""Return STDP into an eligibility that a modulator turns into weight (Izhikevich, 2007).

    ``e ← λ e + A₊ d_post − A₋ d_pre``, then ``w ← clip(w + m e)`` with the modulator m of this
    tick; the drives are those of `stdp`.

    The postsynaptic cell also knows ``modulator`` (m). ``eligibility_decay`` is λ = e^{−dt/τ}. Over
    several lanes the eligibility is that of their mean, and m the mean modulator: exact for one
    lane, which is how such rules should live.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic, start_synapses
    >>> rule = modulated_stdp(0.5, 0.5, (0.0, 1.0), eligibility_decay=0.5)
    >>> pair, w = Dense((1,), (1,)), jnp.zeros((1, 1))
    >>> silent = {"spike": jnp.zeros(1), "trace": jnp.zeros(1)}
    >>> pre = {"spike": jnp.zeros(1), "trace": jnp.ones(1)}
    >>> post = {"spike": jnp.ones(1), "trace": jnp.zeros(1), "modulator": jnp.zeros(1)}
    >>> w, s = plastic(rule, pair, w, start_synapses(rule, w), post, pre, learn=True, clock=0.0)
    >>> w.tolist(), s["eligibility"].tolist()
    ([[0.0]], [[0.5]])
    >>> later = silent | {"modulator": jnp.ones(1)}
    >>> plastic(rule, pair, w, s, later, silent, learn=True, clock=1.0)[0].tolist()
    [[0.25]]
    """
    low, high = _checked(bounds)

    def drives(post, pre):
        return *_pairs(post, pre, event), Drive(post[MODULATOR])

    def change(w, s, d, context):
        eligibility = eligibility_decay * s["eligibility"] + potentiation * d[0]
        return eligibility - depression * d[1], d[2]

    def update(w, s, dw, context):
        eligibility, modulator = dw
        moved = jnp.clip(w + modulator * eligibility, low, high)
        return jnp.where(modulator != 0, moved, w), {"eligibility": eligibility}

    return Rule(
        "modulated_stdp", drives, change, update, start=lambda w: {"eligibility": jnp.zeros_like(w)}
    )


def _pairs(post, pre, event: bool) -> tuple[Drive, Drive]:
    """Post events read the pre trace; pre events read the post trace."""
    return Drive(post[SPIKE], pre[TRACE], event), Drive(post[TRACE], pre[SPIKE], event)


def _checked(bounds) -> tuple[float, float]:
    low, high = bounds
    if not low < high:
        raise SpecError("bounds", "lowest below highest", bounds)
    return low, high
