r"""Recall or grow: when the energy of the known world stays high, recall another or open a new one.

Each context c keeps the mean μ and spread s of every input. Its energy for an input,
``F_c = Σ_j [log(1 + (x_j − μ_cj)²/(s_cj + ε)) + ½ log(s_cj + ε)]``, is compared with its own
baseline. Which context is active belongs to a lane; what contexts know is shared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather, in_lanes, of_elected
from sodachi.models.pools import row_of

SMOOTH = 0.1  # of a lane's view of each context's energy, per tick: about two samples
FLOOR = 0.03  # ε in units of 1/beta: .01 for pixels in 0..1 at beta 3
YOUNG = 200.0  # ticks before a context's baseline is trusted
TRACK = 5e-4  # slowest rate of μ, s and baseline
BROAD = 0.3  # spread of a newborn context, in units of 1/beta


class Seen(NamedTuple):
    """One tick's input as a context judges it: values, whether all is there, whether it teaches."""

    x: Any
    complete: Any
    learns: Any


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
    """Return a lane's view at birth: context 0 is active, no energy seen yet."""
    view = {"current": jnp.zeros((), jnp.int32)}
    return view if s.contexts == 1 else view | {"energy": jnp.zeros(())}


def context_energy(s, structure, x):
    """Return ``F_c(x)`` of every context given (rows of ``structure``)."""
    floor = FLOOR / s.beta
    spread = structure["spread"] + floor
    return jnp.sum(
        jnp.log1p((x - structure["mean"]) ** 2 / spread) + 0.5 * jnp.log(spread), axis=-1
    )


def recall_or_grow(s, structure, view, held, evidence, learn, smooth: float = SMOOTH):
    """Return ``(structure, view, opened)`` after one tick of recognising the world.

    If the smoothed energy of the active context exceeds its baseline by ``s.surprise``, the lane
    takes the context that fits this input best; if that one is surprised as well and the lane
    learns, one is opened: a free one, else that which holds least, by ``held() -> (contexts,)``.
    ``opened`` (contexts,) marks it, all False without one; what it held is to be let go.
    """
    if s.contexts == 1:
        return structure, view, jnp.zeros(1, bool)
    x = observed_value(evidence)
    complete = jnp.all(share(evidence) > 0.99) & jnp.all(jnp.isfinite(x))
    seen = Seen(jnp.where(complete, x, 0.0), complete, complete & learn)
    current = view["current"]
    row = row_of(structure, current)
    now, seen = _judged(context_energy(s, row, seen.x), seen)
    level = view["energy"] + smooth * (now - view["energy"])
    surprised = level - row["baseline"] > s.surprise
    lost = seen.complete & (row["age"] > YOUNG) & surprised

    def search():
        return _search(s, structure, held, current, lost, seen)

    # All contexts are asked only where the active one is lost (in lanes that cannot be skipped).
    no = jnp.zeros((), bool)
    found = Found(current, no, no, current, no)
    found = search() if in_lanes() else jax.lax.cond(lost, search, lambda: found)
    structure = _begin(s, structure, found, seen.x)
    row = row_of(structure, found.chosen)
    level = jnp.where(found.opened | found.recalled, row["baseline"], level)
    level = jnp.where(seen.complete, level, view["energy"])
    now, seen = _judged(context_energy(s, row, seen.x), seen)
    calm = found.opened | (now - row["baseline"] <= s.surprise) | (row["age"] <= YOUNG)
    learns = seen._replace(learns=seen.learns & calm)
    structure = _track(structure, found.chosen, now, learns)
    opened = (jnp.arange(structure["age"].shape[0]) == found.slot) & found.anyone
    return structure, view | {"current": found.chosen, "energy": level}, opened


def _judged(energy, seen: Seen):
    """Return the energy, and what counts as seen: not an input too far off to have an energy."""
    fine = seen.complete & jnp.isfinite(energy)
    seen = Seen(jnp.where(fine, seen.x, 0.0), fine, seen.learns & fine)
    return jnp.where(fine, energy, 0.0), seen


class Found(NamedTuple):
    """Which context a lane is in now, how it came there, and what was opened (by any lane)."""

    chosen: Any
    opened: Any
    recalled: Any
    slot: Any
    anyone: Any


def _search(s, structure, held, current, lost, seen: Seen) -> Found:
    """Ask every context; the one opened is never one that a lane is in."""
    now = context_energy(s, structure, seen.x)
    off = jnp.where(structure["age"] > 0, now - structure["baseline"], jnp.inf)
    best = jnp.argmin(off)
    known = off[best] <= s.surprise
    mine, anyone = elect(lost & ~known & seen.learns, jnp.zeros(()))
    least = jnp.where(structure["age"] > 0, held(), -jnp.inf).at[gather(current)].set(jnp.inf)
    slot, recalled = jnp.argmin(least), lost & known
    chosen = jnp.where(mine, slot, jnp.where(recalled, best, current))
    return Found(chosen.astype(jnp.int32), mine, recalled, slot.astype(jnp.int32), anyone)


def _begin(s, structure, found: Found, x):
    """Return the structure with the context that was opened, if any, as a newborn's."""
    first = of_elected(found.opened, x)
    born = {
        "mean": first,
        "spread": jnp.full(first.shape, BROAD / s.beta),
        "baseline": jnp.zeros(()),
        "age": jnp.zeros(()),
    }
    slot, yes = found.slot, found.anyone
    return {
        name: value.at[slot].set(jnp.where(yes, born[name], value[slot]))
        for name, value in structure.items()
    }


def _track(structure, current, now, seen: Seen):
    """Let the contexts that lanes are in follow their inputs; moves no bit where none learns."""
    if in_lanes():
        return _follow(structure, current, now, seen)
    row = {name: x[None] for name, x in row_of(structure, current).items()}  # only it is touched
    row = _follow(row, jnp.zeros((), jnp.int32), now, seen)
    return {name: value.at[current].set(row[name][0]) for name, value in structure.items()}


def _follow(structure, current, now, seen: Seen):
    contexts = structure["age"].shape[0]
    member = (jnp.arange(contexts) == current) & seen.learns
    weight = gather(member.astype(seen.x.dtype)).sum(0)
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
    error = mean(seen.x[None] - structure["mean"])
    square = mean((seen.x[None] - structure["mean"]) ** 2)
    quick = jnp.maximum(1.0 / jnp.maximum(age, 1.0), 20 * TRACK)
    felt = mean(jnp.broadcast_to(now, (contexts,)))
    baseline = structure["baseline"] + quick * (felt - structure["baseline"])
    return {
        "mean": jnp.where(rows, off + slow * error, off),
        "spread": jnp.where(
            rows, structure["spread"] + slow * (square - structure["spread"]), structure["spread"]
        ),
        "baseline": jnp.where(on, baseline, structure["baseline"]),
        "age": jnp.where(on, jnp.minimum(age, 1e7), structure["age"]),
    }
