"""Contrastive Hebbian learning: what is seen is learnt, what is dreamt is unlearnt."""

from __future__ import annotations

from sodachi.core.rule import Drive, Rule

WAKE, DREAM = "wake", "dream"


def contrastive(rate: float, decay: float = 0.0) -> Rule:
    r"""Return the learning rule of the Boltzmann machine (Ackley, Hinton and Sejnowski, 1985).

    ``Δw_ij = rate · (⟨x_i x_j⟩_wake − ⟨x_i x_j⟩_dream − decay · w_ij)``: for binary units at
    temperature 1 the expected change is the gradient of the log-likelihood of what was seen.

    Both cells know their ``wake`` activity and, for each of C dreams, ``dream 0`` .. ``dream C−1``;
    the dreams share the minus sign equally. Drives are subtracted first, so that decay acts once.

    Parameters
    ----------
    rate
        Step size, 1/tick.
    decay
        Strength of the L2 decay toward 0, in units of the drive.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> cells = {"wake": jnp.array([1.0, 1.0]), "dream 0": jnp.array([1.0, 0.0])}
    >>> pair = Dense((2,), (2,), loop=False)
    >>> plastic(contrastive(0.5), pair, jnp.zeros((2, 2)), {}, cells, cells,
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.0, 0.5], [0.5, 0.0]]
    """

    def drives(post, pre):
        dreams = [name for name in post if name.startswith(DREAM)]
        unlearn = tuple(Drive(-post[name] / len(dreams), pre[name]) for name in dreams)
        return Drive(post[WAKE], pre[WAKE]), *unlearn

    def change(w, s, d, context):
        return sum(d[1:], d[0])

    def update(w, s, dw, context):
        return w + rate * (dw - decay * w), s

    return Rule("contrastive", drives, change, update)
