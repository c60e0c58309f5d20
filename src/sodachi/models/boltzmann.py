"""The Boltzmann machine: binary units with symmetric couplings, loops and all.

One tick is one Gibbs sweep of the lane's units, held by whatever evidence there is (awake), and one
sweep of the shared dream chains, held by nothing. Weights move by the difference of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense, Sparse
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.core.rule import plastic
from sodachi.errors import SpecError
from sodachi.models.sweeping import boltzmann_energy, sweep
from sodachi.rules.contrastive import DREAM, WAKE, contrastive
from sodachi.system import Evidence, Spec, State, System, Variable, arguments, factory, system


class Settings(NamedTuple):
    """The factory's numbers (see `boltzmann_machine`)."""

    units: int
    couplings: Dense | Sparse
    dreams: int
    rate: float
    decay: float
    temperature: float
    scale: float


@factory("boltzmann_machine")
def boltzmann_machine(
    *,
    units: int = 8,
    couplings: str | Sequence[Sequence[int]] = "full",
    dreams: int = 1,
    rate: float = 0.01,
    decay: float = 0.0,
    temperature: float = 1.0,
    scale: float = 0.1,
) -> System:
    r"""Return a Boltzmann machine that samples and learns by Gibbs sweeps, one a tick.

    ``E(x) = −½ xᵀWx − bᵀx``, x ∈ {0, 1}ⁿ, W symmetric without self-loops. A tick visits every unit
    once, ``p(x_i = 1 | rest) = σ((Σ_j w_ij x_j + b_i + field_i)/T)``, where evidence of finite
    precision p on value v is the field ``p (v − ½) + drive`` and a clamp puts the unit on its
    value. Weights and biases learn ``⟨x_i x_j⟩ − ⟨x_i x_j⟩_dream``: awake correlations from the
    lanes, dreams from chains that run free, go on from tick to tick and belong to all lanes.

    Parameters
    ----------
    units
        Number of units n; the observed variable `units` is binary of shape (n,).
    couplings
        ``"full"``, or the coupled pairs ``[[i, j], ...]``.
    dreams
        Number of dream chains. They move only while something learns.
    rate, decay
        Step size and L2 decay of weights and biases.
    temperature
        T at birth; it lives in ``state.shared["cells"]`` and may be changed without recompiling.
    scale
        Standard deviation of the initial couplings (times 1/√fan-in).

    Returns
    -------
    System
        Outputs: energy; residual (the share of free units that changed in this sweep); units (the
        sample); probability ``p(x_i = 1 | rest)`` as each unit was visited; dreams (C, n).

    Raises
    ------
    SpecError
        For sizes below 1, a temperature that is not positive, or a pair that is no pair of units.

    References
    ----------
    Ackley, Hinton and Sejnowski (1985); persistent chains: Younes (1989), Tieleman (2008).

    Examples
    --------
    >>> import numpy as np
    >>> from sodachi.observation import observe
    >>> from sodachi.system import Evidence
    >>> machine = boltzmann_machine(units=3)
    >>> half = Evidence(np.array([1.0, 0.0, 0.0]), np.array([np.inf, 0.0, 0.0]), 0.0)
    >>> state, out = jax.jit(machine.step)(machine.init(0), observe(machine.spec, units=half))
    >>> float(out["units"][0])
    1.0
    """
    given = dict(locals())
    if not isinstance(couplings, str):
        given["couplings"] = [[int(i) for i in pair] for pair in couplings]
    for name in ("units", "dreams"):
        if given[name] < 1:
            raise SpecError(name, "1 or more", given[name])
    if not temperature > 0:
        raise SpecError("temperature", "above 0", temperature)
    settings = Settings(**{**given, "couplings": _connection(units, given["couplings"])})
    spec = Spec(
        factory="boltzmann_machine",
        arguments=arguments(**given),
        observed=(Variable("units", (units,), "binary"),),
        modulated=("couplings",),
        capabilities=frozenset({"learns", "local", "stochastic", "settles"}),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _connection(units: int, couplings) -> Dense | Sparse:
    """Both directions of every pair; a pair's two weights start and stay equal."""
    if couplings == "full":
        return Dense((units,), (units,), loop=False)
    if isinstance(couplings, str):
        raise SpecError("couplings", '"full" or pairs of units', couplings)
    partners: list[set[int]] = [set() for _ in range(units)]
    for pair in couplings:
        if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= i < units for i in pair):
            raise SpecError("couplings", f"pairs of different units in 0..{units - 1}", pair)
        partners[pair[0]].add(pair[1])
        partners[pair[1]].add(pair[0])
    width = max(1, *(len(row) for row in partners)) if units > 1 else 1
    rows = tuple((*sorted(row), *[-1] * (width - len(row))) for row in partners)
    return Sparse((units,), (units,), rows)


