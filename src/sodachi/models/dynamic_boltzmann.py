"""The dynamic Boltzmann machine: binary cells whose past, through delays and traces, sets chances.

Every tick is one more layer of an endless Boltzmann machine. Given the past the cells of a tick are
independent, so nothing is sampled to learn: no dreams, no negative phase, no backward sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import evidence_field, share
from sodachi.core.lanes import any_lane
from sodachi.core.names import named_key
from sodachi.errors import ObservationError, SpecError
from sodachi.models.dynamic_binary import Settings, learn, log_odds, nothing, remember
from sodachi.models.dynamic_memory import checked_decays, newborn, trusted
from sodachi.system import Evidence, Spec, State, System, Variable, arguments, factory, system

RETROGRADE = "activity, not learning: a cell's chances read v and the traces of those it reaches"
LIMIT = 1e6


@factory("dynamic_boltzmann_machine")
def dynamic_boltzmann_machine(
    *,
    units: int = 4,
    delays: int | Sequence[Sequence[int | None]] = 1,
    trace_decays: Sequence[float] = (0.5, 0.9),
    depression_decays: Sequence[float] = (0.5,),
    rate: float = 0.01,
    optimiser: str = "sgd",
    dtype: str = "float32",
) -> System:
    r"""Return a dynamic Boltzmann machine of binary cells, which learns a series as it goes by.

    ``P(x_j[t] = 1 | past) = σ(b_j + Σ_ik u_ijk α_ijk − Σ_im v_ijm β_ijm − Σ_im v_jim γ_jim)``,

    ``α_ijk = Σ_{s ≤ t−d_ij} λ_k^{t−s−d_ij} x_i[s]``, spikes that have arrived; ``β_ijm =
    Σ_{s=t−d_ij+1}^{t−1} μ_m^{s+d_ij−t} x_i[s]``, spikes still on their way; and ``γ_ijm =
    μ_m^{d_ij} Σ_{s<t} μ_m^{t−s} x_j[s]``, what the target has done. Every tick then climbs the
    slope of ``log P(x[t] | past)``, which is exact and local: with ``ε = x − P``,

    ``Δb_j = rate · ε_j``, ``Δu_ijk = rate · ε_j α_ijk`` (long-term potentiation),
    ``Δv_ijm = −rate · (ε_j β_ijm + γ_ijm ε_i)`` (long-term depression).

    So a pair of spikes counts by its distance from the arrival: λ to a power after it, μ before.
    (The source's v, as we remember it, is this one times μ^d, with β and γ to match: there a spike
    on its way weighs more than 1, and long delays learn in leaps.)

    A cell that is clamped teaches; one that is not is drawn by its chance, and teaches nothing:
    with nothing clamped the machine goes on by itself. A clamp on another value than 0 or 1 is
    taken as absent (`binary_series` checks a series and offers to binarise).

    Parameters
    ----------
    units
        Number of cells n; the observed variable `units` is binary of shape (n,).
    delays
        d in ticks: one for all pairs, or rows ``delays[i][j]`` from cell i to cell j; None there
        means no synapse.
    trace_decays, depression_decays
        λ_k and μ_m, each in [0, 1).
    rate, optimiser
        Step size, with ``"sgd"``, ``"adam"`` or ``"adagrad"`` at every synapse for itself.
    dtype
        ``"float32"`` or ``"float64"``.

    Returns
    -------
    System
        Outputs: energy ``−log P(x | past)`` (nats), residual (mean ``|x − P|``), units (x) and
        probability (P).

    Raises
    ------
    SpecError
        For sizes or delays below 1, rows that are not n × n, a λ or μ outside [0, 1), an unknown
        optimiser or dtype.

    References
    ----------
    Osogami and Otsuka (2015), Seven neurons memorizing sequences of alphabetical images via
    spike-timing dependent plasticity, Scientific Reports 5; and Learning dynamic Boltzmann machines
    with spike-timing dependent plasticity, arXiv:1509.08634.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> machine = dynamic_boltzmann_machine(units=2, rate=0.5)
    >>> state = machine.init(0)
    >>> for t in range(60):  # the cells fire by turns
    ...     state, out = machine.step(state, observe(machine.spec, units=[t % 2, 1 - t % 2]))
    >>> bool(out["probability"][0] > 0.9), bool(out["probability"][1] < 0.1)
    (True, True)
    """
    given = dict(locals())
    if type(units) is not int or units < 1:
        raise SpecError("units", "1 or more", units)
    if dtype not in ("float32", "float64"):
        raise SpecError("dtype", "float32 or float64", dtype)
    given["delays"] = _delays(units, delays)
    for name in ("trace_decays", "depression_decays"):
        given[name] = checked_decays(name, given[name])
    settings = Settings(**given)
    settings.synapses  # noqa: B018 (refuses what is out of its range)
    spec = Spec(
        factory="dynamic_boltzmann_machine",
        arguments=arguments(**given),
        observed=(Variable("units", (units,), "binary", dtype, LIMIT),),
        modulated=("synapses",),
        capabilities=frozenset({"learns", "local", "stochastic"}),
        exceptions=(RETROGRADE,) if depression_decays else (),
    )
    return system(spec, lambda key: _init(settings, key), lambda s, o: _step(settings, s, o))


def binary_series(values, threshold: float | None = None) -> np.ndarray:
    """Return a series as zeros and ones, float32, ready to be clamped.

    With a ``threshold`` it is binarised: 1 where a value lies above it.

    Raises
    ------
    ObservationError
        For the first value that is neither 0 nor 1 (without a threshold), or not a finite number.

    Examples
    --------
    >>> binary_series([[0.2, 0.8]], threshold=0.5).tolist()
    [[0.0, 1.0]]
    >>> binary_series([[0, 1], [2, 0]])
    Traceback (most recent call last):
    ...
    sodachi.errors.ObservationError: values[1, 0]: expected 0 or 1 (or give a threshold), got 2.0
    """
    array = np.asarray(values, np.float64)
    bad = ~np.isfinite(array)
    expected = "a finite number"
    if threshold is None and not bad.any():
        bad, expected = (array != 0) & (array != 1), "0 or 1 (or give a threshold)"
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ObservationError(f"values{list(place)}", expected, float(array[place]))
    return (array > (0.5 if threshold is None else threshold)).astype(np.float32)


def _delays(units: int, delays) -> tuple[tuple[int | None, ...], ...]:
    """One delay for all, or a row for each presynaptic cell, checked."""
    rows: tuple[tuple[int | None, ...], ...]
    if isinstance(delays, int):
        rows = ((delays,) * units,) * units
    else:
        try:
            rows = tuple(tuple(row) for row in delays)
        except TypeError as error:
            raise SpecError("delays", "ticks, or rows of ticks", delays) from error
    if len(rows) != units or any(len(row) != units for row in rows):
        raise SpecError("delays", f"{units} rows of {units}", [len(row) for row in rows])
    for d in (d for row in rows for d in row):
        if d is not None and (type(d) is not int or d < 1):
            raise SpecError("delays", "whole ticks, 1 or more, or None", d)
    return rows


def _init(s: Settings, key) -> State:
    weights = {name: jnp.zeros(c.weights, s.dtype) for name, (c, _) in s.synapses.items()}
    lane = {
        "activity": {"units": jnp.zeros(s.units, s.dtype)},
        "memory": nothing(s),
        "key": named_key(key, "waking"),
    }
    return State(newborn(s.synapses, weights) | {"clock": new_clock()}, lane)


def _step(s: Settings, state: State, observation):
    shared, lane = state
    blank = nothing(s)
    memory = {n: jnp.where(observation.first, blank[n], m) for n, m in lane["memory"].items()}
    odds = log_odds(s, shared["weights"], memory)
    probability = jax.nn.sigmoid(odds)
    seen = _binary(trusted(observation.evidence["units"], LIMIT))
    key, chance = jax.random.split(lane["key"])
    drawn = jax.random.uniform(chance, odds.shape, odds.dtype)
    free = (drawn < jax.nn.sigmoid(odds + evidence_field(seen))).astype(odds.dtype)
    x = jnp.where(jnp.isinf(seen.precision), seen.value, free)

    error = share(seen) * (x - probability)
    moved = learn(s, shared, memory, error, observation)
    output = {
        "energy": jnp.sum(jax.nn.softplus(odds) - x * odds),
        "residual": jnp.mean(jnp.abs(x - probability)),
        "units": x,
        "probability": probability,
    }
    clock = tick(shared["clock"], any_lane(observation.learn))
    lane = {"activity": {"units": x}, "memory": remember(s, memory, x), "key": key}
    return State(moved | {"clock": clock}, lane), output


def _binary(seen: Evidence) -> Evidence:
    """Evidence whose clamps are on 0 or 1; any other clamp is no spike and no silence."""
    other = jnp.isinf(seen.precision) & (seen.value != 0) & (seen.value != 1)
    return seen._replace(precision=jnp.where(other, 0.0, seen.precision))
