"""Lives of agents in the changing cart pole: one after the other, and what they earned when."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sodachi.claims.claim import Figures
from sodachi.combinators import loop
from sodachi.observation import observe
from sodachi.system import System
from sodachi.worlds.cart_pole import LIMIT, changing_cart_pole

BLOCKS, WINDOW = 100, 5  # a life in hundredths; the best window is 5 % of it
WIRES: dict[str, Any] = {
    "sense": {"input": "observation", "ended": "ended"},
    "act": {"action": "action"},
    "reward": {"reward": "reward"},
    "first": "first",
}


def life(agent: System, seed: int, steps: int, every: int, anew: bool = False):
    """Return the agent's state at the end, and each hundredth's episodes and steps [100, 2].

    The setting of the world changes after every ``every`` steps; with ``anew`` the agent is born
    again whenever it does.
    """
    system = loop(agent, changing_cart_pole(seed, stretches=steps // every, every=every), **WIRES)
    state, counted = _program(system, steps // BLOCKS, every * BLOCKS // steps if anew else 0)(
        system.init(seed)
    )
    return state, np.asarray(counted, np.float64)


@cache
def _program(system: System, length: int, anew: int):
    nothing = jax.tree.map(jnp.asarray, observe(system.spec))

    def one(carry, _):
        state, counted = carry
        state, out = system.step(state, nothing)
        steps = out["world.steps"]
        return (state, counted + jnp.stack([steps > 0, steps])), None

    def block(carry, i):
        state, newborn = carry
        if anew:
            again = (i % anew == 0) & (i > 0)
            state = _reborn(state, newborn, again)
        (state, counted), _ = jax.lax.scan(
            one, (state, jnp.zeros(2, jnp.int32)), None, length=length
        )
        return (state, newborn), counted

    def whole(state):
        (state, _), counted = jax.lax.scan(block, (state, state), jnp.arange(BLOCKS))
        return state, counted

    return jax.jit(whole)


def _reborn(state, newborn, again):
    """Return the joint state with the agent as it was born; the world goes on."""

    def begin(now, new):
        if jnp.issubdtype(now.dtype, jax.dtypes.prng_key):
            return now  # the same chance again would be the same life again
        return jnp.where(again, new, now)

    lane = (jax.tree.map(begin, state.lane[0], newborn.lane[0]), *state.lane[1:])
    shared = (jax.tree.map(begin, state.shared[0], newborn.shared[0]), state.shared[1])
    return state._replace(shared=shared, lane=lane)


def figures(counted: np.ndarray) -> Figures:
    """Return mean returns (steps of an episode): the best window, the last tenth, the whole life.

    ``kept`` is the last tenth as a part of the best window; ``worst`` the worst tenth after the
    first half.

    Examples
    --------
    >>> counted = np.tile([[2.0, 100.0]], (100, 1))
    >>> counted[90:, 0] = 4.0
    >>> {name: round(value, 3) for name, value in figures(counted).items()}
    {'best': 50.0, 'last': 25.0, 'kept': 0.5, 'whole': 45.455, 'worst': 25.0}
    """
    size = len(counted) // 10
    tenths = [_mean(counted[i * size : (i + 1) * size]) for i in range(10)]
    best = max(_mean(counted[i : i + WINDOW]) for i in range(len(counted) - WINDOW + 1))
    return {
        "best": best,
        "last": tenths[-1],
        "kept": tenths[-1] / best,
        "whole": _mean(counted),
        "worst": min(tenths[5:]),
    }


def _mean(counted) -> float:
    """Mean return of the episodes that ended; of none, an episode that lasted all the time."""
    episodes, steps = counted.sum(0)
    return float(steps / episodes) if episodes else float(LIMIT)
