"""Outgoing synapses of a newborn: they take over the answer that is given already."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.rule import Drive, Rule


def inheriting(inner: Rule) -> Rule:
    r"""Return a rule that learns by ``inner``, and by which a newborn says what others said.

    Where the presynaptic side is ``newborn`` (1), ``w_j ← answer_j`` of the postsynaptic cell, and
    the synapse's state begins anew: a cell that takes the place of others in a competition changes
    no answer by being born. Everywhere else it is ``inner``. One lane alone may give birth in a
    tick.

    The postsynaptic cell knows ``answer``, the presynaptic side ``newborn``.

    Examples
    --------
    >>> from sodachi.core.connections import Dense
    >>> from sodachi.core.rule import plastic
    >>> from sodachi.rules.delta import delta
    >>> w, post = jnp.zeros((2, 1)), {"error": jnp.ones(1), "answer": jnp.array([5.0])}
    >>> pre = {"activity": jnp.ones(2), "newborn": jnp.array([0.0, 1.0])}
    >>> plastic(inheriting(delta(0.1)), Dense((2,), (1,)), w, {}, post, pre,
    ...         learn=True, clock=0.0)[0].tolist()
    [[0.1000000...], [5.0]]
    """

    def drives(post, pre):
        own = Drive(post["answer"], pre["newborn"]), Drive(None, pre["newborn"])
        return *inner.drives(post, pre), *own

    def change(w, s, d, context):
        return inner.change(w, s, d[:-2], context), d[-2:]

    def update(w, s, dw, context):
        learnt, (answer, newborn) = dw
        new, state = inner.update(w, s, learnt, context)
        fresh = newborn > 0
        # Drives are means over lanes; the newborn's lane alone counts.
        given = answer / jnp.where(fresh, newborn, 1.0)
        start = inner.start(given)
        state = {name: jnp.where(fresh, start[name], state[name]) for name in state}
        return jnp.where(fresh, given, new), state

    return Rule(f"inheriting {inner.name}", drives, change, update, inner.start, inner.sums)
