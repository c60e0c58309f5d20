"""Births and cuts as plasticity: a newborn cell's synapses take what they hear, a cut one is 0."""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.given import known
from sodachi.core.rule import Drive, Rule
from sodachi.errors import SpecError


def imprinting(inner: Rule, shy: float | None = None) -> Rule:
    r"""Return a rule that learns by ``inner``, and is born and cut where its cells say so.

    Where the postsynaptic cell is ``born`` (1), ``w ← imprint`` of the presynaptic side; where the
    presynaptic side is ``cut`` (1), ``w ← 0``; both begin a new synapse state. Everything else is
    ``inner``. One lane alone may give birth in a tick.

    With ``shy`` nobody listens to a newborn unasked: a cut synapse is closed, its step 0, until it
    is opened, where both sides say ``adopts`` and ``adopted``, or the presynaptic one ``opened``.
    It begins with the part ``shy`` of the usual step. ``inner`` then keeps a ``step`` that it only
    multiplies, as `autostep` does.

    Raises
    ------
    SpecError
        For ``shy`` not above 0, or with an ``inner`` whose synapses have no step of their own.

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
    if shy is not None and known(shy) and not shy > 0:
        raise SpecError("shy", "above 0", shy)
    if shy is not None and "step" not in inner.start(jnp.zeros(())):
        raise SpecError("inner", "a rule with a step for every synapse", inner.name)
    own = 3 if shy is None else 5

    def drives(post, pre):
        structure = (
            Drive(post["born"], pre["imprint"]),
            Drive(post["born"]),
            Drive(None, pre["cut"]),
        )
        if shy is not None:
            structure += Drive(post["adopts"], pre["adopted"]), Drive(None, pre["opened"])
        return *inner.drives(post, pre), *structure

    def change(w, s, d, context):
        return inner.change(w, s, d[:-own], context), d[-own:]

    def update(w, s, dw, context):
        learnt, (imprint, born, cut, *opening) = dw
        new, state = inner.update(w, s, learnt, context)
        adopted = opening[0] > 0 if opening else jnp.zeros_like(cut, bool)
        fresh = (born > 0) | (cut > 0) | adopted
        # The drives are means over lanes; the newborn's lane alone counts.
        given = jnp.where(born > 0, imprint / jnp.where(born > 0, born, 1.0), 0.0)
        start = inner.start(given)
        state = {name: jnp.where(fresh, start[name], state[name]) for name in state}
        if opening:
            closed, small = (cut > 0) & ~(born > 0), shy * start["step"]
            step = jnp.where(closed, 0.0, state["step"])
            opens = adopted | ((opening[1] > 0) & (s["step"] == 0))
            state = state | {"step": jnp.where(opens, small, step)}
        return jnp.where(fresh, given, new), state

    return Rule(f"imprinting {inner.name}", drives, change, update, inner.start, inner.sums)
