"""The other view of a canonical network: a partially observed Markov decision process, and back.

Nothing is lost either way: a network seen as a POMDP and made a network again has the same bits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import SpecError
from sodachi.models.canonical import canonical_network
from sodachi.models.canonical_plan import Plan, Settings, Table, plan_of
from sodachi.models.decision_process import POMDP as POMDP
from sodachi.models.factors import Factors
from sodachi.models.pomdp_tables import from_tables, from_thresholds, to_tables, to_thresholds
from sodachi.system import State, System


def as_pomdp(system: System, state: State) -> POMDP:
    """Return the POMDP that a canonical network believes in; `from_pomdp` returns the network.

    Parameters
    ----------
    system, state
        A `canonical_network` (not its minibatch: hand its inner system and one lane, or None, as
        ``state.lane``) and its state.

    Raises
    ------
    SpecError
        If the system is not a canonical network.

    Examples
    --------
    >>> net = canonical_network(states=1, observations=2, prior=0.25, spread=0.0)
    >>> seen = as_pomdp(net, net.init(0))
    >>> seen.A[1][0].tolist(), [round(float(p), 6) for p in seen.D[0]]
    ([[0.5, 0.5], [0.5, 0.5]], [0.75, 0.25])
    """
    s = settings_of(system)
    plan, shared = plan_of(s), jax.tree.map(np.asarray, state.shared)
    kinds = {"count": shared["weights"]}
    for kind in next(iter(shared["synapses"].values())):
        kinds[kind] = {name: own[kind] for name, own in shared["synapses"].items()}
    found = {kind: _letters(plan, values) for kind, values in kinds.items()}
    counts = found.pop("count")
    fixed = {
        letter: to_thresholds(factors, shared["cells"][f"log_{n}_1"], shared["cells"][f"log_{n}_0"])
        for (n, factors), letter in zip(plan.thresholds, "de", strict=False)
        if not s.threshold_count
    }
    return POMDP(
        **{letter: counts.get(letter, ()) for letter in "abcde"},
        log_D=fixed.get("d", ()),
        log_E=fixed.get("e", ()),
        settings=s._asdict(),
        kept=found,
        lane=None if state.lane is None else jax.tree.map(np.asarray, state.lane),
        clock=shared["clock"],
    )


def settings_of(system: System) -> Settings:
    """Return a canonical network's numbers; `SpecError` if the system is another."""
    if system.spec.factory != "canonical_network" or system.spec.lanes:
        raise SpecError("system", "a canonical_network without lanes", system.spec.factory)
    return Settings(**json.loads(system.spec.arguments))


