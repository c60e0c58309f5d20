"""The centred rule: a synapse learns from the difference of two opposed nudges."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def centred(strength: float, rate: float = 1.0) -> Rule:
    r"""Return ``Δw_ij = rate · (ε⁺_j f(x⁺_i) − ε⁻_j f(x⁻_i)) / (2β)`` (Scellier et al., 2023).

    The output is nudged toward its target with strength +β, then −β; the difference is the
    gradient of the output's error to second order in β. The postsynaptic cell knows ``error`` and
    ``opposed error``, the presynaptic ``activity`` and ``opposed activity``.

    Parameters
    ----------
    strength
        β, the precision of the nudge.
    rate
        Step size.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"error": jnp.array([2.0]), "opposed error": jnp.array([1.0])}
    >>> pre = {"activity": jnp.array([3.0]), "opposed activity": jnp.array([1.0])}
    >>> plastic(centred(strength=0.5), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[5.0]]
    """

    def drives(post, pre):
        toward = Drive(post["error"], pre["activity"])
        return toward, Drive(-post["opposed error"], pre["opposed activity"])

    def change(w, s, d, context):
        return (d[0] + d[1]) / (2 * strength)

    return Rule("centred", drives, change, step_size(rate))
