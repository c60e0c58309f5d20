"""What a layered Boltzmann machine dreams: chains that go on, or a lane that lets go.

`s` is the factory's `Settings`.
"""

from __future__ import annotations

import jax

from sodachi.models.deep_boltzmann_layers import Activity, draws, fields


def sweeps(s, weights, mean: Activity, x: Activity, key, many: int):
    """Return ``(x, moments)`` after so many free sweeps, odd layers first; leading axes: chains.

    ``moments`` has the probabilities of odd layers in place of their draws.
    """

    def once(_, carry):
        x, key = carry
        key, odd, even = jax.random.split(key, 3)
        x = x | draws(s.layers, fields(s, weights, mean, x, True), odd)
        return x | draws(s.layers, fields(s, weights, mean, x, False), even), key

    x, _ = jax.lax.fori_loop(0, many, once, (x, key))
    heard = fields(s, weights, mean, x, True)
    return x, x | {n.name: n.believe(heard[n.name]) for n in s.layers if n.odd}


def dream_on(s, shared, learning):
    """Return the dream's moments, chains on the last axis; the chains after it; and their key.

    Without learning anywhere no chain moves.
    """
    weights, mean = shared["weights"], shared["cells"]["mean"]

    def move(dreams, key):
        key, now = jax.random.split(key)
        x, moments = sweeps(s, weights, mean, dreams, now, s.sweeps)
        return moments, x, key

    moments, dreams, key = jax.lax.cond(
        learning,
        move,
        lambda dreams, key: (dreams, dreams, key),
        shared["dreams"],
        shared["key"],
    )
    return {name: chains.T for name, chains in moments.items()}, dreams, key


def let_go(s, shared, awake: Activity, key) -> Activity:
    """Return what a lane dreams when it lets go of what it saw (contrastive divergence)."""
    falling, key = jax.random.split(key)
    weights, mean = shared["weights"], shared["cells"]["mean"]
    chances = jax.random.split(falling, len(s.layers))
    x = {
        n.name: jax.random.bernoulli(k, awake[n.name]).astype(awake[n.name].dtype)
        if n.odd
        else awake[n.name]
        for n, k in zip(s.layers, chances, strict=True)
    }

    def once(_, carry):
        x, key = carry
        key, odd, even = jax.random.split(key, 3)
        x = x | draws(s.layers, fields(s, weights, mean, x, False), even)
        heard = fields(s, weights, mean, x, True)
        moments = x | {n.name: n.believe(heard[n.name]) for n in s.layers if n.odd}
        return x | draws(s.layers, heard, odd), moments, key

    def body(i, carry):
        x, _, key = carry
        return once(i, (x, key))

    return jax.lax.fori_loop(0, s.sweeps, body, (x, awake, key))[1]
