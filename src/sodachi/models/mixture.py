"""The settling mixture: a layer of units that compete by an energy, imprinted when hungry.

Each unit k predicts the input below (``m_k``) and the label (``V_k``). Activity is carried from
tick to tick and every tick learns; there is no reset, no phase and no feedforward start, and the
answer can be read at every tick. Units are born from the input that hurt most and recycled by
utility; with several contexts the network recalls an earlier world or opens a new one.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense, backward
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import any_lane, of_elected
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.models.competition import (
    apical,
    birth_wanted,
    blend,
    competition,
    credit,
    free_energy,
    label_gains,
    recruit,
    settle,
    unit_costs,
    unit_gains,
)
from sodachi.models.contexts import new_contexts, new_view, recall_or_grow
from sodachi.models.naming import (
    Told,
    hear,
    is_news,
    new_name_view,
    new_names,
    new_naming,
    rename,
)
from sodachi.models.pools import (
    Bench,
    freed,
    grown,
    held_by,
    learning_context,
    put,
    take,
)
from sodachi.models.trust import new_trust, trust, trusted
from sodachi.rules.following import instar, outstar
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

LESIONS = ("", "random-time", "random-newborn")
STRUCTURE = (
    "structure: which unit is recycled is a minimum over the layer, and which context is active "
    "a minimum over contexts",
)


class Settings(NamedTuple):
    """The factory's numbers, handed to every part (see `settling_mixture`)."""

    inputs: int
    labels: int
    units: int
    contexts: int
    label_kind: str
    beta: float
    label_beta: float
    rate: float
    track: float
    label_rate: float
    unlabelled: float
    hunger: float
    forget: float
    reset: bool
    lesion: str
    birth_rate: float
    surprise: float
    names: int
    pool: bool


@factory("settling_mixture")
def settling_mixture(
    *,
    inputs: int = 64,
    labels: int = 10,
    units: int = 236,
    contexts: int = 1,
    label_kind: str = "categorical",
    beta: float | None = None,
    label_beta: float = 4.0,
    rate: float = 0.5,
    track: float = 0.05,
    label_rate: float = 0.3,
    unlabelled: float = 0.1,
    hunger: float = 0.4,
    forget: float = 0.999,
    reset: bool = False,
    lesion: str = "",
    birth_rate: float = 0.05,
    surprise: float = 15.0,
    names: int = 1,
    pool: bool = False,
) -> System:
    r"""Return a layer of units that settles to the free energy of a mixture, and grows.

    With κ the share of evidence on a pixel (1 clamped, 0 absent) and h = softmax(a):

    ``F = Σ_k h_k c_k + Σ_k h_k log h_k``, ``c_k = ½β Σ_j κ_j (x_j − m_kj)²``;
    each tick ``a ← a + rate·(−c − a)``, the mirror descent of F, which never raises it.
    The answer is ``Σ_k h_k V_k`` (from below alone); the input is predicted by ``Σ_k h⁺_k m_k``.
    A label reaches a unit's apical side,
    ``a⁺_k = a_k + share·log(V_k·t + .001)``, and h⁺ = softmax(a⁺) decides who learns:
    ``Δm_k = g_k κ (x − m_k)`` with ``g_k = max(track, 1/n_k) h⁺_k``, and
    ``ΔV_k = label_rate h_k (t − V_k)``.
    Without a label a unit learns by itself, ``unlabelled`` as fast, as far as it has settled.
    When hunger ``1 − answer·t`` exceeds ``hunger``, one unit is imprinted: ``m = x``, ``V = t``;
    a free one, else the least useful: ``u ← forget·u + h⁺q − h(1 − q)`` with ``q = V·t``.

    Parameters
    ----------
    inputs, labels
        Sizes of the observed variables `input` (real) and `label`.
    units, contexts
        Capacity. More than one context: units belong to the world they were born in, and
        ``surprise`` is the rise of the context energy (nats) that makes the network look for
        another.
    label_kind
        ``"categorical"``, or ``"real"`` for regression: ``q = exp(−½ label_beta |t − V|²)``.
    beta
        Precision of the prediction of the input, in 1/input²: about 1 over the squared distance at
        which two inputs should still share a unit. By default 192/inputs: 3 for 64 pixels in 0..1.
    rate
        Settling per tick, 0 < rate ≤ 1.
    reset
        On ``first``, start from the settled activity: the model's own reset form, for comparison.
    lesion
        ``"random-time"`` (births by coin, ``birth_rate``) or ``"random-newborn"`` (shuffled
        pixels): what the claims credit, removed.

    Returns
    -------
    System
        Outputs: energy, residual, label, input (estimates), hunger, births, context, live units.

    Raises
    ------
    SpecError
        For sizes below 1, a rate outside (0, 1], or an unknown kind or lesion.

    References
    ----------
    Nowlan (1991), Moraitis et al. (2022) for soft competition by an energy; imprinting and utility
    after Sutton's dynamic deep learning (2024); the combination is this project's.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = settling_mixture(inputs=2, labels=2, units=4)
    >>> state = net.init(0)
    >>> for _ in range(2):
    ...     state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], label=1))
    >>> state, out = net.step(state, observe(net.spec, input=[0.0, 1.0], learn=False))
    >>> int(out["label"].argmax())
    1
    """
    given = dict(locals())
    settings = Settings(**given)
    if beta is None:
        settings = settings._replace(beta=192.0 / max(inputs, 1))
    _check(settings)
    label = Variable("label", (labels,), "categorical" if label_kind == "categorical" else "real")
    stochastic = {"stochastic"} if lesion else set()
    spec = Spec(
        factory="settling_mixture",
        arguments=arguments(**given),
        observed=(Variable("input", (inputs,)), label),
        capabilities=frozenset({"learns", "local", "settles", "grows"} | stochastic),
        exceptions=STRUCTURE,
    )
    return system(
        spec,
        lambda key: _init(settings, key),
        lambda state, o: _step(settings, state, o),
        (lambda state: _grow(settings, state)) if pool else None,
    )


