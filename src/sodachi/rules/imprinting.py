"""Births and cuts as plasticity: a newborn cell's synapses take what they hear, a cut one is 0."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule


def imprinting(inner: Rule) -> Rule:
    r"""Return a rule that learns by ``inner``, and is born and cut where its cells say so.

    Where the postsynaptic cell is ``born`` (1), ``w ← imprint`` of the presynaptic side; where the
    presynaptic side is ``cut`` (1), ``w ← 0``; both begin a new synapse state. Everything else is
    ``inner``. One lane alone may give birth in a tick.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> from sodachi.rules.following import instar
    >>> w, none = jnp.ones((2, 1)), jnp.zeros(2)
    >>> post = {"gain": jnp.zeros(1), "born": jnp.ones(1)}
    >>> pre = {"activity": none, "share": none, "imprint": jnp.array([3.0, 4.0]), "cut": none}
    >>> plastic(imprinting(instar()), Dense((2,), (1,)), w, {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[3.0], [4.0]]
    """

    def drives(post, pre):
        structure = (
            Drive(post["born"], pre["imprint"]),
            Drive(post["born"]),
            Drive(None, pre["cut"]),
        )
        return *inner.drives(post, pre), *structure

    def change(w, s, d, context):
        return inner.change(w, s, d[:-3], context), d[-3:]

    def update(w, s, dw, context):
        learnt, (imprint, born, cut) = dw
        new, state = inner.update(w, s, learnt, context)
        fresh = (born > 0) | (cut > 0)
        # The drives are means over lanes; the newborn's lane alone counts.
        given = jnp.where(born > 0, imprint / jnp.where(born > 0, born, 1.0), 0.0)
        start = inner.start(given)
        state = {name: jnp.where(fresh, start[name], state[name]) for name in state}
        return jnp.where(fresh, given, new), state

    return Rule(f"imprinting {inner.name}", drives, change, update, inner.start, inner.sums)
