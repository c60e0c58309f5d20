"""Contrastive Hebbian learning: what is seen is learnt, what is dreamt is unlearnt."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule

WAKE, DREAM = "wake", "dream"
#: What a dreaming cell does on average, apart from all others (see `boltzmann_mixing`).
ALONE = "alone"
#: How far a population is awake, and asleep, of its own accord.
AWAKE, ASLEEP = "awake", "asleep"


def contrastive(rate: float, decay: float = 0.0, chains: bool = False) -> Rule:
    r"""Return the learning rule of the Boltzmann machine (Ackley, Hinton and Sejnowski, 1985).

    ``Δw_ij = rate · (⟨x_i x_j⟩_wake − ⟨x_i x_j⟩_dream − decay · w_ij)``: for units at temperature
    1 the expected change is the gradient of the log-likelihood of what was seen.

    Both cells know their ``wake`` and their ``dream`` activity; other names that begin with
    ``dream`` are more dreams, each lane's own, unlearnt too: what each weighs stands on its
    postsynaptic side. What cells know as ``alone`` is learnt beside ``wake``. Drives are subtracted
    first, so that decay acts once. That all cells wake
    and dream in step is a switch that somebody holds: a central controller, which `own_dreams`
    does without.

    Parameters
    ----------
    rate
        Step size, 1/tick.
    decay
        Strength of the L2 decay toward 0, in units of the drive.
    chains
        Whether ``dream`` itself carries a last axis of dream chains that all lanes share.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> cells = {"wake": jnp.array([1.0, 1.0]), "dream": jnp.array([[1.0, 1.0], [0.0, 1.0]])}
    >>> pair = Dense((2,), (2,), loop=False)
    >>> plastic(contrastive(0.5, chains=True), pair, jnp.zeros((2, 2)), {}, cells, cells,
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.0, 0.25], [0.25, 0.0]]
    """

    def drives(post, pre):
        dreams = [name for name in post if name.startswith(DREAM)]
        unlearn = (Drive(-post[n], pre[n], chains=chains and n == DREAM) for n in dreams)
        alone = (Drive(post[n], pre[n]) for n in post if n == ALONE)
        return Drive(post[WAKE], pre[WAKE]), *unlearn, *alone

    def change(w, s, d, context):
        return sum(d[1:], d[0])

    def update(w, s, dw, context):
        return w + rate * (dw - decay * w), s

    return Rule("contrastive", drives, change, update)


def own_dreams(rate: float, slow: float, decay: float = 0.0) -> Rule:
    r"""Return the same rule with no common switch: every synapse keeps what its cells dreamt.

    ``Δw_ij = rate · (a_i a_j (x_i x_j − s_ij) − decay · w_ij)`` and
    ``Δs_ij = slow · z_i z_j (y_i y_j − s_ij)``: x is the cell's waking activity and y its
    dreaming, a and z say whether its population moved the one or the other this tick, by a clock
    of its own. The average s takes the place of ``⟨x_i x_j⟩_dream``; its lag and its noise are
    the price (`slow` small: lag; large: noise). What a synapse dreams first it takes for the mean
    (steps of 1/n until they are ``slow``), and it learns nothing before.

    Both cells know ``wake``, ``dream``, ``awake`` and ``asleep``.

    Parameters
    ----------
    rate, decay
        As in `contrastive`.
    slow
        Step size of the dream average, 1/tick.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> one, none = jnp.ones(1), jnp.zeros(1)
    >>> cells = {"wake": one, "dream": one, "awake": none, "asleep": one}
    >>> _, s = plastic(own_dreams(0.1, 0.5), Dense((1,), (1,)), jnp.zeros((1, 1)),
    ...                {"dreamt": jnp.zeros((1, 1)), "nights": jnp.zeros((1, 1))}, cells, cells,
    ...                learn=True, clock=0.0)
    >>> s["dreamt"].tolist()
    [[1.0]]
    """

    def drives(post, pre):
        return (
            Drive(post[AWAKE] * post[WAKE], pre[AWAKE] * pre[WAKE]),
            Drive(post[AWAKE], pre[AWAKE]),
            Drive(post[ASLEEP] * post[DREAM], pre[ASLEEP] * pre[DREAM]),
            Drive(post[ASLEEP], pre[ASLEEP]),
        )

    def change(w, s, d, context):
        waking = jnp.where(s["nights"] > 0, d[0] - d[1] * s["dreamt"], 0.0)
        return waking, d[2] - d[3] * s["dreamt"], d[3]

    def update(w, s, dw, context):
        nights = jnp.minimum(s["nights"] + dw[2], 2.0 / slow)  # no more are told apart
        step = jnp.maximum(slow, 1.0 / jnp.maximum(nights, 1e-6))
        dreamt = s["dreamt"] + jnp.where(dw[2] > 0, step * dw[1], 0.0)
        return w + rate * (dw[0] - decay * w), {"dreamt": dreamt, "nights": nights}

    def start(w):
        return {"dreamt": 0.0 * w, "nights": 0.0 * w}

    return Rule("own_dreams", drives, change, update, start)


def pushed() -> Rule:
    r"""Return the rule of a bias that follows: ``Δb_j = push_j``.

    The postsynaptic cell knows ``push``: what the changes of its own synapses took from its mean
    input (centring), or how far it is from its target of activity (sparsity).

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> plastic(pushed(), Dense((1,), (1,)), jnp.zeros((1, 1)), {}, {"push": jnp.ones(1)},
    ...         {"wake": jnp.ones(1)}, learn=True, clock=0.0)[0].tolist()
    [[1.0]]
    """

    def drives(post, pre):
        return (Drive(post["push"], pre[WAKE]),)

    return Rule("pushed", drives, lambda w, s, d, c: d[0], lambda w, s, dw, c: (w + dw, s))
