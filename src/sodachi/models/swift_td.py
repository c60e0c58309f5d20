"""SwiftTD: a linear cell that predicts discounted rewards, quickly and without overshooting.

True online TD(λ) with a step size for every synapse that follows the errors of TD itself, a bound
on how much all of them together may learn, and steps that shrink where they passed it.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick, ticks
from sodachi.core.connections import Dense
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import any_lane
from sodachi.core.rule import plastic, start_synapses
from sodachi.errors import SpecError
from sodachi.rules.swift import swift
from sodachi.system import Spec, State, System, Variable, arguments, factory, system

#: What the presynaptic side remembers of one stream: z, ζ, p and z̄, three ages of h, and inputs
#: that took part.
TRACES = ("trace", "latest", "agreement", "change", "h", "h_old", "h_next", "took part")


class Settings(NamedTuple):
    """The factory's numbers (see `swift_td`)."""

    inputs: int
    discount: float
    decay: float
    rate: float
    meta_rate: float
    bound: float
    cooling: float

    @property
    def rule(self):
        """What a synapse does."""
        return swift(self.rate, self.meta_rate, self.bound, self.cooling)

    @property
    def connection(self) -> Dense:
        """All inputs onto one cell."""
        return Dense((self.inputs,), (1,))


@factory("swift_td")
def swift_td(
    *,
    inputs: int = 4,
    discount: float = 0.9,
    decay: float = 0.9,
    rate: float = 1e-3,
    meta_rate: float = 1e-2,
    bound: float = 0.1,
    cooling: float = 0.99,
) -> System:
    r"""Return a linear predictor ``V = w·x`` of ``r₁ + γ r₂ + γ² r₃ + …``, the rewards to come.

    Each tick brings the reward that followed the input before, and the next input. With
    ``δ = r + γV − V_old``, weights follow true online TD(λ) (dutch traces); step sizes follow
    `sodachi.rules.swift`; together they correct at most the part ``bound`` of an error. A tick with
    ``observation.first`` begins an episode: nothing is learned from it, and no trace goes on. A
    tick without a reward is neither learned from nor remembered.

    Parameters
    ----------
    inputs
        Length of the observed vector `input` (real); `reward` is a vector of one.
    discount, decay
        γ and λ.
    rate, meta_rate, bound, cooling
        See `sodachi.rules.swift`.

    Returns
    -------
    System
        Outputs: energy ``½δ²``, residual ``|δ|``, value ``V`` [1], reward (what V makes expect,
        ``V_old − γV``) and input.

    Raises
    ------
    SpecError
        For no input, or a discount or decay outside [0, 1].

    References
    ----------
    Javed, Sharifnassab and Sutton (2024), SwiftTD: a fast and robust algorithm for temporal
    difference learning; its authors' code, but for its clamp of small steps, which never acts.

    Examples
    --------
    >>> from sodachi.observation import observe
    >>> net = swift_td(inputs=2, rate=0.1)
    >>> state, _ = net.step(net.init(0), observe(net.spec, input=[1.0, 0.0], reward=[0.0]))
    >>> state, _ = net.step(state, observe(net.spec, input=[0.0, 1.0], reward=[1.0]))
    >>> [round(float(w), 3) for w in state.shared["weights"]["input>value"][:, 0]]
    [0.1, 0.0]
    """
    s = Settings(inputs, discount, decay, rate, meta_rate, bound, cooling)
    if type(inputs) is not int or inputs < 1:
        raise SpecError("inputs", "1 or more", inputs)
    for name in ("discount", "decay"):
        if not 0 <= getattr(s, name) <= 1:
            raise SpecError(name, "0 to 1", getattr(s, name))
    s.rule  # noqa: B018 (refuses what is out of its range)
    spec = Spec(
        factory="swift_td",
        arguments=arguments(**s._asdict()),
        observed=(Variable("input", (inputs,)), Variable("reward", (1,))),
        capabilities=frozenset({"learns", "local"}),
    )
    return system(spec, lambda key: _init(s), lambda state, o: _step(s, state, o))


