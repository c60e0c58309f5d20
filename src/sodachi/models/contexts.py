r"""Recall or grow: when the known world explains too little for too long, another is found.

Each context c keeps the mean μ and spread s of every input. Its energy for an input is what knowing
which input is which is worth, against knowing only how all inputs together are spread (μ̄, s̄):
``F_c = Σ_j [f(x_j; μ_cj, s_cj) − f(x_j; μ̄_c, s̄_c)]``,
``f(x; μ, s) = log(1 + (x − μ)²/(s + ε)) + ½ log(s + ε)``; how thick or bright an image is cancels.
In its own world the energy has a mean b_c and a deviation σ_c, both followed. Evidence that the
world is another one adds up over inputs, ``rise ← max(0, rise + (F_c − b_c)/σ_c − 1)``, the
cumulative sum of Page (1954), so that one clear input or several doubtful ones tell as much. An
input that stays is counted once. Which context is active belongs to a lane; what contexts know is
shared.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import any_lane, elect, gather, in_lanes, of_elected
from sodachi.models.pools import row_of

FLOOR = 0.03  # ε in units of 1/beta: .01 for pixels in 0..1 at beta 3
BROAD = 0.3  # spread of a newborn context, in units of 1/beta
YOUNG = 30.0  # inputs before a context's baseline is trusted
TRACK = 0.0035  # slowest rate of μ and s, per input
QUICK = 0.02  # slowest rate of the baseline and its deviation
GAP = 0.4  # another world: this part of what the context explains is gone
SURE = 1.0  # nats, the least deviation
RECENT = 8  # inputs a lane remembers, to ask all contexts about them once it is lost


class Seen(NamedTuple):
    """One tick's input as a context judges it: values, whether it is new, whether it teaches."""

    x: Any
    news: Any
    learns: Any


def new_contexts(s):
    """Return what all contexts know at birth: the first is alive, at the origin, broad."""
    if s.contexts == 1:
        return {}
    none = jnp.zeros(s.contexts)
    return {
        "mean": jnp.zeros((s.contexts, s.inputs)),
        "spread": jnp.full((s.contexts, s.inputs), BROAD / s.beta),
        "baseline": none,
        "variance": none,
        "age": none,
    }


def new_view(s):
    """Return a lane's view at birth: context 0 is active, nothing was seen, nothing doubted."""
    view = {"current": jnp.zeros((), jnp.int32)}
    if s.contexts == 1:
        return view
    return view | {
        "recent": jnp.zeros((RECENT, s.inputs)),
        "fresh": jnp.zeros((), bool),
        "rise": jnp.zeros(()),
        "over": jnp.zeros(()),
        "run": jnp.zeros(()),
    }


def context_energy(s, structure, x):
    """Return ``F_c(x)`` of every context given (rows of ``structure``)."""
    mean, spread = structure["mean"], structure["spread"]
    whole = jnp.mean(mean, -1, keepdims=True)
    broad = jnp.mean(spread + (mean - whole) ** 2, -1, keepdims=True)

    def cost(mean, spread):
        spread = spread + FLOOR / s.beta
        return jnp.log1p((x - mean) ** 2 / spread) + 0.5 * jnp.log(spread)

    return jnp.sum(cost(mean, spread) - cost(whole, broad), axis=-1)


def recall_or_grow(s, structure, view, held, evidence, learn):
    """Return ``(structure, view, opened)`` after one tick of recognising the world.

    A lane is lost once ``rise`` exceeds ``s.surprise`` and, over that time, `GAP` of what the
    active context explains is gone (else the world has only changed a little, and it stays). It
    asks all contexts about its last inputs and takes the one that fits them best; if that one too
    has lost as much and the lane learns, one is opened: a free one, else that which holds least, by
    ``held() -> (contexts,)``. ``opened`` (contexts,) marks it, all False without one; what it held
    is to be let go.
    """
    if s.contexts == 1:
        return structure, view, jnp.zeros(1, bool)
    seen, view = _look(view, evidence, learn)
    current = view["current"]
    row = row_of(structure, current)
    now, seen = _judged(s, row, seen)
    view = _doubt(s, view, row, now, seen)
    grown = row["age"] > YOUNG
    doubtful = grown & (view["rise"] > s.surprise)
    far = view["over"] > view["run"] * _bearable(row)
    lost = doubtful & far & (seen.news | seen.learns)

    def search():
        return _search(s, structure, held, view, lost, seen)

    # All contexts are asked only where a lane is lost.
    no = jnp.zeros((), bool)
    found = Found(current, no, no, jnp.zeros((), jnp.int32), no)
    found = jax.lax.cond(any_lane(lost), search, lambda: found)
    structure = _begin(s, structure, found, seen.x)
    now, seen = _judged(s, row_of(structure, found.chosen), seen)
    calm = found.opened | found.recalled | ~grown | (view["rise"] <= 0.5 * s.surprise)
    structure = _track(structure, found.chosen, now, seen._replace(learns=seen.learns & calm))
    settled = found.opened | found.recalled | (doubtful & ~far)
    zero = {name: jnp.where(settled, 0.0, view[name]) for name in ("rise", "over", "run")}
    opened = (jnp.arange(structure["age"].shape[0]) == found.slot) & found.anyone
    return structure, view | zero | {"current": found.chosen}, opened


