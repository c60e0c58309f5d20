r"""Namings: what a thing is, and what it is called now, learned apart.

The units say which **concept** an input is (with one naming, the label itself); a naming says by
which label a concept goes. Where the world renames everything and looks the same, no unit has to
change: another naming is recalled, or a new one is begun. Namings compete as units do, by an
energy, ``F_n = −log(Σ_i c_i N_n[i, label] + ε)`` smoothed over the labels heard, and belief in them
is ``softmax(−F_n)``. One of them is always blank: it knows nothing, and costs whatever comes what a
newborn costs. Recall or grow needs no threshold: a new naming begins when to know nothing explains
the labels better than all that is known. An error counts against the naming only as far as the
units that made it are to be trusted (`sodachi.models.trust`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import elect, gather
from sodachi.core.rule import plastic
from sodachi.rules.following import afresh
from sodachi.system import Evidence

SMOOTH = 0.25  # of a lane's view of each naming's energy, per label that is news
SURE = 0.01  # ε: the most that one wrong label can cost is log(1/ε)
KEEP = 0.001  # slowest rate at which a naming follows the labels
FADE = 0.9999  # of a naming's use, per taught tick
SHY = 5.0  # odds against the blank


def called(s) -> Dense:
    """The connection from concepts, once for every naming, to the label."""
    return Dense((s.names * s.labels,), (s.labels,))


def new_names(s):
    """Return the weights at birth [names · labels, labels]: the first calls each by itself."""
    flat = jnp.full(((s.names - 1) * s.labels, s.labels), 1.0 / s.labels)
    return jnp.concatenate([jnp.eye(s.labels), flat])


def new_naming(s):
    """Return how much each naming is used, how often it named each concept, and which is blank."""
    return {
        "use": jnp.zeros(s.names).at[0].set(1.0),
        "named": jnp.full((s.names, s.labels), 0.5).at[0].set(1.5),
        "blank": jnp.asarray(s.names - 1, jnp.int32),
    }


def new_name_view(s):
    """Return a lane's view at birth: the smoothed energy of every naming."""
    return jnp.full(s.names, blank_energy(s)).at[0].set(0.0)


def blank_energy(s):
    """Return what a newborn pays on average for ``2 · labels`` labels: half of them are guessed."""
    return 0.5 * jnp.log(float(s.labels))


class Heard(NamedTuple):
    """What the concepts are called, and what a label told means.

    ``answer`` [labels]; ``meaning``, evidence on the concepts; ``view`` and ``believed`` [names],
    the energy of each naming and the belief in it once this label is heard; ``fine`` is False for a
    label that is no number: it means nothing and teaches nothing.
    """

    answer: Any
    meaning: Evidence
    view: Any
    believed: Any
    fine: Any


class Told(NamedTuple):
    """Of one tick: whether a label teaches, whether it is news, and what it means."""

    taught: Any
    news: Any
    meaning: Evidence


def believe(s, naming, view):
    """Return the belief in each naming: ``softmax(−F_n / SMOOTH)``, the blank among them."""
    blank = jnp.arange(s.names) == naming["blank"]
    felt = jnp.where(blank, blank_energy(s), view)
    logit = -felt / SMOOTH - blank * jnp.log(SHY)
    return jax.nn.softmax(jnp.where((naming["use"] > 0) | blank, logit, -jnp.inf))


