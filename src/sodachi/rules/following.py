"""Synapses that follow: instar toward the input of their cell, outstar toward its target."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def follow(w, s, d, context):
    """Return ``d₀ − w·d₁``: toward ``d₀/d₁`` as fast as d₁ says (instar, outstar, Oja)."""
    return d[0] - w * d[1]


def instar() -> Rule:
    r"""Return the rule by which a cell's synapses follow its input (Grossberg, 1976).

    ``Δw_ij = g_j κ_i (x_i − w_ij)``; a gain of 1 imprints the input in one tick.

    The postsynaptic cell knows ``gain`` (g); the presynaptic ``activity`` (κ·x) and ``share``
    (κ, how much of it is evidence: what is absent teaches nothing).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> pre = {"activity": jnp.array([0.5, 2.0]), "share": jnp.ones(2)}
    >>> plastic(instar(), Dense((2,), (1,)), jnp.zeros((2, 1)), {}, {"gain": jnp.ones(1)}, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.5], [2.0]]
    """

    def drives(post, pre):
        return Drive(post["gain"], pre["activity"]), Drive(post["gain"], pre["share"])

    return Rule("instar", drives, follow, step_size(1.0))


def outstar() -> Rule:
    r"""Return the rule by which a cell's outgoing synapses follow the target (Grossberg, 1968).

    ``Δw_ij = g_i κ_j (t_j − w_ij)``: the presynaptic cell knows ``gain`` (g), the postsynaptic
    ``activity`` (κ·t) and ``share`` (κ). With g the probability that cell i is the cause, w_i
    becomes the mean target of its causes.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"activity": jnp.array([1.0]), "share": jnp.ones(1)}
    >>> plastic(outstar(), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post,
    ...         {"gain": jnp.array([0.25])}, learn=True, clock=0.0)[0].tolist()
    [[0.25]]
    """

    def drives(post, pre):
        return Drive(post["activity"], pre["gain"]), Drive(post["share"], pre["gain"])

    return Rule("outstar", drives, follow, step_size(1.0))


def afresh(flat: float) -> Rule:
    r"""Return `outstar` for a cell that may begin anew.

    ``Δw_ij = g_i κ_j (t_j − w_ij) + r_i (flat − w_ij)``.

    The presynaptic cell knows ``gain`` (g) and ``anew`` (r, 1 when its synapses forget), the
    postsynaptic ``activity`` (κ·t) and ``share`` (κ).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"activity": jnp.array([1.0]), "share": jnp.ones(1)}
    >>> plastic(afresh(0.5), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post,
    ...         {"gain": jnp.zeros(1), "anew": jnp.ones(1)}, learn=True, clock=0.0)[0].tolist()
    [[0.5]]
    """
    followed = outstar().drives

    def drives(post, pre):
        return (*followed(post, pre), Drive(None, pre["anew"]))

    def change(w, s, d, context):
        return follow(w, s, d, context) + (flat - w) * d[2]

    return Rule("afresh", drives, change, step_size(1.0))
