"""Two systems as one: ``pipe``, one after the other, and ``loop``, an agent and its world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.system import (
    Evidence,
    Observation,
    Spec,
    State,
    System,
    Variable,
    arguments,
    build_inner,
    factory,
    system,
)


def pipe(first: System, second: System, wire: Mapping[str, str]) -> System:
    """Return both systems in one step: outputs of the first clamp variables of the second.

    ``wire`` maps a variable of the second to an output of the first. Variables that are not wired
    stay observable; a name that both observe must mean the same. Outputs are named
    ``first.NAME`` and ``second.NAME``.

    Raises
    ------
    SpecError
        For an unknown wire, different lanes, or one name with two meanings.
    """
    _same_lanes(first, second)
    for name in wire:
        second.spec.variable(name)
    free = [v for v in second.spec.observed if v.name not in wire]
    spec = _joint("pipe", first, second, list(first.spec.observed) + free, wire=dict(wire))

    def init(key):
        return _join(first.init(_part(key, 0)), second.init(_part(key, 1)))

    def step(state, observation):
        a, b = _split(state)
        a, output = first.step(a, _select(first.spec, observation, {}))
        wired = {n: _clamp(second.spec.variable(n), _output(output, k)) for n, k in wire.items()}
        b, after = second.step(b, _select(second.spec, observation, wired))
        return _join(a, b), _named("first", output) | _named("second", after)

    return system(spec, init, step)


def loop(
    agent: System,
    world: System,
    *,
    sense: Mapping[str, str],
    act: Mapping[str, str],
    reward: Mapping[str, str] | None = None,
    first: str | None = None,
) -> System:
    """Return the agent living in its world, which resets itself.

    Each step the agent observes what the world put out last (absent at birth), and the world
    observes the agent's action. ``sense`` maps agent variables to world outputs, ``act`` world
    variables to agent outputs, ``reward`` agent modulations to world outputs; ``first`` names the
    world output that marks a new episode. Outputs are named ``agent.NAME`` and ``world.NAME``.

    Raises
    ------
    SpecError
        For an unknown wire, different lanes, or one name with two meanings.
    """
    _same_lanes(agent, world)
    reward = dict(reward or {})
    for name in sense:
        agent.spec.variable(name)
    for name in act:
        world.spec.variable(name)
    for name in reward:
        if name not in agent.spec.modulated:
            raise SpecError("reward", f"one of {agent.spec.modulated}", name)
    free = [v for v in agent.spec.observed if v.name not in sense]
    free += [v for v in world.spec.observed if v.name not in act]
    spec = _joint(
        "loop", agent, world, free, sense=dict(sense), act=dict(act), reward=reward, first=first
    )
    lead = agent.spec.lanes
    blank = {n: _absent(agent.spec.variable(n), lead) for n in sense}

    def init(key):
        state = _join(agent.init(_part(key, 0)), world.init(_part(key, 1)))
        rewards = {n: jnp.ones(lead) for n in reward}
        return State(state.shared, (*state.lane, blank, rewards, jnp.ones(lead, bool)))

    def step(state, observation):
        percept, rewards, fresh = state.lane[2:]
        a, w = _split(State(state.shared, state.lane[:2]))
        seen = _select(agent.spec, observation, percept, rewards)
        a, acted = agent.step(a, seen._replace(first=seen.first | fresh))
        actions = {n: _clamp(world.spec.variable(n), _output(acted, k)) for n, k in act.items()}
        w, out = world.step(w, _select(world.spec, observation, actions))
        percept = {n: _clamp(agent.spec.variable(n), _output(out, k)) for n, k in sense.items()}
        rewards = {n: jnp.asarray(_output(out, k), jnp.float32) for n, k in reward.items()}
        fresh = _output(out, first).astype(bool) if first else jnp.zeros(lead, bool)
        both = _join(a, w)
        lane = (*both.lane, percept, rewards, fresh)
        return State(both.shared, lane), _named("agent", acted) | _named("world", out)

    return system(spec, init, step)


# --- what both share ------------------------------------------------------------------------------


def _joint(name: str, one: System, two: System, observed: list[Variable], **extra: Any) -> Spec:
    unique: dict[str, Variable] = {}
    for variable in observed:
        if unique.setdefault(variable.name, variable) != variable:
            raise SpecError(variable.name, f"one meaning: {unique[variable.name]}", variable)
    specs = {"one": json.loads(one.spec.to_json()), "two": json.loads(two.spec.to_json())}
    return Spec(
        factory=name,
        arguments=arguments(**specs, **extra),
        observed=tuple(unique.values()),
        modulated=tuple(dict.fromkeys(one.spec.modulated + two.spec.modulated)),
        capabilities=one.spec.capabilities | two.spec.capabilities,
        exceptions=tuple(dict.fromkeys(one.spec.exceptions + two.spec.exceptions)),
        lanes=one.spec.lanes,
    )


def _same_lanes(one: System, two: System) -> None:
    if one.spec.lanes != two.spec.lanes:
        raise SpecError("lanes", f"{one.spec.lanes} on both sides", two.spec.lanes)


def _select(spec: Spec, observation: Observation, wired, rewards=None) -> Observation:
    """The part of a joint observation that one side sees."""
    evidence = {
        v.name: wired[v.name] if v.name in wired else observation.evidence[v.name]
        for v in spec.observed
    }
    rewards = rewards or {}
    modulation = {
        m: rewards[m] if m in rewards else observation.modulation[m] for m in spec.modulated
    }
    return observation._replace(evidence=evidence, modulation=modulation)


def _absent(variable: Variable, lead) -> Evidence:
    nothing = jnp.zeros((*lead, *variable.shape), variable.dtype)
    return Evidence(nothing, nothing, nothing)


def _clamp(variable: Variable, value) -> Evidence:
    value = jnp.asarray(value, variable.dtype)
    return Evidence(value, jnp.full_like(value, jnp.inf), jnp.zeros_like(value))


def _output(output, name: str):
    if name not in output:
        raise SpecError("output", f"one of {sorted(output)}", name)
    return output[name]


def _named(prefix: str, output) -> dict[str, Any]:
    return {f"{prefix}.{name}": value for name, value in output.items()}


def _part(key, i: int):
    return jax.random.fold_in(key, i)


def _join(a: State, b: State) -> State:
    return State((a.shared, b.shared), (a.lane, b.lane))


def _split(state: State) -> tuple[State, State]:
    (sa, sb), (la, lb) = state
    return State(sa, la), State(sb, lb)


factory("pipe")(lambda one, two, wire: pipe(build_inner(one), build_inner(two), wire))
factory("loop")(lambda one, two, **wires: loop(build_inner(one), build_inner(two), **wires))
