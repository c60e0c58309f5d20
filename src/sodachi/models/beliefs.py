"""Counts read as beliefs: log-odds, thresholds, and the Helmholtz energy of their cells."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.special import xlogy

from sodachi.core.connections import Dense


class Beliefs(NamedTuple):
    """What the counts say: log-odds ``w`` and thresholds ``h``, each (observations, states)."""

    w1: Any
    w0: Any
    h1: Any
    h0: Any


def beliefs(counts) -> Beliefs:
    """Return log-odds ``w = ln n(on) − ln n(off)`` and ``ln(1 − σ(w)) = ln n(off) − ln n``."""
    parts = {}
    for k in ("1", "0"):
        on, off = counts[f"on_given_{k}"], counts[f"off_given_{k}"]
        parts[f"w{k}"] = jnp.log(on) - jnp.log(off)
        parts[f"h{k}"] = jnp.log(off) - jnp.log(on + off)
    return Beliefs(**parts)


def log_evidence(connection: Dense, believed: Beliefs, prior, o, known):
    """Return ``(w_k·o + h_k)`` of both states: the joint log-probability that each cell hears."""
    one = connection.apply(believed.w1, known * o) + connection.apply(believed.h1, known)
    zero = connection.apply(believed.w0, known * o) + connection.apply(believed.h0, known)
    return one + prior["log_prior_1"], zero + prior["log_prior_0"]


def helmholtz(x, one, zero, field):
    """Return ``F(x)``, the expected cost of evidence on the states included (a linear field)."""
    free = xlogy(x, x) - x * one + xlogy(1.0 - x, 1.0 - x) - (1.0 - x) * zero
    return jnp.sum(free - field * x)


def predict(believed: Beliefs, x):
    """Return p(o = 1), the mean of what the states predict one by one."""
    each = x * jax.nn.sigmoid(believed.w1) + (1.0 - x) * jax.nn.sigmoid(believed.w0)
    return each.mean(1)
