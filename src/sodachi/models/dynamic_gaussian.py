"""The Gaussian dynamic Boltzmann machine: a real series, foreseen from delays, traces and echoes.

The next value is normal around a mean that is linear in what the machine remembers: the last values
one by one, running means of many lengths, and, if there is a reservoir, the echoes of a fixed
random recurrent net. All that learns is one layer of synapses, each by its own two cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.connections import Dense
from sodachi.core.evidence import hold_evidence, share
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.models.dynamic_memory import (
    Synapses,
    averaged,
    checked_decays,
    learned,
    newborn,
    optimised,
    pushed,
    trusted,
)
from sodachi.rules import with_bounds
from sodachi.rules.delta import delta
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

LIMIT = 1e6
WIDEST = log(1e6)  # of the deviation's logarithm, either way


class Settings(NamedTuple):
    """The factory's numbers (see `gaussian_dynamic_boltzmann_machine`)."""

    units: int
    delay: int
    trace_decays: tuple[float, ...]
    reservoir: int
    leak: float
    radius: float
    input_scale: float
    rate: float
    optimiser: str
    natural: bool
    deviation: float
    dtype: str

    @property
    def synapses(self) -> Synapses:
        """What the mean reads, and the deviation: all of them follow an error of their cell."""
        n = self.units
        rule = optimised(delta(self.rate), self.optimiser, self.rate)
        sources = {
            "lags": (self.delay - 1, n),
            "traces": (len(self.trace_decays), n),
            "reservoir": (self.reservoir,),
        }
        mean: Synapses = {"bias": (Dense((1,), (n,)), rule)}
        mean |= {name: (Dense(shape, (n,)), rule) for name, shape in sources.items() if shape[0]}
        return mean | {"log_deviation": (Dense((1,), (n,)), with_bounds(rule, -WIDEST, WIDEST))}


