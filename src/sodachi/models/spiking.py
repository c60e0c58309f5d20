"""A few leaky integrate-and-fire cells whose synapses learn from the timing of spikes."""

from __future__ import annotations

from math import exp
from typing import Any, NamedTuple

import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import hold_evidence
from sodachi.core.lanes import any_lane
from sodachi.core.rule import Rule, plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.neurons.lif import LeakyIntegrateAndFire, MembraneState
from sodachi.rules.stdp import MODULATOR, SPIKE, TRACE, decayed, modulated_stdp, stdp
from sodachi.system import Spec, State, System, Variable, arguments, factory, system


class Settings(NamedTuple):
    """What the parts need (see `spiking_pair`)."""

    cells: int
    dt_ms: float
    tau_plus_ms: float
    tau_minus_ms: float
    weight_mV: float
    modulated: bool
    cell: LeakyIntegrateAndFire
    rule: Rule


@factory("spiking_pair")
def spiking_pair(
    *,
    cells: int = 2,
    dt_ms: float = 0.1,
    tau_membrane_ms: float = 20.0,
    refractory_ms: float = 2.0,
    rest_mV: float = -65.0,
    threshold_mV: float = -50.0,
    reset_mV: float = -65.0,
    resistance_megaohm: float = 10.0,
    weight_mV: float = 0.5,
    max_weight_mV: float = 1.0,
    potentiation_mV: float = 0.01,
    depression_mV: float = 0.0105,
    tau_plus_ms: float = 20.0,
    tau_minus_ms: float = 20.0,
    tau_eligibility_ms: float | None = None,
    event: bool = True,
) -> System:
    r"""Return leaky integrate-and-fire cells, all to all, with pair STDP; one tick is ``dt_ms``.

    ``τ dv/dt = (v_rest − v) + R I``; a spike reaches the other cells one tick later as a jump of
    w mV. Weights learn by `sodachi.rules.stdp`: post events, then pre events, bounded after each;
    traces decay first and take in the tick's spikes last.

    Evidence on ``current`` (nA): a drive (precision 0) or a clamp is the current that flows.
    Evidence on ``spike`` makes or forbids spikes: a clamp always, a nudge if its precision is above
    1. The energy is that of the leak, ``½ Σ (v − v_∞)²``, which the membranes descend.

    Parameters
    ----------
    cells
        Number of cells.
    tau_eligibility_ms
        None for STDP at once; else it goes into an eligibility that decays with this time constant
        and acts under the modulation ``reward`` of a later tick.
    event
        Lift only ticks with spikes; no bit depends on it.
    **others
        Units are in the names: ms, mV, MΩ; amplitudes A₊ and A₋ in mV of jump.

    Returns
    -------
    System
        Outputs: energy (mV²), residual ``max |v − v_∞|`` (mV), spike, current (nA), voltage_mV.

    Raises
    ------
    SpecError
        For sizes or time constants that are not positive, or voltages out of order.

    References
    ----------
    Lapicque (1907); Song, Miller and Abbott (2000); Izhikevich (2007) for the eligibility.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> from sodachi.system import Evidence
    >>> pair = spiking_pair()
    >>> strong = Evidence([0.0, 0.0], 0.0, [1000.0, 0.0])
    >>> state, out = pair.step(pair.init(0), observe(pair.spec, current=strong))
    >>> out["spike"].tolist()
    [1.0, 0.0]
    """
    given = dict(locals())
    for name in ("dt_ms", "tau_plus_ms", "tau_minus_ms", "max_weight_mV"):
        if not given[name] > 0:
            raise SpecError(name, "above 0", given[name])
    if cells < 1:
        raise SpecError("cells", "1 or more", cells)
    if not 0 <= weight_mV <= max_weight_mV:
        raise SpecError("weight_mV", f"within 0..{max_weight_mV}", weight_mV)
    cell = LeakyIntegrateAndFire(
        tau_membrane_ms, refractory_ms, rest_mV, threshold_mV, reset_mV, resistance_megaohm
    )
    amplitudes = (potentiation_mV, depression_mV, (0.0, max_weight_mV))
    modulated = tau_eligibility_ms is not None
    if modulated:
        if not tau_eligibility_ms > 0:
            raise SpecError("tau_eligibility_ms", "above 0, or None", tau_eligibility_ms)
        decay = exp(-dt_ms / tau_eligibility_ms)
        rule = modulated_stdp(*amplitudes, eligibility_decay=decay, event=event)
    else:
        rule = stdp(*amplitudes, event=event)
    settings = Settings(cells, dt_ms, tau_plus_ms, tau_minus_ms, weight_mV, modulated, cell, rule)
    spec = Spec(
        factory="spiking_pair",
        arguments=arguments(**given),
        observed=(Variable("current", (cells,)), Variable("spike", (cells,), "spike")),
        modulated=("reward",),
        capabilities=frozenset({"learns", "local"}),
    )
    return system(spec, lambda key: _init(settings), lambda s, o: _step(settings, s, o))


