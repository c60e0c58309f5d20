r"""Namings: what a thing is, and what it is called now, learned apart.

The units say which **concept** an input is; a naming says by which label a concept goes. Where the
world renames everything and looks the same, no unit has to change: another naming is recalled, or
a new one is opened. Namings compete exactly as units do, by an energy,
``F_n = −log(Σ_i c_i N_n[i, label] + ε)``, and one of them is always blank: it knows nothing, its
energy is ``log(labels)`` whatever comes. Recall or grow needs no threshold: a new naming is born
when to know nothing explains the labels better than all that is known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.connections import Dense
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather
from sodachi.system import Evidence

SMOOTH = 0.25  # of a lane's view of each naming's energy, per label that is news
SURE = 0.01  # ε: the most that one wrong label can cost is log(1/ε)
KEEP = 0.001  # slowest rate at which a naming follows the labels
FADE = 0.9999  # of a naming's use, per taught tick


def called(s) -> Dense:
    """The connection from concepts, once for every naming, to the label."""
    return Dense((s.names * s.labels,), (s.labels,))


def new_names(s):
    """Return the weights at birth [names · labels, labels]: the first calls each by itself."""
    flat = jnp.full(((s.names - 1) * s.labels, s.labels), 1.0 / s.labels)
    return jnp.concatenate([jnp.eye(s.labels), flat])


def new_use(s):
    """Return how much each naming has been used, and how often each of its concepts."""
    return {
        "use": jnp.zeros(s.names).at[0].set(1.0),
        "blank": jnp.asarray(s.names - 1, jnp.int32),
        "named": jnp.zeros((s.names, s.labels)).at[0].set(1.0),
        "asked": jnp.ones(s.units),
        "trust": jnp.zeros(s.units),
        "usual": jnp.zeros(s.units),
    }


def new_name_view(s):
    """Return a lane's view at birth: the smoothed energy of every naming."""
    return jnp.full(s.names, blank_energy(s)).at[0].set(0.0)


def blank_energy(s):
    """What a newborn pays on average for its first ``2 · labels`` labels: half of them guessed."""
    return 0.5 * jnp.log(float(s.labels))


def blank_of(use):
    """Return which naming is blank."""
    return use["blank"]


def belief(s, use, view):
    """Return how much each naming is believed: ``softmax(−F / SMOOTH)`` over those in use."""
    blank = jnp.arange(s.names) == blank_of(use)
    energy = jnp.where(blank, blank_energy(s), view)
    logit = -energy / SMOOTH - blank * jnp.log(5.0)
    return jax.nn.softmax(jnp.where((use["use"] > 0) | blank, logit, -jnp.inf))


def tables(s, weight, use):
    """Return the namings [names, concepts, labels]; the blank one calls everything anything."""
    blank = jnp.arange(s.names) == blank_of(use)
    return jnp.where(
        blank[:, None, None], 1.0 / s.labels, weight.reshape(s.names, s.labels, s.labels)
    )


def meant(s, table, believed, t):
    """Return the concept that label ``t`` means [labels], and how sure that is.

    ``τ_i ∝ Σ_n b_n N_n[i, t]``; sure is ``(L·max τ − 1)/(L − 1)``, 0 for a blank.
    """
    means = jnp.einsum("n,nit,t->i", believed, table, t)
    means = means / jnp.maximum(means.sum(), 1e-9)
    sure = jnp.clip((s.labels * means.max() - 1.0) / (s.labels - 1.0), 0.0, 1.0)
    return jax.nn.one_hot(jnp.argmax(means), s.labels), jnp.where(sure > 0.5, 1.0, 0.0)


def hear(s, use, view, energy, believed, taught, news, weight):
    """Return ``(use, view, born)`` after one tick; ``born`` marks the naming that begins (if any).

    ``energy`` is what each naming pays for the label told. A newborn takes the blank's place, and
    the least used becomes the next blank; at most one is born a tick.
    """
    blank = blank_of(use)
    view = jnp.where(taught & news, view + SMOOTH * weight * (energy - view), view)
    wants = taught & (believed[blank] > 0.5)
    mine, anyone = elect(wants, believed[blank])
    born = (jnp.arange(s.names) == blank) & anyone
    heard = gather(jnp.where(taught, believed, 0.0)).sum(0)
    fade = jnp.where(jnp.any(gather(taught)), FADE, 1.0)
    used = jnp.where(jnp.arange(s.names) == blank, 0.0, fade * use["use"] + heard)
    used = jnp.where(born, 1.0 + heard, used)
    view = jnp.where(born, blank_energy(s), view)
    # The next blank: the least used of the others.
    following = jnp.argmin(jnp.where(born | (jnp.arange(s.names) == blank), jnp.inf, used))
    following = jnp.where(anyone, following, blank).astype(jnp.int32)
    used = jnp.where(jnp.arange(s.names) == following, 0.0, used)
    return {**use, "use": used, "blank": following}, view, born


