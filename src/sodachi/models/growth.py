"""Structure inside capacity: who is born when hunger is high, and who makes room.

Which slot is taken is a minimum over the layer, which no synapse could know: a declared exception
to locality. Everything here is decided once for all lanes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.given import is_on
from sodachi.core.lanes import any_lane, elect, gather, of_elected
from sodachi.models.grid import NOBODY, Wiring, hear, used, utility


class Birth(NamedTuple):
    """A birth this tick: ``unit`` (U,) marks the newborn, ``mine`` the lane that gave it.

    ``cut`` (U, T) marks terminals that lost their node, ``node`` (1 + D + U,) the node reused.
    """

    unit: Any
    mine: Any
    cut: Any
    node: Any


def decide(s, shared, nodes, cost, taught, key, kept: Any = False, unheard: Any = False):
    """Return ``(wiring, birth)`` after this tick: at most one unit is born, in one lane's image.

    A lane asks when it is taught, its cost exceeds ``s.hunger`` and what is usual, and the last
    birth lies ``s.patience`` ticks back. The newborn takes a free slot, else that of the least
    useful unit which is old enough, holds less than ``s.idle`` of the mean utility, is not ``kept``
    (U,), and which no live unit uses. It listens to nobody who is ``unheard`` (U,).
    """
    wiring, cells = Wiring(**shared["structure"]), shared["cells"]
    weights = shared["weights"]
    rested = cells["since_birth"] >= s.patience
    hungry = rested & (cost > s.hunger) & (cost > cells["cost"])
    if s.lesion == "random-time":
        # As rare as births may be at most, so that hunger chooses the moment and not how many.
        hungry = jax.random.uniform(jax.random.fold_in(key, 4)) * (1 + s.patience) < 1
    wants = taught & jnp.isfinite(cost) & hungry
    mine, anyone = elect(wants, cost)
    drawn = None
    if s.lesion == "random-utility":
        lots = jax.random.uniform(jax.random.fold_in(key, 2), wiring.live.shape)
        drawn = of_elected(mine, lots)
    swing = cells["swing"] if is_on(s.swing) else 1.0
    replaced = jax.lax.cond(
        anyone & jnp.all(wiring.live),
        lambda: replaceable(s, weights, wiring, cells["age"], kept, drawn, swing)[0],
        lambda: jnp.zeros_like(wiring.live),
    )
    free = ~wiring.live | replaced
    slot = jnp.argmax(free)
    unit = (jnp.arange(free.shape[0]) == slot) & free & anyone
    node = jnp.concatenate([jnp.zeros(nodes.shape[0] - unit.shape[0], bool), unit])
    cut = node[jnp.maximum(wiring.source, 0)] & (wiring.source >= 0) & ~unit[:, None]
    heard = wiring.live & ~jnp.asarray(unheard)
    row = of_elected(mine, choose_sources(s, heard, nodes, slot, key))
    source = jnp.where(unit[:, None], row, jnp.where(cut, NOBODY, wiring.source))
    return Wiring(source, wiring.live | unit), Birth(unit, mine, cut, node)


def replaceable(
    s, weights, wiring: Wiring, age, kept: Any = False, worth: Any = None, swing: Any = 1.0
):
    """Return ``(mask, utility)``: at most one unit that may make room, the least useful of them.

    A given ``worth`` (U,) takes the place of utility, for which nodes ``swing`` (1 + D + U,).
    """
    out = weights["output"]
    first = out.shape[0] - age.shape[0]
    if worth is None:
        worth = utility(s.levels, weights["units"], wiring, out, s.passed, swing)[1][first:]
    in_use = used(weights["units"], wiring, out.shape[0], s.negligible)[first:]
    mean = jnp.sum(jnp.where(wiring.live, worth, 0.0)) / jnp.maximum(jnp.sum(wiring.live), 1)
    able = wiring.live & ~in_use & ~jnp.asarray(kept) & (age >= s.maturity)
    able &= worth < s.idle * mean
    worst = jnp.argmin(jnp.where(able, worth, jnp.inf))
    return (jnp.arange(age.shape[0]) == worst) & able, worth


def choose_sources(s, heard, nodes, slot, key):
    """Return a newborn's terminals: the constant, then inputs and earlier units that are ``heard``.

    Drawn without replacement in proportion to their activity (Gumbel top-k); where zeros are
    imprinted too, all alike. ``s.spare`` terminals stay free.
    """
    first = nodes.shape[0] - heard.shape[0]
    level = jnp.arange(heard.shape[0]) % s.levels
    earlier = heard & (level < slot % s.levels)
    candidate = jnp.concatenate([jnp.ones(first, bool).at[0].set(False), earlier])
    lively = 0.0 if is_on(s.zeros) else jnp.log(jnp.abs(nodes) + 1e-3)
    lot = lively + jax.random.gumbel(key, nodes.shape, nodes.dtype)
    score, chosen = jax.lax.top_k(jnp.where(candidate, lot, -jnp.inf), s.fan_in)
    chosen = jnp.where(score > -jnp.inf, chosen, NOBODY).astype(jnp.int32)
    free = jnp.full(s.spare, NOBODY, jnp.int32)
    return jnp.concatenate([jnp.zeros(1, jnp.int32), chosen, free])


def imprint(s, nodes, source):
    """Return the weights with which a unit would be made for this very input (U, T).

    ``w = x/|x|²`` and the bias −margin: it answers 1 − margin now, and less for whatever is less
    like it. The margin is relative to the drive, since an absolute one leaves units too sharp.
    A source that is silent now gets ``−s.zeros`` times the mean of the others, so that it speaks
    against whatever has more in it than this input.
    """
    heard = hear(nodes, source).at[:, 0].set(0.0)
    power = jnp.sum(heard**2, axis=1, keepdims=True)
    loud = heard != 0
    mean = jnp.sum(jnp.abs(heard), axis=1, keepdims=True) / jnp.maximum(
        jnp.sum(loud, axis=1, keepdims=True), 1
    )
    silent = (source > 0) & ~loud
    pattern = jnp.where(silent, -s.zeros * mean, heard)
    return (
        jnp.where(power > 0, pattern / jnp.where(power > 0, power, 1.0), 0.0)
        .at[:, 0]
        .set(-s.margin)
    )


def scattered(pattern, source, key):
    """Return weights drawn at random in place of an imprint's: the same norm, the same bias."""
    drawn = jnp.where(source > 0, jax.random.normal(key, pattern.shape, pattern.dtype), 0.0)
    drawn = drawn.at[:, 0].set(0.0)
    norm = jnp.linalg.norm(pattern.at[:, 0].set(0.0), axis=1, keepdims=True)
    size = jnp.linalg.norm(drawn, axis=1, keepdims=True)
    drawn = jnp.where(size > 0, drawn * norm / jnp.where(size > 0, size, 1.0), 0.0)
    return drawn.at[:, 0].set(pattern[:, 0])