def wiring(s: Settings) -> Dense:
    """All to all, no cell to itself."""
    return Dense((s.cells,), (s.cells,), loop=False)


def _init(s: Settings) -> State:
    weight = jnp.full((s.cells, s.cells), s.weight_mV) * (1.0 - jnp.eye(s.cells))
    shared = {
        "weights": {"synapses": weight},
        "synapses": {"synapses": start_synapses(s.rule, weight)},
        "clock": new_clock(),
    }
    membrane = s.cell.rest((s.cells,))
    silent = jnp.zeros(s.cells)
    lane = {
        "activity": {**membrane._asdict(), "spike": silent},
        "traces": {"pre": silent, "post": silent},
    }
    return State(shared, lane)


def _step(s: Settings, state: State, observation):
    shared, lane = state
    weight = shared["weights"]["synapses"]
    current = hold_evidence(jnp.zeros(s.cells), observation.evidence["current"], 1.0)
    membrane, spike = _fire(s, weight, lane["activity"], current, observation.evidence["spike"])
    traces = {
        "pre": decayed(lane["traces"]["pre"], s.dt_ms, s.tau_plus_ms),
        "post": decayed(lane["traces"]["post"], s.dt_ms, s.tau_minus_ms),
    }
    weight, synapse = _learn(s, shared, observation, spike, traces)
    distance = membrane.voltage_mV - s.cell.target_mV(current)
    output = {
        "energy": 0.5 * jnp.sum(distance**2),
        "residual": jnp.max(jnp.abs(distance)),
        "spike": spike,
        "current": current,
        "voltage_mV": membrane.voltage_mV,
    }
    shared = {
        "weights": {"synapses": weight},
        "synapses": {"synapses": synapse},
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    lane = {
        "activity": {**membrane._asdict(), "spike": spike},
        "traces": {name: trace + spike for name, trace in traces.items()},
    }
    return State(shared, lane), output


def _fire(s: Settings, weight, activity: dict[str, Any], current, told):
    """Move the membranes one tick; evidence may make or forbid spikes, and is taken as it is."""
    jump = wiring(s).apply(weight, activity["spike"])
    before = MembraneState(activity["voltage_mV"], activity["refractory_ticks"])
    after, own = s.cell.step(before, current, s.dt_ms, jump)
    spike = (hold_evidence(own, told, 1.0) > 0.5).astype(own.dtype)
    # A forbidden spike leaves the voltage below threshold as if it had been reset.
    after = s.cell.fired(after, spike, s.dt_ms)
    spike = hold_evidence(spike, told, 0.0)
    return after, jnp.where(jnp.isfinite(spike), spike, 0.0)


def _learn(s: Settings, shared, observation, spike, traces):
    reward = observation.modulation["reward"]
    post = {SPIKE: spike, TRACE: traces["post"]}
    if s.modulated:  # the reward meets the eligibility, not the spikes
        post[MODULATOR] = jnp.full(s.cells, reward)
    return plastic(
        s.rule,
        wiring(s),
        shared["weights"]["synapses"],
        shared["synapses"]["synapses"],
        post,
        {SPIKE: spike, TRACE: traces["pre"]},
        learn=observation.learn,
        clock=ticks(shared["clock"]),
        modulation=1.0 if s.modulated else reward,
        name="synapses",
    )
