r"""Inputs that emerge and vanish: what a unit has never met speaks neither for it nor against it.

Every synapse below counts its meetings n with its input (`sodachi.rules.meeting`); every input
keeps its own running mean μ and variance v while it is there. With ``κ = min(n, 1)``, how far the
synapse knows its input, a unit is judged by

``κ_kj (x_j − m_kj)² + (1 − κ_kj) [(x_j − μ_j)²/(1 + βv_j) + log(1 + βv_j)/β]``:

where it cannot know better it predicts what anybody would, less precisely (the predictive density
N(μ, v + 1/β) beside N(m, 1/β)). So an input that emerges changes no competition before somebody
has learned it, and a constant one never does.

Shapes: K units, D inputs, C labels. `s` is the model's `Settings`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import gather
from sodachi.core.rule import plastic, start_synapses
from sodachi.models.pools import grown
from sodachi.rules.meeting import MOST, meeting

SLOW = 0.001  # slowest rate of an input's mean and variance, per tick


class Senses(NamedTuple):
    """What every input knows of itself (D,): ticks it was there, its mean and its variance."""

    there: Any
    mean: Any
    variance: Any


def new_senses(s) -> Senses:
    """Return the senses at birth: no input has been there."""
    return Senses(*(jnp.zeros(s.inputs) for _ in Senses._fields))


def new_meetings(s, weight):
    """Return the synapses below at birth: none has met its input."""
    return start_synapses(meeting(s.track), weight)


def sensed(senses: Senses, seen, learn) -> Senses:
    """Return the senses one tick on; absent inputs, and ticks without ``learn``, move no bit.

    With r = max(SLOW, 1/n): ``μ ← μ + r(x − μ)`` and ``v ← v + r((x − μ_old)(x − μ_new) − v)``, the
    mean of all lanes.
    """
    x = observed_value(seen)
    part = jnp.where(learn & jnp.isfinite(x), share(seen), 0.0)
    weight = gather(part)
    total = weight.sum(0)
    lanes = gather(jnp.where(part > 0, x, 0.0))
    count = senses.there + total
    rate = jnp.maximum(SLOW, 1.0 / jnp.maximum(count, 1.0)) / jnp.maximum(total, 1.0)
    off = weight * (lanes - senses.mean)
    mean = senses.mean + jnp.minimum(rate, 1.0) * off.sum(0)
    square = (off * (lanes - mean)).sum(0) - total * senses.variance
    variance = jnp.maximum(senses.variance + jnp.minimum(rate, 1.0) * square, 0.0)
    new = Senses(jnp.minimum(count, MOST), mean, variance)
    fine = (total > 0) & jnp.isfinite(mean) & jnp.isfinite(variance)
    return jax.tree.map(lambda now, old: jnp.where(fine, now, old), new, senses)


def doubt(s, met, senses: Senses, seen):
    """Return the function that judges by anybody's guess where a unit has not met its input."""
    knows = jnp.minimum(met, 1.0)
    wide = s.beta * senses.variance
    off = (observed_value(seen) - senses.mean) ** 2
    guess = off / (1.0 + wide) + jnp.log1p(wide) / s.beta
    # Nobody can have met an input that has not been there: it must not count at all.
    guess = jnp.where(senses.there > 0, guess, 0.0)
    return lambda square: knows * square + (1.0 - knows) * guess[:, None]


def expected(weight, met, h):
    """Return the prediction of every input by those who know it, ``Σ h κ m / Σ h κ`` (D,)."""
    voice = jnp.minimum(met, 1.0) * h
    total = jnp.sum(voice, axis=1)
    somebody = total > 1e-6
    said = jnp.sum(voice * weight, axis=1) / jnp.where(somebody, total, 1.0)
    return jnp.where(somebody, said, weight @ h)


def follow_input(s, connection, synapses, seen, newborn, signals, now):
    """Return ``(weights, synapses)`` below one tick on, by the rule `meeting`.

    A newborn takes the whole estimate ``newborn``, but has met only what is ``seen``.
    """
    plus, settled, taught, born = signals
    lower, met = synapses
    clock, learn = now
    slot = (born.slot & born.mine).astype(plus.dtype)
    others = jnp.where(born.slot | born.mine, 0.0, plus)
    post = {
        "gain": slot + jnp.where(taught, 1.0, s.unlabelled * settled) * others,
        "lesson": slot + jnp.where(taught, others, 0.0),
        "born": slot,
    }
    known = share(seen)
    pre = {
        "activity": jnp.where(born.mine, newborn, known * observed_value(seen)),
        "share": jnp.where(born.mine, 1.0, known),
        "seen": known,
    }
    return plastic(
        meeting(s.track), connection, lower, met, post, pre,
        learn=learn, clock=clock, reduce="sum", name="input",
    )  # fmt: skip


def widened(shared, newborn):
    """Return the shared state of a mixture in the arrays of a ``newborn`` with more room.

    Inputs, labels or units may be more. What was comes first; new inputs have been met by nobody,
    and no live unit has been told a new label. Nothing else changes: a life in which the new places
    stay empty goes on as it would have.

    Examples
    --------
    >>> from sodachi.models.mixture import settling_mixture
    >>> from sodachi.observation import observe
    >>> small = settling_mixture(inputs=2, labels=2, units=3, beta=3.0, emerging=True)
    >>> large = settling_mixture(inputs=4, labels=3, units=3, beta=3.0, emerging=True)
    >>> state, _ = small.step(small.init(0), observe(small.spec, input=[0.0, 1.0], label=1))
    >>> shared = widened(state.shared, large.init(0).shared)
    >>> shared["weights"]["input"][:, 0].tolist(), shared["weights"]["label"][0].tolist()
    ([0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0])
    """
    placed = grown(lambda: newborn, shared)
    told = shared["weights"]["label"].shape[-1]
    live = (placed["structure"]["owner"] >= 0)[..., None]
    label, flat = placed["weights"]["label"], newborn["weights"]["label"]
    label = jnp.where(live, label.at[..., told:].set(0.0), flat)
    return placed | {"weights": placed["weights"] | {"label": label}}


def rescaled(shared, factor: float):
    """Return the shared state of an emerging mixture whose inputs come ``factor`` times as large.

    Units and senses keep what they know, in the new measure; competition is as if β were
    ``factor²`` as large. For inputs that are scaled by their number, when there are more of them.

    Examples
    --------
    >>> from sodachi.models.mixture import settling_mixture
    >>> from sodachi.observation import observe
    >>> net = settling_mixture(inputs=2, labels=2, units=3, beta=3.0, emerging=True)
    >>> state, _ = net.step(net.init(0), observe(net.spec, input=[0.0, 1.0], label=1))
    >>> rescaled(state.shared, 0.5)["weights"]["input"][:, 0].tolist()
    [0.0, 0.5]
    """
    lower, senses = shared["weights"]["input"] * factor, shared["senses"]
    return shared | {
        "weights": shared["weights"] | {"input": lower},
        "senses": senses._replace(mean=senses.mean * factor, variance=senses.variance * factor**2),
    }