@factory("gaussian_dynamic_boltzmann_machine")
def gaussian_dynamic_boltzmann_machine(
    *,
    units: int = 1,
    delay: int = 3,
    trace_decays: Sequence[float] = (0.5, 0.9),
    reservoir: int = 0,
    leak: float = 0.1,
    radius: float = 0.9,
    input_scale: float = 1.0,
    rate: float = 0.01,
    optimiser: str = "sgd",
    natural: bool = True,
    deviation: float = 1.0,
    dtype: str = "float32",
) -> System:
    r"""Return a Gaussian dynamic Boltzmann machine, which learns a real series as it goes by.

    ``P(x_j[t] | past) = N(μ_j, s_j²)``, ``μ = b + Σ_{δ=1}^{d−1} W_δᵀ x[t−δ] + Σ_k V_kᵀ e_k + Aᵀψ``,
    with traces ``e_k ← λ_k e_k + (1 − λ_k) x[t]`` and, where ``reservoir`` is above 0 (then it is
    the RNN-Gaussian machine), echoes ``ψ ← (1 − ρ) ψ + ρ tanh(W_rec ψ + W_in x[t])`` of fixed
    random weights. Every tick climbs ``log P(x[t] | past)`` by ``ΔW_ij = rate · ε_j · (what i
    remembers)`` and ``Δ ln s_j = rate · ½(r_j²/s_j² − 1)``, with r = x − μ and ``ε = r``: the slope
    times s² (and ½), each cell's own natural scale; ``ε = r/s²`` and ``r²/s² − 1``, the slope
    itself, if ``natural`` is False.

    Evidence holds x, or, at a finite precision, pulls it from μ to the value as the two precisions
    say. What is absent is μ and teaches nothing: with nothing clamped the machine forecasts on.

    Parameters
    ----------
    units
        Length n of the observed variable `series` (real).
    delay
        d: the last d − 1 values are read one by one. With no traces and no reservoir this is a
        vector autoregression of order d − 1.
    trace_decays
        λ_k in [0, 1), for every cell alike.
    reservoir, leak, radius, input_scale
        Cells M, ρ in (0, 1], modulus of every eigenvalue of W_rec (which is a random rotation times
        that), and standard deviation of W_in.
    rate, optimiser
        Step size, with ``"sgd"``, ``"adam"`` or ``"adagrad"`` at every synapse for itself.
    natural
        See above.
    deviation
        s at birth; it stays within a millionth and a million.
    dtype
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    System
        Outputs: energy ``−log P(x | past)`` (nats), residual (mean ``|r|``), series (x), mean (μ)
        and deviation (s).

    Raises
    ------
    SpecError
        For sizes or a delay below 1, a λ outside [0, 1), a ρ outside (0, 1], a radius or input
        scale below 0, a deviation that is not positive, an unknown optimiser or dtype.

    References
    ----------
    Dasgupta and Osogami (2017), Nonlinear dynamic Boltzmann machines for time-series prediction,
    AAAI. The bias here is what it learned to be; echoes are read beside it and begin anew with
    every episode.

    Examples
    --------
    >>> import numpy as np
    >>> from sodachi.observation import observe
    >>> from sodachi.running import run
    >>> machine = gaussian_dynamic_boltzmann_machine(delay=3, trace_decays=(), rate=0.2)
    >>> wave = np.sin(0.3 * np.arange(3000))[:, None]
    >>> live = run(machine, emit=("series", "mean"))
    >>> state, out = live(machine.init(0), observe(machine.spec, steps=3000, series=wave))
    >>> bool(np.abs(out["mean"] - wave)[-100:].max() < 0.02)
    True
    """
    given: dict[str, Any] = dict(locals())
    for name in ("units", "delay"):
        if type(given[name]) is not int or given[name] < 1:
            raise SpecError(name, "whole, 1 or more", given[name])
    if type(reservoir) is not int or reservoir < 0:
        raise SpecError("reservoir", "a number of cells, or 0", reservoir)
    if not 0 < leak <= 1:
        raise SpecError("leak", "above 0 to 1", leak)
    for name in ("radius", "input_scale"):
        if not 0 <= given[name] < float("inf"):
            raise SpecError(name, "0 or more, finite", given[name])
    if not -WIDEST <= (log(deviation) if deviation > 0 else -float("inf")) <= WIDEST:
        raise SpecError("deviation", "from 1e-6 to 1e6", deviation)
    if dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", dtype)
    given["trace_decays"] = checked_decays("trace_decays", trace_decays)
    settings = Settings(**given)
    settings.synapses  # noqa: B018 (refuses what is out of its range)
    spec = Spec(
        factory="gaussian_dynamic_boltzmann_machine",
        arguments=arguments(**settings._asdict()),
        observed=(Variable("series", (units,), "real", dtype, LIMIT),),
        modulated=("synapses",),
        capabilities=frozenset({"learns", "local"}),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def _init(s: Settings, key) -> State:
    weights = {name: jnp.zeros(c.weights, s.dtype) for name, (c, _) in s.synapses.items()}
    weights["log_deviation"] += log(s.deviation)
    shared = newborn(s.synapses, weights) | {"clock": new_clock()}
    if s.reservoir:
        m = s.reservoir
        rotation, _ = jnp.linalg.qr(jax.random.normal(named_key(key, "recurrent"), (m, m), s.dtype))
        drawn = jax.random.normal(named_key(key, "input"), (s.units, m), s.dtype)
        shared["fixed"] = {"recurrent": s.radius * rotation, "input": s.input_scale * drawn}
    lane = {"activity": {"series": jnp.zeros(s.units, s.dtype)}, "memory": _nothing(s)}
    return State(shared, lane)


def _nothing(s: Settings) -> dict[str, Any]:
    """What a machine remembers before the first tick of an episode."""
    shapes = {
        "lags": (s.delay - 1, s.units),
        "traces": (len(s.trace_decays), s.units),
        "reservoir": (s.reservoir,),
    }
    return {name: jnp.zeros(shape, s.dtype) for name, shape in shapes.items() if shape[0]}


def _step(s: Settings, state: State, observation):
    shared, lane = state
    memory = {
        name: jnp.where(observation.first, jnp.zeros_like(kept), kept)
        for name, kept in lane["memory"].items()
    }
    known = {"bias": jnp.ones(1, s.dtype)} | memory
    weights = shared["weights"]
    mean = sum(s.synapses[name][0].apply(weights[name], pre) for name, pre in known.items())
    deviation = jnp.exp(weights["log_deviation"][0])
    seen = trusted(observation.evidence["series"], LIMIT)
    # The most likely value: N(μ, s²) is a spring to μ, and evidence another to its value.
    x = jnp.clip(hold_evidence(mean, seen, deviation**2), -LIMIT, LIMIT)

    taught = share(seen._replace(precision=seen.precision * deviation**2))
    rest = jnp.where(taught > 0, x - mean, 0.0)
    surprise = taught * ((rest / deviation) ** 2 - 1.0)
    cell = {"error": rest if s.natural else rest / deviation**2}
    post = {name: cell for name in known}
    post["log_deviation"] = {"error": 0.5 * surprise if s.natural else surprise}
    pre = {name: {"activity": now} for name, now in known.items()}
    pre["log_deviation"] = pre["bias"]
    moved = learned(
        s.synapses, shared, post, pre, observation.learn, observation.modulation["synapses"]
    )
    nats = 0.5 * ((x - mean) / deviation) ** 2 + jnp.log(deviation) + 0.5 * log(2 * jnp.pi)
    output = {
        "energy": jnp.sum(nats),
        "residual": jnp.mean(jnp.abs(x - mean)),
        "series": x,
        "mean": mean,
        "deviation": deviation,
    }
    clock = tick(shared["clock"], any_lane(observation.learn))
    lane = {"activity": {"series": x}, "memory": _remember(s, shared, memory, x)}
    return State(shared | moved | {"clock": clock}, lane), output


def _remember(s: Settings, shared, memory, x):
    new = {}
    if "lags" in memory:
        new["lags"] = pushed(memory["lags"], x)
    if "traces" in memory:
        new["traces"] = averaged(memory["traces"], s.trace_decays, x)
    if "reservoir" in memory:
        psi, fixed = memory["reservoir"], shared["fixed"]
        heard = jnp.tanh(psi @ fixed["recurrent"] + x @ fixed["input"])
        new["reservoir"] = (1.0 - s.leak) * psi + s.leak * heard
    return new