def hear(s, shared, view, concept, told, news, trusted) -> Heard:
    """Return the answer to a ``concept`` [labels], and what the label ``told`` means.

    First a label that is ``news`` moves the energies, ``F_n ← F_n + SMOOTH trusted (e_n − F_n)``,
    as far as the units are to be trusted. Its meaning is then the concept that the namings believed
    in would call so, if one stands out. Units that are not to be trusted must not wait for that:
    where they are few and young, nobody can say which naming holds, and nothing would be born. They
    take the best guess; a concept that has no name yet is as good as any.
    """
    naming = shared["naming"]
    blank = jnp.arange(s.names) == naming["blank"]
    table = shared["weights"]["names"].reshape(s.names, s.labels, s.labels)
    table = jnp.where(blank[:, None, None], 1.0 / s.labels, table)
    answers = jnp.einsum("i,nit->nt", concept, table)
    answer = believe(s, naming, view) @ answers

    t, known = observed_value(told), share(told)
    fine = jnp.all(jnp.isfinite(t)) & jnp.all(jnp.isfinite(known))
    t, known = jnp.where(fine, t, 0.0), jnp.where(fine, known, 0.0)
    # A concept that a young naming has not named yet costs what it costs a blank.
    unnamed = jnp.clip(1.5 - naming["named"], 0.0, 1.0) * (s.labels**-0.5 - 1.0 / s.labels)
    energy = -jnp.log(jnp.maximum(answers @ t + unnamed @ concept, 0.0) + SURE)
    weight = jnp.where(news, trusted, 0.0)
    view = view + SMOOTH * weight * known.max() * (energy - view)

    believed = believe(s, naming, view)
    by_naming = believed[:, None] * (table @ t)
    means = by_naming.sum(0)
    clear = means.max() * s.labels - means.sum() > 0.5 * (s.labels - 1) * means.sum()
    guess = jnp.where(blank[:, None], 0.0, by_naming).sum(0)
    means, clear = jnp.where(trusted < 0.5, guess, means), clear | (trusted < 0.5)
    # One concept, never a blend: taught blends, the units would answer blends, and all would fade.
    value = jax.nn.one_hot(jnp.argmax(means), s.labels)
    precision = jnp.where(clear & (known.max() > 0), told.precision.max(), 0.0)
    meaning = Evidence(value, jnp.full(s.labels, precision), jnp.zeros(s.labels))
    return Heard(answer, meaning, view, believed, fine)


def is_news(activity, seen, told):
    """Return whether what is told, or what it is told of, is not what stood there a tick ago.

    A label that stays is heard once: by its second tick the units have learned it.
    """
    pairs = (("input", seen), ("label", told))
    off = [jnp.max(share(e) * jnp.abs(observed_value(e) - activity[name])) for name, e in pairs]
    return (off[0] > 1e-6) | (off[1] > 1e-6)


def rename(s, shared, concept, told, heard: Heard, now: Told):
    """Return ``(weights, naming, view)`` after one tick in which the namings learned.

    A newborn takes the blank's place, and the least used of the others becomes the next blank; at
    most one is born a tick. Its synapses begin flat, then all follow what is told:
    ``ΔN_ni = g_ni (t − N_ni)``, ``g_ni = b_n c_i max(KEEP, 1/(1 + count_ni))``.
    """
    naming, places = shared["naming"], jnp.arange(s.names)
    blank, believed = naming["blank"], heard.believed
    anyone = elect(now.taught & (believed[blank] > 0.5), believed[blank])[1]
    born = (places == blank) & anyone
    view = jnp.where(born, blank_energy(s), heard.view)

    share_ = jnp.where((places == blank) | ~now.taught, 0.0, believed)
    share_ = share_[:, None] * concept * jnp.max(concept)
    gain = share_ * jnp.maximum(KEEP, 1.0 / (1.0 + naming["named"]))
    gain = gain / jnp.maximum(gather(gain).sum(0), 1.0)
    anew = jnp.repeat(born, s.labels) / gather(jnp.ones(())).sum()
    pre = {"gain": gain.reshape(-1), "anew": anew}
    post = {"activity": share(told) * observed_value(told), "share": share(told)}
    weights, _ = plastic(
        afresh(1.0 / s.labels), called(s), shared["weights"]["names"], {}, post, pre,
        learn=now.taught, clock=ticks(shared["clock"]), reduce="sum", name="names",
    )  # fmt: skip

    heard_now = gather(jnp.where(now.taught, believed, 0.0)).sum(0)
    fade = jnp.where(jnp.any(gather(now.taught)), FADE, 1.0)
    use = jnp.where(places == blank, 0.0, fade * naming["use"] + heard_now)
    use = jnp.where(born, 1.0, use)
    following = jnp.argmin(jnp.where(places == blank, jnp.inf, use))
    following = jnp.where(anyone, following, blank).astype(jnp.int32)
    named = jnp.minimum(naming["named"] + gather(share_).sum(0), 1e7)
    naming = {
        "use": jnp.where(places == following, 0.0, use),
        "named": jnp.where(born[:, None], 0.5, named),
        "blank": following,
    }
    return weights, naming, view