def _check(s: Settings) -> None:
    for name in ("inputs", "labels", "units", "contexts", "names"):
        if getattr(s, name) < 1:
            raise SpecError(name, "1 or more", getattr(s, name))
    if not 0 < s.rate <= 1:
        raise SpecError("rate", "0 < rate <= 1", s.rate)
    if s.label_kind not in ("categorical", "real"):
        raise SpecError("label_kind", "categorical or real", s.label_kind)
    if s.names > 1 and s.label_kind != "categorical":
        raise SpecError("names", "1 for a label that is not categorical", s.names)
    if s.pool and s.contexts < 2:
        raise SpecError("contexts", "2 or more for pools of their own", s.contexts)
    if s.lesion not in LESIONS:
        raise SpecError("lesion", f"one of {LESIONS}", s.lesion)


def below(s: Settings) -> Dense:
    """The connection between the input and the units; feedback runs backward through it."""
    return Dense((s.inputs,), (s.units,))


def above(s: Settings) -> Dense:
    """The connection by which units predict the label."""
    return Dense((s.units,), (s.labels,))


def _init(s: Settings, key) -> State:
    flat = 1.0 / s.labels if s.label_kind == "categorical" else 0.0
    pools = (s.contexts,) if s.pool else ()
    everybody = (*pools, s.units)
    shared = {
        "weights": {
            "input": jnp.zeros((*pools, s.inputs, s.units)),
            "label": jnp.full((*pools, s.units, s.labels), flat),
        },
        "synapses": {"input": {}, "label": {}},
        "cells": {"count": jnp.ones(everybody), "utility": jnp.zeros(everybody)},
        "structure": {"owner": jnp.full(everybody, -1, jnp.int32), **new_contexts(s)},
        "clock": new_clock(),
    }
    activity = {"input": jnp.zeros(s.inputs), "label": jnp.full(s.labels, flat)}
    view = new_view(s)
    if s.names > 1:
        shared["weights"]["names"] = new_names(s)
        shared["synapses"]["names"] = {}
        shared["naming"] = new_naming(s)
        shared["cells"] |= new_trust(everybody)
        view["names"] = new_name_view(s)
    lane = {"activity": {"units": jnp.zeros(s.units), **activity}, "view": view, "key": key}
    return State(shared, lane)


def _grow(s: Settings, state: State) -> State:
    """Double the contexts that fit, each with a pool of its own; nothing else changes."""
    contexts = state.shared["structure"]["age"].shape[0]
    blank = _init(s._replace(contexts=2 * contexts), jax.random.key(0))
    return State(grown(state.shared, blank.shared), state.lane)


