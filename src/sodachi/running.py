"""`run`: live a stream of observations, chunk by chunk, in one compiled program.

The loop has a dynamic length over buffers of a fixed shape, so every chunk size runs the same
program and gives the same bits: ``run(a + b)`` equals ``run(a)`` then ``run(b)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.errors import ObservationError, SpecError
from sodachi.observation import check
from sodachi.system import Observation, State, System

Emit = str | Sequence[str] | Callable[[dict[str, Any]], Any]


def run(system: System, emit: Emit = ("energy",), chunk: int = 256):
    """Return ``live(state, observations) -> (state, outputs)``, the scan of ``system.step``.

    ``(state_t+1, output_t) = step(state_t, observation_t)`` for t = 0 .. T−1.

    Parameters
    ----------
    system
        Any System.
    emit
        Names of outputs to keep, or a function of the output dictionary; never everything, since
        copying every estimate out costs more than a small network's step.
    chunk
        Ticks per call of the compiled program. Any number of observations works with one program.

    Returns
    -------
    live
        ``live(state, observations, checked=False)``: observations carry a leading time axis.
        Outputs come back as NumPy arrays with that axis. Raises `ObservationError` before the
        first tick if an observation is bad, so bad input never changes a weight.

    Examples
    --------
    >>> from sodachi.models import settling_net
    >>> from sodachi.observation import observe
    >>> net = settling_net(layers=(4, 3, 2))
    >>> stream = observe(net.spec, steps=3, input=np.ones((3, 4)), label=[0, 1, 0])
    >>> state, outputs = run(net, emit=("energy",))(net.init(0), stream)
    >>> outputs["energy"].shape
    (3,)
    """
    if not isinstance(chunk, int) or chunk < 1:
        raise SpecError("chunk", "a positive integer", chunk)
    choose = _chooser(emit)
    # A buffer of one row would be read without an index, and so be fused into other bits.
    rows = max(chunk, 2)

    @jax.jit
    def program(state: State, buffer: Observation, n):
        def one(i, carry):
            state, kept = carry
            now = jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, i, 0, False), buffer)
            state, output = system.step(state, now)
            kept = jax.tree.map(lambda b, v: b.at[i].set(v), kept, choose(output))
            return state, kept

        first = jax.tree.map(lambda a: a[0], buffer)
        shapes = jax.eval_shape(lambda s, o: choose(system.step(s, o)[1]), state, first)
        kept = jax.tree.map(lambda s: jnp.zeros((rows, *s.shape), s.dtype), shapes)
        return jax.lax.fori_loop(0, n, one, (state, kept))

    def live(state: State, observations: Observation, checked: bool = False):
        if not isinstance(observations, Observation):
            raise ObservationError("observations", "an Observation", type(observations).__name__)
        total = _length(observations)
        if not checked:
            observations = check(system.spec, observations, steps=total)
        pieces = []
        for start in range(0, total, chunk):
            n = min(chunk, total - start)
            state, kept = program(state, _padded(observations, start, n, rows), n)
            pieces.append(jax.tree.map(lambda a, n=n: np.asarray(a)[:n], kept))
        return state, jax.tree.map(lambda *a: np.concatenate(a), *pieces)

    return live


def _chooser(emit: Emit) -> Callable[[dict[str, Any]], Any]:
    if callable(emit):
        return emit
    names = (emit,) if isinstance(emit, str) else tuple(emit)

    def choose(output):
        for name in names:
            if name not in output:
                raise SpecError("emit", f"one of {sorted(output)}", name)
        return {name: output[name] for name in names}

    return choose


def _length(observations: Observation) -> int:
    try:
        length = np.shape(observations.learn)[0]
    except (ValueError, IndexError):  # ragged, or no axis at all
        length = 0
    if length < 1:
        raise ObservationError("observations", "a leading time axis of one or more", "none")
    return length


def _padded(observations: Observation, start: int, n: int, rows: int) -> Observation:
    """A fresh buffer of ``rows`` ticks: never the caller's memory, which it may reuse."""

    def pad(array):
        buffer = np.zeros((rows, *np.shape(array)[1:]), np.asarray(array).dtype)
        buffer[:n] = array[start : start + n]
        return buffer

    return jax.tree.map(pad, observations)
