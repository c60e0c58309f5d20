"""Combinators: each takes systems and returns a System.

``minibatch`` (one life, many samples), ``replicate`` (separate lives) and ``hold`` (n ticks for one
observation); ``pipe`` and ``loop``, which join two systems, are in `sodachi.joining`.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from sodachi.errors import SpecError
from sodachi.joining import loop as loop
from sodachi.joining import pipe as pipe
from sodachi.system import LANE, Spec, State, System, arguments, build_inner, factory, system


def minibatch(inner: System, n: int) -> System:
    """Return the system that lives ``n`` samples a step with one set of weights.

    ``vmap`` over ``State(None, 0)`` with a named lane axis. The inner step cannot see other
    samples; only a lift gathers cell signals over the lanes, so a shared quantity that depends on
    a single lane is an error when traced.

    Raises
    ------
    SpecError
        If ``n`` is not a positive integer, or (when traced) if shared state differs by lane.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> net = minibatch(settling_net(layers=(4, 3, 2)), 8)
    >>> net.spec.lanes
    (8,)
    """
    _positive("minibatch n", n)
    spec = _wrapped("minibatch", inner, n=n)
    spec = replace(spec, lanes=(n, *inner.spec.lanes))
    lanes = jax.vmap(
        inner.step,
        in_axes=(State(None, 0), 0),
        out_axes=(State(None, 0), 0),
        axis_name=LANE,
        axis_size=n,
    )

    def init(key):
        shared = inner.init(key).shared
        lane = jax.vmap(lambda k: inner.init(k).lane)(jax.random.split(key, n))
        return State(shared, lane)

    def step(state, observation):
        try:
            return lanes(state, observation)
        except ValueError as error:
            if "out_axes" not in str(error):
                raise
            raise SpecError(
                "shared state", "the same for all lanes (gather through the lift)", str(error)
            ) from error

    return system(spec, init, step, inner.grow)


def replicate(inner: System, n: int) -> System:
    """Return ``n`` separate lives of the system, each with its own weights and key.

    Raises
    ------
    SpecError
        If ``n`` is not a positive integer.
    """
    _positive("replicate n", n)
    spec = replace(_wrapped("replicate", inner, n=n), lanes=(n, *inner.spec.lanes))
    return system(
        spec,
        lambda key: jax.vmap(inner.init)(jax.random.split(key, n)),
        jax.vmap(inner.step),
    )


def hold(inner: System, n: int, every: bool = False) -> System:
    """Return the system that lives ``n`` ticks on each observation.

    Equal, bit for bit, to a stream in which the observation is repeated. The output is the last
    tick's, or with ``every`` all ticks' on a new leading axis. ``first`` is seen by the first tick
    alone.

    Raises
    ------
    SpecError
        If ``n`` is not a positive integer.
    """
    _positive("hold n", n)

    def step(state, observation):
        # Rows that are read and written by index, as in `run`: an observation that the compiler
        # knows to stay the same would be worked on outside the loop, and come out in other bits.
        again = observation._replace(first=jnp.zeros_like(observation.first))
        rows = jax.tree.map(lambda *a: jnp.stack(a), observation, again)
        shapes = jax.eval_shape(inner.step, state, observation)[1]
        kept = max(n, 2) if every else 2
        blank = jax.tree.map(lambda s: jnp.zeros((kept, *s.shape), s.dtype), shapes)

        def tick(i, carry):
            state, outputs = carry
            row = jnp.minimum(i, 1)
            now = jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, row, 0, False), rows)
            state, output = inner.step(state, now)
            return state, jax.tree.map(lambda o, v: o.at[i % kept].set(v), outputs, output)

        state, outputs = jax.lax.fori_loop(0, n, tick, (state, blank))
        return state, jax.tree.map(lambda o: o[:n] if every else o[(n - 1) % kept], outputs)

    return system(_wrapped("hold", inner, n=n, every=every), inner.init, step, inner.grow)


def _positive(field: str, n: Any) -> None:
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        raise SpecError(field, "a positive integer", n)


def _wrapped(name: str, inner: System, **extra: Any) -> Spec:
    inside = json.loads(inner.spec.to_json())
    return replace(inner.spec, factory=name, arguments=arguments(inner=inside, **extra))


factory("minibatch")(lambda inner, n: minibatch(build_inner(inner), n))
factory("replicate")(lambda inner, n: replicate(build_inner(inner), n))
factory("hold")(lambda inner, n, every: hold(build_inner(inner), n, every))