def name_gains(s, use, believed, concept, sure, taught, born):
    """Return how far each naming's concepts follow the label [names, labels], and new counts.

    ``g_ni = b_n c_i max(KEEP, 1/(1 + count_ni))``, as far as the units are sure of the concept.
    """
    blank = jnp.arange(s.names) == blank_of(use)
    open_ = jnp.where(blank | born, 0.0, believed) * jnp.where(taught, sure, 0.0)
    share = open_[:, None] * concept[None]
    gain = share * jnp.maximum(KEEP, 1.0 / (1.0 + use["named"]))
    total = gather(gain).sum(0)
    count = jnp.minimum(use["named"] + gather(share).sum(0), 1e7)
    return gain / jnp.maximum(total, 1.0), jnp.where(born[:, None], 0.5, count)


class Call(NamedTuple):
    """How the concepts are called now: the answer, what the label told means, and what that costs.

    ``answer`` [labels]; ``meaning`` is evidence on the concepts; ``believed`` and ``energy``
    [names].
    """

    answer: Any
    meaning: Evidence
    believed: Any
    energy: Any


def call(s, weight, use, view, concept, told) -> Call:
    """Return the `Call` of a concept [labels] under every naming, weighed by belief."""
    table, believed = tables(s, weight, use), belief(s, use, view)
    answers = jnp.einsum("i,nit->nt", concept, table)
    t, known = observed_value(told), share(told)
    # A concept that a young naming has not named yet costs what it costs a blank.
    unnamed = jnp.clip(1.5 - use["named"], 0.0, 1.0) * (s.labels**-0.5 - 1.0 / s.labels)
    energy = -jnp.log(jnp.maximum(answers @ t + unnamed @ concept, 0.0) + SURE)
    means, sure = meant(s, table, believed, t)
    sure = jnp.minimum(sure * known.max(), 1.0)
    precision = jnp.where(sure >= 1.0, jnp.inf, sure / jnp.maximum(1.0 - sure, 1e-9))
    meaning = Evidence(means, jnp.broadcast_to(precision, means.shape), jnp.zeros_like(means))
    return Call(believed @ answers, meaning, believed, energy)


def is_news(activity, seen, told):
    """Return whether what is told, or what it is told of, is not what stood there a tick ago.

    A label that stays is heard once: by its second tick the units have learned it.
    """
    off = [
        jnp.max(share(e) * jnp.abs(observed_value(e) - activity[name]))
        for name, e in (("input", seen), ("label", told))
    ]
    return (off[0] > 1e-6) | (off[1] > 1e-6)


def trust(cells, h, cost):
    """Return how far an error indicts the naming and not the units: ``Σ_k h_k ρ_k [c_k usual]``."""
    return jnp.sum(h * cells["trust"] * (cost <= 2.0 * cells["usual"]))


def trusted(cells, h, cost, quality, sure, taught, news, born):
    """Return how far each unit has been right, and how often it was asked: a newborn is not yet.

    ``ρ_k ← ρ_k + (q_k − ρ_k) h_k / max(1 + asked_k, ...)``.
    """
    counts = taught & news
    asked = gather(jnp.where(counts, sure * h, 0.0)).sum(0)
    right = gather(jnp.where(counts, sure * h * quality, 0.0)).sum(0)
    n = cells["asked"] + asked
    slow = jnp.clip(n, 1.0, 20.0)
    trust = cells["trust"] + (right - asked * cells["trust"]) / slow
    won = gather(jnp.where(taught & news, h, 0.0)).sum(0)
    costs = gather(jnp.where(taught & news, h * cost, 0.0)).sum(0)
    usual = cells["usual"] + (costs - won * cells["usual"]) / slow
    return {
        "usual": jnp.where(born.slot, 0.0, usual),
        "asked": jnp.where(born.slot, 1.0, jnp.minimum(n, 1e7)),
        "trust": jnp.where(born.slot, 0.0, trust),
    }
