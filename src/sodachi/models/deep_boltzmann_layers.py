"""Layers of a Boltzmann machine: what one layer hears, believes and draws, and what all cost.

Every function takes activity of one machine or, with leading axes, of many at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.connections import Connection, Dense, backward

Activity = dict[str, Any]
LARGEST = 1e6  # as a variable's limit


@dataclass(frozen=True)
class Layer:
    """A layer: its name, units, kind (binary, gaussian, softmax) and place from the input up."""

    name: str
    units: int
    kind: str
    place: int
    shape: tuple[int, ...] = ()
    """As a connection sees it; activity itself is flat."""

    @property
    def odd(self) -> bool:
        """Whether it is visited with the odd layers."""
        return bool(self.place % 2)

    def possible(self, x):
        """Return the activity, with 0 for what no unit of this kind can be (NaN, 3e38, −1)."""
        lowest, highest = (-LARGEST, LARGEST) if self.kind == "gaussian" else (0.0, 1.0)
        return jnp.where((x >= lowest) & (x <= highest), x, 0.0)

    def believe(self, field):
        """Return the mean of every unit, given what it hears."""
        if self.kind == "gaussian":
            return field
        return jax.nn.softmax(field) if self.kind == "softmax" else jax.nn.sigmoid(field)

    def draw(self, field, key):
        """Return a draw of every unit, given what it hears."""
        if self.kind == "gaussian":
            return field + jax.random.normal(key, field.shape, field.dtype)
        if self.kind == "softmax":
            noise = jax.random.gumbel(key, field.shape, field.dtype)
            return jax.nn.one_hot(jnp.argmax(field + noise, -1), self.units, dtype=field.dtype)
        chance = jax.random.uniform(key, field.shape, field.dtype)
        return (chance < jax.nn.sigmoid(field)).astype(field.dtype)

    def log_sum(self, field):
        """Return ``log Σ_x e^{field·x}`` over the layer's states (and the Gaussian's own term).

        Examples
        --------
        >>> import jax.numpy as jnp
        >>> pair = Layer("a", 2, "binary", 1)
        >>> round(float(jnp.exp(pair.log_sum(jnp.zeros(2)))), 4)
        4.0
        """
        if self.kind == "gaussian":
            return 0.5 * jnp.sum(field**2 + jnp.log(2 * jnp.pi), -1)
        if self.kind == "softmax":
            return jax.nn.logsumexp(field, -1)
        return jax.nn.softplus(field).sum(-1)

    def entropy(self, belief):
        """Return the entropy (nats) of independent units with these means."""
        if self.kind == "gaussian":
            return jnp.full(belief.shape[:-1], 0.5 * self.units * jnp.log(2 * jnp.pi * jnp.e))
        spread = jax.scipy.special.entr(belief).sum(-1)
        if self.kind == "softmax":
            return spread
        return spread + jax.scipy.special.entr(1 - belief).sum(-1)

    def own(self, bias, x):
        """Return what the layer's own term adds to minus the energy."""
        plain = jnp.sum(bias * x, -1)
        return plain - 0.5 * jnp.sum(x**2, -1) if self.kind == "gaussian" else plain


@dataclass(frozen=True)
class Joint:
    """What joins two neighbouring layers, both ways by the same weights."""

    below: Layer
    above: Layer
    connection: Connection

    @property
    def name(self) -> str:
        """The layers' names, from below up."""
        return f"{self.below.name}>{self.above.name}"

    def up(self, w, x):
        """Return what the layer above hears of ``x`` below, flat, leading axes kept."""
        if isinstance(self.connection, Dense):
            return x @ w
        return self._each(lambda one: self.connection.apply(w, one.reshape(self.below.shape)), x)

    def down(self, w, x):
        """Return what the layer below hears of ``x`` above: the adjoint of `up`."""
        if isinstance(self.connection, Dense):
            return x @ w.T
        back = self.connection, w
        return self._each(lambda one: backward(*back, one.reshape(self.above.shape)), x)

    @staticmethod
    def _each(one, x):
        lanes = x.reshape(-1, x.shape[-1])
        heard = jax.vmap(lambda x: one(x).reshape(-1))(lanes)
        return heard.reshape(*x.shape[:-1], -1)


def rest(layer: Layer):
    """Return the mean of a layer that hears nothing."""
    return layer.believe(jnp.zeros(layer.units))


def field(s, weights, mean: Activity, x: Activity, layer: Layer):
    """Return what a layer hears: its bias and the centred activity of its neighbours.

    ``b + (x_below − μ_below) W_below + (x_above − μ_above) W_aboveᵀ``.
    """
    heard = weights[f"{layer.name}:bias"][0]
    for j in s.joints:
        if layer == j.above:
            heard = heard + j.up(weights[j.name], x[j.below.name] - mean[j.below.name])
        elif layer == j.below:
            heard = heard + j.down(weights[j.name], x[j.above.name] - mean[j.above.name])
    return heard


def fields(s, weights, mean: Activity, x: Activity, odd: bool) -> Activity:
    """Return what every odd, or every even, layer hears."""
    return {n.name: field(s, weights, mean, x, n) for n in s.layers if n.odd == odd}


def energy(s, weights, mean: Activity, x: Activity):
    """Return ``−Σ (x_l − μ_l)ᵀW_l(x_{l+1} − μ_{l+1}) − Σ b_l·x_l`` (see the factory)."""
    own = sum(n.own(weights[f"{n.name}:bias"][0], x[n.name]) for n in s.layers)
    joint = sum(
        jnp.sum(
            j.up(weights[j.name], x[j.below.name] - mean[j.below.name])
            * (x[j.above.name] - mean[j.above.name]),
            -1,
        )
        for j in s.joints
    )
    return -(own + joint)


def log_weight(s, weights, mean: Activity, x: Activity, odd: bool):
    """Return ``log Σ e^{−E}`` over all odd (or all even) layers, the others as in ``x``.

    The free energy with its sign turned: what is summed out is independent, given the rest.
    """
    kept = [n for n in s.layers if n.odd != odd]
    summed = [n for n in s.layers if n.odd == odd]
    own = sum(n.own(weights[f"{n.name}:bias"][0], x[n.name]) for n in kept)
    shift = sum(_constant(s, weights, mean, x, n) for n in summed)
    heard = fields(s, weights, mean, x, odd)
    return own - shift + sum(n.log_sum(heard[n.name]) for n in summed)


def _constant(s, weights, mean: Activity, x: Activity, layer: Layer):
    """What centring takes off a summed layer: its mean times what it hears without its bias."""
    heard = field(s, weights, mean, x, layer) - weights[f"{layer.name}:bias"][0]
    return jnp.sum(heard * mean[layer.name], -1)


def draws(layers: Iterable[Layer], heard: Activity, key) -> Activity:
    """Return a draw of every layer that hears something, each with chances of its own."""
    chosen = [n for n in layers if n.name in heard]
    keys = jax.random.split(key, len(chosen))
    return {n.name: n.draw(heard[n.name], k) for n, k in zip(chosen, keys, strict=True)}
