"""The parts of the settling mixture: competition by an energy, hunger, recruitment, credit.

Shapes: K units, D inputs, C labels. `s` is the model's `Settings`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather
from sodachi.models.pools import held_by

NEVER = -1e9  # activity of a unit that takes no part


class Born(NamedTuple):
    """A birth this tick: ``slot`` marks the unit (all False without one), ``mine`` the lane."""

    slot: Any
    mine: Any


def unit_costs(s, weight, evidence, unsure: Any = None):
    """Return ``c_k = ½β Σ_j κ_j (x_j − m_kj)² − Σ_j drive_j m_kj``; absent inputs cost nothing.

    ``unsure`` replaces the squares that a unit cannot know yet (`sodachi.models.emergence`).
    """
    known, x = share(evidence), observed_value(evidence)
    square = (x[:, None] - weight) ** 2
    square = square if unsure is None else unsure(square)
    distance = jnp.sum(known[:, None] * square, axis=0)
    cost = 0.5 * s.beta * distance - evidence.drive @ weight
    return jnp.where(jnp.isfinite(cost), cost, 0.0)


def settle(s, a, cost, first):
    """Return activity one tick on: ``a + rate·(−c − a)``, the mirror descent of F."""
    moved = a + s.rate * (-cost - a)
    if s.reset:
        moved = jnp.where(first, -cost, moved)
    return jnp.where(jnp.isfinite(moved), moved, 0.0)


def competition(a, member):
    """Return ``h = softmax(a)`` over the units that take part."""
    return jax.nn.softmax(jnp.where(member, a, NEVER))


def free_energy(h, cost):
    """Return ``F = Σ_k h_k c_k + Σ_k h_k log h_k``."""
    return jnp.sum(h * cost) + jnp.sum(jnp.where(h > 0, h * jnp.log(jnp.maximum(h, 1e-30)), 0.0))


def blend(evidence, prediction):
    """Return the estimate of a variable: its prediction, drawn to the evidence by its precision."""
    known = share(evidence)
    free = (1.0 - known) * (prediction + evidence.drive)
    estimate = jnp.where(known > 0, free + known * observed_value(evidence), free)
    return jnp.where(jnp.isfinite(estimate), estimate, prediction)


def apical(s, weight, told, answer):
    """Return what the label tells the units: log-match (K), quality q (K), and hunger.

    Categorical: ``q_k = V_k·t``, hunger ``1 − answer·t``, and the match is ``log(q + .001)``.
    Real: ``q_k = exp(−½ label_beta |t − V_k|²)`` and hunger likewise of the answer.
    """
    known, t = share(told), observed_value(told)
    if s.label_kind == "categorical":
        quality = weight @ t
        hunger = 1.0 - answer @ t
        match = jnp.log(quality + 1e-3)
    else:
        match = -0.5 * s.label_beta * jnp.sum((t - weight) ** 2, axis=1)
        quality = jnp.exp(match)
        hunger = 1.0 - jnp.exp(-0.5 * s.label_beta * jnp.sum((t - answer) ** 2))
    told_share = known.max()
    return told_share * match, quality, jnp.where(told_share > 0, hunger, 0.0)


def birth_wanted(s, hunger, coin):
    """Return whether this lane asks for a newborn: hungry or, lesioned, when the coin says so."""
    if s.lesion == "random-time":
        return jax.random.uniform(coin) < s.birth_rate
    return hunger > s.hunger


def recruit(s, bench, current, wants, hunger) -> Born:
    """Choose the slot of a newborn: free, else the least useful of the largest other context.

    With no other context on the bench, the least useful of all. Comparing units over the layer is a
    structure decision, a declared exception to locality.
    """
    mine, anyone = elect(wants, hunger)
    utility, owner = bench.cells["utility"], bench.owner
    if s.contexts == 1 or s.pool:
        score = utility
    else:
        active = gather(current)[jnp.argmax(gather(mine))]
        held = held_by(s, owner)
        others = held.at[active].set(0.0)
        donor = jnp.where(others.max() > 0, jnp.argmax(others), active)
        score = jnp.where(owner == donor, utility, jnp.inf)
    slot = jnp.argmin(jnp.where(owner < 0, -jnp.inf, score))
    return Born((jnp.arange(owner.shape[0]) == slot) & anyone, mine)


def unit_gains(s, count, activity, taught, learn, born: Born):
    """Return how far each unit's own synapses follow the input now (a newborn: all the way).

    Labelled: ``max(track, 1/n) h⁺ − contrast·track·h``. Unlabelled: ``unlabelled`` as fast, by the
    units that have settled. Gains of all lanes together never exceed 1 at a unit, nor fall below
    −1, where it is pushed away.
    """
    h, plus, settled = activity
    pace = jnp.where(taught, 1.0, s.unlabelled * settled)
    gain = pace * jnp.maximum(s.track, 1.0 / count) * plus
    if s.contrast:  # at the slow rate: a young unit leaps to what it is, not away from what not
        gain = gain - jnp.where(taught, s.contrast * s.track * h, 0.0)
    gain = jnp.where(born.slot | born.mine, 0.0, gain)
    total = gather(jnp.where(learn, gain, 0.0)).sum(0)
    return jnp.where(born.slot & born.mine, 1.0, gain / jnp.maximum(jnp.abs(total), 1.0))


def label_gains(s, h, born: Born):
    """Return how far each unit's prediction of the label follows the label told."""
    gain = jnp.where(born.slot | born.mine, 0.0, s.label_rate * h)
    total = gather(gain).sum(0)
    return jnp.where(born.slot & born.mine, 1.0, gain / jnp.maximum(total, 1.0))


def credit(s, cells, member, activity, taught, born: Born, now):
    """Return counts and utilities after this tick: ``u ← forget·u + h⁺q − h(1 − q)``.

    Utility fades only while the unit's context is active. Without a taught lane no bit moves. When
    a unit was born stays on record, in ticks of learning.
    """
    h, plus, quality = activity
    counts = taught & ~born.mine
    share_ = gather(jnp.where(counts, plus, 0.0)).sum(0)
    merit = gather(jnp.where(counts, plus * quality - h * (1.0 - quality), 0.0)).sum(0)
    active = jnp.any(gather(member & counts), axis=0)
    count = jnp.minimum(cells["count"] + share_, 1e7)
    utility = jnp.where(active, s.forget * cells["utility"] + merit, cells["utility"])
    fine = jnp.any(gather(counts)) & jnp.isfinite(utility) & jnp.isfinite(count)
    return {
        "count": jnp.where(born.slot, 1.0, jnp.where(fine, count, cells["count"])),
        "utility": jnp.where(born.slot, 1.0, jnp.where(fine, utility, cells["utility"])),
        "born": jnp.where(born.slot, now, cells["born"]),
    }
