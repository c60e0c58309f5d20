"""What the cells of a binary dynamic Boltzmann machine remember, weigh and learn at a tick."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from sodachi.core.connections import Dense, Sparse, backward
from sodachi.models.dynamic_memory import (
    Synapses,
    arrived,
    learned,
    optimised,
    pushed,
    travelling,
)
from sodachi.rules.delta import delta
from sodachi.rules.depression import depression


class Settings(NamedTuple):
    """The factory's numbers, and what follows from them (see `dynamic_boltzmann_machine`)."""

    units: int
    delays: tuple[tuple[int | None, ...], ...]
    trace_decays: tuple[float, ...]
    depression_decays: tuple[float, ...]
    rate: float
    optimiser: str
    dtype: str

    @property
    def longest(self) -> int:
        """The longest delay, D: ticks that the queue holds."""
        return max((d for row in self.delays for d in row if d is not None), default=1)

    @property
    def wiring(self) -> Sparse:
        """From the branches (D, n) of the axons to the cells: each pair by its own delay."""
        n = self.units
        rows = tuple(
            tuple(-1 if d is None else (d - 1) * n + i for i, d in enumerate(to_j))
            for to_j in zip(*self.delays, strict=True)
        )
        return Sparse((self.longest, n), (n,), rows)

    @property
    def synapses(self) -> Synapses:
        """Bias, u for every λ and v for every μ, each with its rule."""
        up = optimised(delta(self.rate), self.optimiser, self.rate)
        down = optimised(depression(self.rate), self.optimiser, self.rate)
        own: Synapses = {"bias": (Dense((1,), (self.units,)), up)}
        own |= {f"potentiation_{k}": (self.wiring, up) for k in range(len(self.trace_decays))}
        return own | {
            f"depression_{m}": (self.wiring, down) for m in range(len(self.depression_decays))
        }


def nothing(s: Settings) -> dict[str, Any]:
    """Return what a machine remembers before the first tick of an episode."""
    return {
        "queue": jnp.zeros((s.longest, s.units), s.dtype),
        "arrived": jnp.zeros((len(s.trace_decays), s.longest, s.units), s.dtype),
        "own": jnp.zeros((len(s.depression_decays), s.units), s.dtype),
    }


def log_odds(s: Settings, weights, memory):
    """Return the log-odds of a spike of every cell: bias, what arrived, less what holds down."""
    total = weights["bias"][0]
    for k in range(len(s.trace_decays)):
        total += s.wiring.apply(weights[f"potentiation_{k}"], memory["arrived"][k])
    for m, decay in enumerate(s.depression_decays):
        v = weights[f"depression_{m}"]
        total -= s.wiring.apply(v, travelling(memory["queue"], decay))
        back = _reach(s, decay) * backward(s.wiring, v, memory["own"][m])
        total -= back.sum(0)  # over the branches of each axon
    return total


def _reach(s: Settings, decay: float):
    """What the target's trace loses on its way back along a branch [D, 1]: ``μ^d``."""
    return jnp.asarray(decay ** np.arange(1.0, s.longest + 1), s.dtype)[:, None]


def learn(s: Settings, shared, memory, error, observation):
    """Return weights and synapses one step up the slope, from the cells' errors ``x − P``."""
    post: dict[str, dict] = {name: {"error": error} for name in s.synapses}
    pre: dict[str, dict] = {"bias": {"activity": jnp.ones(1, error.dtype)}}
    for k in range(len(s.trace_decays)):
        pre[f"potentiation_{k}"] = {"activity": memory["arrived"][k]}
    for m, decay in enumerate(s.depression_decays):
        post[f"depression_{m}"] = {"error": error, "trace": memory["own"][m]}
        pre[f"depression_{m}"] = {
            # A branch belongs to its cell, and knows what the cell knows.
            "error": _reach(s, decay) * error,
            "travelling": travelling(memory["queue"], decay),
        }
    return learned(
        s.synapses, shared, post, pre, observation.learn, observation.modulation["synapses"]
    )


def remember(s: Settings, memory, x):
    """Return queue and traces one tick on."""
    queue = pushed(memory["queue"], x)
    decays = jnp.asarray(s.depression_decays, x.dtype)[:, None]
    return {
        "queue": queue,
        "arrived": arrived(memory["arrived"], s.trace_decays, queue),
        "own": decays * (memory["own"] + x),
    }