def _init(s: Settings) -> State:
    w = jnp.zeros(s.connection.weights)
    shared = {
        "weights": {"input>value": w},
        "synapses": {"input>value": start_synapses(s.rule, w)},
        "clock": new_clock(),
    }
    return State(shared, {"activity": {"value": jnp.zeros(1)}} | _forgotten(s))


def _forgotten(s: Settings) -> dict:
    cell = {"moved": jnp.zeros(1), "beyond": jnp.zeros(1)}
    return {"traces": {name: jnp.zeros(s.inputs) for name in TRACES}, "cell": cell}


def _step(s: Settings, state: State, observation):
    shared, lane = state
    w, synapse = (shared[part]["input>value"] for part in ("weights", "synapses"))
    x = observed_value(observation.evidence["input"]).astype(w.dtype)
    told = observation.evidence["reward"]
    reward = jnp.where(share(told) > 0, observed_value(told), 0.0)
    value = s.connection.apply(w, x)

    first = jnp.asarray(observation.first)
    blank = _forgotten(s)
    traces, cell = (
        {name: jnp.where(first, blank[part][name], kept) for name, kept in lane[part].items()}
        for part in ("traces", "cell")
    )
    error = jnp.where(first, 0.0, reward + s.discount * value - lane["activity"]["value"])
    lives = observation.learn & jnp.all(share(told) > 0)
    lives &= jnp.all(jnp.isfinite(x)) & jnp.all(jnp.isfinite(error))

    new_w, new_synapse = plastic(
        s.rule,
        s.connection,
        w,
        synapse,
        {"error": error, **cell},
        {name: traces[name] for name in ("trace", "latest", "agreement", "took part")},
        learn=lives,
        clock=ticks(shared["clock"]),
        name="input>value",
    )
    moved = s.connection.apply(new_w - w, x)
    traces, cell = _traced(s, traces, cell, error, x, jnp.exp(new_synapse["log_step"]), moved)
    new_lane = {"activity": {"value": value}, "traces": traces, "cell": cell}
    lane = {
        part: {name: jnp.where(lives, new_lane[part][name], kept) for name, kept in old.items()}
        for part, old in lane.items()
    }
    output = {
        "energy": 0.5 * jnp.sum(error**2),
        "residual": jnp.max(jnp.abs(error)),
        "value": value,
        "reward": state.lane["activity"]["value"] - s.discount * value,
        "input": x,
    }
    shared = {
        "weights": {"input>value": new_w},
        "synapses": {"input>value": new_synapse},
        "clock": tick(shared["clock"], any_lane(observation.learn)),
    }
    return State(shared, lane), output


def _traced(s: Settings, t: dict, cell: dict, error, x, step, moved):
    """Return traces and what the cell knows, one input on.

    First the traces of what was learned just now fade; then the new input joins them.
    """
    step = step[:, 0]
    h = t["h_next"] + error * t["change"] - cell["moved"] * t["latest"]
    h_old, fade = t["h"], s.discount * s.decay
    z, p, change = (fade * t[name] for name in ("trace", "agreement", "change"))

    together, known = jnp.sum(step * x**2), jnp.sum(z * x)
    beyond = together > s.bound
    part = jnp.minimum(1.0, s.bound / jnp.where(together > 0, together, 1.0))
    latest = part * step * x
    z = z + latest * (1.0 - known)
    p = p + h_old * x
    change = change + latest * (1.0 - known - change * x)
    h_next = h - h_old * x * (z - latest) - h * latest * x
    # Where the bound was passed, what the steps' own derivatives knew is void.
    traces = {
        "trace": z,
        "latest": latest,
        "agreement": p,
        "change": jnp.where(beyond, 0.0, change),
        "h": jnp.where(beyond, 0.0, h),
        "h_old": jnp.where(beyond, 0.0, h_old),
        "h_next": jnp.where(beyond, 0.0, h_next),
        "took part": x**2,
    }
    return traces, {"moved": moved, "beyond": jnp.where(beyond, 1.0, 0.0)[None]}