def _letters(plan: Plan, values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Arrays by name as tables by letter."""
    found: dict[str, Any] = {t.letter.lower(): to_tables(t, values) for t in plan.tables}
    for (name, factors), letter in zip(plan.thresholds, "de", strict=False):
        if f"{name}_on" in values:
            off = values.get(f"{name}_off")
            found[letter] = to_thresholds(
                factors, values[f"{name}_on"][0], None if off is None else off[0]
            )
    return found


def from_pomdp(pomdp: POMDP, **settings: Any) -> tuple[System, State]:
    """Return the canonical network that believes in a POMDP, and its state.

    Parameters
    ----------
    pomdp
        Taken from a network, or made by hand: counts ``a`` at least. Without settings of its own,
        what has two values becomes a binary cell, a transition has one term for each factor of the
        states, and priors that are not given are even.
    **settings
        Numbers of `canonical_network` other than the POMDP's own.

    Raises
    ------
    SpecError
        For tables whose shapes do not fit together or that are not positive and finite.

    Examples
    --------
    >>> sharp = np.array([[90.0, 10.0], [10.0, 90.0]])
    >>> net, state = from_pomdp(POMDP(a=((sharp,),), log_D=(np.log([0.5, 0.5]),)))
    >>> [round(float(p), 6) for p in as_pomdp(net, state).A[0][0][1]]
    [0.1, 0.9]
    """
    made = _sizes(pomdp) | dict(pomdp.settings) | settings
    net = canonical_network(**made)
    plan, state = plan_of(settings_of(net)), net.init(0)
    shared, dtype = dict(state.shared), made.get("dtype", "float32")
    weights = _arrays(plan, _by_letter(pomdp), dtype)
    for name, n in weights.items():
        if not bool(jnp.all(n > 0)):
            raise SpecError(name, "counts above 0 (their logarithms are weights)", float(n.min()))
    shared["weights"] = shared["weights"] | weights
    synapses = {name: dict(own) for name, own in shared["synapses"].items()}
    kept = dict(pomdp.kept)
    if "prior" in next(iter(synapses.values())):
        kept.setdefault("prior", _by_letter(pomdp))  # to which a made one falls back
    for kind, tables in kept.items():
        for name, values in _arrays(plan, tables, dtype).items():
            synapses[name][kind] = values
    shared["synapses"] = synapses
    cells = dict(shared["cells"])
    given = zip(plan.thresholds, (pomdp.log_D, pomdp.log_E), strict=False)
    for (name, factors), logs in given:
        if logs and cells:
            one, zero = from_thresholds(f"log_{name}", factors, logs)
            cells |= {f"log_{name}_1": jnp.asarray(one, dtype)}
            cells |= {f"log_{name}_0": jnp.asarray(zero, dtype)}
    shared["cells"] = cells
    if pomdp.clock is not None:
        shared["clock"] = jnp.array(pomdp.clock)
    lane = state.lane if pomdp.lane is None else jax.tree.map(jnp.array, pomdp.lane)
    return net, State(shared, lane)


def _by_letter(pomdp: POMDP) -> dict[str, Any]:
    found = {letter: getattr(pomdp, letter) for letter in "abcde"}
    return {letter: tables for letter, tables in found.items() if len(tables)}


def _sizes(pomdp: POMDP) -> dict[str, Any]:
    """The populations that tables speak of."""
    if not len(pomdp.a) or not len(pomdp.a[0]):
        raise SpecError("a", "counts of one modality and one factor or more", pomdp.a)
    sizes: dict[str, Any] = {
        "observations": _cells("a", [row[0] for row in pomdp.a], 0),
        "states": _cells("a", pomdp.a[0], 1),
    }
    if len(pomdp.b):
        sizes["transition"] = "state"
    decided = pomdp.e or pomdp.log_E
    if len(pomdp.c) or decided:
        made = _cells("c", pomdp.c[0], 1) if len(pomdp.c) else [len(e) for e in decided]
        sizes["actions"] = [1 if n == 2 else n for n in made]
        sizes["policy"] = "state" if len(pomdp.c) else None
    if len(pomdp.d):
        sizes["threshold_count"] = float(np.sum(pomdp.d[0]))
    return sizes


def _cells(name: str, tables: Sequence[Any], axis: int) -> list[int]:
    shapes = [np.shape(table) for table in tables]
    if any(len(shape) != 2 or min(shape) < 2 for shape in shapes):
        raise SpecError(name, "tables of two or more outcomes by two or more values", shapes)
    return [1 if shape[axis] == 2 else shape[axis] for shape in shapes]


def _arrays(plan: Plan, tables: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """Tables by letter as arrays by name."""
    found: dict[str, Any] = {}
    by_letter: dict[str, Table] = {t.letter.lower(): t for t in plan.tables}
    thresholds: dict[str, tuple[str, Factors]] = dict(zip("de", plan.thresholds, strict=False))
    for letter, given in tables.items():
        if letter in by_letter:
            found |= from_tables(by_letter[letter], given)
        elif letter in thresholds:
            name, factors = thresholds[letter]
            one, zero = from_thresholds(letter, factors, given)
            found |= {f"{name}_on": one[None]} | ({f"{name}_off": zero[None]} if len(zero) else {})
        elif len(given):
            raise SpecError(letter, "no such table for these settings", len(given))
    return {name: jnp.asarray(values, dtype) for name, values in found.items()}
