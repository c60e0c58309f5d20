"""Long-term depression of the dynamic Boltzmann machine: a synapse that reads both its cells."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule, step_size


def depression(rate: float = 1.0) -> Rule:
    r"""Return the rule ``Δv_ij = −rate · (ε_j β_ij + γ_j ε_i)`` (Osogami and Otsuka, 2015).

    v is how strongly the synapse holds down a post spike that comes before the pre spike arrives,
    and a pre spike that comes after the post spike. It grows where such spikes were likely and did
    not come (ε = x − p below 0), and shrinks where they came: the slope of the log-likelihood.

    The postsynaptic cell knows ``error`` (ε_j) and ``trace`` (γ_j, of its own spikes), the
    presynaptic one ``error`` (ε_i, less by what a branch loses) and ``travelling`` (β, of the
    spikes that are on their way down this branch of its axon). Its partner, long-term potentiation
    ``Δu_ij = rate · ε_j α_ij``, is `sodachi.rules.delta`.

    Parameters
    ----------
    rate
        Step size, 1/tick.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> post = {"error": jnp.array([0.5]), "trace": jnp.array([2.0])}
    >>> pre = {"error": jnp.array([-0.25]), "travelling": jnp.array([4.0])}
    >>> plastic(depression(0.5), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[-0.75]]
    """

    def drives(post, pre):
        return Drive(post["error"], pre["travelling"]), Drive(post["trace"], pre["error"])

    return Rule("depression", drives, lambda w, s, d, context: -(d[0] + d[1]), step_size(rate))
