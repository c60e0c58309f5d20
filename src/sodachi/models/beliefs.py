"""Counts read as beliefs: log-odds, thresholds, and the Helmholtz energy of their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax.scipy.special import digamma, xlogy

from sodachi.core.connections import Connection
from sodachi.models.factors import Factors, over_factor

#: How a count becomes the logarithm of a probability: of its mean, or its mean logarithm.
LOGARITHMS = {"log": jnp.log, "digamma": digamma}


class Beliefs(NamedTuple):
    """What the counts say: strengths ``w`` and thresholds ``h`` of each synapse (pre, post).

    ``w_k·o + h_k`` is the log-probability of o where the cell's value is k; the arrays of k = 0
    have the cells of binary factors only.
    """

    w1: Any
    w0: Any
    h1: Any
    h0: Any


def beliefs(
    counts, pre: Factors | None = None, prefix: str = "", expectation: str = "log"
) -> Beliefs:
    r"""Return log-odds ``w = ln n(on) − ln n(off)`` and ``ln(1 − σ(w)) = ln n(off) − ln n``.

    So for a presynaptic factor that is binary; one with a cell for each value has
    ``w = ln n(on) − ln n`` with n the factor's sum, and ``h = 0``. With ``"digamma"`` every ln is
    a ψ, the exact mean of the logarithm under a Dirichlet distribution.

    Parameters
    ----------
    counts
        By name, ``{prefix}on_given_1`` and so on, each (presynaptic, postsynaptic cells).
    pre
        The presynaptic factors; None for binary ones.

    Examples
    --------
    >>> import jax
    >>> n = {"on_given_1": 3.0, "off_given_1": 1.0, "on_given_0": 1.0, "off_given_0": 1.0}
    >>> b = beliefs({name: jnp.full((1, 1), x) for name, x in n.items()})
    >>> round(float(jax.nn.sigmoid(b.w1)[0, 0]), 5), float(b.w0[0, 0])
    (0.75, 0.0)
    """
    log = LOGARITHMS[expectation]
    parts = {}
    for k in ("1", "0"):
        on, off = (counts.get(f"{prefix}{outcome}_given_{k}") for outcome in ("on", "off"))
        parts[f"w{k}"], parts[f"h{k}"] = _read(on, off, pre, log)
    if parts["w0"] is None:  # no binary cell: nothing stands for "not this one"
        parts["w0"] = parts["h0"] = jnp.zeros((len(parts["w1"]), 0), parts["w1"].dtype)
    return Beliefs(**parts)


def _read(on, off, pre: Factors | None, log):
    if on is None:
        return None, None
    if pre is None or pre.all_binary:
        return log(on) - log(off), log(off) - log(on + off)
    total = over_factor(pre, on)
    w, h = log(on) - log(total), jnp.zeros_like(on)
    if len(pre.binary):
        both = log(on[pre.binary] + off)
        w = w.at[pre.binary].set(log(on[pre.binary]) - log(off))
        h = h.at[pre.binary].set(log(off) - both)
    return w, h


def log_evidence(connection: Connection, believed: Beliefs, prior, o, known):
    """Return ``(w_k·o + h_k)`` of both states: the joint log-probability that each cell hears."""
    one, zero = heard(connection, connection, believed, o, known)
    return one + prior["log_prior_1"], zero + prior["log_prior_0"]


def heard(to_1: Connection, to_0: Connection, believed: Beliefs, o, known):
    """Return what synapses alone tell cells of value 1 and 0, without the prior."""
    one = to_1.apply(believed.w1, known * o) + to_1.apply(believed.h1, known)
    zero = to_0.apply(believed.w0, known * o) + to_0.apply(believed.h0, known)
    return one, zero


def goal(factors: Factors, one, zero, field):
    """Return where membranes come to rest: ``one − zero`` of binary cells, else ``one``."""
    rest = one + field
    return rest - zero if factors.all_binary else rest.at[factors.binary].add(-zero)


def helmholtz(x, one, zero, field):
    """Return ``F(x)``, the expected cost of evidence on the states included (a linear field)."""
    free = xlogy(x, x) - x * one + xlogy(1.0 - x, 1.0 - x) - (1.0 - x) * zero
    return jnp.sum(free - field * x)


def helmholtz_of(factors: Factors, x, one, zero, field):
    """Return F over factors of any size: a cell that is one of many has no ``1 − x`` of its own.

    Examples
    --------
    >>> x, one = jnp.array([0.5, 0.5]), jnp.log(jnp.array([0.5, 0.5]))
    >>> float(helmholtz_of(Factors((2,)), x, one, jnp.zeros(0), jnp.zeros(2)))
    0.0
    """
    if factors.all_binary:
        return helmholtz(x, one, zero, field)
    b = factors.binary
    many = jnp.ones(factors.cells, x.dtype).at[b].set(0.0)
    free = jnp.sum(many * (xlogy(x, x) - x * one - field * x))
    return free + helmholtz(x[b], one[b], zero, field[b])


def predict(counts, pre: Factors, post: Factors, x, prefix: str = ""):
    """Return p(o = 1), the mean of what the factors predict one by one."""
    given = {}
    for k in ("1", "0"):
        on, off = (counts.get(f"{prefix}{outcome}_given_{k}") for outcome in ("on", "off"))
        if on is not None:
            total = over_factor(pre, on)
            total = total if off is None else total.at[pre.binary].add(off)
            given[k] = on / total
    each = given["1"] @ x
    if "0" in given:
        each = each + given["0"] @ (1.0 - x[post.binary])
    return each / len(post.sizes)