def _step(s: Settings, state: State, observation):
    shared, lane = state
    seen, told = observation.evidence["input"], observation.evidence["label"]
    learn, clock = observation.learn, ticks(shared["clock"])
    key, coin = split_if(s.lesion, lane["key"])

    # Which world is this? Its units are on the bench.
    owner = shared["structure"]["owner"]
    known = {name: x for name, x in shared["structure"].items() if name != "owner"}
    known, view, opened = recall_or_grow(
        s, known, lane["view"], lambda: held_by(s, owner), seen, learn
    )
    owner = freed(s, owner, opened)
    current = view["current"]
    leading, learn = learning_context(s, current, learn)
    bench = take(s, shared, owner, current)
    member = bench.owner == current

    # Settle: one tick toward the costs, from wherever activity stands.
    cost = unit_costs(s, bench.lower, seen)
    a = lane["activity"]["units"]
    if s.pool:
        # Other units: their activity begins at rest.
        a = jnp.where(current == lane["view"]["current"], a, 0.0)
    a = settle(s, a, cost, observation.first)
    h = competition(a, member)
    concept = answer = above(s).apply(bench.upper, h)
    meaning, heard = told, None
    if s.names > 1:
        heard = hear(s, shared, lane, concept, told)
        answer, meaning = heard.answer, heard.meaning
    match, quality, hungry = apical(s, bench.upper, meaning, concept)
    plus = competition(a + match, member)
    guess = backward(below(s), bench.lower, plus)
    estimate = {"input": blend(seen, guess), "label": blend(told, answer)}

    # Hunger, and who is born of it; then everyone learns.
    if s.pool:
        bench = take(s, shared, owner, leading)
    taught = learn & (share(told).max() > 0)
    wants = taught & birth_wanted(s, hungry, coin) & (share(meaning).max() > 0)
    born = recruit(s, bench, current, wants, hungry)
    settled = jnp.exp(-2.0 * jnp.abs(cost + a))
    gain = unit_gains(s, bench.cells["count"], plus, settled, taught, learn, born)
    taken = seen, meaning, estimate["input"]
    lower, upper = _learn(s, bench, (clock, learn), taken, (h, gain, born), coin)
    cells = credit(s, bench.cells, member, (h, plus, quality), taught, born)
    weights, naming = {}, {}
    if heard is not None:
        told_now = Told(taught & heard.fine, is_news(lane["activity"], seen, told), meaning)
        cells |= trusted(bench.cells, h, cost, quality, told_now, born)
        fault = trust(bench.cells, h, cost)
        weights["names"], naming["naming"], view["names"] = rename(
            s, shared, lane, concept, told, heard, told_now, fault
        )
    owned = jnp.where(born.slot, of_elected(born.mine, current), bench.owner)
    everybody = put(s, shared, owner, leading, Bench(lower, upper, cells, owned))

    shared = {
        "weights": {"input": everybody.lower, "label": everybody.upper, **weights},
        "synapses": shared["synapses"],
        "cells": everybody.cells,
        "structure": {"owner": everybody.owner, **known},
        "clock": tick(shared["clock"], any_lane(observation.learn)),
        **naming,
    }
    a = jnp.where(born.slot & (current == leading), 0.0, a)
    lane = {"activity": {"units": a, **estimate}, "view": view, "key": key}
    output = {
        "energy": free_energy(h, cost),
        "residual": jnp.max(jnp.where(member, h * jnp.abs(cost + a), 0.0)),
        "label": answer,
        "input": estimate["input"],
        "hunger": hungry,
        "birth": born.mine,
        "context": current,
        "live": jnp.sum(owned >= 0),
    }
    return State(shared, lane), output


def split_if(stochastic, key):
    """Split the lane's key only where chance is used: a split costs as much as the settling."""
    return jax.random.split(key) if stochastic else (key, key)


def _learn(s: Settings, bench: Bench, now, evidence, signals, coin):
    """Move both sets of weights by their local rules (an imprint is the same rule at rate 1)."""
    h, gain, born = signals
    seen, meaning, newborn = evidence
    pixels, known = share(seen) * observed_value(seen), share(seen)
    if s.lesion == "random-newborn":
        newborn = jax.random.permutation(coin, newborn)
    pre = {
        "activity": jnp.where(born.mine, newborn, pixels),
        "share": jnp.where(born.mine, 1.0, known),
    }
    common = {"clock": now[0], "learn": now[1], "reduce": "sum"}
    lower, _ = plastic(
        instar(), below(s), bench.lower, {}, {"gain": gain}, pre, name="input", **common
    )
    post = {"activity": share(meaning) * observed_value(meaning), "share": share(meaning)}
    out = label_gains(s, h, born)
    upper, _ = plastic(
        outstar(), above(s), bench.upper, {}, post, {"gain": out}, name="label", **common
    )
    return lower, upper