def _bias(s: Settings) -> Dense:
    """A bias is a coupling to a unit that is always on."""
    return Dense((1,), (s.units,))


def _init(s: Settings, key) -> State:
    shared = {
        "weights": {
            "couplings": _initial_couplings(s, named_key(key, "couplings")),
            "bias": jnp.zeros((1, s.units)),
        },
        "synapses": {"couplings": {}, "bias": {}},
        "cells": {"temperature": jnp.asarray(s.temperature, jnp.float32)},
        "dreams": _coins(named_key(key, "dreams"), (s.dreams, s.units)),
        "key": named_key(key, "dreaming"),
        "clock": new_clock(),
    }
    units = _coins(named_key(key, "units"), (s.units,))
    return State(shared, {"activity": {"units": units}, "key": named_key(key, "waking")})


def _initial_couplings(s: Settings, key):
    noise = jax.random.normal(key, (s.units, s.units))
    spread = s.scale / max(s.couplings.fan_in, 1) ** 0.5
    matrix = jnp.triu(spread * noise, 1)
    matrix = matrix + matrix.T
    if isinstance(s.couplings, Dense):
        return matrix
    index = np.asarray(s.couplings.indices)
    return jnp.where(index >= 0, jnp.take_along_axis(matrix, np.maximum(index, 0), 1), 0.0)


def _coins(key, shape):
    return jax.random.bernoulli(key, 0.5, shape).astype(jnp.float32)


def _step(s: Settings, state: State, observation):
    shared, lane = state
    weights, learn = shared["weights"], observation.learn
    temperature = shared["cells"]["temperature"]
    key, waking = jax.random.split(lane["key"])
    before, seen = lane["activity"]["units"], observation.evidence["units"]
    x, probability = sweep(s.couplings, weights, temperature, seen, before, waking)
    dreams, dreaming = _dream(s, shared, any_lane(learn))
    output = {
        "energy": boltzmann_energy(s.couplings, weights, x),
        "residual": jnp.mean(jnp.where(jnp.isinf(seen.precision), 0.0, jnp.abs(x - before))),
        "units": x,
        "probability": probability,
        "dreams": dreams,
    }
    shared = {
        **shared,
        "weights": _learn(s, shared, observation, x, dreams),
        "dreams": dreams,
        "key": dreaming,
        "clock": tick(shared["clock"], any_lane(learn)),
    }
    return State(shared, {"activity": {"units": x}, "key": key}), output


def _dream(s: Settings, shared: dict[str, Any], learning):
    """Move the dream chains one sweep, each with its own chances; nothing learns, no bit moves."""
    nothing = Evidence(*(jnp.zeros(s.units) for _ in range(3)))
    temperature = shared["cells"]["temperature"]

    def free(x, key):
        return sweep(s.couplings, shared["weights"], temperature, nothing, x, key)[0]

    def move(dreams, key):
        key, *chances = jax.random.split(key, s.dreams + 1)
        return jax.vmap(free)(dreams, jnp.stack(chances)), key

    return jax.lax.cond(learning, move, lambda *same: same, shared["dreams"], shared["key"])


def _learn(s: Settings, shared, observation, x, dreams):
    known = {WAKE: x} | {f"{DREAM} {c}": dreams[c] for c in range(s.dreams)}
    on = {name: jnp.ones(1) for name in known}
    weights, rule = shared["weights"], contrastive(s.rate, s.decay)

    def moved(name, connection, pre):
        return plastic(
            rule,
            connection,
            weights[name],
            {},
            known,
            pre,
            learn=observation.learn,
            clock=ticks(shared["clock"]),
            modulation=observation.modulation["couplings"],
            name=name,
        )[0]

    return {
        "couplings": moved("couplings", s.couplings, known),
        "bias": moved("bias", _bias(s), on),
    }
