"""Online replay: whatever learns from samples learns each one together with remembered ones.

A combinator, so that a rival with a memory differs from the same net without one in nothing else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.core.clock import new_clock, tick
from sodachi.core.evidence import observed_value, share
from sodachi.core.lanes import common_key, gather, lane_index
from sodachi.core.names import named_key
from sodachi.errors import SpecError
from sodachi.system import (
    LANE,
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

KEEPS = ("recent", "reservoir")
EXCEPTION = "a memory of samples, of which some are drawn at every lesson: no synapses"
SEEN = 2**30  # the count of samples stands still here, long after the reservoir does


def replay(inner: System, capacity: int, repeats: int = 1, keep: str = "reservoir") -> System:
    r"""Return the system with a memory of samples that it learns from again, online.

    A sample is whole where every observed variable is clamped and ``learn`` holds. Whenever a lane
    brings one, the inner system takes **one** step on a minibatch: the new sample and ``repeats``
    drawn from the memory, each stored one alike, with replacement. Then the new one is stored, as

    - ``"recent"``: in place of the oldest;
    - ``"reservoir"``: sample number n > capacity, with probability capacity/n, in place of one
      drawn: at any time the memory is a uniform draw from the whole life.

    At all other ticks the inner system lives alone. The memory is shared by all lanes; it costs
    ``capacity`` times the size of a sample, a categorical variable being one number.

    Parameters
    ----------
    inner
        A system without lanes that answers and learns in one tick (`backprop_net` and its like).
    capacity, repeats
        Samples remembered, and drawn for each new one.
    keep
        ``"recent"`` or ``"reservoir"``.

    Returns
    -------
    System
        Outputs of the inner system for the new sample.

    Raises
    ------
    SpecError
        For sizes below 1, an unknown ``keep``, and an inner system that has lanes, settles or
        does not learn.

    References
    ----------
    Lin (1992), experience replay; Vitter (1985), Algorithm R; Chaudhry et al. (2019), On tiny
    episodic memories in continual learning.

    Examples
    --------
    >>> from sodachi.models.backprop import backprop_net
    >>> from sodachi.observation import observe
    >>> net = replay(backprop_net(layers=(2, 8, 2), rate=0.05), capacity=4, repeats=2)
    >>> state = net.init(0)
    >>> for x, y in [([0.0, 1.0], 1), ([1.0, 0.0], 0)] * 8:
    ...     state, out = net.step(state, observe(net.spec, input=x, label=y))
    >>> int(net.step(state, observe(net.spec, input=[0.0, 1.0]))[1]["label"].argmax())
    1
    """
    for name, size in (("capacity", capacity), ("repeats", repeats)):
        if type(size) is not int or size < 1:
            raise SpecError(name, "a positive integer", size)
    if keep not in KEEPS:
        raise SpecError("keep", f"one of {KEEPS}", keep)
    if inner.spec.lanes or "settles" in inner.spec.capabilities:
        raise SpecError("inner", "no lanes, and an answer in one tick", inner.spec.factory)
    if "learns" not in inner.spec.capabilities or not inner.spec.observed:
        raise SpecError("inner", "a system that learns what it observes", inner.spec.factory)
    inside = json.loads(inner.spec.to_json())
    spec = replace(
        inner.spec,
        factory="replay",
        arguments=arguments(inner=inside, capacity=capacity, repeats=repeats, keep=keep),
        capabilities=(inner.spec.capabilities | {"stochastic"}) - {"local", "grows"},
        exceptions=(*inner.spec.exceptions, EXCEPTION),
    )

    def init(key):
        shared, lane = inner.init(key)
        blank = {v.name: jnp.zeros((capacity, *_shape(v)), _type(v)) for v in spec.observed}
        memory = {"samples": blank, "seen": jnp.zeros((), jnp.int32)}
        memory["next"] = jnp.zeros((), jnp.int32)
        shared = {"inner": shared, "structure": memory, "clock": new_clock()}
        return State(shared, {"inner": lane, "key": named_key(key, "replay")})

    def step(state, observation):
        shared, lane = state
        memory, clock = shared["structure"], shared["clock"]
        sample, whole = _sample(spec, observation)
        mine = observation.learn & whole
        asks, samples = gather(mine), jax.tree.map(gather, sample)
        key = common_key(lane["key"], mine, clock)
        before = State(shared["inner"], lane["inner"])
        after, output = jax.lax.cond(
            jnp.any(asks),
            lambda: _together(inner, before, observation, _drawn(memory, asks, repeats, key)),
            lambda: inner.step(before, observation),
        )
        memory = _store(memory, samples, asks, keep, named_key(key, "store"))
        clock = tick(clock, jnp.any(asks))
        shared = {"inner": after.shared, "structure": memory, "clock": clock}
        return State(shared, lane | {"inner": after.lane}), output

    return system(spec, init, step)


def _shape(variable: Variable) -> tuple[int, ...]:
    """A category is remembered as its number."""
    return variable.shape[:-1] if variable.kind == "categorical" else variable.shape


def _type(variable: Variable):
    return jnp.int32 if variable.kind == "categorical" else variable.dtype


def _sample(spec: Spec, observation):
    """Return a lane's sample by name, and whether it is whole: all known, finite, in bounds."""
    sample, whole = {}, jnp.array(True)
    for v in spec.observed:
        evidence = observation.evidence[v.name]
        value = observed_value(evidence)
        fine = jnp.all(share(evidence) == 1) & jnp.all(jnp.abs(value) <= v.limit)
        whole &= fine  # a comparison with NaN does not hold
        sample[v.name] = jnp.argmax(value, -1) if v.kind == "categorical" else value
    return sample, whole


