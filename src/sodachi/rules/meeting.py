"""Synapses that know whether they have met their input: the first meeting is taken whole."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule

MOST = 1e7  # meetings counted: beyond, a count of float32 would stand still


def meeting(slowest: float) -> Rule:
    r"""Return the rule of a synapse that follows its input as its own meetings with it ask for.

    ``Δw_ij = max(slowest, 1/n_ij) g_j κ_i (x_i − w_ij)`` and ``n_ij ← n_ij + l_j κ_i``: an absent
    input (κ = 0) is not met. Where n < 1 the lesson is divided by itself and taken whole, so an
    input that emerges late is learned at once, by cells that know their other inputs well.

    The postsynaptic cell knows ``gain`` (g), ``lesson`` (l, what of it counts) and ``born`` (1:
    take what is there, and count anew); the presynaptic ``activity`` (κ·x), ``share`` (κ) and
    ``seen`` (κ again, but 0 where a newborn is given a guess to begin with).

    References
    ----------
    The running mean of what has been seen alone, as in Welford (1962); the synapse is this
    project's.

    Examples
    --------
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> known = jnp.array([1.0, 0.0])
    >>> pre = {"activity": jnp.array([0.5, 0.0]), "share": known, "seen": known}
    >>> post = {"gain": jnp.ones(1), "lesson": jnp.ones(1), "born": jnp.zeros(1)}
    >>> synapse = {"met": jnp.array([[4.0], [0.0]])}
    >>> w, synapse = plastic(meeting(0.05), Dense((2,), (1,)), jnp.zeros((2, 1)), synapse, post,
    ...                      pre, learn=True, clock=0.0, reduce="sum")
    >>> w.tolist(), synapse["met"].tolist()
    ([[0.125], [0.0]], [[5.0], [0.0]])
    """

    def drives(post, pre):
        return (
            Drive(post["gain"], pre["activity"]),
            Drive(post["gain"], pre["share"]),
            Drive(post["lesson"], pre["seen"]),
            Drive(post["born"]),
        )

    def change(w, s, d, context):
        return d

    def update(w, s, d, context):
        toward, gain, lesson, born = d
        met = jnp.maximum(s["met"], jnp.where(lesson > 0, lesson, 1.0))
        # Never past the input: the gains of several lanes together may exceed 1.
        pace = jnp.minimum(jnp.maximum(slowest, 1.0 / met), 1.0 / jnp.maximum(gain, 1.0 / MOST))
        pace = jnp.where(born > 0, 1.0, pace)
        count = jnp.minimum(s["met"] + lesson, MOST)
        return w + pace * (toward - w * gain), {"met": jnp.where(born > 0, lesson, count)}

    return Rule("meeting", drives, change, update, lambda w: {"met": jnp.zeros_like(w)})