def aged(s, cells, birth: Birth, nodes, cost, taught, learn):
    """Return the slow cell state one tick on; without a lane that learns no bit moves.

    With ``s.swing`` every node's mean activity, and how far it lies from it, are followed.
    """
    learning, born = any_lane(learn), jnp.any(birth.unit)
    fed = gather(taught & jnp.isfinite(cost))
    mean = jnp.sum(jnp.where(fed, gather(cost), 0.0)) / jnp.maximum(jnp.sum(fed), 1)
    usual = cells["cost"] + s.usual * (mean - cells["cost"])
    age = jnp.where(birth.unit, 0, jnp.minimum(cells["age"] + 1, 2**30))
    since = jnp.where(born, 0, jnp.minimum(cells["since_birth"] + 1, 2**30))
    swings = _swung(s, cells, birth, nodes, learn) if is_on(s.swing) else {}
    return swings | {
        "cost": jnp.where(jnp.any(fed) & jnp.isfinite(usual), usual, cells["cost"]),
        "age": jnp.where(learning, age, cells["age"]),
        "since_birth": jnp.where(learning, since, cells["since_birth"]),
    }


def _swung(s, cells, birth: Birth, nodes, learn):
    """``m ← m + s (x − m)`` and ``swing ← swing + s (|x − m| − swing)``, over lanes that learn."""
    fed = learn & jnp.all(jnp.isfinite(nodes))
    every = gather(fed)
    count = jnp.maximum(jnp.sum(every), 1)

    def followed(old, now):
        seen = gather(jnp.where(fed, now, 0.0)).sum(0) / count
        new = jnp.where(birth.node, 0.0, old + s.swing * (seen - old))
        return jnp.where(jnp.any(every), new, old)

    off = jnp.abs(nodes - cells["mean"])
    return {"mean": followed(cells["mean"], nodes), "swing": followed(cells["swing"], off)}