def _look(view, evidence, learn):
    """Return what this tick shows, and the view that remembers it; an input teaches once."""
    x = observed_value(evidence)
    complete = jnp.all(share(evidence) > 0.99) & jnp.all(jnp.isfinite(x))
    x = jnp.where(complete, x, 0.0)
    news = complete & jnp.any(x != view["recent"][-1])
    fresh = news | view["fresh"]
    learns = complete & fresh & learn
    recent = jnp.concatenate([view["recent"][1:], x[None]])
    recent = jnp.where(news, recent, view["recent"])
    return Seen(x, news, learns), view | {"recent": recent, "fresh": fresh & ~learns}


def _judged(s, row, seen: Seen):
    """Return the energy, and what counts as seen: not an input too far off to have an energy."""
    now = context_energy(s, row, seen.x)
    fine = jnp.isfinite(now)
    return jnp.where(fine, now, 0.0), Seen(
        jnp.where(fine, seen.x, 0.0), seen.news & fine, seen.learns & fine
    )


def _bearable(row):
    """Return by how much the energy may rise: a part of what the context explains."""
    return jnp.maximum(-GAP * row["baseline"], SURE)


def _deviation(row):
    return jnp.sqrt(row["variance"] + SURE**2)


def _doubt(s, view, row, now, seen: Seen):
    """Return the view after the evidence of a new input that this is another world was added."""
    excess = now - row["baseline"]
    rise = jnp.maximum(view["rise"] + excess / _deviation(row) - 1.0, 0.0)
    rise = jnp.where(seen.news & (row["age"] > YOUNG), rise, view["rise"])
    going = rise > 0
    new = jnp.where(seen.news, 1.0, 0.0)
    over = jnp.where(going, view["over"] + new * excess, 0.0)
    run = jnp.where(going, view["run"] + new, 0.0)
    return view | {"rise": rise, "over": over, "run": run}


class Found(NamedTuple):
    """Which context a lane is in now, how it came there, and what was opened (by any lane)."""

    chosen: Any
    opened: Any
    recalled: Any
    slot: Any
    anyone: Any


def _search(s, structure, held, view, lost, seen: Seen) -> Found:
    """Ask every context about the last inputs; the one opened is never one that a lane is in."""
    current, known = view["current"], structure["age"] > 0
    of_run = jnp.arange(RECENT) >= RECENT - view["run"]
    energies = jax.lax.map(lambda x: context_energy(s, structure, x), view["recent"])
    off = energies - structure["baseline"]
    # The first of them may still be of the world that was: each counts as it speaks against that.
    against = jnp.where(of_run, jnp.maximum(off[:, current], 1e-6), 0.0)
    against = against / jnp.sum(against)
    off = against @ off
    off = jnp.where(known & jnp.isfinite(off), off, jnp.inf)
    best = jnp.argmin(off)
    # Of few inputs even one's own world may deviate.
    chance = jnp.sqrt(jnp.sum(against**2)) * _deviation(structure)[best]
    fits = off[best] <= _bearable(structure)[best] + chance
    mine, anyone = elect(lost & ~fits & seen.learns, jnp.zeros(()))
    least = jnp.where(known, held(), -jnp.inf).at[gather(current)].set(jnp.inf)
    slot, recalled = jnp.argmin(least), lost & fits
    chosen = jnp.where(mine, slot, jnp.where(recalled, best, current))
    return Found(chosen.astype(jnp.int32), mine, recalled, slot.astype(jnp.int32), anyone)


def _begin(s, structure, found: Found, x):
    """Return the structure with the context that was opened, if any, as a newborn's."""
    first = of_elected(found.opened, x)
    born = {name: jnp.zeros(()) for name in structure} | {
        "mean": first,
        "spread": jnp.full(first.shape, BROAD / s.beta),
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
        """The mean over the lanes that are in each context: [contexts, ...]."""
        beside = [1] * (value.ndim - 1)
        of_lanes = gather(jnp.where(member.reshape(-1, *beside), value, 0.0)).sum(0)
        return of_lanes / count.reshape(-1, *beside)

    age = structure["age"] + weight
    rate = 1.0 / jnp.maximum(age, 1.0)
    slow = jnp.minimum(jnp.maximum(rate, TRACK), 0.5)[:, None]
    quick = jnp.maximum(rate, QUICK)
    error = mean(seen.x[None] - structure["mean"])
    square = mean((seen.x[None] - structure["mean"]) ** 2)
    excess = jnp.broadcast_to(now, (contexts,)) - structure["baseline"]
    moved = {
        "mean": structure["mean"] + slow * error,
        "spread": structure["spread"] + slow * (square - structure["spread"]),
        "baseline": structure["baseline"] + quick * mean(excess),
        "variance": structure["variance"] + quick * (mean(excess**2) - structure["variance"]),
        "age": jnp.minimum(age, 1e7),
    }
    return {
        name: jnp.where(on.reshape(-1, *[1] * (x.ndim - 1)), x, structure[name])
        for name, x in moved.items()
    }