def _drawn(memory, asks, repeats: int, key):
    """Return ``(samples, learns)`` of (lanes · repeats,) draws for the lanes that ask."""
    capacity = jax.tree.leaves(memory["samples"])[0].shape[0]
    stored = jnp.minimum(memory["seen"], capacity)
    places = (asks.shape[0] * repeats,)
    place = jax.random.randint(named_key(key, "draw"), places, 0, jnp.maximum(stored, 1))
    samples = jax.tree.map(lambda a: a[place], memory["samples"])
    return samples, jnp.repeat(asks, repeats) & (stored > 0)


def _together(inner: System, state: State, observation, drawn):
    """One step of the inner system on the samples of all lanes and the drawn ones together."""
    samples, learns = drawn
    lanes, now = jax.tree.map(_gather, (state.lane, observation))
    own = now.learn.shape[0]
    again = _observed(inner.spec, samples, learns)
    # A remembered sample stands beside the lane that drew it, with chance of its own.
    beside = jax.tree.map(lambda a: _beside(a, learns.shape[0] // own), lanes)
    everyone = State(state.shared, jax.tree.map(_join, lanes, beside))
    lived = jax.vmap(
        inner.step,
        in_axes=(State(None, 0), 0),
        out_axes=(State(None, 0), 0),
        axis_name=LANE,
        axis_size=own + learns.shape[0],
    )
    after, outputs = lived(everyone, jax.tree.map(_join, now, again))
    here = lane_index()
    return State(after.shared, jax.tree.map(lambda a: a[here], after.lane)), jax.tree.map(
        lambda a: a[here], outputs
    )


def _observed(spec: Spec, samples, learns) -> Observation:
    """Return remembered samples as observations: everything clamped, a new episode each."""
    evidence: dict[str, Any] = {}
    for v in spec.observed:
        value = samples[v.name]
        if v.kind == "categorical":
            value = jax.nn.one_hot(value, v.shape[-1], dtype=v.dtype)
        evidence[v.name] = Evidence(value, jnp.full_like(value, jnp.inf), jnp.zeros_like(value))
    modulation: dict[str, Any] = {n: jnp.ones(learns.shape) for n in spec.modulated}
    return Observation(evidence, modulation, learns, jnp.ones(learns.shape, bool))


def _store(memory, samples, asks, keep: str, key):
    """Write the samples of the lanes that ask, in lane order; of two in one place the later."""
    capacity = jax.tree.leaves(memory["samples"])[0].shape[0]
    total = jnp.sum(asks)
    number = memory["seen"] + jnp.cumsum(asks)  # 1 for the first sample of a life
    if keep == "recent":
        place = (memory["next"] + jnp.cumsum(asks) - 1) % capacity
    else:
        lot = jax.random.randint(key, asks.shape, 0, jnp.maximum(number, 1))
        place = jnp.where(number <= capacity, number - 1, lot)
    place = jnp.where(asks, place, capacity)
    later = jnp.triu(place[:, None] == place[None, :], 1).any(1)
    place = jnp.where(later, capacity, place)

    def put(old, new):
        return old.at[place].set(new.astype(old.dtype), mode="drop")

    return {
        "samples": jax.tree.map(put, memory["samples"], samples),
        "seen": jnp.minimum(memory["seen"] + total, SEEN).astype(jnp.int32),
        "next": ((memory["next"] + total) % capacity).astype(jnp.int32),
    }


def _is_key(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _gather(leaf):
    leaf = jnp.asarray(leaf)
    if _is_key(leaf):
        words = gather(jax.random.key_data(leaf))
        return jax.random.wrap_key_data(words, impl=jax.random.key_impl(leaf))
    return gather(leaf)


def _beside(leaf, repeats: int):
    """Repeat every lane's leaf; keys become others."""
    if not _is_key(leaf):
        return jnp.repeat(leaf, repeats, axis=0)
    one = jax.vmap(jax.random.fold_in, (None, 0))
    keys = jax.vmap(lambda key: one(key, jnp.arange(repeats)))(leaf)
    return keys.reshape(-1)


def _join(a, b):
    return jnp.concatenate([jnp.asarray(a), jnp.asarray(b).astype(a.dtype)])


factory("replay")(lambda inner, **sizes: replay(build_inner(inner), **sizes))
