r"""Recall or grow: when the energy of the known world stays high, recall another or open a new one.

Each context c keeps the mean μ and spread s of every input. Its energy for an input,
``F_c = Σ_j [log(1 + (x_j − μ_cj)²/(s_cj + ε)) + ½ log(s_cj + ε)]``, is compared with its own
baseline. What contexts know is shared. Which one is active belongs to a lane; but where each
context has a pool of units of its own, only the active pool is computed, and all lanes are in one
world: they decide together, by the mean of what they see.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather, of_elected

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
    known = {
        "mean": jnp.zeros((s.contexts, s.inputs)),
        "spread": jnp.full((s.contexts, s.inputs), BROAD / s.beta),
        "baseline": jnp.zeros(s.contexts),
        "age": jnp.zeros(s.contexts),
    }
    return known | (_nowhere() if s.pool else {})


def new_view(s):
    """Return a lane's view at birth: context 0 is active, no energy seen yet."""
    if s.contexts == 1:
        return {"current": jnp.zeros((), jnp.int32)}
    return {} if s.pool else _nowhere()


def _nowhere():
    return {"current": jnp.zeros((), jnp.int32), "energy": jnp.zeros(())}


def context_energy(s, structure, x):
    """Return ``F_c(x)`` of every context given (rows of ``structure``)."""
    floor = FLOOR / s.beta
    spread = structure["spread"] + floor
    return jnp.sum(
        jnp.log1p((x - structure["mean"]) ** 2 / spread) + 0.5 * jnp.log(spread), axis=-1
    )


def recall_or_grow(s, structure, view, owner, evidence, learn):
    """Return ``(structure, view, owner)`` after one tick of recognising the world.

    If the smoothed energy of the active context exceeds its baseline by ``s.surprise``, the lane
    takes the context that fits this input best; if that one is surprised as well and the lane
    learns, a free context (else the smallest) is opened, and its units are set free.
    """
    if s.contexts == 1:
        return structure, view, owner
    x = observed_value(evidence)
    complete = jnp.all(share(evidence) > 0.99) & jnp.all(jnp.isfinite(x))
    seen = Seen(jnp.where(complete, x, 0.0), complete, complete & learn)
    if s.pool:
        place = {name: structure[name] for name in ("current", "energy")}
        known = {name: value for name, value in structure.items() if name not in place}
        known, place, owner = _recognise(s, known, place, owner, seen)
        return known | place, view, owner
    known, place, owner = _recognise(s, structure, view, owner, seen)
    return known, view | place, owner


def _recognise(s, structure, place, owner, seen: Seen):
    current = place["current"]
    row = {name: value[current] for name, value in structure.items()}
    now = _together(s, context_energy(s, row, seen.x), seen.complete)
    complete = jnp.any(gather(seen.complete)) if s.pool else seen.complete
    smooth = place["energy"] + SMOOTH * (now - place["energy"])
    lost = complete & (row["age"] > YOUNG) & (smooth - row["baseline"] > s.surprise)

    def search():
        return _search(s, structure, owner, current, lost, seen)

    # All contexts are asked only when the active one is lost (with lanes of their own: always).
    no = jnp.zeros((), bool)
    found = Found(current, no, no, current, no)
    found = jax.lax.cond(lost, search, lambda: found) if s.pool else search()
    structure, owner = _begin(s, structure, owner, found, seen.x)
    row = {name: value[found.chosen] for name, value in structure.items()}
    fresh = found.opened | found.recalled
    place = {
        "current": found.chosen,
        "energy": jnp.where(
            complete, jnp.where(fresh, row["baseline"], smooth), place["energy"]
        ),
    }
    now = _together(s, context_energy(s, row, seen.x), seen.complete)
    calm = found.opened | (now - row["baseline"] <= s.surprise) | (row["age"] <= YOUNG)
    learns = seen._replace(learns=seen.learns & calm)
    return _track(s, structure, found.chosen, now, learns), place, owner


def _together(s, energy, complete):
    """Return the lane's own energy; with pools, the mean over the lanes that see all."""
    if not s.pool:
        return energy
    count = jnp.maximum(gather(complete).sum(), 1)
    return gather(jnp.where(complete, energy, 0.0)).sum() / count


class Found(NamedTuple):
    """Which context a lane is in now, how it came there, and what was opened (by any lane)."""

    chosen: Any
    opened: Any
    recalled: Any
    slot: Any
    anyone: Any


def _search(s, structure, owner, current, lost, seen: Seen) -> Found:
    """Ask every context; a free one is opened, else the one with fewest units."""
    now = context_energy(s, structure, seen.x)
    if s.pool:
        now = jax.vmap(lambda e: _together(s, e, seen.complete))(now)
    off = jnp.where(structure["age"] > 0, now - structure["baseline"], jnp.inf)
    best = jnp.argmin(off)
    known = off[best] <= s.surprise
    mine, anyone = elect(lost & ~known & seen.learns, jnp.zeros(()))
    held = jnp.zeros(off.shape[0]).at[jnp.maximum(owner, 0)].add(owner >= 0)
    busy = current if s.pool else gather(current)
    slot = jnp.argmin(jnp.where(structure["age"] > 0, held, -1.0).at[busy].set(jnp.inf))
    opened, recalled = (anyone if s.pool else mine), lost & known
    chosen = jnp.where(opened, slot, jnp.where(recalled, best, current))
    return Found(chosen.astype(jnp.int32), opened, recalled, slot.astype(jnp.int32), anyone)


def _begin(s, structure, owner, found: Found, x):
    """Return the structure with the context that was opened, if any, as a newborn's."""
    first = of_elected(elect(found.opened, jnp.zeros(()))[0], x)
    born = {
        "mean": first,
        "spread": jnp.full(first.shape, BROAD / s.beta),
        "baseline": jnp.zeros(()),
        "age": jnp.zeros(()),
    }
    slot, yes = found.slot, found.anyone
    structure = {
        name: value.at[slot].set(jnp.where(yes, born[name], value[slot]))
        for name, value in structure.items()
    }
    if not s.pool:
        return structure, jnp.where((owner == slot) & yes, -1, owner)
    mine = jax.lax.dynamic_slice(owner, (slot * s.units,), (s.units,))
    mine = jnp.where(yes, -1, mine)
    return structure, jax.lax.dynamic_update_slice(owner, mine, (slot * s.units,))


def _track(s, structure, current, now, seen: Seen):
    """Let the contexts that lanes are in follow their inputs; moves no bit where none learns."""
    if s.pool:  # one row for all lanes: only that one is touched
        row = {name: value[current][None] for name, value in structure.items()}
        row = _follow(row, jnp.zeros((), jnp.int32), now, seen)
        return {name: value.at[current].set(row[name][0]) for name, value in structure.items()}
    return _follow(structure, current, now, seen)


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
