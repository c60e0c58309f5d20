r"""Recall or grow: when the energy of the known world stays high, recall another or open a new one.

Each context c keeps the mean μ and spread s of every input. Its energy for an input,
``F_c = Σ_j [log(1 + (x_j − μ_cj)²/(s_cj + ε)) + ½ log(s_cj + ε)]``, is compared with its own
baseline. Which context is active belongs to a lane; what contexts know is shared.
"""

from __future__ import annotations

import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather, of_elected

SMOOTH = 0.1  # of a lane's view of each context's energy, per tick: about two samples
FLOOR = 0.03  # ε in units of 1/beta: .01 for pixels in 0..1 at beta 3
YOUNG = 200.0  # ticks before a context's baseline is trusted
TRACK = 5e-4  # slowest rate of μ, s and baseline
BROAD = 0.3  # spread of a newborn context, in units of 1/beta


def new_contexts(s):
    """Return what all contexts know at birth: the first is alive, at the origin, broad."""
    if s.contexts == 1:
        return {}
    return {
        "mean": jnp.zeros((s.contexts, s.inputs)),
        "spread": jnp.full((s.contexts, s.inputs), BROAD / s.beta),
        "baseline": jnp.zeros(s.contexts),
        "age": jnp.zeros(s.contexts),
    }


def new_view(s):
    """Return a lane's view at birth: context 0 is active, no energies seen yet."""
    view = {"current": jnp.zeros((), jnp.int32)}
    if s.contexts > 1:
        view["energy"] = jnp.zeros(s.contexts)
    return view


def context_energy(s, structure, x):
    """Return ``F_c(x)`` of every context."""
    floor = FLOOR / s.beta
    spread = structure["spread"] + floor
    return jnp.sum(jnp.log1p((x - structure["mean"]) ** 2 / spread) + 0.5 * jnp.log(spread), axis=1)


def recall_or_grow(s, structure, view, held, evidence, learn, smooth: float = SMOOTH):
    """Return ``(structure, view, opened)`` after one tick of recognising the world.

    If the smoothed energy of the active context exceeds its baseline by ``s.surprise``, the lane
    takes the context that fits this input best; if that one is surprised as well and the lane
    learns, one is opened: a free one, else that which holds least, by ``held`` (contexts,).
    ``opened`` (contexts,) marks it, all False without one; what it held is to be let go.
    """
    if s.contexts == 1:
        return structure, view, jnp.zeros(1, bool)
    x = observed_value(evidence)
    now = context_energy(s, structure, x)
    # Also a number too large to be squared is no input that a context could know.
    fine = jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(now))
    complete = jnp.all(share(evidence) > 0.99) & fine
    alive = structure["age"] > 0
    current, baseline, age = view["current"], structure["baseline"], structure["age"]
    smoothed = view["energy"] + smooth * (now - view["energy"])
    lost = complete & (age[current] > YOUNG) & (smoothed[current] - baseline[current] > s.surprise)
    best = jnp.argmin(jnp.where(alive, now - baseline, jnp.inf))
    known = now[best] - baseline[best] <= s.surprise
    structure, row, slot, opened = _open(s, structure, held, lost & ~known & learn, current, x)
    chosen = jnp.where(opened, slot, jnp.where(lost & known, best, current)).astype(jnp.int32)
    fresh = jnp.where(opened | (lost & known), structure["baseline"], smoothed)
    view = {
        "current": chosen,
        "energy": jnp.where(complete, fresh, view["energy"]),
    }
    calm = opened | (now[chosen] - structure["baseline"][chosen] <= s.surprise)
    calm = calm | (structure["age"][chosen] <= YOUNG)
    structure = _track(structure, chosen, x, now, complete & learn & calm)
    return structure, view, row


def _open(s, structure, held, wants, current, x):
    """Open one context for the lane that asks; never one that a lane is in."""
    mine, anyone = elect(wants, jnp.zeros(()))
    busy = gather(current)
    held = jnp.where(structure["age"] > 0, held, -jnp.inf).at[busy].set(jnp.inf)
    slot = jnp.argmin(held)
    row = (jnp.arange(s.contexts) == slot) & anyone
    structure = {
        "mean": jnp.where(row[:, None], of_elected(mine, x), structure["mean"]),
        "spread": jnp.where(row[:, None], BROAD / s.beta, structure["spread"]),
        "baseline": jnp.where(row, 0.0, structure["baseline"]),
        "age": jnp.where(row, 0.0, structure["age"]),
    }
    return structure, row, slot, mine


def _track(structure, current, x, now, learning):
    """Let the contexts that lanes are in follow their inputs; moves no bit where none learns."""
    contexts = structure["age"].shape[0]
    member = (jnp.arange(contexts) == current) & learning
    weight = gather(member.astype(x.dtype)).sum(0)
    on = weight > 0
    count = jnp.maximum(weight, 1.0)

    def mean(value):
        return gather(jnp.where(member.reshape(-1, *[1] * (value.ndim - 1)), value, 0.0)).sum(
            0
        ) / count.reshape(-1, *[1] * (value.ndim - 1))

    age = structure["age"] + weight
    rate = jnp.maximum(1.0 / jnp.maximum(age, 1.0), TRACK)
    slow = jnp.minimum(rate, 0.5)[:, None]
    rows, off = on[:, None], structure["mean"]
    error = mean(x[None] - structure["mean"])
    square = mean((x[None] - structure["mean"]) ** 2)
    quick = jnp.maximum(1.0 / jnp.maximum(age, 1.0), 20 * TRACK)
    baseline = structure["baseline"] + quick * (mean(now) - structure["baseline"])
    return {
        "mean": jnp.where(rows, off + slow * error, off),
        "spread": jnp.where(
            rows, structure["spread"] + slow * (square - structure["spread"]), structure["spread"]
        ),
        "baseline": jnp.where(on, baseline, structure["baseline"]),
        "age": jnp.where(on, jnp.minimum(age, 1e7), structure["age"]),
    }
